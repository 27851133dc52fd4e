/* tests/flow/idle.c: useful work in a quiet moment. */
#include "story.h"
#include "types.h"

static const uint64_t second = 1000000000u;

static void budgets_that_make_no_sense_are_refused(husk_heap *heap)
{
    static const uint64_t bad[] = { 0, 1, 999999, (uint64_t)3600 * 1000000000 + 1, UINT64_MAX };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        husk_idle idle = { .passed = true };
        assert_int_equal(husk_heap_idle(heap, bad[i], &idle), HUSK_ERANGE);
        assert_false(idle.passed);
    }
    assert_int_equal(husk_heap_idle(heap, second, NULL), HUSK_OK);
}

static void nothing_to_do_is_said(husk_heap *heap)
{
    husk_idle idle;
    uint64_t before = passes(heap);
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_false(idle.served || idle.passed || idle.trimmed);
    assert_false(idle.more);
    assert_int_equal(passes(heap), before);
}

/* More than a quarter of what would start a pass has grown: one runs, if it fits. */
static void growth_is_collected_before_its_time(husk_heap *heap)
{
    husk_idle idle;
    husk_pacing pacing = { 40000, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    assert_int_equal(husk_heap_set_young(heap, 0), HUSK_OK);
    for (int i = 0; i < 10000; i++)
        TRY(litter(heap, type_node));
    uint64_t before = passes(heap);
    if (story_failing)
        return;
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_int_equal(passes(heap), before); /* a quarter is not more than a quarter */
    assert_false(idle.more);
    assert_true(litter(heap, type_node));
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_int_equal(passes(heap), before);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    /* Before the first pass an object is taken to cost 100 ns. */
    assert_int_equal(husk_heap_idle(heap, 1000000, &idle), HUSK_OK);
    assert_false(idle.passed);
    assert_true(idle.more);
    assert_int_equal(idle.expected_ns, 1000100);
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_true(idle.passed);
    assert_int_equal(idle.collected, 10001);
    assert_false(idle.more);
    assert_true(idle.took_ns > 0);
    assert_int_equal(passes(heap), before + 1);
    assert_int_equal(objects_of(heap), 0);
    /* The emptied pages go back without a wait. */
    assert_true(idle.trimmed);
    assert_true(idle.bytes_back > 0);
    husk_pacing_state state;
    husk_heap_pacing_state(heap, &state);
    assert_true(state.object_ns > 0);
    assert_int_equal(state.automatic, 0);
}

static void what_waits_is_done(husk_heap *heap)
{
    husk_idle idle;
    husk_pacing pacing = { 300, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = passes(heap);
    int made = 0;
    for (; made < 20000 && passes(heap) == before; made++)
        TRY(litter(heap, type_hooked));
    assert_int_equal(tally.finalized, 0);
    /* A pass is wanted, whatever has grown since. */
    assert_int_equal(husk_heap_idle(heap, 60 * second, &idle), HUSK_OK);
    if (story_failing) { /* what was refused ran a pass before there was garbage */
        collect(heap);
        return;
    }
    assert_true(idle.passed);
    assert_int_equal(tally.finalized, made);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_request(heap);
    before = passes(heap);
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_int_equal(passes(heap), before + 1);
    husk_heap_safepoint(heap);
    assert_int_equal(passes(heap), before + 1);
}

static husk_status status_in_hook;

static void idle_in_hook(node *self)
{
    husk_idle idle;
    status_in_hook = husk_heap_idle(husk_obj_heap(husk_obj_of(self)), second, &idle);
}

static void in_a_hook_it_is_refused(husk_heap *heap)
{
    husk_obj *obj = husk_obj_new(heap, type_hooked);
    TRY(obj);
    node_of(obj)->hook = idle_in_hook;
    husk_obj_release(obj);
    assert_int_equal(status_in_hook, HUSK_EBUSY);
}

STORIES(STORY(budgets_that_make_no_sense_are_refused, 0), STORY(nothing_to_do_is_said, 0),
        STORY(growth_is_collected_before_its_time, 0), STORY(what_waits_is_done, 0),
        STORY(in_a_hook_it_is_refused, 0));
