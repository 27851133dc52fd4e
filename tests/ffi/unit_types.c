/* tests/ffi/unit_types.c: constructors, questions, spelling, values; what is refused, and that nothing is
 * left of it. */
#include "ffi_test.h"

#include <float.h>
#include <math.h>

static void builtins(void **state)
{
    husk_ffi_space *space = *state;
#define AS_C(text, type, is_signed)                                                                          \
    do {                                                                                                     \
        const husk_ffi_type *t = husk_ffi_space_find(space, text);                                           \
        assert_non_null(t);                                                                                  \
        assert_int_equal(husk_ffi_type_size(t), sizeof(type));                                               \
        assert_int_equal(husk_ffi_type_alignment(t), _Alignof(type));                                        \
        assert_int_equal(husk_ffi_type_is_signed(t), is_signed);                                             \
    } while (0)
    AS_C("bool", bool, false);
    AS_C("char", char, (char)-1 < 0);
    AS_C("signed char", signed char, true);
    AS_C("unsigned char", unsigned char, false);
    AS_C("short", short, true);
    AS_C("unsigned short int", unsigned short, false);
    AS_C("int", int, true);
    AS_C("unsigned", unsigned, false);
    AS_C("long", long, true);
    AS_C("long unsigned", unsigned long, false);
    AS_C("long long", long long, true);
    AS_C("unsigned long long int", unsigned long long, false);
    AS_C("size_t", size_t, false);
    AS_C("ptrdiff_t", ptrdiff_t, true);
    AS_C("float", float, false);
    AS_C("double", double, false);
    AS_C("str", char *, false);
    AS_C("ptr", void *, false);
    AS_C("ref", husk_obj *, false);
    assert_ptr_equal(husk_ffi_space_find(space, "int"), husk_ffi_space_find(space, "i32"));
    static const char *const none[] = { "",           "long char", "signed unsigned", "long long long",
                                        "short long", "in",        "char int",        "long  int",
                                        " int",       "int ",      "signed float" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(husk_ffi_space_find(space, none[i]));
    assert_int_equal(husk_ffi_space_count(space), 0);
}

struct point {
    char tag;
    double x;
    int32_t y[3];
    union {
        int8_t small;
        int64_t large;
    };
    struct {
        float w;
        const char *name;
    } in;
};

static void struct_layout(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *t =
        parsed(space, "{tag:char,x:f64,y:i32[3],union{small:i8,large:i64},in:{w:f32,name:str}}");
    assert_int_equal(husk_ffi_type_size(t), sizeof(struct point));
    assert_int_equal(husk_ffi_type_alignment(t), _Alignof(struct point));
    assert_int_equal(husk_ffi_type_count(t), 5);
    husk_ffi_field field;
#define AT(name)                                                                                             \
    assert_true(husk_ffi_type_field_find(t, #name, &field));                                                 \
    assert_int_equal(field.offset, offsetof(struct point, name))
    AT(tag);
    AT(x);
    AT(y);
    AT(small);
    AT(large);
    AT(in);
    assert_string_equal(husk_ffi_kind_name(husk_ffi_type_kind(field.type)), "struct");
    assert_true(husk_ffi_type_field_find(field.type, "name", &field));
    assert_int_equal(field.offset + offsetof(struct point, in), offsetof(struct point, in.name));
    assert_false(husk_ffi_type_field_find(t, "name", &field));
    assert_true(husk_ffi_type_field(t, 3, &field));
    assert_null(field.name);
    assert_false(husk_ffi_type_field(t, 5, &field));
}

/* What is parsed is spelled so that it parses to the same type. */
static void round_trip(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *point;
    OK(husk_ffi_struct_declare(space, "struct Point", &point));
    OK(husk_ffi_typedef(space, "Point", point));
    static const char *const texts[][2] = {
        { "i32", "i32" },
        { " unsigned  long\tlong ", "u64" },
        { "void*", "void*" },
        { "ptr", "void*" },
        { "i32*[4]", "i32*[4]" },
        { "f64[2][3]*", "f64[2][3]*" },
        { "int(str,...)", "i32(str,...)" },
        { "void(void)", "void()" },
        { "int(void*,void*)*", "i32(void*,void*)*" },
        { "void(int(int)*)*(str)", "void(i32(i32)*)*(str)" },
        { "{x:f64,y:{z:i8}}", "{x:f64,y:{z:i8}}" },
        { "struct{ a : bool , union { b:ref, c:char } }", "{a:bool,union{b:ref,c:char}}" },
        { "Point*", "struct Point*" },
        { "struct Point*(Point**)", "struct Point*(struct Point**)" },
        { "enum{A,B=5,C,D=-1}", "enum{A,B=5,C,D=-1}" },
        { "enum:u8{A=0,B=1,C=255}", "enum:u8{A,B,C=255}" },
        { "enum{BIG=4294967295}", "enum{BIG=4294967295}" },
        { "{e:enum:i16{ONE=1}}", "{e:enum:i16{ONE=1}}" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[128];
        const husk_ffi_type *type = parsed(space, texts[i][0]);
        OK(husk_ffi_type_spell(type, text, sizeof text));
        assert_string_equal(text, texts[i][1]);
        size_t count = husk_ffi_space_count(space);
        assert_ptr_equal(parsed(space, text), type);
        assert_int_equal(husk_ffi_space_count(space), count);
    }
    char text[8];
    FAILS(HUSK_ERANGE, "longer than 7",
          husk_ffi_type_spell(parsed(space, "i32(i32,i32)"), text, sizeof text));
    assert_string_equal(text, "i32(...");
}

static void carets(void **state)
{
    husk_ffi_space *space = *state;
    static const struct {
        const char *text, *message;
        husk_status status;
    } bad[] = {
        { "int(strr,...)", "column 5: there is no type \"strr\"\n  int(strr,...)\n      ^", HUSK_EINVAL },
        { "", "column 1: expected a type\n  \n  ^", HUSK_EINVAL },
        { "i32 x", "column 5: expected the end of the type\n  i32 x\n      ^", HUSK_EINVAL },
        { "{x:i32:3}", "column 7: bit-fields are not supported", HUSK_EINVAL },
        { "{i32}", "column 2: expected a field, as in \"x:i32\"", HUSK_EINVAL },
        { "{}", "column 2: expected a type", HUSK_EINVAL },
        { "{a:i32,a:i8}", "column 1: struct: two fields are called a", HUSK_EINVAL },
        { "{a:i32,union{b:i8,a:i8}}", "column 1: struct: two fields are called a", HUSK_EINVAL },
        { "{a:void}", "column 4: no field is of type void", HUSK_EINVAL },
        { "{a:Later}", "column 4: no field is of type Later, which is incomplete", HUSK_EINVAL },
        { "packed{a:i32}", "packed structs are not supported", HUSK_EINVAL },
        { "i32[0]", "column 4: an array has one element at least", HUSK_EINVAL },
        { "i32[]", "column 5: expected the number of elements", HUSK_EINVAL },
        { "i32[1073741824]", "column 4: an array of 1073741824 times i32", HUSK_ERANGE },
        { "i32[99999999999999999999]", "column 5: the number is too large", HUSK_ERANGE },
        { "void[2]", "an array of void", HUSK_EINVAL },
        { "int(...)", "column 4: a variadic function has one parameter", HUSK_EINVAL },
        { "int(i32[4])", "column 5: a parameter cannot be an array", HUSK_EINVAL },
        { "int(int(int))", "a parameter cannot be an (unpointed) function", HUSK_EINVAL },
        { "int(i32,void)", "column 9: a parameter cannot be void", HUSK_EINVAL },
        { "int()()", "column 6: a result cannot be a function", HUSK_EINVAL },
        { "int(int", "column 8: expected \")\"", HUSK_EINVAL },
        { "int(int,)", "column 9: expected a type", HUSK_EINVAL },
        { "long double", "long double is not supported", HUSK_EINVAL },
        { "const char*", "const is not part of the grammar", HUSK_EINVAL },
        { "struct Nobody*", "there is no type \"struct Nobody\"", HUSK_EINVAL },
        { "enum{A,A}", "two constants are called A", HUSK_EINVAL },
        { "enum:u8{A=256}", "u8 has no room for 256", HUSK_ERANGE },
        { "enum:f32{A}", "expected an integer type", HUSK_EINVAL },
        { "enum{A=9223372036854775807,B}", "the constant is too large", HUSK_ERANGE },
    };
    const husk_ffi_type *later;
    OK(husk_ffi_struct_declare(space, "Later", &later));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const husk_ffi_type *out = later;
        size_t held = husk_ffi_memory_held();
        FAILS(bad[i].status, bad[i].message, husk_ffi_parse(space, bad[i].text, &out));
        assert_null(out);
        assert_int_equal(husk_ffi_space_count(space), 1);
        assert_int_equal(husk_ffi_memory_held(), held);
    }
}

static void limits(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *out;
    static char text[HUSK_FFI_MAX_TEXT + 2];
    memset(text, '{', sizeof text - 1);
    FAILS(HUSK_ERANGE, "65537 bytes", husk_ffi_parse(space, text, &out));
    text[HUSK_FFI_MAX_TEXT] = 0;
    FAILS(HUSK_ERANGE, "nests deeper than 32", husk_ffi_parse(space, text, &out));
    size_t n = 0;
    for (int i = 0; i < 2000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "void(");
    FAILS(HUSK_ERANGE, "nests deeper than 32", husk_ffi_parse(space, text, &out));
    n = (size_t)snprintf(text, sizeof text, "i8");
    memset(text + n, '*', 40);
    text[n + 40] = 0;
    FAILS(HUSK_ERANGE, "nest deeper than 32", husk_ffi_parse(space, text, &out));
    n = (size_t)snprintf(text, sizeof text, "void(");
    for (int i = 0; i < 127; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "i8,");
    text[n - 1] = ')';
    assert_int_equal(husk_ffi_type_count(parsed(space, text)), 127);
    snprintf(text + n - 1, sizeof text - n, ",i8)");
    FAILS(HUSK_ERANGE, "more than 127 parameters", husk_ffi_parse(space, text, &out));
    n = 1;
    text[0] = '{';
    for (int i = 0; i <= 4096; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "a%d:i8,", i);
    text[n - 1] = '}';
    FAILS(HUSK_ERANGE, "more than 4096 fields", husk_ffi_parse(space, text, &out));
    /* By values within values, under names: recursion over layouts is bounded too. */
    const husk_ffi_type *inner = husk_ffi_space_find(space, "i8");
    husk_status status = HUSK_OK;
    int deep = 0;
    while (status == HUSK_OK && deep < 40) {
        char name[16];
        snprintf(name, sizeof name, "S%d", deep);
        husk_ffi_field field = { .name = "in", .type = inner };
        OK(husk_ffi_struct_declare(space, name, &inner));
        status = husk_ffi_complete(space, inner, &field, 1, 0);
        deep += status == HUSK_OK;
    }
    assert_int_equal(status, HUSK_ERANGE);
    assert_int_equal(deep, 32);
}

static void declared(void **state)
{
    husk_ffi_space *space = *state;
    const husk_ffi_type *node, *other, *pointer;
    OK(husk_ffi_struct_declare(space, "Node", &node));
    OK(husk_ffi_struct_declare(space, "Node", &other));
    assert_ptr_equal(node, other);
    assert_false(husk_ffi_type_is_complete(node));
    assert_int_equal(husk_ffi_type_size(node), 0);
    OK(husk_ffi_pointer(space, node, &pointer));
    size_t count = husk_ffi_space_count(space);
    FAILS(HUSK_EINVAL, "an array of Node", husk_ffi_array(space, node, 2, &other));
    FAILS(HUSK_ESTATE, "Node is declared already", husk_ffi_union_declare(space, "Node", &other));
    FAILS(HUSK_ESTATE, "Node is declared already", husk_ffi_typedef(space, "Node", pointer));
    FAILS(HUSK_EINVAL, "built-in", husk_ffi_struct_declare(space, "i32", &other));
    FAILS(HUSK_EINVAL, "not a name", husk_ffi_struct_declare(space, "two words", &other));
    FAILS(HUSK_EINVAL, "tag", husk_ffi_struct_declare(space, "union U", &other));
    FAILS(HUSK_EINVAL, "word of the grammar", husk_ffi_struct_declare(space, "struct struct", &other));
    husk_ffi_field fields[] = { { .name = "next", .type = pointer }, { .name = "bits", .type = node } };
    FAILS(HUSK_EINVAL, "Node, which is incomplete", husk_ffi_complete(space, node, fields, 2, 0));
    fields[1].type = husk_ffi_space_find(space, "int");
    fields[1].bits = 3;
    FAILS(HUSK_EINVAL, "field bits is a bit-field", husk_ffi_complete(space, node, fields, 2, 0));
    fields[1].bits = 0;
    FAILS(HUSK_EINVAL, "packed", husk_ffi_complete(space, node, fields, 2, HUSK_FFI_PACKED));
    FAILS(HUSK_EINVAL, "one field at least", husk_ffi_complete(space, node, fields, 0, 0));
    fields[1].name = "next";
    FAILS(HUSK_EINVAL, "two fields are called next", husk_ffi_complete(space, node, fields, 2, 0));
    assert_false(husk_ffi_type_is_complete(node));
    assert_int_equal(husk_ffi_space_count(space), count);
    fields[1].name = "bits";
    OK(husk_ffi_complete(space, node, fields, 2, 0));
    assert_int_equal(husk_ffi_type_size(node), 16);
    FAILS(HUSK_ESTATE, "has its fields", husk_ffi_complete(space, node, fields, 2, 0));

    husk_ffi_constant constants[] = { { "RED", 0 }, { "BLUE", 7 } };
    const husk_ffi_type *color;
    OK(husk_ffi_enum(space, "enum Color", NULL, constants, 2, &color));
    OK(husk_ffi_enum(space, "enum Color", NULL, constants, 2, &other));
    assert_ptr_equal(color, other);
    FAILS(HUSK_ESTATE, "declared already", husk_ffi_enum(space, "enum Color", NULL, constants, 1, &other));
    int64_t value;
    assert_true(husk_ffi_type_constant_find(color, "BLUE", &value) && value == 7);
    assert_false(husk_ffi_type_constant_find(color, "GREEN", &value));
    assert_ptr_equal(husk_ffi_type_element(color), husk_ffi_space_find(space, "i32"));
    assert_ptr_equal(parsed(space, "enum Color"), color);

    husk_ffi_space *stranger;
    OK(husk_ffi_space_new(&stranger));
    FAILS(HUSK_EINVAL, "another space", husk_ffi_pointer(stranger, node, &other));
    husk_ffi_space_free(stranger);
}

/* Many types and names, so that the tables grow; and a failed text among them takes nothing along. */
static void many(void **state)
{
    husk_ffi_space *space = *state;
    char text[64];
    const husk_ffi_type *type;
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "T%d", i);
        OK(husk_ffi_struct_declare(space, text, &type));
        snprintf(text, sizeof text, "T%d*(T%d*,i8[%d]*,", i, i / 2, i + 1);
        size_t count = husk_ffi_space_count(space);
        assert_int_equal(husk_ffi_parse(space, text, &type), HUSK_EINVAL);
        assert_int_equal(husk_ffi_space_count(space), count);
        strcpy(strrchr(text, ','), ")");
        (void)parsed(space, text);
    }
    size_t count = husk_ffi_space_count(space);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "T%d*(T%d*,i8[%d]*)", i, i / 2, i + 1);
        (void)parsed(space, text);
    }
    assert_int_equal(husk_ffi_space_count(space), count);
}

static void values(void **state)
{
    husk_ffi_space *space = *state;
    union {
        int8_t i8;
        bool b;
        uint32_t u32;
        uint64_t u64;
        int64_t i64;
        float f;
        double d;
        void *p;
    } at = { 0 };
    int64_t i;
    double d;
    const husk_ffi_type *i8 = husk_ffi_space_find(space, "i8");
    FAILS(HUSK_ERANGE, "i8 has no room for 500: it goes from -128 to 127",
          husk_ffi_integer_write(i8, &at, 500));
    FAILS(HUSK_ERANGE, "i8 has no room for -129", husk_ffi_integer_write(i8, &at, -129));
    assert_int_equal(at.u64, 0);
    OK(husk_ffi_integer_write(i8, &at, -128));
    OK(husk_ffi_integer_read(i8, &at, &i));
    assert_int_equal(i, -128);
    const husk_ffi_type *u32 = husk_ffi_space_find(space, "u32");
    FAILS(HUSK_ERANGE, "u32 has no room for -1: it goes from 0 to 4294967295",
          husk_ffi_integer_write(u32, &at, -1));
    OK(husk_ffi_integer_write(u32, &at, UINT32_MAX));
    OK(husk_ffi_integer_read(u32, &at, &i));
    assert_int_equal(i, UINT32_MAX);
    const husk_ffi_type *u64 = husk_ffi_space_find(space, "u64");
    OK(husk_ffi_unsigned_write(u64, &at, UINT64_MAX));
    FAILS(HUSK_ERANGE, "18446744073709551615", husk_ffi_integer_read(u64, &at, &i));
    OK(husk_ffi_double_read(u64, &at, &d));
    assert_true(d == 0x1p64);
    const husk_ffi_type *i64 = husk_ffi_space_find(space, "i64");
    OK(husk_ffi_integer_write(i64, &at, INT64_MIN));
    OK(husk_ffi_integer_read(i64, &at, &i));
    assert_true(i == INT64_MIN);
    FAILS(HUSK_ERANGE, "i64", husk_ffi_unsigned_write(i64, &at, (uint64_t)INT64_MAX + 1));
    FAILS(HUSK_ERANGE, "i64", husk_ffi_double_write(i64, &at, 0x1p63));
    FAILS(HUSK_ERANGE, "1.5, which is no integer", husk_ffi_double_write(i64, &at, 1.5));
    FAILS(HUSK_ERANGE, "no integer", husk_ffi_double_write(i64, &at, NAN));
    OK(husk_ffi_double_write(i64, &at, -3.0));
    assert_int_equal(at.i64, -3);
    const husk_ffi_type *boolean = husk_ffi_space_find(space, "bool");
    FAILS(HUSK_ERANGE, "bool has no room for 2: it goes from 0 to 1",
          husk_ffi_integer_write(boolean, &at, 2));
    OK(husk_ffi_integer_write(boolean, &at, 1));
    assert_true(at.b);
    const husk_ffi_type *f32 = husk_ffi_space_find(space, "f32");
    OK(husk_ffi_double_write(f32, &at, (double)FLT_MAX));
    FAILS(HUSK_ERANGE, "f32 has no room for 1e+39", husk_ffi_double_write(f32, &at, 1e39));
    OK(husk_ffi_double_write(f32, &at, INFINITY));
    OK(husk_ffi_double_write(f32, &at, NAN));
    assert_true(isnan(at.f));
    FAILS(HUSK_ETYPE, "f32 is not an integer type", husk_ffi_integer_write(f32, &at, 1));
    FAILS(HUSK_ETYPE, "void* is not a number",
          husk_ffi_double_write(husk_ffi_space_find(space, "ptr"), &at, 1));
    const husk_ffi_type *str = husk_ffi_space_find(space, "str");
    void *p;
    OK(husk_ffi_pointer_write(str, &at, "abc"));
    OK(husk_ffi_pointer_read(str, &at, &p));
    assert_string_equal(p, "abc");
    FAILS(HUSK_ETYPE, "i8 is not a pointer", husk_ffi_pointer_read(i8, &at, &p));
    const husk_ffi_type *color = parsed(space, "enum:u8{RED}");
    FAILS(HUSK_ERANGE, "from 0 to 255", husk_ffi_integer_write(color, &at, 256));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, space_setup, space_teardown)
    const struct CMUnitTest tests[] = {
        TEST(builtins), TEST(struct_layout), TEST(round_trip), TEST(carets),
        TEST(limits),   TEST(declared),      TEST(many),       TEST(values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
