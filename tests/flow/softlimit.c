/* tests/flow/softlimit.c: a limit that is kept if it can be, that fails no birth and does not eat the time. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <time.h>

static husk_soft_limit soft_of(const husk_heap *heap)
{
    husk_soft_limit soft;
    husk_heap_soft_limit(heap, &soft);
    return soft;
}

static size_t taken(const husk_heap *heap)
{
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    return figures.bytes_taken;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void no_growth_passes(husk_heap *heap)
{
    husk_pacing pacing = { 0, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
}

static void limits_that_make_no_sense_are_refused(husk_heap *heap)
{
    assert_int_equal(husk_heap_set_soft_limit(heap, 3u << 20), HUSK_OK);
    static const size_t bad[] = { 1, 4096, (1u << 20) - 1, SIZE_MAX, SIZE_MAX / 4 + 1 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(husk_heap_set_soft_limit(heap, bad[i]), HUSK_ERANGE);
        assert_non_null(strstr(husk_heap_message(heap), "soft limit"));
        assert_int_equal(soft_of(heap).bytes, 3u << 20);
    }
    assert_int_equal(husk_heap_set_soft_limit(heap, 0), HUSK_OK);
    assert_int_equal(soft_of(heap).bytes, 0);
    verify(heap);
}

/* Garbage that would not start a pass by growth is found when its memory comes to the limit. */
static void garbage_is_found_at_the_limit(husk_heap *heap)
{
    size_t limit = story_size(8u << 20, 1u << 20), most = 0, count = story_size(400000, 60000);
    no_growth_passes(heap);
    assert_int_equal(husk_heap_set_soft_limit(heap, limit), HUSK_OK);
    for (size_t i = 0; i < count; i++) {
        TRY(litter(heap, type_node));
        if (i % 64 == 0 && taken(heap) > most)
            most = taken(heap);
    }
    husk_soft_limit soft = soft_of(heap);
    assert_true(most > limit / 2); /* it was not kept by collecting all the time */
    assert_true(soft.passes > 0 && soft.passes < 60);
    if (!soft.held_back_times) /* a machine so slow that passes take half of the time */
        assert_true(most <= limit && soft.most_over == 0 && !soft.exceeded);
    husk_pacing_state state;
    husk_heap_pacing_state(heap, &state);
    assert_int_equal(state.automatic, soft.passes);
    collect(heap);
    verify(heap);
}

/* What lives does not fit: births go on, the limit is passed, which is said, and passes take at most half of the
 * time. */
static void what_lives_is_not_refused(husk_heap *heap)
{
    no_growth_passes(heap);
    assert_int_equal(husk_heap_set_soft_limit(heap, 1u << 20), HUSK_OK);
    HOLD head = NULL;
    uint64_t start = now_ns();
    size_t count = story_size(300000, 20000);
    for (size_t i = 0; i < count; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    uint64_t all = now_ns() - start;
    husk_soft_limit soft = soft_of(heap);
    assert_true(soft.exceeded);
    assert_true(soft.most_over >= taken(heap) - (1u << 20));
    assert_true(soft.passes > 0);
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 0, &g), HUSK_OK);
    assert_true(g.find_ns + g.finalize_ns + g.reclaim_ns <= all / 2 + g.longest_ns + 1000000);
    assert_int_equal(objects_of(heap), count);
    verify(heap);
    husk_obj_drop(&head);
    TRY(litter(heap, type_node));
    assert_int_equal(husk_heap_set_soft_limit(heap, 1u << 20), HUSK_OK);
    for (int i = 0; i < 2000; i++) /* the next looks give the pages back */
        TRY(litter(heap, type_node));
    assert_false(soft_of(heap).exceeded);
    collect(heap);
}

/* Pages that are only kept go back before a pass is run for them. */
static void spare_pages_go_first(husk_heap *heap)
{
    no_growth_passes(heap);
    HOLD head = NULL;
    for (size_t i = 0; i < 60000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    husk_obj_drop(&head); /* by counting: all its pages are spare */
    size_t full = taken(heap);
    assert_true(full > 3u << 20);
    assert_int_equal(husk_heap_set_soft_limit(heap, 2u << 20), HUSK_OK);
    uint64_t before = passes(heap);
    for (size_t i = 0; i < 2000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    assert_int_equal(passes(heap), before);
    assert_true(taken(heap) <= 2u << 20);
    assert_int_equal(soft_of(heap).passes, 0);
}

/* Large blocks and buffers count as well, and passes that are held off do not run for the limit either. */
static void buffers_count_and_disable_wins(husk_heap *heap)
{
    no_growth_passes(heap);
    assert_int_equal(husk_heap_set_soft_limit(heap, 4u << 20), HUSK_OK);
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    uint64_t before = passes(heap);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 40; i++) {
            HOLD b = husk_obj_new(heap, type_bag);
            TRY(b);
            bag *self = husk_obj_data(b);
            self->refs = husk_buffer_new(heap, 200000);
            TRY(self->refs);
            self->room = 200000 / sizeof(husk_obj *);
            TRY_OK(bag_add(b, b));
        }
        if (round == 0) {
            if (!story_failing)
                assert_int_equal(passes(heap), before);
            assert_true(soft_of(heap).exceeded || story_failing);
            assert_int_equal(husk_heap_enable(heap), HUSK_OK);
        }
    }
    assert_true(passes(heap) > before);
    assert_true(taken(heap) < 12u << 20);
    collect(heap);
}

STORIES(STORY(limits_that_make_no_sense_are_refused, 0), STORY(garbage_is_found_at_the_limit, 0),
        STORY(what_lives_is_not_refused, 0), STORY(spare_pages_go_first, 0),
        STORY(buffers_count_and_disable_wins, 0));
