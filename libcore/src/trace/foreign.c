/* trace/foreign.c: see foreign.h.
 *
 *   event --> this thread's own state: the stack's frames, their hash, its record if it has been seen here before
 *         --> lock of a shard, by address: the table of blocks
 *         --> lock of the tracer: the counts of the record and of all
 *
 * A process with one thread takes neither.
 *
 * So frames are collected without a lock, and the longer memory accesses, to the tables, are spread. The counts, and
 * with them the peak, are exact: events pass the last lock one by one. A block's entry and its count change
 * together as far as one can see who holds all locks. */
#include "trace/foreign_state.h"

/* A block among those of all domains, as the tracer's latest birth is known. */
ALWAYS_INLINE const void *identity(uint32_t domain, uint64_t address)
{
    return (const void *)(uintptr_t)husk__block_hash(domain, address);
}

static _Atomic uint16_t *filter_of(uint32_t domain, uint64_t address)
{
    return &husk__foreign_filter[husk__block_hash(domain, address) >> (64 - FILTER_BITS)];
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

static NEVER_INLINE uint32_t record_slow(struct husk__foreign_thread *thread, uint32_t context,
                                         const struct husk__place *place)
{
    uint32_t record = 0;
    pthread_mutex_lock(&husk__foreign.lock);
    if (husk__foreign_is_current(thread)) {
        husk__foreign.tracer->context = context;
        record = husk__record_of_slow(husk__foreign.tracer, place);
    }
    pthread_mutex_unlock(&husk__foreign.lock);
    if (record > TRACE_UNKNOWN) {
        size_t at = (place->hash ^ context) & (THREAD_CACHE - 1);
        thread->cache[at ^ 1] = thread->cache[at];
        thread->cache[at] = (struct husk__trace_hit){ place->hash, context, record };
    }
    return record;
}

/* Two places for each: where its hash says, and the one beside. */
ALWAYS_INLINE uint32_t record_cached(const struct husk__foreign_thread *thread, uint32_t context,
                                     uint64_t hash)
{
    size_t at = (hash ^ context) & (THREAD_CACHE - 1);
    const struct husk__trace_hit *hit = &thread->cache[at];
    if (LIKELY(hit->hash == hash && hit->context == context))
        return hit->record;
    hit = &thread->cache[at ^ 1];
    return hit->hash == hash && hit->context == context ? hit->record : 0;
}

/* A stack that is not known as a whole. */
__attribute__((noinline)) static uint32_t record_walked(struct husk__foreign_thread *thread, uint32_t context,
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

ALWAYS_INLINE uint32_t record_of(struct husk__foreign_thread *thread, uint32_t domain, struct husk__from from)
{
    if (UNLIKELY(!thread->native))
        return 0;
    uint32_t context = thread->contexts[domain % THREAD_DOMAINS].context;
    if (UNLIKELY(!thread->contexts[domain % THREAD_DOMAINS].known ||
                 thread->contexts[domain % THREAD_DOMAINS].domain != domain))
        context = husk__foreign_context(thread, domain);
    struct husk__unwind_start start = husk__leave_library(from);
    uint64_t hash = husk__stackmemo_find(&thread->memo, &start);
    uint32_t record = hash ? record_cached(thread, context, hash) : 0;
    return record ? record : record_walked(thread, context, &start);
}

/* The block of a slot ends. Both locks are held. */
ALWAYS_INLINE void end_block(const struct husk__pagemap_slot *slot, uint32_t domain, uint64_t address,
                             struct husk__foreign_thread *thread)
{
    struct husk__tracer *tracer = husk__foreign.tracer;
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
                               size_t bytes, uint32_t record, struct husk__foreign_thread *thread)
{
    struct husk__tracer *tracer = husk__foreign.tracer;
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

ALWAYS_INLINE bool picked(struct husk__foreign_thread *thread, size_t bytes)
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

static NEVER_INLINE void tick(struct husk__foreign_thread *thread)
{
    thread->until_clock = TRACE_CLOCK_EVERY;
    struct husk__tracer *tracer = husk__foreign_hold(); /* epochs may be joined, which changes all entries */
    if (!tracer)
        return;
    husk__tracer_tick(tracer);
    tracer->until_clock = UINT32_MAX;
    husk__foreign_unlock_all();
}

/* The block is to be looked at, or its address may be that of one that was. */
static husk_status add_block(struct husk__foreign_thread *thread, struct husk__from from, uint32_t domain,
                             uint64_t address, size_t bytes)
{
    bool wanted = picked(thread, bytes);
    if (!wanted && !atomic_load_explicit(filter_of(domain, address), memory_order_relaxed))
        return HUSK_OK;
    uint32_t record = wanted ? record_of(thread, domain, from) : 0;
    struct husk__foreign_shard *shard = husk__foreign_shard_of(domain, address);
    const bool shared = husk__foreign_is_shared();
    bool failed = false;
    husk__foreign_lock(&shard->lock, shared);
    if (LIKELY(husk__foreign_is_current(thread))) {
        struct husk__pagemap_slot *slot = wanted ? husk__pagemap_make(&shard->blocks, domain, address)
                                                 : husk__pagemap_find(&shard->blocks, domain, address);
        husk__foreign_lock(&husk__foreign.lock, shared);
        if (slot && slot->site)
            end_block(slot, domain, address, thread);
        failed = wanted && !slot;
        if (LIKELY(wanted && slot))
            begin_block(slot, domain, address, bytes, record, thread);
        husk__foreign.tracer->unknown += failed;
        husk__foreign_unlock(&husk__foreign.lock, shared);
        if (slot && !wanted)
            husk__pagemap_remove(&shard->blocks, domain, address);
    }
    husk__foreign_unlock(&shard->lock, shared);
    if (UNLIKELY(--thread->until_clock == 0))
        tick(thread);
    return failed ? HUSK_ENOMEM : HUSK_OK;
}

husk_status husk__foreign_block(struct husk__from from, uint32_t domain, uint64_t address, size_t bytes)
{
    if (UNLIKELY(husk__foreign_here.inside))
        return HUSK_OK;
    if (!husk__foreign_on())
        return HUSK_ESTATE;
    husk__foreign_here.inside++;
    husk_status status = HUSK_ENOMEM;
    struct husk__foreign_thread *thread = husk__foreign_here_thread(&status);
    if (LIKELY(thread != NULL))
        status = add_block(thread, from, domain, address, bytes);
    husk__foreign_here.inside--;
    return status;
}

husk_status husk__foreign_unblock(uint32_t domain, uint64_t address)
{
    if (UNLIKELY(husk__foreign_here.inside))
        return HUSK_OK;
    if (!husk__foreign_on())
        return HUSK_ESTATE;
    if (atomic_load_explicit(&husk__foreign.sampled, memory_order_relaxed) &&
        !atomic_load_explicit(filter_of(domain, address), memory_order_relaxed))
        return HUSK_OK;
    husk__foreign_here.inside++;
    struct husk__foreign_shard *shard = husk__foreign_shard_of(domain, address);
    const bool shared = husk__foreign_is_shared();
    husk__foreign_lock(&shard->lock, shared);
    struct husk__pagemap_slot slot;
    if (husk__pagemap_take(&shard->blocks, domain, address,
                           &slot)) { /* so there is a tracer: it empties them */
        struct husk__foreign_thread *thread = husk__foreign_here.thread;
        husk__foreign_lock(&husk__foreign.lock, shared);
        end_block(&slot, domain, address, thread && husk__foreign_is_current(thread) ? thread : NULL);
        husk__foreign_unlock(&husk__foreign.lock, shared);
    }
    husk__foreign_unlock(&shard->lock, shared);
    husk__foreign_here.inside--;
    return HUSK_OK;
}

bool husk__foreign_lift(uint32_t domain, uint64_t address, struct husk__lifted *out)
{
    if (UNLIKELY(husk__foreign_here.inside) || !husk__foreign_on() ||
        (atomic_load_explicit(&husk__foreign.sampled, memory_order_relaxed) &&
         !atomic_load_explicit(filter_of(domain, address), memory_order_relaxed)))
        return false;
    husk__foreign_here.inside++;
    struct husk__foreign_shard *shard = husk__foreign_shard_of(domain, address);
    const bool shared = husk__foreign_is_shared();
    husk__foreign_lock(&shard->lock, shared);
    struct husk__pagemap_slot slot;
    bool found = husk__pagemap_take(&shard->blocks, domain, address, &slot);
    if (found) {
        *out = (struct husk__lifted){ { address, husk__pagemap_size(&slot), slot.site, domain },
                                      atomic_load_explicit(&husk__foreign.start, memory_order_relaxed) };
        husk__foreign_lock(&husk__foreign.lock, shared);
        end_block(&slot, domain, address, NULL);
        husk__foreign_unlock(&husk__foreign.lock, shared);
    }
    husk__foreign_unlock(&shard->lock, shared);
    husk__foreign_here.inside--;
    return found;
}

void husk__foreign_stays(const struct husk__lifted *lifted)
{
    const struct husk__blockmap_entry *entry = &lifted->entry;
    husk__foreign_here.inside++;
    struct husk__foreign_shard *shard = husk__foreign_shard_of(entry->domain, entry->address);
    const bool shared = husk__foreign_is_shared();
    husk__foreign_lock(&shard->lock, shared);
    bool current = lifted->start == atomic_load_explicit(&husk__foreign.start, memory_order_relaxed);
    struct husk__pagemap_slot *slot =
        current ? husk__pagemap_make(&shard->blocks, entry->domain, entry->address) : NULL;
    if (slot && !slot->site) {
        husk__foreign_lock(&husk__foreign.lock, shared);
        struct husk__tracer *tracer = husk__foreign.tracer;
        struct husk__worth worth = husk__worth_of(tracer, entry->size);
        husk__record_undo_death(tracer, entry->site, worth.count, worth.bytes);
        husk__pagemap_set(slot, entry->size, entry->site);
        if (UNLIKELY(tracer->sampler.mean))
            filter_add(entry->domain, entry->address, 1);
        husk__foreign_unlock(&husk__foreign.lock, shared);
    }
    husk__foreign_unlock(&shard->lock, shared);
    husk__foreign_here.inside--;
}

husk_status husk_trace_block(uint32_t domain, uint64_t address, size_t bytes)
{
    husk_status status = husk__foreign_block(HUSK__FROM_HERE, domain, address, bytes);
    if (LIKELY(status == HUSK_OK))
        return HUSK_OK;
    return status == HUSK_ESTATE ? husk__foreign_is_off()
                                 : husk_fail(status, "block at 0x%llx: %s", (unsigned long long)address,
                                             husk_status_text(status));
}

husk_status husk_trace_unblock(uint32_t domain, uint64_t address)
{
    husk_status status = husk__foreign_unblock(domain, address);
    return LIKELY(status == HUSK_OK) ? HUSK_OK : husk__foreign_is_off();
}
