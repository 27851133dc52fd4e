/* cycle/pauses.c: the histogram of pauses and its percentiles. See pauses.h. */
#include "cycle/pauses.h"

#include "base/bits.h"

/* Row 0 has the values below 2^(UNIT + SPLIT), in steps of one unit; row r > 0 those of one power of two. */
static size_t bucket_of(uint64_t ns)
{
    uint64_t units = ns >> PAUSE_UNIT_SHIFT;
    if (units < PAUSE_SPLIT)
        return (size_t)units;
    unsigned shift = husk__highest_bit(units) - PAUSE_SPLIT_SHIFT;
    size_t bucket = ((size_t)shift << PAUSE_SPLIT_SHIFT) + (size_t)(units >> shift);
    return bucket < HUSK_PAUSE_BUCKETS ? bucket : HUSK_PAUSE_BUCKETS - 1;
}

static uint64_t lowest_of(size_t bucket)
{
    if (bucket < PAUSE_SPLIT)
        return (uint64_t)bucket << PAUSE_UNIT_SHIFT;
    size_t shift = (bucket >> PAUSE_SPLIT_SHIFT) - 1;
    uint64_t units = (uint64_t)(PAUSE_SPLIT + (bucket & (PAUSE_SPLIT - 1))) << shift;
    return units << PAUSE_UNIT_SHIFT;
}

static uint64_t highest_of(size_t bucket)
{
    return bucket + 1 < HUSK_PAUSE_BUCKETS ? lowest_of(bucket + 1) - 1 : UINT64_MAX;
}

void husk__pause_add(struct husk__pauses *pauses, uint64_t ns)
{
    pauses->count++;
    pauses->total_ns += ns;
    pauses->max_ns = ns > pauses->max_ns ? ns : pauses->max_ns;
    pauses->buckets[bucket_of(ns)]++;
}

husk_status husk_pause_bucket(size_t bucket, uint64_t *low, uint64_t *high)
{
    if (bucket >= HUSK_PAUSE_BUCKETS)
        return husk_fail(HUSK_ERANGE, "there is no bucket %zu of pauses: they are below %d", bucket,
                         HUSK_PAUSE_BUCKETS);
    *low = lowest_of(bucket);
    *high = highest_of(bucket);
    return HUSK_OK;
}

static husk_status fail_mode(husk_mode mode)
{
    return husk_fail(HUSK_ERANGE, "there is no mode %d of passes: they are below %d", (int)mode, HUSK_MODES);
}

/* The modes that a question is about: one, or all. False: none. */
static bool modes_of(husk_mode mode, unsigned *first, unsigned *end)
{
    *first = (unsigned)mode < HUSK_MODES ? (unsigned)mode : 0;
    *end = (unsigned)mode < HUSK_MODES ? *first + 1 : HUSK_MODES;
    return (unsigned)mode <= HUSK_MODES;
}

uint64_t husk_heap_pause_count(const husk_heap *heap, husk_mode mode, size_t bucket)
{
    uint64_t count = 0;
    unsigned first, end;
    if (bucket >= HUSK_PAUSE_BUCKETS || !modes_of(mode, &first, &end))
        return 0;
    for (unsigned m = first; m < end; m++)
        count += heap->passes.pauses[m].buckets[bucket];
    return count;
}

/* ceil(count * percent / 100), without a step too far where the product is not exact. */
static uint64_t rank_of(uint64_t count, double percent)
{
    double exact = (double)count * percent / 100;
    uint64_t rank = (uint64_t)exact;
    if (exact - (double)rank > 1e-9 * exact)
        rank++;
    return rank ? rank : 1;
}

/* The pauses that these ranks, which rise, do not exceed: at[i] the one of rank[i], counted from 1. */
static void at_ranks(const husk_heap *heap, unsigned first, unsigned end, const uint64_t *rank, size_t ranks,
                     uint64_t max_ns, uint64_t *at)
{
    uint64_t seen = 0;
    size_t i = 0;
    for (size_t b = 0; b < HUSK_PAUSE_BUCKETS && i < ranks; b++) {
        for (unsigned m = first; m < end; m++)
            seen += heap->passes.pauses[m].buckets[b];
        for (; i < ranks && seen >= rank[i]; i++)
            at[i] = highest_of(b) < max_ns ? highest_of(b) : max_ns;
    }
}

/* Sums of the modes. */
static husk_pauses add_up(const husk_heap *heap, unsigned first, unsigned end)
{
    husk_pauses sum = { 0 };
    for (unsigned m = first; m < end; m++) {
        const struct husk__pauses *one = &heap->passes.pauses[m];
        sum.count += one->count;
        sum.total_ns += one->total_ns;
        sum.max_ns = one->max_ns > sum.max_ns ? one->max_ns : sum.max_ns;
    }
    return sum;
}

husk_status husk_heap_pauses(const husk_heap *heap, husk_mode mode, husk_pauses *out)
{
    enum { RANKS = 4 };
    unsigned first, end;
    *out = (husk_pauses){ 0 };
    if (!modes_of(mode, &first, &end))
        return fail_mode(mode);
    *out = add_up(heap, first, end);
    if (!out->count)
        return HUSK_OK;
    const uint64_t rank[RANKS] = { rank_of(out->count, 50), rank_of(out->count, 90), rank_of(out->count, 99),
                                   rank_of(out->count, 99.9) };
    uint64_t at[RANKS] = { 0 };
    at_ranks(heap, first, end, rank, RANKS, out->max_ns, at);
    out->p50_ns = at[0];
    out->p90_ns = at[1];
    out->p99_ns = at[2];
    out->p999_ns = at[3];
    return HUSK_OK;
}

husk_status husk_heap_pause_percentile(const husk_heap *heap, husk_mode mode, double percent, uint64_t *out)
{
    unsigned first, end;
    *out = 0;
    if (!(percent > 0) || !(percent <= 100))
        return husk_fail(HUSK_ERANGE, "percentile %g of pauses: more than 0, at most 100", percent);
    if (!modes_of(mode, &first, &end))
        return fail_mode(mode);
    husk_pauses sum = add_up(heap, first, end);
    const uint64_t rank = rank_of(sum.count, percent);
    if (sum.count)
        at_ranks(heap, first, end, &rank, 1, sum.max_ns, out);
    return HUSK_OK;
}
