/* tests/flow/order.c: in what order things end around the entries of weak containers. */
#include "story.h"
#include "types.h"

static husk_weak *value_seen;
static husk_weak_state seen_in_death;

static void look_at_value(node *self)
{
    (void)self;
    seen_in_death = husk_weak_state_get(value_seen);
}

/* A bug: when a plain object that was not the first of a drain let its key die, the next object that died ran its
 * finalizer before the entry let go of its value (death.c). */
static void before_the_next_death(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD key = husk_obj_new(heap, type_leaf);
    TRY(key);
    HOLD value = node_new(heap, type_node, 1);
    TRY(value);
    HOLD_WEAK weak = husk_weak_new(value, NULL, NULL, NULL);
    TRY(weak);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    HOLD outer = node_new(heap, type_closed, 2);
    TRY(outer);
    HOLD plain = node_new(heap, type_node, 3);
    TRY(plain);
    HOLD next = node_new(heap, type_hooked, 4);
    TRY(next);
    node_of(next)->hook = look_at_value;
    link_a(outer, plain);
    link_a(plain, next);
    link_b(plain, key);
    husk_obj_drop(&plain);
    husk_obj_drop(&next);
    husk_obj_drop(&key);
    husk_obj_drop(&value);
    assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
    value_seen = weak;
    seen_in_death = HUSK_ALIVE;
    husk_obj_drop(&outer);
    assert_int_equal(seen_in_death, HUSK_DEAD);
    assert_int_equal(husk_weakkeymap_count(map), 0);
    verify(heap);
}

static int gone[4], gone_count;

static void note_gone(husk_weak *weak, void *data)
{
    (void)weak;
    gone[gone_count++ % 4] = (int)(intptr_t)data;
}

/* The value of a dead key dies before what the key itself held, also where plain objects end one after another. */
static void values_first(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD outer = node_new(heap, type_node, 1);
    TRY(outer);
    HOLD key = node_new(heap, type_node, 2);
    TRY(key);
    HOLD child = node_new(heap, type_node, 3);
    TRY(child);
    HOLD value = node_new(heap, type_node, 4);
    TRY(value);
    HOLD_WEAK of_child = husk_weak_new(child, note_gone, (void *)3, NULL);
    TRY(of_child);
    HOLD_WEAK of_value = husk_weak_new(value, note_gone, (void *)4, NULL);
    TRY(of_value);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    link_a(outer, key);
    link_a(key, child);
    husk_obj_drop(&value);
    husk_obj_drop(&child);
    husk_obj_drop(&key);
    gone_count = 0;
    husk_obj_drop(&outer);
    assert_int_equal(gone_count, 2);
    assert_int_equal(gone[0], 4);
    assert_int_equal(gone[1], 3);
    verify(heap);
}

STORIES(STORY(before_the_next_death, 0), STORY(values_first, 0));
