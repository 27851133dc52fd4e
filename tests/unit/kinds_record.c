/* Records: types declared at run time and found again, fields by name and number, and what goes wrong. */
#define _GNU_SOURCE
#include "kinds_check.h"

#include <pthread.h>
#include <stdio.h>

static const char *const pair_fields[] = { "left", "right" };

static const husk_type *type_of_pair(void)
{
    const husk_type *type = NULL;
    assert_int_equal(husk_record_type("pair", pair_fields, 2, NULL, NULL, &type), HUSK_OK);
    assert_non_null(type);
    return type;
}

/* Refused, with these words in the message, and no type. */
static void assert_refused(const char *name, const char *const *fields, size_t count, husk_status wanted,
                           const char *words)
{
    const husk_type *type = NULL;
    assert_int_equal(husk_record_type(name, fields, count, NULL, NULL, &type), wanted);
    assert_null(type);
    if (!strstr(husk_message(), words))
        fail_msg("the message \"%s\" lacks \"%s\"", husk_message(), words);
}

static void test_fields(void **state)
{
    husk_heap *heap = *state;
    const husk_type *type = type_of_pair();
    assert_int_equal(husk_record_field(type, "left"), 0);
    assert_int_equal(husk_record_field(type, "right"), 1);
    assert_int_equal(husk_record_field(type, "lef"), -1);
    assert_int_equal(husk_record_field(type, ""), -1);
    assert_int_equal(husk_record_field(type, NULL), -1);
    assert_int_equal(husk_record_field(NULL, "left"), -1);
    assert_int_equal(husk_record_field(type_node, "a"), -1);
    assert_string_equal(husk_type_name(type), "pair");
    assert_int_equal(husk_type_slot_count(type), 2);
    assert_string_equal(husk_type_slot_name(type, 1), "right");
    assert_true(husk_type_is_tracked(type));

    HOLD record = husk_record_new(heap, type);
    assert_non_null(record);
    assert_int_equal(husk_obj_kind(record), HUSK_KIND_RECORD);
    assert_ptr_equal(husk_obj_type(record), type);
    husk_value v = husk_int(1);
    for (size_t i = 0; i < 2; i++) {
        assert_ok(heap, husk_record_peek(record, i, &v));
        assert_int_equal(v.tag, HUSK_NIL);
    }
    HOLD obj = leaf_of(heap);
    assert_ok(heap, husk_record_set(record, 0, husk_ref(obj)));
    assert_ok(heap, husk_record_set(record, 1, husk_float(2.5)));
    assert_int_equal(husk_obj_strong_count(obj), 2);
    assert_ok(heap, husk_record_peek(record, 0, &v));
    assert_true(same_value(v, husk_ref(obj)));
    assert_ok(heap, husk_record_peek(record, 1, &v));
    assert_true(same_value(v, husk_float(2.5)));
    assert_ok(heap, husk_record_set(record, 0, v));
    assert_int_equal(husk_obj_strong_count(obj), 1);
    assert_ok(heap, husk_record_set(record, 1, husk_ref(obj)));
    assert_ok(heap, husk_record_set(record, 1, husk_ref(obj)));
    assert_int_equal(husk_obj_strong_count(obj), 2);
    verify(heap);
    husk_obj_drop(&record);
    assert_int_equal(husk_obj_strong_count(obj), 1);
}

static void other_finalize(husk_obj *self)
{
    (void)self;
}

/* The same declaration gives the same type, any difference another one. */
static void test_same_type(void **state)
{
    (void)state;
    static int data;
    const husk_type *type = type_of_pair();
    assert_ptr_equal(type_of_pair(), type);
    char name[] = "pair";
    char left[] = "left", right[] = "right";
    const char *fields[] = { left, right }; /* other pointers, the same words */
    const husk_type *again, *other;
    assert_int_equal(husk_record_type(name, fields, 2, NULL, NULL, &again), HUSK_OK);
    assert_ptr_equal(again, type);
    name[0] = left[0] = right[0] = 'x'; /* all was copied */
    assert_string_equal(husk_type_name(type), "pair");
    assert_string_equal(husk_type_slot_name(type, 0), "left");
    assert_int_equal(husk_record_field(type, "left"), 0);

    assert_int_equal(husk_record_type("Pair", pair_fields, 2, NULL, NULL, &other), HUSK_OK);
    assert_ptr_not_equal(other, type);
    assert_int_equal(husk_record_type("pair", pair_fields, 1, NULL, NULL, &other), HUSK_OK);
    assert_ptr_not_equal(other, type);
    const char *swapped[] = { "right", "left" };
    assert_int_equal(husk_record_type("pair", swapped, 2, NULL, NULL, &other), HUSK_OK);
    assert_ptr_not_equal(other, type);
    assert_int_equal(husk_record_field(other, "left"), 1);
    assert_int_equal(husk_record_type("pair", pair_fields, 2, other_finalize, NULL, &other), HUSK_OK);
    assert_ptr_not_equal(other, type);
    assert_int_equal(husk_record_type("pair", pair_fields, 2, NULL, &data, &other), HUSK_OK);
    assert_ptr_not_equal(other, type);
    assert_ptr_equal(husk_type_data(other), &data);
    assert_int_equal(husk_record_type("pair", pair_fields, 2, NULL, &data, &again), HUSK_OK);
    assert_ptr_equal(again, other);
}

static void test_no_fields(void **state)
{
    husk_heap *heap = *state;
    const husk_type *type;
    assert_int_equal(husk_record_type("unit", NULL, 0, NULL, NULL, &type), HUSK_OK);
    assert_int_equal(husk_record_field(type, "x"), -1);
    HOLD record = husk_record_new(heap, type);
    assert_non_null(record);
    assert_int_equal(husk_obj_kind(record), HUSK_KIND_RECORD);
    husk_value v;
    assert_fails(heap, husk_record_peek(record, 0, &v), HUSK_ERANGE, "field 0 is not below the 0");
    assert_fails(heap, husk_record_set(record, 0, husk_nil()), HUSK_ERANGE, "\"unit\"");
}

/* As many fields as there may be, each found by its name and holding its own. */
static void test_many_fields(void **state)
{
    husk_heap *heap = *state;
    enum { MOST = 4096 };
    static char names[MOST + 1][20];
    static const char *fields[MOST + 1];
    for (int i = 0; i <= MOST; i++) {
        snprintf(names[i], sizeof names[i], "field%d", i);
        fields[i] = names[i];
    }
    const husk_type *type;
    assert_int_equal(husk_record_type("wide", fields, MOST, NULL, NULL, &type), HUSK_OK);
    HOLD record = husk_record_new(heap, type);
    HOLD obj = leaf_of(heap);
    assert_non_null(record);
    for (int i = 0; i < MOST; i++)
        assert_int_equal(husk_record_field(type, fields[i]), i);
    assert_int_equal(husk_record_field(type, fields[MOST]), -1);
    for (size_t i = 0; i < MOST; i++)
        assert_ok(heap, husk_record_set(record, i, i % 2 ? husk_int((int64_t)i) : husk_ref(obj)));
    assert_int_equal(husk_obj_strong_count(obj), MOST / 2 + 1);
    for (size_t i = 0; i < MOST; i++) {
        husk_value v;
        assert_ok(heap, husk_record_peek(record, i, &v));
        assert_true(same_value(v, i % 2 ? husk_int((int64_t)i) : husk_ref(obj)));
    }
    verify(heap);
    assert_refused("wider", fields, MOST + 1, HUSK_ERANGE, "\"wider\": 4097 fields are more than 4096");
    assert_refused("widest", fields, SIZE_MAX, HUSK_ERANGE, "4096");
}

static void test_wrong_declarations(void **state)
{
    (void)state;
    const char *twice[] = { "a", "b", "a" };
    const char *empty[] = { "a", "" };
    const char *null[] = { "a", "b", NULL };
    assert_refused(NULL, pair_fields, 2, HUSK_EINVAL, "needs a name");
    assert_refused("", pair_fields, 2, HUSK_EINVAL, "needs a name");
    assert_refused("bad", NULL, 2, HUSK_EINVAL, "\"bad\": 2 fields without names");
    assert_refused("bad", twice, 3, HUSK_EINVAL, "\"bad\": two fields are called \"a\"");
    assert_refused("bad", empty, 2, HUSK_EINVAL, "\"bad\": field 1 has no name");
    assert_refused("bad", null, 3, HUSK_EINVAL, "\"bad\": field 2 has no name");
}

static void test_wrong_use(void **state)
{
    husk_heap *heap = *state;
    OTHER_HEAP(other);
    HOLD record = husk_record_new(heap, type_of_pair());
    HOLD obj = node_new(heap, type_node, 1);
    HOLD list = husk_list_new(heap);
    husk_value v = husk_int(77);
    assert_null(husk_record_new(heap, NULL));
    assert_int_equal(husk_heap_failure(heap), HUSK_ETYPE);
    assert_null(husk_record_new(heap, type_node));
    assert_int_equal(husk_heap_failure(heap), HUSK_ETYPE);
    assert_non_null(strstr(husk_heap_message(heap), "node is no record type"));
    assert_null(husk_record_new(heap, husk_obj_type(list)));
    assert_fails(heap, husk_record_peek(record, 2, &v), HUSK_ERANGE, "field 2 is not below the 2 of");
    assert_fails(heap, husk_record_set(record, SIZE_MAX, v), HUSK_ERANGE, "\"pair\"");
    assert_fails(heap, husk_record_peek(obj, 0, &v), HUSK_ETYPE,
                 "a record is wanted, this is an object of type");
    assert_fails(heap, husk_record_set(obj, 0, v), HUSK_ETYPE, "node");
    assert_fails(heap, husk_record_set(list, 0, v), HUSK_ETYPE, "this is a list");
    assert_fails(heap, husk_list_append(record, v), HUSK_ETYPE, "this is a record of type pair");
    husk_obj *stranger = husk_record_new(other, type_of_pair()); /* types are for all heaps */
    assert_fails(heap, husk_record_set(record, 0, husk_ref(stranger)), HUSK_EHEAP, "a record of type pair");
    assert_int_equal(husk_obj_strong_count(stranger), 1);
    husk_obj_release(stranger);
    heap_close(other, true);
    husk_value bad = v;
    bad.tag = 77;
    assert_fails(heap, husk_record_set(record, 0, bad), HUSK_EINVAL, "77 is no tag");
    assert_int_equal(v.as.i, 77);
    assert_ok(heap, husk_record_peek(record, 0, &v));
    assert_int_equal(v.tag, HUSK_NIL);
}

/* ---- finalizers ---- */

static size_t finalized;
static husk_obj *revived;

/* Reads its fields, writes them, and comes back once. */
static void record_finalize(husk_obj *self)
{
    husk_value v;
    finalized++;
    assert_int_equal(husk_obj_kind(self), HUSK_KIND_RECORD);
    assert_ptr_equal(husk_type_data(husk_obj_type(self)), &finalized);
    assert_int_equal(husk_record_peek(self, 0, &v), HUSK_OK);
    assert_int_equal(v.as.i, 42);
    assert_int_equal(husk_record_set(self, 1, husk_ref(self)), HUSK_OK);
    husk_obj_retain(self);
    revived = self;
}

static void test_finalizer(void **state)
{
    husk_heap *heap = *state;
    const husk_type *type;
    finalized = 0;
    assert_int_equal(husk_record_type("ghost", pair_fields, 2, record_finalize, &finalized, &type), HUSK_OK);
    husk_obj *record = husk_record_new(heap, type);
    assert_non_null(record);
    assert_ok(heap, husk_record_set(record, 0, husk_int(42)));
    husk_obj_release(record);
    assert_int_equal(finalized, 1);
    assert_ptr_equal(revived, record);
    assert_true(husk_obj_is_finalized(revived));
    assert_int_equal(husk_obj_strong_count(revived), 2);
    husk_obj_release(revived);
    assert_int_equal(collect(heap), 1); /* it holds itself; not finalized again */
    assert_int_equal(finalized, 1);
}

static husk_obj *target;

static void storing_finalize(husk_obj *self)
{
    (void)self;
    assert_int_equal(husk_record_set(target, 0, husk_int(5)), HUSK_OK);
    assert_int_equal(husk_record_set(target, 1, husk_int(6)), HUSK_OK);
}

/* The finalizer of what a store replaces stores into the same record, and is the later one. */
static void test_finalizer_uses_the_record(void **state)
{
    husk_heap *heap = *state;
    const husk_type *type;
    assert_int_equal(husk_record_type("storing", NULL, 0, storing_finalize, NULL, &type), HUSK_OK);
    HOLD record = husk_record_new(heap, type_of_pair());
    target = record;
    husk_obj *old = husk_record_new(heap, type);
    assert_ok(heap, husk_record_set(record, 0, husk_ref(old)));
    husk_obj_release(old);
    assert_ok(heap, husk_record_set(record, 0, husk_int(1)));
    husk_value v;
    assert_ok(heap, husk_record_peek(record, 0, &v));
    assert_int_equal(v.as.i, 5);
    assert_ok(heap, husk_record_peek(record, 1, &v));
    assert_int_equal(v.as.i, 6);
}

/* ---- cycles, memory, threads ---- */

static void test_cycles(void **state)
{
    husk_heap *heap = *state;
    const husk_type *type = type_of_pair();
    husk_obj *first = husk_record_new(heap, type);
    husk_obj *last = first;
    husk_obj_retain(last);
    for (int i = 0; i < 999; i++) {
        husk_obj *next = husk_record_new(heap, type);
        assert_non_null(next);
        assert_ok(heap, husk_record_set(last, 0, husk_ref(next)));
        assert_ok(heap, husk_record_set(next, 1, husk_ref(last)));
        husk_obj_release(last);
        last = next;
    }
    assert_ok(heap, husk_record_set(last, 0, husk_ref(first)));
    husk_obj_release(last);
    assert_int_equal(collect(heap), 0);
    verify(heap);
    husk_obj_release(first);
    assert_int_equal(objects_of(heap), 1000);
    assert_int_equal(collect(heap), 1000);
}

static void test_refused_memory(void **state)
{
    husk_heap *heap = *state;
    const husk_type *type = type_of_pair();
    HOLD list = husk_list_new(heap);
    size_t refused = 0;
    for (int i = 0; i < 20000; i++) {
        husk_memory_fail(1, true);
        husk_obj *record = husk_record_new(heap, type);
        husk_memory_fail(0, false);
        if (!record) {
            assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
            assert_int_equal(husk_list_count(list), (size_t)i);
            refused++;
            record = husk_record_new(heap, type);
            assert_non_null(record);
        }
        husk_memory_fail(1, true); /* a store needs none */
        assert_int_equal(husk_record_set(record, 0, husk_ref(list)), HUSK_OK);
        husk_memory_fail(0, false);
        assert_ok(heap, husk_list_append(list, husk_ref(record)));
        husk_obj_release(record);
    }
    assert_true(refused > 0);
    husk_obj_drop(&list);
    assert_int_equal(collect(heap), 20001);
}

static void test_max_bytes(void **state)
{
    (void)state;
    husk_heap *heap = small_heap(1u << 20);
    const husk_type *type = type_of_pair();
    husk_obj *chain = NULL;
    size_t count = 0;
    for (;;) {
        husk_obj *record = husk_record_new(heap, type);
        if (!record)
            break;
        count++;
        assert_int_equal(husk_record_set(record, 0, husk_ref(chain)), HUSK_OK);
        if (chain)
            husk_obj_release(chain);
        chain = record;
    }
    assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
    assert_true(count > 1000);
    verify(heap);
    husk_obj_release(chain);
    assert_int_equal(objects_of(heap), 0);
    heap_close(heap, true);
}

enum { THREADS = 4, TYPES = 200 };
static const husk_type *thread_types[THREADS][TYPES];
static pthread_barrier_t barrier;
static int generation;

/* All threads declare the same types at once, and use them in heaps of their own. No cmocka in here: its
 * checks are for the thread that runs the test. */
static void *declare_types(void *arg)
{
    const husk_type **types = arg;
    bool fine = true;
    husk_heap *heap;
    if (husk_heap_new(NULL, &heap) != HUSK_OK)
        return NULL;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < TYPES; i++) {
        char name[32];
        snprintf(name, sizeof name, "shared %d %d", generation, i);
        fine = fine && husk_record_type(name, pair_fields, 2, NULL, NULL, &types[i]) == HUSK_OK;
        husk_obj *record = fine ? husk_record_new(heap, types[i]) : NULL;
        fine = record && husk_record_field(types[i], "right") == 1 &&
               husk_obj_kind(record) == HUSK_KIND_RECORD &&
               husk_record_set(record, 1, husk_ref(record)) == HUSK_OK;
        if (record)
            husk_obj_release(record);
    }
    husk_heap_close(heap);
    return fine ? arg : NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    generation++;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, declare_types, thread_types[t]), 0);
    for (int t = 0; t < THREADS; t++) {
        void *result;
        assert_int_equal(pthread_join(threads[t], &result), 0);
        assert_ptr_equal(result, thread_types[t]);
    }
    pthread_barrier_destroy(&barrier);
    for (int t = 1; t < THREADS; t++)
        assert_memory_equal(thread_types[t], thread_types[0], sizeof thread_types[0]);
    for (int i = 1; i < TYPES; i++)
        assert_ptr_not_equal(thread_types[0][i], thread_types[0][i - 1]);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_fields),
        HEAP_TEST(test_same_type),
        HEAP_TEST(test_no_fields),
        HEAP_TEST(test_many_fields),
        HEAP_TEST(test_wrong_declarations),
        HEAP_TEST(test_wrong_use),
        HEAP_TEST(test_finalizer),
        HEAP_TEST(test_finalizer_uses_the_record),
        HEAP_TEST(test_cycles),
        HEAP_TEST(test_refused_memory),
        HEAP_TEST(test_max_bytes),
        HEAP_TEST(test_threads),
    };
    return RUN_ROUNDS("kinds_record", tests);
}
