/* bindings/go/ffi/host.h: the C half of the Go package ffi: the space of a thread, and its callbacks.
 *
 * A closure may be entered at any time on the thread that made it, so only that thread may end it: an end on
 * another one cuts the Go function off at once, and the closure waits (home->late) until its thread makes or ends
 * one, or exits. */
#ifndef HUSK_GO_FFI_HOST_H
#define HUSK_GO_FFI_HOST_H

#include <husk/ffi.h>

typedef struct husk_go_home husk_go_home;
typedef struct husk_go_callback husk_go_callback;

struct husk_go_callback {
    uintptr_t id; /* of the Go function */
    husk_go_home *home;
    husk_ffi_closure *closure;
    const husk_ffi_type *type;
    void *code;
    husk_go_callback *later;
};

/* name may be NULL. The text of a failure is husk_message(), on this thread: the caller is locked to it. */
husk_status husk_go_callback_new(const char *signature, const char *name, uintptr_t id,
                                 husk_go_callback **out);
void husk_go_callback_end(husk_go_callback *callback);

#endif
