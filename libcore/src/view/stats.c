/* view/stats.c: statistics: what may be asked for, and reading the rows. Counting and sorting: group.c; text:
 * statstext.c. */
#include "view/stats.h"

#include <string.h>

/* ---- names of what can be asked for ---- */

static const char *const by_names[] = {
#define ROW(name, number, text) [number] = text,
    HUSK_BY_LIST(ROW)
#undef ROW
};
static const char *const sort_names[] = { "size", "count", "born", "temporary", "peak" };
enum { BYS = sizeof by_names / sizeof *by_names, SORTS = sizeof sort_names / sizeof *sort_names };

const char *husk_stats_by_name(int by)
{
    return by >= 0 && by < BYS ? by_names[by] : NULL;
}

const char *husk_stats_sort_name(int sort)
{
    return sort >= 0 && sort < SORTS ? sort_names[sort] : NULL;
}

static husk_status find_name(const char *what, const char *const *names, int count, const char *name,
                             int *out)
{
    char all[160] = "";
    for (int i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return HUSK_OK;
        }
        if (i)
            strncat(all, ", ", sizeof all - strlen(all) - 1);
        strncat(all, names[i], sizeof all - strlen(all) - 1);
    }
    return husk_fail(HUSK_EINVAL, "%s \"%.100s\" is none of %s", what, name, all);
}

husk_status husk_stats_by_find(const char *name, int *out)
{
    return find_name("the grouping", by_names, BYS, name, out);
}

husk_status husk_stats_sort_find(const char *name, int *out)
{
    return find_name("the order", sort_names, SORTS, name, out);
}

/* ---- making ---- */

static bool has_frames(int by)
{
    return by == HUSK_BY_LINE || by == HUSK_BY_FILE || by == HUSK_BY_FUNCTION || by == HUSK_BY_TRACEBACK;
}

static husk_status check(const husk_stats_options *options, bool compared)
{
    const uint32_t known =
        HUSK_STATS_CUMULATIVE | HUSK_STATS_EACH_FRAME | HUSK_STATS_UNTRACED | HUSK_STATS_RECORDS;
    if (options->struct_size != sizeof *options || options->abi != 1)
        return husk_fail(HUSK_EINVAL,
                         "husk_stats_options: not of this version (HUSK_STATS_OPTIONS fills it)");
    if (!husk_stats_by_name(options->by))
        return husk_fail(HUSK_EINVAL, "there is no grouping %d", options->by);
    if (!husk_stats_sort_name(options->sort))
        return husk_fail(HUSK_EINVAL, "there is no order %d", options->sort);
    if (options->flags & ~known)
        return husk_fail(HUSK_EINVAL, "statistics have no flag 0x%x", (unsigned)(options->flags & ~known));
    if ((options->flags & HUSK_STATS_CUMULATIVE) &&
        (!has_frames(options->by) || options->by == HUSK_BY_TRACEBACK))
        return husk_fail(HUSK_EINVAL, "cumulative is by line, file or function, not by %s",
                         husk_stats_by_name(options->by));
    if ((options->flags & HUSK_STATS_EACH_FRAME) && !(options->flags & HUSK_STATS_CUMULATIVE))
        return husk_fail(HUSK_EINVAL, "each frame counts only where statistics are cumulative");
    if (compared && options->sort > HUSK_SORT_COUNT)
        return husk_fail(HUSK_EINVAL, "comparisons are ordered by size or count, not by %s",
                         husk_stats_sort_name(options->sort));
    return HUSK_OK;
}

static husk_status make(const struct husk__sides *sides, const husk_stats_options *options, husk_stats **out)
{
    static const husk_stats_options plain = { HUSK_STATS_OPTIONS };
    if (!options)
        options = &plain;
    husk_status status = check(options, sides->count == 2);
    if (status != HUSK_OK)
        return status;
    husk_stats *stats = husk__raw_new(sizeof *stats);
    if (!stats)
        return husk_fail(HUSK_ENOMEM, "no memory for statistics");
    stats->sides = *sides;
    stats->by = options->by;
    stats->sort = options->sort;
    status = husk__group(sides, options, stats);
    if (status == HUSK_OK)
        *out = stats;
    else
        husk_stats_free(stats);
    return status;
}

husk_status husk_stats_new(const husk_snapshot *snapshot, const husk_stats_options *options, husk_stats **out)
{
    struct husk__sides sides = { { snapshot, NULL }, 1 };
    return make(&sides, options, out);
}

husk_status husk_stats_compare(const husk_snapshot *old, const husk_snapshot *snapshot,
                               const husk_stats_options *options, husk_stats **out)
{
    struct husk__sides sides = { { snapshot, old }, 2 };
    return make(&sides, options, out);
}

void husk_stats_free(husk_stats *stats)
{
    if (!stats)
        return;
    husk__raw_free(stats->rows, stats->row_bytes);
    husk__raw_free(stats->churn, stats->churn_bytes);
    husk__grow_free(&stats->labels);
    husk__raw_free(stats, sizeof *stats);
}

/* ---- frames ---- */

static husk_frame frame_of(const struct husk_snapshot *snapshot, uint32_t number)
{
    const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[number];
    return (husk_frame){
        .file = husk__snap_text(snapshot, frame->file, NULL),
        .function = husk__snap_text(snapshot, frame->function, NULL),
        .line = frame->line,
        .module = husk__snap_text(snapshot, SNAP(snapshot, MODULES)[frame->module].path, NULL),
        .address = frame->address,
    };
}

bool husk_stats_frame(const husk_stats *stats, size_t row, size_t index, husk_frame *out)
{
    if (row >= stats->count || !has_frames(stats->by))
        return false;
    const struct husk__row *r = &stats->rows[row];
    const struct husk_snapshot *snapshot = stats->sides.at[r->side];
    if (stats->by == HUSK_BY_TRACEBACK && r->name)
        return husk_snapshot_frame(snapshot, r->name, index, out);
    if (index > 0)
        return false;
    *out = frame_of(snapshot, r->name);
    if (stats->by == HUSK_BY_FILE || stats->by == HUSK_BY_FUNCTION) {
        out->line = 0;
        out->address = 0;
    }
    if (stats->by == HUSK_BY_FILE || stats->by == HUSK_BY_LINE)
        out->function = stats->by == HUSK_BY_LINE ? out->function : "";
    return true;
}

uint32_t husk_stats_stack(const husk_stats *stats, size_t row, const husk_snapshot **snapshot)
{
    if (row >= stats->count || stats->by != HUSK_BY_TRACEBACK)
        return 0;
    if (snapshot)
        *snapshot = stats->sides.at[stats->rows[row].side];
    return stats->rows[row].name;
}

size_t husk_stats_total_frames(const husk_stats *stats, size_t row)
{
    if (row >= stats->count || stats->by != HUSK_BY_TRACEBACK)
        return 0;
    return husk_snapshot_total_depth(stats->sides.at[stats->rows[row].side], stats->rows[row].name);
}

/* ---- rows ---- */

size_t husk_stats_count(const husk_stats *stats)
{
    return stats->count;
}

bool husk_stats_is_comparison(const husk_stats *stats)
{
    return stats->sides.count == 2;
}

int husk_stats_by(const husk_stats *stats)
{
    return stats->by;
}

static husk_stat figures(const struct husk__row *row, const struct husk__churn *churn)
{
    husk_stat stat = { .size = row->size,
                       .count = row->count,
                       .size_diff = row->size_diff,
                       .count_diff = row->count_diff,
                       .recorded = churn,
                       .name = "",
                       .function = "" };
    if (churn) {
        stat.born = churn->born;
        stat.born_bytes = churn->born_bytes;
        stat.died = churn->died;
        stat.died_bytes = churn->died_bytes;
        stat.temporary = churn->temporary;
        stat.peak = churn->peak;
        stat.peak_bytes = churn->peak_bytes;
    }
    return stat;
}

/* The oldest frame of a traceback. */
static uint32_t oldest(const struct husk_snapshot *snapshot, uint32_t stack)
{
    const struct husk__stack *stacks = SNAP(snapshot, STACKS);
    while (stack && stacks[stack].parent)
        stack = stacks[stack].parent;
    return stack ? stacks[stack].frame : 0;
}

/* The frame by whose name the row goes; false: its name is no frame's. */
bool husk__row_frame(const struct husk_stats *stats, const struct husk__row *row, uint32_t *frame)
{
    if (!has_frames(stats->by))
        return false;
    *frame = stats->by == HUSK_BY_TRACEBACK ? oldest(stats->sides.at[row->side], row->name) : row->name;
    return true;
}

const char *husk__row_name(const struct husk_stats *stats, const struct husk__row *row, size_t *length)
{
    const struct husk_snapshot *snapshot = stats->sides.at[row->side];
    const char *text;
    size_t types;
    uint32_t frame;
    if (husk__row_frame(stats, row, &frame))
        return husk__snap_text(snapshot, husk__frame_file(snapshot, &SNAP(snapshot, FRAMES)[frame]), length);
    switch (stats->by) {
    case HUSK_BY_TYPE:
        types = SNAP_COUNT(snapshot, TYPES);
        if (row->name < types)
            return husk__snap_text(snapshot, SNAP(snapshot, TYPES)[row->name].name, length);
        text = row->name == types ? STATS_BUFFERS : STATS_BLOCKS;
        break;
    case HUSK_BY_TAG:
    case HUSK_BY_DOMAIN:
        return husk__snap_text(snapshot, row->name, length);
    case HUSK_BY_MARK:
        if (row->name != UINT32_MAX)
            return husk__snap_text(snapshot, row->name, length);
        text = "(not known)";
        break;
    default:
        text = stats->labels.at + row->name;
    }
    *length = strlen(text);
    return text;
}

bool husk_stats_row(const husk_stats *stats, size_t index, husk_stat *out)
{
    if (index >= stats->count)
        return false;
    const struct husk__row *row = &stats->rows[index];
    const struct husk_snapshot *snapshot = stats->sides.at[row->side];
    size_t length;
    uint32_t frame;
    *out = figures(row, stats->churn ? &stats->churn[index] : NULL);
    out->name = husk__row_name(stats, row, &length);
    if (!husk__row_frame(stats, row, &frame))
        return true;
    const struct husk__frame *f = &SNAP(snapshot, FRAMES)[frame];
    out->frames = stats->by == HUSK_BY_TRACEBACK && row->name ? husk_snapshot_depth(snapshot, row->name) : 1;
    if (stats->by == HUSK_BY_LINE || stats->by == HUSK_BY_TRACEBACK)
        out->line = f->line;
    if (stats->by == HUSK_BY_FUNCTION)
        out->function = husk__snap_text(snapshot, f->function, NULL);
    return true;
}

void husk_stats_total(const husk_stats *stats, husk_stat *out)
{
    *out = figures(&stats->total, stats->churn ? &stats->total_churn : NULL);
}

static void add_signed(int64_t *sum, int64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = more < 0 ? INT64_MIN : INT64_MAX;
}

void husk_stats_rest(const husk_stats *stats, size_t first, husk_stat *out)
{
    struct husk__row sum = { 0 };
    struct husk__churn churn = { 0 };
    for (size_t i = first; i < stats->count; i++) {
        add_signed(&sum.size, stats->rows[i].size);
        add_signed(&sum.count, stats->rows[i].count);
        add_signed(&sum.size_diff, stats->rows[i].size_diff);
        add_signed(&sum.count_diff, stats->rows[i].count_diff);
        if (stats->churn)
            husk__add_churn(&churn, &stats->churn[i]);
    }
    *out = figures(&sum, stats->churn ? &churn : NULL);
}
