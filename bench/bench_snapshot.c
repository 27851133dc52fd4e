/* bench_snapshot.c: from a million traced objects to an answer: a snapshot without references, which is what
 * tracemalloc takes; statistics by line; the comparison with an older one, a tenth having been replaced since;
 * saving and loading. All in one run, each row for itself on the clock; one operation is one object. */
#include "bench.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PLACES = 1000, TENTH = 10 };

typedef struct many {
    sys_obj **at;
    size_t count, next;
} many;

static void put(void *data)
{
    many *all = data;
    if (all->at[all->next])
        sys_end(all->at[all->next]);
    all->at[all->next++] = sys_new();
}

/* Makes the first objects anew. */
static void renew(many *all, size_t count, size_t places)
{
    all->next = 0;
    for (; count > 0; count -= places)
        sys_each_place(places, put, all);
}

static void sample_of(const bench *b, const char *row, uint64_t start, size_t objects)
{
    uint64_t ns = bench_now() - start;
    bench named = *b;
    named.row = row;
    bench_sample(&named, ns, objects);
}

static void files(const bench *b, sys_snapshot *snapshot, size_t rows)
{
    char path[64];
    const char *folder = getenv("TMPDIR");
    folder = folder && *folder ? folder : "/tmp";
    int length = snprintf(path, sizeof path, "%s/husk-bench-%ld", folder, (long)getpid());
    bench_check(length > 0 && (size_t)length < sizeof path, "the name of TMPDIR is short enough");
    uint64_t start = bench_now();
    sys_snapshot_save(snapshot, path);
    sys_snapshot *loaded = sys_snapshot_load(path);
    sample_of(b, "file", start, b->objects);
    unlink(path);
    sys_stats *stats = sys_stats_new(loaded);
    bench_check(sys_stats_rows(stats) == rows, "the file tells the same");
    sys_stats_end(stats);
    sys_snapshot_end(loaded);
}

void bench_snapshot(const bench *b)
{
    size_t places = b->quick ? 10 : PLACES;
    many all = { .count = b->objects, .at = bench_table(b->objects, sizeof *all.at) };
    sys_trace_start(1, 0);
    renew(&all, all.count, places);
    for (unsigned n = 0; n < b->samples; n++) {
        sys_snapshot *old = sys_snapshot_new();
        renew(&all, all.count / TENTH, places / TENTH);
        uint64_t start = bench_now();
        sys_snapshot *now = sys_snapshot_new();
        sample_of(b, b->row, start, b->objects);
        start = bench_now();
        sys_stats *stats = sys_stats_new(now);
        sample_of(b, "stats", start, b->objects);
        size_t rows = sys_stats_rows(stats);
        bench_check(rows >= places, "there is a row for each place");
        sys_stats_end(stats);
        start = bench_now();
        stats = sys_stats_compare(old, now);
        sample_of(b, "compare", start, b->objects);
        bench_check(sys_stats_rows(stats) >= places, "the comparison has a row for each place");
        sys_stats_end(stats);
        files(b, now, rows);
        sys_snapshot_end(now);
        sys_snapshot_end(old);
    }
    for (size_t i = 0; i < all.count; i++)
        sys_end(all.at[i]);
    sys_trace_stop();
    free(all.at);
}
