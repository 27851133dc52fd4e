/* tests/unit/pacing.c: the factor, with times that are made up. */
#define _GNU_SOURCE
#include "fixture.h"

#include "base/clock.h"
#include "cycle/adapt.h"
#include "cycle/pace.h"
#include "cycle/softlimit.h"

/* Ten automatic passes of which each took `share` of the time. */
static void set_share(struct husk__pace *pace, double share)
{
    pace->times.count = HUSK_TIME_PASSES;
    for (int i = 0; i < HUSK_TIME_PASSES; i++) {
        pace->times.pass_ns[i] = (uint64_t)(share * 1e6);
        pace->times.gap_ns[i] = (uint64_t)((1 - share) * 1e6);
    }
}

static void assert_factor(const husk_heap *heap, double factor, husk_factor_why why, bool time_kept)
{
    husk_pacing_state state;
    husk_heap_pacing_state(heap, &state);
    assert_true(state.factor > factor - 1e-9 && state.factor < factor + 1e-9);
    assert_int_equal(state.why, why);
    assert_int_equal(state.time_kept, time_kept);
    assert_int_equal(state.at_most, state.factor >= heap->pace.set.factor_max);
}

static void too_much_time_raises_the_factor(void **state)
{
    husk_heap *heap = *state;
    struct husk__pace *pace = &heap->pace;
    husk_pacing pacing = { 100, 0, 1, 4 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    set_share(pace, 0.09);
    husk__adapt_factor(pace, 1000, 100);
    assert_factor(heap, 1, HUSK_FACTOR_SET, true);
    set_share(pace, 0.11);
    pace->times.count = HUSK_TIME_LEAST - 1; /* too few to judge by */
    husk__adapt_factor(pace, 1000, 100);
    assert_factor(heap, 1, HUSK_FACTOR_SET, false);
    pace->times.count = HUSK_TIME_LEAST;
    static const double steps[] = { 1.5, 2.25, 3.375, 4, 4 };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        husk__adapt_factor(pace, 1000, 900); /* whatever they find */
        assert_factor(heap, steps[i], HUSK_FACTOR_TIME, false);
    }
    /* Within the goal: it stays, until they take less than half of it and find much. */
    set_share(pace, 0.09);
    husk__adapt_factor(pace, 1000, 900);
    assert_factor(heap, 4, HUSK_FACTOR_TIME, true);
    set_share(pace, 0.04);
    husk__adapt_factor(pace, 1000, 100);
    assert_factor(heap, 4, HUSK_FACTOR_TIME, true);
    husk__adapt_factor(pace, 1000, 251);
    assert_factor(heap, 1, HUSK_FACTOR_SET, true);
    /* A factor that may not be raised. */
    pacing.factor_max = 1;
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    set_share(pace, 0.9);
    husk__adapt_factor(pace, 1000, 0);
    assert_factor(heap, 1, HUSK_FACTOR_SET, false);
}

static void a_poor_yield_raises_it(void **state)
{
    husk_heap *heap = *state;
    struct husk__pace *pace = &heap->pace;
    husk_pacing pacing = { 100, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk__adapt_factor(pace, 1000, 19);
    assert_factor(heap, 1, HUSK_FACTOR_SET, true);
    husk__adapt_factor(pace, 1000, 20); /* 2 % is not below it */
    husk__adapt_factor(pace, 1000, 19);
    assert_factor(heap, 1, HUSK_FACTOR_SET, true);
    husk__adapt_factor(pace, 1000, 19);
    assert_factor(heap, 1.5, HUSK_FACTOR_YIELD, true);
    husk__adapt_factor(pace, 1000, 0);
    assert_factor(heap, 2, HUSK_FACTOR_YIELD, true);
    husk__adapt_factor(pace, 1000, 250);
    assert_factor(heap, 2, HUSK_FACTOR_YIELD, true);
    husk__adapt_factor(pace, 1000, 251);
    assert_factor(heap, 1, HUSK_FACTOR_SET, true);
}

/* The bucket: time of automatic passes goes in, time outside them out; a pass for the limit needs it empty. */
static void passes_for_the_limit_are_held_back(void **state)
{
    husk_heap *heap = *state;
    struct husk__soft *soft = &heap->pace.soft;
    assert_int_equal(husk_heap_set_soft_limit(heap, 1u << 20), HUSK_OK);
    husk_obj *keep[300];
    static const husk_type *type;
    static const husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "block", .size = 8000 };
    if (!type)
        assert_int_equal(husk_type_register(&spec, &type), HUSK_OK);
    uint64_t now = husk__now();
    soft->since = now;
    soft->owed = (uint64_t)3600 * 1000000000;
    for (int i = 0; i < 300; i++) /* well above the limit */
        assert_non_null(keep[i] = husk_obj_new(heap, type));
    husk_soft_limit told;
    husk_heap_soft_limit(heap, &told);
    assert_true(told.exceeded && told.held_back);
    assert_int_equal(told.held_back_times, 1);
    assert_int_equal(told.passes, 0);
    assert_true(told.most_over > 1u << 20);
    soft->owed = 0; /* as an hour later */
    assert_true(husk__soft_due(heap));
    /* A pass of a millisecond that ended a millisecond after another of two: three are owed, less the one between. */
    husk_pass pass = { .reason = HUSK_BY_SOFT, .examined = 1000 };
    soft->owed = 2000000;
    soft->since = husk__now() - 2000000;
    husk__adapt_note(heap, &pass, soft->since + 1000000);
    assert_in_range(soft->owed, 2000000, 2000000 + 500000000);
    husk__soft_note(heap, HUSK_BY_SOFT);
    husk_heap_soft_limit(heap, &told);
    assert_true(!told.held_back && told.exceeded);
    assert_int_equal(told.passes, 1);
    assert_false(husk__soft_due(heap)); /* nothing has been taken since */
    for (int i = 0; i < 300; i++)
        husk_obj_release(keep[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HEAP_TEST(too_much_time_raises_the_factor),
        HEAP_TEST(a_poor_yield_raises_it),
        HEAP_TEST(passes_for_the_limit_are_held_back),
    };
    return RUN_ROUNDS("pacing", tests);
}
