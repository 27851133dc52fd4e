/* preload/malloc.c: the functions that stand before the program's allocator, and two that tell of its end and of
 * unloaded code. malloc_usable_size and the like are left alone: they work on the blocks as they are.
 *
 * Every block is noted with the size that was asked for. It is forgotten before it is given back, so that nobody else
 * can have its address meanwhile; realloc forgets first too, and takes that back if it is refused. */
#define _GNU_SOURCE
#include "preload/next.h"
#include "preload/session.h"
#include "trace/foreign.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define DOMAIN 0

ALWAYS_INLINE void note(struct husk__from from, const void *block, size_t bytes)
{
    int kept = errno;
    if (LIKELY(block != NULL))
        (void)husk__foreign_block(from, DOMAIN, (uintptr_t)block, bytes);
    errno = kept;
}

/* Who has entered need not ask whether the next allocator is known: a session does not begin before. */
static NEVER_INLINE void *pass_malloc(size_t bytes)
{
    if (UNLIKELY(!preload_next_find()))
        return preload_early(bytes);
    atomic_store_explicit(&preload_passed, true, memory_order_relaxed);
    return preload_next.malloc(bytes);
}

EXPORT void *malloc(size_t bytes)
{
    if (UNLIKELY(!preload_enter()))
        return pass_malloc(bytes);
    void *block = preload_next.malloc(bytes);
    note(HUSK__FROM_HERE, block, bytes);
    preload_leave();
    return block;
}

static NEVER_INLINE void pass_free(void *block)
{
    if (preload_next_find())
        preload_next.free(block);
}

EXPORT void free(void *block)
{
    if (!block || UNLIKELY(preload_is_early(block)))
        return;
    if (UNLIKELY(!preload_enter())) {
        pass_free(block);
        return;
    }
    (void)husk__foreign_unblock(DOMAIN, (uintptr_t)block);
    preload_next.free(block);
    preload_leave();
}

EXPORT void *calloc(size_t count, size_t bytes)
{
    size_t all;
    if (UNLIKELY(!preload_next_find())) /* the early room is zeroed */
        return __builtin_mul_overflow(count, bytes, &all) ? NULL : preload_early(all);
    if (UNLIKELY(!preload_enter()))
        return preload_next.calloc(count, bytes);
    void *block = preload_next.calloc(count, bytes);
    note(HUSK__FROM_HERE, block, count * bytes);
    preload_leave();
    return block;
}

static void *early_to_next(void *block, size_t bytes)
{
    void *fresh = malloc(bytes);
    size_t have = preload_early_size(block);
    if (fresh)
        memcpy(fresh, block, have < bytes ? have : bytes);
    return fresh;
}

ALWAYS_INLINE void *resize(struct husk__from from, void *block, size_t bytes)
{
    if (UNLIKELY(!preload_next_find()))
        return block ? early_to_next(block, bytes) : preload_early(bytes);
    if (UNLIKELY(block && preload_is_early(block)))
        return early_to_next(block, bytes);
    if (UNLIKELY(!preload_enter()))
        return preload_next.realloc(block, bytes);
    struct husk__lifted lifted;
    bool was_known = block && husk__foreign_lift(DOMAIN, (uintptr_t)block, &lifted);
    void *fresh = preload_next.realloc(block, bytes);
    if (fresh || (block && bytes == 0)) /* the C library frees, then */
        note(from, fresh, bytes);
    else if (was_known)
        husk__foreign_stays(&lifted);
    preload_leave();
    return fresh;
}

EXPORT void *realloc(void *block, size_t bytes)
{
    return resize(HUSK__FROM_HERE, block, bytes);
}

EXPORT void *reallocarray(void *block, size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(HUSK__FROM_HERE, block, all);
}

/* ---- aligned ---- */

EXPORT void *memalign(size_t alignment, size_t bytes)
{
    if (UNLIKELY(!preload_next_find() || !preload_next.memalign)) {
        errno = ENOMEM;
        return NULL;
    }
    if (UNLIKELY(!preload_enter()))
        return preload_next.memalign(alignment, bytes);
    void *block = preload_next.memalign(alignment, bytes);
    note(HUSK__FROM_HERE, block, bytes);
    preload_leave();
    return block;
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes)
{
    if (UNLIKELY(!preload_next_find() || !preload_next.aligned_alloc)) {
        errno = ENOMEM;
        return NULL;
    }
    if (UNLIKELY(!preload_enter()))
        return preload_next.aligned_alloc(alignment, bytes);
    void *block = preload_next.aligned_alloc(alignment, bytes);
    note(HUSK__FROM_HERE, block, bytes);
    preload_leave();
    return block;
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t bytes)
{
    if (UNLIKELY(!preload_next_find() || !preload_next.posix_memalign))
        return ENOMEM;
    if (UNLIKELY(!preload_enter()))
        return preload_next.posix_memalign(out, alignment, bytes);
    int status = preload_next.posix_memalign(out, alignment, bytes);
    if (status == 0)
        note(HUSK__FROM_HERE, *out, bytes);
    preload_leave();
    return status;
}

/* Old ones, which not every allocator has: whole pages. */
static void *pages(void *(*next)(size_t), size_t bytes, size_t rounded)
{
    if (next)
        return next(bytes);
    if (preload_next.memalign && rounded >= bytes)
        return preload_next.memalign((size_t)sysconf(_SC_PAGESIZE), rounded);
    errno = ENOMEM;
    return NULL;
}

EXPORT void *valloc(size_t bytes)
{
    if (UNLIKELY(!preload_next_find()))
        return NULL;
    if (UNLIKELY(!preload_enter()))
        return pages(preload_next.valloc, bytes, bytes);
    void *block = pages(preload_next.valloc, bytes, bytes);
    note(HUSK__FROM_HERE, block, bytes);
    preload_leave();
    return block;
}

EXPORT void *pvalloc(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), rounded = (bytes + page - 1) / page * page;
    if (UNLIKELY(!preload_next_find()))
        return NULL;
    if (UNLIKELY(!preload_enter()))
        return pages(preload_next.pvalloc, bytes, rounded);
    void *block = pages(preload_next.pvalloc, bytes, rounded);
    note(HUSK__FROM_HERE, block, bytes);
    preload_leave();
    return block;
}

/* ---- the end, and unloaded code ---- */

/* The C library's own, whatever the program has in between; it never comes back. */
static _Noreturn void end_by(const char *name, int status)
{
    preload_finish();
    void *at = dlsym(RTLD_NEXT, name);
    void (*next)(int);
    memcpy(&next, &at, sizeof next);
    if (next)
        next(status);
    abort();
}

EXPORT _Noreturn void _exit(int status)
{
    end_by("_exit", status);
}

EXPORT _Noreturn void _Exit(int status)
{
    end_by("_Exit", status);
}

EXPORT int dlclose(void *handle)
{
    static int (*_Atomic next)(void *);
    int (*call)(void *) = atomic_load_explicit(&next, memory_order_relaxed);
    if (!call) {
        void *at = dlsym(RTLD_NEXT, "dlclose");
        memcpy(&call, &at, sizeof call);
        if (!call)
            return -1;
        atomic_store_explicit(&next, call, memory_order_relaxed);
    }
    int status = call(handle);
    husk__unwind_forget();
    return status;
}
