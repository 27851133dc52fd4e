/* tests/ffi/ffi_test.h: what the tests of libhusk-ffi share. Each test has a space of its own, and when it
 * has ended the library must hold no memory. */
#ifndef HUSK_TESTS_FFI_H
#define HUSK_TESTS_FFI_H

#include <husk/ffi.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call)                                                                                             \
    do {                                                                                                     \
        husk_status status_ = (call);                                                                        \
        if (status_ != HUSK_OK)                                                                              \
            fail_msg("%s: %s: %s", #call, husk_status_name(status_), husk_message());                        \
    } while (0)

/* The call fails so, and its text has the words. */
#define FAILS(wanted, words, call)                                                                           \
    do {                                                                                                     \
        husk_status status_ = (call);                                                                        \
        if (status_ != (wanted) || !strstr(husk_message(), (words)))                                         \
            fail_msg("%s: %s: %s", #call, husk_status_name(status_), husk_message());                        \
    } while (0)

static inline int space_setup(void **state)
{
    husk_ffi_space *space;
    if (husk_ffi_space_new(&space) != HUSK_OK)
        return -1;
    *state = space;
    return 0;
}

static inline int space_teardown(void **state)
{
    husk_ffi_space_free(*state);
    husk_ffi_quarantine_empty();
    assert_int_equal(husk_ffi_memory_held(), 0);
    return 0;
}

static inline const husk_ffi_type *parsed(husk_ffi_space *space, const char *text)
{
    const husk_ffi_type *type = NULL;
    husk_status status = husk_ffi_parse(space, text, &type);
    if (status != HUSK_OK)
        fail_msg("\"%s\": %s", text, husk_message());
    return type;
}

/* ISO C converts no function pointer to void *; POSIX does. */
static inline void *address_of(void (*function)(void))
{
    void *address;
    memcpy(&address, &function, sizeof address);
    return address;
}
#define ADDRESS(f) address_of((void (*)(void))(f))

static inline husk_ffi_call *prepared(husk_ffi_space *space, const char *text, void *address)
{
    husk_ffi_call *call = NULL;
    OK(husk_ffi_call_new(space, parsed(space, text), address, NULL, 0, &call));
    return call;
}

#endif
