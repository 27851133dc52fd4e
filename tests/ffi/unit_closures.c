/* tests/ffi/unit_closures.c: C calls back. Alive, dead, ended while running, on another thread; reports; the
 * quarantine. */
#include "ffi_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static int freed;
static void count_free(void *data)
{
    (void)data;
    freed++;
}

static struct {
    husk_status status;
    char text[256];
    int count;
} heard;

static void hear(const husk_ffi_report *report, void *data)
{
    (void)data;
    heard.status = report->status;
    heard.count++;
    memcpy(heard.text, report->text, sizeof heard.text);
}

static int closures_setup(void **state)
{
    freed = 0;
    memset(&heard, 0, sizeof heard);
    if (space_setup(state) != 0)
        return -1;
    husk_ffi_space_on_report(*state, hear, NULL, NULL);
    return 0;
}

typedef int compare_fn(const void *, const void *);

static void compare_ints(void *data, void *const *args, size_t count, void *result)
{
    assert_int_equal(count, 2);
    ++*(int *)data;
    const int *a = *(const int *const *)args[0];
    const int *b = *(const int *const *)args[1];
    *(int *)result = (*a > *b) - (*a < *b);
}

static void qsort_calls_back(void **state)
{
    husk_ffi_space *space = *state;
    int calls = 0;
    husk_ffi_closure *closure;
    void *code;
    OK(husk_ffi_closure_new(space, parsed(space, "int(void*,void*)"), "compare", compare_ints, &calls,
                            count_free, &closure, &code));
    assert_ptr_equal(husk_ffi_closure_code(closure), code);
    int numbers[] = { 5, -3, 9, 0, 2 };
    compare_fn *compare;
    memcpy(&compare, &code, sizeof code);
    qsort(numbers, 5, sizeof *numbers, compare);
    assert_memory_equal(numbers, ((int[]){ -3, 0, 2, 5, 9 }), sizeof numbers);
    assert_true(calls >= 4);
    husk_ffi_closure_end(closure);
    assert_int_equal(freed, 1);
    calls = 0;
    assert_int_equal(compare(numbers, numbers + 1), 0);
    assert_int_equal(calls, 0);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.status, HUSK_ESTATE);
    assert_string_equal(heard.text,
                        "callback \"compare\" i32(void*,void*): called after its end, answered with zero");
    husk_ffi_report report;
    assert_true(husk_ffi_last_report(space, &report));
    assert_string_equal(report.text, heard.text);
    assert_int_equal(report.number, 1);
}

static void copy_argument(void *data, void *const *args, size_t count, void *result)
{
    assert_int_equal(count, 1);
    memcpy(result, args[0], *(const size_t *)data);
}

/* Results of every width, through a prepared call: they take their own bytes and no more. */
static void widths(void **state)
{
    husk_ffi_space *space = *state;
    static const char *const types[] = { "bool",
                                         "char",
                                         "i8",
                                         "u8",
                                         "i16",
                                         "u16",
                                         "i32",
                                         "u32",
                                         "i64",
                                         "u64",
                                         "f32",
                                         "f64",
                                         "str",
                                         "ref",
                                         "i8*",
                                         "{a:i8,b:f32}",
                                         "{a:i64,b:i64,c:i8[24]}" };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s(%s)", types[i], types[i]);
        const husk_ffi_type *function = parsed(space, text);
        size_t size = husk_ffi_type_size(husk_ffi_type_result(function));
        husk_ffi_closure *closure;
        void *code;
        OK(husk_ffi_closure_new(space, function, NULL, copy_argument, &size, NULL, &closure, &code));
        husk_ffi_call *call = prepared(space, text, code);
        for (int fill = 0; fill < 2; fill++) {
            unsigned char value[64];
            unsigned char result[64];
            memset(value, fill ? 0xFE : 0x01, sizeof value);
            if (i == 0)
                value[0] = (unsigned char)fill;
            memset(result, 0x55, sizeof result);
            husk_ffi_call_run(call, result, (void *[]){ value });
            if (strchr(types[i], '{')) /* nothing is said of padding */
                memset(result + 1, value[1], strchr(types[i], '[') ? 0 : 3);
            assert_memory_equal(result, value, size);
            for (size_t beyond = husk_ffi_type_size(husk_ffi_type_result(function)); beyond < sizeof result;
                 beyond++)
                assert_int_equal(result[beyond], 0x55);
        }
        husk_ffi_closure_end(closure);
        unsigned char zero[64] = { 0 };
        unsigned char result[64];
        memset(result, 0x55, sizeof result);
        husk_ffi_call_run(call, result, (void *[]){ zero });
        assert_memory_equal(result, zero, husk_ffi_type_size(husk_ffi_type_result(function)));
        assert_int_equal(heard.count, (int)i + 1);
        husk_ffi_call_free(call);
    }
}

struct own {
    husk_ffi_closure *closure;
    void (*code)(int);
    int depth;
};

static void end_within(void *data, void *const *args, size_t count, void *result)
{
    struct own *own = data;
    (void)count;
    (void)result;
    int left = *(const int *)args[0];
    own->depth++;
    if (left == 0)
        husk_ffi_closure_end(own->closure);
    else
        own->code(left - 1);
    assert_int_equal(freed, 0); /* while one runs, its data lives */
    if (left == 0)
        own->code(0);
}

static void ended_while_running(void **state)
{
    husk_ffi_space *space = *state;
    struct own own = { 0 };
    void *code;
    OK(husk_ffi_closure_new(space, parsed(space, "void(int)"), "own", end_within, &own, count_free,
                            &own.closure, &code));
    memcpy(&own.code, &code, sizeof code);
    own.code(3);
    assert_int_equal(own.depth, 4);
    assert_int_equal(freed, 1);
    assert_int_equal(heard.count, 1);
}

static void *call_it(void *data)
{
    int (*code)(int);
    memcpy(&code, data, sizeof code);
    return (void *)(intptr_t)code(7);
}

static void never(void *data, void *const *args, size_t count, void *result)
{
    (void)data;
    (void)args;
    (void)count;
    *(int *)result = 99;
}

static void foreign_thread(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_closure *closure;
    void *code;
    OK(husk_ffi_closure_new(space, parsed(space, "int(int)"), "mine", never, NULL, NULL, &closure, &code));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_it, &code), 0);
    for (int i = 0; i < 4; i++) {
        void *result = &code;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_int_equal(heard.count, 0); /* the handler is the maker's */
    husk_ffi_report report;
    assert_true(husk_ffi_last_report(space, &report));
    assert_int_equal(report.number, 4);
    assert_int_equal(report.status, HUSK_EBUSY);
    assert_non_null(strstr(report.text, "callback \"mine\" i32(i32): called on another thread"));
    assert_int_equal((intptr_t)call_it(&code), 99);
    husk_ffi_closure_report(closure, HUSK_EHOOK, "the function failed");
    assert_string_equal(heard.text, "callback \"mine\" i32(i32): the function failed");
    assert_int_equal(heard.status, HUSK_EHOOK);
    husk_ffi_closure_end(closure);
}

static void count_elsewhere(const husk_ffi_report *report, void *data)
{
    if (report->status == HUSK_EBUSY && strstr(report->text, "\"mine\""))
        atomic_fetch_add((atomic_int *)data, 1);
}

static void foreign_thread_is_heard(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_closure *closure;
    void *code;
    atomic_int count = 0;
    husk_ffi_space_on_report_elsewhere(space, count_elsewhere, &count);
    OK(husk_ffi_closure_new(space, parsed(space, "int(int)"), "mine", never, NULL, NULL, &closure, &code));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_it, &code), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&count), 4);
    assert_int_equal(heard.count, 0);
    husk_ffi_closure_report(closure, HUSK_EBUSY, "here");
    assert_int_equal(atomic_load(&count), 4);
    assert_int_equal(heard.count, 1);
    husk_ffi_closure_end(closure);
    husk_ffi_space_on_report_elsewhere(space, NULL, NULL);
}

static struct {
    atomic_int runs, frees;
    atomic_bool gone;
} raced;

static void note_run(void *data, void *const *args, size_t count, void *result)
{
    (void)args;
    (void)count;
    assert_false(atomic_load(&raced.gone)); /* its data lives as long as it runs */
    assert_ptr_equal(data, &raced);
    atomic_fetch_add(&raced.runs, 1);
    *(int *)result = 99;
}

static void note_free(void *data)
{
    (void)data;
    atomic_store(&raced.gone, true);
    atomic_fetch_add(&raced.frees, 1);
}

static void *end_it(void *data)
{
    while (atomic_load(&raced.runs) < 3)
        ;
    husk_ffi_closure_end(data);
    return NULL;
}

/* One thread ends what runs on another, at any moment: it is finished once, and then answers zero. It was finished twice, and
 * stood twice in the quarantine, when the end came between a run's last look and its last step. */
static void ended_on_another_thread(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *function = parsed(space, "int(int)");
    for (int round = 0; round < 400; round++) {
        atomic_store(&raced.runs, 0);
        atomic_store(&raced.gone, false);
        husk_ffi_closure *closure;
        void *code;
        OK(husk_ffi_closure_new(space, function, "raced", note_run, &raced, note_free, &closure, &code));
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, end_it, closure), 0);
        intptr_t answer;
        while ((answer = (intptr_t)call_it(&code)) == 99)
            ;
        assert_int_equal(answer, 0);
        pthread_join(thread, NULL);
        assert_int_equal(atomic_load(&raced.frees), round + 1);
        assert_int_equal((intptr_t)call_it(&code), 0);
    }
    assert_int_equal(heard.count, 800);
    atomic_store(&raced.frees, 0);
}

static void number_of(void *data, void *const *args, size_t count, void *result)
{
    assert_int_equal(count, 2);
    *(double *)result = *(const int *)data + *(const double *)args[0] + *(const int *)args[1];
}

static void own_number(void *data, void *const *args, size_t count, void *result)
{
    (void)args;
    assert_int_equal(count, 1);
    *(int *)result = *(const int *)data;
}

enum { MANY = 900 };

/* More than there are functions in stock: the others are libffi's, and all are themselves. */
static void many_alive(void **state)
{
    husk_ffi_space *space = *state;
    static husk_ffi_closure *ints[MANY], *doubles[MANY];
    static void *int_codes[MANY], *double_codes[MANY];
    static int numbers[MANY];
    for (int i = 0; i < MANY; i++) {
        numbers[i] = i;
        OK(husk_ffi_closure_new(space, parsed(space, "int(int)"), "one", own_number, &numbers[i], NULL,
                                &ints[i], &int_codes[i]));
        OK(husk_ffi_closure_new(space, parsed(space, "f64(f64,int)"), "two", number_of, &numbers[i], NULL,
                                &doubles[i], &double_codes[i]));
    }
    for (int i = 0; i < MANY; i++) {
        double (*f)(double, int);
        memcpy(&f, &double_codes[i], sizeof f);
        assert_int_equal((intptr_t)call_it(&int_codes[i]), i);
        assert_true(f(0.5, 7) == i + 7.5);
    }
    for (int i = 0; i < MANY; i++) {
        husk_ffi_closure_end(ints[i]);
        husk_ffi_closure_end(doubles[i]);
    }
    assert_int_equal(heard.count, 0);
}

typedef double all_fn(int8_t, float, uint16_t, double, bool, int64_t, float, const char *, double, double,
                      double, double, double);

static void check_all(void *data, void *const *args, size_t count, void *result)
{
    (void)data;
    assert_int_equal(count, 13);
    assert_int_equal(*(const int8_t *)args[0], -7);
    assert_true(*(const float *)args[1] == 1.25F);
    assert_int_equal(*(const uint16_t *)args[2], 65535);
    assert_true(*(const double *)args[3] == -2.5);
    assert_true(*(const bool *)args[4]);
    assert_int_equal(*(const int64_t *)args[5], INT64_MIN);
    assert_true(*(const float *)args[6] == -0.5F);
    assert_string_equal(*(const char *const *)args[7], "text");
    for (int i = 8; i < 13; i++)
        assert_true(*(const double *)args[i] == i);
    *(double *)result = 0.125;
}

/* As many as go through registers, of all widths mixed; and one integer more. */
static void mixed_arguments(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_closure *closure;
    void *code;
    OK(husk_ffi_closure_new(space, parsed(space, "f64(i8,f32,u16,f64,bool,i64,f32,str,f64,f64,f64,f64,f64)"),
                            "all", check_all, NULL, NULL, &closure, &code));
    all_fn *all;
    memcpy(&all, &code, sizeof all);
    assert_true(all(-7, 1.25F, 65535, -2.5, true, INT64_MIN, -0.5F, "text", 8, 9, 10, 11, 12) == 0.125);
    husk_ffi_closure_end(closure);
    assert_true(all(-7, 1.25F, 65535, -2.5, true, INT64_MIN, -0.5F, "text", 8, 9, 10, 11, 12) == 0);
    assert_int_equal(heard.count, 1);
}

/* Dead code is not used again soon, and does not pile up. */
static void quarantine(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *function = parsed(space, "int(int)");
    husk_ffi_closure *closure;
    void *first;
    OK(husk_ffi_closure_new(space, function, "first", never, NULL, NULL, &closure, &first));
    husk_ffi_closure_end(closure);
    size_t held = 0;
    for (int i = 1; i < 3 * HUSK_FFI_QUARANTINE; i++) {
        void *code;
        OK(husk_ffi_closure_new(space, function, NULL, never, NULL, NULL, &closure, &code));
        if (i < HUSK_FFI_QUARANTINE) {
            assert_ptr_not_equal(code, first);
            assert_int_equal((intptr_t)call_it(&first), 0);
        }
        assert_int_equal((intptr_t)call_it(&code), 99);
        husk_ffi_closure_end(closure);
        if (i == HUSK_FFI_QUARANTINE)
            held = husk_ffi_memory_held();
    }
    assert_int_equal(heard.count, HUSK_FFI_QUARANTINE - 1);
    assert_int_equal(husk_ffi_memory_held(), held);
    husk_ffi_quarantine_empty();
    assert_true(husk_ffi_memory_held() < held);
}

/* A dead closure whose space is gone too still answers. */
static void outlives_space(void **state)
{
    (void)state;
    husk_ffi_space *space;
    OK(husk_ffi_space_new(&space));
    husk_ffi_space_on_report(space, hear, NULL, count_free);
    husk_ffi_closure *closure;
    void *code;
    OK(husk_ffi_closure_new(space, parsed(space, "int(int)"), "late", never, NULL, NULL, &closure, &code));
    husk_ffi_space_free(space);
    assert_int_equal(freed, 1);
    assert_int_equal((intptr_t)call_it(&code), 99);
    husk_ffi_closure_end(closure);
    assert_int_equal((intptr_t)call_it(&code), 0); /* and says so on stderr */
    assert_int_equal(heard.count, 0);
    husk_ffi_closure_end(NULL);
}

static void refused(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_closure *closure;
    void *code;
    static const char *const texts[][2] = {
        { "int", "i32 is no function type" },
        { "int(str,...)", "is variadic" },
        { "void(union{a:i8,b:f32})", "cannot be passed by value" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FAILS(HUSK_EINVAL, texts[i][1],
              husk_ffi_closure_new(space, parsed(space, texts[i][0]), "x", never, NULL, count_free, &closure,
                                   &code));
        assert_null(closure);
        assert_null(code);
    }
    assert_int_equal(freed, 0);
    husk_ffi_report report;
    assert_false(husk_ffi_last_report(space, &report));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, closures_setup, space_teardown)
    const struct CMUnitTest tests[] = {
        TEST(qsort_calls_back),        TEST(widths),     TEST(ended_while_running), TEST(foreign_thread),
        TEST(foreign_thread_is_heard), TEST(quarantine), TEST(outlives_space),      TEST(refused),
        TEST(ended_on_another_thread),
        TEST(many_alive),
        TEST(mixed_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
