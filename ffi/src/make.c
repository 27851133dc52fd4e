/* make.c: pointers, arrays, functions, enums and other names. Each constructor checks first, then looks for
 * the same shape, then makes it. Structs and unions: aggregate.c. */
#include "memory.h"
#include "space.h"

#include <inttypes.h>
#include <string.h>

static husk_status too_deep(const husk_ffi_type *element)
{
    return husk_fail(HUSK_ERANGE, "types nest deeper than %d: %s", HUSK_FFI_MAX_DEPTH,
                     husk__ffi_words_of(element).text);
}

size_t husk__ffi_identifier(const char *text)
{
    size_t n = 0;
    while (text[n] == '_' || (text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z') ||
           (n > 0 && text[n] >= '0' && text[n] <= '9'))
        n++;
    return n;
}

husk_status husk__ffi_check_name(husk_ffi_kind kind, const char *name)
{
    static const char *const tags[] = { "struct ", "union ", "enum " };
    int own = kind == HUSK_FFI_STRUCT ? 0 : kind == HUSK_FFI_UNION ? 1 : kind == HUSK_FFI_ENUM ? 2 : -1;
    const char *word = name;
    for (int t = 0; t < 3; t++) {
        if (strncmp(name, tags[t], strlen(tags[t])) != 0)
            continue;
        if (t != own)
            return husk_fail(HUSK_EINVAL, "\"%.64s\" is not a name for this type: its tag is another's",
                             name);
        word = name + strlen(tags[t]);
    }
    size_t length = husk__ffi_identifier(word);
    if (!length || word[length] || length > MAX_NAME)
        return husk_fail(HUSK_EINVAL, "\"%.64s\" is not a name: letters, digits and _, at most %d", name,
                         MAX_NAME);
    if (strcmp(word, "struct") == 0 || strcmp(word, "union") == 0 || strcmp(word, "enum") == 0)
        return husk_fail(HUSK_EINVAL, "\"%s\" is a word of the grammar, not a name", word);
    if (word == name && husk__ffi_builtin_find(name, length))
        return husk_fail(HUSK_EINVAL, "\"%s\" is a built-in type", name);
    return HUSK_OK;
}

/* ---- pointers and arrays ---- */

husk_status husk_ffi_pointer(husk_ffi_space *space, const husk_ffi_type *element, const husk_ffi_type **out)
{
    *out = NULL;
    if (element == &husk__ffi_builtin[HUSK_FFI_VOID]) {
        *out = &husk__ffi_void_pointer;
        return HUSK_OK;
    }
    husk_status status = husk__ffi_check_own(space, element);
    if (status != HUSK_OK)
        return status;
    if (element->depth >= HUSK_FFI_MAX_DEPTH)
        return too_deep(element);
    uint64_t hash = husk__ffi_hash_word(HUSK__FFI_HASH + HUSK_FFI_POINTER, (uintptr_t)element);
    for (husk_ffi_type *t = husk__ffi_shape_first(space, hash); t; t = husk__ffi_shape_next(t)) {
        if (t->kind == HUSK_FFI_POINTER && t->element == element) {
            *out = t;
            return HUSK_OK;
        }
    }
    husk_ffi_type *type = husk__ffi_space_type(space, HUSK_FFI_POINTER, hash);
    if (!type)
        return HUSK_ENOMEM;
    type->element = element;
    type->size = sizeof(void *);
    type->alignment = _Alignof(void *);
    type->depth = (uint8_t)(element->depth + 1);
    type->complete = true;
    type->form = &ffi_type_pointer;
    *out = type;
    return HUSK_OK;
}

husk_status husk_ffi_array(husk_ffi_space *space, const husk_ffi_type *element, size_t count,
                           const husk_ffi_type **out)
{
    *out = NULL;
    husk_status status = husk__ffi_check_own(space, element);
    if (status != HUSK_OK)
        return status;
    if (!husk__ffi_is_value(element))
        return husk_fail(HUSK_EINVAL, "an array of %s: no values can be made of it",
                         husk__ffi_words_of(element).text);
    if (count == 0)
        return husk_fail(HUSK_EINVAL, "an array has one element at least");
    if (count > HUSK_FFI_MAX_SIZE / element->size)
        return husk_fail(HUSK_ERANGE, "an array of %zu times %s is larger than %d bytes", count,
                         husk__ffi_words_of(element).text, HUSK_FFI_MAX_SIZE);
    if (element->depth >= HUSK_FFI_MAX_DEPTH || element->nest >= HUSK_FFI_MAX_DEPTH)
        return too_deep(element);
    uint64_t hash = husk__ffi_hash_word(HUSK__FFI_HASH + HUSK_FFI_ARRAY, (uintptr_t)element);
    hash = husk__ffi_hash_word(hash, count);
    for (husk_ffi_type *t = husk__ffi_shape_first(space, hash); t; t = husk__ffi_shape_next(t)) {
        if (t->kind == HUSK_FFI_ARRAY && t->element == element && t->count == count) {
            *out = t;
            return HUSK_OK;
        }
    }
    husk_ffi_type *type = husk__ffi_space_type(space, HUSK_FFI_ARRAY, hash);
    if (!type)
        return HUSK_ENOMEM;
    type->element = element;
    type->count = count;
    type->size = element->size * count;
    type->alignment = element->alignment;
    type->depth = (uint8_t)(element->depth + 1);
    type->nest = (uint8_t)(element->nest + 1);
    type->refs = element->refs && count > MANY_REFS / element->refs ? MANY_REFS : element->refs * count;
    type->unlucky = element->unlucky;
    type->complete = true;
    *out = type;
    return HUSK_OK;
}

/* ---- functions ---- */

static husk_status check_passed(const husk_ffi_type *type, const char *what)
{
    if (type->kind == HUSK_FFI_ARRAY)
        return husk_fail(HUSK_EINVAL, "%s cannot be the array %s: C passes a pointer, say %s*", what,
                         husk__ffi_words_of(type).text, husk__ffi_words_of(type->element).text);
    if (type->kind == HUSK_FFI_FUNCTION)
        return husk_fail(HUSK_EINVAL, "%s cannot be a function: C passes a pointer, say %s*", what,
                         husk__ffi_words_of(type).text);
    return HUSK_OK;
}

static husk_status check_function(husk_ffi_space *space, const husk_ffi_type *result,
                                  const husk_ffi_type *const *params, size_t count, bool variadic)
{
    if (count > HUSK_FFI_MAX_PARAMS)
        return husk_fail(HUSK_ERANGE, "a function has %d parameters at most, not %zu", HUSK_FFI_MAX_PARAMS,
                         count);
    if (variadic && count == 0)
        return husk_fail(HUSK_EINVAL, "a variadic function has one parameter before \"...\" at least");
    husk_status status = husk__ffi_check_own(space, result);
    if (status == HUSK_OK)
        status = check_passed(result, "a result");
    for (size_t i = 0; i < count && status == HUSK_OK; i++) {
        status = husk__ffi_check_own(space, params[i]);
        if (status == HUSK_OK && params[i]->kind == HUSK_FFI_VOID)
            status = husk_fail(HUSK_EINVAL, "parameter %zu cannot be void", i + 1);
        if (status == HUSK_OK)
            status = check_passed(params[i], "a parameter");
    }
    return status;
}

husk_status husk_ffi_function(husk_ffi_space *space, const husk_ffi_type *result,
                              const husk_ffi_type *const *params, size_t count, bool variadic,
                              const husk_ffi_type **out)
{
    *out = NULL;
    husk_status status = check_function(space, result, params, count, variadic);
    if (status != HUSK_OK)
        return status;
    uint64_t hash = husk__ffi_hash_word(HUSK__FFI_HASH + HUSK_FFI_FUNCTION + variadic, (uintptr_t)result);
    unsigned depth = result->depth;
    for (size_t i = 0; i < count; i++) {
        hash = husk__ffi_hash_word(hash, (uintptr_t)params[i]);
        depth = params[i]->depth > depth ? params[i]->depth : depth;
    }
    if (depth >= HUSK_FFI_MAX_DEPTH)
        return too_deep(result);
    for (husk_ffi_type *t = husk__ffi_shape_first(space, hash); t; t = husk__ffi_shape_next(t)) {
        if (t->kind == HUSK_FFI_FUNCTION && t->element == result && t->count == count &&
            t->variadic == variadic && (!count || memcmp(t->params, params, count * sizeof *params) == 0)) {
            *out = t;
            return HUSK_OK;
        }
    }
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    husk_ffi_type *type = husk__ffi_space_type(space, HUSK_FFI_FUNCTION, hash);
    const husk_ffi_type **own = type ? husk__ffi_space_take(space, (count + 1) * sizeof *own) : NULL;
    if (!own) {
        husk__ffi_mark_return(space, &mark);
        return HUSK_ENOMEM;
    }
    if (count)
        memcpy(own, params, count * sizeof *own);
    type->element = result;
    type->params = own;
    type->count = count;
    type->variadic = variadic;
    type->depth = (uint8_t)(depth + 1);
    type->complete = true;
    *out = type;
    return HUSK_OK;
}

/* ---- enums ---- */

static bool fits(const husk_ffi_type *integer, int64_t value)
{
    uint64_t room;
    return husk_ffi_integer_write(integer, &room, value) == HUSK_OK;
}

/* i32, u32 or i64: the first that has room for all. */
static const husk_ffi_type *chosen(const husk_ffi_constant *constants, size_t count)
{
    int64_t least = 0;
    int64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        least = constants[i].value < least ? constants[i].value : least;
        most = constants[i].value > most ? constants[i].value : most;
    }
    if (least >= INT32_MIN && most <= INT32_MAX)
        return &husk__ffi_builtin[HUSK_FFI_I32];
    return &husk__ffi_builtin[least >= 0 && most <= UINT32_MAX ? HUSK_FFI_U32 : HUSK_FFI_I64];
}

static husk_status check_constants(const husk_ffi_type *underlying, const husk_ffi_constant *constants,
                                   size_t count)
{
    if (count == 0)
        return husk_fail(HUSK_EINVAL, "an enum has one constant at least");
    if (count > HUSK_FFI_MAX_FIELDS)
        return husk_fail(HUSK_ERANGE, "an enum has %d constants at most, not %zu", HUSK_FFI_MAX_FIELDS,
                         count);
    for (size_t i = 0; i < count; i++) {
        const char *name = constants[i].name;
        size_t length = name ? husk__ffi_identifier(name) : 0;
        if (!length || name[length] || length > MAX_NAME)
            return husk_fail(HUSK_EINVAL, "\"%.64s\" is not a name for a constant", name ? name : "");
        if (!fits(underlying, constants[i].value))
            return husk_fail(HUSK_ERANGE, "constant %.64s: %s has no room for %" PRId64, name,
                             husk__ffi_words_of(underlying).text, constants[i].value);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(constants[j].name, name) == 0)
                return husk_fail(HUSK_EINVAL, "two constants are called %.64s", name);
        }
    }
    return HUSK_OK;
}

static bool same_constants(const husk_ffi_type *type, const husk_ffi_constant *constants, size_t count)
{
    if (type->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (type->constants[i].value != constants[i].value ||
            strcmp(type->constants[i].name, constants[i].name) != 0)
            return false;
    }
    return true;
}

static husk_ffi_type *new_enum(husk_ffi_space *space, const char *name, uint64_t hash,
                               const husk_ffi_type *underlying, const husk_ffi_constant *constants,
                               size_t count)
{
    husk_ffi_type *type = husk__ffi_space_type(space, HUSK_FFI_ENUM, hash);
    husk_ffi_constant *own = type ? husk__ffi_space_take(space, count * sizeof *own) : NULL;
    if (!own)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        own[i].value = constants[i].value;
        own[i].name = husk__ffi_space_text(space, constants[i].name);
        if (!own[i].name)
            return NULL;
    }
    type->element = underlying;
    type->constants = own;
    type->count = count;
    type->size = underlying->size;
    type->alignment = underlying->alignment;
    type->complete = true;
    type->plain_enum = underlying == chosen(constants, count);
    type->form = underlying->form;
    if (name) {
        type->name = husk__ffi_space_text(space, name);
        if (!type->name || husk__ffi_name_add(space, name, type) != HUSK_OK)
            return NULL;
    }
    return type;
}

husk_status husk_ffi_enum(husk_ffi_space *space, const char *name, const husk_ffi_type *underlying,
                          const husk_ffi_constant *constants, size_t count, const husk_ffi_type **out)
{
    *out = NULL;
    if (name) {
        husk_status status = husk__ffi_check_name(HUSK_FFI_ENUM, name);
        if (status != HUSK_OK)
            return status;
    }
    if (underlying && (!husk_ffi_type_is_integer(underlying) || underlying->kind == HUSK_FFI_ENUM))
        return husk_fail(HUSK_EINVAL, "an enum is made of an integer type, not of %s",
                         husk__ffi_words_of(underlying).text);
    if (!underlying)
        underlying = chosen(constants, count);
    husk_status status = check_constants(underlying, constants, count);
    if (status != HUSK_OK)
        return status;

    uint64_t hash = 0;
    if (name) {
        const husk_ffi_type *old = husk__ffi_name_find(space, name, strlen(name));
        if (old && old->kind == HUSK_FFI_ENUM && old->element == underlying &&
            same_constants(old, constants, count)) {
            *out = old;
            return HUSK_OK;
        }
        if (old)
            return husk_fail(HUSK_ESTATE, "%s is declared already, as another type", name);
    } else {
        hash = husk__ffi_hash_word(HUSK__FFI_HASH + HUSK_FFI_ENUM, (uintptr_t)underlying);
        for (size_t i = 0; i < count; i++) {
            hash = husk__ffi_hash_text(hash, constants[i].name, strlen(constants[i].name));
            hash = husk__ffi_hash_word(hash, (uint64_t)constants[i].value);
        }
        for (husk_ffi_type *t = husk__ffi_shape_first(space, hash); t; t = husk__ffi_shape_next(t)) {
            if (t->kind == HUSK_FFI_ENUM && t->element == underlying && same_constants(t, constants, count)) {
                *out = t;
                return HUSK_OK;
            }
        }
    }
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    *out = new_enum(space, name, hash, underlying, constants, count);
    if (!*out) {
        husk__ffi_mark_return(space, &mark);
        return HUSK_ENOMEM;
    }
    return HUSK_OK;
}

/* ---- other names ---- */

husk_status husk_ffi_typedef(husk_ffi_space *space, const char *name, const husk_ffi_type *type)
{
    husk_status status = husk__ffi_check_own(space, type);
    if (status == HUSK_OK)
        status = husk__ffi_check_name(HUSK_FFI_VOID, name);
    if (status != HUSK_OK)
        return status;
    const husk_ffi_type *old = husk__ffi_name_find(space, name, strlen(name));
    if (old == type)
        return HUSK_OK;
    if (old)
        return husk_fail(HUSK_ESTATE, "%s is declared already, as another type", name);
    return husk__ffi_name_add(space, name, type);
}
