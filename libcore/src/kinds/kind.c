/* kinds/kind.c: which kind an object is, the built-in types' registration, checks and words for messages. */
#include "kinds/kind.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <husk/weak.h>

/* Registered under one lock, taken once per kind and process unless memory is short: two threads must not end
 * up with two types for one kind, as objects of the loser's would be of no kind. */
static pthread_mutex_t register_lock = PTHREAD_MUTEX_INITIALIZER;

const husk_type *husk__kind_register(husk__kind_type *kind, husk_heap *heap)
{
    pthread_mutex_lock(&register_lock);
    const husk_type *handle = atomic_load_explicit(&kind->handle, memory_order_relaxed);
    husk_status status = HUSK_OK;
    if (!handle) {
        status = kind->make ? kind->make(kind->spec, &handle) : husk_type_register(kind->spec, &handle);
        if (status == HUSK_OK)
            atomic_store_explicit(&kind->handle, handle, memory_order_release);
        else
            handle = NULL;
    }
    pthread_mutex_unlock(&register_lock);
    if (!handle)
        husk_heap_fail(heap, status, "%s", husk_message());
    return handle;
}

husk_kind husk_obj_kind(const husk_obj *obj)
{
    if (husk__kind_is(&husk__text_type, obj))
        return HUSK_KIND_TEXT;
    if (husk__kind_is(&husk__list_type, obj))
        return HUSK_KIND_LIST;
    if (husk__kind_is(&husk__map_type, obj))
        return HUSK_KIND_MAP;
    if (husk__kind_is(&husk__box_type, obj))
        return HUSK_KIND_BOX;
    if (husk__record_is(husk_obj_type(obj)))
        return HUSK_KIND_RECORD;
    if (husk__kind_is(&husk__weakkeymap_type, obj))
        return HUSK_KIND_WEAKKEYMAP;
    if (husk__kind_is(&husk__weakvaluemap_type, obj))
        return HUSK_KIND_WEAKVALUEMAP;
    if (husk__kind_is(&husk__weakset_type, obj))
        return HUSK_KIND_WEAKSET;
    if (husk_weak_of(husk_obj_of(husk_obj_data(obj)))) /* the way round takes the const off */
        return HUSK_KIND_WEAK;
    return HUSK_KIND_OTHER;
}

/* "a list", "a map" and the like, or the name of a type of the program's. */
static const char *kind_words(char words[HUSK__WORDS], const husk_obj *obj)
{
    switch (husk_obj_kind(obj)) {
    case HUSK_KIND_TEXT:
        return husk__text_type.wanted;
    case HUSK_KIND_LIST:
        return husk__list_type.wanted;
    case HUSK_KIND_MAP:
        return husk__map_type.wanted;
    case HUSK_KIND_BOX:
        return husk__box_type.wanted;
    case HUSK_KIND_WEAK:
        return "a weak reference";
    case HUSK_KIND_WEAKKEYMAP:
        return husk__weakkeymap_type.wanted;
    case HUSK_KIND_WEAKVALUEMAP:
        return husk__weakvaluemap_type.wanted;
    case HUSK_KIND_WEAKSET:
        return husk__weakset_type.wanted;
    case HUSK_KIND_RECORD:
        snprintf(words, HUSK__WORDS, "a record of type %.48s", husk_type_name(husk_obj_type(obj)));
        return words;
    case HUSK_KIND_OTHER:
        break;
    }
    snprintf(words, HUSK__WORDS, "an object of type %.48s", husk_type_name(husk_obj_type(obj)));
    return words;
}

husk_status husk__kind_mismatch(const husk_obj *obj, const char *wanted)
{
    char words[HUSK__WORDS];
    return husk_heap_fail(husk_obj_heap(obj), HUSK_ETYPE, "%s is wanted, this is %s", wanted,
                          kind_words(words, obj));
}

husk_status husk__value_check_slow(husk_heap *heap, husk_value v)
{
    switch (v.tag) {
    case HUSK_NIL:
    case HUSK_INT:
    case HUSK_FLOAT:
        return HUSK_OK;
    case HUSK_BOOL:
        if (v.as.b > 1)
            return husk_heap_fail(heap, HUSK_EINVAL, "a boolean is 0 or 1, not %llu",
                                  (unsigned long long)v.as.b);
        return HUSK_OK;
    case HUSK_OBJ:
        if (!v.as.o)
            return husk_heap_fail(heap, HUSK_EINVAL, "a value with the tag of an object holds NULL");
        if (husk_obj_heap(v.as.o) != heap) {
            char words[HUSK__WORDS];
            return husk_heap_fail(heap, HUSK_EHEAP, "%s belongs to heap \"%.40s\", not to heap \"%.40s\"",
                                  kind_words(words, v.as.o), husk_heap_name(husk_obj_heap(v.as.o)),
                                  husk_heap_name(heap));
        }
        return HUSK_OK;
    default:
        return husk_heap_fail(heap, HUSK_EINVAL, "%llu is no tag of a value", (unsigned long long)v.tag);
    }
}

const char *husk__text_words(char words[HUSK__WORDS], const char *bytes, size_t length)
{
    enum { MOST = HUSK__WORDS - 8 }; /* room for two quotes, three dots and the NUL */
    size_t shown = length;
    if (shown > MOST) {
        shown = MOST;
        while (shown && ((unsigned char)bytes[shown] & 0xc0) == 0x80) /* not amid a UTF-8 character */
            shown--;
    }
    char *to = words;
    *to++ = '"';
    for (size_t i = 0; i < shown; i++) /* a message is one line */
        *to++ = (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f ? '?' : bytes[i];
    *to++ = '"';
    memcpy(to, shown < length ? "..." : "", shown < length ? 4 : 1);
    return words;
}

const char *husk__value_words(char words[HUSK__WORDS], husk_value v)
{
    switch (v.tag) {
    case HUSK_NIL:
        return "nil";
    case HUSK_BOOL:
        return v.as.b ? "true" : "false";
    case HUSK_INT:
        snprintf(words, HUSK__WORDS, "%lld", (long long)v.as.i);
        return words;
    case HUSK_FLOAT:
        snprintf(words, HUSK__WORDS, "%.17g", v.as.f);
        return words;
    case HUSK_OBJ:
        if (husk__kind_is(&husk__text_type, v.as.o))
            return husk__text_words(words, husk_text_bytes(v.as.o), husk_text_length(v.as.o));
        return kind_words(words, v.as.o);
    default:
        return "a value without a tag";
    }
}

/* Eight bytes a step: multiply carries low bits upwards, the shift brings the high ones down again, so that
 * every byte reaches the whole word before the next comes. The length sets texts apart that end in zeros. */
uint64_t husk__hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = husk__mix((uint64_t)length + UINT64_C(0x9e3779b97f4a7c15));
    size_t left = length;
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), bytes += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    if (left) {
        uint64_t word = 0;
        memcpy(&word, bytes, left);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    hash = husk__mix(hash);
    return hash ? hash : 1;
}
