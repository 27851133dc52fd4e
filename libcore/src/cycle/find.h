/* cycle/find.h: which objects are held only by each other? Pure: reads the heap, writes only side table and
 * pending bits, frees nothing, asks for no memory.
 *
 *   open: all are in question --> subtract: count every reference seen (at once: less the object's own count) --> seed:
 *   fewer seen than counted means held from outside --> mark all that those reach --> what is still in question is
 *   garbage, exactly
 *
 * Trial deletion (Lins 1992; Bacon and Rajan 2001), with the counts of the trial beside the objects. It is exact for
 * any set of pages: what is referred to from elsewhere looks held. Page by page, so that it can stop and go on. */
#ifndef HUSK_CYCLE_FIND_H
#define HUSK_CYCLE_FIND_H

#include "cycle/mark.h"
#include "cycle/pages.h"

/* The heap's search begins: heap->search.pages says where. What was under way in steps is given up. */
void husk__search_begin(husk_heap *heap, bool steps);

/* Goes on until garbage is known (SEARCH_FOUND; true) or the deadline (husk__now) is reached; 0: none. */
bool husk__search_run(husk_heap *heap, uint64_t deadline);

/* Ends it, wherever it stands: every entry of its pages is zero again. */
void husk__search_end(husk_heap *heap);

/* Searches all of the heap, or the young pages, at once. Afterwards OPEN is set exactly for garbage, bare keys of
 * weak-key maps included; husk__search_end, or husk__set_make, puts that away. */
void husk__find(husk_heap *heap, struct husk__found *found);
void husk__find_young(husk_heap *heap, struct husk__found *found);

/* The same as if the references that proxies of a host own did not exist: proxied has one entry for each. */
void husk__find_without(husk_heap *heap, husk_obj *const *proxied, size_t count, struct husk__found *found);

/* Of the latest search: takes out of question garbage whose death runs user code, and all that it reaches; returns how
 * many objects that were. of_set: only pages with members are looked at. */
size_t husk__find_loud(husk_heap *heap, const struct husk__pages *pages, bool of_set);

/* Subtract alone, over every page: afterwards husk__side_total reads the number of references to each object. The
 * caller ends that with husk__side_end. */
void husk__find_counts(husk_heap *heap);

#endif
