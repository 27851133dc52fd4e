/* kinds/list.c: values by index, in one buffer that grows by half.
 *
 * A list that has shrunk keeps its buffer, so that removing cannot fail; an empty one gives a big buffer
 * back. */
#include "kinds/kind.h"

#include <string.h>

typedef struct element {
    husk_value item;
} element;

/*   items --> [ element | element | ... | unused ]      count <= capacity; items == NULL if capacity == 0
 *             '------- count --------'               passes look at the first count elements and no further
 * */
typedef struct list {
    element *items;
    size_t count;
    size_t capacity;
} list;

enum {
    LEAST = 4,      /* capacity of the first buffer: 64 bytes */
    KEPT_EMPTY = 64 /* an empty list keeps a buffer of up to 1 KiB */
};
static const size_t most = PTRDIFF_MAX / sizeof(element);

static const husk_slot list_slots[] = { HUSK_BUFFER_VALUE(list, items, count, element, item) };

static void list_dispose(husk_obj *self)
{
    list *l = husk_obj_data(self);
    husk_buffer_free(husk_obj_heap(self), l->items, l->capacity * sizeof(element));
}

static const husk_type_spec list_spec = {
    HUSK_TYPE_SPEC,
    .name = "list",
    .size = sizeof(list),
    .slots = list_slots,
    .slot_count = sizeof list_slots / sizeof list_slots[0],
    .dispose = list_dispose,
    .flags = HUSK_TYPE_DISPOSE_ANYWHERE,
};

husk__kind_type husk__list_type = { NULL, "a list", &list_spec, NULL };

husk_obj *husk_list_new(husk_heap *heap)
{
    const husk_type *type = husk__kind_handle(&husk__list_type, heap);
    return type ? husk_obj_new(heap, type) : NULL;
}

size_t husk_list_count(const husk_obj *obj)
{
    return husk__kind_is(&husk__list_type, obj) ? ((list *)husk_obj_data(obj))->count : 0;
}

static husk_status index_fail(husk_heap *heap, size_t index, size_t count)
{
    return husk_heap_fail(heap, HUSK_ERANGE, "list index %zu is not below the count %zu", index, count);
}

/* Room for one element more. */
static husk_status reserve(husk_heap *heap, list *l)
{
    if (l->count < l->capacity)
        return HUSK_OK;
    if (l->capacity >= most)
        return husk_heap_fail(heap, HUSK_ERANGE, "a list holds at most %zu values", most);
    size_t capacity = l->capacity < LEAST ? LEAST : l->capacity + l->capacity / 2; /* no overflow: see most */
    if (capacity > most)
        capacity = most;
    element *items =
        husk_buffer_resize(heap, l->items, l->capacity * sizeof(element), capacity * sizeof(element));
    if (!items)
        return husk_heap_failure(heap);
    l->items = items;
    l->capacity = capacity;
    return HUSK_OK;
}

husk_status husk_list_peek(const husk_obj *obj, size_t index, husk_value *out)
{
    husk_status status = husk__kind_check(&husk__list_type, obj);
    if (status != HUSK_OK)
        return status;
    const list *l = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    if (index >= l->count)
        return index_fail(heap, index, l->count);
    *out = l->items[index].item;
    return HUSK_OK;
}

husk_status husk_list_set(husk_obj *obj, size_t index, husk_value v)
{
    husk_status status = husk__kind_check(&husk__list_type, obj);
    if (status != HUSK_OK)
        return status;
    list *l = husk_obj_data(obj);
    if (index >= l->count)
        return index_fail(husk_obj_heap(obj), index, l->count);
    return husk_value_set(obj, &l->items[index].item, v);
}

/* v before the element at index, which is at most the count. */
static husk_status put(husk_obj *obj, size_t index, husk_value v)
{
    list *l = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    husk_status status = husk__value_check(heap, v);
    if (status == HUSK_OK)
        status = reserve(heap, l);
    if (status != HUSK_OK)
        return status;
    husk__item_retain(v, obj, NULL);
    memmove(&l->items[index + 1], &l->items[index], (l->count - index) * sizeof(element));
    l->items[index].item = v;
    l->count++;
    return HUSK_OK;
}

husk_status husk_list_append(husk_obj *obj, husk_value v)
{
    husk_status status = husk__kind_check(&husk__list_type, obj);
    if (status != HUSK_OK)
        return status;
    return put(obj, ((const list *)husk_obj_data(obj))->count, v);
}

husk_status husk_list_insert(husk_obj *obj, size_t index, husk_value v)
{
    husk_status status = husk__kind_check(&husk__list_type, obj);
    if (status != HUSK_OK)
        return status;
    list *l = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    if (index > l->count)
        return husk_heap_fail(heap, HUSK_ERANGE, "list index %zu is above the count %zu", index, l->count);
    return put(obj, index, v);
}

husk_status husk_list_remove(husk_obj *obj, size_t index, husk_value *out)
{
    husk_status status = husk__kind_check(&husk__list_type, obj);
    if (status != HUSK_OK)
        return status;
    list *l = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    if (index >= l->count)
        return index_fail(heap, index, l->count);
    husk_value old = l->items[index].item;
    l->count--;
    memmove(&l->items[index], &l->items[index + 1], (l->count - index) * sizeof(element));
    if (l->count == 0 && l->capacity > KEPT_EMPTY) {
        husk_buffer_free(heap, l->items, l->capacity * sizeof(element));
        l->items = NULL;
        l->capacity = 0;
    }
    if (out) {
        husk__item_give(old, obj);
        *out = old;
    } else {
        husk__item_release(old, obj, NULL);
    }
    return HUSK_OK;
}

husk_status husk_list_clear(husk_obj *obj)
{
    husk_status status = husk__kind_check(&husk__list_type, obj);
    if (status != HUSK_OK)
        return status;
    list *l = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    list old = *l;
    l->items = NULL;
    l->count = 0;
    l->capacity = 0;
    for (size_t i = 0; i < old.count;
         i++) /* code that runs here may fill the list again: it is whole and empty */
        husk__item_release(old.items[i].item, obj, NULL);
    husk_buffer_free(heap, old.items, old.capacity * sizeof(element));
    return HUSK_OK;
}
