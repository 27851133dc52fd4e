/* tests/flow/finalize.c: finalizers that look, change, bring back and collect. */
#include "story.h"
#include "types.h"

static husk_obj *saved[8];
static husk_weak *watched;
static husk_status status_in_hook;
static int64_t seen[16];
static int seen_count;

static void forget(void)
{
    memset(saved, 0, sizeof saved);
    watched = NULL;
    status_in_hook = HUSK_OK;
    seen_count = 0;
}

static husk_obj *hooked(husk_heap *heap, int64_t number, node_hook *hook)
{
    husk_obj *obj = node_new(heap, type_hooked, number);
    if (obj)
        node_of(obj)->hook = hook;
    return obj;
}

static void hook_note(node *self)
{
    seen[seen_count++] = self->number;
}

/* Slots are intact, the weak reference says no, the object is dying and hidden. */
static bool count_walked(husk_obj *obj, void *data)
{
    (void)obj;
    ++*(int *)data;
    return true;
}

static void hook_look(node *self)
{
    husk_obj *obj = husk_obj_of(self);
    husk_heap *heap = husk_obj_heap(obj);
    hook_note(self);
    assert_true(husk_obj_is_dying(obj));
    assert_true(husk_obj_is_finalized(obj));
    if (story_refused > 0)
        return;
    assert_non_null(self->a);
    assert_int_equal(node_of(self->a)->number, 77);
    if (watched) {
        assert_null(husk_weak_lock(watched));
        assert_int_equal(husk_weak_state_get(watched), HUSK_DYING);
    }
    assert_int_equal(husk_heap_verify(heap), HUSK_EBUSY);
    husk_pass pass;
    assert_int_equal(husk_heap_collect_dry(heap, &pass), HUSK_EBUSY);
    int walked = 0;
    husk_heap_each(heap, count_walked, &walked);
    assert_int_equal((size_t)walked, objects_of(heap));
}

static void a_finalizer_sees_everything_intact(husk_heap *heap)
{
    for (int cycle = 0; cycle < 2; cycle++) {
        forget();
        tally_reset();
        HOLD obj = hooked(heap, 1, hook_look);
        TRY(obj);
        HOLD child = node_new(heap, type_node, 77);
        TRY(child);
        HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
        TRY(weak);
        watched = weak;
        link_a(obj, child);
        if (cycle)
            link_b(obj, obj);
        husk_obj_drop(&obj);
        assert_int_equal(seen_count, cycle ? 0 : 1);
        if (cycle)
            assert_int_equal(collect(heap), 1);
        assert_int_equal(seen_count, 1);
        assert_int_equal(tally.disposed, 1);
        assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
        assert_int_equal(husk_obj_strong_count(child), 1);
    }
}

static void hook_save(node *self)
{
    hook_note(self);
    if (story_refused > 0)
        return; /* the story is over already */
    saved[self->number] = husk_obj_of(self);
    husk_obj_retain(saved[self->number]);
}

static void one_that_comes_back_by_counting(husk_heap *heap)
{
    forget();
    HOLD obj = hooked(heap, 1, hook_save);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    husk_obj_drop(&obj);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(tally.disposed, 0);
    assert_non_null(saved[1]);
    assert_int_equal(husk_obj_strong_count(saved[1]), 1);
    assert_true(husk_obj_is_finalized(saved[1]));
    assert_false(husk_obj_is_dying(saved[1]));
    assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
    HOLD locked = husk_weak_lock(weak);
    assert_ptr_equal(locked, saved[1]);
    husk_obj_drop(&locked);
    verify(heap);
    husk_obj_drop(&saved[1]); /* the second death: no finalizer */
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
}

/* 1 <-> 2 -> 3: the finalizer of 1 brings back 1, with it all that it reaches; 4 -> 1 is in a cycle of its own. */
static void some_of_a_set_come_back(husk_heap *heap)
{
    forget();
    HOLD_MANY(many);
    husk_obj **n = many.at;
    HOLD_MANY(weaks);
    for (int i = 1; i <= 5; i++) {
        n[i] = hooked(heap, i, i == 1 ? hook_save : hook_note);
        TRY(n[i]);
        husk_weak *weak = husk_weak_new(n[i], NULL, NULL, NULL);
        TRY(weak);
        weaks.at[i] = husk_weak_obj(weak);
    }
    link_a(n[1], n[2]);
    link_a(n[2], n[1]);
    link_b(n[2], n[3]);
    link_a(n[4], n[5]);
    link_a(n[5], n[4]);
    link_b(n[4], n[1]);
    for (int i = 1; i <= 5; i++)
        husk_obj_drop(&n[i]);
    assert_int_equal(seen_count, 0);
    husk_pass pass;
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.finalized, 5);
    assert_int_equal(pass.resurrected, 3);
    assert_int_equal(pass.collected, 2);
    assert_int_equal(pass.weak_cleared, 2);
    assert_int_equal(seen_count, 5);
    for (int i = 1; i <= 5; i++) {
        husk_weak_state state = husk_weak_state_get(husk_weak_of(weaks.at[i]));
        assert_int_equal(state, i <= 3 ? HUSK_ALIVE : HUSK_DEAD);
    }
    assert_int_equal(husk_obj_strong_count(saved[1]), 2);
    verify(heap);
    assert_int_equal(collect(heap), 0);
    husk_obj_drop(&saved[1]);
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 3);
    assert_int_equal(pass.finalized, 0); /* once in a life */
    assert_int_equal(seen_count, 5);
}

static void hook_break(node *self)
{
    hook_note(self);
    link_a(husk_obj_of(self), NULL);
}

/* Finalizers that take the cycle apart: everything still dies, once. */
static void a_cycle_taken_apart(husk_heap *heap)
{
    forget();
    HOLD_MANY(many);
    enum { RING = 10 };
    for (int i = 0; i < RING; i++) {
        many.at[i] = hooked(heap, i, hook_break);
        TRY(many.at[i]);
    }
    for (int i = 0; i < RING; i++)
        link_a(many.at[i], many.at[(i + 1) % RING]);
    hold_many_end(&many);
    husk_pass pass;
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, RING);
    assert_int_equal(pass.resurrected, 0);
    assert_int_equal(seen_count, RING);
    assert_int_equal(tally.disposed, RING);
    assert_int_equal(objects_of(heap), 0);
}

static void hook_collect(node *self)
{
    hook_note(self);
    husk_pass pass;
    status_in_hook = husk_heap_collect(husk_obj_heap(husk_obj_of(self)), &pass);
}

/* A collect in a hook is refused and remembered: it has run before the outermost call returns. */
static void a_finalizer_that_collects(husk_heap *heap)
{
    forget();
    HOLD ring = node_new(heap, type_closed, 9);
    TRY(ring);
    HOLD obj = hooked(heap, 1, hook_collect);
    TRY(obj);
    link_a(ring, ring);
    husk_obj_drop(&ring);
    husk_obj_drop(&obj);
    assert_int_equal(status_in_hook, HUSK_EBUSY);
    assert_int_equal(seen_count, 1);
    assert_int_equal(objects_of(heap), 0);
}

static void a_finalizer_that_collects_in_a_pass(husk_heap *heap)
{
    forget();
    HOLD obj = hooked(heap, 1, hook_collect);
    TRY(obj);
    link_a(obj, obj);
    husk_obj_drop(&obj);
    husk_generation before, after;
    assert_int_equal(husk_heap_generation(heap, 0, &before), HUSK_OK);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(status_in_hook, HUSK_EBUSY);
    assert_int_equal(husk_heap_generation(heap, 0, &after), HUSK_OK);
    assert_int_equal(after.passes - before.passes, 2); /* its own, and the one asked for */
    husk_heap_safepoint(heap);
    assert_int_equal(husk_heap_generation(heap, 0, &before), HUSK_OK);
    assert_int_equal(before.passes, after.passes);
}

/* Every finalizer makes another object with a finalizer: the reruns end. */
static void hook_another(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    seen_count++;
    husk_heap_collect(heap, NULL);
    husk_obj *next = hooked(heap, self->number + 1, self->number < 40 ? hook_another : NULL);
    if (next) {
        link_a(next, next);
        husk_obj_release(next);
    }
}

static void garbage_without_end(husk_heap *heap)
{
    forget();
    HOLD obj = hooked(heap, 0, hook_another);
    TRY(obj);
    link_a(obj, obj);
    husk_obj_drop(&obj);
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    assert_true(seen_count <= 2);
    for (int i = 0; i < 60 && objects_of(heap) > 0; i++)
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    assert_int_equal(objects_of(heap), 0);
    verify(heap);
}

/* Objects made in a finalizer are ordinary: they live if stored outside, and die if stored in the dying. */
static void hook_make(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    if (story_refused > 0)
        return;
    husk_obj *made = node_new(heap, type_closed, 50);
    if (made)
        husk_obj_take(husk_obj_of(self), &self->b, made);
    saved[0] = node_new(heap, type_closed, 51);
}

static void a_finalizer_that_makes(husk_heap *heap)
{
    for (int cycle = 0; cycle < 2; cycle++) {
        forget();
        tally_reset();
        HOLD obj = hooked(heap, 1, hook_make);
        TRY(obj);
        if (cycle)
            link_a(obj, obj);
        husk_obj_drop(&obj);
        if (cycle)
            assert_int_equal(collect(heap), 1);
        assert_int_equal(tally.finalized, 1);
        HOLD made = saved[0];
        if (!made) { /* what failed in a hook has left no trace in husk_heap_failure */
            story_refuse(heap, HUSK_ENOMEM, "husk_obj_new", __FILE__, __LINE__);
            return;
        }
        if (!story_failing)
            assert_int_equal(tally.disposed, 2);
        assert_int_equal(objects_of(heap), 1);
        verify(heap);
    }
}

/* The last reference to an outsider dropped inside: it dies before the call returns. */
static void hook_drop_saved(node *self)
{
    hook_note(self);
    husk_obj_drop(&saved[0]);
    if (story_refused == 0)
        assert_int_equal(tally.disposed, 0); /* queued only */
}

static void an_outsider_ended_inside(husk_heap *heap)
{
    for (int cycle = 0; cycle < 2; cycle++) {
        forget();
        tally_reset();
        HOLD other = hooked(heap, 2, hook_note);
        TRY(other);
        HOLD obj = hooked(heap, 1, hook_drop_saved);
        TRY(obj);
        if (cycle)
            link_a(obj, obj);
        saved[0] = other;
        other = NULL;
        husk_obj_drop(&obj);
        if (cycle)
            assert_int_equal(collect(heap), 1);
        assert_int_equal(seen_count, 2);
        assert_int_equal(seen[0], 1);
        assert_int_equal(seen[1], 2);
        assert_int_equal(tally.disposed, 2);
        assert_int_equal(objects_of(heap), 0);
    }
}

/* A weak reference made by a finalizer to the dying object ends with the others, and calls. */
static int called;

static void on_gone(husk_weak *weak, void *data)
{
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    (void)data;
    called++;
}

static void hook_watch(node *self)
{
    if (story_refused > 0)
        return;
    watched = husk_weak_new(husk_obj_of(self), on_gone, NULL, NULL);
    if (watched)
        assert_null(husk_weak_lock(watched));
}

static void a_weak_reference_made_inside(husk_heap *heap)
{
    for (int cycle = 0; cycle < 2; cycle++) {
        forget();
        called = 0;
        HOLD obj = hooked(heap, 1, hook_watch);
        TRY(obj);
        if (cycle)
            link_a(obj, obj);
        husk_obj_drop(&obj);
        if (cycle)
            assert_int_equal(collect(heap), 1);
        HOLD_WEAK weak = watched;
        if (!weak) {
            story_refuse(heap, HUSK_ENOMEM, "husk_weak_new", __FILE__, __LINE__);
            return;
        }
        assert_int_equal(called, 1);
        assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    }
}

static void hook_fail(node *self)
{
    husk_heap_report(husk_obj_heap(husk_obj_of(self)), HUSK_EHOOK, "it went wrong");
}

static void errors_of_hooks_are_reported(husk_heap *heap)
{
    forget();
    HOLD obj = hooked(heap, 1, hook_fail);
    TRY(obj);
    husk_obj_drop(&obj);
    assert_non_null(report_at(0));
    assert_non_null(strstr(report_at(0)->text, "it went wrong"));
    report_take(HUSK_EHOOK, 1);
    assert_int_equal(tally.disposed, 1);
}

/* Long lists of objects with finalizers die by one loop too. */
static void a_list_of_finalizers(husk_heap *heap)
{
    size_t length = story_size(100000, 50);
    forget();
    HOLD head = NULL;
    for (size_t i = 0; i < length; i++) {
        husk_obj *obj = hooked(heap, (int64_t)i, NULL);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    husk_obj_drop(&head);
    assert_int_equal(tally.finalized, length);
    assert_int_equal(tally.disposed, length);
    assert_int_equal(objects_of(heap), 0);
}

STORIES(STORY(a_finalizer_sees_everything_intact, 0), STORY(one_that_comes_back_by_counting, 0),
        STORY(some_of_a_set_come_back, 0), STORY(a_cycle_taken_apart, 0), STORY(a_finalizer_that_collects, 0),
        STORY(a_finalizer_that_collects_in_a_pass, 0), STORY(garbage_without_end, 0),
        STORY(a_finalizer_that_makes, 0), STORY(an_outsider_ended_inside, 0),
        STORY(a_weak_reference_made_inside, 0), STORY(errors_of_hooks_are_reported, 0),
        STORY(a_list_of_finalizers, 0));
