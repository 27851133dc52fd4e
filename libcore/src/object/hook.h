/* object/hook.h: calling the program's code, and the errors that come from there.
 *
 * While a hook runs, releases only queue and passes are refused. A failure that the program has not yet
 * looked at survives the hook. */
#ifndef HUSK_OBJECT_HOOK_H
#define HUSK_OBJECT_HOOK_H

#include "object/state.h"

struct husk__hook {
    uint32_t busy;
    husk_status failure;
    char message[sizeof((husk_heap *)0)->message];
};

void husk__hook_enter(husk_heap *heap, struct husk__hook *saved);
void husk__hook_leave(husk_heap *heap, const struct husk__hook *saved);

/* The same while heap->failure is HUSK_OK: there is nothing to be saved. */
ALWAYS_INLINE uint32_t husk__hook_begin(husk_heap *heap)
{
    uint32_t busy = heap->busy;
    CHECK(!heap->quiet && !heap->failure);
    heap->busy = busy | BUSY_HOOK;
    return busy;
}

ALWAYS_INLINE void husk__hook_end(husk_heap *heap, uint32_t busy)
{
    heap->busy = busy;
    heap->failure = HUSK_OK;
    heap->message[0] = 0;
}

/* A text for the error hook. */
void husk__report(husk_heap *heap, husk_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
