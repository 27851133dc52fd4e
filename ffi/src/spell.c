/* spell.c: a type as a text of the grammar. The room bounds the work: spelling stops where it is full. */
#include "type.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *at;
    size_t used;
    size_t room; /* without the zero */
    bool full;
};

static void put(struct out *out, const char *text)
{
    size_t length = strlen(text);
    if (length > out->room - out->used) {
        length = out->room - out->used;
        out->full = true;
    }
    memcpy(out->at + out->used, text, length);
    out->used += length;
}

static void spell(struct out *out, const husk_ffi_type *type);

static void spell_fields(struct out *out, const husk_ffi_type *type)
{
    put(out, type->kind == HUSK_FFI_UNION ? "union{" : "{");
    for (size_t i = 0; i < type->count && !out->full; i++) {
        put(out, i ? "," : "");
        if (type->fields[i].name) {
            put(out, type->fields[i].name);
            put(out, ":");
        }
        spell(out, type->fields[i].type);
    }
    put(out, "}");
}

static void spell_enum(struct out *out, const husk_ffi_type *type)
{
    put(out, "enum");
    if (!type->plain_enum) {
        put(out, ":");
        spell(out, type->element);
    }
    int64_t next = 0;
    for (size_t i = 0; i < type->count && !out->full; i++) {
        int64_t value = type->constants[i].value;
        put(out, i ? "," : "{");
        put(out, type->constants[i].name);
        if (value != next || (i && type->constants[i - 1].value == INT64_MAX)) {
            char number[32];
            snprintf(number, sizeof number, "=%" PRId64, value);
            put(out, number);
        }
        next = value == INT64_MAX ? 0 : value + 1;
    }
    put(out, "}");
}

static void spell_function(struct out *out, const husk_ffi_type *type)
{
    spell(out, type->element);
    for (size_t i = 0; i < type->count && !out->full; i++) {
        put(out, i ? "," : "(");
        spell(out, type->params[i]);
    }
    put(out, type->variadic ? ",...)" : type->count ? ")" : "()");
}

/* As in C, the first bounds are the outer array's: what the whole run is made of comes first. */
static void spell_array(struct out *out, const husk_ffi_type *type)
{
    const husk_ffi_type *base = type;
    while (base->kind == HUSK_FFI_ARRAY)
        base = base->element;
    spell(out, base);
    for (; type->kind == HUSK_FFI_ARRAY && !out->full; type = type->element) {
        char bounds[32];
        snprintf(bounds, sizeof bounds, "[%zu]", type->count);
        put(out, bounds);
    }
}

/* No deeper than HUSK_FFI_MAX_DEPTH: constructors see to it. */
static void spell(struct out *out, const husk_ffi_type *type)
{
    if (out->full)
        return;
    if (type->name) {
        put(out, type->name);
        return;
    }
    switch (type->kind) {
    case HUSK_FFI_POINTER:
        spell(out, type->element);
        put(out, "*");
        break;
    case HUSK_FFI_ARRAY:
        spell_array(out, type);
        break;
    case HUSK_FFI_ENUM:
        spell_enum(out, type);
        break;
    case HUSK_FFI_FUNCTION:
        spell_function(out, type);
        break;
    default:
        spell_fields(out, type);
        break;
    }
}

husk_status husk_ffi_type_spell(const husk_ffi_type *type, char *text, size_t room)
{
    if (room == 0)
        return husk_fail(HUSK_ERANGE, "there is no room for a type's spelling");
    struct out out = { .at = text, .room = room - 1 };
    spell(&out, type);
    text[out.used] = 0;
    if (!out.full)
        return HUSK_OK;
    if (out.room >= 3)
        memcpy(text + out.room - 3, "...", 3);
    return husk_fail(HUSK_ERANGE, "a type's spelling is longer than %zu bytes", room - 1);
}

husk__ffi_words husk__ffi_words_of(const husk_ffi_type *type)
{
    husk__ffi_words words;
    struct out out = { .at = words.text, .room = sizeof words.text - 1 };
    spell(&out, type);
    words.text[out.used] = 0;
    if (out.full)
        memcpy(words.text + out.room - 3, "...", 3);
    return words;
}
