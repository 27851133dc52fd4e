/* bindings/generic/pacing.c: see pacing.h. Numbers are signed, as some languages have no others: one below zero is far
 * above every limit when it is not, and refused there. */
#include "pacing.h"

#include <string.h>

husk_status husk_generic_set_pacing(husk_heap *heap, size_t least_objects, size_t least_bytes, double factor)
{
    husk_pacing pacing;
    husk_heap_get_pacing(heap, &pacing);
    pacing.least_objects = least_objects;
    pacing.least_bytes = least_bytes;
    pacing.factor = factor;
    return husk_heap_set_pacing(heap, &pacing);
}

husk_status husk_generic_no_gc_begin(husk_heap *heap, int64_t objects, int64_t bytes, bool reserve)
{
    return husk_heap_no_gc_begin(heap, (size_t)objects, (size_t)bytes, reserve, "a script");
}

const char *husk_generic_no_gc_end(husk_heap *heap)
{
    husk_region region;
    if (husk_heap_no_gc_end(heap, &region) != HUSK_OK)
        return NULL;
    husk_generic_extra_of(heap)->region = region;
    return husk_region_why_name(region.why);
}

bool husk_generic_no_gc(husk_heap *heap)
{
    husk_region region;
    return husk_heap_no_gc(heap, &region);
}

bool husk_generic_idle(husk_heap *heap, int64_t budget_ns)
{
    husk_idle idle;
    if (husk_heap_idle(heap, (uint64_t)budget_ns, &idle) != HUSK_OK)
        return false;
    husk_generic_extra_of(heap)->idle = idle;
    return idle.more;
}

husk_status husk_generic_set_stress(husk_heap *heap, int64_t every, int64_t seed)
{
    return husk_heap_set_stress(heap, &(husk_stress){ .every = (uint64_t)every, .seed = (uint64_t)seed });
}
