/* kinds/box.c: one value of the host program, freed with the object that holds it.
 *
 * No pass sees into the value. But passes look at boxes, since a bridge (cycle/bridge.c) must know which of them
 * are held from outside. */
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

/* There is nothing to show; that there is a function puts boxes among what passes look at. */
static void box_each(husk_obj *self, husk_visit_fn *visit, void *data)
{
    (void)self;
    (void)visit;
    (void)data;
}

static const husk_type_spec box_spec = {
    HUSK_TYPE_SPEC,   .name = "box",          .size = sizeof(box),
    .each = box_each, .dispose = box_dispose, .flags = HUSK_TYPE_DISPOSE_ANYWHERE,
};

husk__kind_type husk__box_type = { NULL, "a box", &box_spec, NULL };

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

husk_free_fn *husk_box_value_free(const husk_obj *obj)
{
    return husk__kind_is(&husk__box_type, obj) ? ((box *)husk_obj_data(obj))->value_free : NULL;
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
