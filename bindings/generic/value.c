/* bindings/generic/value.c: see value.h. */
#include "value.h"

#include <string.h>

bool husk_generic_store(const husk_generic_value *from, const husk_obj *holder, husk_value *out,
                        const char *function, int at, husk_generic_trouble *trouble)
{
    husk_heap *heap = husk_obj_heap(holder);
    husk_obj *obj;
    switch (from->kind) {
    case HUSK_GENERIC_BOOL:
        *out = husk_bool(from->integer != 0);
        return true;
    case HUSK_GENERIC_INTEGER:
        *out = husk_int(from->integer);
        return true;
    case HUSK_GENERIC_NUMBER:
        *out = husk_float(from->number);
        return true;
    case HUSK_GENERIC_TEXT:
        obj = husk_text_new(heap, from->bytes ? from->bytes : "", from->length);
        if (!obj || !husk_generic_keep(heap, obj))
            return husk_generic_refuse(trouble, HUSK_ENOMEM, function, at,
                                       "is a text for which there is no "
                                       "room: %s",
                                       husk_heap_message(heap));
        *out = husk_ref(obj);
        return true;
    case HUSK_GENERIC_OBJ:
    case HUSK_GENERIC_WEAK: {
        void *pointer = from->token;
        if (!husk_generic_obj(&pointer, function, at, trouble))
            return false;
        obj = pointer;
        if (husk_obj_heap(obj) != heap)
            return husk_generic_refuse(
                trouble, HUSK_EHEAP, function, at, "is a %s of heap '%s', not of heap '%s'",
                husk_type_name(husk_obj_type(obj)), husk_heap_name(husk_obj_heap(obj)), husk_heap_name(heap));
        *out = husk_ref(obj);
        return true;
    }
    case HUSK_GENERIC_ALIEN:
        return husk_generic_refuse(trouble, HUSK_ETYPE, function, at,
                                   "is a %s, which cannot be stored in a heap", from->bytes);
    case HUSK_GENERIC_NIL:
        break;
    }
    *out = husk_nil();
    return true;
}

husk_generic_value husk_generic_show(husk_value v)
{
    husk_generic_value shown;
    memset(&shown, 0, sizeof shown);
    switch (v.tag) {
    case HUSK_BOOL:
        shown.kind = HUSK_GENERIC_BOOL;
        shown.integer = v.as.b != 0;
        break;
    case HUSK_INT:
        shown.kind = HUSK_GENERIC_INTEGER;
        shown.integer = v.as.i;
        break;
    case HUSK_FLOAT:
        shown.kind = HUSK_GENERIC_NUMBER;
        shown.number = v.as.f;
        break;
    case HUSK_OBJ:
        shown.bytes = husk_text_bytes(v.as.o);
        if (shown.bytes) {
            shown.kind = HUSK_GENERIC_TEXT;
            shown.length = husk_text_length(v.as.o);
        } else if ((shown.token = husk_generic_lend(v.as.o))) {
            shown.kind = husk_weak_of(v.as.o) ? HUSK_GENERIC_WEAK : HUSK_GENERIC_OBJ;
        }
        break;
    default:
        break;
    }
    return shown;
}

husk_value husk_generic_text(husk_heap *heap, const char *bytes, size_t length)
{
    husk_obj *text = husk_text_new(heap, bytes, length);
    if (!text)
        return husk_nil();
    if (husk_generic_keep(heap, text))
        return husk_ref(text);
    (void)husk_heap_fail(heap, HUSK_ENOMEM, "no room to keep a text");
    return husk_nil();
}

husk_status husk_generic_noted(husk_heap *heap, husk_status status)
{
    if (status == HUSK_OK)
        return status;
    return husk_heap_fail(heap, status, "%s", *husk_message() ? husk_message() : husk_status_text(status));
}
