/* view/export_openmetrics.c: OpenMetrics text (github.com/prometheus/OpenMetrics, specification 1.0): what Prometheus and its
 * relatives collect. Each figure of the snapshot is a gauge husk_<group>_<name>_<unit>, in bytes, seconds and ratios.
 * The sums over all passes are counters. Types: the largest by bytes, and the sum of the others in families of its
 * own, so that no type's name can be mistaken for it. */
#include "view/export.h"
#include "view/sort.h"

#include <string.h>

static const struct husk__escape escape = {
    .of = { ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n" },
    .control = "\\\\x",
    .odd = "\\\\x",
};

enum { TYPES_SHOWN = 100, NAME_ROOM = 120 };

struct metrics {
    const struct husk_snapshot *snapshot;
    struct husk__out *out;
};

/* The head of a family. unit: "" or "bytes" or "seconds", which its name then ends in. */
static void put_family(struct metrics *m, const char *name, const char *kind, const char *unit,
                       const char *help)
{
    husk__out_format(m->out, "# TYPE %s %s\n", name, kind);
    if (*unit)
        husk__out_format(m->out, "# UNIT %s %s\n", name, unit);
    husk__out_format(m->out, "# HELP %s ", name);
    husk__out_text(m->out, help);
    husk__out_char(m->out, '\n');
}

static void put_seconds(struct metrics *m, uint64_t ns)
{
    husk__out_format(m->out, "%llu.%09llu", (unsigned long long)(ns / 1000000000u),
                     (unsigned long long)(ns % 1000000000u));
}

static void put_plain(struct metrics *m, const char *name, const char *unit, const char *help, uint64_t value)
{
    put_family(m, name, "gauge", unit, help);
    husk__out_format(m->out, "%s %llu\n", name, (unsigned long long)value);
}

/* ---- figures ---- */

static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

static struct husk__figure_kind kind_of(const struct metrics *m, const struct husk__number *number)
{
    return husk__figure_kind(husk__snap_text(m->snapshot, number->group, NULL),
                             husk__snap_text(m->snapshot, number->name, NULL));
}

/* husk_<group>_<name>_<unit> in the characters that names may have; false: too long. */
static bool name_of(const struct metrics *m, const struct husk__number *number, char name[NAME_ROOM])
{
    static const char *const units[] = { [FIGURE_COUNT] = "",
                                         [FIGURE_BYTES] = "_bytes",
                                         [FIGURE_NANOSECONDS] = "_seconds",
                                         [FIGURE_MICROSECONDS] = "_seconds",
                                         [FIGURE_PER_10000] = "_ratio" };
    const uint32_t parts[] = { number->group, number->name };
    size_t used = 4;
    memcpy(name, "husk", used);
    for (size_t p = 0; p < 2; p++) {
        size_t length;
        const char *text = husk__snap_text(m->snapshot, parts[p], &length);
        if (used + 1 + length + sizeof "_seconds" > NAME_ROOM)
            return false;
        name[used++] = '_';
        for (size_t i = 0; i < length; i++) {
            bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
                         (text[i] >= '0' && text[i] <= '9');
            name[used++] = plain ? text[i] : '_';
        }
    }
    name[used] = 0;
    if (ends_in(name, "_ns"))
        name[used -= 3] = 0;
    const char *unit = units[kind_of(m, number).unit];
    if (!ends_in(name, unit))
        strcpy(name + used, unit);
    return true;
}

/* A name that an earlier figure has: there may be no family twice. */
static bool is_taken(const struct metrics *m, size_t index, const char *name)
{
    char other[NAME_ROOM];
    for (size_t i = 0; i < index; i++)
        if (name_of(m, &SNAP(m->snapshot, NUMBERS)[i], other) && strcmp(name, other) == 0)
            return true;
    return false;
}

static void put_figures(struct metrics *m)
{
    static const char *const units[] = { [FIGURE_COUNT] = "",
                                         [FIGURE_BYTES] = "bytes",
                                         [FIGURE_NANOSECONDS] = "seconds",
                                         [FIGURE_MICROSECONDS] = "seconds",
                                         [FIGURE_PER_10000] = "ratio" };
    char name[NAME_ROOM];
    for (size_t i = 0; i < SNAP_COUNT(m->snapshot, NUMBERS); i++) {
        const struct husk__number *number = &SNAP(m->snapshot, NUMBERS)[i];
        if (!name_of(m, number, name) || is_taken(m, i, name))
            continue;
        struct husk__figure_kind kind = kind_of(m, number);
        put_family(m, name, "gauge", units[kind.unit], kind.text ? kind.text : "a figure of the snapshot");
        husk__out_format(m->out, "%s ", name);
        if (kind.unit == FIGURE_NANOSECONDS)
            put_seconds(m, number->value);
        else if (kind.unit == FIGURE_MICROSECONDS)
            husk__out_format(m->out, "%llu.%06llu", (unsigned long long)(number->value / 1000000u),
                             (unsigned long long)(number->value % 1000000u));
        else if (kind.unit == FIGURE_PER_10000)
            husk__out_format(m->out, "%llu.%04llu", (unsigned long long)(number->value / 10000u),
                             (unsigned long long)(number->value % 10000u));
        else
            husk__out_u64(m->out, number->value);
        husk__out_char(m->out, '\n');
    }
}

/* ---- what is in the snapshot ---- */

static void put_counts(struct metrics *m)
{
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(m->snapshot, &counts);
    put_plain(m, "husk_snapshot_objects", "", "Objects alive.", counts.objects);
    put_plain(m, "husk_snapshot_object_bytes", "bytes", "Their blocks.", counts.object_bytes);
    put_plain(m, "husk_snapshot_references", "", "Strong references between them.", counts.edges);
    put_plain(m, "husk_snapshot_weak_references", "", "Weak ones, and entries of weak-key maps.",
              counts.weak_edges);
    put_plain(m, "husk_snapshot_buffers", "", "Buffers of objects.", counts.buffers);
    put_plain(m, "husk_snapshot_buffer_bytes", "bytes", "Their bytes.", counts.buffer_bytes);
    put_plain(m, "husk_snapshot_blocks", "", "Traced blocks that are no objects.", counts.blocks);
    put_plain(m, "husk_snapshot_block_bytes", "bytes", "Their bytes.", counts.block_bytes);
}

static void put_info(struct metrics *m)
{
    static const char *const keys[] = { "husk", "time", "pid", "heap" };
    bool first = true;
    put_family(m, "husk_snapshot", "info", "", "Where these figures are from.");
    husk__out_text(m->out, "husk_snapshot_info{");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = husk_snapshot_text(m->snapshot, keys[i]);
        if (!text)
            continue;
        husk__out_format(m->out, "%s%s=\"", first ? "" : ",", keys[i]);
        husk__out_escaped(m->out, &escape, text, strlen(text));
        husk__out_char(m->out, '"');
        first = false;
    }
    husk__out_text(m->out, "} 1\n");
}

/* ---- passes ---- */

static void put_counter(struct metrics *m, const char *name, const char *help, uint64_t value)
{
    put_family(m, name, "counter", "", help);
    husk__out_format(m->out, "%s_total %llu\n", name, (unsigned long long)value);
}

static void put_time(struct metrics *m, const char *name, const char *help, uint64_t ns)
{
    put_family(m, name, "counter", "seconds", help);
    husk__out_format(m->out, "%s_total ", name);
    put_seconds(m, ns);
    husk__out_char(m->out, '\n');
}

static void put_passes(struct metrics *m)
{
    struct husk__pass_row all = { 0 };
    bool any = false;
    for (size_t i = 0; i < SNAP_COUNT(m->snapshot, PASSES); i++) {
        const struct husk__pass_row *row = &SNAP(m->snapshot, PASSES)[i];
        if (row->kind != 0)
            continue;
        any = true;
        all.passes += row->passes;
        all.examined += row->examined;
        all.collected += row->collected;
        all.uncollectable += row->uncollectable;
        all.finalized += row->finalized;
        all.resurrected += row->resurrected;
        all.weak_cleared += row->weak_cleared;
        all.bytes += row->bytes;
        all.find_ns += row->find_ns;
        all.finalize_ns += row->finalize_ns;
        all.reclaim_ns += row->reclaim_ns;
    }
    if (!any)
        return;
    put_counter(m, "husk_collector_passes", "Passes of the cycle collector.", all.passes);
    put_counter(m, "husk_collector_examined", "Objects they looked at.", all.examined);
    put_counter(m, "husk_collector_collected", "Objects they ended.", all.collected);
    put_counter(m, "husk_collector_uncollectable", "Garbage they could not end.", all.uncollectable);
    put_counter(m, "husk_collector_finalized", "Finalizers they ran.", all.finalized);
    put_counter(m, "husk_collector_resurrected", "Objects that finalizers brought back.", all.resurrected);
    put_counter(m, "husk_collector_weak_cleared", "Weak references they cleared.", all.weak_cleared);
    put_family(m, "husk_collector_collected_bytes", "counter", "bytes", "Bytes of the objects they ended.");
    husk__out_format(m->out, "husk_collector_collected_bytes_total %llu\n", (unsigned long long)all.bytes);
    put_time(m, "husk_collector_find_seconds", "Time spent in finding garbage.", all.find_ns);
    put_time(m, "husk_collector_finalize_seconds", "Time spent in finalizers.", all.finalize_ns);
    put_time(m, "husk_collector_reclaim_seconds", "Time spent in giving back.", all.reclaim_ns);
}

/* ---- types ---- */

struct type_sum {
    uint32_t name; /* string: types of one name are one, whatever number they have */
    uint64_t objects, bytes;
};

/* By name; the answer is how many; 0 and *failed: no memory. */
static size_t sum_types(struct metrics *m, struct husk__pool *pool, struct type_sum *sums, bool *failed)
{
    size_t types = SNAP_COUNT(m->snapshot, TYPES);
    struct type_sum *by_type = POOL_NEW(pool, struct type_sum, types);
    struct husk__pair *pairs = by_type ? POOL_NEW(pool, struct husk__pair, types) : NULL;
    *failed = !pairs;
    if (*failed)
        return 0;
    for (size_t n = 0; n < SNAP_COUNT(m->snapshot, NODES); n++) {
        struct type_sum *sum = &by_type[husk__node_type(&SNAP(m->snapshot, NODES)[n])];
        sum->objects++;
        sum->bytes += husk__node_size(m->snapshot, n);
    }
    for (size_t t = 0; t < types; t++)
        pairs[t] = (struct husk__pair){ SNAP(m->snapshot, TYPES)[t].name, (uint32_t)t };
    *failed = !husk__sort_pairs(pool, pairs, types);
    size_t count = 0;
    for (size_t i = 0; !*failed && i < types; i++) {
        const struct type_sum *sum = &by_type[pairs[i].item];
        if (!sum->objects)
            continue;
        if (!count || sums[count - 1].name != pairs[i].key)
            sums[count++] = (struct type_sum){ (uint32_t)pairs[i].key, 0, 0 };
        sums[count - 1].objects += sum->objects;
        sums[count - 1].bytes += sum->bytes;
    }
    for (size_t i = 0; !*failed && i < count; i++)
        pairs[i] = (struct husk__pair){ ~sums[i].bytes, (uint32_t)i };
    *failed = *failed || !husk__sort_pairs(pool, pairs, count);
    for (size_t i = 0; !*failed && i < count; i++)
        by_type[i] = sums[pairs[i].item];
    if (!*failed)
        memcpy(sums, by_type, count * sizeof *sums);
    return count;
}

static void put_type_row(struct metrics *m, const char *family, const struct type_sum *sum, uint64_t value)
{
    husk__out_format(m->out, "%s{type=\"", family);
    husk__out_string(m->out, &escape, m->snapshot, sum->name);
    husk__out_format(m->out, "\"} %llu\n", (unsigned long long)value);
}

static void put_types(struct metrics *m, const struct type_sum *sums, size_t count, size_t most)
{
    struct type_sum rest = { 0 };
    size_t shown = count < most ? count : most;
    for (size_t i = shown; i < count; i++) {
        rest.objects += sums[i].objects;
        rest.bytes += sums[i].bytes;
    }
    put_plain(m, "husk_types", "", "Types with objects.", count);
    put_family(m, "husk_type_objects", "gauge", "", "Objects alive of a type, the largest types by bytes.");
    for (size_t i = 0; i < shown; i++)
        put_type_row(m, "husk_type_objects", &sums[i], sums[i].objects);
    put_family(m, "husk_type_bytes", "gauge", "bytes", "Bytes of their blocks.");
    for (size_t i = 0; i < shown; i++)
        put_type_row(m, "husk_type_bytes", &sums[i], sums[i].bytes);
    put_plain(m, "husk_other_types", "", "Types that are not among these.", count - shown);
    put_plain(m, "husk_other_types_objects", "", "Objects alive of the other types.", rest.objects);
    put_plain(m, "husk_other_types_bytes", "bytes", "Bytes of their blocks.", rest.bytes);
}

husk_status husk__export_openmetrics(struct husk__export *export)
{
    struct metrics m = { export->snapshot, export->out };
    struct husk__pool pool = { .count = 0 };
    struct type_sum *sums = POOL_NEW(&pool, struct type_sum, SNAP_COUNT(m.snapshot, TYPES));
    bool failed = !sums;
    size_t count = sums ? sum_types(&m, &pool, sums, &failed) : 0;
    if (!failed) {
        put_info(&m);
        put_counts(&m);
        put_types(&m, sums, count, export->options->top ? export->options->top : TYPES_SHOWN);
        put_passes(&m);
        put_figures(&m);
        husk__out_text(m.out, "# EOF\n");
    }
    husk__pool_free(&pool);
    return failed ? husk__export_no_memory() : HUSK_OK;
}
