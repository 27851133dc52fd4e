/* tests/ffi/structs.c: the C compiler's word against ours.
 *
 *   ffi_structs COMPILER SCRATCH SEED STRUCTS FUNCTIONS
 *
 * Makes random structs (nested, arrays, every scalar, enums, pointers, unnamed members) and random
 * signatures of scalars, writes them as C, compiles that, and loads it. Then: size, alignment and every
 * offset; each struct by value as an argument between others and as a result, called by us (prepared calls)
 * and calling us (closures); each signature likewise, bit for bit. What was made stays in SCRATCH when
 * something differs. */
#define _GNU_SOURCE
#include "ffi_test.h"
#include "random_types.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static husk_ffi_space *space;
static void *library;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "%s: %s: %s\n", name, what, husk_message());
    exit(1);
}

static void check(husk_status status, const char *name)
{
    if (status != HUSK_OK)
        die(husk_status_name(status), name);
}

static void *symbol(const char *format, size_t number)
{
    char name[64];
    snprintf(name, sizeof name, format, number);
    void *at = dlsym(library, name);
    if (!at)
        die("no such symbol", name);
    return at;
}

static void compile(const char *compiler, const char *source, const char *object)
{
    pid_t child = fork();
    if (child == 0) {
        execlp(compiler, compiler, "-std=c11", "-w", "-O1", "-fPIC", "-shared", source, "-o", object,
               (char *)NULL);
        _exit(127);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        die("does not compile", source);
}

static const husk_ffi_type *parse(const char *text)
{
    const husk_ffi_type *type;
    if (husk_ffi_parse(space, text, &type) != HUSK_OK)
        die(text, "parse");
    return type;
}

/* ---- bytes that count ---- */

/* Sets the bytes of values to random ones (bools to 0 or 1) and those of mask to 0xFF; padding is left
 * alone. */
static void fill(const husk_ffi_type *type, unsigned char *value, unsigned char *mask)
{
    switch (husk_ffi_type_kind(type)) {
    case HUSK_FFI_STRUCT: {
        husk_ffi_field field;
        for (size_t i = 0; husk_ffi_type_field(type, i, &field); i++)
            fill(field.type, value + field.offset, mask + field.offset);
        break;
    }
    case HUSK_FFI_ARRAY: {
        const husk_ffi_type *element = husk_ffi_type_element(type);
        size_t size = husk_ffi_type_size(element);
        for (size_t i = 0; i < husk_ffi_type_count(type); i++)
            fill(element, value + i * size, mask + i * size);
        break;
    }
    default:
        memset(mask, 0xFF, husk_ffi_type_size(type));
        for (size_t i = 0; i < husk_ffi_type_size(type); i++)
            value[i] = (unsigned char)random_below(husk_ffi_type_kind(type) == HUSK_FFI_BOOL ? 2 : 256);
        break;
    }
}

static bool same(const unsigned char *a, const unsigned char *b, const unsigned char *mask, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((a[i] ^ b[i]) & mask[i])
            return false;
    }
    return true;
}

enum { ROOM = 32768 };
static _Alignas(16) unsigned char value[2][ROOM], mask[2][ROOM], got[ROOM];

static void fill_new(int which, const husk_ffi_type *type)
{
    memset(value[which], 0, ROOM);
    memset(mask[which], 0, ROOM);
    fill(type, value[which], mask[which]);
}

static void guard(void)
{
    memset(got, 0xA5, sizeof got);
}

/* Nothing was written behind the result. */
static bool guarded(size_t size)
{
    for (size_t i = size; i < sizeof got; i++) {
        if (got[i] != 0xA5)
            return false;
    }
    return true;
}

/* ---- structs ---- */

static const husk_ffi_type *declare(size_t n)
{
    char name[32];
    const husk_ffi_type *type;
    const husk_ffi_type *body = parse(random_struct_text(n));
    husk_ffi_field fields[RANDOM_FIELDS];
    size_t count = 0;
    while (husk_ffi_type_field(body, count, &fields[count]))
        count++;
    snprintf(name, sizeof name, "struct S%zu", n);
    check(husk_ffi_struct_declare(space, name, &type), name);
    check(husk_ffi_complete(space, type, fields, count, 0), name);
    return type;
}

/* "f1[0].f2": elements are all the first ones. */
static size_t offset_of(const husk_ffi_type *type, const char *path)
{
    size_t offset = 0;
    while (*path) {
        char name[16];
        husk_ffi_field field;
        size_t length = strcspn(path, ".[");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        if (!husk_ffi_type_field_find(type, name, &field))
            return SIZE_MAX;
        offset += field.offset;
        for (type = field.type; husk_ffi_type_kind(type) == HUSK_FFI_ARRAY;)
            type = husk_ffi_type_element(type);
        path += length + strcspn(path + length, ".");
        path += *path == '.';
    }
    return offset;
}

static void compare_layout(size_t n, const husk_ffi_type *type)
{
    const size_t *table = symbol("layout_%zu", n); /* size, alignment, offsets of the members */
    if (table[0] != husk_ffi_type_size(type) || table[1] != husk_ffi_type_alignment(type))
        die("size or alignment", random_struct_text(n));
    for (size_t i = 0; i < random_struct_names(n); i++) {
        if (offset_of(type, random_struct_path(n, i)) != table[2 + i])
            die(random_struct_path(n, i), random_struct_text(n));
    }
    if (husk_ffi_type_size(type) > ROOM / 2)
        die("larger than this test has room for", random_struct_text(n));
    fill(type, value[0], symbol("mask_%zu", n));
}

struct expected {
    const husk_ffi_type *first, *second;
    int calls;
};

/* As mix_N in C: struct A (char, struct A, float, struct B). */
static void mixing(void *data, void *const *args, size_t count, void *result)
{
    struct expected *e = data;
    bool right = count == 4 && *(const char *)args[0] == 'x' && *(const float *)args[2] == 2.5f &&
                 same(args[1], value[0], mask[0], husk_ffi_type_size(e->first)) &&
                 same(args[3], value[1], mask[1], husk_ffi_type_size(e->second));
    e->calls += right;
    memcpy(result, args[1], husk_ffi_type_size(e->first));
}

static void by_value(size_t n, const husk_ffi_type *first, const husk_ffi_type *second)
{
    char text[128];
    snprintf(text, sizeof text, "struct S%zu(char,struct S%zu,f32,struct S%zu)", n, n, random_partner(n));
    const husk_ffi_type *mix = parse(text);
    husk_ffi_call *call;
    fill_new(0, first);
    fill_new(1, second);
    check(husk_ffi_call_new(space, mix, symbol("mix_%zu", n), NULL, 0, &call), text);
    guard();
    memcpy(symbol("want_%zu", n), value[1], husk_ffi_type_size(second));
    husk_ffi_call_run(call, got, (void *[]){ &(char){ 'x' }, value[0], &(float){ 2.5f }, value[1] });
    if (!same(got, value[0], mask[0], husk_ffi_type_size(first)) || !guarded(husk_ffi_type_size(first)) ||
        *(int *)symbol("right_%zu", n) != 1)
        die("called by value", random_struct_text(n));
    husk_ffi_call_free(call);

    struct expected expected = { first, second, 0 };
    husk_ffi_closure *closure;
    void *code;
    check(husk_ffi_closure_new(space, mix, NULL, mixing, &expected, NULL, &closure, &code), text);
    check(husk_ffi_call_new(space, parse("int(ptr,ptr,ptr)"), symbol("back_%zu", n), NULL, 0, &call), text);
    void *at[] = { value[0], value[1] };
    int ok = 0;
    husk_ffi_call_run(call, &ok, (void *[]){ &code, &at[0], &at[1] });
    if (ok != 1 || expected.calls != 1)
        die("calling back by value", random_struct_text(n));
    husk_ffi_call_free(call);
    husk_ffi_closure_end(closure);
}

/* ---- signatures ---- */

static void *arguments[RANDOM_PARAMS];
static _Alignas(16) unsigned char argument_bytes[RANDOM_PARAMS][8];
static int differed;

static void signature_closure(void *data, void *const *args, size_t count, void *result)
{
    const husk_ffi_type *function = data;
    for (size_t i = 0; i < count; i++)
        differed +=
            memcmp(args[i], argument_bytes[i], husk_ffi_type_size(husk_ffi_type_param(function, i))) != 0;
    const husk_ffi_type *type = husk_ffi_type_result(function);
    memcpy(result, value[0], husk_ffi_type_size(type));
}

static void signature(size_t n)
{
    const char *text = random_function_text(n);
    const husk_ffi_type *function = parse(text);
    const husk_ffi_type *result = husk_ffi_type_result(function);
    size_t count = husk_ffi_type_count(function);
    size_t size = husk_ffi_type_size(result);
    unsigned char(*seen)[8] = symbol("seen_%zu", n);
    unsigned char *answer = symbol("answer_%zu", n);
    for (size_t i = 0; i < count; i++) {
        memset(argument_bytes[i], 0, 8);
        fill(husk_ffi_type_param(function, i), argument_bytes[i], mask[1]);
        arguments[i] = argument_bytes[i];
    }
    memset(value[0], 0, 8);
    if (size)
        fill(result, value[0], mask[0]);
    memcpy(answer, value[0], 8);
    husk_ffi_call *call;
    check(husk_ffi_call_new(space, function, symbol("function_%zu", n), NULL, 0, &call), text);
    guard();
    husk_ffi_call_run(call, got, arguments);
    if (memcmp(got, answer, size) != 0 || !guarded(size) ||
        memcmp(seen, argument_bytes, count * sizeof *seen) != 0)
        die("called", text);
    husk_ffi_call_free(call);

    husk_ffi_closure *closure;
    void *code;
    void *data = (void *)(uintptr_t)function;
    check(husk_ffi_closure_new(space, function, NULL, signature_closure, data, NULL, &closure, &code), text);
    memset(answer, 0, 8);
    memset(seen, 0, count * sizeof *seen);
    memcpy(seen, argument_bytes, count * sizeof *seen);
    check(husk_ffi_call_new(space, parse("void(ptr)"), symbol("relay_%zu", n), NULL, 0, &call), text);
    husk_ffi_call_run(call, NULL, (void *[]){ &code });
    if (differed || memcmp(answer, value[0], size) != 0)
        die("calling back", text);
    husk_ffi_call_free(call);
    husk_ffi_closure_end(closure);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: %s COMPILER SCRATCH SEED STRUCTS FUNCTIONS\n", argv[0]);
        return 2;
    }
    unsigned long seed = strtoul(argv[3], NULL, 10);
    size_t structs = strtoul(argv[4], NULL, 10);
    size_t functions = strtoul(argv[5], NULL, 10);
    char source[512];
    char object[512];
    snprintf(source, sizeof source, "%s/types-%lu.c", argv[2], seed);
    snprintf(object, sizeof object, "%s/types-%lu.so", argv[2], seed);
    check(husk_ffi_space_new(&space), "space");
    if (!random_types_write(source, seed, structs, functions))
        die("cannot be written", source);
    compile(argv[1], source, object);
    library = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        die(dlerror(), object);

    const husk_ffi_type **types = calloc(structs, sizeof(void *));
    size_t largest = 0;
    for (size_t n = 0; n < structs; n++) {
        types[n] = declare(n);
        compare_layout(n, types[n]);
        largest = husk_ffi_type_size(types[n]) > largest ? husk_ffi_type_size(types[n]) : largest;
    }
    for (size_t n = 0; n < structs; n++)
        by_value(n, types[n], types[random_partner(n)]);
    for (size_t n = 0; n < functions; n++)
        signature(n);
    printf("seed %lu: %zu structs, the largest of %zu bytes, and %zu signatures agree\n", seed, structs,
           largest, functions);
    free(types);
    random_types_free();
    husk_ffi_space_free(space);
    husk_ffi_quarantine_empty();
    if (husk_ffi_memory_held() != 0)
        die("memory is held", "end");
    dlclose(library);
    (void)remove(source);
    (void)remove(object);
    return 0;
}
