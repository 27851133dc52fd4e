/* object/hook.c: entering and leaving the program's code; failures and reports. See hook.h. */
#include "object/hook.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void husk__hook_enter(husk_heap *heap, struct husk__hook *saved)
{
    CHECK(!heap->quiet);
    saved->busy = heap->busy;
    saved->failure = heap->failure;
    if (heap->failure)
        memcpy(saved->message, heap->message, sizeof saved->message);
    heap->busy |= BUSY_HOOK;
}

void husk__hook_leave(husk_heap *heap, const struct husk__hook *saved)
{
    heap->busy = saved->busy;
    heap->failure = saved->failure;
    if (saved->failure)
        memcpy(heap->message, saved->message, sizeof heap->message);
    else
        heap->message[0] = 0;
}

husk_status husk_heap_failure(const husk_heap *heap)
{
    return heap->failure;
}

const char *husk_heap_message(const husk_heap *heap)
{
    return heap->message;
}

void husk_heap_clear_failure(husk_heap *heap)
{
    heap->failure = HUSK_OK;
    heap->message[0] = 0;
}

husk_status husk_heap_fail(husk_heap *heap, husk_status status, const char *format, ...)
{
    char text[sizeof heap->message]; /* the old message may be an argument */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(heap->message, text, sizeof text);
    return heap->failure = status;
}

void husk_heap_on_error(husk_heap *heap, husk_error_fn *fn, void *data, husk_free_fn *data_free)
{
    void *old_data = heap->error_data;
    husk_free_fn *old_free = heap->error_free;
    heap->on_error = fn;
    heap->error_data = data;
    heap->error_free = data_free;
    if (old_free)
        old_free(old_data);
}

void husk_heap_report(husk_heap *heap, husk_status status, const char *text)
{
    if (heap->on_error)
        heap->on_error(heap, status, text, heap->error_data);
    else
        fprintf(stderr, "husk: heap %s: %s: %s\n", heap->name, husk_status_name(status), text);
}

void husk__report(husk_heap *heap, husk_status status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    husk_heap_report(heap, status, text);
}
