/* trace/pagemap.c: see pagemap.h. */
#include "trace/pagemap.h"

#include "base/memory.h"
#include "trace/record.h"

#include <string.h>

#define OFFSET_MASK ((1u << PAGEMAP_PAGE_SHIFT) - 1)

/* ---- arrays: pieces of chunks, by powers of two; given back to a list of their size ---- */

enum {
    PIECE = sizeof(struct husk__pagemap_slot) << PAGEMAP_LEAST_SHIFT,
    CHUNK_FIRST = 64, /* pieces; each further one has twice as many, up to: */
    CHUNK_MOST = 1 << PAGEMAP_CHUNK_SHIFT,
};

static struct husk__pagemap_slot *array_at(const struct husk__pagemap *map, uint32_t number)
{
    char *chunk = map->chunks[number >> PAGEMAP_CHUNK_SHIFT].at;
    return (struct husk__pagemap_slot *)(void *)(chunk + (size_t)(number & (CHUNK_MOST - 1)) * PIECE);
}

/* A chunk with room for so many pieces, the last one. */
static bool chunk_new(struct husk__pagemap *map, uint32_t pieces)
{
    if (map->chunk_count == map->chunk_room) {
        size_t room = map->chunk_room ? map->chunk_room * 2 : 8;
        void *larger =
            husk__raw_resize(map->chunks, map->chunk_room * sizeof *map->chunks, room * sizeof *map->chunks);
        if (!larger)
            return false;
        map->chunks = larger;
        map->chunk_room = room;
    }
    if (map->chunk_count >= (size_t)1 << (32 - PAGEMAP_CHUNK_SHIFT))
        return false;
    uint32_t room = map->chunk_count < PAGEMAP_CHUNK_SHIFT - 6 ? (uint32_t)CHUNK_FIRST << map->chunk_count
                                                               : (uint32_t)CHUNK_MOST;
    room = room < pieces ? pieces : room;
    char *at = husk__raw_new((size_t)room * PIECE);
    if (!at)
        return false;
    map->chunks[map->chunk_count++] = (struct husk__pagemap_chunk){ at, 0, room };
    return true;
}

/* Zeroed. false: no memory. */
static bool array_new(struct husk__pagemap *map, unsigned shift, uint32_t *number)
{
    uint32_t pieces = 1u << (shift - PAGEMAP_LEAST_SHIFT);
    if (map->idle[shift]) {
        *number = map->idle[shift] - 1;
        memcpy(&map->idle[shift], array_at(map, *number), sizeof map->idle[shift]);
        memset(array_at(map, *number), 0, (size_t)pieces * PIECE);
        return true;
    }
    struct husk__pagemap_chunk *last = map->chunk_count ? &map->chunks[map->chunk_count - 1] : NULL;
    if (!last || last->room - last->used < pieces) {
        if (!chunk_new(map, pieces))
            return false;
        last = &map->chunks[map->chunk_count - 1];
    }
    *number = (uint32_t)(map->chunk_count - 1) << PAGEMAP_CHUNK_SHIFT | last->used;
    last->used += pieces;
    return true;
}

static void array_free(struct husk__pagemap *map, unsigned shift, uint32_t number)
{
    memcpy(array_at(map, number), &map->idle[shift], sizeof map->idle[shift]);
    map->idle[shift] = number + 1;
}

/* ---- slots of a page ---- */

static size_t home_of(uint32_t offset, unsigned shift)
{
    return (size_t)offset << shift >> PAGEMAP_PAGE_SHIFT;
}

/* Where the offset is, or the free slot where it would be. */
static struct husk__pagemap_slot *probe(struct husk__pagemap_slot *array, unsigned shift, uint32_t offset)
{
    size_t mask = ((size_t)1 << shift) - 1, at = home_of(offset, shift);
    while (array[at].site && array[at].offset != offset)
        at = (at + 1) & mask;
    return &array[at];
}

static struct husk__pagemap_slot *slot_in(const struct husk__pagemap *map, struct husk__pagemap_page *page,
                                          uint32_t offset)
{
    if (page->shift)
        return probe(array_at(map, page->array), page->shift, offset);
    return &page->one;
}

/* An array of twice the room, or a first one. */
static bool page_grow(struct husk__pagemap *map, struct husk__pagemap_page *page)
{
    unsigned shift = page->shift ? page->shift + 1u : (unsigned)PAGEMAP_LEAST_SHIFT;
    uint32_t number;
    if (!array_new(map, shift, &number))
        return false;
    struct husk__pagemap_slot *to = array_at(map, number);
    if (page->shift) {
        const struct husk__pagemap_slot *from = array_at(map, page->array);
        for (size_t i = 0; i < (size_t)1 << page->shift; i++)
            if (from[i].site)
                *probe(to, shift, from[i].offset) = from[i];
        array_free(map, page->shift, page->array);
    } else {
        *probe(to, shift, page->one.offset) = page->one;
    }
    page->array = number;
    page->shift = (uint8_t)shift;
    return true;
}

static void slot_remove(struct husk__pagemap_slot *array, unsigned shift, struct husk__pagemap_slot *slot)
{
    size_t mask = ((size_t)1 << shift) - 1, hole = (size_t)(slot - array);
    for (size_t at = (hole + 1) & mask; array[at].site; at = (at + 1) & mask) {
        size_t home = home_of(array[at].offset, shift);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* it would come before its place */
        array[hole] = array[at];
        hole = at;
    }
    array[hole] = (struct husk__pagemap_slot){ 0 };
}

/* ---- pages ---- */

ALWAYS_INLINE size_t page_home(uint32_t domain, uint64_t number, size_t room)
{
    return (size_t)husk__mix(number, domain) & (room - 1);
}

/* The page's record, or the free one where it would be; there is room. */
ALWAYS_INLINE struct husk__pagemap_page *page_probe(const struct husk__pagemap *map, uint32_t domain,
                                                    uint64_t number)
{
    size_t at = page_home(domain, number, map->room);
    while (map->pages[at].count && (map->pages[at].number != number || map->pages[at].domain != domain))
        at = (at + 1) & (map->room - 1);
    return &map->pages[at];
}

static bool pages_room(struct husk__pagemap *map)
{
    if (LIKELY(map->count < map->room / 2))
        return true;
    size_t room = map->room ? map->room * 2 : 16;
    struct husk__pagemap larger = { .pages = husk__raw_new(room * sizeof *map->pages), .room = room };
    if (!larger.pages)
        return map->count + 1 < map->room; /* slower, but not full */
    for (size_t i = 0; i < map->room; i++)
        if (map->pages[i].count)
            *page_probe(&larger, map->pages[i].domain, map->pages[i].number) = map->pages[i];
    husk__raw_free(map->pages, map->room * sizeof *map->pages);
    map->pages = larger.pages;
    map->room = room;
    return true;
}

static void page_remove(struct husk__pagemap *map, struct husk__pagemap_page *page)
{
    size_t mask = map->room - 1, hole = (size_t)(page - map->pages);
    for (size_t at = (hole + 1) & mask; map->pages[at].count; at = (at + 1) & mask) {
        size_t home = page_home(map->pages[at].domain, map->pages[at].number, map->room);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->pages[hole] = map->pages[at];
        hole = at;
    }
    map->pages[hole] = (struct husk__pagemap_page){ 0 };
    map->count--;
}

/* ---- the calls ---- */

struct husk__pagemap_slot *husk__pagemap_find(struct husk__pagemap *map, uint32_t domain, uint64_t address)
{
    if (!map->room)
        return NULL;
    struct husk__pagemap_page *page = page_probe(map, domain, address >> PAGEMAP_PAGE_SHIFT);
    uint32_t offset = (uint32_t)address & OFFSET_MASK;
    if (!page->count)
        return NULL;
    struct husk__pagemap_slot *slot = slot_in(map, page, offset);
    return slot->site && slot->offset == offset ? slot : NULL;
}

struct husk__pagemap_slot *husk__pagemap_make(struct husk__pagemap *map, uint32_t domain, uint64_t address)
{
    uint64_t number = address >> PAGEMAP_PAGE_SHIFT;
    uint32_t offset = (uint32_t)address & OFFSET_MASK;
    if (UNLIKELY(!pages_room(map)))
        return NULL;
    struct husk__pagemap_page *page = page_probe(map, domain, number);
    if (!page->count) {
        *page = (struct husk__pagemap_page){ .number = number, .domain = domain, .count = 1 };
        page->one.offset = (uint16_t)offset;
        map->count++;
        return &page->one;
    }
    struct husk__pagemap_slot *slot = slot_in(map, page, offset);
    if (slot->site && slot->offset == offset)
        return slot;
    /* Three quarters full, and at the most shift never: there are fewer offsets than slots. */
    if (UNLIKELY(page->count + 1u > (page->shift ? 3u << page->shift >> 2 : 1u))) {
        if (!page_grow(map, page))
            return NULL;
        slot = slot_in(map, page, offset);
    }
    page->count++;
    slot->offset = (uint16_t)offset;
    return slot;
}

/* It is in it. */
ALWAYS_INLINE void remove_slot(struct husk__pagemap *map, struct husk__pagemap_page *page,
                               struct husk__pagemap_slot *slot)
{
    if (--page->count == 0) {
        if (page->shift)
            array_free(map, page->shift, page->array);
        page_remove(map, page);
    } else {
        slot_remove(array_at(map, page->array), page->shift, slot);
    }
}

void husk__pagemap_remove(struct husk__pagemap *map, uint32_t domain, uint64_t address)
{
    struct husk__pagemap_page *page = page_probe(map, domain, address >> PAGEMAP_PAGE_SHIFT);
    remove_slot(map, page, slot_in(map, page, (uint32_t)address & OFFSET_MASK));
}

bool husk__pagemap_take(struct husk__pagemap *map, uint32_t domain, uint64_t address,
                        struct husk__pagemap_slot *out)
{
    if (!map->room)
        return false;
    struct husk__pagemap_page *page = page_probe(map, domain, address >> PAGEMAP_PAGE_SHIFT);
    if (!page->count)
        return false;
    uint32_t offset = (uint32_t)address & OFFSET_MASK;
    struct husk__pagemap_slot *slot = slot_in(map, page, offset);
    if (!slot->site || slot->offset != offset)
        return false;
    *out = *slot;
    remove_slot(map, page, slot);
    return true;
}

void husk__pagemap_rename(struct husk__pagemap *map, const uint8_t *epochs)
{
    for (size_t p = 0; p < map->room; p++) {
        struct husk__pagemap_page *page = &map->pages[p];
        if (!page->count)
            continue;
        struct husk__pagemap_slot *slots = page->shift ? array_at(map, page->array) : &page->one;
        for (size_t i = 0; i < (size_t)1 << page->shift; i++)
            if (slots[i].site)
                slots[i].site = husk__site_renamed(slots[i].site, epochs);
    }
}

void husk__pagemap_free(struct husk__pagemap *map)
{
    husk__raw_free(map->pages, map->room * sizeof *map->pages);
    for (size_t c = 0; c < map->chunk_count; c++)
        husk__raw_free(map->chunks[c].at, (size_t)map->chunks[c].room * PIECE);
    husk__raw_free(map->chunks, map->chunk_room * sizeof *map->chunks);
    *map = (struct husk__pagemap){ 0 };
}

size_t husk__pagemap_bytes(const struct husk__pagemap *map)
{
    size_t bytes = map->room * sizeof *map->pages + map->chunk_room * sizeof *map->chunks;
    for (size_t c = 0; c < map->chunk_count; c++)
        bytes += (size_t)map->chunks[c].room * PIECE;
    return bytes;
}

bool husk__pagemap_next(const struct husk__pagemap *map, size_t *cursor, struct husk__blockmap_entry *out)
{
    size_t p = *cursor >> PAGEMAP_MOST_SHIFT, i = *cursor & (((size_t)1 << PAGEMAP_MOST_SHIFT) - 1);
    for (; p < map->room; p++, i = 0) {
        struct husk__pagemap_page *page = &map->pages[p];
        const struct husk__pagemap_slot *slots = page->shift ? array_at(map, page->array) : &page->one;
        for (; page->count && i < (size_t)1 << page->shift; i++) {
            if (!slots[i].site)
                continue;
            *out =
                (struct husk__blockmap_entry){ page->number << PAGEMAP_PAGE_SHIFT | slots[i].offset,
                                               husk__pagemap_size(&slots[i]), slots[i].site, page->domain };
            *cursor = (p << PAGEMAP_MOST_SHIFT | i) + 1;
            return true;
        }
    }
    *cursor = map->room << PAGEMAP_MOST_SHIFT;
    return false;
}
