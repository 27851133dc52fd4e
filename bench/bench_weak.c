/* bench_weak.c: weak references: made, locked while their object lives, locked when it is gone. One
 * operation is one weak reference made, or one lock with the release of what it gave. */
#include "bench.h"
#include "system.h"

#include <stdlib.h>

/* So many weak references are used in turn: all are in the first cache, no two turns touch one count. */
enum { HOT = 64 };

/* The first weak reference to each of many objects; its end and theirs are not timed. */
void bench_weak_new(const bench *b)
{
    size_t count = b->objects / 10;
    sys_obj **objects = bench_table(count, sizeof *objects);
    sys_weak **weaks = bench_table(count, sizeof *weaks);
    for (unsigned s = 0; s <= b->samples; s++) {
        for (size_t i = 0; i < count; i++)
            objects[i] = sys_new();
        uint64_t start = bench_now();
        for (size_t i = 0; i < count; i++)
            weaks[i] = sys_weak_new(objects[i]);
        uint64_t ns = bench_now() - start;
        if (s > 0)
            bench_sample(b, ns, count);
        for (size_t i = 0; i < count; i++) {
            sys_obj *o = sys_weak_lock(weaks[i]);
            bench_check(o == objects[i], "a lock gives the object");
            sys_release(o);
            sys_end(o);
            bench_check(!sys_weak_lock(weaks[i]), "a lock gives nothing when the object is gone");
            sys_weak_end(weaks[i]);
        }
    }
    free(weaks);
    free(objects);
}

static void measure_lock(const bench *b, bool alive)
{
    sys_obj *objects[HOT];
    sys_weak *weaks[HOT];
    for (size_t i = 0; i < HOT; i++) {
        objects[i] = sys_new();
        weaks[i] = sys_weak_new(objects[i]);
        if (!alive)
            sys_end(objects[i]);
    }
    size_t turns = b->turns / HOT;
    for (unsigned s = 0; s <= b->samples; s++) {
        size_t locked = 0;
        uint64_t start = bench_now();
        for (size_t turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < HOT; i++) {
                sys_obj *o = sys_weak_lock(weaks[i]);
                BENCH_KEEP(o);
                if (o) {
                    locked++;
                    sys_release(o);
                }
            }
        }
        uint64_t ns = bench_now() - start;
        bench_check(locked == (alive ? turns * HOT : 0), "locks give what lives, and only that");
        if (s > 0)
            bench_sample(b, ns, turns * HOT);
    }
    for (size_t i = 0; i < HOT; i++) {
        if (alive)
            sys_end(objects[i]);
        sys_weak_end(weaks[i]);
    }
}

void bench_weak_lock(const bench *b)
{
    measure_lock(b, true);
}

void bench_weak_dead(const bench *b)
{
    measure_lock(b, false);
}
