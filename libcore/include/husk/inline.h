/* husk/inline.h: the calls that must cost next to nothing.
 *
 * They know one fact about an object: its first word is the count, bits 30..2, and a set bit 31 means that
 * something rare is the matter (immortal, saturated, in a ledger); of a birth what struct husk__birth says; of a store
 * that 4 MiB of addresses belong to one heap; of a lock where a weak reference has its object, and which bits of
 * that one's second word say that it dies; and of the birth of a weak reference its header, how its object names it, and
 * what struct husk__front says. The calls they fall back on carry the number of this layout in their names, so that
 * inlines compiled against another layout do not link. */
#ifndef HUSK_INLINE_H
#define HUSK_INLINE_H

#include <husk/obj.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

HUSK_API void husk__retain_slow_1(husk_obj *obj);
HUSK_API void husk__release_slow_1(husk_obj *obj);

#if defined(__GNUC__)
#define HUSK__RARELY(condition) __builtin_expect(!!(condition), 0)
#else
#define HUSK__RARELY(condition) (condition)
#endif

#define HUSK__ONE 4u /* one reference in the count word */

/* One reference more. obj is not NULL. */
static inline void husk_obj_retain(husk_obj *obj)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if ((int32_t)*count >= 0)
        *count += HUSK__ONE;
    else
        husk__retain_slow_1(obj);
}

/* One reference fewer; the last one ends the object. NULL is fine only in husk_obj_drop. */
static inline void husk_obj_release(husk_obj *obj)
{
    uint32_t *count = (uint32_t *)(void *)obj;
    if ((int32_t)*count >= (int32_t)(2 * HUSK__ONE))
        *count -= HUSK__ONE;
    else
        husk__release_slow_1(obj);
}

/* Releases what *variable holds, if anything, and sets it to NULL first. */
static inline void husk_obj_drop(husk_obj **variable)
{
    husk_obj *obj = *variable;
    *variable = (husk_obj *)0;
    if (obj)
        husk_obj_release(obj);
}

/* What a type says about a birth, at its very start: part of layout 1. */
struct husk__birth {
    uint64_t head; /* the first 8 bytes of a new object */
    /* Low half: where in the heap the next block of the right size is to be found, if one is at hand. High half: bytes
     * to clear behind the header. One word, since births are bound by how much they load and store. */
    uint64_t place;
};

/* Makes an object of a block: the header, and n zeroes behind it. */
static inline HUSK_NEW husk_obj *husk__birth_fill(char *block, const struct husk__birth *birth, uint32_t n)
{
    /* A block has 32 bytes at least; the header's second half is cleared too; overlapping wide stores beat
     * a loop. */
    memset(block + 8, 0, 16);
    memset(block + n, 0, 16);
    if (n > 24) {
        if (n > 56) {
            memset(block + 24, 0, n - 16);
        } else {
            memset(block + 24, 0, 16);
            memset(block + n - 16, 0, 16);
        }
    }
    memcpy(block, &birth->head, 8);
    return (husk_obj *)(void *)block;
}

HUSK_API HUSK_NEW husk_obj *husk__obj_new_slow_1(husk_heap *heap, const husk_type *type);

/* The same as husk_obj_new, without a call while a block is at hand. */
static inline HUSK_NEW husk_obj *husk_obj_new_inline(husk_heap *heap, const husk_type *type)
{
    const struct husk__birth *birth = (const struct husk__birth *)(const void *)type;
    uint64_t place = birth->place;
    char *hand = (char *)heap + (uint32_t)place, *block;
    memcpy((void *)&block, hand, sizeof(void *)); /* memcpy: the library knows these words by other types */
    if (!block)
        return husk__obj_new_slow_1(heap, type);
    memcpy(hand, block + 8, sizeof(void *)); /* the next one */
    return husk__birth_fill(block, birth, (uint32_t)(place >> 32));
}

HUSK_API husk_status husk__obj_set_slow_1(husk_obj *self, husk_obj **slot, HUSK_NULLABLE husk_obj *value);
HUSK_API husk_status husk__obj_take_slow_1(husk_obj *self, husk_obj **slot,
                                           HUSK_TAKES(3) HUSK_NULLABLE husk_obj *value);

/* A slot that is empty, and a value whose count is an ordinary one, so near to self that their heap is the same. */
static inline int husk__is_easy_store(const husk_obj *self, husk_obj *const *slot, const husk_obj *value)
{
    return !*slot && value && ((uintptr_t)self ^ (uintptr_t)value) >> 22 == 0 &&
           (int32_t) * (const uint32_t *)(const void *)value >= 0;
}

/* The same as husk_obj_set, without a call where the slot was empty and nothing rare is the matter. */
static inline husk_status husk_obj_set_inline(husk_obj *self, husk_obj **slot, HUSK_NULLABLE husk_obj *value)
{
    if (!husk__is_easy_store(self, slot, value))
        return husk__obj_set_slow_1(self, slot, value);
    *(uint32_t *)(void *)value += HUSK__ONE;
    *slot = value;
    return HUSK_OK;
}

/* The same as husk_obj_take, likewise. */
static inline husk_status husk_obj_take_inline(husk_obj *self, husk_obj **slot,
                                               HUSK_TAKES(3) HUSK_NULLABLE husk_obj *value)
{
    if (!husk__is_easy_store(self, slot, value))
        return husk__obj_take_slow_1(self, slot, value);
    *slot = value;
    return HUSK_OK;
}

#define HUSK__DYING 0x00600000u /* in the second word of an object: condemned, or its count has been zero */

HUSK_API HUSK_NEW HUSK_NULLABLE husk_obj *husk__weak_lock_slow_1(husk_weak *weak);

/* The same as husk_weak_lock, without a call while the count is an ordinary one and the object is not dying. */
static inline HUSK_NEW HUSK_NULLABLE husk_obj *husk_weak_lock_inline(husk_weak *weak)
{
    husk_obj *target;
    memcpy((void *)&target, (const char *)(const void *)weak + 16, sizeof(void *));
    if (target) {
        uint32_t *words = (uint32_t *)(void *)target;
        if (HUSK__RARELY(words[1] & HUSK__DYING) || HUSK__RARELY((int32_t)words[0] < 0))
            target = husk__weak_lock_slow_1(weak);
        else
            words[0] += HUSK__ONE;
    }
    return target;
}

#define HUSK__WEAK_HEAD ((uint64_t)1 << 32 | HUSK__ONE) /* the first 8 bytes of a new weak reference */
/* In the third word of an object: bits 33..3 of the address of its only weak reference follow. */
#define HUSK__LONE 0x80000000u

/* What stands at the front of a heap, for the birth of weak references: part of layout 1. */
struct husk__front {
    size_t lones;     /* objects that have one in their third word */
    const char *hand; /* the next block of 32 bytes, if one is at hand */
};

/* 0 if the address of obj tells that of the block; so it is of no block, which NULL is. */
static inline uint32_t husk__away(const void *obj, const void *block)
{
    return (uint32_t)(((uint64_t)(uintptr_t)obj ^ ((uint64_t)(uintptr_t)block - 1)) >> 34);
}

HUSK_API HUSK_NEW husk_weak *husk__weak_new_slow_1(husk_obj *obj);

/* The same as husk_weak_new without callback, without a call while a block is at hand and obj has no weak reference. */
static inline HUSK_NEW husk_weak *husk_weak_new_inline(husk_obj *obj)
{
    static const uint64_t header[2] = { HUSK__WEAK_HEAD, 0 };
    uint32_t *words = (uint32_t *)(void *)obj;
    struct husk__front *front;
    char *block;
    size_t lones;
    memcpy((void *)&front, (const void *)((uintptr_t)obj & ~(((uintptr_t)1 << 22) - 1)), sizeof(void *));
    memcpy((void *)&block, (const void *)&front->hand, sizeof block);
    if (HUSK__RARELY(words[2] | husk__away(obj, block))) /* one branch for all that is rare */
        return husk__weak_new_slow_1(obj);
    memcpy((void *)&front->hand, block + 8, sizeof(void *)); /* the next one */
    memcpy(block, header, sizeof header);
    memcpy(block + 16, (const void *)&obj, sizeof(void *));
    words[2] = (uint32_t)((uintptr_t)block >> 3) | HUSK__LONE;
    memcpy(&lones, &front->lones, sizeof lones);
    lones++;
    memcpy(&front->lones, &lones, sizeof lones);
    return (husk_weak *)(void *)block;
}

/* The object's fixed part: a pointer to the struct that its type describes. Valid while the object lives. */
static inline HUSK_BORROWED void *husk_obj_data(const husk_obj *obj)
{
    return (void *)((char *)(uintptr_t)obj + 16);
}

/* The other way: the object whose fixed part this is. */
static inline HUSK_BORROWED husk_obj *husk_obj_of(const void *data)
{
    return (husk_obj *)(void *)((char *)(uintptr_t)data - 16);
}

#ifdef __cplusplus
}
#endif

#endif
