/* short.c: alloc and free, one object at a time and in a ring of 1000; a list built, and dropped. One operation is one
 * object. */
#include "work.h"

enum { RING = 1000 };

void work_birth(const work *w)
{
    uint32_t sum = 0;
    for (unsigned s = 0; s <= w->samples; s++) {
        sum = 0;
        uint64_t start = bench_now();
        for (size_t i = 0; i < w->size; i++) {
            sys_obj *o = sys_new();
            sys_number(o) = (int64_t)i;
            BENCH_KEEP(o);
            sum += (uint32_t)sys_number(o);
            sys_end(o);
        }
        uint64_t ns = bench_now() - start;
        if (s > 0)
            work_sample(w->row, ns, w->size);
    }
    work_sum(sum);
}

/* Each turn ends the object that is 1000 births old and puts a new one in its place. */
void work_ring(const work *w)
{
    static sys_obj *ring[RING];
    uint32_t sum = 0;
    size_t turns = (w->size + RING - 1) / RING;
    for (size_t i = 0; i < RING; i++) {
        ring[i] = sys_new();
        sys_number(ring[i]) = 0;
    }
    for (unsigned s = 0; s <= w->samples; s++) {
        sum = 0;
        uint64_t start = bench_now();
        for (size_t turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < RING; i++) {
                sum += (uint32_t)sys_number(ring[i]);
                sys_end(ring[i]);
                sys_obj *o = sys_new();
                sys_number(o) = (int64_t)i;
                BENCH_KEEP(o);
                ring[i] = o;
            }
        }
        uint64_t ns = bench_now() - start;
        if (s > 0)
            work_sample(w->row, ns, turns * RING);
    }
    for (size_t i = 0; i < RING; i++)
        sys_end(ring[i]);
    work_sum(sum);
}

static sys_obj *head; /* lies where a conservative collector looks */

static void list_build(size_t nodes)
{
    for (size_t i = 0; i < nodes; i++) {
        sys_obj *o = sys_new();
        sys_number(o) = (int64_t)i;
        if (head)
            sys_take(o, 0, head);
        head = o;
    }
}

void work_list(const work *w)
{
    uint32_t sum = 0;
    for (unsigned s = 0; s <= w->samples; s++) {
        uint64_t start = bench_now();
        list_build(w->size);
        uint64_t built = bench_now() - start;
        sum = 0;
        for (sys_obj *o = head; o; o = sys_ref(o, 0))
            sum = work_mix(sum, (uint64_t)sys_number(o));
        sys_obj *last = head;
        head = NULL;
        start = bench_now();
        sys_end_list(last);
        uint64_t dropped = bench_now() - start;
        if (s > 0) {
            work_sample("list_build", built, w->size);
            work_sample("list_drop", dropped, w->size);
        }
    }
    work_sum(sum);
}
