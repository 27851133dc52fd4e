/* bench_count.c: one retain and one release of a living object, hot. One operation is the pair. */
#include "bench.h"
#include "system.h"

void bench_count(const bench *b)
{
    sys_obj *o = sys_new();
    sys_number(o) = 7;
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        for (size_t i = 0; i < b->turns; i++) {
            sys_retain(o);
            BENCH_KEEP(o);
            sys_release(o);
            BENCH_KEEP(o);
        }
        uint64_t ns = bench_now() - start;
        if (s > 0)
            bench_sample(b, ns, b->turns);
    }
    bench_check(sys_number(o) == 7, "the object lives on after as many releases as retains");
    sys_end(o);
}
