/* cycle/softlimit.c: see softlimit.h. Pages that are only kept go first, since they cost nothing to give; then a
 * pass. After one the next look is when more has been taken than the pass left: a heap whose live objects do not
 * fit is not searched again for the same pages. What is left of the danger, growth by a page at a time with a pass
 * for each, is what the bucket bounds (as the limiter of Go's collector does, 1.19). */
#define _GNU_SOURCE
#include "cycle/softlimit.h"

#include "base/clock.h"
#include "cycle/pace.h"
#include "object/hook.h"
#include "object/soft.h"

#define LEAST_LIMIT ((size_t)1 << 20)
/* The next refill may take a page, and a chunk for it: the look comes so much before the limit. */
#define MARGIN (HUSK__CHUNK_COST + HUSK__PAGE_COST)

static size_t near_limit(const husk_heap *heap)
{
    return heap->pace.soft.now.bytes - MARGIN;
}

static void see_over(husk_heap *heap)
{
    husk_soft_limit *now = &heap->pace.soft.now;
    size_t taken = heap->store.bytes_taken;
    if (taken > now->bytes && taken - now->bytes > now->most_over)
        now->most_over = taken - now->bytes;
}

static void give_back(husk_heap *heap)
{
    struct husk__store *store = &heap->store;
    size_t most = near_limit(heap);
    if (store->bytes_taken <= most || !store->pages_spare)
        return;
    size_t wanted = (store->bytes_taken - most) / HUSK__PAGE_COST + 1;
    (void)husk__pages_trim(store, store->pages_spare > wanted ? store->pages_spare - wanted : 0);
}

/* Above `most`: soft references let go. */
static void yield(husk_heap *heap, size_t most, bool quiet)
{
    size_t taken = heap->store.bytes_taken;
    if (taken <= most || !husk__softs_yield(heap, taken - most, quiet))
        return;
    husk__store_rest(&heap->store);
    give_back(heap);
}

bool husk__soft_due(husk_heap *heap)
{
    struct husk__soft *soft = &heap->pace.soft;
    if (!soft->now.bytes || heap->store.bytes_taken <= soft->look_at)
        return false;
    see_over(heap);
    husk__store_rest(&heap->store); /* each bin's own empty page is spare, too */
    give_back(heap);
    if (heap->store.bytes_taken <= soft->look_at)
        return false;
    if (husk__now() - soft->since < soft->owed) { /* looked at again by the next refill */
        soft->now.held_back_times += !soft->now.held_back;
        soft->now.held_back = true;
        yield(heap, soft->look_at, true); /* costs no pass */
        return false;
    }
    return true;
}

void husk__soft_yield(husk_heap *heap, bool quiet)
{
    give_back(heap);
    yield(heap, near_limit(heap), quiet);
}

void husk__soft_note(husk_heap *heap, husk_reason reason)
{
    struct husk__soft *soft = &heap->pace.soft;
    if (!soft->now.bytes)
        return;
    soft->now.held_back = false;
    soft->now.passes += reason == HUSK_BY_SOFT;
    see_over(heap);
    if (!(heap->busy & BUSY_WORK))
        give_back(heap);
    size_t most = near_limit(heap), taken = heap->store.bytes_taken;
    soft->look_at = taken > most ? taken : most;
}

husk_status husk_heap_set_soft_limit(husk_heap *heap, size_t bytes)
{
    if (bytes && (bytes < LEAST_LIMIT || bytes > SIZE_MAX / 4))
        return husk_heap_fail(heap, HUSK_ERANGE, "soft limit: %zu bytes are not 0 (none) or %zu to %zu",
                              bytes, LEAST_LIMIT, SIZE_MAX / 4);
    heap->pace.soft.now = (husk_soft_limit){ .bytes = bytes };
    heap->pace.soft.look_at = bytes ? near_limit(heap) : SIZE_MAX; /* what is there already counts, too */
    husk__pace_set(heap);
    return HUSK_OK;
}

void husk_heap_soft_limit(const husk_heap *heap, husk_soft_limit *out)
{
    size_t taken = heap->store.bytes_taken;
    *out = heap->pace.soft.now;
    out->exceeded = out->bytes && taken > out->bytes;
    if (out->exceeded && taken - out->bytes > out->most_over)
        out->most_over = taken - out->bytes;
}
