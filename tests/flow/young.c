/* tests/flow/young.c: runs over pages that served recent births. */
#include "story.h"
#include "types.h"

static uint64_t runs(const husk_heap *heap)
{
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 1, &g), HUSK_OK);
    return g.passes;
}

static bool litter_many(husk_heap *heap, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!litter(heap, type_node))
            return false;
    return true;
}

/* A list of `length` nodes; NULL: out of memory. */
static husk_obj *list_of(husk_heap *heap, size_t length)
{
    husk_obj *head = NULL;
    for (size_t i = 0; i < length; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        if (!obj) {
            husk_obj_drop(&head);
            return NULL;
        }
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    return head;
}

/* The cost of a run is what young pages hold. */
static void what_is_old_is_not_looked_at(husk_heap *heap)
{
    size_t length = story_size(20000, 600);
    HOLD head = list_of(heap, length);
    TRY(head);
    husk_pass pass;
    TRY_OK(husk_heap_collect(heap, &pass)); /* from here on they are old */
    assert_int_equal(pass.generation, 0);
    assert_int_equal(pass.examined, length);
    TRY(litter_many(heap, 100));
    assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK);
    assert_int_equal(pass.generation, 1);
    if (!story_failing) {
        assert_int_equal(pass.collected, 100);
        assert_true(pass.examined < 100 + 2 * 65536 / 32); /* the pages that had room */
        assert_int_equal(objects_of(heap), length);
    }
    assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK); /* none is young */
    assert_int_equal(pass.examined, 0);
    verify(heap);
}

/* Garbage that older garbage holds is not seen; a full pass has both. */
static void what_older_objects_hold_is_left(husk_heap *heap)
{
    husk_obj *old = husk_obj_new(heap, type_vast); /* on a page of its own */
    TRY(old);
    husk_pass pass;
    collect(heap);
    husk_obj *young = husk_obj_new(heap, type_node);
    if (young) {
        vast *data = husk_obj_data(old);
        husk_obj_set(young, &node_of(young)->a, old);
        husk_obj_take(old, &data->first, young);
    }
    husk_obj_drop(&old);
    TRY(young);
    assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK);
    assert_int_equal(objects_of(heap), 2);
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(objects_of(heap), 0);
}

/* A program that makes and drops small cycles never pays for its old objects, and never holds many of them. */
static void short_lives_end_by_themselves(husk_heap *heap)
{
    size_t length = story_size(100000, 500), count = story_size(400000, 5000), most = 0;
    HOLD head = list_of(heap, length);
    TRY(head);
    TRY_OK(husk_heap_collect(heap, NULL));
    uint64_t full = passes(heap), before = runs(heap);
    for (size_t i = 0; i < count; i++) {
        TRY(litter(heap, type_node));
        if (i % 256 == 0 && objects_of(heap) > most)
            most = objects_of(heap);
    }
    if (story_failing)
        return;
    assert_int_equal(passes(heap), full);
    assert_true(runs(heap) - before >= count / 4096 / 2);
    assert_true(most < length + 3 * 4096);
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 1, &g), HUSK_OK);
    assert_true(g.examined < 3 * count + 4 * 4096);
    verify(heap);
    husk_obj_drop(&head);
    collect(heap);
}

/* A finalizer must not run inside an allocation: its object waits, and a run at the next safe point ends it, not a
 * pass over everything. */
static void what_has_hooks_waits_for_a_safe_point(husk_heap *heap)
{
    tally_reset();
    HOLD head = list_of(heap, story_size(50000, 300));
    TRY(head);
    TRY_OK(husk_heap_collect(heap, NULL));
    uint64_t full = passes(heap);
    size_t made = 0;
    while (made < story_size(20000, 6000)) {
        TRY(litter(heap, type_hooked));
        made++;
    }
    if (story_failing)
        return;
    assert_int_equal(tally.finalized, 0);
    husk_heap_safepoint(heap);
    assert_true(tally.finalized > 0);
    assert_int_equal(passes(heap), full);
    collect(heap);
    assert_int_equal(tally.finalized, made);
}

/* Runs without yield become rarer. */
static void runs_without_yield_are_rare(husk_heap *heap)
{
    if (story_failing)
        return;
    husk_pacing pacing = { 1u << 30, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    uint64_t before = runs(heap);
    size_t count = story_size(400000, 200000);
    HOLD head = list_of(heap, count);
    TRY(head);
    assert_true(runs(heap) - before >= 8);
    assert_true(runs(heap) - before < 8 + 2 + count / 4096 / 4);
}

/* What waits for a safe point is yield, too: however rare safe points are, none of it is forgotten. */
static void waiting_for_long_is_not_poor(husk_heap *heap)
{
    if (story_failing)
        return;
    husk_pacing pacing = { 1u << 30, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    tally_reset();
    size_t made = 0, rounds = story_size(4, 2), between = 120000;
    for (size_t i = 0; i < rounds; i++) {
        for (size_t k = 0; k < between; k++, made++)
            TRY(litter(heap, type_hooked));
        husk_heap_safepoint(heap);
    }
    assert_true(tally.finalized > made - made / 8);
    collect(heap);
    assert_int_equal(tally.finalized, made);
}

/* Garbage adds up beside others that die by counting: births are not counted anew when those have died. */
static void garbage_adds_up_beside_counting(husk_heap *heap)
{
    if (story_failing)
        return;
    husk_pacing pacing = { 1u << 30, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    tally_reset();
    size_t made = 0;
    for (size_t i = 0; i < 300; i++) {
        HOLD head = list_of(heap, 4000);
        TRY(head);
        for (size_t k = 0; k < 100; k++, made++)
            TRY(litter(heap, type_hooked));
        husk_heap_safepoint(heap);
    }
    assert_true(tally.finalized > made / 2);
    collect(heap);
    assert_int_equal(tally.finalized, made);
}

static void the_threshold_can_be_set(husk_heap *heap)
{
    static const size_t bad[] = { 1, 63, ((size_t)1 << 24) + 1, SIZE_MAX };
    assert_int_equal(husk_heap_young(heap), 4096);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(husk_heap_set_young(heap, bad[i]), HUSK_ERANGE);
        assert_non_null(strstr(husk_heap_message(heap), "64 to 16777216"));
        assert_int_equal(husk_heap_young(heap), 4096);
    }
    assert_int_equal(husk_heap_set_young(heap, 0), HUSK_OK);
    uint64_t before = runs(heap);
    TRY(litter_many(heap, 10000));
    assert_int_equal(runs(heap), before);
    assert_int_equal(husk_heap_set_young(heap, 64), HUSK_OK);
    TRY(litter_many(heap, 2000));
    assert_true(story_failing || runs(heap) > before);
    husk_heap_disable(heap, "story");
    before = runs(heap);
    TRY(litter_many(heap, 10000));
    assert_int_equal(runs(heap), before);
    husk_heap_enable(heap);
    collect(heap);
}

static husk_status status_in_hook;

/* What dies by counting on the current page is dealt again: births there are seen, and begin a run no later. */
static void a_page_filled_again_is_young(husk_heap *heap)
{
    enum { FIRST = 900, THRESHOLD = 500, CAPACITY = 65536 / (16 + sizeof(node)) };
    static husk_obj *objects[FIRST];
    TRY_OK(husk_heap_set_young(heap, 0));
    size_t made = 0;
    while (made < FIRST && (objects[made] = husk_obj_new(heap, type_node)))
        made++;
    husk_status status = husk_heap_collect(heap, NULL); /* none of them is young any more */
    for (size_t i = 0; i < made; i++)
        husk_obj_release(objects[i]);
    TRY(made == FIRST);
    TRY_OK(status);
    TRY(litter_many(heap, FIRST));
    husk_pass pass;
    assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK);
    if (!story_failing)
        assert_int_equal(pass.collected, FIRST);

    for (made = 0; made < FIRST && (objects[made] = husk_obj_new(heap, type_node)); made++)
        continue;
    for (size_t i = 0; i < made; i++)
        husk_obj_release(objects[i]);
    TRY(made == FIRST);
    assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK);
    TRY_OK(husk_heap_set_young(heap, THRESHOLD));
    uint64_t before = runs(heap);
    size_t births = 0;
    for (; births < 4 * CAPACITY && runs(heap) == before; births++)
        TRY(litter(heap, type_node));
    if (!story_failing)
        assert_in_range(births, THRESHOLD, FIRST + THRESHOLD);
    collect(heap);
}

static void collect_in_hook(node *self)
{
    status_in_hook = husk_heap_collect_young(husk_obj_heap(husk_obj_of(self)), NULL);
}

static void in_a_hook_it_is_remembered(husk_heap *heap)
{
    husk_obj *obj = husk_obj_new(heap, type_hooked);
    TRY(obj);
    node_of(obj)->hook = collect_in_hook;
    uint64_t before = runs(heap);
    husk_obj_release(obj);
    assert_int_equal(status_in_hook, HUSK_EBUSY);
    husk_heap_safepoint(heap);
    assert_int_equal(runs(heap), before + 1);
}

STORIES(STORY(what_is_old_is_not_looked_at, 0), STORY(what_older_objects_hold_is_left, 0),
        STORY(short_lives_end_by_themselves, 0), STORY(what_has_hooks_waits_for_a_safe_point, 0),
        STORY(runs_without_yield_are_rare, 0), STORY(waiting_for_long_is_not_poor, 0),
        STORY(garbage_adds_up_beside_counting, 0), STORY(the_threshold_can_be_set, 0),
        STORY(a_page_filled_again_is_young, 0), STORY(in_a_hook_it_is_remembered, 0));
