/* view/export_groups.c: groupings of husk/stats.h as exports and reports show them. */
#include "view/export.h"
#include "view/stats.h"

husk_status husk__export_by(const husk_export_options *options, int *by)
{
    *by = HUSK_BY_TYPE;
    if (options->by && husk_stats_by_find(options->by, by) != HUSK_OK)
        return HUSK_EMISSING; /* its text names what there is */
    return HUSK_OK;
}

husk_status husk__export_groups(const husk_snapshot *snapshot, int by, bool records,
                                const husk_filter *filter, husk_stats **out)
{
    uint64_t mean = 0;
    (void)husk_snapshot_number(snapshot, "trace", "sample_bytes", &mean);
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = by, .filter = filter };
    if (!mean) /* else it is in the estimates already */
        options.flags |= HUSK_STATS_UNTRACED;
    bool of_places = by == HUSK_BY_LINE || by == HUSK_BY_FILE || by == HUSK_BY_FUNCTION ||
                     by == HUSK_BY_TRACEBACK || by == HUSK_BY_TAG || by == HUSK_BY_DOMAIN ||
                     by == HUSK_BY_THREAD;
    if (records && of_places)
        options.flags |= HUSK_STATS_RECORDS;
    return husk_stats_new(snapshot, &options, out);
}

struct husk__group_name husk__frame_line(const struct husk_snapshot *snapshot, uint32_t number)
{
    const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[number];
    struct husk__group_name name = { .function = "", .line = frame->line };
    name.name = husk__snap_text(snapshot, husk__frame_file(snapshot, frame), &name.name_length);
    name.offset = husk__frame_is_bare(frame) ? husk__frame_offset(snapshot, frame) + 1 : 0;
    return name;
}

struct husk__group_name husk__group_name(const husk_stats *stats, size_t number)
{
    const struct husk__row *row = &stats->rows[number];
    const struct husk_snapshot *snapshot = stats->sides.at[row->side];
    struct husk__group_name name = { .function = "" };
    uint32_t frame;
    bool has_frame = husk__row_frame(stats, row, &frame);
    if (has_frame && (stats->by == HUSK_BY_LINE || stats->by == HUSK_BY_TRACEBACK))
        return husk__frame_line(snapshot, frame);
    name.name = husk__row_name(stats, row, &name.name_length);
    if (has_frame && stats->by == HUSK_BY_FUNCTION)
        name.function =
            husk__snap_text(snapshot, SNAP(snapshot, FRAMES)[frame].function, &name.function_length);
    return name;
}

void husk__out_group_name(struct husk__out *out, const struct husk__escape *escape,
                          const struct husk__group_name *name)
{
    husk__out_escaped(out, escape, name->name, name->name_length);
    if (name->offset) {
        if (name->name_length)
            husk__out_char(out, '+');
        husk__out_hex(out, name->offset - 1);
    }
}
