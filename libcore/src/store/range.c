/* store/range.c: the reserved range and its bitmap of chunks; the fall-back. See range.h. */
#define _GNU_SOURCE
#include "store/range.h"

#include "base/bits.h"
#include "base/check.h"
#include "base/memory.h"

#include <husk/debug.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/resource.h>

#define MOST_CHUNKS ((size_t)1 << 18) /* 1 TiB */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool tried, refuse;
    char *base;                       /* aligned; NULL: mapped mode */
    size_t chunks;                    /* in the range */
    size_t from;                      /* no free chunk below this index */
    uint64_t taken[MOST_CHUNKS / 64]; /* 32 KiB of zero pages, touched as used */
} range;

/* A limit on address space means that the program is to be frugal with it: a reservation would eat it up. */
static bool address_space_is_free(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

static void reserve(void)
{
    static const unsigned char tries[] = { 40, 36, 34, 32 }; /* 1 TiB, 64, 16, 4 GiB */
    range.tried = true;
    if (range.refuse || sizeof(void *) < 8 || !address_space_is_free())
        return;
    for (size_t i = 0; i < sizeof tries && !range.base; i++) {
        size_t bytes = (size_t)1 << tries[i];
        char *at = husk__memory_reserve(bytes, HUSK__FOR_CHUNKS);
        if (!at)
            continue;
        char *base = (char *)husk__round_up((size_t)(uintptr_t)at, HUSK__CHUNK);
        range.base = base;
        range.chunks = (bytes - (size_t)(base - at)) / HUSK__CHUNK;
    }
}

static bool is_taken(size_t i)
{
    return (range.taken[i / 64] >> (i % 64)) & 1;
}

static void set_taken(size_t first, size_t n, bool on)
{
    for (size_t i = first; i < first + n; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        range.taken[i / 64] = on ? range.taken[i / 64] | bit : range.taken[i / 64] & ~bit;
    }
}

/* First fit, by index: low addresses are reused first. */
static size_t find_free(size_t n)
{
    size_t run = 0;
    for (size_t i = range.from; i < range.chunks; i++) {
        if (i % 64 == 0 && range.taken[i / 64] == ~(uint64_t)0) {
            run = 0;
            i += 63;
            continue;
        }
        run = is_taken(i) ? 0 : run + 1;
        if (run == n)
            return i + 1 - n;
    }
    return SIZE_MAX;
}

static void *take_from_range(size_t bytes, size_t n)
{
    size_t first = find_free(n);
    if (first == SIZE_MAX)
        return NULL;
    char *at = range.base + first * HUSK__CHUNK;
    if (!husk__memory_commit(at, bytes))
        return NULL;
    set_taken(first, n, true);
    if (first == range.from)
        range.from = first + n;
    return at;
}

static void *take_mapping(size_t bytes)
{
    /* Reserve one chunk too many, then cut both ends so that the rest is aligned. */
    size_t span = husk__round_up(bytes, HUSK__CHUNK);
    if (span > SIZE_MAX - HUSK__CHUNK)
        return NULL;
    char *at = husk__memory_reserve(span + HUSK__CHUNK, HUSK__FOR_CHUNKS);
    if (!at)
        return NULL;
    char *base = (char *)husk__round_up((size_t)(uintptr_t)at, HUSK__CHUNK);
    if (base > at)
        husk__memory_release(at, (size_t)(base - at));
    size_t behind = (size_t)(at + span + HUSK__CHUNK - (base + span));
    if (behind)
        husk__memory_release(base + span, behind);
    if (husk__memory_commit(base, bytes))
        return base;
    husk__memory_release(base, span);
    return NULL;
}

void *husk__range_take(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    pthread_mutex_lock(&lock);
    if (!range.tried)
        reserve();
    void *at = range.base ? take_from_range(bytes, husk__round_up(bytes, HUSK__CHUNK) / HUSK__CHUNK) : NULL;
    if (!at) /* no range, or none left of it */
        at = take_mapping(bytes);
    pthread_mutex_unlock(&lock);
    return at;
}

void husk__range_give(void *at, size_t bytes)
{
    size_t span = husk__round_up(bytes, HUSK__CHUNK);
    size_t offset = (size_t)((uintptr_t)at - (uintptr_t)range.base);
    pthread_mutex_lock(&lock);
    if (range.base && offset < range.chunks * HUSK__CHUNK) {
        size_t first = offset / HUSK__CHUNK;
        if (!husk__memory_withdraw(at, span))
            husk__memory_decommit(at, bytes); /* what is taken from here again must be zero */
        set_taken(first, span / HUSK__CHUNK, false);
        if (first < range.from)
            range.from = first;
    } else {
        husk__memory_release(at, span);
    }
    pthread_mutex_unlock(&lock);
}

const char *husk__range_mode(void)
{
    pthread_mutex_lock(&lock);
    if (!range.tried)
        reserve();
    const char *mode = range.base ? "range" : "mapped";
    pthread_mutex_unlock(&lock);
    return mode;
}

const char *husk_memory_mode(void)
{
    return husk__range_mode();
}

void husk__range_refuse(bool refuse)
{
    pthread_mutex_lock(&lock);
    if (range.base)
        husk__memory_release(range.base, range.chunks * HUSK__CHUNK);
    range.base = NULL;
    range.from = 0;
    range.tried = false;
    range.refuse = refuse;
    pthread_mutex_unlock(&lock);
}
