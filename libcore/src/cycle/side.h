/* cycle/side.h: the side table: 16 bits for each 32-byte granule of a chunk, dense and apart from the
 * objects.
 *
 *   bit 15 MARK | bit 14 CARRY | bits 13..0 count
 *
 * During a pass the count of an object is the number of references seen to it. Counting *up* from zero
 * needs no copy of the real counts, and a pass writes nothing into the objects. Every 2^14 references the
 * count overflows: CARRY is set and the exact number, in steps of 2^14, stands in a small hash table whose
 * room is reserved as the heap grows (husk__carry_ensure). References in memory that the heap does not
 * count (`each`, foreign buffers) may use up that room: then the count is unknown, and the object is
 * treated as held from outside. A block is at least 32 bytes, so no two objects begin in one granule. */
#ifndef HUSK_CYCLE_SIDE_H
#define HUSK_CYCLE_SIDE_H

#include "object/state.h"

#define SIDE_MARK 0x8000u
#define SIDE_CARRY 0x4000u
#define SIDE_COUNT 0x3FFFu
#define SIDE_UNKNOWN UINT64_MAX /* a count that overflowed where no room was left to say how often */

ALWAYS_INLINE uint16_t *husk__side_of(const void *at)
{
    uintptr_t offset = (uintptr_t)at & (HUSK__CHUNK - 1);
    return (uint16_t *)(void *)husk__chunk_of(at) + (offset >> HUSK__GRANULE_SHIFT);
}

/* Garbage, once a search is over. */
ALWAYS_INLINE bool husk__is_unmarked(const husk_obj *obj)
{
    return !(*husk__side_of(obj) & SIDE_MARK);
}

/* The count of obj has passed a multiple of 2^14; *entry is one too far. */
void husk__side_carry(husk_obj *obj, uint16_t *entry);

/* One more reference to obj has been seen. */
ALWAYS_INLINE void husk__side_count(husk_obj *obj)
{
    uint16_t *entry = husk__side_of(obj);
    uint16_t next = (uint16_t)(*entry + 1u);
    *entry = next;
    if (UNLIKELY((next & SIDE_COUNT) == 0))
        husk__side_carry(obj, entry);
}

/* References seen to an unmarked or marked object; its entry is given. */
uint64_t husk__side_total_slow(const husk_obj *obj, uint16_t entry);

ALWAYS_INLINE uint64_t husk__side_total(const husk_obj *obj, uint16_t entry)
{
    if (UNLIKELY(entry & SIDE_CARRY))
        return husk__side_total_slow(obj, entry);
    return entry & SIDE_COUNT;
}

/* Passes look at the objects of this page. */
ALWAYS_INLINE bool husk__takes_part(const struct husk__page *page)
{
    return page->tracked && !page->frozen;
}

/* Sets all entries of a page to 0, or to MARK (nothing here is to be looked at; counts do not matter). */
void husk__side_clear(const struct husk__page *page, bool marked);

/* Empties the table of carries. */
void husk__side_end(struct husk__store *store);

#endif
