/* trace/foreign.c: see foreign.h. One lock for the tracer and its table. */
#define _GNU_SOURCE
#include "trace/foreign.h"

#include "trace/site.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    _Atomic(struct husk__tracer *) tracer; /* read without the lock only to see whether there is one */
    uint32_t limit;
    struct husk__blockmap blocks;
    size_t left; /* sampled: bytes to the next sample */
    _Atomic uint32_t starts;
} foreign = { .lock = PTHREAD_MUTEX_INITIALIZER, .limit = 1 };

/* Tags and domains of this thread. Their texts end with the tracer, so they count for one start only. */
static _Thread_local struct {
    uint32_t start;
    uint64_t id;
    const char *tags[TRACE_NESTING], *domains[TRACE_NESTING];
    unsigned tag_depth, domain_depth;
} here;

static struct husk__tracer *hold(void)
{
    if (!atomic_load_explicit(&foreign.tracer, memory_order_relaxed))
        return NULL;
    pthread_mutex_lock(&foreign.lock);
    struct husk__tracer *tracer = atomic_load_explicit(&foreign.tracer, memory_order_relaxed);
    if (!tracer)
        pthread_mutex_unlock(&foreign.lock);
    return tracer;
}

static void release(void)
{
    pthread_mutex_unlock(&foreign.lock);
}

static husk_status is_off(void)
{
    return husk_fail(HUSK_ESTATE, "the process's blocks are not traced");
}

/* Called inside an event, under the lock. */
static void rename_sites(struct husk__tracer *tracer, const uint8_t map[TRACE_EPOCHS])
{
    (void)tracer;
    husk__blockmap_rename(&foreign.blocks, map);
}

husk_status husk__foreign_start(const husk_trace_options *options)
{
    struct husk__tracer *tracer;
    husk_status status = husk__tracer_new(options, &tracer);
    if (status)
        return status;
    pthread_mutex_lock(&foreign.lock);
    if (foreign.tracer) {
        pthread_mutex_unlock(&foreign.lock);
        husk__tracer_free(tracer);
        return husk_fail(HUSK_ESTATE, "the process's blocks are traced already");
    }
    tracer->rename = rename_sites;
    foreign.limit = tracer->most_frames;
    foreign.left = tracer->sampler.mean ? husk__sample_gap(&tracer->sampler) : 0;
    foreign.starts++;
    foreign.tracer = tracer;
    release();
    return HUSK_OK;
}

void husk__foreign_stop(void)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    foreign.tracer = NULL;
    husk__blockmap_free(&foreign.blocks);
    husk__tracer_free(tracer);
    release();
}

void husk__foreign_clear(void)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    husk__blockmap_free(&foreign.blocks);
    husk__tracer_clear(tracer);
    release();
}

bool husk__foreign_is_on(void)
{
    return atomic_load_explicit(&foreign.tracer, memory_order_relaxed) != NULL;
}

uint32_t husk__foreign_limit(void)
{
    return foreign.limit;
}

void husk__foreign_figures(husk_trace_figures *out)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    husk__tracer_figures(tracer, out);
    out->own_bytes += foreign.blocks.room * sizeof *foreign.blocks.entries;
    release();
}

void husk__foreign_reset_peak(void)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return;
    husk__tracer_reset_peak(tracer);
    release();
}

husk_status husk__foreign_mark(const char *name)
{
    if (!*name)
        return husk_fail(HUSK_EINVAL, "a mark needs a name");
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return is_off();
    husk_status status = husk__tracer_mark(tracer, name);
    release();
    return status ? husk_fail(status, "mark %s: %s", name,
                              status == HUSK_ERANGE ? "128 marks are set" : husk_status_text(status))
                  : HUSK_OK;
}

/* ---- this thread ---- */

static void settle_here(void)
{
    if (here.start == foreign.starts)
        return;
    here.start = foreign.starts;
    here.tag_depth = here.domain_depth = 0;
    here.id = (uint64_t)syscall(SYS_gettid);
}

/* What is born now is born here. */
static void enter_here(struct husk__tracer *tracer)
{
    settle_here();
    const char *tag = here.tag_depth ? here.tags[here.tag_depth - 1] : NULL;
    const char *domain = here.domain_depth ? here.domains[here.domain_depth - 1] : NULL;
    bool same_tag = tag ? tracer->tag_depth && tracer->tags[0] == tag : !tracer->tag_depth;
    bool same_domain = domain ? tracer->domain_depth && tracer->domains[0] == domain : !tracer->domain_depth;
    if (LIKELY(tracer->thread == here.id && same_tag && same_domain))
        return;
    tracer->thread = here.id;
    tracer->tags[0] = tag;
    tracer->tag_depth = tag != NULL;
    tracer->domains[0] = domain;
    tracer->domain_depth = domain != NULL;
    (void)husk__tracer_settle_context(tracer); /* without memory for it the last one goes on */
}

husk_status husk__foreign_push(bool tag, const char *text)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return is_off();
    settle_here();
    const char **stack = tag ? here.tags : here.domains;
    unsigned *depth = tag ? &here.tag_depth : &here.domain_depth;
    husk_status status = HUSK_ERANGE;
    if (*depth < TRACE_NESTING) {
        husk__sites_lock();
        stack[*depth] = husk__site_text(text, strlen(text));
        husk__sites_unlock();
        status = stack[*depth] ? HUSK_OK : HUSK_ENOMEM;
        *depth += !status;
    }
    release();
    return status ? husk_fail(status, "%s %s: %s", tag ? "tag" : "domain", text,
                              status == HUSK_ERANGE ? "nested more than 64 deep" : husk_status_text(status))
                  : HUSK_OK;
}

husk_status husk__foreign_pop(bool tag)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return is_off();
    settle_here();
    unsigned *depth = tag ? &here.tag_depth : &here.domain_depth;
    bool any = *depth;
    *depth -= any;
    release();
    return any ? HUSK_OK : husk_fail(HUSK_ESTATE, "no %s is pushed", tag ? "tag" : "domain");
}

/* ---- blocks ---- */

static void forget(struct husk__tracer *tracer, struct husk__blockmap_entry *entry)
{
    struct husk__worth worth = husk__worth_of(tracer, entry->size);
    husk__record_death(tracer, entry->site, worth.count, worth.bytes, (void *)(uintptr_t)entry->address);
    husk__blockmap_remove(&foreign.blocks, entry);
}

static bool picked(struct husk__tracer *tracer, size_t bytes)
{
    if (!tracer->sampler.mean)
        return true;
    if (bytes <= foreign.left) {
        foreign.left -= bytes;
        return false;
    }
    foreign.left = husk__sample_gap(&tracer->sampler);
    return true;
}

husk_status husk_trace_block(uint32_t domain, uint64_t address, size_t bytes)
{
    struct husk__from from = HUSK__FROM_HERE;
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return is_off();
    husk_status status = HUSK_OK;
    struct husk__blockmap_entry *old = husk__blockmap_find(&foreign.blocks, domain, address);
    if (old)
        forget(tracer, old);
    if (picked(tracer, bytes)) {
        if (husk__blockmap_room(&foreign.blocks)) {
            struct husk__said nothing = { 0 };
            enter_here(tracer);
            uint32_t record = husk__capture(tracer, &nothing, from);
            struct husk__worth worth = husk__worth_of(tracer, bytes);
            uint32_t site =
                husk__record_birth(tracer, record, worth.count, worth.bytes, (void *)(uintptr_t)address);
            husk__blockmap_add(&foreign.blocks,
                               (struct husk__blockmap_entry){ address, bytes, site, domain });
        } else {
            tracer->unknown++;
            status = HUSK_ENOMEM;
        }
    }
    release();
    return status ? husk_fail(status, "block at 0x%llx: %s", (unsigned long long)address,
                              husk_status_text(status))
                  : HUSK_OK;
}

husk_status husk_trace_unblock(uint32_t domain, uint64_t address)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return is_off();
    struct husk__blockmap_entry *entry = husk__blockmap_find(&foreign.blocks, domain, address);
    if (entry)
        forget(tracer, entry);
    release();
    return HUSK_OK;
}

uint32_t husk__foreign_stack(uint32_t domain, uint64_t address)
{
    struct husk__tracer *tracer = hold();
    if (!tracer)
        return 0;
    const struct husk__blockmap_entry *entry = husk__blockmap_find(&foreign.blocks, domain, address);
    uint32_t stack = entry ? tracer->records[entry->site & SITE_RECORD_BITS].stack : 0;
    release();
    return stack;
}

struct husk__tracer *husk__foreign_hold(void)
{
    return hold();
}

void husk__foreign_release(void)
{
    release();
}

const struct husk__blockmap_entry *husk__foreign_next(size_t *cursor)
{
    while (*cursor < foreign.blocks.room) {
        const struct husk__blockmap_entry *entry = &foreign.blocks.entries[(*cursor)++];
        if (entry->site)
            return entry;
    }
    return NULL;
}
