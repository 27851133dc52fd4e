/* tests/flow/heaps.c: many heaps, and how a heap ends. */
#include "story.h"
#include "types.h"

enum { HEAPS = 20 };

static void many_heaps_side_by_side(husk_heap *first)
{
    husk_heap *heaps[HEAPS] = { NULL };
    husk_obj *rings[HEAPS] = { NULL };
    for (int i = 0; i < HEAPS; i++) {
        heaps[i] = heap_open(NULL);
        if (heaps[i])
            rings[i] = node_new(heaps[i], type_closed, i);
        if (rings[i]) {
            link_a(rings[i], rings[i]);
            assert_ptr_equal(husk_obj_heap(rings[i]), heaps[i]);
        }
    }
    for (int i = 0; i < HEAPS; i += 2) {
        if (rings[i]) {
            husk_obj_release(rings[i]);
            assert_int_equal(collect(heaps[i]), 1);
        }
    }
    verify(first);
    assert_int_equal(objects_of(first), 0);
    for (int i = 0; i < HEAPS; i++) {
        if (!heaps[i])
            continue;
        verify(heaps[i]);
        assert_int_equal(objects_of(heaps[i]), i % 2 && rings[i] ? 1 : 0);
        if (i % 2 && rings[i])
            link_a(rings[i], NULL), husk_obj_release(rings[i]);
        husk_heap_close(heaps[i]);
    }
}

/* A reference into another heap is refused, and nothing changes. */
static void heaps_do_not_mix(husk_heap *heap)
{
    husk_heap *other = heap_open(NULL);
    if (!other) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    husk_obj *mine = husk_obj_new(heap, type_node);
    husk_obj *kept = husk_obj_new(heap, type_node);
    husk_obj *theirs = husk_obj_new(other, type_node);
    if (mine && kept && theirs) {
        link_a(mine, kept);
        assert_int_equal(husk_obj_set(mine, &node_of(mine)->a, theirs), HUSK_EHEAP);
        assert_int_equal(husk_heap_failure(heap), HUSK_EHEAP);
        assert_ptr_equal(node_of(mine)->a, kept);
        assert_int_equal(husk_obj_strong_count(theirs), 1);
        husk_obj_retain(theirs);
        assert_int_equal(husk_obj_take(mine, &node_of(mine)->a, theirs), HUSK_EHEAP);
        assert_int_equal(husk_obj_strong_count(theirs), 1); /* consumed all the same */
        assert_ptr_equal(node_of(mine)->a, kept);
        husk_obj *value = theirs;
        assert_int_equal(husk_obj_swap(mine, &node_of(mine)->a, &value), HUSK_EHEAP);
        assert_ptr_equal(value, theirs);
        assert_ptr_equal(node_of(mine)->a, kept);
        husk_obj *p = husk_obj_new(heap, type_pair);
        if (p) {
            pair *pp = husk_obj_data(p);
            assert_int_equal(husk_value_set(p, &pp->first, husk_ref(theirs)), HUSK_EHEAP);
            assert_int_equal(pp->first.tag, HUSK_NIL);
            husk_value odd_tag = husk_nil();
            odd_tag.tag = 99;
            assert_int_equal(husk_value_set(p, &pp->first, odd_tag), HUSK_EINVAL);
            assert_int_equal(pp->first.tag, HUSK_NIL);
            husk_obj_release(p);
        }
    }
    husk_obj_drop(&mine);
    husk_obj_drop(&kept);
    husk_obj_drop(&theirs);
    heap_close(other, true);
}

/* What is held from outside at the end is named by type and number, disposed, and not finalized. */
static void close_with_objects_held(husk_heap *heap)
{
    HOLD_MANY(many);
    for (int i = 0; i < 3; i++) {
        many.at[i] = husk_obj_new(heap, type_hooked);
        TRY(many.at[i]);
    }
    many.at[3] = node_new(heap, type_closed, 3);
    TRY(many.at[3]);
    link_a(many.at[0], many.at[3]);
    many.at[4] = husk_obj_new(heap, type_bag);
    TRY(many.at[4]);
    TRY_OK(bag_add(many.at[4], many.at[0]));
    many.at[5] = husk_obj_new(heap, type_huge);
    TRY(many.at[5]);
    husk_obj *garbage = husk_obj_new(heap, type_hooked);
    TRY(garbage);
    link_a(garbage, garbage);
    husk_obj_release(garbage);
    husk_weak *weak = husk_weak_new(many.at[0], NULL, NULL, NULL);
    TRY(weak);
    memset(&many, 0, sizeof many); /* the program forgets them all */
}

static void reports_at_close(husk_heap *other)
{
    (void)other;
    husk_heap *heap = heap_open(NULL);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    tally_reset();
    size_t refused = story_refused;
    close_with_objects_held(heap);
    husk_heap_close(heap);
    if (story_refused > refused) {
        report_forget();
        return;
    }
    assert_int_equal(tally.finalized, 1); /* the garbage, not what was held */
    assert_int_equal(tally.disposed, 5);
    bool hooked_seen = false, closed_seen = false, bag_seen = false, huge_seen = false;
    for (size_t i = 0; i < report_count(); i++) {
        const report *r = report_at(i);
        assert_int_equal(r->status, HUSK_ESTATE);
        hooked_seen |= strstr(r->text, "hooked") && strstr(r->text, "3");
        closed_seen |= strstr(r->text, "closed") && strstr(r->text, "1");
        bag_seen |= strstr(r->text, "bag") && strstr(r->text, "1");
        huge_seen |= strstr(r->text, "huge") && strstr(r->text, "1");
    }
    assert_true(hooked_seen && closed_seen && bag_seen && huge_seen);
    report_forget();
}

static int freed, called;

static void on_gone(husk_weak *weak, void *data)
{
    (void)weak, (void)data;
    called++;
}

static void on_free(void *data)
{
    (void)data;
    freed++;
}

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    (void)heap, (void)phase, (void)pass, (void)data;
}

/* Each stored callback's data is freed exactly once, whatever was left. */
static void data_is_freed_at_close(husk_heap *other)
{
    (void)other;
    husk_heap *heap = heap_open(NULL);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    freed = called = 0;
    int stored = 0;
    uint64_t id;
    husk_heap_on_error(heap, NULL, NULL, on_free), stored++;
    husk_heap_on_pass(heap, on_pass, NULL, on_free, &id), stored++;
    husk_obj *obj = husk_obj_new(heap, type_node);
    husk_weak *one = NULL, *two = NULL;
    if (obj) {
        one = husk_weak_new(obj, on_gone, NULL, on_free), stored++;
        two = husk_weak_new(obj, on_gone, NULL, on_free), stored++;
    }
    husk_weak_release(two);
    husk_obj_drop(&obj);
    husk_weak_release(one);
    husk_heap_close(heap);
    assert_int_equal(freed, stored);
    assert_int_equal(called, one ? 1 : 0);
}

/* Another error hook ends the first one's data at once. */
static void error_hooks_are_replaced(husk_heap *other)
{
    (void)other;
    husk_heap *heap = heap_open(NULL);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    freed = 0;
    husk_heap_on_error(heap, NULL, NULL, on_free);
    assert_int_equal(freed, 0);
    husk_heap_on_error(heap, NULL, NULL, on_free);
    assert_int_equal(freed, 1);
    husk_heap_close(heap);
    assert_int_equal(freed, 2);
}

static void hooks_run_for_garbage_at_close(husk_heap *other)
{
    (void)other;
    husk_heap *heap = heap_open(NULL);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    tally_reset();
    int made = 0;
    for (int i = 0; i < 10; i++) {
        husk_obj *obj = husk_obj_new(heap, type_hooked);
        if (!obj)
            continue;
        made++;
        link_a(obj, obj);
        husk_obj_release(obj);
    }
    husk_heap_freeze(heap); /* does not save them at the end */
    husk_heap_close(heap);
    assert_int_equal(tally.finalized, made);
    assert_int_equal(tally.disposed, made);
    assert_int_equal(report_count(), 0);
}

static void names_and_data(husk_heap *heap)
{
    assert_string_equal(husk_heap_name(heap), "heap");
    assert_null(husk_heap_data(heap));
    char name[] = "mine";
    int data = 0;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = name, .data = &data };
    husk_heap *other = heap_open(&options);
    if (!other) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    name[0] = 'X';
    assert_string_equal(husk_heap_name(other), "mine");
    assert_ptr_equal(husk_heap_data(other), &data);
    heap_close(other, true);
}

STORIES(STORY(many_heaps_side_by_side, 0), STORY(heaps_do_not_mix, 0),
        STORY(close_with_objects_held, STORY_LEAVES_OBJECTS), STORY(reports_at_close, 0),
        STORY(data_is_freed_at_close, 0), STORY(hooks_run_for_garbage_at_close, 0), STORY(names_and_data, 0),
        STORY(error_hooks_are_replaced, 0));
