/* cycle/mark.h: marking with fixed memory: there is no road on which it could run out.
 *
 *   root --> pending bit, and its page into the queue of pages
 *   reference --> edges: a delay line; its side entry is being fetched meanwhile
 *             --> in question until now --> ring: the object is being fetched meanwhile --> its slots
 *                                           '-> ring full: pending bit, and its page into the queue of pages
 *
 * Two short queues hide the two cache misses of an edge (Cher, Hosking, Vitek 2004: prefetch before the
 * stack); what does not fit waits as a bit, and a page hands out its pending objects in address order. */
#ifndef HUSK_CYCLE_MARK_H
#define HUSK_CYCLE_MARK_H

#include "cycle/side.h"
#include "object/search.h"

void husk__marker_begin(struct husk__marker *marker);

/* obj is held from outside: it is no longer in question, and waits to be looked at. Not at once: where everything is
 * held from outside, nothing need be looked at. */
void husk__mark_root(struct husk__marker *marker, husk_obj *obj);

/* obj is not in question and known to live: it waits to be looked at, too. */
void husk__mark_known(struct husk__marker *marker, husk_obj *obj);

/* Marks all that is reachable from the roots so far; ends early when marker->most objects are marked, since then none
 * is left in question. */
void husk__mark_run(struct husk__marker *marker);

/* The same until the deadline (husk__now). True: all is marked. */
bool husk__mark_until(struct husk__marker *marker, uint64_t deadline);

/* The queues are emptied into pending bits and the queue of pages, which bear that the program runs: objects may end
 * and blocks be used again. */
void husk__mark_rest(struct husk__marker *marker);

/* Nothing waits on this page any more, and the queue is given up. */
void husk__mark_clear(struct husk__page *page);

/* A page is about to be given back: nothing waits there any more. */
void husk__mark_gone(struct husk__marker *marker, struct husk__page *page);

#endif
