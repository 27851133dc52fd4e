/* object/visit.h: the one slot visitor. Counting, marking, reclaiming, walking and verifying all go
 * through it, so that they cannot disagree on what an object refers to.
 *
 * It is always inlined, with the function given as a constant: each use compiles to its own tight loop. */
#ifndef HUSK_OBJECT_VISIT_H
#define HUSK_OBJECT_VISIT_H

#include "object/type.h"

#include <husk/value.h>

/* child is not NULL. slot: index into type->slots, or slot_count for `each`; index: item or element. */
typedef void husk__child_fn(husk_obj *child, size_t slot, size_t index, void *context);

struct husk__each_call {
    husk__child_fn *fn;
    void *context;
    size_t slot, index;
};

static inline void husk__each_slot(husk_obj **slot, void *data)
{
    struct husk__each_call *call = data;
    if (*slot)
        call->fn(*slot, call->slot, call->index, call->context);
    call->index++;
}

ALWAYS_INLINE void husk__visit_slot(const char *at, bool is_value, size_t slot, size_t index,
                                    husk__child_fn *fn, void *context)
{
    husk_obj *child;
    if (is_value) {
        const husk_value *value = (const husk_value *)(const void *)at;
        child = value->tag == HUSK_OBJ ? value->as.o : NULL;
    } else {
        child = *(husk_obj *const *)(const void *)at;
    }
    if (child)
        fn(child, slot, index, context);
}

ALWAYS_INLINE void husk__visit_varying(const husk_type *type, husk_obj *obj, husk__child_fn *fn,
                                       void *context)
{
    const char *base = (const char *)obj;
    const husk_slot *slots = type->slots;
    size_t at = type->field_count, items_end = at + type->item_slots, end = items_end + type->buffer_slots;
    if (type->item_slots) {
        size_t count = *(const size_t *)(const void *)(base + type->item_count_at);
        const char *item = base + type->items_at;
        for (size_t i = 0; i < count; i++, item += type->item_size)
            for (size_t s = at; s < items_end; s++)
                husk__visit_slot(item + slots[s].offset, slots[s].kind == HUSK_SLOT_VALUE, s, i, fn, context);
    }
    for (size_t s = items_end; s < end;) { /* slots of one buffer stand together: element by element */
        size_t next = s + 1;
        while (next < end && slots[next].buffer == slots[s].buffer)
            next++;
        const char *element = *(char *const *)(const void *)(base + HUSK__HEADER + slots[s].buffer);
        size_t count = element ? *(const size_t *)(const void *)(base + HUSK__HEADER + slots[s].count) : 0;
        for (size_t i = 0; i < count; i++, element += slots[s].stride)
            for (size_t k = s; k < next; k++)
                husk__visit_slot(element + slots[k].offset, slots[k].kind == HUSK_SLOT_VALUE, k, i, fn,
                                 context);
        s = next;
    }
    if (type->each) {
        struct husk__each_call call = { fn, context, type->slot_count, 0 };
        type->each(obj, husk__each_slot, &call);
    }
}

/* fn(child) for each reference in a field of obj, in the order of its slots: all there are without TYPE_VARYING. */
ALWAYS_INLINE void husk__visit_fields(const husk_type *type, husk_obj *obj, husk__child_fn *fn, void *context)
{
    const char *base = (const char *)obj;
    const uint32_t *fields = type->fields;
    for (uint32_t i = 0, n = type->field_count; i < n; i++)
        husk__visit_slot(base + (fields[i] & ~1u), fields[i] & 1u, i, 0, fn, context);
}

/* fn(child) for each reference of obj, in the order of its slots. */
ALWAYS_INLINE void husk__visit(const husk_type *type, husk_obj *obj, husk__child_fn *fn, void *context)
{
    husk__visit_fields(type, obj, fn, context);
    if (UNLIKELY(type->flags & TYPE_VARYING))
        husk__visit_varying(type, obj, fn, context);
}

#endif
