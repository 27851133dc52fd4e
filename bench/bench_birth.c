/* bench_birth.c: alloc and free, one object at a time and in a ring of 1000. One operation is one of each. */
#include "bench.h"
#include "system.h"

enum { RING = 1000 };

void bench_birth(const bench *b)
{
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        for (size_t i = 0; i < b->turns; i++) {
            sys_obj *o = sys_new();
            BENCH_KEEP(o);
            sys_end(o);
        }
        uint64_t ns = bench_now() - start;
        if (s > 0)
            bench_sample(b, ns, b->turns);
    }
}

/* Each turn ends the object that is 1000 births old and puts a new one in its place. */
void bench_ring(const bench *b)
{
    static sys_obj *ring[RING];
    for (size_t i = 0; i < RING; i++)
        ring[i] = sys_new();
    size_t turns = b->turns / RING;
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        for (size_t turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < RING; i++) {
                sys_end(ring[i]);
                sys_obj *o = sys_new();
                BENCH_KEEP(o);
                ring[i] = o;
            }
        }
        uint64_t ns = bench_now() - start;
        if (s > 0)
            bench_sample(b, ns, turns * RING);
    }
    for (size_t i = 0; i < RING; i++)
        sys_end(ring[i]);
}
