/* thunk.h: C functions that closures are entered through without libffi, from a stock of them. */
#ifndef HUSK_FFI_SRC_THUNK_H
#define HUSK_FFI_SRC_THUNK_H

#include "closure.h"

/* Gives the closure, of that function type, a C function as its code. False: there is none of that shape, or none
 * left. */
bool husk__ffi_thunk_take(husk_ffi_closure *closure, const husk_ffi_type *function);

/* Its code goes back to the stock, to be given out again after all that lie there. */
void husk__ffi_thunk_give(const husk_ffi_closure *closure);

#endif
