/* tests/unit/cycle_pauses.c: the histogram of pauses against a sorted list. */
#include "fixture.h"

#include "cycle/pauses.h"

#include <math.h>

/* Every bucket begins where the one before ends, is no wider than it may be, and gets what lies in it. */
static void buckets_are_exact(void **state)
{
    husk_heap *heap = *state;
    uint64_t next = 0, low, high;
    for (size_t b = 0; b < HUSK_PAUSE_BUCKETS; b++) {
        assert_int_equal(husk_pause_bucket(b, &low, &high), HUSK_OK);
        assert_int_equal(low, next);
        assert_true(high >= low);
        if (b + 1 < HUSK_PAUSE_BUCKETS)
            assert_true(high - low + 1 == 64 || (high - low + 1) * 16 <= low);
        const uint64_t inside[] = { low, low + (high - low) / 2, high };
        for (int i = 0; i < 3; i++) {
            uint64_t before = husk_heap_pause_count(heap, HUSK_STEP, b);
            husk__pause_add(&heap->passes.pauses[HUSK_STEP], inside[i]);
            assert_int_equal(husk_heap_pause_count(heap, HUSK_STEP, b), before + 1);
            assert_int_equal(husk_heap_pause_count(heap, (husk_mode)HUSK_MODES, b), before + 1);
        }
        next = high + 1;
    }
    assert_int_equal(next, 0); /* all lengths have a bucket */
    memset(&heap->passes.pauses, 0, sizeof heap->passes.pauses);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 20;
}

static void percentiles_follow_a_sorted_list(void **state)
{
    enum { MOST = 3000 };
    static const double percents[] = { 0.001, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100 };
    static uint64_t all[MOST];
    husk_heap *heap = *state;
    uint64_t seed = 11;
    for (int round = 0; round < 30; round++) {
        memset(&heap->passes.pauses, 0, sizeof heap->passes.pauses);
        size_t n = 1 + (size_t)random_next(&seed) % MOST;
        for (size_t i = 0; i < n; i++) {
            all[i] = random_next(&seed) >> random_next(&seed) % 44;
            husk__pause_add(&heap->passes.pauses[i % HUSK_MODES], all[i]);
        }
        qsort(all, n, sizeof *all, by_size);
        for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
            uint64_t got;
            size_t rank = (size_t)ceil((double)n * percents[i] / 100 - 1e-9);
            uint64_t exact = all[rank ? rank - 1 : 0];
            assert_int_equal(husk_heap_pause_percentile(heap, (husk_mode)HUSK_MODES, percents[i], &got),
                             HUSK_OK);
            assert_true(got >= exact);
            assert_true(got - exact <= 63 || (got - exact) * 16 <= exact);
            assert_true(got <= all[n - 1]);
        }
        husk_pauses pauses;
        assert_int_equal(husk_heap_pauses(heap, (husk_mode)HUSK_MODES, &pauses), HUSK_OK);
        assert_int_equal(pauses.max_ns, all[n - 1]);
        assert_int_equal(pauses.count, n);
    }
    memset(&heap->passes.pauses, 0, sizeof heap->passes.pauses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(buckets_are_exact),
        HEAP_TEST(percentiles_follow_a_sorted_list),
    };
    return RUN_ROUNDS("cycle_pauses", tests);
}
