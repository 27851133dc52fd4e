/* form.h: types as libffi wants them. */
#ifndef HUSK_FFI_SRC_FORM_H
#define HUSK_FFI_SRC_FORM_H

#include "space.h"

/* Bytes of one struct that goes by value: it lies on the stack. */
enum { MOST_BY_VALUE = 65536 };

/* What libffi is told of a parameter or result; kept with the type. `what` begins the message of a refusal
 * ("parameter 2"). HUSK_EINVAL: incomplete, or a union within; HUSK_ERANGE: too large; HUSK_ENOMEM. */
husk_status husk__ffi_form(husk_ffi_space *space, const husk_ffi_type *type, const char *what,
                           ffi_type **out);

/* The forms of a function's result and parameters (count of them, written to forms). */
husk_status husk__ffi_forms(husk_ffi_space *space, const husk_ffi_type *function, ffi_type **result,
                            ffi_type **forms);

#endif
