/* tests/ffi/unit_faults.c: every road of the library with the n-th request for memory refused, for every n,
 * once and for good. What fails says HUSK_ENOMEM and leaves the space as it was; then it works; in the end
 * nothing is held. */
#include "ffi_test.h"

#include <husk.h>

#define TRY(call)                                                                                            \
    do {                                                                                                     \
        size_t before_ = husk_ffi_space_count(space);                                                        \
        husk_status tried_ = (call);                                                                         \
        if (tried_ != HUSK_OK) {                                                                             \
            if (tried_ != HUSK_ENOMEM)                                                                       \
                fail_msg("%s: %s: %s", #call, husk_status_name(tried_), husk_message());                     \
            assert_int_equal(husk_ffi_space_count(space), before_);                                          \
            return false;                                                                                    \
        }                                                                                                    \
    } while (0)

static void twice(void *data, void *const *args, size_t count, void *result)
{
    (void)data;
    (void)count;
    *(int *)result = 2 * *(const int *)args[0];
}

static int freed;
static void count_free(void *data)
{
    (void)data;
    freed++;
}

static bool types(husk_ffi_space *space)
{
    const husk_ffi_type *type, *point, *next;
    TRY(husk_ffi_parse(space, "{x:f64,y:{a:i8,b:enum{A,B=7}[3]},union{c:i32,d:f32}}*(str,void(int)*,...)",
                       &type));
    if (!husk_ffi_space_find(space, "Point")) {
        TRY(husk_ffi_struct_declare(space, "Point", &point));
        assert_ptr_equal(husk_ffi_space_find(space, "Point"), point);
    }
    point = husk_ffi_space_find(space, "Point");
    TRY(husk_ffi_pointer(space, point, &next));
    husk_ffi_field fields[] = { { .name = "next", .type = next },
                                { .name = "kids", .type = NULL },
                                { .name = "x", .type = husk_ffi_space_find(space, "f64") } };
    TRY(husk_ffi_array(space, husk_ffi_space_find(space, "ref"), 2, &fields[1].type));
    if (!husk_ffi_type_is_complete(point)) {
        husk_status status = husk_ffi_complete(space, point, fields, 3, 0);
        assert_int_equal(husk_ffi_type_is_complete(point), status == HUSK_OK);
        TRY(status);
    }
    husk_ffi_constant constants[] = { { "RED", 1 }, { "BLUE", 2 } };
    husk_status status = husk_ffi_enum(space, "enum Color", NULL, constants, 2, &type);
    assert_int_equal(husk_ffi_space_find(space, "enum Color") != NULL, status == HUSK_OK);
    TRY(status);
    status = husk_ffi_typedef(space, "Color", type);
    assert_int_equal(husk_ffi_space_find(space, "Color") != NULL, status == HUSK_OK);
    TRY(status);
    return true;
}

static bool calls(husk_ffi_space *space)
{
    const husk_ffi_type *type;
    husk_ffi_closure *closure;
    husk_ffi_call *call;
    void *code;
    TRY(husk_ffi_parse(space, "int(int,{a:i8,b:f64[3]})", &type));
    husk_status status = husk_ffi_closure_new(space, type, "twice", twice, NULL, count_free, &closure, &code);
    assert_int_equal(closure != NULL, status == HUSK_OK);
    TRY(status);
    status = husk_ffi_call_new(space, type, code, NULL, 0, &call);
    assert_int_equal(call != NULL, status == HUSK_OK);
    if (status == HUSK_OK) {
        uint64_t requests = husk_ffi_memory_requests();
        double zeros[4] = { 0 };
        int result = 0;
        husk_ffi_call_run(call, &result, (void *[]){ &(int){ 21 }, zeros });
        assert_int_equal(result, 42);
        assert_int_equal(husk_ffi_memory_requests(),
                         requests); /* neither a call nor a callback needs memory */
    }
    husk_ffi_call_free(call);
    int before = freed;
    husk_ffi_closure_end(closure);
    assert_int_equal(freed, before + 1);
    TRY(status);
    return true;
}

static bool heap_types(husk_ffi_space *space)
{
    const husk_type *type;
    husk_status status = husk_ffi_heap_type(space, husk_ffi_space_find(space, "Point"), "Point", &type);
    assert_int_equal(type != NULL, status == HUSK_OK);
    TRY(status);
    assert_int_equal(husk_type_slot_count(type), 2);
    return true;
}

/* Everything once; false: something was refused. */
static bool tell(void)
{
    husk_ffi_space *space = NULL;
    if (husk_ffi_space_new(&space) != HUSK_OK) {
        assert_null(space);
        return false;
    }
    bool whole = types(space) && calls(space) && heap_types(space);
    if (!whole) { /* the same again in the same space, with memory */
        husk_ffi_memory_fail(0, false);
        if (!husk_ffi_space_find(space, "Color"))
            assert_true(types(space));
        assert_true(calls(space));
        assert_true(heap_types(space));
    }
    husk_ffi_space_free(space);
    husk_ffi_quarantine_empty();
    return whole;
}

static void each_request(void **state)
{
    bool on = *state != NULL;
    assert_true(tell());
    bool whole = false;
    uint64_t nth = 0;
    while (!whole) {
        husk_ffi_memory_fail(++nth, on);
        whole = tell();
        husk_ffi_memory_fail(0, false);
        assert_int_equal(husk_ffi_memory_held(), 0);
        assert_true(nth < 1000);
    }
    assert_true(nth > 15);
}

/* The core's memory fails while it registers a type. */
static void core_refuses(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth < 20; nth++) {
        husk_ffi_space *space;
        OK(husk_ffi_space_new(&space));
        assert_true(types(space));
        husk_memory_fail(nth, true);
        const husk_type *type;
        husk_status status = husk_ffi_heap_type(space, husk_ffi_space_find(space, "Point"), "Point", &type);
        husk_memory_fail(0, false);
        assert_true(status == HUSK_OK || status == HUSK_ENOMEM);
        assert_ptr_equal(type ? husk_ffi_heap_type_struct(space, type) : NULL,
                         type ? husk_ffi_space_find(space, "Point") : NULL);
        OK(husk_ffi_heap_type(space, husk_ffi_space_find(space, "Point"), "Point", &type));
        husk_ffi_space_free(space);
        assert_int_equal(husk_ffi_memory_held(), 0);
    }
}

int main(void)
{
    static char on;
    const struct CMUnitTest tests[] = {
        { "each request once", each_request, NULL, NULL, NULL },
        { "each request for good", each_request, NULL, NULL, &on },
        cmocka_unit_test(core_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
