/* cycle/set.c: making, finalizing, confirming and ending the set of a pass. See set.h. */
#include "cycle/set.h"

#include "cycle/ephemeron.h"
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

static void add_key(husk_obj *key, void *context)
{
    if (husk__is_unmarked(key) && !husk__is_pending(key))
        add_member(husk__page_of(key), key, context);
}

void husk__set_make(husk_heap *heap, struct husk__set *set)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    *set = (struct husk__set){ 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        if (!husk__takes_part(page))
            continue;
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_unmarked(obj))
                add_member(page, obj, set);
    }
    husk__each_bare_key(heap, add_key, set);
}

static struct husk__page *next_page(struct husk__page_walk *walk)
{
    struct husk__page *page;
    do
        page = husk__next_page(walk);
    while (page && !page->members);
    return page;
}

static void flag_members(husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj)) {
                obj->tf |= TF_CONDEMNED;
                heap->collector.condemned++;
                heap->collector.condemned_bytes += husk__block_bytes(page);
            }
}

size_t husk__set_finalize(husk_heap *heap)
{
    size_t ran = 0;
    flag_members(heap);
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));)
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

static void count_member(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    (void)context;
    if (child->tf & TF_CONDEMNED)
        husk__side_count(child);
}

/* Takes the pending bits of a page's blocks away. */
static void clear_bits(struct husk__page *page)
{
    memset(husk__pending_word(husk__page_start(page)), 0, (HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 8);
    page->members = 0;
}

size_t husk__set_confirm(husk_heap *heap, struct husk__set *set)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));)
        husk__side_clear(page, false);
    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (obj->tf & TF_CONDEMNED) {
                husk__visit(husk__type_of(obj), obj, count_member, NULL);
                if (UNLIKELY(obj->tf & TF_KEY))
                    husk__member_keys_count(obj);
            }

    struct husk__marker marker;
    husk__marker_begin(&marker, true);
    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));) {
        uint32_t members = page->members;
        clear_bits(page); /* marking uses them */
        page->members = members;
    }
    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if ((obj->tf & TF_CONDEMNED) && husk__side_total(obj, *husk__side_of(obj)) != husk__count_of(obj))
                husk__mark_root(&marker, obj);
    husk__mark_run(&marker);
    husk__side_end(&heap->store);

    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    *set = (struct husk__set){ 0 };
    for (struct husk__page *page; (page = next_page(&walk));) {
        page->members = 0;
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!(obj->tf & TF_CONDEMNED))
                continue;
            if (husk__is_unmarked(obj))
                add_member(page, obj, set);
            else
                obj->tf &= ~TF_CONDEMNED;
        }
    }
    heap->collector.condemned = set->members;
    heap->collector.condemned_bytes = set->bytes;
    return marker.marked;
}

/* All members of one page let go; then their blocks go back, all at once if nothing else is on the page. */
static size_t reclaim_page(husk_heap *heap, struct husk__page *page)
{
    size_t cleared = 0;
    uint32_t left = page->used;
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (!husk__is_pending(obj))
            continue;
        if (UNLIKELY(obj->cell)) {
            cleared += husk_obj_weak_count(obj);
            husk__end_weaks(heap, obj);
        }
        husk__site_end(heap, obj);
        if (UNLIKELY(husk__is_ledgered(obj)))
            husk__ledgered_end(heap, obj);
        left -= husk__reclaim_member(heap, obj, husk__type_of(obj));
    }
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

/* Large blocks last. The list of chunks shrinks meanwhile, so it is gone through from its end. */
static void free_runs(struct husk__store *store)
{
    for (size_t c = store->chunk_count; c-- > 0;) {
        struct husk__chunk *chunk = store->chunks[c];
        struct husk__page *pages = husk__chunk_pages(chunk);
        bool own = chunk->own_bytes;
        for (unsigned p = HUSK__HEAD_PAGES; p < (own ? HUSK__HEAD_PAGES + 1u : HUSK__PAGES); p++) {
            if (!pages[p].members)
                continue;
            clear_bits(&pages[p]);
            if (pages[p].state != HUSK__PAGE_RUN)
                continue;
            husk__store_free_page(&pages[p]);
        }
    }
}

size_t husk__set_reclaim(husk_heap *heap)
{
    size_t cleared = 0;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    heap->reclaiming = true;
    for (struct husk__page *page; (page = next_page(&walk));)
        cleared += reclaim_page(heap, page);
    heap->reclaiming = false;
    free_runs(&heap->store);
    heap->collector.condemned = heap->collector.condemned_bytes = 0;
    return cleared;
}

void husk__set_spare(husk_heap *heap, void (*fn)(husk_heap *heap, husk_obj *member))
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));) {
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

size_t husk__set_weaks(const husk_heap *heap)
{
    size_t count = 0;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj))
                count += husk_obj_weak_count(obj);
    return count;
}
