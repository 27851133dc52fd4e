/* kinds/text.c: bytes that never change. They lie in the object itself, as its items, with a NUL behind. */
#include "kinds/kind.h"

#include <string.h>

/* size == length + 1. hash is 0 until a map asks for it: most texts are never keys, and a text that is one is
 * usually looked up more than once. */
typedef struct text {
    size_t size;
    uint64_t hash;
} text;

static const husk_type_spec text_spec = {
    HUSK_TYPE_SPEC,
    .name = "text",
    .size = sizeof(text),
    .item_size = 1,
    .item_count_at = offsetof(text, size),
};

husk__kind_type husk__text_type = { NULL, "a text", &text_spec, NULL };

husk_obj *husk_text_new(husk_heap *heap, const char *bytes, size_t length)
{
    if (!bytes && length) {
        husk_heap_fail(heap, HUSK_EINVAL, "a text of %zu bytes, which are NULL", length);
        return NULL;
    }
    if (length == SIZE_MAX) {
        husk_heap_fail(heap, HUSK_ERANGE, "a text of %zu bytes has no room for its NUL", length);
        return NULL;
    }
    const husk_type *type = husk__kind_handle(&husk__text_type, heap);
    husk_obj *obj = type ? husk_obj_new_items(heap, type, length + 1) : NULL;
    if (obj && length)
        memcpy(husk_obj_items(obj), bytes, length); /* born zeroed: the NUL is there */
    return obj;
}

const char *husk_text_bytes(const husk_obj *obj)
{
    if (!husk__kind_is(&husk__text_type, obj))
        return NULL;
    return husk_obj_items(husk_obj_of(husk_obj_data(obj))); /* the way round takes the const off */
}

size_t husk_text_length(const husk_obj *obj)
{
    return husk__kind_is(&husk__text_type, obj) ? ((text *)husk_obj_data(obj))->size - 1 : 0;
}

uint64_t husk__text_hash(const husk_obj *obj)
{
    text *t = husk_obj_data(obj);
    if (!t->hash)
        t->hash = husk__hash_bytes(husk_text_bytes(obj), t->size - 1);
    return t->hash;
}
