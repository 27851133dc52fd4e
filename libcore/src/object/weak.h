/* object/weak.h: the inside of a weak reference, and its end.
 *
 *   target != NULL: its target knows it: as the lone one (object/cell.h), as the shared one of its cell, or, with
 *                   callback, in that one's list by next and back
 *   target == NULL: ended. In the queue of events by next: with TF_EVENT to call fn (the queue holds one count),
 *                   with TF_QUEUED to call data_free and give the block back. */
#ifndef HUSK_OBJECT_WEAK_H
#define HUSK_OBJECT_WEAK_H

#include "object/state.h"

#define TF_EVENT (1u << 23)

struct husk_weak {
    struct husk_obj head;
    husk_obj *target;
    /* only in types with callback */
    husk_weak *next;
    husk_weak **back;
    husk_weak_fn *fn;
    void *data;
    husk_free_fn *data_free;
};

/* A weak reference of a type with callback, also of a larger one that begins with it. type NULL: out of memory. On
 * failure data_free has been called. */
husk_weak *husk__weak_make(husk_obj *obj, const husk_type *type, husk_weak_fn *on_gone, void *data,
                           husk_free_fn *data_free);

/* The lone weak reference of an object, whose header says that it has one. */
ALWAYS_INLINE husk_weak *husk__lone_of(const husk_obj *obj)
{
    uint64_t low = (uint64_t)obj->cell << 33 >> (33 - 3); /* without the mark */
    return (husk_weak *)(uintptr_t)(((uint64_t)(uintptr_t)obj >> 34 << 34) | low);
}

/* Sees to it that obj has a cell of its own; a lone weak reference goes into it. NULL: store->failure. */
struct husk__cell *husk__cell_ready(husk_heap *heap, husk_obj *obj);

/* Of all types of weak references only the plain one has no callback. */
ALWAYS_INLINE bool husk__weak_has_call(const husk_weak *weak)
{
    return (weak->head.tf & TF_TYPE) != HUSK__PLAIN_WEAK;
}

/* Its target lives, and shall know it no longer. */
void husk__weak_leave(husk_heap *heap, husk_weak *weak);

/* Its count is zero: leaves its target's list. True: its data_free waits as an event, and its block too. */
bool husk__weak_end(husk_heap *heap, husk_weak *weak);

void husk__event_add(husk_heap *heap, husk_weak *weak);
/* Takes the first event and runs it. */
void husk__event_run(husk_heap *heap);

#endif
