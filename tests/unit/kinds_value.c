/* Values: equality, stores, and which kind an object is; the first use of the kinds from several threads. */
#define _GNU_SOURCE
#include "kinds_check.h"

#include <math.h>
#include <pthread.h>

/* ---- first use ---- */

enum { THREADS = 4 };
static pthread_barrier_t barrier;
typedef struct first_use {
    const husk_type *types[4];
    bool fine;
} first_use;

/* No cmocka in here: its checks are for the thread that runs the test. */
static void *use_kinds(void *arg)
{
    first_use *use = arg;
    husk_heap *heap;
    if (husk_heap_new(NULL, &heap) != HUSK_OK)
        return NULL;
    pthread_barrier_wait(&barrier);
    husk_obj *objs[] = { husk_list_new(heap), husk_map_new(heap), husk_text_new(heap, "x", 1),
                         husk_box_new(heap, NULL, NULL) };
    const husk_kind kinds[] = { HUSK_KIND_LIST, HUSK_KIND_MAP, HUSK_KIND_TEXT, HUSK_KIND_BOX };
    use->fine = true;
    for (int i = 0; i < 4; i++) {
        use->fine = use->fine && objs[i] && husk_obj_kind(objs[i]) == kinds[i];
        if (!objs[i])
            continue;
        use->types[i] = husk_obj_type(objs[i]);
        husk_obj_release(objs[i]);
    }
    husk_heap_close(heap);
    return NULL;
}

static void test_first_use(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    first_use uses[THREADS] = { { .fine = false } };
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, use_kinds, &uses[t]), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    pthread_barrier_destroy(&barrier);
    for (int t = 0; t < THREADS; t++) {
        assert_true(uses[t].fine);
        assert_memory_equal(uses[t].types, uses[0].types, sizeof uses[0].types);
    }
}

/* Before any object of a kind was made, no object is of it. */
static void test_kind_before_first_use(void **state)
{
    husk_heap *heap = *state;
    HOLD obj = node_new(heap, type_node, 1);
    assert_int_equal(husk_obj_kind(obj), HUSK_KIND_OTHER);
    assert_int_equal(husk_list_count(obj), 0);
    assert_null(husk_text_bytes(obj));
    assert_fails(heap, husk_map_clear(obj), HUSK_ETYPE, "a map is wanted");
}

/* ---- kinds ---- */

static void test_kinds(void **state)
{
    husk_heap *heap = *state;
    static const char *const fields[] = { "a" };
    const husk_type *type;
    assert_int_equal(husk_record_type("list", fields, 1, NULL, NULL, &type), HUSK_OK); /* named to mislead */
    HOLD record = husk_record_new(heap, type);
    HOLD list = husk_list_new(heap);
    HOLD map = husk_map_new(heap);
    HOLD text = text_of(heap, "x");
    HOLD box = husk_box_new(heap, NULL, NULL);
    HOLD obj = node_new(heap, type_node, 1);
    HOLD plain = leaf_of(heap);
    HOLD hooked = node_new(heap, type_hooked, 1);
    HOLD items = husk_obj_new_items(heap, type_row, 3);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    assert_int_equal(husk_obj_kind(record), HUSK_KIND_RECORD);
    assert_int_equal(husk_obj_kind(list), HUSK_KIND_LIST);
    assert_int_equal(husk_obj_kind(map), HUSK_KIND_MAP);
    assert_int_equal(husk_obj_kind(text), HUSK_KIND_TEXT);
    assert_int_equal(husk_obj_kind(box), HUSK_KIND_BOX);
    assert_int_equal(husk_obj_kind(husk_weak_obj(weak)), HUSK_KIND_WEAK);
    assert_int_equal(husk_obj_kind(obj), HUSK_KIND_OTHER);
    assert_int_equal(husk_obj_kind(plain), HUSK_KIND_OTHER);
    assert_int_equal(husk_obj_kind(hooked), HUSK_KIND_OTHER);
    assert_int_equal(husk_obj_kind(items), HUSK_KIND_OTHER);
    assert_fails(heap, husk_list_clear(husk_weak_obj(weak)), HUSK_ETYPE, "this is a weak reference");
    assert_fails(heap, husk_list_clear(box), HUSK_ETYPE, "this is a box");
    assert_fails(heap, husk_list_clear(text), HUSK_ETYPE, "this is a text");
    assert_fails(heap, husk_list_clear(record), HUSK_ETYPE, "this is a record of type list");
}

/* ---- equality ---- */

static void test_equal(void **state)
{
    husk_heap *heap = *state;
    HOLD a = leaf_of(heap);
    HOLD b = leaf_of(heap);
    HOLD text = text_of(heap, "1");
    HOLD same_text = text_of(heap, "1");
    const husk_value values[] = { husk_nil(),          husk_bool(false),     husk_bool(true),
                                  husk_int(0),         husk_int(1),          husk_float(0.0),
                                  husk_float(1.0),     husk_float(INFINITY), husk_float(0.5),
                                  husk_ref(a),         husk_ref(b),          husk_ref(text),
                                  husk_int(INT64_MIN), husk_float(-INFINITY) };
    const size_t count = sizeof values / sizeof values[0];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            assert_int_equal(husk_value_equal(values[i], values[k]), i == k);
    assert_true(husk_value_equal(husk_ref(text), husk_ref(same_text)));
    assert_true(husk_value_equal(husk_float(0.0), husk_float(-0.0)));
    assert_true(husk_value_equal(husk_ref(NULL), husk_nil()));
    const husk_value nan = husk_float(NAN);
    assert_false(husk_value_equal(nan, nan));
    assert_false(husk_value_equal(nan, husk_nil()));
    husk_value bad = husk_int(1);
    bad.tag = 6;
    assert_false(husk_value_equal(bad, bad));
    /* nil is nil, whatever lies beside its tag */
    husk_value untidy = husk_int(5);
    untidy.tag = HUSK_NIL;
    assert_true(husk_value_equal(untidy, husk_nil()));
}

/* ---- stores ---- */

static void test_set(void **state)
{
    husk_heap *heap = *state;
    HOLD obj = husk_obj_new(heap, type_pair);
    HOLD a = leaf_of(heap);
    HOLD b = leaf_of(heap);
    assert_non_null(obj);
    pair *p = husk_obj_data(obj);
    assert_ok(heap, husk_value_set(obj, &p->first, husk_ref(a)));
    assert_int_equal(husk_obj_strong_count(a), 2);
    assert_ok(heap, husk_value_set(obj, &p->second, husk_ref(a)));
    assert_int_equal(husk_obj_strong_count(a), 3);
    assert_ok(heap, husk_value_set(obj, &p->first, p->second));
    assert_ok(heap, husk_value_set(obj, &p->first, p->first)); /* what it holds */
    assert_int_equal(husk_obj_strong_count(a), 3);
    assert_ok(heap, husk_value_set(obj, &p->first, husk_ref(b)));
    assert_ok(heap, husk_value_set(obj, &p->second, husk_bool(true)));
    assert_int_equal(husk_obj_strong_count(a), 1);
    assert_int_equal(husk_obj_strong_count(b), 2);
    assert_true(same_value(p->first, husk_ref(b)));
    assert_true(same_value(p->second, husk_bool(true)));
    verify(heap);

    OTHER_HEAP(other);
    husk_obj *stranger = husk_list_new(other);
    assert_fails(heap, husk_value_set(obj, &p->first, husk_ref(stranger)), HUSK_EHEAP,
                 "a list belongs to heap");
    husk_obj_release(stranger);
    stranger = husk_obj_new(other, type_leaf);
    assert_fails(heap, husk_value_set(obj, &p->first, husk_ref(stranger)), HUSK_EHEAP,
                 "an object of type leaf");
    husk_obj_release(stranger);
    heap_close(other, true);
    husk_value bad = husk_int(1);
    for (uint64_t tag = HUSK_OBJ + 1; tag != 0; tag *= 2) {
        bad.tag = tag;
        assert_fails(heap, husk_value_set(obj, &p->first, bad), HUSK_EINVAL, "no tag");
    }
    assert_true(same_value(p->first, husk_ref(b)));
    assert_int_equal(husk_obj_strong_count(b), 2);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest first[] = { HEAP_TEST(test_kind_before_first_use), HEAP_TEST(test_first_use) };
    const struct CMUnitTest tests[] = { HEAP_TEST(test_first_use), HEAP_TEST(test_kinds),
                                        HEAP_TEST(test_equal), HEAP_TEST(test_set) };
    int failed = _cmocka_run_group_tests("kinds_value_first", first, 2, NULL, NULL);
    return failed ? failed : RUN_ROUNDS("kinds_value", tests);
}
