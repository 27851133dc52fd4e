/* bindings/generic/snapshot.h: tracing and snapshots for every language. A snapshot is a box in a heap, so that tokens,
 * threads and the end of the heap are those of any other object; it is not in itself. It has one grouping at a time, whose
 * rows are asked for one by one. Failures are in the heap. */
#ifndef HUSK_GENERIC_SNAPSHOT_H
#define HUSK_GENERIC_SNAPSHOT_H

#include "value.h"

/* Traces the heap with so many frames, which are those that trace_push gives. */
husk_status husk_generic_trace_start(husk_heap *heap, size_t frames);
husk_status husk_generic_trace_push(husk_heap *heap, const char *file, size_t line, const char *function);
husk_status husk_generic_trace_pop(husk_heap *heap);
husk_status husk_generic_tag_push(husk_heap *heap, const char *tag);
husk_status husk_generic_tag_pop(husk_heap *heap);
husk_status husk_generic_mark(husk_heap *heap, const char *name);

/* The state of the heap at this moment; or a file, in a box of the heap. */
husk_obj *husk_generic_snapshot_take(husk_heap *heap);
husk_obj *husk_generic_snapshot_load(husk_heap *heap, const char *path);
husk_status husk_generic_snapshot_save(husk_obj *snapshot, const char *path);
/* In a form of husk/report.h, by name; "": by the ending of the path. */
husk_status husk_generic_snapshot_export(husk_obj *snapshot, const char *path, const char *form);

/* A field of husk_snapshot_counts: "objects". */
int64_t husk_generic_snapshot_count(husk_obj *snapshot, const char *name);
/* A text about it, nil if it has none: "heap". It ends at the next call, as all texts of wrappers do. */
husk_value husk_generic_snapshot_text(husk_obj *snapshot, const char *key);

/* Groups what it has: by as in husk_stats_by_find, filter as in husk_filter_parse, "" for none. How many rows there are;
 * the greatest is row 0. By type, kind and size what was not traced counts too. */
size_t husk_generic_snapshot_group(husk_obj *snapshot, const char *by, const char *filter);
/* Of a row of the latest grouping: what it is called, bytes, things. */
husk_value husk_generic_snapshot_name(husk_obj *snapshot, size_t row);
int64_t husk_generic_snapshot_size(husk_obj *snapshot, size_t row);
int64_t husk_generic_snapshot_things(husk_obj *snapshot, size_t row);

#endif
