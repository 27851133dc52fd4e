/* tests/flow/pacing.c: when passes run by themselves, and when memory goes back. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <math.h>
#include <time.h>
static void growth_in_objects_starts_a_pass(husk_heap *heap)
{
    husk_pacing pacing;
    husk_heap_get_pacing(heap, &pacing);
    assert_int_equal(pacing.least_objects, 16384);
    assert_int_equal(pacing.least_bytes, 8u << 20);
    assert_true(pacing.factor >= 1.0 && pacing.factor <= 1.0);
    pacing.least_objects = 500;
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.limit_objects, 500);
    uint64_t before = passes(heap);
    for (int i = 0; i < 499; i++)
        TRY(litter(heap, type_node));
    husk_heap_counts(heap, &counts);
    if (!story_failing) { /* what is refused starts a pass */
        assert_int_equal(counts.grown_objects, 499);
        assert_int_equal(passes(heap), before);
    }
    size_t most = 0;
    for (int i = 0; i < 20000; i++) {
        TRY(litter(heap, type_node));
        if (objects_of(heap) > most)
            most = objects_of(heap);
    }
    /* The moment is a refill of a page: some slots later than the limit, but not far. */
    assert_true(passes(heap) > before);
    assert_true(most < 500 + 4096);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.grown_objects, 0);
}

/* Net growth: objects that die by counting take it back. */
static void churn_starts_no_pass(husk_heap *heap)
{
    husk_pacing pacing = { 200, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = passes(heap);
    for (int i = 0; i < 50000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_release(obj);
    }
    if (!story_failing)
        assert_int_equal(passes(heap), before);
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.grown_objects, 0);
}

static void growth_in_foreign_bytes_starts_a_pass(husk_heap *heap)
{
    husk_pacing pacing = { 1u << 30, 1u << 20, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    TRY(litter(heap, type_node));
    uint64_t before = passes(heap);
    husk_heap_foreign(heap, 4 << 20);
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    assert_true(counts.grown_bytes >= 4u << 20);
    for (int i = 0; i < 5000 && passes(heap) == before; i++)
        TRY(litter(heap, type_node));
    assert_true(passes(heap) > before);
    husk_heap_foreign(heap, -(4 << 20));
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

static void growth_in_buffers_starts_a_pass(husk_heap *heap)
{
    husk_pacing pacing = { 1u << 30, 1u << 20, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = passes(heap);
    for (int i = 0; i < 40; i++) {
        HOLD b = husk_obj_new(heap, type_bag);
        TRY(b);
        bag *self = husk_obj_data(b);
        self->refs = husk_buffer_new(heap, 100000);
        TRY(self->refs);
        self->room = 100000 / sizeof(husk_obj *);
        TRY_OK(bag_add(b, b));
    }
    assert_true(passes(heap) > before);
    assert_true(objects_of(heap) < 30);
    collect(heap);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.buffer_bytes, 0);
}

static void pacing_that_makes_no_sense_is_refused(husk_heap *heap)
{
    husk_pacing good, now;
    husk_heap_get_pacing(heap, &good);
    const husk_pacing bad[] = {
        { 100, 100, (double)NAN, 2.0 },
        { 100, 100, 1.0, (double)NAN },
        { 100, 100, 0.1, 2.0 },
        { 100, 100, 3.0, 2.0 },
        { 100, 100, 1.0, 17.0 },
        { 100, 100, -1.0, 2.0 },
        { 100, 100, 1.0, (double)INFINITY },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(husk_heap_set_pacing(heap, &bad[i]), HUSK_ERANGE);
        husk_heap_get_pacing(heap, &now);
        assert_int_equal(now.least_objects, good.least_objects);
        assert_int_equal(now.least_bytes, good.least_bytes);
    }
}

static void zero_least_stops_automatic_passes(husk_heap *heap)
{
    husk_pacing pacing = { 0, 0, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    assert_true(counts.limit_objects == SIZE_MAX && counts.limit_bytes == SIZE_MAX);
    size_t count = story_size(40000, 100);
    uint64_t before = passes(heap);
    for (size_t i = 0; i < count; i++)
        TRY(litter(heap, type_node));
    if (story_failing)
        return;
    assert_int_equal(passes(heap), before);
    assert_int_equal(objects_of(heap), count);
    assert_int_equal(collect(heap), count);
}

/* The limits follow what survived; what dies by counting is no growth. */
static void limits_follow_the_survivors(husk_heap *heap)
{
    husk_pacing pacing = { 100, 1000, 0.5, 8.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    HOLD head = NULL;
    size_t length = 4000;
    for (size_t i = 0; i < length; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    if (!story_failing)
        assert_int_equal(counts.grown_objects, length);
    for (int i = 0; i < 3; i++) {
        /* Half the survivors; from the second poor pass on half as much again. */
        collect(heap);
        husk_heap_counts(heap, &counts);
        assert_int_equal(counts.grown_objects, 0);
        assert_int_equal(counts.grown_bytes, 0);
        static const size_t limit[] = { 2000, 3000, 4500 };
        if (!story_failing) {
            /* Blocks handed out in advance count as survivors too. */
            assert_true(counts.limit_objects >= limit[i] && counts.limit_objects < limit[i] + limit[i] / 20);
            assert_true(counts.limit_bytes > 1000);
        }
    }
    for (int i = 0; i < 30; i++)
        collect(heap);
    husk_heap_counts(heap, &counts);
    assert_true(counts.limit_objects >= 8 * length && counts.limit_objects < 9 * length); /* factor_max */
    husk_obj_drop(&head);
    TRY(litter(heap, type_node));
    if (story_failing)
        return;
    assert_int_equal(collect(heap), 1); /* all of what was examined: back to the factor set, of nothing */
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.limit_objects, 100);
    assert_int_equal(counts.limit_bytes, 1000);
    /* Two poor passes, but not in a row: the factor stays. */
    HOLD_MANY(kept);
    for (int i = 0; i < HOLD_MANY_MAX; i++)
        kept.at[i] = husk_obj_new(heap, type_node);
    for (int i = 0; i < 4; i++) {
        collect(heap);
        for (int k = 0; k < 30; k++) /* a yield between 2 and 25 % */
            litter(heap, type_node);
        assert_int_equal(collect(heap), 30);
    }
    husk_heap_counts(heap, &counts);
    assert_true(counts.limit_objects < 200);
}

/* A stress heap runs a pass at each birth, unless it is told not to. */
static void stress_can_be_disabled(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .stress = true };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    bool made = true;
    for (int i = 0; i < 20; i++)
        made &= litter(heap, type_node);
    assert_true(passes(heap) >= 19 || !made);
    assert_true(objects_of(heap) <= 1);
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    collect(heap);
    uint64_t before = passes(heap);
    for (int i = 0; i < 20; i++)
        made &= litter(heap, type_node);
    assert_true(passes(heap) == before || story_failing);
    collect(heap);
    heap_close(heap, true);
}

/* A pass after a mass death, when some time has passed, gives memory back without a trim. */
static void spare_pages_go_back(husk_heap *heap)
{
    HOLD head = NULL;
    for (size_t i = 0; i < 40000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    husk_heap_figures full, after;
    husk_heap_figures_get(heap, &full);
    husk_obj_drop(&head);
    if (story_failing)
        return;
    for (int i = 0; i < 2; i++) {
        collect(heap);
        struct timespec pause = { 0, 150 * 1000 * 1000 };
        nanosleep(&pause, NULL);
    }
    collect(heap);
    husk_heap_figures_get(heap, &after);
    assert_true(after.bytes_taken < full.bytes_taken / 2);
}

/* Growth is net and exact, whatever lies ready to be born. */
static void growth_is_exact(husk_heap *heap)
{
    husk_counts counts;
    for (int i = 0; i < 100; i++) {
        HOLD passing = husk_obj_new(heap, type_node);
        TRY(passing);
    }
    collect(heap);
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.grown_objects, 0);
    HOLD_MANY(all);
    for (int i = 0; i < 250; i++)
        TRY(all.at[i] = husk_obj_new(heap, i % 2 ? type_node : type_leaf));
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.grown_objects, 250);
    for (int i = 0; i < 50; i++)
        husk_obj_drop(&all.at[i]);
    husk_heap_counts(heap, &counts);
    assert_int_equal(counts.grown_objects, 200);
}

STORIES(STORY(growth_in_objects_starts_a_pass, 0), STORY(churn_starts_no_pass, 0),
        STORY(growth_in_foreign_bytes_starts_a_pass, 0), STORY(growth_in_buffers_starts_a_pass, 0),
        STORY(pacing_that_makes_no_sense_is_refused, 0), STORY(zero_least_stops_automatic_passes, 0),
        STORY(limits_follow_the_survivors, 0), STORY(stress_can_be_disabled, 0),
        STORY(spare_pages_go_back, 0), STORY(growth_is_exact, 0));
