/* object/search.h: what a search for garbage keeps while it is under way; it may stop between two pages and go on
 * later. The heap has one; cycle/ works on it. */
#ifndef HUSK_OBJECT_SEARCH_H
#define HUSK_OBJECT_SEARCH_H

#include "object/header.h"
#include "store/walk.h"

/* The pages that a search or a set is about. */
struct husk__pages {
    bool all; /* of the heap; else those of the list */
    unsigned count;
    struct husk__page *list[HUSK__MOST_YOUNG]; /* by address */
};

/* Where one is among them. */
struct husk__pages_walk {
    const struct husk__pages *pages;
    unsigned next; /* in the list */
    struct husk__page_walk walk;
    const void *passed; /* inside the latest page of the heap */
};

enum { MARK_EDGES = 32, MARK_RING = 128 };

/* Where marking stands in its two queues; apart from them, so that a loop can keep it in registers. */
struct husk__cursor {
    unsigned edge_at, ring_first, ring_count;
    size_t marked; /* objects marked so far */
};

/* See cycle/mark.h. */
struct husk__marker {
    husk_obj *edges[MARK_EDGES];
    husk_obj *ring[MARK_RING];
    struct husk__cursor at;
    struct husk__page *page_first, *page_last;
    size_t roots;  /* calls of husk__mark_root */
    size_t most;   /* there are no more to be marked; SIZE_MAX: not known */
};

struct husk__found {
    size_t examined;         /* live tracked objects that are not frozen */
    size_t garbage;          /* of these, not reachable from outside */
    size_t held;             /* of these, held from outside themselves */
    uint32_t kinds;          /* flags of the types of these, at least */
    const husk_obj *corrupt; /* has more references than its count, or is dead; then nothing else is known */
    uint64_t seen;           /* how many */
};

/* In this order; one about some pages, or at once, ends with SEARCH_FOUND. */
enum husk__search_phase {
    SEARCH_NONE = 0, /* none is under way: every entry of the side table is zero */
    SEARCH_OPEN,
    SEARCH_SUBTRACT,
    SEARCH_SEED,
    SEARCH_ROOTS, /* not in steps: there seeding marks them */
    SEARCH_MARK,
    SEARCH_FOUND,
    /* in steps only (cycle/step.c) */
    SEARCH_AGAIN,   /* what was born on pages that had been seeded holds what it refers to */
    SEARCH_NAME,    /* what is still in question is nominated */
    SEARCH_CONFIRM, /* some pages at a time */
    SEARCH_GATHER,  /* what is left of it is counted */
    SEARCH_REST,    /* and confirmed as a whole */
    SEARCH_CLOSE,   /* entries become zero again */
};

struct husk__search {
    enum husk__search_phase phase;
    bool steps; /* the program runs meanwhile: counts may be wrong, and only confirming may judge */
    struct husk__pages pages;
    struct husk__pages_walk at;
    struct husk__marker marker;
    struct husk__found found;
};

#endif
