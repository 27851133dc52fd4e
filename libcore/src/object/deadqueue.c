/* object/deadqueue.c: queues of the dead. A watch is a weak reference (weak.c) that a queue holds; when its object dies
 * it goes from one list of the queue to the other. See <husk/deadqueue.h>. */
#include "object/deadqueue.h"

#include "object/hook.h"

#include <errno.h>
#include <husk/ledger.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Both are set together, the second one last. */
static const husk_type *watch_type;
static _Atomic(const husk_type *) queue_type;

static void each_watch(husk_obj *self, husk_visit_fn *visit, void *data);
static void dispose(husk_obj *self);

static const husk_type *have_types(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const husk_type_spec watch = { HUSK_TYPE_SPEC, .name = "watch",
                                          .size = sizeof(husk_watch) - HUSK__HEADER };
    static const husk_type_spec queue = {
        HUSK_TYPE_SPEC,     .name = "queue of the dead", .size = sizeof(husk_deadqueue) - HUSK__HEADER,
        .each = each_watch, .dispose = dispose,          .flags = HUSK_TYPE_DISPOSE_ANYWHERE
    };
    const husk_type *type = atomic_load_explicit(&queue_type, memory_order_acquire);
    if (type)
        return type;
    pthread_mutex_lock(&lock);
    type = atomic_load_explicit(&queue_type, memory_order_relaxed);
    if (!type &&
        (watch_type ||
         husk__type_make(&watch, TYPE_WEAK | TYPE_TRACKED | TYPE_WATCH, &watch_type) == HUSK_OK) &&
        husk__type_make(&queue, 0, &type) == HUSK_OK)
        atomic_store_explicit(&queue_type, type, memory_order_release);
    pthread_mutex_unlock(&lock);
    return type;
}

static void link_at(husk_watch **at, husk_watch *watch)
{
    watch->next = *at;
    watch->back = at;
    if (watch->next)
        watch->next->back = &watch->next;
    *at = watch;
}

/* The descriptor is readable exactly while count > 0: told when that changes. An eventfd takes a 1 at 0, and gives it
 * back, without fail. */
static void tell(const husk_deadqueue *queue, bool waits)
{
    eventfd_t value;
    if (queue->fd >= 0)
        (void)(waits ? eventfd_write(queue->fd, 1) : eventfd_read(queue->fd, &value));
}

static void leave(husk_watch *watch)
{
    husk_deadqueue *queue = watch->queue;
    *watch->back = watch->next;
    if (watch->next)
        watch->next->back = watch->back;
    if (!watch->waits) {
        queue->watching_count--;
    } else {
        if (queue->end == &watch->next)
            queue->end = watch->back;
        if (--queue->count == 0)
            tell(queue, false);
    }
    watch->queue = NULL;
    watch->next = NULL;
    watch->back = NULL;
    watch->waits = false;
}

void husk__watch_arrive(husk_heap *heap, husk_watch *watch)
{
    husk_deadqueue *queue = watch->queue;
    if (!queue || (queue->head.tf & TF_QUEUED)) /* it is perhaps going through its watches */
        return;
    if (heap->reclaiming && husk__is_pending(queue)) /* and this one ends in the same set */
        return;
    leave(watch);
    watch->queue = queue;
    watch->waits = true;
    link_at(queue->end, watch);
    queue->end = &watch->next;
    if (queue->count++ == 0)
        tell(queue, true);
}

void husk__watch_end(husk_watch *watch)
{
    if (watch->queue)
        leave(watch);
}

/* While the queue ends each one met may leave its list; those behind it stay. */
static void each_in(husk_watch *watch, husk_visit_fn *visit, void *data)
{
    for (husk_watch *next; watch; watch = next) {
        next = watch->next;
        husk_obj *held = &watch->weak.head;
        visit(&held, data);
    }
}

static void each_watch(husk_obj *self, husk_visit_fn *visit, void *data)
{
    const husk_deadqueue *queue = (const husk_deadqueue *)(const void *)self;
    each_in(queue->first, visit, data);
    each_in(queue->watching, visit, data);
}

/* Those that somebody else still holds have no queue from now on. */
static void dispose(husk_obj *self)
{
    husk_deadqueue *queue = (husk_deadqueue *)(void *)self;
    while (queue->first)
        leave(queue->first);
    while (queue->watching)
        leave(queue->watching);
    if (queue->fd >= 0)
        (void)close(queue->fd);
    queue->fd = -1;
}

husk_deadqueue *husk_deadqueue_new(husk_heap *heap)
{
    const husk_type *type = have_types();
    if (!type) {
        (void)husk_heap_fail(heap, HUSK_ENOMEM, "queue of the dead: %s", husk_status_text(HUSK_ENOMEM));
        return NULL;
    }
    husk_deadqueue *queue = (husk_deadqueue *)(void *)husk_obj_new(heap, type);
    if (!queue)
        return NULL;
    queue->end = &queue->first;
    queue->fd = -1;
    return queue;
}

husk_watch *husk_watch_new(husk_deadqueue *queue, husk_obj *obj, void *data, husk_free_fn *data_free)
{
    husk_heap *heap = husk__heap_of(queue);
    if (husk__heap_of(obj) != heap) {
        (void)husk_heap_fail(heap, HUSK_EHEAP, "watch: object of type %s belongs to heap %s, not to heap %s",
                             husk__type_of(obj)->name, husk__heap_of(obj)->name, heap->name);
        if (data_free)
            data_free(data);
        return NULL;
    }
    husk_watch *watch = (husk_watch *)(void *)husk__weak_make(obj, watch_type, NULL, data, data_free);
    if (!watch)
        return NULL;
    watch->queue = queue;
    link_at(&queue->watching, watch);
    queue->watching_count++;
    husk_ledger_retain_in(&watch->weak.head, &queue->head, NULL);
    return watch;
}

husk_watch *husk_deadqueue_poll(husk_deadqueue *queue)
{
    husk_watch *watch = queue->first;
    if (!watch)
        return NULL;
    leave(watch);
    husk_ledger_move_out(&watch->weak.head, &queue->head, NULL);
    return watch;
}

size_t husk_deadqueue_poll_many(husk_deadqueue *queue, husk_watch **out, size_t most)
{
    size_t count = 0;
    for (; count < most && queue->first; count++)
        out[count] = husk_deadqueue_poll(queue);
    return count;
}

size_t husk_deadqueue_count(const husk_deadqueue *queue)
{
    return queue->count;
}

size_t husk_deadqueue_watching(const husk_deadqueue *queue)
{
    return queue->watching_count;
}

int husk_deadqueue_fd(husk_deadqueue *queue)
{
    if (queue->fd >= 0)
        return queue->fd;
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->fd < 0) {
        (void)husk_heap_fail(husk__heap_of(queue), HUSK_EIO, "descriptor of a queue of the dead: %s",
                             strerror(errno));
        return -1;
    }
    if (queue->count)
        tell(queue, true);
    return queue->fd;
}

bool husk_watch_is_pending(const husk_watch *watch)
{
    return watch->queue && !watch->waits;
}

void *husk_watch_data(const husk_watch *watch)
{
    return watch->weak.data;
}

husk_deadqueue *husk_watch_queue(const husk_watch *watch)
{
    return watch->queue;
}

bool husk_watch_detach(husk_watch *watch)
{
    husk_deadqueue *queue = watch->queue;
    if (!queue)
        return false;
    leave(watch);
    husk_ledger_release_in(&watch->weak.head, &queue->head, NULL); /* not the last: the caller has one */
    return true;
}

husk_watch *husk_watch_of(husk_obj *obj)
{
    return husk__type_of(obj)->flags & TYPE_WATCH ? (husk_watch *)(void *)obj : NULL;
}

husk_deadqueue *husk_deadqueue_of(husk_obj *obj)
{
    const husk_type *type = atomic_load_explicit(&queue_type, memory_order_acquire);
    return type && husk__type_of(obj) == type ? (husk_deadqueue *)(void *)obj : NULL;
}

static const char *list_wrong(const husk_heap *heap, const husk_deadqueue *queue, bool waiting)
{
    husk_watch *const *back = waiting ? &queue->first : &queue->watching;
    size_t count = 0, most = waiting ? queue->count : queue->watching_count;
    for (husk_watch *w; (w = *back); back = &w->next) {
        if (++count > most)
            return "more watches are listed than counted";
        if (!husk__is_own_object(heap, w) || !husk_watch_of(&w->weak.head))
            return "what is listed as watch is none";
        if (w->queue != queue || w->back != back || w->waits != waiting ||
            (w->weak.target != NULL) == waiting)
            return "a watch is not where it belongs";
    }
    if (count != most || (waiting && queue->end != back))
        return "fewer watches are listed than counted";
    return NULL;
}

const char *husk__deadqueue_wrong(const husk_heap *heap, husk_obj *obj)
{
    const husk_deadqueue *queue = husk_deadqueue_of(obj);
    if (!queue || husk__is_dying(obj))
        return NULL;
    const char *wrong = list_wrong(heap, queue, true);
    return wrong ? wrong : list_wrong(heap, queue, false);
}
