/* cycle/mark.h: marking with fixed memory: there is no road on which it could run out.
 *
 *   reference --> edges: a delay line; its side entry is being fetched meanwhile
 *             --> marked for the first time --> ring: the object is being fetched meanwhile --> its slots
 *                                           '-> ring full: pending bit, and its page into the queue of pages
 *
 * Two short queues hide the two cache misses of an edge (Cher, Hosking, Vitek 2004: prefetch before the
 * stack); what does not fit waits as a bit, and a page hands out its pending objects in address order. */
#ifndef HUSK_CYCLE_MARK_H
#define HUSK_CYCLE_MARK_H

#include "cycle/side.h"

enum { MARK_EDGES = 32, MARK_RING = 128 };

struct husk__marker {
    husk_obj *edges[MARK_EDGES];
    husk_obj *ring[MARK_RING];
    unsigned edge_at, ring_first, ring_count;
    struct husk__page *page_first, *page_last;
    size_t marked; /* objects marked so far */
    bool inside;   /* mark only condemned objects */
};

void husk__marker_begin(struct husk__marker *marker, bool inside);

/* obj is held from outside: marks it. */
void husk__mark_root(struct husk__marker *marker, husk_obj *obj);

/* Marks all that is reachable from the roots so far. */
void husk__mark_run(struct husk__marker *marker);

#endif
