/* Lists: each call's ordinary, edge and error ways; a random run against an array; code that runs in the
 * middle of a list's own calls; memory that ends. */
#include "kinds_check.h"

static husk_obj *list_of(husk_heap *heap)
{
    husk_obj *list = husk_list_new(heap);
    assert_non_null(list);
    return list;
}

static int64_t int_at(const husk_obj *list, size_t index)
{
    husk_value v;
    assert_int_equal(husk_list_peek(list, index, &v), HUSK_OK);
    assert_int_equal(v.tag, HUSK_INT);
    return v.as.i;
}

static void append_ints(husk_obj *list, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        assert_int_equal(husk_list_append(list, husk_int(i)), HUSK_OK);
}

/* The list is exactly these integers. */
static void assert_ints(const husk_obj *list, const int64_t *wanted, size_t count)
{
    assert_int_equal(husk_list_count(list), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(int_at(list, i), wanted[i]);
}
#define ASSERT_INTS(list, ...)                                                                               \
    assert_ints(list, (const int64_t[]){ __VA_ARGS__ },                                                      \
                sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static void test_order(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    assert_int_equal(husk_list_count(list), 0);
    append_ints(list, 0, 3);
    ASSERT_INTS(list, 0, 1, 2);
    assert_ok(heap, husk_list_insert(list, 0, husk_int(10)));
    assert_ok(heap, husk_list_insert(list, 2, husk_int(11)));
    assert_ok(heap, husk_list_insert(list, 5, husk_int(12))); /* at the end */
    ASSERT_INTS(list, 10, 0, 11, 1, 2, 12);
    assert_ok(heap, husk_list_set(list, 5, husk_int(13)));
    husk_value v;
    assert_ok(heap, husk_list_remove(list, 0, &v));
    assert_int_equal(v.as.i, 10);
    assert_ok(heap, husk_list_remove(list, 1, NULL));
    ASSERT_INTS(list, 0, 1, 2, 13);
    assert_ok(heap, husk_list_remove(list, 3, NULL));
    ASSERT_INTS(list, 0, 1, 2);
    assert_ok(heap, husk_list_clear(list));
    assert_int_equal(husk_list_count(list), 0);
    assert_ok(heap, husk_list_clear(list));
    append_ints(list, 5, 7);
    ASSERT_INTS(list, 5, 6);
}

static void test_every_tag(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    HOLD obj = leaf_of(heap);
    const husk_value values[] = { husk_nil(),          husk_bool(false),     husk_bool(true),
                                  husk_int(INT64_MIN), husk_int(-1),         husk_int(INT64_MAX),
                                  husk_float(-0.0),    husk_float(1e308),    husk_ref(obj),
                                  husk_ref(NULL),      husk_float(0.0 / 0.0) };
    const size_t count = sizeof values / sizeof values[0];
    for (size_t i = 0; i < count; i++)
        assert_ok(heap, husk_list_append(list, values[i]));
    for (size_t i = 0; i < count; i++) {
        husk_value v;
        assert_ok(heap, husk_list_peek(list, i, &v));
        assert_true(same_value(v, values[i]));
    }
    assert_int_equal(husk_obj_strong_count(obj), 2);
}

static void test_references_are_counted(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    HOLD a = leaf_of(heap);
    HOLD b = leaf_of(heap);
    husk_value v;
    assert_ok(heap, husk_list_append(list, husk_ref(a)));
    assert_ok(heap, husk_list_insert(list, 0, husk_ref(a)));
    assert_int_equal(husk_obj_strong_count(a), 3);
    assert_ok(heap, husk_list_peek(list, 0, &v)); /* borrowed */
    assert_int_equal(husk_obj_strong_count(a), 3);
    assert_ok(heap, husk_list_set(list, 0, husk_ref(b)));
    assert_int_equal(husk_obj_strong_count(a), 2);
    assert_int_equal(husk_obj_strong_count(b), 2);
    assert_ok(heap, husk_list_remove(list, 0, &v)); /* handed over */
    assert_int_equal(husk_obj_strong_count(b), 2);
    husk_value_release(v);
    assert_int_equal(husk_obj_strong_count(b), 1);
    assert_ok(heap, husk_list_remove(list, 0, NULL));
    assert_int_equal(husk_obj_strong_count(a), 1);
    for (int i = 0; i < 100; i++)
        assert_ok(heap, husk_list_append(list, husk_ref(a)));
    assert_int_equal(husk_obj_strong_count(a), 101);
    verify(heap);
    assert_ok(heap, husk_list_clear(list));
    assert_int_equal(husk_obj_strong_count(a), 1);
    assert_ok(heap, husk_list_append(list, husk_ref(a)));
    husk_obj_drop(&list); /* dies with what it holds */
    assert_int_equal(husk_obj_strong_count(a), 1);
}

/* Storing what a slot holds already must not end it in between. */
static void test_set_to_itself(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    assert_ok(heap, husk_list_append(list, husk_ref(NULL)));
    husk_obj *only = leaf_of(heap);
    assert_ok(heap, husk_list_set(list, 0, husk_ref(only)));
    husk_obj_release(only);
    assert_ok(heap, husk_list_set(list, 0, husk_ref(only)));
    assert_int_equal(husk_obj_strong_count(only), 1);
    for (size_t i = 0; i < 40; i++) /* the buffer moves while the value is only borrowed from it */
        assert_ok(heap, husk_list_append(list, husk_ref(only)));
    assert_int_equal(husk_obj_strong_count(only), 41);
}

static void test_wrong_index(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    husk_value v = husk_int(77);
    assert_fails(heap, husk_list_peek(list, 0, &v), HUSK_ERANGE, "index 0 is not below the count 0");
    assert_fails(heap, husk_list_remove(list, 0, &v), HUSK_ERANGE, "index 0");
    assert_fails(heap, husk_list_insert(list, 1, husk_int(1)), HUSK_ERANGE, "index 1 is above the count 0");
    append_ints(list, 0, 3);
    assert_fails(heap, husk_list_peek(list, 3, &v), HUSK_ERANGE, "index 3 is not below the count 3");
    assert_fails(heap, husk_list_set(list, 7, husk_int(1)), HUSK_ERANGE, "index 7 is not below the count 3");
    assert_fails(heap, husk_list_set(list, SIZE_MAX, husk_int(1)), HUSK_ERANGE, "18446744073709551615");
    assert_fails(heap, husk_list_insert(list, SIZE_MAX, husk_int(1)), HUSK_ERANGE, "above the count 3");
    assert_fails(heap, husk_list_remove(list, 3, &v), HUSK_ERANGE, "index 3");
    assert_fails(heap, husk_list_remove(list, SIZE_MAX, NULL), HUSK_ERANGE, "index");
    assert_int_equal(v.as.i, 77);
    ASSERT_INTS(list, 0, 1, 2);
}

static void test_wrong_value(void **state)
{
    husk_heap *heap = *state;
    OTHER_HEAP(other);
    HOLD list = list_of(heap);
    append_ints(list, 0, 2);
    husk_value bad = husk_int(1);
    bad.tag = 5;
    assert_fails(heap, husk_list_append(list, bad), HUSK_EINVAL, "5 is no tag");
    assert_fails(heap, husk_list_set(list, 0, bad), HUSK_EINVAL, "5 is no tag");
    bad.tag = UINT64_MAX;
    assert_fails(heap, husk_list_insert(list, 0, bad), HUSK_EINVAL, "no tag");
    bad.tag = HUSK_OBJ;
    bad.as.o = NULL;
    assert_fails(heap, husk_list_append(list, bad), HUSK_EINVAL, "NULL");
    bad.tag = HUSK_BOOL;
    bad.as.b = 2;
    assert_fails(heap, husk_list_append(list, bad), HUSK_EINVAL, "not 2");
    husk_obj *stranger = text_of(other, "x");
    assert_fails(heap, husk_list_append(list, husk_ref(stranger)), HUSK_EHEAP,
                 "a text belongs to heap \"heap\"");
    assert_fails(heap, husk_list_set(list, 0, husk_ref(stranger)), HUSK_EHEAP, "text");
    assert_fails(heap, husk_list_insert(list, 0, husk_ref(stranger)), HUSK_EHEAP, "text");
    assert_int_equal(husk_obj_strong_count(stranger), 1);
    husk_obj_release(stranger);
    ASSERT_INTS(list, 0, 1);
    heap_close(other, true);
}

static void test_wrong_kind(void **state)
{
    husk_heap *heap = *state;
    HOLD map = husk_map_new(heap);
    HOLD obj = node_new(heap, type_node, 1);
    husk_value v;
    assert_fails(heap, husk_list_append(map, husk_int(1)), HUSK_ETYPE, "a list is wanted, this is a map");
    assert_fails(heap, husk_list_peek(obj, 0, &v), HUSK_ETYPE, "an object of type node");
    assert_fails(heap, husk_list_set(obj, 0, husk_int(1)), HUSK_ETYPE, "node");
    assert_fails(heap, husk_list_insert(obj, 0, husk_int(1)), HUSK_ETYPE, "node");
    assert_fails(heap, husk_list_remove(obj, 0, &v), HUSK_ETYPE, "node");
    assert_fails(heap, husk_list_clear(obj), HUSK_ETYPE, "node");
    assert_int_equal(husk_list_count(obj), 0);
}

/* ---- against an array ---- */

enum { POOL = 12, MODEL_MOST = 400 };

typedef struct model {
    husk_obj *pool[POOL]; /* each held once by the test */
    husk_value values[MODEL_MOST];
    size_t count;
} model;

static void model_check(const model *m, const husk_obj *list, husk_heap *heap)
{
    size_t held[POOL] = { 0 };
    assert_int_equal(husk_list_count(list), m->count);
    for (size_t i = 0; i < m->count; i++) {
        husk_value v;
        assert_int_equal(husk_list_peek(list, i, &v), HUSK_OK);
        assert_true(same_value(v, m->values[i]));
        for (size_t k = 0; k < POOL; k++)
            held[k] += v.tag == HUSK_OBJ && v.as.o == m->pool[k];
    }
    for (size_t k = 0; k < POOL; k++)
        assert_int_equal(husk_obj_strong_count(m->pool[k]), held[k] + 1);
    verify(heap);
}

static husk_value random_value(random64 *r, const model *m)
{
    switch (random_below(r, 6)) {
    case 0:
        return husk_nil();
    case 1:
        return husk_bool(random_below(r, 2));
    case 2:
        return husk_int((int64_t)random_next(r));
    case 3:
        return husk_float((double)random_below(r, 1000) / 8);
    default:
        return husk_ref(m->pool[random_below(r, POOL)]);
    }
}

static void random_run(husk_heap *heap, uint64_t seed, int steps)
{
    print_message("list against an array: seed %llu, %d steps\n", (unsigned long long)seed, steps);
    random64 r = random_from(seed);
    model m = { .count = 0 };
    husk_obj *list = list_of(heap);
    for (size_t k = 0; k < POOL; k++)
        m.pool[k] = leaf_of(heap);
    for (int step = 0; step < steps; step++) {
        husk_value v = random_value(&r, &m);
        husk_value out;
        size_t at = random_below(&r, (uint32_t)m.count + 2); /* sometimes too high */
        switch (random_below(&r, 64)) {
        default: /* append */
            if (m.count == MODEL_MOST)
                break;
            assert_int_equal(husk_list_append(list, v), HUSK_OK);
            m.values[m.count++] = v;
            break;
        case 0: /* once in a while all of it goes */
            if (random_below(&r, 8) == 0) {
                assert_int_equal(husk_list_clear(list), HUSK_OK);
                m.count = 0;
            }
            break;
        case 1 ... 12:
            if (m.count == MODEL_MOST)
                break;
            assert_int_equal(husk_list_insert(list, at, v), at <= m.count ? HUSK_OK : HUSK_ERANGE);
            if (at > m.count)
                break;
            memmove(&m.values[at + 1], &m.values[at], (m.count - at) * sizeof v);
            m.values[at] = v;
            m.count++;
            break;
        case 13 ... 24:
            assert_int_equal(husk_list_set(list, at, v), at < m.count ? HUSK_OK : HUSK_ERANGE);
            if (at < m.count)
                m.values[at] = v;
            break;
        case 25 ... 42:
            assert_int_equal(husk_list_remove(list, at, &out), at < m.count ? HUSK_OK : HUSK_ERANGE);
            if (at >= m.count)
                break;
            assert_true(same_value(out, m.values[at]));
            husk_value_release(out);
            m.count--;
            memmove(&m.values[at], &m.values[at + 1], (m.count - at) * sizeof v);
            break;
        }
        if (step % 16 == 0)
            model_check(&m, list, heap);
    }
    model_check(&m, list, heap);
    husk_obj_release(list);
    m.count = 0;
    for (size_t k = 0; k < POOL; k++) {
        assert_int_equal(husk_obj_strong_count(m.pool[k]), 1);
        husk_obj_release(m.pool[k]);
    }
}

static void test_random(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        random_run(*state, seed, 4000);
}

/* ---- code that runs in the middle ---- */

static husk_obj *watched; /* the list that the finalizers below work on */

static void hook_clears(node *self)
{
    (void)self;
    assert_int_equal(husk_list_clear(watched), HUSK_OK);
}

static void hook_appends(node *self)
{
    append_ints(watched, self->number, self->number + 100);
}

static void hook_removes_first(node *self)
{
    (void)self;
    assert_int_equal(husk_list_remove(watched, 0, NULL), HUSK_OK);
}

/* A node whose finalizer does that; the only reference goes into the list. */
static void append_hooked(husk_obj *list, node_hook *hook, int64_t number)
{
    husk_obj *obj = node_new(husk_obj_heap(list), type_hooked, number);
    assert_non_null(obj);
    node_of(obj)->hook = hook;
    assert_int_equal(husk_list_append(list, husk_ref(obj)), HUSK_OK);
    husk_obj_release(obj);
}

static void test_finalizer_uses_the_list(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    watched = list;
    /* set: the old value's finalizer clears the list under the store */
    append_ints(list, 0, 10);
    append_hooked(list, hook_clears, 0);
    assert_ok(heap, husk_list_set(list, 10, husk_int(5)));
    assert_int_equal(husk_list_count(list), 0);
    /* set: it makes the buffer move */
    append_hooked(list, hook_appends, 100);
    assert_ok(heap, husk_list_set(list, 0, husk_int(99)));
    assert_int_equal(husk_list_count(list), 101);
    for (size_t i = 0; i < 101; i++)
        assert_int_equal(int_at(list, i), 99 + (int64_t)i);
    /* remove: it removes once more, and appends */
    assert_ok(heap, husk_list_clear(list));
    append_ints(list, 0, 3);
    append_hooked(list, hook_removes_first, 0);
    append_ints(list, 3, 5);
    assert_ok(heap, husk_list_remove(list, 3, NULL));
    ASSERT_INTS(list, 1, 2, 3, 4);
    append_hooked(list, hook_appends, 0);
    assert_ok(heap, husk_list_remove(list, 4, NULL));
    assert_int_equal(husk_list_count(list), 104);
    verify(heap);
    /* clear: what a finalizer appends meanwhile stays, from all of them */
    assert_ok(heap, husk_list_clear(list));
    for (int64_t i = 0; i < 20; i++)
        append_hooked(list, hook_appends, 1000 * i);
    assert_ok(heap, husk_list_clear(list));
    assert_int_equal(husk_list_count(list), 2000);
    for (size_t i = 0; i < 2000; i++)
        assert_int_equal(int_at(list, i), 1000 * (int64_t)(i / 100) + (int64_t)(i % 100));
    verify(heap);
}

/* The list's last reference is in what it lets go: it ends inside its own call. */
static void test_list_ends_in_its_own_call(void **state)
{
    husk_heap *heap = *state;
    for (int way = 0; way < 4; way++) {
        husk_obj *list = list_of(heap);
        append_ints(list, 0, 10);
        append_hooked(list, NULL, 0);
        append_ints(list, 0, 10);
        husk_value v;
        assert_ok(heap, husk_list_peek(list, 10, &v));
        link_a(v.as.o, list);
        husk_obj_release(list); /* from here on only the node in it holds it */
        tally_reset();
        switch (way) {
        case 0:
            assert_ok(heap, husk_list_set(list, 10, husk_nil()));
            break;
        case 1:
            assert_ok(heap, husk_list_remove(list, 10, NULL));
            break;
        case 2:
            assert_ok(heap, husk_list_clear(list));
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

static void gone_appends(husk_weak *weak, void *data)
{
    (void)weak;
    *(size_t *)data += 1;
    append_ints(watched, 0, 50);
}

static void test_weak_callback_uses_the_list(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    watched = list;
    size_t gone = 0;
    for (int i = 0; i < 3; i++) {
        HOLD obj = leaf_of(heap);
        HOLD_WEAK weak = husk_weak_new(obj, gone_appends, &gone, NULL);
        assert_non_null(weak);
        assert_ok(heap, husk_list_append(list, husk_ref(obj)));
        husk_obj_drop(&obj);
        size_t count = husk_list_count(list);
        if (i == 0)
            assert_ok(heap, husk_list_set(list, count - 1, husk_int(7)));
        else if (i == 1)
            assert_ok(heap, husk_list_remove(list, count - 1, NULL));
        else
            assert_ok(heap, husk_list_clear(list));
    }
    assert_int_equal(gone, 3);
    assert_int_equal(husk_list_count(list), 50);
}

/* ---- cycles ---- */

static void test_cycles(void **state)
{
    husk_heap *heap = *state;
    husk_obj *list = list_of(heap);
    assert_ok(heap, husk_list_append(list, husk_ref(list)));
    husk_obj_release(list);
    assert_int_equal(collect(heap), 1);
    /* list -> map -> record -> list, with a text on the way */
    static const char *const fields[] = { "list" };
    const husk_type *type;
    assert_int_equal(husk_record_type("ring", fields, 1, NULL, NULL, &type), HUSK_OK);
    list = list_of(heap);
    husk_obj *map = husk_map_new(heap);
    husk_obj *record = husk_record_new(heap, type);
    husk_obj *text = text_of(heap, "record");
    assert_ok(heap, husk_list_append(list, husk_int(1)));
    assert_ok(heap, husk_list_append(list, husk_ref(map)));
    assert_ok(heap, husk_map_set(map, husk_ref(text), husk_ref(record)));
    assert_ok(heap, husk_record_set(record, 0, husk_ref(list)));
    husk_obj_release(text);
    husk_obj_release(map);
    husk_obj_release(record);
    assert_int_equal(collect(heap), 0); /* still held */
    verify(heap);
    husk_obj_release(list);
    assert_int_equal(objects_of(heap), 4);
    assert_int_equal(collect(heap), 3); /* the text dies by counting */
    assert_int_equal(objects_of(heap), 0);
}

/* A list of lists of lists: ends without recursion. */
static void test_deep(void **state)
{
    husk_heap *heap = *state;
    husk_obj *outer = list_of(heap);
    for (int i = 0; i < 200000; i++) {
        husk_obj *next = list_of(heap);
        assert_int_equal(husk_list_append(next, husk_ref(outer)), HUSK_OK);
        husk_obj_release(outer);
        outer = next;
    }
    husk_obj_release(outer);
    assert_int_equal(objects_of(heap), 0);
}

static size_t edges_seen;

static bool see_edge(const husk_edge *edge, void *data)
{
    husk_obj *const *wanted = data;
    assert_string_equal(edge->name, "item");
    assert_ptr_equal(edge->to, wanted[edges_seen]);
    edges_seen++;
    return true;
}

static void test_walk(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    HOLD a = leaf_of(heap);
    HOLD b = text_of(heap, "b");
    assert_ok(heap, husk_list_append(list, husk_ref(a)));
    assert_ok(heap, husk_list_append(list, husk_int(1)));
    assert_ok(heap, husk_list_append(list, husk_ref(b)));
    assert_ok(heap, husk_list_append(list, husk_ref(a)));
    husk_obj *wanted[] = { a, b, a };
    edges_seen = 0;
    husk_obj_each_referent(list, see_edge, wanted);
    assert_int_equal(edges_seen, 3);
}

/* ---- memory ---- */

/* Every request for memory is refused once, and the call that made it has changed nothing. */
static void test_refused_memory(void **state)
{
    husk_heap *heap = *state;
    HOLD obj = leaf_of(heap);
    husk_memory_fail(1, true);
    HOLD list = husk_list_new(heap);
    husk_memory_fail(0, false);
    assert_null(list); /* the first object of its size */
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    list = list_of(heap);
    size_t refused = 0;
    for (size_t i = 0; i < 20000; i++) {
        husk_memory_fail(1, true);
        husk_status status =
            i % 3 ? husk_list_append(list, husk_ref(obj)) : husk_list_insert(list, i / 2, husk_ref(obj));
        husk_memory_fail(0, false);
        if (status != HUSK_OK) {
            assert_int_equal(status, HUSK_ENOMEM);
            assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
            assert_int_equal(husk_list_count(list), i);
            assert_int_equal(husk_obj_strong_count(obj), i + 1);
            verify(heap);
            refused++;
            assert_ok(heap, husk_list_append(list, husk_ref(obj)));
        }
    }
    assert_true(refused > 4);
    husk_memory_fail(1, true); /* these need no memory */
    assert_int_equal(husk_list_set(list, 5, husk_nil()), HUSK_OK);
    assert_int_equal(husk_list_remove(list, 5, NULL), HUSK_OK);
    assert_int_equal(husk_list_clear(list), HUSK_OK);
    husk_memory_fail(0, false);
    assert_int_equal(husk_obj_strong_count(obj), 1);
}

static void test_max_bytes(void **state)
{
    (void)state;
    husk_heap *heap = small_heap(2u << 20);
    husk_obj *list = list_of(heap);
    husk_obj *obj = leaf_of(heap);
    size_t count = 0;
    while (husk_list_append(list, husk_ref(obj)) == HUSK_OK)
        count++;
    assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
    assert_true(count > 10000);
    assert_int_equal(husk_list_count(list), count);
    assert_int_equal(husk_obj_strong_count(obj), count + 1);
    verify(heap);
    assert_int_equal(husk_list_clear(list), HUSK_OK);
    for (size_t i = 0; i < count; i++) /* the room is there again */
        assert_int_equal(husk_list_append(list, husk_ref(obj)), HUSK_OK);
    husk_obj_release(list);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    husk_obj_release(obj);
    heap_close(heap, true);
}

/* An emptied list gives a big buffer back, whichever way it was emptied. */
static void test_buffer_returns(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    const size_t before = figures.buffer_bytes;
    append_ints(list, 0, 1000);
    husk_heap_figures_get(heap, &figures);
    assert_true(figures.buffer_bytes >= before + 1000 * sizeof(husk_value));
    while (husk_list_count(list))
        assert_ok(heap, husk_list_remove(list, husk_list_count(list) - 1, NULL));
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.buffer_bytes, before);
    append_ints(list, 0, 1000);
    assert_ok(heap, husk_list_clear(list));
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.buffer_bytes, before);
}

/* However long the list, few appends move its buffer. */
static void test_growth(void **state)
{
    husk_heap *heap = *state;
    HOLD list = list_of(heap);
    husk_heap_figures figures;
    size_t moves = 0;
    size_t bytes = 0;
    for (int64_t i = 0; i < 20000; i++) {
        append_ints(list, i, i + 1);
        husk_heap_figures_get(heap, &figures);
        moves += figures.buffer_bytes != bytes;
        bytes = figures.buffer_bytes;
    }
    assert_in_range(moves, 2, 30);
    assert_true(bytes < 2 * 20000 * sizeof(husk_value));
}

/* A pass at every allocation, and objects that only the list holds. */
static void test_stress(void **state)
{
    (void)state;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .stress = true };
    husk_heap *heap = heap_open(&options);
    assert_non_null(heap);
    husk_obj *list = list_of(heap);
    for (int i = 0; i < 300; i++) {
        husk_obj *inner = list_of(heap);
        assert_int_equal(husk_list_append(inner, husk_ref(inner)), HUSK_OK);
        assert_int_equal(husk_list_append(list, husk_ref(inner)), HUSK_OK);
        husk_obj_release(inner);
        if (i % 3 == 0)
            assert_int_equal(husk_list_remove(list, 0, NULL), HUSK_OK);
    }
    assert_int_equal(husk_list_count(list), 200);
    husk_obj_release(list);
    collect(heap);
    heap_close(heap, true);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_order),
        HEAP_TEST(test_every_tag),
        HEAP_TEST(test_references_are_counted),
        HEAP_TEST(test_set_to_itself),
        HEAP_TEST(test_wrong_index),
        HEAP_TEST(test_wrong_value),
        HEAP_TEST(test_wrong_kind),
        HEAP_TEST(test_random),
        HEAP_TEST(test_finalizer_uses_the_list),
        HEAP_TEST(test_list_ends_in_its_own_call),
        HEAP_TEST(test_weak_callback_uses_the_list),
        HEAP_TEST(test_cycles),
        HEAP_TEST(test_deep),
        HEAP_TEST(test_walk),
        HEAP_TEST(test_refused_memory),
        HEAP_TEST(test_max_bytes),
        HEAP_TEST(test_buffer_returns),
        HEAP_TEST(test_growth),
        HEAP_TEST(test_stress),
    };
    return RUN_ROUNDS("kinds_list", tests);
}
