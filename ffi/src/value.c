/* value.c: scalars at an address, with a look at what the type has room for. */
#include "type.h"

#include <inttypes.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static husk_status not_of(const husk_ffi_type *type, const char *what)
{
    return husk_fail(HUSK_ETYPE, "%s is not %s", husk__ffi_words_of(type).text, what);
}

/* The least and the greatest value. */
static void range_of(const husk_ffi_type *integer, int64_t *least, uint64_t *most)
{
    if (integer->kind == HUSK_FFI_BOOL) {
        *least = 0;
        *most = 1;
        return;
    }
    unsigned bits = (unsigned)integer->size * 8;
    if (husk_ffi_type_is_signed(integer)) {
        *most = UINT64_MAX >> (65 - bits);
        *least = -(int64_t)*most - 1;
    } else {
        *most = UINT64_MAX >> (64 - bits);
        *least = 0;
    }
}

static husk_status out_of_range(const husk_ffi_type *type, const char *value)
{
    int64_t least;
    uint64_t most;
    range_of(husk__ffi_scalar(type), &least, &most);
    return husk_fail(HUSK_ERANGE, "%s has no room for %s: it goes from %" PRId64 " to %" PRIu64,
                     husk__ffi_words_of(type).text, value, least, most);
}

static void put_bits(const husk_ffi_type *integer, void *at, uint64_t bits)
{
    switch (integer->size) {
    case 1:
        *(uint8_t *)at = (uint8_t)bits;
        break;
    case 2:
        *(uint16_t *)at = (uint16_t)bits;
        break;
    case 4:
        *(uint32_t *)at = (uint32_t)bits;
        break;
    default:
        *(uint64_t *)at = bits;
        break;
    }
}

static uint64_t get_bits(const husk_ffi_type *integer, const void *at)
{
    bool is_signed = husk_ffi_type_is_signed(integer);
    switch (integer->size) {
    case 1:
        return is_signed ? (uint64_t)(*(const int8_t *)at) : *(const uint8_t *)at;
    case 2:
        return is_signed ? (uint64_t)(*(const int16_t *)at) : *(const uint16_t *)at;
    case 4:
        return is_signed ? (uint64_t)(*(const int32_t *)at) : *(const uint32_t *)at;
    default:
        return *(const uint64_t *)at;
    }
}

husk_status husk_ffi_integer_read(const husk_ffi_type *type, const void *at, int64_t *out)
{
    if (!husk_ffi_type_is_integer(type))
        return not_of(type, "an integer type");
    uint64_t bits = get_bits(husk__ffi_scalar(type), at);
    *out = (int64_t)bits;
    if (bits > INT64_MAX && !husk_ffi_type_is_signed(type))
        return husk_fail(HUSK_ERANGE, "%" PRIu64 " is more than an int64_t has room for", bits);
    return HUSK_OK;
}

husk_status husk_ffi_integer_write(const husk_ffi_type *type, void *at, int64_t value)
{
    if (!husk_ffi_type_is_integer(type))
        return not_of(type, "an integer type");
    int64_t least;
    uint64_t most;
    range_of(husk__ffi_scalar(type), &least, &most);
    if (value < least || (value > 0 && (uint64_t)value > most)) {
        char number[32];
        snprintf(number, sizeof number, "%" PRId64, value);
        return out_of_range(type, number);
    }
    put_bits(husk__ffi_scalar(type), at, (uint64_t)value);
    return HUSK_OK;
}

husk_status husk_ffi_unsigned_write(const husk_ffi_type *type, void *at, uint64_t value)
{
    if (!husk_ffi_type_is_integer(type))
        return not_of(type, "an integer type");
    int64_t least;
    uint64_t most;
    range_of(husk__ffi_scalar(type), &least, &most);
    if (value > most) {
        char number[32];
        snprintf(number, sizeof number, "%" PRIu64, value);
        return out_of_range(type, number);
    }
    put_bits(husk__ffi_scalar(type), at, value);
    return HUSK_OK;
}

husk_status husk_ffi_double_read(const husk_ffi_type *type, const void *at, double *out)
{
    if (type->kind == HUSK_FFI_F64)
        *out = *(const double *)at;
    else if (type->kind == HUSK_FFI_F32)
        *out = *(const float *)at;
    else if (!husk_ffi_type_is_integer(type))
        return not_of(type, "a number");
    else if (husk_ffi_type_is_signed(type))
        *out = (double)(int64_t)get_bits(husk__ffi_scalar(type), at);
    else
        *out = (double)get_bits(husk__ffi_scalar(type), at);
    return HUSK_OK;
}

husk_status husk_ffi_double_write(const husk_ffi_type *type, void *at, double value)
{
    char number[40];
    if (type->kind == HUSK_FFI_F64) {
        *(double *)at = value;
        return HUSK_OK;
    }
    if (type->kind == HUSK_FFI_F32) {
        /* Half a unit beyond FLT_MAX is where rounding would give infinity. */
        if (isfinite(value) && fabs(value) >= 0x1.ffffffp127) {
            snprintf(number, sizeof number, "%.15g", value);
            return husk_fail(HUSK_ERANGE, "f32 has no room for %s: it goes to %.9g", number, (double)FLT_MAX);
        }
        *(float *)at = (float)value;
        return HUSK_OK;
    }
    if (!husk_ffi_type_is_integer(type))
        return not_of(type, "a number");
    snprintf(number, sizeof number, "%.15g", value);
    if (!isfinite(value) || value != floor(value))
        return husk_fail(HUSK_ERANGE, "%s has no room for %s, which is no integer",
                         husk__ffi_words_of(type).text, number);
    if (value < -0x1p63 || value >= 0x1p64)
        return out_of_range(type, number);
    if (value < 0x1p63)
        return husk_ffi_integer_write(type, at, (int64_t)value);
    return husk_ffi_unsigned_write(type, at, (uint64_t)value);
}

static bool is_address(const husk_ffi_type *type)
{
    return type->kind == HUSK_FFI_POINTER || type->kind == HUSK_FFI_STR || type->kind == HUSK_FFI_REF;
}

husk_status husk_ffi_pointer_read(const husk_ffi_type *type, const void *at, void **out)
{
    if (!is_address(type))
        return not_of(type, "a pointer");
    memcpy(out, at, sizeof *out);
    return HUSK_OK;
}

husk_status husk_ffi_pointer_write(const husk_ffi_type *type, void *at, const void *value)
{
    if (!is_address(type))
        return not_of(type, "a pointer");
    memcpy(at, &value, sizeof value);
    return HUSK_OK;
}
