/* object/traced.h: where a heap and its tracer meet: a birth gets its site, a death gives it back.
 *
 *   birth: store.watch lets the blocks to be looked at through the slow path --> husk__traced_birth --> obj.site
 *   death: at the moment at which the cell is given up (the header's words are needed for links) --> husk__site_end
 *
 * obj.site is 0 for every object when the tracer is off. Buffers have no header: heap.buffers knows their sites. */
#ifndef HUSK_OBJECT_TRACED_H
#define HUSK_OBJECT_TRACED_H

#include "object/state.h"

/* A birth whose block, of so many bytes, was picked (store.picked). */
ALWAYS_INLINE void husk__traced_birth(husk_heap *heap, husk_obj *obj, size_t bytes, struct husk__from from)
{
    struct husk__tracer *tracer = heap->tracer;
    uint32_t record = husk__capture(tracer, &heap->said, from);
    struct husk__worth worth = husk__worth_of(tracer, bytes);
    obj->site = husk__record_birth(tracer, record, worth.count, worth.bytes, obj);
}

ALWAYS_INLINE void husk__traced_end_of(husk_heap *heap, husk_obj *obj, size_t bytes)
{
    struct husk__tracer *tracer = heap->tracer;
    struct husk__worth worth = husk__worth_of(tracer, bytes);
    husk__record_death(tracer, obj->site, worth.count, worth.bytes, obj);
    obj->site = 0;
}

/* obj.site becomes 0 and is counted off. */
void husk__traced_end(husk_heap *heap, husk_obj *obj);

ALWAYS_INLINE void husk__site_end(husk_heap *heap, husk_obj *obj)
{
    if (UNLIKELY(obj->site != 0))
        husk__traced_end(heap, obj);
}

/* obj has neither a cell nor a site. */
ALWAYS_INLINE bool husk__is_bare(const husk_obj *obj)
{
    typedef uint64_t __attribute__((may_alias)) word;
    return *(const word *)(const void *)&obj->cell == 0;
}

/* A buffer has been had, moved, or given back (new_buffer or old NULL). */
void husk__traced_buffer(husk_heap *heap, const void *old, const void *new_buffer, size_t new_bytes,
                         struct husk__from from);

/* At a safe point: starts or stops if that was asked for (husk_trace_request). */
void husk__traced_wish(husk_heap *heap);

/* Tells trace/capture.h where the library's code is. */
void husk__know_own_code(void);

/* The end of the heap. */
void husk__traced_close(husk_heap *heap);

#endif
