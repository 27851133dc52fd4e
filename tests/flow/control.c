/* tests/flow/control.c: when passes run, what they tell, and how they are told to keep off. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static uint64_t passes(const husk_heap *heap)
{
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 0, &g), HUSK_OK);
    return g.passes;
}

/* One object of garbage. */
static bool litter(husk_heap *heap, const husk_type *type)
{
    husk_obj *obj = husk_obj_new(heap, type);
    if (!obj)
        return false;
    link_a(obj, obj);
    husk_obj_release(obj);
    return true;
}

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

static void disabling_nests(husk_heap *heap)
{
    assert_true(husk_heap_is_enabled(heap));
    assert_int_equal(husk_heap_enable(heap), HUSK_ESTATE);
    assert_int_equal(husk_heap_disable(heap, "first"), HUSK_OK);
    assert_int_equal(husk_heap_disable(heap, "second"), HUSK_OK);
    assert_string_equal(husk_heap_disabled_by(heap, 0), "first");
    assert_string_equal(husk_heap_disabled_by(heap, 1), "second");
    assert_null(husk_heap_disabled_by(heap, 2));
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    assert_false(husk_heap_is_enabled(heap));
    assert_null(husk_heap_disabled_by(heap, 1));
    husk_pacing pacing = { 100, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = passes(heap);
    for (int i = 0; i < 10000; i++)
        TRY(litter(heap, type_node));
    if (!story_failing) {
        assert_int_equal(passes(heap), before);
        assert_int_equal(objects_of(heap), 10000);
        assert_int_equal(collect(heap), 10000); /* asked for: runs */
    }
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    assert_true(husk_heap_is_enabled(heap));
    before = passes(heap);
    for (int i = 0; i < 10000; i++)
        TRY(litter(heap, type_node));
    assert_true(passes(heap) > before);
    collect(heap);
    for (int i = 0; i < 64; i++)
        assert_int_equal(husk_heap_disable(heap, "deep"), HUSK_OK);
    assert_int_equal(husk_heap_disable(heap, "too deep"), HUSK_ERANGE);
    for (int i = 0; i < 64; i++)
        assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    assert_int_equal(husk_heap_enable(heap), HUSK_ESTATE);
}

static void figures_of_a_generation_add_up(husk_heap *heap)
{
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 1, &g), HUSK_ERANGE);
    assert_int_equal(husk_heap_generation(heap, -1, &g), HUSK_ERANGE);
    HOLD kept = husk_obj_new(heap, type_node);
    TRY(kept);
    uint64_t collected = 0, finalized = 0, before = passes(heap);
    for (int i = 0; i < 5; i++) {
        TRY(litter(heap, type_node));
        TRY(litter(heap, type_hooked));
        husk_pass pass;
        assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
        collected += pass.collected;
        finalized += pass.finalized;
        if (!story_failing)
            assert_int_equal(pass.examined, 3);
    }
    assert_int_equal(husk_heap_generation(heap, 0, &g), HUSK_OK);
    if (!story_failing) {
        assert_int_equal(g.passes - before, 5);
        assert_int_equal(g.collected, collected);
        assert_int_equal(collected, 10);
        assert_int_equal(g.finalized, finalized);
        assert_int_equal(finalized, 5);
        assert_int_equal(g.examined, 15);
    }
    assert_int_equal(g.uncollectable, 0);
    assert_true(g.longest_ns <= g.find_ns + g.finalize_ns + g.reclaim_ns);
}

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

/* ---- callbacks around passes ---- */

typedef struct watch {
    husk_phase phases[64];
    husk_pass last;
    int count, freed;
    int order;
} watch;
static int order_counter;

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    watch *w = data;
    if (w->count < 64)
        w->phases[w->count] = phase;
    w->count++;
    w->order = ++order_counter;
    if (phase == HUSK_PASS_START) {
        assert_int_equal(pass->collected, 0);
        assert_int_equal(pass->examined, 0);
    } else {
        w->last = *pass;
    }
    husk_heap_verify(heap);
}

static void unwatch(void *data)
{
    ((watch *)data)->freed++;
}

static void callbacks_around_passes(husk_heap *heap)
{
    static watch one, two; /* kept: data_free runs after this function when memory fails */
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    uint64_t id_one = 0, id_two = 0;
    husk_status status = husk_heap_on_pass(heap, on_pass, &one, unwatch, &id_one);
    if (status != HUSK_OK)
        assert_int_equal(one.freed, 1);
    TRY_OK(status);
    TRY_OK(husk_heap_on_pass(heap, on_pass, &two, unwatch, &id_two));
    assert_true(id_one != id_two);
    TRY(litter(heap, type_node));
    TRY(litter(heap, type_hooked));
    if (!story_failing)
        assert_int_equal(one.count, 0);
    /* Where memory fails a pass inside an allocation may wait to be told. */
    husk_heap_safepoint(heap);
    int base = one.count;
    size_t collected = collect(heap);
    assert_int_equal(one.count, base + 2);
    if (story_failing)
        return;
    assert_int_equal(collected, 2);
    assert_int_equal(one.phases[base], HUSK_PASS_START);
    assert_int_equal(one.phases[base + 1], HUSK_PASS_STOP);
    assert_int_equal(one.last.collected, 2);
    assert_int_equal(one.last.finalized, 1);
    assert_true(one.order < two.order);
    assert_int_equal(husk_heap_off_pass(heap, id_one), HUSK_OK);
    assert_int_equal(one.freed, 1);
    assert_int_equal(husk_heap_off_pass(heap, id_one), HUSK_EMISSING);
    base = two.count;
    assert_int_equal(collect(heap), 0);
    assert_int_equal(two.count, base + 2);
    assert_int_equal(husk_heap_off_pass(heap, id_two), HUSK_OK);
    assert_int_equal(two.freed, 1);
    base = two.count;
    collect(heap);
    assert_int_equal(two.count, base);
}

/* After a pass inside an allocation both calls follow at the safe point. */
static void callbacks_after_a_pass_inside_an_allocation(husk_heap *heap)
{
    static watch one;
    memset(&one, 0, sizeof one);
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t id = 0;
    TRY_OK(husk_heap_on_pass(heap, on_pass, &one, unwatch, &id));
    uint64_t before = passes(heap);
    for (int i = 0; i < 20000 && passes(heap) == before; i++) {
        TRY(litter(heap, type_node));
        assert_int_equal(one.count, 0);
    }
    husk_heap_safepoint(heap);
    assert_true(one.count >= 2);
    assert_int_equal(one.count % 2, 0);
    assert_int_equal(one.phases[0], HUSK_PASS_START);
    assert_int_equal(one.phases[1], HUSK_PASS_STOP);
    assert_int_equal(husk_heap_off_pass(heap, id), HUSK_OK);
    collect(heap);
}

static uint64_t id_self;

static void on_pass_once(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    on_pass(heap, phase, pass, data);
    if (phase == HUSK_PASS_STOP)
        assert_int_equal(husk_heap_off_pass(heap, id_self), HUSK_OK);
}

static void a_callback_that_removes_itself(husk_heap *heap)
{
    static watch one, two;
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    uint64_t id_two;
    TRY_OK(husk_heap_on_pass(heap, on_pass_once, &one, unwatch, &id_self));
    TRY_OK(husk_heap_on_pass(heap, on_pass, &two, unwatch, &id_two));
    collect(heap);
    collect(heap);
    assert_int_equal(one.count, 2);
    assert_int_equal(one.freed, 1);
    assert_int_equal(two.count, 4);
    assert_int_equal(husk_heap_off_pass(heap, id_two), HUSK_OK);
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

static int adds;

static void on_pass_meddle(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    static watch late;
    uint64_t *ids = data;
    (void)pass;
    if (phase != HUSK_PASS_START || ids[1] == 0)
        return;
    assert_int_equal(husk_heap_off_pass(heap, ids[1]), HUSK_OK); /* its turn had not come */
    ids[1] = 0;
    if (husk_heap_on_pass(heap, on_pass, &late, NULL, &ids[2]) == HUSK_OK)
        adds++;
}

static void callbacks_that_change_the_list(husk_heap *heap)
{
    static uint64_t ids[3];
    static watch other;
    memset(ids, 0, sizeof ids);
    memset(&other, 0, sizeof other);
    adds = 0;
    TRY_OK(husk_heap_on_pass(heap, on_pass_meddle, ids, NULL, &ids[0]));
    TRY_OK(husk_heap_on_pass(heap, on_pass, &other, unwatch, &ids[1]));
    collect(heap);
    assert_int_equal(other.count, 0);
    assert_int_equal(other.freed, 1);
    collect(heap);
    assert_int_equal(husk_heap_off_pass(heap, ids[0]), HUSK_OK);
    if (adds)
        assert_int_equal(husk_heap_off_pass(heap, ids[2]), HUSK_OK);
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

/* ---- the garbage list ---- */

/* With save-all an automatic pass waits for a safe point: the list needs memory. */
static void save_all_and_automatic_passes(husk_heap *heap)
{
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk_heap_set_save_all(heap, true);
    for (int i = 0; i < 3000; i++)
        TRY(litter(heap, i % 2 ? type_node : type_hooked));
    assert_int_equal(objects_of(heap), 3000);
    assert_int_equal(husk_heap_garbage_count(heap), 0);
    husk_heap_safepoint(heap);
    size_t saved = husk_heap_garbage_count(heap);
    assert_true(saved >= 300 || story_failing);
    assert_int_equal(objects_of(heap), 3000);
    assert_int_equal(tally.disposed, 0);
    husk_heap_set_save_all(heap, false);
    husk_heap_garbage_clear(heap);
    while (collect(heap) > 0)
        continue;
    assert_int_equal(tally.finalized, 1500);
    assert_int_equal(tally.disposed, 1500);
}

static void save_all(husk_heap *heap)
{
    assert_false(husk_heap_save_all(heap));
    husk_heap_set_save_all(heap, true);
    assert_true(husk_heap_save_all(heap));
    HOLD one = node_new(heap, type_hooked, 1);
    TRY(one);
    HOLD two = node_new(heap, type_node, 2);
    TRY(two);
    HOLD_WEAK weak = husk_weak_new(one, NULL, NULL, NULL);
    TRY(weak);
    link_a(one, two);
    link_a(two, one);
    husk_obj_drop(&one);
    husk_obj_drop(&two);
    husk_pass pass;
    TRY_OK(husk_heap_collect(heap, &pass));
    if (story_failing && husk_heap_garbage_count(heap) == 0) {
        /* No memory for the list: they stay, and are found again. */
        assert_int_equal(objects_of(heap), 3);
        verify(heap);
        return;
    }
    assert_int_equal(pass.collected, 2);
    assert_int_equal(pass.uncollectable, 2);
    assert_int_equal(pass.finalized, 1);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(tally.disposed, 0);
    assert_int_equal(objects_of(heap), 3);
    assert_int_equal(husk_heap_garbage_count(heap), 2);
    assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
    HOLD entry = husk_heap_garbage(heap, 0);
    assert_non_null(entry);
    assert_int_equal(husk_obj_strong_count(entry), 3); /* its neighbour's, the list's, ours */
    HOLD other = husk_heap_garbage(heap, 1);
    assert_int_equal(node_of(entry)->number + node_of(other)->number, 3);
    assert_null(husk_heap_garbage(heap, 2));
    assert_string_equal(husk_heap_garbage_reason(heap, 0), "save-all");
    assert_null(husk_heap_garbage_reason(heap, 2));
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 0); /* held by the list */
    verify(heap);
    husk_obj_drop(&entry);
    husk_obj_drop(&other);
    husk_heap_set_save_all(heap, false);
    husk_heap_garbage_clear(heap);
    assert_int_equal(husk_heap_garbage_count(heap), 0);
    assert_int_equal(objects_of(heap), 3); /* a cycle again */
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 2);
    assert_int_equal(pass.finalized, 0);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
}

/* ---- freeze ---- */

static void frozen_objects_are_left_alone(husk_heap *heap)
{
    HOLD ring = node_new(heap, type_closed, 1);
    TRY(ring);
    HOLD lone = node_new(heap, type_closed, 2);
    TRY(lone);
    HOLD held = node_new(heap, type_closed, 3);
    TRY(held);
    link_a(ring, ring);
    husk_obj *borrowed = ring;
    husk_obj_drop(&ring);
    husk_heap_freeze(heap);
    assert_true(husk_obj_is_frozen(borrowed));
    assert_true(husk_obj_is_frozen(lone));
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.frozen_objects, 3);
    verify(heap);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(objects_of(heap), 3);
    husk_obj_drop(&lone); /* by counting, as ever */
    assert_int_equal(tally.disposed, 1);
    HOLD young = node_new(heap, type_closed, 4);
    TRY(young);
    assert_false(husk_obj_is_frozen(young));
    link_b(held, young);
    link_a(young, young);
    husk_obj_drop(&young);
    assert_int_equal(collect(heap), 0); /* held by a frozen object */
    link_b(held, NULL);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(tally.disposed, 2);
    verify(heap);
    husk_heap_unfreeze(heap);
    assert_false(husk_obj_is_frozen(borrowed));
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.frozen_objects, 0);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(tally.disposed, 3);
    verify(heap);
}

static void freezing_again_adds(husk_heap *heap)
{
    HOLD one = husk_obj_new(heap, type_node);
    TRY(one);
    husk_heap_freeze(heap);
    HOLD two = husk_obj_new(heap, type_node);
    TRY(two);
    assert_false(husk_obj_is_frozen(two));
    husk_heap_freeze(heap);
    assert_true(husk_obj_is_frozen(one));
    assert_true(husk_obj_is_frozen(two));
    husk_heap_freeze(heap);
    verify(heap);
    husk_obj_drop(&one);
    HOLD three = husk_obj_new(heap, type_node);
    TRY(three);
    assert_false(husk_obj_is_frozen(three));
    husk_heap_unfreeze(heap);
    husk_heap_unfreeze(heap);
    assert_false(husk_obj_is_frozen(two));
    verify(heap);
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

STORIES(STORY(growth_is_exact, 0), STORY(growth_in_objects_starts_a_pass, 0), STORY(churn_starts_no_pass, 0),
        STORY(growth_in_foreign_bytes_starts_a_pass, 0), STORY(growth_in_buffers_starts_a_pass, 0),
        STORY(pacing_that_makes_no_sense_is_refused, 0), STORY(zero_least_stops_automatic_passes, 0),
        STORY(disabling_nests, 0), STORY(figures_of_a_generation_add_up, 0),
        STORY(garbage_with_hooks_waits_for_a_safe_point, 0), STORY(a_release_is_a_safe_point, 0),
        STORY(a_request_runs_at_the_next_safe_point, 0), STORY(a_request_runs_at_the_next_allocation, 0),
        STORY(many_that_wait, 0), STORY(failures_in_hooks_leave_no_trace, 0),
        STORY(a_request_from_a_signal_handler, 0), STORY(callbacks_around_passes, 0),
        STORY(callbacks_after_a_pass_inside_an_allocation, 0), STORY(a_callback_that_removes_itself, 0),
        STORY(limits_follow_the_survivors, 0), STORY(stress_can_be_disabled, 0),
        STORY(what_waits_survives_further_passes, 0), STORY(callbacks_that_change_the_list, 0),
        STORY(spare_pages_go_back, 0), STORY(save_all, 0), STORY(save_all_and_automatic_passes, 0),
        STORY(frozen_objects_are_left_alone, 0), STORY(freezing_again_adds, 0));
