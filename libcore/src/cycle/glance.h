/* cycle/glance.h: subtract and seed of a search at once: each object is looked at once, not twice.
 *
 * Nothing changes meanwhile, so when an object is met, its own count is taken from its entry, and its references are
 * added to others'. In the end an entry says references seen minus references counted, and seeding reads the table
 * alone, eight entries at a time:
 *
 *   SIDE_ZERO  all have been seen: in question        less  held from outside        more  the heap is damaged
 *
 * Granules in which no object begins stay at SIDE_FRESH and look like the first. LOOK stands where an entry cannot say
 * it: blocks without an object, and counts that are too large, sticky, or kept in a book. There nothing was taken. */
#ifndef HUSK_CYCLE_GLANCE_H
#define HUSK_CYCLE_GLANCE_H

#include "cycle/mark.h"

/* Takes and adds what the objects of a page say, and counts them (found->examined). */
void husk__glance_page(struct husk__page *page, struct husk__found *found);

/* Judges the entries of a page once all pages are done: afterwards OPEN and SIDE_ZERO is in question, OPEN and less
 * is held from outside; returns how many that are. found->corrupt: a slot holds what has died, or more slots than are
 * counted hold an object. */
size_t husk__glance_judge(struct husk__page *page, struct husk__found *found);

/* Marks those that are held, as husk__mark_root. */
void husk__glance_roots(struct husk__page *page, struct husk__marker *marker);

#endif
