/* view/takesites.c: where things were made, as a snapshot has it: the records of the heap's tracer and of the
 * process's, one behind the other, and of the tables they share only what they use. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "base/memory.h"
#include "trace/foreign.h"
#include "trace/site.h"
#include "view/take.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct mapping { /* numbers of the shared tables to rows */
    uint32_t *rows;
    size_t room;
};

struct sites {
    struct husk_snapshot *snapshot;
    struct mapping stacks, frames;
    bool failed;
};

static uint32_t string(struct sites *sites, const char *text)
{
    return husk__snap_string(sites->snapshot, text, strlen(text), &sites->failed);
}

static bool mapping_room(struct mapping *mapping, uint32_t number)
{
    if (number < mapping->room)
        return true;
    size_t room = mapping->room ? mapping->room * 2 : 1024;
    while (room <= number)
        room *= 2;
    void *rows = husk__raw_resize(mapping->rows, mapping->room * sizeof(uint32_t), room * sizeof(uint32_t));
    if (!rows)
        return false;
    mapping->rows = rows;
    mapping->room = room;
    return true;
}

static void mapping_free(struct mapping *mapping)
{
    husk__raw_free(mapping->rows, mapping->room * sizeof(uint32_t));
}

/* The last row of a section. */
static uint32_t last_row(const struct husk_snapshot *snapshot, unsigned kind)
{
    return (uint32_t)(snapshot->own[kind].used / husk__section_item(kind) - 1);
}

/* ---- frames and tracebacks; the shared tables are locked ---- */

static uint32_t frame_row(struct sites *sites, uint32_t frame)
{
    if (!mapping_room(&sites->frames, frame))
        return 0;
    if (sites->frames.rows[frame])
        return sites->frames.rows[frame];
    const struct husk__site_frame *from = husk__site_frame_at(frame);
    struct husk__frame row = { .file = string(sites, from->file),
                               .function = string(sites, from->function),
                               .line = from->line,
                               .kind = from->kind,
                               .address = from->address };
    struct husk__frame *to = sites->failed ? NULL : SNAP_ADD(sites->snapshot, FRAMES);
    if (!to)
        return 0;
    *to = row;
    return sites->frames.rows[frame] = last_row(sites->snapshot, SECTION_FRAMES);
}

static bool add_stack(struct sites *sites, uint32_t parent, uint32_t frame, uint32_t depth, uint32_t total)
{
    struct husk__stack *row = frame ? SNAP_ADD(sites->snapshot, STACKS) : NULL;
    if (row)
        *row = (struct husk__stack){ parent, frame, depth, total };
    return row;
}

#define WAY_BACK 0x80000000u /* in a row that is not made yet: the traceback that led here */

/* The row of a traceback, its callers' rows first: down to the first that has one, noting the way back, and up again.
 * false: no memory. */
static bool stack_row(struct sites *sites, uint32_t stack, uint32_t *row)
{
    *row = 0;
    if (!stack)
        return true;
    if (!mapping_room(&sites->stacks, stack)) /* callers have lower numbers */
        return false;
    uint32_t *rows = sites->stacks.rows, from = 0, parent = 0;
    for (uint32_t next = stack; next; next = husk__site_stack_at(next)->parent) {
        if (rows[next]) {
            parent = rows[next];
            break;
        }
        rows[next] = from | WAY_BACK;
        from = next;
    }
    while (from) {
        const struct husk__site_stack *here = husk__site_stack_at(from);
        uint32_t back = rows[from] & ~WAY_BACK;
        if (!add_stack(sites, parent, frame_row(sites, here->frame), here->depth, 0))
            return false;
        parent = rows[from] = last_row(sites->snapshot, SECTION_STACKS);
        from = back;
    }
    *row = rows[stack];
    return true;
}

/* One that says how deep it was before it was cut is a row of its own. */
static bool cut_stack_row(struct sites *sites, uint32_t stack, uint32_t total, uint32_t *row)
{
    if (!stack_row(sites, stack, row))
        return false;
    if (!*row || !total)
        return true;
    struct husk__stack whole = ((struct husk__stack *)(void *)sites->snapshot->own[SECTION_STACKS].at)[*row];
    if (!add_stack(sites, whole.parent, whole.frame, whole.depth, total))
        return false;
    *row = last_row(sites->snapshot, SECTION_STACKS);
    return true;
}

/* ---- contexts ---- */

static void thread_name(uint64_t id, char *name, size_t room)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%llu/comm", (unsigned long long)id);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, name, room - 1) : 0;
    if (file >= 0)
        close(file);
    name[got > 0 ? got : 0] = 0;
    name[strcspn(name, "\n")] = 0;
}

static uint32_t thread_row(struct sites *sites, uint64_t id)
{
    const struct husk__thread *rows =
        (const struct husk__thread *)(void *)sites->snapshot->own[SECTION_THREADS].at;
    uint32_t count = last_row(sites->snapshot, SECTION_THREADS) + 1;
    for (uint32_t t = 1; t < count; t++)
        if (rows[t].id == id)
            return t;
    char name[64];
    thread_name(id, name, sizeof name);
    uint32_t text = string(sites, name);
    struct husk__thread *row = sites->failed ? NULL : SNAP_ADD(sites->snapshot, THREADS);
    if (!row) {
        sites->failed = true;
        return 0;
    }
    *row = (struct husk__thread){ id, text, 0 };
    return count;
}

/* The contexts of a tracer; those that have no domain get this one. */
static bool add_contexts(struct sites *sites, const struct husk__tracer *tracer)
{
    const struct husk__trace_context *from = (const struct husk__trace_context *)(void *)tracer->contexts.at;
    size_t count = tracer->contexts.used / sizeof *from;
    for (size_t c = 1; c < count; c++) {
        struct husk__context row = { string(sites, from[c].tag), string(sites, from[c].domain),
                                     thread_row(sites, from[c].thread), 0 };
        struct husk__context *to = sites->failed ? NULL : SNAP_ADD(sites->snapshot, CONTEXTS);
        if (!to)
            return false;
        *to = row;
    }
    return true;
}

/* ---- records ---- */

/* All records of a tracer. Their rows are their numbers plus *first. */
static bool add_records(struct sites *sites, const struct husk__tracer *tracer, uint32_t *first)
{
    struct husk_snapshot *snapshot = sites->snapshot;
    uint32_t first_context = last_row(snapshot, SECTION_CONTEXTS);
    unsigned shift = tracer->unit_shift;
    *first = last_row(snapshot, SECTION_RECORDS);
    if (!add_contexts(sites, tracer))
        return false;
    const struct husk__record_key *keys = (const struct husk__record_key *)(void *)tracer->record_keys.at;
    for (uint32_t r = TRACE_UNKNOWN; r < tracer->record_count; r++) {
        const struct husk__record *from = &tracer->records[r];
        uint32_t stack;
        if (!cut_stack_row(sites, from->stack, keys[r].total, &stack))
            return false;
        struct husk__record_row *to = SNAP_ADD(snapshot, RECORDS);
        if (!to)
            return false;
        uint64_t peak_count, peak_bytes;
        husk__record_peak(tracer, from, &peak_count, &peak_bytes);
        *to = (struct husk__record_row){
            .stack = stack,
            .context = keys[r].context ? first_context + keys[r].context : 0,
            .born_count = from->born_count >> shift,
            .born_bytes = from->born_bytes,
            .died_count = from->died_count >> shift,
            .died_bytes = from->died_bytes,
            .temporary = from->temporary >> shift,
            .peak_count = peak_count >> shift,
            .peak_bytes = peak_bytes,
        };
    }
    return true;
}

static bool add_epochs(struct sites *sites, const struct husk__tracer *tracer)
{
    for (unsigned e = 0; e < tracer->epoch_count; e++) {
        struct husk__epoch row = { tracer->epochs[e].start_ns, string(sites, tracer->epochs[e].mark), 0 };
        struct husk__epoch *to = sites->failed ? NULL : SNAP_ADD(sites->snapshot, EPOCHS);
        if (!to)
            return false;
        *to = row;
    }
    return true;
}

/* The epoch of one tracer in the words of another: the one that ran when it began. */
static uint32_t same_time(const struct husk__tracer *ours, const struct husk__tracer *theirs, uint32_t epoch)
{
    uint64_t at = theirs->start_ns + theirs->epochs[epoch].start_ns;
    uint32_t found = 0;
    for (uint32_t e = 1; e < ours->epoch_count; e++)
        if (ours->start_ns + ours->epochs[e].start_ns <= at)
            found = e;
    return found;
}

static bool add_block(struct sites *sites, const struct husk__blockmap_entry *entry, uint32_t first,
                      uint32_t epoch, unsigned kind)
{
    struct husk__block *to = SNAP_ADD(sites->snapshot, BLOCKS);
    if (to)
        *to = (struct husk__block){ entry->address, entry->size,
                                    ((entry->site & SITE_RECORD) + first) | epoch << SITE_EPOCH_SHIFT, kind };
    return to;
}

static bool take_heap(struct sites *sites, const husk_heap *heap)
{
    uint32_t first;
    if (!add_records(sites, heap->tracer, &first) || !add_epochs(sites, heap->tracer))
        return false;
    for (size_t i = 0; i < heap->buffers.room; i++) {
        const struct husk__blockmap_entry *entry = &heap->buffers.entries[i];
        if (entry->site && !add_block(sites, entry, first, entry->site >> SITE_EPOCH_SHIFT, BLOCK_BUFFER))
            return false;
    }
    return true;
}

static bool take_foreign(struct sites *sites, const struct husk__tracer *tracer,
                         const struct husk__tracer *ours)
{
    uint32_t first;
    if (!add_records(sites, tracer, &first) || (!ours && !add_epochs(sites, tracer)))
        return false;
    struct husk__blockmap_entry entry;
    for (size_t cursor = 0; husk__foreign_next(&cursor, &entry);) {
        uint32_t epoch = entry.site >> SITE_EPOCH_SHIFT;
        if (!add_block(sites, &entry, first, ours ? same_time(ours, tracer, epoch) : epoch, BLOCK_FOREIGN))
            return false;
    }
    return true;
}

static bool add_numbers(struct sites *sites, const struct husk__tracer *tracer, const char *prefix)
{
    static const struct {
        const char *name;
        size_t at;
    } rows[] = {
#define ROW(name) { #name, offsetof(husk_trace_figures, name) }
        ROW(bytes),     ROW(count),   ROW(peak_bytes), ROW(peak_count), ROW(born_bytes),   ROW(born),
        ROW(temporary), ROW(unknown), ROW(places),     ROW(own_bytes),  ROW(sample_bytes),
#undef ROW
    };
    husk_trace_figures figures;
    husk__tracer_figures(tracer, &figures);
    char name[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, rows[i].name);
        if (!husk__snap_number(sites->snapshot, "trace", name,
                               *(const uint64_t *)(const void *)((const char *)&figures + rows[i].at)))
            return false;
    }
    snprintf(name, sizeof name, "%selapsed_ns", prefix);
    if (!husk__snap_number(sites->snapshot, "trace", name, husk__now() - tracer->start_ns))
        return false;
    snprintf(name, sizeof name, "%sframes", prefix);
    return husk__snap_number(sites->snapshot, "trace", name, tracer->most_frames);
}

bool husk__take_sites(struct husk_snapshot *snapshot, husk_heap *heap, uint32_t flags)
{
    struct sites sites = { .snapshot = snapshot };
    struct husk__tracer *ours = heap ? heap->tracer : NULL, *theirs = NULL;
    bool ok = true;
    if (!heap || !(flags & HUSK_SNAPSHOT_NO_BLOCKS))
        theirs = husk__foreign_hold();
    if (ours || theirs)
        husk__sites_lock();
    if (ours)
        ok = take_heap(&sites, heap) && add_numbers(&sites, ours, "");
    if (ok && theirs)
        ok = take_foreign(&sites, theirs, ours) && add_numbers(&sites, theirs, "block_");
    if (ours || theirs)
        husk__sites_unlock();
    if (theirs)
        husk__foreign_release();
    mapping_free(&sites.stacks);
    mapping_free(&sites.frames);
    return ok && !sites.failed && husk__take_symbols(snapshot);
}
