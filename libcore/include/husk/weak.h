/* husk/weak.h: references that do not keep their object alive.
 *
 * A weak reference answers one question: may I still have it? From the moment an object is condemned the
 * answer is no, also inside its own finalizer; if a finalizer brings the object back, it is yes again. So
 * a container drops an entry when husk_weak_state says HUSK_DEAD, not when a lock answers NULL. A
 * husk_weak is itself a counted object and may be stored in slots (husk_weak_obj). Threads: the heap's
 * owner. */
#ifndef HUSK_WEAK_H
#define HUSK_WEAK_H

#include <husk/inline.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs when the object's memory is back and the heap is whole. Gets the weak reference, never the object. */
typedef void husk_weak_fn(husk_weak *weak, void *data);

/* A weak reference to obj; NULL when out of memory, and obj is unharmed. Without on_gone and data_free,
 * one is shared by all who ask, and data is not kept; else each call makes another. on_gone runs at most
 * once, only if the weak reference is still held by somebody then, newest first for one object, objects in
 * the order of their death. data_free(data) follows when the weak reference ends, or at once if this call
 * fails. */
HUSK_API HUSK_NEW husk_weak *husk_weak_new(husk_obj *obj, HUSK_NULLABLE husk_weak_fn *on_gone, void *data,
                                           HUSK_NULLABLE husk_free_fn *data_free);

/* The object, retained for the caller, or NULL if it is gone or condemned. Cannot fail otherwise. */
HUSK_API HUSK_NEW HUSK_NULLABLE husk_obj *husk_weak_lock(husk_weak *weak);

typedef enum husk_weak_state {
    HUSK_DEAD = 0, /* gone for good */
    HUSK_DYING,    /* condemned; may come back */
    HUSK_ALIVE,
} husk_weak_state;

/* Which of the three; takes no reference. */
HUSK_API husk_weak_state husk_weak_state_get(const husk_weak *weak);

/* The data given to husk_weak_new, until the weak reference ends. */
HUSK_API void *husk_weak_data(const husk_weak *weak);

/* The weak reference as an object, to store in slots or to retain; the same pointer, borrowed. */
static inline HUSK_BORROWED husk_obj *husk_weak_obj(husk_weak *weak)
{
    return (husk_obj *)(void *)weak;
}

/* The weak reference that this object is, or NULL if it is of another type. Borrowed. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_weak *husk_weak_of(husk_obj *obj);

/* Ends the caller's hold on the weak reference; NULL is fine. Its object is not touched. */
static inline void husk_weak_release(HUSK_NULLABLE husk_weak *weak)
{
    if (weak)
        husk_obj_release(husk_weak_obj(weak));
}

#ifdef __cplusplus
}
#endif

#endif
