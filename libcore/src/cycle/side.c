/* cycle/side.c: setting up the side table, and its overflow. See side.h. */
#include "cycle/side.h"

#include <string.h>

/* Open addressing in a table that is never more than three quarters full, so that an empty entry ends each
 * search. NULL: the block has no entry and there is no room for one. */
static struct husk__carry *find_carry(struct husk__store *store, const void *block)
{
    if (!store->carry_room)
        return NULL;
    size_t mask = store->carry_room - 1;
    size_t i = (size_t)(((uint64_t)(uintptr_t)block * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
    while (store->carries[i].block && store->carries[i].block != block)
        i = (i + 1) & mask;
    struct husk__carry *carry = &store->carries[i];
    if (!carry->block) {
        if (store->carry_count >= store->carry_room / 4 * 3)
            return NULL;
        store->carry_count++;
        carry->block = block;
    }
    return carry;
}

void husk__side_carry(husk_obj *obj, uint16_t *entry)
{
    struct husk__carry *carry = find_carry(husk__chunk_of(obj)->owner, obj);
    if (carry)
        carry->count += SIDE_SPAN;
    *entry |= SIDE_CARRY;
}

uint64_t husk__side_total_slow(const husk_obj *obj, uint16_t entry)
{
    struct husk__carry *carry = find_carry(husk__chunk_of(obj)->owner, obj);
    return carry && carry->count ? carry->count + entry / SIDE_ONE - SIDE_ZERO / SIDE_ONE : SIDE_UNKNOWN;
}

void husk__side_open(const struct husk__page *page)
{
    uint16_t *side = husk__side_of(husk__page_start(page));
    size_t words = husk__page_side_words(page);
    for (size_t i = 0; i < words; i++) {
        const uint64_t four = SIDE_FRESH * UINT64_C(0x0001000100010001);
        memcpy(side + 4 * i, &four, sizeof four);
    }
}

void husk__carries_end(struct husk__store *store)
{
    if (!store->carry_count)
        return;
    memset(store->carries, 0, store->carry_room * sizeof *store->carries);
    store->carry_count = 0;
}

void husk__side_end(struct husk__store *store)
{
    struct husk__page_walk walk = { store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        husk__page_side_zero(page);
    husk__carries_end(store);
}
