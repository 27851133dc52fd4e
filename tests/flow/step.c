/* tests/flow/step.c: passes in steps. */
#include "story.h"
#include "types.h"

static const uint64_t least = HUSK_STEP_LEAST_NS;

/* Steps to the end of the pass; HUSK_OK, or what a step answered. */
static husk_status finish(husk_heap *heap, husk_pass *pass, size_t *count)
{
    for (size_t n = 0; n < 10000000; n++) {
        husk_step step;
        husk_status status = husk_heap_step(heap, least, &step);
        if (count)
            *count = n + 1;
        if (pass)
            *pass = step.so_far;
        if (status || step.finished)
            return status;
    }
    fail_msg("a pass in steps does not end");
    return HUSK_ESTATE;
}

static bool litter_many(husk_heap *heap, const husk_type *type, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!litter(heap, type))
            return false;
    return true;
}

static void all_garbage_ends(husk_heap *heap)
{
    size_t count = story_size(60000, 2000), steps;
    assert_int_equal(husk_heap_set_young(heap, 0), HUSK_OK);
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    HOLD kept = husk_obj_new(heap, type_node);
    TRY(kept);
    TRY(litter_many(heap, type_node, count));
    husk_pass pass;
    TRY_OK(finish(heap, &pass, &steps));
    if (story_failing) /* what is refused runs a pass */
        return;
    assert_int_equal(pass.collected, count);
    assert_int_equal(pass.examined, count + 1);
    assert_int_equal(objects_of(heap), 1);
    assert_true(steps > 1 || count < 10000);
    husk_steps figures;
    husk_heap_steps(heap, &figures);
    assert_int_equal(figures.begun, 1);
    assert_int_equal(figures.finished, 1);
    assert_int_equal(figures.nominated, count);
    assert_int_equal(figures.mistaken, 0);
    assert_int_equal(figures.steps, steps);
    assert_false(figures.under_way);
    verify(heap);
}

/* References move between two steps, uncounted, from what has not been looked at to what has: nothing live ends. */
static void moved_references_are_no_garbage(husk_heap *heap)
{
    enum { MANY = 4000 };
    static husk_obj *at[MANY];
    size_t made = 0;
    for (; made < MANY; made++) {
        at[made] = node_new(heap, type_node, (int64_t)made);
        if (!at[made])
            break;
    }
    for (size_t i = 0; made == MANY && i < MANY;
         i += 2) { /* even ones hold odd ones, which nobody else does */
        husk_obj_take(at[i], &node_of(at[i])->a, at[i + 1]);
        at[i + 1] = NULL;
    }
    size_t rounds = 0;
    husk_step step = { 0 };
    husk_status status = HUSK_OK;
    for (; made == MANY && !step.finished && !status; rounds++) {
        status = husk_heap_step(heap, least, &step);
        for (size_t k = 0; k < 50; k++) {
            size_t i = (rounds * 7919 + k * 104729) % MANY & ~(size_t)1, j = (i + 1998) % MANY;
            husk_obj *moved = node_of(at[i])->a;
            node_of(at[i])->a = node_of(at[j])->a;
            node_of(at[j])->a = moved;
        }
    }
    if (made == MANY && !story_failing) {
        assert_int_equal(status, HUSK_OK);
        assert_int_equal(step.so_far.collected, 0);
        assert_int_equal(objects_of(heap), MANY);
        for (size_t i = 0; i < MANY; i += 2)
            assert_true(node_of(node_of(at[i])->a)->number % 2 == 1);
    }
    verify(heap);
    for (size_t i = 0; i < made; i++)
        husk_obj_drop(&at[i]);
}

/* What was garbage when the pass began and has come back through a weak reference stays. */
static void a_weak_lock_saves(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    husk_obj_set(obj, &node_of(obj)->a, obj);
    husk_weak *weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    husk_obj_drop(&obj);
    bool filled = litter_many(heap, type_node, story_size(50000, 500));
    husk_step step = { 0 };
    if (filled && husk_heap_step(heap, least, &step) == HUSK_OK && !step.finished)
        obj = husk_weak_lock(weak);
    bool saved = obj != NULL;
    if (filled && !step.finished)
        assert_int_equal(finish(heap, NULL, NULL), HUSK_OK);
    if (saved) {
        assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
        assert_ptr_equal(node_of(obj)->a, obj);
        husk_obj_drop(&obj);
        collect(heap);
    }
    assert_true(!filled || husk_weak_state_get(weak) == HUSK_DEAD);
    husk_weak_release(weak);
}

static husk_obj *saved;

static void save(node *self)
{
    husk_obj *obj = husk_obj_of(self);
    if (!saved) {
        saved = obj;
        husk_obj_retain(obj);
    }
}

static void finalizers_run_and_may_save(husk_heap *heap)
{
    tally_reset();
    saved = NULL;
    size_t count = story_size(3000, 50), made = 0;
    for (; made < count; made++) {
        HOLD obj = husk_obj_new(heap, type_hooked);
        if (!obj)
            break;
        node_of(obj)->hook = save;
        husk_obj_set(obj, &node_of(obj)->a, obj);
    }
    husk_pass pass = { 0 };
    if (made == count && finish(heap, &pass, NULL) == HUSK_OK) {
        assert_int_equal(tally.finalized, count);
        assert_int_equal(pass.finalized, count);
        assert_int_equal(pass.resurrected, 1);
        assert_int_equal(pass.collected, count - 1);
        assert_int_equal(objects_of(heap), 1);
    }
    verify(heap);
    husk_obj_drop(&saved);
    collect(heap);
}

/* Large blocks go, and their mappings with them, between two steps. */
static void pages_may_go_meanwhile(husk_heap *heap)
{
    for (size_t phase = 0; phase < story_size(40, 6); phase++) {
        husk_obj *big[3] = { husk_obj_new(heap, type_vast), husk_obj_new(heap, type_huge),
                             husk_obj_new(heap, type_huge) };
        bool whole = big[0] && big[1] && big[2] && litter_many(heap, type_node, 3000);
        husk_step step = { 0 };
        for (size_t i = 0; whole && i < phase && !step.finished; i++)
            if (husk_heap_step(heap, least, &step) != HUSK_OK)
                break;
        for (int i = 0; i < 3; i++)
            husk_obj_drop(&big[i]);
        (void)husk_heap_trim(heap);
        TRY(whole);
        TRY(litter_many(heap, type_closed, 100)); /* in their place */
        TRY_OK(finish(heap, NULL, NULL));
        collect(heap);
        assert_int_equal(objects_of(heap), 0);
    }
}

/* Whatever needs the tables gives the pass up; the next step begins another. */
static void another_pass_gives_it_up(husk_heap *heap)
{
    husk_steps figures;
    husk_step step;
    TRY(litter_many(heap, type_node, story_size(40000, 4000)));
    TRY_OK(husk_heap_step(heap, least, &step));
    if (step.finished)
        return;
    husk_heap_steps(heap, &figures);
    assert_true(figures.under_way);
    collect(heap);
    husk_heap_steps(heap, &figures);
    assert_false(figures.under_way);
    assert_int_equal(figures.given_up, 1);
    assert_int_equal(objects_of(heap), 0);
    TRY(litter_many(heap, type_node, story_size(40000, 4000)));
    TRY_OK(husk_heap_step(heap, least, &step));
    verify(heap);
    husk_heap_freeze(heap);
    TRY_OK(finish(heap, NULL, NULL));
    husk_heap_unfreeze(heap);
    TRY_OK(finish(heap, NULL, NULL));
    assert_int_equal(objects_of(heap), 0);
}

static void closing_in_the_middle_loses_nothing(husk_heap *other)
{
    (void)other;
    for (int phase = 1; phase < 30; phase++) {
        husk_heap *heap;
        if (husk_heap_new(NULL, &heap))
            return;
        husk_step step = { 0 };
        bool whole = litter_many(heap, type_hooked, 2000);
        for (int i = 0; whole && i < phase && !step.finished; i++)
            if (husk_heap_step(heap, least, &step) != HUSK_OK)
                break;
        husk_heap_close(heap);
    }
}

/* Growth starts it, steps follow at allocations; the heap stays within the bound. */
static void automatic_passes_in_steps(husk_heap *heap)
{
    assert_int_equal(husk_heap_set_young(heap, 0), HUSK_OK);
    assert_int_equal(husk_heap_set_pause(heap, 200000), HUSK_OK);
    assert_int_equal(husk_heap_pause(heap), 200000);
    size_t length = story_size(50000, 300), count = story_size(500000, 80000);
    HOLD_MANY(kept);
    for (size_t i = 0; i < length; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, kept.at[i % HOLD_MANY_MAX]);
        kept.at[i % HOLD_MANY_MAX] = obj;
    }
    TRY_OK(husk_heap_collect(heap, NULL));
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        TRY(litter(heap, type_node));
        if (i % 512 == 0 && objects_of(heap) > most)
            most = objects_of(heap);
    }
    husk_steps figures;
    husk_heap_steps(heap, &figures);
    if (story_failing)
        return;
    assert_true(figures.finished >= 1);
    size_t growth =
        2 * length > 16384 ? 2 * length : 16384; /* what may grow, then `least`, and what refills let by */
    assert_true(most <= length + growth + 16384 + 16384 / 16 + 4096);
    collect(heap);
    assert_int_equal(objects_of(heap), length);
}

/* Garbage with finalizers is nominated at allocations, and ends in steps at safe points. */
static void hooks_have_their_turn_at_safe_points(husk_heap *heap)
{
    tally_reset();
    husk_pacing pacing = { 2000, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    assert_int_equal(husk_heap_set_young(heap, 0), HUSK_OK);
    assert_int_equal(husk_heap_set_pause(heap, 100000), HUSK_OK);
    size_t before = 0;
    for (size_t i = 0; i < story_size(60000, 4000); i++) {
        TRY(litter(heap, i % 8 ? type_node : type_hooked));
        if (i % 64 == 0)
            husk_heap_safepoint(heap);
        else
            assert_int_equal(tally.finalized, before);
        before = tally.finalized;
    }
    assert_true(story_failing || tally.finalized > 0);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

/* A step is judged by its own budget, whatever automatic ones may take. */
static void a_step_is_late_by_its_own_budget(husk_heap *heap)
{
    husk_steps figures;
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    assert_int_equal(husk_heap_set_pause(heap, HUSK_STEP_LEAST_NS), HUSK_OK);
    TRY(litter_many(heap, type_node, 2000));
    TRY_OK(husk_heap_step(heap, HUSK_STEP_MOST_NS, NULL));
    husk_heap_steps(heap, &figures);
    assert_true(figures.steps > 0 && figures.longest_ns > 2 * HUSK_STEP_LEAST_NS);
    assert_int_equal(figures.late, 0);
    assert_int_equal(husk_heap_set_pause(heap, 0), HUSK_OK);
    TRY(litter_many(heap, type_node, 2000));
    TRY_OK(husk_heap_step(heap, HUSK_STEP_MOST_NS, NULL));
    husk_heap_steps(heap, &figures);
    assert_int_equal(figures.late, 0);
}

static void budgets_that_make_no_sense_are_refused(husk_heap *heap)
{
    static const uint64_t bad[] = { 1, HUSK_STEP_LEAST_NS - 1, HUSK_STEP_MOST_NS + 1, UINT64_MAX };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        husk_step step = { .finished = true };
        assert_int_equal(husk_heap_step(heap, bad[i], &step), HUSK_ERANGE);
        assert_false(step.finished);
        assert_non_null(strstr(husk_heap_message(heap), "10000 to 10000000000"));
        assert_int_equal(husk_heap_set_pause(heap, bad[i]), HUSK_ERANGE);
        assert_int_equal(husk_heap_pause(heap), 0);
    }
    assert_int_equal(husk_heap_step(heap, 0, NULL), HUSK_ERANGE);
    assert_int_equal(husk_heap_step(heap, least, NULL), HUSK_OK);
}

static husk_status status_in_hook;

static void step_in_hook(node *self)
{
    status_in_hook = husk_heap_step(husk_obj_heap(husk_obj_of(self)), least, NULL);
}

static void in_a_hook_it_is_refused(husk_heap *heap)
{
    husk_obj *obj = husk_obj_new(heap, type_hooked);
    TRY(obj);
    node_of(obj)->hook = step_in_hook;
    husk_obj_release(obj);
    assert_int_equal(status_in_hook, HUSK_EBUSY);
}

STORIES(STORY(all_garbage_ends, 0), STORY(moved_references_are_no_garbage, 0), STORY(a_weak_lock_saves, 0),
        STORY(finalizers_run_and_may_save, 0), STORY(pages_may_go_meanwhile, 0),
        STORY(another_pass_gives_it_up, 0), STORY(closing_in_the_middle_loses_nothing, 0),
        STORY(automatic_passes_in_steps, 0), STORY(hooks_have_their_turn_at_safe_points, 0),
        STORY(a_step_is_late_by_its_own_budget, 0), STORY(budgets_that_make_no_sense_are_refused, 0),
        STORY(in_a_hook_it_is_refused, 0));
