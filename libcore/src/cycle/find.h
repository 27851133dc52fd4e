/* cycle/find.h: which objects are held only by each other? Pure: reads the heap, writes only side table and
 * pending bits, frees nothing, asks for no memory.
 *
 *   clear the side table --> subtract: count every reference seen --> seed: fewer seen than counted means held from
 *   outside --> mark all that those reach --> what is not marked is garbage, exactly
 *
 * Trial deletion (Lins 1992; Bacon and Rajan 2001), with the counts of the trial beside the objects. */
#ifndef HUSK_CYCLE_FIND_H
#define HUSK_CYCLE_FIND_H

#include "cycle/mark.h"

struct husk__found {
    size_t examined;         /* live tracked objects that are not frozen */
    size_t garbage;          /* of these, not reachable from outside */
    const husk_obj *corrupt; /* has more references than its count, or is dead; then nothing else is known */
    uint64_t seen;           /* how many */
};

/* Afterwards MARK is clear exactly for garbage, bare keys of weak-key maps included. */
void husk__find(husk_heap *heap, struct husk__found *found);

/* The same as if the references that proxies of a host own did not exist: proxied has one entry for each. */
void husk__find_without(husk_heap *heap, husk_obj *const *proxied, size_t count, struct husk__found *found);

/* Marks garbage whose death runs user code, and all that it reaches; returns how many objects that were. */
size_t husk__find_loud(husk_heap *heap);

/* Subtract alone, over every page: afterwards each entry is the number of references to its object. */
void husk__find_counts(const husk_heap *heap);

#endif
