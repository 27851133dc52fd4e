/* cycle/idle.c: useful work in a quiet moment (husk/pacing.h). A program that drops much and then allocates no more
 * is not looked at by the triggers; here it can be: at once where that fits, else in steps (step.c). */
#define _GNU_SOURCE
#include "base/clock.h"
#include "cycle/collect.h"
#include "cycle/pace.h"
#include "cycle/step.h"
#include "object/hook.h"
#include "object/traced.h"

#include <husk/step.h>

#define LEAST_BUDGET ((uint64_t)1000000)
#define MOST_BUDGET ((uint64_t)3600 * 1000000000)
#define UNKNOWN_NS 100 /* what an object is taken to cost before the first pass: more than most do */

static uint64_t expect_ns(husk_heap *heap)
{
    size_t bytes, blocks = husk__pace_present(heap, &bytes);
    double each = heap->pace.object_ns > 0 ? heap->pace.object_ns : UNKNOWN_NS;
    return (uint64_t)(each * (double)blocks);
}

/* Somebody waits for a pass. */
static bool is_wished(husk_heap *heap)
{
    return husk__waiting(&heap->store) & (HUSK__WAITS_PASS | HUSK__WAITS_REQUEST);
}

/* A quarter of what would start a pass. */
static bool is_worth_a_pass(husk_heap *heap)
{
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    return counts.grown_objects > counts.limit_objects / 4 || counts.grown_bytes > counts.limit_bytes / 4;
}

static void serve_queues(husk_heap *heap, husk_idle *out)
{
    enum { QUEUES = HUSK__WAITS_LATER | HUSK__WAITS_DUE | HUSK__WAITS_DEATH | HUSK__WAITS_TELL };
    if (!(husk__waiting(&heap->store) & QUEUES))
        return;
    (void)husk__collect_queues(heap);
    out->served = true;
}

static void run_whole(husk_heap *heap, husk_idle *out)
{
    husk_pass sum = { 0 };
    (void)husk__take_waiting(&heap->store, HUSK__WAITS_REQUEST);
    (void)husk__collect_full(heap, HUSK_BY_IDLE, &sum);
    out->passed = true;
    out->collected = sum.collected;
}

static void run_step(husk_heap *heap, uint64_t left_ns, husk_idle *out)
{
    husk_step done;
    if (left_ns < HUSK_STEP_LEAST_NS) {
        out->more = true;
        return;
    }
    (void)husk__step_run(heap, HUSK_BY_IDLE, left_ns < HUSK_STEP_MOST_NS ? left_ns : HUSK_STEP_MOST_NS,
                         &done);
    out->stepped = true;
    out->passed = done.finished;
    out->collected = done.so_far.collected;
    out->more = !done.finished;
}

/* A pass under way in steps is gone on with, whoever began it: only what somebody waits for had better be found by a
 * whole one, since it may be garbage that came after. */
static void run_pass(husk_heap *heap, uint64_t left_ns, husk_idle *out)
{
    bool wished = is_wished(heap), begun = heap->store.in_steps;
    if (!wished && (husk__pace_held(heap) || (!begun && !is_worth_a_pass(heap))))
        return;
    if (out->expected_ns <= left_ns && (wished || !begun))
        run_whole(heap, out);
    else
        run_step(heap, left_ns, out);
    out->more |= is_wished(heap); /* a hook has asked again, or the pass began before the wish */
}

static void give_pages(husk_heap *heap, husk_idle *out)
{
    size_t keep = husk__pages_worth(&heap->store);
    if (heap->store.pages_spare <= keep)
        return;
    out->bytes_back = husk__pages_trim(&heap->store, keep);
    (void)husk__take_waiting(&heap->store, HUSK__WAITS_SURPLUS);
    out->trimmed = true;
}

husk_status husk_heap_idle(husk_heap *heap, uint64_t budget_ns, husk_idle *out)
{
    husk_idle here = { 0 };
    husk_status status = HUSK_OK;
    uint64_t start = husk__now();
    if (budget_ns < LEAST_BUDGET || budget_ns > MOST_BUDGET) {
        status = husk_heap_fail(heap, HUSK_ERANGE, "idle: a budget of %llu ns is not %llu to %llu",
                                (unsigned long long)budget_ns, (unsigned long long)LEAST_BUDGET,
                                (unsigned long long)MOST_BUDGET);
    } else if (heap->busy & BUSY_WORK) {
        status = husk_heap_fail(heap, HUSK_EBUSY, "idle: a pass or a hook of heap %s is running", heap->name);
    } else {
        serve_queues(heap, &here);
        uint64_t spent = husk__now() - start;
        here.expected_ns = expect_ns(heap);
        run_pass(heap, budget_ns > spent ? budget_ns - spent : 0, &here);
        give_pages(heap, &here);
        husk__traced_wish(heap);
        here.took_ns = husk__now() - start;
    }
    if (out)
        *out = here;
    return status;
}
