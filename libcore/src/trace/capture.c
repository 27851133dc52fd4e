/* trace/capture.c: see capture.h. */
#define _GNU_SOURCE
#include "trace/capture.h"

#include "base/memory.h"
#include "trace/mix.h"
#include "trace/site.h"

#include <link.h>
#include <string.h>

struct husk_trace_sink {
    struct husk__tracer *tracer;
    size_t count, most;
};

/* ---- whose code is it? ---- */

struct husk__code_range husk__own_code;

struct module_search {
    uintptr_t code;
    struct husk__code_range range;
    bool found, main_program;
};

static int see_module(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct module_search *search = data;
    uintptr_t low = UINTPTR_MAX, high = 0;
    bool inside = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        uintptr_t start = (uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        uintptr_t end = start + (uintptr_t)info->dlpi_phdr[i].p_memsz;
        low = start < low ? start : low;
        high = end > high ? end : high;
        inside = inside || (search->code >= start && search->code < end);
    }
    if (!inside)
        return 0;
    search->found = true;
    search->main_program = !info->dlpi_name || !*info->dlpi_name;
    search->range = (struct husk__code_range){ low, high };
    return 1;
}

bool husk__code_module(const void *code, struct husk__code_range *out)
{
    struct module_search search = { .code = (uintptr_t)code };
    dl_iterate_phdr(see_module, &search);
    *out = search.range;
    return search.found;
}

void husk__capture_own(const void *const *functions, size_t count)
{
    struct module_search search = { .code = (uintptr_t)functions[0] };
    dl_iterate_phdr(see_module, &search);
    if (search.found && !search.main_program) {
        husk__own_code = search.range;
        return;
    }
    /* Linked into the program: its functions stand together, but for what stands among them. */
    struct husk__code_range range = { UINTPTR_MAX, 0 };
    for (size_t i = 0; i < count; i++) {
        uintptr_t at = (uintptr_t)functions[i];
        if (!at)
            continue; /* not linked in */
        range.start = at < range.start ? at : range.start;
        range.end = at > range.end ? at : range.end;
    }
    range.end += 4096; /* the last function's length is not known */
    husk__own_code = range;
}

static bool is_replaced(const struct husk__said *said, uintptr_t pc)
{
    for (unsigned i = 0; i < said->code_count; i++)
        if (pc - said->code[i].start < said->code[i].end - said->code[i].start)
            return true;
    return false;
}

/* ---- collecting ---- */

ALWAYS_INLINE bool add(struct husk_trace_sink *sink, uint64_t key)
{
    if (sink->count == sink->most)
        return false;
    sink->tracer->keys[sink->count++] = key;
    return sink->count < sink->most;
}

/* A frame that is said; file and function are texts of the table if they are not NULL. */
static uint32_t frame_of(const char *file, uint32_t line, const char *function, unsigned kind)
{
    if (!file || !function)
        return 0;
    struct husk__site_frame frame = { file, function, line, kind, 0 };
    return husk__site_frame(&frame);
}

static uint32_t frame_of_text(const char *file, size_t length, uint32_t line, const char *function,
                              unsigned kind)
{
    husk__sites_lock();
    const char *f = husk__site_text(file, length);
    const char *g = husk__site_text(function ? function : "", function ? strlen(function) : 0);
    uint32_t frame = frame_of(f, line, g, kind);
    husk__sites_unlock();
    return frame;
}

/* The tables are locked and searched once for each place of these words, not at each birth. */
static NEVER_INLINE uint32_t learn_words(struct husk__trace_words *words, const char *file, size_t length,
                                         uint32_t line, const char *function)
{
    uint32_t frame = frame_of_text(file, length, line, function, SITE_LANGUAGE);
    if (!frame)
        return 0;
    husk__sites_lock();
    const struct husk__site_frame *row = husk__site_frame_at(frame);
    *words =
        (struct husk__trace_words){ file, function, row->file, row->function, (uint32_t)length, line, frame };
    husk__sites_unlock();
    if (length > TRACE_TEXT_MOST) /* its text is shorter */
        words->file = NULL;
    return frame;
}

bool husk_trace_add(husk_trace_sink *sink, const char *file, size_t file_length, uint32_t line,
                    const char *function)
{
    if (sink->count == sink->most)
        return false;
    function = function ? function : "";
    uint64_t hash = husk__mix((uintptr_t)file ^ (uint64_t)line << 40, (uintptr_t)function);
    struct husk__trace_words *words = &sink->tracer->words[hash & (TRACE_WORDS - 1)];
    uint32_t frame;
    if (LIKELY(words->file == file && words->function == function && words->line == line &&
               words->length == file_length && memcmp(words->file_text, file, file_length) == 0 &&
               strcmp(words->function_text, function) == 0))
        frame = words->frame;
    else
        frame = learn_words(words, file, file_length, line, function);
    return add(sink, FRAME_KEY | frame);
}

uint64_t husk_trace_serial(const husk_trace_sink *sink)
{
    return sink->tracer->serial;
}

uint32_t husk_trace_frame(husk_trace_sink *sink, const char *file, size_t file_length, uint32_t line,
                          const char *function)
{
    (void)sink; /* there is one only while tables are held */
    return frame_of_text(file, file_length, line, function, SITE_LANGUAGE);
}

bool husk_trace_add_frame(husk_trace_sink *sink, uint32_t frame)
{
    return add(sink, FRAME_KEY | frame);
}

uint64_t husk_trace_frame_round(const husk_trace_sink *sink)
{
    (void)sink; /* there is one only while tables are held */
    return husk__sites_round() + 1;
}

static void add_at(struct husk_trace_sink *sink, struct husk__said *said)
{
    uint32_t frame =
        frame_of_text(said->at_file, strlen(said->at_file), said->at_line, said->at_function, SITE_EXPLICIT);
    said->at_file = NULL;
    (void)add(sink, FRAME_KEY | frame);
}

/* How many are left out. */
static size_t add_pushed(struct husk_trace_sink *sink, struct husk__said *said)
{
    size_t i = said->pushed_count;
    while (i > 0 && sink->count < sink->most) {
        struct husk__pushed *pushed = &said->pushed[--i];
        if (!pushed->frame) {
            husk__sites_lock();
            pushed->frame = frame_of(pushed->file, pushed->line, pushed->function, SITE_EXPLICIT);
            husk__sites_unlock();
        }
        (void)add(sink, FRAME_KEY | pushed->frame);
    }
    return i;
}

_Static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "return addresses are keys as they are");

ALWAYS_INLINE size_t native_from(struct husk__stackmemo *memo, struct husk__unwind_start start,
                                 uint64_t *keys, size_t most)
{
    uint64_t hash = 0; /* there may be other frames before these: all are mixed at the end */
    keys[0] = start.pc;
    return 1 + husk__stackmemo_unwind(memo, &start, (uintptr_t *)keys + 1, (unsigned)most - 1, &hash);
}

enum { NATIVE_MOST = 512 }; /* beside a language's frames; deeper native stacks are cut */

static unsigned native_beside(struct husk__tracer *tracer, struct husk__unwind_start start,
                              uintptr_t pcs[NATIVE_MOST])
{
    uint64_t hash = 0;
    pcs[0] = start.pc;
    return 1 + husk__stackmemo_unwind(&tracer->memo, &start, pcs + 1, NATIVE_MOST - 1, &hash);
}

/* Native frames that stand before the language's, then those, then the native ones behind. Where the language's
 * come first and suffice, the machine's stack is not looked at. Answers how many frames were left out, as far as
 * that is known. */
static size_t add_mixed(struct husk_trace_sink *sink, struct husk__said *said,
                        struct husk__unwind_start start)
{
    uintptr_t pcs[NATIVE_MOST];
    unsigned count = 0, i = 0;
    bool native = sink->tracer->sources & HUSK_TRACE_NATIVE;
    bool language = said->source && (sink->tracer->sources & HUSK_TRACE_LANGUAGE);
    bool later = native && language && is_replaced(said, start.pc);
    if (native && !later)
        count = native_beside(sink->tracer, start, pcs);
    size_t more = 0;
    for (; i < count && !is_replaced(said, pcs[i]); i++)
        if (!add(sink, pcs[i]))
            return 0;
    if (language)
        more = said->source(sink, said->source_data);
    if (sink->tracer->sources & HUSK_TRACE_GIVEN)
        more += add_pushed(sink, said);
    if (later && sink->count < sink->most)
        count = native_beside(sink->tracer, start, pcs);
    for (; i < count; i++)
        if (!is_replaced(said, pcs[i]) && !husk__is_own_code(pcs[i]) && !add(sink, pcs[i]))
            break;
    return more;
}

/* All but what was said for this birth alone. */
static size_t add_frames(struct husk_trace_sink *sink, struct husk__said *said,
                         struct husk__unwind_start start)
{
    if (sink->count == sink->most)
        return 0;
    if (said->source || said->pushed_count)
        return add_mixed(sink, said, start);
    if (sink->tracer->sources & HUSK_TRACE_NATIVE)
        sink->count += native_from(&sink->tracer->memo, start, sink->tracer->keys + sink->count,
                                   sink->most - sink->count);
    return 0;
}

uint64_t husk__place_hash(const uint64_t *keys, size_t count, uint32_t total)
{
    uint64_t a = total, b = count;
    size_t i = 0;
    for (; i + 1 < count; i += 2) { /* two chains: a product takes longer than its neighbour's start */
        a = husk__mix(a, keys[i]);
        b = husk__mix(b, keys[i + 1]);
    }
    if (i < count)
        a = husk__mix(a, keys[i]);
    return husk__mix(a, b);
}

static NEVER_INLINE uint32_t record_slow(struct husk__tracer *tracer, uint64_t hash, size_t count,
                                         uint32_t total)
{
    struct husk__place place = { hash, tracer->keys, count, total };
    return husk__record_of_slow(tracer, &place);
}

ALWAYS_INLINE uint32_t record_of(struct husk__tracer *tracer, uint64_t hash, size_t count, uint32_t total)
{
    uint32_t record = husk__record_cached(tracer, hash);
    return LIKELY(record != 0) ? record : record_slow(tracer, hash, count, total);
}

/* The place that was said for this birth, alone: known by the addresses of its constants. */
static uint32_t capture_said(struct husk__tracer *tracer, struct husk__said *said)
{
    uint64_t hash = husk__mix((uintptr_t)said->at_file, (uint64_t)said->at_line << 32 | 1u);
    uint32_t record = husk__record_cached(tracer, hash);
    if (LIKELY(record != 0)) {
        said->at_file = NULL;
        return record;
    }
    struct husk_trace_sink sink = { tracer, 0, 1 };
    add_at(&sink, said);
    return record_slow(tracer, hash, 1, 0);
}

ALWAYS_INLINE uint32_t capture_all(struct husk__tracer *tracer, struct husk__said *said,
                                   struct husk__unwind_start start)
{
    struct husk_trace_sink sink = { tracer, 0, tracer->most_frames };
    if (said->at_file && (tracer->sources & HUSK_TRACE_GIVEN))
        add_at(&sink, said);
    size_t more = add_frames(&sink, said, start);
    uint32_t total = more ? (uint32_t)(sink.count + more) : 0;
    if (sink.count == 0) {
        tracer->unknown++;
        return TRACE_UNKNOWN;
    }
    return record_of(tracer, husk__place_hash(tracer->keys, sink.count, total), sink.count, total);
}

uint32_t husk__capture_whole(struct husk__tracer *tracer, struct husk__said *said, struct husk__from from)
{
    if (tracer->most_frames == 1) {
        if (said->at_file && (tracer->sources & HUSK_TRACE_GIVEN))
            return capture_said(tracer, said);
        if (!said->source && !said->pushed_count && (tracer->sources & HUSK_TRACE_NATIVE)) {
            tracer->keys[0] = husk__leave_library(from).pc;
            return record_of(tracer, husk__place_of_one(tracer->keys[0]), 1, 0);
        }
    }
    return capture_all(tracer, said, husk__leave_library(from));
}

uint32_t husk__capture_from(struct husk__tracer *tracer, struct husk__said *said, struct husk__from from)
{
    struct husk__unwind_start start = husk__unwind_from(from);
    (void)husk__unwind_leave(&start, husk__own_code.start, husk__own_code.end); /* else with our frames */
    return capture_all(tracer, said, start);
}

/* ---- pushed frames ---- */

husk_status husk__said_push(struct husk__said *said, const char *file, uint32_t line, const char *function)
{
    if (said->pushed_count == HUSK_TRACE_MOST_FRAMES)
        return HUSK_ERANGE;
    if (said->pushed_count == said->pushed_room) {
        size_t room = said->pushed_room ? said->pushed_room * 2 : 16;
        void *larger = husk__raw_resize(said->pushed, said->pushed_room * sizeof *said->pushed,
                                        room * sizeof *said->pushed);
        if (!larger)
            return HUSK_ENOMEM;
        said->pushed = larger;
        said->pushed_room = room;
    }
    if (!said->pushed_count)
        husk__sites_hold();
    husk__sites_lock();
    const char *f = husk__site_text(file, strlen(file));
    const char *g = f ? husk__site_text(function ? function : "", function ? strlen(function) : 0) : NULL;
    husk__sites_unlock();
    if (!g) {
        if (!said->pushed_count)
            husk__sites_drop();
        return HUSK_ENOMEM;
    }
    said->pushed[said->pushed_count++] = (struct husk__pushed){ f, g, line, 0 };
    return HUSK_OK;
}

void husk__said_pop(struct husk__said *said)
{
    if (--said->pushed_count == 0)
        husk__sites_drop();
}

void husk__said_free(struct husk__said *said)
{
    if (said->pushed_count)
        husk__sites_drop();
    husk__raw_free(said->pushed, said->pushed_room * sizeof *said->pushed);
    if (said->source_free)
        said->source_free(said->source_data);
    *said = (struct husk__said){ 0 };
}
