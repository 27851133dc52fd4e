/* call.h: what a prepared call is inside. Does not change once made, so any thread may run it. */
#ifndef HUSK_FFI_SRC_CALL_H
#define HUSK_FFI_SRC_CALL_H

#include "space.h"

typedef void husk__ffi_route_fn(const husk_ffi_call *call, void *result, void *const *args);

struct husk_ffi_call {
    husk__ffi_route_fn *route; /* how it is called: through libffi, or directly (direct.c) */
    void (*address)(void);
    size_t count;
    uint8_t result_code;  /* enum husk__ffi_code */
    const uint8_t *codes; /* of each argument, for direct.c */
    const husk_ffi_type *result;
    const husk_ffi_type **params;
    ffi_type **forms;
    husk_ffi_space *space; /* held */
    size_t bytes;          /* of this block, all arrays included */
    ffi_cif cif;
};

/* How a scalar lies in memory; CODE_OTHER are structs. */
enum husk__ffi_code {
    CODE_VOID,
    CODE_I8,
    CODE_U8,
    CODE_I16,
    CODE_U16,
    CODE_I32,
    CODE_U32,
    CODE_64,
    CODE_F32,
    CODE_F64,
    CODE_OTHER,
};

enum husk__ffi_code husk__ffi_code_of(const husk_ffi_type *type);

/* errno as this thread's latest call left it. */
extern _Thread_local int husk__ffi_last_errno
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* The route that needs no libffi, or NULL where there is none for these types. */
husk__ffi_route_fn *husk__ffi_direct(const husk_ffi_call *call);

#endif
