/* object/traced.h: where a heap and its tracer meet: a birth gets its site, a death gives it back.
 *
 *   birth: store.watch lets the blocks to be looked at through the slow path --> husk__traced_birth --> obj.site
 *   death: at the moment at which the cell is given up (the header's words are needed for links) --> husk__site_end
 *
 * obj.site is 0 for every object when the tracer is off. Buffers have no header: heap.buffers knows their sites. */
#ifndef HUSK_OBJECT_TRACED_H
#define HUSK_OBJECT_TRACED_H

#include "object/state.h"

/* A birth whose block was picked (store.picked). */
void husk__traced_birth(husk_heap *heap, husk_obj *obj, struct husk__from from);

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

/* The end of the heap. */
void husk__traced_close(husk_heap *heap);

#endif
