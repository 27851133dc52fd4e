/* parse.c: the grammar of docs/ffi-signatures.md, read by descent. Levels of nesting and the text's length
 * are limited, so neither stack nor time runs away. Where it stops, a caret says so. */
#include "memory.h"
#include "space.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Fields (or constants, one of them for each) that have been read and not yet become a type: those of inner
 * structs lie above those of outer ones. */
struct item {
    size_t name; /* offset in the text; names have no zero yet */
    size_t name_length;
    const husk_ffi_type *type;
    int64_t value;
};

struct parser {
    husk_ffi_space *space;
    const char *text;
    size_t length;
    size_t at;
    unsigned level;
    struct item *items;
    size_t item_count;
    size_t item_room;
};

enum { EXCERPT = 60 };

/* ---- errors ---- */

/* The message, the text round the fault, the caret. */
static husk_status fail_at(struct parser *p, size_t at, husk_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static husk_status fail_at(struct parser *p, size_t at, husk_status status, const char *format, ...)
{
    char what[320];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    size_t first = at > EXCERPT / 2 ? at - EXCERPT / 2 : 0;
    size_t last = p->length - first > EXCERPT ? first + EXCERPT : p->length;
    char excerpt[EXCERPT + 8];
    size_t n = 0;
    if (first)
        n += (size_t)snprintf(excerpt, sizeof excerpt, "...");
    size_t caret = n + (at - first);
    for (size_t i = first; i < last; i++) {
        unsigned char c = (unsigned char)p->text[i];
        excerpt[n++] = (char)(c >= ' ' && c < 0x7F ? c : c == '\t' || c == '\n' ? ' ' : '?');
    }
    if (last < p->length)
        n += (size_t)snprintf(excerpt + n, sizeof excerpt - n, "...");
    excerpt[n] = 0;
    return husk_fail(status, "column %zu: %s\n  %s\n  %*s", at + 1, what, excerpt, (int)caret + 1, "^");
}

/* What a constructor refused, with the place. */
static husk_status fail_made(struct parser *p, size_t at, husk_status status)
{
    if (status == HUSK_OK || status == HUSK_ENOMEM)
        return status;
    char what[256];
    snprintf(what, sizeof what, "%s", husk_message());
    return fail_at(p, at, status, "%s", what);
}

/* ---- words ---- */

static char peek(struct parser *p)
{
    while (p->at < p->length && (p->text[p->at] == ' ' || p->text[p->at] == '\t' || p->text[p->at] == '\n'))
        p->at++;
    return p->at < p->length ? p->text[p->at] : 0;
}

static bool accept(struct parser *p, char c)
{
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

static husk_status expect(struct parser *p, char c, const char *where)
{
    if (accept(p, c))
        return HUSK_OK;
    return fail_at(p, p->at, HUSK_EINVAL, "expected \"%c\" %s", c, where);
}

static bool accept_dots(struct parser *p)
{
    if (peek(p) != '.' || p->length - p->at < 3 || memcmp(p->text + p->at, "...", 3) != 0)
        return false;
    p->at += 3;
    return true;
}

static size_t word_here(struct parser *p)
{
    (void)peek(p);
    return husk__ffi_identifier(p->text + p->at); /* the text ends with a zero */
}

static bool is_word(const struct parser *p, size_t at, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(p->text + at, word, length) == 0;
}

/* Decimal digits, below 2^63. */
static husk_status number(struct parser *p, uint64_t *out)
{
    uint64_t value = 0;
    *out = 0;
    if (peek(p) < '0' || peek(p) > '9')
        return fail_at(p, p->at, HUSK_EINVAL, "expected a number");
    size_t at = p->at;
    for (; p->at < p->length && p->text[p->at] >= '0' && p->text[p->at] <= '9'; p->at++) {
        unsigned digit = (unsigned)(p->text[p->at] - '0');
        if (value > ((uint64_t)INT64_MAX - digit) / 10)
            return fail_at(p, at, HUSK_ERANGE, "the number is too large");
        value = value * 10 + digit;
    }
    *out = value;
    return HUSK_OK;
}

/* ---- items ---- */

static husk_status push(struct parser *p, struct item item)
{
    if (p->item_count == p->item_room) {
        size_t room = p->item_room ? p->item_room * 2 : 16;
        struct item *items = husk__ffi_new(room * sizeof *items);
        if (!items)
            return HUSK_ENOMEM;
        if (p->items)
            memcpy(items, p->items, p->item_count * sizeof *items);
        husk__ffi_free(p->items, p->item_room * sizeof *items);
        p->items = items;
        p->item_room = room;
    }
    p->items[p->item_count++] = item;
    return HUSK_OK;
}

/* Items from `base` on as fields or constants with names of their own, in one block. */
struct list {
    void *block;
    size_t bytes;
    size_t count;
};

static husk_status list_of(struct parser *p, size_t base, size_t entry, struct list *list)
{
    list->count = p->item_count - base;
    list->bytes = list->count * entry;
    for (size_t i = base; i < p->item_count; i++)
        list->bytes += p->items[i].name_length + 1;
    list->block = husk__ffi_new(list->bytes);
    return list->block ? HUSK_OK : HUSK_ENOMEM;
}

static const char *name_in(struct parser *p, const struct item *item, char **room)
{
    if (!item->name_length)
        return NULL;
    char *name = memcpy(*room, p->text + item->name, item->name_length);
    *room += item->name_length + 1;
    return name;
}

/* ---- the grammar ---- */

static husk_status parse_type(struct parser *p, const husk_ffi_type **out);

static husk_status enter(struct parser *p)
{
    if (++p->level > HUSK_FFI_MAX_DEPTH)
        return fail_at(p, p->at, HUSK_ERANGE, "nests deeper than %d", HUSK_FFI_MAX_DEPTH);
    return HUSK_OK;
}

/* field = [ word ":" ] type */
static husk_status parse_field(struct parser *p)
{
    struct item item = { 0 };
    size_t length = word_here(p);
    size_t start = p->at;
    if (length) {
        p->at += length;
        if (accept(p, ':')) {
            item.name = start;
            item.name_length = length;
        } else {
            p->at = start;
        }
    }
    if (is_word(p, start, length, "enum"))
        p->at = start, item.name_length = 0; /* "enum:u8{...}" is a type */
    if (item.name_length > MAX_NAME)
        return fail_at(p, start, HUSK_EINVAL, "a name has at most %d letters", MAX_NAME);
    (void)peek(p);
    size_t type_at = p->at;
    husk_status status = parse_type(p, &item.type);
    if (status != HUSK_OK)
        return status;
    if (accept(p, ':'))
        return fail_at(p, p->at - 1, HUSK_EINVAL, "bit-fields are not supported");
    if (!item.name_length && !husk__ffi_is_aggregate(item.type))
        return fail_at(p, type_at, HUSK_EINVAL, "expected a field, as in \"x:%s\"",
                       husk__ffi_words_of(item.type).text);
    if (!husk__ffi_is_value(item.type))
        return fail_at(p, type_at, HUSK_EINVAL, "no field is of type %s, which %s",
                       husk__ffi_words_of(item.type).text,
                       husk__ffi_is_aggregate(item.type) ? "is incomplete" : "no value has");
    return push(p, item);
}

/* The fields behind "{". */
static husk_status parse_fields(struct parser *p, husk_ffi_kind kind, size_t start, const husk_ffi_type **out)
{
    husk_status status = enter(p);
    size_t base = p->item_count;
    do {
        if (status == HUSK_OK && p->item_count - base == HUSK_FFI_MAX_FIELDS)
            status = fail_at(p, p->at, HUSK_ERANGE, "more than %d fields", HUSK_FFI_MAX_FIELDS);
        if (status == HUSK_OK)
            status = parse_field(p);
    } while (status == HUSK_OK && accept(p, ','));
    if (status == HUSK_OK)
        status = expect(p, '}', "or \",\" after a field");
    p->level--;
    if (status != HUSK_OK)
        return status;

    struct list list;
    status = list_of(p, base, sizeof(husk_ffi_field), &list);
    if (status != HUSK_OK)
        return status;
    husk_ffi_field *fields = list.block;
    char *names = (char *)(fields + list.count);
    for (size_t i = 0; i < list.count; i++) {
        fields[i].name = name_in(p, &p->items[base + i], &names);
        fields[i].type = p->items[base + i].type;
    }
    p->item_count = base;
    status = kind == HUSK_FFI_UNION ? husk_ffi_union(p->space, fields, list.count, out)
                                    : husk_ffi_struct(p->space, fields, list.count, out);
    husk__ffi_free(list.block, list.bytes);
    return fail_made(p, start, status);
}

/* constant = word [ "=" [ "-" ] number ] */
static husk_status parse_constant(struct parser *p, size_t base)
{
    struct item item = { .name_length = word_here(p) };
    item.name = p->at;
    if (!item.name_length || item.name_length > MAX_NAME)
        return fail_at(p, p->at, HUSK_EINVAL, "expected the name of a constant");
    p->at += item.name_length;
    if (accept(p, '=')) {
        bool negative = accept(p, '-');
        uint64_t value;
        husk_status status = number(p, &value);
        if (status != HUSK_OK)
            return status;
        item.value = negative ? -(int64_t)value : (int64_t)value;
    } else if (p->item_count > base) {
        int64_t before = p->items[p->item_count - 1].value;
        if (before == INT64_MAX)
            return fail_at(p, item.name, HUSK_ERANGE, "the constant is too large");
        item.value = before + 1;
    }
    return push(p, item);
}

/* What is behind the word "enum" where no name of one follows. */
static husk_status parse_enum(struct parser *p, size_t start, const husk_ffi_type **out)
{
    const husk_ffi_type *underlying = NULL;
    if (accept(p, ':')) {
        size_t length = word_here(p);
        underlying = husk__ffi_name_find(p->space, p->text + p->at, length);
        if (!underlying || !husk_ffi_type_is_integer(underlying))
            return fail_at(p, p->at, HUSK_EINVAL, "expected an integer type");
        p->at += length;
    }
    husk_status status = expect(p, '{', "and constants");
    size_t base = p->item_count;
    do {
        if (status == HUSK_OK && p->item_count - base == HUSK_FFI_MAX_FIELDS)
            status = fail_at(p, p->at, HUSK_ERANGE, "more than %d constants", HUSK_FFI_MAX_FIELDS);
        if (status == HUSK_OK)
            status = parse_constant(p, base);
    } while (status == HUSK_OK && accept(p, ','));
    if (status == HUSK_OK)
        status = expect(p, '}', "or \",\" after a constant");
    struct list list;
    if (status == HUSK_OK)
        status = list_of(p, base, sizeof(husk_ffi_constant), &list);
    if (status != HUSK_OK)
        return status;
    husk_ffi_constant *constants = list.block;
    char *names = (char *)(constants + list.count);
    for (size_t i = 0; i < list.count; i++) {
        constants[i].name = name_in(p, &p->items[base + i], &names);
        constants[i].value = p->items[base + i].value;
    }
    p->item_count = base;
    status = husk_ffi_enum(p->space, NULL, underlying, constants, list.count, out);
    husk__ffi_free(list.block, list.bytes);
    return fail_made(p, start, status);
}

/* A name of several words as it is kept: C's integers ("unsigned long") and tags ("struct stat"). */
static husk_status parse_name(struct parser *p, const husk_ffi_type **out)
{
    char name[MAX_NAME + 16];
    size_t start = p->at;
    size_t used = 0;
    bool tag = false;
    for (;;) {
        size_t length = word_here(p);
        if (!length)
            break;
        const char *word = p->text + p->at;
        bool of_c = husk__ffi_builtin_find(word, length) || is_word(p, p->at, length, "signed");
        if (used && !tag && !of_c)
            break;
        if (length > MAX_NAME || used + 1 + length >= sizeof name)
            return fail_at(p, p->at, HUSK_EINVAL, "a name has at most %d letters", MAX_NAME);
        if (used)
            name[used++] = ' ';
        tag = !used && (is_word(p, p->at, length, "struct") || is_word(p, p->at, length, "union") ||
                        is_word(p, p->at, length, "enum"));
        memcpy(name + used, word, length);
        used += length;
        p->at += length;
        if (!tag && !of_c)
            break;
    }
    if (!used)
        return fail_at(p, p->at, HUSK_EINVAL, "expected a type");
    *out = husk__ffi_name_find(p->space, name, used);
    if (*out)
        return HUSK_OK;
    if (used == 11 && memcmp(name, "long double", 11) == 0)
        return fail_at(p, start, HUSK_EINVAL, "long double is not supported");
    if (used == 5 && memcmp(name, "const", 5) == 0)
        return fail_at(p, start, HUSK_EINVAL, "const is not part of the grammar: leave it out");
    if (used == 6 && memcmp(name, "packed", 6) == 0)
        return fail_at(p, start, HUSK_EINVAL, "packed structs are not supported");
    return fail_at(p, start, HUSK_EINVAL, "there is no type \"%.*s\"", (int)(used > 64 ? 64 : used), name);
}

/* base = name | [ "struct" | "union" ] "{" fields "}" | "enum" [ ":" integer ] "{" constants "}" */
static husk_status parse_base(struct parser *p, const husk_ffi_type **out)
{
    char c = peek(p);
    size_t start = p->at;
    if (c == '{') {
        p->at++;
        return parse_fields(p, HUSK_FFI_STRUCT, start, out);
    }
    size_t length = word_here(p);
    bool is_union = is_word(p, start, length, "union");
    p->at += length;
    if ((is_union || is_word(p, start, length, "struct")) && accept(p, '{'))
        return parse_fields(p, is_union ? HUSK_FFI_UNION : HUSK_FFI_STRUCT, start, out);
    if (is_word(p, start, length, "enum") && (peek(p) == '{' || peek(p) == ':'))
        return parse_enum(p, start, out);
    p->at = start;
    return parse_name(p, out);
}

/* The parameters behind "(". */
static husk_status parse_params(struct parser *p, const husk_ffi_type **type, size_t start)
{
    const husk_ffi_type *params[HUSK_FFI_MAX_PARAMS];
    size_t count = 0;
    bool variadic = false;
    husk_status status = enter(p);
    if (status != HUSK_OK || accept(p, ')'))
        goto read;
    do {
        if (accept_dots(p)) {
            variadic = true;
            break;
        }
        if (count == HUSK_FFI_MAX_PARAMS) {
            status = fail_at(p, p->at, HUSK_ERANGE, "more than %d parameters", HUSK_FFI_MAX_PARAMS);
            goto read;
        }
        (void)peek(p);
        size_t at = p->at;
        status = parse_type(p, &params[count]);
        if (status != HUSK_OK)
            goto read;
        if (params[count]->kind == HUSK_FFI_VOID && (count || peek(p) != ')'))
            status = fail_at(p, at, HUSK_EINVAL, "a parameter cannot be void");
        else if (params[count]->kind == HUSK_FFI_ARRAY || params[count]->kind == HUSK_FFI_FUNCTION)
            status = fail_at(p, at, HUSK_EINVAL, "a parameter cannot be an %s: C passes a pointer, add \"*\"",
                             params[count]->kind == HUSK_FFI_ARRAY ? "array" : "(unpointed) function");
        if (status != HUSK_OK)
            goto read;
        if (params[count]->kind != HUSK_FFI_VOID)
            count++;
    } while (accept(p, ','));
    status = expect(p, ')', "or \",\" after a parameter");
read:
    p->level--;
    if (status != HUSK_OK)
        return status;
    return fail_made(p, start, husk_ffi_function(p->space, *type, params, count, variadic, type));
}

/* Bounds, outermost first as in C: f64[2][3] is two times f64[3]. */
static husk_status parse_bounds(struct parser *p, const husk_ffi_type **type)
{
    uint64_t bounds[HUSK_FFI_MAX_DEPTH];
    size_t count = 0;
    size_t start = p->at;
    while (accept(p, '[')) {
        if (count == HUSK_FFI_MAX_DEPTH)
            return fail_at(p, p->at - 1, HUSK_ERANGE, "nests deeper than %d", HUSK_FFI_MAX_DEPTH);
        if (peek(p) == ']')
            return fail_at(p, p->at, HUSK_EINVAL, "expected the number of elements");
        husk_status status = number(p, &bounds[count++]);
        if (status == HUSK_OK)
            status = expect(p, ']', "after the number of elements");
        if (status != HUSK_OK)
            return status;
    }
    for (size_t i = count; i-- > 0;) {
        husk_status status = husk_ffi_array(p->space, *type, bounds[i], type);
        if (status != HUSK_OK)
            return fail_made(p, start, status);
    }
    return HUSK_OK;
}

/* type = base { "*" | bounds | "(" params ")" } */
static husk_status parse_type(struct parser *p, const husk_ffi_type **out)
{
    husk_status status = parse_base(p, out);
    while (status == HUSK_OK) {
        char c = peek(p);
        size_t at = p->at;
        if (c == '*') {
            p->at++;
            status = fail_made(p, at, husk_ffi_pointer(p->space, *out, out));
        } else if (c == '[') {
            status = parse_bounds(p, out);
        } else if (c == '(') {
            p->at++;
            status = parse_params(p, out, at);
        } else {
            break;
        }
    }
    return status;
}

husk_status husk_ffi_parse(husk_ffi_space *space, const char *text, const husk_ffi_type **out)
{
    *out = NULL;
    struct parser p = { .space = space, .text = text, .length = strlen(text) };
    if (p.length > HUSK_FFI_MAX_TEXT)
        return husk_fail(HUSK_ERANGE, "a type's text has %zu bytes, more than %d", p.length,
                         HUSK_FFI_MAX_TEXT);
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    const husk_ffi_type *type = NULL;
    husk_status status = parse_type(&p, &type);
    if (status == HUSK_OK && peek(&p))
        status = fail_at(&p, p.at, HUSK_EINVAL, "expected the end of the type");
    husk__ffi_free(p.items, p.item_room * sizeof *p.items);
    if (status != HUSK_OK)
        husk__ffi_mark_return(space, &mark);
    else
        *out = type;
    return status;
}
