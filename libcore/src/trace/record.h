/* trace/record.h: a tracer: what was made at each place, and what of it is alive.
 *
 *   site, the number in an object's header:   31..24 epoch | 23..0 record      0: not traced
 *   record: one traceback in one context (tag, domain, thread), with what was born and died there
 *
 * Peak. `bytes` is highest at some moment; what each record held then is known exactly, for one comparison an
 * event: while the total climbs to new heights nothing is noted (rising). The first death after that fixes the
 * peak: its number goes up by one. A record that is touched for the first time since notes what it held before
 * the touch; one that is never touched again holds it still.
 *
 *   of the latest peak:   rising                               live now
 *                         record.peak_number == peak_number    noted
 *                         else                                 live now
 *
 * Epochs. Time since the start is cut into at most 256 stretches; when they are used up, neighbours are joined
 * (husk__tracer.rename tells which became which, and the owner renames the sites it has).
 *
 * Threads: one at a time; whoever has several (trace/foreign.c) locks. */
#ifndef HUSK_TRACE_RECORD_H
#define HUSK_TRACE_RECORD_H

#include "base/check.h"
#include "base/grow.h"
#include "trace/sample.h"
#include "trace/stackmemo.h"

#include <husk/trace.h>

enum {
    SITE_RECORDS = 1 << 24, /* records are below this */
    SITE_RECORD_BITS = 0x00FFFFFF,
    TRACE_UNKNOWN = 1, /* the record of all births whose traceback could not be had or kept; 0 is no record */
    TRACE_FIRST = 2,
    SITE_EPOCH_BITS = 24,
    TRACE_EPOCHS = 256,
    TRACE_MARKS = 128,
    TRACE_NESTING = 64,
    TRACE_CACHE = 1024,
    TRACE_WORDS = 256,
    TRACE_CLOCK_EVERY = 4096, /* births between two looks at the clock */
    TRACE_UNIT_SHIFT =
        10, /* sampled: counts are kept in 1/1024, since a sample stands for 1.58 things or more */
};

/* What changes with every event: one cache line. */
struct husk__record {
    uint64_t born_count, born_bytes, died_count, died_bytes;
    uint64_t peak_count, peak_bytes;
    uint64_t temporary;
    uint32_t peak_number;
    uint32_t stack;
} __attribute__((aligned(64)));

/* What does not. */
struct husk__record_key {
    uint64_t hash;
    uint32_t context;
    uint32_t total; /* frames before the limit cut them; 0: not known */
};

struct husk__trace_context {
    const char *tag, *domain; /* texts of trace/site.h; "": none */
    uint64_t thread;
};

struct husk__trace_epoch {
    uint64_t start_ns;
    const char *mark; /* "": none */
};

struct husk__trace_hit { /* of the cache */
    uint64_t hash;
    uint32_t context, record;
};

/* A frame that a language said, by where its words stood: what stands there now is compared with the texts. */
struct husk__trace_words {
    const char *file, *function;           /* as they were given; NULL: free */
    const char *file_text, *function_text; /* of trace/site.h */
    uint32_t length, line, frame;
};

struct husk__tracer {
    /* what every event reads and writes */
    struct husk__record *records; /* == record_rows.at */
    uint64_t bytes, count, peak_bytes, peak_count;
    bool rising;
    uint32_t peak_number;
    uint32_t epoch; /* in its place: row << SITE_EPOCH_BITS */
    uint32_t context;
    uint32_t until_clock;
    uintptr_t latest;     /* the latest birth, if it has not died */
    uint32_t latest_site; /* cleared with it */
    unsigned unit_shift;
    bool one_native; /* tracebacks are of one frame, native ones among them */

    struct husk__trace_hit cache[TRACE_CACHE];
    struct husk__trace_words words[TRACE_WORDS];

    struct husk__grow record_rows, record_keys;
    uint32_t record_count;
    uint32_t *index; /* records by hash and context; 0: free */
    size_t index_room;

    struct husk__grow contexts; /* number 0: none of all */
    const char *tags[TRACE_NESTING], *domains[TRACE_NESTING];
    unsigned tag_depth, domain_depth;
    uint64_t thread;

    struct husk__trace_epoch epochs[TRACE_EPOCHS];
    unsigned epoch_count, mark_count;
    uint64_t start_ns, epoch_ns, epoch_end_ns;
    /* Sites of epoch e become sites of epoch map[e]. */
    void (*rename)(struct husk__tracer *tracer, const uint8_t map[TRACE_EPOCHS]);
    void *owner;

    uint64_t unknown;
    uint64_t serial; /* no other tracer of the process has it */
    uint32_t most_frames, sources;
    uint64_t *keys; /* room for most_frames: the traceback being put together (trace/capture.c) */
    struct husk__stackmemo memo;
    struct husk__sampler sampler; /* mean 0: exact */
};

ALWAYS_INLINE uint32_t husk__site_renamed(uint32_t site, const uint8_t *epochs)
{
    return (site & SITE_RECORD_BITS) | (uint32_t)epochs[site >> SITE_EPOCH_BITS] << SITE_EPOCH_BITS;
}

/* Checks the options and makes a tracer that holds the tables of trace/site.h. HUSK_ERANGE, HUSK_EINVAL (with
 * husk_message), HUSK_ENOMEM. */
husk_status husk__tracer_new(const husk_trace_options *options, struct husk__tracer **out);
void husk__tracer_free(struct husk__tracer *tracer);
/* Forgets all births; the owner has forgotten their sites. Marks, tags and domains stay. */
void husk__tracer_clear(struct husk__tracer *tracer);

/* A place: a traceback as its maker saw it. keys and count are read only if hash is new: they become frames and a
 * stack. */
struct husk__place {
    uint64_t hash;        /* of everything below */
    const uint64_t *keys; /* newest first: an address, or FRAME_KEY | number of a frame */
    size_t count;
    uint32_t total;
};
#define FRAME_KEY ((uint64_t)1 << 63)

/* The context becomes that of the calling thread. HUSK_ENOMEM: it stays. */
husk_status husk__tracer_thread(struct husk__tracer *tracer);

/* The record of a place in the present context; TRACE_UNKNOWN if it cannot be had. */
uint32_t husk__record_of_slow(struct husk__tracer *tracer, const struct husk__place *place);

ALWAYS_INLINE uint32_t husk__record_cached(const struct husk__tracer *tracer, uint64_t hash)
{
    const struct husk__trace_hit *hit = &tracer->cache[(hash ^ tracer->context) & (TRACE_CACHE - 1)];
    return LIKELY(hit->hash == hash && hit->context == tracer->context) ? hit->record : 0;
}

/* The context that tags, domains and thread make; call it when one of them has changed. */
husk_status husk__tracer_settle_context(struct husk__tracer *tracer);
husk_status husk__tracer_push(struct husk__tracer *tracer, const char **stack, unsigned *depth,
                              const char *text);

/* A new epoch, with a mark or without. HUSK_ERANGE: too many marks; HUSK_ENOMEM. */
husk_status husk__tracer_mark(struct husk__tracer *tracer, const char *name);
/* Time has passed: maybe a new epoch. */
void husk__tracer_tick(struct husk__tracer *tracer);

ALWAYS_INLINE void husk__record_touch(struct husk__tracer *tracer, struct husk__record *record)
{
    if (UNLIKELY(record->peak_number != tracer->peak_number)) {
        record->peak_number = tracer->peak_number;
        record->peak_count = record->born_count - record->died_count;
        record->peak_bytes = record->born_bytes - record->died_bytes;
    }
}

/* Something was born: its site. count: how many things it stands for, in units (1 << unit_shift for one). */
ALWAYS_INLINE uint32_t husk__record_birth(struct husk__tracer *tracer, uint32_t number, uint64_t count,
                                          uint64_t bytes, const void *at)
{
    struct husk__record *record = &tracer->records[number];
    husk__record_touch(tracer, record);
    record->born_count += count;
    record->born_bytes += bytes;
    tracer->count += count;
    tracer->bytes += bytes;
    if (tracer->bytes > tracer->peak_bytes) {
        tracer->peak_bytes = tracer->bytes;
        tracer->peak_count = tracer->count;
        tracer->rising = true;
    }
    tracer->latest = (uintptr_t)at;
    if (UNLIKELY(--tracer->until_clock == 0))
        husk__tracer_tick(tracer);
    return number | tracer->epoch;
}

ALWAYS_INLINE void husk__record_death(struct husk__tracer *tracer, uint32_t site, uint64_t count,
                                      uint64_t bytes, const void *at)
{
    struct husk__record *record = &tracer->records[site & SITE_RECORD_BITS];
    if (tracer->rising) {
        tracer->rising = false;
        tracer->peak_number++;
    }
    husk__record_touch(tracer, record);
    record->died_count += count;
    record->died_bytes += bytes;
    tracer->count -= count;
    tracer->bytes -= bytes;
    if ((uintptr_t)at == tracer->latest) {
        tracer->latest = 0;
        record->temporary += count;
    }
}

/* It has not died after all. */
static inline void husk__record_undo_death(struct husk__tracer *tracer, uint32_t site, uint64_t count,
                                           uint64_t bytes)
{
    struct husk__record *record = &tracer->records[site & SITE_RECORD_BITS];
    husk__record_touch(tracer, record);
    record->died_count -= count;
    record->died_bytes -= bytes;
    tracer->count += count;
    tracer->bytes += bytes;
    if (tracer->bytes > tracer->peak_bytes) { /* others were born meanwhile */
        tracer->peak_bytes = tracer->bytes;
        tracer->peak_count = tracer->count;
        tracer->rising = true;
    }
}

/* What a thing of n bytes counts: itself, or what a sample of it stands for. */
struct husk__worth {
    uint64_t count, bytes;
};
struct husk__worth husk__worth_sampled(const struct husk__tracer *tracer, uint64_t bytes);
ALWAYS_INLINE struct husk__worth husk__worth_of(const struct husk__tracer *tracer, uint64_t bytes)
{
    return LIKELY(tracer->sampler.mean == 0) ? (struct husk__worth){ 1, bytes }
                                             : husk__worth_sampled(tracer, bytes);
}

/* What a record held when the tracer's total was highest. */
void husk__record_peak(const struct husk__tracer *tracer, const struct husk__record *record, uint64_t *count,
                       uint64_t *bytes);

size_t husk__tracer_bytes(const struct husk__tracer *tracer);
void husk__tracer_figures(const struct husk__tracer *tracer, husk_trace_figures *out);
void husk__tracer_reset_peak(struct husk__tracer *tracer);

#endif
