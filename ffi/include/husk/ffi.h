/* husk/ffi.h: C functions, C layouts and C callbacks described at run time (libhusk-ffi, on libffi).
 *
 * A space owns the types made in it. A type is a kind, a C layout and a spelling; all types of one shape are
 * one pointer within a space (structs and enums with a name: one for each name). A prepared call makes a C
 * function callable, a closure makes a function callable from C, a heap type lays counted objects out as a C
 * struct.
 *
 * Nothing here can see whether a description is the truth: a wrong signature is a wrong program, as in C.
 *
 * Errors: a status, the text in husk_message. After an error the space is as it was before the call.
 * Threads: a space, and all that is made in it, belongs to one thread at a time; what is an exception says
 * so. Link with -lhusk-ffi -lhusk. */
#ifndef HUSK_FFI_H
#define HUSK_FFI_H

#include <husk/status.h>
#include <husk/type.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_ffi_space husk_ffi_space;     /* types made at run time */
typedef struct husk_ffi_type husk_ffi_type;       /* one of them; lives as long as its space */
typedef struct husk_ffi_call husk_ffi_call;       /* a function made ready to be called */
typedef struct husk_ffi_closure husk_ffi_closure; /* a C function pointer made from a function and its data */

/* ---- spaces ---- */

/* A space that knows the built-in names. HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_space_new(husk_ffi_space **out);

/* Ends the caller's hold; NULL is fine. Types are not to be used after it. Memory goes with the last call and
 * closure that was made in the space, dead closures included (husk_ffi_closure_end). */
HUSK_API void husk_ffi_space_free(HUSK_NULLABLE husk_ffi_space *space);

/* Types made so far, built-in ones included. */
HUSK_API size_t husk_ffi_space_count(const husk_ffi_space *space);

/* The type of a name: built in ("i32", "unsigned long"), declared ("Point", "struct stat") or by typedef.
 * NULL: there is none. */
HUSK_API HUSK_NULLABLE const husk_ffi_type *husk_ffi_space_find(const husk_ffi_space *space,
                                                                const char *name);

/* ---- types ---- */

typedef enum husk_ffi_kind {
    HUSK_FFI_VOID = 0,
    HUSK_FFI_BOOL, /* 0 or 1 */
    HUSK_FFI_CHAR, /* plain char: an integer, signed as the platform has it */
    HUSK_FFI_I8,   /* short, int, long, size_t ... are these, as the platform has them */
    HUSK_FFI_U8,
    HUSK_FFI_I16,
    HUSK_FFI_U16,
    HUSK_FFI_I32,
    HUSK_FFI_U32,
    HUSK_FFI_I64,
    HUSK_FFI_U64,
    HUSK_FFI_F32,
    HUSK_FFI_F64,
    HUSK_FFI_STR,      /* const char *: lent to C for a call, copied when it comes from C */
    HUSK_FFI_REF,      /* husk_obj *: a counted reference or NULL */
    HUSK_FFI_POINTER,  /* to an element, which may be void, incomplete or a function */
    HUSK_FFI_STRUCT,   /* fields one after the other, laid out as the C compiler does */
    HUSK_FFI_UNION,    /* fields at the same place; never passed by value */
    HUSK_FFI_ARRAY,    /* of `count` elements; in structs, behind pointers, never a parameter */
    HUSK_FFI_ENUM,     /* named constants of an integer type */
    HUSK_FFI_FUNCTION, /* result, parameters, maybe variadic; has no size */
} husk_ffi_kind;

enum {
    HUSK_FFI_MAX_TEXT = 65536,      /* bytes of a text to parse */
    HUSK_FFI_MAX_DEPTH = 32,        /* types within types, in texts and by constructors */
    HUSK_FFI_MAX_PARAMS = 127,      /* what C promises */
    HUSK_FFI_MAX_FIELDS = 4096,     /* of one struct, union or enum */
    HUSK_FFI_MAX_SIZE = 0x40000000, /* bytes of one type */
};

/* The type that a text describes, in the grammar of docs/ffi-signatures.md:
 *   "i32*"  "f64[4]"  "{x:f64,y:f64}"  "Point"  "int(str,...)"  "int(void*,void*)*"
 * HUSK_EINVAL: it does not parse, or C has no such type; the message ends in the text (or the part of it
 * round the fault) and, on a line of its own, a caret below the fault. HUSK_ERANGE: a limit above.
 * HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_parse(husk_ffi_space *space, const char *text, const husk_ffi_type **out);

/* The type in the same grammar, so that parsing gives it back; with a zero at the end, within room.
 * HUSK_ERANGE: it was cut, and ends in "...". Any thread. */
HUSK_API husk_status husk_ffi_type_spell(const husk_ffi_type *type, char *out, size_t room);

/* Constructors. HUSK_EINVAL: C has no such type; HUSK_ERANGE: a limit; HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_pointer(husk_ffi_space *space, const husk_ffi_type *element,
                                      const husk_ffi_type **out);
HUSK_API husk_status husk_ffi_array(husk_ffi_space *space, const husk_ffi_type *element, size_t count,
                                    const husk_ffi_type **out);
HUSK_API husk_status husk_ffi_function(husk_ffi_space *space, const husk_ffi_type *result,
                                       const husk_ffi_type *const *params, size_t count, bool variadic,
                                       const husk_ffi_type **out);

/* A field of a struct or union. Without a name (NULL): a struct or union whose fields are found as if they
 * were the outer one's, as in C11. */
typedef struct husk_ffi_field {
    const char *name;          /* copied */
    const husk_ffi_type *type; /* complete, no function */
    size_t offset;             /* an answer; not read by constructors */
    unsigned bits;             /* of a bit-field; anything but 0 is refused */
} husk_ffi_field;

enum { HUSK_FFI_PACKED = 1u << 0 }; /* asks for a packed struct, which is refused */

/* Declares a struct or union: incomplete until completed, to be pointed to meanwhile. The name is an
 * identifier, alone or behind "struct " (or "union "). One that is declared already is given again, also
 * when it is complete. HUSK_EINVAL: not such a name, or a built-in one; HUSK_ESTATE: the name is something
 * else's; HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_struct_declare(husk_ffi_space *space, const char *name,
                                             const husk_ffi_type **out);
HUSK_API husk_status husk_ffi_union_declare(husk_ffi_space *space, const char *name,
                                            const husk_ffi_type **out);

/* Gives a declared struct or union its fields (one at least) and with them its layout. HUSK_ESTATE: it has
 * been completed; HUSK_EINVAL: a bit-field, a packed struct, two fields of one name, an incomplete field;
 * HUSK_ERANGE; HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_complete(husk_ffi_space *space, const husk_ffi_type *type,
                                       const husk_ffi_field *fields, size_t count, unsigned flags);

/* A struct or union without a name. The same fields give the same type. */
HUSK_API husk_status husk_ffi_struct(husk_ffi_space *space, const husk_ffi_field *fields, size_t count,
                                     const husk_ffi_type **out);
HUSK_API husk_status husk_ffi_union(husk_ffi_space *space, const husk_ffi_field *fields, size_t count,
                                    const husk_ffi_type **out);

typedef struct husk_ffi_constant {
    const char *name; /* copied */
    int64_t value;
} husk_ffi_constant;

/* An enum; name as for structs (with "enum "), or NULL. underlying is an integer type; NULL: the first of
 * i32, u32, i64 that has room for all constants. HUSK_ESTATE: the name is taken; else as structs. */
HUSK_API husk_status husk_ffi_enum(husk_ffi_space *space, HUSK_NULLABLE const char *name,
                                   HUSK_NULLABLE const husk_ffi_type *underlying,
                                   const husk_ffi_constant *constants, size_t count,
                                   const husk_ffi_type **out);

/* Another name, an identifier, for a type; once more for the same type is fine. HUSK_ESTATE: the name is
 * something else's; HUSK_EINVAL: not such a name, or a built-in one; HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_typedef(husk_ffi_space *space, const char *name, const husk_ffi_type *type);

/* ---- questions about types; any thread, while nobody changes the space ---- */

HUSK_API husk_ffi_kind husk_ffi_type_kind(const husk_ffi_type *type);
/* "i32", "pointer", "struct": the kind in a word. */
HUSK_API const char *husk_ffi_kind_name(husk_ffi_kind kind);
/* The name it was declared under; NULL: none. */
HUSK_API HUSK_NULLABLE const char *husk_ffi_type_name(const husk_ffi_type *type);
/* Bytes as sizeof and _Alignof say; 0 for void, functions and what is incomplete. */
HUSK_API size_t husk_ffi_type_size(const husk_ffi_type *type);
HUSK_API size_t husk_ffi_type_alignment(const husk_ffi_type *type);
/* False for a struct or union that is only declared; void counts as incomplete, as in C. */
HUSK_API bool husk_ffi_type_is_complete(const husk_ffi_type *type);
/* Of pointers and arrays what they are made of, of enums the integer type; else NULL. */
HUSK_API HUSK_NULLABLE const husk_ffi_type *husk_ffi_type_element(const husk_ffi_type *type);
/* Elements of an array, fields of a struct or union, constants of an enum, parameters of a function; else
 * 0. */
HUSK_API size_t husk_ffi_type_count(const husk_ffi_type *type);
/* Of structs and unions: a field by number or by name. False: there is none. Found by name through unnamed
 * fields too, with the offset from the outermost start. */
HUSK_API bool husk_ffi_type_field(const husk_ffi_type *type, size_t index, husk_ffi_field *out);
HUSK_API bool husk_ffi_type_field_find(const husk_ffi_type *type, const char *name, husk_ffi_field *out);
/* Of enums, likewise. */
HUSK_API bool husk_ffi_type_constant(const husk_ffi_type *type, size_t index, husk_ffi_constant *out);
HUSK_API bool husk_ffi_type_constant_find(const husk_ffi_type *type, const char *name, int64_t *out);
/* Of functions; NULL for other types and beyond the last parameter. */
HUSK_API HUSK_NULLABLE const husk_ffi_type *husk_ffi_type_result(const husk_ffi_type *type);
HUSK_API HUSK_NULLABLE const husk_ffi_type *husk_ffi_type_param(const husk_ffi_type *type, size_t index);
HUSK_API bool husk_ffi_type_is_variadic(const husk_ffi_type *type);
/* bool, char, i8 to u64 and enums; and those of them that are signed. */
HUSK_API bool husk_ffi_type_is_integer(const husk_ffi_type *type);
HUSK_API bool husk_ffi_type_is_signed(const husk_ffi_type *type);

/* ---- values at an address, which must be aligned for the type; any thread ---- */

/* HUSK_ETYPE: no integer type; HUSK_ERANGE: a u64 above INT64_MAX (its bits are in *out all the same). */
HUSK_API husk_status husk_ffi_integer_read(const husk_ffi_type *type, const void *at, int64_t *out);
/* HUSK_ETYPE; HUSK_ERANGE: the type has no room for it, and nothing is written. */
HUSK_API husk_status husk_ffi_integer_write(const husk_ffi_type *type, void *at, int64_t value);
HUSK_API husk_status husk_ffi_unsigned_write(const husk_ffi_type *type, void *at, uint64_t value);
/* f32 and f64, and integers as the nearest double. HUSK_ETYPE: neither. */
HUSK_API husk_status husk_ffi_double_read(const husk_ffi_type *type, const void *at, double *out);
/* HUSK_ERANGE: a finite number beyond f32; for an integer type, one with a fraction or beyond the type. */
HUSK_API husk_status husk_ffi_double_write(const husk_ffi_type *type, void *at, double value);
/* str, ref and pointers. HUSK_ETYPE: none of them. */
HUSK_API husk_status husk_ffi_pointer_read(const husk_ffi_type *type, const void *at, void **out);
HUSK_API husk_status husk_ffi_pointer_write(const husk_ffi_type *type, void *at, const void *value);

/* ---- calls ---- */

/* Makes the function at address callable. `more` are the types of the arguments in the place of "..." (NULL
 * and 0 where there are none). HUSK_EINVAL: no function type, more types for a function that is not
 * variadic, one that C promotes (bool, char, i8, i16, u8, u16, f32: say the promoted one), a union by value,
 * an incomplete type; HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_call_new(husk_ffi_space *space, const husk_ffi_type *function, void *address,
                                       const husk_ffi_type *const *more, size_t more_count,
                                       husk_ffi_call **out);
HUSK_API void husk_ffi_call_free(HUSK_NULLABLE husk_ffi_call *call);

/* Calls: args[i] points to argument i, a value of just the C type; result to room for the result (for a void
 * function it is not touched and may be NULL). errno is 0 when the function begins; what it left is
 * husk_ffi_errno. Needs no memory. Any thread, several at a time. */
HUSK_API void husk_ffi_call_run(const husk_ffi_call *call, void *result, void *const *args);

/* Shorter roads, for calls of one sort of values; what husk_ffi_call_run does to errno, they do too. Where the calling
 * convention is not known every call is HUSK_FFI_MIXED. */
typedef enum husk_ffi_shape {
    HUSK_FFI_MIXED = 0, /* husk_ffi_call_run alone */
    HUSK_FFI_WORDS,     /* at most six integers and pointers; the result is one, or void */
    HUSK_FFI_DOUBLES,   /* at most eight f64; the result is one */
} husk_ffi_shape;
enum { HUSK_FFI_MOST_WORDS = 6, HUSK_FFI_MOST_DOUBLES = 8 };

HUSK_API husk_ffi_shape husk_ffi_call_shape(const husk_ffi_call *call);

/* Each argument as wide as a word, with its sign if it has one. There is room for HUSK_FFI_MOST_WORDS, and those that no
 * argument needs may hold anything. The result is in the low bytes of the answer, whatever is above. */
HUSK_API uint64_t husk_ffi_call_words(const husk_ffi_call *call, const uint64_t *words);
/* Likewise. */
HUSK_API double husk_ffi_call_doubles(const husk_ffi_call *call, const double *doubles);

/* Arguments to give, those for "..." included, and their types. */
HUSK_API size_t husk_ffi_call_count(const husk_ffi_call *call);
HUSK_API HUSK_NULLABLE const husk_ffi_type *husk_ffi_call_param(const husk_ffi_call *call, size_t index);
HUSK_API const husk_ffi_type *husk_ffi_call_result(const husk_ffi_call *call);

/* errno as this thread's latest call left it; and another value for it. */
HUSK_API int husk_ffi_errno(void);
HUSK_API void husk_ffi_errno_set(int value);

/* ---- closures ---- */

/* What C calls in the end: args[i] points to argument i, result to zeroed room for the result, both of just
 * the C types (for void, result is not to be used). Must return normally: no longjmp, no exception. */
typedef void husk_ffi_closure_fn(void *data, void *const *args, size_t count, void *result);

/* A C function pointer, *code, of a function type that is not variadic. name is for reports, copied; NULL:
 * none. On success data_free(data), if not NULL, is called once, at the closure's end. HUSK_EINVAL: as
 * husk_ffi_call_new, and a variadic function; HUSK_ENOMEM, also where the system gives no executable
 * memory. */
HUSK_API husk_status husk_ffi_closure_new(husk_ffi_space *space, const husk_ffi_type *function,
                                          HUSK_NULLABLE const char *name, husk_ffi_closure_fn *fn, void *data,
                                          HUSK_NULLABLE husk_free_fn *data_free, husk_ffi_closure **out,
                                          void **code);

/* Ends a closure; the handle is gone. Its code can still be called: it answers zero and reports that the
 * closure is dead. It stays so until HUSK_FFI_QUARANTINE later ones (of the whole process) have ended. An
 * end while the closure runs takes effect for later calls; data_free follows when it has returned. Any thread, once;
 * data_free is called there, or where the closure runs. */
HUSK_API void husk_ffi_closure_end(HUSK_NULLABLE husk_ffi_closure *closure);

enum { HUSK_FFI_QUARANTINE = 256 };

/* Gives back the code of all dead closures now; calling it afterwards is a wild jump. Any thread, but not from a
 * report of a dead one. */
HUSK_API void husk_ffi_quarantine_empty(void);

HUSK_API void *husk_ffi_closure_code(const husk_ffi_closure *closure);

typedef struct husk_ffi_report {
    husk_status
        status; /* HUSK_ESTATE: called when dead; HUSK_EBUSY: on another thread; else the program's own */
    uint64_t number; /* of the space's reports, from 1; 0: there was none */
    char text[256];  /* one line with the closure's name and signature; cut at the end */
} husk_ffi_report;

/* Hears of a report, on the thread that the space belongs to. Must not end the space. */
typedef void husk_ffi_report_fn(const husk_ffi_report *report, void *data);

/* Sets who hears of reports (on the maker's thread; for other threads see below) in place
 * of the one before, whose data_free is called. NULL: nobody; then each report is a line on stderr. */
HUSK_API void husk_ffi_space_on_report(husk_ffi_space *space, HUSK_NULLABLE husk_ffi_report_fn *fn,
                                       void *data, HUSK_NULLABLE husk_free_fn *data_free);

/* Sets who hears of reports on other threads: there, at once, several at a time maybe. Before the space's first
 * closure. fn and data must be there as long as C may call what was made in the space, also after its end. NULL, as at
 * first: such reports are only kept, or a line on stderr if nobody hears of the others either. */
HUSK_API void husk_ffi_space_on_report_elsewhere(husk_ffi_space *space, HUSK_NULLABLE husk_ffi_report_fn *fn,
                                                 void *data);

/* The latest report of the space, whatever thread it came from; false: there was none yet. */
HUSK_API bool husk_ffi_last_report(const husk_ffi_space *space, husk_ffi_report *out);

/* Reports what went wrong inside of a closure's function. To be called from there. */
HUSK_API void husk_ffi_closure_report(husk_ffi_closure *closure, husk_status status, const char *text);

/* ---- heap types ---- */

/* Registers a husk_type whose objects begin as the struct does, byte for byte, and whose slots are its `ref`
 * fields, those in nested structs and arrays too ("next", "pos.next", "kids[2]"). The same struct under the
 * same name gives the same type. HUSK_EINVAL: no complete struct, a ref in a union; HUSK_ERANGE: too many
 * slots; HUSK_ENOMEM. */
HUSK_API husk_status husk_ffi_heap_type(husk_ffi_space *space, const husk_ffi_type *struct_type,
                                        const char *name, const husk_type **out);

/* The struct that a type was registered from in this space; NULL: none. */
HUSK_API HUSK_NULLABLE const husk_ffi_type *husk_ffi_heap_type_struct(const husk_ffi_space *space,
                                                                      const husk_type *type);

/* ---- memory ---- */

/* As husk_memory_fail and its like in husk/debug.h, for the memory of this library. */
HUSK_API void husk_ffi_memory_fail(uint64_t nth, bool on);
HUSK_API uint64_t husk_ffi_memory_requests(void);
HUSK_API size_t husk_ffi_memory_held(void);

#ifdef __cplusplus
}
#endif

#endif
