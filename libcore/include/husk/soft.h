/* husk/soft.h: references that keep their object alive until memory is short.
 *
 * A soft reference holds its object like any other reference, until the heap is under pressure: then it lets go,
 * those used longest ago first, and is a weak reference from there on. husk_soft_lock gives the object as long as
 * it lives, whoever keeps it, and makes the soft reference hold it again. So a cache of soft references never makes
 * a second copy of what the program still has. Making and locking one is a use. (As SoftReference of the JVM; the
 * order of use instead of time.)
 *
 * When soft references let go:
 *   limit     max_bytes is reached, or the system refuses memory, inside a request: first a pass; then those used
 *             longest ago, in shares that double (1/16, at least 16), each followed by what the pass after it gives;
 *             in the end all. No request for an object, a cell or a buffer is refused before. Two exceptions: one
 *             for more than max_bytes, which nothing could satisfy; and while a bridge (husk/bridge.h) looks at
 *             the heap.
 *   pressure  a pass that the soft limit (husk_heap_set_soft_limit) started was not enough, or one has to wait: those
 *             used longest ago, in the same shares, until as many bytes came free as the heap is above it
 *   age       at each pass over all objects, and after each in steps, those not used during the last max_age passes
 *             (husk_soft_policy)
 *   call      husk_soft_let_go, husk_heap_yield_softs
 * Inside a request no code of the program runs: what needs a finalizer or a callback ends at the next safe point.
 * The same holds for requests made by hooks: there all let go at once, and what they held ends after the hook.
 *
 * For the collector its object is in a slot: a soft reference that lies in the garbage it holds does not keep it
 * alive. It is also a weak reference to its object (husk_soft_weak) and counts as one. Threads: the heap's owner. */
#ifndef HUSK_SOFT_H
#define HUSK_SOFT_H

#include <husk/weak.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A soft reference, itself a counted object. Who passes one to a function here holds a reference to it. */
typedef struct husk_soft husk_soft;

/* A soft reference to obj, which it holds. on_gone, data and data_free are those of husk_weak_new: on_gone runs when
 * the object has died, not when the soft reference lets go. Never shared. NULL: HUSK_ENOMEM, HUSK_ELIMIT; obj is
 * unharmed, data_free(data) has been called. */
HUSK_API HUSK_NEW husk_soft *husk_soft_new(husk_obj *obj, HUSK_NULLABLE husk_weak_fn *on_gone, void *data,
                                           HUSK_NULLABLE husk_free_fn *data_free);

/* The object, retained for the caller, or NULL if it is gone or condemned. A use: the soft reference is the most
 * recent one now, and holds the object (again). Cannot fail otherwise. */
HUSK_API HUSK_NEW HUSK_NULLABLE husk_obj *husk_soft_lock(husk_soft *soft);

/* It holds its object: it has not let go, or holds it again. */
HUSK_API bool husk_soft_is_holding(const husk_soft *soft);

/* Lets go now. The object dies if nobody else has it. False: it was not holding. */
HUSK_API bool husk_soft_let_go(husk_soft *soft);

/* Lets go of all but the `keep` most recently used of the heap; what dies, dies in this call, but for cycles, which
 * a pass ends. Inside a hook it dies afterwards. Returns how many let go. */
HUSK_API size_t husk_heap_yield_softs(husk_heap *heap, size_t keep);

typedef struct husk_soft_policy {
    uint32_t
        max_age; /* in passes: one that was not used during so many lets go at the next; 0: never by age */
    size_t keep; /* so many of the most recently used stay, whatever their age and the soft limit; not at the
                         hard one */
} husk_soft_policy;
/* Default: 0, 0. Any values are fine. */
HUSK_API void husk_heap_set_soft_policy(husk_heap *heap, const husk_soft_policy *policy);
HUSK_API void husk_heap_soft_policy(const husk_heap *heap, husk_soft_policy *out);

typedef struct husk_soft_figures {
    size_t references; /* alive */
    size_t holding;    /* of these */
    /* since the heap was made: */
    uint64_t by_call, by_age, by_pressure, by_limit; /* how often one let go, and why */
    uint64_t regained;                               /* how often one held its object again */
} husk_soft_figures;
HUSK_API void husk_heap_soft_figures(const husk_heap *heap, husk_soft_figures *out);

/* The data given to husk_soft_new, until the soft reference ends. */
HUSK_API void *husk_soft_data(const husk_soft *soft);

/* The same pointer as a weak reference or as an object, borrowed. husk_weak_lock on it is no use. */
static inline HUSK_BORROWED husk_weak *husk_soft_weak(husk_soft *soft)
{
    return (husk_weak *)(void *)soft;
}
static inline HUSK_BORROWED husk_obj *husk_soft_obj(husk_soft *soft)
{
    return (husk_obj *)(void *)soft;
}

/* The soft reference that this object is, or NULL. Borrowed. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_soft *husk_soft_of(husk_obj *obj);

/* Ends the caller's hold; NULL is fine. */
static inline void husk_soft_release(HUSK_NULLABLE husk_soft *soft)
{
    if (soft)
        husk_obj_release(husk_soft_obj(soft));
}

#ifdef __cplusplus
}
#endif

#endif
