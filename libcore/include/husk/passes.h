/* husk/passes.h: what each pass did and why, and how long programs had to wait for them.
 *
 * Each pass leaves a record; a heap keeps the latest HUSK_RECORDS, in memory that it has from the start: a pass asks
 * for none. Pauses go into a histogram of log-linear buckets (Gil Tene's HdrHistogram: buckets of one width within a
 * power of two), from which percentiles come. A record is whole when the callbacks of its pass hear of the stop
 * (husk_heap_on_pass); husk_pass.number names it.
 *
 * HUSK_GCTRACE=1 in the environment, when a heap is made, prints one line a pass on stderr (husk_pass_line); 0 and
 * nothing are off, and any other value is HUSK_EINVAL from husk_heap_new.
 * Threads: the heap's owner; what has no heap, any thread. */
#ifndef HUSK_PASSES_H
#define HUSK_PASSES_H

#include <husk/collect.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of a pass, by which its time is split. */
typedef enum husk_part {
    HUSK_PART_CLEAR = 0, /* making the side table ready */
    HUSK_PART_SUBTRACT,  /* counting the references seen */
    HUSK_PART_SEED,      /* finding what is held from outside; marking what it reaches begins here */
    HUSK_PART_MARK,      /* the rest of the marking */
    HUSK_PART_GATHER,    /* making the set of the garbage found; in steps nominating it */
    HUSK_PART_FINALIZE,  /* finalizers, and deaths by counting that they cause */
    HUSK_PART_CONFIRM,   /* the second look after finalizers; in steps also that at what was nominated */
    HUSK_PART_RECLAIM,   /* ending the members */
    HUSK_PART_CALLBACKS, /* deaths in consequence, callbacks of weak references */
} husk_part;

enum {
    HUSK_PARTS = 9,
    HUSK_RECORDS = 64,     /* kept */
    HUSK_RECORD_TYPES = 8, /* listed in each */
};

/* Freed objects of one type. */
typedef struct husk_freed {
    HUSK_NULLABLE const husk_type *type; /* NULL in husk_pass_record.rest */
    uint64_t objects, bytes;             /* bytes of blocks */
} husk_freed;

/* One pass. candidates == freed + saved + resurrected + deferred + held + reached; freed and freed_bytes are the sums
 * of by_type and rest; pause_ns is the sum of ns. */
typedef struct husk_pass_record {
    uint64_t number; /* 1: the heap's first pass */
    husk_reason reason;
    husk_mode mode;
    husk_status status; /* HUSK_ECORRUPT: the heap is damaged; nothing was freed */
    bool quiet;         /* inside an allocation: no user code ran */
    uint64_t threads;   /* that searched together: 1, or as many as husk_heap_set_parallel has set */

    uint64_t start_ns;   /* the monotonic clock (CLOCK_MONOTONIC) when it began */
    uint64_t pauses;     /* how often the program waited: once, and in steps once for each */
    uint64_t pause_ns;   /* how long in all; callbacks of passes and the making of the record not included */
    uint64_t longest_ns; /* the longest of them */
    uint64_t ns[HUSK_PARTS]; /* pause_ns, part by part */

    uint64_t candidates;  /* objects looked at */
    uint64_t freed;       /* of these, ended; what died in consequence is not counted */
    uint64_t freed_bytes; /* their blocks */
    uint64_t finalized;   /* finalizers run */
    uint64_t weak_cleared;

    /* Survivors among the candidates, each for one reason. */

    /* More references than slots of candidates account for: from outside, from frozen objects; in a young run from
     * other pages, too. */
    uint64_t held;
    /* From those. In steps also what was nominated and found in use, and what came and went while the program ran:
     * there it is rough. */
    uint64_t reached;
    uint64_t resurrected; /* garbage that finalizers brought back, and what that reaches */
    /* Garbage that waits for a safe point, because a finalizer is pending or reaches it; or that stays because the list
     * of save-all had no room or leaks are sought (husk/leaks.h). */
    uint64_t deferred;
    uint64_t saved;  /* garbage kept on the list of save-all */
    uint64_t frozen; /* no candidates: set aside by husk_heap_freeze */

    /* The whole heap: objects, weak references, and what waits to die; bytes with buffers and foreign ones. A young run
     * looks at no other page: there, as they were seen last. */
    uint64_t objects_before, bytes_before, objects_after, bytes_after;

    /* Freed by type, most bytes first. A pass that frees more than 64 types lists of those that it met first. */
    uint32_t types; /* entries of by_type */
    husk_freed by_type[HUSK_RECORD_TYPES];
    husk_freed rest; /* all others together */
} husk_pass_record;

/* Number of the latest pass; 0: there was none. */
HUSK_API uint64_t husk_heap_pass_count(const husk_heap *heap);

/* The record of a pass. HUSK_EMISSING: it is older than the HUSK_RECORDS latest, or has not ended. */
HUSK_API husk_status husk_heap_pass_record(const husk_heap *heap, uint64_t number, husk_pass_record *out);

/* What HUSK_GCTRACE prints, without the line's end: words of the form name=value (docs/passes.md). At most room
 * bytes, 0 included; returns the length of the whole line. */
HUSK_API size_t husk_pass_line(const husk_heap *heap, const husk_pass_record *record, char *buffer,
                               size_t room);

/* All passes of one mode. */
typedef struct husk_pass_sums {
    uint64_t passes, candidates, freed, freed_bytes, finalized, resurrected, weak_cleared;
    uint64_t ns[HUSK_PARTS];
} husk_pass_sums;
/* HUSK_ERANGE: no such mode. */
HUSK_API husk_status husk_heap_pass_sums(const husk_heap *heap, husk_mode mode, husk_pass_sums *out);

/* Pauses of one mode, in nanoseconds: in steps one for each. A percentile is the largest length that its bucket can have, and never above
 * max_ns: at most 1/16 too long (below a microsecond: 63 ns), never too short. */
typedef struct husk_pauses {
    uint64_t count, total_ns, max_ns;
    uint64_t p50_ns, p90_ns, p99_ns, p999_ns;
} husk_pauses;
/* mode HUSK_MODES: all modes together. HUSK_ERANGE: no such mode. */
HUSK_API husk_status husk_heap_pauses(const husk_heap *heap, husk_mode mode, husk_pauses *out);

/* Any percentile, 0 < percent <= 100, of the pauses of a mode as there; *out is 0 without pauses. HUSK_ERANGE: mode
 * or percent. */
HUSK_API husk_status husk_heap_pause_percentile(const husk_heap *heap, husk_mode mode, double percent,
                                                uint64_t *out);

/* The buckets: 16 of 64 ns each below 1024 ns, then 16 to each power of two; the last one has no upper bound. */
enum { HUSK_PAUSE_BUCKETS = 560 };
/* A bucket holds pauses from low to high, both included; that of the last one is UINT64_MAX. HUSK_ERANGE. */
HUSK_API husk_status husk_pause_bucket(size_t bucket, uint64_t *low, uint64_t *high);
/* Pauses in a bucket, mode as there; 0 beyond the last bucket or mode. */
HUSK_API uint64_t husk_heap_pause_count(const husk_heap *heap, husk_mode mode, size_t bucket);

/* Words: "objects", "full", "clear" and the like; "unknown" beyond. */
HUSK_API const char *husk_reason_name(husk_reason reason);
HUSK_API const char *husk_mode_name(husk_mode mode);
HUSK_API const char *husk_part_name(husk_part part);

#ifdef __cplusplus
}
#endif

#endif
