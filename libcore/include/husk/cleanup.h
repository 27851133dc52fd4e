/* husk/cleanup.h: the finalize registry: what is to be done when an object is gone.
 *
 * A cleanup runs at most once: when its object has died (in the callback phase, the newest of one object
 * first), or when the heap closes, or never if it is detached before. It gets data, not the object, so it
 * cannot bring it back; any number may be registered for one object. The registry holds a registered cleanup:
 * unlike the callback of a weak reference, nobody else needs to. data that leads to a reference to the object
 * keeps it alive for ever.
 *
 * A husk_cleanup is a weak reference to its object (husk_cleanup_weak) and counts as one. Threads: the heap's
 * owner. */
#ifndef HUSK_CLEANUP_H
#define HUSK_CLEANUP_H

#include <husk/weak.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A registered cleanup, itself a counted object. Who passes one to a function here holds a reference to it. */
typedef struct husk_cleanup husk_cleanup;

/* Any code of the program's, as a hook. An error: husk_heap_report; the other cleanups still run. */
typedef void husk_cleanup_fn(husk_heap *heap, void *data);

/* Registers fn(heap, data) for the death of obj. at_exit: it also runs when the heap closes and obj still
 * lives. data_free(data) follows when the cleanup has run or was detached and nobody holds it any more, or at
 * once if this call fails. NULL: HUSK_ENOMEM, HUSK_ELIMIT; obj is unharmed. The reference is the caller's; it
 * may be released at once, the registry has its own. */
HUSK_API HUSK_NEW husk_cleanup *husk_cleanup_new(husk_obj *obj, husk_cleanup_fn *fn, void *data,
                                                 HUSK_NULLABLE husk_free_fn *data_free, bool at_exit);

/* Still to run: neither run nor detached. */
HUSK_API bool husk_cleanup_is_pending(const husk_cleanup *cleanup);

/* Its object, retained for the caller; NULL if it is gone or condemned or the cleanup is not pending. */
HUSK_API HUSK_NEW HUSK_NULLABLE husk_obj *husk_cleanup_get(husk_cleanup *cleanup);

/* The data it was made with, until it ends. */
HUSK_API void *husk_cleanup_data(const husk_cleanup *cleanup);

/* Whether it runs at close; may be changed while it is pending, in time that grows with the number registered. */
HUSK_API bool husk_cleanup_at_exit(const husk_cleanup *cleanup);
HUSK_API void husk_cleanup_set_at_exit(husk_cleanup *cleanup, bool at_exit);

/* Takes it off the registry: it will not run. True: it was pending, and whoever called may do its work. */
HUSK_API bool husk_cleanup_detach(husk_cleanup *cleanup);

/* Runs it now, if it is pending. True: it has run in this call. */
HUSK_API bool husk_cleanup_run(husk_cleanup *cleanup);

/* Runs all pending cleanups with at_exit, the newest first; one that is registered meanwhile is next, so one
 * that always registers another never ends. husk_heap_close begins with it. Ends a bridge; does nothing inside a
 * hook. Returns how many ran. */
HUSK_API size_t husk_heap_run_cleanups(husk_heap *heap);

/* How many are registered and still pending. */
HUSK_API size_t husk_heap_cleanups(const husk_heap *heap);

/* The same pointer as a weak reference or as an object, borrowed. */
static inline HUSK_BORROWED husk_weak *husk_cleanup_weak(husk_cleanup *cleanup)
{
    return (husk_weak *)(void *)cleanup;
}
static inline HUSK_BORROWED husk_obj *husk_cleanup_obj(husk_cleanup *cleanup)
{
    return (husk_obj *)(void *)cleanup;
}

/* The cleanup that this object is, or NULL. Borrowed. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE husk_cleanup *husk_cleanup_of(husk_obj *obj);

/* Ends the caller's hold; NULL is fine. The registration stays. */
static inline void husk_cleanup_release(HUSK_NULLABLE husk_cleanup *cleanup)
{
    if (cleanup)
        husk_obj_release(husk_cleanup_obj(cleanup));
}

#ifdef __cplusplus
}
#endif

#endif
