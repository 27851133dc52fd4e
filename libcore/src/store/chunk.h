/* store/chunk.h: 4 MiB of pages with one owner, and the records of its pages.
 *
 *   0        256 KiB      272 KiB        320 KiB                               4 MiB
 *   +--------+------------+--------------+---------+---------+-- ... --+---------+
 *   | side   | pending    | page records | page 5  | page 6  |         | page 63 |   64 KiB each
 *   +--------+------------+--------------+---------+---------+-- ... --+---------+
 *     16 bits per granule   dense, shifted
 *
 * The side table (cycle/side.h) has one entry for each 32-byte granule of the chunk; those of the head itself
 * are never used, and there, at the very front, lies struct husk__chunk. Everything is found from an object's
 * address by masking: no table, no load. The address space is there at once, memory only where it is touched.
 *
 * Pages carry no header of their own: at a stride of 64 KiB such headers would share a few cache sets. For
 * the same reason the records begin at one of eight places, by the chunk's address. */
#ifndef HUSK_STORE_CHUNK_H
#define HUSK_STORE_CHUNK_H

#include "base/bits.h"
#include "base/check.h"
#include "store/range.h"

#include <stdbool.h>
#include <string.h>

#define HUSK__PAGE_SHIFT 16
#define HUSK__PAGE ((size_t)1 << HUSK__PAGE_SHIFT)
#define HUSK__GRANULE_SHIFT 5

enum {
    HUSK__PAGES = 64,
    HUSK__HEAD_PAGES = 5,
    HUSK__SIDE_BYTES_PER_PAGE = 4096,
    HUSK__PENDING_AT = 256 * 1024,
    HUSK__RECORDS_AT = 272 * 1024,
};

/* What max_bytes is charged for: a page with its part of the side table and pending bits; a chunk's own
 * front. */
#define HUSK__PAGE_COST (HUSK__PAGE + 4096 + 256)
#define HUSK__CHUNK_COST ((size_t)12 * 1024)

struct husk__store;

/* A free block. The first word is 0, which no live object's is. */
struct husk__slot {
    uint64_t head;
    struct husk__slot *next;
} __attribute__((may_alias));

/* husk__page.state */
enum {
    HUSK__PAGE_FREE = 0, /* not in use */
    HUSK__PAGE_BLOCKS,   /* blocks of one class */
    HUSK__PAGE_RUN,      /* first page of one large block */
    HUSK__PAGE_REST,     /* the others of it */
};

/* 64 bytes. For HUSK__PAGE_BLOCKS:
 *   used + (blocks on the free list) == fresh, where a block in a bin's hand, or that came back to the bin, counts as used
 *   blocks at index >= fresh have never been touched since the page was taken
 *   listed (in its bin's list) exactly if it has room, is not the bin's current page, and is not frozen */
struct husk__page {
    struct husk__slot *free;
    uint32_t used;
    uint32_t block; /* bytes; for runs of own mappings see husk__chunk.own_bytes */
    uint32_t fresh;
    uint16_t capacity; /* blocks */
    uint16_t seen;     /* `used` when last counted into husk__store.seen_blocks */
    struct husk__page *next, *prev;
    struct husk__page *queued_next; /* the collector's queue of pages (cycle/mark.h) */
    uint32_t members;               /* blocks that a pass is ending, or has nominated */
    uint32_t
        back_at; /* husk__bin.back of its bin, from the store's start, while what dies here goes there; or 0 */
    uint8_t bin;
    uint8_t run; /* pages of a run */
    uint8_t state;
    bool tracked; /* its objects can be part of cycles */
    bool listed;
    bool frozen;
    bool keymaps;  /* weak-key maps were born here */
    uint8_t young; /* number among the young pages (store/young.h), 0: it is not young */
} __attribute__((aligned(64)));

struct husk__chunk {
    struct husk__store *owner;
    struct husk__page *records; /* husk__chunk_pages, beside owner: a free reads both */
    uint64_t free_pages;        /* bit per page: not in use */
    uint64_t spare_pages;       /* of these, still holding memory */
    size_t own_bytes;           /* > 0: the chunk is the mapping of one large block, of so many bytes */
    size_t index;               /* in husk__store.chunks */
};

#define HUSK__USABLE (~(uint64_t)0 << HUSK__HEAD_PAGES)

ALWAYS_INLINE struct husk__chunk *husk__chunk_of(const void *at)
{
    return (struct husk__chunk *)((uintptr_t)at & ~(uintptr_t)(HUSK__CHUNK - 1));
}

ALWAYS_INLINE unsigned husk__page_index(const void *at)
{
    return (unsigned)((uintptr_t)at >> HUSK__PAGE_SHIFT) & (HUSK__PAGES - 1);
}

ALWAYS_INLINE struct husk__page *husk__chunk_pages(const struct husk__chunk *chunk)
{
    uintptr_t base = (uintptr_t)chunk;
    return (struct husk__page *)(base + HUSK__RECORDS_AT + ((base >> HUSK__CHUNK_SHIFT) & 7) * 4096);
}

ALWAYS_INLINE struct husk__page *husk__page_of(const void *at)
{
    return husk__chunk_pages(husk__chunk_of(at)) + husk__page_index(at);
}

/* The first byte of the page that a record describes. */
ALWAYS_INLINE char *husk__page_start(const struct husk__page *page)
{
    struct husk__chunk *chunk = husk__chunk_of(page);
    return (char *)chunk + ((size_t)(page - husk__chunk_pages(chunk)) << HUSK__PAGE_SHIFT);
}

/* The pending bits: one per granule, all 0 outside passes. In a pass: objects still to be looked at
 * (marking), then the members of the set that is being ended. */
ALWAYS_INLINE size_t husk__granule_of(const void *at)
{
    return ((uintptr_t)at & (HUSK__CHUNK - 1)) >> HUSK__GRANULE_SHIFT;
}

/* The word with the bit of this address: number husk__granule_of(at) % 64. */
ALWAYS_INLINE uint64_t *husk__pending_word(const void *at)
{
    return (uint64_t *)((uintptr_t)husk__chunk_of(at) + HUSK__PENDING_AT) + husk__granule_of(at) / 64;
}

ALWAYS_INLINE bool husk__is_pending(const void *at)
{
    return *husk__pending_word(at) >> (husk__granule_of(at) % 64) & 1;
}

ALWAYS_INLINE void husk__set_pending(const void *at)
{
    *husk__pending_word(at) |= (uint64_t)1 << (husk__granule_of(at) % 64);
}

/* Words of 8 bytes in the side table that the touched blocks of a page have: a large block one, where it begins. */
static inline size_t husk__page_side_words(const struct husk__page *page)
{
    enum { BYTES_A_WORD = 4 << HUSK__GRANULE_SHIFT };
    if (page->state == HUSK__PAGE_RUN)
        return 1;
    return ((size_t)page->fresh * page->block + BYTES_A_WORD - 1) / BYTES_A_WORD;
}

/* The side table's entries of the page are zero again, as they are outside searches (cycle/side.h). */
static inline void husk__page_side_zero(const struct husk__page *page)
{
    struct husk__chunk *chunk = husk__chunk_of(page);
    size_t index = (size_t)(page - husk__chunk_pages(chunk));
    memset((char *)chunk + index * HUSK__SIDE_BYTES_PER_PAGE, 0, husk__page_side_words(page) * 8);
}

/* A run of n pages with the records of all set to `state` values; *dirty says whether the memory may hold old
 * bytes. NULL: store->failure says why. Requests. */
struct husk__page *husk__pages_take(struct husk__store *store, unsigned n, bool *dirty);

/* The pages become spare. Memory never goes away here: a pass may still read the bits of their objects. */
void husk__pages_give(struct husk__store *store, struct husk__page *first, unsigned n);

/* A chunk of its own for a block of `bytes`; its page record is number HUSK__HEAD_PAGES. */
struct husk__page *husk__chunk_take_own(struct husk__store *store, size_t bytes);
void husk__chunk_give_own(struct husk__store *store, struct husk__chunk *chunk);

/* Gives spare pages back to the system until at most `keep` are left, then chunks without a page in use,
 * but for one if keep > 0. Returns the bytes given back. */
size_t husk__pages_trim(struct husk__store *store, size_t keep);

/* Spare pages that are worth keeping: more are surplus. */
size_t husk__pages_worth(const struct husk__store *store);

/* Gives back what has been too much for 0.1 s. To be asked now and then: there is no clock of its own. */
void husk__pages_surplus(struct husk__store *store);

/* Gives all chunks back: the end of the heap. */
void husk__chunks_close(struct husk__store *store);

#endif
