/* bindings/go/trace/host.c: see host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <pthread.h>
#include <signal.h>

husk_trace_options husk_go_trace_options(uint32_t frames, uint32_t sources, size_t sample_bytes,
                                         uint64_t seed, uint32_t epoch_ms)
{
    return (husk_trace_options){
        HUSK_TRACE_OPTIONS,           .frames = frames, .sources = sources,
        .sample_bytes = sample_bytes, .seed = seed,     .epoch_ms = epoch_ms,
    };
}

husk_status husk_go_snapshot(husk_heap *heap, uint32_t flags, size_t max_bytes, husk_snapshot **out)
{
    husk_snapshot_options options = { HUSK_SNAPSHOT_OPTIONS, .flags = flags, .max_bytes = max_bytes };
    return husk_snapshot_new(heap, &options, out);
}

/* The child has one thread, and no Go that could handle a signal. */
husk_status husk_go_fork(husk_heap *heap, uint32_t flags, size_t max_bytes, const char *path, int64_t *child)
{
    husk_snapshot_options options = { HUSK_SNAPSHOT_OPTIONS, .flags = flags, .max_bytes = max_bytes };
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    husk_status status = husk_snapshot_fork(heap, &options, path, child);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

#define FILL(one)                                                                                            \
    size_t n = 0;                                                                                            \
    while (n < room && (one))                                                                                \
        n++;                                                                                                 \
    return n

size_t husk_go_nodes(const husk_snapshot *snapshot, size_t first, husk_node *out, size_t room)
{
    FILL(husk_snapshot_node(snapshot, first + n, &out[n]));
}

size_t husk_go_edges(const husk_snapshot *snapshot, size_t node, size_t first, husk_snapshot_edge *out,
                     size_t room)
{
    FILL(husk_snapshot_edge_at(snapshot, node, first + n, &out[n]));
}

size_t husk_go_frames(const husk_snapshot *snapshot, uint32_t *stack, husk_frame *out, size_t room)
{
    size_t n = 0;
    for (; n < room && husk_snapshot_frame(snapshot, *stack, 0, &out[n]); n++)
        *stack = husk_snapshot_caller(snapshot, *stack);
    return n;
}

size_t husk_go_rows(const husk_stats *stats, size_t first, husk_stat *out, size_t room)
{
    FILL(husk_stats_row(stats, first + n, &out[n]));
}

size_t husk_go_things(const husk_things *things, size_t first, husk_thing *out, size_t room)
{
    FILL(husk_things_at(things, first + n, &out[n]));
}

husk_status husk_go_stats(const husk_snapshot *old, const husk_snapshot *snapshot, int by, int sort,
                          uint32_t flags, const husk_filter *filter, husk_stats **out)
{
    husk_stats_options options = {
        HUSK_STATS_OPTIONS, .by = by, .sort = sort, .flags = flags, .filter = filter,
    };
    return old ? husk_stats_compare(old, snapshot, &options, out) : husk_stats_new(snapshot, &options, out);
}

static bool write_piece(const void *bytes, size_t length, void *data)
{
    return huskGoWrite((uintptr_t)data, (void *)(uintptr_t)bytes, length);
}

husk_status husk_go_export(const husk_snapshot *snapshot, const char *format, uint32_t flags, const char *by,
                           size_t top, size_t max_bytes, const char *title, const husk_filter *filter,
                           const char *path, uintptr_t writer)
{
    husk_export_options options = {
        HUSK_EXPORT_OPTIONS,    .flags = flags, .by = by,         .top = top,
        .max_bytes = max_bytes, .title = title, .filter = filter,
    };
    return path ? husk_export_file(snapshot, format, &options, path)
                : husk_export(snapshot, format, &options, write_piece, (void *)writer);
}

husk_status husk_go_report(husk_snapshot *const *snapshots, size_t count, const char *title,
                           char *const *names, size_t max_bytes, const char *path, uintptr_t writer)
{
    husk_report_options options = {
        HUSK_REPORT_OPTIONS,
        .title = title,
        .names = (const char *const *)names,
        .max_bytes = max_bytes,
    };
    const husk_snapshot *const *all = (const husk_snapshot *const *)snapshots;
    return path ? husk_report_file(all, count, &options, path)
                : husk_report(all, count, &options, write_piece, (void *)writer);
}
