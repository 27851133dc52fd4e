/* view/balance_heap.c: where the memory of one heap is: each block of it goes to a row, and of each system
 * page it is known whether it is there. */
#include "view/balance.h"
#include "view/usage.h"

#include <string.h>

enum { MOST_STATES = HUSK__CHUNK / 4096 };

/* The pages of the system in a part of a chunk. */
struct part {
    const char *at;
    size_t page, count;
    uint8_t states[MOST_STATES];
};

static void look_at(struct part *part, struct husk__resident *resident, const void *at, size_t bytes)
{
    part->at = at;
    part->page = resident->page;
    part->count = bytes / resident->page;
    husk__resident_pages(resident, at, part->count, part->states);
}

static void add_bytes(struct husk__row *row, uint8_t state, size_t bytes)
{
    if (state == PAGE_OWN || state == PAGE_SHARED)
        row->bytes += (int64_t)bytes;
    if (state == PAGE_SHARED)
        row->shared += bytes;
    if (state == PAGE_SWAPPED)
        row->swapped += bytes;
}

/* The bytes from `from` to `to` (below the part's end) belong to this row. */
static void add_range(struct husk__row *row, const struct part *part, const char *from, const char *to)
{
    size_t at = (size_t)(from - part->at), end = (size_t)(to - part->at);
    while (at < end) {
        size_t number = at / part->page, page_end = (number + 1) * part->page;
        size_t stop = page_end < end ? page_end : end;
        add_bytes(row, part->states[number], stop - at);
        at = stop;
    }
}

/* All of the system's pages in a range are alike: the usual case, for which sums suffice. */
static bool is_uniform(const struct part *part, const char *from, size_t bytes)
{
    const uint8_t *states = part->states + (size_t)(from - part->at) / part->page;
    size_t count = bytes / part->page;
    return count < 2 || memcmp(states, states + 1, count - 1) == 0;
}

static uint8_t state_at(const struct part *part, const char *at)
{
    return part->states[(size_t)(at - part->at) / part->page];
}

static void add_blocks(struct husk__row *rows, const struct part *part, const struct husk__page *page)
{
    const char *start = husk__page_start(page), *last = start;
    for (HUSK__EACH_BLOCK(page, obj)) {
        const char *at = (const char *)obj, *end = at + page->block;
        if (!husk__is_object(obj)) {
            add_range(&rows[ROW_FREE], part, at, end);
        } else if (husk__is_dying(obj)) {
            add_range(&rows[ROW_DYING], part, at, end);
        } else {
            const char *asked = at + husk__asked_bytes(obj, husk__type_of(obj));
            add_range(&rows[ROW_LIVE], part, at, asked);
            add_range(&rows[ROW_SLACK], part, asked, end);
        }
        last = end;
    }
    add_range(&rows[ROW_FREE], part, last,
              start + HUSK__PAGE); /* untouched blocks, and what is too short for one */
}

static void add_counted(struct husk_balance *balance, const struct husk__usage *usage)
{
    struct husk__row *rows = balance->rows;
    rows[ROW_LIVE].counted += usage->asked_bytes;
    rows[ROW_SLACK].counted += usage->live_bytes - usage->asked_bytes;
    rows[ROW_DYING].counted += usage->dying_bytes;
    rows[ROW_FREE].counted += usage->held_bytes - usage->live_bytes - usage->dying_bytes;
    balance->sum.objects += usage->live;
}

static void add_page(struct husk_balance *balance, const struct part *part, const struct husk__page *page)
{
    struct husk__usage usage = { 0 };
    struct husk__row *rows = balance->rows;
    const char *start = husk__page_start(page);
    int64_t free_before = rows[ROW_FREE].bytes;
    husk__usage_add(&usage, page);
    add_counted(balance, &usage);
    if (is_uniform(part, start, HUSK__PAGE)) {
        uint8_t state = state_at(part, start);
        add_bytes(&rows[ROW_LIVE], state, usage.asked_bytes);
        add_bytes(&rows[ROW_SLACK], state, usage.live_bytes - usage.asked_bytes);
        add_bytes(&rows[ROW_DYING], state, usage.dying_bytes);
        add_bytes(&rows[ROW_FREE], state, usage.held_bytes - usage.live_bytes - usage.dying_bytes);
    } else {
        add_blocks(rows, part, page);
    }
    balance->sum.pages++;
    if (usage.live_bytes < HUSK__PAGE / 4) {
        balance->sum.pages_sparse++;
        balance->sum.sparse_free += (uint64_t)(rows[ROW_FREE].bytes - free_before);
    }
}

/* One large object: the part of it that is in `part`, from `from` on. */
static void add_run(struct husk__row *rows, const struct part *part, const husk_obj *obj, size_t block,
                    const char *from, const char *to)
{
    if (!husk__is_object(obj) || husk__is_dying(obj)) {
        add_range(&rows[husk__is_object(obj) ? ROW_DYING : ROW_FREE], part, from, to);
        return;
    }
    size_t asked_bytes = husk__asked_bytes(obj, husk__type_of(obj));
    const char *asked = (const char *)obj + (asked_bytes < block ? asked_bytes : block);
    const char *middle = asked < from ? from : asked < to ? asked : to;
    add_range(&rows[ROW_LIVE], part, from, middle);
    add_range(&rows[ROW_SLACK], part, middle, to);
}

static void add_chunk(struct husk_balance *balance, struct husk__resident *resident, struct part *part,
                      const struct husk__chunk *chunk)
{
    struct husk__row *rows = balance->rows;
    look_at(part, resident, chunk, HUSK__CHUNK);
    add_range(&rows[ROW_METADATA], part, part->at, part->at + HUSK__HEAD_PAGES * HUSK__PAGE);
    const struct husk__page *pages = husk__chunk_pages(chunk);
    for (unsigned p = HUSK__HEAD_PAGES; p < HUSK__PAGES; p++) {
        const struct husk__page *page = &pages[p];
        const char *start = husk__page_start(page);
        if (page->state == HUSK__PAGE_BLOCKS) {
            add_page(balance, part, page);
        } else if (page->state == HUSK__PAGE_RUN) {
            struct husk__usage usage = { 0 };
            husk__usage_add(&usage, page);
            add_counted(balance, &usage);
            add_run(rows, part, (const husk_obj *)(const void *)start, page->block, start,
                    start + page->block);
        } else if (page->state == HUSK__PAGE_FREE) { /* kept, or made by the system as part of a large page */
            add_range(&rows[ROW_SPARE], part, start, start + HUSK__PAGE);
        }
    }
}

/* A mapping for one object, a chunk's length at a time. */
static void add_own(struct husk_balance *balance, struct husk__resident *resident, struct part *part,
                    const struct husk__chunk *chunk)
{
    const size_t head = HUSK__HEAD_PAGES * HUSK__PAGE;
    const char *start = (const char *)chunk + head;
    const struct husk__page *page = husk__chunk_pages(chunk) + HUSK__HEAD_PAGES;
    struct husk__usage usage = { 0 };
    husk__usage_add(&usage, page);
    add_counted(balance, &usage);
    look_at(part, resident, chunk, head);
    add_range(&balance->rows[ROW_METADATA], part, part->at, part->at + head);
    for (size_t done = 0; done < chunk->own_bytes;) {
        size_t bytes = chunk->own_bytes - done < HUSK__CHUNK ? chunk->own_bytes - done : HUSK__CHUNK;
        look_at(part, resident, start + done, bytes);
        add_run(balance->rows, part, (const husk_obj *)(const void *)start, chunk->own_bytes, start + done,
                start + done + bytes);
        done += bytes;
    }
}

static size_t cell_bytes(const husk_heap *heap)
{
    size_t blocks = 0;
    for (uint32_t b = heap->cells.blocks; b; b = husk__cell_blocks[b][0].next)
        blocks++;
    return blocks * HUSK__CELLS_PER_BLOCK * sizeof(struct husk__cell);
}

void husk__balance_heap(struct husk_balance *balance, const husk_heap *heap, struct husk__resident *resident,
                        uint64_t *space)
{
    const struct husk__store *store = &heap->store;
    struct husk__row *rows = balance->rows;
    struct part part;
    size_t own = 0, own_bytes = 0;
    for (size_t c = 0; c < store->chunk_count; c++) {
        const struct husk__chunk *chunk = store->chunks[c];
        if (chunk->own_bytes) {
            own++;
            own_bytes += chunk->own_bytes;
            add_own(balance, resident, &part, chunk);
            *space += HUSK__HEAD_PAGES * HUSK__PAGE + chunk->own_bytes;
        } else {
            add_chunk(balance, resident, &part, chunk);
            *space += HUSK__CHUNK;
        }
    }
    size_t pages = store->pages_used + store->pages_spare, cells = cell_bytes(heap);
    size_t metadata = store->chunk_count * HUSK__CHUNK_COST + pages * (HUSK__PAGE_COST - HUSK__PAGE) +
                      own * HUSK__PAGE_COST;
    rows[ROW_SPARE].counted += store->pages_spare * HUSK__PAGE;
    rows[ROW_METADATA].counted += metadata;
    rows[ROW_BUFFERS].counted += store->raw_bytes;
    rows[ROW_CELLS].counted += cells;
    rows[ROW_TABLES].counted +=
        store->bytes_taken - metadata - pages * HUSK__PAGE - own_bytes - store->raw_bytes - cells;
}
