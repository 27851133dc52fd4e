/* Maps: each call's ordinary, edge and error ways; keys of every kind; iteration while the map changes. Random runs and size:
 * kinds_map_random.c; code in the middle of calls, cycles and memory: kinds_map_hooks.c. */
#include "kinds_map_check.h"

#include <math.h>
#include <stdio.h>

static void test_order(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    assert_int_equal(husk_map_count(map), 0);
    const int64_t keys[] = { 30, -4, 17, 0, INT64_MAX, INT64_MIN, 99 };
    const size_t count = sizeof keys / sizeof keys[0];
    for (size_t i = 0; i < count; i++)
        assert_ok(heap, husk_map_set(map, husk_int(keys[i]), husk_int((int64_t)i)));
    assert_int_equal(husk_map_count(map), count);
    assert_ok(heap, husk_map_set(map, husk_int(17), husk_int(1700))); /* keeps its place */
    assert_int_equal(husk_map_count(map), count);
    size_t cursor = 0;
    husk_value k, v;
    for (size_t i = 0; i < count; i++) {
        assert_true(husk_map_next(map, &cursor, &k, &v));
        assert_int_equal(k.tag, HUSK_INT);
        assert_int_equal(k.as.i, keys[i]);
        assert_int_equal(v.as.i, i == 2 ? 1700 : (int64_t)i);
    }
    assert_false(husk_map_next(map, &cursor, &k, &v));
    assert_false(husk_map_next(map, &cursor, &k, &v));
    assert_ok(heap, husk_map_remove(map, husk_int(30)));
    assert_ok(heap, husk_map_set(map, husk_int(30), husk_int(1))); /* and is now the last */
    cursor = 0;
    assert_true(husk_map_next(map, &cursor, &k, &v));
    assert_int_equal(k.as.i, -4);
    while (husk_map_next(map, &cursor, &k, &v))
        continue;
    assert_int_equal(k.as.i, 30);
    check_inside(map);
    assert_ok(heap, husk_map_clear(map));
    assert_int_equal(husk_map_count(map), 0);
    cursor = 0;
    assert_false(husk_map_next(map, &cursor, &k, &v));
    assert_false(has(map, husk_int(30)));
    assert_ok(heap, husk_map_clear(map));
    set_int(map, 1, 2);
    assert_int_equal(int_at(map, 1), 2);
}

static void test_keys_of_every_kind(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    HOLD a = leaf_of(heap);
    HOLD b = leaf_of(heap);
    HOLD text = text_of(heap, "1");
    HOLD empty = text_of(heap, "");
    HOLD weak = NULL;
    weak = husk_weak_obj(husk_weak_new(a, NULL, NULL, NULL));
    const husk_value keys[] = {
        husk_bool(false),      husk_bool(true),      husk_int(0),           husk_int(1),
        husk_float(0.5),       husk_float(INFINITY), husk_float(-INFINITY), husk_float(0x1p63),
        husk_float(-0x1.8p63), husk_float(5e-324),   husk_ref(a),           husk_ref(b),
        husk_ref(text),        husk_ref(empty),      husk_ref(weak),        husk_ref(map),
        husk_int(INT64_MIN),
    };
    const size_t count = sizeof keys / sizeof keys[0];
    for (size_t i = 0; i < count; i++)
        assert_ok(heap, husk_map_set(map, keys[i], husk_int((int64_t)i)));
    assert_int_equal(husk_map_count(map), count);
    for (size_t i = 0; i < count; i++) {
        husk_value v;
        assert_ok(heap, husk_map_peek(map, keys[i], &v));
        assert_int_equal(v.as.i, (int64_t)i);
    }
    check_inside(map);
    for (size_t i = 0; i < count; i++) {
        assert_ok(heap, husk_map_remove(map, keys[i]));
        assert_false(has(map, keys[i]));
    }
    assert_int_equal(husk_map_count(map), 0);
    assert_int_equal(husk_obj_strong_count(map), 1);
}

/* A double that is an integer is that integer, whichever comes first; the others keep to themselves. */
static void test_numbers(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    husk_value k, v;
    size_t cursor = 0;
    assert_ok(heap, husk_map_set(map, husk_float(3.0), husk_int(1)));
    assert_int_equal(int_at(map, 3), 1);
    assert_true(husk_map_next(map, &cursor, &k, &v));
    assert_true(same_value(k, husk_int(3)));
    assert_ok(heap, husk_map_set(map, husk_int(3), husk_int(2)));
    assert_int_equal(husk_map_count(map), 1);
    assert_ok(heap, husk_map_set(map, husk_float(-0.0), husk_int(3)));
    assert_int_equal(int_at(map, 0), 3);
    assert_ok(heap, husk_map_peek(map, husk_float(0.0), &v));
    assert_ok(heap, husk_map_remove(map, husk_int(0)));
    assert_false(has(map, husk_float(-0.0)));
    /* 2^53 and its neighbour that no double can hold; -2^63 fits an int64, 2^63 does not */
    set_int(map, (1ll << 53) + 1, 4);
    assert_false(has(map, husk_float(0x1p53)));
    assert_ok(heap, husk_map_set(map, husk_float(-0x1p63), husk_int(5)));
    assert_int_equal(int_at(map, INT64_MIN), 5);
    assert_ok(heap, husk_map_set(map, husk_float(0x1.8p62), husk_int(55)));
    assert_int_equal(int_at(map, 3ll << 61), 55);
    set_int(map, INT64_MAX, 6);
    assert_false(has(map, husk_float(0x1p63)));
    /* true is not 1, and an integer is not the double with its bits */
    set_int(map, 1, 7);
    assert_false(has(map, husk_bool(true)));
    husk_value bits = husk_int(0);
    bits.as.f = 0.5;
    assert_ok(heap, husk_map_set(map, husk_float(0.5), husk_int(8)));
    assert_false(has(map, bits));
    check_inside(map);
}

static void test_texts(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    husk_value v;
    for (int i = 0; i < 1000; i++) { /* a fresh text each: equal by its bytes */
        char bytes[32];
        snprintf(bytes, sizeof bytes, "key %d", i % 500);
        HOLD text = text_of(heap, bytes);
        assert_ok(heap, husk_map_set(map, husk_ref(text), husk_int(i)));
        assert_int_equal(husk_obj_strong_count(text), i < 500 ? 2 : 1); /* the first of its kind is kept */
    }
    assert_int_equal(husk_map_count(map), 500);
    assert_ok(heap, husk_map_peek_text(map, "key 77", 6, &v));
    assert_int_equal(v.as.i, 577);
    assert_fails(heap, husk_map_peek_text(map, "key 7x", 6, &v), HUSK_EMISSING,
                 "no key \"key 7x\" in the map");
    assert_fails(heap, husk_map_peek_text(map, "", 0, &v), HUSK_EMISSING, "\"\"");
    assert_fails(heap, husk_map_peek_text(map, NULL, 0, &v), HUSK_EMISSING, "\"\"");
    assert_fails(heap, husk_map_peek_text(map, NULL, 3, &v), HUSK_EINVAL, "NULL");
    assert_fails(heap, husk_map_remove_text(map, NULL, 3), HUSK_EINVAL, "NULL");
    HOLD empty = text_of(heap, "");
    assert_ok(heap, husk_map_set(map, husk_ref(empty), husk_int(-1)));
    assert_ok(heap, husk_map_peek_text(map, NULL, 0, &v));
    assert_int_equal(v.as.i, -1);
    /* NUL is a byte like others */
    HOLD nul = husk_text_new(heap, "a\0b", 3);
    HOLD other_nul = husk_text_new(heap, "a\0c", 3);
    assert_ok(heap, husk_map_set(map, husk_ref(nul), husk_int(-2)));
    assert_false(has(map, husk_ref(other_nul)));
    assert_ok(heap, husk_map_peek_text(map, "a\0b", 3, &v));
    assert_fails(heap, husk_map_peek_text(map, "a", 1, &v), HUSK_EMISSING, "\"a\"");
    assert_ok(heap, husk_map_remove_text(map, "a\0b", 3));
    assert_int_equal(husk_obj_strong_count(nul), 1);
    assert_fails(heap, husk_map_remove_text(map, "a\0b", 3), HUSK_EMISSING, "\"a?b\"");
    for (int i = 0; i < 500; i++) {
        char bytes[32];
        int length = snprintf(bytes, sizeof bytes, "key %d", i);
        assert_ok(heap, husk_map_remove_text(map, bytes, (size_t)length));
    }
    assert_int_equal(husk_map_count(map), 1);
    check_inside(map);
    /* a message is one line, however long the key, and does not cut a character */
    char big[300];
    memset(big, 'x', sizeof big);
    big[71] = (char)0xc3; /* e with an acute accent, two bytes */
    big[72] = (char)0xa9;
    assert_fails(heap, husk_map_peek_text(map, big, sizeof big, &v), HUSK_EMISSING, "xxx\"... in the map");
    assert_null(strchr(husk_heap_message(heap), '\n'));
}

static void test_references_are_counted(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    HOLD key = leaf_of(heap);
    HOLD a = leaf_of(heap);
    HOLD b = leaf_of(heap);
    husk_value v;
    assert_ok(heap, husk_map_set(map, husk_ref(key), husk_ref(a)));
    assert_int_equal(husk_obj_strong_count(key), 2);
    assert_int_equal(husk_obj_strong_count(a), 2);
    assert_ok(heap, husk_map_set(map, husk_ref(key), husk_ref(b)));
    assert_int_equal(husk_obj_strong_count(key), 2);
    assert_int_equal(husk_obj_strong_count(a), 1);
    assert_ok(heap, husk_map_set(map, husk_ref(key), husk_ref(b))); /* the same again */
    assert_int_equal(husk_obj_strong_count(b), 2);
    assert_ok(heap, husk_map_peek(map, husk_ref(key), &v)); /* borrowed */
    assert_int_equal(husk_obj_strong_count(b), 2);
    assert_ok(heap, husk_map_set(map, husk_ref(b), husk_ref(key)));
    verify(heap);
    assert_ok(heap, husk_map_remove(map, husk_ref(key)));
    assert_int_equal(husk_obj_strong_count(b), 2);
    assert_ok(heap, husk_map_clear(map));
    assert_int_equal(husk_obj_strong_count(key), 1);
    assert_int_equal(husk_obj_strong_count(b), 1);
    assert_ok(heap, husk_map_set(map, husk_ref(b), husk_ref(key)));
    husk_obj_drop(&map);
    assert_int_equal(husk_obj_strong_count(key), 1);
    assert_int_equal(husk_obj_strong_count(b), 1);
}

static void test_errors(void **state)
{
    husk_heap *heap = *state;
    OTHER_HEAP(other);
    HOLD map = map_of(heap);
    HOLD obj = node_new(heap, type_node, 1);
    husk_value v = husk_int(77);
    const husk_value nan = husk_float(NAN);
    husk_value bad = husk_int(1);
    bad.tag = 9;
    set_int(map, 1, 2);
    assert_fails(heap, husk_map_peek(map, husk_int(5), &v), HUSK_EMISSING, "no key 5 in the map");
    assert_fails(heap, husk_map_peek(map, husk_float(0.25), &v), HUSK_EMISSING, "no key 0.25");
    assert_fails(heap, husk_map_peek(map, husk_bool(true), &v), HUSK_EMISSING, "no key true");
    assert_fails(heap, husk_map_remove(map, husk_ref(obj)), HUSK_EMISSING, "no key an object of type node");
    assert_fails(heap, husk_map_peek(map, husk_nil(), &v), HUSK_EINVAL, "nil");
    assert_fails(heap, husk_map_set(map, husk_nil(), husk_int(1)), HUSK_EINVAL, "nil");
    assert_fails(heap, husk_map_remove(map, husk_nil()), HUSK_EINVAL, "nil");
    assert_fails(heap, husk_map_peek(map, nan, &v), HUSK_EINVAL, "NaN");
    assert_fails(heap, husk_map_set(map, nan, husk_int(1)), HUSK_EINVAL, "NaN");
    assert_fails(heap, husk_map_remove(map, nan), HUSK_EINVAL, "NaN");
    assert_fails(heap, husk_map_peek(map, bad, &v), HUSK_EINVAL, "9 is no tag");
    assert_fails(heap, husk_map_set(map, bad, husk_int(1)), HUSK_EINVAL, "9 is no tag");
    assert_fails(heap, husk_map_set(map, husk_int(1), bad), HUSK_EINVAL, "9 is no tag");
    assert_fails(heap, husk_map_set(map, husk_int(2), bad), HUSK_EINVAL, "9 is no tag");
    husk_obj *stranger = text_of(other, "x");
    assert_fails(heap, husk_map_set(map, husk_ref(stranger), husk_int(1)), HUSK_EHEAP, "a text");
    assert_fails(heap, husk_map_set(map, husk_int(1), husk_ref(stranger)), HUSK_EHEAP, "a text");
    assert_fails(heap, husk_map_set(map, husk_int(3), husk_ref(stranger)), HUSK_EHEAP, "a text");
    assert_fails(heap, husk_map_peek(map, husk_ref(stranger), &v), HUSK_EHEAP, "a text");
    assert_fails(heap, husk_map_remove(map, husk_ref(stranger)), HUSK_EHEAP, "a text");
    husk_obj_release(stranger);
    heap_close(other, true);
    assert_int_equal(v.as.i, 77);
    assert_int_equal(husk_map_count(map), 1);
    assert_int_equal(int_at(map, 1), 2);

    size_t cursor = 0;
    assert_fails(heap, husk_map_peek(obj, husk_int(1), &v), HUSK_ETYPE, "a map is wanted, this is an object");
    assert_fails(heap, husk_map_peek_text(obj, "a", 1, &v), HUSK_ETYPE, "node");
    assert_fails(heap, husk_map_set(obj, husk_int(1), husk_int(1)), HUSK_ETYPE, "node");
    assert_fails(heap, husk_map_remove(obj, husk_int(1)), HUSK_ETYPE, "node");
    assert_fails(heap, husk_map_remove_text(obj, "a", 1), HUSK_ETYPE, "node");
    assert_fails(heap, husk_map_clear(obj), HUSK_ETYPE, "node");
    assert_int_equal(husk_map_count(obj), 0);
    assert_false(husk_map_next(obj, &cursor, &v, &v));
}

/* ---- iteration while the map changes ---- */

/* Values change and entries go while an iteration is under way; others come, so that holes are closed and
 * the buffers move. Whatever was there from beginning to end is seen once, in order; what went is not seen
 * later. */
static void iterate_and_change(husk_heap *heap, uint64_t seed, bool add)
{
    enum { KEYS = 600 };
    random64 r = random_from(seed);
    husk_obj *map = map_of(heap);
    bool gone[KEYS] = { false };
    bool seen[KEYS] = { false };
    for (int64_t i = 0; i < KEYS; i++)
        set_int(map, i, 0);
    for (int i = 0; i < KEYS / 3; i++) { /* holes from before */
        int64_t k = random_below(&r, KEYS);
        gone[k] = husk_map_remove(map, husk_int(k)) == HUSK_OK || gone[k];
    }
    int64_t fresh = KEYS;
    int64_t last = -1;
    size_t cursor = 0;
    husk_value key, v;
    while (husk_map_next(map, &cursor, &key, &v)) {
        if (key.as.i < KEYS) {
            assert_true(key.as.i > last);
            assert_false(gone[key.as.i]);
            assert_false(seen[key.as.i]);
            seen[key.as.i] = true;
            last = key.as.i;
        }
        set_int(map, key.as.i, 1);
        for (uint32_t n = random_below(&r, 3); n > 0; n--) {
            int64_t k = random_below(&r, KEYS);
            gone[k] = husk_map_remove(map, husk_int(k)) == HUSK_OK || gone[k];
        }
        if (random_below(&r, 4) == 0 && key.as.i < KEYS) { /* the one just seen */
            husk_map_remove(map, key);
            gone[key.as.i] = true;
        }
        if (add && fresh < 4 * KEYS)
            for (uint32_t n = random_below(&r, 6); n > 0; n--)
                set_int(map, fresh++, 0);
    }
    for (size_t k = 0; k < KEYS; k++)
        assert_true(seen[k] || gone[k]);
    check_inside(map);
    husk_obj_release(map);
}

static void test_iterate_and_change(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        iterate_and_change(*state, seed, false);
        iterate_and_change(*state, seed, true);
    }
}

static void test_iterate_and_empty(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    husk_value k, v;
    for (int64_t i = 0; i < 1000; i++)
        set_int(map, i, i);
    size_t cursor = 0;
    int64_t n = 0;
    while (husk_map_next(map, &cursor, &k, &v)) {
        assert_int_equal(k.as.i, n++);
        assert_ok(heap, husk_map_remove(map, k));
    }
    assert_int_equal(n, 1000);
    assert_int_equal(husk_map_count(map), 0);
    assert_false(husk_map_next(map, &cursor, &k, &v));
    /* cleared in the middle */
    for (int64_t i = 0; i < 1000; i++)
        set_int(map, i, i);
    cursor = 0;
    for (int i = 0; i < 10; i++)
        assert_true(husk_map_next(map, &cursor, &k, &v));
    assert_ok(heap, husk_map_clear(map));
    assert_false(husk_map_next(map, &cursor, &k, &v));
    for (int64_t i = 0; i < 20; i++) { /* may be seen; are */
        set_int(map, i, i);
        if (i < 12)
            continue;
        for (int64_t wanted = i == 12 ? 0 : i; wanted <= i; wanted++) {
            assert_true(husk_map_next(map, &cursor, &k, &v));
            assert_int_equal(k.as.i, wanted);
        }
        assert_false(husk_map_next(map, &cursor, &k, &v));
    }
    /* a cursor that is none */
    cursor = SIZE_MAX;
    husk_map_next(map, &cursor, &k, &v);
    cursor = 7;
    husk_map_next(map, &cursor, &k, &v);
}

/* A queue: in at the end, out at the front; and the front is found without a search over the holes. */
static void test_queue(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    for (int64_t i = 0; i < 50000; i++)
        set_int(map, i, i);
    for (int64_t i = 0; i < 50000; i++) {
        size_t cursor = 0;
        husk_value k, v;
        assert_true(husk_map_next(map, &cursor, &k, &v));
        assert_int_equal(k.as.i, i);
        assert_int_equal(husk_map_remove(map, k), HUSK_OK);
        if (i < 20000)
            set_int(map, 50000 + i, 0);
    }
    assert_int_equal(husk_map_count(map), 20000);
    check_inside(map);
}

/* Order numbers come round after 2^32 births. */
static void test_births_come_round(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    husk_value k, v;
    /* past 2^32 while the entries are young: nothing is to be noticed */
    ((husk__map *)husk_obj_data(map))->table.born = UINT32_MAX - 50;
    for (int64_t i = 0; i < 100; i++)
        set_int(map, i, i);
    check_inside(map);
    size_t cursor = 0;
    for (int64_t i = 0; i < 100; i++) {
        assert_true(husk_map_next(map, &cursor, &k, &v));
        assert_int_equal(k.as.i, i);
        if (i < 30)
            assert_ok(heap, husk_map_remove(map, k));
        if (i == 30 || i == 60) /* entries move below the iteration */
            for (int64_t n = 0; n < 60; n++)
                set_int(map, i * 1000 + n, 0);
    }
    check_inside(map);
    /* an entry as old as can be: the numbers start again */
    assert_ok(heap, husk_map_clear(map));
    for (int64_t i = 0; i < 10; i++)
        set_int(map, i, i);
    husk__map *m = husk_obj_data(map);
    m->table.born = entries_of(m)[0].row.order - 3; /* 2^32 - 3 births later */
    for (int64_t i = 10; i < 30; i++)
        set_int(map, i, i);
    check_inside(map);
    assert_true(m->table.born < 1000);
    cursor = 0;
    for (int64_t i = 0; i < 30; i++) {
        assert_true(husk_map_next(map, &cursor, &k, &v));
        assert_int_equal(k.as.i, i);
    }
    assert_false(husk_map_next(map, &cursor, &k, &v));
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_order),
        HEAP_TEST(test_keys_of_every_kind),
        HEAP_TEST(test_numbers),
        HEAP_TEST(test_texts),
        HEAP_TEST(test_references_are_counted),
        HEAP_TEST(test_errors),
        HEAP_TEST(test_iterate_and_change),
        HEAP_TEST(test_iterate_and_empty),
        HEAP_TEST(test_queue),
        HEAP_TEST(test_births_come_round),
    };
    return RUN_ROUNDS("kinds_map", tests);
}
