/* husk/classes.h: how a heap's memory is used: by size class, as its allocator sees it, and by type.
 *
 * Counting is done when asked, so that births and deaths do not pay for it: one walk over the objects, about a
 * nanosecond each. Exact. Dying objects count as used blocks here; elsewhere they do not count as objects.
 * Threads: the heap's owner. */
#ifndef HUSK_CLASSES_H
#define HUSK_CLASSES_H

#include <husk/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_class {
    size_t block_bytes; /* 0: large objects, each in pages or in a mapping of its own */
    bool tracked;       /* of objects that can hold references; they have pages of their own */
    size_t pages;       /* of 64 KiB */
    size_t used;        /* blocks with an object */
    size_t free;        /* blocks freed and kept for the next birth */
    size_t untouched;   /* blocks that no object has been in yet */
    size_t used_bytes;
    size_t asked_bytes; /* of used_bytes, what the types asked for, headers included: the rest is slack */
    size_t held_bytes;  /* of the pages */
} husk_class;

/* Number of classes, those without pages included; the last two are the large ones. */
HUSK_API size_t husk_heap_class_count(const husk_heap *heap);
/* All zero but block_bytes and tracked if it has no pages. false beyond the last. O(pages + its objects). */
HUSK_API bool husk_heap_class_get(const husk_heap *heap, size_t index, husk_class *out);

/* A table of the classes in use with their sums, as text. Returns its length, which may be more than fits in
 * room (NUL included): then it is cut. buffer may be NULL if room is 0. */
HUSK_API size_t husk_heap_classes_text(const husk_heap *heap, HUSK_NULLABLE char *buffer, size_t room);

/* Live objects of one type, and the bytes of their blocks; bytes may be NULL. O(objects), asks for no memory.
 * */
HUSK_API size_t husk_heap_count_type(const husk_heap *heap, const husk_type *type,
                                     HUSK_NULLABLE size_t *bytes);

/* Called for each type with live objects, in the order of registration; false stops. */
typedef bool husk_type_fn(const husk_type *type, size_t count, size_t bytes, void *data);
/* HUSK_ENOMEM: 16 bytes for each registered type. */
HUSK_API husk_status husk_heap_each_type(husk_heap *heap, husk_type_fn *fn, void *data);

#ifdef __cplusplus
}
#endif

#endif
