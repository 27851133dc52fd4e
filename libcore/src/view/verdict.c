/* view/verdict.c: what the rows of a balance sheet mean, and the sheet as text.
 *
 * What counts as much: a tenth of the resident memory, 1 MiB at least; for growth a twentieth of what was
 * alive before, 64 KiB at least. Growth goes before the rest, since it does not end by itself; of memory that
 * is free and held, the larger cause is named. */
#include "view/balance.h"
#include "view/cut.h"

#include <husk/stats.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 1 << 20, GROWN = 64 << 10 };

static const struct {
    const char *group, *name;
} names[ROWS] = {
    [ROW_LIVE] = { "husk", "live objects" },
    [ROW_SLACK] = { "husk", "slack" },
    [ROW_DYING] = { "husk", "dying objects" },
    [ROW_FREE] = { "husk", "free blocks" },
    [ROW_SPARE] = { "husk", "spare pages" },
    [ROW_METADATA] = { "husk", "metadata" },
    [ROW_BUFFERS] = { "husk", "buffers" },
    [ROW_CELLS] = { "husk", "weak cells" },
    [ROW_TABLES] = { "husk", "tables" },
    [ROW_TRACER] = { "husk", "tracer" },
    [ROW_SNAPSHOTS] = { "husk", "snapshots" },
    [ROW_OTHER_HEAPS] = { "husk", "other heaps" },
    [ROW_NATIVE_USED] = { "native", "native heap in use" },
    [ROW_NATIVE_FREE] = { "native", "native heap free" },
    [ROW_FILES] = { "system", "mapped files" },
    [ROW_SHARED] = { "system", "shared memory" },
    [ROW_STACKS] = { "system", "stacks" },
    [ROW_ANONYMOUS] = { "system", "other anonymous" },
    [ROW_KERNEL] = { "system", "kernel pages" },
    [ROW_UNKNOWN] = { "rest", "unknown" },
};

const char *husk_verdict_name(husk_verdict verdict)
{
    static const char *const words[] = { "fine", "leak", "retention", "fragmentation" };
    return (unsigned)verdict < sizeof words / sizeof *words ? words[verdict] : NULL;
}

bool husk_balance_row_at(const husk_balance *balance, size_t index, husk_balance_row *out)
{
    size_t first = balance->ours ? 0 : ROWS_OF_HUSK;
    if (index >= ROWS - first)
        return false;
    const struct husk__row *row = &balance->rows[first + index];
    *out = (husk_balance_row){ .group = names[first + index].group,
                               .name = names[first + index].name,
                               .bytes = row->bytes,
                               .counted = row->counted,
                               .shared = row->shared,
                               .swapped = row->swapped,
                               .note = row->note };
    return true;
}

void husk_balance_sum_get(const husk_balance *balance, husk_balance_sum *out)
{
    *out = balance->sum;
    out->evidence = balance->evidence;
}

/* ---- the verdict ---- */

static uint64_t positive(int64_t bytes)
{
    return bytes > 0 ? (uint64_t)bytes : 0;
}

static uint64_t at_least(uint64_t bytes, uint64_t least)
{
    return bytes > least ? bytes : least;
}

/* "1.2 MiB" into one of a few buffers that take turns: several stand in one sentence. */
struct sizes {
    char text[8][24];
    unsigned next;
};

static const char *size(struct sizes *sizes, uint64_t bytes)
{
    char *text = sizes->text[sizes->next++ % 8];
    (void)husk_size_text((double)bytes, false, text, sizeof sizes->text[0]);
    return text;
}

static void judge_growth(struct husk_balance *balance, const struct husk_balance *before, struct sizes *sizes)
{
    husk_balance_sum *sum = &balance->sum;
    char words[64] = "";
    double seconds = (double)sum->milliseconds / 1000;
    if (balance->grown > 1)
        (void)snprintf(words, sizeof words, ", for the %u. time in a row", balance->grown);
    if (balance->grown)
        (void)snprintf(balance->evidence, sizeof balance->evidence,
                       "live objects and buffers grew from %s to %s in %.1f s (%lld objects more)%s",
                       size(sizes, sum->live_before), size(sizes, sum->live), seconds,
                       (long long)(sum->objects - sum->objects_before), words);
    else
        (void)snprintf(balance->evidence, sizeof balance->evidence,
                       "blocks in use of the native heap grew from %s to %s in %.1f s; live objects did not",
                       size(sizes, before->native_used), size(sizes, balance->native_used), seconds);
    sum->verdict = HUSK_VERDICT_LEAK;
}

/* Live objects, or what malloc has handed out, have grown by what counts. */
static bool has_grown(struct husk_balance *balance, const struct husk_balance *before)
{
    husk_balance_sum *sum = &balance->sum;
    sum->live_before = before->sum.live;
    sum->objects_before = before->sum.objects;
    sum->milliseconds = balance->taken_ms - before->taken_ms;
    if (sum->live >= sum->live_before + at_least(sum->live_before / 20, GROWN)) {
        balance->grown = before->grown + 1;
        return true;
    }
    return balance->native_known && before->native_known &&
           balance->native_used >= before->native_used + at_least(before->native_used / 10, MANY);
}

static void judge_retention(struct husk_balance *balance, uint64_t given, struct sizes *sizes)
{
    const husk_balance_sum *sum = &balance->sum;
    char words[128] = "not yet trimmed";
    if (sum->trimmed)
        (void)snprintf(words, sizeof words,
                       "trimming gave %.20s back (%.20s of heaps, %.20s of the native heap)",
                       size(sizes, given), size(sizes, sum->trimmed_heaps), size(sizes, sum->trimmed_native));
    (void)snprintf(balance->evidence, sizeof balance->evidence,
                   "%s are free and still resident, %s of them in empty pages and %s in the native heap; %s",
                   size(sizes, sum->held_free), size(sizes, positive(balance->rows[ROW_SPARE].bytes)),
                   size(sizes, positive(balance->rows[ROW_NATIVE_FREE].bytes)), words);
    balance->sum.verdict = HUSK_VERDICT_RETENTION;
}

static void judge_fragmentation(struct husk_balance *balance, bool native, uint64_t given,
                                struct sizes *sizes)
{
    const husk_balance_sum *sum = &balance->sum;
    if (native)
        (void)snprintf(balance->evidence, sizeof balance->evidence,
                       "%s of the native heap are free between blocks in use; trimming gave %s back",
                       size(sizes, positive(balance->rows[ROW_NATIVE_FREE].bytes)), size(sizes, given));
    else
        (void)snprintf(balance->evidence, sizeof balance->evidence,
                       "%llu of %llu pages are less than a quarter alive, with %s free in them%s%s",
                       (unsigned long long)sum->pages_sparse, (unsigned long long)sum->pages,
                       size(sizes, sum->sparse_free), sum->trimmed ? "; trimming gave back " : "",
                       sum->trimmed ? size(sizes, given) : "");
    balance->sum.verdict = HUSK_VERDICT_FRAGMENTATION;
}

void husk__balance_judge(struct husk_balance *balance, const struct husk_balance *before)
{
    husk_balance_sum *sum = &balance->sum;
    const struct husk__row *rows = balance->rows;
    struct sizes sizes = { .next = 0 };
    sum->live = rows[ROW_LIVE].counted + rows[ROW_SLACK].counted + rows[ROW_BUFFERS].counted;
    uint64_t returnable = positive(rows[ROW_SPARE].bytes) + positive(rows[ROW_NATIVE_FREE].bytes);
    sum->held_free = returnable + positive(rows[ROW_FREE].bytes);
    uint64_t given = sum->trimmed_heaps + sum->trimmed_native, much = at_least(sum->rss / 10, MANY);
    /* What trimming did not give back although it could have is held by blocks in use between. */
    bool native_stuck = sum->trimmed && returnable >= much && given < much / 2 &&
                        positive(rows[ROW_NATIVE_FREE].bytes) > positive(rows[ROW_SPARE].bytes);
    if (!balance->ours) {
        sum->verdict = HUSK_VERDICT_FINE;
        (void)snprintf(balance->evidence, sizeof balance->evidence,
                       "what of it is free another process does not tell");
    } else if (before && has_grown(balance, before)) {
        judge_growth(balance, before, &sizes);
    } else if (native_stuck || (sum->sparse_free >= much && sum->sparse_free >= returnable)) {
        judge_fragmentation(balance, sum->sparse_free < returnable, given, &sizes);
    } else if (returnable >= much) {
        judge_retention(balance, given, &sizes);
    } else {
        sum->verdict = HUSK_VERDICT_FINE;
        (void)snprintf(balance->evidence, sizeof balance->evidence, "%s of %s are free and held%s",
                       size(&sizes, sum->held_free), size(&sizes, sum->rss),
                       before ? "; live objects have not grown" : "");
    }
}

/* ---- text ---- */

static void write_row(struct husk__out *out, const char *group, const char *name, int64_t bytes, uint64_t rss,
                      uint64_t counted, uint64_t shared, const char *words)
{
    char text[3][24];
    (void)husk_size_text((double)bytes, false, text[0], sizeof text[0]);
    (void)husk_size_text((double)counted, false, text[1], sizeof text[1]);
    (void)husk_size_text((double)shared, false, text[2], sizeof text[2]);
    char line[256];
    int length = snprintf(line, sizeof line, "%-7s %-20s %14lld %10s %6.1f %10s %10s  %s", group, name,
                          (long long)bytes, text[0], rss ? (double)bytes * 100 / (double)rss : 0.0,
                          counted ? text[1] : "", shared ? text[2] : "", words);
    size_t end = length < 0 ? 0 : (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    while (end && line[end - 1] == ' ')
        end--;
    husk__out_bytes(out, line, end);
    husk__out_char(out, '\n');
}

size_t husk_balance_text(const husk_balance *balance, char *buffer, size_t room)
{
    struct husk__cut cut = { buffer, room, 0 };
    struct husk__out out;
    husk_balance_row row;
    const husk_balance_sum *sum = &balance->sum;
    uint64_t shared = 0;
    husk__out_begin(&out, husk__cut_write, &cut);
    husk__out_format(&out, "%-7s %-20s %14s %10s %6s %10s %10s\n", "", "row", "bytes", "resident", "%",
                     "counted", "shared");
    for (size_t i = 0; husk_balance_row_at(balance, i, &row); i++) {
        shared += row.shared;
        if (row.bytes || row.counted || strcmp(row.name, "unknown") == 0)
            write_row(&out, row.group, row.name, row.bytes, sum->rss, row.counted, row.shared, row.note);
    }
    write_row(&out, "", "resident memory", (int64_t)sum->rss, sum->rss, 0, shared, "");
    husk__out_format(&out, "\nVerdict: %s\n", husk_verdict_name(sum->verdict));
    husk__out_text(&out, "Evidence: ");
    husk__out_text(&out, balance->evidence);
    husk__out_char(&out, '\n');
    (void)husk__out_end(&out);
    return husk__cut_end(&cut);
}
