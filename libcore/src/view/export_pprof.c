/* view/export_pprof.c: the heap profile of pprof: a protobuf message Profile, plain (its readers take that and gzip).
 * Fields and their numbers: github.com/google/pprof, proto/profile.proto; the order of the values is that of Go's heap
 * profiles: alloc_objects, alloc_space, inuse_objects, inuse_space.
 *
 * A sample for each place, context and type that is alive, labelled with the type; and one for each place and
 * context that made things, without a type. The strings of the snapshot keep their numbers; ours follow. */
#include "view/export.h"
#include "view/index.h"

#include <stdio.h>
#include <string.h>

enum { VARINT = 0, BYTES = 2 };

/* Strings behind those of the snapshot. */
#define OWN_STRINGS(X)                                                                                       \
    X(ALLOC_OBJECTS, "alloc_objects")                                                                        \
    X(ALLOC_SPACE, "alloc_space")                                                                            \
    X(INUSE_OBJECTS, "inuse_objects")                                                                        \
    X(INUSE_SPACE, "inuse_space")                                                                            \
    X(COUNT_UNIT, "count")                                                                                   \
    X(UNIT_BYTES, "bytes")                                                                                   \
    X(SPACE, "space")                                                                                        \
    X(TYPE, "type")                                                                                          \
    X(TAG, "tag")                                                                                            \
    X(DOMAIN_KEY, "domain")                                                                                  \
    X(THREAD, "thread")                                                                                      \
    X(BUFFER, "(buffer)")                                                                                    \
    X(BLOCK, "(block)")
enum own_string {
#define OWN_ENUM(name, text) OWN_##name,
    OWN_STRINGS(OWN_ENUM)
#undef OWN_ENUM
        OWN_COUNT
};
static const char *const own_strings[OWN_COUNT] = {
#define OWN_TEXT(name, text) [OWN_##name] = (text),
    OWN_STRINGS(OWN_TEXT)
#undef OWN_TEXT
};

struct pprof {
    const struct husk_snapshot *snapshot;
    struct husk__out *out;
    uint32_t *function_of; /* frame --> the first frame of the same function */
    bool *nameless;        /* modules with a frame whose function is not known */
    size_t strings;
};

/* ---- the encoding ---- */

static size_t varint_length(uint64_t value)
{
    size_t n = 1;
    for (; value >= 0x80; value >>= 7)
        n++;
    return n;
}

static void put_varint(struct husk__out *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        husk__out_char(out, (char)(value | 0x80));
    husk__out_char(out, (char)value);
}

static void put_tag(struct husk__out *out, unsigned field, unsigned kind)
{
    put_varint(out, field << 3 | kind);
}

/* A number and its field, numbers below 16: 0 is left out, as in all of proto3. */
static size_t number_length(uint64_t value)
{
    return value ? 1 + varint_length(value) : 0;
}

static void put_number(struct husk__out *out, unsigned field, uint64_t value)
{
    if (!value)
        return;
    put_tag(out, field, VARINT);
    put_varint(out, value);
}

/* The head of a message within. */
static size_t message_length(size_t length)
{
    return 1 + varint_length(length) + length;
}

static void put_head(struct husk__out *out, unsigned field, size_t length)
{
    put_tag(out, field, BYTES);
    put_varint(out, length);
}

static uint64_t own(const struct pprof *p, enum own_string string)
{
    return p->strings + (uint64_t)string;
}

/* ---- samples ---- */

static void put_value_type(struct pprof *p, unsigned field, enum own_string type, enum own_string unit)
{
    put_head(p->out, field, number_length(own(p, type)) + number_length(own(p, unit)));
    put_number(p->out, 1, own(p, type));
    put_number(p->out, 2, own(p, unit));
}

struct label {
    uint64_t key, text, number;
};

static size_t label_length(const struct label *label)
{
    return number_length(label->key) + number_length(label->text) + number_length(label->number);
}

static size_t labels_of(const struct pprof *p, const struct husk__record_row *record, uint32_t type,
                        struct label labels[4])
{
    const struct husk_snapshot *snapshot = p->snapshot;
    const struct husk__context *context = &SNAP(snapshot, CONTEXTS)[record->context];
    const struct husk__thread *thread = &SNAP(snapshot, THREADS)[context->thread];
    size_t n = 0;
    if (type != UINT32_MAX) {
        uint64_t name = type == husk__alive_buffer(snapshot)  ? own(p, OWN_BUFFER)
                        : type == husk__alive_block(snapshot) ? own(p, OWN_BLOCK)
                                                              : SNAP(snapshot, TYPES)[type].name;
        labels[n++] = (struct label){ own(p, OWN_TYPE), name, 0 };
    }
    if (context->tag)
        labels[n++] = (struct label){ own(p, OWN_TAG), context->tag, 0 };
    if (context->domain)
        labels[n++] = (struct label){ own(p, OWN_DOMAIN_KEY), context->domain, 0 };
    if (thread->name || thread->id) /* one or the other: a label is a text or a number */
        labels[n++] = (struct label){ own(p, OWN_THREAD), thread->name, thread->name ? 0 : thread->id };
    return n;
}

static size_t stack_length(const struct pprof *p, uint32_t stack)
{
    if (!stack)
        return varint_length(1);
    size_t length = 0;
    for (; stack; stack = SNAP(p->snapshot, STACKS)[stack].parent)
        length += varint_length((uint64_t)SNAP(p->snapshot, STACKS)[stack].frame + 1);
    return length;
}

static void put_sample(struct pprof *p, uint32_t record_number, uint32_t type, const uint64_t values[4])
{
    const struct husk__record_row *record = &SNAP(p->snapshot, RECORDS)[record_number];
    struct label labels[4];
    size_t label_count = labels_of(p, record, type, labels);
    size_t stack = stack_length(p, record->stack), value = 0, length = 0;
    for (int v = 0; v < 4; v++)
        value += varint_length(values[v]);
    for (size_t i = 0; i < label_count; i++)
        length += message_length(label_length(&labels[i]));
    put_head(p->out, 2, message_length(stack) + message_length(value) + length);
    put_head(p->out, 1, stack);
    uint32_t s = record->stack;
    if (!s)
        put_varint(p->out, 1); /* the location of frame 0 */
    for (; s; s = SNAP(p->snapshot, STACKS)[s].parent)
        put_varint(p->out, (uint64_t)SNAP(p->snapshot, STACKS)[s].frame + 1);
    put_head(p->out, 2, value);
    for (int v = 0; v < 4; v++)
        put_varint(p->out, values[v]);
    for (size_t i = 0; i < label_count; i++) {
        put_head(p->out, 3, label_length(&labels[i]));
        put_number(p->out, 1, labels[i].key);
        put_number(p->out, 2, labels[i].text);
        put_number(p->out, 3, labels[i].number);
    }
}

/* What was made is known of places, not of types: samples of their own. What was not traced was made all the same. */
static void put_samples(struct pprof *p, const struct husk__alive *alive)
{
    for (size_t i = 0; i < alive->count && !p->out->refused; i++) {
        const struct husk__alive_row *row = &alive->rows[i];
        uint64_t values[4] = { row->place ? 0 : row->count, row->place ? 0 : row->bytes, row->count,
                               row->bytes };
        put_sample(p, row->place, row->type, values);
    }
    const struct husk__record_row *records = SNAP(p->snapshot, RECORDS);
    for (size_t r = 0; r < SNAP_COUNT(p->snapshot, RECORDS) && !p->out->refused; r++) {
        uint64_t values[4] = { r ? records[r].born_count : records[r].died_count,
                               r ? records[r].born_bytes : records[r].died_bytes, 0, 0 };
        if (values[0] || values[1])
            put_sample(p, (uint32_t)r, UINT32_MAX, values);
    }
}

/* ---- places ---- */

static void put_mappings(struct pprof *p)
{
    const struct husk_snapshot *snapshot = p->snapshot;
    for (size_t m = 1; m < SNAP_COUNT(snapshot, MODULES); m++) {
        const struct husk__module *module = &SNAP(snapshot, MODULES)[m];
        bool named = !p->nameless[m]; /* then no reader need look for the names itself */
        put_head(p->out, 3,
                 number_length(m) + number_length(module->start) + number_length(module->end) +
                     number_length(module->offset) + number_length(module->path) +
                     number_length(module->build_id) + number_length(named));
        put_number(p->out, 1, m);
        put_number(p->out, 2, module->start);
        put_number(p->out, 3, module->end);
        put_number(p->out, 4, module->offset);
        put_number(p->out, 5, module->path);
        put_number(p->out, 6, module->build_id);
        put_number(p->out, 7, named);
    }
}

/* The strings that name a frame's function, as husk__place_of does; 0: it has an address alone. */
static uint32_t function_name(const struct husk__frame *frame)
{
    return frame->function ? frame->function : frame->file;
}

static uint32_t function_file(const struct pprof *p, const struct husk__frame *frame)
{
    return frame->file ? frame->file : SNAP(p->snapshot, MODULES)[frame->module].path;
}

static void put_locations(struct pprof *p)
{
    for (size_t f = 0; f < SNAP_COUNT(p->snapshot, FRAMES); f++) {
        const struct husk__frame *frame = &SNAP(p->snapshot, FRAMES)[f];
        bool named = function_name(frame);
        uint64_t function = (uint64_t)p->function_of[f] + 1;
        size_t line = number_length(function) + number_length(frame->line);
        put_head(p->out, 4,
                 number_length(f + 1) + number_length(frame->module) + number_length(frame->address) +
                     (named ? message_length(line) : 0));
        put_number(p->out, 1, f + 1);
        put_number(p->out, 2, frame->module);
        put_number(p->out, 3, frame->address);
        if (named) {
            put_head(p->out, 4, line);
            put_number(p->out, 1, function);
            put_number(p->out, 2, frame->line);
        }
    }
}

static void put_functions(struct pprof *p)
{
    for (size_t f = 0; f < SNAP_COUNT(p->snapshot, FRAMES); f++) {
        const struct husk__frame *frame = &SNAP(p->snapshot, FRAMES)[f];
        if (p->function_of[f] != f || !function_name(frame))
            continue;
        put_head(p->out, 5,
                 number_length(f + 1) + 2 * number_length(function_name(frame)) +
                     number_length(function_file(p, frame)));
        put_number(p->out, 1, f + 1);
        put_number(p->out, 2, function_name(frame));
        put_number(p->out, 3, function_name(frame));
        put_number(p->out, 4, function_file(p, frame));
    }
}

/* Frames of one function share it. */
static bool find_functions(struct pprof *p, struct husk__pool *pool)
{
    size_t count = SNAP_COUNT(p->snapshot, FRAMES);
    struct husk__index functions = { .words = 1 };
    p->function_of = POOL_NEW(pool, uint32_t, count);
    p->nameless = p->function_of ? POOL_NEW(pool, bool, SNAP_COUNT(p->snapshot, MODULES)) : NULL;
    uint32_t *first = p->nameless ? POOL_NEW(pool, uint32_t, count) : NULL; /* frame of a function */
    bool ok = first;
    for (size_t f = 0; ok && f < count; f++) {
        const struct husk__frame *frame = &SNAP(p->snapshot, FRAMES)[f];
        const uint64_t key = (uint64_t)function_name(frame) << 32 | function_file(p, frame);
        size_t before = husk__index_count(&functions);
        uint32_t number = husk__index_add(&functions, &key);
        ok = number != INDEX_NONE;
        if (ok && number == before)
            first[number] = (uint32_t)f;
        if (ok)
            p->function_of[f] = first[number];
        p->nameless[frame->module] = p->nameless[frame->module] || !frame->function;
    }
    husk__index_free(&functions);
    return ok;
}

static void put_strings(struct pprof *p)
{
    for (size_t s = 0; s < p->strings && !p->out->refused; s++) {
        size_t length;
        const char *text = husk__snap_text(p->snapshot, (uint32_t)s, &length);
        put_head(p->out, 6, husk__escaped_length(&husk__plain_escape, text, length));
        husk__out_escaped(p->out, &husk__plain_escape, text, length);
    }
    for (size_t s = 0; s < OWN_COUNT; s++) {
        put_head(p->out, 6, strlen(own_strings[s]));
        husk__out_text(p->out, own_strings[s]);
    }
}

/* ---- the profile ---- */

/* "2024-02-29T12:34:56Z" as nanoseconds since 1970; 0: not such a text. Days: Hinnant, "chrono-compatible low-level
 * date algorithms". */
static uint64_t time_of(const char *text)
{
    unsigned year, month, day, hour, minute, second;
    if (!text ||
        sscanf(text, "%4u-%2u-%2uT%2u:%2u:%2uZ", &year, &month, &day, &hour, &minute, &second) != 6 ||
        year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
        return 0;
    uint64_t y = year - (month <= 2), era = y / 400, of_era = y % 400;
    uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000000000u;
}

static void put_profile(struct pprof *p, const struct husk__alive *alive)
{
    uint64_t period = 0, elapsed = 0;
    (void)husk_snapshot_number(p->snapshot, "trace", "sample_bytes", &period);
    (void)husk_snapshot_number(p->snapshot, "trace", "elapsed_ns", &elapsed);
    put_value_type(p, 1, OWN_ALLOC_OBJECTS, OWN_COUNT_UNIT);
    put_value_type(p, 1, OWN_ALLOC_SPACE, OWN_UNIT_BYTES);
    put_value_type(p, 1, OWN_INUSE_OBJECTS, OWN_COUNT_UNIT);
    put_value_type(p, 1, OWN_INUSE_SPACE, OWN_UNIT_BYTES);
    put_samples(p, alive);
    put_mappings(p);
    put_locations(p);
    put_functions(p);
    put_strings(p);
    put_number(p->out, 9, time_of(husk_snapshot_text(p->snapshot, "time")));
    put_number(p->out, 10, elapsed);
    put_value_type(p, 11, OWN_SPACE, OWN_UNIT_BYTES);
    put_number(p->out, 12, period ? period : 1);
    put_number(p->out, 14, own(p, OWN_INUSE_SPACE));
}

husk_status husk__export_pprof(struct husk__export *export)
{
    struct husk__pool pool = { .count = 0 };
    struct husk__alive alive = { 0 };
    struct pprof p = { export->snapshot, export->out, NULL, NULL,
                       SNAP_COUNT(export->snapshot, STRING_OFF) - 1 };
    husk_status status = find_functions(&p, &pool)
                             ? husk__alive_make(export->snapshot, 0, export->options->filter, &alive)
                             : husk__export_no_memory();
    if (status == HUSK_OK)
        put_profile(&p, &alive);
    husk__alive_free(&alive);
    husk__pool_free(&pool);
    return status;
}
