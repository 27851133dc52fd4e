/* preload/next.c: see next.h. dlsym may ask for memory itself, and so may whoever runs before the search is over. */
#define _GNU_SOURCE
#include "preload/next.h"

#include "base/check.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

struct preload_next preload_next;

static _Atomic int found; /* 1: being looked for; 2: done */
static _Thread_local bool looking __attribute__((tls_model("initial-exec")));

static void *find(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Object pointers to functions: what POSIX promises of dlsym, and C does not. */
#define FIND(member)                                                                                         \
    do {                                                                                                     \
        void *at = find(#member);                                                                            \
        memcpy(&preload_next.member, &at, sizeof at);                                                        \
    } while (0)

bool preload_next_find(void)
{
    if (LIKELY(atomic_load_explicit(&found, memory_order_acquire) == 2))
        return true;
    if (looking)
        return false;
    looking = true;
    /* The first call comes from the loader or a constructor, so there is one thread; should there be two, both find
     * the same. */
    FIND(malloc);
    FIND(free);
    FIND(calloc);
    FIND(realloc);
    FIND(memalign);
    FIND(aligned_alloc);
    FIND(posix_memalign);
    FIND(valloc);
    FIND(pvalloc);
    looking = false;
    ALWAYS(preload_next.malloc && preload_next.free && preload_next.calloc && preload_next.realloc,
           "preload: the program has no malloc");
    atomic_store_explicit(&found, 2, memory_order_release);
    return true;
}

/* ---- the early room ---- */

_Alignas(16) unsigned char preload_early_room[PRELOAD_EARLY_ROOM];
static _Atomic size_t early_used;

void *preload_early(size_t bytes)
{
    size_t need = (bytes + 16 + 15) & ~(size_t)15; /* 16 for its size */
    if (need < bytes)
        return NULL;
    size_t at = atomic_fetch_add(&early_used, need);
    if (at > PRELOAD_EARLY_ROOM - 16 || need > PRELOAD_EARLY_ROOM - at)
        return NULL;
    memcpy(preload_early_room + at, &bytes, sizeof bytes);
    return preload_early_room + at + 16;
}

size_t preload_early_size(const void *block)
{
    size_t bytes;
    memcpy(&bytes, (const unsigned char *)block - 16, sizeof bytes);
    return bytes;
}
