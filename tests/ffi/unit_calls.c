/* tests/ffi/unit_calls.c: prepared calls of functions of this file and of the C library; errno, promotion,
 * what is refused. Every shape of structs and scalars is in structs.c. */
#include "ffi_test.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static int next_of(int n)
{
    return n + 1;
}

static int8_t low_i8(int64_t n)
{
    return (int8_t)n;
}

static uint16_t low_u16(int64_t n)
{
    return (uint16_t)n;
}

static bool is_odd(uint8_t n)
{
    return n & 1;
}

static float half(float x)
{
    return x / 2;
}

static double mixed(int8_t a, double b, uint64_t c, float d, const char *e)
{
    return a + b + (double)c + (double)d + (double)strlen(e);
}

static double seven_integers(int a, int b, int c, int d, int e, int f, int g, double h)
{
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + h;
}

static int nothing_called;
static void nothing(void)
{
    nothing_called++;
}

static int fails_with(int error)
{
    int before = errno;
    errno = error;
    return before;
}

static void scalars(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_call *call = prepared(space, "int(int)", ADDRESS(next_of));
    int argument = 41;
    int result = 0;
    husk_ffi_call_run(call, &result, (void *[]){ &argument });
    assert_int_equal(result, 42);
    assert_int_equal(husk_ffi_call_count(call), 1);
    assert_ptr_equal(husk_ffi_call_param(call, 0), husk_ffi_space_find(space, "int"));
    assert_null(husk_ffi_call_param(call, 1));
    assert_ptr_equal(husk_ffi_call_result(call), husk_ffi_space_find(space, "int"));
    husk_ffi_call_free(call);

    /* A narrow result takes its own bytes and no more. */
    int64_t wide = 0x1234567890ABCDEF;
    unsigned char room[4] = { 9, 9, 9, 9 };
    call = prepared(space, "i8(i64)", ADDRESS(low_i8));
    husk_ffi_call_run(call, room, (void *[]){ &wide });
    assert_memory_equal(room, "\xEF\x09\x09\x09", 4);
    husk_ffi_call_free(call);
    call = prepared(space, "u16(i64)", ADDRESS(low_u16));
    uint16_t narrow[2] = { 0, 7 };
    husk_ffi_call_run(call, narrow, (void *[]){ &wide });
    assert_int_equal(narrow[0], 0xCDEF);
    assert_int_equal(narrow[1], 7);
    husk_ffi_call_free(call);
    call = prepared(space, "bool(u8)", ADDRESS(is_odd));
    uint8_t byte = 255;
    husk_ffi_call_run(call, room, (void *[]){ &byte });
    assert_memory_equal(room, "\x01\x09\x09\x09", 4);
    husk_ffi_call_free(call);

    call = prepared(space, "f32(f32)", ADDRESS(half));
    float x = 5;
    husk_ffi_call_run(call, &x, (void *[]){ &x });
    assert_true(x == 2.5f);
    husk_ffi_call_free(call);
    call = prepared(space, "f64(i8,f64,u64,f32,str)", ADDRESS(mixed));
    double sum = 0;
    const char *text = "abc";
    husk_ffi_call_run(
        call, &sum,
        (void *[]){ &(int8_t){ -1 }, &(double){ 0.25 }, &(uint64_t){ 1000 }, &(float){ 0.5f }, &text });
    assert_true(sum == 1002.75);
    husk_ffi_call_free(call);
    call = prepared(space, "f64(int,int,int,int,int,int,int,f64)", ADDRESS(seven_integers));
    int n[] = { 1, 2, 3, 4, 5, 6, 7 };
    husk_ffi_call_run(call, &sum,
                      (void *[]){ n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, &(double){ 0.5 } });
    assert_true(sum == 140.5);
    husk_ffi_call_free(call);
    call = prepared(space, "void()", ADDRESS(nothing));
    husk_ffi_call_run(call, NULL, NULL);
    assert_int_equal(nothing_called, 1);
    husk_ffi_call_free(call);
}

static void *run_elsewhere(void *call)
{
    int result = -1;
    husk_ffi_call_run(call, &result, (void *[]){ &(int){ 12 } });
    assert_int_equal(result, 0);
    assert_int_equal(husk_ffi_errno(), 12);
    return NULL;
}

static void errno_of_the_call(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_call *call = prepared(space, "int(int)", ADDRESS(fails_with));
    int before = -1;
    errno = 5;
    husk_ffi_call_run(call, &before, (void *[]){ &(int){ ENOENT } });
    assert_int_equal(before, 0);
    errno = 0;
    assert_int_equal(husk_ffi_errno(), ENOENT);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, call), 0);
    pthread_join(thread, NULL);
    assert_int_equal(husk_ffi_errno(), ENOENT);
    husk_ffi_errno_set(0);
    assert_int_equal(husk_ffi_errno(), 0);
    husk_ffi_call_free(call);
}

static void variadic(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *type = parsed(space, "int(char*,size_t,str,...)");
    const husk_ffi_type *more[] = { parsed(space, "int"), parsed(space, "f64"), parsed(space, "str"),
                                    parsed(space, "i64") };
    husk_ffi_call *call;
    OK(husk_ffi_call_new(space, type, ADDRESS(snprintf), more, 4, &call));
    assert_int_equal(husk_ffi_call_count(call), 7);
    char text[64];
    char *to = text;
    const char *format = "%d %.2f %s %lld";
    const char *word = "word";
    int length = 0;
    husk_ffi_call_run(call, &length,
                      (void *[]){ &to, &(size_t){ sizeof text }, &format, &(int){ -7 }, &(double){ 2.5 },
                                  &word, &(int64_t){ INT64_MIN } });
    assert_string_equal(text, "-7 2.50 word -9223372036854775808");
    assert_int_equal(length, strlen(text));
    husk_ffi_call_free(call);
    OK(husk_ffi_call_new(space, type, ADDRESS(snprintf), NULL, 0, &call));
    format = "100 %%";
    husk_ffi_call_run(call, &length, (void *[]){ &to, &(size_t){ sizeof text }, &format });
    assert_string_equal(text, "100 %");
    husk_ffi_call_free(call);

    static const char *const refused[][2] = {
        { "f32", "argument 4, for \"...\": C promotes f32, say f64" },
        { "i8", "C promotes i8, say i32" },
        { "u8", "C promotes u8, say i32" },
        { "i16", "C promotes i16, say i32" },
        { "u16", "C promotes u16, say i32" },
        { "bool", "C promotes bool, say i32" },
        { "char", "C promotes char, say i32" },
        { "enum:u8{A}", "C promotes enum:u8{A}, say i32" },
        { "void", "argument 4, for \"...\": void cannot be passed" },
        { "i32[3]", "i32[3] cannot be passed" },
        { "union{a:i32,b:f32}", "the union union{a:i32,b:f32} cannot be passed by value" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        more[0] = parsed(space, refused[i][0]);
        call = (husk_ffi_call *)text;
        FAILS(HUSK_EINVAL, refused[i][1], husk_ffi_call_new(space, type, ADDRESS(snprintf), more, 1, &call));
        assert_null(call);
    }
    more[0] = parsed(space, "int");
    FAILS(HUSK_EINVAL, "is not variadic",
          husk_ffi_call_new(space, parsed(space, "int(int)"), ADDRESS(next_of), more, 1, &call));
}

static void refused(void **state)
{
    husk_ffi_space *space = *state;
    husk_ffi_call *call;
    const husk_ffi_type *type;
    OK(husk_ffi_struct_declare(space, "Later", &type));
    static const char *const texts[][2] = {
        { "int", "i32 is no function type" },
        { "void(int)*", "is no function type" },
        { "Later()", "the result: Later is incomplete" },
        { "void(int,Later)", "parameter 2: Later is incomplete" },
        { "void({a:i8,u:union{b:i8,c:f32}})", "parameter 1: {a:i8,u:union{b:i8,c:f32}} cannot be passed by "
                                              "value, for the union union{b:i8,c:f32} in it" },
        { "union{b:i8,c:f32}()", "the result: the union union{b:i8,c:f32} cannot be passed by value" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        FAILS(HUSK_EINVAL, texts[i][1],
              husk_ffi_call_new(space, parsed(space, texts[i][0]), ADDRESS(nothing), NULL, 0, &call));
    FAILS(HUSK_ERANGE, "parameter 1: {a:i8[65537]} has 65537 bytes, by value 65536 at most",
          husk_ffi_call_new(space, parsed(space, "void({a:i8[65537]})"), ADDRESS(nothing), NULL, 0, &call));
    FAILS(HUSK_EINVAL, "at no address",
          husk_ffi_call_new(space, parsed(space, "int()"), NULL, NULL, 0, &call));
}

/* A call keeps what it needs of its space. */
static int sum_of_two(int a, int b)
{
    return a + b;
}

static int64_t digits(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)
{
    errno = ERANGE;
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f;
}

static double double_digits(double a, double b, double c, double d, double e, double f, double g, double h)
{
    errno = EDOM;
    return a + 10 * b + 100 * c + 1e3 * d + 1e4 * e + 1e5 * f + 1e6 * g + 1e7 * h;
}

/* The shorter roads, with every number of arguments, beside the long one. */
static void words_and_doubles(void **state)
{
    husk_ffi_space *space = *state;
    static const struct {
        const char *text;
        husk_ffi_shape shape;
    } shapes[] = {
        { "void()", HUSK_FFI_WORDS },       { "i8(bool,u8*,str)", HUSK_FFI_WORDS },
        { "f64(f64)", HUSK_FFI_DOUBLES },   { "f64()", HUSK_FFI_DOUBLES },
        { "i32(f64)", HUSK_FFI_MIXED },     { "f64(i32)", HUSK_FFI_MIXED },
        { "f32(f32)", HUSK_FFI_MIXED },     { "f64(f32)", HUSK_FFI_MIXED },
        { "void(f64)", HUSK_FFI_MIXED },    { "i32(i32,i32,i32,i32,i32,i32,i32)", HUSK_FFI_MIXED },
        { "{a:i32}(i32)", HUSK_FFI_MIXED }, { "i32({a:i32})", HUSK_FFI_MIXED },
    };
    husk_ffi_call *call = prepared(space, "i32(i32)", ADDRESS(next_of));
    if (husk_ffi_call_shape(call) == HUSK_FFI_MIXED) {
        husk_ffi_call_free(call);
        skip(); /* a calling convention that is not known */
    }
    assert_int_equal((int32_t)husk_ffi_call_words(call, (uint64_t[6]){ (uint64_t)-5 }), -4);
    husk_ffi_call_free(call);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        call = prepared(space, shapes[i].text, ADDRESS(nothing));
        assert_int_equal(husk_ffi_call_shape(call), shapes[i].shape);
        husk_ffi_call_free(call);
    }
    const husk_ffi_type *i64 = husk_ffi_space_find(space, "i64");
    const husk_ffi_type *f64 = husk_ffi_space_find(space, "f64");
    const husk_ffi_type *params[8];
    for (size_t count = 3; count <= 6; count++) { /* words that no argument needs are zero */
        const husk_ffi_type *function;
        uint64_t words[6] = { 0 };
        int64_t wanted = 0, scale = 1;
        for (size_t i = 0; i < count; i++, scale *= 10) {
            params[i] = i64;
            words[i] = i + 1;
            wanted += (int64_t)(i + 1) * scale;
        }
        OK(husk_ffi_function(space, i64, params, count, false, &function));
        OK(husk_ffi_call_new(space, function, ADDRESS(digits), NULL, 0, &call));
        assert_int_equal(husk_ffi_call_words(call, words), wanted);
        assert_int_equal(husk_ffi_errno(), ERANGE);
        husk_ffi_call_free(call);
    }
    for (size_t count = 3; count <= 8; count++) {
        const husk_ffi_type *function;
        double doubles[8] = { 0 }, wanted = 0, scale = 1;
        for (size_t i = 0; i < count; i++, scale *= 10) {
            params[i] = f64;
            doubles[i] = (double)i + 1;
            wanted += doubles[i] * scale;
        }
        OK(husk_ffi_function(space, f64, params, count, false, &function));
        OK(husk_ffi_call_new(space, function, ADDRESS(double_digits), NULL, 0, &call));
        husk_ffi_errno_set(0);
        assert_true(husk_ffi_call_doubles(call, doubles) == wanted);
        assert_int_equal(husk_ffi_errno(), EDOM);
        husk_ffi_call_free(call);
    }
    call = prepared(space, "i32(i32,i32)", ADDRESS(sum_of_two));
    assert_int_equal((int32_t)husk_ffi_call_words(call, (uint64_t[6]){ 7, (uint64_t)-9 }), -2);
    husk_ffi_call_free(call);
    call = prepared(space, "f64(f64,f64)", ADDRESS(fmod));
    assert_true(husk_ffi_call_doubles(call, (double[8]){ 7.5, 2 }) == 1.5);
    husk_ffi_call_free(call);
}

static void outlives_space(void **state)
{
    husk_ffi_space *space;
    (void)state;
    OK(husk_ffi_space_new(&space));
    husk_ffi_call *call = prepared(space, "{q:i32,r:i32}(i32,i32)", ADDRESS(div));
    husk_ffi_space_free(space);
    div_t result;
    husk_ffi_call_run(call, &result, (void *[]){ &(int){ 47 }, &(int){ 10 } });
    assert_int_equal(result.quot, 4);
    assert_int_equal(result.rem, 7);
    husk_ffi_call_free(call);
    husk_ffi_call_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, space_setup, space_teardown)
    const struct CMUnitTest tests[] = { TEST(scalars), TEST(errno_of_the_call), TEST(variadic),
                                        TEST(refused), TEST(outlives_space),    TEST(words_and_doubles) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
