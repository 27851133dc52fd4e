/* cycle/set.c: making, finalizing, confirming and ending the set of a pass. See set.h. */
#include "cycle/set.h"

#include "cycle/ephemeron.h"
#include "cycle/passlog.h"
#include "object/ledgered.h"
#include "object/traced.h"
#include "object/death.h"
#include "object/visit.h"

#include <string.h>

static void add_member(struct husk__page *page, husk_obj *obj, struct husk__set *set)
{
    husk__set_pending(obj);
    page->members++;
    set->members++;
    set->bytes += husk__block_bytes(page);
    set->finalizers += husk__finalizer_pending(husk__type_of(obj), obj);
}

static void take_key(husk_obj *key, void *context)
{
    if (husk__is_open(key))
        add_member(husk__page_of(key), key, context);
    *husk__side_of(key) = 0;
}

static void keep_members(struct husk__pages *pages)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < pages->count; i++)
        if (pages->list[i]->members)
            pages->list[kept++] = pages->list[i];
    pages->count = kept;
}

void husk__set_make(husk_heap *heap, struct husk__set *set)
{
    struct husk__pages *pages = &heap->search.pages;
    struct husk__pages_walk at = husk__pages_begin(heap, pages);
    *set = (struct husk__set){ .pages = pages };
    for (struct husk__page *page; (page = husk__pages_next(&at));) {
        if (!husk__takes_part(page))
            continue;
        for (HUSK__EACH_BLOCK(page, obj))
            if (UNLIKELY(husk__is_open(obj)))
                add_member(page, obj, set);
        husk__page_side_zero(page);
        if (UNLIKELY(page->keymaps) && pages->all)
            husk__each_bare_key(page, take_key, set);
    }
    heap->search.phase = SEARCH_NONE;
    keep_members(pages);
}

size_t husk__set_open(husk_heap *heap, const struct husk__pages *pages)
{
    size_t count = 0;
    struct husk__pages_walk at = husk__pages_begin(heap, pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));) {
        uint32_t here = 0;
        for (HUSK__EACH_BLOCK(page, obj)) {
            uint16_t *entry = husk__side_of(obj);
            if (!(*entry & SIDE_NAMED)) {
                *entry = 0; /* of a bare key whose entries ended since it was opened: nobody has asked for it */
                continue;
            }
            bool lives = husk__is_object(obj) && !(obj->tf & TF_QUEUED);
            *entry = lives ? SIDE_NAMED | SIDE_OPEN : 0;
            here += lives;
        }
        page->members = here;
        count += here;
    }
    return count;
}

void husk__set_settled(husk_heap *heap, struct husk__pages *pages, struct husk__set *set)
{
    struct husk__pages_walk at = husk__pages_begin(heap, pages);
    *set = (struct husk__set){ .pages = pages };
    for (struct husk__page *page; (page = husk__pages_member(&at));) {
        page->members = 0;
        for (HUSK__EACH_BLOCK(page, obj)) {
            uint16_t *entry = husk__side_of(obj);
            if (LIKELY(!*entry))
                continue;
            bool is_member = *entry & SIDE_OPEN;
            if (is_member)
                add_member(page, obj, set);
            *entry = is_member ? 0 : *entry & SIDE_NAMED;
        }
    }
    keep_members(pages);
}

static void flag_members(husk_heap *heap, const struct husk__set *set)
{
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj)) {
                obj->tf |= TF_CONDEMNED;
                heap->collector.condemned++;
                heap->collector.condemned_bytes += husk__block_bytes(page);
            }
}

size_t husk__set_finalize(husk_heap *heap, const struct husk__set *set)
{
    size_t ran = 0;
    flag_members(heap, set);
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!husk__is_pending(obj))
                continue;
            const husk_type *type = husk__type_of(obj);
            if (!husk__finalizer_pending(type, obj))
                continue;
            (void)husk__finalize(heap, obj, type);
            ran++;
        }
    return ran;
}

static void count_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    (void)context;
    husk__side_count(child);
}

size_t husk__settle(husk_heap *heap, const struct husk__pages *pages, const husk_obj **corrupt,
                    uint64_t *seen)
{
    struct husk__marker *marker = &heap->search.marker;
    size_t before = marker->marked;
    struct husk__pages_walk at = husk__pages_begin(heap, pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_open(obj)) {
                husk__visit(husk__type_of(obj), obj, count_child, NULL);
                if (UNLIKELY(obj->tf & TF_KEY))
                    husk__member_keys_count(obj);
            }
    at = husk__pages_begin(heap, pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            uint16_t entry = *husk__side_of(obj);
            if (!(entry & SIDE_OPEN))
                continue;
            uint64_t total = husk__side_total(obj, entry);
            uint32_t count = husk__count_of(obj);
            if (total == count)
                continue;
            if (UNLIKELY(total > count) && total != SIDE_UNKNOWN && corrupt) {
                *corrupt = obj;
                *seen = total;
            }
            husk__mark_root(marker, obj);
        }
    husk__mark_run(marker);
    husk__carries_end(&heap->store);
    return marker->marked - before;
}

/* Takes the pending bits of a page's blocks away. */
static void clear_bits(struct husk__page *page)
{
    memset(husk__pending_word(husk__page_start(page)), 0, (HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 8);
    page->members = 0;
}

/* The members are in question again; marking uses their bits. */
static void open_members(husk_heap *heap, const struct husk__set *set)
{
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));) {
        uint32_t members = page->members;
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj))
                *husk__side_of(obj) = SIDE_OPEN;
        clear_bits(page);
        page->members = members;
    }
}

size_t husk__set_confirm(husk_heap *heap, struct husk__set *set)
{
    open_members(heap, set);
    husk__marker_begin(&heap->search.marker);
    size_t left = husk__settle(heap, set->pages, NULL, NULL);
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    *set = (struct husk__set){ .pages = set->pages };
    for (struct husk__page *page; (page = husk__pages_member(&at));) {
        page->members = 0;
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!(obj->tf & TF_CONDEMNED))
                continue;
            if (husk__is_open(obj))
                add_member(page, obj, set);
            else
                obj->tf &= ~TF_CONDEMNED;
            *husk__side_of(obj) &= SIDE_NAMED;
        }
    }
    heap->collector.condemned = set->members;
    heap->collector.condemned_bytes = set->bytes;
    return left;
}

/* Members of a page by type, told together at its end: neighbours are of one type or of few. */
enum { TALLIES = 8 };
struct tally {
    const husk_type *type;
    uint32_t objects;
};

static void tell_tally(husk_heap *heap, const struct husk__page *page, struct tally *tally)
{
    if (tally->objects)
        husk__freed_add(heap, tally->type, tally->objects, husk__block_bytes(page));
}

ALWAYS_INLINE struct tally *tally_of(husk_heap *heap, const struct husk__page *page, struct tally *tallies,
                                     const husk_type *type)
{
    struct tally *tally = &tallies[type->id % TALLIES];
    if (UNLIKELY(tally->type != type)) {
        tell_tally(heap, page, tally);
        *tally = (struct tally){ type, 0 };
    }
    return tally;
}

/* All members of one page let go; then their blocks go back, all at once if nothing else is on the page. */
static size_t reclaim_page(husk_heap *heap, struct husk__page *page)
{
    size_t cleared = 0;
    uint32_t left = page->used, run = 0;
    const husk_type *last = NULL;
    struct tally tallies[TALLIES] = { { NULL, 0 } }, *tally = tallies;
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (!husk__is_pending(obj))
            continue;
        const husk_type *type = husk__type_of(obj);
        if (UNLIKELY(type != last)) {
            tally->objects += run;
            tally = tally_of(heap, page, tallies, last = type);
            run = 0;
        }
        run++;
        if (UNLIKELY(obj->cell)) {
            cleared += husk_obj_weak_count(obj);
            husk__end_weaks(heap, obj);
        }
        husk__site_end(heap, obj);
        if (UNLIKELY(husk__is_ledgered(obj)))
            husk__ledgered_end(heap, obj);
        left -= husk__reclaim_member(heap, obj, type);
    }
    tally->objects += run;
    for (unsigned i = 0; i < TALLIES; i++)
        tell_tally(heap, page, &tallies[i]);
    if (page->state == HUSK__PAGE_RUN)
        return cleared; /* its memory may go away with it, and others may still ask for its bit */
    if (left == 0) {
        husk__store_free_page(page);
        return cleared;
    }
    for (HUSK__EACH_BLOCK(page, obj))
        if (husk__is_pending(obj) &&
            !(obj->tf & TF_QUEUED)) /* queued: a weak reference whose event frees it */
            husk__store_free((struct husk__slot *)obj);
    return cleared;
}

static void free_run(struct husk__page *page)
{
    clear_bits(page);
    if (page->state == HUSK__PAGE_RUN)
        husk__store_free_page(page);
}

/* Large blocks last. The list of chunks shrinks meanwhile, so it is gone through from its end. */
static void free_runs(struct husk__store *store, const struct husk__pages *pages)
{
    for (unsigned i = 0; i < pages->count; i++)
        if (pages->list[i]->members)
            free_run(pages->list[i]);
    if (!pages->all)
        return;
    for (size_t c = store->chunk_count; c-- > 0;) {
        struct husk__chunk *chunk = store->chunks[c];
        struct husk__page *records = husk__chunk_pages(chunk);
        bool own = chunk->own_bytes;
        for (unsigned p = HUSK__HEAD_PAGES; p < (own ? HUSK__HEAD_PAGES + 1u : HUSK__PAGES); p++) {
            if (records[p].members)
                free_run(&records[p]);
        }
    }
}

size_t husk__set_reclaim(husk_heap *heap, const struct husk__set *set)
{
    size_t cleared = 0;
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    heap->reclaiming = true;
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        cleared += reclaim_page(heap, page);
    heap->reclaiming = false;
    free_runs(&heap->store, set->pages);
    heap->collector.condemned = heap->collector.condemned_bytes = 0;
    return cleared;
}

void husk__set_spare(husk_heap *heap, const struct husk__set *set,
                     void (*fn)(husk_heap *heap, husk_obj *member))
{
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));) {
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!husk__is_pending(obj))
                continue;
            obj->tf &= ~TF_CONDEMNED;
            if (fn)
                fn(heap, obj);
        }
        clear_bits(page);
    }
    heap->collector.condemned = heap->collector.condemned_bytes = 0;
}

size_t husk__set_weaks(const husk_heap *heap, const struct husk__set *set)
{
    size_t count = 0;
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj))
                count += husk_obj_weak_count(obj);
    return count;
}
