/* object/plain.c: the short road of death. See plain.h.
 *
 * Where the time would go: a dying node's slots are known only after its header, the table of types, the descriptor
 * and its offsets have been loaded one after the other. Most neighbours are of one type, so the last one's is kept
 * and only ids are compared: the processor then guesses the offsets and loads the slots at once. Likewise for pages:
 * the record is written when the page changes. */
#include "object/plain.h"

#include "object/death.h"

/* Gives blocks back; the record of the latest page is kept in registers. */
struct giver {
    struct husk__page *page;
    struct husk__slot *free;
    uint32_t used;
    bool was_full;
};

ALWAYS_INLINE void giver_flush(struct giver *giver)
{
    struct husk__page *page = giver->page;
    if (!page)
        return;
    page->free = giver->free;
    page->used = giver->used;
    if (UNLIKELY(giver->was_full) || UNLIKELY(giver->used == 0))
        husk__store_free_slow(page, giver->free);
}

ALWAYS_INLINE void give(struct giver *giver, husk_obj *obj)
{
    struct husk__slot *block = (struct husk__slot *)obj;
    struct husk__page *page = husk__page_of(block);
    if (UNLIKELY(page != giver->page)) {
        giver_flush(giver);
        *giver = (struct giver){page, page->free, page->used, !page->free};
    }
    HUSK__POISON((char *)block + 16, page->block - 16);
    block->head = 0;
    block->next = giver->free;
    giver->free = block;
    giver->used--;
}

/* What the last object's type said. */
struct known {
    uint32_t id, count;
    const uint32_t *fields;
};

ALWAYS_INLINE bool is_plain(struct known *known, uint32_t tf)
{
    uint32_t id = tf & TF_TYPE;
    if (LIKELY(id == known->id))
        return true;
    const husk_type *type = husk__types[id];
    if (!(type->flags & TYPE_PLAIN))
        return false;
    *known = (struct known){id, type->field_count, type->fields};
    return true;
}

/* Lets go of the fields from number i on; those that die are in the answer. */
ALWAYS_INLINE struct husk__chain let_go(husk_heap *heap, husk_obj *obj, const struct known *known, uint32_t i)
{
    struct husk__chain chain = {NULL, NULL};
    const uint32_t *fields = known->fields;
    for (uint32_t n = known->count; i < n; i++) {
        husk_obj *child = *(husk_obj **)(void *)((char *)obj + fields[i]);
        if (!child)
            continue;
        uint32_t rc = child->rc;
        if (LIKELY(rc - 2 * RC_ONE < RC_SLOW - 2 * RC_ONE)) {
            child->rc = rc - RC_ONE;
            continue;
        }
        uint32_t tf = child->tf;
        if (UNLIKELY(rc - RC_ONE >= RC_ONE) || UNLIKELY(tf & TF_DYING) || UNLIKELY(child->cell) ||
            UNLIKELY((tf & TF_TYPE) != known->id && !(husk__types[tf & TF_TYPE]->flags & TYPE_PLAIN))) {
            chain = husk__drop_rare(heap, child, chain);
            continue;
        }
        *(uint64_t __attribute__((may_alias)) *)(void *)child = (uint64_t)(tf | TF_QUEUED) << 32;
        if (chain.tail)
            *chain.tail = child;
        else
            chain.first = child;
        chain.tail = (husk_obj **)(void *)((char *)child + 8);
    }
    return chain;
}

void husk__drain_plain(husk_heap *heap)
{
    struct giver giver = {0};
    struct known known = {0};
    husk_obj *obj = heap->dying;
    while (obj && LIKELY(is_plain(&known, obj->tf))) {
        husk_obj *rest = *(husk_obj **)(void *)((char *)obj + 8);
        struct husk__chain chain = let_go(heap, obj, &known, 0);
        give(&giver, obj);
        obj = rest;
        if (chain.tail) {
            *chain.tail = rest;
            obj = chain.first;
        }
    }
    giver_flush(&giver);
    heap->dying = obj;
}

/* The first object has a child, its field number i, that needs more than a count taken down. */
static NEVER_INLINE void release_with_children(husk_heap *heap, husk_obj *obj, const husk_type *type, uint32_t i)
{
    struct known known = {type->id, type->field_count, type->fields};
    struct husk__chain chain = let_go(heap, obj, &known, i);
    if (chain.tail) {
        *chain.tail = heap->dying;
        heap->dying = chain.first;
    }
    husk__store_free((struct husk__slot *)obj);
    if (chain.tail || heap->events_first)
        husk__drain(heap);
    if (UNLIKELY(husk__waiting(&heap->store)))
        heap->on_safe(heap);
}

void husk__release_slow(husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    husk_heap *heap = husk__heap_of(obj);
    /* The last reference of a plain object in a heap at rest. A free block's count is 0: it never gets past the first
     * test, and its type is not looked at. */
    if (UNLIKELY(obj->rc - RC_ONE >= RC_ONE) || UNLIKELY(!(type->flags & TYPE_PLAIN)) || UNLIKELY(obj->cell) ||
        UNLIKELY(heap->busy | husk__waiting(&heap->store))) {
        husk__release_rare(obj);
        return;
    }
    for (uint32_t i = 0, n = type->field_count; i < n; i++) {
        husk_obj *child = *(husk_obj **)(void *)((char *)obj + type->fields[i]);
        if (!child)
            continue;
        uint32_t rc = child->rc;
        if (UNLIKELY(rc - 2 * RC_ONE >= RC_SLOW - 2 * RC_ONE)) {
            release_with_children(heap, obj, type, i);
            return;
        }
        child->rc = rc - RC_ONE;
    }
    husk__store_free((struct husk__slot *)obj);
}
