/* object/plain.c: the short road of death. See plain.h.
 *
 * Where the time would go: a dying node's slots are known only after its header, the table of types, the
 * descriptor and its offsets have been loaded one after the other. Most neighbours are of one type, so the
 * last one's is kept and only ids are compared: the processor then guesses the offsets and loads the slots
 * at once. Likewise for pages: the record is written when the page changes. */
#include "object/plain.h"

#include "object/death.h"
#include "object/traced.h"
#include "object/weak.h"

typedef uint64_t __attribute__((may_alias)) husk__word;

/* Gives blocks back; the record of the latest page is kept in registers. */
struct giver {
    uintptr_t number; /* of the page: its address shifted; 0: none yet */
    struct husk__page *page;
    struct husk__slot *free;
    uint32_t used;
    bool was_full;
};

static void giver_flush(const struct giver *giver)
{
    if (!giver->number)
        return;
    giver->page->free = giver->free;
    giver->page->used = giver->used;
    if (giver->was_full || giver->used == 0)
        husk__store_free_slow(giver->page);
}

static NEVER_INLINE struct giver giver_turn(struct giver last, const husk_obj *obj)
{
    giver_flush(&last);
    struct husk__page *page = husk__page_of(obj);
    return (struct giver){ (uintptr_t)obj >> HUSK__PAGE_SHIFT, page, page->free, page->used, !page->free };
}

ALWAYS_INLINE void give(struct giver *giver, husk_obj *obj)
{
    struct husk__slot *block = (struct husk__slot *)obj;
    if (UNLIKELY((uintptr_t)obj >> HUSK__PAGE_SHIFT != giver->number))
        *giver = giver_turn(*giver, obj);
    HUSK__POISON_FREE(block, giver->page);
    block->head = 0;
    block->next = giver->free;
    giver->free = block;
    giver->used--;
}

ALWAYS_INLINE void add(struct husk__chain *chain, husk_obj *obj)
{
    if (chain->tail)
        *chain->tail = obj;
    else
        chain->first = obj;
    chain->tail = (husk__link *)(void *)((char *)obj + 8);
}

/* How far a chain was followed: obj is ending, its fields before number i are let go of, and next, if any, is the one
 * of these that dies with it. obj NULL: the chain has ended. */
struct link {
    husk_obj *obj, *next;
    uint32_t i;
};

/* Ends obj and goes on with the object that dies with it, as long as there is one at most and nothing rare is the
 * matter: a list is let go of here. */
static __attribute__((noinline)) struct link follow(struct giver *giver, husk_obj *obj, const husk_type *type)
{
    const size_t refs_at = type->refs_at, refs_end = type->refs_end;
    const uint64_t last = type->birth.head;
    struct giver to = *giver;
    husk_obj *next = NULL;
    const char *at;
    do {
        at = (const char *)obj + refs_at;
        next = NULL;
        for (const char *end = (const char *)obj + refs_end; at < end; at += sizeof(husk_obj *)) {
            husk_obj *child = *(husk_obj *const *)(const void *)at;
            if (!child)
                continue;
            uint64_t head = ((struct husk__slot *)child)->head;
            if (head == last && !next && LIKELY(husk__is_bare(child)))
                next = child;
            else if (LIKELY((uint32_t)head - 2 * RC_ONE < RC_SLOW - 2 * RC_ONE))
                child->rc -= RC_ONE;
            else
                goto out;
        }
        give(&to, obj);
        obj = next;
    } while (obj);
out:
    *giver = to;
    return (struct link){ obj, next, obj ? (uint32_t)((size_t)(at - (const char *)obj) - refs_at) / 8 : 0 };
}

/* Ends obj, whose fields before number i are let go of already, and then the drain as long as its first is
 * plain.
 *
 * The first child to die is kept in a register and is next, with its header as it was: nothing can look at it
 * before. So a list costs no store but those that give its blocks back. */
static void end_plain(husk_heap *heap, husk_obj *obj, uint32_t i)
{
    struct giver giver = { 0 };
    husk_obj *rest = heap->dying;
    const husk_type *type = husk__type_of(obj);
    while (type->flags & TYPE_PLAIN) {
        const uint32_t *fields = type->fields;
        uint32_t n = type->field_count;
        uint64_t last = type->birth.head; /* the header of one that dies with its last reference */
        husk_obj *next = NULL;
        bool rare = false;
        for (;;) {
            struct husk__chain others = { NULL, NULL };
            obj->rc = 0;
            for (; i < n; i++) {
                husk_obj *child = *(husk_obj **)(void *)((char *)obj + fields[i]);
                if (!child)
                    continue;
                uint64_t head = ((struct husk__slot *)child)->head;
                uint32_t rc = (uint32_t)head;
                if (head == last && LIKELY(husk__is_bare(child))) {
                    if (!next && !others.tail) {
                        next = child;
                    } else {
                        ((struct husk__slot *)child)->head = (uint64_t)(type->id | TF_QUEUED) << 32;
                        add(&others, child);
                    }
                } else if (LIKELY(rc - 2 * RC_ONE < RC_SLOW - 2 * RC_ONE)) {
                    child->rc = rc - RC_ONE;
                } else {
                    others = husk__drop_rare(heap, child, others, obj, i);
                    rare = true;
                }
            }
            i = 0;
            give(&giver, obj);
            if (UNLIKELY(others.tail != NULL)) {
                *others.tail = rest;
                rest = others.first;
            }
            if (UNLIKELY(rare) &&
                heap->loose) { /* entries of weak containers come out before the next death */
                if (next) {
                    ((struct husk__slot *)next)->head = (uint64_t)(type->id | TF_QUEUED) << 32;
                    *(husk__link *)(void *)((char *)next + 8) = rest;
                    rest = next;
                }
                giver_flush(&giver);
                heap->dying = rest;
                return;
            }
            if (!next)
                break;
            obj = next;
            next = NULL;
            if (!others.tail && type->plain_head == last) {
                struct link to = follow(&giver, obj, type);
                if (!to.obj)
                    break;
                obj = to.obj;
                next = to.next;
                i = to.i;
            }
        }
        obj = rest;
        if (!obj)
            break;
        type = husk__type_of(obj);
        if (type->flags & TYPE_PLAIN)
            rest = *(husk__link *)(void *)((char *)obj + 8);
    }
    giver_flush(&giver);
    heap->dying = obj;
}

void husk__drain_plain(husk_heap *heap)
{
    husk_obj *obj = heap->dying;
    if (!(husk__type_of(obj)->flags & TYPE_PLAIN))
        return;
    heap->dying = *(husk__link *)(void *)((char *)obj + 8);
    end_plain(heap, obj, 0);
}

/* obj has a child, its field number i, that needs more than a count taken down. */
static NEVER_INLINE void release_with_children(husk_heap *heap, husk_obj *obj, uint32_t i)
{
    end_plain(heap, obj, i);
    if (heap->dying || heap->events_first || heap->loose)
        husk__drain_all(heap);
    if (UNLIKELY(husk__waiting(&heap->store)))
        heap->on_safe(heap);
}

/* The last reference of a plain object in a heap at rest is gone. */
static __attribute__((noinline)) void end_at_rest(husk_heap *heap, husk_obj *obj, const husk_type *type)
{
    char *at = (char *)obj + type->refs_at, *end = (char *)obj + type->refs_end;
    for (; at < end; at += sizeof(husk_obj *)) {
        husk_obj *child = *(husk_obj **)(void *)at;
        if (!child)
            continue;
        uint32_t rc = child->rc;
        if (UNLIKELY(rc - 2 * RC_ONE >= RC_SLOW - 2 * RC_ONE)) {
            release_with_children(heap, obj, (uint32_t)((size_t)(at - (char *)obj) - type->refs_at) / 8);
            return;
        }
        child->rc = rc - RC_ONE;
    }
    husk__store_free_back((struct husk__slot *)obj);
}

/* What a death at rest left to do. Most have one watcher; whose hook has just returned may also leave deaths, which go
 * before. */
ALWAYS_INLINE void finish(husk_heap *heap)
{
    if (UNLIKELY(heap->dying) || UNLIKELY(heap->loose)) {
        husk__drain_all(heap);
    } else if (heap->events_first) {
        heap->busy |= BUSY_DRAIN;
        husk__event_run(heap);
        heap->busy &= ~(uint32_t)BUSY_DRAIN;
        if (UNLIKELY(heap->dying) || UNLIKELY(heap->events_first) || UNLIKELY(heap->loose))
            husk__drain_all(heap);
    } else {
        return;
    }
    if (UNLIKELY(husk__waiting(&heap->store)))
        heap->on_safe(heap);
}

/* A weak reference that is no soft one holds nothing: where no data_free has to run, its block is all there is. */
static __attribute__((noinline)) void end_weak_at_rest(husk_heap *heap, husk_obj *obj)
{
    bool later = husk__weak_end(heap, (husk_weak *)obj);
    if (later)
        obj->rc = 0;
    else
        husk__store_free_back((struct husk__slot *)obj);
    finish(heap);
}

static NEVER_INLINE void end_site(husk_heap *heap, husk_obj *obj)
{
    husk__traced_end_of(heap, obj, husk__block_bytes(husk__page_of(obj)));
}

/* Plain objects that are traced, or referenced weakly, take the short road once that is settled, and so do weak
 * references themselves, but for soft ones; what weak containers know does not. */
static __attribute__((noinline)) void release_unusual(husk_heap *heap, husk_obj *obj, const husk_type *type)
{
    uint64_t head = ((struct husk__slot *)obj)->head;
    bool rest = !(heap->busy | husk__waiting(&heap->store));
    if (rest && head == HUSK__WEAK_HEAD && husk__is_bare(obj)) {
        husk_weak *weak = (husk_weak *)obj;
        if (weak->target)
            husk__weak_leave(heap, weak);
        husk__store_free_back((struct husk__slot *)obj);
    } else if (rest && head == type->plain_head && !(obj->cell && husk__cell_at(obj->cell)->ties)) {
        if (obj->cell)
            husk__end_weaks(heap, obj);
        if (UNLIKELY(obj->site))
            end_site(heap, obj);
        end_at_rest(heap, obj, type);
        finish(heap);
    } else if (rest && head == type->birth.head && (type->flags & TYPE_WEAK) && !type->slot_count &&
               husk__is_bare(obj)) {
        end_weak_at_rest(heap, obj);
    } else {
        husk__release_rare(obj);
    }
}

void husk__release_slow_1(husk_obj *obj)
{
    uint64_t head = ((struct husk__slot *)obj)->head;
    size_t id = head >> 32 & TF_TYPE;
    husk_heap *heap = husk__heap_of(obj);
    /* One compare says that the count is one, no flag is set, and the type is plain and has few references. */
    if (UNLIKELY(head != husk__brief_heads[id]) || UNLIKELY(!husk__is_bare(obj)) ||
        UNLIKELY(heap->busy | husk__waiting(&heap->store))) {
        release_unusual(heap, obj, husk__types[id]);
        return;
    }
    const husk__word *words = (const husk__word *)(const void *)((const char *)obj + HUSK__HEADER);
    if (words[0] | words[1])
        end_at_rest(heap, obj, husk__types[id]);
    else
        husk__store_free_back((struct husk__slot *)obj);
}
