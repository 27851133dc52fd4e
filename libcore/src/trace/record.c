/* trace/record.c: see record.h: the slow parts of a tracer. */
#define _GNU_SOURCE
#include "trace/record.h"

#include "base/clock.h"
#include "base/memory.h"
#include "trace/mix.h"
#include "trace/site.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- beginning and end ---- */

static husk_status check(const husk_trace_options *o)
{
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_fail(HUSK_EINVAL,
                         "trace options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
                         o->struct_size, o->abi, sizeof *o);
    if (o->frames > HUSK_TRACE_MOST_FRAMES)
        return husk_fail(HUSK_ERANGE, "%u frames: the number of frames must be 1 to %d", o->frames,
                         HUSK_TRACE_MOST_FRAMES);
    if (o->sample_bytes > (size_t)1 << 48)
        return husk_fail(HUSK_ERANGE, "a sample every %zu bytes is none", o->sample_bytes);
    if (o->sources > 7)
        return husk_fail(HUSK_EINVAL, "sources 0x%x: only the three lowest bits mean something", o->sources);
    return HUSK_OK;
}

husk_status husk__tracer_new(const husk_trace_options *options, struct husk__tracer **out)
{
    static const husk_trace_options plain = { HUSK_TRACE_OPTIONS };
    const husk_trace_options *o = options ? options : &plain;
    husk_status status = check(o);
    if (status)
        return status;
    struct husk__tracer *tracer = husk__raw_new(sizeof *tracer);
    if (!tracer)
        return husk_fail(HUSK_ENOMEM, "a tracer: %s", husk_status_text(HUSK_ENOMEM));
    husk__sites_hold();
    tracer->most_frames = o->frames ? o->frames : 1;
    tracer->sources = o->sources ? o->sources : 7;
    tracer->one_native = tracer->most_frames == 1 && (tracer->sources & HUSK_TRACE_NATIVE);
    tracer->epoch_ns = (uint64_t)(o->epoch_ms ? o->epoch_ms : 1000) * 1000000u;
    tracer->thread = (uint64_t)syscall(SYS_gettid);
    static _Atomic uint64_t serials;
    tracer->serial = ++serials;
    if (o->sample_bytes) {
        husk__sampler_begin(&tracer->sampler, o->sample_bytes, o->seed);
        tracer->unit_shift = TRACE_UNIT_SHIFT;
    }
    tracer->keys = husk__raw_new(tracer->most_frames * sizeof *tracer->keys);
    tracer->records = husk__grow_add(&tracer->record_rows, TRACE_FIRST * sizeof *tracer->records);
    if (!tracer->keys || !tracer->records ||
        !husk__grow_add(&tracer->record_keys, TRACE_FIRST * sizeof(struct husk__record_key)) ||
        !husk__grow_add(&tracer->contexts, sizeof(struct husk__trace_context)) ||
        husk__tracer_settle_context(tracer) != HUSK_OK) {
        husk__tracer_free(tracer);
        return husk_fail(HUSK_ENOMEM, "a tracer: %s", husk_status_text(HUSK_ENOMEM));
    }
    tracer->record_count = TRACE_FIRST;
    tracer->start_ns = husk__now();
    tracer->epochs[0] = (struct husk__trace_epoch){ 0, "" };
    tracer->epoch_count = 1;
    tracer->epoch_end_ns = tracer->epoch_ns;
    tracer->until_clock = TRACE_CLOCK_EVERY;
    *out = tracer;
    return HUSK_OK;
}

void husk__tracer_free(struct husk__tracer *tracer)
{
    if (!tracer)
        return;
    husk__grow_free(&tracer->record_rows);
    husk__grow_free(&tracer->record_keys);
    husk__grow_free(&tracer->contexts);
    husk__raw_free(tracer->index, tracer->index_room * sizeof *tracer->index);
    husk__raw_free(tracer->keys, tracer->most_frames * sizeof *tracer->keys);
    husk__raw_free(tracer, sizeof *tracer);
    husk__sites_drop();
}

void husk__tracer_clear(struct husk__tracer *tracer)
{
    memset(tracer->records, 0, tracer->record_rows.used);
    tracer->record_rows.used = TRACE_FIRST * sizeof(struct husk__record);
    tracer->record_keys.used = TRACE_FIRST * sizeof(struct husk__record_key);
    tracer->record_count = TRACE_FIRST;
    if (tracer->index)
        memset(tracer->index, 0, tracer->index_room * sizeof *tracer->index);
    memset(tracer->cache, 0, sizeof tracer->cache);
    tracer->bytes = tracer->count = tracer->peak_bytes = tracer->peak_count = tracer->unknown = 0;
    tracer->rising = false;
    tracer->peak_number = 0;
    tracer->latest = 0;
}

/* ---- records ---- */

static const struct husk__record_key *key_of(const struct husk__tracer *tracer, uint32_t record)
{
    return (const struct husk__record_key *)(const void *)tracer->record_keys.at + record;
}

static size_t start_of(uint64_t hash, uint32_t context, size_t room)
{
    return (size_t)(hash ^ context * 0x9E3779B9u) & (room - 1);
}

static void index_put(const struct husk__tracer *tracer, uint32_t *index, size_t room, uint32_t record)
{
    const struct husk__record_key *key = key_of(tracer, record);
    size_t at = start_of(key->hash, key->context, room);
    while (index[at])
        at = (at + 1) & (room - 1);
    index[at] = record;
}

static bool index_room(struct husk__tracer *tracer)
{
    if (tracer->index_room >= ((size_t)tracer->record_count + 1) * 2)
        return true;
    size_t room = tracer->index_room ? tracer->index_room * 2 : 256;
    uint32_t *index = husk__raw_new(room * sizeof *index);
    if (!index)
        return false;
    for (uint32_t r = TRACE_FIRST; r < tracer->record_count; r++)
        index_put(tracer, index, room, r);
    husk__raw_free(tracer->index, tracer->index_room * sizeof *index);
    tracer->index = index;
    tracer->index_room = room;
    return true;
}

/* The stack of a place: from its oldest frame to its newest. 0: something could not be had. */
static uint32_t stack_of(const struct husk__place *place)
{
    uint32_t stack = 0;
    husk__sites_lock();
    for (size_t i = place->count; i-- > 0;) {
        uint64_t key = place->keys[i];
        uint32_t frame = (uint32_t)key;
        if (!(key & FRAME_KEY)) {
            struct husk__site_frame native = { "", "", 0, SITE_NATIVE, key };
            frame = husk__site_frame(&native);
        }
        stack = frame ? husk__site_stack(stack, frame) : 0;
        if (!stack)
            break;
    }
    husk__sites_unlock();
    return stack;
}

static uint32_t record_new(struct husk__tracer *tracer, const struct husk__place *place)
{
    if (tracer->record_count >= SITE_RECORDS || !index_room(tracer))
        return 0;
    uint32_t stack = stack_of(place);
    if (!stack || !husk__grow_room(&tracer->record_rows, sizeof(struct husk__record)) ||
        !husk__grow_room(&tracer->record_keys, sizeof(struct husk__record_key)))
        return 0;
    struct husk__record *record = husk__grow_add(&tracer->record_rows, sizeof *record);
    struct husk__record_key *key = husk__grow_add(&tracer->record_keys, sizeof *key);
    tracer->records = (struct husk__record *)(void *)tracer->record_rows.at; /* it may have moved */
    *record = (struct husk__record){ .peak_number = tracer->peak_number, .stack = stack };
    *key = (struct husk__record_key){ place->hash, tracer->context, place->total };
    index_put(tracer, tracer->index, tracer->index_room, tracer->record_count);
    return tracer->record_count++;
}

uint32_t husk__record_of_slow(struct husk__tracer *tracer, const struct husk__place *place)
{
    uint32_t record = 0;
    if (tracer->index_room) {
        size_t mask = tracer->index_room - 1;
        size_t at = start_of(place->hash, tracer->context, tracer->index_room);
        for (; (record = tracer->index[at]); at = (at + 1) & mask) {
            const struct husk__record_key *key = key_of(tracer, record);
            if (key->hash == place->hash && key->context == tracer->context)
                break;
        }
    }
    if (!record)
        record = place->count ? record_new(tracer, place) : 0;
    if (!record) {
        tracer->unknown++;
        return TRACE_UNKNOWN;
    }
    tracer->cache[(place->hash ^ tracer->context) & (TRACE_CACHE - 1)] =
        (struct husk__trace_hit){ place->hash, tracer->context, record };
    return record;
}

struct husk__worth husk__worth_sampled(const struct husk__tracer *tracer, uint64_t bytes)
{
    double weight = husk__sample_weight(tracer->sampler.mean, bytes);
    return (struct husk__worth){ (uint64_t)(weight * (1 << TRACE_UNIT_SHIFT) + 0.5),
                                 (uint64_t)(weight * (double)bytes + 0.5) };
}

void husk__record_peak(const struct husk__tracer *tracer, const struct husk__record *record, uint64_t *count,
                       uint64_t *bytes)
{
    bool noted = !tracer->rising && record->peak_number == tracer->peak_number;
    *count = noted ? record->peak_count : record->born_count - record->died_count;
    *bytes = noted ? record->peak_bytes : record->born_bytes - record->died_bytes;
}

/* ---- contexts ---- */

husk_status husk__tracer_settle_context(struct husk__tracer *tracer)
{
    struct husk__trace_context want = {
        tracer->tag_depth ? tracer->tags[tracer->tag_depth - 1] : "",
        tracer->domain_depth ? tracer->domains[tracer->domain_depth - 1] : "",
        tracer->thread,
    };
    const struct husk__trace_context *rows = (const struct husk__trace_context *)(void *)tracer->contexts.at;
    size_t count = tracer->contexts.used / sizeof want;
    for (size_t i = count; i-- > 1;)
        if (rows[i].tag == want.tag && rows[i].domain == want.domain && rows[i].thread == want.thread) {
            tracer->context = (uint32_t)i;
            return HUSK_OK;
        }
    struct husk__trace_context *row = husk__grow_add(&tracer->contexts, sizeof *row);
    if (!row)
        return HUSK_ENOMEM;
    *row = want;
    tracer->context = (uint32_t)count;
    return HUSK_OK;
}

husk_status husk__tracer_push(struct husk__tracer *tracer, const char **stack, unsigned *depth,
                              const char *text)
{
    if (*depth == TRACE_NESTING)
        return HUSK_ERANGE;
    husk__sites_lock();
    const char *own = husk__site_text(text, strlen(text));
    husk__sites_unlock();
    if (!own)
        return HUSK_ENOMEM;
    stack[(*depth)++] = own;
    husk_status status = husk__tracer_settle_context(tracer);
    if (status)
        --*depth;
    return status;
}

husk_status husk__tracer_thread(struct husk__tracer *tracer)
{
    uint64_t before = tracer->thread;
    tracer->thread = (uint64_t)syscall(SYS_gettid);
    if (tracer->thread == before)
        return HUSK_OK;
    husk_status status = husk__tracer_settle_context(tracer);
    if (status)
        tracer->thread = before;
    return status;
}

/* ---- time ---- */

/* Joins every second epoch with the one before it, marks left alone; at least a quarter of the rows gets free, since
 * at most half of them are marks. */
static void join_epochs(struct husk__tracer *tracer)
{
    uint8_t map[TRACE_EPOCHS] = { 0 };
    unsigned kept = 0;
    bool joined = true; /* the first stays */
    for (unsigned e = 0; e < tracer->epoch_count; e++) {
        if (!joined && !*tracer->epochs[e].mark) {
            map[e] = (uint8_t)(kept - 1);
            joined = true;
            continue;
        }
        tracer->epochs[kept] = tracer->epochs[e];
        map[e] = (uint8_t)kept++;
        joined = false;
    }
    tracer->epoch_count = kept;
    tracer->epoch = (kept - 1) << SITE_EPOCH_BITS;
    tracer->epoch_ns *= 2;
    if (tracer->rename)
        tracer->rename(tracer, map);
}

static void begin_epoch(struct husk__tracer *tracer, const char *mark)
{
    uint64_t now = husk__now() - tracer->start_ns;
    if (tracer->epoch_count == TRACE_EPOCHS)
        join_epochs(tracer);
    tracer->epochs[tracer->epoch_count] = (struct husk__trace_epoch){ now, mark };
    tracer->epoch = tracer->epoch_count++ << SITE_EPOCH_BITS;
    tracer->epoch_end_ns = now + tracer->epoch_ns;
}

void husk__tracer_tick(struct husk__tracer *tracer)
{
    tracer->until_clock = TRACE_CLOCK_EVERY;
    if (husk__now_coarse() - tracer->start_ns > tracer->epoch_end_ns && husk__now_coarse() > tracer->start_ns)
        begin_epoch(tracer, "");
}

husk_status husk__tracer_mark(struct husk__tracer *tracer, const char *name)
{
    if (tracer->mark_count == TRACE_MARKS)
        return HUSK_ERANGE;
    husk__sites_lock();
    const char *mark = husk__site_text(name, strlen(name));
    husk__sites_unlock();
    if (!mark)
        return HUSK_ENOMEM;
    tracer->mark_count++;
    begin_epoch(tracer, mark);
    return HUSK_OK;
}

/* ---- figures ---- */

size_t husk__tracer_bytes(const struct husk__tracer *tracer)
{
    return sizeof *tracer + tracer->record_rows.committed + tracer->record_keys.committed +
           tracer->contexts.committed + tracer->index_room * sizeof *tracer->index + husk__sites_bytes();
}

void husk__tracer_figures(const struct husk__tracer *tracer, husk_trace_figures *out)
{
    unsigned shift = tracer->unit_shift;
    *out = (husk_trace_figures){
        .bytes = tracer->bytes,
        .count = tracer->count >> shift,
        .peak_bytes = tracer->peak_bytes,
        .peak_count = tracer->peak_count >> shift,
        .unknown = tracer->unknown,
        .places = tracer->record_count - TRACE_FIRST,
        .own_bytes = husk__tracer_bytes(tracer),
        .sample_bytes = tracer->sampler.mean,
    };
    for (uint32_t r = 0; r < tracer->record_count; r++) {
        out->born += tracer->records[r].born_count;
        out->born_bytes += tracer->records[r].born_bytes;
        out->temporary += tracer->records[r].temporary;
    }
    out->born >>= shift;
    out->temporary >>= shift;
}

void husk__tracer_reset_peak(struct husk__tracer *tracer)
{
    tracer->peak_bytes = tracer->bytes;
    tracer->peak_count = tracer->count;
    tracer->rising = true;
}
