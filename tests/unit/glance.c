/* tests/unit/glance.c: searches that look at each object once, with counts on both sides of every limit that an entry of
 * the side table has. */
#include "fixture.h"
#include "types.h"

#include "cycle/find.h"
#include "cycle/glance.h"

#include <husk/ledger.h>
#include <stdio.h>

/* A bag that holds the node `slots` times, and which the node holds. */
static husk_obj *hub(husk_heap *heap, size_t slots)
{
    husk_obj *middle = husk_obj_new(heap, type_node), *around = husk_obj_new(heap, type_bag);
    assert_true(middle && around);
    for (size_t i = 0; i < slots; i++)
        assert_int_equal(bag_add(around, middle), HUSK_OK);
    husk_obj_set(middle, &node_of(middle)->a, around);
    husk_obj_release(around);
    return middle;
}

/* The same of a list of nodes, born before the one in the middle: in a new heap a search meets them first. */
static husk_obj *late_hub(husk_heap *heap, size_t slots)
{
    HOLD list = NULL;
    husk_obj *first = NULL;
    for (size_t i = 0; i < slots; i++) {
        husk_obj *more = husk_obj_new(heap, type_node);
        assert_non_null(more);
        first = first ? first : more;
        husk_obj_take(more, &node_of(more)->b, list);
        list = more;
    }
    husk_obj *middle = husk_obj_new(heap, type_node);
    assert_true(middle && first < middle);
    for (husk_obj *at = list; at; at = node_of(at)->b)
        husk_obj_set(at, &node_of(at)->a, middle);
    husk_obj_set(middle, &node_of(middle)->a, list);
    return middle;
}

static struct husk__found search(husk_heap *heap)
{
    struct husk__found found;
    husk__find(heap, &found);
    husk__search_end(heap);
    verify(heap);
    return found;
}

enum { CARRY = HUSK__CARRY_AT, SPAN = SIDE_SPAN };
static const size_t limits[] = { 1,
                                 2,
                                 CARRY - 2,
                                 CARRY - 1,
                                 CARRY,
                                 CARRY + 1,
                                 SPAN - 1,
                                 SPAN,
                                 SPAN + 1,
                                 SPAN + CARRY - 1,
                                 SPAN + CARRY,
                                 SPAN + CARRY + 1,
                                 2 * SPAN + CARRY };
enum { LIMITS = sizeof limits / sizeof limits[0] };

/* One reference from outside, or some, or none. */
static void counts_at_every_limit(void **state)
{
    husk_heap *heap = *state;
    for (size_t i = 0; i < LIMITS; i++) {
        husk_obj *middle = hub(heap, limits[i]);
        struct husk__found found = search(heap);
        assert_null(found.corrupt);
        assert_int_equal(found.examined, 2);
        assert_int_equal(found.held, 1);
        assert_int_equal(found.garbage, 0);
        for (size_t k = 0; k < limits[LIMITS - 1 - i]; k++)
            husk_obj_retain(middle);
        found = search(heap);
        assert_true(found.garbage == 0 && found.held == 1 && !found.corrupt);
        for (size_t k = 0; k < limits[LIMITS - 1 - i] + 1; k++)
            husk_obj_release(middle);
        found = search(heap);
        assert_true(found.garbage == 2 && found.held == 0 && !found.corrupt);
        assert_int_equal(collect(heap), 2);
    }
}

/* More slots than references: told with both, whatever the numbers, and nothing changes. */
static void damage_at_every_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * (size_t)LIMITS; i++) {
        size_t slots = limits[i % LIMITS];
        husk_heap *heap = heap_open(NULL);
        husk_obj *middle = i < LIMITS ? hub(heap, slots) : late_hub(heap, slots);
        uint32_t rc = middle->rc;
        for (size_t less = 1; less < slots; less = less * 3 / 2 + 1) {
            middle->rc = rc - (uint32_t)(less + 1) * RC_ONE;
            struct husk__found found;
            husk__find(heap, &found);
            husk__search_end(heap);
            assert_ptr_equal(found.corrupt, middle);
            assert_int_equal(found.seen, slots);
        }
        middle->rc = rc;
        husk_obj_release(middle);
        assert_int_equal(collect(heap), i < LIMITS ? 2 : slots + 1);
        heap_close(heap, true);
    }
}

/* A slot that holds what has died. */
static void a_dead_object_in_a_slot(void **state)
{
    husk_heap *heap = *state;
    husk_obj *keep = husk_obj_new(heap, type_node), *dead = husk_obj_new(heap, type_node);
    node_of(keep)->b = dead; /* not counted */
    husk_obj_release(dead);
    struct husk__found found;
    husk__find(heap, &found);
    husk__search_end(heap);
    assert_ptr_equal(found.corrupt, dead);
    assert_int_equal(found.seen, 1);
    node_of(keep)->b = NULL;
    husk_obj_release(keep);
}

/* What an entry cannot count: sticky counts, and those in a book. */
static void counts_elsewhere(void **state)
{
    husk_heap *heap = *state;
    husk_obj *garbage = hub(heap, 3), *held = hub(heap, 3);
    husk_ledger_options options = { HUSK_LEDGER_OPTIONS };
    assert_int_equal(husk_ledger_start(heap, &options), HUSK_OK);
    husk_obj *booked = husk_obj_new(heap, type_node), *other = husk_obj_new(heap, type_node);
    assert_true(husk__is_ledgered(booked));
    husk_obj_set(booked, &node_of(booked)->a, other);
    husk_obj_set(other, &node_of(other)->a, booked);
    husk_obj_release(other);
    husk_obj_release(garbage);
    struct husk__found found = search(heap);
    assert_true(found.examined == 6 && found.held == 2 && found.garbage == 2 && !found.corrupt);
    husk_obj_release(booked);
    found = search(heap);
    assert_true(found.held == 1 && found.garbage == 4 && !found.corrupt);
    assert_int_equal(collect(heap), 4);
    husk_ledger_stop(heap);
    husk_obj_make_immortal(held);
    husk_obj_release(held);
    found = search(heap);
    assert_true(found.examined == 2 && found.held == 1 && found.garbage == 0);
    held->rc = RC_ONE * 4; /* as if it had never been: the end of the test wants an empty heap */
    husk_obj_release(held);
    assert_int_equal(collect(heap), 2);
}

/* Where everything is held from outside nothing is marked, and the figures say the same. */
static void all_held(void **state)
{
    husk_heap *heap = *state;
    enum { MANY = 5000 };
    static husk_obj *all[MANY];
    for (size_t i = 0; i < MANY; i++) {
        all[i] = husk_obj_new(heap, i % 7 ? type_node : type_closed);
        assert_non_null(all[i]);
        husk_obj_set(all[i], &node_of(all[i])->a, all[i * 13 % (i + 1)]);
    }
    for (size_t i = 0; i < MANY; i += 5) { /* free blocks among them */
        husk_obj_set(all[i], &node_of(all[i])->a, NULL);
        husk_obj_retain(all[i]);
    }
    struct husk__found found;
    husk__find(heap, &found);
    assert_true(found.examined == MANY && found.held == MANY && found.garbage == 0 && !found.corrupt);
    for (size_t i = 0; i < MANY; i++)
        assert_false(husk__is_open(all[i]));
    husk__search_end(heap);
    verify(heap);
    husk_obj_set(all[0], &node_of(all[0])->b, all[MANY - 1]);
    husk_obj_release(all[MANY - 1]);
    found = search(heap);
    assert_true(found.examined == MANY && found.held == MANY - 1 && found.garbage == 0);
    husk_obj_retain(all[MANY - 1]);
    for (size_t i = 0; i < MANY; i++) {
        husk_obj_release(all[i]);
        if (i % 5 == 0)
            husk_obj_release(all[i]);
    }
    (void)collect(heap);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(counts_at_every_limit), HEAP_TEST(damage_at_every_limit),
        HEAP_TEST(a_dead_object_in_a_slot), HEAP_TEST(counts_elsewhere), HEAP_TEST(all_held),
    };
    return RUN_ROUNDS("glance", tests);
}
