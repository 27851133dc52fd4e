/* Maps: a random run against a plain array; many entries, and keys that collide. */
#include "kinds_map_check.h"

#include <stdio.h>

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

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_random),
        HEAP_TEST(test_no_clusters),
        HEAP_TEST(test_equal_hashes),
    };
    const struct CMUnitTest once[] = { HEAP_TEST(test_million) };
    int failed = RUN_ROUNDS("kinds_map_random", tests);
    return failed ? failed : _cmocka_run_group_tests("kinds_map_large", once, 1, NULL, NULL);
}
