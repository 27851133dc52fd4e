/* bindings/go/host_trace.c: frames of Go for the tracer: what tracer.go has found out, kept where the source of the heap's
 * tracer can read it, without a way back to Go. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

/* Strings behind each other in one block: file, then function. */
uint32_t husk_go_frame_new(husk_go_host *host, const char *file, size_t file_length, const char *function,
                           size_t function_length, uint32_t line)
{
    if (host->frame_count == host->frame_room) {
        size_t room = host->frame_room ? host->frame_room * 2 : 64;
        husk_go_frame *larger = realloc(host->frames, room * sizeof *larger);
        if (!larger)
            return HUSK_GO_NO_FRAME;
        host->frames = larger;
        host->frame_room = room;
    }
    char *texts = malloc(file_length + function_length + 1);
    if (!texts || host->frame_count == HUSK_GO_NO_FRAME) {
        free(texts);
        return HUSK_GO_NO_FRAME;
    }
    if (file_length)
        memcpy(texts, file, file_length);
    if (function_length)
        memcpy(texts + file_length, function, function_length);
    texts[file_length + function_length] = 0;
    host->frames[host->frame_count] = (husk_go_frame){ texts, file_length, line, 0 };
    return (uint32_t)host->frame_count++;
}

husk_go_stack *husk_go_stack_new(const uint32_t *frames, size_t count, size_t total)
{
    husk_go_stack *stack = malloc(sizeof *stack + count * sizeof *frames);
    if (stack) {
        stack->count = count;
        stack->total = total;
        if (count)
            memcpy(stack->frames, frames, count * sizeof *frames);
    }
    return stack;
}

static void forget_numbers(husk_go_host *host, uint64_t round)
{
    for (size_t i = 0; i < host->frame_count; i++)
        host->frames[i].number = 0;
    host->round = round;
}

static size_t tell_stack(husk_trace_sink *sink, void *data)
{
    husk_go_host *host = data;
    uint64_t round = husk_trace_frame_round(sink);
    uint64_t serial = husk_trace_serial(sink);
    if (host->serial && host->serial != serial) /* stopped and started by others: nothing is pushed */
        host->tagged = host->domained = false;
    host->serial = serial;
    if (!host->stack)
        huskGoStack(host->id);
    if (host->round != round)
        forget_numbers(host, round);
    const husk_go_stack *stack = host->stack;
    size_t i = 0;
    bool more = true;
    for (; stack && i < stack->count && more; i++) {
        husk_go_frame *frame = &host->frames[stack->frames[i]];
        if (!frame->number)
            frame->number = husk_trace_frame(sink, frame->texts, frame->file_length, frame->line,
                                             frame->texts + frame->file_length);
        more = husk_trace_add_frame(sink, frame->number);
    }
    return stack && stack->total > i ? stack->total - i : 0;
}

/* Whatever module the program's cgo code is in, its native frames tell nothing that Go's do not. */
husk_status husk_go_trace_source(husk_go_host *host)
{
    const void *code[] = { (const void *)(uintptr_t)husk_go_trace_source };
    return husk_trace_set_source(host->heap, tell_stack, host, NULL, code, 1);
}

void husk_go_trace_forget(husk_go_host *host)
{
    for (size_t i = 0; i < host->frame_count; i++)
        free(host->frames[i].texts);
    free(host->frames);
    host->frames = NULL;
    host->frame_count = host->frame_room = 0;
    host->stack = NULL;
    host->tagged = host->domained = false;
    host->serial = 0;
}

husk_status husk_go_trace_label(husk_go_host *host, const char *tag, const char *domain)
{
    husk_status status = HUSK_OK;
    if (host->tagged)
        status = husk_trace_pop_tag(host->heap);
    if (status == HUSK_OK && host->domained)
        status = husk_trace_pop_domain(host->heap);
    host->tagged = host->domained = false;
    if (status == HUSK_OK && tag)
        host->tagged = (status = husk_trace_push_tag(host->heap, tag)) == HUSK_OK;
    if (status == HUSK_OK && domain)
        host->domained = (status = husk_trace_push_domain(host->heap, domain)) == HUSK_OK;
    return status;
}
