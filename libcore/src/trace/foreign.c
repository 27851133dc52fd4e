/* trace/foreign.c: see foreign.h.
 *
 *   event --> this thread's own state: the stack's frames, their hash, its record if it has been seen here before
 *         --> lock of a shard, by address: the table of blocks
 *         --> lock of the tracer: the counts of the record and of all
 *
 * A process with one thread takes neither (is_shared).
 *
 * So frames are collected without a lock, and the longer memory accesses, to the tables, are spread. The counts, and
 * with them the peak, are exact: events pass the last lock one by one. A block's entry and its count change
 * together as far as one can see who holds all locks.
 *
 * Order of locks: shards by number, the tracer, trace/site.h's. None is held while anything is called that could come
 * back here: memory for the tables may come from an allocator that is itself traced by these calls, so a thread
 * that is inside already is not heard (inside). */
#define _GNU_SOURCE
#include "trace/foreign.h"

#include "base/bits.h"
#include "base/memory.h"
#include "trace/pagemap.h"
#include "trace/site.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define TELLS_OF_THREADS 1
#endif
#endif

/* Events hold the tracer's lock for less time than it takes to sleep and be woken: who finds it taken looks again for
 * a while first, where there is such a lock. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define TRACER_LOCK PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define TRACER_LOCK PTHREAD_MUTEX_INITIALIZER
#endif

enum {
    SHARD_BITS = 5,
    SHARDS = 1 << SHARD_BITS,
    THREAD_CACHE = 16384,
    THREAD_DOMAINS = 4,
    FILTER_BITS = 16,
    PAGE = 4096
};

struct shard {
    pthread_mutex_t lock;
    struct husk__pagemap blocks;
} __attribute__((aligned(64)));

/* A thread that has traced something. When it ends another one gets it. */
struct thread {
    struct thread *next; /* of those without a thread */
    uint32_t start;      /* of which tracing the following is; else it is void */
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

static struct {
    struct shard shards[SHARDS];
    pthread_mutex_t lock; /* of the tracer and of what follows */
    struct husk__tracer *tracer;
    uint32_t limit;
    struct thread *idle;
    size_t thread_bytes;
    _Atomic uint32_t start; /* changes when tracing starts, stops or is cleared; odd: it is on */
    _Atomic bool sampled;
    pthread_key_t key; /* its destructor gives back a thread's state */
    pthread_once_t once;
    bool prepared;
} foreign = { .lock = TRACER_LOCK, .limit = 1, .once = PTHREAD_ONCE_INIT };

/* Sampled: how many blocks there are with this hash, so that the end of one that was not picked costs a look. */
static _Atomic uint16_t filter[1 << FILTER_BITS];

static _Thread_local struct {
    struct thread *thread;
    unsigned inside;
} here __attribute__((tls_model("initial-exec")));

/* ---- locks ---- */

/* A block among those of all domains, as the tracer's latest birth is known. */
ALWAYS_INLINE const void *identity(uint32_t domain, uint64_t address)
{
    return (const void *)(uintptr_t)husk__block_hash(domain, address);
}

/* By page, as the tables are; and by the high bits, since a table takes the low ones. */
ALWAYS_INLINE struct shard *shard_of(uint32_t domain, uint64_t address)
{
    return &foreign.shards[husk__mix(address >> PAGEMAP_PAGE_SHIFT, domain) >> (64 - SHARD_BITS)];
}

/* Whether an event needs its locks. A thread that is alone can only start another one itself, which it does not do
 * inside of an event, so what held at the beginning holds to the end; not the other way round, as others may have
 * ended meanwhile: to be asked once per event. All other locks are always taken, so whoever holds them all shuts out
 * threads that begin later. Whoever makes threads past the C library has no malloc that would bear it, either. */
ALWAYS_INLINE bool is_shared(void)
{
#ifdef TELLS_OF_THREADS
    return !__libc_single_threaded; /* glibc 2.32 */
#else
    return true;
#endif
}

ALWAYS_INLINE void lock(pthread_mutex_t *mutex, bool shared)
{
    if (shared)
        pthread_mutex_lock(mutex);
}

ALWAYS_INLINE void unlock(pthread_mutex_t *mutex, bool shared)
{
    if (shared)
        pthread_mutex_unlock(mutex);
}

static void lock_all(void)
{
    here.inside++;
    for (unsigned s = 0; s < SHARDS; s++)
        pthread_mutex_lock(&foreign.shards[s].lock);
    pthread_mutex_lock(&foreign.lock);
}

static void unlock_all(void)
{
    pthread_mutex_unlock(&foreign.lock);
    for (unsigned s = 0; s < SHARDS; s++)
        pthread_mutex_unlock(&foreign.shards[s].lock);
    here.inside--;
}

/* fork: the child has the tables whole, and no other thread; the locks are held by the one that it has. */
static void before_fork(void)
{
    lock_all();
    husk__sites_lock();
}

static void after_fork_here(void)
{
    husk__sites_unlock();
    unlock_all();
}

static void forget_contexts(struct thread *thread);

static void after_fork_child(void)
{
    struct thread *thread = here.thread;
    if (foreign.tracer && thread && thread->start == foreign.start) {
        thread->id = (uint64_t)syscall(SYS_gettid);
        forget_contexts(thread);
    }
    after_fork_here();
}

/* The tracer's lock is held. */
static void thread_free(struct thread *thread)
{
    size_t bytes = thread->bytes;
    foreign.thread_bytes -= bytes;
    husk__memory_release(thread, bytes);
    husk__memory_note(-(int64_t)bytes);
}

static void thread_ends(void *data)
{
    (void)data; /* a mark that there is one */
    struct thread *thread = here.thread;
    if (!thread)
        return;
    here.inside++;
    here.thread = NULL;
    pthread_mutex_lock(&foreign.lock);
    if (foreign.tracer) {
        thread->next = foreign.idle;
        thread->start = 0;
        foreign.idle = thread;
    } else {
        thread_free(thread);
    }
    pthread_mutex_unlock(&foreign.lock);
    here.inside--;
}

static void prepare(void)
{
    for (unsigned s = 0; s < SHARDS; s++)
        pthread_mutex_init(&foreign.shards[s].lock, NULL);
    foreign.prepared = pthread_key_create(&foreign.key, thread_ends) == 0 &&
                       pthread_atfork(before_fork, after_fork_here, after_fork_child) == 0;
}

/* All locks, if tracing is on. */
static struct husk__tracer *hold(void)
{
    if (!husk__foreign_is_on())
        return NULL;
    lock_all();
    /* Without the locks it may be another's that begins right now. */
    struct husk__tracer *tracer = foreign.tracer;
    if (!tracer)
        unlock_all();
    return tracer;
}

static husk_status is_off(void)
{
    return husk_fail(HUSK_ESTATE, "the process's blocks are not traced");
}

/* ---- beginning and end ---- */

/* All locks are held. */
static void rename_sites(struct husk__tracer *tracer, const uint8_t map[TRACE_EPOCHS])
{
    (void)tracer;
    for (unsigned s = 0; s < SHARDS; s++)
        husk__pagemap_rename(&foreign.shards[s].blocks, map);
}

static void forget_blocks(void)
{
    for (unsigned s = 0; s < SHARDS; s++)
        husk__pagemap_free(&foreign.shards[s].blocks);
    if (foreign.sampled)
        for (size_t i = 0; i < (size_t)1 << FILTER_BITS; i++)
            atomic_store_explicit(&filter[i], 0, memory_order_relaxed);
}

husk_status husk__foreign_start(const husk_trace_options *options)
{
    pthread_once(&foreign.once, prepare);
    if (!foreign.prepared)
        return husk_fail(HUSK_ENOMEM, "the process's blocks: %s", husk_status_text(HUSK_ENOMEM));
    struct husk__tracer *tracer;
    husk_status status = husk__tracer_new(options, &tracer);
    if (status)
        return status;
    lock_all();
    if (foreign.tracer) {
        unlock_all();
        husk__tracer_free(tracer);
        return husk_fail(HUSK_ESTATE, "the process's blocks are traced already");
    }
    tracer->rename = rename_sites;
    tracer->until_clock = UINT32_MAX; /* the clock is read outside of events, see tick */
    foreign.limit = tracer->most_frames;
    foreign.sampled = tracer->sampler.mean != 0;
    foreign.tracer = tracer;
    foreign.start++;
    unlock_all();
    return HUSK_OK;
}

void husk__foreign_stop(void)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    foreign.tracer = NULL;
    foreign.start++;
    forget_blocks();
    husk__tracer_free(tracer);
    while (foreign.idle) {
        struct thread *thread = foreign.idle;
        foreign.idle = thread->next;
        thread_free(thread);
    }
    if (here.thread) { /* those of other threads go with them */
        thread_free(here.thread);
        here.thread = NULL;
    }
    unlock_all();
}

void husk__foreign_clear(void)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    foreign.start += 2;
    forget_blocks();
    husk__tracer_clear(tracer);
    unlock_all();
}

bool husk__foreign_is_on(void)
{
    return atomic_load_explicit(&foreign.start, memory_order_relaxed) & 1;
}

uint32_t husk__foreign_limit(void)
{
    pthread_mutex_lock(&foreign.lock);
    uint32_t limit = foreign.limit;
    pthread_mutex_unlock(&foreign.lock);
    return limit;
}

void husk__foreign_figures(husk_trace_figures *out)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    husk__tracer_figures(tracer, out);
    out->own_bytes += foreign.thread_bytes;
    for (unsigned s = 0; s < SHARDS; s++)
        out->own_bytes += husk__pagemap_bytes(&foreign.shards[s].blocks);
    unlock_all();
}

void husk__foreign_reset_peak(void)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    husk__tracer_reset_peak(tracer);
    unlock_all();
}

husk_status husk__foreign_mark(const char *name)
{
    if (!*name)
        return husk_fail(HUSK_EINVAL, "a mark needs a name");
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return is_off();
    husk_status status = husk__tracer_mark(tracer, name);
    unlock_all();
    return status ? husk_fail(status, "mark %s: %s", name,
                              status == HUSK_ERANGE ? "128 marks are set" : husk_status_text(status))
                  : HUSK_OK;
}

/* ---- threads ---- */

/* All zero but for its size; its memory comes when it is touched, so that a thread that traces little has little. The
 * tracer's lock is held. */
static struct thread *thread_new(size_t key_room)
{
    struct thread **link = &foreign.idle;
    while (*link && (*link)->key_room < key_room)
        link = &(*link)->next;
    struct thread *thread = *link;
    if (thread) {
        size_t room = thread->key_room, bytes = thread->bytes;
        *link = thread->next;
        husk__memory_decommit(thread, bytes);
        thread->key_room = room;
        thread->bytes = bytes;
        return thread;
    }
    size_t bytes = husk__round_up(sizeof *thread + key_room * sizeof *thread->keys, PAGE);
    thread = husk__memory_reserve(bytes, HUSK__FOR_TABLES);
    if (thread && !husk__memory_commit(thread, bytes)) {
        husk__memory_release(thread, bytes);
        thread = NULL;
    }
    if (thread) {
        thread->key_room = key_room;
        thread->bytes = bytes;
        foreign.thread_bytes += bytes;
        husk__memory_note((int64_t)bytes);
    }
    return thread;
}

/* The domain of a block as a text: what its thread pushed, or its number. NULL: no memory. */
static const char *domain_text(const struct thread *thread, uint32_t domain)
{
    if (thread->domain_depth)
        return thread->domains[thread->domain_depth - 1];
    char digits[16];
    int length = snprintf(digits, sizeof digits, "%u", domain);
    husk__sites_lock();
    const char *text = husk__site_text(digits, (size_t)length);
    husk__sites_unlock();
    return text;
}

/* The context of this thread's births in a domain. Without memory for it, none. The tracer's lock is held. */
static uint32_t settle_context(const struct thread *thread, uint32_t domain)
{
    struct husk__tracer *tracer = foreign.tracer;
    const char *text = domain_text(thread, domain);
    tracer->thread = thread->id;
    tracer->tag_depth = thread->tag_depth != 0;
    tracer->tags[0] = thread->tag_depth ? thread->tags[thread->tag_depth - 1] : NULL;
    tracer->domain_depth = text != NULL;
    tracer->domains[0] = text;
    return husk__tracer_settle_context(tracer) == HUSK_OK ? tracer->context : 0;
}

static void forget_contexts(struct thread *thread)
{
    memset(thread->contexts, 0, sizeof thread->contexts);
}

/* This thread's state for the tracing in force; NULL: off, or no memory (*why). */
static NEVER_INLINE struct thread *attach(husk_status *why)
{
    pthread_mutex_lock(&foreign.lock);
    struct husk__tracer *tracer = foreign.tracer;
    *why = tracer ? HUSK_ENOMEM : HUSK_ESTATE;
    struct thread *thread = here.thread;
    if (tracer && thread) { /* of another tracing: what it knows is void */
        thread->next = foreign.idle;
        foreign.idle = thread;
        here.thread = thread = NULL; /* it is anybody's now, also if there is no memory for another one */
    }
    if (tracer && !thread)
        thread = thread_new(tracer->most_frames);
    if (tracer && thread) {
        thread->start = foreign.start;
        thread->id = (uint64_t)syscall(SYS_gettid);
        thread->until_clock = TRACE_CLOCK_EVERY;
        thread->most_frames = tracer->most_frames;
        thread->native = tracer->sources & HUSK_TRACE_NATIVE;
        if (tracer->sampler.mean) {
            husk__sampler_begin(&thread->sampler, tracer->sampler.mean,
                                husk__sample_gap(&tracer->sampler) | 1u);
            thread->left = husk__sample_gap(&thread->sampler);
        }
    }
    if (!tracer)
        thread = NULL;
    pthread_mutex_unlock(&foreign.lock);
    if (thread) {
        here.thread = thread;
        (void)pthread_setspecific(foreign.key, &here); /* may ask for memory: no lock is held */
    }
    return thread;
}

ALWAYS_INLINE struct thread *this_thread(husk_status *why)
{
    struct thread *thread = here.thread;
    if (LIKELY(thread && thread->start == atomic_load_explicit(&foreign.start, memory_order_relaxed)))
        return thread;
    return attach(why);
}

static husk_status change_nesting(bool tag, const char *text)
{
    if (!husk__foreign_is_on())
        return HUSK_ESTATE;
    here.inside++;
    husk_status status = HUSK_ENOMEM;
    struct thread *thread = this_thread(&status);
    if (thread)
        status = HUSK_ERANGE; /* unless it can be done */
    pthread_mutex_lock(&foreign.lock);
    if (!foreign.tracer || (thread && thread->start != foreign.start)) {
        status = HUSK_ESTATE;
    } else if (thread) {
        const char **stack = tag ? thread->tags : thread->domains;
        unsigned *depth = tag ? &thread->tag_depth : &thread->domain_depth;
        if (!text && *depth) {
            --*depth;
            status = HUSK_OK;
        } else if (text && *depth < TRACE_NESTING) {
            husk__sites_lock();
            stack[*depth] = husk__site_text(text, strlen(text));
            husk__sites_unlock();
            status = stack[*depth] ? HUSK_OK : HUSK_ENOMEM;
            *depth += !status;
        }
        forget_contexts(thread);
    }
    pthread_mutex_unlock(&foreign.lock);
    here.inside--;
    return status;
}

husk_status husk__foreign_push(bool tag, const char *text)
{
    husk_status status = change_nesting(tag, text);
    if (status == HUSK_OK)
        return HUSK_OK;
    if (status == HUSK_ESTATE)
        return is_off();
    return husk_fail(status, "%s %s: %s", tag ? "tag" : "domain", text,
                     status == HUSK_ERANGE ? "nested more than 64 deep" : husk_status_text(status));
}

husk_status husk__foreign_pop(bool tag)
{
    husk_status status = change_nesting(tag, NULL);
    if (status == HUSK_OK)
        return HUSK_OK;
    if (status == HUSK_ERANGE)
        return husk_fail(HUSK_ESTATE, "no %s is pushed", tag ? "tag" : "domain");
    return status == HUSK_ESTATE ? is_off() : husk_fail(status, "%s", husk_status_text(status));
}

/* ---- events ---- */

static _Atomic uint16_t *filter_of(uint32_t domain, uint64_t address)
{
    return &filter[husk__block_hash(domain, address) >> (64 - FILTER_BITS)];
}

/* The counter stays at its highest once it got there. */
static void filter_add(uint32_t domain, uint64_t address, int by)
{
    _Atomic uint16_t *at = filter_of(domain, address);
    uint16_t have = atomic_load_explicit(at, memory_order_relaxed);
    while (have != UINT16_MAX &&
           !atomic_compare_exchange_weak_explicit(at, &have, (uint16_t)(have + by), memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* Whether the tracing that the thread knows is still on: as long as one of our locks is held, since whoever starts or
 * stops tracing holds them all. */
ALWAYS_INLINE bool is_current(const struct thread *thread)
{
    return LIKELY(thread->start == atomic_load_explicit(&foreign.start, memory_order_relaxed));
}

static NEVER_INLINE uint32_t context_slow(struct thread *thread, uint32_t domain)
{
    uint32_t context = 0;
    pthread_mutex_lock(&foreign.lock);
    if (is_current(thread))
        context = settle_context(thread, domain);
    pthread_mutex_unlock(&foreign.lock);
    thread->contexts[domain % THREAD_DOMAINS].known = true;
    thread->contexts[domain % THREAD_DOMAINS].domain = domain;
    thread->contexts[domain % THREAD_DOMAINS].context = context;
    return context;
}

static NEVER_INLINE uint32_t record_slow(struct thread *thread, uint32_t context,
                                         const struct husk__place *place)
{
    uint32_t record = 0;
    pthread_mutex_lock(&foreign.lock);
    if (is_current(thread)) {
        foreign.tracer->context = context;
        record = husk__record_of_slow(foreign.tracer, place);
    }
    pthread_mutex_unlock(&foreign.lock);
    if (record > TRACE_UNKNOWN) {
        size_t at = (place->hash ^ context) & (THREAD_CACHE - 1);
        thread->cache[at ^ 1] = thread->cache[at];
        thread->cache[at] = (struct husk__trace_hit){ place->hash, context, record };
    }
    return record;
}

/* Two places for each: where its hash says, and the one beside. */
ALWAYS_INLINE uint32_t record_cached(const struct thread *thread, uint32_t context, uint64_t hash)
{
    size_t at = (hash ^ context) & (THREAD_CACHE - 1);
    const struct husk__trace_hit *hit = &thread->cache[at];
    if (LIKELY(hit->hash == hash && hit->context == context))
        return hit->record;
    hit = &thread->cache[at ^ 1];
    return hit->hash == hash && hit->context == context ? hit->record : 0;
}

/* A stack that is not known as a whole. */
__attribute__((noinline)) static uint32_t record_walked(struct thread *thread, uint32_t context,
                                                        const struct husk__unwind_start *start)
{
    unsigned most = thread->most_frames - 1;
    uint64_t hash = thread->keys[0] = start->pc;
    size_t count =
        1 + husk__stackmemo_unwind(&thread->memo, start, (uintptr_t *)thread->keys + 1, most, &hash);
    hash = husk__mix(hash, count);
    if (LIKELY(hash != 0))
        husk__stackmemo_keep(&thread->memo, start, most, hash);
    uint32_t record = record_cached(thread, context, hash);
    if (LIKELY(record != 0))
        return record;
    struct husk__place place = { hash, thread->keys, count, 0 };
    return record_slow(thread, context, &place);
}

ALWAYS_INLINE uint32_t record_of(struct thread *thread, uint32_t domain, struct husk__from from)
{
    if (UNLIKELY(!thread->native))
        return 0;
    uint32_t context = thread->contexts[domain % THREAD_DOMAINS].context;
    if (UNLIKELY(!thread->contexts[domain % THREAD_DOMAINS].known ||
                 thread->contexts[domain % THREAD_DOMAINS].domain != domain))
        context = context_slow(thread, domain);
    struct husk__unwind_start start = husk__leave_library(from);
    uint64_t hash = husk__stackmemo_find(&thread->memo, &start);
    uint32_t record = hash ? record_cached(thread, context, hash) : 0;
    return record ? record : record_walked(thread, context, &start);
}

/* The block of a slot ends. Both locks are held. */
ALWAYS_INLINE void end_block(const struct husk__pagemap_slot *slot, uint32_t domain, uint64_t address,
                             struct thread *thread)
{
    struct husk__tracer *tracer = foreign.tracer;
    struct husk__worth worth = husk__worth_of(tracer, husk__pagemap_size(slot));
    tracer->latest = thread ? thread->latest : 0;
    husk__record_death(tracer, slot->site, worth.count, worth.bytes, identity(domain, address));
    if (thread)
        thread->latest = tracer->latest;
    if (UNLIKELY(tracer->sampler.mean))
        filter_add(domain, address, -1);
}

/* One begins there. record 0: its place is not known. */
ALWAYS_INLINE void begin_block(struct husk__pagemap_slot *slot, uint32_t domain, uint64_t address,
                               size_t bytes, uint32_t record, struct thread *thread)
{
    struct husk__tracer *tracer = foreign.tracer;
    struct husk__worth worth = husk__worth_of(tracer, bytes);
    if (UNLIKELY(!record)) {
        record = TRACE_UNKNOWN;
        tracer->unknown++;
    }
    husk__pagemap_set(
        slot, bytes, husk__record_birth(tracer, record, worth.count, worth.bytes, identity(domain, address)));
    thread->latest = tracer->latest;
    if (UNLIKELY(tracer->sampler.mean))
        filter_add(domain, address, 1);
}

ALWAYS_INLINE bool picked(struct thread *thread, size_t bytes)
{
    if (LIKELY(thread->sampler.mean == 0))
        return true;
    if (LIKELY(bytes <= thread->left)) {
        thread->left -= bytes;
        return false;
    }
    thread->left = husk__sample_gap(&thread->sampler);
    return true;
}

static NEVER_INLINE void tick(struct thread *thread)
{
    thread->until_clock = TRACE_CLOCK_EVERY;
    struct husk__tracer *tracer = hold(); /* epochs may be joined, which changes all entries */
    if (!tracer)
        return;
    husk__tracer_tick(tracer);
    tracer->until_clock = UINT32_MAX;
    unlock_all();
}

/* The block is to be looked at, or its address may be that of one that was. */
static husk_status add_block(struct thread *thread, struct husk__from from, uint32_t domain, uint64_t address,
                             size_t bytes)
{
    bool wanted = picked(thread, bytes);
    if (!wanted && !atomic_load_explicit(filter_of(domain, address), memory_order_relaxed))
        return HUSK_OK;
    uint32_t record = wanted ? record_of(thread, domain, from) : 0;
    struct shard *shard = shard_of(domain, address);
    const bool shared = is_shared();
    bool failed = false;
    lock(&shard->lock, shared);
    if (LIKELY(is_current(thread))) {
        struct husk__pagemap_slot *slot = wanted ? husk__pagemap_make(&shard->blocks, domain, address)
                                                 : husk__pagemap_find(&shard->blocks, domain, address);
        lock(&foreign.lock, shared);
        if (slot && slot->site)
            end_block(slot, domain, address, thread);
        failed = wanted && !slot;
        if (LIKELY(wanted && slot))
            begin_block(slot, domain, address, bytes, record, thread);
        foreign.tracer->unknown += failed;
        unlock(&foreign.lock, shared);
        if (slot && !wanted)
            husk__pagemap_remove(&shard->blocks, domain, address);
    }
    unlock(&shard->lock, shared);
    if (UNLIKELY(--thread->until_clock == 0))
        tick(thread);
    return failed ? HUSK_ENOMEM : HUSK_OK;
}

husk_status husk__foreign_block(struct husk__from from, uint32_t domain, uint64_t address, size_t bytes)
{
    if (UNLIKELY(here.inside))
        return HUSK_OK;
    if (!husk__foreign_is_on())
        return HUSK_ESTATE;
    here.inside++;
    husk_status status = HUSK_ENOMEM;
    struct thread *thread = this_thread(&status);
    if (LIKELY(thread != NULL))
        status = add_block(thread, from, domain, address, bytes);
    here.inside--;
    return status;
}

husk_status husk__foreign_unblock(uint32_t domain, uint64_t address)
{
    if (UNLIKELY(here.inside))
        return HUSK_OK;
    if (!husk__foreign_is_on())
        return HUSK_ESTATE;
    if (atomic_load_explicit(&foreign.sampled, memory_order_relaxed) &&
        !atomic_load_explicit(filter_of(domain, address), memory_order_relaxed))
        return HUSK_OK;
    here.inside++;
    struct shard *shard = shard_of(domain, address);
    const bool shared = is_shared();
    lock(&shard->lock, shared);
    struct husk__pagemap_slot slot;
    if (husk__pagemap_take(&shard->blocks, domain, address,
                           &slot)) { /* so there is a tracer: it empties them */
        struct thread *thread = here.thread;
        lock(&foreign.lock, shared);
        end_block(&slot, domain, address, thread && is_current(thread) ? thread : NULL);
        unlock(&foreign.lock, shared);
    }
    unlock(&shard->lock, shared);
    here.inside--;
    return HUSK_OK;
}

bool husk__foreign_lift(uint32_t domain, uint64_t address, struct husk__lifted *out)
{
    if (UNLIKELY(here.inside) || !husk__foreign_is_on() ||
        (atomic_load_explicit(&foreign.sampled, memory_order_relaxed) &&
         !atomic_load_explicit(filter_of(domain, address), memory_order_relaxed)))
        return false;
    here.inside++;
    struct shard *shard = shard_of(domain, address);
    const bool shared = is_shared();
    lock(&shard->lock, shared);
    struct husk__pagemap_slot slot;
    bool found = husk__pagemap_take(&shard->blocks, domain, address, &slot);
    if (found) {
        *out = (struct husk__lifted){ { address, husk__pagemap_size(&slot), slot.site, domain },
                                      atomic_load_explicit(&foreign.start, memory_order_relaxed) };
        lock(&foreign.lock, shared);
        end_block(&slot, domain, address, NULL);
        unlock(&foreign.lock, shared);
    }
    unlock(&shard->lock, shared);
    here.inside--;
    return found;
}

void husk__foreign_stays(const struct husk__lifted *lifted)
{
    const struct husk__blockmap_entry *entry = &lifted->entry;
    here.inside++;
    struct shard *shard = shard_of(entry->domain, entry->address);
    const bool shared = is_shared();
    lock(&shard->lock, shared);
    bool current = lifted->start == atomic_load_explicit(&foreign.start, memory_order_relaxed);
    struct husk__pagemap_slot *slot =
        current ? husk__pagemap_make(&shard->blocks, entry->domain, entry->address) : NULL;
    if (slot && !slot->site) {
        lock(&foreign.lock, shared);
        struct husk__tracer *tracer = foreign.tracer;
        struct husk__worth worth = husk__worth_of(tracer, entry->size);
        husk__record_undo_death(tracer, entry->site, worth.count, worth.bytes);
        husk__pagemap_set(slot, entry->size, entry->site);
        if (UNLIKELY(tracer->sampler.mean))
            filter_add(entry->domain, entry->address, 1);
        unlock(&foreign.lock, shared);
    }
    unlock(&shard->lock, shared);
    here.inside--;
}

husk_status husk_trace_block(uint32_t domain, uint64_t address, size_t bytes)
{
    husk_status status = husk__foreign_block(HUSK__FROM_HERE, domain, address, bytes);
    if (LIKELY(status == HUSK_OK))
        return HUSK_OK;
    return status == HUSK_ESTATE ? is_off()
                                 : husk_fail(status, "block at 0x%llx: %s", (unsigned long long)address,
                                             husk_status_text(status));
}

husk_status husk_trace_unblock(uint32_t domain, uint64_t address)
{
    husk_status status = husk__foreign_unblock(domain, address);
    return LIKELY(status == HUSK_OK) ? HUSK_OK : is_off();
}

/* ---- looking ---- */

uint32_t husk__foreign_stack(uint32_t domain, uint64_t address)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return 0;
    const struct husk__pagemap_slot *slot =
        husk__pagemap_find(&shard_of(domain, address)->blocks, domain, address);
    uint32_t stack = slot ? tracer->records[slot->site & SITE_RECORD_BITS].stack : 0;
    unlock_all();
    return stack;
}

struct husk__tracer *husk__foreign_hold(void)
{
    return hold();
}

void husk__foreign_release(void)
{
    unlock_all();
}

/* The cursor: the shard's number in its low bits, the table's own cursor above. */
bool husk__foreign_next(size_t *cursor, struct husk__blockmap_entry *out)
{
    size_t shard = *cursor & (SHARDS - 1), at = *cursor >> SHARD_BITS;
    for (; shard < SHARDS; shard++, at = 0)
        if (husk__pagemap_next(&foreign.shards[shard].blocks, &at, out)) {
            *cursor = at << SHARD_BITS | shard;
            return true;
        }
    return false;
}
