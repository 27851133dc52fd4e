/* memory.c: the one gate to malloc, with the figures and the injected failures of <husk/ffi.h>. */
#include "memory.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_uint_fast64_t requests;
static atomic_uint_fast64_t fail_at; /* the request to refuse; 0: none */
static atomic_bool fail_on;          /* and all later ones */
static atomic_size_t held;

bool husk__ffi_refused(void)
{
    uint64_t now = atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    return at && (now == at || (now > at && atomic_load_explicit(&fail_on, memory_order_relaxed)));
}

husk_status husk__ffi_no_memory(void)
{
    return husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
}

void *husk__ffi_new(size_t bytes)
{
    void *block = husk__ffi_refused() ? NULL : calloc(1, bytes);
    if (block)
        atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed);
    else
        (void)husk__ffi_no_memory();
    return block;
}

void husk__ffi_free(void *old, size_t bytes)
{
    if (!old)
        return;
    atomic_fetch_sub_explicit(&held, bytes, memory_order_relaxed);
    free(old);
}

void husk_ffi_memory_fail(uint64_t nth, bool on)
{
    atomic_store(&fail_on, on);
    atomic_store(&fail_at, nth ? atomic_load(&requests) + nth : 0);
}

uint64_t husk_ffi_memory_requests(void)
{
    return atomic_load(&requests);
}

size_t husk_ffi_memory_held(void)
{
    return atomic_load(&held);
}
