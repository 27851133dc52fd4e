/* object/pacestate.h: what cycle/pace.c and its neighbours know between two passes: a part of struct husk_heap.
 *
 *   set (settings) --> factor (cycle/adapt.c) --> with base: the limits (cycle/pace.c) --> triggers of the store
 *   stress, disabled holders, a region without passes: they replace the limits
 *
 * The triggers are those that husk__pace_set chose last, or later ones (husk__pace_due): whoever changes one of the
 * parts calls it. */
#ifndef HUSK_OBJECT_PACESTATE_H
#define HUSK_OBJECT_PACESTATE_H

#include <husk/collect.h>

enum { MOST_HOLDERS = 64 };

/* The time of the last automatic passes: each with the time since the one before ended. */
struct husk__times {
    uint64_t pass_ns[HUSK_TIME_PASSES], gap_ns[HUSK_TIME_PASSES];
    unsigned count, next;
    uint64_t last_end; /* of an automatic pass; of the making of the heap before the first */
};

struct husk__stress {
    husk_stress set;
    uint64_t left;  /* allocations up to the next pass */
    uint64_t state; /* of the random numbers */
};

struct husk__soft {
    husk_soft_limit now;
    size_t look_at; /* a look is due when more bytes than these are taken */
    uint64_t owed;  /* the bucket: time of automatic passes that the program has not had yet, at `since` */
    uint64_t since; /* the end of the last full pass */
};

struct husk__region {
    husk_region now;
    bool begun; /* and not yet ended by husk_heap_no_gc_end */
    size_t base_blocks, base_bytes;
};

struct husk__pace {
    husk_pacing set;
    double factor; /* in force, set.factor <= factor <= set.factor_max */
    husk_factor_why why;
    unsigned poor;      /* passes in a row that found next to nothing */
    size_t base_blocks; /* what survived the last pass */
    size_t base_bytes;
    husk_reason reason; /* why the triggers were passed */
    /* What may become the base: without what hooks make while a pass runs, which it has not looked at. SIZE_MAX: all. */
    size_t most_blocks, most_bytes;

    struct husk__times times;
    double object_ns, yield;
    uint64_t last_ns, automatic, automatic_examined;
    size_t deferred; /* garbage that the last pass left for a safe point */
    bool corrupt;    /* the last pass freed nothing */

    struct husk__soft soft;
    struct husk__region region;
    struct husk__stress stress;
    const char *holders[MOST_HOLDERS];
    size_t disabled;
};

#endif
