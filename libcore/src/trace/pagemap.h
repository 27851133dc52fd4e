/* trace/pagemap.h: what is known of blocks by their address, for millions of them: blocks that are neighbours are
 * neighbours here as well, since whoever makes blocks one after the other makes them so. (A plain hash table,
 * trace/blockmap.h, has every address somewhere else: two misses of the cache a block.)
 *
 *   page (4 KiB of addresses, in one domain) --> hash table, 32 bytes each
 *   block in it: 12 bytes; a single one stands in its page's record, several in an array of 2^n
 *
 * In the array a block's place is its offset in the page, scaled: so blocks of one size stand without collision, in
 * their order. Behind it, linear probing; what is removed leaves no tombstone (Knuth, volume 3, 6.4, algorithm R).
 * One thread at a time. */
#ifndef HUSK_TRACE_PAGEMAP_H
#define HUSK_TRACE_PAGEMAP_H

#include "base/check.h"
#include "trace/blockmap.h"

enum {
    PAGEMAP_PAGE_SHIFT = 12,
    PAGEMAP_MOST_SHIFT = PAGEMAP_PAGE_SHIFT + 1, /* of an array: more room than a page has addresses */
    PAGEMAP_LEAST_SHIFT = 2,
    PAGEMAP_CHUNK_SHIFT =
        12 /* arrays come from chunks of so many of the least ones, the first chunks from fewer */
};

struct husk__pagemap_slot {
    uint16_t offset;    /* in the page */
    uint16_t size_high; /* bits 47..32 */
    uint32_t size_low;
    uint32_t site; /* 0: there is none */
};

struct husk__pagemap_page {
    uint64_t number; /* address >> PAGEMAP_PAGE_SHIFT */
    uint32_t domain;
    uint16_t count; /* 0: this record is free */
    uint8_t shift;  /* the array has room for 1 << shift; 0: there is none */
    uint8_t unused;
    union {
        struct husk__pagemap_slot one;
        uint32_t array; /* its number: chunk << PAGEMAP_CHUNK_SHIFT | place in it */
    };
};

struct husk__pagemap {
    struct husk__pagemap_page *pages;
    size_t room, count; /* room: a power of two, or 0 */
    struct husk__pagemap_chunk {
        char *at;
        uint32_t used, room; /* in least arrays */
    } * chunks;              /* the last one is in use, the others are full */
    size_t chunk_count, chunk_room;
    uint32_t idle[PAGEMAP_MOST_SHIFT + 1]; /* of arrays by shift: their number + 1; 0: none */
};

/* NULL: not in it. Valid until the next change. */
struct husk__pagemap_slot *husk__pagemap_find(struct husk__pagemap *map, uint32_t domain, uint64_t address);
/* The same; or, if it is not in it, a slot whose site is 0. Give it a site, or remove it. NULL: no memory. */
struct husk__pagemap_slot *husk__pagemap_make(struct husk__pagemap *map, uint32_t domain, uint64_t address);
/* Removes what is in it; false: it is not. */
bool husk__pagemap_take(struct husk__pagemap *map, uint32_t domain, uint64_t address,
                        struct husk__pagemap_slot *out);
/* What find or make gave. */
void husk__pagemap_remove(struct husk__pagemap *map, uint32_t domain, uint64_t address);
/* As husk__blockmap_rename. */
void husk__pagemap_rename(struct husk__pagemap *map, const uint8_t *epochs);
void husk__pagemap_free(struct husk__pagemap *map);
size_t husk__pagemap_bytes(const struct husk__pagemap *map);

/* One after the other, in no order: the cursor begins as 0. false: no more. */
bool husk__pagemap_next(const struct husk__pagemap *map, size_t *cursor, struct husk__blockmap_entry *out);

static inline uint64_t husk__pagemap_size(const struct husk__pagemap_slot *slot)
{
    return (uint64_t)slot->size_high << 32 | slot->size_low;
}

/* Sizes beyond 2^48 are kept as that. */
static inline void husk__pagemap_set(struct husk__pagemap_slot *slot, uint64_t size, uint32_t site)
{
    if (UNLIKELY(size >> 48))
        size = (UINT64_C(1) << 48) - 1;
    slot->size_high = (uint16_t)(size >> 32);
    slot->size_low = (uint32_t)size;
    slot->site = site;
}

#endif
