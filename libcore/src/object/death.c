/* object/death.c: the drain: what a release that reaches zero sets off. See death.h; plain.c is its short
 * road.
 *
 * A dying object lets go of its slots in order; children that reach zero are collected in a local list,
 * which is put in front of the drain: depth first, in slot order. */
#include "object/death.h"

#include "object/hook.h"
#include "object/ledgered.h"
#include "object/plain.h"
#include "object/traced.h"
#include "object/visit.h"
#include "object/weak.h"

struct children {
    husk_heap *heap;
    husk_obj *first;
    husk__link *tail;       /* where the next one is linked */
    const husk_obj *holder; /* whose children they are */
};

ALWAYS_INLINE husk__link *link_of(husk_obj *obj, const husk_type *type)
{
    size_t at = UNLIKELY(husk__finalizer_pending(type, obj)) ? type->link_at : 8;
    return (husk__link *)(void *)((char *)obj + at);
}

/* obj certainly dies: cell and site are given up, their words are free for a link. */
ALWAYS_INLINE void settle(husk_heap *heap, husk_obj *obj)
{
    if (UNLIKELY(husk__is_ledgered(obj)))
        husk__ledgered_end(heap, obj);
    if (obj->cell)
        husk__end_weaks(heap, obj);
    husk__site_end(heap, obj);
}

/* obj's count has just reached zero. It joins the list, unless a pass or an event will end it. */
static void queue(struct children *list, husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    obj->rc = 0;
    if (UNLIKELY(obj->tf & TF_CONDEMNED))
        return; /* waits for step 3 of the pass */
    obj->tf |= TF_QUEUED;
    if (UNLIKELY(!husk__is_bare(obj)) && !husk__finalizer_pending(type, obj))
        settle(list->heap, obj);
    if (UNLIKELY(type->flags & TYPE_WEAK) && husk__weak_end(list->heap, (husk_weak *)obj))
        return; /* an event ends it, after data_free */
    *list->tail = obj;
    list->tail = link_of(obj, type);
}

/* The same of one in a ledger: its book has the count, and stays as long as the object may come back. */
static NEVER_INLINE void queue_ledgered(struct children *list, husk_obj *obj)
{
    uint32_t rc = obj->rc;
    bool settled = !(obj->tf & TF_CONDEMNED) && !husk__finalizer_pending(husk__type_of(obj), obj);
    if (settled)
        husk__ledgered_end(list->heap, obj);
    queue(list, obj);
    if (!settled)
        obj->rc = rc;
}

_Noreturn NEVER_INLINE void husk__report_overrelease(const husk_obj *obj)
{
    husk__ledgered_tell(obj);
    if (!husk__is_object(obj))
        husk__fatal("release of a dead object at %p", (const void *)obj);
    husk__fatal("release of an object of type %s at %p whose count is already zero", husk__type_of(obj)->name,
                (const void *)obj);
}

static NEVER_INLINE void touch_slow_count(husk_obj *obj)
{
    if ((obj->rc & (RC_SLOW | RC_KIND)) != RC_SATURATED)
        return;
    obj->rc = RC_IMMORTAL;
    husk__report(husk__heap_of(obj), HUSK_ERANGE,
                 "count of an object of type %s overflowed: it is immortal now", husk__type_of(obj)->name);
}

void husk__retain_slow_1(husk_obj *obj)
{
    if (husk__is_ledgered(obj))
        husk__ledgered_retain(obj);
    else
        touch_slow_count(obj);
}

static NEVER_INLINE void drop_slow(husk_obj *child, struct children *list, size_t slot)
{
    if (!husk__is_ledgered(child))
        touch_slow_count(child);
    else if (husk__ledgered_drop(child, list->holder, slot))
        queue_ledgered(list, child);
}

/* One reference fewer for a child of a dying object. */
ALWAYS_INLINE void drop(husk_obj *child, struct children *list, size_t slot)
{
    uint32_t rc = child->rc;
    if (LIKELY(rc - 2 * RC_ONE < RC_SLOW - 2 * RC_ONE)) {
        child->rc = rc - RC_ONE;
        return;
    }
    if (UNLIKELY(rc & RC_SLOW)) {
        drop_slow(child, list, slot);
        return;
    }
    if (UNLIKELY(rc < RC_ONE) || UNLIKELY(!husk__is_object(child)))
        husk__report_overrelease(child);
    queue(list, child);
}

static void drop_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)index;
    drop(child, context, slot);
}

static void drop_outsider(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)index;
    if (!husk__is_pending(child))
        drop(child, context, slot);
}

struct husk__chain husk__drop_rare(husk_heap *heap, husk_obj *child, struct husk__chain chain,
                                   const husk_obj *holder, size_t slot)
{
    struct children list = { heap, chain.first, chain.tail ? chain.tail : &list.first, holder };
    drop(child, &list, slot);
    if (list.tail != &list.first)
        chain = (struct husk__chain){ list.first, list.tail };
    return chain;
}

ALWAYS_INLINE void splice(husk_heap *heap, struct children *list)
{
    *list->tail = heap->dying;
    heap->dying = list->first;
}

bool husk__finalize(husk_heap *heap, husk_obj *obj, const husk_type *type)
{
    struct husk__hook saved;
    obj->tf |= TF_FINALIZED;
    if (UNLIKELY(husk__is_ledgered(obj)))
        husk__ledgered_hold(obj);
    else
        obj->rc += RC_ONE;
    husk__hook_enter(heap, &saved);
    type->finalize(obj);
    husk__hook_leave(heap, &saved);
    ALWAYS(husk__count_of(obj) > 0, "the finalizer of type %s released its object", type->name);
    if (UNLIKELY(husk__is_ledgered(obj)))
        return husk__ledgered_let_go(obj);
    if (!(obj->rc & RC_SLOW))
        obj->rc -= RC_ONE;
    return obj->rc < RC_ONE;
}

ALWAYS_INLINE void reclaim(husk_heap *heap, husk_obj *obj, const husk_type *type)
{
    struct children list = { heap, NULL, &list.first, obj };
    husk__visit(type, obj, drop_child, &list);
    splice(heap, &list);
    if (UNLIKELY(type->flags & TYPE_DISPOSE)) /* after the visit: it may free a buffer with slots */
        type->dispose(obj);
    husk__store_free((struct husk__slot *)obj);
}

bool husk__reclaim_member(husk_heap *heap, husk_obj *obj, const husk_type *type)
{
    struct children list = { heap, NULL, &list.first, obj };
    if (UNLIKELY(type->flags & TYPE_WEAK) && husk__weak_end(heap, (husk_weak *)obj)) {
        obj->rc = 0;
        return false;
    }
    husk__visit(type, obj, drop_outsider, &list);
    splice(heap, &list);
    if (UNLIKELY(type->flags & TYPE_DISPOSE))
        type->dispose(obj);
    return true;
}

void husk__reclaim_flat_rest(husk_heap *heap, husk_obj *obj, const husk_type *type, size_t from)
{
    struct children list = { heap, NULL, &list.first, obj };
    husk_obj *const *refs = (husk_obj *const *)(const void *)((const char *)obj + type->refs_at);
    for (size_t i = from; i < type->field_count; i++)
        if (refs[i])
            drop_outsider(refs[i], i, 0, &list);
    splice(heap, &list);
}

/* Ends the first object of the drain. */
ALWAYS_INLINE void end_first(husk_heap *heap)
{
    husk_obj *obj = heap->dying;
    const husk_type *type = husk__type_of(obj);
    husk__link *link = link_of(obj, type);
    heap->dying = *link;
    if (UNLIKELY(heap->quiet) && (type->flags & TYPE_LOUD)) {
        *link = heap->due;
        heap->due = obj;
        husk__let_wait(&heap->store, HUSK__WAITS_DUE);
        return;
    }
    if (UNLIKELY(husk__finalizer_pending(type, obj))) {
        heap->ending = obj;
        bool dead = husk__finalize(heap, obj, type);
        heap->ending = NULL;
        if (!dead) {
            obj->tf &= ~TF_QUEUED;
            return; /* it came back */
        }
        settle(heap, obj);
    }
    reclaim(heap, obj, type);
}

/* What a quiet pass left, oldest first, goes behind what is queued now. */
static void requeue_due(husk_heap *heap)
{
    husk_obj *reversed = NULL;
    while (heap->due) {
        husk_obj *obj = heap->due;
        husk__link *link = link_of(obj, husk__type_of(obj));
        heap->due = *link;
        *link = reversed;
        reversed = obj;
    }
    husk__link *tail = &heap->dying;
    while (*tail)
        tail = link_of(*tail, husk__type_of(*tail));
    *tail = reversed;
}

/* With a death budget much may be queued, and a walk to its end at each slow path would be quadratic: it goes
 * in front, still oldest first. */
static void requeue_due_in_front(husk_heap *heap)
{
    while (heap->due) {
        husk_obj *obj = heap->due;
        husk__link *link = link_of(obj, husk__type_of(obj));
        heap->due = *link;
        *link = heap->dying;
        heap->dying = obj;
    }
}

/* Something is queued that a drain at this moment could end. */
ALWAYS_INLINE bool has_work(const husk_heap *heap)
{
    return heap->dying || heap->loose || (heap->events_first && !heap->quiet);
}

static NEVER_INLINE void end_one(husk_heap *heap)
{
    end_first(heap);
}

/* Callbacks come when the drain is empty, as ever: they wait behind the deaths that are left. */
static void drain_some(husk_heap *heap)
{
    uint32_t before = heap->busy;
    heap->busy |= BUSY_DRAIN;
    (void)husk__take_waiting(&heap->store, HUSK__WAITS_DEATH);
    if (!heap->quiet && husk__take_waiting(&heap->store, HUSK__WAITS_DUE))
        requeue_due_in_front(heap);
    while (has_work(heap)) {
        if (heap->loose) { /* before anything else dies, budget or not: its targets are dead already */
            husk__ties_forget(heap);
            continue;
        }
        if (!heap->deaths_left)
            break;
        heap->deaths_left--;
        if (heap->dying)
            end_one(heap);
        else
            husk__event_run(heap);
    }
    heap->busy = before;
    if (heap->dying || heap->events_first)
        husk__let_wait(&heap->store, heap->quiet && !heap->dying ? HUSK__WAITS_DUE : HUSK__WAITS_DEATH);
}

void husk__drain(husk_heap *heap)
{
    if (heap->busy & BUSY_BUDGET)
        drain_some(heap);
    else
        husk__drain_all(heap);
}

bool husk__drain_rest(husk_heap *heap)
{
    bool left = husk__take_waiting(&heap->store, HUSK__WAITS_DEATH);
    /* A birth may have put some of it off. */
    if (left || (heap->death_budget && (husk__waiting(&heap->store) & HUSK__WAITS_DUE))) {
        heap->deaths_left = SIZE_MAX;
        husk__drain(heap);
        return true;
    }
    return false;
}

husk_status husk_heap_set_death_budget(husk_heap *heap, size_t most)
{
    if (heap->busy & BUSY_WORK) /* who is at work restores the bit as it was */
        return husk_heap_fail(heap, HUSK_EBUSY, "death budget: a pass or a hook of heap %s is running",
                              heap->name);
    heap->death_budget = most;
    heap->busy = most ? heap->busy | BUSY_BUDGET : heap->busy & ~(uint32_t)BUSY_BUDGET;
    return HUSK_OK;
}

size_t husk_heap_death_budget(const husk_heap *heap)
{
    return heap->death_budget;
}

void husk__drain_all(husk_heap *heap)
{
    uint32_t before = heap->busy;
    heap->busy |= BUSY_DRAIN;
    if (!heap->quiet && husk__take_waiting(&heap->store, HUSK__WAITS_DUE))
        requeue_due(heap);
    for (;;) {
        while (heap->dying || heap->loose) {
            if (UNLIKELY(heap->loose != NULL)) {
                husk__ties_forget(heap);
                continue;
            }
            husk__drain_plain(heap);
            if (heap->dying && !heap->loose)
                end_first(heap);
        }
        if (heap->quiet || !heap->events_first)
            break;
        husk__event_run(heap);
    }
    heap->busy = before;
}

/* The release of an object in a heap with a death budget. */
static NEVER_INLINE void release_rationed(husk_heap *heap)
{
    husk__ration(heap);
    husk__drain(heap);
    if (husk__waiting(&heap->store) & ~(uint32_t)HUSK__WAITS_DEATH)
        heap->on_safe(heap);
}

void husk__release_rare(husk_obj *obj)
{
    uint32_t rc = obj->rc;
    if (rc & RC_SLOW) {
        if (husk__is_ledgered(obj))
            husk__ledgered_release(obj);
        else
            touch_slow_count(obj);
        return;
    }
    if (rc < RC_ONE || !husk__is_object(obj) || (obj->tf & TF_QUEUED))
        husk__report_overrelease(obj);
    husk__release_last(obj);
}

void husk__release_last(husk_obj *obj)
{
    husk_heap *heap = husk__heap_of(obj);
    if (heap->busy & BUSY_OWNER)
        husk__check_owner(heap);
    struct children list = { heap, NULL, &list.first, NULL };
    if (husk__is_ledgered(obj))
        queue_ledgered(&list, obj);
    else
        queue(&list, obj);
    splice(heap, &list);
    if (heap->busy & (BUSY_WORK | BUSY_BUDGET)) {
        if (!(heap->busy & BUSY_WORK)) /* else whoever is at work ends it */
            release_rationed(heap);
        return;
    }
    husk__drain_all(heap);
    if (UNLIKELY(husk__waiting(&heap->store)))
        heap->on_safe(heap);
}

size_t husk__dying_count(const husk_heap *heap, size_t *bytes)
{
    size_t count = 0;
    *bytes = 0;
    const husk_obj *const lists[] = { heap->dying, heap->due };
    for (int i = 0; i < 2; i++)
        for (const husk_obj *obj = lists[i]; obj;
             obj = *link_of((husk_obj *)(uintptr_t)obj, husk__type_of(obj))) {
            count++;
            *bytes += husk__block_bytes(husk__page_of(obj));
        }
    if (heap->ending) {
        count++;
        *bytes += husk__block_bytes(husk__page_of(heap->ending));
    }
    for (const husk_weak *weak = heap->events_first; weak; weak = weak->next)
        if (weak->head.tf & TF_QUEUED) {
            count++;
            *bytes += husk__block_bytes(husk__page_of(weak));
        }
    return count;
}
