/* view/filter.c: putting filters together, by calls or from a text. What they mean for a snapshot: select.c. */
#include "view/filter.h"

#include <string.h>

husk_status husk_filter_new(husk_filter **out)
{
    *out = husk__raw_new(sizeof **out);
    return *out ? HUSK_OK : husk_fail(HUSK_ENOMEM, "no memory for a filter");
}

static void forget(struct husk__condition *condition)
{
    for (size_t t = 0; t < SAID_TEXTS; t++)
        if (condition->texts[t].at)
            husk__raw_free(condition->texts[t].at, condition->texts[t].length + 1);
}

void husk_filter_free(husk_filter *filter)
{
    if (!filter)
        return;
    for (size_t i = 0; i < filter->count; i++)
        forget(&filter->conditions[i]);
    husk__raw_free(filter->conditions, filter->room * sizeof *filter->conditions);
    husk__raw_free(filter, sizeof *filter);
}

husk_status husk_filter_add(husk_filter *filter, bool inclusive)
{
    if (filter->count == FILTER_MOST)
        return husk_fail(HUSK_ERANGE, "a filter has at most %d conditions", FILTER_MOST);
    if (filter->count == filter->room) {
        size_t room = filter->room ? filter->room * 2 : 4;
        struct husk__condition *more =
            husk__raw_resize(filter->conditions, filter->room * sizeof *more, room * sizeof *more);
        if (!more)
            return husk_fail(HUSK_ENOMEM, "no memory for a filter");
        filter->conditions = more;
        filter->room = room;
    }
    filter->conditions[filter->count++] =
        (struct husk__condition){ .inclusive = inclusive, .list = filter->list };
    return HUSK_OK;
}

husk_status husk_filter_and(husk_filter *filter)
{
    if (filter->count && filter->conditions[filter->count - 1].list == filter->list)
        filter->list++;
    return HUSK_OK;
}

/* ---- what is said ---- */

static struct husk__condition *latest(husk_filter *filter)
{
    /* Of a list that has just begun there is none. */
    if (!filter->count || filter->conditions[filter->count - 1].list != filter->list)
        return NULL;
    return &filter->conditions[filter->count - 1];
}

static husk_status nothing_begun(void)
{
    return husk_fail(HUSK_ESTATE, "no filter has been begun: husk_filter_add comes first");
}

static husk_status say_text(husk_filter *filter, unsigned said, const char *text, size_t length)
{
    struct husk__condition *condition = latest(filter);
    if (!condition)
        return nothing_begun();
    char *copy = husk__raw_new(length + 1);
    if (!copy)
        return husk_fail(HUSK_ENOMEM, "no memory for a filter");
    if (length)
        memcpy(copy, text, length);
    unsigned t = (unsigned)__builtin_ctz(said);
    if (condition->texts[t].at)
        husk__raw_free(condition->texts[t].at, condition->texts[t].length + 1);
    condition->texts[t].at = copy;
    condition->texts[t].length = length;
    condition->said |= said;
    return HUSK_OK;
}

husk_status husk_filter_file(husk_filter *filter, const char *pattern)
{
    return say_text(filter, SAID_FILE, pattern, strlen(pattern));
}

husk_status husk_filter_function(husk_filter *filter, const char *pattern)
{
    return say_text(filter, SAID_FUNCTION, pattern, strlen(pattern));
}

husk_status husk_filter_type(husk_filter *filter, const char *pattern)
{
    return say_text(filter, SAID_TYPE, pattern, strlen(pattern));
}

husk_status husk_filter_tag(husk_filter *filter, const char *pattern)
{
    return say_text(filter, SAID_TAG, pattern, strlen(pattern));
}

husk_status husk_filter_thread(husk_filter *filter, const char *pattern)
{
    return say_text(filter, SAID_THREAD, pattern, strlen(pattern));
}

husk_status husk_filter_domain(husk_filter *filter, const char *domain)
{
    return say_text(filter, SAID_DOMAIN, domain, strlen(domain));
}

husk_status husk_filter_since(husk_filter *filter, const char *mark)
{
    return say_text(filter, SAID_SINCE, mark, strlen(mark));
}

static husk_status say_number(husk_filter *filter, unsigned said, uint64_t number)
{
    struct husk__condition *condition = latest(filter);
    if (!condition)
        return nothing_begun();
    condition->said |= said;
    if (said == SAID_LINE)
        condition->line = (uint32_t)number;
    else if (said == SAID_MIN)
        condition->min = number;
    else if (said == SAID_KIND)
        condition->kind = (int)number;
    return HUSK_OK;
}

husk_status husk_filter_line(husk_filter *filter, uint32_t line)
{
    return say_number(filter, SAID_LINE, line);
}

husk_status husk_filter_all_frames(husk_filter *filter)
{
    return say_number(filter, SAID_ALL, 1);
}

husk_status husk_filter_min_size(husk_filter *filter, uint64_t bytes)
{
    return say_number(filter, SAID_MIN, bytes);
}

husk_status husk_filter_kind(husk_filter *filter, int kind)
{
    if (kind < HUSK_THING_OBJECT || kind > HUSK_THING_BLOCK)
        return husk_fail(HUSK_ERANGE, "kind %d: there are %d to %d", kind, HUSK_THING_OBJECT,
                         HUSK_THING_BLOCK);
    return say_number(filter, SAID_KIND, (uint64_t)kind);
}

/* ---- from a text ---- */

struct parse {
    const char *text;
    size_t at, length;
    husk_filter *filter;
    char *value; /* the latest one without its quotes: room for the whole text */
    size_t value_length;
};

static const struct term {
    const char *name;
    unsigned said;
} terms[] = {
    { "file", SAID_FILE },     { "function", SAID_FUNCTION }, { "type", SAID_TYPE }, { "tag", SAID_TAG },
    { "thread", SAID_THREAD }, { "domain", SAID_DOMAIN },     { "line", SAID_LINE }, { "min", SAID_MIN },
    { "since", SAID_SINCE },   { "kind", SAID_KIND },         { "all", SAID_ALL },
};

static const char *const kinds[] = { "object", "buffer", "block" };

/* Text around a place, for messages. */
static husk_status wrong(const struct parse *parse, size_t at, const char *what)
{
    return husk_fail(HUSK_EINVAL, "filter \"%.200s\", column %zu: %s", parse->text, at + 1, what);
}

/* Reads a value up to the comma that ends it. */
static husk_status read_value(struct parse *parse)
{
    const char *text = parse->text;
    size_t start = parse->at;
    parse->value_length = 0;
    if (start < parse->length && text[start] == '"') {
        size_t p = start + 1;
        for (; p < parse->length && text[p] != '"'; p++) {
            if (text[p] == '\\') {
                p++;
                if (p == parse->length || (text[p] != '"' && text[p] != '\\'))
                    return wrong(parse, p - 1, "behind \\ in quotes stands \" or \\");
            }
            parse->value[parse->value_length++] = text[p];
        }
        if (p == parse->length)
            return wrong(parse, start, "a quote is not closed");
        parse->at = p + 1;
        if (parse->at < parse->length && text[parse->at] != ',')
            return wrong(parse, parse->at, "a comma is due behind the quote");
        return HUSK_OK;
    }
    for (; parse->at < parse->length && text[parse->at] != ','; parse->at++) {
        if (text[parse->at] == '"')
            return wrong(parse, parse->at, "a value with a quote stands in quotes as a whole");
        parse->value[parse->value_length++] = text[parse->at];
    }
    return HUSK_OK;
}

static husk_status read_number(const struct parse *parse, size_t at, uint64_t most, bool units, uint64_t *out)
{
    uint64_t number = 0;
    size_t i = 0;
    for (; i < parse->value_length && parse->value[i] >= '0' && parse->value[i] <= '9'; i++)
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (unsigned)(parse->value[i] - '0'), &number))
            return wrong(parse, at, "the number is too large");
    if (i == 0)
        return wrong(parse, at, "a number is due");
    if (units && i + 1 == parse->value_length) {
        static const char letters[] = "kmgKMG";
        const char *unit = memchr(letters, parse->value[i], sizeof letters - 1);
        if (unit) {
            if (__builtin_mul_overflow(number, (uint64_t)1 << ((unit - letters) % 3 + 1) * 10, &number))
                return wrong(parse, at, "the number is too large");
            i++;
        }
    }
    if (i < parse->value_length)
        return wrong(parse, at,
                     units ? "a number ends with a digit, k, m or g" : "a number consists of digits");
    if (number > most)
        return wrong(parse, at, "the number is too large");
    *out = number;
    return HUSK_OK;
}

static husk_status read_kind(const struct parse *parse, size_t at, uint64_t *out)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (parse->value_length == strlen(kinds[k]) &&
            memcmp(parse->value, kinds[k], parse->value_length) == 0) {
            *out = k;
            return HUSK_OK;
        }
    return wrong(parse, at, "a kind is object, buffer or block");
}

static const struct term *find_term(const struct parse *parse, size_t start)
{
    for (size_t t = 0; t < sizeof terms / sizeof *terms; t++)
        if (parse->at - start == strlen(terms[t].name) &&
            memcmp(parse->text + start, terms[t].name, parse->at - start) == 0)
            return &terms[t];
    return NULL;
}

static husk_status read_term(struct parse *parse)
{
    size_t start = parse->at;
    while (parse->at < parse->length && parse->text[parse->at] != '=' && parse->text[parse->at] != ',')
        parse->at++;
    const struct term *term = find_term(parse, start);
    if (!term)
        return wrong(
            parse, start,
            "a term is file=, function=, type=, tag=, thread=, domain=, line=, min=, since=, kind= or all");
    if (latest(parse->filter)->said & term->said)
        return wrong(parse, start, "this was said already");
    bool value = parse->at < parse->length && parse->text[parse->at] == '=';
    if (term->said == SAID_ALL)
        return value ? wrong(parse, parse->at, "all has no value") : husk_filter_all_frames(parse->filter);
    if (!value)
        return wrong(parse, parse->at, "= and a value are due");
    size_t at = ++parse->at;
    uint64_t number = 0;
    husk_status status = read_value(parse);
    if (status == HUSK_OK && term->said < 1u << SAID_TEXTS)
        return say_text(parse->filter, term->said, parse->value, parse->value_length);
    if (status == HUSK_OK)
        status = term->said == SAID_KIND   ? read_kind(parse, at, &number)
                 : term->said == SAID_LINE ? read_number(parse, at, UINT32_MAX, false, &number)
                                           : read_number(parse, at, UINT64_MAX, true, &number);
    return status == HUSK_OK ? say_number(parse->filter, term->said, number) : status;
}

static husk_status read_filter(struct parse *parse)
{
    husk_status status;
    do
        status = read_term(parse);
    while (status == HUSK_OK && parse->at < parse->length && parse->text[parse->at++] == ',');
    if (status == HUSK_OK && !(latest(parse->filter)->said & ~(unsigned)SAID_ALL))
        status = wrong(parse, 0, "all alone says nothing of what it is about");
    return status;
}

husk_status husk_filter_parse(husk_filter *filter, const char *text)
{
    struct parse parse = { .text = text, .length = strlen(text), .filter = filter };
    bool inclusive = text[0] != '!';
    parse.at = !inclusive;
    parse.value = husk__raw_new(parse.length + 1);
    if (!parse.value)
        return husk_fail(HUSK_ENOMEM, "no memory for a filter");
    husk_status status = husk_filter_add(filter, inclusive);
    if (status == HUSK_OK) {
        status = read_filter(&parse);
        if (status != HUSK_OK)
            forget(&filter->conditions[--filter->count]);
    }
    husk__raw_free(parse.value, parse.length + 1);
    return status;
}
