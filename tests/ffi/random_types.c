/* tests/ffi/random_types.c: random structs and signatures, each written twice: as C for the compiler, in the
 * grammar for the library. Nothing of the library is used here. */
#include "random_types.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 100 }; /* bytes of what is nested again */

static const struct {
    const char *c, *ours;
    unsigned size; /* at most; keeps nested structs small */
} scalars[] = {
    { "_Bool", "bool", 1 },
    { "char", "char", 1 },
    { "int8_t", "i8", 1 },
    { "uint8_t", "u8", 1 },
    { "int16_t", "i16", 2 },
    { "unsigned short", "unsigned short", 2 },
    { "int", "int", 4 },
    { "uint32_t", "u32", 4 },
    { "long long", "long long", 8 },
    { "uint64_t", "u64", 8 },
    { "float", "f32", 4 },
    { "double", "double", 8 },
    { "const char *", "str", 8 },
    { "void *", "void*", 8 },
    { "size_t", "size_t", 8 },
    { "enum small", "enum{SMALL,BIGGER=1000}", 4 },
    { "int (*)(double)", "int(f64)*", 8 },
};
enum { SCALARS = sizeof scalars / sizeof *scalars, PLAIN_SCALARS = SCALARS - 1 };

/* A text that grows. */
struct text {
    char *at;
    size_t used, room;
};

struct made {
    struct text ours;
    struct text paths; /* "f0", "f1[0].f2", ...: each with a zero behind it */
    size_t names;
    size_t size; /* no less than the compiler's */
    size_t partner;
};

static struct made *structs;
static size_t struct_count;
static struct text *functions;
static size_t function_count;
static uint64_t state;

unsigned random_below(unsigned limit)
{
    state += 0x9E3779B97F4A7C15u; /* splitmix64 */
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (unsigned)((z ^ (z >> 31)) % limit);
}

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
    char piece[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (text->used + (size_t)n + 1 > text->room) {
        text->room = (text->room + (size_t)n) * 2 + 64;
        text->at = realloc(text->at, text->room);
        if (!text->at)
            abort();
    }
    memcpy(text->at + text->used, piece, (size_t)n + 1);
    text->used += (size_t)n;
}

const char *random_struct_text(size_t n)
{
    return structs[n].ours.at;
}

size_t random_struct_names(size_t n)
{
    return structs[n].names;
}

const char *random_struct_path(size_t n, size_t index)
{
    const char *path = structs[n].paths.at;
    while (index--)
        path += strlen(path) + 1;
    return path;
}

size_t random_partner(size_t n)
{
    return structs[n].partner;
}

const char *random_function_text(size_t n)
{
    return functions[n].at;
}

/* ---- structs ---- */

static void bounds(struct text *c, struct text *ours, size_t *size)
{
    unsigned dimensions = random_below(5) == 0 ? 2 : random_below(3) == 0;
    for (unsigned d = 0; d < dimensions; d++) {
        unsigned count = 1 + random_below(4);
        add(c, "[%u]", count);
        add(ours, "[%u]", count);
        *size *= count;
    }
}

static const char *first_element(const char *bounds_text)
{
    return strchr(bounds_text, ']') == strrchr(bounds_text, ']') ? (*bounds_text ? "[0]" : "") : "[0][0]";
}

static void note(struct made *into, const char *prefix, const char *name)
{
    add(&into->paths, "%s%s", prefix, name);
    into->paths.used++; /* keeps the zero */
    into->names++;
}

/* One member, at `prefix` from the outside; unnamed ones and inline structs have members of their own, two
 * levels deep at most. */
static void member(FILE *c, struct text *ours, struct made *into, size_t n, unsigned level,
                   const char *prefix)
{
    struct text c_bounds = { 0 };
    struct text our_bounds = { 0 };
    add(&c_bounds, "%s", "");
    add(&our_bounds, "%s", "");
    char name[24];
    snprintf(name, sizeof name, "f%zu", into->names);
    unsigned kind = random_below(10);
    size_t size;
    if (kind < 2 && level < 2) {
        bool unnamed = kind == 0;
        struct text inside = { 0 };
        size_t before = into->size;
        char inner[128];
        if (unnamed) {
            snprintf(inner, sizeof inner, "%s", prefix);
        } else {
            bounds(&c_bounds, &our_bounds, &(size_t){ 0 });
            note(into, prefix, name);
            snprintf(inner, sizeof inner, "%s%s%s.", prefix, name, first_element(c_bounds.at));
        }
        fprintf(c, "struct { ");
        for (unsigned i = 0, count = 1 + random_below(3); i < count; i++) {
            add(&inside, "%s", i ? "," : "");
            member(c, &inside, into, n, level + 1, inner);
        }
        size = (into->size - before) * 16; /* as many elements as bounds may give */
        fprintf(c, "} %s%s; ", unnamed ? "" : name, c_bounds.at);
        add(ours, "%s%s{", unnamed ? "" : name, unnamed ? "" : ":");
        for (size_t at = 0; at < inside.used; at += 256)
            add(ours, "%.256s", inside.at + at);
        add(ours, "}%s", our_bounds.at);
        free(inside.at);
    } else {
        size_t older = n ? random_below((unsigned)n) : 0;
        note(into, prefix, name);
        if (kind < 5 && n && structs[older].size < LARGE) {
            size = structs[older].size;
            bounds(&c_bounds, &our_bounds, &size);
            fprintf(c, "struct S%zu %s%s; ", older, name, c_bounds.at);
            add(ours, "%s:struct S%zu%s", name, older, our_bounds.at);
        } else {
            unsigned s = random_below(SCALARS);
            size = scalars[s].size;
            bounds(&c_bounds, &our_bounds, &size);
            if (s >= PLAIN_SCALARS)
                fprintf(c, "int (*%s%s)(double); ", name, c_bounds.at);
            else
                fprintf(c, "%s %s%s; ", scalars[s].c, name, c_bounds.at);
            add(ours, "%s:%s%s", name, scalars[s].ours, our_bounds.at);
        }
    }
    into->size += size + 8;
    free(c_bounds.at);
    free(our_bounds.at);
}

static void one_struct(FILE *c, size_t n)
{
    struct made *into = &structs[n];
    unsigned count = 1 + random_below(random_below(2) ? 3 : RANDOM_FIELDS);
    fprintf(c, "struct S%zu { ", n);
    add(&into->ours, "{");
    for (unsigned i = 0; i < count; i++) {
        add(&into->ours, "%s", i ? "," : "");
        member(c, &into->ours, into, n, 0, "");
    }
    add(&into->ours, "}");
    fprintf(c, "};\nconst size_t layout_%zu[] = { sizeof(struct S%zu), _Alignof(struct S%zu)", n, n, n);
    for (size_t i = 0; i < into->names; i++)
        fprintf(c, ", offsetof(struct S%zu, %s)", n, random_struct_path(n, i));
    fprintf(c, " };\n");
    into->partner = random_below((unsigned)n + 1);
    size_t p = into->partner;
    fprintf(c,
            "unsigned char mask_%zu[sizeof(struct S%zu)]; struct S%zu want_%zu; int right_%zu;\n"
            "struct S%zu mix_%zu(char a, struct S%zu s, float b, struct S%zu t)\n"
            "{ right_%zu = a == 'x' && b == 2.5f && same(&t, &want_%zu, mask_%zu, sizeof t); return s; }\n",
            n, n, p, n, n, n, n, n, p, n, n, p);
    fprintf(c,
            "int back_%zu(struct S%zu (*f)(char, struct S%zu, float, struct S%zu), struct S%zu *s, struct "
            "S%zu *t)\n"
            "{ struct S%zu r = f('x', *s, 2.5f, *t); return same(&r, s, mask_%zu, sizeof r); }\n",
            n, n, n, p, n, p, n, n);
}

/* ---- functions of scalars ---- */

static void one_function(FILE *c, size_t n)
{
    struct text *ours = &functions[n];
    unsigned result = random_below(SCALARS + 1); /* the last: void */
    unsigned count = random_below(random_below(3) ? 5 : RANDOM_PARAMS + 1);
    bool all_alike = random_below(4) == 0; /* runs of one class fill the registers */
    unsigned first = random_below(PLAIN_SCALARS);
    struct text params = { 0 }, names = { 0 }, loads = { 0 }, values = { 0 };
    add(&params, "%s", "");
    add(&names, "%s", "");
    add(&loads, "%s", "");
    add(&values, "%s", "");
    if (result >= PLAIN_SCALARS)
        result = SCALARS;
    const char *c_result = result == SCALARS ? "void" : scalars[result].c;
    add(ours, "%s(", result == SCALARS ? "void" : scalars[result].ours);
    for (unsigned i = 0; i < count; i++) {
        unsigned s = all_alike ? first : random_below(PLAIN_SCALARS);
        add(ours, "%s%s", i ? "," : "", scalars[s].ours);
        add(&params, "%s%s a%u", i ? ", " : "", scalars[s].c, i);
        add(&names, "memcpy(seen_%zu[%u], &a%u, sizeof a%u); ", n, i, i, i);
        add(&loads, "%s a%u; memcpy(&a%u, seen_%zu[%u], sizeof a%u); ", scalars[s].c, i, i, n, i, i);
        add(&values, "%sa%u", i ? ", " : "", i);
    }
    add(ours, ")");
    const char *list = count ? params.at : "void";
    fprintf(c, "unsigned char seen_%zu[%d][8], answer_%zu[8];\n", n, RANDOM_PARAMS, n);
    fprintf(c, "%s function_%zu(%s) { %s", c_result, n, list, names.at);
    if (result == SCALARS)
        fprintf(c, "}\nvoid relay_%zu(void (*f)(%s)) { %s f(%s); }\n", n, list, loads.at, values.at);
    else
        fprintf(c,
                "%s r; memcpy(&r, answer_%zu, sizeof r); return r; }\n"
                "void relay_%zu(%s (*f)(%s)) { %s %s r = f(%s); memcpy(answer_%zu, &r, sizeof r); }\n",
                c_result, n, n, c_result, list, loads.at, c_result, values.at, n);
    free(params.at);
    free(names.at);
    free(loads.at);
    free(values.at);
}

bool random_types_write(const char *path, unsigned long seed, size_t struct_wish, size_t function_wish)
{
    state = seed;
    struct_count = struct_wish;
    function_count = function_wish;
    structs = calloc(struct_count, sizeof *structs);
    functions = calloc(function_count, sizeof *functions);
    FILE *c = fopen(path, "w");
    if (!structs || !functions || !c)
        return false;
    fprintf(c, "#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"
               "enum small { SMALL, BIGGER = 1000 };\n"
               "static int same(const void *a, const void *b, const unsigned char *mask, size_t size)\n"
               "{ const unsigned char *x = a, *y = b; int differ = 0;\n"
               "  for (size_t i = 0; i < size; i++) differ |= (x[i] ^ y[i]) & mask[i];\n"
               "  return !differ; }\n");
    for (size_t n = 0; n < struct_count; n++)
        one_struct(c, n);
    for (size_t n = 0; n < function_count; n++)
        one_function(c, n);
    return fclose(c) == 0;
}

void random_types_free(void)
{
    for (size_t n = 0; n < struct_count; n++)
        free(structs[n].ours.at), free(structs[n].paths.at);
    for (size_t n = 0; n < function_count; n++)
        free(functions[n].at);
    free(structs);
    free(functions);
}
