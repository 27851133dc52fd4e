/* view/report.c: one HTML page about one or more snapshots: report.html, which is embedded, with the data in its middle as
 * JSON. docs/exports.md says what the data is.
 *
 * The page is never larger than asked: what it must have is measured first (written to nowhere); of the rest a fifth
 * goes to figures over time, a quarter to tables, and what is left to the tree. Each piece is counted at its
 * longest. */
#include "view/book.h"
#include "view/export.h"
#include "view/page.h"

#include <husk/stats.h>
#include <string.h>

enum {
    SNAPSHOTS_MOST = 1000,
    BYTES_USUAL = 2000000,
    BYTES_LEAST = 100000,
    TEXT_MOST = 200, /* bytes of a text about a snapshot, a title, a name */
    TEXTS_MOST = 40,
    TABLES_MOST = 12,
};

/* A line over time: a figure, or a count of what is in the snapshots. */
struct line {
    uint32_t group, name; /* strings of the book */
};

struct report {
    struct husk__book book;
    struct husk__pool pool;
    const husk_report_options *options;
    struct husk__tree tree;
    struct husk__table tables[TABLES_MOST];
    size_t table_count;
    struct husk__index lines; /* group, name */
    size_t lines_shown;
    husk_snapshot_counts *counts; /* of each snapshot */
};

/* ---- what fits ---- */

size_t husk__digits(uint64_t value)
{
    size_t digits = value > ((uint64_t)1 << 53) - 1 ? 3 : 1; /* with quotes */
    for (; value >= 10; value /= 10)
        digits++;
    return digits;
}

bool husk__budget_take(struct husk__budget *budget, size_t bytes)
{
    if (budget->spent || bytes > budget->left) {
        budget->spent = true;
        return false;
    }
    budget->left -= bytes;
    return true;
}

static bool write_nowhere(const void *bytes, size_t length, void *data)
{
    (void)bytes;
    (void)length;
    (void)data;
    return true;
}

/* ---- names ---- */

static const char *text_of(const struct husk__book *book, uint32_t string, size_t *length)
{
    const uint64_t *off = (const uint64_t *)(const void *)book->strings->own[SECTION_STRING_OFF].at;
    *length = (size_t)(off[string + 1] - off[string]) - 1;
    return book->strings->own[SECTION_STRINGS].at + off[string];
}

uint32_t husk__book_string(struct husk__book *book, const char *bytes, size_t length, bool *failed)
{
    return husk__snap_string(book->strings, bytes, length, failed);
}

size_t husk__book_name_cost(const struct husk__book *book, uint32_t string)
{
    if (book->written[string])
        return 0;
    size_t length;
    const char *text = text_of(book, string, &length);
    return husk__escaped_length(&husk__json_escape, text, length) + 4;
}

bool husk__book_name_use(struct husk__book *book, uint32_t string)
{
    if (book->written[string])
        return true;
    uint32_t *at = husk__grow_add(&book->order, sizeof string);
    if (!at)
        return false;
    *at = string;
    book->written[string] = (uint32_t)(book->order.used / sizeof string);
    return true;
}

uint32_t husk__book_name(const struct husk__book *book, uint32_t string)
{
    return book->written[string] - 1;
}

/* ---- the parts ---- */

static void put_text(struct husk__json *json, const char *text)
{
    size_t length = strlen(text);
    husk__json_string(json, text, length < TEXT_MOST ? length : TEXT_MOST);
}

/* What a page has in any case. */
static void put_about(const struct report *r, struct husk__json *json)
{
    const struct husk__book *book = &r->book;
    husk__json_key(json, "title");
    put_text(json, r->options->title ? r->options->title : "Husk report");
    husk__json_key(json, "made");
    husk__json_open(json, '"');
    husk__out_format(json->out, "husk %s", husk_version());
    husk__json_close(json, '"');
    husk__json_key(json, "names");
    husk__json_open(json, '[');
    for (size_t k = 0; k < book->count; k++) {
        const char *time = husk_snapshot_text(book->snapshots[k], "time");
        const char *name = r->options->names ? r->options->names[k] : NULL;
        put_text(json, name ? name : time ? time : "");
    }
    husk__json_close(json, ']');
    husk__json_key(json, "times");
    husk__json_open(json, '[');
    for (size_t k = 0; k < book->count; k++) {
        const char *time = husk_snapshot_text(book->snapshots[k], "time");
        put_text(json, time ? time : "");
    }
    husk__json_close(json, ']');
    husk__json_key(json, "detail");
    husk__json_open(json, '[');
    for (size_t d = 0; d < book->details; d++)
        husk__json_u64(json, book->detail[d]);
    husk__json_close(json, ']');
    husk__json_key(json, "about");
    husk__json_open(json, '[');
    for (size_t d = 0; d < book->details; d++) {
        const husk_snapshot *snapshot = book->snapshots[book->detail[d]];
        const char *key;
        husk__json_line(json);
        husk__json_open(json, '[');
        for (size_t i = 0; i < TEXTS_MOST && (key = husk_snapshot_text_key(snapshot, i)); i++) {
            husk__json_open(json, '[');
            put_text(json, key);
            put_text(json, husk_snapshot_text(snapshot, key));
            husk__json_close(json, ']');
        }
        husk__json_close(json, ']');
    }
    husk__json_close(json, ']');
}

/* Counts of what the snapshots hold, before the figures that they carry. */
static const struct {
    const char *name;
    size_t offset;
} count_lines[] = {
    { "object_bytes", offsetof(husk_snapshot_counts, object_bytes) },
    { "objects", offsetof(husk_snapshot_counts, objects) },
    { "buffer_bytes", offsetof(husk_snapshot_counts, buffer_bytes) },
    { "buffers", offsetof(husk_snapshot_counts, buffers) },
    { "block_bytes", offsetof(husk_snapshot_counts, block_bytes) },
    { "blocks", offsetof(husk_snapshot_counts, blocks) },
    { "edges", offsetof(husk_snapshot_counts, edges) },
    { "weak_edges", offsetof(husk_snapshot_counts, weak_edges) },
};
enum { COUNT_LINES = sizeof count_lines / sizeof *count_lines };

static void put_line(const struct report *r, struct husk__json *json, size_t number)
{
    const uint64_t *key = husk__index_key(&r->lines, (uint32_t)number);
    size_t length;
    husk__json_line(json);
    husk__json_open(json, '{');
    husk__json_key(json, "group");
    const char *group = text_of(&r->book, (uint32_t)key[0], &length);
    husk__json_string(json, group, length);
    husk__json_key(json, "name");
    const char *name = text_of(&r->book, (uint32_t)key[1], &length);
    husk__json_string(json, name, length);
    static const char *const units[] = { [FIGURE_COUNT] = "",
                                         [FIGURE_BYTES] = "bytes",
                                         [FIGURE_NANOSECONDS] = "ns",
                                         [FIGURE_MICROSECONDS] = "us",
                                         [FIGURE_PER_10000] = "per 10000" };
    husk__json_key(json, "unit");
    husk__json_text(json, units[husk__figure_kind(group, name).unit]);
    husk__json_key(json, "values");
    husk__json_open(json, '[');
    for (size_t k = 0; k < r->book.count; k++) {
        uint64_t value = 0;
        bool known = true;
        if (number < COUNT_LINES)
            memcpy(&value, (const char *)&r->counts[k] + count_lines[number].offset, sizeof(size_t));
        else
            known = husk_snapshot_number(r->book.snapshots[k], group, name, &value) == HUSK_OK;
        if (known)
            husk__json_u64(json, value);
        else
            husk__json_null(json);
    }
    husk__json_close(json, ']');
    husk__json_close(json, '}');
}

static void put_lines(const struct report *r, struct husk__json *json)
{
    husk__json_line(json);
    husk__json_key(json, "lines");
    husk__json_open(json, '[');
    for (size_t i = 0; i < r->lines_shown; i++)
        put_line(r, json, i);
    husk__json_close(json, ']');
    husk__json_key(json, "lines_cut");
    husk__json_u64(json, husk__index_count(&r->lines) - r->lines_shown);
}

static void put_strings(const struct report *r, struct husk__json *json)
{
    const uint32_t *order = (const uint32_t *)(const void *)r->book.order.at;
    husk__json_line(json);
    husk__json_key(json, "strings");
    husk__json_open(json, '[');
    for (size_t i = 0; i < r->book.order.used / sizeof *order; i++) {
        size_t length;
        const char *text = text_of(&r->book, order[i], &length);
        husk__json_string(json, text, length);
    }
    husk__json_close(json, ']');
}

/* ---- gathering ---- */

/* All of them if they are few, otherwise evenly chosen, the first and the last among them. */
static void choose_details(struct husk__book *book)
{
    book->details = book->count < BOOK_DETAIL ? book->count : BOOK_DETAIL;
    for (size_t d = 0; d < book->details; d++)
        book->detail[d] = book->details > 1 ? d * (book->count - 1) / (book->details - 1) : 0;
}

static bool add_line(struct report *r, const char *group, const char *name)
{
    bool failed = false;
    const uint64_t key[2] = { husk__book_string(&r->book, group, strlen(group), &failed),
                              husk__book_string(&r->book, name, strlen(name), &failed) };
    return !failed && husk__index_add(&r->lines, key) != INDEX_NONE;
}

static bool gather_lines(struct report *r)
{
    static const char *const first[] = { "process", "heap", "trace" }; /* what does not fit is at the end */
    r->counts = POOL_NEW(&r->pool, husk_snapshot_counts, r->book.count);
    bool ok = r->counts;
    for (size_t i = 0; ok && i < COUNT_LINES; i++)
        ok = add_line(r, "snapshot", count_lines[i].name);
    for (size_t k = 0; ok && k < r->book.count; k++)
        husk_snapshot_counts_get(r->book.snapshots[k], &r->counts[k]);
    for (size_t g = 0; g <= sizeof first / sizeof *first; g++)
        for (size_t k = 0; k < r->book.count; k++) {
            husk_snapshot_figure figure;
            for (size_t i = 0; ok && husk_snapshot_figure_at(r->book.snapshots[k], i, &figure); i++)
                if (g == sizeof first / sizeof *first || strcmp(figure.group, first[g]) == 0)
                    ok = add_line(r, figure.group, figure.name);
        }
    return ok;
}

static bool gather(struct report *r)
{
    r->book.strings = husk__snap_new(0);
    bool ok = r->book.strings && gather_lines(r) && husk__tree_make(&r->tree, &r->book);
    for (int by = 0; ok && husk_stats_by_name(by) && r->table_count < TABLES_MOST; by++)
        if (by != HUSK_BY_TRACEBACK) /* that is the tree */
            ok = husk__table_make(&r->tables[r->table_count++], &r->book, by);
    size_t strings = ok ? r->book.strings->own[SECTION_STRING_OFF].used / sizeof(uint64_t) : 0;
    r->book.written = ok ? POOL_NEW(&r->pool, uint32_t, strings) : NULL;
    return r->book.written;
}

/* ---- choosing ---- */

static size_t length_of(const struct report *r, void (*part)(const struct report *r, struct husk__json *json))
{
    struct husk__out out;
    struct husk__json json;
    husk__out_begin(&out, write_nowhere, NULL);
    husk__json_begin(&json, &out);
    part(r, &json);
    return (size_t)husk__out_length(&out);
}

static void choose_lines(struct report *r, struct husk__budget *budget)
{
    for (size_t i = 0; i < husk__index_count(&r->lines); i++) {
        struct husk__out out;
        struct husk__json json;
        husk__out_begin(&out, write_nowhere, NULL);
        husk__json_begin(&json, &out);
        put_line(r, &json, i);
        if (!husk__budget_take(budget, (size_t)husk__out_length(&out) + 2))
            break;
        r->lines_shown = i + 1;
    }
}

/* A part of what is left, which goes back to it if it is not spent. */
static struct husk__budget part_of(struct husk__budget *whole, size_t bytes)
{
    struct husk__budget part = { bytes < whole->left ? bytes : whole->left, false };
    whole->left -= part.left;
    return part;
}

static husk_status choose(struct report *r, size_t max_bytes)
{
    enum { KEYS = 4096 }; /* brackets, keys and numbers that stand once, the rest rows of tables and tree */
    size_t fixed = husk__page_head_length + husk__page_tail_length + length_of(r, put_about) + KEYS;
    fixed += (r->table_count + 1) * r->book.details * 72;
    if (fixed > max_bytes)
        return husk_fail(HUSK_ERANGE, "report: max_bytes %zu is too small: %zu at least", max_bytes, fixed);
    struct husk__budget whole = { max_bytes - fixed, false };
    struct husk__budget part = part_of(&whole, whole.left / 5);
    choose_lines(r, &part);
    whole.left += part.left;
    size_t tables = whole.left / 4;
    for (size_t t = 0; t < r->table_count; t++) {
        part = part_of(&whole, tables / (r->table_count - t));
        tables -= part.left;
        if (!husk__table_choose(&r->tables[t], &r->pool, &r->book, &part))
            return husk__export_no_memory();
        tables += part.left;
        whole.left += part.left;
    }
    return husk__tree_choose(&r->tree, &r->pool, &whole) ? HUSK_OK : husk__export_no_memory();
}

/* ---- writing ---- */

static bool put_page(struct report *r, struct husk__out *out)
{
    struct husk__json json;
    husk__out_bytes(out, husk__page_head, husk__page_head_length);
    husk__json_begin(&json, out);
    husk__json_open(&json, '{');
    put_about(r, &json);
    put_lines(r, &json);
    put_strings(r, &json);
    bool ok = husk__tree_write(&r->tree, &json);
    husk__json_line(&json);
    husk__json_key(&json, "tables");
    husk__json_open(&json, '[');
    for (size_t t = 0; ok && t < r->table_count; t++)
        ok = husk__table_write(&r->tables[t], &r->book, &json);
    husk__json_close(&json, ']');
    husk__json_close(&json, '}');
    husk__out_bytes(out, husk__page_tail, husk__page_tail_length);
    return ok;
}

static void end(struct report *r)
{
    for (size_t t = 0; t < r->table_count; t++)
        husk__table_free(&r->tables[t]);
    husk__tree_free(&r->tree);
    husk__index_free(&r->lines);
    husk__grow_free(&r->book.order);
    husk_snapshot_free(r->book.strings);
    husk__pool_free(&r->pool);
}

static husk_status check(size_t count, const husk_report_options *options)
{
    if (options && (options->struct_size != sizeof *options || options->abi != 1u))
        return husk_fail(HUSK_EINVAL, "report: the options were not filled by HUSK_REPORT_OPTIONS");
    if (count < 1 || count > SNAPSHOTS_MOST)
        return husk_fail(HUSK_ERANGE, "report: %zu snapshots: 1 to %d are possible", count, SNAPSHOTS_MOST);
    if (options && options->max_bytes && options->max_bytes < BYTES_LEAST)
        return husk_fail(HUSK_ERANGE, "report: max_bytes %zu is too small: %d at least", options->max_bytes,
                         BYTES_LEAST);
    return HUSK_OK;
}

/* HUSK_EIO is no matter of this function: `out` knows whether the writer refused. */
static husk_status write_report(const husk_snapshot *const *snapshots, size_t count,
                                const husk_report_options *options, struct husk__out *out)
{
    static const husk_report_options none = { HUSK_REPORT_OPTIONS };
    struct report *r = husk__raw_new(sizeof *r);
    if (!r)
        return husk__export_no_memory();
    r->options = options ? options : &none;
    r->book.snapshots = snapshots;
    r->book.count = count;
    r->lines.words = 2;
    choose_details(&r->book);
    husk_status status = gather(r) ? HUSK_OK : husk__export_no_memory();
    if (status == HUSK_OK)
        status = choose(r, r->options->max_bytes ? r->options->max_bytes : BYTES_USUAL);
    if (status == HUSK_OK && !put_page(r, out))
        status = husk__export_no_memory();
    end(r);
    husk__raw_free(r, sizeof *r);
    return status;
}

/* ---- doors ---- */

husk_status husk__export_html(struct husk__export *export)
{
    husk_report_options options = { HUSK_REPORT_OPTIONS, .title = export->options->title,
                                    .max_bytes = export->options->max_bytes };
    husk_status status = check(1, &options);
    return status == HUSK_OK ? write_report(&export->snapshot, 1, &options, export->out) : status;
}

husk_status husk_report(const husk_snapshot *const *snapshots, size_t count,
                        const husk_report_options *options, husk_write_fn *write, void *data)
{
    husk_status status = check(count, options);
    if (status != HUSK_OK)
        return status;
    struct husk__out out;
    husk__out_begin(&out, write, data);
    status = write_report(snapshots, count, options, &out);
    if (status == HUSK_OK && !husk__out_end(&out))
        status = husk_fail(HUSK_EIO, "report: the writer refused after %llu bytes",
                           (unsigned long long)out.handed);
    return status;
}

husk_status husk_report_file(const husk_snapshot *const *snapshots, size_t count,
                             const husk_report_options *options, const char *path)
{
    husk_status status = check(count, options);
    struct husk__file_writer writer;
    if (status == HUSK_OK)
        status = husk__newfile_open(&writer.file, path);
    if (status != HUSK_OK)
        return status;
    struct husk__out out;
    husk__out_begin(&out, husk__file_write, &writer);
    status = write_report(snapshots, count, options, &out);
    if (status == HUSK_OK && !husk__out_end(&out))
        status = writer.status;
    return husk__newfile_commit(&writer.file, status);
}
