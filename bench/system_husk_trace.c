/* system_husk_trace.c: tracing, snapshots and statistics of the heap that is measured. */
#include "system.h"

void sys_trace_start(unsigned frames, size_t sample_bytes)
{
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = frames, .sample_bytes = sample_bytes };
    bench_check(husk_trace_start(sys_heap, &options) == HUSK_OK, "tracing starts");
}

void sys_trace_stop(void)
{
    husk_trace_stop(sys_heap);
}

size_t sys_trace_own(void)
{
    husk_trace_figures figures;
    husk_trace_figures_get(sys_heap, &figures);
    bench_check(figures.unknown == 0, "all places are known");
    return figures.own_bytes;
}

void sys_each_place(size_t places, sys_step *step, void *data)
{
    for (size_t i = 0; i < places; i++) {
        husk_trace_at(sys_heap, __FILE__, (uint32_t)(i + 1), __func__);
        step(data);
    }
}

sys_snapshot *sys_snapshot_new(void)
{
    husk_snapshot_options options = { HUSK_SNAPSHOT_OPTIONS, .flags = HUSK_SNAPSHOT_NO_EDGES };
    husk_snapshot *snapshot;
    bench_check(husk_snapshot_new(sys_heap, &options, &snapshot) == HUSK_OK, "the snapshot is taken");
    return snapshot;
}

void sys_snapshot_end(sys_snapshot *snapshot)
{
    husk_snapshot_free(snapshot);
}

void sys_snapshot_save(sys_snapshot *snapshot, const char *path)
{
    bench_check(husk_snapshot_save(snapshot, path) == HUSK_OK, "the snapshot is saved");
}

sys_snapshot *sys_snapshot_load(const char *path)
{
    husk_snapshot *snapshot;
    bench_check(husk_snapshot_load(path, &snapshot) == HUSK_OK, "the snapshot is loaded");
    return snapshot;
}

sys_stats *sys_stats_new(sys_snapshot *snapshot)
{
    husk_stats *stats;
    bench_check(husk_stats_new(snapshot, NULL, &stats) == HUSK_OK, "there are statistics");
    return stats;
}

sys_stats *sys_stats_compare(sys_snapshot *old, sys_snapshot *snapshot)
{
    husk_stats *stats;
    bench_check(husk_stats_compare(old, snapshot, NULL, &stats) == HUSK_OK, "there is a comparison");
    return stats;
}

size_t sys_stats_rows(sys_stats *stats)
{
    return husk_stats_count(stats);
}

void sys_stats_end(sys_stats *stats)
{
    husk_stats_free(stats);
}
