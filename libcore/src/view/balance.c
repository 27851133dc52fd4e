/* view/balance.c: puts a balance sheet together. See balance.h.
 *
 * Nothing is asked for between the first look and the last, so that what is measured stays as it is: the
 * sheet's own memory is had before. If another thread changes the mappings meanwhile, what is known of heaps
 * and what the system says of their mappings differ, and it is done anew. */
#define _GNU_SOURCE
#include "view/balance.h"

#include "base/clock.h"
#include "base/memory.h"
#include "trace/foreign.h"
#include "trace/site.h"

#include <husk/debug.h>
#include <husk/trace.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 3 };

static void note(struct husk__row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct husk__row *row, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(row->note, sizeof row->note, format, args);
    va_end(args);
}

/* ---- what the library counts ---- */

/* All tracers share one table of places. */
static uint64_t tracer_bytes(husk_heap *const *heaps, size_t count)
{
    husk_trace_figures figures;
    uint64_t shared = husk__sites_bytes(), sum = 0;
    bool any = false;
    for (size_t i = 0; i <= count; i++) {
        const husk_heap *heap = i < count ? heaps[i] : NULL;
        if (!husk_trace_is_on(heap))
            continue;
        any = true;
        husk_trace_figures_get(heap, &figures);
        sum += figures.own_bytes > shared ? figures.own_bytes - shared : 0;
    }
    return any ? sum + shared : sum;
}

/* ---- rows whose bytes are only counted ---- */

/* Gives a row up to `most` bytes of an amount, and its share of what is shared and swapped. */
static uint64_t give(struct husk__row *row, struct husk__amount *from, uint64_t most)
{
    uint64_t bytes = most < from->bytes ? most : from->bytes;
    double part = from->bytes ? (double)bytes / (double)from->bytes : 0;
    uint64_t shared = bytes == from->bytes ? from->shared : (uint64_t)((double)from->shared * part);
    uint64_t swapped = bytes == from->bytes ? from->swapped : (uint64_t)((double)from->swapped * part);
    row->bytes += (int64_t)bytes;
    row->shared += shared;
    row->swapped += swapped;
    from->bytes -= bytes;
    from->shared -= shared;
    from->swapped -= swapped;
    return bytes;
}

/* The library's tables that lie in malloc's blocks, then the tracer and the rest, then malloc's own rows. */
static void share_native(struct husk_balance *balance, const struct husk__maps_sum *maps,
                         const husk_native_memory *native, uint64_t tracer)
{
    struct husk__row *rows = balance->rows;
    struct husk__amount small = maps->small, used = { 0, 0, 0 }, tables = maps->tables;
    struct husk__row taken = { 0 };
    uint64_t small_used = native ? native->used - native->mapped : small.bytes;
    give(&taken, &small, small_used);
    used = (struct husk__amount){ (uint64_t)taken.bytes + maps->large.bytes,
                                  taken.shared + maps->large.shared, taken.swapped + maps->large.swapped };
    uint64_t raw = husk__raw_held();
    static const enum husk__row_number in_blocks[] = { ROW_BUFFERS, ROW_CELLS, ROW_TABLES };
    for (size_t i = 0; i < sizeof in_blocks / sizeof *in_blocks; i++) {
        struct husk__row *row = &rows[in_blocks[i]];
        uint64_t given = give(row, &used, row->counted), missing = row->counted - given;
        /* In a mapping that was not recognised. */
        struct husk__row *from = &rows[ROW_ANONYMOUS];
        uint64_t more = (int64_t)missing < from->bytes ? missing
                        : from->bytes > 0              ? (uint64_t)from->bytes
                                                       : 0;
        row->bytes += (int64_t)more;
        from->bytes -= (int64_t)more;
        raw -= row->counted < raw ? row->counted : raw;
    }
    /* Tracer, snapshots and reports: partly in blocks, partly in mappings. */
    struct husk__row others = { 0 };
    give(&others, &used, raw);
    tables.bytes += (uint64_t)others.bytes;
    tables.shared += others.shared;
    tables.swapped += others.swapped;
    rows[ROW_TRACER].counted = tracer;
    give(&rows[ROW_TRACER], &tables, tracer);
    give(&rows[ROW_SNAPSHOTS], &tables, UINT64_MAX);
    if (native) {
        uint64_t held = husk__raw_held();
        rows[ROW_NATIVE_USED].counted = native->used > held ? native->used - held : 0;
        rows[ROW_NATIVE_FREE].counted = native->free;
    }
    give(&rows[ROW_NATIVE_USED], &used, UINT64_MAX);
    give(&rows[ROW_NATIVE_FREE], &small, UINT64_MAX);
    if (!native)
        note(&rows[ROW_NATIVE_USED], "[heap]; this allocator does not tell what of it is free");
    else if (maps->large_found < native->mapped_blocks)
        note(&rows[ROW_NATIVE_USED], "%llu of %llu large blocks were found; others are in other anonymous",
             (unsigned long long)maps->large_found, (unsigned long long)native->mapped_blocks);
}

/* The memory of heaps that were not given, and what of it nobody knows. */
static int64_t settle_chunks(struct husk_balance *balance, const struct husk__maps_sum *maps, uint64_t space)
{
    struct husk__row *rows = balance->rows;
    int64_t known = 0;
    for (int r = ROW_LIVE; r <= ROW_METADATA; r++)
        known += rows[r].bytes;
    int64_t left = (int64_t)maps->chunks.bytes - known;
    if (left > 0 && maps->chunk_space > space) {
        rows[ROW_OTHER_HEAPS].bytes = left;
        rows[ROW_OTHER_HEAPS].counted = (uint64_t)left;
        note(&rows[ROW_OTHER_HEAPS], "heaps of this process that were not given");
        return 0;
    }
    return left;
}

/* Without pagemap, pages that were only read count as there: the surplus is taken from where it is likeliest.
 * */
static void settle_guess(struct husk_balance *balance, int64_t left)
{
    static const enum husk__row_number order[] = { ROW_METADATA, ROW_SPARE, ROW_FREE,
                                                   ROW_SLACK,    ROW_DYING, ROW_LIVE };
    for (size_t i = 0; left < 0 && i < sizeof order / sizeof *order; i++) {
        struct husk__row *row = &balance->rows[order[i]];
        int64_t part = -left < row->bytes ? -left : row->bytes;
        row->bytes -= part;
        left += part;
        note(row, "estimated: the system does not show which pages are there");
    }
}

static void count_rest(struct husk_balance *balance, husk_heap *const *heaps, size_t count)
{
    struct husk__row *rows = balance->rows;
    uint64_t held = husk_memory_held(), known = rows[ROW_TRACER].counted + rows[ROW_OTHER_HEAPS].counted;
    for (size_t i = 0; i < count; i++)
        known += heaps[i]->store.bytes_taken;
    rows[ROW_SNAPSHOTS].counted = held > known ? held - known : 0;
    note(&rows[ROW_SNAPSHOTS], "and all else the library holds, this sheet too");
}

/* ---- the whole ---- */

static void clear(struct husk_balance *balance)
{
    uint64_t statm = balance->sum.rss_statm;
    uint64_t ms = balance->taken_ms;
    *balance = (struct husk_balance){ .taken_ms = ms };
    balance->sum.rss_statm = statm;
}

/* One try. *apart: by how much the heaps and the system disagree. */
static husk_status measure(struct husk_balance *balance, husk_heap *const *heaps, size_t count, int64_t pid,
                           bool twin, int64_t *apart)
{
    struct husk__resident resident;
    struct husk__maps_sum maps;
    husk_native_memory memory, *native = NULL;
    uint64_t space = 0;
    struct husk__row *rows = balance->rows;
    clear(balance);
    balance->ours = pid == 0 || twin;
    husk__resident_open(&resident, balance->ours ? pid : 0);
    for (size_t i = 0; i < count; i++)
        husk__balance_heap(balance, heaps[i], &resident, &space);
    if (balance->ours && husk_native_memory_get(&memory) == HUSK_OK) {
        native = &memory;
        balance->native_known = true;
        balance->native_used = memory.used;
    }
    uint64_t tracer = balance->ours ? tracer_bytes(heaps, count) : 0;
    husk_status status = husk__balance_maps(balance, pid, twin, &resident, native, &maps);
    balance->by = resident.by;
    husk__resident_close(&resident);
    if (status)
        return status;
    *apart = 0;
    if (balance->ours) {
        *apart = settle_chunks(balance, &maps, space);
        if (*apart < 0 && resident.by != RESIDENT_BY_PAGEMAP) {
            settle_guess(balance, *apart);
            *apart = 0;
        }
        share_native(balance, &maps, native, tracer);
        count_rest(balance, heaps, count);
    } else {
        note(&rows[ROW_NATIVE_USED], "[heap], in use and free: another process does not tell");
    }
    note(&rows[ROW_STACKS], "of %zu of %zu threads", maps.stacks, maps.threads);
    balance->sum.rss = maps.rss;
    rows[ROW_UNKNOWN].bytes = (int64_t)maps.rss;
    for (int r = 0; r < ROW_UNKNOWN; r++)
        rows[ROW_UNKNOWN].bytes -= rows[r].bytes;
    return HUSK_OK;
}

static husk_status check(husk_heap *const *heaps, size_t count, const husk_balance_options *o)
{
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_fail(HUSK_EINVAL,
                         "balance options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
                         o->struct_size, o->abi, sizeof *o);
    if (o->flags & ~(uint32_t)HUSK_BALANCE_TRIM)
        return husk_fail(HUSK_EINVAL, "balance: there is no such flag: %#x", o->flags);
    if (o->pid && (count || (o->flags & HUSK_BALANCE_TRIM)))
        return husk_fail(HUSK_EINVAL, "balance of process %lld: heaps and trim are of this process alone",
                         (long long)o->pid);
    for (size_t i = 0; i < count; i++) {
        if (heaps[i]->busy & BUSY_WORK)
            return husk_fail(HUSK_EBUSY, "balance of heap %s: %s", heaps[i]->name,
                             husk_status_text(HUSK_EBUSY));
        for (size_t j = 0; j < i; j++)
            if (heaps[i] == heaps[j])
                return husk_fail(HUSK_EINVAL, "balance: heap %s is given twice", heaps[i]->name);
    }
    return HUSK_OK;
}

static uint64_t resident_now(void)
{
    husk_process_memory memory;
    if (husk_process_memory_get(0, HUSK_ASK_FULL, &memory) != HUSK_OK)
        (void)husk_process_memory_get(0, HUSK_ASK_BASIC, &memory);
    uint64_t full = memory.private_clean + memory.private_dirty + memory.shared_clean + memory.shared_dirty;
    return full ? full : memory.rss;
}

static void trim(struct husk_balance *balance, husk_heap *const *heaps, size_t count)
{
    husk_balance_sum *sum = &balance->sum;
    sum->trimmed = true;
    uint64_t before = resident_now();
    for (size_t i = 0; i < count; i++)
        (void)husk_heap_trim(heaps[i]);
    uint64_t after = resident_now();
    sum->trimmed_heaps = before > after ? before - after : 0;
    (void)husk_native_trim(&sum->trimmed_native);
    sum->rss_trimmed = resident_now();
}

husk_status husk__balance_take(husk_heap *const *heaps, size_t count, const husk_balance_options *options,
                               int64_t pid, bool twin, struct husk_balance *out)
{
    static const husk_balance_options plain = { HUSK_BALANCE_OPTIONS };
    const husk_balance_options *o = options ? options : &plain;
    husk_process_memory statm;
    int64_t apart = 0;
    husk_status status = check(heaps, count, o);
    if (status)
        return status;
    out->taken_ms = husk__now() / 1000000;
    out->sum.rss_statm = husk_process_memory_get(pid, HUSK_ASK_BASIC, &statm) == HUSK_OK ? statm.rss : 0;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        status = measure(out, heaps, count, pid, twin, &apart);
        if (status || (apart == 0 && out->rows[ROW_UNKNOWN].bytes >= 0))
            break;
    }
    if (status)
        return status;
    if (apart)
        note(&out->rows[ROW_UNKNOWN], "the numbers moved while they were read");
    if (o->flags & HUSK_BALANCE_TRIM)
        trim(out, heaps, count);
    husk__balance_judge(out, o->before);
    return HUSK_OK;
}

husk_status husk_balance_new(husk_heap *const *heaps, size_t count, const husk_balance_options *options,
                             husk_balance **out)
{
    *out = NULL;
    husk_balance *balance = husk__raw_new(sizeof *balance);
    if (!balance)
        return husk_fail(HUSK_ENOMEM, "balance: %s", husk_status_text(HUSK_ENOMEM));
    husk_status status =
        husk__balance_take(heaps, count, options, options ? options->pid : 0, false, balance);
    if (status)
        husk_balance_free(balance);
    else
        *out = balance;
    return status;
}

void husk_balance_free(husk_balance *balance)
{
    husk__raw_free(balance, balance ? sizeof *balance : 0);
}
