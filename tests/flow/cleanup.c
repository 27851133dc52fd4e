/* tests/flow/cleanup.c: the finalize registry. */
#include "story.h"
#include "types.h"

static int ran[32], ran_count, freed_count;
static int number[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
static husk_obj *late_target;
static bool late_failed;

static void forget(void)
{
    ran_count = freed_count = 0;
    late_target = NULL;
    late_failed = false;
}

static void note(husk_heap *heap, void *data)
{
    assert_non_null(heap);
    ran[ran_count++] = *(int *)data;
}

static void freed(void *data)
{
    (void)data;
    freed_count++;
}

static void register_another(husk_heap *heap, void *data)
{
    note(heap, data);
    husk_cleanup *another = husk_cleanup_new(late_target, note, &number[7], freed, true);
    late_failed = !another;
    husk_cleanup_release(another);
}

/* Registers and keeps nothing: the registry does. */
static bool add(husk_obj *obj, husk_cleanup_fn *fn, int which, bool at_exit)
{
    husk_cleanup *cleanup = husk_cleanup_new(obj, fn, &number[which], freed, at_exit);
    husk_cleanup_release(cleanup);
    return cleanup;
}

static void at_death(husk_heap *heap)
{
    forget();
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    TRY(add(obj, note, 1, true));
    TRY(add(obj, note, 2, false));
    TRY(add(obj, note, 3, true));
    assert_int_equal(husk_heap_cleanups(heap), 3);
    assert_int_equal(husk_obj_weak_count(obj), 3);
    assert_int_equal(ran_count, 0);
    husk_obj_drop(&obj);
    assert_int_equal(ran_count, 3);
    assert_int_equal(ran[0], 3); /* the newest first */
    assert_int_equal(ran[1], 2);
    assert_int_equal(ran[2], 1);
    assert_int_equal(freed_count, 3);
    assert_int_equal(husk_heap_cleanups(heap), 0);
    assert_int_equal(objects_of(heap), 0);
    verify(heap);
}

static void in_a_pass(husk_heap *heap)
{
    forget();
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    HOLD b = node_new(heap, type_hooked, 2);
    TRY(b);
    link_a(a, b);
    link_a(b, a);
    TRY(add(a, note, 1, true));
    TRY(add(b, note, 2, true));
    husk_obj_drop(&a);
    husk_obj_drop(&b);
    assert_int_equal(collect(heap), 2);
    assert_int_equal(ran_count, 2);
    assert_int_equal(freed_count, 2);
    assert_int_equal(objects_of(heap), 0);
}

static husk_obj *saved;
static void come_back(node *self)
{
    link_a(saved, husk_obj_of(self));
}

/* Not before the real death. */
static void not_for_what_comes_back(husk_heap *heap)
{
    forget();
    HOLD keeper = node_new(heap, type_node, 0);
    TRY(keeper);
    HOLD obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = come_back;
    saved = keeper;
    TRY(add(obj, note, 1, true));
    husk_obj_drop(&obj);
    assert_int_equal(ran_count, 0);
    assert_int_equal(husk_heap_cleanups(heap), 1);
    link_a(keeper, NULL);
    assert_int_equal(ran_count, 1);
    saved = NULL;
}

static void asked_and_detached(husk_heap *heap)
{
    forget();
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    husk_cleanup *cleanup = husk_cleanup_new(obj, note, &number[1], freed, true);
    TRY(cleanup);
    husk_cleanup *second = husk_cleanup_new(obj, note, &number[2], freed, true);
    if (!second)
        husk_cleanup_release(cleanup);
    TRY(second);
    assert_true(husk_cleanup_is_pending(cleanup));
    assert_true(husk_cleanup_at_exit(cleanup));
    assert_ptr_equal(husk_cleanup_data(cleanup), &number[1]);
    assert_ptr_equal(husk_cleanup_of(husk_cleanup_obj(cleanup)), cleanup);
    assert_null(husk_cleanup_of(obj));
    assert_ptr_equal(husk_weak_of(husk_cleanup_obj(cleanup)), husk_cleanup_weak(cleanup));
    assert_int_equal(husk_obj_kind(husk_cleanup_obj(cleanup)), HUSK_KIND_WEAK);
    HOLD got = husk_cleanup_get(cleanup);
    assert_ptr_equal(got, obj);
    husk_obj_drop(&got);
    assert_true(husk_cleanup_detach(cleanup));
    assert_false(husk_cleanup_detach(cleanup));
    assert_false(husk_cleanup_run(cleanup));
    assert_false(husk_cleanup_is_pending(cleanup));
    assert_null(husk_cleanup_get(cleanup));
    assert_true(husk_cleanup_run(second));
    assert_false(husk_cleanup_run(second));
    assert_int_equal(ran_count, 1);
    assert_int_equal(ran[0], 2);
    assert_int_equal(husk_heap_cleanups(heap), 0);
    assert_int_equal(freed_count, 0);
    husk_obj_drop(&obj);
    assert_int_equal(ran_count, 1);
    husk_cleanup_release(cleanup);
    husk_cleanup_release(second);
    assert_int_equal(freed_count, 2);
    verify(heap);
}

static husk_cleanup *other_cleanup;
static void detach_other(husk_heap *heap, void *data)
{
    note(heap, data);
    assert_true(husk_cleanup_detach(other_cleanup));
}

/* One that is due already, but was detached by the one before it, does not run. */
static void detached_by_another(husk_heap *heap)
{
    forget();
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    other_cleanup = husk_cleanup_new(obj, note, &number[1], freed, true);
    TRY(other_cleanup);
    if (!add(obj, detach_other, 2, true)) {
        husk_cleanup_release(other_cleanup);
        husk_heap_clear_failure(heap);
        return;
    }
    husk_obj_drop(&obj);
    assert_int_equal(ran_count, 1);
    assert_int_equal(ran[0], 2);
    husk_cleanup_release(other_cleanup);
    assert_int_equal(freed_count, 2);
}

/* Newest first, those made meanwhile next; those that do not want it are left out. */
static void at_exit(husk_heap *heap)
{
    forget();
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    HOLD target = husk_obj_new(heap, type_leaf);
    TRY(target);
    late_target = target;
    TRY(add(obj, note, 1, true));
    TRY(add(obj, register_another, 2, true));
    TRY(add(obj, note, 3, false));
    TRY(add(obj, note, 4, true));
    husk_cleanup *turned = husk_cleanup_new(obj, note, &number[5], freed, false);
    TRY(turned);
    husk_cleanup *off = husk_cleanup_new(obj, note, &number[6], freed, true);
    if (!off)
        husk_cleanup_release(turned);
    TRY(off);
    husk_cleanup_set_at_exit(off, false);
    husk_cleanup_set_at_exit(turned, true);
    husk_cleanup_release(turned);
    husk_cleanup_release(off);
    size_t runs = husk_heap_run_cleanups(heap);
    assert_int_equal(ran[0], 5);
    assert_int_equal(ran[1], 4);
    assert_int_equal(ran[2], 2);
    if (late_failed) {
        assert_true(story_failing);
        husk_heap_clear_failure(heap);
        assert_int_equal(runs, 4);
    } else {
        assert_int_equal(runs, 5);
        assert_int_equal(ran[3], 7);
        assert_int_equal(ran[4], 1);
    }
    assert_int_equal(husk_heap_cleanups(heap), 2);
    husk_obj_drop(&obj);
    husk_obj_drop(&target);
    assert_int_equal(ran_count, (int)runs + 2);
    assert_int_equal(husk_heap_cleanups(heap), 0);
}

/* Close runs them while the objects still stand; those without at_exit never run. */
static void at_close(husk_heap *heap)
{
    (void)heap;
    forget();
    husk_heap *own = heap_open(NULL);
    if (!own)
        return;
    husk_obj *obj = node_new(own, type_node, 1);
    bool first = obj && add(obj, note, 1, true), second = first && add(obj, note, 2, false);
    if (second)
        husk_obj_retain(obj);
    heap_close(own, false);
    report_forget();
    assert_int_equal(ran_count, first ? 1 : 0);
    assert_int_equal(freed_count, second ? 2 : first || obj ? freed_count : 0);
}

static husk_obj *late_held;
static void register_late(node *self)
{
    (void)self;
    if (late_held && !add(late_held, note, 4, true))
        late_failed = true;
}

static void release_data(void *data)
{
    freed_count++;
    husk_obj_release(data);
}

/* What close finds out late: a finalizer registers a cleanup; the data of a cleanup that never runs held objects. */
static void late_at_close(husk_heap *heap)
{
    (void)heap;
    forget();
    husk_heap *own = heap_open(NULL);
    if (!own)
        return;
    husk_obj *held = node_new(own, type_node, 1), *last = node_new(own, type_hooked, 2);
    husk_obj *cycle = node_new(own, type_hooked, 3);
    late_held = held;
    tally_reset();
    bool ready = held && last && cycle;
    if (ready) {
        node_of(last)->hook = register_late;
        link_a(last, last);
        link_a(cycle, cycle);
        husk_obj_release(last);
        husk_cleanup *cleanup = husk_cleanup_new(held, note, cycle, release_data, false);
        ready = cleanup;
        husk_cleanup_release(cleanup);
    }
    heap_close(own, false);
    report_forget();
    late_held = NULL;
    if (!ready)
        return;
    assert_int_equal(tally.finalized, 2);
    assert_int_equal(ran_count, late_failed ? 0 : 1);
    assert_int_equal(freed_count, 2); /* that of a registration that failed too */
}

STORIES(STORY(at_death, 0), STORY(in_a_pass, 0), STORY(not_for_what_comes_back, 0),
        STORY(asked_and_detached, 0), STORY(detached_by_another, 0), STORY(at_exit, 0),
        STORY(at_close, STORY_LEAVES_OBJECTS), STORY(late_at_close, STORY_LEAVES_OBJECTS));
