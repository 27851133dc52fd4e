/* cycle/holders.c: who has automatic passes stopped. */
#include "cycle/pace.h"
#include "object/hook.h"

husk_status husk_heap_disable(husk_heap *heap, const char *holder)
{
    struct husk__pace *pace = &heap->pace;
    if (pace->disabled == MOST_HOLDERS)
        return husk_heap_fail(heap, HUSK_ERANGE, "disable: nested more than %d deep, the latest by %s",
                              MOST_HOLDERS, pace->holders[MOST_HOLDERS - 1]);
    pace->holders[pace->disabled++] = holder ? holder : "?";
    husk__pace_set(heap);
    return HUSK_OK;
}

husk_status husk_heap_enable(husk_heap *heap)
{
    if (heap->pace.disabled == 0)
        return husk_heap_fail(heap, HUSK_ESTATE, "enable: the collector of heap %s is not disabled",
                              heap->name);
    heap->pace.disabled--;
    husk__pace_set(heap);
    return HUSK_OK;
}

bool husk_heap_is_enabled(const husk_heap *heap)
{
    return heap->pace.disabled == 0;
}

const char *husk_heap_disabled_by(const husk_heap *heap, size_t index)
{
    return index < heap->pace.disabled ? heap->pace.holders[index] : NULL;
}
