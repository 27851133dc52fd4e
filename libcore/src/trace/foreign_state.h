/* trace/foreign_state.h: what the files of the process's tracer share (foreign.h): foreign.c the events,
 * foreign_thread.c the threads that they come from, foreign_session.c beginning, end and looks at all of it.
 *
 * Order of locks: shards by number, the tracer, trace/site.h's. None is held while anything is called that could come
 * back here: memory for the tables may come from an allocator that is itself traced by these calls, so a thread
 * that is inside already is not heard (inside). */
#ifndef HUSK_TRACE_FOREIGN_STATE_H
#define HUSK_TRACE_FOREIGN_STATE_H

#include "trace/foreign.h"
#include "trace/pagemap.h"

#include <pthread.h>
#include <stdatomic.h>

#if defined __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define TELLS_OF_THREADS 1
#endif
#endif

/* Reached without a look at a table of addresses. */
#define HIDDEN __attribute__((visibility("hidden")))

enum {
    SHARD_BITS = 5,
    SHARDS = 1 << SHARD_BITS,
    THREAD_CACHE = 16384,
    THREAD_DOMAINS = 4,
    FILTER_BITS = 16,
    PAGE = 4096
};

struct husk__foreign_shard {
    pthread_mutex_t lock;
    struct husk__pagemap blocks;
} __attribute__((aligned(64)));

/* A thread that has traced something. When it ends another one gets it. */
struct husk__foreign_thread {
    struct husk__foreign_thread *next; /* of those without a thread */
    uint32_t start;                    /* of which tracing the following is; else it is void */
    struct {
        bool known;
        uint32_t domain, context;
    } contexts
        [THREAD_DOMAINS]; /* of its births in some domains of late; the number's low bits are the place */
    uint64_t id;
    uintptr_t latest; /* its latest birth, if it is alive; cleared with it */
    uint32_t latest_site;
    uint32_t until_clock;
    uint32_t most_frames;
    bool native;
    struct husk__sampler sampler;
    size_t left;                                              /* sampled: bytes to the next sample */
    const char *tags[TRACE_NESTING], *domains[TRACE_NESTING]; /* texts of this tracing */
    unsigned tag_depth, domain_depth;
    struct husk__stackmemo memo;
    struct husk__trace_hit cache[THREAD_CACHE];
    size_t bytes, key_room;
    uint64_t keys[]; /* the frames of the event at hand */
};

struct husk__foreign_state {
    struct husk__foreign_shard shards[SHARDS];
    pthread_mutex_t lock; /* of the tracer and of what follows */
    struct husk__tracer *tracer;
    uint32_t limit;
    struct husk__foreign_thread *idle;
    size_t thread_bytes;
    _Atomic uint32_t start; /* changes when tracing starts, stops or is cleared; odd: it is on */
    _Atomic bool sampled;
    pthread_key_t key; /* its destructor gives back a thread's state */
    pthread_once_t once;
    bool prepared;
};
extern HIDDEN struct husk__foreign_state husk__foreign;

/* Sampled: how many blocks there are with this hash, so that the end of one that was not picked costs a look. */
extern HIDDEN _Atomic uint16_t husk__foreign_filter[1 << FILTER_BITS];

struct husk__foreign_here {
    struct husk__foreign_thread *thread;
    unsigned inside;
};
extern HIDDEN _Thread_local struct husk__foreign_here husk__foreign_here
    __attribute__((tls_model("initial-exec")));

/* By page, as the tables are; and by the high bits, since a table takes the low ones. */
ALWAYS_INLINE struct husk__foreign_shard *husk__foreign_shard_of(uint32_t domain, uint64_t address)
{
    return &husk__foreign.shards[husk__mix(address >> PAGEMAP_PAGE_SHIFT, domain) >> (64 - SHARD_BITS)];
}

/* Whether an event needs its locks. A thread that is alone can only start another one itself, which it does not do
 * inside of an event, so what held at the beginning holds to the end; not the other way round, as others may have
 * ended meanwhile: to be asked once per event. All other locks are always taken, so whoever holds them all shuts out
 * threads that begin later. Whoever makes threads past the C library has no malloc that would bear it, either. */
ALWAYS_INLINE bool husk__foreign_is_shared(void)
{
#ifdef TELLS_OF_THREADS
    return !__libc_single_threaded; /* glibc 2.32 */
#else
    return true;
#endif
}

ALWAYS_INLINE void husk__foreign_lock(pthread_mutex_t *mutex, bool shared)
{
    if (shared)
        pthread_mutex_lock(mutex);
}

ALWAYS_INLINE void husk__foreign_unlock(pthread_mutex_t *mutex, bool shared)
{
    if (shared)
        pthread_mutex_unlock(mutex);
}

/* All locks. */
void husk__foreign_lock_all(void);
void husk__foreign_unlock_all(void);
husk_status husk__foreign_is_off(void);

ALWAYS_INLINE bool husk__foreign_on(void)
{
    return atomic_load_explicit(&husk__foreign.start, memory_order_relaxed) & 1;
}

/* Whether the tracing that the thread knows is still on: as long as one of our locks is held, since whoever starts or
 * stops tracing holds them all. */
ALWAYS_INLINE bool husk__foreign_is_current(const struct husk__foreign_thread *thread)
{
    return LIKELY(thread->start == atomic_load_explicit(&husk__foreign.start, memory_order_relaxed));
}

/* This thread's state for the tracing in force; NULL: off, or no memory (*why). */
struct husk__foreign_thread *husk__foreign_attach(husk_status *why);
ALWAYS_INLINE struct husk__foreign_thread *husk__foreign_here_thread(husk_status *why)
{
    struct husk__foreign_thread *thread = husk__foreign_here.thread;
    if (LIKELY(thread && thread->start == atomic_load_explicit(&husk__foreign.start, memory_order_relaxed)))
        return thread;
    return husk__foreign_attach(why);
}

/* The context of a thread's births in a domain, which the thread does not know. */
uint32_t husk__foreign_context(struct husk__foreign_thread *thread, uint32_t domain);
/* The tracer's lock is held. */
void husk__foreign_thread_free(struct husk__foreign_thread *thread);
/* A thread ends: for pthread_key_create. */
void husk__foreign_thread_ends(void *data);
/* In a child of fork: its one thread. */
void husk__foreign_thread_forked(void);

#endif
