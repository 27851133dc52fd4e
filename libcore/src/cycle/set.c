/* cycle/set.c: making, finalizing, confirming and ending the set of a pass. See set.h. */
#include "cycle/set.h"

#include "cycle/ephemeron.h"
#include "cycle/passlog.h"
#include "object/death.h"
#include "object/visit.h"

static void add_member(struct husk__page *page, husk_obj *obj, struct husk__set *set)
{
    husk__set_pending(obj);
    page->members++;
    set->members++;
    set->bytes += husk__block_bytes(page);
    set->finalizers += husk__finalizer_pending(husk__type_of(obj), obj);
}

/* What is in question on a page. Without finalizers in the heap no object is looked at. */
static void take_page(struct husk__page *page, struct husk__set *set, bool finalizers)
{
    const size_t block = page->block;
    char *start = husk__page_start(page), *end = husk__page_end(page);
    const uint16_t *side = husk__side_of(start);
    uint64_t *bits = husk__pending_word(start), word = 0;
    size_t number = 0; /* of the word */
    uint32_t members = 0;
    for (size_t at = 0, bytes = (size_t)(end - start); at < bytes; at += block) {
        size_t granule = at >> HUSK__GRANULE_SHIFT;
        if (granule / 64 != number) {
            if (word)
                bits[number] |= word;
            word = 0;
            number = granule / 64;
        }
        uint64_t open = side[granule] & SIDE_OPEN;
        word |= open << (granule % 64);
        members += (uint32_t)open;
        if (UNLIKELY(finalizers) && open) {
            const husk_obj *obj = (const husk_obj *)(void *)(start + at);
            set->finalizers += husk__finalizer_pending(husk__type_of(obj), obj);
        }
    }
    if (word) /* pages without members are not written to */
        bits[number] |= word;
    page->members += members;
    set->members += members;
    if (members)
        set->bytes += members * husk__block_bytes(page);
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
    bool finalizers = heap->search.found.kinds & TYPE_FINALIZE;
    *set = (struct husk__set){ .pages = pages };
    for (struct husk__page *page; (page = husk__pages_next(&at));) {
        if (!husk__takes_part(page))
            continue;
        take_page(page, set, finalizers);
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
            *entry = lives ? SIDE_NAMED | SIDE_FRESH : 0;
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
    size_t before = marker->at.marked;
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
    return marker->at.marked - before;
}

/* The members are in question again; marking uses their bits. */
static void open_members(husk_heap *heap, const struct husk__set *set)
{
    struct husk__pages_walk at = husk__pages_begin(heap, set->pages);
    for (struct husk__page *page; (page = husk__pages_member(&at));) {
        uint32_t members = page->members;
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_pending(obj))
                *husk__side_of(obj) = SIDE_FRESH;
        husk__members_clear(page);
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
        husk__members_clear(page);
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
