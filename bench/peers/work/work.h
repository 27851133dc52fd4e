/* work.h: the work that is measured, for every system that a C program can link.
 *
 * PEER_SYSTEM names a header that gives what ../../system.h says of SYS_COLLECTS and SYS_EXACT, sys_obj,
 * sys_about, sys_start, sys_new, sys_number, sys_ref, sys_set, sys_take, sys_end, sys_end_list, sys_release,
 * sys_collect and sys_reclaim, and besides:
 *
 *   PEER_TREES, PEER_WEAK, PEER_STEPS    1 or 0: which rows make sense
 *   peer_table(count), peer_table_end(table)   places for references; what lies there holds, as the program does
 * with SYS_COLLECTS
 *   peer_automatic(on)                   collections start by themselves, as they do where nobody tunes them
 *   peer_settle(o)                       before a full collection of a heap that lives: what makes a collector that
 *                                        starts from suspects look at o and at all that it holds
 * with PEER_TREES
 *   peer_branch, peer_branch_new()       an object with three references and one integer
 *   peer_branch_number(t), peer_branch_ref(t, k), peer_branch_take(t, k, value)
 *   peer_branch_set(t, k, value)         as sys_set
 *   peer_branch_end(t)                   the program's reference goes
 * with PEER_WEAK
 *   peer_weak, peer_weak_new(o), peer_weak_lock(w), peer_weak_end(w)   as in system.h
 *   peer_weak_watch(o, count)            a weak reference that adds one to *count when o is gone
 *   peer_drop(table, count)              the program's references go, and so do the objects
 * with PEER_STEPS
 *   peer_steps_begin(budget), peer_step(budget)   automatic collection is in steps, too; one step, ns
 *   peer_bound_kept(live)                what is said of the garbage is true, where so many objects live
 *
 * The same rows stand in the folders of the other languages, written there as one writes there. All print
 * a sum of what they saw in the objects, which run.lua compares: who skips work is found out. */
#ifndef PEERS_WORK_H
#define PEERS_WORK_H

#include "bench.h"
#include PEER_SYSTEM

typedef struct work {
    const char *row;
    size_t size;      /* objects; of trees, the depth */
    unsigned samples; /* in this process */
} work;

typedef void work_fn(const work *w);

work_fn work_held, work_live, work_aged;
work_fn work_pairs, work_circle;
work_fn work_trees;
work_fn work_churn, work_pauses, work_steps;
work_fn work_birth, work_ring, work_list;
work_fn work_weak_new, work_weak_lock, work_weak_dead, work_weak_gone;
work_fn work_bytes;

/* Prints a figure; nanoseconds for one of so many operations; the sum. */
void work_figure(const char *name, double value);
void work_sample(const char *name, uint64_t ns, size_t operations);
void work_sum(uint32_t sum);

/* The most that was ever resident in this process, bytes. */
double work_peak(void);

/* Time that this thread has run, ns: what others do on the machine is no pause of ours. */
uint64_t work_thread_time(void);

/* A number below `below` (at most 2^31). Marsaglia's xorshift of 32 bits: it needs no product beyond 63 bits, so that
 * every language here has the same sequence at the same small cost. */
typedef struct work_random {
    uint32_t state; /* not 0 */
} work_random;

static inline uint32_t work_below(work_random *random, size_t below)
{
    uint32_t x = random->state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    random->state = x;
    return (uint32_t)((uint64_t)x * below >> 32);
}

static inline uint32_t work_mix(uint32_t sum, uint64_t number)
{
    return sum * 31 + (uint32_t)number;
}

#if SYS_COLLECTS
#include "graph.h"

/* The graph of bench/graph.h, held by the program; the same in every language. */
void work_graph_build(graph *g, size_t count, bool aged);
/* The sum over all that the root reaches, in breadth-first order; wants `count` objects. */
uint32_t work_graph_sum(sys_obj *root, size_t count);
#endif

#endif
