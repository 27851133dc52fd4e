/* Maps: each call's ordinary, edge and error ways; keys of every kind; a random run against a plain array;
 * iteration while the map changes; code that runs in the middle of a map's own calls; memory that ends. */
#include "kinds_check.h"

#include <math.h>
#include <stdio.h>

#include "kinds/kind.h"
#include "kinds/map.h"

static husk_obj *map_of(husk_heap *heap)
{
    husk_obj *map = husk_map_new(heap);
    assert_non_null(map);
    return map;
}

static void set_int(husk_obj *map, int64_t key, int64_t value)
{
    assert_int_equal(husk_map_set(map, husk_int(key), husk_int(value)), HUSK_OK);
}

static int64_t int_at(const husk_obj *map, int64_t key)
{
    husk_value v;
    assert_int_equal(husk_map_peek(map, husk_int(key), &v), HUSK_OK);
    assert_int_equal(v.tag, HUSK_INT);
    return v.as.i;
}

static bool has(const husk_obj *map, husk_value key)
{
    husk_value v;
    husk_status status = husk_map_peek(map, key, &v);
    assert_true(status == HUSK_OK || status == HUSK_EMISSING);
    return status == HUSK_OK;
}

static husk__entry *entries_of(const husk__map *m)
{
    return m->table.rows;
}

/* The invariants of table.h, from outside its code. */
static void check_inside(const husk_obj *obj)
{
    const husk__map *m = husk_obj_data(obj);
    size_t live = 0;
    assert_true(m->table.used <= m->table.capacity && m->table.capacity <= m->table.slots / 4 * 3);
    assert_true((m->table.slots & (m->table.slots - 1)) == 0);
    if (m->table.count == 0) {
        assert_int_equal(m->table.used, 0);
        assert_int_equal(m->table.first, 0);
    } else {
        assert_int_not_equal(entries_of(m)[m->table.used - 1].key.tag, HUSK_NIL);
        assert_int_not_equal(entries_of(m)[m->table.first].key.tag, HUSK_NIL);
    }
    for (size_t i = 0; i < m->table.used; i++) {
        const husk__entry *e = &entries_of(m)[i];
        assert_true((uint32_t)(m->table.born - e->row.order) >= 1);
        if (i)
            assert_true((uint32_t)(m->table.born - e->row.order) <
                        (uint32_t)(m->table.born - e[-1].row.order));
        if (e->key.tag == HUSK_NIL) {
            assert_int_equal(e->row.hash, 0);
            assert_int_equal(e->value.tag, HUSK_NIL);
            continue;
        }
        assert_true(i >= m->table.first);
        live++;
        size_t at = e->row.hash & (m->table.slots - 1);
        while (m->table.index[at] && (m->table.index[at] & (m->table.slots - 1)) != i + 1)
            at = (at + 1) & (m->table.slots - 1);
        assert_true(m->table.index[at] != 0);
        assert_int_equal((m->table.index[at] ^ e->row.hash) & ~(uint32_t)(m->table.slots - 1), 0);
    }
    assert_int_equal(live, m->table.count);
    size_t filled = 0;
    for (size_t i = 0; i < m->table.slots; i++)
        filled += m->table.index[i] != 0;
    assert_int_equal(filled, live);
}

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

/* ---- against an array ---- */

enum { POOL = 10, TEXTS = 24, MODEL_MOST = 256 };

typedef struct pair_model {
    husk_value key, value;
} pair_model;

typedef struct model {
    husk_obj *pool[POOL]; /* each held once by the test */
    pair_model pairs[MODEL_MOST];
    size_t count;
} model;

/* Keys are small integers, halves, booleans, texts made anew each time, and the pool. */
static husk_value random_key(random64 *r, const model *m, husk_heap *heap, husk_obj **made)
{
    char bytes[24];
    *made = NULL;
    switch (random_below(r, 8)) {
    case 0:
        return husk_bool(random_below(r, 2));
    case 1:
    case 2:
        return husk_float((double)random_below(r, 40) / 2 - 5);
    case 3:
        return husk_ref(m->pool[random_below(r, POOL)]);
    case 4:
    case 5:
        snprintf(bytes, sizeof bytes, "%.*s%u", (int)random_below(r, 2) * 12, "a longer one",
                 random_below(r, TEXTS));
        *made = text_of(heap, bytes);
        return husk_ref(*made);
    default:
        return husk_int((int64_t)random_below(r, 60) - 10);
    }
}

/* Slow and obvious: is it the same key? */
static bool model_same(husk_value a, husk_value b)
{
    bool numbers = (a.tag == HUSK_INT || a.tag == HUSK_FLOAT) && (b.tag == HUSK_INT || b.tag == HUSK_FLOAT);
    if (numbers) {
        double x = a.tag == HUSK_INT ? (double)a.as.i : a.as.f; /* small: exact */
        double y = b.tag == HUSK_INT ? (double)b.as.i : b.as.f;
        return x == y;
    }
    if (a.tag != b.tag)
        return false;
    if (a.tag == HUSK_OBJ && husk_text_bytes(a.as.o) && husk_text_bytes(b.as.o))
        return strcmp(husk_text_bytes(a.as.o), husk_text_bytes(b.as.o)) == 0;
    return same_value(a, b);
}

static size_t model_find(const model *m, husk_value key)
{
    size_t i = 0;
    while (i < m->count && !model_same(m->pairs[i].key, key))
        i++;
    return i;
}

static void model_check(const model *m, const husk_obj *map, husk_heap *heap)
{
    size_t held[POOL] = { 0 };
    size_t cursor = 0;
    husk_value k, v;
    assert_int_equal(husk_map_count(map), m->count);
    for (size_t i = 0; i < m->count; i++) {
        assert_true(husk_map_next(map, &cursor, &k, &v));
        assert_true(model_same(k, m->pairs[i].key));
        assert_true(same_value(v, m->pairs[i].value));
        assert_int_equal(husk_map_peek(map, m->pairs[i].key, &v), HUSK_OK);
        assert_true(same_value(v, m->pairs[i].value));
        for (size_t p = 0; p < POOL; p++)
            held[p] += (size_t)(k.tag == HUSK_OBJ && k.as.o == m->pool[p]) +
                       (size_t)(v.tag == HUSK_OBJ && v.as.o == m->pool[p]);
    }
    assert_false(husk_map_next(map, &cursor, &k, &v));
    for (size_t p = 0; p < POOL; p++)
        assert_int_equal(husk_obj_strong_count(m->pool[p]), held[p] + 1);
    check_inside(map);
    verify(heap);
}

/* The model keeps a text key by the object that the map keeps: the first with these bytes. */
static void random_run(husk_heap *heap, uint64_t seed, int steps)
{
    print_message("map against an array: seed %llu, %d steps\n", (unsigned long long)seed, steps);
    random64 r = random_from(seed);
    model m = { .count = 0 };
    husk_obj *map = map_of(heap);
    for (size_t p = 0; p < POOL; p++)
        m.pool[p] = leaf_of(heap);
    /* Some runs mostly insert, some mostly remove, some keep an even size for long. */
    uint32_t removes = 20 + 15 * (uint32_t)(seed % 4);
    for (int step = 0; step < steps; step++) {
        husk_obj *made;
        husk_value key = random_key(&r, &m, heap, &made);
        size_t at = model_find(&m, key);
        if (random_below(&r, 100) < removes) {
            husk_status status =
                made && random_below(&r, 2)
                    ? husk_map_remove_text(map, husk_text_bytes(made), husk_text_length(made))
                    : husk_map_remove(map, key);
            assert_int_equal(status, at < m.count ? HUSK_OK : HUSK_EMISSING);
            if (at < m.count) {
                m.count--;
                memmove(&m.pairs[at], &m.pairs[at + 1], (m.count - at) * sizeof m.pairs[0]);
            }
        } else if (random_below(&r, 400) == 0) {
            assert_int_equal(husk_map_clear(map), HUSK_OK);
            m.count = 0;
        } else {
            husk_value v = random_below(&r, 2) ? husk_int(step) : husk_ref(m.pool[random_below(&r, POOL)]);
            assert_int_equal(husk_map_set(map, key, v), HUSK_OK);
            if (at == m.count) {
                assert_true(m.count < MODEL_MOST);
                m.pairs[m.count++].key = key;
            }
            m.pairs[at].value = v;
        }
        if (made)
            husk_obj_release(made);
        if (step % 16 == 0)
            model_check(&m, map, heap);
    }
    model_check(&m, map, heap);
    husk_obj_release(map);
    for (size_t p = 0; p < POOL; p++) {
        assert_int_equal(husk_obj_strong_count(m.pool[p]), 1);
        husk_obj_release(m.pool[p]);
    }
}

static void test_random(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        random_run(*state, seed, 4000);
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

/* ---- size ---- */

static void test_million(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    const int64_t count = 1000000;
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(husk_map_set(map, husk_int(i * 4096), husk_int(i)), HUSK_OK); /* equal low bits */
    assert_int_equal(husk_map_count(map), (size_t)count);
    husk_value k, v;
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(husk_map_peek(map, husk_int(i * 4096), &v), HUSK_OK);
        assert_int_equal(v.as.i, i);
    }
    check_inside(map);
    assert_false(has(map, husk_int(1)));
    for (int64_t i = 0; i < count; i += 2)
        assert_int_equal(husk_map_remove(map, husk_int(i * 4096)), HUSK_OK);
    size_t cursor = 0;
    for (int64_t i = 1; i < count; i += 2) {
        assert_true(husk_map_next(map, &cursor, &k, &v));
        assert_int_equal(v.as.i, i);
    }
    assert_false(husk_map_next(map, &cursor, &k, &v));
}

/* The longest way from a key's home to its place stays short for keys that lie in a row, on a grid, are
 * addresses or texts with a counter. A table three quarters full of random places has ways of a few dozen. */
static void test_no_clusters(void **state)
{
    husk_heap *heap = *state;
    enum { COUNT = 40000 };
    for (int way = 0; way < 5; way++) {
        HOLD map = map_of(heap);
        for (int64_t i = 0; i < COUNT; i++) {
            char bytes[32];
            HOLD obj = NULL;
            husk_value key = husk_int(i);
            if (way == 1)
                key = husk_int((int64_t)((uint64_t)i << 40));
            else if (way == 2)
                key = husk_float((double)i + 0.5);
            else if (way == 3)
                obj = leaf_of(heap);
            else if (way == 4) {
                int length = snprintf(bytes, sizeof bytes, "node_%lld", (long long)i);
                obj = husk_text_new(heap, bytes, (size_t)length);
            }
            if (obj)
                key = husk_ref(obj);
            assert_int_equal(husk_map_set(map, key, husk_nil()), HUSK_OK);
        }
        const husk__map *m = husk_obj_data(map);
        size_t longest = 0;
        size_t sum = 0;
        for (size_t at = 0; at < m->table.slots; at++) {
            if (!m->table.index[at])
                continue;
            size_t home = entries_of(m)[(m->table.index[at] & (m->table.slots - 1)) - 1].row.hash &
                          (m->table.slots - 1);
            size_t distance = (at - home) & (m->table.slots - 1);
            longest = distance > longest ? distance : longest;
            sum += distance;
        }
        assert_true(longest < 150);
        assert_true(sum < 2 * (size_t)COUNT);
    }
}

/* Texts whose hashes are the same as far as a map keeps them are still told apart. */
typedef struct hashed {
    uint32_t hash;
    int number;
} hashed;

static int by_hash(const void *a, const void *b)
{
    uint32_t x = ((const hashed *)a)->hash, y = ((const hashed *)b)->hash;
    return (x > y) - (x < y);
}

static void test_equal_hashes(void **state)
{
    husk_heap *heap = *state;
    HOLD map = map_of(heap);
    enum { COUNT = 400000 };
    static hashed all[COUNT];
    char bytes[16];
    for (int i = 0; i < COUNT; i++) {
        int length = snprintf(bytes, sizeof bytes, "%d", i);
        all[i] = (hashed){ (uint32_t)husk__hash_bytes(bytes, (size_t)length), i };
    }
    qsort(all, COUNT, sizeof all[0], by_hash);
    size_t pairs = 0;
    for (int i = 1; i < COUNT; i++) {
        if (all[i].hash != all[i - 1].hash)
            continue;
        pairs++;
        for (int k = i - 1; k <= i; k++) {
            snprintf(bytes, sizeof bytes, "%d", all[k].number);
            HOLD text = text_of(heap, bytes);
            assert_false(has(map, husk_ref(text)));
            assert_int_equal(husk_map_set(map, husk_ref(text), husk_int(all[k].number)), HUSK_OK);
        }
    }
    assert_true(pairs > 3); /* 18 are to be expected */
    check_inside(map);
    husk_value k, v;
    for (size_t cursor = 0; husk_map_next(map, &cursor, &k, &v);)
        assert_int_equal(strtol(husk_text_bytes(k.as.o), NULL, 10), v.as.i);
    assert_int_equal(husk_map_count(map), 2 * pairs);
}

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
        HEAP_TEST(test_order),
        HEAP_TEST(test_keys_of_every_kind),
        HEAP_TEST(test_numbers),
        HEAP_TEST(test_texts),
        HEAP_TEST(test_references_are_counted),
        HEAP_TEST(test_errors),
        HEAP_TEST(test_random),
        HEAP_TEST(test_iterate_and_change),
        HEAP_TEST(test_iterate_and_empty),
        HEAP_TEST(test_queue),
        HEAP_TEST(test_births_come_round),
        HEAP_TEST(test_no_clusters),
        HEAP_TEST(test_equal_hashes),
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
    const struct CMUnitTest once[] = { HEAP_TEST(test_million) };
    int failed = RUN_ROUNDS("kinds_map", tests);
    return failed ? failed : _cmocka_run_group_tests("kinds_map_large", once, 1, NULL, NULL);
}
