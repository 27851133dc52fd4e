/* tests/flow/leaks.c: unreachable objects are told instead of freed. */
#include "story.h"
#include "types.h"

struct told {
    size_t calls, objects, bytes, followers, unreachable, listed, summaries;
    char text[160];
    bool seen_alive; /* the listed ones could be looked at */
    int freed;
};

static void note_leaks(husk_heap *heap, const husk_leaks *leaks, void *data)
{
    struct told *told = data;
    husk_leaks_sums sums;
    husk_leaks_sums_get(leaks, &sums);
    told->calls++;
    told->objects += sums.objects;
    told->bytes += sums.bytes;
    told->followers += sums.followers;
    told->unreachable = sums.unreachable;
    told->summaries += sums.summary;
    husk_leaks_text(leaks, 0, told->text, sizeof told->text);
    husk_census_object object;
    told->seen_alive = true;
    for (size_t i = 0; husk_leaks_object(leaks, i, &object); i++) {
        const husk_obj *obj = (const husk_obj *)(uintptr_t)object.address;
        told->seen_alive = told->seen_alive && husk_obj_heap(obj) == heap && husk_obj_strong_count(obj) > 0 &&
                           strcmp(husk_type_name(husk_obj_type(obj)), object.type) == 0;
        told->listed++;
    }
}

static void note_freed(void *data)
{
    ((struct told *)data)->freed++;
}

/* Only what memory was there for has been told. */
static void expect_told(const struct told *told, size_t calls, size_t objects)
{
    if (story_failing) {
        assert_true(told->objects <= objects);
        report_forget();
        return;
    }
    assert_int_equal(told->calls, calls);
    assert_int_equal(told->objects, objects);
}

static void told_once(husk_heap *heap)
{
    static struct told told;
    memset(&told, 0, sizeof told);
    husk_heap_on_leaks(heap, note_leaks, &told, note_freed, 2);
    assert_false(husk_heap_find_leaks(heap));
    husk_heap_set_find_leaks(heap, true);
    assert_true(husk_heap_find_leaks(heap));
    husk_trace_options trace = { HUSK_TRACE_OPTIONS };
    bool ok = husk_trace_start(heap, &trace) == HUSK_OK;
    for (int i = 0; ok && i < 3; i++) {
        husk_trace_at(heap, "shop.c", 12, "buy");
        ok = litter(heap, type_hooked);
    }
    husk_pass pass;
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 0);
    if (ok) {
        assert_int_equal(pass.deferred, 3);
        assert_int_equal(objects_of(heap), 3);
    }
    assert_int_equal(tally.finalized, 0);
    expect_told(&told, 1, 3);
    if (!story_failing) {
        assert_string_equal(told.text, "3 objects of type hooked, 192 bytes, made at shop.c:12 in buy");
        assert_int_equal(told.listed, 2);
        assert_int_equal(told.followers, 0);
    }
    assert_true(told.seen_alive || story_failing);
    verify(heap);
    collect(heap); /* nothing new */
    expect_told(&told, 1, 3);
    if (litter(heap, type_node)) {
        collect(heap);
        expect_told(&told, 2, 4);
    }
    /* Turned off, it is garbage like any. */
    husk_heap_set_find_leaks(heap, false);
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
    assert_int_equal(told.freed, 1);
    size_t left = objects_of(heap);
    assert_int_equal(collect(heap), left);
    assert_int_equal(objects_of(heap), 0);
    assert_int_equal(tally.finalized, tally.disposed);
    assert_true(tally.finalized == 3 || story_failing);
    report_forget();
}

static void followers_are_told(husk_heap *heap)
{
    static struct told told;
    memset(&told, 0, sizeof told);
    HOLD ring = node_new(heap, type_node, 1);
    TRY(ring);
    HOLD leafy = husk_obj_new(heap, type_leaf);
    TRY(leafy);
    HOLD shared = husk_obj_new(heap, type_leaf);
    TRY(shared);
    HOLD tree = node_new(heap, type_tree, 1);
    TRY(tree);
    link_a(ring, ring);
    link_b(ring, tree);
    link_a(tree, leafy);
    link_b(tree, shared);
    husk_obj_drop(&ring);
    husk_obj_drop(&tree);
    husk_obj_drop(&leafy);
    husk_heap_on_leaks(heap, note_leaks, &told, NULL, 10);
    husk_heap_set_find_leaks(heap, true);
    for (int i = 0; i < 2; i++) {
        collect(heap);
        expect_told(&told, 1, 3);
        if (!story_failing) {
            assert_int_equal(told.followers, 2);
            assert_int_equal(told.listed, 3);
            assert_true(told.seen_alive);
        }
    }
    /* A follower that loses its last other holder is new. */
    husk_obj_drop(&shared);
    collect(heap);
    expect_told(&told, 2, 4);
    husk_heap_set_find_leaks(heap, false);
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

/* Through a weak reference one comes back, and is told again when it is lost again. */
static void lost_and_found(husk_heap *heap)
{
    static struct told told;
    memset(&told, 0, sizeof told);
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    link_a(obj, obj);
    husk_obj_drop(&obj);
    husk_heap_on_leaks(heap, note_leaks, &told, NULL, 0);
    husk_heap_set_find_leaks(heap, true);
    collect(heap);
    expect_told(&told, 1, 1);
    obj = husk_weak_lock(weak);
    assert_non_null(obj);
    collect(heap);
    expect_told(&told, 1, 1);
    husk_obj_drop(&obj);
    collect(heap);
    expect_told(&told, 2, 2);
    husk_heap_set_find_leaks(heap, false);
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
    collect(heap);
    assert_null(husk_weak_lock(weak));
}

static void automatic_passes_wait_for_a_safe_point(husk_heap *heap)
{
    static struct told told;
    memset(&told, 0, sizeof told);
    husk_pacing pacing = { 300, 1u << 30, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk_heap_on_leaks(heap, note_leaks, &told, NULL, 0);
    husk_heap_set_find_leaks(heap, true);
    uint64_t before = passes(heap);
    size_t made = 0;
    while (made < 3000 && litter(heap, type_node))
        made++;
    assert_int_equal(passes(heap), before);
    husk_heap_safepoint(heap);
    assert_true(passes(heap) > before || story_failing);
    assert_int_equal(objects_of(heap), made);
    expect_told(&told, 1, made);
    husk_heap_set_find_leaks(heap, false);
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
}

/* Without a callback the error hook gets a line for each type and place. */
static void lines_for_the_error_hook(husk_heap *heap)
{
    TRY(litter(heap, type_node));
    TRY(litter(heap, type_node));
    TRY(litter(heap, type_vast));
    husk_heap_set_find_leaks(heap, true);
    collect(heap);
    if (!story_failing) {
        assert_int_equal(report_count(), 2);
        assert_string_equal(report_at(1)->text, "leak: 2 objects of type node, 112 bytes");
        report_take(HUSK_ESTATE, 2);
    }
    report_forget();
    husk_leaks *leaks = NULL;
    husk_status status = husk_leaks_new(heap, 0, &leaks);
    husk_heap_set_find_leaks(heap, false);
    TRY_OK(status);
    husk_leaks_sums sums;
    husk_leaks_sums_get(leaks, &sums);
    husk_leaks_free(leaks);
    assert_true(sums.summary);
    if (!story_failing) {
        assert_int_equal(sums.objects, 3);
        assert_int_equal(sums.unreachable, 3);
    }
    collect(heap);
}

/* At close: what is new, then a summary; no finalizer runs, but everything is disposed of. */
static void a_summary_at_close(husk_heap *heap)
{
    (void)heap;
    static struct told told;
    memset(&told, 0, sizeof told);
    husk_heap *own = heap_open(NULL);
    if (!own)
        return;
    husk_heap_on_leaks(own, note_leaks, &told, note_freed, 0);
    husk_heap_set_find_leaks(own, true);
    tally_reset();
    bool first = litter(own, type_hooked);
    collect(own);
    bool second = litter(own, type_hooked);
    husk_heap_close(own);
    if (!story_failing) {
        assert_true(first && second);
        assert_int_equal(told.calls, 3);
        assert_int_equal(told.summaries, 1);
        assert_int_equal(told.objects, 1 + 1 + 2);
        assert_int_equal(tally.finalized, 0);
        assert_int_equal(tally.disposed, 2);
        assert_int_equal(report_count(), 0);
    }
    assert_int_equal(told.freed, 1);
    report_forget();
}

/* What the callback does is a hook's business: it may release, and make, and must not collect. */
static void meddle(husk_heap *heap, const husk_leaks *leaks, void *data)
{
    husk_census_object object;
    assert_true(husk_leaks_object(leaks, 0, &object));
    husk_obj *obj = (husk_obj *)(uintptr_t)object.address;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_EBUSY);
    husk_obj_drop(&node_of(obj)->a); /* it held itself */
    ++*(int *)data;
}

static void the_callback_may_mend(husk_heap *heap)
{
    int calls = 0;
    husk_heap_on_leaks(heap, meddle, &calls, NULL, 1);
    husk_heap_set_find_leaks(heap, true);
    bool made = litter(heap, type_hooked);
    collect(heap);
    verify(heap);
    if (made && !story_failing) {
        assert_int_equal(calls, 1);
        assert_int_equal(objects_of(heap), 0);
        assert_int_equal(tally.finalized, 1); /* it died by counting */
    }
    husk_heap_set_find_leaks(heap, false);
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
    collect(heap);
    report_forget();
}

/* Runs over young pages and passes in steps find leaks too, and tell each once. */
static void in_every_mode(husk_heap *heap)
{
    static struct told told;
    memset(&told, 0, sizeof told);
    husk_heap_on_leaks(heap, note_leaks, &told, NULL, 0);
    husk_heap_set_find_leaks(heap, true);
    size_t made = 0;
    while (made < story_size(3000, 5) && litter(heap, type_hooked))
        made++;
    husk_pass pass;
    assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 0);
    size_t young = told.objects;
    assert_true(young == made || story_failing);
    while (made < story_size(6000, 9) && litter(heap, type_hooked))
        made++;
    husk_step step = { 0 };
    for (int i = 0; i < 100000 && !step.finished; i++)
        assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS, &step), HUSK_OK);
    assert_true(step.finished);
    verify(heap);
    collect(heap); /* a slice tells one set at most */
    assert_true(told.objects == made || story_failing);
    assert_true(told.objects <= made);
    assert_int_equal(tally.finalized, 0);
    assert_int_equal(objects_of(heap), made);
    husk_heap_set_find_leaks(heap, false);
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
    assert_int_equal(tally.finalized, made);
    report_forget();
}

/* At the limit nothing is freed. */
static void at_the_limit(husk_heap *heap)
{
    if (story_failing)
        return;
    husk_heap_set_find_leaks(heap, true);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(husk_heap_set_max_bytes(heap, figures.bytes_taken + (8u << 20)), HUSK_OK);
    while (litter(heap, type_vast))
        continue;
    assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
    assert_int_equal(passes(heap), 0);
    verify(heap);
    husk_heap_set_find_leaks(heap, false);
    assert_true(litter(heap, type_vast));
    assert_int_equal(husk_heap_set_max_bytes(heap, 0), HUSK_OK);
    collect(heap);
}

STORIES(STORY(told_once, 0), STORY(followers_are_told, 0), STORY(lost_and_found, 0),
        STORY(automatic_passes_wait_for_a_safe_point, 0), STORY(lines_for_the_error_hook, 0),
        STORY(a_summary_at_close, 0), STORY(the_callback_may_mend, 0), STORY(in_every_mode, 0),
        STORY(at_the_limit, 0));
