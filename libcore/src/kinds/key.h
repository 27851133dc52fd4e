/* kinds/key.h: keys of maps and weak-value maps: what may be one, and when two are the same.
 *
 * Two keys are the same if husk_value_equal says so, after a double with the value of an int64 has become that
 * integer: 1 and 1.0 are one key, and so are 0.0 and -0.0. */
#ifndef HUSK_KINDS_KEY_H
#define HUSK_KINDS_KEY_H

#include <string.h>

#include "kinds/kind.h"

/* What is searched for: a value, or with bytes a text, for which there need not be an object. */
typedef struct husk__probe {
    husk_value key; /* tag HUSK_OBJ if bytes; then the object may be NULL */
    const char *bytes;
    size_t length;
    uint32_t hash; /* not 0 */
} husk__probe;

/* Of any value but a text. */
static inline uint32_t husk__key_hash(husk_value key)
{
    /* The tag keeps true, 1 and the double with the bits of 1 apart. Blocks are 8 bytes or more: an
     * address's low bits say nothing, but the mixer does not mind. */
    uint32_t hash = (uint32_t)husk__mix(key.as.b ^ (key.tag << 59));
    return hash ? hash : 1;
}

/* HUSK_EINVAL: nil, NaN; HUSK_EHEAP. */
husk_status husk__probe_value(husk_heap *heap, husk__probe *p, husk_value key);
husk_status husk__probe_text(husk_heap *heap, husk__probe *p, const char *bytes, size_t length);

/* HUSK_EMISSING, with the key in words. */
husk_status husk__key_missing(husk_heap *heap, const husk__probe *p, const char *container);

/* Is this stored key the one? Their hashes are the same. */
static inline bool husk__key_is(const husk_value *key, const husk__probe *p)
{
    if (key->tag != p->key.tag)
        return false;
    switch (key->tag) {
    case HUSK_OBJ:
        if (key->as.o == p->key.as.o)
            return true;
        return p->bytes && husk__kind_is(&husk__text_type, key->as.o) &&
               husk_text_length(key->as.o) == p->length &&
               memcmp(husk_text_bytes(key->as.o), p->bytes, p->length) == 0;
    case HUSK_FLOAT:
        return key->as.f == p->key.as.f;
    default: /* booleans and integers: all bits */
        return key->as.i == p->key.as.i;
    }
}

#endif
