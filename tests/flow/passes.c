/* tests/flow/passes.c: what is written down of each pass, and how long the passes were. The printed line: gctrace.c. */
#define _GNU_SOURCE
#include "record.h"
#include "story.h"
#include "types.h"

#include <husk/step.h>
#include <string.h>
#include <time.h>

static uint64_t now(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void a_record_says_what_a_pass_did(husk_heap *heap)
{
    HOLD kept = node_new(heap, type_node, 1);
    TRY(kept);
    HOLD below = node_new(heap, type_node, 2);
    TRY(below);
    link_a(kept, below);
    husk_obj_drop(&below);
    for (int i = 0; i < 5; i++)
        TRY(litter(heap, type_node));
    for (int i = 0; i < 3; i++)
        TRY(litter(heap, type_hooked));
    HOLD dead = node_new(heap, type_node, 3);
    TRY(dead);
    HOLD_WEAK weak = husk_weak_new(dead, NULL, NULL, NULL);
    TRY(weak);
    link_a(dead, dead);
    husk_obj_drop(&dead);

    husk_pass pass;
    husk_pass_record r;
    uint64_t number = husk_heap_pass_count(heap), before = now();
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    uint64_t after = now();
    assert_int_equal(husk_heap_pass_count(heap), number + 1);
    record_latest(heap, &r);
    assert_int_equal(r.number, number + 1);
    assert_int_equal(pass.number, r.number);
    assert_int_equal(pass.passes, 1);
    assert_int_equal(r.reason, HUSK_BY_CALL);
    assert_int_equal(r.mode, HUSK_FULL);
    assert_int_equal(pass.mode, HUSK_FULL);
    assert_int_equal(r.status, HUSK_OK);
    assert_false(r.quiet);
    assert_true(r.start_ns >= before && r.start_ns + r.pause_ns <= after);
    assert_int_equal(pass.find_ns, r.ns[HUSK_PART_CLEAR] + r.ns[HUSK_PART_SUBTRACT] + r.ns[HUSK_PART_SEED] +
                                       r.ns[HUSK_PART_MARK] + r.ns[HUSK_PART_GATHER]);
    assert_int_equal(pass.reclaim_ns, r.ns[HUSK_PART_RECLAIM]);
    assert_int_equal(r.saved, 0);
    assert_int_equal(r.frozen, 0);
    if (story_failing) /* a pass before may have had its share */
        return;
    assert_int_equal(r.candidates, 11);
    assert_int_equal(r.freed, 9);
    assert_int_equal(r.freed_bytes, pass.bytes);
    assert_int_equal(r.finalized, 3);
    assert_int_equal(r.weak_cleared, 1);
    assert_int_equal(r.held, 1);
    assert_int_equal(r.reached, 1);
    assert_int_equal(r.resurrected, 0);
    assert_int_equal(r.deferred, 0);
    assert_int_equal(r.types, 2);
    assert_ptr_equal(r.by_type[0].type, type_node);
    assert_int_equal(r.by_type[0].objects, 6);
    assert_ptr_equal(r.by_type[1].type, type_hooked);
    assert_int_equal(r.by_type[1].objects, 3);
    assert_int_equal(r.rest.objects, 0);
    assert_int_equal(r.objects_before, 12); /* the weak reference is no candidate */
    assert_int_equal(r.objects_after, 3);
    assert_int_equal(r.bytes_before - r.bytes_after, r.freed_bytes);
}

/* ---- why objects survive ---- */

static husk_obj *saviour;

static void come_back(node *self)
{
    saviour = husk_obj_of(self);
    husk_obj_retain(saviour);
}

static void the_resurrected_are_told_apart(husk_heap *heap)
{
    HOLD one = node_new(heap, type_hooked, 1);
    TRY(one);
    HOLD two = node_new(heap, type_node, 2);
    TRY(two);
    HOLD alone = node_new(heap, type_node, 3);
    TRY(alone);
    link_a(one, two);
    link_a(two, one);
    link_a(alone, alone);
    link_b(alone, one); /* dies; does not keep them */
    node_of(one)->hook = come_back;
    husk_obj_drop(&one);
    husk_obj_drop(&two);
    husk_obj_drop(&alone);
    saviour = NULL;
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.finalized, 1);
    assert_int_equal(r.resurrected, 2);
    assert_int_equal(r.freed, 1);
    assert_int_equal(r.held, 0);
    husk_obj_release(saviour);
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.freed, 2);
    assert_int_equal(r.finalized, 0);
}

static void the_frozen_are_counted_apart(husk_heap *heap)
{
    HOLD held = node_new(heap, type_node, 1);
    TRY(held);
    HOLD other = node_new(heap, type_node, 2);
    TRY(other);
    husk_heap_freeze(heap);
    HOLD young = node_new(heap, type_node, 3);
    TRY(young);
    link_a(held, young);
    husk_obj_drop(&young);
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.frozen, 2);
    assert_int_equal(r.candidates, 1);
    assert_int_equal(r.held, 1); /* by a frozen object */
    husk_heap_unfreeze(heap);
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.frozen, 0);
    assert_int_equal(r.candidates, 3);
    assert_int_equal(r.held, 2);
    assert_int_equal(r.reached, 1);
}

static void the_saved_are_told_apart(husk_heap *heap)
{
    husk_heap_set_save_all(heap, true);
    TRY(litter(heap, type_node));
    TRY(litter(heap, type_hooked));
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    husk_heap_set_save_all(heap, false);
    if (r.deferred) /* no memory for the list */
        assert_true(story_failing);
    else
        assert_int_equal(r.saved, 2);
    assert_int_equal(r.saved + r.deferred, 2);
    assert_int_equal(r.freed, 0);
    husk_heap_garbage_clear(heap);
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.freed, 2);
}

/* A pass inside an allocation runs no user code: what needs some, and what it reaches, waits. */
static void the_deferred_are_told_apart(husk_heap *heap)
{
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t count = husk_heap_pass_count(heap);
    while (husk_heap_pass_count(heap) == count) {
        HOLD hooked = node_new(heap, type_hooked, 1);
        TRY(hooked);
        HOLD below = node_new(heap, type_node, 2);
        TRY(below);
        link_a(hooked, below);
        link_b(below, hooked);
        TRY(litter(heap, type_node));
    }
    husk_pass_record r;
    record_latest(heap, &r);
    assert_true(r.quiet);
    assert_int_equal(r.finalized, 0);
    if (!story_failing) {
        assert_int_equal(r.reason, HUSK_BY_OBJECTS);
        assert_true(r.deferred >= 200);
        assert_int_equal(r.deferred % 2, 0);
        assert_true(r.freed >= 100);
        assert_int_equal(r.types, 1);
        assert_ptr_equal(r.by_type[0].type, type_node);
    }
    husk_heap_safepoint(heap);
    record_latest(heap, &r);
    if (!story_failing) {
        assert_false(r.quiet);
        assert_true(r.finalized > 0);
        assert_int_equal(r.deferred, 0);
    }
    collect(heap);
}

static void a_damaged_heap(husk_heap *heap)
{
    HOLD one = node_new(heap, type_node, 1);
    TRY(one);
    HOLD two = node_new(heap, type_node, 2);
    TRY(two);
    node_of(one)->a = two; /* not counted */
    node_of(one)->b = two;
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_ECORRUPT);
    report_take(HUSK_ECORRUPT, 1);
    assert_int_equal(husk_heap_pass_record(heap, husk_heap_pass_count(heap), &r), HUSK_OK);
    record_check(&r);
    assert_int_equal(r.status, HUSK_ECORRUPT);
    assert_int_equal(r.freed, 0);
    node_of(one)->a = node_of(one)->b = NULL;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.status, HUSK_OK);
}

/* ---- modes ---- */

static void a_run_over_young_pages(husk_heap *heap)
{
    HOLD kept = node_new(heap, type_node, 1);
    TRY(kept);
    for (int i = 0; i < 20; i++)
        TRY(litter(heap, type_node));
    husk_pass_record r;
    husk_pauses young;
    assert_int_equal(husk_heap_collect_young(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.mode, HUSK_YOUNG);
    assert_int_equal(r.reason, HUSK_BY_CALL);
    assert_int_equal(husk_heap_pauses(heap, HUSK_YOUNG, &young), HUSK_OK);
    assert_true(young.count > 0);
    if (story_failing)
        return;
    assert_int_equal(r.freed, 20);
    assert_int_equal(r.held, 1);
    assert_int_equal(r.objects_before, 21);
    assert_int_equal(r.objects_after, 1);
    assert_int_equal(young.count, 1);
    assert_int_equal(young.max_ns, r.pause_ns);
}

/* A pass in steps is one record and as many pauses as it had steps; one that is given up leaves none. */
static void a_pass_in_steps(husk_heap *heap)
{
    size_t count = story_size(50000, 500), alive = 0;
    husk_step done = { 0 };
    husk_pass_record r;
    husk_pauses before, pauses;
    assert_int_equal(husk_heap_set_young(heap, 0), HUSK_OK);
    assert_int_equal(husk_heap_disable(heap, "the story"), HUSK_OK);
    HOLD all = husk_obj_new_items(heap, type_row, count);
    TRY(all);
    row_item *items = husk_obj_items(all);
    for (size_t i = 0; i < count; i++) {
        TRY(litter(heap, type_node));
        HOLD one = node_new(heap, type_node, 1);
        TRY(one);
        assert_int_equal(husk_obj_set(all, &items[i].ref, one), HUSK_OK);
        alive++;
    }
    uint64_t number = husk_heap_pass_count(heap), steps = 0, longest = 0;
    assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS, &done), HUSK_OK);
    if (!done.finished) {
        assert_int_equal(husk_heap_pass_count(heap), number);
        verify(heap); /* needs the tables */
    }
    number = husk_heap_pass_count(heap);
    assert_int_equal(husk_heap_pauses(heap, HUSK_STEP, &before), HUSK_OK);
    do {
        assert_int_equal(husk_heap_pass_count(heap), number);
        assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS * 10, &done), HUSK_OK);
        longest = done.ns > longest ? done.ns : longest;
        steps++;
    } while (!done.finished);
    assert_int_equal(husk_heap_pass_count(heap), number + 1);
    record_latest(heap, &r);
    assert_int_equal(husk_heap_pauses(heap, HUSK_STEP, &pauses), HUSK_OK);
    assert_int_equal(r.mode, HUSK_STEP);
    assert_int_equal(r.pauses, steps);
    assert_int_equal(pauses.count - before.count, steps);
    assert_int_equal(pauses.total_ns - before.total_ns, r.pause_ns);
    assert_true(r.longest_ns <= longest);
    assert_int_equal(done.so_far.number, r.number);
    if (!story_failing) {
        assert_int_equal(r.freed, done.so_far.collected);
        assert_int_equal(r.freed, count);
        assert_int_equal(r.candidates, 2 * count + 1);
        assert_int_equal(r.held, 1);
        assert_int_equal(r.reached, alive);
        assert_int_equal(r.objects_before - r.objects_after, count);
    }
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
}

/* ---- types ---- */

/* Types of all sizes, i + 1 objects of kind i. Ten of the largest kinds have most bytes. */
static void types_beyond_those_listed(husk_heap *heap)
{
    enum { FEW = 20 };
    TRY_OK(record_kinds(FEW));
    for (size_t i = 0; i < FEW; i++)
        for (size_t n = 0; n <= i; n++)
            TRY(litter(heap, record_kind[i]));
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    if (story_failing)
        return;
    assert_int_equal(r.freed, FEW * (FEW + 1) / 2);
    assert_int_equal(r.types, HUSK_RECORD_TYPES);
    assert_ptr_equal(r.by_type[0].type, record_kind[19]); /* the largest and the most */
    assert_int_equal(r.by_type[0].objects, 20);
    assert_ptr_equal(r.by_type[1].type, record_kind[18]);
    uint64_t listed = 0;
    for (uint32_t i = 0; i < r.types; i++)
        listed += r.by_type[i].objects;
    assert_int_equal(r.rest.objects, r.freed - listed);
    assert_null(r.rest.type);
}

/* More types than are counted one by one: the sums stay exact. */
static void types_beyond_those_counted(husk_heap *heap)
{
    TRY_OK(record_kinds(RECORD_KINDS));
    for (size_t i = 0; i < RECORD_KINDS; i++)
        TRY(litter(heap, record_kind[i]));
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    if (story_failing)
        return;
    assert_int_equal(r.freed, RECORD_KINDS);
    assert_int_equal(r.types, HUSK_RECORD_TYPES);
    assert_int_equal(r.rest.objects, RECORD_KINDS - HUSK_RECORD_TYPES);
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.types, 0); /* nothing is left of the one before */
    assert_int_equal(r.rest.objects, 0);
}

/* Types one after the other on a page. */
static void types_that_take_turns(husk_heap *heap)
{
    for (int i = 0; i < 300; i++)
        TRY(litter(heap, i % 3 ? type_closed : type_node));
    husk_pass_record r;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    if (story_failing)
        return;
    assert_int_equal(r.types, 2);
    assert_ptr_equal(r.by_type[0].type, type_closed);
    assert_int_equal(r.by_type[0].objects, 200);
    assert_int_equal(r.by_type[1].objects, 100);
}

/* ---- the ring, the callbacks ---- */

static void the_latest_records_are_kept(husk_heap *heap)
{
    husk_pass_record r;
    assert_int_equal(husk_heap_pass_record(heap, 0, &r), HUSK_EMISSING);
    uint64_t first = husk_heap_pass_count(heap) + 1;
    assert_int_equal(husk_heap_pass_record(heap, first, &r), HUSK_EMISSING);
    for (int i = 0; i < HUSK_RECORDS + 6; i++) {
        for (int n = 0; n < i % 7; n++)
            TRY(litter(heap, type_node));
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
        record_latest(heap, &r);
    }
    uint64_t last = husk_heap_pass_count(heap);
    if (story_failing)
        return;
    assert_int_equal(last, first + HUSK_RECORDS + 5);
    for (uint64_t n = first; n <= last + 2; n++) {
        bool kept = n > last - HUSK_RECORDS && n <= last;
        assert_int_equal(husk_heap_pass_record(heap, n, &r), kept ? HUSK_OK : HUSK_EMISSING);
        if (!kept)
            continue;
        assert_int_equal(r.number, n);
        assert_int_equal(r.freed, (n - first) % 7);
    }
    assert_int_equal(husk_heap_pass_record(heap, UINT64_MAX, &r), HUSK_EMISSING);
    assert_non_null(strstr(husk_message(), "has no record of pass 18446744073709551615"));
}

static int starts, stops;

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    husk_pass_record r;
    (void)data;
    assert_true(pass->number > 0);
    if (phase == HUSK_PASS_START) {
        starts++;
        return;
    }
    stops++;
    assert_int_equal(husk_heap_pass_record(heap, pass->number, &r), HUSK_OK);
    record_check(&r);
    assert_int_equal(r.number, pass->number);
    assert_int_equal(r.reason, pass->reason);
    assert_int_equal(r.mode, pass->mode);
    if (pass->passes == 1) { /* the sums are of this one alone */
        assert_int_equal(r.freed, pass->collected);
        assert_int_equal(r.candidates, pass->examined);
        assert_int_equal(r.deferred, pass->deferred);
    }
    assert_int_equal(husk_heap_pass_count(heap), pass->number);
}

/* When a callback hears that a pass is over its record is whole, be it of a pass inside an allocation. */
static void callbacks_find_the_record(husk_heap *heap)
{
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    uint64_t id;
    starts = stops = 0;
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    TRY_OK(husk_heap_on_pass(heap, on_pass, NULL, NULL, &id));
    for (int i = 0; i < 4000; i++) {
        TRY(litter(heap, i % 5 ? type_node : type_hooked));
        if (i % 900 == 0)
            husk_heap_safepoint(heap);
    }
    collect(heap);
    assert_true(starts > 2);
    assert_int_equal(starts, stops);
    assert_int_equal(husk_heap_off_pass(heap, id), HUSK_OK);
}

/* ---- sums and pauses ---- */

static void sums_and_pauses_add_up(husk_heap *heap)
{
    husk_pass_sums sums, none;
    husk_pauses pauses, all;
    uint64_t candidates = 0, freed = 0, bytes = 0, ns = 0, longest = 0, counted = 0, low, high;
    for (int i = 0; i < 40; i++) {
        for (int n = 0; n < i * 10; n++)
            TRY(litter(heap, type_node));
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    }
    if (story_failing)
        return;
    assert_int_equal(husk_heap_pass_count(heap), 40);
    for (uint64_t n = 1; n <= 40; n++) {
        husk_pass_record r;
        assert_int_equal(husk_heap_pass_record(heap, n, &r), HUSK_OK);
        candidates += r.candidates;
        freed += r.freed;
        bytes += r.freed_bytes;
        ns += r.pause_ns;
        longest = r.pause_ns > longest ? r.pause_ns : longest;
    }
    assert_int_equal(husk_heap_pass_sums(heap, HUSK_FULL, &sums), HUSK_OK);
    assert_int_equal(sums.passes, 40);
    assert_int_equal(sums.candidates, candidates);
    assert_int_equal(sums.freed, freed);
    assert_int_equal(freed, 7800);
    assert_int_equal(sums.freed_bytes, bytes);
    assert_int_equal(husk_heap_pass_sums(heap, HUSK_YOUNG, &none), HUSK_OK);
    assert_int_equal(none.passes, 0);

    assert_int_equal(husk_heap_pauses(heap, HUSK_FULL, &pauses), HUSK_OK);
    assert_int_equal(husk_heap_pauses(heap, (husk_mode)HUSK_MODES, &all), HUSK_OK);
    assert_memory_equal(&pauses, &all, sizeof all);
    assert_int_equal(pauses.count, 40);
    assert_int_equal(pauses.total_ns, ns);
    assert_int_equal(pauses.max_ns, longest);
    assert_true(pauses.p50_ns <= pauses.p90_ns && pauses.p90_ns <= pauses.p99_ns);
    assert_true(pauses.p99_ns <= pauses.p999_ns && pauses.p999_ns == longest);
    for (size_t b = 0; b < HUSK_PAUSE_BUCKETS; b++) {
        uint64_t here = husk_heap_pause_count(heap, HUSK_FULL, b), found = 0;
        counted += here;
        assert_int_equal(husk_pause_bucket(b, &low, &high), HUSK_OK);
        for (uint64_t n = 1; n <= 40; n++) {
            husk_pass_record r;
            assert_int_equal(husk_heap_pass_record(heap, n, &r), HUSK_OK);
            found += r.pause_ns >= low && r.pause_ns <= high;
        }
        assert_int_equal(here, found);
    }
    assert_int_equal(counted, 40);
}

static void nonsense_is_refused(husk_heap *heap)
{
    husk_pass_sums sums;
    husk_pauses pauses;
    uint64_t low, high, value;
    collect(heap);
    assert_int_equal(husk_heap_pass_sums(heap, (husk_mode)HUSK_MODES, &sums), HUSK_ERANGE);
    assert_int_equal(husk_heap_pass_sums(heap, (husk_mode)-1, &sums), HUSK_ERANGE);
    assert_int_equal(husk_heap_pauses(heap, (husk_mode)(HUSK_MODES + 1), &pauses), HUSK_ERANGE);
    assert_non_null(strstr(husk_message(), "no mode"));
    assert_int_equal(husk_pause_bucket(HUSK_PAUSE_BUCKETS, &low, &high), HUSK_ERANGE);
    assert_non_null(strstr(husk_message(), "no bucket 560"));
    assert_int_equal(husk_heap_pause_count(heap, HUSK_FULL, HUSK_PAUSE_BUCKETS), 0);
    assert_int_equal(husk_heap_pause_count(heap, (husk_mode)-1, 0), 0);
    static const double wrong[] = { 0, -1, 100.001, 1.0 / 0.0, 0.0 / 0.0 };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(husk_heap_pause_percentile(heap, HUSK_FULL, wrong[i], &value), HUSK_ERANGE);
    assert_int_equal(husk_heap_pause_percentile(heap, (husk_mode)99, 50, &value), HUSK_ERANGE);
    assert_int_equal(husk_heap_pause_percentile(heap, HUSK_YOUNG, 50, &value), HUSK_OK);
    assert_int_equal(value, 0);
    assert_string_equal(husk_reason_name((husk_reason)99), "unknown");
    assert_string_equal(husk_mode_name((husk_mode)HUSK_MODES), "unknown");
    assert_string_equal(husk_part_name((husk_part)-1), "unknown");
    assert_string_equal(husk_part_name(HUSK_PART_CALLBACKS), "callbacks");
}

STORIES(STORY(a_record_says_what_a_pass_did, 0), STORY(the_resurrected_are_told_apart, 0),
        STORY(the_frozen_are_counted_apart, 0), STORY(the_saved_are_told_apart, 0),
        STORY(the_deferred_are_told_apart, 0), STORY(a_damaged_heap, 0), STORY(a_run_over_young_pages, 0),
        STORY(a_pass_in_steps, 0), STORY(types_beyond_those_listed, 0), STORY(types_beyond_those_counted, 0),
        STORY(types_that_take_turns, 0), STORY(the_latest_records_are_kept, 0),
        STORY(callbacks_find_the_record, 0), STORY(sums_and_pauses_add_up, 0), STORY(nonsense_is_refused, 0));
