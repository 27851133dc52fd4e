/* call.c: prepared calls: checked and made ready once, run without memory. The shorter road is direct.c. */
#include "call.h"

#include "form.h"
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

_Thread_local int husk__ffi_last_errno;

int husk_ffi_errno(void)
{
    return husk__ffi_last_errno;
}

void husk_ffi_errno_set(int value)
{
    husk__ffi_last_errno = value;
}

enum husk__ffi_code husk__ffi_code_of(const husk_ffi_type *type)
{
    type = husk__ffi_scalar(type);
    switch (type->kind) {
    case HUSK_FFI_VOID:
        return CODE_VOID;
    case HUSK_FFI_F32:
        return CODE_F32;
    case HUSK_FFI_F64:
        return CODE_F64;
    case HUSK_FFI_STRUCT:
    case HUSK_FFI_UNION:
    case HUSK_FFI_ARRAY:
    case HUSK_FFI_FUNCTION:
        return CODE_OTHER;
    default:
        break;
    }
    bool is_signed = husk_ffi_type_is_signed(type);
    switch (type->size) {
    case 1:
        return is_signed ? CODE_I8 : CODE_U8;
    case 2:
        return is_signed ? CODE_I16 : CODE_U16;
    case 4:
        return is_signed ? CODE_I32 : CODE_U32;
    default:
        return CODE_64;
    }
}

/* Through libffi. Integers narrower than ffi_arg come back as wide as it. */
static void through_libffi(const husk_ffi_call *call, void *result, void *const *args)
{
    ffi_cif *cif = (ffi_cif *)(uintptr_t)&call->cif; /* which it only reads */
    void *own[HUSK_FFI_MAX_PARAMS];                  /* which it may write */
    for (size_t i = 0; i < call->count; i++)
        own[i] = args[i];
    ffi_arg wide;
    switch (call->result_code) {
    case CODE_VOID:
        ffi_call(cif, call->address, &wide, own);
        break;
    case CODE_I8:
    case CODE_U8:
        ffi_call(cif, call->address, &wide, own);
        *(uint8_t *)result = (uint8_t)wide;
        break;
    case CODE_I16:
    case CODE_U16:
        ffi_call(cif, call->address, &wide, own);
        *(uint16_t *)result = (uint16_t)wide;
        break;
    case CODE_I32:
    case CODE_U32:
        ffi_call(cif, call->address, &wide, own);
        *(uint32_t *)result = (uint32_t)wide;
        break;
    default:
        ffi_call(cif, call->address, result, own);
        break;
    }
}

void husk_ffi_call_run(const husk_ffi_call *call, void *result, void *const *args)
{
    errno = 0;
    call->route(call, result, args);
    husk__ffi_last_errno = errno;
}

/* What C passes in the place of "..." when a program says this type; NULL: the type itself. */
static const char *promoted(const husk_ffi_type *type)
{
    if (type->kind == HUSK_FFI_F32)
        return "f64";
    if (husk_ffi_type_is_integer(type) && type->size < sizeof(int))
        return "i32";
    return NULL;
}

static husk_status check_more(husk_ffi_space *space, const husk_ffi_type *function,
                              const husk_ffi_type *const *more, size_t count)
{
    if (count && !function->variadic)
        return husk_fail(HUSK_EINVAL, "%s is not variadic: it has no more than %zu arguments",
                         husk__ffi_words_of(function).text, function->count);
    if (count > HUSK_FFI_MAX_PARAMS - function->count)
        return husk_fail(HUSK_ERANGE, "a call has %d arguments at most", HUSK_FFI_MAX_PARAMS);
    for (size_t i = 0; i < count; i++) {
        husk_status status = husk__ffi_check_own(space, more[i]);
        if (status != HUSK_OK)
            return status;
        size_t number = function->count + i + 1;
        if (promoted(more[i]))
            return husk_fail(HUSK_EINVAL, "argument %zu, for \"...\": C promotes %s, say %s", number,
                             husk__ffi_words_of(more[i]).text, promoted(more[i]));
        if (!husk__ffi_is_value(more[i]) || more[i]->kind == HUSK_FFI_ARRAY)
            return husk_fail(HUSK_EINVAL, "argument %zu, for \"...\": %s cannot be passed", number,
                             husk__ffi_words_of(more[i]).text);
    }
    return HUSK_OK;
}

static husk_ffi_call *new_call(const husk_ffi_type *function, size_t count)
{
    size_t bytes = sizeof(husk_ffi_call) + count * (sizeof(void *) * 2 + 1);
    husk_ffi_call *call = husk__ffi_new(bytes);
    if (!call)
        return NULL;
    call->bytes = bytes;
    call->count = count;
    call->result = function->element;
    call->params = (const husk_ffi_type **)(call + 1);
    call->forms = (ffi_type **)(call->params + count);
    call->codes = (const uint8_t *)(call->forms + count);
    return call;
}

static husk_status prepare(husk_ffi_call *call, husk_ffi_space *space, const husk_ffi_type *function,
                           const husk_ffi_type *const *more)
{
    ffi_type *result;
    husk_status status = husk__ffi_forms(space, function, &result, call->forms);
    uint8_t *codes = (uint8_t *)(call->forms + call->count);
    for (size_t i = 0; i < call->count && status == HUSK_OK; i++) {
        call->params[i] = i < function->count ? function->params[i] : more[i - function->count];
        codes[i] = (uint8_t)husk__ffi_code_of(call->params[i]);
        if (i >= function->count) {
            char what[32];
            snprintf(what, sizeof what, "argument %zu", i + 1);
            status = husk__ffi_form(space, call->params[i], what, &call->forms[i]);
        }
    }
    if (status != HUSK_OK)
        return status;
    call->result_code = (uint8_t)husk__ffi_code_of(call->result);
    unsigned total = (unsigned)call->count;
    ffi_status made = function->variadic
                          ? ffi_prep_cif_var(&call->cif, FFI_DEFAULT_ABI, (unsigned)function->count, total,
                                             result, call->forms)
                          : ffi_prep_cif(&call->cif, FFI_DEFAULT_ABI, total, result, call->forms);
    if (made != FFI_OK)
        return husk_fail(HUSK_EINVAL, "libffi cannot call %s", husk__ffi_words_of(function).text);
    call->route = function->variadic ? NULL : husk__ffi_direct(call);
    if (!call->route)
        call->route = through_libffi;
    return HUSK_OK;
}

husk_status husk_ffi_call_new(husk_ffi_space *space, const husk_ffi_type *function, void *address,
                              const husk_ffi_type *const *more, size_t more_count, husk_ffi_call **out)
{
    *out = NULL;
    husk_status status = husk__ffi_check_own(space, function);
    if (status != HUSK_OK)
        return status;
    if (function->kind != HUSK_FFI_FUNCTION)
        return husk_fail(HUSK_EINVAL, "%s is no function type", husk__ffi_words_of(function).text);
    if (!address)
        return husk_fail(HUSK_EINVAL, "%s at no address", husk__ffi_words_of(function).text);
    status = check_more(space, function, more, more_count);
    if (status != HUSK_OK)
        return status;
    husk_ffi_call *call = new_call(function, function->count + more_count);
    if (!call)
        return HUSK_ENOMEM;
    memcpy(&call->address, &address, sizeof address); /* ISO C converts no object pointer to this one */
    status = prepare(call, space, function, more);
    if (status != HUSK_OK) {
        husk__ffi_free(call, call->bytes);
        return status;
    }
    husk__ffi_space_retain(space);
    call->space = space;
    *out = call;
    return HUSK_OK;
}

void husk_ffi_call_free(husk_ffi_call *call)
{
    if (!call)
        return;
    husk_ffi_space *space = call->space;
    husk__ffi_free(call, call->bytes);
    husk__ffi_space_drop(space);
}

size_t husk_ffi_call_count(const husk_ffi_call *call)
{
    return call->count;
}

const husk_ffi_type *husk_ffi_call_param(const husk_ffi_call *call, size_t index)
{
    return index < call->count ? call->params[index] : NULL;
}

const husk_ffi_type *husk_ffi_call_result(const husk_ffi_call *call)
{
    return call->result;
}
