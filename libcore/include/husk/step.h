/* husk/step.h: collecting in steps, each within a budget of time.
 *
 * A pass in steps looks at the same objects as husk_heap_collect and ends the same garbage, but lets the program run
 * in between. The first steps only nominate: they read counts and slots while these change, so what they find may be
 * wrong for objects that the program uses, never for what was garbage when the pass began, since nobody can reach
 * that any more. The last steps confirm, some objects at a time: a set whose counts add up from its own slots, with no
 * code of the program in between, is garbage however it was found. So there is no write barrier: plain C stores,
 * uncounted moves and anything else are fine between steps. (Trial deletion: Bacon and Rajan 2001; the two theorems
 * with their argument are in docs/cycles.md.)
 *
 * The bound on a step: its budget, and what cannot be divided: the slots of one object, and confirming and ending a
 * set of garbage whose members hold each other (some 30 to 100 ns for each of them), finalizers not counted.
 * What needs the tables of the pass (another pass, husk_heap_verify, a snapshot, freezing) gives it up; it begins anew.
 * Threads: the heap's owner. */
#ifndef HUSK_STEP_H
#define HUSK_STEP_H

#include <husk/collect.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HUSK_STEP_LEAST_NS 10000u      /* 10 us: below that a step gets nowhere */
#define HUSK_STEP_MOST_NS 10000000000u /* 10 s: more than any whole pass */

/* What one step did. */
typedef struct husk_step {
    bool finished;    /* the pass is over; the next step begins another */
    uint64_t ns;      /* how long it took, finalizers included */
    husk_pass so_far; /* of this pass: when it is finished, what husk_heap_collect would have said */
} husk_step;

/* Goes on with the pass in steps, or begins one, for about budget_ns nanoseconds. May run finalizers and callbacks.
 * HUSK_EBUSY inside a hook: nothing is done. HUSK_ERANGE: a budget outside HUSK_STEP_LEAST_NS to HUSK_STEP_MOST_NS.
 * HUSK_ECORRUPT: as husk_heap_collect; the objects concerned stay. */
HUSK_API husk_status husk_heap_step(husk_heap *heap, uint64_t budget_ns, HUSK_NULLABLE husk_step *out);

/* Automatic passes run in steps of about so many nanoseconds, taken at allocations and safe points and paced so that
 * the pass ends in half of the growth that husk_pacing still allows; 0, the default: at once. Passes start at a factor
 * of at most half of factor_max, for the sake of that room. A pass that has not
 * ended when the heap reaches S + max(least, factor_max x S) + least (objects or bytes; S survived the last pass) is
 * finished at once: the bound on memory is hard, that on pauses is not, and husk_heap_steps counts how often. HUSK_ERANGE: see husk_heap_step. */
HUSK_API husk_status husk_heap_set_pause(husk_heap *heap, uint64_t ns);
HUSK_API uint64_t husk_heap_pause(const husk_heap *heap);

/* Cumulative, since the heap was made. Automatic steps are late by the pause, also those that are longer on purpose. */
typedef struct husk_steps {
    uint64_t begun, finished; /* passes */
    uint64_t given_up;        /* passes: something else needed the tables */
    uint64_t hurried;         /* passes finished at once because the bound on memory was reached */
    uint64_t steps;
    uint64_t late;       /* steps that took more than one and a half times their budget */
    uint64_t longest_ns; /* step */
    uint64_t nominated;  /* objects */
    uint64_t mistaken;   /* of these, those that were alive after all */
    bool under_way;
} husk_steps;
HUSK_API void husk_heap_steps(const husk_heap *heap, husk_steps *out);

/* After how many births, net of deaths by counting, a run over young pages (husk_heap_collect_young) starts by itself.
 * Default 4096; 0: never, as without any automatic pass. Runs without yield make it rarer for a while. HUSK_ERANGE: not 0, and below 64 or above
 * 2^24. */
HUSK_API husk_status husk_heap_set_young(husk_heap *heap, size_t objects);
HUSK_API size_t husk_heap_young(const husk_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
