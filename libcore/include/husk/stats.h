/* husk/stats.h: who has how much: the things of a snapshot chosen, grouped, sorted, compared, and as text.
 *
 * Things are the objects of the heap, their buffers (husk_buffer_new) and the blocks of husk_trace_block. Those
 * whose place is not known stand for nothing where places are grouped, unless HUSK_STATS_UNTRACED is asked for;
 * by type, size class and kind everything counts.
 *
 * In a snapshot of a sampled tracer a traced thing of n bytes counts as 1 / (1 - exp(-n / sample_bytes)) of its
 * kind: sums are estimates without bias, rounded once, in the row. What does not ask for places is exact also
 * then, for objects: all of them are in the snapshot.
 *
 * Rows, names and texts refer to the snapshots, which must outlive the statistics.
 * Threads: any one thread at a time. Failures leave their text in husk_message. */
#ifndef HUSK_STATS_H
#define HUSK_STATS_H

#include <husk/snapshot.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- choosing ---- */

/* Filters, each inclusive or exclusive. A thing passes if some inclusive one matches it, or there is none, and
 * no exclusive one does. A filter matches if all that was said of it holds. */
typedef struct husk_filter husk_filter;

/* Without filters: everything passes. HUSK_ENOMEM. */
HUSK_API husk_status husk_filter_new(husk_filter **out);
/* NULL is fine. */
HUSK_API void husk_filter_free(HUSK_NULLABLE husk_filter *filter);

/* Begins a filter, of which the calls below then speak; there must be one. A filter of which nothing is said is
 * an error when it is used: HUSK_EINVAL. Here HUSK_ENOMEM; HUSK_ERANGE: more than 4096. */
HUSK_API husk_status husk_filter_add(husk_filter *filter, bool inclusive);

/* Patterns: * is any text, / included, ? any character, [a-z] one of them, [!a-z] another one. Case counts; a
 * pattern matches the whole. HUSK_ESTATE: husk_filter_add is missing; HUSK_ENOMEM. */
HUSK_API husk_status husk_filter_file(husk_filter *filter, const char *pattern);
HUSK_API husk_status husk_filter_function(husk_filter *filter, const char *pattern);
HUSK_API husk_status husk_filter_type(husk_filter *filter, const char *pattern); /* objects only */
HUSK_API husk_status husk_filter_tag(husk_filter *filter, const char *pattern);
HUSK_API husk_status husk_filter_thread(husk_filter *filter,
                                        const char *pattern); /* its name, or its number */
/* Exactly this domain; "": none. */
HUSK_API husk_status husk_filter_domain(husk_filter *filter, const char *domain);
/* 0 is a line like others: that of places without one. */
HUSK_API husk_status husk_filter_line(husk_filter *filter, uint32_t line);
/* File, line and function may be those of any frame; otherwise of the newest. They are always of one frame. */
HUSK_API husk_status husk_filter_all_frames(husk_filter *filter);
HUSK_API husk_status husk_filter_min_size(husk_filter *filter, uint64_t bytes);
/* Made since the latest mark of this name. HUSK_EMISSING when used on a snapshot without that mark. */
HUSK_API husk_status husk_filter_since(husk_filter *filter, const char *mark);
enum { HUSK_THING_OBJECT = 0, HUSK_THING_BUFFER = 1, HUSK_THING_BLOCK = 2 };
HUSK_API husk_status husk_filter_kind(husk_filter *filter, int kind); /* HUSK_ERANGE: none of these */

/* Adds the filter that a text says: terms with commas between them, "!" before all for an exclusive one:
 *   file=*.lua,line=3      !file="/usr/[a-z]*, old",all      type=list,min=10k      since=start,kind=object
 * Terms: file, function, type, tag, thread, domain, line, min (with k, m or g), since, kind, all. A value with
 * a comma or quote stands in double quotes, in which \" and \\ are " and \. HUSK_EINVAL: says what is wrong and
 * at which column; nothing is added. HUSK_ENOMEM. */
HUSK_API husk_status husk_filter_parse(husk_filter *filter, const char *text);

/* What was said so far is one list; the filters that follow are another. A thing must pass every list. */
HUSK_API husk_status husk_filter_and(husk_filter *filter);

/* ---- grouping ---- */

/* clang-format off */
#define HUSK_BY_LIST(X)                                                                                      \
    X(LINE,      0,  "line")      /* file and line of the newest frame */                                    \
    X(FILE,      1,  "file")                                                                                 \
    X(FUNCTION,  2,  "function")  /* and its file */                                                         \
    X(TRACEBACK, 3,  "traceback") /* file and line of all frames */                                          \
    X(TYPE,      4,  "type")                                                                                 \
    X(TAG,       5,  "tag")                                                                                  \
    X(DOMAIN,    6,  "domain")                                                                               \
    X(THREAD,    7,  "thread")                                                                               \
    X(CLASS,     8,  "class")     /* size class of the heap; beyond those the next power of two */           \
    X(AGE,       9,  "age")       /* seconds, doubling */                                                    \
    X(MARK,      10, "mark")      /* the latest one before it was made */                                    \
    X(KIND,      11, "kind")      /* object, buffer, block */
/* clang-format on */
enum {
#define HUSK_BY_ENUM(name, number, text) HUSK_BY_##name = (number),
    HUSK_BY_LIST(HUSK_BY_ENUM)
#undef HUSK_BY_ENUM
};

/* "line" and so on; NULL: no such number. Any thread. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE const char *husk_stats_by_name(int by);
/* HUSK_EINVAL: names what there is. */
HUSK_API husk_status husk_stats_by_find(const char *name, int *out);

/* Which rows come first: the greatest. Whatever decides first, what follows is size, count, and the key of the
 * row, all descending: names and files by their bytes, then the line; tracebacks frame by frame, the oldest
 * first. In a comparison the differences decide, by their absolute value, as it is said below. */
enum {
    HUSK_SORT_SIZE = 0,
    HUSK_SORT_COUNT = 1,
    HUSK_SORT_BORN = 2,      /* bytes made while tracing */
    HUSK_SORT_TEMPORARY = 3, /* how many died before the next birth */
    HUSK_SORT_PEAK = 4       /* bytes alive when the tracer's total was at its highest */
};
/* "size", "count", "born", "temporary", "peak"; NULL: no such number. Any thread. */
HUSK_API HUSK_BORROWED HUSK_NULLABLE const char *husk_stats_sort_name(int sort);
/* HUSK_EINVAL: names what there is. */
HUSK_API husk_status husk_stats_sort_find(const char *name, int *out);

enum {
    /* By line, file or function: every frame of a traceback gets what was made below it. A group counts a thing
     * once, however often it is in the traceback. */
    HUSK_STATS_CUMULATIVE = 1u << 0,
    /* With this it counts it as often as it is in there, as tracemalloc does: recursion counts twice. */
    HUSK_STATS_EACH_FRAME = 1u << 1,
    /* What was not traced too, as "<unknown>:0". */
    HUSK_STATS_UNTRACED = 1u << 2,
    /* With what the tracer recorded of places besides: born, died, temporary, peak (husk_stat.recorded), where
     * groups and filters are of places. Sorting by one of them does so too. */
    HUSK_STATS_RECORDS = 1u << 3,
};

typedef struct husk_stats_options {
    uint32_t struct_size; /* filled by HUSK_STATS_OPTIONS */
    uint32_t abi;
    int by;                                      /* HUSK_BY_... */
    int sort;                                    /* HUSK_SORT_... */
    uint32_t flags;                              /* HUSK_STATS_... */
    HUSK_NULLABLE const husk_filter *filter;     /* not needed any more afterwards */
    HUSK_NULLABLE const husk_filter *old_filter; /* of the old snapshot in a comparison; NULL: filter */
} husk_stats_options;

#define HUSK_STATS_OPTIONS .struct_size = (uint32_t)sizeof(husk_stats_options), .abi = 1u

typedef struct husk_stats husk_stats;

/* Groups the things of a snapshot. options NULL: by line. The caller frees it. HUSK_ENOMEM; HUSK_EINVAL: an
 * option, a filter of which nothing was said, or a sort by what is known of places only
 * (HUSK_STATS_RECORDS); HUSK_EMISSING: a mark. */
HUSK_API husk_status husk_stats_new(const husk_snapshot *snapshot,
                                    HUSK_NULLABLE const husk_stats_options *options, husk_stats **out);
/* The same of `snapshot`, with the differences against `old`. Groups are told by their names, so the two may be
 * of different processes. A group that is gone is there with 0, one that did not change with differences of 0.
 * Order: the absolute difference of the size, size, absolute difference of the count, count, key, descending;
 * by count: the counts before the sizes. No other sort: HUSK_EINVAL. */
HUSK_API husk_status husk_stats_compare(const husk_snapshot *old, const husk_snapshot *snapshot,
                                        HUSK_NULLABLE const husk_stats_options *options, husk_stats **out);
/* NULL is fine. */
HUSK_API void husk_stats_free(HUSK_NULLABLE husk_stats *stats);

/* ---- rows ---- */

typedef struct husk_stat {
    int64_t size, count;           /* alive: bytes, things */
    int64_t size_diff, count_diff; /* against the old snapshot; 0 without one */
    bool recorded;                 /* the figures that follow are known (HUSK_STATS_RECORDS) */
    uint64_t born, born_bytes;     /* made while tracing */
    uint64_t died, died_bytes;
    uint64_t temporary;        /* died before the next birth */
    uint64_t peak, peak_bytes; /* alive when the tracer's total was at its highest */
    const char *name;          /* file of the frame (of a traceback: the oldest); type; tag ...; never NULL */
    const char *function;      /* by function: its name; else "" */
    uint32_t line;             /* by line and traceback; else 0 */
    size_t frames;             /* husk_stats_frame */
} husk_stat;

HUSK_API size_t husk_stats_count(const husk_stats *stats);
/* Row number `index`; false beyond the last. Those of which nothing is alive are there if they have something
 * in the column that decides: born, temporary, peak; and in comparisons. */
HUSK_API bool husk_stats_row(const husk_stats *stats, size_t index, husk_stat *out);
/* All things that passed, each once, also if cumulative. */
HUSK_API void husk_stats_total(const husk_stats *stats, husk_stat *out);
/* The sum of the rows from number `first` on. */
HUSK_API void husk_stats_rest(const husk_stats *stats, size_t first, husk_stat *out);
/* Frame number `index` of a row's traceback, newest first: one by line, file and function (which has line 0 and
 * "" for what it does not group by), none by others. */
HUSK_API bool husk_stats_frame(const husk_stats *stats, size_t row, size_t index, husk_frame *out);
/* The whole traceback of a row, by traceback: its number in *snapshot, for husk_snapshot_frame and
 * husk_snapshot_caller. 0: the place is not known, or this is another grouping. snapshot may be NULL. */
HUSK_API uint32_t husk_stats_stack(const husk_stats *stats, size_t row,
                                   HUSK_NULLABLE const husk_snapshot **snapshot);
/* Frames there were before the limit cut the oldest off, of a traceback; 0: not known. */
HUSK_API size_t husk_stats_total_frames(const husk_stats *stats, size_t row);
HUSK_API bool husk_stats_is_comparison(const husk_stats *stats);
HUSK_API int husk_stats_by(const husk_stats *stats);

/* ---- text ---- */

/* All of these write at most `room` bytes, NUL included, and answer how long the text is without its NUL, as
 * snprintf does. out may be NULL if room is 0. Bytes below 32, and 127, in names are written as \n, \x1b ... so
 * that a row is one line. Whatever the locale is. */

/* "1024 B", "1.2 MiB": tracemalloc's rule; `sign`: with + too. */
HUSK_API size_t husk_size_text(double bytes, bool sign, char *out, size_t room);
/* "list.lua:12": what the row is about; by traceback its oldest frame. */
HUSK_API size_t husk_stats_key_text(const husk_stats *stats, size_t row, char *out, size_t room);
/* "list.lua:12: size=1024 B, count=2, average=512 B"; in a comparison
 * "list.lua:12: size=1024 B (+512 B), count=2 (+1), average=512 B"; sorted by born, temporary or peak with
 * ", born=9.8 KiB (120)", ", temporary=17" or ", peak=1.2 MiB (33)" at the end. */
HUSK_API size_t husk_stats_row_text(const husk_stats *stats, size_t row, char *out, size_t room);
/* "17 other: size=...", of husk_stats_rest; "" if there is no such row. */
HUSK_API size_t husk_stats_rest_text(const husk_stats *stats, size_t first, char *out, size_t room);
/* "total: size=...", of husk_stats_total. */
HUSK_API size_t husk_stats_total_text(const husk_stats *stats, char *out, size_t room);

enum {
    HUSK_TEXT_NEWEST_FIRST = 1u << 0, /* turns the frames round; otherwise the most recent call is last */
    HUSK_TEXT_SOURCE = 1u << 1,       /* with the line of the file, where that can be read */
    HUSK_TEXT_FUNCTION = 1u << 2,     /* with ", in <function>" where that is known */
};
/* The row's frames as lines, '  File "list.lua", line 12', each with its newline. limit: most frames; positive:
 * the newest, negative: the oldest, 0: all. */
HUSK_API size_t husk_stats_traceback_text(const husk_stats *stats, size_t row, int64_t limit, uint32_t flags,
                                          char *out, size_t room);
/* The same of a traceback of a snapshot (husk_node.stack). */
HUSK_API size_t husk_snapshot_traceback_text(const husk_snapshot *snapshot, uint32_t stack, int64_t limit,
                                             uint32_t flags, char *out, size_t room);
/* Line number `line` of a file without the blanks around it; 0: it cannot be read, or is no plain file. */
HUSK_API size_t husk_source_line(const char *path, uint32_t line, char *out, size_t room);

/* ---- one thing after the other ---- */

typedef struct husk_thing {
    int kind; /* HUSK_THING_... */
    uint64_t address, size;
    bool traced;              /* its place is known */
    double weight;            /* how many it stands for: 1 unless sampled */
    const char *type;         /* objects; else "" */
    const char *tag, *domain; /* "": none */
    const char *mark;         /* the latest one before it was made; "": none */
    uint64_t thread;          /* the system's number; 0: not known */
    uint32_t stack, record;   /* husk_snapshot_frame */
} husk_thing;

typedef struct husk_things husk_things;
/* The things that pass: the traced ones, with HUSK_STATS_UNTRACED all. filter may be NULL. Order: objects by
 * address, then buffers and blocks. The caller frees it. HUSK_ENOMEM and as husk_stats_new. */
HUSK_API husk_status husk_things_new(const husk_snapshot *snapshot, HUSK_NULLABLE const husk_filter *filter,
                                     uint32_t flags, husk_things **out);
/* NULL is fine. */
HUSK_API void husk_things_free(HUSK_NULLABLE husk_things *things);
HUSK_API size_t husk_things_count(const husk_things *things);
/* False beyond the last. */
HUSK_API bool husk_things_at(const husk_things *things, size_t index, husk_thing *out);

#ifdef __cplusplus
}
#endif

#endif
