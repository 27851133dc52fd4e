/* object/slot.c: storing references. Old references are let go last, when the new state is complete: a
 * release may run finalizers that look. */
#include "object/hook.h"
#include "object/state.h"

#include <husk/value.h>

/* A value of another heap would let two threads work on one object's count. */
static bool same_heap(const husk_obj *self, const husk_obj *value)
{
    if (LIKELY(!value) || LIKELY(husk__chunk_of(self)->owner == husk__chunk_of(value)->owner))
        return true;
    (void)husk_heap_fail(husk__heap_of(self), HUSK_EHEAP,
                         "object of type %s belongs to heap %s, not to heap %s", husk__type_of(value)->name,
                         husk__heap_of(value)->name, husk__heap_of(self)->name);
    return false;
}

husk_status husk_obj_set(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    if (UNLIKELY(!same_heap(self, value)))
        return HUSK_EHEAP;
    husk_obj *old = *slot;
    if (value)
        husk_obj_retain(value);
    *slot = value;
    if (old)
        husk_obj_release(old);
    return HUSK_OK;
}

husk_status husk_obj_take(husk_obj *self, husk_obj **slot, husk_obj *value)
{
    if (UNLIKELY(!same_heap(self, value))) {
        husk_obj_release(value);
        return HUSK_EHEAP;
    }
    husk_obj *old = *slot;
    *slot = value;
    if (old)
        husk_obj_release(old);
    return HUSK_OK;
}

husk_status husk_obj_swap(husk_obj *self, husk_obj **slot, husk_obj **value)
{
    if (UNLIKELY(!same_heap(self, *value)))
        return HUSK_EHEAP;
    husk_obj *old = *slot;
    *slot = *value;
    *value = old;
    return HUSK_OK;
}
