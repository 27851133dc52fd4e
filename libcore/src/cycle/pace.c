/* cycle/pace.c: triggers and thresholds. See pace.h. */
#define _GNU_SOURCE
#include "cycle/pace.h"

#include "base/clock.h"
#include "cycle/adapt.h"
#include "cycle/region.h"
#include "cycle/softlimit.h"
#include "cycle/stress.h"
#include "object/hook.h"

static size_t bytes_now(const struct husk__store *store)
{
    return store->seen_bytes + store->raw_bytes + store->foreign_bytes;
}

static size_t limit(size_t base, size_t least, double factor)
{
    if (least == 0)
        return SIZE_MAX;
    double grown = factor * (double)base;
    size_t more = grown > (double)(SIZE_MAX / 4) ? SIZE_MAX / 4 : (size_t)grown;
    more = more > least ? more : least;
    return more > SIZE_MAX - base ? SIZE_MAX : base + more;
}

void husk__pace_limits(const husk_heap *heap, size_t *blocks, size_t *bytes)
{
    const struct husk__pace *pace = &heap->pace;
    double factor = pace->factor, half = pace->set.factor_max / 2;
    if (heap->stepping.pause && factor > half) /* steps need room for growth up to the hard bound */
        factor = half;
    *blocks = limit(pace->base_blocks, pace->set.least_objects, factor);
    *bytes = limit(pace->base_bytes, pace->set.least_bytes, factor);
}

size_t husk__pace_present(husk_heap *heap, size_t *bytes)
{
    struct husk__store *store = &heap->store;
    husk__store_recount(store); /* deaths on pages that served no birth since were not seen yet */
    size_t hand_bytes, hand = husk__store_in_hand(store, &hand_bytes);
    *bytes = bytes_now(store) - hand_bytes;
    return store->seen_blocks - hand;
}

void husk__pace_set(husk_heap *heap)
{
    struct husk__store *store = &heap->store;
    store->trigger_blocks = store->trigger_bytes = store->trigger_taken = SIZE_MAX;
    if (heap->pace.disabled)
        return;
    if (heap->pace.region.now.active) {
        husk__region_limits(heap, &store->trigger_blocks, &store->trigger_bytes);
        return;
    }
    if (heap->pace.stress.set.every) {
        store->trigger_taken = 0; /* more is always taken: also by a heap without a block */
        return;
    }
    store->trigger_taken = heap->pace.soft.look_at;
    husk__pace_limits(heap, &store->trigger_blocks, &store->trigger_bytes);
}

void husk__pace_begin(husk_heap *heap)
{
    heap->pace.set =
        (husk_pacing){ .least_objects = 16384, .least_bytes = (size_t)8 << 20, .factor = 1, .factor_max = 2 };
    heap->pace.factor = 1;
    heap->pace.most_blocks = heap->pace.most_bytes = heap->pace.soft.look_at = SIZE_MAX;
    heap->pace.times.last_end = heap->pace.soft.since = husk__now();
    husk__pace_set(heap);
}

/* A heap that hovers just below its limits must not be recounted at every refill. */
static void look_later(husk_heap *heap, size_t blocks, size_t bytes, size_t most_blocks, size_t most_bytes)
{
    struct husk__store *store = &heap->store;
    size_t slack = husk__pace_slack(heap->pace.set.least_objects);
    size_t slack_bytes = husk__pace_slack(heap->pace.set.least_bytes);
    store->trigger_blocks = most_blocks - blocks > slack ? most_blocks : store->seen_blocks + slack;
    store->trigger_bytes = most_bytes - bytes > slack_bytes ? most_bytes : bytes_now(store) + slack_bytes;
}

static bool has_grown(husk_heap *heap)
{
    const struct husk__store *store = &heap->store;
    size_t blocks, bytes, most_blocks, most_bytes;
    husk__pace_limits(heap, &most_blocks, &most_bytes);
    if (store->seen_blocks <= most_blocks && bytes_now(store) <= most_bytes)
        return false; /* what is seen is never less than what is there: something else asked for the look */
    blocks = husk__pace_present(heap, &bytes);
    if (blocks > most_blocks || bytes > most_bytes) {
        heap->pace.reason = blocks > most_blocks ? HUSK_BY_OBJECTS : HUSK_BY_BYTES;
        return true;
    }
    if (!heap->pace.stress.set.every)
        look_later(heap, blocks, bytes, most_blocks, most_bytes);
    return false;
}

bool husk__pace_due(husk_heap *heap)
{
    if (heap->pace.disabled || husk__region_holds(heap))
        return false;
    if (husk__stress_due(heap)) {
        heap->pace.reason = HUSK_BY_STRESS;
        return true;
    }
    if (husk__soft_due(heap)) {
        heap->pace.reason = HUSK_BY_SOFT;
        return true;
    }
    return has_grown(heap);
}

void husk__pace_search(husk_heap *heap)
{
    heap->pace.most_blocks = husk__pace_present(heap, &heap->pace.most_bytes);
}

void husk__pace_note(husk_heap *heap, const husk_pass *pass, uint64_t start, bool corrupt)
{
    heap->pace.corrupt = corrupt;
    heap->pace.most_blocks -=
        pass->collected < heap->pace.most_blocks ? pass->collected : heap->pace.most_blocks;
    heap->pace.most_bytes -= pass->bytes < heap->pace.most_bytes ? pass->bytes : heap->pace.most_bytes;
    husk__adapt_note(heap, pass, start); /* looks at what the pass before left */
    heap->pace.deferred = pass->deferred;
    husk__region_note(heap, pass->reason);
    husk__soft_note(heap, pass->reason);
}

static size_t most_in_steps(size_t base, size_t least, double factor)
{
    size_t most = limit(base, least, factor);
    return most > SIZE_MAX - least ? SIZE_MAX : most + least;
}

void husk__pace_most(const husk_heap *heap, size_t *blocks, size_t *bytes)
{
    const struct husk__pace *pace = &heap->pace;
    *blocks = most_in_steps(pace->base_blocks, pace->set.least_objects, pace->set.factor_max);
    *bytes = most_in_steps(pace->base_bytes, pace->set.least_bytes, pace->set.factor_max);
}

void husk__pace_room(const husk_heap *heap, size_t *blocks, size_t *bytes)
{
    size_t most_blocks, most_bytes, now = bytes_now(&heap->store);
    husk__pace_most(heap, &most_blocks, &most_bytes);
    *blocks = most_blocks > heap->store.seen_blocks ? most_blocks - heap->store.seen_blocks : 0;
    *bytes = most_bytes > now ? most_bytes - now : 0;
}

void husk__pace_restart(husk_heap *heap, size_t examined, size_t collected)
{
    struct husk__pace *pace = &heap->pace;
    husk__adapt_factor(pace, examined, collected);
    size_t bytes, blocks = husk__pace_present(heap, &bytes);
    pace->base_blocks = blocks < pace->most_blocks ? blocks : pace->most_blocks;
    pace->base_bytes = bytes < pace->most_bytes ? bytes : pace->most_bytes;
    pace->most_blocks = pace->most_bytes = SIZE_MAX;
    husk__pace_set(heap);
}

husk_status husk_heap_set_pacing(husk_heap *heap, const husk_pacing *pacing)
{
    if (!(pacing->factor >= 0.5) || !(pacing->factor <= pacing->factor_max) || !(pacing->factor_max <= 16))
        return husk_heap_fail(heap, HUSK_ERANGE,
                              "pacing: 0.5 <= factor %g <= factor_max %g <= 16 does not hold", pacing->factor,
                              pacing->factor_max);
    heap->pace.set = *pacing;
    heap->pace.factor = pacing->factor;
    heap->pace.why = HUSK_FACTOR_SET;
    heap->pace.poor = 0;
    husk__pace_set(heap);
    return HUSK_OK;
}

void husk_heap_get_pacing(const husk_heap *heap, husk_pacing *out)
{
    *out = heap->pace.set;
}

static size_t above(size_t value, size_t base)
{
    return value == SIZE_MAX ? SIZE_MAX : value > base ? value - base : 0;
}

void husk_heap_counts(const husk_heap *heap, husk_counts *out)
{
    size_t bytes, limit_blocks, limit_bytes;
    /* A figure kept late on purpose is brought up to date. */
    size_t blocks = husk__pace_present((husk_heap *)(uintptr_t)heap, &bytes);
    husk__pace_limits(heap, &limit_blocks, &limit_bytes);
    out->grown_objects = above(blocks, heap->pace.base_blocks);
    out->grown_bytes = above(bytes, heap->pace.base_bytes);
    out->limit_objects = above(limit_blocks, heap->pace.base_blocks);
    out->limit_bytes = above(limit_bytes, heap->pace.base_bytes);
}
