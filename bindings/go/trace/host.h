/* bindings/go/trace/host.h: the C half of the Go package trace. */
#ifndef HUSK_GO_TRACE_HOST_H
#define HUSK_GO_TRACE_HOST_H

#include <husk.h>

husk_trace_options husk_go_trace_options(uint32_t frames, uint32_t sources, size_t sample_bytes,
                                         uint64_t seed, uint32_t epoch_ms);

/* husk_snapshot_new and husk_snapshot_fork; flags: HUSK_SNAPSHOT_... */
husk_status husk_go_snapshot(husk_heap *heap, uint32_t flags, size_t max_bytes, husk_snapshot **out);
husk_status husk_go_fork(husk_heap *heap, uint32_t flags, size_t max_bytes, const char *path, int64_t *child);

/* Many at a time: a call costs more than what it asks for. They return how many there were. */
size_t husk_go_nodes(const husk_snapshot *snapshot, size_t first, husk_node *out, size_t room);
size_t husk_go_edges(const husk_snapshot *snapshot, size_t node, size_t first, husk_snapshot_edge *out,
                     size_t room);
/* Frames from *stack on, which becomes the traceback that is left. */
size_t husk_go_frames(const husk_snapshot *snapshot, uint32_t *stack, husk_frame *out, size_t room);
size_t husk_go_rows(const husk_stats *stats, size_t first, husk_stat *out, size_t room);
size_t husk_go_things(const husk_things *things, size_t first, husk_thing *out, size_t room);

/* old NULL: no comparison. */
husk_status husk_go_stats(const husk_snapshot *old, const husk_snapshot *snapshot, int by, int sort,
                          uint32_t flags, const husk_filter *filter, husk_stats **out);

/* husk_export and husk_report, to a file, or with path NULL to the writer of a cgo.Handle. */
husk_status husk_go_export(const husk_snapshot *snapshot, const char *format, uint32_t flags, const char *by,
                           size_t top, size_t max_bytes, const char *title, const husk_filter *filter,
                           const char *path, uintptr_t writer);
husk_status husk_go_report(husk_snapshot *const *snapshots, size_t count, const char *title,
                           char *const *names, size_t max_bytes, const char *path, uintptr_t writer);
/* Takes a piece, on the Go side (export.go). */
bool huskGoWrite(uintptr_t writer, void *bytes, size_t length);

#endif
