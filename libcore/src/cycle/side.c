/* cycle/side.c: clearing the side table, and its overflow. See side.h. */
#include "cycle/side.h"

#include <string.h>

/* Open addressing; the table is at most half full, so an empty entry ends each search. */
static struct husk__carry *find_carry(const struct husk__store *store, const void *block)
{
    size_t mask = store->carry_room - 1;
    size_t i = (size_t)(((uint64_t)(uintptr_t)block * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
    while (store->carries[i].block && store->carries[i].block != block)
        i = (i + 1) & mask;
    return &store->carries[i];
}

void husk__side_carry(husk_obj *obj, uint16_t *entry)
{
    if (*entry == (SIDE_MARK | SIDE_CARRY)) { /* marked beforehand: its count is of no interest */
        *entry = SIDE_MARK;
        return;
    }
    struct husk__carry *carry = find_carry(husk__chunk_of(obj)->owner, obj);
    carry->block = obj;
    carry->count += HUSK__CARRY_AT;
    *entry = SIDE_CARRY;
}

uint64_t husk__side_total_slow(const husk_obj *obj, uint16_t entry)
{
    return find_carry(husk__chunk_of(obj)->owner, obj)->count + (entry & SIDE_COUNT);
}

void husk__side_clear(const struct husk__page *page, bool marked)
{
    const char *start = husk__page_start(page);
    size_t touched = (size_t)page->fresh * page->block;
    if (touched > HUSK__PAGE || page->state == HUSK__PAGE_RUN)
        touched = 1; /* a large block has one entry, its first granule's */
    size_t entries = (touched + (1u << HUSK__GRANULE_SHIFT) - 1) >> HUSK__GRANULE_SHIFT;
    uint16_t *side = husk__side_of(start);
    if (!marked) {
        memset(side, 0, entries * sizeof *side);
        return;
    }
    for (size_t i = 0; i < entries; i++)
        side[i] = SIDE_MARK;
}

void husk__side_end(struct husk__store *store)
{
    if (store->carries) /* none before the first chunk */
        memset(store->carries, 0, store->carry_room * sizeof *store->carries);
}
