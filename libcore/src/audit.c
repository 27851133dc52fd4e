/* audit.c: husk_heap_verify: is everything that must hold true? Reads all, changes nothing that lasts,
 * asks for no memory. It goes from the outside in, so that each step may rely on those before it. */
#include "cycle/find.h"
#include "object/cleanup.h"
#include "object/deadqueue.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/ledgered.h"
#include "object/soft.h"
#include "object/visit.h"
#include "object/weak.h"

#include <husk/debug.h>
#include <string.h>

#define WANT(condition, ...)                                                                                 \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            return husk_heap_fail(heap, HUSK_ECORRUPT, __VA_ARGS__);                                         \
    } while (0)

struct totals {
    size_t pages, spare, own_bytes, plain_chunks, own_chunks, cells, lones, queued, books, softs;
    uint64_t traced, traced_bytes; /* as the tracer counts */
};

static husk_status verify_chunk(husk_heap *heap, size_t i, struct totals *totals)
{
    const struct husk__chunk *chunk = heap->store.chunks[i];
    const struct husk__page *pages = husk__chunk_pages(chunk);
    WANT(chunk->owner == &heap->store && chunk->index == i, "chunk %zu does not know its place", i);
    WANT(i == 0 || heap->store.chunks[i - 1] < chunk, "chunk %zu is out of order", i);
    if (chunk->own_bytes) {
        WANT(pages[HUSK__HEAD_PAGES].state == HUSK__PAGE_RUN, "chunk %zu: its one block is gone", i);
        totals->own_bytes += chunk->own_bytes;
        totals->own_chunks++;
        return HUSK_OK;
    }
    WANT(!(chunk->free_pages & ~HUSK__USABLE), "chunk %zu: its head is marked free", i);
    WANT(!(chunk->spare_pages & ~chunk->free_pages), "chunk %zu: a spare page is in use", i);
    unsigned rest = 0;
    for (unsigned p = HUSK__HEAD_PAGES; p < HUSK__PAGES; p++) {
        bool is_free = chunk->free_pages >> p & 1;
        WANT(is_free == (pages[p].state == HUSK__PAGE_FREE),
             "chunk %zu, page %u: state %d contradicts the bitmap", i, p, pages[p].state);
        WANT((rest > 0) == (pages[p].state == HUSK__PAGE_REST),
             "chunk %zu, page %u: not where its run puts it", i, p);
        rest = pages[p].state == HUSK__PAGE_RUN ? pages[p].run - 1u : rest ? rest - 1 : 0;
    }
    totals->plain_chunks++;
    totals->pages += husk__count_bits(HUSK__USABLE & ~chunk->free_pages);
    totals->spare += husk__count_bits(chunk->spare_pages);
    return HUSK_OK;
}

static husk_status count_list(husk_heap *heap, const struct husk__page *page, const struct husk__slot *block,
                              const char *which, size_t *count)
{
    for (*count = 0; block; block = block->next) {
        WANT(husk__page_of(block) == page && husk__is_block(page, block),
             "%s of a page of %u-byte blocks leaves the page", which, page->block);
        WANT(block->head == 0, "%s of a page of %u-byte blocks holds a live object", which, page->block);
        WANT(++*count <= page->fresh, "%s of a page of %u-byte blocks runs in a circle", which, page->block);
    }
    return HUSK_OK;
}

static husk_status verify_page(husk_heap *heap, const struct husk__page *page)
{
    WANT(!page->members && !page->queued_next, "a page of %u-byte blocks still belongs to a pass",
         page->block);
    WANT(page->used <= page->fresh && page->fresh <= page->capacity,
         "a page of %u-byte blocks: %u used of %u of %u", page->block, page->used, page->fresh,
         page->capacity);
    const uint64_t *words = husk__pending_word(husk__page_start(page));
    size_t n = page->state == HUSK__PAGE_RUN ? 1 : (HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 64;
    for (size_t w = 0; w < n; w++)
        WANT(words[w] == 0, "a page of %u-byte blocks has pending bits left", page->block);
    const uint16_t *side = husk__side_of(husk__page_start(page));
    for (size_t i = 0; i < n * 64; i += 4) {
        uint64_t four;
        memcpy(&four, side + i, sizeof four);
        WANT(four == 0, "a page of %u-byte blocks has entries of a search left", page->block);
    }
    if (page->state == HUSK__PAGE_RUN)
        return HUSK_OK;

    const struct husk__bin *bin = &heap->store.bins[page->bin];
    WANT(page->bin < HUSK__NO_BIN && page->block == husk__class_bytes[page->bin % HUSK__CLASSES],
         "a page of %u-byte blocks is in bin %u", page->block, page->bin);
    size_t free_blocks, hand = 0, back = 0, aside = 0;
    husk_status status = count_list(heap, page, page->free, "the free list", &free_blocks);
    if (!status && bin->page == page)
        status = count_list(heap, page, bin->hand, "the hand", &hand);
    if (!status && bin->page == page)
        status = count_list(heap, page, bin->back, "what came back", &back);
    if (!status && bin->page == page)
        status = count_list(heap, page, bin->aside, "what waits aside", &aside);
    if (status)
        return status;
    WANT(page->used + free_blocks == page->fresh, "a page of %u-byte blocks: %u used and %zu free are not %u",
         page->block, page->used, free_blocks, page->fresh);
    size_t live = 0;
    for (HUSK__EACH_BLOCK(page, obj))
        live += husk__is_object(obj);
    WANT(bin->page != page || aside == bin->aside_count, "a page of %u-byte blocks: %zu wait aside, not %u",
         page->block, aside, bin->aside_count);
    WANT(!page->back_at || bin->page == page,
         "a page of %u-byte blocks that is not the current one takes blocks back", page->block);
    hand += back + aside;
    WANT(live + hand == page->used, "a page of %u-byte blocks: %zu objects and %zu in hand are not %u",
         page->block, live, hand, page->used);
    bool room = page->free || page->fresh < page->capacity;
    WANT(page->listed == (room && bin->page != page && !page->frozen), "a page of %u-byte blocks is %s",
         page->block, page->listed ? "listed without room" : "lost to its list");
    return HUSK_OK;
}

struct slots {
    husk_heap *heap;
    size_t bad_slot;
    const husk_obj *bad;
};

static void check_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)index;
    struct slots *slots = context;
    if (slots->bad || ((uintptr_t)child % 8 == 0 && husk__is_own_object(slots->heap, child)))
        return;
    slots->bad = child;
    slots->bad_slot = slot;
}

/* The target knows this weak reference of its own. */
static bool is_known(const husk_obj *target, const husk_weak *weak)
{
    if (!target->cell)
        return false;
    if (target->cell & CELL_LONE)
        return husk__lone_of(target) == weak;
    return husk__weak_has_call(weak) ? *weak->back == weak : husk__cell_at(target->cell)->shared == weak;
}

static husk_status verify_cell(husk_heap *heap, const husk_obj *obj, const husk_type *type)
{
    if (obj->cell & CELL_LONE) {
        const husk_weak *lone = husk__lone_of(obj);
        WANT(husk__is_own_object(heap, &lone->head) && (husk__type_of(&lone->head)->flags & TYPE_WEAK),
             "object of type %s: no side cell and no weak reference where 0x%x says", type->name, obj->cell);
        WANT(lone->target == obj, "object of type %s: its lone weak reference points elsewhere", type->name);
        return HUSK_OK;
    }
    uint32_t block = obj->cell / HUSK__CELLS_PER_BLOCK;
    WANT(block < HUSK__MOST_CELL_BLOCKS && husk__cell_blocks[block], "object of type %s: no side cell %u",
         type->name, obj->cell);
    const struct husk__cell *cell = husk__cell_at(obj->cell);
    WANT(cell->target == obj, "object of type %s: its side cell belongs to another", type->name);
    size_t count = 0;
    if (cell->shared) {
        count++;
        WANT(husk__is_own_object(heap, &cell->shared->head) &&
                 (husk__type_of(&cell->shared->head)->flags & (TYPE_WEAK | TYPE_TRACKED)) == TYPE_WEAK,
             "object of type %s: what is shared as weak reference is none", type->name);
        WANT(cell->shared->target == obj, "object of type %s: a weak reference points elsewhere", type->name);
    }
    husk_weak *const *back = &cell->weaks;
    for (const husk_weak *weak = cell->weaks; weak; back = &weak->next, weak = weak->next) {
        WANT(++count <= cell->count, "object of type %s: more weak references than its %u", type->name,
             cell->count);
        WANT(husk__is_own_object(heap, &weak->head) && (husk__type_of(&weak->head)->flags & TYPE_WEAK),
             "object of type %s: what is listed as weak reference is none", type->name);
        WANT(husk__weak_has_call(weak), "object of type %s: a weak reference without callback is listed",
             type->name);
        WANT(weak->target == obj && weak->back == back,
             "object of type %s: a weak reference points elsewhere", type->name);
    }
    WANT(count == cell->count, "object of type %s: %zu weak references listed, %u counted", type->name, count,
         cell->count);
    struct husk__tie *const *tie_back = &cell->ties;
    for (const struct husk__tie *tie = cell->ties; tie; tie_back = &tie->next, tie = tie->next)
        WANT(tie->target == obj && tie->back == tie_back && tie->hash,
             "object of type %s: an entry of a weak container is not listed where it points", type->name);
    return HUSK_OK;
}

/* Each entry of a weak container hangs on its target; none is loose while nothing is under way. */
static husk_status verify_ties(husk_heap *heap, husk_obj *obj, const husk_type *type)
{
    const struct husk__tied *tied = husk_obj_data(obj);
    WANT(tied->loose == 0, "%s: %zu entries are loose", type->name, tied->loose);
    if (type->flags & TYPE_EPHEMERON)
        WANT(husk__page_of(obj)->keymaps, "a %s is on a page where no pass looks for its keys", type->name);
    for (HUSK__EACH_TIE(obj, tie)) {
        if (!tie->hash)
            continue;
        WANT(tie->owner == obj && tie->target, "%s: an entry belongs elsewhere, or its target is dead",
             type->name);
        WANT(husk__is_own_object(heap, tie->target) && tie->target->cell && *tie->back == tie,
             "%s: an entry is not listed by its target", type->name);
        WANT(!(type->flags & TYPE_EPHEMERON) || (tie->target->tf & TF_KEY),
             "%s: a key of type %s does not know that it is one", type->name,
             husk__type_of(tie->target)->name);
    }
    return HUSK_OK;
}

static husk_status verify_site(husk_heap *heap, uint32_t site, size_t bytes, struct totals *totals)
{
    const struct husk__tracer *tracer = heap->tracer;
    WANT(tracer, "site 0x%x in a heap that is not traced", site);
    WANT((site & SITE_RECORD_BITS) && (site & SITE_RECORD_BITS) < tracer->record_count &&
             site >> SITE_EPOCH_BITS < tracer->epoch_count,
         "site 0x%x is none of the %u records and %u epochs", site, tracer->record_count,
         tracer->epoch_count);
    struct husk__worth worth = husk__worth_of(tracer, bytes);
    totals->traced += worth.count;
    totals->traced_bytes += worth.bytes;
    return HUSK_OK;
}

/* What is alive: objects and buffers by their sites, records by what was born and died there, the tracer's sum. */
static husk_status verify_traced(husk_heap *heap, struct totals *totals)
{
    const struct husk__tracer *tracer = heap->tracer;
    size_t buffers = 0;
    for (size_t i = 0; i < heap->buffers.room; i++) {
        const struct husk__blockmap_entry *entry = &heap->buffers.entries[i];
        husk_status status = entry->site ? verify_site(heap, entry->site, entry->size, totals) : HUSK_OK;
        if (status)
            return status;
        buffers += entry->site != 0;
    }
    WANT(buffers == heap->buffers.count, "%zu buffers are traced, %zu noted", buffers, heap->buffers.count);
    if (!tracer)
        return HUSK_OK;
    uint64_t count = 0, bytes = 0;
    for (uint32_t r = 0; r < tracer->record_count; r++) {
        count += tracer->records[r].born_count - tracer->records[r].died_count;
        bytes += tracer->records[r].born_bytes - tracer->records[r].died_bytes;
    }
    WANT(count == tracer->count && bytes == tracer->bytes, "records hold %llu bytes, the tracer %llu",
         (unsigned long long)bytes, (unsigned long long)tracer->bytes);
    WANT(totals->traced == count && totals->traced_bytes == bytes, "%llu bytes are traced, records hold %llu",
         (unsigned long long)totals->traced_bytes, (unsigned long long)bytes);
    WANT(tracer->bytes <= tracer->peak_bytes, "%llu bytes are traced, the peak is %llu",
         (unsigned long long)tracer->bytes, (unsigned long long)tracer->peak_bytes);
    return HUSK_OK;
}

/* What the ledger knows of an object makes up its count. */
static husk_status verify_book(husk_heap *heap, const husk_obj *obj, const husk_type *type,
                               struct totals *totals)
{
    if (!husk__is_ledgered(obj))
        return HUSK_OK;
    WANT(heap->ledgered, "object of type %s: it is in a ledger, but there is none", type->name);
    const struct husk__ledger *ledger = heap->ledgered->ledger;
    const char *wrong = husk__ledger_check(ledger, obj->rc & RC_BOOK);
    WANT(!wrong, "object of type %s in the ledger: %s", type->name, wrong);
    WANT(husk__ledger_book_at(ledger, obj->rc & RC_BOOK)->thing == obj,
         "object of type %s: its book in the ledger is of another", type->name);
    totals->books++;
    return HUSK_OK;
}

static husk_status verify_object(husk_heap *heap, const struct husk__page *page, husk_obj *obj,
                                 struct totals *totals)
{
    const husk_type *type = husk__type_of(obj);
    husk_status status;
    WANT(type && type->id, "an object of %u bytes has the type id %u, which is not registered", page->block,
         obj->tf & TF_TYPE);
    WANT(page->tracked == ((type->flags & TYPE_TRACKED) != 0),
         "object of type %s is on a page of the other sort", type->name);
    WANT(type->block <= husk__block_bytes(page), "object of type %s does not fit its block", type->name);
    WANT(!(type->flags & TYPE_ITEMS) ||
             husk_obj_item_count(obj) <= (husk__block_bytes(page) - type->items_at) / type->item_size,
         "object of type %s: %zu items do not fit its block", type->name, husk_obj_item_count(obj));
    WANT(!(obj->tf & TF_CONDEMNED), "object of type %s is condemned outside a pass", type->name);
    status = verify_book(heap, obj, type, totals);
    if (status)
        return status;
    WANT((obj->tf & TF_QUEUED) ? husk__count_of(obj) == 0 : husk__count_of(obj) > 0,
         "object of type %s: count %u does not fit its state", type->name, husk__count_of(obj));
    totals->queued += (obj->tf & TF_QUEUED) != 0;
    struct slots slots = { heap, 0, NULL };
    husk__visit(type, obj, check_child, &slots);
    WANT(!slots.bad, "object of type %s, slot %s: %p is no object of this heap", type->name,
         husk_type_slot_name(type, slots.bad_slot) ? husk_type_slot_name(type, slots.bad_slot) : "?",
         (const void *)slots.bad);
    if (type->flags & TYPE_WEAK) {
        const husk_weak *weak = (const husk_weak *)obj;
        WANT(!weak->target || (husk__is_own_object(heap, weak->target) && is_known(weak->target, weak)),
             "a weak reference is not listed where it points");
        totals->softs += (type->flags & TYPE_SOFT) && !(obj->tf & TF_QUEUED);
    }
    const char *wrong = husk__deadqueue_wrong(heap, obj);
    WANT(!wrong, "queue of the dead: %s", wrong);
    if ((type->flags & TYPE_TIED) && !(obj->tf & TF_QUEUED)) {
        status = verify_ties(heap, obj, type);
        if (status)
            return status;
    }
    if ((obj->tf & TF_QUEUED) && !husk__finalizer_pending(type, obj))
        return HUSK_OK; /* cell and site are given up */
    if (obj->site) {
        status = verify_site(heap, obj->site, husk__block_bytes(page), totals);
        if (status)
            return status;
    }
    if (!obj->cell)
        return HUSK_OK;
    if (obj->cell & CELL_LONE)
        totals->lones++;
    else
        totals->cells++;
    return verify_cell(heap, obj, type);
}

static husk_status verify_counts(husk_heap *heap)
{
    husk_status status = HUSK_OK;
    husk__find_counts(heap);
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; !status && (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!husk__is_object(obj) || husk__is_immortal(obj))
                continue;
            uint64_t seen = husk__side_total(obj, *husk__side_of(obj));
            if (seen > husk__count_of(obj) && seen != SIDE_UNKNOWN)
                status = husk_heap_fail(
                    heap, HUSK_ECORRUPT, "object of type %s: %llu slots hold it, but its count is %u",
                    husk__type_of(obj)->name, (unsigned long long)seen, husk__count_of(obj));
        }
    husk__side_end(&heap->store);
    return status;
}

static husk_status verify_totals(husk_heap *heap, const struct totals *totals)
{
    const struct husk__store *store = &heap->store;
    const struct husk__collector *collector = &heap->collector;
    WANT(totals->pages == store->pages_used && totals->spare == store->pages_spare,
         "%zu pages in use and %zu spare, %zu and %zu noted", totals->pages, totals->spare, store->pages_used,
         store->pages_spare);
    WANT(totals->cells == heap->cells.in_use, "%zu objects with side cells, %zu noted", totals->cells,
         heap->cells.in_use);
    WANT(totals->lones == heap->store.lones, "%zu objects with a lone weak reference, %zu noted",
         totals->lones, heap->store.lones);
    size_t dying_bytes, dying = husk__dying_count(heap, &dying_bytes);
    WANT(totals->queued == dying, "%zu objects are dying, %zu are queued", totals->queued, dying);
    size_t books = heap->ledgered ? heap->ledgered->ledger->books.in_use : 0;
    WANT(totals->books == books, "%zu objects are in the ledger, it has %zu books", totals->books, books);
    WANT(!heap->loose, "an entry of a weak container is loose");
    size_t cleanups = 0;
    for (int at_exit = 0; at_exit < 2; at_exit++)
        for (const husk_cleanup *c = heap->cleanups[at_exit], *newer = NULL; c; newer = c, c = c->older) {
            WANT(++cleanups <= heap->cleanup_count, "more cleanups listed than the %zu counted",
                 heap->cleanup_count);
            WANT(c->pending && c->at_exit == at_exit && c->newer == newer &&
                     (!newer || newer->number > c->number),
                 "a cleanup is not listed where it belongs");
        }
    const char *wrong = husk__softs_wrong(heap, totals->softs);
    WANT(!wrong, "%s", wrong);
    WANT(cleanups == heap->cleanup_count, "%zu cleanups listed, %zu counted", cleanups, heap->cleanup_count);
    size_t cell_blocks = 0;
    for (uint32_t b = heap->cells.blocks; b; b = husk__cell_blocks[b][0].next)
        cell_blocks++;
    size_t bytes = sizeof *heap + strlen(heap->name) + 1 +
                   (totals->plain_chunks + totals->own_chunks) * HUSK__CHUNK_COST +
                   (totals->pages + totals->spare + totals->own_chunks) * HUSK__PAGE_COST +
                   totals->own_bytes + store->raw_bytes + store->chunk_room * sizeof *store->chunks +
                   store->carry_room * sizeof *store->carries +
                   cell_blocks * HUSK__CELLS_PER_BLOCK * sizeof(struct husk__cell) +
                   collector->call_room * sizeof *collector->calls +
                   collector->garbage_room * sizeof *collector->garbage;
    WANT(bytes == store->bytes_taken, "the parts take %zu bytes, %zu are noted", bytes, store->bytes_taken);
    WANT(!store->max_bytes || store->bytes_taken <= store->max_bytes, "%zu bytes are taken, max_bytes is %zu",
         store->bytes_taken, store->max_bytes);
    return HUSK_OK;
}

static husk_status verify(husk_heap *heap)
{
    struct totals totals = { 0 };
    husk_status status = HUSK_OK;
    heap->on_table(heap);
    for (size_t i = 0; !status && i < heap->store.chunk_count; i++)
        status = verify_chunk(heap, i, &totals);
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; !status && (page = husk__next_page(&walk));)
        status = verify_page(heap, page);
    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; !status && (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (!status && husk__is_object(obj))
                status = verify_object(heap, page, obj, &totals);
    if (!status)
        status = verify_traced(heap, &totals);
    if (!status)
        status = verify_totals(heap, &totals);
    return status ? status : verify_counts(heap);
}

husk_status husk_heap_verify(husk_heap *heap)
{
    if (heap->busy & BUSY_WORK)
        return husk_heap_fail(heap, HUSK_EBUSY, "verify: a pass or a hook of heap %s is running", heap->name);
    husk_status status = verify(heap);
    if (status || !husk__drain_rest(heap))
        return status;
    return verify(heap); /* what a death budget left was sound while it waited; now that it is gone */
}
