/* view/format.h: what a snapshot consists of: sections, each an array of one of these structs.
 *
 * The same arrays serve in memory and in the file (view/snapfile.c), so a file is mapped, checked and used as it
 * is. All numbers are little endian. docs/snapshot-file.md says it byte by byte; a change here is a change there
 * and of SNAPSHOT_VERSION, unless it is a new section that old readers may skip.
 *
 *   NODES     objects, by address; number 0 is the first. NODE_SITE beside them if anything was traced
 *   EDGE_OFF  for every 64th node the index of its first edge; EDGE_DST, EDGE_FIELD: the edges, in node order
 *   TYPES --> FIELDS              EDGE_FIELD counts from its type's first field
 *   sites --> RECORDS --> STACKS --> FRAMES --> MODULES, and RECORDS --> CONTEXTS --> THREADS
 *   strings are numbers: STRING_OFF[n] .. STRING_OFF[n + 1] in STRINGS, any bytes; number 0 is ""
 *
 * Everything that may not fit its column is saturated there and exact in SPILL. */
#ifndef HUSK_VIEW_FORMAT_H
#define HUSK_VIEW_FORMAT_H

#include <stdint.h>

enum { SNAPSHOT_VERSION = 1 };

/* name, number in the file, element. Each occurs once at most; a section without elements may be left out. */
#define HUSK_SECTION_LIST(X)                                                                                 \
    X(STRINGS, 1, char)                                                                                      \
    X(STRING_OFF, 2, uint64_t)                                                                               \
    X(META, 3, struct husk__meta)                                                                            \
    X(NUMBERS, 4, struct husk__number)                                                                       \
    X(TYPES, 5, struct husk__type_row)                                                                       \
    X(FIELDS, 6, struct husk__field)                                                                         \
    X(NODES, 7, struct husk__node)                                                                           \
    X(NODE_SITE, 8, uint32_t)                                                                                \
    X(EDGE_OFF, 9, uint64_t)                                                                                 \
    X(EDGE_DST, 10, uint32_t)                                                                                \
    X(EDGE_FIELD, 11, uint8_t)                                                                               \
    X(EDGE_INDEX_OFF, 12, uint64_t)                                                                          \
    X(EDGE_INDEX, 13, uint32_t)                                                                              \
    X(SPILL, 14, struct husk__spill)                                                                         \
    X(BLOCKS, 15, struct husk__block)                                                                        \
    X(RECORDS, 16, struct husk__record_row)                                                                  \
    X(CONTEXTS, 17, struct husk__context)                                                                    \
    X(STACKS, 18, struct husk__stack)                                                                        \
    X(FRAMES, 19, struct husk__frame)                                                                        \
    X(MODULES, 20, struct husk__module)                                                                      \
    X(THREADS, 21, struct husk__thread)                                                                      \
    X(EPOCHS, 22, struct husk__epoch)                                                                        \
    X(CLASSES, 23, struct husk__class_row)                                                                   \
    X(PASSES, 24, struct husk__pass_row)                                                                     \
    X(MAPS, 25, struct husk__map_row)

enum husk__section_kind {
#define HUSK_SECTION_ENUM(name, number, type) SECTION_##name = (number),
    HUSK_SECTION_LIST(HUSK_SECTION_ENUM)
#undef HUSK_SECTION_ENUM
        SECTIONS = 26 /* numbers are below this */
};

/* A text about the snapshot: "husk.version", "command", "heap", "time" ... Strings. */
struct husk__meta {
    uint32_t key, value;
};

/* A number about it: group "heap", "trace", "process", "system", "cgroup", "balance", "gc"; name; value. What is
 * not known is left out. */
struct husk__number {
    uint32_t group, name; /* strings */
    uint64_t value;
};

/* husk__type_row.flags */
enum { TYPE_ROW_TRACKED = 1u << 0, TYPE_ROW_FINALIZE = 1u << 1, TYPE_ROW_WEAK = 1u << 2 };

/* Number 0 is "?", a type that is not known. */
struct husk__type_row {
    uint32_t name; /* string */
    uint32_t flags;
    uint32_t field_first, field_count; /* in FIELDS */
    uint64_t size;                     /* bytes of the fixed part */
    uint64_t instances;                /* its nodes */
};

/* husk__field.kind: what an edge means. */
enum {
    EDGE_STRONG = 0, /* a counted reference in a slot */
    EDGE_WEAK = 1,   /* does not keep alive: a weak reference, the target of a weak container's entry */
    EDGE_EPHEMERON =
        2, /* keeps alive while the container and the entry's key live; the key is the WEAK edge with
                           the same index, next before it */
};
/* husk__field.flags: edges of this field have a number in EDGE_INDEX. */
enum { FIELD_INDEXED = 1u << 0, FIELD_MORE = 1u << 1 };

/* A slot of a type. At most 250 have a number of their own in EDGE_FIELD: in a type with more, field number 250
 * stands for all further ones (FIELD_MORE | FIELD_INDEXED, named "..."), the index is the slot's number, and the
 * further fields' names follow it: slot n >= 250 is field n + 1 of the type. */
struct husk__field {
    uint32_t name; /* string; 0: it has none */
    uint8_t kind, flags;
    uint16_t unused;
};
enum { FIELD_LAST = 250 };

/* husk__node.flags */
enum {
    NODE_TRACKED = 1u << 0,
    NODE_FINALIZED = 1u << 1,
    NODE_FROZEN = 1u << 2,
    NODE_IMMORTAL = 1u << 3,
    NODE_PENDING = 1u << 4, /* its finalizer has still to run */
    NODE_WEAKLY = 1u << 5,  /* something refers to it weakly */
};

enum {
    NODE_TYPE_BITS = 19, /* so many types in a snapshot; no program has more */
    NODE_SIZE_SPILLS = 0xFFFFFFFFu,
    NODE_HIDDEN_SPILLS = 0xFFFFu, /* more than 65534, or negative */
    NODE_DEGREE_SPILLS = 0xFFu,
};

/* An object. where: bits 63..19 the address / 8, bits 18..0 the row in TYPES. hidden: its count less the counted
 * edges to it in this snapshot, strong and ephemeron ones; 0 if it is immortal. So its count is hidden + those. */
struct husk__node {
    uint64_t where;
    uint32_t size; /* bytes of its block */
    uint16_t hidden;
    uint8_t degree; /* edges out, of all kinds */
    uint8_t flags;
};

/* The exact value of a column that was too small. Ordered by node, then column. */
enum { SPILL_SIZE = 1, SPILL_HIDDEN = 2, SPILL_DEGREE = 3 };
struct husk__spill {
    uint32_t node, column;
    uint64_t value; /* hidden: two's complement */
};

/* A site: bits 23..0 the row in RECORDS (0: not traced), bits 31..24 the row in EPOCHS. */
enum { SITE_RECORD = 0x00FFFFFF, SITE_EPOCH_SHIFT = 24 };

/* Memory that is no object. */
enum {
    BLOCK_BUFFER = 1 /* of the heap: husk_buffer_new */,
    BLOCK_FOREIGN = 2 /* husk_trace_block, the preload */
};
struct husk__block {
    uint64_t address, size;
    uint32_t site, kind;
};

/* What is known of one place that makes things in one context, cumulated while tracing. Number 0 is the unknown
 * place. Live now: born - died. Sampled: estimates. */
struct husk__record_row {
    uint32_t stack, context;
    uint64_t born_count, born_bytes, died_count, died_bytes;
    uint64_t temporary;              /* died before the tracer's next birth */
    uint64_t peak_count, peak_bytes; /* live when the tracer's total was at its highest */
};

/* Number 0: no tag, no domain, thread 0. */
struct husk__context {
    uint32_t tag, domain; /* strings */
    uint32_t thread;      /* row in THREADS */
    uint32_t unused;
};

/* A traceback: frame is the newest, parent the traceback of its callers, 0 none. parent < its own number; number 0
 * is the empty one. */
struct husk__stack {
    uint32_t parent, frame;
    uint32_t depth; /* frames in it */
    uint32_t total; /* frames there were, before the limit cut the oldest off; 0: not known */
};

/* husk__frame.kind */
enum { FRAME_EXPLICIT = 0, FRAME_NATIVE = 1, FRAME_LANGUAGE = 2 };

/* Number 0 is "<unknown>", line 0. */
struct husk__frame {
    uint32_t file, function; /* strings */
    uint32_t line;
    uint32_t kind;
    uint32_t module; /* row in MODULES, for native ones; 0: not known */
    uint32_t unused;
    uint64_t address; /* native: in this process */
};

/* A mapped program or library. Number 0 is unknown. */
struct husk__module {
    uint32_t path, build_id; /* strings; the build id in hexadecimal */
    uint64_t start, end;     /* where its code is mapped */
    uint64_t offset;         /* of start in the file */
};

struct husk__thread {
    uint64_t id;   /* the system's */
    uint32_t name; /* string */
    uint32_t unused;
};

/* Things born in one stretch of time; ordered by start. */
struct husk__epoch {
    uint64_t start_ns; /* since tracing began */
    uint32_t mark;     /* string: the mark that began it, "" if none */
    uint32_t unused;
};

/* A size class of the heap's allocator; block_bytes 0: runs of pages and own mappings. */
struct husk__class_row {
    uint32_t block_bytes;
    uint32_t tracked;
    uint64_t pages, used, free, untouched; /* pages of 64 KiB; blocks */
    uint64_t used_bytes;
};

/* A pass of the collector, or the sum of all (kind 0: cumulative; 1: one pass, the latest last). */
struct husk__pass_row {
    uint32_t kind, reason; /* husk_reason */
    uint64_t passes, examined, collected, uncollectable, finalized, resurrected, weak_cleared, deferred,
        bytes;
    uint64_t find_ns, finalize_ns, reclaim_ns, longest_ns;
};

/* A mapping of the process, where that was asked for. */
struct husk__map_row {
    uint64_t start, end, rss, pss, private_dirty, swap;
    uint32_t path, permissions; /* strings */
};

#endif
