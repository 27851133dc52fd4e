/* cycle/reclaim.c: ending the set of a pass. See set.h.
 *
 * Most members are of a type with nothing but references side by side, bare, and refer to other members: ending one is
 * then to see that this is so. Their blocks go back together, a page at a time. */
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

/* Where the references of a type lie side by side, and nothing else is to be done for its objects. */
struct flat {
    const husk_type *type; /* NULL: not of this type */
    size_t refs_at, refs_end;
};

static struct flat flat_of(const husk_type *type)
{
    if (!(type->flags & TYPE_FLAT) || (type->flags & (TYPE_DISPOSE | TYPE_WEAK)))
        return (struct flat){ NULL, 0, 0 };
    return (struct flat){ type, type->refs_at, type->refs_end };
}

ALWAYS_INLINE void reclaim_flat(husk_heap *heap, husk_obj *obj, const struct flat *flat)
{
    const char *base = (const char *)obj;
    for (size_t at = flat->refs_at; at < flat->refs_end; at += sizeof(husk_obj *)) {
        husk_obj *child = *(husk_obj *const *)(const void *)(base + at);
        if (!child || LIKELY(husk__is_pending(child)))
            continue;
        uint32_t rc = child->rc;
        if (UNLIKELY(rc - 2 * RC_ONE >= RC_SLOW - 2 * RC_ONE)) {
            husk__reclaim_flat_rest(heap, obj, flat->type, (at - flat->refs_at) / sizeof(husk_obj *));
            return;
        }
        child->rc = rc - RC_ONE;
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
    uint32_t left = page->used, run = 0;
    const husk_type *last = NULL;
    struct flat flat = { NULL, 0, 0 };
    struct tally tallies[TALLIES] = { { NULL, 0 } }, *tally = tallies;
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (!husk__is_pending(obj))
            continue;
        const husk_type *type = husk__type_of(obj);
        if (UNLIKELY(type != last)) {
            tally->objects += run;
            tally = tally_of(heap, page, tallies, last = type);
            flat = flat_of(type);
            run = 0;
        }
        run++;
        if (LIKELY(flat.type != NULL) && LIKELY(husk__is_bare(obj)) && LIKELY(!(obj->rc & RC_SLOW))) {
            reclaim_flat(heap, obj, &flat);
            left--;
        } else {
            left -= reclaim_other(heap, obj, type, &cleared);
        }
    }
    tally->objects += run;
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
