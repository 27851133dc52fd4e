/* system.h: the system that is measured. BENCH_SYSTEM names its header, which gives, inline where it matters:
 *
 *   SYS_COUNTS, SYS_COLLECTS, SYS_WEAK, SYS_EPHEMERONS, SYS_TRACES   1 or 0: which rows make sense
 *   SYS_EXACT                            its collector finds all garbage, and sys_collect says how much
 *   sys_obj                              an object: two references and one 64-bit integer
 *   sys_about()                          its name and version, of the library that runs
 *   sys_start()                          once, first; no collection runs by itself from here on
 *   sys_new()                            an object with empty references and number 0, held by the caller
 *   sys_number(o), sys_ref(o, i)         its integer as an lvalue; one of its references, borrowed
 *   sys_set(o, i, value)                 stores a reference of its own, lets go what was there
 *   sys_take(o, i, value)                stores the caller's reference into an empty slot
 *   sys_end(o)                           the last reference goes: the object ends, and what only it held
 *   sys_end_list(o)                      the same for the head of a long list, without recursion
 * with SYS_COUNTS
 *   sys_retain(o), sys_release(o)        one reference more, one fewer
 * with SYS_COLLECTS (sys_release is empty if nothing is counted)
 *   sys_collect()                        a full collection; the number of objects collected
 *   sys_reclaim()                        after it: does at once what it left for later
 * with SYS_WEAK
 *   sys_weak, sys_weak_new(o), sys_weak_end(w)
 *   sys_weak_lock(w)                     the object, retained, or NULL
 *   sys_weakmap, sys_weakmap_new(), sys_weakmap_end(m)   a weak-key map
 *   sys_weakmap_set(m, key, value), sys_weakmap_count(m)
 * with SYS_EPHEMERONS                    the same, and a value may lead to its key
 * with SYS_TRACES
 *   SYS_FRAMES, SYS_NATIVE               frames of a deep traceback; 1: they are C's, and samples can be taken
 *   sys_trace_start(frames, sample_bytes), sys_trace_stop(), sys_trace_own()   the last one: bytes of the tracer
 *   sys_deep(depth, step, data)          step(data), with so many calls of functions that are recorded on the stack
 *   sys_each_place(places, step, data)   step(data), which makes one object, from each of so many lines
 *   sys_snapshot, sys_snapshot_new(), sys_snapshot_end(s)   of what is traced, without references
 *   sys_snapshot_save(s, path), sys_snapshot_load(path)
 *   sys_stats, sys_stats_new(s), sys_stats_compare(old, s), sys_stats_rows(stats), sys_stats_end(stats)   by line */
#ifndef BENCH_SYSTEM_H
#define BENCH_SYSTEM_H

#include "bench.h"

#include BENCH_SYSTEM

#if SYS_TRACES
/* Functions as they are, in whatever system. */
sys_deep_fn sys_deep;
#if SYS_NATIVE
sys_deep_fn sys_deep_pointers; /* through functions with frame pointers and without unwind tables */
#endif
void sys_trace_start(unsigned frames, size_t sample_bytes);
void sys_trace_stop(void);
size_t sys_trace_own(void);
void sys_each_place(size_t places, sys_step *step, void *data);
sys_snapshot *sys_snapshot_new(void);
void sys_snapshot_end(sys_snapshot *snapshot);
void sys_snapshot_save(sys_snapshot *snapshot, const char *path);
sys_snapshot *sys_snapshot_load(const char *path);
sys_stats *sys_stats_new(sys_snapshot *snapshot);
sys_stats *sys_stats_compare(sys_snapshot *old, sys_snapshot *snapshot);
size_t sys_stats_rows(sys_stats *stats);
void sys_stats_end(sys_stats *stats);
#endif

#endif
