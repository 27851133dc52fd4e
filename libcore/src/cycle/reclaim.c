/* cycle/reclaim.c: ending the set of a pass. See set.h.
 *
 * Most members are light: of a type with nothing but references side by side, bare, and led to by other members alone.
 * Ending one is to see that its references lead to members. Blocks go back together, a page at a time. */
#include "cycle/passlog.h"
#include "cycle/set.h"
#include "object/death.h"
#include "object/ledgered.h"
#include "object/traced.h"

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

/* True: its block may be given back now. */
static NEVER_INLINE bool reclaim_other(husk_heap *heap, husk_obj *obj, const husk_type *type, size_t *cleared)
{
    if (obj->cell) {
        *cleared += husk_obj_weak_count(obj);
        husk__end_weaks(heap, obj);
    }
    husk__site_end(heap, obj);
    if (husk__is_ledgered(obj))
        husk__ledgered_end(heap, obj);
    return husk__reclaim_member(heap, obj, type);
}

/* Its references lie side by side, and nothing else is to be done for its objects. */
ALWAYS_INLINE bool is_light(const husk_type *type)
{
    return (type->flags & TYPE_FLAT) && !(type->flags & (TYPE_DISPOSE | TYPE_WEAK));
}

/* A light member of this type that carries nothing. */
ALWAYS_INLINE bool is_light_member(const husk_obj *obj, uint32_t id)
{
    return (obj->tf & TF_TYPE) == id && husk__is_bare(obj) && !(obj->rc & RC_SLOW);
}

/* Members of one light type with n references, the first one among them, and whatever else stands between them that is no
 * member; returns the first block that is another member. */
ALWAYS_INLINE char *reclaim_alike(husk_heap *heap, char *at, const char *end, size_t block,
                                  const husk_type *type, size_t n, uint32_t *run)
{
    const size_t refs_at = type->refs_at;
    const uint32_t id = type->id;
    uint32_t here = 0;
    for (; at < end; at += block) {
        husk_obj *obj = (husk_obj *)(void *)at;
        __builtin_prefetch(at + HUSK__AHEAD);
        if (!husk__is_pending(obj))
            continue;
        if (UNLIKELY(!is_light_member(obj, id)))
            break;
        here++;
        husk_obj *const *ref = (husk_obj *const *)(void *)(at + refs_at);
        for (size_t i = 0; i < n; i++) {
            husk_obj *child = ref[i];
            if (!child || LIKELY(husk__is_pending(child)))
                continue;
            uint32_t rc = child->rc;
            if (UNLIKELY(rc - 2 * RC_ONE >= RC_SLOW - 2 * RC_ONE)) {
                husk__reclaim_flat_rest(heap, obj, type, i);
                break;
            }
            child->rc = rc - RC_ONE;
        }
    }
    *run = here;
    return at;
}

static char *reclaim_light(husk_heap *heap, char *at, const char *end, size_t block, const husk_type *type,
                           uint32_t *run)
{
    size_t n = type->field_count;
    switch (n) {
    case 1:
        return reclaim_alike(heap, at, end, block, type, 1, run);
    case 2:
        return reclaim_alike(heap, at, end, block, type, 2, run);
    case 3:
        return reclaim_alike(heap, at, end, block, type, 3, run);
    case 4:
        return reclaim_alike(heap, at, end, block, type, 4, run);
    default:
        return reclaim_alike(heap, at, end, block, type, n, run);
    }
}

/* Some blocks of a page go back to it. Queued: a weak reference whose event frees it. */
static void give_members(struct husk__page *page)
{
    struct husk__slot *free = page->free;
    uint32_t used = page->used;
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (!husk__is_pending(obj) || UNLIKELY(obj->tf & TF_QUEUED))
            continue;
        struct husk__slot *block = (struct husk__slot *)obj;
        HUSK__POISON_FREE(block, page);
        block->head = 0;
        block->next = free;
        free = block;
        used--;
    }
    bool was_full = !page->free;
    if (free == page->free)
        return;
    page->free = free;
    page->used = used;
    if (was_full || used == 0)
        husk__store_free_slow(page);
}

/* All members of one page let go; then their blocks go back, all at once if nothing else is on the page. */
static size_t reclaim_page(husk_heap *heap, struct husk__page *page)
{
    size_t cleared = 0;
    uint32_t left = page->used;
    struct tally tallies[TALLIES] = { { NULL, 0 } };
    const size_t block = page->block;
    char *at = husk__page_start(page), *end = husk__page_end(page);
    while (at < end) {
        husk_obj *obj = (husk_obj *)(void *)at;
        if (!husk__is_pending(obj)) {
            at += block;
            continue;
        }
        const husk_type *type = husk__type_of(obj);
        struct tally *tally = tally_of(heap, page, tallies, type);
        if (is_light(type) && is_light_member(obj, type->id)) {
            uint32_t run;
            at = reclaim_light(heap, at, end, block, type, &run);
            tally->objects += run;
            left -= run;
        } else {
            left -= reclaim_other(heap, obj, type, &cleared);
            tally->objects++;
            at += block;
        }
    }
    for (unsigned i = 0; i < TALLIES; i++)
        tell_tally(heap, page, &tallies[i]);
    if (page->state == HUSK__PAGE_RUN)
        return cleared; /* its memory may go away with it, and others may still ask for its bit */
    if (left == 0)
        husk__store_free_page(page);
    else
        give_members(page);
    return cleared;
}

static void free_run(struct husk__page *page)
{
    husk__members_clear(page);
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
