/* tests/flow/idle.c: useful work in a quiet moment. */
#include "story.h"

#include "record.h"
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
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_int_equal(idle.expected_ns, 1000100);
    assert_true(idle.passed);
    assert_false(idle.stepped);
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

/* ---- in steps ---- */

static const uint64_t little = 1000000;

/* A list of so many objects, and half as many pairs of garbage, in a heap where nothing starts by itself and an object
 * is taken to cost 100 ns: more than `little` for all of them. */
static husk_obj *fill(husk_heap *heap, size_t count, const husk_type *garbage)
{
    husk_obj *list = NULL;
    if (husk_heap_disable(heap, "story") != HUSK_OK)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        husk_obj *next = node_new(heap, type_node, 1);
        if (!next || (i % 2 == 0 && !litter(heap, garbage))) {
            husk_obj_drop(&next);
            husk_obj_drop(&list);
            break;
        }
        link_b(next, list);
        husk_obj_drop(&list);
        list = next;
    }
    (void)husk_heap_enable(heap);
    return list;
}

static void what_does_not_fit_runs_in_steps(husk_heap *heap)
{
    const size_t count = story_size(200000, 8000);
    husk_pacing pacing = { 1000, 0, 1, 2 };
    husk_idle idle;
    husk_steps steps;
    TRY_OK(husk_heap_set_pacing(heap, &pacing));
    HOLD list = fill(heap, count, type_hooked);
    TRY(list);
    uint64_t before = passes(heap), calls = 0;
    do {
        assert_int_equal(husk_heap_idle(heap, little, &idle), HUSK_OK);
        assert_true(idle.stepped || story_failing); /* a pass for want of memory has told what objects cost */
        assert_true(idle.passed != idle.more);
        husk_heap_steps(heap, &steps);
        assert_int_equal(steps.under_way, idle.more);
        calls++;
    } while (idle.more);
    assert_int_equal(objects_of(heap), count);
    if (story_failing)
        return;
    husk_pass_record r;
    record_latest(heap, &r);
    assert_int_equal(r.mode, HUSK_STEP);
    assert_int_equal(r.reason, HUSK_BY_IDLE);
    assert_int_equal(r.pauses, calls);
    assert_int_equal(steps.finished, 1);
    assert_int_equal(passes(heap), before + 1);
    assert_int_equal(idle.collected, count / 2);
    assert_int_equal(tally.finalized, count / 2);
    if (count == 200000)
        assert_true(calls > 1);
    assert_int_equal(husk_heap_idle(heap, little, &idle), HUSK_OK); /* nothing has grown since */
    assert_false(idle.stepped || idle.passed || idle.more);
}

/* Whoever began it, and although nothing has grown; it is not thrown away because a whole pass would fit, too. */
static void a_pass_in_steps_is_gone_on_with(husk_heap *heap)
{
    husk_idle idle;
    husk_step step;
    HOLD list = fill(heap, story_size(100000, 5000), type_node);
    TRY(list);
    assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS, &step), HUSK_OK);
    assert_false(step.finished);
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_false(idle.stepped || idle.passed || idle.more);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    assert_int_equal(husk_heap_idle(heap, second, &idle), HUSK_OK);
    assert_true(idle.stepped && idle.passed);
    assert_false(idle.more);
    husk_steps steps;
    husk_heap_steps(heap, &steps);
    assert_int_equal(steps.finished, 1);
    assert_int_equal(steps.given_up, 0);
    husk_pass_record r;
    record_latest(heap, &r);
    assert_int_equal(r.reason, HUSK_BY_CALL);
    assert_true(story_failing || r.freed == story_size(100000, 5000) / 2);
}

/* A pass that was asked for, by steps: no other follows; but one does if they are given up. */
static void a_wish_is_served_or_kept(husk_heap *heap)
{
    husk_idle idle;
    HOLD list = fill(heap, story_size(400000, 12000), type_node);
    TRY(list);
    for (int given_up = 1; given_up >= 0; given_up--) {
        uint64_t before = passes(heap);
        husk_heap_request(heap);
        assert_int_equal(husk_heap_idle(heap, little, &idle), HUSK_OK);
        if (!idle.stepped || idle.passed) { /* objects have become cheaper than the first guess */
            assert_true(idle.passed);
            continue;
        }
        if (given_up) {
            verify(heap);
            assert_int_equal(passes(heap), before);
            husk_heap_safepoint(heap);
        }
        while (!given_up && idle.more)
            assert_int_equal(husk_heap_idle(heap, little, &idle), HUSK_OK);
        assert_int_equal(passes(heap), before + 1);
        husk_heap_safepoint(heap);
        assert_int_equal(passes(heap), before + 1);
        assert_int_equal(objects_of(heap), story_size(400000, 12000));
    }
}

/* What is asked for while a pass is under way may be about later garbage: a whole one answers, if it fits. */
static void a_wish_that_comes_later_is_another_pass(husk_heap *heap)
{
    husk_idle idle;
    husk_step step;
    HOLD list = fill(heap, story_size(100000, 5000), type_node);
    TRY(list);
    assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS, &step), HUSK_OK);
    TRY(litter(heap, type_node));
    husk_heap_request(heap);
    assert_int_equal(husk_heap_idle(heap, 60 * second, &idle), HUSK_OK);
    assert_true(idle.passed);
    assert_false(idle.stepped || idle.more);
    assert_int_equal(objects_of(heap), story_size(100000, 5000));
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
        STORY(what_does_not_fit_runs_in_steps, 0), STORY(a_pass_in_steps_is_gone_on_with, 0),
        STORY(a_wish_is_served_or_kept, 0), STORY(a_wish_that_comes_later_is_another_pass, 0),
        STORY(in_a_hook_it_is_refused, 0));
