/* kinds/key.c: making a probe of a key. See key.h. */
#include "kinds/key.h"

static uint32_t narrow(uint64_t hash)
{
    return (uint32_t)hash ? (uint32_t)hash : 1;
}

husk_status husk__probe_text(husk_heap *heap, husk__probe *p, const char *bytes, size_t length)
{
    if (!bytes && length)
        return husk_heap_fail(heap, HUSK_EINVAL, "a text key of %zu bytes, which are NULL", length);
    p->key.tag = HUSK_OBJ;
    p->key.as.o = NULL;
    p->bytes = bytes ? bytes : "";
    p->length = length;
    p->hash = narrow(husk__hash_bytes(p->bytes, length));
    return HUSK_OK;
}

husk_status husk__probe_value(husk_heap *heap, husk__probe *p, husk_value key)
{
    husk_status status = husk__value_check(heap, key);
    if (status != HUSK_OK)
        return status;
    p->bytes = NULL;
    p->length = 0;
    switch (key.tag) {
    case HUSK_NIL:
        return husk_heap_fail(heap, HUSK_EINVAL, "nil is no key of a map");
    case HUSK_FLOAT:
        if (key.as.f != key.as.f)
            return husk_heap_fail(heap, HUSK_EINVAL, "NaN is no key of a map: it equals nothing");
        if (key.as.f >= -0x1p63 && key.as.f < 0x1p63 && (double)(int64_t)key.as.f == key.as.f)
            key = husk_int((int64_t)key.as.f);
        break;
    case HUSK_OBJ:
        if (husk__kind_is(&husk__text_type, key.as.o)) {
            p->key = key;
            p->bytes = husk_text_bytes(key.as.o);
            p->length = husk_text_length(key.as.o);
            p->hash = narrow(husk__text_hash(key.as.o));
            return HUSK_OK;
        }
        break;
    default:
        break;
    }
    p->key = key;
    p->hash = husk__key_hash(key);
    return HUSK_OK;
}

husk_status husk__key_missing(husk_heap *heap, const husk__probe *p, const char *container)
{
    char words[HUSK__WORDS];
    return husk_heap_fail(heap, HUSK_EMISSING, "no key %s in %s",
                          p->bytes ? husk__text_words(words, p->bytes, p->length)
                                   : husk__value_words(words, p->key),
                          container);
}
