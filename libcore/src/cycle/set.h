/* cycle/set.h: the set that a pass is ending: a pending bit for each member, and their number in each page
 * record.
 *
 * While hooks run, members also carry TF_CONDEMNED, so that a weak lock or a release can tell from the
 * object. */
#ifndef HUSK_CYCLE_SET_H
#define HUSK_CYCLE_SET_H

#include "cycle/find.h"

struct husk__set {
    const struct husk__pages *pages; /* where its members are; NULL: nowhere, it has been ended or spared */
    size_t members, bytes;
    size_t finalizers; /* still to run */
};

/* None of the page's blocks is a member any more. */
static inline void husk__members_clear(struct husk__page *page)
{
    husk__mark_clear(page);
    page->members = 0;
}

/* The set of all that is in question after the heap's latest search, on its pages. A list of pages shrinks to those with
 * members, since others may go away while hooks run. Ends the search. */
void husk__set_make(husk_heap *heap, struct husk__set *set);

/* Of a search in steps. What is nominated on these pages, which their `members` tell, is in question, with a count of
 * zero; returns how much that is. Then husk__settle; then the set of what still is: what is not stays nominated. */
size_t husk__set_open(husk_heap *heap, const struct husk__pages *pages);
void husk__set_settled(husk_heap *heap, struct husk__pages *pages, struct husk__set *set);

/* Flags the members and runs their finalizers in address order; returns how many ran. */
size_t husk__set_finalize(husk_heap *heap, const struct husk__set *set);

/* Looks again after user code has run: which members are still held only by members? The others, and all they
 * reach, leave the set alive. One round is exact: no user code runs meanwhile. Returns how many left. */
size_t husk__set_confirm(husk_heap *heap, struct husk__set *set);

/* Ends the set: step 3 of object/death.h. Nothing of it remains; what it held outside is queued in the drain.
 * Returns the weak references cleared. reclaim.c. */
size_t husk__set_reclaim(husk_heap *heap, const struct husk__set *set);

/* Lets all members live; gives each to fn first. */
void husk__set_spare(husk_heap *heap, const struct husk__set *set,
                     void (*fn)(husk_heap *heap, husk_obj *member));

/* Weak references to members. */
size_t husk__set_weaks(const husk_heap *heap, const struct husk__set *set);

/* What of these pages is in question stays so only if nothing else holds it than what is in question there, counts
 * being zero before: the core of confirming. Returns how many objects turned out to be held. seen more often than
 * counted: *corrupt, unless it is NULL. */
size_t husk__settle(husk_heap *heap, const struct husk__pages *pages, const husk_obj **corrupt,
                    uint64_t *seen);

#endif
