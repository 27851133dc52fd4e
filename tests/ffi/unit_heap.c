/* tests/ffi/unit_heap.c: structs made at run time as objects of a heap: C code reads them through the
 * matching struct, their refs are counted, visited and collected. */
#include "ffi_test.h"

#include <husk.h>
#include <stdlib.h>

struct node {
    double x;
    husk_obj *next;
    int32_t tag;
    struct {
        char name[5];
        husk_obj *owner;
    } pos;
    struct {
        husk_obj *a;
        int64_t n;
        husk_obj *b;
    } pairs[2];
    struct {
        husk_obj *hidden;
    };
    husk_obj *kids[2];
};

static const char node_text[] = "{x:f64,next:ref,tag:i32,pos:{name:char[5],owner:ref},"
                                "pairs:{a:ref,n:i64,b:ref}[2],{hidden:ref},kids:ref[2]}";

static void slots(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *node = parsed(space, node_text);
    assert_int_equal(husk_ffi_type_size(node), sizeof(struct node));
    const husk_type *type;
    const husk_type *again;
    OK(husk_ffi_heap_type(space, node, "Node", &type));
    assert_string_equal(husk_type_name(type), "Node");
    assert_int_equal(husk_type_size(type), sizeof(struct node));
    static const char *const names[] = { "next",       "pos.owner", "pairs[0].a", "pairs[0].b", "pairs[1].a",
                                         "pairs[1].b", "hidden",    "kids[0]",    "kids[1]" };
    assert_int_equal(husk_type_slot_count(type), sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_string_equal(husk_type_slot_name(type, i), names[i]);
    assert_ptr_equal(husk_ffi_heap_type_struct(space, type), node);
    OK(husk_ffi_heap_type(space, node, "Node", &again));
    assert_ptr_equal(again, type);
    OK(husk_ffi_heap_type(space, node, "Other", &again));
    assert_ptr_not_equal(again, type);
    assert_ptr_equal(husk_ffi_heap_type_struct(space, again), node);
    OK(husk_ffi_heap_type(space, parsed(space, "{n:i32}"), "Plain", &type));
    assert_int_equal(husk_type_slot_count(type), 0);
    husk_ffi_space *other;
    OK(husk_ffi_space_new(&other));
    assert_null(husk_ffi_heap_type_struct(other, type));
    husk_ffi_space_free(other);
}

/* Rings through every slot, seen, held and collected. */
static void objects(void **state)
{
    husk_ffi_space *space = *state;
    const husk_type *type;
    OK(husk_ffi_heap_type(space, parsed(space, node_text), "Node", &type));
    husk_heap *heap;
    OK(husk_heap_new(NULL, &heap));
    husk_obj *first = husk_obj_new(heap, type);
    husk_obj *second = husk_obj_new(heap, type);
    struct node *one = husk_obj_data(first);
    struct node *two = husk_obj_data(second);
    one->x = 2.5;
    one->tag = -1;
    memcpy(one->pos.name, "abcde", 5);
    husk_obj **places[] = { &one->next,       &one->pos.owner,  &one->pairs[0].a,
                            &one->pairs[0].b, &one->pairs[1].a, &one->pairs[1].b,
                            &one->hidden,     &one->kids[0],    &one->kids[1] };
    size_t count = sizeof places / sizeof *places;
    for (size_t i = 0; i < count; i++)
        OK(husk_obj_set(first, places[i], second));
    assert_int_equal(husk_obj_strong_count(second), count + 1);
    OK(husk_obj_set(second, &two->pairs[1].b, first));
    OK(husk_heap_verify(heap));
    husk_obj_release(first);
    husk_pass pass;
    OK(husk_heap_collect(heap, &pass));
    assert_int_equal(pass.collected, 0); /* second is held */
    assert_true(one->x == 2.5 && one->tag == -1 && memcmp(one->pos.name, "abcde", 5) == 0);
    husk_obj_release(second);
    OK(husk_heap_collect(heap, &pass));
    assert_int_equal(pass.collected, 2);
    husk_heap_close(heap);
}

static void refused(void **state)
{
    husk_ffi_space *space = *state;
    const husk_type *type;
    const husk_ffi_type *later;
    OK(husk_ffi_struct_declare(space, "Later", &later));
    static const struct {
        const char *text, *message;
        husk_status status;
    } bad[] = {
        { "i32", "i32 is no complete struct", HUSK_EINVAL },
        { "Later", "Later is no complete struct", HUSK_EINVAL },
        { "union{a:ref,b:i64}", "is no complete struct", HUSK_EINVAL },
        { "{n:{u:union{a:ref,b:i64}}}", "n.u: a union holds a ref", HUSK_EINVAL },
        { "{many:ref[4097]}", "more than 4096 refs", HUSK_ERANGE },
        { "{many:{few:ref[1000]}[100000]}", "more than 4096 refs", HUSK_ERANGE },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FAILS(bad[i].status, bad[i].message,
              husk_ffi_heap_type(space, parsed(space, bad[i].text), "T", &type));
        assert_null(type);
    }
    FAILS(HUSK_EINVAL, "has a name", husk_ffi_heap_type(space, parsed(space, "{a:ref}"), "", &type));
    OK(husk_ffi_heap_type(space, parsed(space, "{u:union{a:i8,b:i64},r:ref[4096]}"), "T", &type));
    assert_string_equal(husk_type_slot_name(type, 4095), "r[4095]");
    /* A name longer than any slot's may be. */
    char word[201];
    memset(word, 'w', 200);
    word[200] = 0;
    char text[1024];
    snprintf(text, sizeof text, "{%s:{%s:{%s:ref}}}", word, word, word);
    FAILS(HUSK_ERANGE, "has more than 511 letters",
          husk_ffi_heap_type(space, parsed(space, text), "T", &type));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, space_setup, space_teardown)
    const struct CMUnitTest tests[] = { TEST(slots), TEST(objects), TEST(refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
