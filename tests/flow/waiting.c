/* tests/flow/waiting.c: what a pass inside an allocation, a request or a hook leaves for a safe point. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <signal.h>
#include <stdio.h>
/* ---- what waits for a safe point ---- */

static void garbage_with_hooks_waits_for_a_safe_point(husk_heap *heap)
{
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = passes(heap);
    int made = 0;
    while (made < 20000 && passes(heap) == before) {
        husk_obj *obj = husk_obj_new(heap, type_hooked);
        TRY(obj);
        link_a(obj, obj);
        /* By hand: a release that ends nothing is no safe point. */
        husk_obj_release(obj);
        made++;
        assert_int_equal(tally.finalized, 0);
    }
    assert_true(passes(heap) > before);
    assert_int_equal(objects_of(heap), made);
    husk_heap_safepoint(heap);
    assert_true(tally.finalized > 0 || story_failing);
    assert_int_equal(tally.finalized, tally.disposed);
    collect(heap);
    assert_int_equal(tally.finalized, made);
    assert_int_equal(objects_of(heap), 0);
}

static void a_release_is_a_safe_point(husk_heap *heap)
{
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = passes(heap);
    HOLD plain = husk_obj_new(heap, type_leaf);
    TRY(plain);
    int made = 0;
    while (made < 20000 && passes(heap) == before) {
        TRY(litter(heap, type_hooked));
        made++;
    }
    assert_true(passes(heap) > before);
    assert_int_equal(tally.finalized, 0);
    husk_obj_drop(&plain); /* ends an object outside any hook */
    assert_true(tally.finalized > 0 || story_failing);
    assert_int_equal(tally.finalized, tally.disposed);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

static void a_request_runs_at_the_next_safe_point(husk_heap *heap)
{
    TRY(litter(heap, type_hooked));
    uint64_t before = passes(heap);
    husk_heap_request(heap);
    assert_int_equal(passes(heap), before);
    husk_heap_safepoint(heap);
    assert_int_equal(passes(heap), before + 1);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_safepoint(heap);
    assert_int_equal(passes(heap), before + 1);
}

static void a_request_runs_at_the_next_allocation(husk_heap *heap)
{
    TRY(litter(heap, type_node));
    uint64_t before = passes(heap);
    husk_heap_request(heap);
    HOLD head = NULL;
    for (int i = 0; i < 6000 && passes(heap) == before; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    if (!story_failing)
        assert_int_equal(passes(heap), before + 1);
    husk_heap_safepoint(heap);
    if (!story_failing)
        assert_int_equal(passes(heap), before + 1);
}

/* What dies in a pass inside an allocation and has a finalizer waits, all of it, and is ended in order of death. */
static void many_that_wait(husk_heap *heap)
{
    enum { WAITING = 9 };
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    for (int i = 0; i < WAITING; i++) {
        HOLD ring = husk_obj_new(heap, type_node);
        TRY(ring);
        link_a(ring, ring);
        husk_obj *goner = node_new(heap, type_goner, i);
        TRY(goner);
        husk_obj_take(ring, &node_of(ring)->b, goner);
    }
    tally_reset();
    uint64_t before = passes(heap);
    for (int i = 0; i < 20000 && passes(heap) == before; i++)
        TRY(litter(heap, type_node));
    assert_int_equal(tally.finalized, 0);
    verify(heap);
    husk_heap_safepoint(heap);
    if (story_failing)
        return;
    assert_int_equal(tally.finalized, WAITING);
    assert_int_equal(tally.disposed, WAITING);
    bool seen[WAITING] = { false };
    for (int i = 0; i < WAITING; i++) {
        assert_false(seen[tally.order[i]]);
        seen[tally.order[i]] = true;
    }
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

/* What fails in a hook is the hook's business. */
static void fail_inside(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    assert_null(husk_obj_new(heap, type_row));
    assert_int_equal(husk_heap_failure(heap), HUSK_EINVAL);
}

static void failures_in_hooks_leave_no_trace(husk_heap *heap)
{
    for (int failed = 0; failed < 2; failed++) {
        HOLD obj = husk_obj_new(heap, type_hooked);
        TRY(obj);
        node_of(obj)->hook = fail_inside;
        husk_heap_clear_failure(heap);
        if (failed)
            assert_int_equal(husk_heap_enable(heap), HUSK_ESTATE);
        char words[200];
        snprintf(words, sizeof words, "%s", husk_heap_message(heap));
        husk_obj_drop(&obj);
        assert_int_equal(husk_heap_failure(heap), failed ? HUSK_ESTATE : HUSK_OK);
        assert_string_equal(husk_heap_message(heap), words);
    }
}

static husk_heap *signalled;

static void on_signal(int number)
{
    (void)number;
    husk_heap_request(signalled);
}

static void a_request_from_a_signal_handler(husk_heap *heap)
{
    TRY(litter(heap, type_hooked));
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    signalled = heap;
    assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
    raise(SIGUSR1);
    sigaction(SIGUSR1, &old, NULL);
    assert_int_equal(tally.finalized, 0);
    husk_heap_safepoint(heap);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(objects_of(heap), 0);
}

/* Two passes inside allocations without a safe point between: what the first put off keeps what it refers to. */
static int64_t seen_in_hook;

static void look_at_child(node *self)
{
    seen_in_hook = node_of(self->a)->number;
}

static void what_waits_survives_further_passes(husk_heap *heap)
{
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    HOLD late = node_new(heap, type_hooked, 8);
    TRY(late);
    husk_heap_freeze(heap); /* so that late is no member of the garbage that will hold it */
    HOLD child = node_new(heap, type_node, 7);
    TRY(child);
    HOLD ring = husk_obj_new(heap, type_node);
    TRY(ring);
    link_a(late, child); /* held by late alone */
    husk_obj_drop(&child);
    link_a(ring, ring);
    husk_obj_take(ring, &node_of(ring)->b, late);
    node_of(late)->hook = look_at_child;
    late = NULL;
    husk_obj_drop(&ring);
    seen_in_hook = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t before = passes(heap);
        for (int k = 0; k < 20000 && passes(heap) == before; k++)
            TRY(litter(heap, type_node));
        assert_int_equal(tally.finalized, 0); /* it is dying, and has been put off */
        verify(heap);
        husk_heap_unfreeze(heap);
    }
    husk_heap_safepoint(heap);
    if (!story_failing)
        assert_int_equal(tally.finalized, 1);
    collect(heap);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(seen_in_hook, 7);
    assert_int_equal(objects_of(heap), 0);
}

STORIES(STORY(garbage_with_hooks_waits_for_a_safe_point, 0), STORY(a_release_is_a_safe_point, 0),
        STORY(a_request_runs_at_the_next_safe_point, 0), STORY(a_request_runs_at_the_next_allocation, 0),
        STORY(many_that_wait, 0), STORY(failures_in_hooks_leave_no_trace, 0),
        STORY(a_request_from_a_signal_handler, 0), STORY(what_waits_survives_further_passes, 0));
