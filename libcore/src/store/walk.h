/* store/walk.h: all pages of a heap, one after the other. */
#ifndef HUSK_STORE_WALK_H
#define HUSK_STORE_WALK_H

#include "store/store.h"

/* Goes through the pages in use by address: blocks of a class, and first pages of runs. Chunks may come
 * meanwhile, as hooks make objects; none may go. */
struct husk__page_walk {
    const struct husk__store *store;
    size_t next_chunk;
    const struct husk__chunk *chunk; /* the present one */
    uint64_t left;                   /* its pages still to come */
};

static inline struct husk__page *husk__next_page(struct husk__page_walk *walk)
{
    for (;;) {
        while (!walk->left) {
            while (walk->next_chunk < walk->store->chunk_count &&
                   walk->store->chunks[walk->next_chunk] <= walk->chunk)
                walk->next_chunk++; /* others have come in front */
            if (walk->next_chunk >= walk->store->chunk_count)
                return NULL;
            const struct husk__chunk *chunk = walk->chunk = walk->store->chunks[walk->next_chunk++];
            walk->left =
                chunk->own_bytes ? (uint64_t)1 << HUSK__HEAD_PAGES : HUSK__USABLE & ~chunk->free_pages;
        }
        struct husk__page *page = &husk__chunk_pages(walk->chunk)[husk__lowest_bit(walk->left)];
        walk->left &= walk->left - 1;
        if (page->state != HUSK__PAGE_REST)
            return page;
    }
}

/* The same from the first page behind `passed` on, an address inside the last one, or NULL: chunks may have come
 * and gone since. */
static inline struct husk__page_walk husk__walk_from(const struct husk__store *store, const void *passed)
{
    const struct husk__chunk *chunk = passed ? husk__chunk_of(passed) : NULL;
    size_t low = 0, high = store->chunk_count;
    while (low < high) { /* the first chunk behind it */
        size_t middle = (low + high) / 2;
        if (store->chunks[middle] <= chunk)
            low = middle + 1;
        else
            high = middle;
    }
    struct husk__page_walk walk = { store, low, chunk, 0 };
    if (low > 0 && chunk && store->chunks[low - 1] == chunk && !chunk->own_bytes) {
        unsigned index = husk__page_index(passed);
        uint64_t behind = index + 1 < HUSK__PAGES ? ~(uint64_t)0 << (index + 1) : 0;
        walk.left = HUSK__USABLE & ~chunk->free_pages & behind;
    }
    return walk;
}

/* Loops over blocks that read every object fetch so many bytes ahead: what the processor fetches by itself ends at each
 * system page (measured: subtracting and reclaiming pairs 16 to 11 ns an object). */
enum { HUSK__AHEAD = 2048 };

/* The touched blocks of a page lie from husk__page_start to here, page->block bytes apart. */
ALWAYS_INLINE char *husk__page_end(const struct husk__page *page)
{
    return husk__page_start(page) + (size_t)page->fresh * page->block;
}

/* The block begins where a block of this page can begin. */
static inline bool husk__is_block(const struct husk__page *page, const void *at)
{
    const char *start = husk__page_start(page);
    size_t offset = (size_t)((const char *)at - start);
    if (page->state == HUSK__PAGE_RUN)
        return offset == 0;
    return page->state == HUSK__PAGE_BLOCKS && offset % page->block == 0 &&
           offset / page->block < page->fresh;
}

#endif
