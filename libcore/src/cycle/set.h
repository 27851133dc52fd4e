/* cycle/set.h: the set that a pass is ending: a pending bit for each member, and their number in each page
 * record.
 *
 * While hooks run, members also carry TF_CONDEMNED, so that a weak lock or a release can tell from the
 * object. */
#ifndef HUSK_CYCLE_SET_H
#define HUSK_CYCLE_SET_H

#include "cycle/side.h"

struct husk__set {
    size_t members, bytes;
    size_t finalizers; /* still to run */
};

/* The set of all unmarked objects (after husk__find). */
void husk__set_make(husk_heap *heap, struct husk__set *set);

/* Flags the members and runs their finalizers in address order; returns how many ran. */
size_t husk__set_finalize(husk_heap *heap);

/* Looks again after user code has run: which members are still held only by members? The others, and all they
 * reach, leave the set alive. One round is exact: no user code runs meanwhile. Returns how many left. */
size_t husk__set_confirm(husk_heap *heap, struct husk__set *set);

/* Ends the set: step 3 of object/death.h. Nothing of it remains; what it held outside is queued in the drain.
 * Returns the weak references cleared. */
size_t husk__set_reclaim(husk_heap *heap);

/* Lets all members live; gives each to fn first. */
void husk__set_spare(husk_heap *heap, void (*fn)(husk_heap *heap, husk_obj *member));

/* Weak references to members. */
size_t husk__set_weaks(const husk_heap *heap);

#endif
