/* cycle/side.h: the side table: 16 bits for each 32-byte granule of a chunk, dense and apart from the
 * objects.
 *
 *   bits 15..3 count | bit 2 CARRY | bit 1 NAMED | bit 0 OPEN
 *
 * OPEN: the object is in question: it takes part in the search under way, and nothing has shown yet that it is held
 * from outside. Counting and marking leave all others alone, without a look at object or page. So a search is about
 * any set of objects: all of the heap, some pages, some objects. NAMED: a search in steps has nominated it; whether
 * it is garbage is still to be confirmed (cycle/step.h).
 *
 * Between searches every entry is zero.
 *
 * During a search the count of an object is the number of references seen to it. Counting *up* from zero
 * needs no copy of the real counts, and a pass writes nothing into the objects. Every 2^13 references the
 * count overflows: CARRY is set and the exact number, in steps of 2^13, stands in a small hash table whose
 * room is reserved as the heap grows (husk__carry_ensure). References in memory that the heap does not
 * count (`each`, foreign buffers) may use up that room: then the count is unknown, and the object is
 * treated as held from outside. A block is at least 32 bytes, so no two objects begin in one granule. */
#ifndef HUSK_CYCLE_SIDE_H
#define HUSK_CYCLE_SIDE_H

#include "object/state.h"

#define SIDE_OPEN 1u
#define SIDE_NAMED 2u
#define SIDE_CARRY 4u
#define SIDE_ONE 8u /* one reference */
#define SIDE_FLAGS 7u
#define SIDE_COUNT 0xFFF8u
#define SIDE_UNKNOWN UINT64_MAX /* a count that overflowed where no room was left to say how often */

_Static_assert(SIDE_COUNT / SIDE_ONE + 1 == HUSK__CARRY_AT, "an entry counts up to a carry");

ALWAYS_INLINE uint16_t *husk__side_of(const void *at)
{
    uintptr_t offset = (uintptr_t)at & (HUSK__CHUNK - 1);
    return (uint16_t *)(void *)husk__chunk_of(at) + (offset >> HUSK__GRANULE_SHIFT);
}

/* In question; once a search is over: garbage. */
ALWAYS_INLINE bool husk__is_open(const husk_obj *obj)
{
    return *husk__side_of(obj) & SIDE_OPEN;
}

/* The count of obj, which is in question, has passed a multiple of 2^13; *entry is one too far. */
void husk__side_carry(husk_obj *obj, uint16_t *entry);

/* One more reference to obj has been seen. */
ALWAYS_INLINE void husk__side_count(husk_obj *obj)
{
    uint16_t *entry = husk__side_of(obj);
    uint16_t next = (uint16_t)(*entry + (*entry & SIDE_OPEN) * SIDE_ONE);
    *entry = next;
    if (UNLIKELY((next & (SIDE_COUNT | SIDE_OPEN)) == SIDE_OPEN))
        husk__side_carry(obj, entry);
}

/* References seen to an object; its entry is given. */
uint64_t husk__side_total_slow(const husk_obj *obj, uint16_t entry);

ALWAYS_INLINE uint64_t husk__side_total(const husk_obj *obj, uint16_t entry)
{
    if (UNLIKELY(entry & SIDE_CARRY))
        return husk__side_total_slow(obj, entry);
    return entry / SIDE_ONE;
}

/* Passes look at the objects of this page. */
ALWAYS_INLINE bool husk__takes_part(const struct husk__page *page)
{
    return page->tracked && !page->frozen;
}

/* All blocks of a page are in question, with a count of zero. */
void husk__side_open(const struct husk__page *page);

/* Empties the table of carries. */
void husk__carries_end(struct husk__store *store);

/* The end of what made all entries of a heap, or any of them, other than zero. */
void husk__side_end(struct husk__store *store);

#endif
