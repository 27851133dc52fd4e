/* cycle/side.h: the side table: 16 bits for each 32-byte granule of a chunk, dense and apart from the
 * objects.
 *
 *   bits 15..4 count | bit 3 LOOK | bit 2 CARRY | bit 1 NAMED | bit 0 OPEN
 *
 * OPEN: the object is in question: it takes part in the search under way, and nothing has shown yet that it is held
 * from outside. Counting and marking leave all others alone, without a look at object or page. So a search is about
 * any set of objects: all of the heap, some pages, some objects. NAMED: a search in steps has nominated it; whether
 * it is garbage is still to be confirmed (cycle/step.h). LOOK: only the block itself can tell (cycle/glance.h).
 *
 * Between searches every entry is zero.
 *
 * During a search the count of an object is the number of references seen to it; in a search at once its own count is
 * taken from that when it is met (cycle/glance.h), so counting begins in the middle of what an entry can say. A pass
 * writes nothing into the objects. When the count overflows, CARRY is set and the exact number, in steps of 2^12, stands
 * in a small hash table whose room is reserved as the heap grows (husk__carry_ensure). References in memory that the
 * heap does not count (`each`, foreign buffers) may use up that room: then the count is unknown, and the object is
 * treated as held from outside. A block is at least 32 bytes, so no two objects begin in one granule. */
#ifndef HUSK_CYCLE_SIDE_H
#define HUSK_CYCLE_SIDE_H

#include "object/state.h"

#define SIDE_OPEN 1u
#define SIDE_NAMED 2u
#define SIDE_CARRY 4u
#define SIDE_LOOK 8u
#define SIDE_ONE 16u /* one reference */
#define SIDE_COUNT 0xFFF0u
#define SIDE_ZERO 0x8000u /* no reference */
#define SIDE_FRESH (SIDE_ZERO | SIDE_OPEN)
#define SIDE_SPAN (SIDE_COUNT / SIDE_ONE + 1) /* references from one overflow to the next */
#define SIDE_UNKNOWN UINT64_MAX /* a count that overflowed where no room was left to say how often */

_Static_assert(SIDE_SPAN - SIDE_ZERO / SIDE_ONE == HUSK__CARRY_AT, "the first overflow");

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

/* The count of obj, which is in question, has come round to the least that an entry can say. */
void husk__side_carry(husk_obj *obj, uint16_t *entry);

/* One more reference to obj has been seen. */
ALWAYS_INLINE void husk__side_count(husk_obj *obj)
{
    uint16_t *entry = husk__side_of(obj);
    uint16_t one = (uint16_t)((*entry & SIDE_OPEN) * SIDE_ONE);
    if (UNLIKELY(__builtin_add_overflow(*entry, one, entry)))
        husk__side_carry(obj, entry);
}

/* References seen to an object; its entry is given. */
uint64_t husk__side_total_slow(const husk_obj *obj, uint16_t entry);

ALWAYS_INLINE uint64_t husk__side_total(const husk_obj *obj, uint16_t entry)
{
    if (UNLIKELY(entry & SIDE_CARRY))
        return husk__side_total_slow(obj, entry);
    return (uint64_t)entry / SIDE_ONE - SIDE_ZERO / SIDE_ONE;
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
