/* cycle/gctrace.c: a pass as a line of words, and HUSK_GCTRACE, which prints it. See <husk/passes.h>.
 *
 * A line is shorter than PIPE_BUF (4096) and written at once, so that lines of several heaps and processes do not
 * mix: names are cut at NAME_BYTES, and a byte of a name takes three at most. */
#define _GNU_SOURCE
#include "cycle/passlog.h"

#include "base/asked.h"
#include "base/out.h"

#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 64 };

/* What separates words and their parts does not occur in a name. */
static const struct husk__escape escape = {
    .of = { [' '] = "%20", ['%'] = "%25", [','] = "%2c", [':'] = "%3a", ['='] = "%3d" },
    .control = "%",
    .odd = "%",
};

static void word(struct husk__out *out, const char *name)
{
    husk__out_char(out, ' ');
    husk__out_text(out, name);
    husk__out_char(out, '=');
}

static void number(struct husk__out *out, const char *name, uint64_t value)
{
    word(out, name);
    husk__out_u64(out, value);
}

/* Microseconds with three decimals: nanoseconds, exactly. */
static void time_word(struct husk__out *out, const char *name, uint64_t ns)
{
    husk__out_format(out, " %s_us=%llu.%03u", name, (unsigned long long)(ns / 1000), (unsigned)(ns % 1000));
}

static void name_text(struct husk__out *out, const char *name)
{
    husk__out_escaped(out, &escape, name, strnlen(name, NAME_BYTES));
}

static void freed_words(struct husk__out *out, const husk_pass_record *record)
{
    word(out, "types");
    for (uint32_t i = 0; i < record->types; i++) {
        const husk_freed *one = &record->by_type[i];
        if (i)
            husk__out_char(out, ',');
        name_text(out, one->type->name);
        husk__out_format(out, ":%llu:%llu", (unsigned long long)one->objects, (unsigned long long)one->bytes);
    }
    word(out, "rest");
    husk__out_format(out, "%llu:%llu", (unsigned long long)record->rest.objects,
                     (unsigned long long)record->rest.bytes);
}

static void line(struct husk__out *out, const husk_heap *heap, const husk_pass_record *record)
{
    husk__out_text(out, "husk-gc");
    number(out, "pass", record->number);
    word(out, "heap");
    name_text(out, heap->name);
    word(out, "mode");
    husk__out_text(out, husk_mode_name(record->mode));
    word(out, "by");
    name_text(out, husk_reason_name(record->reason));
    word(out, "status");
    husk__out_text(out, husk_status_name(record->status));
    number(out, "quiet", record->quiet);
    number(out, "threads", record->threads);
    time_word(out, "start", record->start_ns);
    number(out, "pauses", record->pauses);
    time_word(out, "pause", record->pause_ns);
    time_word(out, "longest", record->longest_ns);
    number(out, "candidates", record->candidates);
    number(out, "freed", record->freed);
    number(out, "freed_bytes", record->freed_bytes);
    number(out, "finalized", record->finalized);
    number(out, "weak_cleared", record->weak_cleared);
    number(out, "held", record->held);
    number(out, "reached", record->reached);
    number(out, "resurrected", record->resurrected);
    number(out, "deferred", record->deferred);
    number(out, "saved", record->saved);
    number(out, "frozen", record->frozen);
    number(out, "objects_before", record->objects_before);
    number(out, "objects_after", record->objects_after);
    number(out, "bytes_before", record->bytes_before);
    number(out, "bytes_after", record->bytes_after);
    for (unsigned p = 0; p < HUSK_PARTS; p++)
        time_word(out, husk_part_name((husk_part)p), record->ns[p]);
    freed_words(out, record);
}

struct target {
    char *at;
    size_t left;
};

static bool copy(const void *bytes, size_t length, void *data)
{
    struct target *target = data;
    size_t n = length < target->left ? length : target->left;
    if (n) { /* the buffer may be NULL */
        memcpy(target->at, bytes, n);
        target->at += n;
    }
    target->left -= n;
    return true;
}

size_t husk_pass_line(const husk_heap *heap, const husk_pass_record *record, char *buffer, size_t room)
{
    struct husk__out out;
    struct target target = { .left = room ? room - 1 : 0 };
    target.at = buffer;
    husk__out_begin(&out, copy, &target);
    line(&out, heap, record);
    (void)husk__out_end(&out);
    if (room)
        *target.at = 0;
    return (size_t)husk__out_length(&out);
}

static bool print(const void *bytes, size_t length, void *data)
{
    (void)data;
    return write(STDERR_FILENO, bytes, length) ==
           (ssize_t)length; /* a line that is lost is no reason to stop */
}

void husk__gctrace_print(const husk_heap *heap, const husk_pass_record *record)
{
    struct husk__out out;
    husk__out_begin(&out, print, NULL);
    line(&out, heap, record);
    husk__out_char(&out, '\n');
    (void)husk__out_end(&out);
}

husk_status husk__gctrace_asked(bool *printed)
{
    return husk__asked_switch("HUSK_GCTRACE", printed);
}
