/* object/weak.c: weak references: making, asking, ending. The cell that lists them is cell.c. */
#include "object/weak.h"

#include "object/deadqueue.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/soft.h"
#include "object/traced.h"

/* Both exist from the start, with numbers that never change, so that making one asks for no type and needs no look at
 * it. They say what husk__type_make would (tests/unit/object.c compares). */
enum {
    PLAIN_BYTES = HUSK__SMALLEST,
    CALL_BYTES = sizeof(husk_weak),
    CALL_BIN = HUSK__CLASSES + (CALL_BYTES - HUSK__SMALLEST) / 8, /* classes are steps of 8 bytes so far */
};

/* struct husk__birth.place */
#define PLACE(bytes, bin)                                                                                    \
    ((uint64_t)((bytes)-HUSK__HEADER) << 32 |                                                                \
     (offsetof(struct husk__store, bins) + (bin) * sizeof(struct husk__bin)))

static const uint32_t no_fields[1];
static const husk_slot no_slots[1];

const husk_type husk__plain_weak = {
    .birth = { HUSK__WEAK_HEAD, PLACE(offsetof(husk_weak, next), 0) },
    .flags = TYPE_WEAK | TYPE_FLAT,
    .id = HUSK__PLAIN_WEAK,
    .block = PLAIN_BYTES,
    .fields = no_fields,
    .slots = no_slots,
    .size = offsetof(husk_weak, next) - HUSK__HEADER,
    .name = "weak reference",
};

/* With a callback it is tracked, although it has no slots: only so can a pass tell that it is garbage itself and must
 * not call. */
const husk_type husk__call_weak = {
    .birth = { (uint64_t)HUSK__CALL_WEAK << 32 | RC_ONE, PLACE(CALL_BYTES, CALL_BIN) },
    .flags = TYPE_WEAK | TYPE_TRACKED | TYPE_FLAT,
    .id = HUSK__CALL_WEAK,
    .block = CALL_BYTES,
    .fields = no_fields,
    .slots = no_slots,
    .size = sizeof(husk_weak) - HUSK__HEADER,
    .name = "weak reference",
};

_Static_assert(
    HUSK__WEAK_HEAD == ((uint64_t)HUSK__PLAIN_WEAK << 32 | RC_ONE) && CELL_LONE == HUSK__LONE &&
        offsetof(husk_weak, next) <= PLAIN_BYTES && CALL_BYTES <= 128,
    "husk_weak_new_inline knows the head of a weak reference, its size and how its object names it");
_Static_assert(offsetof(struct husk__chunk, owner) == 0 && offsetof(husk_heap, store) == 0 &&
                   offsetof(struct husk__store, lones) == offsetof(struct husk__front, lones) &&
                   offsetof(struct husk__store, bins[0].hand) == offsetof(struct husk__front, hand) &&
                   offsetof(struct husk__slot, next) == 8,
               "and where the hand and the count are");
_Static_assert(offsetof(husk_weak, target) == 16, "husk_weak_lock_inline knows this place, too");
_Static_assert(TF_DYING == HUSK__DYING && offsetof(husk_obj, tf) == 4 && offsetof(husk_obj, cell) == 8,
               "and these words");

static husk_weak *fail(husk_heap *heap, const husk_obj *obj, void *data, husk_free_fn *data_free)
{
    husk_status status = heap->store.failure ? heap->store.failure : HUSK_ENOMEM;
    (void)husk_heap_fail(heap, status, "weak reference to an object of type %s: %s", husk__type_of(obj)->name,
                         husk_status_text(status));
    if (data_free)
        data_free(data);
    return NULL;
}

/* What stands in the header of obj for a lone weak reference in this block; 0: there is none, or it is too far away. */
ALWAYS_INLINE uint32_t lone_for(const husk_obj *obj, const void *block)
{
    return husk__away(obj, block) ? 0 : (uint32_t)((uintptr_t)block >> 3) | CELL_LONE;
}

static void enter(struct husk__cell *cell, husk_weak *weak)
{
    cell->count++;
    if (!husk__weak_has_call(weak)) {
        cell->shared = weak;
        return;
    }
    weak->next = cell->weaks;
    weak->back = &cell->weaks;
    if (weak->next)
        weak->next->back = &weak->next;
    cell->weaks = weak;
}

struct husk__cell *husk__cell_ready(husk_heap *heap, husk_obj *obj)
{
    if (obj->cell && !(obj->cell & CELL_LONE))
        return husk__cell_at(obj->cell);
    uint32_t index = husk__cell_new(&heap->store, &heap->cells, obj);
    if (!index)
        return NULL;
    struct husk__cell *cell = husk__cell_at(index);
    if (obj->cell) { /* looked at now: making room may have ended the lone one */
        enter(cell, husk__lone_of(obj));
        heap->store.lones--;
    }
    heap->cells.in_use++;
    obj->cell = index;
    return cell;
}

/* obj knows its new weak reference. */
static bool join(husk_heap *heap, husk_obj *obj, husk_weak *weak)
{
    uint32_t lone = obj->cell ? 0 : lone_for(obj, weak);
    if (LIKELY(lone)) {
        obj->cell = lone;
        heap->store.lones++;
    } else {
        struct husk__cell *cell = husk__cell_ready(heap, obj);
        if (!cell)
            return false;
        enter(cell, weak);
    }
    weak->target = obj;
    return true;
}

husk_weak *husk__weak_make(husk_obj *obj, const husk_type *type, husk_weak_fn *on_gone, void *data,
                           husk_free_fn *data_free)
{
    husk_heap *heap = husk__heap_of(obj);
    heap->store.failure = HUSK_OK;
    if (!type)
        return fail(heap, obj, data, data_free);
    husk_weak *weak = (husk_weak *)husk_obj_new(heap, type);
    if (!weak) { /* the reason is noted */
        if (data_free)
            data_free(data);
        return NULL;
    }
    if (!join(heap, obj, weak)) {
        husk__site_end(heap, &weak->head);
        husk__store_free((struct husk__slot *)weak); /* not by a release, which may run user code */
        return fail(heap, obj, data, data_free);
    }
    if (type->flags & TYPE_TRACKED) {
        weak->fn = on_gone;
        weak->data = data;
        weak->data_free = data_free;
    }
    return weak;
}

static husk_weak *shared_of(const husk_obj *obj)
{
    if (!(obj->cell & CELL_LONE))
        return obj->cell ? husk__cell_at(obj->cell)->shared : NULL;
    husk_weak *lone = husk__lone_of(obj);
    return husk__weak_has_call(lone) ? NULL : lone;
}

/* With a callback. The usual case needs no call here either: the first weak reference of an object, and a block is at
 * hand. */
static __attribute__((noinline)) husk_weak *make_watching(husk_obj *obj, husk_weak_fn *on_gone, void *data,
                                                          husk_free_fn *data_free)
{
    husk_heap *heap = husk__heap_of(obj);
    struct husk__bin *bin = &heap->store.bins[CALL_BIN];
    husk_weak *weak = (husk_weak *)(void *)bin->hand;
    uint32_t lone = lone_for(obj, weak);
    if (UNLIKELY(obj->cell) || UNLIKELY(!lone))
        return husk__weak_make(obj, &husk__call_weak, on_gone, data, data_free);
    bin->hand = bin->hand->next;
    ((struct husk__slot *)(void *)weak)->head = husk__call_weak.birth.head;
    weak->head.cell = weak->head.site = 0;
    weak->target = obj;
    weak->next = NULL;
    weak->back = NULL;
    weak->fn = on_gone;
    weak->data = data;
    weak->data_free = data_free;
    obj->cell = lone;
    heap->store.lones++;
    return weak;
}

husk_weak *husk__weak_new_slow_1(husk_obj *obj)
{
    husk_weak *weak = shared_of(obj);
    if (!weak)
        return husk__weak_make(obj, &husk__plain_weak, NULL, NULL, NULL);
    husk_obj_retain(&weak->head);
    return weak;
}

husk_weak *husk_weak_new(husk_obj *obj, husk_weak_fn *on_gone, void *data, husk_free_fn *data_free)
{
    if (on_gone || data_free)
        return make_watching(obj, on_gone, data, data_free);
    return husk_weak_new_inline(obj);
}

husk_obj *husk__weak_lock_slow_1(husk_weak *weak)
{
    if (husk__is_dying(weak->target))
        return NULL;
    husk_obj_retain(weak->target);
    return weak->target;
}

husk_obj *husk_weak_lock(husk_weak *weak)
{
    return husk_weak_lock_inline(weak);
}

husk_weak_state husk_weak_state_get(const husk_weak *weak)
{
    if (!weak->target)
        return HUSK_DEAD;
    return husk__is_dying(weak->target) ? HUSK_DYING : HUSK_ALIVE;
}

void *husk_weak_data(const husk_weak *weak)
{
    return husk__weak_has_call(weak) ? weak->data : NULL;
}

husk_weak *husk_weak_of(husk_obj *obj)
{
    return husk__type_of(obj)->flags & TYPE_WEAK ? (husk_weak *)obj : NULL;
}

/* Of what is more than a weak reference. Apart, so that the plain ones do not pay for it. */
static NEVER_INLINE void end_more(husk_heap *heap, husk_weak *weak)
{
    uint32_t flags = husk__type_of(&weak->head)->flags;
    if (flags & TYPE_SOFT)
        husk__soft_end(heap, (husk_soft *)(void *)weak);
    else if (flags & TYPE_WATCH)
        husk__watch_end((husk_watch *)(void *)weak);
}

static void leave(struct husk__cell *cell, husk_weak *weak)
{
    cell->count--;
    if (cell->shared == weak) {
        cell->shared = NULL;
        return;
    }
    *weak->back = weak->next;
    if (weak->next)
        weak->next->back = weak->back;
    weak->next = NULL;
}

void husk__weak_leave(husk_heap *heap, husk_weak *weak)
{
    if (weak->target->cell & CELL_LONE) {
        weak->target->cell = 0;
        heap->store.lones--;
    } else {
        leave(husk__cell_at(weak->target->cell), weak);
    }
    weak->target = NULL;
}

bool husk__weak_end(husk_heap *heap, husk_weak *weak)
{
    if (weak->target)
        husk__weak_leave(heap, weak);
    if (!husk__weak_has_call(weak))
        return false;
    if (UNLIKELY((weak->head.tf & TF_TYPE) != HUSK__CALL_WEAK))
        end_more(heap, weak);
    if (!weak->data_free)
        return false;
    weak->head.tf |= TF_QUEUED;
    husk__event_add(heap, weak);
    return true;
}

/* The target of weak has died, and knows it no longer. */
ALWAYS_INLINE void tell(husk_heap *heap, husk_weak *weak)
{
    weak->target = NULL;
    if (!husk__weak_has_call(weak)) /* it is shorter, and nobody is called */
        return;
    if (UNLIKELY((weak->head.tf & TF_TYPE) != HUSK__CALL_WEAK) &&
        (husk__type_of(&weak->head)->flags & TYPE_WATCH))
        husk__watch_arrive(heap, (husk_watch *)(void *)weak);
    if (!weak->fn || (heap->reclaiming && husk__is_pending(weak)))
        return;
    husk_obj_retain(&weak->head);
    weak->head.tf |= TF_EVENT;
    husk__event_add(heap, weak);
}

static NEVER_INLINE void end_cell(husk_heap *heap, husk_obj *obj)
{
    struct husk__cell *cell = husk__cell_at(obj->cell);
    if (cell->shared)
        tell(heap, cell->shared);
    husk_weak *next;
    for (husk_weak *weak = cell->weaks; weak; weak = next) {
        next = weak->next;
        weak->next = NULL;
        weak->back = NULL;
        tell(heap, weak);
    }
    if (UNLIKELY(cell->ties != NULL))
        husk__ties_end(heap, cell);
    husk__cell_free(&heap->cells, obj);
}

void husk__end_weaks(husk_heap *heap, husk_obj *obj)
{
    if (UNLIKELY(!(obj->cell & CELL_LONE))) {
        end_cell(heap, obj);
        return;
    }
    husk_weak *lone =
        husk__lone_of(obj); /* it has never been in a list: next and back are as they were born */
    obj->cell = 0;
    heap->store.lones--;
    tell(heap, lone);
}

void husk__event_add(husk_heap *heap, husk_weak *weak)
{
    weak->next = NULL;
    if (heap->events_last)
        heap->events_last->next = weak;
    else
        heap->events_first = weak;
    heap->events_last = weak;
    if (UNLIKELY(heap->quiet))
        husk__let_wait(&heap->store, HUSK__WAITS_DUE);
}

/* The end of weak was left to its data_free. */
static NEVER_INLINE void end_by_event(husk_heap *heap, husk_weak *weak)
{
    struct husk__hook saved;
    husk__hook_enter(heap, &saved);
    heap->ending = &weak->head;
    weak->data_free(weak->data);
    heap->ending = NULL;
    husk__hook_leave(heap, &saved);
    if (husk__type_of(&weak->head)->flags & TYPE_SOFT)
        husk__soft_drop((husk_soft *)(void *)weak);
    husk__store_free((struct husk__slot *)weak);
}

/* The program has not yet looked at a failure, which survives the callback. */
static NEVER_INLINE void call_with_failure(husk_heap *heap, husk_weak *weak)
{
    struct husk__hook saved;
    husk__hook_enter(heap, &saved);
    weak->fn(weak, weak->data);
    husk__hook_leave(heap, &saved);
}

ALWAYS_INLINE void call(husk_heap *heap, husk_weak *weak)
{
    uint32_t busy = husk__hook_begin(heap);
    weak->fn(weak, weak->data);
    husk__hook_end(heap, busy);
}

void husk__event_run(husk_heap *heap)
{
    husk_weak *weak = heap->events_first;
    heap->events_first = weak->next;
    if (LIKELY(!weak->next))
        heap->events_last = NULL;
    weak->next = NULL;
    if (UNLIKELY(weak->head.tf & TF_QUEUED)) {
        end_by_event(heap, weak);
        return;
    }
    weak->head.tf &= ~TF_EVENT;
    if (husk__count_of(&weak->head) > 1) { /* somebody besides the queue still wants to know */
        if (UNLIKELY(heap->failure))
            call_with_failure(heap, weak);
        else
            call(heap, weak);
    }
    husk_obj_release(&weak->head);
}
