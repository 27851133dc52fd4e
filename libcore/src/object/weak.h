/* object/weak.h: the inside of a weak reference, and its end.
 *
 *   target != NULL: in the list of the target's cell by next and back
 *   target == NULL: ended. In the queue of events by next: with TF_EVENT to call fn (the queue holds one count),
 *                   with TF_QUEUED to call data_free and give the block back. */
#ifndef HUSK_OBJECT_WEAK_H
#define HUSK_OBJECT_WEAK_H

#include "object/state.h"

#define TF_EVENT (1u << 23)

struct husk_weak {
    struct husk_obj head;
    husk_obj *target;
    husk_weak *next;
    husk_weak **back;
    /* only in the type with callback */
    husk_weak_fn *fn;
    void *data;
    husk_free_fn *data_free;
};

/* A weak reference of a type with callback, also of a larger one that begins with it. type NULL: out of memory. On
 * failure data_free has been called. */
husk_weak *husk__weak_make(husk_obj *obj, const husk_type *type, husk_weak_fn *on_gone, void *data,
                           husk_free_fn *data_free);

bool husk__weak_has_call(const husk_weak *weak);

/* Its count is zero: leaves its target's list. True: its data_free waits as an event, and its block too. */
bool husk__weak_end(husk_heap *heap, husk_weak *weak);

void husk__event_add(husk_heap *heap, husk_weak *weak);
/* Takes the first event and runs it. */
void husk__event_run(husk_heap *heap);

#endif
