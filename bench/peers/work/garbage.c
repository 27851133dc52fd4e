/* garbage.c: garbage in pairs that hold each other, or in one ring, found and reclaimed by one full collection. One
 * operation is one object. */
#include "work.h"

static uint32_t make_pairs(size_t objects)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < objects / 2; i++) {
        sys_obj *one = sys_new(), *other = sys_new();
        sys_number(one) = (int64_t)(2 * i);
        sys_number(other) = (int64_t)(2 * i + 1);
        sys_set(one, 0, other);
        sum = work_mix(sum, (uint64_t)(sys_number(one) + sys_number(other)));
        sys_take(other, 0, one);
        sys_release(other);
    }
    return sum;
}

static uint32_t make_circle(size_t objects)
{
    uint32_t sum = 0;
    sys_obj *first = sys_new(), *last = first;
    for (size_t i = 1; i < objects; i++) {
        sys_obj *o = sys_new();
        sys_number(o) = (int64_t)i;
        sum = work_mix(sum, (uint64_t)sys_number(o));
        sys_take(o, 0, last);
        last = o;
    }
    sys_set(first, 0, last);
    sys_release(last);
    return sum;
}

static void measure(const work *w, uint32_t (*make)(size_t objects))
{
    uint32_t sum = 0;
    size_t count = w->size / 2 * 2;
    (void)sys_collect(); /* what the system itself left behind when it started */
    for (unsigned s = 0; s <= w->samples; s++) {
        sum = make(count);
        uint64_t start = bench_now();
        size_t collected = sys_collect();
        sys_reclaim();
        uint64_t ns = bench_now() - start;
        /* A conservative collector may keep some for what looks like a pointer to them: of one ring, that is all. */
        bench_check(SYS_EXACT ? collected == count
                              : make == make_circle || collected + 1000 >= count / 100 * 99,
                    "the garbage is collected");
        if (s > 0)
            work_sample(w->row, ns, count);
    }
    work_sum(sum);
}

void work_pairs(const work *w)
{
    measure(w, make_pairs);
}

void work_circle(const work *w)
{
    measure(w, make_circle);
}
