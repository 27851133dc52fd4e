/* husk/snapshot.h: the state of a heap at one moment, for analysis: from a live heap or from a file.
 *
 * A snapshot never changes and needs nothing but itself: objects, the references between them with the names of
 * their slots, types, where things were made (if traced, husk/trace.h), counts, the collector's records, the
 * process's memory. It holds neither itself nor the tracer. Statistics (husk/stats.h) and exports
 * (husk/report.h) are made from snapshots only.
 * Threads: taking one, the heap's owner; afterwards any one thread at a time, several may read. Failures leave
 * their text in husk_message. */
#ifndef HUSK_SNAPSHOT_H
#define HUSK_SNAPSHOT_H

#include <husk/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_snapshot husk_snapshot;

enum {
    HUSK_SNAPSHOT_NO_EDGES = 1u << 0,   /* leave out references (and hidden ones are not known then) */
    HUSK_SNAPSHOT_NO_PROCESS = 1u << 1, /* do not ask the system */
    HUSK_SNAPSHOT_NO_BLOCKS = 1u << 2,  /* leave out husk_trace_block's, of the process */
    HUSK_SNAPSHOT_MAPS = 1u << 3,       /* with the list of the process's mappings */
};

typedef struct husk_snapshot_options {
    uint32_t struct_size; /* filled by HUSK_SNAPSHOT_OPTIONS */
    uint32_t abi;
    uint32_t flags;
    size_t
        max_bytes; /* of the snapshot in memory and as a file, never exceeded; 0: none. If it does not suffice
                         edges are left out, and if that does not help it is HUSK_ELIMIT */
} husk_snapshot_options;

#define HUSK_SNAPSHOT_OPTIONS .struct_size = (uint32_t)sizeof(husk_snapshot_options), .abi = 1u

/* Takes one of heap and of the process's traced blocks; heap NULL: of these alone. Runs no pass and no hook.
 * options may be NULL. The caller frees it. HUSK_EBUSY: inside a hook or pass; HUSK_ENOMEM; HUSK_ELIMIT;
 * HUSK_EINVAL. */
HUSK_API husk_status husk_snapshot_new(HUSK_NULLABLE husk_heap *heap,
                                       HUSK_NULLABLE const husk_snapshot_options *options,
                                       husk_snapshot **out);

/* NULL is fine. */
HUSK_API void husk_snapshot_free(HUSK_NULLABLE husk_snapshot *snapshot);

/* Writes it to a file, all or nothing: under a temporary name beside it, synced, renamed. A link is followed; a
 * pipe or device is written to as it is. HUSK_EIO: names the path and says why; what was there before is as it
 * was; HUSK_ENOMEM. docs/snapshot-file.md is the form. */
HUSK_API husk_status husk_snapshot_save(const husk_snapshot *snapshot, const char *path);

/* Opens a file, which is mapped and checked to the last index: what loads is sound, whatever wrote it. The file
 * must not be changed while in use. HUSK_EIO: cannot be read; HUSK_EFORMAT: no snapshot, damaged, of a later
 * version, of another architecture: the place is named; HUSK_ENOMEM. */
HUSK_API husk_status husk_snapshot_load(const char *path, husk_snapshot **out);

/* Takes and saves in a forked child, so that the caller stops for the fork alone. *child is its process id:
 * husk_snapshot_fork_wait must be called once. Other threads may be at work with heaps of their own; the fork waits
 * for those that hold a lock of the library's which the child will need. HUSK_EIO: no process can be started;
 * HUSK_ENOMEM. */
HUSK_API husk_status husk_snapshot_fork(HUSK_NULLABLE husk_heap *heap,
                                        HUSK_NULLABLE const husk_snapshot_options *options, const char *path,
                                        int64_t *child);
/* Waits for it. HUSK_OK: the file is there; HUSK_EIO and others: it is not, husk_message has the child's text.
 * HUSK_EINVAL: no such child, or waited for before. Any thread. */
HUSK_API husk_status husk_snapshot_fork_wait(int64_t child);

typedef struct husk_snapshot_counts {
    size_t objects, object_bytes; /* headers and slack included */
    size_t edges, weak_edges;     /* strong ones; weak ones and entries of weak-key maps */
    size_t buffers, buffer_bytes; /* traced parts of objects (husk_buffer_new) */
    size_t blocks, block_bytes;   /* husk_trace_block's */
    size_t traced; /* objects, buffers and blocks whose place is known; when sampled: samples */
    size_t types, records, stacks, frames;
    size_t bytes; /* of the snapshot */
} husk_snapshot_counts;
HUSK_API void husk_snapshot_counts_get(const husk_snapshot *snapshot, husk_snapshot_counts *out);

/* A text about it: "husk" (version), "time" (ISO 8601, UTC), "command", "pid", "heap" (name), "edges" ("left out"),
 * and what husk_snapshot_note added. NULL: no such text. Valid as long as the snapshot. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE const char *husk_snapshot_text(const husk_snapshot *snapshot,
                                                                    const char *key);
/* The texts in order; NULL beyond the last. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE const char *husk_snapshot_text_key(const husk_snapshot *snapshot,
                                                                        size_t index);
/* Adds or replaces a text, which survives the file. The one change there is. HUSK_ENOMEM. */
HUSK_API husk_status husk_snapshot_note(husk_snapshot *snapshot, const char *key, const char *text);

/* A number about it: group "heap", "trace", "gc", "process", "system", "cgroup", "balance". HUSK_EMISSING: not
 * known. */
HUSK_API husk_status husk_snapshot_number(const husk_snapshot *snapshot, const char *group, const char *name,
                                          uint64_t *out);
typedef struct husk_snapshot_figure {
    const char *group, *name;
    uint64_t value;
} husk_snapshot_figure;
/* All of them in order; false beyond the last. */
HUSK_API bool husk_snapshot_figure_at(const husk_snapshot *snapshot, size_t index, husk_snapshot_figure *out);

typedef struct husk_node {
    uint64_t address;
    const char *type;
    size_t size;    /* bytes of its block */
    size_t edges;   /* references out, of all kinds */
    int64_t hidden; /* count less the references seen: held from outside; negative: the heap was damaged */
    bool tracked, finalized, finalizer_pending, frozen, immortal, weakly; /* weakly: referred to weakly */
    uint32_t stack; /* where it was made: husk_snapshot_frame; 0: not known */
    uint32_t record;
} husk_node;
/* Object number `index`, by address. false beyond the last. */
HUSK_API bool husk_snapshot_node(const husk_snapshot *snapshot, size_t index, husk_node *out);
/* The number of the object at this address, or SIZE_MAX. O(log n). */
HUSK_API size_t husk_snapshot_find(const husk_snapshot *snapshot, uint64_t address);

typedef struct husk_snapshot_edge {
    size_t to;        /* number of the object */
    const char *name; /* of the slot; NULL: it has none */
    bool weak;        /* does not keep alive */
    bool ephemeron;   /* keeps alive while its key lives, the weak edge before it */
    size_t index;     /* item, element or row; SIZE_MAX: a field */
} husk_snapshot_edge;
/* Reference number `edge` of an object; false beyond the last. */
HUSK_API bool husk_snapshot_edge_at(const husk_snapshot *snapshot, size_t node, size_t edge,
                                    husk_snapshot_edge *out);

typedef struct husk_frame {
    const char *file, *function; /* never NULL */
    uint32_t line;               /* 0: not known */
    const char *module;          /* path of the program or library, for native frames; else "" */
    uint64_t address;            /* native frames: in the process; else 0 */
} husk_frame;
/* Frame number `index` of a traceback, newest first; false beyond the oldest. */
HUSK_API bool husk_snapshot_frame(const husk_snapshot *snapshot, uint32_t stack, size_t index,
                                  husk_frame *out);
/* The traceback of the newest frame's caller: 0 if there is none. Number 0 of it is number 1 of `stack`, so a whole
 * traceback is gone through in a time that grows with its length. */
HUSK_API uint32_t husk_snapshot_caller(const husk_snapshot *snapshot, uint32_t stack);
/* Frames in a traceback, and how many there were before the limit cut it (0: not known). */
HUSK_API size_t husk_snapshot_depth(const husk_snapshot *snapshot, uint32_t stack);
HUSK_API size_t husk_snapshot_total_depth(const husk_snapshot *snapshot, uint32_t stack);

#ifdef __cplusplus
}
#endif

#endif
