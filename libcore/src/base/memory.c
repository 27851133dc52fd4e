/* base/memory.c: the two gates and what is counted at them. See memory.h. */
#define _GNU_SOURCE
#include "base/memory.h"

#include <husk/debug.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void *system_reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

static bool system_commit(void *at, size_t bytes)
{
    return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void system_advise_huge(void *at, size_t bytes)
{
    (void)madvise(at, bytes, MADV_HUGEPAGE);
}

/* Locked memory (mlockall) cannot be given back; what comes from here must be zero all the same. */
static void system_decommit(void *at, size_t bytes)
{
    if (madvise(at, bytes, MADV_DONTNEED) != 0)
        memset(at, 0, bytes);
}

static bool system_withdraw(void *at, size_t bytes)
{
    /* A fresh mapping over the old one drops the memory and its commit charge together. */
    return mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
           MAP_FAILED;
}

static void system_release(void *at, size_t bytes)
{
    (void)munmap(at, bytes);
}

static void *system_raw(void *old, size_t bytes)
{
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, bytes);
}

const struct husk__gates husk__system_gates = {
    system_reserve,  system_commit,  system_advise_huge, system_decommit,
    system_withdraw, system_release, system_raw,
};

static const struct husk__gates *gates = &husk__system_gates;
static _Atomic uint64_t requests;
static _Atomic uint64_t refuse_at; /* the request number that is refused; 0: none */
static atomic_bool refuse_on;      /* and every later one */
static _Atomic int64_t held, raw_held;

void husk__memory_set_gates(const struct husk__gates *other)
{
    gates = other ? other : &husk__system_gates;
}

bool husk__memory_refused(void)
{
    uint64_t number = atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&refuse_at, memory_order_relaxed);
    if (at == 0 || number < at)
        return false;
    return number == at || atomic_load_explicit(&refuse_on, memory_order_relaxed);
}

uint64_t husk_memory_requests(void)
{
    return atomic_load_explicit(&requests, memory_order_relaxed);
}

void husk_memory_fail(uint64_t nth, bool on)
{
    atomic_store_explicit(&refuse_on, on, memory_order_relaxed);
    atomic_store_explicit(&refuse_at, nth ? husk_memory_requests() + nth : 0, memory_order_relaxed);
}

size_t husk_memory_held(void)
{
    return (size_t)atomic_load_explicit(&held, memory_order_relaxed);
}

void husk__memory_note(int64_t bytes)
{
    atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed);
}

size_t husk__raw_held(void)
{
    return (size_t)atomic_load_explicit(&raw_held, memory_order_relaxed);
}

static void note_raw(int64_t bytes)
{
    atomic_fetch_add_explicit(&raw_held, bytes, memory_order_relaxed);
    husk__memory_note(bytes);
}

void *husk__memory_reserve(size_t bytes, enum husk__use use)
{
    void *at = gates->reserve(bytes);
    if (at)
        husk__reserved_add(at, bytes, use);
    return at;
}

bool husk__memory_commit(void *at, size_t bytes)
{
    return !husk__memory_refused() && gates->commit(at, bytes);
}

void husk__memory_advise_huge(void *at, size_t bytes)
{
    gates->advise_huge(at, bytes);
}

void husk__memory_decommit(void *at, size_t bytes)
{
    gates->decommit(at, bytes);
}

bool husk__memory_withdraw(void *at, size_t bytes)
{
    return gates->withdraw(at, bytes);
}

void husk__memory_release(void *at, size_t bytes)
{
    husk__reserved_remove(at, bytes); /* first: what is given back may be somebody else's at once */
    gates->release(at, bytes);
}

void *husk__raw_new(size_t bytes)
{
    return husk__raw_resize(NULL, 0, bytes);
}

void *husk__raw_resize(void *old, size_t old_bytes, size_t new_bytes)
{
    if (new_bytes == 0) {
        husk__raw_free(old, old_bytes);
        return NULL;
    }
    if (new_bytes > old_bytes && husk__memory_refused())
        return NULL;
    void *block = gates->raw(old, new_bytes);
    if (!block) {
        if (new_bytes > old_bytes)
            return NULL;
        block = old; /* a refused shrink leaves the old block as it is */
    }
    if (new_bytes > old_bytes)
        memset((char *)block + old_bytes, 0, new_bytes - old_bytes);
    note_raw((int64_t)new_bytes - (int64_t)old_bytes);
    return block;
}

void husk__raw_free(void *old, size_t bytes)
{
    if (!old)
        return;
    (void)gates->raw(old, 0);
    note_raw(-(int64_t)bytes);
}
