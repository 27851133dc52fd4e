/* type.c: questions about types. */
#include "type.h"

#include <string.h>

husk_ffi_kind husk_ffi_type_kind(const husk_ffi_type *type)
{
    return type->kind;
}

const char *husk_ffi_kind_name(husk_ffi_kind kind)
{
    switch (kind) {
    case HUSK_FFI_POINTER:
        return "pointer";
    case HUSK_FFI_STRUCT:
        return "struct";
    case HUSK_FFI_UNION:
        return "union";
    case HUSK_FFI_ARRAY:
        return "array";
    case HUSK_FFI_ENUM:
        return "enum";
    case HUSK_FFI_FUNCTION:
        return "function";
    default:
        return (unsigned)kind <= HUSK_FFI_REF ? husk__ffi_builtin[kind].name : "?";
    }
}

const char *husk_ffi_type_name(const husk_ffi_type *type)
{
    return type->name;
}

size_t husk_ffi_type_size(const husk_ffi_type *type)
{
    return type->size;
}

size_t husk_ffi_type_alignment(const husk_ffi_type *type)
{
    return type->alignment;
}

bool husk_ffi_type_is_complete(const husk_ffi_type *type)
{
    return type->complete;
}

const husk_ffi_type *husk_ffi_type_element(const husk_ffi_type *type)
{
    return type->kind == HUSK_FFI_FUNCTION ? NULL : type->element;
}

size_t husk_ffi_type_count(const husk_ffi_type *type)
{
    return type->count;
}

bool husk_ffi_type_field(const husk_ffi_type *type, size_t index, husk_ffi_field *out)
{
    if (!husk__ffi_is_aggregate(type) || index >= type->count)
        return false;
    *out = type->fields[index];
    return true;
}

bool husk_ffi_type_field_find(const husk_ffi_type *type, const char *name, husk_ffi_field *out)
{
    return husk__ffi_is_aggregate(type) && husk__ffi_field_among(type, type->count, name, out);
}

bool husk_ffi_type_constant(const husk_ffi_type *type, size_t index, husk_ffi_constant *out)
{
    if (type->kind != HUSK_FFI_ENUM || index >= type->count)
        return false;
    *out = type->constants[index];
    return true;
}

bool husk_ffi_type_constant_find(const husk_ffi_type *type, const char *name, int64_t *out)
{
    for (size_t i = 0; type->kind == HUSK_FFI_ENUM && i < type->count; i++) {
        if (strcmp(type->constants[i].name, name) == 0) {
            *out = type->constants[i].value;
            return true;
        }
    }
    return false;
}

const husk_ffi_type *husk_ffi_type_result(const husk_ffi_type *type)
{
    return type->kind == HUSK_FFI_FUNCTION ? type->element : NULL;
}

const husk_ffi_type *husk_ffi_type_param(const husk_ffi_type *type, size_t index)
{
    return type->kind == HUSK_FFI_FUNCTION && index < type->count ? type->params[index] : NULL;
}

bool husk_ffi_type_is_variadic(const husk_ffi_type *type)
{
    return type->variadic;
}

bool husk_ffi_type_is_integer(const husk_ffi_type *type)
{
    return type->kind == HUSK_FFI_ENUM || (type->kind >= HUSK_FFI_BOOL && type->kind <= HUSK_FFI_U64);
}

bool husk_ffi_type_is_signed(const husk_ffi_type *type)
{
    switch (husk__ffi_scalar(type)->kind) {
    case HUSK_FFI_CHAR:
        return (char)-1 < (char)1;
    case HUSK_FFI_I8:
    case HUSK_FFI_I16:
    case HUSK_FFI_I32:
    case HUSK_FFI_I64:
        return true;
    default:
        return false;
    }
}
