/* object/weak.c: weak references: making, asking, ending. The cell that lists them is cell.c. */
#include "object/weak.h"

#include "object/deadqueue.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/soft.h"
#include "object/traced.h"

/* Both are set together, the second one last. */
static const husk_type *plain_type;
static _Atomic(const husk_type *) call_type;

static bool make_types(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const husk_type_spec plain = { HUSK_TYPE_SPEC, .name = "weak reference",
                                          .size = offsetof(husk_weak, fn) - HUSK__HEADER };
    static const husk_type_spec call = { HUSK_TYPE_SPEC, .name = "weak reference",
                                         .size = sizeof(husk_weak) - HUSK__HEADER };
    const husk_type *type;
    pthread_mutex_lock(&lock);
    if (!plain_type && husk__type_make(&plain, TYPE_WEAK, &type) == HUSK_OK)
        plain_type = type;
    /* With a callback it is tracked, although it has no slots: only so can a pass tell that it is garbage
     * itself and must not call. */
    if (plain_type && !call_type && husk__type_make(&call, TYPE_WEAK | TYPE_TRACKED, &type) == HUSK_OK)
        atomic_store_explicit(&call_type, type, memory_order_release);
    bool made = call_type;
    pthread_mutex_unlock(&lock);
    return made;
}

/* Registration may be refused memory; then the next caller tries again. */
static bool have_types(void)
{
    return atomic_load_explicit(&call_type, memory_order_acquire) || make_types();
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
    if (!obj->cell && !husk__cell_new(&heap->store, &heap->cells, obj)) {
        husk__site_end(heap, &weak->head);
        husk__store_free((struct husk__slot *)weak); /* not by a release, which may run user code */
        return fail(heap, obj, data, data_free);
    }
    struct husk__cell *cell = husk__cell_at(obj->cell);
    weak->target = obj;
    weak->next = cell->weaks;
    weak->back = &cell->weaks;
    if (weak->next)
        weak->next->back = &weak->next;
    cell->weaks = weak;
    cell->count++;
    if (type->flags & TYPE_TRACKED) {
        weak->fn = on_gone;
        weak->data = data;
        weak->data_free = data_free;
    } else {
        cell->shared = weak;
    }
    return weak;
}

husk_weak *husk_weak_new(husk_obj *obj, husk_weak_fn *on_gone, void *data, husk_free_fn *data_free)
{
    bool shared = !on_gone && !data_free;
    const struct husk__cell *cell = obj->cell ? husk__cell_at(obj->cell) : NULL;
    if (shared && cell && cell->shared) {
        husk_obj_retain(&cell->shared->head);
        return cell->shared;
    }
    return husk__weak_make(obj,
                           !have_types() ? NULL
                           : shared      ? plain_type
                                         : call_type,
                           on_gone, data, data_free);
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

bool husk__weak_end(husk_heap *heap, husk_weak *weak)
{
    if (weak->target) {
        struct husk__cell *cell = husk__cell_at(weak->target->cell);
        *weak->back = weak->next;
        if (weak->next)
            weak->next->back = weak->back;
        if (cell->shared == weak)
            cell->shared = NULL;
        cell->count--;
        weak->target = NULL;
        weak->next = NULL;
    }
    uint32_t flags = husk__type_of(&weak->head)->flags;
    if (UNLIKELY(flags & (TYPE_SOFT | TYPE_WATCH)))
        end_more(heap, weak, flags);
    if (!(flags & TYPE_TRACKED) || !weak->data_free)
        return false;
    weak->head.tf |= TF_QUEUED;
    husk__event_add(heap, weak);
    return true;
}

void husk__end_weaks(husk_heap *heap, husk_obj *obj)
{
    struct husk__cell *cell = husk__cell_at(obj->cell);
    husk_weak *next;
    for (husk_weak *weak = cell->weaks; weak; weak = next) {
        next = weak->next;
        weak->target = NULL;
        weak->next = NULL;
        weak->back = NULL;
        uint32_t flags = husk__type_of(&weak->head)->flags;
        if (UNLIKELY(flags & TYPE_WATCH))
            husk__watch_arrive(heap, (husk_watch *)(void *)weak);
        if (!(flags & TYPE_TRACKED) || !weak->fn || (heap->reclaiming && husk__is_pending(weak)))
            continue;
        husk_obj_retain(&weak->head);
        weak->head.tf |= TF_EVENT;
        husk__event_add(heap, weak);
    }
    if (UNLIKELY(cell->ties != NULL))
        husk__ties_end(heap, cell);
    husk__cell_free(&heap->cells, obj);
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
