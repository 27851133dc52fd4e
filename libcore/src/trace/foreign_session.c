/* trace/foreign_session.c: the tracing of the process's blocks as a whole (foreign_state.h): it begins, ends, goes through
 * fork, is looked at. */
#include "trace/foreign_state.h"

#include "base/reserved.h"
#include "trace/site.h"

/* Events hold the tracer's lock for less time than it takes to sleep and be woken: who finds it taken looks again for
 * a while first, where there is such a lock. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#define TRACER_LOCK PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
#else
#define TRACER_LOCK PTHREAD_MUTEX_INITIALIZER
#endif

HIDDEN struct husk__foreign_state husk__foreign = { .lock = TRACER_LOCK,
                                                    .limit = 1,
                                                    .once = PTHREAD_ONCE_INIT };
HIDDEN _Atomic uint16_t husk__foreign_filter[1 << FILTER_BITS];

/* ---- locks ---- */

void husk__foreign_lock_all(void)
{
    husk__foreign_here.inside++;
    for (unsigned s = 0; s < SHARDS; s++)
        pthread_mutex_lock(&husk__foreign.shards[s].lock);
    pthread_mutex_lock(&husk__foreign.lock);
}

void husk__foreign_unlock_all(void)
{
    pthread_mutex_unlock(&husk__foreign.lock);
    for (unsigned s = 0; s < SHARDS; s++)
        pthread_mutex_unlock(&husk__foreign.shards[s].lock);
    husk__foreign_here.inside--;
}

/* fork: the child has the tables whole, and no other thread; the locks are held by the one that it has. All in one
 * handler, in the order in which events take them: of several, others could come in between. */
static void before_fork(void)
{
    husk__foreign_lock_all();
    husk__sites_lock();
    husk__reserved_lock();
}

static void after_fork_here(void)
{
    husk__reserved_unlock();
    husk__sites_unlock();
    husk__foreign_unlock_all();
}

static void after_fork_child(void)
{
    husk__foreign_thread_forked();
    after_fork_here();
}

static void prepare(void)
{
    for (unsigned s = 0; s < SHARDS; s++)
        pthread_mutex_init(&husk__foreign.shards[s].lock, NULL);
    husk__foreign.prepared = pthread_key_create(&husk__foreign.key, husk__foreign_thread_ends) == 0 &&
                             pthread_atfork(before_fork, after_fork_here, after_fork_child) == 0;
}

bool husk__foreign_may_fork(void)
{
    pthread_once(&husk__foreign.once, prepare);
    return husk__foreign.prepared;
}

/* All locks, if tracing is on. */
struct husk__tracer *husk__foreign_hold(void)
{
    if (!husk__foreign_is_on())
        return NULL;
    husk__foreign_lock_all();
    /* Without the locks it may be another's that begins right now. */
    struct husk__tracer *tracer = husk__foreign.tracer;
    if (!tracer)
        husk__foreign_unlock_all();
    return tracer;
}

husk_status husk__foreign_is_off(void)
{
    return husk_fail(HUSK_ESTATE, "the process's blocks are not traced");
}

/* ---- beginning and end ---- */

/* All locks are held. */
static void rename_sites(struct husk__tracer *tracer, const uint8_t map[TRACE_EPOCHS])
{
    (void)tracer;
    for (unsigned s = 0; s < SHARDS; s++)
        husk__pagemap_rename(&husk__foreign.shards[s].blocks, map);
}

static void forget_blocks(void)
{
    for (unsigned s = 0; s < SHARDS; s++)
        husk__pagemap_free(&husk__foreign.shards[s].blocks);
    if (husk__foreign.sampled)
        for (size_t i = 0; i < (size_t)1 << FILTER_BITS; i++)
            atomic_store_explicit(&husk__foreign_filter[i], 0, memory_order_relaxed);
}

husk_status husk__foreign_start(const husk_trace_options *options)
{
    if (!husk__foreign_may_fork())
        return husk_fail(HUSK_ENOMEM, "the process's blocks: %s", husk_status_text(HUSK_ENOMEM));
    struct husk__tracer *tracer;
    husk_status status = husk__tracer_new(options, &tracer);
    if (status)
        return status;
    husk__foreign_lock_all();
    if (husk__foreign.tracer) {
        husk__foreign_unlock_all();
        husk__tracer_free(tracer);
        return husk_fail(HUSK_ESTATE, "the process's blocks are traced already");
    }
    tracer->rename = rename_sites;
    tracer->until_clock = UINT32_MAX; /* the clock is read outside of events, see tick */
    husk__foreign.limit = tracer->most_frames;
    husk__foreign.sampled = tracer->sampler.mean != 0;
    husk__foreign.tracer = tracer;
    husk__foreign.start++;
    husk__foreign_unlock_all();
    return HUSK_OK;
}

void husk__foreign_stop(void)
{
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return;
    husk__foreign.tracer = NULL;
    husk__foreign.start++;
    forget_blocks();
    husk__tracer_free(tracer);
    while (husk__foreign.idle) {
        struct husk__foreign_thread *thread = husk__foreign.idle;
        husk__foreign.idle = thread->next;
        husk__foreign_thread_free(thread);
    }
    if (husk__foreign_here.thread) { /* those of other threads go with them */
        husk__foreign_thread_free(husk__foreign_here.thread);
        husk__foreign_here.thread = NULL;
    }
    husk__foreign_unlock_all();
}

void husk__foreign_clear(void)
{
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return;
    husk__foreign.start += 2;
    forget_blocks();
    husk__tracer_clear(tracer);
    husk__foreign_unlock_all();
}

bool husk__foreign_is_on(void)
{
    return husk__foreign_on();
}

uint32_t husk__foreign_limit(void)
{
    pthread_mutex_lock(&husk__foreign.lock);
    uint32_t limit = husk__foreign.limit;
    pthread_mutex_unlock(&husk__foreign.lock);
    return limit;
}

void husk__foreign_figures(husk_trace_figures *out)
{
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return;
    husk__tracer_figures(tracer, out);
    out->own_bytes += husk__foreign.thread_bytes;
    for (unsigned s = 0; s < SHARDS; s++)
        out->own_bytes += husk__pagemap_bytes(&husk__foreign.shards[s].blocks);
    husk__foreign_unlock_all();
}

void husk__foreign_reset_peak(void)
{
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return;
    husk__tracer_reset_peak(tracer);
    husk__foreign_unlock_all();
}

husk_status husk__foreign_mark(const char *name)
{
    if (!*name)
        return husk_fail(HUSK_EINVAL, "a mark needs a name");
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return husk__foreign_is_off();
    husk_status status = husk__tracer_mark(tracer, name);
    husk__foreign_unlock_all();
    return status ? husk_fail(status, "mark %s: %s", name,
                              status == HUSK_ERANGE ? "128 marks are set" : husk_status_text(status))
                  : HUSK_OK;
}

/* ---- looking ---- */

uint32_t husk__foreign_stack(uint32_t domain, uint64_t address)
{
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return 0;
    const struct husk__pagemap_slot *slot =
        husk__pagemap_find(&husk__foreign_shard_of(domain, address)->blocks, domain, address);
    uint32_t stack = slot ? tracer->records[slot->site & SITE_RECORD_BITS].stack : 0;
    husk__foreign_unlock_all();
    return stack;
}

void husk__foreign_release(void)
{
    husk__foreign_unlock_all();
}

/* The cursor: the shard's number in its low bits, the table's own cursor above. */
bool husk__foreign_next(size_t *cursor, struct husk__blockmap_entry *out)
{
    size_t shard = *cursor & (SHARDS - 1), at = *cursor >> SHARD_BITS;
    for (; shard < SHARDS; shard++, at = 0)
        if (husk__pagemap_next(&husk__foreign.shards[shard].blocks, &at, out)) {
            *cursor = at << SHARD_BITS | shard;
            return true;
        }
    return false;
}
