/* cycle/find.c: the search for garbage. See find.h. */
#include "cycle/find.h"

#include "cycle/ephemeron.h"
#include "object/visit.h"

static void count_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    (void)context;
    husk__side_count(child);
}

/* What lies on pages that take no part is marked at once: nobody needs to look whether a reference leads
 * there. */
static void clear(husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        husk__side_clear(page, !husk__takes_part(page));
    husk__bare_keys_clear(heap);
}

/* Dying objects hold what they refer to until they are gone, and as keys the values of their entries: they are
 * marked before anything else is, since marking asks whether a key is. */
static void subtract(const husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        if (!husk__takes_part(page))
            continue;
        for (HUSK__EACH_BLOCK(page, obj))
            if (UNLIKELY(obj->tf & TF_QUEUED))
                *husk__side_of(obj) = SIDE_MARK;
            else if (LIKELY(husk__is_object(obj)))
                husk__visit(husk__type_of(obj), obj, count_child, NULL);
    }
}

/* Marks what is held from outside. False: found->corrupt. */
static bool seed_page(struct husk__page *page, struct husk__marker *marker, struct husk__found *found)
{
    for (HUSK__EACH_BLOCK(page, obj)) {
        uint16_t *entry = husk__side_of(obj);
        if (UNLIKELY(!husk__is_object(obj)) &&
            UNLIKELY(*entry & ~SIDE_MARK)) { /* a slot holds what has died */
            found->corrupt = obj;
            found->seen = husk__side_total(obj, *entry);
            return false;
        }
        if (UNLIKELY(!husk__is_object(obj)) || UNLIKELY(obj->tf & TF_QUEUED)) {
            *entry = SIDE_MARK; /* so that "unmarked" means garbage without a look at the object */
            continue;
        }
        found->examined++;
        uint64_t seen = husk__side_total(obj, *entry);
        uint32_t rc = obj->rc;
        if (LIKELY(seen == rc / RC_ONE))
            continue;
        if (UNLIKELY(husk__is_ledgered(obj))) {
            if (seen == husk__ledgered_count(obj))
                continue;
            rc = husk__ledgered_count(obj) * RC_ONE;
        }
        if (UNLIKELY(seen > rc / RC_ONE) && !(rc & RC_SLOW) && seen != SIDE_UNKNOWN) {
            found->corrupt = obj;
            found->seen = seen;
            return false;
        }
        husk__mark_root(marker, obj);
    }
    return true;
}

static bool seed(husk_heap *heap, struct husk__marker *marker, struct husk__found *found)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        if (husk__takes_part(page) && !seed_page(page, marker, found))
            return false;
    return husk__bare_keys_seed(heap, marker, &found->examined, &found->corrupt, &found->seen);
}

void husk__find(husk_heap *heap, struct husk__found *found)
{
    husk__find_without(heap, NULL, 0, found);
}

void husk__find_without(husk_heap *heap, husk_obj *const *proxied, size_t count, struct husk__found *found)
{
    struct husk__marker marker;
    *found = (struct husk__found){ 0 };
    husk__marker_begin(&marker, false);
    clear(heap);
    subtract(heap);
    for (size_t i = 0; i < count; i++)
        husk__side_count(proxied[i]);
    bool whole = seed(heap, &marker, found);
    husk__mark_run(&marker); /* also when damaged: the queue must be empty and the pending bits zero */
    husk__side_end(&heap->store);
    found->garbage = whole ? found->examined - marker.marked : 0;
}

static bool is_loud(const husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    bool spent = (obj->tf & TF_FINALIZED) && !(type->flags & TYPE_DISPOSE);
    return (type->flags & TYPE_LOUD) && !spent;
}

static void mark_loud_key(husk_obj *key, void *context)
{
    if (husk__is_unmarked(key) && is_loud(key))
        husk__mark_root(context, key);
}

size_t husk__find_loud(husk_heap *heap)
{
    struct husk__marker marker;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    husk__marker_begin(&marker, false);
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        if (!husk__takes_part(page))
            continue;
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (LIKELY(!husk__is_unmarked(obj)))
                continue;
            if (is_loud(obj))
                husk__mark_root(&marker, obj);
        }
    }
    husk__each_bare_key(heap, mark_loud_key, &marker);
    husk__mark_run(&marker);
    return marker.marked;
}

void husk__find_counts(const husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        husk__side_clear(page, false);
    walk = (struct husk__page_walk){ &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_object(obj))
                husk__visit(husk__type_of(obj), obj, count_child, NULL);
}
