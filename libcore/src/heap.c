/* heap.c: the composition root: a heap is put together, asked for its figures, and taken apart. */
#include "base/memory.h"
#include "cycle/collect.h"
#include "cycle/find.h"
#include "cycle/pace.h"
#include "cycle/parallel.h"
#include "cycle/passlog.h"
#include "cycle/step.h"
#include "cycle/stress.h"
#include "cycle/young.h"
#include "object/cleanup.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/ledgered.h"
#include "object/traced.h"
#include "object/weak.h"
#include "survey/leaks.h"
#include "trace/asked.h"

#include <husk/bridge.h>
#include <husk/trace.h>
#include <stdio.h>
#include <string.h>

static void on_pressure(struct husk__store *store)
{
    husk__collect_pressure((husk_heap *)store);
}

static bool on_limit(struct husk__store *store, bool again)
{
    return husk__collect_limit((husk_heap *)store, again);
}

static void on_gone(struct husk__store *store, struct husk__page *page)
{
    husk__step_gone((husk_heap *)store, page);
}

/* What the environment asks for. */
struct wishes {
    husk_trace_options trace;
    husk_stress stress;
    bool traced, printed, shown;
};

/* Who sets a variable need not have written the program, and many a program ends without a word when it gets no heap: so
 * a value that is not understood is told on stderr, too. */
static husk_status look_around(struct wishes *out)
{
    husk_status status;
    out->traced = husk__trace_asked(&out->trace, &status);
    if (!status && !husk__stress_asked(&out->stress))
        status = HUSK_EINVAL;
    if (!status)
        status = husk__gctrace_asked(&out->printed);
    if (!status)
        status = husk__gcstat_asked(&out->shown);
    if (status)
        fprintf(stderr, "husk: %s\n", husk_message());
    return status;
}

husk_status husk_heap_new(const husk_heap_options *options, husk_heap **out)
{
    static const husk_heap_options plain = { HUSK_HEAP_OPTIONS };
    const husk_heap_options *o = options ? options : &plain;
    if (o->struct_size != sizeof *o || o->abi != HUSK_ABI)
        return husk_fail(HUSK_EINVAL,
                         "heap options of %u bytes, abi %u: this library knows %zu bytes, abi %u",
                         o->struct_size, o->abi, sizeof *o, HUSK_ABI);
    const char *name = o->name ? o->name : "heap";
    size_t name_bytes = strlen(name) + 1;
    if (o->max_bytes && o->max_bytes < sizeof(husk_heap) + name_bytes)
        return husk_fail(HUSK_ELIMIT, "heap %s: max_bytes %zu does not even hold the heap", name,
                         o->max_bytes);
    struct wishes wishes;
    husk_status status = look_around(&wishes);
    if (status)
        return status;
    husk_heap *heap = husk__raw_new(sizeof *heap);
    char *own_name = heap ? husk__raw_new(name_bytes) : NULL;
    if (!own_name) {
        husk__raw_free(heap, sizeof *heap);
        return husk_fail(HUSK_ENOMEM, "heap %s: %s", name, husk_status_text(HUSK_ENOMEM));
    }
    memcpy(own_name, name, name_bytes);
    heap->name = own_name;
    heap->data = o->data;
    heap->owner = pthread_self();
    heap->attached = true;
    heap->passes.printed = wishes.printed;
    heap->busy = o->check_owner ? BUSY_OWNER : 0;
    heap->on_safe = husk__collect_safe;
    heap->on_table = husk__step_drop;
    heap->store.max_bytes = o->max_bytes;
    heap->store.bytes_taken = heap->store.bytes_peak = sizeof *heap + name_bytes;
    heap->store.one_by_one = o->check_owner || HUSK__POISONED;
    heap->store.on_pressure = on_pressure;
    heap->store.on_limit = on_limit;
    heap->store.on_gone = on_gone;
    husk__young_begin(heap);
    husk__step_begin(heap);
    husk__pace_begin(heap);
    if (o->stress || wishes.stress.every)
        (void)husk_heap_set_stress(heap, o->stress ? &(husk_stress){ .every = 1 } : &wishes.stress);
    husk__gcstat_begin(heap, wishes.shown);
    if (wishes.traced && (status = husk_trace_start(heap, &wishes.trace)) != HUSK_OK) {
        husk_heap_close(heap);
        return status;
    }
    *out = heap;
    return HUSK_OK;
}

/* More references than the slots of the heap account for: somebody outside has them. */
static bool is_held(const husk_obj *obj)
{
    return husk__is_object(obj) && !husk_obj_is_immortal(obj) &&
           husk__side_total(obj, *husk__side_of(obj)) < husk__count_of(obj);
}

/* The lowest type id above `last` of which objects are held from outside, and how many. */
static uint32_t next_held(const husk_heap *heap, uint32_t last, size_t *count)
{
    uint32_t best = 0;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            uint32_t id = obj->tf & TF_TYPE;
            if (id <= last || (best && id > best) || !is_held(obj))
                continue;
            *count = id == best ? *count + 1 : 1;
            best = id;
        }
    return best;
}

/* Which retains of such objects were never paired, if the heap has a ledger: the places of most. */
static void report_unpaired(husk_heap *heap, const husk_type *type)
{
    enum { ROWS = 3, FRAMES = 4 };
    husk_ledger_list *list;
    char text[400];
    if (!heap->ledgered || husk_ledger_all(heap, type, 0, &list))
        return;
    for (size_t i = 0; i < ROWS && i < husk_ledger_list_count(list); i++) {
        (void)husk_ledger_list_text(list, i, FRAMES, text, sizeof text);
        husk__report(heap, HUSK_ESTATE, "%s, never paired: %s", type->name, text);
    }
    husk_ledger_list_free(list);
}

static void report_held(husk_heap *heap)
{
    size_t count = 0;
    husk__find_counts(heap);
    for (uint32_t id = 0; (id = next_held(heap, id, &count));) {
        husk__report(heap, HUSK_ESTATE, "closed with %zu object%s of type %s still held", count,
                     count == 1 ? "" : "s", husk__types[id]->name);
        report_unpaired(heap, husk__types[id]);
    }
    husk__side_end(&heap->store);
}

/* Raw resources of what is left. No finalizers: their objects may be half gone. */
static void dispose_all(husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_object(obj) && husk__type_of(obj)->dispose)
                husk__type_of(obj)->dispose(obj);
}

/* The data of weak references that somebody outside still holds. */
static void free_weak_data(husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj)) {
            husk_weak *weak = husk__is_object(obj) ? husk_weak_of(obj) : NULL;
            if (weak && husk__weak_has_call(weak) && weak->data_free)
                weak->data_free(weak->data);
        }
}

/* Later releases that came too late to be executed: their objects end with the heap, their nodes are given
 * up. */
static void finish_later(husk_heap *heap)
{
    husk_later *node;
    while ((node = atomic_exchange_explicit(&heap->later, NULL, memory_order_acquire)))
        while (node) {
            husk_later copy = *node;
            node = copy.next;
            if (copy.done)
                copy.done(copy.data);
        }
}

void husk_heap_close(husk_heap *heap)
{
    if (!heap)
        return;
    husk_heap_unbridge(heap);
    ALWAYS(!(heap->busy & BUSY_WORK), "heap %s is closed from inside a hook", heap->name);
    (void)husk_heap_set_death_budget(heap, 0);
    (void)husk_heap_run_cleanups(heap);
    heap->collector.save_all = false;
    heap->pace.disabled = 0;
    heap->pace.region.now.active = false;
    husk_heap_unfreeze(heap);
    (void)husk__take_waiting(&heap->store, HUSK__WAITS_TRACE | HUSK__WAITS_NO_TRACE);
    husk__collect_safe(heap);
    husk_heap_garbage_clear(heap);
    husk_pass sum;
    bool more;
    int rounds = 0;
    do { /* what dies may let go of more, through acyclic objects and hooks; some make new garbage for ever */
        sum = (husk_pass){ 0 };
        (void)husk__collect_full(heap, HUSK_BY_CLOSE, &sum);
        more = husk__collect_queues(heap) || sum.collected;
        more = husk_heap_run_cleanups(heap) || more; /* a finalizer may have registered one */
        more = more || husk__cleanups_forget(heap);  /* at last; their data may have held something */
    } while (more && ++rounds < 100);
    (void)husk__cleanups_forget(heap);
    husk__leaks_summary(heap);
    report_held(heap);
    /* From here on releases only queue, and are overtaken by the end; births are refused, nothing is given
     * back. */
    heap->busy |= BUSY_HOOK | BUSY_PASS;
    husk__store_rest(&heap->store);
    heap->store.closed = true;
    free_weak_data(heap);
    dispose_all(heap);
    husk__gcstat_end(heap);
    husk__collect_close(heap);
    husk__leaks_close(heap);
    husk__parallel_close(heap);
    if (heap->error_free)
        heap->error_free(heap->error_data);
    finish_later(heap);
    husk__traced_close(heap);
    husk__ledgered_close(heap);
    husk__cells_close(&heap->store, &heap->cells);
    husk__charged_free(&heap->store, heap->store.carries,
                       heap->store.carry_room * sizeof(struct husk__carry));
    husk__chunks_close(&heap->store);
    husk__raw_free(heap->name, strlen(heap->name) + 1);
    husk__raw_free(heap, sizeof *heap);
}

void *husk_heap_data(const husk_heap *heap)
{
    return heap->data;
}

const char *husk_heap_name(const husk_heap *heap)
{
    return heap->name;
}

husk_status husk_heap_set_max_bytes(husk_heap *heap, size_t max_bytes)
{
    if (max_bytes && max_bytes < heap->store.bytes_taken)
        (void)husk_heap_trim(heap);
    if (max_bytes && max_bytes < heap->store.bytes_taken)
        return husk_heap_fail(heap, HUSK_ELIMIT,
                              "max_bytes %zu is below the %zu bytes that heap %s holds already", max_bytes,
                              heap->store.bytes_taken, heap->name);
    heap->store.max_bytes = max_bytes;
    return HUSK_OK;
}

void husk_heap_figures_get(const husk_heap *heap, husk_heap_figures *out)
{
    const struct husk__store *store = &heap->store;
    size_t hand_bytes, dying_bytes;
    size_t hand = husk__store_in_hand(store, &hand_bytes);
    size_t dying = husk__dying_count(heap, &dying_bytes);
    *out = (husk_heap_figures){ 0 };
    struct husk__page_walk walk = { store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        out->objects += page->used;
        out->object_bytes += page->used * husk__block_bytes(page);
        if (page->frozen)
            out->frozen_objects += page->used;
    }
    out->objects -= hand + dying + heap->collector.condemned;
    out->object_bytes -= hand_bytes + dying_bytes + heap->collector.condemned_bytes;
    out->buffer_bytes = store->raw_bytes;
    out->foreign_bytes = store->foreign_bytes;
    out->bytes_taken = store->bytes_taken;
    out->bytes_peak = store->bytes_peak;
    out->max_bytes = store->max_bytes;
    out->pages = store->pages_used;
    out->pages_spare = store->pages_spare;
    out->chunks = store->chunk_count;
    out->weak_cells = heap->cells.in_use + heap->store.lones;
    out->dying_objects = dying;
    out->dying_bytes = dying_bytes;
}

size_t husk_heap_trim(husk_heap *heap)
{
    if (heap->busy & BUSY_WORK) /* a pass may still read the bits of what is empty already */
        return 0;
    husk__store_rest(&heap->store);
    return husk__pages_trim(&heap->store, 0);
}

void husk_heap_foreign(husk_heap *heap, int64_t bytes)
{
    size_t *total = &heap->store.foreign_bytes;
    if (bytes < 0) {
        uint64_t fewer = -(uint64_t)bytes;
        *total = *total > fewer ? *total - (size_t)fewer : 0;
    } else {
        size_t room = SIZE_MAX / 4 - *total; /* sums with other figures must not overflow */
        *total += (uint64_t)bytes < room ? (size_t)bytes : room;
    }
}

static void *fail_buffer(husk_heap *heap, size_t bytes)
{
    husk_status status = heap->store.failure ? heap->store.failure : HUSK_ENOMEM;
    heap->store.failure = HUSK_OK;
    (void)husk_heap_fail(heap, status, "buffer of %zu bytes: %s", bytes, husk_status_text(status));
    return NULL;
}

static void *resize_buffer(husk_heap *heap, void *buffer, size_t old_bytes, size_t new_bytes,
                           struct husk__from from)
{
    void *block = husk__buffer_resize(&heap->store, buffer, old_bytes, new_bytes);
    if (UNLIKELY(!block) && new_bytes)
        return fail_buffer(heap, new_bytes);
    if (UNLIKELY(heap->tracer != NULL))
        husk__traced_buffer(heap, buffer, block, new_bytes, from);
    return block;
}

void *husk_buffer_new(husk_heap *heap, size_t bytes)
{
    return resize_buffer(heap, NULL, 0, bytes, HUSK__FROM_HERE);
}

void *husk_buffer_resize(husk_heap *heap, void *buffer, size_t old_bytes, size_t new_bytes)
{
    return resize_buffer(heap, buffer, old_bytes, new_bytes, HUSK__FROM_HERE);
}

void husk_buffer_free(husk_heap *heap, void *buffer, size_t bytes)
{
    if (UNLIKELY(heap->tracer != NULL))
        husk__traced_buffer(heap, buffer, NULL, 0, HUSK__FROM_HERE);
    husk__buffer_free(&heap->store, buffer, bytes);
}

void husk_heap_detach(husk_heap *heap)
{
    heap->attached = false;
}

husk_status husk_heap_attach(husk_heap *heap)
{
    if (heap->attached)
        return husk_heap_fail(heap, HUSK_ESTATE, "attach: heap %s has an owner", heap->name);
    heap->owner = pthread_self();
    heap->attached = true;
    return HUSK_OK;
}
