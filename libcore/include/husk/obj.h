/* husk/obj.h: objects, from birth to the last release.
 *
 * A new object has one reference, the caller's. The last release ends it at once, and with it everything that
 * only it held: one loop, no recursion, no memory, however long the chain. A count is 29 bits; one that
 * overflows makes its object immortal, and the heap reports it.
 * Threads: the heap's owner, except husk_obj_release_later. */
#ifndef HUSK_OBJ_H
#define HUSK_OBJ_H

#include <husk/type.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A zeroed object. Never runs user code (but for the error hook, if the heap turns out to be damaged); may
 * run a pass over garbage without hooks. NULL: HUSK_ENOMEM, HUSK_ELIMIT, HUSK_EINVAL (the type has items). */
HUSK_API HUSK_NEW husk_obj *husk_obj_new(husk_heap *heap, const husk_type *type);

/* The same with a trailing array of `count` zeroed items. NULL: also HUSK_ERANGE (the size overflows). */
HUSK_API HUSK_NEW husk_obj *husk_obj_new_items(husk_heap *heap, const husk_type *type, size_t count);

/* The trailing array of an object of a type with items; NULL for other types. */
HUSK_API HUSK_BORROWED void *husk_obj_items(husk_obj *obj);
HUSK_API size_t husk_obj_item_count(const husk_obj *obj);

/* A reference of its own for the slot: retains value (NULL is fine), releases what was there. *slot must be a
 * slot of self. HUSK_EHEAP: value is of another heap; nothing changes. */
HUSK_API husk_status husk_obj_set(husk_obj *self, husk_obj **slot, HUSK_NULLABLE husk_obj *value);

/* Stores the caller's own reference. HUSK_EHEAP: value is released, the slot keeps what it had. */
HUSK_API husk_status husk_obj_take(husk_obj *self, husk_obj **slot,
                                   HUSK_TAKES(3) HUSK_NULLABLE husk_obj *value);

/* Exchanges two references, counts unchanged: *value, which may be NULL, goes into the slot, what was
 * there is the caller's. */
HUSK_API husk_status husk_obj_swap(husk_obj *self, husk_obj **slot, husk_obj **value);

/* References to the object, exactly; SIZE_MAX for an immortal one. */
HUSK_API size_t husk_obj_strong_count(const husk_obj *obj);

/* Weak references to it (husk_weak objects, a shared one counts once). */
HUSK_API size_t husk_obj_weak_count(const husk_obj *obj);

/* Exactly one reference, no weak one, in no weak container: the holder may change it unseen. */
HUSK_API bool husk_obj_is_unique(const husk_obj *obj);

/* From now on counting passes it by and it lives until the heap closes. Sticky. */
HUSK_API void husk_obj_make_immortal(husk_obj *obj);
HUSK_API bool husk_obj_is_immortal(const husk_obj *obj);

/* Where it was made, and as what. */
HUSK_API HUSK_BORROWED husk_heap *husk_obj_heap(const husk_obj *obj);
HUSK_API HUSK_BORROWED const husk_type *husk_obj_type(const husk_obj *obj);

/* Bytes of its block, header and slack included; buffers are not. */
HUSK_API size_t husk_obj_size(const husk_obj *obj);

/* Its type is looked at by passes (husk_type_is_tracked). */
HUSK_API bool husk_obj_is_tracked(const husk_obj *obj);

/* Its finalizer has run; stays true if it came back. */
HUSK_API bool husk_obj_is_finalized(const husk_obj *obj);

/* Set aside by husk_heap_freeze. */
HUSK_API bool husk_obj_is_frozen(const husk_obj *obj);

/* Condemned: seen only from its own finalizer, or those of its fellow garbage. */
HUSK_API bool husk_obj_is_dying(const husk_obj *obj);

/* A release from a thread that is not the owner. The node is the caller's memory (of any kind, inside the
 * object's payload too) and must stay until `done`, if given, is called with `data` on the owner's thread.
 * The owner executes it at husk_heap_safepoint, husk_heap_collect, close, or the end of a release that
 * ended an object outside any hook, in the order of the calls; idle heaps need the first. Any thread;
 * lock-free; cannot fail. */
typedef struct husk_later {
    struct husk_later *next;
    husk_obj *obj;
    husk_free_fn *done;
    void *data;
} husk_later;
HUSK_API void husk_obj_release_later(HUSK_TAKES(1) husk_obj *obj, husk_later *node);

#ifdef __cplusplus
}
#endif

#endif
