/* tests/flow/region.c: a region without passes, and its budget. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <time.h>

static void pace_quickly(husk_heap *heap)
{
    husk_pacing pacing = { 200, 1u << 20, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
}

static void regions_that_make_no_sense_are_refused(husk_heap *heap)
{
    husk_region region;
    assert_int_equal(husk_heap_no_gc_begin(heap, 0, 0, false, "x"), HUSK_ERANGE);
    assert_int_equal(husk_heap_no_gc_begin(heap, SIZE_MAX, 0, false, "x"), HUSK_ERANGE);
    assert_int_equal(husk_heap_no_gc_begin(heap, 1, SIZE_MAX / 2, false, "x"), HUSK_ERANGE);
    assert_int_equal(husk_heap_no_gc_begin(heap, 1000, 0, true, "x"), HUSK_ERANGE);
    assert_int_equal(husk_heap_no_gc_end(heap, &region), HUSK_ESTATE);
    assert_false(husk_heap_no_gc(heap, &region));
    assert_int_equal(husk_heap_no_gc_begin(heap, 1000, 0, false, "outer"), HUSK_OK);
    assert_int_equal(husk_heap_no_gc_begin(heap, 1000, 0, false, "inner"), HUSK_ESTATE);
    assert_non_null(strstr(husk_heap_message(heap), "outer"));
    assert_int_equal(husk_heap_no_gc_end(heap, NULL), HUSK_OK);
    assert_int_equal(husk_heap_no_gc_end(heap, NULL), HUSK_ESTATE);
}

static void a_region_that_is_kept(husk_heap *heap)
{
    pace_quickly(heap);
    uint64_t before = passes(heap);
    husk_region region;
    assert_int_equal(husk_heap_no_gc_begin(heap, 20000, 0, false, NULL), HUSK_OK);
    assert_true(husk_heap_is_enabled(heap));
    for (int i = 0; i < 15000; i++)
        TRY(litter(heap, type_node));
    if (!story_failing)
        assert_int_equal(passes(heap), before);
    assert_true(husk_heap_no_gc(heap, &region));
    assert_true(region.active);
    if (!story_failing) {
        assert_int_equal(region.grown_objects, 15000);
        assert_true(region.kept);
    }
    /* What dies by counting gives the budget back. */
    for (int i = 0; i < 50000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_release(obj);
    }
    assert_int_equal(husk_heap_no_gc_end(heap, &region), HUSK_OK);
    if (story_failing)
        return;
    assert_int_equal(passes(heap), before);
    assert_int_equal(region.grown_objects, 15000);
    assert_true(region.kept && !region.active && region.why == HUSK_REGION_KEPT);
    assert_string_equal(region.holder, "?");
    for (int i = 0; i < 3000; i++) /* now the growth in it counts */
        TRY(litter(heap, type_node));
    assert_true(passes(heap) > before);
    collect(heap);
}

static void a_budget_that_is_used_up_ends_it(husk_heap *heap)
{
    for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
        pace_quickly(heap);
        uint64_t before = passes(heap);
        husk_region region;
        size_t made = 0;
        TRY_OK(husk_heap_no_gc_begin(heap, by_bytes ? 0 : 5000, by_bytes ? 400000 : 0, false, "frame"));
        do {
            if (!litter(heap, type_node)) {
                husk_heap_no_gc_end(heap, NULL);
                story_refuse(heap, husk_heap_failure(heap), "litter", __FILE__, __LINE__);
                return;
            }
            made++;
        } while (husk_heap_no_gc(heap, &region) && region.active && made < 60000);
        assert_false(region.active || region.kept);
        if (!story_failing) {
            assert_true(made >= 5000 && made < 12000);
            assert_int_equal(region.why, HUSK_REGION_BUDGET);
            assert_true(passes(heap) > before); /* growth was past what starts one */
        }
        assert_int_equal(husk_heap_no_gc_begin(heap, 1, 0, false, "next"), HUSK_ESTATE);
        husk_region end;
        assert_int_equal(husk_heap_no_gc_end(heap, &end), HUSK_OK);
        assert_int_equal(end.why, region.why);
        assert_int_equal(end.grown_objects, region.grown_objects);
        collect(heap);
    }
}

/* Passes that are asked for run, and are told of; the region goes on. */
static void passes_in_a_region_are_told(husk_heap *heap)
{
    husk_region region;
    TRY_OK(husk_heap_no_gc_begin(heap, 100000, 0, false, "frame"));
    collect(heap);
    assert_true(husk_heap_no_gc(heap, &region));
    assert_true(region.active && !region.kept);
    assert_int_equal(region.why, HUSK_REGION_ASKED);
    assert_int_equal(husk_heap_no_gc_end(heap, NULL), HUSK_OK);
    /* Disabling is apart, and either holds passes off. */
    pace_quickly(heap);
    uint64_t before = passes(heap);
    TRY_OK(husk_heap_no_gc_begin(heap, 100000, 0, false, "frame"));
    assert_int_equal(husk_heap_disable(heap, "inside"), HUSK_OK);
    assert_int_equal(husk_heap_no_gc_end(heap, &region), HUSK_OK);
    assert_true(region.kept);
    for (int i = 0; i < 5000; i++)
        TRY(litter(heap, type_node));
    if (!story_failing)
        assert_int_equal(passes(heap), before);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    collect(heap);
}

/* max_bytes collects, in a region too. */
static void the_hard_limit_collects_in_a_region(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = 512u << 10 };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    husk_region region;
    assert_int_equal(husk_heap_no_gc_begin(heap, 1u << 30, 0, false, "frame"), HUSK_OK);
    bool made = true;
    for (int i = 0; i < 20000 && made; i++)
        made = litter(heap, type_node);
    assert_true(made || story_failing);
    assert_true(husk_heap_no_gc(heap, &region));
    assert_true(region.active && !region.kept);
    assert_int_equal(region.why, HUSK_REGION_LIMIT);
    /* More than there is cannot be reserved. */
    assert_int_equal(husk_heap_no_gc_end(heap, NULL), HUSK_OK);
    collect(heap);
    husk_heap_figures before, after;
    husk_heap_trim(heap);
    husk_heap_figures_get(heap, &before);
    husk_status status = husk_heap_no_gc_begin(heap, 0, 4u << 20, true, "frame");
    assert_true(status == HUSK_ELIMIT || (story_failing && status == HUSK_ENOMEM));
    husk_heap_figures_get(heap, &after);
    assert_true(after.bytes_taken <= before.bytes_taken + 12 * 1024);
    assert_false(husk_heap_no_gc(heap, &region));
    verify(heap);
    heap_close(heap, true);
}

/* What was reserved is enough: no page is asked for, and none goes back meanwhile. */
static void what_is_reserved_is_there(husk_heap *heap)
{
    husk_heap_figures before, after;
    size_t bytes = story_size(4u << 20, 1u << 20);
    TRY_OK(husk_heap_no_gc_begin(heap, 0, bytes, true, "frame"));
    husk_heap_figures_get(heap, &before);
    assert_true(before.pages_spare * 65536 >= bytes);
    verify(heap);
    for (int i = 0; !story_failing && i < 2; i++) { /* they are no surplus, however long they lie there */
        HOLD passing = husk_obj_new(heap, type_node);
        TRY(passing);
        husk_heap_safepoint(heap);
        struct timespec pause = { 0, 150 * 1000 * 1000 };
        nanosleep(&pause, NULL);
    }
    husk_heap_safepoint(heap);
    husk_heap_figures_get(heap, &after);
    assert_int_equal(after.bytes_taken, before.bytes_taken);
    HOLD head = NULL;
    size_t made = 0;
    husk_region region;
    husk_heap_no_gc(heap, &region);
    while (region.grown_bytes + 3000 < bytes) {
        for (int i = 0; i < 10; i++, made++) {
            husk_obj *obj = husk_obj_new(heap, made % 3 ? type_node : type_hooked);
            TRY(obj);
            if (husk_obj_type(obj) == type_node)
                husk_obj_take(obj, &node_of(obj)->a, head);
            else
                husk_obj_take(obj, &node_of(obj)->b, head);
            head = obj;
        }
        husk_heap_no_gc(heap, &region);
    }
    assert_true(region.active && region.kept);
    husk_heap_figures_get(heap, &after);
    assert_int_equal(after.bytes_taken, before.bytes_taken);
    assert_int_equal(husk_heap_no_gc_end(heap, &region), HUSK_OK);
    assert_true(region.kept);
    verify(heap);
    husk_obj_drop(&head);
    husk_heap_trim(heap);
    husk_heap_figures_get(heap, &after);
    assert_true(after.bytes_taken < before.bytes_taken);
}

static husk_status status_in_hook;

static void reserve_in_hook(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    status_in_hook = husk_heap_no_gc_begin(heap, 0, 100000, true, "hook");
}

static void reserving_in_a_hook_is_refused(husk_heap *heap)
{
    husk_obj *obj = husk_obj_new(heap, type_hooked);
    TRY(obj);
    node_of(obj)->hook = reserve_in_hook;
    husk_obj_release(obj);
    assert_int_equal(status_in_hook, HUSK_EBUSY);
    husk_region region;
    assert_false(husk_heap_no_gc(heap, &region));
}

STORIES(STORY(regions_that_make_no_sense_are_refused, 0), STORY(a_region_that_is_kept, 0),
        STORY(a_budget_that_is_used_up_ends_it, 0), STORY(passes_in_a_region_are_told, 0),
        STORY(the_hard_limit_collects_in_a_region, 0), STORY(what_is_reserved_is_there, 0),
        STORY(reserving_in_a_hook_is_refused, 0));
