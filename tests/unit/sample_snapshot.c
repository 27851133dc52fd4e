/* tests/unit/sample_snapshot.c: see sample_snapshot.h. */
#include "sample_snapshot.h"

#include "random.h"

#include <stdio.h>
#include <string.h>

/* Builds on whatever happens: where memory is short rows go into a spare place, and the end says so. */
struct maker {
    struct husk_snapshot *snapshot;
    bool failed;
    size_t nodes, edges, indexed;
    union {
        char bytes[512];
        uint64_t align;
    } spare;
};

static void *row(struct maker *m, unsigned kind)
{
    void *at = m->failed ? NULL : husk__snap_add(m->snapshot, kind, 1);
    if (at)
        return at;
    m->failed = true;
    return &m->spare;
}
#define ROW(m, name) ((husk__snap_##name *)row((m), SECTION_##name))

static uint32_t text(struct maker *m, const char *bytes, size_t length)
{
    return m->failed ? 0 : husk__snap_string(m->snapshot, bytes, length, &m->failed);
}

static uint32_t str(struct maker *m, const char *string)
{
    return text(m, string, strlen(string));
}

static uint32_t strf(struct maker *m, const char *format, unsigned number)
{
    char name[64];
    snprintf(name, sizeof name, format, number);
    return str(m, name);
}

static void *table(const struct maker *m, unsigned kind)
{
    return m->snapshot->own[kind].at;
}

static size_t rows(const struct maker *m, unsigned kind)
{
    return m->snapshot->own[kind].used / husk__section_item(kind);
}

/* ---- types ---- */

static struct husk__type_row *type(struct maker *m, uint32_t name, uint64_t size, uint32_t flags)
{
    uint32_t first = (uint32_t)rows(m, SECTION_FIELDS);
    struct husk__type_row *made = ROW(m, TYPES);
    *made = (struct husk__type_row){ name, flags, first, 0, size, 0 };
    return made;
}

/* TYPES may have moved: the type is the latest. */
static void field(struct maker *m, uint32_t name, uint8_t kind, uint8_t flags)
{
    *ROW(m, FIELDS) = (struct husk__field){ name, kind, flags, 0 };
    if (!m->failed)
        ((struct husk__type_row *)table(m, SECTION_TYPES))[rows(m, SECTION_TYPES) - 1].field_count++;
}

static void wide_fields(struct maker *m, unsigned slots)
{
    for (unsigned n = 0; n < slots; n++) {
        if (n == FIELD_LAST)
            field(m, str(m, "..."), EDGE_STRONG, FIELD_MORE | FIELD_INDEXED);
        field(m, strf(m, "slot%u", n), EDGE_STRONG, 0);
    }
}

/* ---- nodes and edges ---- */

static void spill(struct maker *m, uint32_t column, uint64_t value)
{
    *ROW(m, SPILL) = (struct husk__spill){ (uint32_t)m->nodes, column, value };
}

/* Nodes come in the order of their addresses. degree: how many edges will follow. */
static void node(struct maker *m, uint64_t address, uint32_t of, uint64_t size, int64_t hidden, size_t degree,
                 uint8_t flags)
{
    if (m->nodes % 64 == 0) {
        *ROW(m, EDGE_OFF) = m->edges;
        *ROW(m, EDGE_INDEX_OFF) = m->indexed;
    }
    if (size >= NODE_SIZE_SPILLS)
        spill(m, SPILL_SIZE, size);
    if (hidden < 0 || hidden >= NODE_HIDDEN_SPILLS)
        spill(m, SPILL_HIDDEN, (uint64_t)hidden);
    if (degree >= NODE_DEGREE_SPILLS)
        spill(m, SPILL_DEGREE, degree);
    *ROW(m, NODES) = (struct husk__node){
        husk__node_where(address, of),
        size >= NODE_SIZE_SPILLS ? NODE_SIZE_SPILLS : (uint32_t)size,
        hidden < 0 || hidden >= NODE_HIDDEN_SPILLS ? NODE_HIDDEN_SPILLS : (uint16_t)hidden,
        degree >= NODE_DEGREE_SPILLS ? NODE_DEGREE_SPILLS : (uint8_t)degree,
        flags,
    };
    if (!m->failed)
        ((struct husk__type_row *)table(m, SECTION_TYPES))[of].instances++;
    m->nodes++;
}

static void edge(struct maker *m, size_t to, uint8_t number)
{
    *ROW(m, EDGE_DST) = (uint32_t)to;
    *ROW(m, EDGE_FIELD) = number;
    m->edges++;
}

static void edge_at(struct maker *m, size_t to, uint8_t number, uint32_t index)
{
    edge(m, to, number);
    *ROW(m, EDGE_INDEX) = index;
    m->indexed++;
}

/* ---- places ---- */

static uint32_t frame(struct maker *m, uint32_t file, uint32_t function, uint32_t line, uint32_t kind,
                      uint32_t module, uint64_t address)
{
    uint32_t number = (uint32_t)rows(m, SECTION_FRAMES);
    *ROW(m, FRAMES) = (struct husk__frame){ file, function, line, kind, module, 0, address };
    return number;
}

static uint32_t stack(struct maker *m, uint32_t parent, uint32_t newest, uint32_t cut)
{
    uint32_t number = (uint32_t)rows(m, SECTION_STACKS);
    uint32_t depth = m->failed ? 1 : ((struct husk__stack *)table(m, SECTION_STACKS))[parent].depth + 1;
    *ROW(m, STACKS) = (struct husk__stack){ parent, newest, depth, cut == UINT32_MAX ? 0 : depth + cut };
    return number;
}

static uint32_t context(struct maker *m, const char *tag, const char *domain, uint32_t thread)
{
    uint32_t number = (uint32_t)rows(m, SECTION_CONTEXTS);
    uint32_t t = str(m, tag), d = str(m, domain);
    *ROW(m, CONTEXTS) = (struct husk__context){ t, d, thread, 0 };
    return number;
}

static uint32_t record(struct maker *m, uint32_t of_stack, uint32_t of_context)
{
    uint32_t number = (uint32_t)rows(m, SECTION_RECORDS);
    *ROW(m, RECORDS) = (struct husk__record_row){ .stack = of_stack, .context = of_context };
    return number;
}

static uint32_t site_of(uint32_t in_record, uint32_t epoch)
{
    return epoch << SITE_EPOCH_SHIFT | in_record;
}

static void block(struct maker *m, uint64_t address, uint64_t size, uint32_t site, uint32_t kind)
{
    *ROW(m, BLOCKS) = (struct husk__block){ address, size, site, kind };
}

static uint64_t size_of(const struct maker *m, size_t number)
{
    uint32_t size = ((struct husk__node *)table(m, SECTION_NODES))[number].size;
    const struct husk__spill *spills = table(m, SECTION_SPILL);
    for (size_t i = 0; size == NODE_SIZE_SPILLS && i < rows(m, SECTION_SPILL); i++)
        if (spills[i].node == number && spills[i].column == SPILL_SIZE)
            return spills[i].value;
    return size;
}

/* The records' figures from what is there, and some that died before. */
static void figure_records(struct maker *m)
{
    if (m->failed)
        return;
    struct husk__record_row *records = table(m, SECTION_RECORDS);
    const uint32_t *sites = table(m, SECTION_NODE_SITE);
    const struct husk__block *blocks = table(m, SECTION_BLOCKS);
    size_t traced = rows(m, SECTION_NODE_SITE), all = traced + rows(m, SECTION_BLOCKS);
    for (size_t i = 0; i < all; i++) {
        struct husk__record_row *at =
            &records[(i < traced ? sites[i] : blocks[i - traced].site) & SITE_RECORD];
        if (at != records) {
            at->born_count++;
            at->born_bytes += i < traced ? size_of(m, i) : blocks[i - traced].size;
        }
    }
    for (size_t r = 1; r < rows(m, SECTION_RECORDS); r++) {
        records[r].peak_count = records[r].born_count + r % 3;
        records[r].peak_bytes = records[r].born_bytes + r % 3 * 16;
        records[r].died_count = r % 5;
        records[r].died_bytes = r % 5 * 16;
        records[r].born_count += records[r].died_count;
        records[r].born_bytes += records[r].died_bytes;
        records[r].temporary = records[r].died_count / 2;
    }
}

/* ---- what every snapshot has ---- */

static void meta(struct maker *m, const char *key, const char *value, size_t length)
{
    uint32_t k = str(m, key), v = text(m, value, length);
    *ROW(m, META) = (struct husk__meta){ k, v };
}

static void number(struct maker *m, const char *group, const char *name, uint64_t value)
{
    m->failed = m->failed || !husk__snap_number(m->snapshot, group, name, value);
}

static struct husk_snapshot *finish(struct maker *m)
{
    if (m->failed) {
        husk_snapshot_free(m->snapshot);
        return NULL;
    }
    husk__snap_settle(m->snapshot);
    return m->snapshot;
}

static void about(struct maker *m)
{
    meta(m, "husk", "0.1.0", 5);
    meta(m, "time", "2024-02-29T12:34:56Z", 20);
    meta(m, "command", ODD_FILE, ODD_LENGTH(ODD_FILE));
    meta(m, "pid", "4242", 4);
    meta(m, "heap", "sample", 6);
    number(m, "heap", "objects", SAMPLE_NODES);
    number(m, "heap", "live_bytes", 5 * SAMPLE_GIB + SAMPLE_NODE_BYTES_LESS);
    number(m, "trace", "limit", 16);
    number(m, "trace", "sample_bytes", 0);
    number(m, "trace", "now_ns", 3000000000u);
    number(m, "process", "rss", 123 * 4096);
    number(m, "system", "total", UINT64_MAX);
    *ROW(m, CLASSES) = (struct husk__class_row){ 48, 1, 1, 42, 1322, 1, 48 * 42 };
    *ROW(m, CLASSES) = (struct husk__class_row){ 64, 0, 1, 3, 10, 1011, 64 * 3 };
    *ROW(m, CLASSES) = (struct husk__class_row){ 0, 1, 81921, 1, 0, 0, 5 * SAMPLE_GIB };
    *ROW(m, PASSES) = (struct husk__pass_row){
        .kind = 0, .passes = 3, .examined = 90, .collected = 12, .find_ns = 5000, .longest_ns = 3000
    };
    *ROW(m, PASSES) = (struct husk__pass_row){ .kind = 1,
                                               .reason = 1,
                                               .passes = 1,
                                               .examined = 40,
                                               .collected = 10,
                                               .find_ns = 3000,
                                               .longest_ns = 3000 };
    *ROW(m, PASSES) = (struct husk__pass_row){ .kind = 1,
                                               .reason = 0,
                                               .passes = 1,
                                               .examined = 50,
                                               .collected = 2,
                                               .find_ns = 2000,
                                               .longest_ns = 2000 };
    uint32_t path = str(m, "/usr/lib/libdemo.so"), code = str(m, "r-xp"), data = str(m, "rw-p");
    *ROW(m, MAPS) =
        (struct husk__map_row){ 0x7F0000001000, 0x7F0000009000, 0x8000, 0x2000, 0, 0, path, code };
    *ROW(m, MAPS) =
        (struct husk__map_row){ 0x7F1200000000, 0x7F1200100000, 0x10000, 0x10000, 0x10000, 4096, 0, data };
}

/* ---- the sample ---- */

enum { T_UNKNOWN, T_NODE, T_LIST, T_WIDE, T_WEAK_BOX, T_WEAK_MAP, T_ODD, T_TEXT, T_UNUSED };

static void sample_types(struct maker *m)
{
    type(m, str(m, "node"), 48, TYPE_ROW_TRACKED);
    field(m, str(m, "left"), EDGE_STRONG, 0);
    field(m, str(m, "right"), EDGE_STRONG, 0);
    field(m, str(m, "label"), EDGE_STRONG, 0);
    type(m, str(m, "list"), 32, TYPE_ROW_TRACKED);
    field(m, 0, EDGE_STRONG, FIELD_INDEXED);
    type(m, str(m, "wide"), 2448, TYPE_ROW_TRACKED);
    wide_fields(m, 300);
    type(m, str(m, "weak box"), 32, TYPE_ROW_WEAK);
    field(m, str(m, "target"), EDGE_WEAK, 0);
    type(m, str(m, "weak map"), 96, TYPE_ROW_TRACKED | TYPE_ROW_WEAK);
    field(m, str(m, "key"), EDGE_WEAK, FIELD_INDEXED);
    field(m, str(m, "value"), EDGE_EPHEMERON, FIELD_INDEXED);
    type(m, text(m, ODD_NAME, ODD_LENGTH(ODD_NAME)), 64, TYPE_ROW_FINALIZE);
    type(m, str(m, "text"), 32, 0);
    type(m, str(m, "unused"), 16, TYPE_ROW_TRACKED);
    field(m, str(m, "never"), EDGE_STRONG, 0);
}

static void sample_places(struct maker *m)
{
    uint32_t worker = str(m, "work;er"), first = str(m, "main");
    *ROW(m, THREADS) = (struct husk__thread){ 4242, first, 0 };
    *ROW(m, THREADS) = (struct husk__thread){ 4243, worker, 0 };
    *ROW(m, EPOCHS) = (struct husk__epoch){ 0, 0, 0 };
    uint32_t loaded = str(m, "loaded");
    *ROW(m, EPOCHS) = (struct husk__epoch){ 1000000000, loaded, 0 };
    *ROW(m, EPOCHS) = (struct husk__epoch){ 2500000000u, 0, 0 };
    uint32_t library = str(m, "/usr/lib/libdemo.so"), build = str(m, "0123456789abcdef");
    uint32_t program = str(m, "/usr/bin/demo");
    *ROW(m, MODULES) = (struct husk__module){ library, build, 0x7F0000001000, 0x7F0000009000, 0x1000 };
    *ROW(m, MODULES) = (struct husk__module){ program, 0, 0x550000001000, 0x550000020000, 0x1000 };

    uint32_t c = str(m, "main.c"), script = str(m, "script.lua"), load = str(m, "load");
    uint32_t serve = str(m, "serve"), alloc = str(m, "demo_alloc");
    uint32_t f_main = frame(m, c, first, 10, FRAME_EXPLICIT, 0, 0);
    uint32_t f_load = frame(m, c, load, 20, FRAME_EXPLICIT, 0, 0);
    uint32_t f_later = frame(m, c, load, 25, FRAME_EXPLICIT, 0, 0);
    uint32_t f_alloc = frame(m, 0, alloc, 0, FRAME_NATIVE, 1, 0x7F0000001234);
    uint32_t f_serve = frame(m, script, serve, 7, FRAME_LANGUAGE, 0, 0);
    uint32_t f_a = frame(m, script, str(m, "a"), 1, FRAME_LANGUAGE, 0, 0);
    uint32_t f_b = frame(m, script, str(m, "b"), 2, FRAME_LANGUAGE, 0, 0);
    uint32_t odd_file = text(m, ODD_FILE, ODD_LENGTH(ODD_FILE));
    uint32_t odd_function = text(m, ODD_FUNCTION, ODD_LENGTH(ODD_FUNCTION));
    uint32_t f_odd = frame(m, odd_file, odd_function, 3, FRAME_LANGUAGE, 0, 0);
    uint32_t f_nameless = frame(m, 0, 0, 0, FRAME_NATIVE, 2, 0x550000004321);

    uint32_t s_main = stack(m, 0, f_main, 0);
    uint32_t s_load = stack(m, s_main, f_load, 0);
    uint32_t s_later = stack(m, s_main, f_later, 0);
    uint32_t s_alloc = stack(m, s_load, f_alloc, 0);
    uint32_t s_a = stack(m, s_main, f_a, 0);
    uint32_t s_ba = stack(m, s_a, f_b, 0);
    uint32_t s_aba = stack(m, s_ba, f_a, 0);
    uint32_t s_serve = stack(m, 0, f_serve, 11);
    uint32_t s_odd = stack(m, s_serve, f_odd, 11);
    uint32_t s_nameless = stack(m, s_serve, f_nameless, UINT32_MAX);

    uint32_t plain = context(m, "", "", 1), loading = context(m, "load", "", 1);
    uint32_t serving = context(m, "serve", "net", 2), db = context(m, "", "db", 1);
    record(m, s_load, loading);
    record(m, s_alloc, plain);
    record(m, s_aba, db);
    record(m, s_odd, serving);
    record(m, s_nameless, serving);
    record(m, s_load, db);
    record(m, s_a, plain);
    record(m, s_later, loading);
    record(m, s_later, db);
}

static void sample_site(struct maker *m, uint32_t in_record, uint32_t epoch)
{
    *ROW(m, NODE_SITE) = site_of(in_record, epoch);
}

static void sample_nodes(struct maker *m)
{
    const uint64_t at = 0x7F1200000000, step = 0x1000;
    const uint8_t tracked = NODE_TRACKED;
    node(m, at, T_NODE, 48, 1, 2, tracked | NODE_WEAKLY), sample_site(m, 1, 0);
    edge(m, 1, 0), edge(m, 2, 1);
    node(m, at + 1 * step, T_NODE, 48, 0, 2, tracked | NODE_WEAKLY), sample_site(m, 1, 0);
    edge(m, 3, 0), edge(m, 4, 1);
    node(m, at + 2 * step, T_NODE, 48, 0, 2, tracked), sample_site(m, 1, 1);
    edge(m, 0, 0), edge(m, 9, 2);
    node(m, at + 3 * step, T_NODE, 48, 0, 1, tracked), sample_site(m, 3, 1);
    edge(m, 3, 0);
    node(m, at + 4 * step, T_NODE, 48, 0, 0, tracked | NODE_WEAKLY), sample_site(m, 2, 0);
    node(m, at + 5 * step, T_LIST, 2432, 70000, 300, tracked), sample_site(m, 2, 1);
    for (uint32_t i = 0; i < 300; i++)
        edge_at(m, 10 + i % 20, 0, i);
    node(m, at + 6 * step, T_WIDE, 2448, 1, 4, tracked), sample_site(m, 6, 1);
    edge(m, 1, 0), edge(m, 7, 249), edge_at(m, 8, FIELD_LAST, 250), edge_at(m, 9, FIELD_LAST, 299);
    node(m, at + 7 * step, T_ODD, 64, -1, 0, NODE_FINALIZED | NODE_PENDING), sample_site(m, 4, 2);
    node(m, at + 8 * step, T_ODD, 5 * SAMPLE_GIB, 0, 0, NODE_FROZEN), sample_site(m, 4, 2);
    uint64_t beyond = at + (6 * SAMPLE_GIB);
    node(m, beyond, T_TEXT, 64, 0, 0, NODE_WEAKLY), sample_site(m, 0, 0);
    for (unsigned n = 10; n < 30; n++) {
        node(m, beyond + n * step, T_TEXT, 32 + 16 * (n - 10), 0, 0, 0);
        sample_site(m, n % 2 ? 0 : 5, n % 2 ? 0 : 2);
    }
    node(m, beyond + 30 * step, T_WEAK_BOX, 32, 1, 1, 0), sample_site(m, 0, 0);
    edge(m, 0, 0);
    node(m, beyond + 31 * step, T_WEAK_MAP, 96, 1, 5, tracked), sample_site(m, 7, 0);
    edge_at(m, 1, 0, 3), edge_at(m, 29, 1, 3), edge_at(m, 9, 0, 8), edge_at(m, 31, 1, 8),
        edge_at(m, 4, 0, 12);
    node(m, beyond + 32 * step, T_LIST, 96, 65535, 2, tracked), sample_site(m, 1, 2);
    edge_at(m, 5, 0, 2), edge_at(m, 6, 0, 4000000000u);
    node(m, beyond + 33 * step, T_TEXT, 32, 0, 0, NODE_IMMORTAL), sample_site(m, 0, 0);
    node(m, beyond + 34 * step, T_UNKNOWN, 16, 2, 0, 0), sample_site(m, 0, 0);
    for (unsigned n = 35; n < SAMPLE_NODES; n++) {
        node(m, beyond + n * step, T_NODE, 48, 0, 1, tracked), sample_site(m, 8, 0);
        edge(m, n + 1 < SAMPLE_NODES ? n + 1 : 35, 0);
    }
}

struct husk_snapshot *sample_snapshot(void)
{
    struct maker m = { .snapshot = husk__snap_new(0) };
    if (!m.snapshot)
        return NULL;
    about(&m);
    sample_types(&m);
    sample_places(&m);
    sample_nodes(&m);
    block(&m, 0x7F0100000000, 1000, site_of(2, 1), BLOCK_BUFFER);
    block(&m, 0x7F0100001000, 24, site_of(6, 1), BLOCK_BUFFER);
    block(&m, 0x7F0100002000, 4096, 0, BLOCK_BUFFER);
    block(&m, 0x550100000000, 500, site_of(7, 0), BLOCK_FOREIGN);
    block(&m, 0x7E0000000000, 6 * SAMPLE_GIB, site_of(4, 2), BLOCK_FOREIGN);
    block(&m, 0x550100000200, 1, site_of(7, 2), BLOCK_FOREIGN);
    figure_records(&m);
    return finish(&m);
}

/* ---- random ones ---- */

enum { R_UNKNOWN, R_PAIR, R_ARRAY, R_WIDE, R_WEAK, R_MAP, R_LEAF, R_TYPES };

static uint32_t random_text(struct maker *m, random64 *r, unsigned below)
{
    char bytes[24];
    size_t length = random_below(r, sizeof bytes);
    uint64_t seed = random_below(r, below ? below : 1);
    random64 of = random_from(seed);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)random_below(&of, seed % 4 ? 26 : 256);
    for (size_t i = 0; seed % 4 && i < sizeof bytes; i++)
        bytes[i] = (char)(bytes[i] + 'a');
    return text(m, bytes, length);
}

static void random_types(struct maker *m, random64 *r)
{
    for (uint32_t t = R_PAIR; t < R_TYPES; t++) {
        type(m, strf(m, "random%u", t), 16 + random_below(r, 100), t % 2 ? TYPE_ROW_TRACKED : 0);
        if (t == R_PAIR)
            field(m, str(m, "car"), EDGE_STRONG, 0), field(m, str(m, "cdr"), EDGE_STRONG, 0);
        else if (t == R_ARRAY)
            field(m, 0, EDGE_STRONG, FIELD_INDEXED);
        else if (t == R_WIDE)
            wide_fields(m, 260 + random_below(r, 100));
        else if (t == R_WEAK)
            field(m, 0, EDGE_WEAK, 0);
        else if (t == R_MAP)
            field(m, str(m, "key"), EDGE_WEAK, FIELD_INDEXED),
                field(m, str(m, "value"), EDGE_EPHEMERON, FIELD_INDEXED);
    }
}

static void random_places(struct maker *m, random64 *r, size_t sites)
{
    unsigned some = 3 + (unsigned)sites / 2;
    for (unsigned i = 1 + random_below(r, 3); i; i--) {
        uint32_t name = random_text(m, r, 8);
        *ROW(m, THREADS) = (struct husk__thread){ random_next(r), name, 0 };
    }
    for (unsigned i = 0; i < 4; i++) {
        uint32_t path = random_text(m, r, 20), build = random_text(m, r, 20);
        *ROW(m, MODULES) =
            (struct husk__module){ path, build, i * 0x10000 + 0x1000, i * 0x10000 + 0x9000, 0 };
    }
    for (unsigned i = 1 + random_below(r, 5), at = 0; i; i--, at += random_below(r, 1000)) {
        uint32_t mark = random_below(r, 3) ? 0 : random_text(m, r, 20);
        *ROW(m, EPOCHS) = (struct husk__epoch){ at, mark, 0 };
    }
    for (unsigned i = 0; i < some; i++) {
        uint32_t file = random_text(m, r, some), function = random_text(m, r, some),
                 kind = random_below(r, 3);
        frame(m, file, function, random_below(r, 50), kind, kind == FRAME_NATIVE ? random_below(r, 5) : 0,
              kind == FRAME_NATIVE ? random_below(r, 1u << 30) : 0);
    }
    for (unsigned i = 0; i < 2 * some; i++) {
        uint32_t parent = random_below(r, (uint32_t)rows(m, SECTION_STACKS)), cut = random_below(r, 4);
        stack(m, parent, random_below(r, (uint32_t)rows(m, SECTION_FRAMES)), cut == 3 ? UINT32_MAX : cut);
    }
    static const char *const names[] = { "", "red", "green", "blue" };
    for (unsigned i = 0; i < 6; i++)
        context(m, names[random_below(r, 4)], names[random_below(r, 4)],
                random_below(r, (uint32_t)rows(m, SECTION_THREADS)));
    for (size_t i = 0; i < sites; i++)
        record(m, random_below(r, (uint32_t)rows(m, SECTION_STACKS)), random_below(r, 7));
}

static uint32_t random_site(const struct maker *m, random64 *r)
{
    uint32_t in = m->failed ? 0 : random_below(r, (uint32_t)rows(m, SECTION_RECORDS));
    return in ? site_of(in, random_below(r, (uint32_t)rows(m, SECTION_EPOCHS))) : 0;
}

static void random_edges(struct maker *m, random64 *r, uint32_t of, size_t degree, size_t nodes)
{
    size_t wide = m->failed ? 261 : ((struct husk__type_row *)table(m, SECTION_TYPES))[R_WIDE].field_count;
    for (size_t e = 0; e < degree; e++) {
        size_t to = random_below(r, (uint32_t)nodes);
        uint32_t slot = random_below(r, (uint32_t)wide - 1);
        if (of == R_PAIR)
            edge(m, to, (uint8_t)(e % 2));
        else if (of == R_ARRAY)
            edge_at(m, to, 0, (uint32_t)e * 2);
        else if (of == R_WIDE && slot < FIELD_LAST)
            edge(m, to, (uint8_t)slot);
        else if (of == R_WIDE)
            edge_at(m, to, FIELD_LAST, slot);
        else if (of == R_MAP)
            edge_at(m, to, e % 2, (uint32_t)e / 2); /* key, value, key ... */
        else
            edge(m, to, 0); /* R_WEAK */
    }
}

struct husk_snapshot *sample_snapshot_random(uint64_t seed, size_t nodes, size_t edges, size_t sites)
{
    struct maker m = { .snapshot = husk__snap_new(0) };
    if (!m.snapshot)
        return NULL;
    random64 r = random_from(seed);
    meta(&m, "husk", "0", 1);
    number(&m, "heap", "objects", nodes);
    random_types(&m, &r);
    if (sites)
        random_places(&m, &r, sites);
    uint64_t address = (uint64_t)(1 + random_below(&r, 1u << 30)) << 4;
    for (size_t n = 0; n < nodes; n++) {
        /* What is left, dealt out evenly on average; all of it to the last, and in between a lot at once. */
        size_t even = 2 * (edges - m.edges) / (nodes - n);
        size_t degree = n + 1 == nodes              ? edges - m.edges
                        : random_below(&r, 50) == 0 ? edges - m.edges < 600 ? edges - m.edges : 600
                                                    : random_below(&r, (uint32_t)even + 1);
        uint32_t of = degree ? R_PAIR + random_below(&r, R_LEAF - R_PAIR) : random_below(&r, R_TYPES);
        uint32_t chance = random_below(&r, 100);
        /* Large ones are fewer among many: addresses end at 2^48. */
        bool large = chance == 0 && random_below(&r, (uint32_t)(nodes / 1000) + 1) == 0;
        uint64_t size = large ? ((uint64_t)random_below(&r, 1000) << 30) + 0xFFFFFFF0u
                              : (uint64_t)16 * (1 + random_below(&r, 100));
        int64_t hidden = chance == 1   ? -(int64_t)random_below(&r, 100)
                         : chance == 2 ? 65530 + random_below(&r, 10)
                                       : (int64_t)(chance / 50);
        uint8_t flags = (uint8_t)random_below(&r, 64);
        node(&m, address, of, size, flags & NODE_IMMORTAL ? 0 : hidden, degree, flags);
        address += size + 16 * (size_t)random_below(&r, 20);
        random_edges(&m, &r, of, degree, nodes);
        if (sites)
            *ROW(&m, NODE_SITE) = random_site(&m, &r);
    }
    for (size_t b = sites ? random_below(&r, 20) : 0; b; b--)
        block(&m, random_next(&r), random_below(&r, 1u << 20), random_site(&m, &r), 1 + random_below(&r, 2));
    figure_records(&m);
    return finish(&m);
}

/* ---- a pair ---- */

static const struct pair_place {
    const char *function;
    uint32_t line;
    struct {
        unsigned count;
        uint32_t size;
    } at[2];
} pair_places[] = {
    { "grow", 1, { { 10, 100 }, { 30, 100 } } }, { "shrink", 2, { { 20, 200 }, { 5, 200 } } },
    { "same", 3, { { 7, 50 }, { 7, 50 } } },     { "gone", 4, { { 4, 1000 }, { 0, 0 } } },
    { "fresh", 5, { { 0, 0 }, { 6, 500 } } },    { "swap", 6, { { 4, 100 }, { 2, 200 } } },
};
enum { PAIR_PLACES = sizeof pair_places / sizeof *pair_places };

static struct husk_snapshot *one_of_pair(unsigned which)
{
    struct maker m = { .snapshot = husk__snap_new(0) };
    if (!m.snapshot)
        return NULL;
    if (which)
        meta(&m, "comment", "the newer one", 13);
    type(&m, str(&m, "thing"), 32, 0);
    *ROW(&m, EPOCHS) = (struct husk__epoch){ 0, 0, 0 };
    uint32_t file = str(&m, "app.c");
    uint32_t caller = stack(&m, 0, frame(&m, file, str(&m, "main"), 100, FRAME_EXPLICIT, 0, 0), 0);
    uint64_t address = which ? 0x20000000 : 0x10000000;
    for (size_t i = 0; i < PAIR_PLACES; i++) {
        const struct pair_place *place = &pair_places[which ? PAIR_PLACES - 1 - i : i];
        if (!place->at[which].count)
            continue;
        uint32_t f = frame(&m, file, str(&m, place->function), place->line, FRAME_EXPLICIT, 0, 0);
        uint32_t site = site_of(record(&m, stack(&m, caller, f, 0), 0), 0);
        for (unsigned n = 0; n < place->at[which].count; n++, address += 1024) {
            node(&m, address, 1, place->at[which].size, 1, 0, 0);
            *ROW(&m, NODE_SITE) = site;
        }
    }
    figure_records(&m);
    return finish(&m);
}

void sample_snapshot_pair(struct husk_snapshot **older, struct husk_snapshot **newer)
{
    *older = one_of_pair(0);
    *newer = one_of_pair(1);
}
