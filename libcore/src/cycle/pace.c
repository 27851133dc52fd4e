/* cycle/pace.c: triggers and thresholds. See pace.h. */
#include "cycle/pace.h"

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

static void limits(const husk_heap *heap, size_t *blocks, size_t *bytes)
{
    const struct husk__pace *pace = &heap->pace;
    *blocks = limit(pace->base_blocks, pace->set.least_objects, pace->factor);
    *bytes = limit(pace->base_bytes, pace->set.least_bytes, pace->factor);
}

void husk__pace_set(husk_heap *heap)
{
    struct husk__store *store = &heap->store;
    if (heap->stress) {
        store->trigger_blocks = store->trigger_bytes = 0;
        return;
    }
    if (heap->collector.disabled) {
        store->trigger_blocks = store->trigger_bytes = SIZE_MAX;
        return;
    }
    limits(heap, &store->trigger_blocks, &store->trigger_bytes);
}

void husk__pace_begin(husk_heap *heap)
{
    heap->pace.set =
        (husk_pacing){ .least_objects = 16384, .least_bytes = (size_t)8 << 20, .factor = 1, .factor_max = 2 };
    heap->pace.factor = 1;
    husk__pace_set(heap);
}

bool husk__pace_due(husk_heap *heap)
{
    struct husk__store *store = &heap->store;
    if (heap->stress) {
        heap->pace.reason = HUSK_BY_STRESS;
        return !heap->collector.disabled;
    }
    if (heap->collector.disabled)
        return false;
    husk__store_recount(store); /* deaths on pages that served no birth since were not seen yet */
    size_t hand_bytes, hand = husk__store_in_hand(store, &hand_bytes);
    size_t blocks = store->seen_blocks - hand, bytes = bytes_now(store) - hand_bytes, most_blocks, most_bytes;
    limits(heap, &most_blocks, &most_bytes);
    if (blocks > most_blocks || bytes > most_bytes) {
        heap->pace.reason = blocks > most_blocks ? HUSK_BY_OBJECTS : HUSK_BY_BYTES;
        return true;
    }
    /* Not yet. A heap that hovers just below its limit must not be recounted at every refill. */
    size_t slack = heap->pace.set.least_objects / 16 + 1, slack_bytes = heap->pace.set.least_bytes / 16 + 1;
    store->trigger_blocks = most_blocks - blocks > slack ? most_blocks : store->seen_blocks + slack;
    store->trigger_bytes = most_bytes - bytes > slack_bytes ? most_bytes : bytes_now(store) + slack_bytes;
    return false;
}

void husk__pace_restart(husk_heap *heap, size_t examined, size_t collected)
{
    struct husk__pace *pace = &heap->pace;
    if (collected * 50 < examined) {
        if (++pace->poor >= 2) {
            double more = pace->factor * 1.5;
            pace->factor = more < pace->set.factor_max ? more : pace->set.factor_max;
        }
    } else {
        pace->poor = 0;
        if (collected * 4 > examined)
            pace->factor = pace->set.factor;
    }
    size_t hand_bytes;
    husk__store_recount(&heap->store);
    pace->base_blocks = heap->store.seen_blocks - husk__store_in_hand(&heap->store, &hand_bytes);
    pace->base_bytes = bytes_now(&heap->store) - hand_bytes;
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
    heap->pace.poor = 0;
    husk__pace_set(heap);
    return HUSK_OK;
}

void husk_heap_get_pacing(const husk_heap *heap, husk_pacing *out)
{
    *out = heap->pace.set;
}

void husk_heap_counts(const husk_heap *heap, husk_counts *out)
{
    struct husk__store *store = (struct husk__store *)(uintptr_t)&heap->store;
    husk__store_recount(store); /* a figure kept late on purpose is brought up to date */
    size_t hand_bytes, hand = husk__store_in_hand(store, &hand_bytes);
    size_t blocks = store->seen_blocks - hand, bytes = bytes_now(store) - hand_bytes;
    out->grown_objects = blocks > heap->pace.base_blocks ? blocks - heap->pace.base_blocks : 0;
    out->grown_bytes = bytes > heap->pace.base_bytes ? bytes - heap->pace.base_bytes : 0;
    size_t limit_blocks, limit_bytes;
    limits(heap, &limit_blocks, &limit_bytes);
    out->limit_objects = limit_blocks == SIZE_MAX ? SIZE_MAX : limit_blocks - heap->pace.base_blocks;
    out->limit_bytes = limit_bytes == SIZE_MAX ? SIZE_MAX : limit_bytes - heap->pace.base_bytes;
}

husk_status husk_heap_disable(husk_heap *heap, const char *holder)
{
    struct husk__collector *collector = &heap->collector;
    if (collector->disabled == MOST_HOLDERS)
        return husk_heap_fail(heap, HUSK_ERANGE, "disable: nested more than %d deep, the latest by %s",
                              MOST_HOLDERS, collector->holders[MOST_HOLDERS - 1]);
    collector->holders[collector->disabled++] = holder ? holder : "?";
    husk__pace_set(heap);
    return HUSK_OK;
}

husk_status husk_heap_enable(husk_heap *heap)
{
    if (heap->collector.disabled == 0)
        return husk_heap_fail(heap, HUSK_ESTATE, "enable: the collector of heap %s is not disabled",
                              heap->name);
    heap->collector.disabled--;
    husk__pace_set(heap);
    return HUSK_OK;
}

bool husk_heap_is_enabled(const husk_heap *heap)
{
    return heap->collector.disabled == 0;
}

const char *husk_heap_disabled_by(const husk_heap *heap, size_t index)
{
    return index < heap->collector.disabled ? heap->collector.holders[index] : NULL;
}
