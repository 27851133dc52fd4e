/* view/tally.c: see tally.h. */
#include "view/tally.h"

#include "base/bits.h"
#include "trace/sample.h"

#include <string.h>

bool husk__by_is_of_places(int by)
{
    return by != HUSK_BY_TYPE && by != HUSK_BY_CLASS && by != HUSK_BY_KIND;
}

static bool is_by_epoch(int by)
{
    return by == HUSK_BY_AGE || by == HUSK_BY_MARK;
}

bool husk__unit_is_untraced(const struct husk__tally *tally, int by, size_t unit)
{
    return is_by_epoch(by) ? unit == SNAP_COUNT(tally->snapshot, EPOCHS)
                           : husk__by_is_of_places(by) && unit == 0;
}

void husk__sample_means(const struct husk_snapshot *snapshot, size_t mean[2])
{
    static const char *const names[2] = { "sample_bytes", "block_sample_bytes" };
    mean[0] = mean[1] = 0;
    husk_snapshot_figure figure;
    for (size_t i = 0; husk_snapshot_figure_at(snapshot, i, &figure); i++)
        for (unsigned m = 0; m < 2; m++)
            if (strcmp(figure.group, "trace") == 0 && strcmp(figure.name, names[m]) == 0)
                mean[m] = (size_t)figure.value;
}

uint32_t husk__mark_of(const struct husk_snapshot *snapshot, size_t epoch)
{
    const struct husk__epoch *epochs = SNAP(snapshot, EPOCHS);
    while (epoch > 0 && !epochs[epoch].mark)
        epoch--;
    return epochs[epoch].mark;
}

/* ---- units ---- */

static size_t class_unit(const struct husk__tally *tally, uint64_t size)
{
    size_t low = 0, high = tally->class_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tally->class_bytes[middle] < size)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < tally->class_count)
        return low;
    return tally->class_count + (size > 1 ? husk__highest_bit(size - 1) + 1 : 0);
}

/* The size classes there are, ascending, each once. */
static bool learn_classes(struct husk__pool *pool, struct husk__tally *tally)
{
    const struct husk__class_row *rows = SNAP(tally->snapshot, CLASSES);
    size_t count = SNAP_COUNT(tally->snapshot, CLASSES);
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, count);
    tally->class_bytes = pairs ? POOL_NEW(pool, uint64_t, count) : NULL;
    if (!tally->class_bytes)
        return false;
    for (size_t i = 0; i < count; i++)
        pairs[i].key = rows[i].block_bytes;
    if (!husk__sort_pairs(pool, pairs, count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (pairs[i].key && (i == 0 || pairs[i].key != pairs[i - 1].key))
            tally->class_bytes[tally->class_count++] = pairs[i].key;
    return true;
}

static size_t unit_count(const struct husk__tally *tally, int by)
{
    switch (by) {
    case HUSK_BY_TYPE:
        return SNAP_COUNT(tally->snapshot, TYPES) + 2;
    case HUSK_BY_CLASS:
        return tally->class_count + 65;
    case HUSK_BY_AGE:
    case HUSK_BY_MARK:
        return SNAP_COUNT(tally->snapshot, EPOCHS) + 1;
    case HUSK_BY_KIND:
        return HUSK_THING_BLOCK + 1;
    default:
        return SNAP_COUNT(tally->snapshot, RECORDS);
    }
}

ALWAYS_INLINE size_t unit_of(const struct husk__tally *tally, int by, uint32_t site, size_t type,
                             uint64_t size)
{
    size_t types, epochs;
    switch (by) {
    case HUSK_BY_TYPE:
        return type;
    case HUSK_BY_CLASS:
        return class_unit(tally, size);
    case HUSK_BY_AGE:
    case HUSK_BY_MARK:
        epochs = SNAP_COUNT(tally->snapshot, EPOCHS);
        return (site & SITE_RECORD) && site >> SITE_EPOCH_SHIFT < epochs ? site >> SITE_EPOCH_SHIFT : epochs;
    case HUSK_BY_KIND:
        types = SNAP_COUNT(tally->snapshot, TYPES);
        return type < types ? HUSK_THING_OBJECT : type == types ? HUSK_THING_BUFFER : HUSK_THING_BLOCK;
    default:
        return site & SITE_RECORD;
    }
}

/* ---- adding up ---- */

struct thing {
    uint32_t site;
    size_t type;
    uint64_t size;
};

ALWAYS_INLINE void add_whole(struct husk__tally *tally, int by, const struct thing *thing)
{
    struct husk__sum *sum = &tally->sums[unit_of(tally, by, thing->site, thing->type, thing->size)];
    husk__add_up(&sum->size, thing->size);
    sum->count++;
}

static void add_part(struct husk__tally *tally, int by, const struct thing *thing, double weight)
{
    struct husk__part *part = &tally->parts[unit_of(tally, by, thing->site, thing->type, thing->size)];
    part->size += weight * (double)thing->size;
    part->count += weight;
}

static bool selected(const struct husk__tally *tally, const struct thing *thing)
{
    return husk__selected(&tally->selection, thing->site, thing->type, thing->size);
}

/* All objects are there, but the samples alone have a place, and each stands for `weight` objects: as many are
 * taken from those without one. What does not ask for places adds up to what there is, and what does is without
 * bias, whatever the filters let pass. */
static void add_sampled(struct husk__tally *tally, int by, struct thing thing, size_t mean)
{
    if (thing.site & SITE_RECORD) {
        double weight = husk__sample_weight(mean, thing.size);
        if (selected(tally, &thing))
            add_part(tally, by, &thing, weight);
        thing.site = 0;
        if (selected(tally, &thing))
            add_part(tally, by, &thing, -weight);
    }
    if (selected(tally, &thing))
        add_whole(tally, by, &thing);
}

/* `by` is a constant here, and so is `whole`: everything counts, and as one. */
ALWAYS_INLINE void add_nodes_by(struct husk__tally *tally, int by, bool whole)
{
    const struct husk_snapshot *snapshot = tally->snapshot;
    const struct husk__node *nodes = SNAP(snapshot, NODES);
    size_t count = SNAP_COUNT(snapshot, NODES);
    const uint32_t *sites = SNAP_COUNT(snapshot, NODE_SITE) ? SNAP(snapshot, NODE_SITE) : NULL;
    for (size_t n = 0; n < count; n++) {
        struct thing thing = { sites ? sites[n] : 0, husk__node_type(&nodes[n]),
                               husk__node_size(snapshot, n) };
        if (whole)
            add_whole(tally, by, &thing);
        else if (tally->mean[0])
            add_sampled(tally, by, thing, tally->mean[0]);
        else if (selected(tally, &thing))
            add_whole(tally, by, &thing);
    }
}

static void add_nodes(struct husk__tally *tally, int by)
{
    /* If records are counted, those that do not pass can be left out later. */
    bool whole = !tally->parts && !tally->selection.words;
    if (!husk__by_is_of_places(by) || is_by_epoch(by))
        add_nodes_by(tally, by, whole);
    else if (whole || (!tally->parts && tally->selection.of_places))
        add_nodes_by(tally, HUSK_BY_LINE, true);
    else
        add_nodes_by(tally, HUSK_BY_LINE, false);
}

/* Of buffers and blocks only those are listed that are traced, or sampled. */
static void add_blocks(struct husk__tally *tally, int by)
{
    const struct husk__block *blocks = SNAP(tally->snapshot, BLOCKS);
    for (size_t b = 0; b < SNAP_COUNT(tally->snapshot, BLOCKS); b++) {
        struct thing thing = { blocks[b].site, husk__block_type(tally->snapshot, &blocks[b]),
                               blocks[b].size };
        if (!selected(tally, &thing))
            continue;
        size_t mean = tally->mean[blocks[b].kind == BLOCK_FOREIGN];
        if (mean && (thing.site & SITE_RECORD))
            add_part(tally, by, &thing, husk__sample_weight(mean, thing.size));
        else
            add_whole(tally, by, &thing);
    }
}

/* Units that are not wanted: records that do not pass, what is not traced. */
static void leave_out(struct husk__tally *tally, int by, bool untraced)
{
    const struct husk__selection *selection = &tally->selection;
    bool of_records = husk__by_is_of_places(by) && !is_by_epoch(by);
    for (size_t u = 0; u < tally->units; u++) {
        bool out = (!untraced && husk__unit_is_untraced(tally, by, u)) ||
                   (of_records && selection->words && selection->of_places && !selection->passes[u]);
        if (!out)
            continue;
        tally->sums[u] = (struct husk__sum){ 0, 0 };
        if (tally->parts)
            tally->parts[u] = (struct husk__part){ 0, 0 };
    }
}

husk_status husk__tally_make(struct husk__pool *pool, const struct husk_snapshot *snapshot, int by,
                             bool untraced, const husk_filter *filter, struct husk__tally *out)
{
    *out = (struct husk__tally){ .snapshot = snapshot };
    husk_status status = husk__selection_make(pool, snapshot, filter, &out->selection);
    if (status != HUSK_OK)
        return status;
    husk__sample_means(snapshot, out->mean);
    bool ok = by != HUSK_BY_CLASS || learn_classes(pool, out);
    out->units = unit_count(out, by);
    out->sums = ok ? POOL_NEW(pool, struct husk__sum, out->units) : NULL;
    if (out->sums && (out->mean[0] || out->mean[1]))
        ok = (out->parts = POOL_NEW(pool, struct husk__part, out->units));
    if (!ok || !out->sums)
        return husk_fail(HUSK_ENOMEM, "no memory for statistics");
    add_nodes(out, by);
    add_blocks(out, by);
    leave_out(out, by, untraced);
    return HUSK_OK;
}
