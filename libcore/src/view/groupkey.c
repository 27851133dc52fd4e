/* view/groupkey.c: what tells groups apart, for each grouping there is: keys of units, and the names of rows that
 * stand nowhere in a snapshot. */
#include "view/group.h"

#include "base/bits.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

bool husk__identify_make(struct husk__grouping *grouping)
{
    struct husk__pool *pool = grouping->pool;
    const struct husk__sides *sides = grouping->sides;
    switch (grouping->by) {
    case HUSK_BY_LINE:
    case HUSK_BY_FILE:
    case HUSK_BY_FUNCTION:
        return husk__frame_keys(pool, sides, grouping->by, grouping->frame_keys);
    case HUSK_BY_TRACEBACK:
        return husk__frame_keys(pool, sides, HUSK_BY_LINE, grouping->frame_keys) &&
               husk__stack_ranks(pool, sides, grouping->frame_keys, grouping->stack_ranks);
    case HUSK_BY_THREAD:
        return husk__thread_ranks(pool, sides, grouping->thread_ranks);
    case HUSK_BY_TYPE:
        return husk__ranks_make(pool, sides, husk__want_types, &grouping->names);
    case HUSK_BY_TAG:
        return husk__ranks_make(pool, sides, husk__want_tags, &grouping->names);
    case HUSK_BY_DOMAIN:
        return husk__ranks_make(pool, sides, husk__want_domains, &grouping->names);
    case HUSK_BY_MARK:
        return husk__ranks_make(pool, sides, husk__want_marks, &grouping->names);
    default:
        return true;
    }
}

enum { AGES = 66, AGE_UNKNOWN = 0 }; /* then less than one second, one, two to three, four to seven ... */

static uint64_t age_of(const struct husk_snapshot *snapshot, size_t epoch)
{
    size_t count = SNAP_COUNT(snapshot, EPOCHS);
    if (epoch >= count)
        return AGE_UNKNOWN;
    uint64_t start = SNAP(snapshot, EPOCHS)[epoch].start_ns;
    uint64_t now = SNAP(snapshot, EPOCHS)[count - 1].start_ns, process = 0;
    bool heap_has = false;
    husk_snapshot_figure figure;
    for (size_t i = 0; husk_snapshot_figure_at(snapshot, i, &figure); i++)
        if (strcmp(figure.group, "trace") == 0) {
            if (strcmp(figure.name, "elapsed_ns") == 0) {
                now = figure.value;
                heap_has = true;
            } else if (strcmp(figure.name, "block_elapsed_ns") == 0) {
                process = figure.value;
            }
        }
    if (!heap_has && process) /* the epochs are those of the process's tracer, then */
        now = process;
    uint64_t seconds = now > start ? (now - start) / 1000000000u : 0;
    return 1 + (seconds ? husk__highest_bit(seconds) + 1 : 0);
}

static uint32_t newest_frame(const struct husk_snapshot *snapshot, size_t record)
{
    uint32_t stack = SNAP(snapshot, RECORDS)[record].stack;
    return stack ? SNAP(snapshot, STACKS)[stack].frame : 0;
}

static const struct husk__context *context_of(const struct husk_snapshot *snapshot, size_t record)
{
    return &SNAP(snapshot, CONTEXTS)[SNAP(snapshot, RECORDS)[record].context];
}

struct husk__identity husk__identify(const struct husk__grouping *grouping, unsigned side, size_t unit)
{
    const struct husk_snapshot *snapshot = grouping->sides->at[side];
    const struct husk__tally *tally = &grouping->tally[side];
    const struct husk__context *context;
    uint32_t number;
    switch (grouping->by) {
    case HUSK_BY_LINE:
    case HUSK_BY_FILE:
    case HUSK_BY_FUNCTION:
        number = grouping->frame_of[side] ? grouping->frame_of[side][unit] : newest_frame(snapshot, unit);
        return (struct husk__identity){ grouping->frame_keys[side][number], number };
    case HUSK_BY_TRACEBACK:
        number = SNAP(snapshot, RECORDS)[unit].stack;
        return (struct husk__identity){ grouping->stack_ranks[side][number], number };
    case HUSK_BY_TAG:
    case HUSK_BY_DOMAIN:
        context = context_of(snapshot, unit);
        number = grouping->by == HUSK_BY_TAG ? context->tag : context->domain;
        return (struct husk__identity){ grouping->names.of[side][number], number };
    case HUSK_BY_THREAD:
        number = context_of(snapshot, unit)->thread;
        return (struct husk__identity){ grouping->thread_ranks[side][number], number };
    case HUSK_BY_TYPE:
        number = (uint32_t)unit;
        if (number < SNAP_COUNT(snapshot, TYPES))
            return (struct husk__identity){ grouping->names.of[side][SNAP(snapshot, TYPES)[number].name],
                                            number };
        return (struct husk__identity){ UINT32_MAX + (unit - SNAP_COUNT(snapshot, TYPES)), number };
    case HUSK_BY_CLASS:
        return (struct husk__identity){ unit < tally->class_count ? tally->class_bytes[unit]
                                        : unit - tally->class_count == 64
                                            ? UINT64_MAX
                                            : (uint64_t)1 << (unit - tally->class_count),
                                        0 };
    case HUSK_BY_AGE:
        return (struct husk__identity){ age_of(snapshot, unit), 0 };
    case HUSK_BY_MARK:
        if (unit >= SNAP_COUNT(snapshot, EPOCHS))
            return (struct husk__identity){ 0, UINT32_MAX };
        number = husk__mark_of(snapshot, unit);
        return (struct husk__identity){ 1 + (uint64_t)grouping->names.of[side][number], number };
    default:
        return (struct husk__identity){ unit, 0 };
    }
}

/* ---- names that stand nowhere ---- */

static bool label(husk_stats *out, struct husk__row *row, const char *text, size_t length)
{
    size_t at = out->labels.used;
    char *place = at + length + 1 <= UINT32_MAX ? husk__grow_add(&out->labels, length + 1) : NULL;
    if (place)
        memcpy(place, text, length);
    row->name = (uint32_t)at;
    return place;
}

static bool thread_label(husk_stats *out, struct husk__row *row)
{
    const struct husk_snapshot *snapshot = out->sides.at[row->side];
    const struct husk__thread *thread = &SNAP(snapshot, THREADS)[row->name];
    char number[40];
    if (!thread->name) {
        int length = thread->id
                         ? snprintf(number, sizeof number, "thread %llu", (unsigned long long)thread->id)
                         : snprintf(number, sizeof number, "(not known)");
        return label(out, row, number, (size_t)length);
    }
    int length = snprintf(number, sizeof number, " (%llu)", (unsigned long long)thread->id);
    size_t have;
    const char *name = husk__snap_text(snapshot, thread->name, &have);
    if (!label(out, row, name, have))
        return false;
    out->labels.used--; /* its NUL: the number follows */
    char *place = husk__grow_add(&out->labels, (size_t)length + 1);
    if (place)
        memcpy(place, number, (size_t)length + 1);
    return place;
}

bool husk__label(husk_stats *out, struct husk__row *row, uint64_t key)
{
    static const char *const kinds[] = { "(object)", STATS_BUFFERS, STATS_BLOCKS };
    char text[64];
    int length = 0;
    switch (out->by) {
    case HUSK_BY_THREAD:
        return thread_label(out, row);
    case HUSK_BY_CLASS:
        return label(out, row, text, husk_size_text((double)key, false, text, sizeof text));
    case HUSK_BY_AGE:
        if (key == AGE_UNKNOWN)
            length = snprintf(text, sizeof text, "(not known)");
        else if (key <= 2)
            length = snprintf(text, sizeof text, "%d s", (int)key - 1);
        else
            length =
                snprintf(text, sizeof text, "%llu-%llu s", 1ull << (key - 2), (1ull << (key - 2)) * 2 - 1);
        return label(out, row, text, (size_t)length);
    case HUSK_BY_KIND:
        return label(out, row, kinds[key], strlen(kinds[key]));
    default:
        return true;
    }
}
