/* view/takeabout.c: what a snapshot says about itself and about the heap as a whole. The process's numbers are
 * proc's. */
#define _GNU_SOURCE
#include "view/system.h"
#include "view/take.h"

#include <fcntl.h>
#include <husk/collect.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool add_text(struct husk_snapshot *snapshot, const char *key, const char *text, size_t length)
{
    bool failed = false;
    uint32_t k = husk__snap_string(snapshot, key, strlen(key), &failed);
    uint32_t v = husk__snap_string(snapshot, text, length, &failed);
    struct husk__meta *meta = failed ? NULL : SNAP_ADD(snapshot, META);
    if (meta)
        *meta = (struct husk__meta){ k, v };
    return meta;
}

/* The command's words, separated by blanks; cut at 4 KiB. */
static size_t command(char *text, size_t room)
{
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t got = read(file, text, room);
    close(file);
    size_t length = got > 0 ? (size_t)got : 0;
    while (length && !text[length - 1])
        length--;
    for (size_t i = 0; i < length; i++)
        if (!text[i])
            text[i] = ' ';
    return length;
}

/* A second of UTC as "2026-01-31T23:59:59Z". Not by the C library, whose calls for it wait for a lock that in the
 * child of a fork nobody may ever give back. */
static size_t time_text(time_t now, char *text, size_t room)
{
    static const unsigned char month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned long left = now > 0 ? (unsigned long)now : 0;
    unsigned long second = left % 86400, day = left / 86400, year = 1970;
    unsigned month = 0;
    for (;; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        if (day >= 365ul + leap) {
            day -= 365ul + leap;
            continue;
        }
        for (; day >= month_days[month] + (unsigned)(leap && month == 1); month++)
            day -= month_days[month] + (unsigned)(leap && month == 1);
        break;
    }
    return (size_t)snprintf(text, room, "%04lu-%02u-%02luT%02lu:%02lu:%02luZ", year, month + 1, day + 1,
                            second / 3600, second / 60 % 60, second % 60);
}

bool husk__take_about(struct husk_snapshot *snapshot, const husk_heap *heap, bool edges, pid_t pid)
{
    char text[4096];
    if (!add_text(snapshot, "husk", husk_version(), strlen(husk_version())))
        return false;
    size_t length = time_text(time(NULL), text, sizeof text);
    if (!add_text(snapshot, "time", text, length))
        return false;
    length = (size_t)snprintf(text, sizeof text, "%ld", (long)(pid ? pid : getpid()));
    if (!add_text(snapshot, "pid", text, length))
        return false;
    length = command(text, sizeof text);
    if (!add_text(snapshot, "command", text, length))
        return false;
    if (heap && !add_text(snapshot, "heap", heap->name, strlen(heap->name)))
        return false;
    return !heap || edges || add_text(snapshot, "edges", "left out", 8);
}

static bool take_heap_figures(struct husk_snapshot *snapshot, const husk_heap *heap)
{
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
#define ROW(name) { #name, offsetof(husk_heap_figures, name) }
        ROW(objects),     ROW(object_bytes), ROW(buffer_bytes), ROW(foreign_bytes),
        ROW(bytes_taken), ROW(bytes_peak),   ROW(max_bytes),    ROW(pages),
        ROW(pages_spare), ROW(chunks),       ROW(weak_cells),   ROW(frozen_objects),
#undef ROW
    };
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!husk__snap_number(snapshot, "heap", rows[i].name,
                               *(const size_t *)(const void *)((const char *)&figures + rows[i].at)))
            return false;
    return true;
}

/* The sum of all passes. */
static bool take_passes(struct husk_snapshot *snapshot, husk_heap *heap)
{
    husk_generation sum;
    if (husk_heap_generation(heap, 0, &sum) != HUSK_OK)
        return true;
    struct husk__pass_row *row = SNAP_ADD(snapshot, PASSES);
    if (!row)
        return false;
    *row = (struct husk__pass_row){
        .passes = sum.passes,
        .examined = sum.examined,
        .collected = sum.collected,
        .uncollectable = sum.uncollectable,
        .finalized = sum.finalized,
        .resurrected = sum.resurrected,
        .weak_cleared = sum.weak_cleared,
        .bytes = sum.bytes,
        .find_ns = sum.find_ns,
        .finalize_ns = sum.finalize_ns,
        .reclaim_ns = sum.reclaim_ns,
        .longest_ns = sum.longest_ns,
    };
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    return husk__snap_number(snapshot, "gc", "passes", sum.passes) &&
           husk__snap_number(snapshot, "gc", "collected", sum.collected) &&
           husk__snap_number(snapshot, "gc", "collected_bytes", sum.bytes) &&
           husk__snap_number(snapshot, "gc", "finalized", sum.finalized) &&
           husk__snap_number(snapshot, "gc", "resurrected", sum.resurrected) &&
           husk__snap_number(snapshot, "gc", "uncollectable", sum.uncollectable) &&
           husk__snap_number(snapshot, "gc", "time_ns", sum.find_ns + sum.finalize_ns + sum.reclaim_ns) &&
           husk__snap_number(snapshot, "gc", "longest_ns", sum.longest_ns) &&
           husk__snap_number(snapshot, "gc", "grown_objects", counts.grown_objects) &&
           husk__snap_number(snapshot, "gc", "grown_bytes", counts.grown_bytes);
}

bool husk__take_figures(struct husk_snapshot *snapshot, husk_heap *heap, uint32_t flags, pid_t pid)
{
    return husk__take_process(snapshot, heap, flags, pid) &&
           (!heap || (take_heap_figures(snapshot, heap) && take_passes(snapshot, heap) &&
                      husk__take_classes(snapshot, heap)));
}
