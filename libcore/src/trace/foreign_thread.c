/* trace/foreign_thread.c: the threads that trace blocks (foreign_state.h): their state, made at their first event and
 * handed on when they end; the tags and domains that they push. */
#define _GNU_SOURCE
#include "trace/foreign_state.h"

#include "base/bits.h"
#include "base/memory.h"
#include "trace/site.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

HIDDEN _Thread_local struct husk__foreign_here husk__foreign_here __attribute__((tls_model("initial-exec")));

/* The tracer's lock is held. */
void husk__foreign_thread_free(struct husk__foreign_thread *thread)
{
    size_t bytes = thread->bytes;
    husk__foreign.thread_bytes -= bytes;
    husk__memory_release(thread, bytes);
    husk__memory_note(-(int64_t)bytes);
}

void husk__foreign_thread_ends(void *data)
{
    (void)data; /* a mark that there is one */
    struct husk__foreign_thread *thread = husk__foreign_here.thread;
    if (!thread)
        return;
    husk__foreign_here.inside++;
    husk__foreign_here.thread = NULL;
    pthread_mutex_lock(&husk__foreign.lock);
    if (husk__foreign.tracer) {
        thread->next = husk__foreign.idle;
        thread->start = 0;
        husk__foreign.idle = thread;
    } else {
        husk__foreign_thread_free(thread);
    }
    pthread_mutex_unlock(&husk__foreign.lock);
    husk__foreign_here.inside--;
}

/* All zero but for its size; its memory comes when it is touched, so that a thread that traces little has little. The
 * tracer's lock is held. */
static struct husk__foreign_thread *thread_new(size_t key_room)
{
    struct husk__foreign_thread **link = &husk__foreign.idle;
    while (*link && (*link)->key_room < key_room)
        link = &(*link)->next;
    struct husk__foreign_thread *thread = *link;
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
        husk__foreign.thread_bytes += bytes;
        husk__memory_note((int64_t)bytes);
    }
    return thread;
}

/* The domain of a block as a text: what its thread pushed, or its number. NULL: no memory. */
static const char *domain_text(const struct husk__foreign_thread *thread, uint32_t domain)
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
static uint32_t settle_context(const struct husk__foreign_thread *thread, uint32_t domain)
{
    struct husk__tracer *tracer = husk__foreign.tracer;
    const char *text = domain_text(thread, domain);
    tracer->thread = thread->id;
    tracer->tag_depth = thread->tag_depth != 0;
    tracer->tags[0] = thread->tag_depth ? thread->tags[thread->tag_depth - 1] : NULL;
    tracer->domain_depth = text != NULL;
    tracer->domains[0] = text;
    return husk__tracer_settle_context(tracer) == HUSK_OK ? tracer->context : 0;
}

static void forget_contexts(struct husk__foreign_thread *thread)
{
    memset(thread->contexts, 0, sizeof thread->contexts);
}

/* This thread's state for the tracing in force; NULL: off, or no memory (*why). */
struct husk__foreign_thread *husk__foreign_attach(husk_status *why)
{
    pthread_mutex_lock(&husk__foreign.lock);
    struct husk__tracer *tracer = husk__foreign.tracer;
    *why = tracer ? HUSK_ENOMEM : HUSK_ESTATE;
    struct husk__foreign_thread *thread = husk__foreign_here.thread;
    if (tracer && thread) { /* of another tracing: what it knows is void */
        thread->next = husk__foreign.idle;
        husk__foreign.idle = thread;
        husk__foreign_here.thread = thread =
            NULL; /* it is anybody's now, also if there is no memory for another one */
    }
    if (tracer && !thread)
        thread = thread_new(tracer->most_frames);
    if (tracer && thread) {
        thread->start = husk__foreign.start;
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
    pthread_mutex_unlock(&husk__foreign.lock);
    if (thread) {
        husk__foreign_here.thread = thread;
        (void)pthread_setspecific(husk__foreign.key,
                                  &husk__foreign_here); /* may ask for memory: no lock is held */
    }
    return thread;
}

void husk__foreign_thread_forked(void)
{
    struct husk__foreign_thread *thread = husk__foreign_here.thread;
    if (husk__foreign.tracer && thread && thread->start == husk__foreign.start) {
        thread->id = (uint64_t)syscall(SYS_gettid);
        forget_contexts(thread);
    }
}

uint32_t husk__foreign_context(struct husk__foreign_thread *thread, uint32_t domain)
{
    uint32_t context = 0;
    pthread_mutex_lock(&husk__foreign.lock);
    if (husk__foreign_is_current(thread))
        context = settle_context(thread, domain);
    pthread_mutex_unlock(&husk__foreign.lock);
    thread->contexts[domain % THREAD_DOMAINS].known = true;
    thread->contexts[domain % THREAD_DOMAINS].domain = domain;
    thread->contexts[domain % THREAD_DOMAINS].context = context;
    return context;
}

/* ---- tags and domains ---- */

static husk_status change_nesting(bool tag, const char *text)
{
    if (!husk__foreign_is_on())
        return HUSK_ESTATE;
    husk__foreign_here.inside++;
    husk_status status = HUSK_ENOMEM;
    struct husk__foreign_thread *thread = husk__foreign_here_thread(&status);
    if (thread)
        status = HUSK_ERANGE; /* unless it can be done */
    pthread_mutex_lock(&husk__foreign.lock);
    if (!husk__foreign.tracer || (thread && thread->start != husk__foreign.start)) {
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
    pthread_mutex_unlock(&husk__foreign.lock);
    husk__foreign_here.inside--;
    return status;
}

husk_status husk__foreign_push(bool tag, const char *text)
{
    husk_status status = change_nesting(tag, text);
    if (status == HUSK_OK)
        return HUSK_OK;
    if (status == HUSK_ESTATE)
        return husk__foreign_is_off();
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
    return status == HUSK_ESTATE ? husk__foreign_is_off() : husk_fail(status, "%s", husk_status_text(status));
}
