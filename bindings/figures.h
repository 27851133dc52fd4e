/* bindings/figures.h: the fields of the library's structs of figures, in the order in which the languages show them.
 * X(struct, field, kind), where the kind says how the field is read: SIZE a size_t, COUNT a uint64_t, INT an int,
 * REAL a double, BOOL a bool, REASON a husk_reason, MODE a husk_mode. */
#ifndef HUSK_BINDINGS_FIGURES_H
#define HUSK_BINDINGS_FIGURES_H

typedef enum husk_figure_kind {
    HUSK_FIGURE_SIZE,
    HUSK_FIGURE_COUNT,
    HUSK_FIGURE_INT,
    HUSK_FIGURE_REAL,
    HUSK_FIGURE_BOOL,
    HUSK_FIGURE_REASON,
    HUSK_FIGURE_MODE
} husk_figure_kind;

#define HUSK_PASS_LIST(X)                                                                                    \
    X(husk_pass, generation, INT)                                                                            \
    X(husk_pass, reason, REASON)                                                                             \
    X(husk_pass, examined, SIZE)                                                                             \
    X(husk_pass, collected, SIZE)                                                                            \
    X(husk_pass, uncollectable, SIZE)                                                                        \
    X(husk_pass, finalized, SIZE)                                                                            \
    X(husk_pass, resurrected, SIZE)                                                                          \
    X(husk_pass, weak_cleared, SIZE)                                                                         \
    X(husk_pass, deferred, SIZE)                                                                             \
    X(husk_pass, bytes, SIZE)                                                                                \
    X(husk_pass, find_ns, COUNT)                                                                             \
    X(husk_pass, finalize_ns, COUNT)                                                                         \
    X(husk_pass, reclaim_ns, COUNT)                                                                          \
    X(husk_pass, mode, MODE)                                                                                 \
    X(husk_pass, passes, SIZE)                                                                               \
    X(husk_pass, number, COUNT)

#define HUSK_COUNTS_LIST(X)                                                                                  \
    X(husk_counts, grown_objects, SIZE)                                                                      \
    X(husk_counts, grown_bytes, SIZE)                                                                        \
    X(husk_counts, limit_objects, SIZE)                                                                      \
    X(husk_counts, limit_bytes, SIZE)

#define HUSK_PACING_LIST(X)                                                                                  \
    X(husk_pacing, least_objects, SIZE)                                                                      \
    X(husk_pacing, least_bytes, SIZE)                                                                        \
    X(husk_pacing, factor, REAL)                                                                             \
    X(husk_pacing, factor_max, REAL)

#define HUSK_SOFT_FIGURES_LIST(X)                                                                            \
    X(husk_soft_figures, references, SIZE)                                                                   \
    X(husk_soft_figures, holding, SIZE)                                                                      \
    X(husk_soft_figures, by_call, COUNT)                                                                     \
    X(husk_soft_figures, by_age, COUNT)                                                                      \
    X(husk_soft_figures, by_pressure, COUNT)                                                                 \
    X(husk_soft_figures, by_limit, COUNT)                                                                    \
    X(husk_soft_figures, regained, COUNT)

#define HUSK_GENERATION_LIST(X)                                                                              \
    X(husk_generation, passes, COUNT)                                                                        \
    X(husk_generation, examined, COUNT)                                                                      \
    X(husk_generation, collected, COUNT)                                                                     \
    X(husk_generation, uncollectable, COUNT)                                                                 \
    X(husk_generation, finalized, COUNT)                                                                     \
    X(husk_generation, resurrected, COUNT)                                                                   \
    X(husk_generation, weak_cleared, COUNT)                                                                  \
    X(husk_generation, bytes, COUNT)                                                                         \
    X(husk_generation, find_ns, COUNT)                                                                       \
    X(husk_generation, finalize_ns, COUNT)                                                                   \
    X(husk_generation, reclaim_ns, COUNT)                                                                    \
    X(husk_generation, longest_ns, COUNT)

#define HUSK_STEPS_LIST(X)                                                                                   \
    X(husk_steps, begun, COUNT)                                                                              \
    X(husk_steps, finished, COUNT)                                                                           \
    X(husk_steps, given_up, COUNT)                                                                           \
    X(husk_steps, hurried, COUNT)                                                                            \
    X(husk_steps, steps, COUNT)                                                                              \
    X(husk_steps, late, COUNT)                                                                               \
    X(husk_steps, longest_ns, COUNT)                                                                         \
    X(husk_steps, nominated, COUNT)                                                                          \
    X(husk_steps, mistaken, COUNT)                                                                           \
    X(husk_steps, under_way, BOOL)

#define HUSK_HEAP_FIGURES_LIST(X)                                                                            \
    X(husk_heap_figures, objects, SIZE)                                                                      \
    X(husk_heap_figures, object_bytes, SIZE)                                                                 \
    X(husk_heap_figures, buffer_bytes, SIZE)                                                                 \
    X(husk_heap_figures, foreign_bytes, SIZE)                                                                \
    X(husk_heap_figures, bytes_taken, SIZE)                                                                  \
    X(husk_heap_figures, bytes_peak, SIZE)                                                                   \
    X(husk_heap_figures, max_bytes, SIZE)                                                                    \
    X(husk_heap_figures, pages, SIZE)                                                                        \
    X(husk_heap_figures, pages_spare, SIZE)                                                                  \
    X(husk_heap_figures, chunks, SIZE)                                                                       \
    X(husk_heap_figures, weak_cells, SIZE)                                                                   \
    X(husk_heap_figures, frozen_objects, SIZE)                                                               \
    X(husk_heap_figures, dying_objects, SIZE)                                                                \
    X(husk_heap_figures, dying_bytes, SIZE)

#define HUSK_TRACE_FIGURES_LIST(X)                                                                           \
    X(husk_trace_figures, bytes, SIZE)                                                                       \
    X(husk_trace_figures, count, SIZE)                                                                       \
    X(husk_trace_figures, peak_bytes, SIZE)                                                                  \
    X(husk_trace_figures, peak_count, SIZE)                                                                  \
    X(husk_trace_figures, born_bytes, COUNT)                                                                 \
    X(husk_trace_figures, born, COUNT)                                                                       \
    X(husk_trace_figures, temporary, COUNT)                                                                  \
    X(husk_trace_figures, unknown, COUNT)                                                                    \
    X(husk_trace_figures, places, SIZE)                                                                      \
    X(husk_trace_figures, own_bytes, SIZE)                                                                   \
    X(husk_trace_figures, sample_bytes, SIZE)

#define HUSK_SNAPSHOT_COUNTS_LIST(X)                                                                         \
    X(husk_snapshot_counts, objects, SIZE)                                                                   \
    X(husk_snapshot_counts, object_bytes, SIZE)                                                              \
    X(husk_snapshot_counts, edges, SIZE)                                                                     \
    X(husk_snapshot_counts, weak_edges, SIZE)                                                                \
    X(husk_snapshot_counts, buffers, SIZE)                                                                   \
    X(husk_snapshot_counts, buffer_bytes, SIZE)                                                              \
    X(husk_snapshot_counts, blocks, SIZE)                                                                    \
    X(husk_snapshot_counts, block_bytes, SIZE)                                                               \
    X(husk_snapshot_counts, traced, SIZE)                                                                    \
    X(husk_snapshot_counts, types, SIZE)                                                                     \
    X(husk_snapshot_counts, records, SIZE)                                                                   \
    X(husk_snapshot_counts, stacks, SIZE)                                                                    \
    X(husk_snapshot_counts, frames, SIZE)                                                                    \
    X(husk_snapshot_counts, bytes, SIZE)

#endif
