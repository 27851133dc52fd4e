/* tests/flow/bound.c: what the heap promises between passes, and what passes may cost for it. */
#define _POSIX_C_SOURCE 200809L
#include "random.h"
#include "story.h"
#include "types.h"

static husk_bound bound_of(const husk_heap *heap)
{
    husk_bound bound;
    husk_heap_bound(heap, &bound);
    return bound;
}

static husk_pacing_state state_of(const husk_heap *heap)
{
    husk_pacing_state state;
    husk_heap_pacing_state(heap, &state);
    return state;
}

/* What is there is within the bound, in both measures, by the figures that are counted apart. */
static void check(husk_heap *heap)
{
    husk_bound bound = bound_of(heap);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_true(bound.kept);
    assert_int_equal(bound.why, HUSK_BOUND_KEPT);
    assert_null(bound.holder);
    assert_true(figures.objects <= bound.objects);
    assert_true(figures.object_bytes + figures.buffer_bytes + figures.foreign_bytes <= bound.bytes);
    assert_true(bound.garbage_objects + bound.deferred_objects >= figures.objects);
    assert_true(bound.garbage_objects <= bound.objects && bound.garbage_bytes <= bound.bytes);
}

enum { KEPT = 200 };

/* Rings, chains and buffers that come and go: a program after the seed. Calls of it that failed end it. */
static bool run_program(husk_heap *heap, uint64_t seed, size_t length, husk_obj **kept, uint64_t *births)
{
    static const husk_type *const *types[] = { &type_node, &type_leaf, &type_bag, &type_vast, &type_closed };
    random64 r = random_from(seed);
    bool grows = seed & 1, hooks = seed & 2;
    for (size_t i = 0; i < length; i++) {
        bool rare = random_below(&r, 32) == 0;
        const husk_type *type = *types[rare ? random_below(&r, 4) : hooks ? random_below(&r, 2) * 4 : 0];
        husk_obj *obj = husk_obj_new(heap, type);
        if (!obj)
            return false;
        ++*births;
        unsigned slot = random_below(&r, KEPT);
        if (type == type_bag) {
            if (bag_add(obj, obj) != HUSK_OK) {
                husk_obj_release(obj);
                return false;
            }
        } else if (type == type_node || type == type_closed) {
            link_a(obj, random_below(&r, 2) ? obj : kept[slot]);
            husk_obj *other = kept[random_below(&r, KEPT)];
            if (other && (husk_obj_type(other) == type_node || husk_obj_type(other) == type_closed))
                link_b(other, obj);
        }
        if (grows || random_below(&r, 8) == 0) {
            husk_obj_drop(&kept[slot]);
            kept[slot] = obj;
        } else {
            husk_obj_release(obj);
        }
        if (random_below(&r, 97) == 0)
            check(heap);
    }
    return true;
}

static void a_heap_stays_within_its_bound(husk_heap *heap)
{
    for (uint64_t seed = 1; seed <= 16; seed += story_size(1, 8)) {
        random64 r = random_from(seed);
        assert_int_equal(husk_heap_set_pause(heap, seed > 8 ? 20000 : 0), HUSK_OK); /* in steps */
        static const double factors[] = { 0.5, 1, 2 };
        double factor = factors[random_below(&r, 3)];
        husk_pacing pacing = { 100 + random_below(&r, 2000), 10000 + random_below(&r, 1u << 20), factor, 4 };
        assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
        HOLD_MANY(kept);
        uint64_t births = 0, before = passes(heap);
        bool done = run_program(heap, seed, story_size(60000, 2000), kept.at, &births);
        TRY(done);
        if (births >= 60000)
            assert_true(passes(heap) > before + 2); /* else it was not put to the test */
        check(heap);
    }
    husk_steps steps;
    husk_heap_steps(heap, &steps);
    assert_true(steps.finished > 0 || story_failing);
    assert_int_equal(husk_heap_set_pause(heap, 0), HUSK_OK);
    collect(heap);
}

/* A pass that growth started has looked at no more than 1 + 1/factor objects for each one born since the last; what
 * is found and has a hook is looked at once more, at a safe point. */
static void passes_cost_a_constant_for_each_birth(husk_heap *heap)
{
    static const double factors[] = { 0.5, 1, 2, 8 };
    for (uint64_t seed = 1; seed <= 8; seed += story_size(1, 3)) {
        husk_pacing pacing = { 500, 0, factors[seed % 4], factors[seed % 4] * (seed > 4 ? 1 : 2) };
        assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
        collect(heap);
        HOLD_MANY(kept);
        uint64_t births = 0, before = state_of(heap).automatic_examined;
        TRY(run_program(heap, seed, story_size(80000, 2000), kept.at, &births));
        uint64_t examined = state_of(heap).automatic_examined - before;
        assert_true((double)examined <= (seed & 2 ? 2 : 1) * (1 + 1 / pacing.factor) * (double)births);
        if (births >= 80000)
            assert_true(examined > 0);
    }
    collect(heap);
}

/* Passes over a large heap in a loop that does nothing but allocate take more than a tenth of the time: then the
 * factor is raised, as far as it may be, and the state says why, or what share was reached. */
static void the_share_of_time_is_reported(husk_heap *heap)
{
    husk_pacing pacing = { 1000, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk_pacing_state state = state_of(heap);
    assert_true(state.factor <= 1 && state.why == HUSK_FACTOR_SET && state.time_kept && !state.timed);
    assert_true(state.time_share <= 0 && state.automatic == 0);
    HOLD head = NULL;
    for (size_t i = 0; i < story_size(20000, 200); i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    for (size_t i = 0; i < story_size(1000000, 2000); i++)
        TRY(litter(heap, type_node));
    state = state_of(heap);
    if (!state.automatic)
        return;
    assert_true(state.time_share > 0 && state.time_share <= 1);
    assert_true(state.timed <= HUSK_TIME_PASSES);
    assert_true(state.last_ns > 0);
    assert_int_equal(state.time_kept, state.time_share <= HUSK_TIME_GOAL);
    assert_true(state.factor <= 2);
    if (state.timed == HUSK_TIME_PASSES && !state.time_kept)
        assert_true(state.at_most && state.why == HUSK_FACTOR_TIME);
    if (state.timed == HUSK_TIME_PASSES)
        assert_true(state.object_ns > 0 && state.yield > 0);
    check(heap);
    husk_obj_drop(&head);
    collect(heap);
}

static husk_bound_why why_in_hook;

static void look_at_bound(node *self)
{
    why_in_hook = bound_of(husk_obj_heap(husk_obj_of(self))).why;
}

/* Where it does not hold it says so, and why. */
static void what_is_not_promised_is_said(husk_heap *heap)
{
    husk_bound bound;
    assert_int_equal(husk_heap_disable(heap, "loader"), HUSK_OK);
    bound = bound_of(heap);
    assert_false(bound.kept);
    assert_int_equal(bound.why, HUSK_BOUND_DISABLED);
    assert_string_equal(bound.holder, "loader");
    assert_true(bound.objects == SIZE_MAX && bound.bytes == SIZE_MAX);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);

    assert_int_equal(husk_heap_no_gc_begin(heap, 1000, 0, false, "frame"), HUSK_OK);
    bound = bound_of(heap);
    assert_false(bound.kept);
    assert_int_equal(bound.why, HUSK_BOUND_REGION);
    assert_string_equal(bound.holder, "frame");
    assert_true(bound.objects >= 1000 && bound.objects < 1000 + 63 + 2048 * 3 && bound.bytes == SIZE_MAX);
    assert_int_equal(husk_heap_no_gc_end(heap, NULL), HUSK_OK);

    husk_pacing old, pacing = { 0, 0, 1, 2 };
    husk_heap_get_pacing(heap, &old);
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    bound = bound_of(heap);
    assert_int_equal(bound.why, HUSK_BOUND_UNPACED);
    assert_true(!bound.kept && bound.objects == SIZE_MAX && bound.bytes == SIZE_MAX);
    pacing.least_bytes = 5000;
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    bound = bound_of(heap);
    assert_true(bound.kept && bound.objects == SIZE_MAX && bound.bytes < SIZE_MAX);
    assert_int_equal(husk_heap_set_pacing(heap, &old), HUSK_OK);

    husk_obj *obj = husk_obj_new(heap, type_hooked);
    TRY(obj);
    node_of(obj)->hook = look_at_bound;
    why_in_hook = HUSK_BOUND_KEPT;
    husk_obj_release(obj);
    assert_int_equal(why_in_hook, HUSK_BOUND_HOOK);

    husk_heap_set_save_all(heap, true);
    husk_heap_set_pacing(heap, &(husk_pacing){ 100, 0, 1, 2 });
    for (int i = 0; i < 8000 && bound_of(heap).kept; i++)
        if (!litter(heap, type_node)) {
            husk_heap_set_save_all(heap, false);
            story_refuse(heap, husk_heap_failure(heap), "litter", __FILE__, __LINE__);
            return;
        }
    assert_int_equal(bound_of(heap).why, HUSK_BOUND_SAVE_ALL);
    husk_heap_set_save_all(heap, false);
    husk_heap_safepoint(heap);
    check(heap);
}

/* Garbage that waits for a safe point is shown apart. */
static void deferred_garbage_is_shown_apart(husk_heap *heap)
{
    husk_heap_set_pacing(heap, &(husk_pacing){ 300, 0, 1, 2 });
    int made = 0;
    for (uint64_t before = passes(heap); made < 20000 && passes(heap) == before; made++)
        TRY(litter(heap, type_hooked));
    husk_bound bound = bound_of(heap);
    assert_true(bound.kept);
    if (story_failing) { /* what was refused ran a pass before there was garbage */
        collect(heap);
        return;
    }
    assert_true(bound.deferred_objects > 0 && bound.deferred_objects <= (size_t)made);
    assert_int_equal(bound.deferred_objects + bound.garbage_objects, made);
    husk_heap_safepoint(heap);
    assert_int_equal(bound_of(heap).deferred_objects, 0);
    collect(heap);
    assert_int_equal(bound_of(heap).garbage_objects, 0);
}

static void reasons_have_names(husk_heap *heap)
{
    (void)heap;
    assert_string_equal(husk_bound_why_name(HUSK_BOUND_KEPT), "kept");
    assert_string_equal(husk_bound_why_name(HUSK_BOUND_CORRUPT), "corrupt");
    assert_string_equal(husk_bound_why_name((husk_bound_why)(HUSK_BOUND_CORRUPT + 1)), "unknown");
    assert_string_equal(husk_factor_why_name(HUSK_FACTOR_TIME), "time");
    assert_string_equal(husk_factor_why_name((husk_factor_why)(HUSK_FACTOR_TIME + 1)), "unknown");
    assert_string_equal(husk_region_why_name(HUSK_REGION_ASKED), "asked");
    assert_string_equal(husk_region_why_name((husk_region_why)(HUSK_REGION_ASKED + 1)), "unknown");
}

STORIES(STORY(a_heap_stays_within_its_bound, 0), STORY(passes_cost_a_constant_for_each_birth, 0),
        STORY(the_share_of_time_is_reported, 0), STORY(what_is_not_promised_is_said, 0),
        STORY(deferred_garbage_is_shown_apart, 0), STORY(reasons_have_names, 0));
