/* kinds/value.c: comparing values, and storing them with a reference of their own. */
#include "kinds/kind.h"

#include <string.h>

bool husk_value_equal(husk_value a, husk_value b)
{
    if (a.tag != b.tag)
        return false;
    switch (a.tag) {
    case HUSK_NIL:
        return true;
    case HUSK_BOOL:
        return a.as.b == b.as.b;
    case HUSK_INT:
        return a.as.i == b.as.i;
    case HUSK_FLOAT:
        return a.as.f == b.as.f;
    case HUSK_OBJ: {
        if (a.as.o == b.as.o)
            return true;
        if (!husk__kind_is(&husk__text_type, a.as.o) || !husk__kind_is(&husk__text_type, b.as.o))
            return false;
        size_t length = husk_text_length(a.as.o);
        return length == husk_text_length(b.as.o) &&
               memcmp(husk_text_bytes(a.as.o), husk_text_bytes(b.as.o), length) == 0;
    }
    default:
        return false;
    }
}

husk_status husk_value_set(husk_obj *self, husk_value *slot, husk_value v)
{
    husk_heap *heap = husk_obj_heap(self);
    husk_status status = husk__value_check(heap, v);
    if (status != HUSK_OK)
        return status;
    husk__item_retain(v, self, slot); /* before the release below: v may be what the slot holds */
    husk_value old = *slot;
    *slot = v;
    husk__item_release(old, self, slot);
    return HUSK_OK;
}
