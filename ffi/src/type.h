/* type.h: what a type is inside. Types never change once they can be seen, but for two things: a declared
 * struct is completed once, and the form that libffi wants (`form`) is made when it is first needed. */
#ifndef HUSK_FFI_SRC_TYPE_H
#define HUSK_FFI_SRC_TYPE_H

#include <husk/ffi.h>

#include <ffi.h>

struct husk_ffi_type {
    const husk_ffi_space *space; /* NULL: built in, shared by all spaces */
    husk_ffi_type *older;        /* made before it, in its space */
    husk_ffi_type *bucket;       /* next in the table of shapes */
    uint64_t hash;               /* of the shape; 0: found by name only */
    const char *name;            /* built in or declared; NULL: spelled out */
    size_t size;
    size_t alignment;
    size_t count;                 /* elements, fields, constants, parameters */
    size_t refs;                  /* `ref` values within, elements of arrays each; stops at MANY_REFS */
    const husk_ffi_type *element; /* pointed to, repeated, underlying; result of a function */
    const husk_ffi_type *unlucky; /* a union within (or itself), so that it cannot go by value; NULL: none */
    union {
        husk_ffi_field *fields;
        husk_ffi_constant *constants;
        const husk_ffi_type **params;
    };
    ffi_type *form;
    uint8_t kind;  /* husk_ffi_kind */
    uint8_t depth; /* of its spelling: recursion over it is no deeper */
    uint8_t nest;  /* of values within values, likewise */
    bool complete;
    bool variadic;
    bool plain_enum; /* the underlying type is the one that the rule of husk_ffi_enum chooses */
};

enum { MANY_REFS = 1 << 16, MAX_NAME = 255 };

/* The built-in types by kind; void to ref. */
extern const husk_ffi_type husk__ffi_builtin[HUSK_FFI_REF + 1];
extern const husk_ffi_type husk__ffi_void_pointer;

/* The built-in type of a name, one blank between words ("unsigned long"); NULL: none. */
const husk_ffi_type *husk__ffi_builtin_find(const char *name, size_t length);

/* A value can be made of it: complete, no function. */
static inline bool husk__ffi_is_value(const husk_ffi_type *type)
{
    return type->complete && type->kind != HUSK_FFI_VOID && type->kind != HUSK_FFI_FUNCTION;
}

static inline bool husk__ffi_is_aggregate(const husk_ffi_type *type)
{
    return type->kind == HUSK_FFI_STRUCT || type->kind == HUSK_FFI_UNION;
}

/* The type of the values: of an enum the integer type, else itself. */
static inline const husk_ffi_type *husk__ffi_scalar(const husk_ffi_type *type)
{
    return type->kind == HUSK_FFI_ENUM ? type->element : type;
}

/* A spelling for messages; cut where it is long. */
typedef struct husk__ffi_words {
    char text[96];
} husk__ffi_words;
husk__ffi_words husk__ffi_words_of(const husk_ffi_type *type);

/* The name is one for a type of that kind to be declared under (a struct, union or enum, or HUSK_FFI_VOID
 * for a typedef): an identifier, maybe behind its tag, not built in. HUSK_EINVAL. */
husk_status husk__ffi_check_name(husk_ffi_kind kind, const char *name);

/* Letters, digits and _, no digit first; the bytes of it at text, 0: none. */
size_t husk__ffi_identifier(const char *text);

/* Finds among the first `count` fields, through unnamed ones. */
bool husk__ffi_field_among(const husk_ffi_type *type, size_t count, const char *name, husk_ffi_field *out);

#endif
