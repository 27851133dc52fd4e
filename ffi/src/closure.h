/* closure.h: what a closure is inside, and the checks that every run of one begins and ends with. */
#ifndef HUSK_FFI_SRC_CLOSURE_H
#define HUSK_FFI_SRC_CLOSURE_H

#include "call.h"

enum { HUSK__FFI_THUNK_PARAMS = 13 }; /* at most: five integers, eight doubles */

struct husk_ffi_closure {
    atomic_uint state;                      /* CLOSURE_DEAD, and how many runs there are, one in the other */
    uint8_t result_code;                    /* enum husk__ffi_code */
    uint8_t places[HUSK__FFI_THUNK_PARAMS]; /* of arguments among a thunk's registers */
    uint64_t thread;                        /* of the maker, the only one that it runs on */
    husk_ffi_closure_fn *fn;
    void *data;
    husk_free_fn *data_free;
    size_t count;
    size_t result_size;
    husk_ffi_space *space;
    husk_ffi_closure *_Atomic *owner; /* the thunk's place of it; NULL: the code is libffi's */
    void *writable;                   /* libffi's */
    void *code;
    size_t bytes;            /* of this block, forms included */
    husk_ffi_closure *later; /* in quarantine */
    ffi_cif cif;
    const husk_ffi_type *function;
    char name[65]; /* for reports; empty: none */
    ffi_type *forms[];
};

/* The last run and the end may come at once, from two threads: whoever makes the word CLOSURE_DEAD alone finishes. A
 * run that began too late adds itself, finds CLOSURE_DEAD, and goes without a claim. */
#define CLOSURE_DEAD 0x80000000u

/* Dead, and not running: data ends, the code waits. */
void husk__ffi_closure_finish(husk_ffi_closure *closure);

/* Reports why it was not run. */
void husk__ffi_closure_refuse(husk_ffi_closure *closure);

/* False: it is not to run. */
static inline bool husk__ffi_closure_begin(husk_ffi_closure *closure)
{
    if (closure->thread != husk__ffi_thread())
        return false;
    if (!(atomic_fetch_add_explicit(&closure->state, 1, memory_order_acq_rel) & CLOSURE_DEAD))
        return true;
    atomic_fetch_sub_explicit(&closure->state, 1, memory_order_release);
    return false;
}

static inline void husk__ffi_closure_leave(husk_ffi_closure *closure)
{
    if (atomic_fetch_sub_explicit(&closure->state, 1, memory_order_acq_rel) == (CLOSURE_DEAD | 1))
        husk__ffi_closure_finish(closure);
}

#endif
