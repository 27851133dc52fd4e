/* cycle/find.c: the search for garbage. See find.h. */
#define _GNU_SOURCE
#include "cycle/find.h"

#include "base/clock.h"
#include "cycle/ephemeron.h"
#include "cycle/glance.h"
#include "cycle/parallel.h"
#include "cycle/passlog.h"
#include "cycle/searching.h"
#include "cycle/step.h"

static void count_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    (void)context;
    husk__side_count(child);
}

static void open_page(const struct husk__search *search, struct husk__page *page)
{
    husk__side_open(page);
    if (husk__has_keys(search, page))
        husk__bare_keys_open(page);
}

NEVER_INLINE bool husk__seed_none(const husk_obj *obj, bool steps, struct husk__found *found)
{
    uint16_t *entry = husk__side_of(obj);
    uint16_t at_first = *entry;
    if (!husk__is_object(obj) && at_first && at_first != SIDE_FRESH && !steps) {
        found->corrupt = obj;
        found->seen = husk__side_total(obj, at_first);
        return false;
    }
    *entry = 0; /* so that "in question" means garbage without a look at the object */
    return true;
}

NEVER_INLINE enum husk__seed husk__seed_rare(husk_obj *obj, uint64_t seen, bool steps,
                                             struct husk__found *found)
{
    uint32_t count = husk__count_of(obj);
    if (seen == count)
        return SEED_OPEN;
    if (seen < count || husk__is_immortal(obj) || seen == SIDE_UNKNOWN)
        return SEED_HELD;
    if (steps) /* let go of since it was counted, perhaps by a map that held it for a key of the garbage: a nominee */
        return SEED_OPEN;
    found->corrupt = obj;
    found->seen = seen;
    return SEED_CORRUPT;
}

/* ---- in steps: each object is looked at twice, since counts change in between ---- */

/* Dying objects hold what they refer to until they are gone: see husk__glance_other. A function of its own, so that its
 * loop has all registers. */
static __attribute__((noinline)) void subtract_page(struct husk__page *page)
{
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (UNLIKELY(obj->tf & TF_QUEUED))
            *husk__side_of(obj) = 0;
        else if (LIKELY(husk__is_object(obj)))
            husk__visit(husk__type_of(obj), obj, count_child, NULL);
    }
}

/* Marks what is held from outside. */
static void seed_in_steps(struct husk__page *page, struct husk__marker *marker, struct husk__found *found)
{
    for (HUSK__EACH_BLOCK(page, obj)) {
        uint16_t entry = *husk__side_of(obj);
        if (UNLIKELY(!husk__is_object(obj)) || UNLIKELY(obj->tf & TF_QUEUED)) {
            (void)husk__seed_none(obj, true, found);
            continue;
        }
        found->examined++;
        if (UNLIKELY(!(entry & SIDE_OPEN))) { /* born since, or marked */
            husk__mark_known(marker, obj);
            continue;
        }
        uint64_t seen = husk__side_total(obj, entry);
        uint32_t rc = obj->rc;
        if (LIKELY(seen == rc / RC_ONE))
            continue;
        if ((seen < rc / RC_ONE && !(rc & RC_SLOW)) || husk__seed_rare(obj, seen, true, found) == SEED_HELD)
            husk__mark_root(marker, obj);
    }
}

/* ---- the phases ---- */

/* Finds what is held from outside; in steps, marks it. False: found->corrupt. */
static bool seed_page(husk_heap *heap, struct husk__page *page)
{
    struct husk__search *search = &heap->search;
    if (search->steps)
        seed_in_steps(page, &search->marker, &search->found);
    else
        search->found.held += husk__glance_judge(page, &search->found);
    if (husk__has_keys(search, page)) {
        husk__bare_keys_seed(heap, page, search->steps);
        search->found.kinds = UINT32_MAX;
    }
    return !search->found.corrupt;
}

void husk__search_begin(husk_heap *heap, bool steps)
{
    struct husk__search *search = &heap->search;
    if (++heap->key_search == 0) /* 0 is what a new cell says */
        heap->key_search = 1;
    husk__marker_begin(&search->marker);
    search->found = (struct husk__found){ .kinds = steps ? UINT32_MAX : 0 };
    search->steps = steps;
    search->phase = SEARCH_OPEN;
    search->at = husk__pages_begin(heap, &search->pages);
}

/* Nothing is in question where all is held: then what it refers to need not be looked at either. */
static void all_held(husk_heap *heap)
{
    struct husk__search *search = &heap->search;
    search->marker.at.marked = search->found.examined;
    search->marker.roots += search->found.held;
    for (struct husk__page *page; (page = husk__pages_next(&search->at));)
        if (husk__takes_part(page))
            husk__page_side_zero(page);
}

/* What the phase under way does with one page. False: the heap is damaged. */
static bool search_page(husk_heap *heap, struct husk__page *page)
{
    struct husk__search *search = &heap->search;
    switch (search->phase) {
    case SEARCH_OPEN:
        open_page(search, page);
        return true;
    case SEARCH_SUBTRACT:
        if (search->steps)
            subtract_page(page);
        else
            husk__glance_page(page, &search->found);
        return true;
    case SEARCH_SEED:
        return seed_page(heap, page);
    default: /* SEARCH_ROOTS */
        husk__glance_roots(page, &search->marker);
        return true;
    }
}

/* True: the next phase may begin. */
static bool run_phase(husk_heap *heap, uint64_t deadline)
{
    struct husk__search *search = &heap->search;
    if (search->phase == SEARCH_MARK) {
        if (deadline)
            return husk__mark_until(&search->marker, deadline);
        husk__mark_run(&search->marker);
        return true;
    }
    if (search->phase == SEARCH_ROOTS) {
        if (search->steps || search->found.corrupt)
            return true;
        if (search->found.held + search->marker.at.marked == search->found.examined) {
            all_held(heap);
            return true;
        }
    }
    for (struct husk__page *page; (page = husk__pages_next(&search->at));) {
        if (husk__takes_part(page) && !search_page(heap, page))
            return true;
        if (deadline && husk__now() >= deadline)
            return false;
    }
    return true;
}

/* Goes on until that phase begins; false: the deadline came before. */
static bool run_to(husk_heap *heap, enum husk__search_phase end, uint64_t deadline)
{
    struct husk__search *search = &heap->search;
    while (search->phase < end) {
        bool over = run_phase(heap, deadline);
        husk__part_end(heap, husk__part_of(search->phase));
        if (!over)
            return false;
        if (search->phase == SEARCH_ROOTS)
            search->found.held = search->marker.roots;
        search->phase++;
        search->at = husk__pages_begin(heap, &search->pages);
        if (search->phase == SEARCH_MARK && !search->steps && !search->found.corrupt)
            search->marker.most = search->found.examined;
    }
    return true;
}

bool husk__search_run(husk_heap *heap, uint64_t deadline)
{
    struct husk__search *search = &heap->search;
    if (!run_to(heap, SEARCH_FOUND, deadline))
        return false;
    search->marker.most = SIZE_MAX; /* whoever marks more knows better */
    /* When damaged, too: the queue is empty and the pending bits are zero. */
    struct husk__found *found = &search->found;
    found->garbage = found->corrupt ? 0 : found->examined - search->marker.at.marked;
    husk__carries_end(&heap->store);
    return true;
}

void husk__search_end(husk_heap *heap)
{
    struct husk__search *search = &heap->search;
    struct husk__pages_walk at = husk__pages_begin(heap, &search->pages);
    for (struct husk__page *page; (page = husk__pages_next(&at));) {
        if (!husk__takes_part(page))
            continue;
        husk__page_side_zero(page);
        if (husk__has_keys(search, page))
            husk__bare_keys_close(page);
    }
    search->phase = SEARCH_NONE;
}

static void find(husk_heap *heap, husk_obj *const *proxied, size_t count, struct husk__found *found)
{
    husk__search_begin(heap, false);
    if (UNLIKELY(heap->parallel) && husk__parallel_profits(heap)) {
        husk__parallel_search(heap, proxied, count);
    } else if (count) {
        (void)run_to(heap, SEARCH_SEED, 0);
        for (size_t i = 0; i < count; i++)
            husk__side_count(proxied[i]);
    }
    (void)husk__search_run(heap, 0);
    *found = heap->search.found;
}

void husk__find(husk_heap *heap, struct husk__found *found)
{
    husk__find_without(heap, NULL, 0, found);
}

void husk__find_without(husk_heap *heap, husk_obj *const *proxied, size_t count, struct husk__found *found)
{
    husk__step_drop(heap);
    husk__pages_of_heap(&heap->search.pages);
    find(heap, proxied, count, found);
}

void husk__find_young(husk_heap *heap, struct husk__found *found)
{
    husk__step_drop(heap);
    husk__pages_young(&heap->search.pages, &heap->store);
    find(heap, NULL, 0, found);
}

static bool is_loud(const husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    bool spent = (obj->tf & TF_FINALIZED) && !(type->flags & TYPE_DISPOSE);
    return (type->flags & TYPE_LOUD) && !spent;
}

static void mark_loud_key(husk_obj *key, void *context)
{
    if (husk__is_open(key) && is_loud(key))
        husk__mark_root(context, key);
}

size_t husk__find_loud(husk_heap *heap, const struct husk__pages *pages, bool of_set)
{
    struct husk__marker *marker = &heap->search.marker;
    if (!(heap->search.found.kinds & TYPE_LOUD))
        return 0;
    size_t before = marker->at.marked;
    struct husk__pages_walk at = husk__pages_begin(heap, pages);
    for (struct husk__page *page; (page = husk__pages_next(&at));) {
        if (of_set ? !page->members : !husk__takes_part(page))
            continue;
        for (HUSK__EACH_BLOCK(page, obj))
            if (UNLIKELY(husk__is_open(obj)) && is_loud(obj))
                husk__mark_root(marker, obj);
        if (UNLIKELY(page->keymaps) && !of_set)
            husk__each_bare_key(page, mark_loud_key, marker);
    }
    husk__mark_run(marker);
    return marker->at.marked - before;
}

void husk__find_counts(husk_heap *heap)
{
    husk__step_drop(heap);
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        husk__side_open(page);
    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_object(obj))
                husk__visit(husk__type_of(obj), obj, count_child, NULL);
}
