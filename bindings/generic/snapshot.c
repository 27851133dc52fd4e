/* bindings/generic/snapshot.c: see snapshot.h. */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

typedef struct shot { /* what the box holds */
    husk_snapshot *snapshot;
    husk_stats *stats; /* NULL: nothing was grouped yet */
} shot;

static husk_value fail(husk_heap *heap, husk_status status, const char *text)
{
    (void)husk_heap_fail(heap, status, "%s", text);
    return husk_nil();
}

/* ---- tracing ---- */

husk_status husk_generic_trace_start(husk_heap *heap, size_t frames)
{
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .sources = HUSK_TRACE_GIVEN };
    options.frames = frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
    return husk_trace_start(heap, &options);
}

husk_status husk_generic_trace_push(husk_heap *heap, const char *file, size_t line, const char *function)
{
    return husk_trace_push(heap, file, line < UINT32_MAX ? (uint32_t)line : 0, function);
}

husk_status husk_generic_trace_pop(husk_heap *heap)
{
    return husk_trace_pop(heap);
}

husk_status husk_generic_tag_push(husk_heap *heap, const char *tag)
{
    return husk_trace_push_tag(heap, tag);
}

husk_status husk_generic_tag_pop(husk_heap *heap)
{
    return husk_trace_pop_tag(heap);
}

husk_status husk_generic_mark(husk_heap *heap, const char *name)
{
    return husk_trace_mark(heap, name);
}

/* ---- snapshots ---- */

static void shot_free(void *value)
{
    shot *s = value;
    husk_stats_free(s->stats);
    husk_snapshot_free(s->snapshot);
    free(s);
}

/* NULL and the failure noted: it is another object. */
static shot *shot_of(husk_obj *obj)
{
    if (husk_box_value_free(obj) == shot_free)
        return husk_box_value(obj);
    (void)husk_heap_fail(husk_obj_heap(obj), HUSK_ETYPE, "a %s is no snapshot",
                         husk_type_name(husk_obj_type(obj)));
    return NULL;
}

static husk_obj *box(husk_heap *heap, husk_snapshot *snapshot)
{
    shot *s = calloc(1, sizeof *s);
    if (!s) {
        husk_snapshot_free(snapshot);
        (void)fail(heap, HUSK_ENOMEM, husk_status_text(HUSK_ENOMEM));
        return NULL;
    }
    s->snapshot = snapshot;
    husk_obj *made = husk_box_new(heap, s, shot_free);
    if (!made)
        shot_free(s);
    return made;
}

husk_obj *husk_generic_snapshot_take(husk_heap *heap)
{
    husk_snapshot *snapshot;
    return husk_generic_noted(heap, husk_snapshot_new(heap, NULL, &snapshot)) == HUSK_OK ? box(heap, snapshot)
                                                                                         : NULL;
}

husk_obj *husk_generic_snapshot_load(husk_heap *heap, const char *path)
{
    husk_snapshot *snapshot;
    return husk_generic_noted(heap, husk_snapshot_load(path, &snapshot)) == HUSK_OK ? box(heap, snapshot)
                                                                                    : NULL;
}

husk_status husk_generic_snapshot_save(husk_obj *snapshot, const char *path)
{
    const shot *s = shot_of(snapshot);
    return s ? husk_generic_noted(husk_obj_heap(snapshot), husk_snapshot_save(s->snapshot, path))
             : HUSK_ETYPE;
}

husk_status husk_generic_snapshot_export(husk_obj *snapshot, const char *path, const char *form)
{
    const shot *s = shot_of(snapshot);
    const char *chosen = *form ? form : husk_export_guess(path);
    if (!s)
        return HUSK_ETYPE;
    if (!chosen)
        return husk_heap_fail(husk_obj_heap(snapshot), HUSK_EINVAL, "%s: the form has to be said", path);
    return husk_generic_noted(husk_obj_heap(snapshot), husk_export_file(s->snapshot, chosen, NULL, path));
}

/* ---- what it has ---- */

int64_t husk_generic_snapshot_count(husk_obj *snapshot, const char *name)
{
    husk_snapshot_counts counts;
    const shot *s = shot_of(snapshot);
    if (!s)
        return 0;
    husk_snapshot_counts_get(s->snapshot, &counts);
    const struct {
        const char *name;
        size_t value;
    } all[] = {
        { "objects", counts.objects }, { "object_bytes", counts.object_bytes },
        { "edges", counts.edges },     { "weak_edges", counts.weak_edges },
        { "buffers", counts.buffers }, { "buffer_bytes", counts.buffer_bytes },
        { "blocks", counts.blocks },   { "block_bytes", counts.block_bytes },
        { "traced", counts.traced },   { "types", counts.types },
        { "records", counts.records }, { "stacks", counts.stacks },
        { "frames", counts.frames },   { "bytes", counts.bytes },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0)
            return (int64_t)all[i].value;
    (void)husk_heap_fail(husk_obj_heap(snapshot), HUSK_EMISSING, "a snapshot has no count '%s'", name);
    return 0;
}

husk_value husk_generic_snapshot_text(husk_obj *snapshot, const char *key)
{
    const shot *s = shot_of(snapshot);
    const char *text = s ? husk_snapshot_text(s->snapshot, key) : NULL;
    return text ? husk_generic_text(husk_obj_heap(snapshot), text, strlen(text)) : husk_nil();
}

static husk_status group(const husk_snapshot *snapshot, const char *by, const char *words, husk_stats **out)
{
    husk_stats_options options = { HUSK_STATS_OPTIONS };
    husk_filter *filter = NULL;
    husk_status status = husk_stats_by_find(by, &options.by);
    if (status == HUSK_OK && *words) {
        status = husk_filter_new(&filter);
        if (status == HUSK_OK)
            status = husk_filter_parse(filter, words);
    }
    options.filter = filter;
    if (status == HUSK_OK)
        status = husk_stats_new(snapshot, &options, out);
    husk_filter_free(filter);
    return status;
}

size_t husk_generic_snapshot_group(husk_obj *snapshot, const char *by, const char *filter)
{
    shot *s = shot_of(snapshot);
    husk_stats *stats = NULL;
    if (!s || husk_generic_noted(husk_obj_heap(snapshot), group(s->snapshot, by, filter, &stats)) != HUSK_OK)
        return 0;
    husk_stats_free(s->stats);
    s->stats = stats;
    return husk_stats_count(stats);
}

/* The row, or NULL and the failure noted. */
static const husk_stats *row_of(husk_obj *snapshot, size_t row, husk_stat *out)
{
    husk_heap *heap = husk_obj_heap(snapshot);
    const shot *s = shot_of(snapshot);
    if (!s)
        return NULL;
    if (!s->stats) {
        (void)fail(heap, HUSK_ESTATE, "nothing was grouped: snapshot_group comes first");
        return NULL;
    }
    if (husk_stats_row(s->stats, row, out))
        return s->stats;
    (void)husk_heap_fail(heap, HUSK_ERANGE, "row %zu of %zu", row, husk_stats_count(s->stats));
    return NULL;
}

husk_value husk_generic_snapshot_name(husk_obj *snapshot, size_t row)
{
    husk_stat stat;
    const husk_stats *stats = row_of(snapshot, row, &stat);
    if (!stats)
        return husk_nil();
    size_t length = husk_stats_key_text(stats, row, NULL, 0);
    char *text = malloc(length + 1);
    if (!text)
        return fail(husk_obj_heap(snapshot), HUSK_ENOMEM, husk_status_text(HUSK_ENOMEM));
    husk_stats_key_text(stats, row, text, length + 1);
    husk_value v = husk_generic_text(husk_obj_heap(snapshot), text, length);
    free(text);
    return v;
}

int64_t husk_generic_snapshot_size(husk_obj *snapshot, size_t row)
{
    husk_stat stat;
    return row_of(snapshot, row, &stat) ? stat.size : 0;
}

int64_t husk_generic_snapshot_things(husk_obj *snapshot, size_t row)
{
    husk_stat stat;
    return row_of(snapshot, row, &stat) ? stat.count : 0;
}
