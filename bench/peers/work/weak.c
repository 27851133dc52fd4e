/* weak.c: weak references: made, locked while their object lives, locked when it is gone, and the end of an object that
 * somebody watches. One operation is one weak reference, one lock with the release of what it gave, or one end. */
#include "work.h"

#include <stdlib.h>

/* So many weak references are used in turn: all are in the first cache, no two turns touch one count. */
enum { HOT = 64 };

static void births(sys_obj **objects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        objects[i] = sys_new();
        sys_number(objects[i]) = (int64_t)i;
    }
}

/* What a lock gives, added up; the weak references end. */
static uint32_t lock_all(peer_weak **weaks, size_t count, bool alive)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sys_obj *o = peer_weak_lock(weaks[i]);
        bench_check(alive == (o != NULL), "a lock gives what lives, and only that");
        if (o) {
            sum = work_mix(sum, (uint64_t)sys_number(o));
            sys_release(o);
        }
    }
    return sum;
}

/* The first weak reference to each of many objects; its end and theirs are not timed. */
void work_weak_new(const work *w)
{
    uint32_t sum = 0;
    sys_obj **objects = peer_table(w->size);
    peer_weak **weaks = bench_table(w->size, sizeof(peer_weak *));
    for (unsigned s = 0; s <= w->samples; s++) {
        births(objects, w->size);
        uint64_t start = bench_now();
        for (size_t i = 0; i < w->size; i++)
            weaks[i] = peer_weak_new(objects[i]);
        uint64_t ns = bench_now() - start;
        if (s > 0)
            work_sample(w->row, ns, w->size);
        sum = lock_all(weaks, w->size, true);
        peer_drop(objects, w->size);
        if (SYS_EXACT)
            (void)lock_all(weaks, w->size, false);
        for (size_t i = 0; i < w->size; i++)
            peer_weak_end(weaks[i]);
    }
    free(weaks);
    work_sum(sum);
}

static void measure_lock(const work *w, bool alive)
{
    uint32_t sum = 0;
    sys_obj **objects = peer_table(HOT);
    peer_weak *weaks[HOT];
    births(objects, HOT);
    for (size_t i = 0; i < HOT; i++)
        weaks[i] = peer_weak_new(objects[i]);
    if (!alive)
        peer_drop(objects, HOT);
    size_t turns = (w->size + HOT - 1) / HOT;
    for (unsigned s = 0; s <= w->samples; s++) {
        sum = 0;
        uint64_t start = bench_now();
        for (size_t turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < HOT; i++) {
                sys_obj *o = peer_weak_lock(weaks[i]);
                BENCH_KEEP(o);
                if (o) {
                    sum += (uint32_t)sys_number(o) + 1;
                    sys_release(o);
                }
            }
        }
        uint64_t ns = bench_now() - start;
        if (s > 0)
            work_sample(w->row, ns, turns * HOT);
    }
    work_sum(sum);
}

void work_weak_lock(const work *w)
{
    measure_lock(w, true);
}

void work_weak_dead(const work *w)
{
    measure_lock(w, false);
}

/* Objects with one weak reference each, which has a callback: they end, and the callbacks run. A traced object has no end
 * of its own: there one collection finds them all. */
void work_weak_gone(const work *w)
{
    sys_obj **objects = peer_table(w->size);
    peer_weak **weaks = bench_table(w->size, sizeof(peer_weak *));
    size_t called = 0;
    for (unsigned s = 0; s <= w->samples; s++) {
        size_t before = called, made = (s + 1) * w->size;
        births(objects, w->size);
        for (size_t i = 0; i < w->size; i++)
            weaks[i] = peer_weak_watch(objects[i], &called);
        uint64_t start = bench_now();
        peer_drop(objects, w->size);
        uint64_t ns = bench_now() - start;
        /* Who guesses at references finds some a stretch later. */
        bench_check(SYS_EXACT ? called == made
                              : called - before + 1000 >= w->size / 100 * 99 && called <= made,
                    "each callback runs once");
        if (s > 0)
            work_sample(w->row, ns, w->size);
        for (size_t i = 0; i < w->size; i++)
            peer_weak_end(weaks[i]);
    }
    free(weaks);
    work_sum((uint32_t)w->size);
}
