/* object/weak.c: weak references: making, asking, ending. The cell that lists them is cell.c. */
#include "object/weak.h"

#include "object/deadqueue.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/soft.h"
#include "object/traced.h"

/* Both are set together, the second one last; each of them may be read alone. */
static _Atomic(const husk_type *) plain_type, call_type;

ALWAYS_INLINE const husk_type *known(_Atomic(const husk_type *) *type)
{
    return atomic_load_explicit(type, memory_order_acquire);
}

static bool make_types(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const husk_type_spec plain = { HUSK_TYPE_SPEC, .name = "weak reference",
                                          .size = offsetof(husk_weak, fn) - HUSK__HEADER };
    static const husk_type_spec call = { HUSK_TYPE_SPEC, .name = "weak reference",
                                         .size = sizeof(husk_weak) - HUSK__HEADER };
    const husk_type *type;
    pthread_mutex_lock(&lock);
    if (!known(&plain_type) && husk__type_make(&plain, TYPE_WEAK, &type) == HUSK_OK)
        atomic_store_explicit(&plain_type, type, memory_order_release);
    /* With a callback it is tracked, although it has no slots: only so can a pass tell that it is garbage
     * itself and must not call. */
    if (known(&plain_type) && !known(&call_type) &&
        husk__type_make(&call, TYPE_WEAK | TYPE_TRACKED, &type) == HUSK_OK)
        atomic_store_explicit(&call_type, type, memory_order_release);
    bool made = known(&call_type);
    pthread_mutex_unlock(&lock);
    return made;
}

/* Registration may be refused memory; then the next caller tries again. */
static bool have_types(void)
{
    return known(&call_type) || make_types();
}

static husk_weak *fail(husk_heap *heap, const husk_obj *obj, void *data, husk_free_fn *data_free)
{
    husk_status status = heap->store.failure ? heap->store.failure : HUSK_ENOMEM;
    (void)husk_heap_fail(heap, status, "weak reference to an object of type %s: %s", husk__type_of(obj)->name,
                         husk_status_text(status));
    if (data_free)
        data_free(data);
    return NULL;
}

/* What stands in the header of obj for a lone weak reference; 0: it is too far away. */
ALWAYS_INLINE uint32_t lone_for(const husk_obj *obj, const husk_weak *weak)
{
    int64_t away = (const char *)weak - (const char *)husk__chunk_of(obj);
    if (UNLIKELY((uint64_t)(away + ((int64_t)1 << 33)) >> 34))
        return 0;
    return (uint32_t)((uint64_t)away >> 3) | CELL_LONE;
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
    if (obj->cell) /* looked at now: making room may have ended the lone one */
        enter(cell, husk__lone_of(obj));
    else
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
        heap->cells.in_use++;
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

static NEVER_INLINE husk_weak *make_slowly(husk_obj *obj, husk_weak_fn *on_gone, void *data,
                                           husk_free_fn *data_free)
{
    bool shared = !on_gone && !data_free;
    husk_weak *weak = shared ? shared_of(obj) : NULL;
    if (weak) {
        husk_obj_retain(&weak->head);
        return weak;
    }
    return husk__weak_make(obj,
                           !have_types() ? NULL
                           : shared      ? known(&plain_type)
                                         : known(&call_type),
                           on_gone, data, data_free);
}

/* The usual case needs no call: the first weak reference of an object, without callback, and a block is at hand. */
husk_weak *husk_weak_new(husk_obj *obj, husk_weak_fn *on_gone, void *data, husk_free_fn *data_free)
{
    const husk_type *type = known(&plain_type);
    if (UNLIKELY(on_gone || data_free || obj->cell || !type))
        return make_slowly(obj, on_gone, data, data_free);
    husk_heap *heap = husk__heap_of(obj);
    struct husk__slot **hand = &husk__bin_of(&heap->store, type)->hand;
    struct husk__slot *block = *hand;
    uint32_t lone = block ? lone_for(obj, (husk_weak *)(void *)block) : 0;
    if (UNLIKELY(!lone))
        return make_slowly(obj, on_gone, data, data_free);
    *hand = block->next;
    block->head = type->birth.head;
    husk_weak *weak = (husk_weak *)(void *)block;
    weak->head.cell = weak->head.site = 0;
    weak->target = obj;
    obj->cell = lone;
    heap->cells.in_use++;
    return weak;
}

_Static_assert(offsetof(husk_weak, target) == 16, "husk_weak_lock_inline knows this place");
_Static_assert(TF_DYING == HUSK__DYING && offsetof(husk_obj, tf) == 4, "and these bits");

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

bool husk__weak_has_call(const husk_weak *weak)
{
    return husk__type_of(&weak->head)->flags & TYPE_TRACKED;
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
static NEVER_INLINE void end_more(husk_heap *heap, husk_weak *weak, uint32_t flags)
{
    if (flags & TYPE_SOFT)
        husk__soft_end(heap, (husk_soft *)(void *)weak);
    else
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

bool husk__weak_end(husk_heap *heap, husk_weak *weak)
{
    uint32_t flags = husk__type_of(&weak->head)->flags;
    if (weak->target) {
        if (weak->target->cell & CELL_LONE) {
            weak->target->cell = 0;
            heap->cells.in_use--;
        } else {
            leave(husk__cell_at(weak->target->cell), weak);
        }
        weak->target = NULL;
    }
    if (UNLIKELY(flags & (TYPE_SOFT | TYPE_WATCH)))
        end_more(heap, weak, flags);
    if (!(flags & TYPE_TRACKED) || !weak->data_free)
        return false;
    weak->head.tf |= TF_QUEUED;
    husk__event_add(heap, weak);
    return true;
}

/* The target of weak has died, and knows it no longer. */
ALWAYS_INLINE void tell(husk_heap *heap, husk_weak *weak)
{
    weak->target = NULL;
    uint32_t flags = husk__type_of(&weak->head)->flags;
    if (!(flags & TYPE_TRACKED)) /* it is shorter, and nobody is called */
        return;
    weak->next = NULL;
    weak->back = NULL;
    if (UNLIKELY(flags & TYPE_WATCH))
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
    husk_weak *lone = husk__lone_of(obj);
    obj->cell = 0;
    heap->cells.in_use--;
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
    if (heap->quiet)
        husk__let_wait(&heap->store, HUSK__WAITS_DUE);
}

void husk__event_run(husk_heap *heap)
{
    husk_weak *weak = heap->events_first;
    heap->events_first = weak->next;
    if (!weak->next)
        heap->events_last = NULL;
    weak->next = NULL;

    struct husk__hook saved;
    if (weak->head.tf & TF_QUEUED) {
        husk__hook_enter(heap, &saved);
        heap->ending = &weak->head;
        weak->data_free(weak->data);
        heap->ending = NULL;
        husk__hook_leave(heap, &saved);
        if (husk__type_of(&weak->head)->flags & TYPE_SOFT)
            husk__soft_drop((husk_soft *)(void *)weak);
        husk__store_free((struct husk__slot *)weak);
        return;
    }
    weak->head.tf &= ~TF_EVENT;
    if (husk__count_of(&weak->head) > 1) { /* somebody besides the queue still wants to know */
        husk__hook_enter(heap, &saved);
        weak->fn(weak, weak->data);
        husk__hook_leave(heap, &saved);
    }
    husk_obj_release(&weak->head);
}
