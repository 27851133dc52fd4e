/* object/cleanup.c: the finalize registry. A cleanup is a weak reference with a callback (weak.c) that the heap
 * holds itself as long as it is pending; so the order of callbacks, and that they run when everything is whole,
 * are those of weak references.
 *
 *   heap.cleanups[at_exit] --> newest <--> ... <--> oldest      registered; one reference each */
#include "object/cleanup.h"

#include "object/death.h"
#include "object/hook.h"

#include <husk/bridge.h>

static _Atomic(const husk_type *) cleanup_type;

static const husk_type *have_type(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "cleanup",
                                         .size = sizeof(husk_cleanup) - HUSK__HEADER };
    const husk_type *type = atomic_load_explicit(&cleanup_type, memory_order_acquire);
    if (type)
        return type;
    pthread_mutex_lock(&lock);
    type = atomic_load_explicit(&cleanup_type, memory_order_relaxed);
    if (!type && husk__type_make(&spec, TYPE_WEAK | TYPE_TRACKED, &type) == HUSK_OK)
        atomic_store_explicit(&cleanup_type, type, memory_order_release);
    pthread_mutex_unlock(&lock);
    return type;
}

/* Into the list that its at_exit says, by age: a new one is the newest. */
static void join(husk_heap *heap, husk_cleanup *cleanup)
{
    husk_cleanup **at = &heap->cleanups[cleanup->at_exit], *newer = NULL;
    for (; *at && (*at)->number > cleanup->number; at = &(*at)->older)
        newer = *at;
    cleanup->newer = newer;
    cleanup->older = *at;
    if (cleanup->older)
        cleanup->older->newer = cleanup;
    *at = cleanup;
}

static void leave(husk_heap *heap, husk_cleanup *cleanup)
{
    if (cleanup->newer)
        cleanup->newer->older = cleanup->older;
    else
        heap->cleanups[cleanup->at_exit] = cleanup->older;
    if (cleanup->older)
        cleanup->older->newer = cleanup->newer;
}

/* Off the registry, whose reference is the caller's now. */
static void end_pending(husk_heap *heap, husk_cleanup *cleanup)
{
    cleanup->pending = false;
    leave(heap, cleanup);
    heap->cleanup_count--;
}

/* Its object has died: the event is the hook already (weak.c). */
static void on_gone(husk_weak *weak, void *data)
{
    husk_cleanup *cleanup = (husk_cleanup *)(void *)weak;
    husk_heap *heap = husk__heap_of(weak);
    if (!cleanup->pending)
        return;
    end_pending(heap, cleanup);
    cleanup->fn(heap, data);
    husk_obj_release(&weak->head); /* not the last: the event has one */
}

husk_cleanup *husk_cleanup_new(husk_obj *obj, husk_cleanup_fn *fn, void *data, husk_free_fn *data_free,
                               bool at_exit)
{
    husk_cleanup *cleanup =
        (husk_cleanup *)(void *)husk__weak_make(obj, have_type(), on_gone, data, data_free);
    if (!cleanup)
        return NULL;
    cleanup->fn = fn;
    cleanup->at_exit = at_exit;
    cleanup->pending = true;
    husk_heap *heap = husk__heap_of(obj);
    cleanup->number = ++heap->cleanup_number;
    join(heap, cleanup);
    heap->cleanup_count++;
    husk_obj_retain(&cleanup->weak.head);
    return cleanup;
}

bool husk_cleanup_is_pending(const husk_cleanup *cleanup)
{
    return cleanup->pending;
}

husk_obj *husk_cleanup_get(husk_cleanup *cleanup)
{
    return cleanup->pending ? husk_weak_lock(&cleanup->weak) : NULL;
}

void *husk_cleanup_data(const husk_cleanup *cleanup)
{
    return cleanup->weak.data;
}

bool husk_cleanup_at_exit(const husk_cleanup *cleanup)
{
    return cleanup->at_exit;
}

void husk_cleanup_set_at_exit(husk_cleanup *cleanup, bool at_exit)
{
    husk_heap *heap = husk__heap_of(cleanup);
    if (cleanup->at_exit == at_exit)
        return;
    if (cleanup->pending)
        leave(heap, cleanup);
    cleanup->at_exit = at_exit;
    if (cleanup->pending)
        join(heap, cleanup);
}

bool husk_cleanup_detach(husk_cleanup *cleanup)
{
    if (!cleanup->pending)
        return false;
    end_pending(husk__heap_of(cleanup), cleanup);
    husk_obj_release(&cleanup->weak.head); /* not the last: the caller has one */
    return true;
}

static void run(husk_heap *heap, husk_cleanup *cleanup)
{
    struct husk__hook saved;
    end_pending(heap, cleanup);
    husk__hook_enter(heap, &saved);
    cleanup->fn(heap, cleanup->weak.data);
    husk__hook_leave(heap, &saved);
    husk_obj_release(&cleanup->weak.head);
}

bool husk_cleanup_run(husk_cleanup *cleanup)
{
    husk_heap *heap = husk__heap_of(cleanup);
    husk_heap_unbridge(heap);
    if (!cleanup->pending)
        return false;
    run(heap, cleanup);
    if (!(heap->busy & BUSY_WORK)) {
        husk__ration(heap);
        husk__drain(heap);
    }
    return true;
}

size_t husk_heap_run_cleanups(husk_heap *heap)
{
    size_t ran = 0;
    husk_heap_unbridge(heap);
    if (heap->busy & BUSY_WORK)
        return 0;
    for (; heap->cleanups[true]; ran++) {
        run(heap, heap->cleanups[true]);
        husk__ration(heap);
        husk__drain(heap);
    }
    return ran;
}

size_t husk_heap_cleanups(const husk_heap *heap)
{
    return heap->cleanup_count;
}

husk_cleanup *husk_cleanup_of(husk_obj *obj)
{
    const husk_type *type = atomic_load_explicit(&cleanup_type, memory_order_acquire);
    return type && husk__type_of(obj) == type ? (husk_cleanup *)(void *)obj : NULL;
}

bool husk__cleanups_forget(husk_heap *heap)
{
    bool any = heap->cleanup_count;
    for (int at_exit = 0; at_exit < 2; at_exit++)
        while (heap->cleanups[at_exit]) {
            husk_cleanup *cleanup = heap->cleanups[at_exit];
            end_pending(heap, cleanup);
            husk_obj_release(&cleanup->weak.head);
        }
    return any;
}
