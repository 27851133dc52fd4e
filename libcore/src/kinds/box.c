/* kinds/box.c: one value of the host program, freed with the object that holds it.
 *
 * A leaf: no pass looks inside, as a host value cannot refer to objects of the heap. One that must is a type
 * of the program's own. */
#include "kinds/kind.h"

typedef struct box {
    void *value;
    husk_free_fn *value_free;
} box;

static void box_dispose(husk_obj *self)
{
    box *b = husk_obj_data(self);
    if (b->value_free)
        b->value_free(b->value);
}

static const husk_type_spec box_spec = {
    HUSK_TYPE_SPEC,
    .name = "box",
    .size = sizeof(box),
    .dispose = box_dispose,
    .flags = HUSK_TYPE_DISPOSE_ANYWHERE,
};

husk__kind_type husk__box_type = { NULL, "a box", &box_spec };

husk_obj *husk_box_new(husk_heap *heap, void *value, husk_free_fn *value_free)
{
    const husk_type *type = husk__kind_handle(&husk__box_type, heap);
    husk_obj *obj = type ? husk_obj_new(heap, type) : NULL;
    if (obj) {
        box *b = husk_obj_data(obj);
        b->value = value;
        b->value_free = value_free;
    } else if (value_free) {
        value_free(value);
    }
    return obj;
}

void *husk_box_value(const husk_obj *obj)
{
    return husk__kind_is(&husk__box_type, obj) ? ((box *)husk_obj_data(obj))->value : NULL;
}

void *husk_box_swap(husk_obj *obj, void *value)
{
    if (!husk__kind_is(&husk__box_type, obj))
        return NULL;
    box *b = husk_obj_data(obj);
    void *old = b->value;
    b->value = value;
    return old;
}
