/* bindings/generic/value.h: values on their way between a script and the heap. A language's typemaps fill a
 * husk_generic_value from one of its own values, or make one of its own from it; the rest is here. */
#ifndef HUSK_GENERIC_VALUE_H
#define HUSK_GENERIC_VALUE_H

#include "handle.h"

typedef enum husk_generic_kind {
    HUSK_GENERIC_NIL = 0,
    HUSK_GENERIC_BOOL, /* integer: 0 or 1 */
    HUSK_GENERIC_INTEGER,
    HUSK_GENERIC_NUMBER,
    HUSK_GENERIC_TEXT,  /* bytes and length */
    HUSK_GENERIC_OBJ,   /* token */
    HUSK_GENERIC_WEAK,  /* token, for a wrapper of the class of weak references */
    HUSK_GENERIC_ALIEN, /* nothing that a heap can store; bytes: what it is, in the language's words */
} husk_generic_kind;

typedef struct husk_generic_value {
    husk_generic_kind kind;
    int64_t integer;
    double number;
    const char *bytes;
    size_t length;
    void *token;
} husk_generic_value;

/* From a script, for storing in the heap of `holder`. A text becomes an object that is kept until the call is
 * over (husk_generic_keep). */
bool husk_generic_store(const husk_generic_value *from, const husk_obj *holder, husk_value *out,
                        const char *function, int at, husk_generic_trouble *trouble);

/* To a script. v is borrowed: a text's bytes are to be copied at once, an object gets a token with a reference of
 * its own; NIL if there is no memory for it. */
husk_generic_value husk_generic_show(husk_value v);

/* A text of the heap's that lives until the next call; nil and the failure noted: there is no memory for it. */
husk_value husk_generic_text(husk_heap *heap, const char *bytes, size_t length);

/* The status; a failure is noted with the heap. For calls that have none of their own, whose text is in husk_message. */
husk_status husk_generic_noted(husk_heap *heap, husk_status status);

#endif
