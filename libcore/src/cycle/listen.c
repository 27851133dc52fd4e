/* cycle/listen.c: the pass callbacks and the garbage list. */
#include "cycle/listen.h"

#include "cycle/collect.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/ledgered.h"

bool husk__has_listeners(const husk_heap *heap)
{
    return heap->collector.call_count > 0;
}

/* Callbacks may add and remove callbacks: the list only grows while one runs (taken off: id 0). */
void husk__tell(husk_heap *heap, husk_phase phase, const husk_pass *pass)
{
    struct husk__collector *collector = &heap->collector;
    if (!collector->call_count)
        return;
    struct husk__hook saved;
    uint32_t before = heap->busy;
    heap->busy |= BUSY_DRAIN;
    for (size_t i = 0; i < collector->call_count; i++) {
        struct husk__pass_call call = collector->calls[i];
        if (!call.id)
            continue;
        husk__hook_enter(heap, &saved);
        call.fn(heap, phase, pass, call.data);
        husk__hook_leave(heap, &saved);
    }
    size_t kept = 0;
    for (size_t i = 0; i < collector->call_count; i++)
        if (collector->calls[i].id)
            collector->calls[kept++] = collector->calls[i];
    collector->call_count = kept;
    husk__drain(heap);
    heap->busy = before;
}

void husk__tell_untold(husk_heap *heap)
{
    husk_pass pass = heap->collector.untold,
              start = { .reason = pass.reason, .mode = pass.mode, .number = pass.number };
    heap->collector.untold = (husk_pass){ 0 };
    husk__tell(heap, HUSK_PASS_START, &start);
    husk__tell(heap, HUSK_PASS_STOP, &pass);
}

/* Room for one more element in a table of the heap. */
static bool reserve(husk_heap *heap, void **table, size_t *room, size_t need, size_t width)
{
    if (need <= *room)
        return true;
    size_t more = *room * 2 > need ? *room * 2 : need;
    if (more > SIZE_MAX / 2 / width)
        return false;
    void *grown = husk__charged_resize(&heap->store, *table, *room * width, more * width);
    if (!grown)
        return false;
    *table = grown;
    *room = more;
    return true;
}

husk_status husk_heap_on_pass(husk_heap *heap, husk_pass_fn *fn, void *data, husk_free_fn *data_free,
                              uint64_t *id)
{
    struct husk__collector *collector = &heap->collector;
    void *table = collector->calls;
    bool room =
        reserve(heap, &table, &collector->call_room, collector->call_count + 1, sizeof *collector->calls);
    collector->calls = table;
    if (!room) {
        if (data_free)
            data_free(data);
        return husk_heap_fail(heap, HUSK_ENOMEM, "on_pass: %s", husk_status_text(HUSK_ENOMEM));
    }
    *id = ++collector->next_call;
    collector->calls[collector->call_count++] = (struct husk__pass_call){ fn, data, data_free, *id };
    return HUSK_OK;
}

husk_status husk_heap_off_pass(husk_heap *heap, uint64_t id)
{
    struct husk__collector *collector = &heap->collector;
    for (size_t i = 0; id && i < collector->call_count; i++) {
        struct husk__pass_call call = collector->calls[i];
        if (call.id != id)
            continue;
        collector->calls[i].id = 0;
        if (!(heap->busy & BUSY_HOOK)) {
            for (size_t k = i + 1; k < collector->call_count; k++)
                collector->calls[k - 1] = collector->calls[k];
            collector->call_count--;
        }
        if (call.data_free)
            call.data_free(call.data);
        return HUSK_OK;
    }
    return husk_heap_fail(heap, HUSK_EMISSING, "off_pass: there is no callback %llu", (unsigned long long)id);
}

bool husk__garbage_reserve(husk_heap *heap, size_t n)
{
    struct husk__collector *collector = &heap->collector;
    void *table = collector->garbage;
    bool room = reserve(heap, &table, &collector->garbage_room, collector->garbage_count + n,
                        sizeof *collector->garbage);
    collector->garbage = table;
    return room;
}

void husk_heap_set_save_all(husk_heap *heap, bool on)
{
    heap->collector.save_all = on;
}

bool husk_heap_save_all(const husk_heap *heap)
{
    return heap->collector.save_all;
}

size_t husk_heap_garbage_count(const husk_heap *heap)
{
    return heap->collector.garbage_count;
}

husk_obj *husk_heap_garbage(husk_heap *heap, size_t index)
{
    if (index >= heap->collector.garbage_count)
        return NULL;
    husk_obj *obj = heap->collector.garbage[index];
    husk_obj_retain(obj);
    return obj;
}

const char *husk_heap_garbage_reason(const husk_heap *heap, size_t index)
{
    return index < heap->collector.garbage_count ? "save-all" : NULL;
}

/* A release may run hooks that look at the list or add to it: it is emptied first, entry by entry. */
void husk_heap_garbage_clear(husk_heap *heap)
{
    struct husk__collector *collector = &heap->collector;
    while (collector->garbage_count) {
        husk_obj *obj = collector->garbage[--collector->garbage_count];
        husk_ledger_release(obj, HUSK__BY_GARBAGE);
    }
    if (heap->busy & BUSY_PASS) /* it has room reserved there */
        return;
    husk__charged_free(&heap->store, collector->garbage,
                       collector->garbage_room * sizeof *collector->garbage);
    collector->garbage = NULL;
    collector->garbage_room = 0;
}

void husk__collect_close(husk_heap *heap)
{
    struct husk__collector *collector = &heap->collector;
    for (size_t i = 0; i < collector->call_count; i++) {
        struct husk__pass_call call = collector->calls[i];
        collector->calls[i].id = 0; /* first: it may take itself off */
        if (call.id && call.data_free)
            call.data_free(call.data);
    }
    husk__charged_free(&heap->store, collector->calls, collector->call_room * sizeof *collector->calls);
    husk__charged_free(&heap->store, collector->garbage,
                       collector->garbage_room * sizeof *collector->garbage);
}
