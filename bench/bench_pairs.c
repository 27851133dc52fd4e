/* bench_pairs.c: garbage of 10^6 objects in pairs that hold each other, found and reclaimed by one full
 * collection. One operation is one object. */
#include "bench.h"
#include "system.h"

void bench_pairs(const bench *b)
{
    for (unsigned s = 0; s <= b->samples; s++) {
        if (s == 0)
            (void)sys_collect(); /* what the system itself left behind when it started */
        for (size_t i = 0; i < b->objects / 2; i++) {
            sys_obj *one = sys_new(), *other = sys_new();
            sys_set(one, 0, other);
            sys_take(other, 0, one);
            sys_release(other);
        }
        uint64_t start = bench_now();
        size_t collected = sys_collect();
        sys_reclaim();
        uint64_t ns = bench_now() - start;
        /* A conservative collector may keep a few, with their block, for what looks like a pointer to
         * them, and may find older ones that it kept before. */
        bench_check(SYS_EXACT ? collected == b->objects : collected + 1000 >= b->objects / 100 * 99,
                    "the pairs are collected");
        if (s > 0)
            bench_sample(b, ns, b->objects);
    }
}
