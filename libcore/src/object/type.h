/* object/type.h: the registered form of a type, and the table from id to type.
 *
 * A type is made once and never changes, so it is read without a lock. */
#ifndef HUSK_OBJECT_TYPE_H
#define HUSK_OBJECT_TYPE_H

#include "object/header.h"
#include "store/store.h"

#include <husk/type.h>

enum {
    TYPE_TRACKED = 1u << 0,  /* passes look inside */
    TYPE_FINALIZE = 1u << 1, /* has a finalizer, and so the hidden link */
    TYPE_DISPOSE = 1u << 2,
    TYPE_VARYING = 1u << 3, /* slots beyond `fields`: items, buffers, each */
    TYPE_ITEMS = 1u << 4,
    TYPE_WEAK = 1u << 5,      /* husk_weak: ended by object/weak.c */
    TYPE_LOUD = 1u << 6,      /* its death runs code that must wait for a safe point */
    TYPE_TIED = 1u << 8,      /* a weak container: its rows are ties (object/tie.h) */
    TYPE_EPHEMERON = 1u << 9, /* a weak-key map: what its rows hold is marked only for living keys */
    TYPE_SOFT = 1u << 10,     /* husk_soft (object/soft.h) */
    TYPE_WATCH = 1u << 11,    /* husk_watch (object/deadqueue.h) */
    TYPE_PLAIN = 1u << 7, /* nothing but references in fields: no hook, no value, no varying slot (plain.c) */
    TYPE_FLAT = 1u << 12, /* its slots are references in fields, side by side: refs_at to refs_end */
};

struct husk_type {
    struct husk__birth birth; /* first: <husk/inline.h> reads it */
    uint64_t
        plain_head; /* birth.head if its objects are plain and their slots side by side (plain.c); or 0 */
    uint32_t refs_at, refs_end; /* where the first references lie side by side, from the object's start */
    uint32_t flags, id;
    uint32_t block; /* bytes before rounding: header, fixed part, link, items of count 0 */
    uint32_t field_count;
    const uint32_t *fields; /* offsets from the object's start, multiples of 8; bit 0: a husk_value */
    uint32_t link_at, items_at, item_count_at; /* from the object's start */
    uint32_t item_slots, buffer_slots;         /* in slots, after the fields: items first, then buffers */
    const husk_slot *slots;                    /* all, in visiting order */
    size_t slot_count;
    size_t size, item_size;
    husk_each_fn *each;
    husk_finalize_fn *finalize;
    husk_dispose_fn *dispose;
    void *data;
    const char *name;
};

/* Types that are there from the start (object/weak.c); all others have larger numbers. */
enum { HUSK__PLAIN_WEAK = 1, HUSK__CALL_WEAK = 2 };
extern const husk_type husk__plain_weak, husk__call_weak;

/* Number 0, which free blocks carry, is a type without slots. */
extern const husk_type *husk__types[TF_TYPE + 1u];

/* For types that are plain and flat and have no slots but in the first two words: the header of an object with one
 * reference; 0 for others. Apart from the types, so that most deaths need not look at one (plain.c). */
extern uint64_t husk__brief_heads[TF_TYPE + 1u];

/* The bin of its blocks. Items and blocks larger than any: a bin that is always empty. */
ALWAYS_INLINE struct husk__bin *husk__bin_of(struct husk__store *store, const husk_type *type)
{
    return (struct husk__bin *)(void *)((char *)store + (uint32_t)type->birth.place);
}

/* Bytes to clear behind the header at a birth. */
ALWAYS_INLINE uint32_t husk__zero_bytes(const husk_type *type)
{
    return (uint32_t)(type->birth.place >> 32);
}

ALWAYS_INLINE const husk_type *husk__type_of(const husk_obj *obj)
{
    return husk__types[obj->tf & TF_TYPE];
}

/* A finalizer is still to run when this object dies. */
ALWAYS_INLINE bool husk__finalizer_pending(const husk_type *type, const husk_obj *obj)
{
    return (type->flags & TYPE_FINALIZE) && !(obj->tf & TF_FINALIZED);
}

/* As husk_type_register, with extra internal flags. */
husk_status husk__type_make(const husk_type_spec *spec, uint32_t extra, const husk_type **out);

#endif
