/* object/plain.h: the short road of death, for objects with nothing but references: no hook, no weak
 * reference, no values, no varying slots. It does what death.c does, in tight loops; whatever is not plain
 * goes back there. */
#ifndef HUSK_OBJECT_PLAIN_H
#define HUSK_OBJECT_PLAIN_H

#include "object/state.h"

/* Dying objects, linked in order; tail is where the next one is to be linked, NULL in an empty chain. */
struct husk__chain {
    husk_obj *first;
    husk__link *tail;
};

/* Ends objects from the front of the drain as long as the first one is plain. */
void husk__drain_plain(husk_heap *heap);

/* death.c: one reference fewer for a child that is not plain, or whose count is odd; if it dies, it joins. */
struct husk__chain husk__drop_rare(husk_heap *heap, husk_obj *child, struct husk__chain chain,
                                   const husk_obj *holder, size_t slot);

/* death.c: a release that is not the plain last one of a heap at rest. */
void husk__release_rare(husk_obj *obj);

#endif
