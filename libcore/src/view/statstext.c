/* view/statstext.c: statistics as text, as tracemalloc of Python prints them. Everything goes through a writer that
 * counts what does not fit, as snprintf does. No locale has a say. */
#define _POSIX_C_SOURCE 200809L /* O_CLOEXEC */
#include "view/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct writer {
    char *out;
    size_t room, length;
};

static void put(struct writer *writer, char c)
{
    if (writer->length + 1 < writer->room)
        writer->out[writer->length] = c;
    writer->length++;
}

static void put_bytes(struct writer *writer, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put(writer, text[i]);
}

static void put_text(struct writer *writer, const char *text)
{
    put_bytes(writer, text, strlen(text));
}

/* Numbers and constants only: shorter than the buffer. */
static void putf(struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void putf(struct writer *writer, const char *format, ...)
{
    char text[96];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_text(writer, text);
}

/* A name stays on its line. */
static void put_name(struct writer *writer, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 32 && c != 127)
            put(writer, text[i]);
        else if (c == '\n' || c == '\t' || c == '\r')
            put_text(writer, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
        else
            putf(writer, "\\x%02x", c);
    }
}

static size_t finish(struct writer *writer)
{
    if (writer->room)
        writer->out[writer->length < writer->room ? writer->length : writer->room - 1] = '\0';
    return writer->length;
}

/* ---- sizes ---- */

/* printf takes the decimal point from the locale: whatever stands before the last digit is one. */
static void put_tenths(struct writer *writer, double number, bool sign)
{
    char text[400];
    int length = snprintf(text, sizeof text, sign ? "%+.1f" : "%.1f", number);
    size_t digits = text[0] == '-' || text[0] == '+';
    while (text[digits] >= '0' && text[digits] <= '9')
        digits++;
    put_bytes(writer, text, digits);
    put(writer, '.');
    put(writer, text[length - 1]);
}

static void put_size(struct writer *writer, double bytes, bool sign)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    for (unsigned u = 0;; u++, bytes /= 1024) {
        double positive = bytes < 0 ? -bytes : bytes;
        if (u > 0 && positive < 100)
            put_tenths(writer, bytes, sign);
        else if (positive < 10 * 1024 || u == 4)
            putf(writer, sign ? "%+.0f" : "%.0f", bytes);
        else
            continue;
        put(writer, ' ');
        put_text(writer, units[u]);
        return;
    }
}

size_t husk_size_text(double bytes, bool sign, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    if (bytes > -1e80 && bytes < 1e80)
        put_size(&writer, bytes, sign);
    else /* no number, or more digits than a line has */
        put_text(&writer, bytes != bytes ? "?" : bytes < 0 ? "-?" : "?");
    return finish(&writer);
}

/* ---- rows ---- */

static void put_file(struct writer *writer, const struct husk_snapshot *snapshot,
                     const struct husk__frame *frame)
{
    size_t length;
    const char *text = husk__snap_text(snapshot, husk__frame_file(snapshot, frame), &length);
    if (length)
        put_name(writer, text, length);
    else
        put_text(writer, "<unknown>");
}

static void put_place(struct writer *writer, const struct husk_snapshot *snapshot,
                      const struct husk__frame *frame)
{
    put_file(writer, snapshot, frame);
    if (!husk__frame_is_bare(frame)) {
        putf(writer, ":%u", frame->line);
        return;
    }
    putf(writer, "+0x%llx", (unsigned long long)husk__frame_offset(snapshot, frame));
    size_t length;
    const char *function = husk__snap_text(snapshot, frame->function, &length);
    if (length) { /* there is no line to look up */
        put_text(writer, " (");
        put_name(writer, function, length);
        put(writer, ')');
    }
}

static void put_key(struct writer *writer, const husk_stats *stats, size_t index)
{
    const struct husk__row *row = &stats->rows[index];
    const struct husk_snapshot *snapshot = stats->sides.at[row->side];
    size_t length;
    uint32_t number;
    const char *name = husk__row_name(stats, row, &length);
    if (!husk__row_frame(stats, row, &number)) {
        if (!length)
            name = stats->by == HUSK_BY_MARK ? "(before any mark)" : "(none)";
        put_name(writer, name, length ? length : strlen(name));
        return;
    }
    const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[number];
    if (stats->by == HUSK_BY_FILE) {
        put_file(writer, snapshot, frame);
        put_text(writer, ":0");
    } else if (stats->by == HUSK_BY_FUNCTION) {
        const char *function = husk__snap_text(snapshot, frame->function, &length);
        put_name(writer, length ? function : "?", length ? length : 1);
        put_text(writer, " (");
        put_file(writer, snapshot, frame);
        put(writer, ')');
    } else {
        put_place(writer, snapshot, frame);
    }
}

static void put_figures(struct writer *writer, const husk_stats *stats, const husk_stat *stat)
{
    put_text(writer, ": size=");
    put_size(writer, (double)stat->size, false);
    if (husk_stats_is_comparison(stats)) {
        put_text(writer, " (");
        put_size(writer, (double)stat->size_diff, true);
        putf(writer, "), count=%lld (%+lld)", (long long)stat->count, (long long)stat->count_diff);
    } else {
        putf(writer, ", count=%lld", (long long)stat->count);
    }
    if (stat->count) {
        put_text(writer, ", average=");
        put_size(writer, (double)stat->size / (double)stat->count, false);
    }
    if (stats->sort == HUSK_SORT_TEMPORARY) {
        putf(writer, ", temporary=%llu", (unsigned long long)stat->temporary);
    } else if (stats->sort > HUSK_SORT_COUNT) {
        bool born = stats->sort == HUSK_SORT_BORN;
        put_text(writer, born ? ", born=" : ", peak=");
        put_size(writer, (double)(born ? stat->born_bytes : stat->peak_bytes), false);
        putf(writer, " (%llu)", (unsigned long long)(born ? stat->born : stat->peak));
    }
}

size_t husk_stats_key_text(const husk_stats *stats, size_t row, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    if (row < stats->count)
        put_key(&writer, stats, row);
    return finish(&writer);
}

size_t husk_stats_row_text(const husk_stats *stats, size_t row, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    husk_stat stat;
    if (husk_stats_row(stats, row, &stat)) {
        put_key(&writer, stats, row);
        put_figures(&writer, stats, &stat);
    }
    return finish(&writer);
}

size_t husk_stats_rest_text(const husk_stats *stats, size_t first, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    husk_stat stat;
    if (first < stats->count) {
        husk_stats_rest(stats, first, &stat);
        putf(&writer, "%zu other", stats->count - first);
        put_figures(&writer, stats, &stat);
    }
    return finish(&writer);
}

size_t husk_stats_total_text(const husk_stats *stats, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    husk_stat stat;
    husk_stats_total(stats, &stat);
    put_text(&writer, "total");
    put_figures(&writer, stats, &stat);
    return finish(&writer);
}

/* ---- lines of files ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

/* Blanks before the text are left out; those behind it are kept back until more text comes. */
struct line_reader {
    uint32_t left; /* lines before the one wanted */
    size_t blanks;
    bool begun;
};

/* False: the line has ended. */
static bool take(struct line_reader *reader, struct writer *writer, char c)
{
    if (reader->left) {
        reader->left -= c == '\n';
        return true;
    }
    if (c == '\n')
        return false;
    if (is_blank(c)) {
        reader->blanks++;
        return true;
    }
    for (; reader->begun && reader->blanks; reader->blanks--)
        put(writer, ' ');
    reader->blanks = 0;
    reader->begun = true;
    put_name(writer, &c, 1);
    return true;
}

static void put_source_line(struct writer *writer, const char *path, uint32_t line)
{
    struct stat status;
    int file = line ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    if (file < 0)
        return;
    struct line_reader reader = { line - 1, 0, false };
    bool more = fstat(file, &status) == 0 && S_ISREG(status.st_mode);
    while (more) {
        char buffer[8192];
        ssize_t got = read(file, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        more = got > 0;
        for (ssize_t i = 0; more && i < got; i++)
            more = take(&reader, writer, buffer[i]);
    }
    (void)close(file);
}

size_t husk_source_line(const char *path, uint32_t line, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    int before = errno;
    put_source_line(&writer, path, line);
    errno = before;
    return finish(&writer);
}

/* ---- tracebacks ---- */

static void put_frame(struct writer *writer, const struct husk_snapshot *snapshot, uint32_t number,
                      uint32_t flags)
{
    const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[number];
    put_text(writer, "  File \"");
    put_file(writer, snapshot, frame);
    if (husk__frame_is_bare(frame))
        putf(writer, "\", at 0x%llx", (unsigned long long)husk__frame_offset(snapshot, frame));
    else
        putf(writer, "\", line %u", frame->line);
    size_t length;
    const char *function = husk__snap_text(snapshot, frame->function, &length);
    if ((flags & HUSK_TEXT_FUNCTION) && length) {
        put_text(writer, ", in ");
        put_name(writer, function, length);
    }
    put(writer, '\n');
    const char *path = husk__snap_text(snapshot, frame->file, &length);
    if (!(flags & HUSK_TEXT_SOURCE) || strlen(path) != length)
        return;
    struct writer measure = { NULL, 0, 0 };
    put_source_line(&measure, path, frame->line);
    if (!measure.length)
        return;
    put_text(writer, "    ");
    put_source_line(writer, path, frame->line);
    put(writer, '\n');
}

/* The frames from number `first` (newest is 0) on, `count` of them. Tracebacks know their callers only, so the
 * oldest first is found from the newest each time, in steps: the lowest part of the way is remembered. */
enum { STEP = 256 };

static void put_oldest_first(struct writer *writer, const struct husk_snapshot *snapshot, uint32_t stack,
                             size_t first, size_t count, uint32_t flags)
{
    const struct husk__stack *stacks = SNAP(snapshot, STACKS);
    uint32_t part[STEP];
    while (count) {
        size_t here = count < STEP ? count : STEP;
        uint32_t at = stack;
        for (size_t i = 0; i < first + count - here; i++)
            at = stacks[at].parent;
        for (size_t i = 0; i < here; i++, at = stacks[at].parent)
            part[i] = stacks[at].frame;
        for (size_t i = here; i-- > 0;)
            put_frame(writer, snapshot, part[i], flags);
        count -= here;
    }
}

static void put_traceback(struct writer *writer, const struct husk_snapshot *snapshot, uint32_t stack,
                          int64_t limit, uint32_t flags)
{
    const struct husk__stack *stacks = SNAP(snapshot, STACKS);
    size_t depth = stacks[stack].depth, first = 0, count = depth;
    uint64_t most = limit < 0 ? -(uint64_t)limit : (uint64_t)limit;
    if (limit && most < depth) {
        count = (size_t)most;
        first = limit < 0 ? depth - count : 0;
    }
    if (!stack) {
        put_frame(writer, snapshot, 0, flags);
    } else if (flags & HUSK_TEXT_NEWEST_FIRST) {
        for (size_t i = 0; i < first; i++)
            stack = stacks[stack].parent;
        for (; count; count--, stack = stacks[stack].parent)
            put_frame(writer, snapshot, stacks[stack].frame, flags);
    } else {
        put_oldest_first(writer, snapshot, stack, first, count, flags);
    }
}

size_t husk_snapshot_traceback_text(const husk_snapshot *snapshot, uint32_t stack, int64_t limit,
                                    uint32_t flags, char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    int before = errno;
    if (stack < SNAP_COUNT(snapshot, STACKS))
        put_traceback(&writer, snapshot, stack, limit, flags);
    errno = before;
    return finish(&writer);
}

size_t husk_stats_traceback_text(const husk_stats *stats, size_t row, int64_t limit, uint32_t flags,
                                 char *out, size_t room)
{
    struct writer writer = { out, room, 0 };
    int before = errno;
    uint32_t frame;
    if (row < stats->count && husk__row_frame(stats, &stats->rows[row], &frame)) {
        const struct husk_snapshot *snapshot = stats->sides.at[stats->rows[row].side];
        if (stats->by == HUSK_BY_TRACEBACK)
            put_traceback(&writer, snapshot, stats->rows[row].name, limit, flags);
        else
            put_frame(&writer, snapshot, frame, flags);
    }
    errno = before;
    return finish(&writer);
}
