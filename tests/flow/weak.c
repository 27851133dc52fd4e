/* tests/flow/weak.c: weak references and their callbacks. */
#include "story.h"
#include "types.h"

static int gone[16], gone_count, freed_count;
static husk_obj *gone_holds; /* what a callback gets hold of */

static void forget(void)
{
    gone_count = freed_count = 0;
    gone_holds = NULL;
}

static void note(husk_weak *weak, void *data)
{
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    assert_null(husk_weak_lock(weak));
    assert_ptr_equal(husk_weak_data(weak), data);
    gone[gone_count++] = *(int *)data;
}

static void freed(void *data)
{
    (void)data;
    freed_count++;
}

static int number[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };

static void lock_and_state(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    assert_int_equal(husk_obj_weak_count(obj), 1);
    assert_false(husk_obj_is_unique(obj));
    assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
    HOLD again = husk_weak_lock(weak);
    assert_ptr_equal(again, obj);
    assert_int_equal(husk_obj_strong_count(obj), 2);
    husk_obj_drop(&again);
    husk_obj_drop(&obj);
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    assert_null(husk_weak_lock(weak));
    assert_int_equal(objects_of(heap), 1);
    verify(heap);
}

/* Without a callback one is shared; with one, never. */
static void sharing(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_leaf);
    TRY(obj);
    HOLD_WEAK one = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(one);
    HOLD_WEAK two = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(two);
    assert_ptr_equal(one, two);
    assert_int_equal(husk_obj_strong_count(husk_weak_obj(one)), 2);
    assert_int_equal(husk_obj_weak_count(obj), 1);
    HOLD_WEAK three = husk_weak_new(obj, note, &number[3], freed);
    TRY(three);
    HOLD_WEAK four = husk_weak_new(obj, note, &number[4], freed);
    TRY(four);
    assert_ptr_not_equal(three, one);
    assert_ptr_not_equal(three, four);
    assert_int_equal(husk_obj_weak_count(obj), 3);
    hold_weak_end(&four);
    assert_int_equal(freed_count, 1);
    assert_int_equal(husk_obj_weak_count(obj), 2);
    hold_weak_end(&one);
    hold_weak_end(&two);
    assert_int_equal(husk_obj_weak_count(obj), 1);
    HOLD_WEAK five = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(five);
    assert_int_equal(husk_obj_weak_count(obj), 2);
    husk_obj_drop(&obj);
    assert_int_equal(gone_count, 1);
    assert_int_equal(gone[0], 3);
    hold_weak_end(&three);
    assert_int_equal(freed_count, 2);
}

static void newest_first_and_in_order_of_death(husk_heap *heap)
{
    forget();
    HOLD parent = husk_obj_new(heap, type_node);
    TRY(parent);
    HOLD child = husk_obj_new(heap, type_node);
    TRY(child);
    HOLD_WEAK w1 = husk_weak_new(child, note, &number[1], NULL);
    TRY(w1);
    HOLD_WEAK w2 = husk_weak_new(parent, note, &number[2], NULL);
    TRY(w2);
    HOLD_WEAK w3 = husk_weak_new(parent, note, &number[3], NULL);
    TRY(w3);
    HOLD_WEAK w4 = husk_weak_new(child, note, &number[4], NULL);
    TRY(w4);
    link_a(parent, child);
    husk_obj_drop(&child);
    assert_int_equal(gone_count, 0);
    husk_obj_drop(&parent);
    assert_int_equal(gone_count, 4);
    static const int order[] = { 3, 2, 4, 1 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(gone[i], order[i]);
}

/* One that ended first never calls; data_free runs all the same. */
static void ended_first(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, note, &number[1], freed);
    TRY(weak);
    hold_weak_end(&weak);
    assert_int_equal(freed_count, 1);
    assert_int_equal(husk_obj_weak_count(obj), 0);
    husk_obj_drop(&obj);
    assert_int_equal(gone_count, 0);
    assert_int_equal(freed_count, 1);
}

/* Held only by what dies: nobody is left to be told. By counting and by a pass. */
static void held_by_the_dead(husk_heap *heap)
{
    for (int cycle = 0; cycle < 2; cycle++) {
        forget();
        HOLD obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_weak *weak = husk_weak_new(obj, note, &number[1], freed);
        TRY(weak);
        assert_int_equal(husk_obj_take(obj, &node_of(obj)->a, husk_weak_obj(weak)), HUSK_OK);
        assert_ptr_equal(husk_weak_of(node_of(obj)->a), weak);
        if (cycle)
            link_b(obj, obj);
        husk_obj_drop(&obj);
        if (cycle) {
            assert_int_equal(freed_count, 0);
            assert_int_equal(collect(heap), 2); /* the weak reference is a member of the set too */
        }
        assert_int_equal(gone_count, 0);
        assert_int_equal(freed_count, 1);
        assert_int_equal(objects_of(heap), 0);
    }
}

static void callbacks_of_a_garbage_set(husk_heap *heap)
{
    forget();
    HOLD one = husk_obj_new(heap, type_node);
    TRY(one);
    HOLD two = husk_obj_new(heap, type_node);
    TRY(two);
    HOLD_WEAK w1 = husk_weak_new(one, note, &number[1], freed);
    TRY(w1);
    HOLD_WEAK w2 = husk_weak_new(two, note, &number[2], freed);
    TRY(w2);
    link_a(one, two);
    link_a(two, one);
    husk_obj_drop(&one);
    husk_obj_drop(&two);
    assert_int_equal(gone_count, 0);
    husk_pass pass;
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.weak_cleared, 2);
    assert_int_equal(gone_count, 2);
    assert_int_equal(gone[0] + gone[1], 3);
    assert_int_equal(objects_of(heap), 2);
    assert_int_equal(freed_count, 0);
    hold_weak_end(&w1);
    hold_weak_end(&w2);
    assert_int_equal(freed_count, 2);
}

/* A callback may do anything: here it ends another object, whose callbacks follow. */
static void drop_held(husk_weak *weak, void *data)
{
    note(weak, data);
    assert_int_equal(husk_heap_verify(husk_obj_heap(husk_weak_obj(weak))), HUSK_EBUSY);
    husk_obj *obj = gone_holds;
    gone_holds = NULL;
    if (obj)
        husk_obj_release(obj);
    gone[gone_count++] = 100; /* what obj's death calls comes later */
}

static void a_callback_that_kills(husk_heap *heap)
{
    forget();
    HOLD one = husk_obj_new(heap, type_closed);
    TRY(one);
    HOLD two = husk_obj_new(heap, type_closed);
    TRY(two);
    HOLD_WEAK w2 = husk_weak_new(two, note, &number[2], NULL);
    TRY(w2);
    HOLD_WEAK older = husk_weak_new(one, note, &number[3], NULL);
    TRY(older);
    HOLD_WEAK w1 = husk_weak_new(one, drop_held, &number[1], NULL);
    TRY(w1);
    gone_holds = two;
    two = NULL;
    husk_obj_drop(&one);
    static const int order[] = { 1, 100, 3, 2 };
    assert_int_equal(gone_count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(gone[i], order[i]);
    assert_int_equal(tally.disposed, 2);
}

static void end_other(husk_weak *weak, void *data)
{
    note(weak, data);
    husk_obj_drop(&gone_holds);
}

/* A callback ends another weak reference whose turn had not come: it never calls. */
static void a_callback_that_ends_another(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK second = husk_weak_new(obj, note, &number[2], freed);
    TRY(second);
    HOLD_WEAK first = husk_weak_new(obj, end_other, &number[1], freed);
    TRY(first);
    gone_holds = husk_weak_obj(second);
    second = NULL;
    husk_obj_drop(&obj);
    assert_int_equal(gone_count, 1);
    assert_int_equal(freed_count, 1);
}

/* The weak reference is held by nobody but the callback list: dies quietly when released in its own callback. */
static void end_self(husk_weak *weak, void *data)
{
    note(weak, data);
    assert_ptr_equal(gone_holds, husk_weak_obj(weak));
    husk_obj_drop(&gone_holds);
    assert_int_equal(freed_count, 0); /* the caller still needs it */
}

static void a_callback_that_ends_itself(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    husk_weak *weak = husk_weak_new(obj, end_self, &number[1], freed);
    TRY(weak);
    gone_holds = husk_weak_obj(weak);
    husk_obj_drop(&obj);
    assert_int_equal(gone_count, 1);
    assert_int_equal(freed_count, 1);
    assert_int_equal(objects_of(heap), 0);
}

static void locks_in_an_order(husk_heap *heap)
{
    /* a lock keeps the object alive over the release of the last other reference */
    HOLD obj = node_new(heap, type_closed, 1);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    HOLD locked = husk_weak_lock(weak);
    husk_obj_drop(&obj);
    assert_int_equal(tally.disposed, 0);
    assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
    husk_obj_drop(&locked);
    assert_int_equal(tally.disposed, 1);
}

static void weak_of_a_weak(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    HOLD_WEAK over = husk_weak_new(husk_weak_obj(weak), note, &number[1], freed);
    TRY(over);
    HOLD locked = husk_weak_lock(over);
    assert_ptr_equal(locked, husk_weak_obj(weak));
    husk_obj_drop(&locked);
    hold_weak_end(&weak);
    assert_int_equal(gone_count, 1);
    assert_int_equal(husk_weak_state_get(over), HUSK_DEAD);
    assert_int_equal(husk_obj_weak_count(obj), 0);
}

static void not_a_weak_reference(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    assert_null(husk_weak_of(obj));
    assert_int_equal(husk_obj_kind(obj), HUSK_KIND_OTHER);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    assert_ptr_equal(husk_weak_of(husk_weak_obj(weak)), weak);
    assert_int_equal(husk_obj_kind(husk_weak_obj(weak)), HUSK_KIND_WEAK);
    assert_false(husk_obj_is_tracked(husk_weak_obj(weak)));
}

/* Many cells: made, dropped, made again; the figures follow. */
static void many_cells(husk_heap *heap)
{
    forget();
    HOLD_MANY(objects);
    HOLD_MANY(weaks);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < HOLD_MANY_MAX; i++) {
            objects.at[i] = husk_obj_new(heap, type_node);
            TRY(objects.at[i]);
            husk_weak *weak = husk_weak_new(objects.at[i], NULL, NULL, NULL);
            TRY(weak);
            weaks.at[i] = husk_weak_obj(weak);
        }
        husk_heap_figures figures;
        husk_heap_figures_get(heap, &figures);
        assert_int_equal(figures.objects, 2 * HOLD_MANY_MAX);
        assert_int_equal(figures.weak_cells, HOLD_MANY_MAX);
        verify(heap);
        for (int i = 0; i < HOLD_MANY_MAX; i += 2)
            husk_obj_drop(&objects.at[i]);
        for (int i = 0; i < HOLD_MANY_MAX; i++) {
            husk_weak_state state = husk_weak_state_get(husk_weak_of(weaks.at[i]));
            assert_int_equal(state, i % 2 ? HUSK_ALIVE : HUSK_DEAD);
        }
        verify(heap);
        hold_many_end(&weaks);
        hold_many_end(&objects);
        husk_heap_figures_get(heap, &figures);
        assert_int_equal(figures.objects, 0);
        assert_int_equal(figures.weak_cells, 0);
    }
}

/* The inline birth gives what husk_weak_new gives, whatever the object has already. */
static void inline_births(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK first = husk_weak_new_inline(obj);
    TRY(first);
    assert_ptr_equal(husk_weak_lock_inline(first), obj);
    husk_obj_release(obj);
    HOLD_WEAK again = husk_weak_new_inline(obj);
    TRY(again);
    assert_ptr_equal(again, first);
    HOLD_WEAK watching = husk_weak_new(obj, note, &number[1], NULL); /* now there is a list */
    TRY(watching);
    HOLD_WEAK third = husk_weak_new_inline(obj);
    TRY(third);
    assert_ptr_equal(third, first);
    assert_int_equal(husk_obj_weak_count(obj), 2);
    hold_weak_end(&first);
    hold_weak_end(&again);
    hold_weak_end(&third);
    assert_int_equal(husk_obj_weak_count(obj), 1);
    HOLD_WEAK late = husk_weak_new_inline(obj);
    TRY(late);
    HOLD other = husk_obj_new(heap, type_node);
    TRY(other);
    HOLD_WEAK lone = husk_weak_new(other, note, &number[2], NULL);
    TRY(lone);
    HOLD_WEAK beside = husk_weak_new_inline(other); /* behind one with a callback */
    TRY(beside);
    assert_ptr_not_equal(beside, lone);
    husk_obj_drop(&obj);
    husk_obj_drop(&other);
    assert_null(husk_weak_lock_inline(late));
    assert_null(husk_weak_lock_inline(beside));
    assert_int_equal(gone_count, 2);
    verify(heap);
}

/* A failure frees the data at once. */
static void data_is_freed_exactly_once(husk_heap *heap)
{
    forget();
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, note, &number[1], freed);
    if (!weak)
        assert_int_equal(freed_count, 1);
    TRY(weak);
    assert_int_equal(freed_count, 0);
    hold_weak_end(&weak);
    assert_int_equal(freed_count, 1);
}

STORIES(STORY(lock_and_state, 0), STORY(sharing, 0), STORY(newest_first_and_in_order_of_death, 0),
        STORY(ended_first, 0), STORY(held_by_the_dead, 0), STORY(callbacks_of_a_garbage_set, 0),
        STORY(a_callback_that_kills, 0), STORY(a_callback_that_ends_another, 0),
        STORY(a_callback_that_ends_itself, 0), STORY(locks_in_an_order, 0), STORY(weak_of_a_weak, 0),
        STORY(not_a_weak_reference, 0), STORY(many_cells, 0), STORY(inline_births, 0),
        STORY(data_is_freed_exactly_once, 0));
