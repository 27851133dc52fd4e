/* form.c: types as libffi wants them: scalars have their form from birth, structs and arrays get one when
 * they are first passed by value. Sizes and alignments are ours, so libffi lays nothing out again. */
#include "form.h"

#include "memory.h"

#include <stdio.h>

/* Of an array, elements that libffi is shown. It looks at elements to find structs that travel in registers;
 * no calling convention has registers for one of so many. */
enum { ELEMENTS_SHOWN = 256 };

static ffi_type *make(husk_ffi_space *space, const husk_ffi_type *type);

static bool fill(husk_ffi_space *space, const husk_ffi_type *type, ffi_type *form, size_t shown)
{
    for (size_t i = 0; i < shown; i++) {
        const husk_ffi_type *part = type->kind == HUSK_FFI_ARRAY ? type->element : type->fields[i].type;
        form->elements[i] = make(space, part);
        if (!form->elements[i])
            return false;
    }
    return true;
}

/* Recursion is as deep as values nest (HUSK_FFI_MAX_DEPTH). A form is noted once it is whole. */
static ffi_type *make(husk_ffi_space *space, const husk_ffi_type *type)
{
    if (type->form)
        return type->form;
    size_t shown =
        type->count > ELEMENTS_SHOWN && type->kind == HUSK_FFI_ARRAY ? ELEMENTS_SHOWN : type->count;
    ffi_type *form = husk__ffi_space_take(space, sizeof *form);
    ffi_type **elements = form ? husk__ffi_space_take(space, (shown + 1) * sizeof *elements) : NULL;
    if (!elements)
        return NULL;
    form->type = FFI_TYPE_STRUCT;
    form->size = type->size;
    form->alignment = (unsigned short)type->alignment;
    form->elements = elements;
    if (!fill(space, type, form, shown))
        return NULL;
    ((husk_ffi_type *)(uintptr_t)type)->form = form; /* the space's own: not const */
    return form;
}

husk_status husk__ffi_form(husk_ffi_space *space, const husk_ffi_type *type, const char *what, ffi_type **out)
{
    *out = NULL;
    if (type->kind == HUSK_FFI_FUNCTION || (!type->complete && type->kind != HUSK_FFI_VOID))
        return husk_fail(HUSK_EINVAL, "%s: %s is incomplete", what, husk__ffi_words_of(type).text);
    if (type->unlucky == type)
        return husk_fail(HUSK_EINVAL, "%s: the union %s cannot be passed by value: pass a pointer to it",
                         what, husk__ffi_words_of(type).text);
    if (type->unlucky)
        return husk_fail(HUSK_EINVAL,
                         "%s: %s cannot be passed by value, for the union %s in it: pass a pointer", what,
                         husk__ffi_words_of(type).text, husk__ffi_words_of(type->unlucky).text);
    if (type->size > MOST_BY_VALUE)
        return husk_fail(HUSK_ERANGE, "%s: %s has %zu bytes, by value %d at most", what,
                         husk__ffi_words_of(type).text, type->size, MOST_BY_VALUE);
    *out = make(space, type);
    return *out ? HUSK_OK : HUSK_ENOMEM;
}

husk_status husk__ffi_forms(husk_ffi_space *space, const husk_ffi_type *function, ffi_type **result,
                            ffi_type **forms)
{
    husk_status status = husk__ffi_form(space, function->element, "the result", result);
    for (size_t i = 0; i < function->count && status == HUSK_OK; i++) {
        char what[32];
        snprintf(what, sizeof what, "parameter %zu", i + 1);
        status = husk__ffi_form(space, function->params[i], what, &forms[i]);
    }
    return status;
}
