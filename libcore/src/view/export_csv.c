/* view/export_csv.c: the rows of a grouping of husk/stats.h as comma-separated values (RFC 4180): a head, lines that end in
 * CR LF, fields in quotes where they need it. By traceback the name is its frames, the oldest first, with semicolons
 * between them. Groups of places carry what was recorded of them while tracing. */
#include "view/export.h"
#include "view/stats.h"

/* Within quotes a line may end; other control characters would only harm readers. */
static const struct husk__escape escape = { .of = { ['"'] = "\"\"", ['\n'] = "\n", ['\t'] = "\t" },
                                            .control = "\\x",
                                            .odd = "\\x" };

/* In quotes always: a name that looks like a number stays a name. */
static void put_name(struct husk__out *out, const struct husk__group_name *name)
{
    husk__out_char(out, '"');
    husk__out_group_name(out, &escape, name);
    husk__out_text(out, "\",\"");
    husk__out_escaped(out, &escape, name->function, name->function_length);
    husk__out_format(out, "\",%u", name->line);
}

static void put_traceback(struct husk__export *export, struct husk__frames *frames, uint32_t stack)
{
    husk__frames_get(frames, export->snapshot, stack);
    husk__out_char(export->out, '"');
    for (size_t i = 0; i < frames->count; i++) {
        struct husk__group_name name = husk__frame_line(export->snapshot, frames->at[i]);
        husk__out_group_name(export->out, &escape, &name);
        husk__out_format(export->out, ":%u%s", name.line, i + 1 < frames->count ? ";" : "");
    }
    husk__out_text(export->out, "\",\"\",0");
}

static void put_numbers(struct husk__out *out, const husk_stat *stat, bool recorded)
{
    husk__out_char(out, ',');
    husk__out_i64(out, stat->count);
    husk__out_char(out, ',');
    husk__out_i64(out, stat->size);
    if (recorded) {
        const uint64_t more[] = { stat->born,      stat->born_bytes, stat->died,      stat->died_bytes,
                                  stat->temporary, stat->peak,       stat->peak_bytes };
        for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
            husk__out_char(out, ',');
            husk__out_u64(out, more[i]);
        }
    }
    husk__out_text(out, "\r\n");
}

static void put_rows(struct husk__export *export, const husk_stats *stats, struct husk__frames *frames)
{
    struct husk__out *out = export->out;
    size_t rows = husk_stats_count(stats), top = export->options->top;
    size_t shown = top && top < rows ? top : rows;
    husk_stat stat;
    husk_stats_total(stats, &stat);
    bool recorded = stat.recorded;
    husk__out_text(out, "name,function,line,count,size");
    husk__out_text(out, recorded ? ",born,born_bytes,died,died_bytes,temporary,peak,peak_bytes\r\n" : "\r\n");
    for (size_t i = 0; i < shown && !out->refused && husk_stats_row(stats, i, &stat); i++) {
        struct husk__group_name name = husk__group_name(stats, i);
        if (husk_stats_by(stats) == HUSK_BY_TRACEBACK)
            put_traceback(export, frames, stats->rows[i].name);
        else
            put_name(out, &name);
        put_numbers(out, &stat, recorded);
    }
    if (shown < rows) {
        husk_stats_rest(stats, shown, &stat);
        husk__out_format(out, "\"(%zu other)\",\"\",0", rows - shown);
        put_numbers(out, &stat, recorded);
    }
}

husk_status husk__export_csv(struct husk__export *export)
{
    int by = HUSK_BY_TYPE;
    husk_stats *stats = NULL;
    husk_status status = husk__export_by(export->options, &by);
    if (status == HUSK_OK)
        status = husk__export_groups(export->snapshot, by, true, export->options->filter, &stats);
    struct husk__pool pool = { .count = 0 };
    struct husk__frames frames = { NULL, 0 };
    if (status == HUSK_OK && !(frames = husk__frames_new(&pool, export->snapshot)).at)
        status = husk__export_no_memory();
    if (status == HUSK_OK)
        put_rows(export, stats, &frames);
    husk__pool_free(&pool);
    husk_stats_free(stats);
    return status;
}
