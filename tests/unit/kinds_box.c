/* Boxes: the host's value is freed exactly once, however the box ends. */
#include "kinds_check.h"

typedef struct host_value {
    int freed;
} host_value;

static void host_free(void *value)
{
    ((host_value *)value)->freed++;
}

static void test_value(void **state)
{
    husk_heap *heap = *state;
    host_value value = { 0 };
    husk_obj *box = husk_box_new(heap, &value, host_free);
    assert_non_null(box);
    assert_int_equal(husk_obj_kind(box), HUSK_KIND_BOX);
    assert_ptr_equal(husk_box_value(box), &value);
    assert_true(husk_obj_is_tracked(box));
    husk_obj_retain(box);
    husk_obj_release(box);
    assert_int_equal(value.freed, 0);
    husk_obj_release(box);
    assert_int_equal(value.freed, 1);
}

static void test_nothing_to_free(void **state)
{
    husk_heap *heap = *state;
    int value = 1;
    HOLD plain = husk_box_new(heap, &value, NULL);
    HOLD empty = husk_box_new(heap, NULL, NULL);
    assert_ptr_equal(husk_box_value(plain), &value);
    assert_null(husk_box_value(empty));
    HOLD list = husk_list_new(heap);
    assert_null(husk_box_value(list)); /* no box */
}

/* By counting from a container, in a cycle that a pass ends, and at the heap's close. */
static void test_every_end(void **state)
{
    husk_heap *heap = *state;
    host_value value = { 0 };
    husk_obj *list = husk_list_new(heap);
    husk_obj *box = husk_box_new(heap, &value, host_free);
    assert_ok(heap, husk_list_append(list, husk_ref(box)));
    husk_obj_release(box);
    assert_int_equal(value.freed, 0);
    assert_ok(heap, husk_list_set(list, 0, husk_nil()));
    assert_int_equal(value.freed, 1);

    box = husk_box_new(heap, &value, host_free);
    assert_ok(heap, husk_list_append(list, husk_ref(box)));
    husk_obj_release(box);
    assert_ok(heap, husk_list_append(list, husk_ref(list)));
    husk_obj_release(list);
    assert_int_equal(value.freed, 1);
    assert_int_equal(collect(heap), 2);
    assert_int_equal(value.freed, 2);

    husk_heap *other = heap_open(NULL);
    assert_non_null(other);
    assert_non_null(husk_box_new(other, &value, host_free));
    heap_close(other, false);
    assert_int_equal(value.freed, 3);
    report_take(HUSK_ESTATE, 1); /* the box was still held */
}

/* Another value, and nothing freed: whoever swaps has the old one. */
static void test_swap(void **state)
{
    husk_heap *heap = *state;
    host_value first = { 0 }, second = { 0 };
    HOLD box = husk_box_new(heap, &first, host_free);
    HOLD list = husk_list_new(heap);
    assert_non_null(box);
    assert_non_null(list);
    assert_true(husk_box_value_free(box) == host_free);
    assert_true(husk_box_value_free(list) == NULL);
    assert_ptr_equal(husk_box_swap(box, &second), &first);
    assert_ptr_equal(husk_box_value(box), &second);
    assert_null(husk_box_swap(list, &first));
    assert_int_equal(first.freed + second.freed, 0);
    husk_obj_drop(&box);
    assert_int_equal(first.freed, 0);
    assert_int_equal(second.freed, 1);
}

/* Garbage with boxes is ended in the middle of an allocation: nothing of it is a hook. */
static void test_ends_in_allocation(void **state)
{
    husk_heap *heap = *state;
    husk_pacing pacing;
    husk_heap_get_pacing(heap, &pacing);
    pacing.least_objects = 100;
    assert_ok(heap, husk_heap_set_pacing(heap, &pacing));
    host_value value = { 0 };
    for (int i = 0; i < 1000; i++) {
        husk_obj *list = husk_list_new(heap);
        husk_obj *box = husk_box_new(heap, &value, host_free);
        assert_non_null(list);
        assert_non_null(box);
        assert_ok(heap, husk_list_append(list, husk_ref(list)));
        assert_ok(heap, husk_list_append(list, husk_ref(box)));
        husk_obj_release(box);
        husk_obj_release(list);
    }
    assert_true(value.freed > 0);
    assert_true(objects_of(heap) < 2000);
    collect(heap);
    assert_int_equal(value.freed, 1000);
}

/* A call that fails has freed the value, once; nobody else would. */
static void test_failing(void **state)
{
    husk_heap *heap = *state;
    host_value value = { 0 };
    husk_memory_fail(1, true);
    husk_obj *box = husk_box_new(heap, &value, host_free);
    husk_obj *plain = husk_box_new(heap, &value, NULL);
    husk_memory_fail(0, false);
    assert_null(box);
    assert_null(plain);
    assert_int_equal(value.freed, 1);
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);

    husk_heap *small = small_heap(512u << 10);
    husk_obj *chain[20000];
    int made = 0;
    int tried = 0;
    value.freed = 0;
    for (;;) {
        tried++;
        box = husk_box_new(small, &value, host_free);
        if (!box)
            break;
        assert_int_equal(value.freed, 0);
        chain[made++] = box;
    }
    assert_int_equal(husk_heap_failure(small), HUSK_ELIMIT);
    assert_true(made > 100);
    assert_int_equal(value.freed, 1); /* that of the box that could not be */
    for (int i = 0; i < made; i++)
        husk_obj_release(chain[i]);
    assert_int_equal(value.freed, tried);
    heap_close(small, true);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_swap),
        HEAP_TEST(test_value),
        HEAP_TEST(test_nothing_to_free),
        HEAP_TEST(test_every_end),
        HEAP_TEST(test_ends_in_allocation),
        HEAP_TEST(test_failing),
    };
    return RUN_ROUNDS("kinds_box", tests);
}
