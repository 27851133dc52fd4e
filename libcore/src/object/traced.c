/* object/traced.c: see traced.h; and <husk/trace.h> for heaps. What heap NULL means there is trace/foreign.c's. */
#include "object/traced.h"

#include "base/memory.h"
#include "object/death.h"
#include "object/hook.h"
#include "trace/foreign.h"
#include "trace/site.h"

#include <husk/trace.h>

/* ---- births and deaths ---- */

void husk__traced_end(husk_heap *heap, husk_obj *obj)
{
    husk__traced_end_of(heap, obj, husk__block_bytes(husk__page_of(obj)));
}

/* The address of nothing, and not the 0 that says "no latest birth": what moves is not what dies at once. */
#define NOWHERE ((const void *)1)

static void buffer_end(husk_heap *heap, const void *buffer, bool moved)
{
    struct husk__blockmap_entry *entry = husk__blockmap_find(&heap->buffers, 0, (uintptr_t)buffer);
    if (!entry)
        return;
    struct husk__worth worth = husk__worth_of(heap->tracer, entry->size);
    husk__record_death(heap->tracer, entry->site, worth.count, worth.bytes, moved ? NOWHERE : buffer);
    husk__blockmap_remove(&heap->buffers, entry);
}

static bool buffer_picked(husk_heap *heap, size_t bytes)
{
    if (heap->store.watch != WATCH_SAMPLES)
        return true;
    if (bytes <= heap->buffer_left) {
        heap->buffer_left -= bytes;
        return false;
    }
    heap->buffer_left = husk__sample_gap(&heap->tracer->sampler);
    return true;
}

void husk__traced_buffer(husk_heap *heap, const void *old, const void *new_buffer, size_t new_bytes,
                         struct husk__from from)
{
    if (old)
        buffer_end(heap, old, new_buffer != NULL);
    if (!new_buffer || !buffer_picked(heap, new_bytes))
        return;
    if (!husk__blockmap_room(&heap->buffers)) {
        heap->tracer->unknown++;
        return;
    }
    uint32_t record = husk__capture(heap->tracer, &heap->said, from);
    struct husk__worth worth = husk__worth_of(heap->tracer, new_bytes);
    uint32_t site = husk__record_birth(heap->tracer, record, worth.count, worth.bytes, new_buffer);
    husk__blockmap_add(&heap->buffers,
                       (struct husk__blockmap_entry){ (uintptr_t)new_buffer, new_bytes, site, 0 });
}

/* ---- all sites of a heap ---- */

/* The words behind the count may be a link (object/header.h). */
static bool has_site(const husk_obj *obj)
{
    return husk__is_object(obj) &&
           (!(obj->tf & TF_QUEUED) || husk__finalizer_pending(husk__type_of(obj), obj)) && obj->site;
}

static void rename_sites(struct husk__tracer *tracer, const uint8_t map[TRACE_EPOCHS])
{
    husk_heap *heap = tracer->owner;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (has_site(obj))
                obj->site = husk__site_renamed(obj->site, map);
    husk__blockmap_rename(&heap->buffers, map);
}

static void forget_sites(husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    if (heap->tracer->bytes || heap->tracer->count)
        for (struct husk__page *page; (page = husk__next_page(&walk));)
            for (HUSK__EACH_BLOCK(page, obj))
                if (has_site(obj))
                    obj->site = 0;
    husk__blockmap_free(&heap->buffers);
}

static size_t next_gap(struct husk__store *store)
{
    return husk__sample_gap(&((husk_heap *)store)->tracer->sampler);
}

/* ---- the public calls ---- */

static husk_status no_trace(husk_heap *heap)
{
    return husk_heap_fail(heap, HUSK_ESTATE, "heap %s is not traced", heap->name);
}

husk_status husk_trace_start(husk_heap *heap, const husk_trace_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, husk__know_own_code);
    if (!heap)
        return husk__foreign_start(options);
    if (heap->tracer)
        return husk_heap_fail(heap, HUSK_ESTATE, "heap %s is traced already, %u frames", heap->name,
                              heap->tracer->most_frames);
    husk_status status = husk__tracer_new(options, &heap->tracer);
    if (status)
        return husk_heap_fail(heap, status, "%s", husk_message());
    heap->tracer->owner = heap;
    heap->tracer->rename = rename_sites;
    heap->trace_limit = heap->tracer->most_frames;
    heap->said.at_file = NULL;
    bool sampled = heap->tracer->sampler.mean;
    heap->buffer_left = sampled ? husk__sample_gap(&heap->tracer->sampler) : 0;
    husk__store_watch(&heap->store, sampled ? WATCH_SAMPLES : WATCH_ALL, next_gap);
    return HUSK_OK;
}

void husk_trace_stop(husk_heap *heap)
{
    if (!heap) {
        husk__foreign_stop();
        return;
    }
    if (!heap->tracer)
        return;
    husk__store_watch(&heap->store, WATCH_NONE, NULL);
    forget_sites(heap);
    husk__tracer_free(heap->tracer);
    heap->tracer = NULL;
}

void husk_trace_clear(husk_heap *heap)
{
    if (!heap) {
        husk__foreign_clear();
        return;
    }
    if (!heap->tracer)
        return;
    forget_sites(heap);
    husk__tracer_clear(heap->tracer);
}

/* Two atomic steps: a handler that comes between them leaves both bits, of which "off" is obeyed. */
void husk_trace_request(husk_heap *heap, bool on)
{
    (void)husk__take_waiting(&heap->store, on ? HUSK__WAITS_NO_TRACE : HUSK__WAITS_TRACE);
    husk__let_wait(&heap->store, on ? HUSK__WAITS_TRACE : HUSK__WAITS_NO_TRACE);
}

void husk__traced_wish(husk_heap *heap)
{
    if (LIKELY(!(husk__waiting(&heap->store) & (HUSK__WAITS_TRACE | HUSK__WAITS_NO_TRACE))))
        return;
    bool on = husk__take_waiting(&heap->store, HUSK__WAITS_TRACE);
    bool off = husk__take_waiting(&heap->store, HUSK__WAITS_NO_TRACE);
    if (off) {
        husk_trace_stop(heap);
    } else if (on && !heap->tracer) {
        husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = husk_trace_limit(heap) };
        husk_status status = husk_trace_start(heap, &options);
        if (status)
            husk__report(heap, status, "tracing that was asked for: %s", husk_status_text(status));
    }
}

bool husk_trace_is_on(const husk_heap *heap)
{
    return heap ? heap->tracer != NULL : husk__foreign_is_on();
}

uint32_t husk_trace_limit(const husk_heap *heap)
{
    if (!heap)
        return husk__foreign_limit();
    return heap->trace_limit ? heap->trace_limit : 1;
}

void husk_trace_figures_get(const husk_heap *heap, husk_trace_figures *out)
{
    *out = (husk_trace_figures){ 0 };
    if (!heap) {
        husk__foreign_figures(out);
    } else if (heap->tracer) {
        husk__tracer_figures(heap->tracer, out);
        out->own_bytes += heap->buffers.room * sizeof *heap->buffers.entries;
    }
}

void husk_trace_reset_peak(husk_heap *heap)
{
    if (!heap)
        husk__foreign_reset_peak();
    else if (heap->tracer)
        husk__tracer_reset_peak(heap->tracer);
}

husk_status husk_trace_mark(husk_heap *heap, const char *name)
{
    if (!heap)
        return husk__foreign_mark(name);
    if (!heap->tracer)
        return no_trace(heap);
    if (!*name)
        return husk_heap_fail(heap, HUSK_EINVAL, "a mark needs a name");
    husk_status status = husk__tracer_mark(heap->tracer, name);
    return status ? husk_heap_fail(heap, status, "mark %s: %s", name,
                                   status == HUSK_ERANGE ? "128 marks are set" : husk_status_text(status))
                  : HUSK_OK;
}

static husk_status push(husk_heap *heap, bool tag, const char *text)
{
    struct husk__tracer *tracer = heap->tracer;
    if (!tracer)
        return no_trace(heap);
    husk_status status = husk__tracer_push(tracer, tag ? tracer->tags : tracer->domains,
                                           tag ? &tracer->tag_depth : &tracer->domain_depth, text);
    if (!status)
        return HUSK_OK;
    return husk_heap_fail(heap, status, "%s %s: %s", tag ? "tag" : "domain", text,
                          status == HUSK_ERANGE ? "nested more than 64 deep" : husk_status_text(status));
}

static husk_status pop(husk_heap *heap, bool tag)
{
    struct husk__tracer *tracer = heap->tracer;
    if (!tracer)
        return no_trace(heap);
    unsigned *depth = tag ? &tracer->tag_depth : &tracer->domain_depth;
    if (!*depth)
        return husk_heap_fail(heap, HUSK_ESTATE, "no %s is pushed", tag ? "tag" : "domain");
    --*depth;
    return husk__tracer_settle_context(
        tracer); /* known already: cannot fail but on the way back to none at all */
}

husk_status husk_trace_thread(husk_heap *heap)
{
    if (!heap->tracer)
        return no_trace(heap);
    husk_status status = husk__tracer_thread(heap->tracer);
    return status ? husk_heap_fail(heap, status, "the thread of births: %s", husk_status_text(status))
                  : HUSK_OK;
}

husk_status husk_trace_push_tag(husk_heap *heap, const char *tag)
{
    return heap ? push(heap, true, tag) : husk__foreign_push(true, tag);
}

husk_status husk_trace_push_domain(husk_heap *heap, const char *domain)
{
    return heap ? push(heap, false, domain) : husk__foreign_push(false, domain);
}

husk_status husk_trace_pop_tag(husk_heap *heap)
{
    return heap ? pop(heap, true) : husk__foreign_pop(true);
}

husk_status husk_trace_pop_domain(husk_heap *heap)
{
    return heap ? pop(heap, false) : husk__foreign_pop(false);
}

void husk_trace_at(husk_heap *heap, const char *file, uint32_t line, const char *function)
{
    if (LIKELY(!heap->tracer))
        return;
    heap->said.at_file = file;
    heap->said.at_line = line;
    heap->said.at_function = function;
}

static husk_status said_failed(husk_heap *heap, husk_status status, const char *what)
{
    return husk_heap_fail(heap, status, "%s: %s", what,
                          status == HUSK_ERANGE   ? "more than 65535 frames are pushed"
                          : status == HUSK_ESTATE ? "no frame is pushed"
                                                  : husk_status_text(status));
}

husk_status husk_trace_push(husk_heap *heap, const char *file, uint32_t line, const char *function)
{
    husk_status status = husk__said_push(&heap->said, file, line, function);
    return status ? said_failed(heap, status, "push a frame") : HUSK_OK;
}

husk_status husk_trace_line(husk_heap *heap, uint32_t line)
{
    if (!heap->said.pushed_count)
        return said_failed(heap, HUSK_ESTATE, "set the line");
    struct husk__pushed *top = &heap->said.pushed[heap->said.pushed_count - 1];
    if (top->line != line) {
        top->line = line;
        top->frame = 0;
    }
    return HUSK_OK;
}

husk_status husk_trace_pop(husk_heap *heap)
{
    if (!heap->said.pushed_count)
        return said_failed(heap, HUSK_ESTATE, "pop a frame");
    husk__said_pop(&heap->said);
    return HUSK_OK;
}

husk_status husk_trace_set_source(husk_heap *heap, husk_trace_source_fn *fn, void *data,
                                  husk_free_fn *data_free, const void *const *code, size_t code_count)
{
    struct husk__said *said = &heap->said;
    husk_free_fn *old_free = said->source_free;
    void *old_data = said->source_data;
    if (code_count > TRACE_CODES) {
        if (data_free)
            data_free(data);
        return husk_heap_fail(heap, HUSK_ERANGE,
                              "a source of frames may replace the code of %d modules, not %zu", TRACE_CODES,
                              code_count);
    }
    said->source = fn;
    said->source_data = data;
    said->source_free = data_free;
    said->code_count = 0;
    for (size_t i = 0; i < code_count; i++)
        if (husk__code_module(code[i], &said->code[said->code_count]))
            said->code_count++;
    if (old_free)
        old_free(old_data);
    return HUSK_OK;
}

/* ---- one thing ---- */

static bool show(uint32_t stack, size_t index, husk_place_frame *out)
{
    husk__sites_lock();
    for (; stack && index; index--)
        stack = husk__site_stack_at(stack)->parent;
    if (stack) {
        const struct husk__site_frame *frame = husk__site_frame_at(husk__site_stack_at(stack)->frame);
        *out = (husk_place_frame){ frame->file, frame->function, frame->line, frame->address };
    }
    husk__sites_unlock();
    return stack;
}

bool husk_trace_of(const husk_obj *obj, size_t index, husk_place_frame *out)
{
    const husk_heap *heap = husk__heap_of(obj);
    if (!heap->tracer || !obj->site)
        return false;
    return show(heap->tracer->records[obj->site & SITE_RECORD_BITS].stack, index, out);
}

bool husk_trace_of_block(uint32_t domain, uint64_t address, size_t index, husk_place_frame *out)
{
    uint32_t stack = husk__foreign_stack(domain, address);
    return stack && show(stack, index, out);
}

void husk__traced_close(husk_heap *heap)
{
    if (heap->tracer) {
        husk__blockmap_free(&heap->buffers);
        husk__tracer_free(heap->tracer);
        heap->tracer = NULL;
    }
    husk__said_free(&heap->said);
}
