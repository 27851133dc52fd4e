/* builtin.c: the types that every space has, and their names: those of the grammar and those of C, by the
 * platform. */
#include "type.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <wchar.h>

#define SCALAR(id, c_type, text, ffi)                                                                        \
    [HUSK_FFI_##id] = { .kind = HUSK_FFI_##id,                                                               \
                        .name = (text),                                                                      \
                        .size = sizeof(c_type),                                                              \
                        .alignment = _Alignof(c_type),                                                       \
                        .complete = true,                                                                    \
                        .depth = 1,                                                                          \
                        .refs = HUSK_FFI_##id == HUSK_FFI_REF,                                               \
                        .form = &ffi_type_##ffi }

#if CHAR_MIN < 0
#define ffi_type_plain_char ffi_type_sint8
#else
#define ffi_type_plain_char ffi_type_uint8
#endif

const husk_ffi_type husk__ffi_builtin[HUSK_FFI_REF + 1] = {
    [HUSK_FFI_VOID] = { .kind = HUSK_FFI_VOID, .name = "void", .depth = 1, .form = &ffi_type_void },
    SCALAR(BOOL, bool, "bool", uint8),
    SCALAR(CHAR, char, "char", plain_char),
    SCALAR(I8, int8_t, "i8", sint8),
    SCALAR(U8, uint8_t, "u8", uint8),
    SCALAR(I16, int16_t, "i16", sint16),
    SCALAR(U16, uint16_t, "u16", uint16),
    SCALAR(I32, int32_t, "i32", sint32),
    SCALAR(U32, uint32_t, "u32", uint32),
    SCALAR(I64, int64_t, "i64", sint64),
    SCALAR(U64, uint64_t, "u64", uint64),
    SCALAR(F32, float, "f32", float),
    SCALAR(F64, double, "f64", double),
    SCALAR(STR, const char *, "str", pointer),
    SCALAR(REF, husk_obj *, "ref", pointer),
};

const husk_ffi_type husk__ffi_void_pointer = { .kind = HUSK_FFI_POINTER,
                                               .size = sizeof(void *),
                                               .alignment = _Alignof(void *),
                                               .complete = true,
                                               .depth = 2,
                                               .element = &husk__ffi_builtin[HUSK_FFI_VOID],
                                               .form = &ffi_type_pointer };

static const husk_ffi_type *of_kind(husk_ffi_kind kind)
{
    return &husk__ffi_builtin[kind];
}

static const husk_ffi_type *integer(size_t size, bool is_signed)
{
    switch (size) {
    case 1:
        return of_kind(is_signed ? HUSK_FFI_I8 : HUSK_FFI_U8);
    case 2:
        return of_kind(is_signed ? HUSK_FFI_I16 : HUSK_FFI_U16);
    case 4:
        return of_kind(is_signed ? HUSK_FFI_I32 : HUSK_FFI_U32);
    default:
        return of_kind(is_signed ? HUSK_FFI_I64 : HUSK_FFI_U64);
    }
}

#define C_INTEGER(type)                                                                                      \
    {                                                                                                        \
#type, sizeof(type), (type)-1 < (type)1                                                              \
    }
static const struct {
    const char *name;
    size_t size;
    bool is_signed;
} c_integers[] = {
    C_INTEGER(size_t),    C_INTEGER(ssize_t),  C_INTEGER(ptrdiff_t), C_INTEGER(intptr_t),
    C_INTEGER(uintptr_t), C_INTEGER(intmax_t), C_INTEGER(uintmax_t), C_INTEGER(int8_t),
    C_INTEGER(int16_t),   C_INTEGER(int32_t),  C_INTEGER(int64_t),   C_INTEGER(uint8_t),
    C_INTEGER(uint16_t),  C_INTEGER(uint32_t), C_INTEGER(uint64_t),  C_INTEGER(wchar_t),
};

/* "unsigned long int" and the like: C's integer words in any order; NULL: no such type. */
static const husk_ffi_type *c_words(const char *text, size_t length)
{
    static const char *const words[] = { "signed", "unsigned", "char", "short", "int", "long" };
    enum { SIGNED, UNSIGNED, CHAR, SHORT, INT, LONG, WORDS };
    unsigned seen[WORDS] = { 0 };
    for (size_t at = 0; at <= length;) {
        const char *blank = memchr(text + at, ' ', length - at);
        size_t width = blank ? (size_t)(blank - text) - at : length - at;
        size_t w = 0;
        while (w < WORDS && !(strlen(words[w]) == width && memcmp(words[w], text + at, width) == 0))
            w++;
        if (w == WORDS)
            return NULL;
        seen[w]++;
        at += width + 1;
    }
    for (int w = 0; w < WORDS; w++) {
        if (seen[w] > (w == LONG ? 2u : 1u))
            return NULL;
    }
    if (seen[SIGNED] + seen[UNSIGNED] > 1 || seen[CHAR] + seen[SHORT] + (seen[LONG] > 0) > 1 ||
        (seen[CHAR] && seen[INT]))
        return NULL;
    if (seen[CHAR])
        return seen[SIGNED] || seen[UNSIGNED] ? integer(1, seen[SIGNED]) : of_kind(HUSK_FFI_CHAR);
    size_t size = seen[SHORT]      ? sizeof(short)
                  : seen[LONG] > 1 ? sizeof(long long)
                  : seen[LONG]     ? sizeof(long)
                                   : sizeof(int);
    return integer(size, !seen[UNSIGNED]);
}

static bool same(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

const husk_ffi_type *husk__ffi_builtin_find(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof husk__ffi_builtin / sizeof *husk__ffi_builtin; i++) {
        if (same(husk__ffi_builtin[i].name, text, length))
            return &husk__ffi_builtin[i];
    }
    for (size_t i = 0; i < sizeof c_integers / sizeof *c_integers; i++) {
        if (same(c_integers[i].name, text, length))
            return integer(c_integers[i].size, c_integers[i].is_signed);
    }
    if (same("float", text, length))
        return of_kind(HUSK_FFI_F32);
    if (same("double", text, length))
        return of_kind(HUSK_FFI_F64);
    if (same("_Bool", text, length))
        return of_kind(HUSK_FFI_BOOL);
    if (same("ptr", text, length))
        return &husk__ffi_void_pointer;
    return c_words(text, length);
}
