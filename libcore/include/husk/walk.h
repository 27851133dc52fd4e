/* husk/walk.h: looking at the heap without touching it.
 *
 * A walk changes no count and no list. Dying objects are not shown. The callback gets borrowed objects and
 * must not make, release or store any; to keep one, retain it. It returns false to stop the walk. Threads:
 * the heap's owner. */
#ifndef HUSK_WALK_H
#define HUSK_WALK_H

#include <husk/obj.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef bool husk_walk_fn(husk_obj *obj, void *data);

/* Every live object, weak references included, in address order. */
HUSK_API void husk_heap_each(husk_heap *heap, husk_walk_fn *fn, void *data);

/* Slot `name` of `from` holds `to`. index counts the references of a varying part; name may be NULL. */
typedef struct husk_edge {
    husk_obj *from, *to;
    const char *name;
    size_t index;
} husk_edge;
typedef bool husk_edge_fn(const husk_edge *edge, void *data);

/* What obj refers to, once for each slot, in the order of its type's slots. */
HUSK_API void husk_obj_each_referent(husk_obj *obj, husk_edge_fn *fn, void *data);

/* Who refers to obj: scans the whole heap, frozen and acyclic objects included. */
HUSK_API void husk_obj_each_referrer(husk_obj *obj, husk_edge_fn *fn, void *data);

/* The weak references to obj, as objects (husk_weak_of): the shared one first, then the newest first. */
HUSK_API void husk_obj_each_weak(husk_obj *obj, husk_walk_fn *fn, void *data);

#ifdef __cplusplus
}
#endif

#endif
