/* store/chunk.c: chunks come and go, pages are taken from them and given back. See chunk.h. */
#define _GNU_SOURCE
#include "store/chunk.h"

#include "base/clock.h"
#include "base/memory.h"
#include "store/store.h"

#include <string.h>

/* From so many chunks on, misses of the address cache cost a pass more than an unused half chunk costs
 * memory: at 10^7 objects in random order a pass took 107 ns an object with small system pages, 67 with
 * large ones. */
#define HUGE_FROM 16
#define TRIM_AFTER_NS 100000000u /* pages that stay empty for 0.1 s are surplus */

static bool reserve_entry(struct husk__store *store)
{
    if (store->chunk_count < store->chunk_room)
        return true;
    size_t room = store->chunk_room ? store->chunk_room * 2 : 4;
    void *table = husk__charged_resize(store, store->chunks, store->chunk_room * sizeof *store->chunks,
                                       room * sizeof *store->chunks);
    if (!table)
        return false;
    store->chunks = table;
    store->chunk_room = room;
    return true;
}

/* Enters the chunk by address: walks and passes then run through memory in one direction. */
static void enter(struct husk__store *store, struct husk__chunk *chunk)
{
    size_t i = store->chunk_count++;
    for (; i > 0 && store->chunks[i - 1] > chunk; i--) {
        store->chunks[i] = store->chunks[i - 1];
        store->chunks[i]->index = i;
    }
    store->chunks[i] = chunk;
    chunk->index = i;
    chunk->owner = store;
    chunk->records = husk__chunk_pages(chunk);
    store->chunk_hint = i < store->chunk_hint ? i : store->chunk_hint;
}

static void leave(struct husk__store *store, struct husk__chunk *chunk)
{
    for (size_t i = chunk->index + 1; i < store->chunk_count; i++) {
        store->chunks[i - 1] = store->chunks[i];
        store->chunks[i - 1]->index = i - 1;
    }
    store->chunk_count--;
    store->chunk_hint = 0;
}

/* A mapping of `bytes` that costs `cost`, entered; or NULL. */
static struct husk__chunk *take_chunk(struct husk__store *store, size_t bytes, size_t cost)
{
    if (!reserve_entry(store) || !husk__store_charge(store, cost))
        return NULL;
    struct husk__chunk *chunk = husk__range_take(bytes);
    if (!chunk) {
        husk__store_discharge(store, cost);
        store->failure = HUSK_ENOMEM;
        return NULL;
    }
    if (store->chunk_count >= HUGE_FROM)
        husk__memory_advise_huge(chunk, bytes);
    enter(store, chunk);
    husk__store_charged(store);
    return chunk;
}

static void give_chunk(struct husk__store *store, struct husk__chunk *chunk, size_t bytes, size_t cost)
{
    leave(store, chunk);
    HUSK__UNPOISON(chunk, bytes);
    husk__range_give(chunk, bytes);
    husk__store_discharge(store, cost);
}

/* Where a run of n pages is free; runs that already hold memory first. */
static int find_pages(const struct husk__chunk *chunk, unsigned n)
{
    int at = husk__find_run(chunk->spare_pages, n);
    return at >= 0 ? at : husk__find_run(chunk->free_pages, n);
}

static struct husk__chunk *chunk_with_room(struct husk__store *store, unsigned n)
{
    size_t i = store->chunk_hint;
    while (i < store->chunk_count && !store->chunks[i]->free_pages)
        i++;
    store->chunk_hint = i;
    /* What holds memory already comes first, in whichever chunk it is: a new one may lie before it. */
    for (size_t k = i; store->pages_spare >= n && k < store->chunk_count; k++)
        if (husk__find_run(store->chunks[k]->spare_pages, n) >= 0)
            return store->chunks[k];
    for (; i < store->chunk_count; i++)
        if (find_pages(store->chunks[i], n) >= 0)
            return store->chunks[i];
    struct husk__chunk *chunk = take_chunk(store, HUSK__CHUNK, HUSK__CHUNK_COST);
    if (chunk)
        chunk->free_pages = HUSK__USABLE;
    return chunk;
}

struct husk__page *husk__pages_take(struct husk__store *store, unsigned n, bool *dirty)
{
    struct husk__chunk *chunk = chunk_with_room(store, n);
    if (!chunk)
        return NULL;
    unsigned first = (unsigned)find_pages(chunk, n);
    uint64_t run = husk__bit_run(first, n);
    unsigned spare = husk__count_bits(chunk->spare_pages & run);
    size_t cost = (n - spare) * HUSK__PAGE_COST;
    if (cost) {
        if (!husk__store_charge(store, cost))
            return NULL;
        if (husk__memory_refused()) { /* the chunk is mapped as a whole; a page of it is still a request */
            husk__store_discharge(store, cost);
            store->failure = HUSK_ENOMEM;
            return NULL;
        }
        husk__store_charged(store);
    }
    chunk->free_pages &= ~run;
    chunk->spare_pages &= ~run;
    store->pages_spare -= spare;
    store->pages_reserved -= spare < store->pages_reserved ? spare : store->pages_reserved;
    store->pages_used += n;
    *dirty = spare > 0;

    struct husk__page *page = husk__chunk_pages(chunk) + first;
    memset(page, 0, n * sizeof *page);
    for (unsigned i = 0; i < n; i++)
        page[i].state = HUSK__PAGE_REST;
    return page;
}

size_t husk__pages_worth(const struct husk__store *store)
{
    return (store->pages_used / 8 > 2 ? store->pages_used / 8 : 2) + store->pages_reserved;
}

void husk__pages_give(struct husk__store *store, struct husk__page *first, unsigned n)
{
    struct husk__chunk *chunk = husk__chunk_of(first);
    uint64_t run = husk__bit_run((unsigned)(first - husk__chunk_pages(chunk)), n);
    for (unsigned i = 0; i < n; i++)
        first[i].state = HUSK__PAGE_FREE;
    chunk->free_pages |= run;
    chunk->spare_pages |= run;
    store->pages_used -= n;
    store->pages_spare += n;
    if (chunk->index < store->chunk_hint)
        store->chunk_hint = chunk->index;

    if (UNLIKELY(store->pages_spare > husk__pages_worth(store)))
        husk__let_wait(store, HUSK__WAITS_SURPLUS);
}

void husk__pages_surplus(struct husk__store *store)
{
    size_t keep = husk__pages_worth(store);
    uint64_t now = husk__now_coarse();
    if (store->pages_spare <= keep)
        store->surplus_since = 0;
    else if (store->surplus_since == 0)
        store->surplus_since = now;
    else if (now - store->surplus_since > TRIM_AFTER_NS)
        (void)husk__pages_trim(store, keep);
}

struct husk__page *husk__chunk_take_own(struct husk__store *store, size_t bytes)
{
    if (bytes > SIZE_MAX / 4) {
        store->failure = HUSK_ENOMEM;
        return NULL;
    }
    size_t body = husk__round_up(bytes, HUSK__PAGE);
    struct husk__chunk *chunk =
        take_chunk(store, HUSK__HEAD_PAGES * HUSK__PAGE + body, HUSK__CHUNK_COST + HUSK__PAGE_COST + body);
    if (!chunk)
        return NULL;
    chunk->own_bytes = body;
    return husk__chunk_pages(chunk) + HUSK__HEAD_PAGES;
}

void husk__chunk_give_own(struct husk__store *store, struct husk__chunk *chunk)
{
    size_t body = chunk->own_bytes;
    give_chunk(store, chunk, HUSK__HEAD_PAGES * HUSK__PAGE + body, HUSK__CHUNK_COST + HUSK__PAGE_COST + body);
}

/* Decommits spare pages of a chunk, at most `most`, with their part of the side table. */
static size_t trim_chunk(struct husk__store *store, struct husk__chunk *chunk, size_t most)
{
    size_t given = 0;
    while (chunk->spare_pages && given < most) {
        unsigned first = husk__lowest_bit(chunk->spare_pages);
        uint64_t from = chunk->spare_pages >> first;
        unsigned n = from == ~(uint64_t)0 ? 64 - first : husk__lowest_bit(~from);
        if (n > most - given)
            n = (unsigned)(most - given);
        char *at = (char *)chunk + first * HUSK__PAGE;
        HUSK__UNPOISON(at, n * HUSK__PAGE);
        husk__memory_decommit(at, n * HUSK__PAGE);
        husk__memory_decommit((char *)chunk + first * HUSK__SIDE_BYTES_PER_PAGE,
                              n * HUSK__SIDE_BYTES_PER_PAGE);
        chunk->spare_pages &= ~husk__bit_run(first, n);
        given += n;
    }
    store->pages_spare -= given;
    husk__store_discharge(store, given * HUSK__PAGE_COST);
    return given;
}

size_t husk__pages_trim(struct husk__store *store, size_t keep)
{
    size_t before = store->bytes_taken;
    /* From the highest address down: low chunks stay full, high ones become empty and can go. */
    for (size_t i = store->chunk_count; i-- > 0 && store->pages_spare > keep;)
        (void)trim_chunk(store, store->chunks[i], store->pages_spare - keep);
    for (size_t i = store->chunk_count; i-- > 0;) {
        struct husk__chunk *chunk = store->chunks[i];
        if (chunk->own_bytes || chunk->free_pages != HUSK__USABLE || chunk->spare_pages || (keep && i == 0))
            continue;
        give_chunk(store, chunk, HUSK__CHUNK, HUSK__CHUNK_COST);
    }
    store->surplus_since = 0;
    return before - store->bytes_taken;
}

void husk__chunks_close(struct husk__store *store)
{
    while (store->chunk_count > 0) {
        struct husk__chunk *chunk = store->chunks[store->chunk_count - 1];
        if (chunk->own_bytes) {
            husk__chunk_give_own(store, chunk);
            continue;
        }
        unsigned held = husk__count_bits(HUSK__USABLE & ~(chunk->free_pages & ~chunk->spare_pages));
        give_chunk(store, chunk, HUSK__CHUNK, HUSK__CHUNK_COST + held * HUSK__PAGE_COST);
    }
    husk__charged_free(store, store->chunks, store->chunk_room * sizeof *store->chunks);
    store->chunks = NULL;
    store->chunk_room = 0;
    store->pages_used = store->pages_spare = 0;
}
