/* view/export_text.c: tables to read: what there is, the largest groups as tracemalloc prints them, what the collector did.
 * Rows come from husk/stats.h. */
#include "view/export.h"

#include <husk/stats.h>
#include <string.h>

enum { ROWS_SHOWN = 10, TRACEBACKS_SHOWN = 5, ROOM = 1024 };

struct page {
    const struct husk_snapshot *snapshot;
    struct husk__out *out;
    size_t top; /* 0: as usual */
    bool failed;
};

/* A text of husk/stats.h, which says how long it is: from the stack if it is short. */
#define PUT_TEXT(page, call)                                                                                 \
    do {                                                                                                     \
        char text[ROOM], *at = text;                                                                         \
        size_t room = sizeof text, length = call;                                                            \
        if (length >= room && (at = husk__raw_new(length + 1))) {                                            \
            room = length + 1;                                                                               \
            length = call;                                                                                   \
        }                                                                                                    \
        if (at)                                                                                              \
            husk__out_escaped((page)->out, &lines_escape, at, length);                                       \
        (page)->failed = (page)->failed || !at;                                                              \
        if (at && at != text)                                                                                \
            husk__raw_free(at, room);                                                                        \
    } while (0)

static const struct husk__escape lines_escape = { .of = { ['\n'] = "\n" }, .control = "\\x", .odd = "\\x" };

static void put_string(struct page *page, const char *text)
{
    husk__out_escaped(page->out, &husk__plain_escape, text, strlen(text));
}

static void put_size(struct page *page, uint64_t bytes)
{
    char text[64];
    (void)husk_size_text((double)bytes, false, text, sizeof text);
    husk__out_text(page->out, text);
}

static void put_amount(struct page *page, const char *before, size_t count, const char *what, uint64_t bytes)
{
    husk__out_format(page->out, "%s%zu %s (", before, count, what);
    put_size(page, bytes);
    husk__out_char(page->out, ')');
}

/* ---- the head ---- */

static void put_head(struct page *page)
{
    husk_snapshot_counts counts;
    const char *key;
    for (size_t i = 0; (key = husk_snapshot_text_key(page->snapshot, i)); i++) {
        put_string(page, key);
        husk__out_text(page->out, ": ");
        put_string(page, husk_snapshot_text(page->snapshot, key));
        husk__out_char(page->out, '\n');
    }
    husk_snapshot_counts_get(page->snapshot, &counts);
    put_amount(page, "", counts.objects, "objects", counts.object_bytes);
    put_amount(page, ", ", counts.buffers, "buffers", counts.buffer_bytes);
    put_amount(page, ", ", counts.blocks, "blocks", counts.block_bytes);
    husk__out_format(page->out, "; %zu references, %zu weak\n", counts.edges, counts.weak_edges);
}

/* ---- groups ---- */

static husk_status put_groups(struct page *page, int by)
{
    husk_stats *stats;
    husk_status status = husk__export_groups(page->snapshot, by, false, NULL, &stats);
    if (status != HUSK_OK)
        return status;
    bool tracebacks = by == HUSK_BY_TRACEBACK;
    size_t rows = husk_stats_count(stats), usual = tracebacks ? TRACEBACKS_SHOWN : ROWS_SHOWN;
    size_t shown = page->top ? page->top : usual;
    if (shown > rows)
        shown = rows;
    husk__out_format(page->out, "\nBy %s, %zu of %zu:\n", husk_stats_by_name(by), shown, rows);
    for (size_t row = 0; row < shown && !page->failed && !page->out->refused; row++) {
        PUT_TEXT(page, husk_stats_row_text(stats, row, at, room));
        husk__out_char(page->out, '\n');
        if (tracebacks)
            PUT_TEXT(page, husk_stats_traceback_text(stats, row, 0, HUSK_TEXT_FUNCTION, at, room));
    }
    if (shown < rows) {
        PUT_TEXT(page, husk_stats_rest_text(stats, shown, at, room));
        husk__out_char(page->out, '\n');
    }
    PUT_TEXT(page, husk_stats_total_text(stats, at, room));
    husk__out_char(page->out, '\n');
    husk_stats_free(stats);
    return page->failed ? husk__export_no_memory() : HUSK_OK;
}

/* ---- figures ---- */

static void put_figures(struct page *page)
{
    husk_snapshot_figure figure;
    const char *group = "";
    for (size_t i = 0; husk_snapshot_figure_at(page->snapshot, i, &figure); i++) {
        if (strcmp(figure.group, group) != 0) {
            husk__out_text(page->out, "\nFigures: ");
            put_string(page, figure.group);
            husk__out_char(page->out, '\n');
            group = figure.group;
        }
        husk__out_format(page->out, "%20llu ", (unsigned long long)figure.value);
        put_string(page, figure.name);
        husk__out_char(page->out, '\n');
    }
    for (size_t i = 0; i < SNAP_COUNT(page->snapshot, PASSES); i++) {
        const struct husk__pass_row *pass = &SNAP(page->snapshot, PASSES)[i];
        if (pass->kind == 0)
            husk__out_format(
                page->out,
                "\nCollector: %llu passes, %llu objects examined, %llu collected, %llu uncollectable\n",
                (unsigned long long)pass->passes, (unsigned long long)pass->examined,
                (unsigned long long)pass->collected, (unsigned long long)pass->uncollectable);
    }
}

husk_status husk__export_text(struct husk__export *export)
{
    struct page page = { export->snapshot, export->out, export->options->top, false };
    int by;
    husk_status status = husk__export_by(export->options, &by);
    if (status != HUSK_OK)
        return status;
    put_head(&page);
    if (export->options->by)
        return put_groups(&page, by);
    status = put_groups(&page, HUSK_BY_TYPE);
    bool traced = SNAP_COUNT(page.snapshot, NODE_SITE) || SNAP_COUNT(page.snapshot, BLOCKS);
    if (status == HUSK_OK && traced)
        status = put_groups(&page, HUSK_BY_LINE);
    if (status == HUSK_OK && traced)
        status = put_groups(&page, HUSK_BY_TRACEBACK);
    if (status == HUSK_OK)
        put_figures(&page);
    return status;
}
