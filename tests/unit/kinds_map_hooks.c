/* Maps: code that runs in the middle of a map's own calls; cycles; memory that ends. */
#include "kinds_map_check.h"

#include <stdio.h>

/* ---- code that runs in the middle ---- */

static husk_obj *watched; /* the map that the finalizers below work on */

static void hook_clears(node *self)
{
    (void)self;
    assert_int_equal(husk_map_clear(watched), HUSK_OK);
}

static void hook_fills(node *self)
{
    for (int64_t i = 0; i < 100; i++)
        set_int(watched, self->number + i, i);
}

static void hook_removes(node *self)
{
    assert_int_equal(husk_map_remove(watched, husk_int(self->number)), HUSK_OK);
}

/* What a finalizer sees of its own entry: it is gone. */
static void hook_looks(node *self)
{
    assert_false(has(watched, husk_int(self->number)));
    size_t cursor = 0;
    husk_value k, v;
    size_t count = 0;
    while (husk_map_next(watched, &cursor, &k, &v))
        count++;
    assert_int_equal(count, husk_map_count(watched));
    check_inside(watched);
}

static husk_obj *hooked(husk_heap *heap, node_hook *hook, int64_t number)
{
    husk_obj *obj = node_new(heap, type_hooked, number);
    assert_non_null(obj);
    node_of(obj)->hook = hook;
    return obj;
}

static void set_hooked(husk_obj *map, int64_t key, node_hook *hook, int64_t number)
{
    HOLD obj = hooked(husk_obj_heap(map), hook, number);
    assert_int_equal(husk_map_set(map, husk_int(key), husk_ref(obj)), HUSK_OK);
}

static void test_finalizer_uses_the_map(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    watched = map;
    /* set: the old value's finalizer clears the map under the store */
    for (int64_t i = 0; i < 20; i++)
        set_int(map, i, i);
    set_hooked(map, 5, hook_clears, 0);
    assert_ok(heap, husk_map_set(map, husk_int(5), husk_int(0)));
    assert_int_equal(husk_map_count(map), 0);
    /* set: it makes the buffers move */
    set_hooked(map, 1, hook_fills, 1000);
    assert_ok(heap, husk_map_set(map, husk_int(1), husk_int(11)));
    assert_int_equal(int_at(map, 1), 11);
    assert_int_equal(husk_map_count(map), 101);
    check_inside(map);
    /* remove: it removes another, fills, looks, clears */
    set_hooked(map, 2, hook_removes, 1000);
    assert_ok(heap, husk_map_remove(map, husk_int(2)));
    assert_int_equal(husk_map_count(map), 100);
    set_hooked(map, 2, hook_fills, 2000);
    assert_ok(heap, husk_map_remove(map, husk_int(2)));
    assert_int_equal(husk_map_count(map), 200);
    set_hooked(map, 2, hook_looks, 2);
    assert_ok(heap, husk_map_remove(map, husk_int(2)));
    set_hooked(map, 2, hook_clears, 0);
    assert_ok(heap, husk_map_remove(map, husk_int(2)));
    assert_int_equal(husk_map_count(map), 0);
    check_inside(map);
    /* remove: key and value both have one */
    {
        HOLD key = hooked(heap, hook_fills, 0);
        HOLD value = hooked(heap, hook_clears, 0);
        assert_ok(heap, husk_map_set(map, husk_ref(key), husk_ref(value)));
        husk_value borrowed = husk_ref(key);
        husk_obj_drop(&key); /* the map's is the last */
        husk_obj_drop(&value);
        assert_ok(heap, husk_map_remove(map, borrowed));
        assert_int_equal(husk_map_count(map), 0); /* filled, then cleared */
    }
    /* clear: what finalizers add meanwhile stays, and may be removed by later ones */
    for (int64_t i = 0; i < 20; i++)
        set_hooked(map, i, hook_fills, 1000 * (i + 1));
    set_hooked(map, 20, hook_removes, 1000);
    set_hooked(map, 21, hook_looks, 21);
    assert_ok(heap, husk_map_clear(map));
    assert_int_equal(husk_map_count(map), 1999);
    check_inside(map);
    verify(heap);
}

static void test_map_ends_in_its_own_call(void **state)
{
    husk_heap *heap = *state;
    for (int way = 0; way < 5; way++) {
        husk_obj *map = map_of(heap);
        for (int64_t i = 0; i < 20; i++)
            set_int(map, i, i);
        husk_obj *obj = hooked(heap, NULL, 0);
        link_a(obj, map);
        husk_value key = way == 4 ? husk_ref(obj) : husk_int(100);
        assert_ok(heap, husk_map_set(map, key, way == 4 ? husk_nil() : husk_ref(obj)));
        husk_obj_release(obj);
        husk_obj_release(map); /* from here on only the node in it holds it */
        tally_reset();
        switch (way) {
        case 0:
            assert_ok(heap, husk_map_set(map, key, husk_nil()));
            break;
        case 1:
        case 4:
            assert_ok(heap, husk_map_remove(map, key));
            break;
        case 2:
            assert_ok(heap, husk_map_clear(map));
            break;
        case 3:
            assert_int_equal(collect(heap), 2);
            break;
        }
        assert_int_equal(tally.finalized, 1);
        assert_int_equal(tally.disposed, 1);
        assert_int_equal(objects_of(heap), 0);
    }
}

static void gone_fills(husk_weak *weak, void *data)
{
    (void)weak;
    *(size_t *)data += 1;
    for (int64_t i = 0; i < 60; i++)
        set_int(watched, 500 + i, i);
    check_inside(watched);
}

static void test_weak_callback_uses_the_map(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    watched = map;
    size_t gone = 0;
    for (int way = 0; way < 4; way++) {
        HOLD obj = leaf_of(heap);
        HOLD_WEAK weak = husk_weak_new(obj, gone_fills, &gone, NULL);
        assert_non_null(weak);
        husk_value key = way == 3 ? husk_ref(obj) : husk_int(1);
        assert_ok(heap, husk_map_set(map, key, way == 3 ? husk_nil() : husk_ref(obj)));
        husk_obj_drop(&obj);
        if (way == 0)
            assert_ok(heap, husk_map_set(map, key, husk_nil()));
        else if (way == 1 || way == 3)
            assert_ok(heap, husk_map_remove(map, key));
        else
            assert_ok(heap, husk_map_clear(map));
        assert_int_equal(gone, (size_t)way + 1);
    }
    assert_int_equal(husk_map_count(map), 60);
}

/* ---- cycles ---- */

static void test_cycles(void **state)
{
    husk_heap *heap = *state;
    husk_obj *map = map_of(heap);
    assert_ok(heap, husk_map_set(map, husk_ref(map), husk_ref(map))); /* key and value */
    assert_int_equal(husk_obj_strong_count(map), 3);
    verify(heap);
    husk_obj_release(map);
    assert_int_equal(collect(heap), 1);
    /* two maps, each other's key and value, among removed entries */
    map = map_of(heap);
    husk_obj *other = map_of(heap);
    for (int64_t i = 0; i < 100; i++) {
        assert_ok(heap, husk_map_set(map, husk_int(i), husk_ref(other)));
        assert_ok(heap, husk_map_set(other, husk_int(i), husk_ref(map)));
    }
    for (int64_t i = 0; i < 100; i++) {
        if (i % 10 == 5)
            continue;
        assert_ok(heap, husk_map_remove(map, husk_int(i)));
        assert_ok(heap, husk_map_remove(other, husk_int(i)));
    }
    assert_ok(heap, husk_map_set(map, husk_ref(other), husk_nil()));
    assert_int_equal(husk_obj_strong_count(other), 12);
    husk_obj_release(map);
    husk_obj_release(other);
    verify(heap);
    assert_int_equal(collect(heap), 2);
    assert_int_equal(objects_of(heap), 0);
}

/* ---- memory ---- */

static void test_refused_memory(void **state)
{
    husk_heap *heap = *state;
    HOLD obj = leaf_of(heap);
    husk_memory_fail(1, true);
    HOLD map = husk_map_new(heap);
    husk_memory_fail(0, false);
    assert_null(map); /* the first object of its size */
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    map = map_of(heap);
    size_t refused = 0;
    /* The index and the entries are two requests: each is refused, alone and for good. */
    for (uint64_t nth = 1; nth <= 2; nth++) {
        for (int64_t i = 0; i < 30000; i++) {
            husk_memory_fail(nth, i & 1);
            husk_status status = husk_map_set(map, husk_int(i), husk_ref(obj));
            husk_memory_fail(0, false);
            if (status != HUSK_OK) {
                assert_int_equal(status, HUSK_ENOMEM);
                assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
                assert_int_equal(husk_map_count(map), (size_t)i);
                assert_int_equal(husk_obj_strong_count(obj), (size_t)i + 1);
                assert_false(has(map, husk_int(i)));
                check_inside(map);
                verify(heap);
                refused++;
                assert_ok(heap, husk_map_set(map, husk_int(i), husk_ref(obj)));
            }
        }
        husk_memory_fail(1, true); /* these need no memory */
        assert_int_equal(husk_map_set(map, husk_int(5), husk_nil()), HUSK_OK);
        assert_int_equal(husk_map_remove(map, husk_int(5)), HUSK_OK);
        assert_int_equal(husk_map_remove_text(map, "x", 1), HUSK_EMISSING);
        assert_int_equal(husk_map_clear(map), HUSK_OK);
        husk_memory_fail(0, false);
        assert_int_equal(husk_obj_strong_count(obj), 1);
    }
    assert_true(refused > 6);
}

/* Holes are closed without memory: a map that keeps its size never asks for any. */
static void test_steady_map_needs_no_memory(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    for (int64_t i = 0; i < 2000; i++)
        set_int(map, i, i);
    for (int64_t i = 0; i < 1000; i++)
        assert_ok(heap, husk_map_remove(map, husk_int(i)));
    uint64_t before = husk_memory_requests();
    for (int64_t i = 2000; i < 100000; i++) {
        assert_int_equal(husk_map_set(map, husk_int(i), husk_int(i)), HUSK_OK);
        assert_int_equal(husk_map_remove(map, husk_int(i - 1000)), HUSK_OK);
    }
    assert_true(husk_memory_requests() == before);
    assert_int_equal(husk_map_count(map), 1000);
    check_inside(map);
}

static void test_max_bytes(void **state)
{
    (void)state;
    husk_heap *heap = small_heap(2u << 20);
    husk_obj *map = map_of(heap);
    husk_obj *obj = leaf_of(heap);
    int64_t count = 0;
    while (husk_map_set(map, husk_int(count), husk_ref(obj)) == HUSK_OK)
        count++;
    assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
    assert_true(count > 5000);
    assert_int_equal(husk_map_count(map), (size_t)count);
    assert_int_equal(husk_obj_strong_count(obj), (size_t)count + 1);
    check_inside(map);
    verify(heap);
    assert_int_equal(husk_map_remove(map, husk_int(7)), HUSK_OK);
    assert_int_equal(husk_map_set(map, husk_int(-7), husk_nil()), HUSK_OK); /* in the hole */
    check_inside(map);
    assert_int_equal(husk_map_clear(map), HUSK_OK);
    for (int64_t i = 0; i < count; i++) /* the room is there again */
        assert_int_equal(husk_map_set(map, husk_int(i), husk_ref(obj)), HUSK_OK);
    husk_obj_release(map);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    husk_obj_release(obj);
    heap_close(heap, true);
}

static void test_buffers_return(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    const size_t before = figures.buffer_bytes;
    for (int way = 0; way < 2; way++) {
        for (int64_t i = 0; i < 1000; i++)
            set_int(map, i, i);
        husk_heap_figures_get(heap, &figures);
        assert_true(figures.buffer_bytes >= before + 1000 * sizeof(husk__entry));
        if (way)
            assert_ok(heap, husk_map_clear(map));
        else
            for (int64_t i = 999; i >= 0; i--)
                assert_ok(heap, husk_map_remove(map, husk_int(i)));
        husk_heap_figures_get(heap, &figures);
        assert_int_equal(figures.buffer_bytes, before);
    }
}

/* A pass at every allocation, and objects that only the map holds. */
static void test_stress(void **state)
{
    (void)state;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .stress = true };
    husk_heap *heap = heap_open(&options);
    assert_non_null(heap);
    husk_obj *map = map_of(heap);
    for (int64_t i = 0; i < 300; i++) {
        char bytes[16];
        snprintf(bytes, sizeof bytes, "%d", (int)i);
        husk_obj *inner = map_of(heap);
        husk_obj *key = text_of(heap, bytes);
        assert_int_equal(husk_map_set(inner, husk_ref(key), husk_ref(inner)), HUSK_OK);
        assert_int_equal(husk_map_set(map, husk_ref(key), husk_ref(inner)), HUSK_OK);
        husk_obj_release(key);
        husk_obj_release(inner);
        if (i % 3 == 0)
            assert_int_equal(husk_map_remove_text(map, bytes, strlen(bytes)), HUSK_OK);
    }
    assert_int_equal(husk_map_count(map), 200);
    check_inside(map);
    husk_obj_release(map);
    collect(heap);
    heap_close(heap, true);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_finalizer_uses_the_map),
        HEAP_TEST(test_map_ends_in_its_own_call),
        HEAP_TEST(test_weak_callback_uses_the_map),
        HEAP_TEST(test_cycles),
        HEAP_TEST(test_refused_memory),
        HEAP_TEST(test_steady_map_needs_no_memory),
        HEAP_TEST(test_max_bytes),
        HEAP_TEST(test_buffers_return),
        HEAP_TEST(test_stress),
    };
    return RUN_ROUNDS("kinds_map_hooks", tests);
}
