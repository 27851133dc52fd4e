/* bench_main.c: bench_SYSTEM [ROW...]: runs the rows, or all; --list names the system and the rows.
 * BENCH_QUICK=1 makes them small: then the work is what counts, not its time. */
#include "bench.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bench_row rows[] = {
    { "birth", bench_birth, 20 },
    { "ring", bench_ring, 20 },
#if SYS_COUNTS
    { "count", bench_count, 20 },
#endif
    { "list", bench_list, 5 },
    { "list_drop", bench_list_drop, 5 },
#if SYS_COLLECTS
    { "live", bench_live, 3 },
    { "aged", bench_aged, 3 },
    { "pairs", bench_pairs, 3 },
#endif
#if SYS_WEAK
    { "weak_new", bench_weak_new, 10 },
    { "weak_lock", bench_weak_lock, 20 },
    { "weak_dead", bench_weak_dead, 20 },
    { "weakmap", bench_weakmap, 5 },
#endif
#if SYS_EPHEMERONS
    { "chain", bench_chain, 3 },
    { "chain_short", bench_chain_short, 5 },
#endif
    { "bytes", bench_bytes, 1 },
#if SYS_COLLECTS
    { "bytes_after", bench_bytes_after, 1 },
#endif
#if SYS_TRACES
    { "trace_one", bench_trace_one, 1 },
    { "trace_deep", bench_trace_deep, 1 },
    { "trace_moving", bench_trace_moving, 1 },
#if SYS_NATIVE
    { "trace_pointers", bench_trace_pointers, 1 },
    { "trace_sampled", bench_trace_sampled, 1 },
#endif
    { "trace_bytes", bench_trace_bytes, 1 },
    { "trace_bytes_many", bench_trace_bytes_many, 1 },
    { "snapshot", bench_snapshot, 1 },
#if SYS_NATIVE
    { "snapshot_edges", bench_snapshot_edges, 2 },
    { "large", bench_large, 1 },
#endif
#endif
};
enum { ROWS = sizeof rows / sizeof rows[0] };

void bench_figure(const bench *b, double value)
{
    printf("%s %.4f\n", b->row, value);
}

void bench_sample(const bench *b, uint64_t ns, size_t operations)
{
    bench_figure(b, (double)ns / (double)operations);
}

static void run(const bench_row *row, bool quick)
{
    bench b = {
        .row = row->name, .objects = 1000000, .turns = 200000, .samples = row->samples, .quick = quick
    };
    if (quick) {
        b.objects = 2000;
        b.turns = 10000;
        b.samples = 1;
    }
    row->run(&b);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *env = getenv("BENCH_QUICK");
    bool quick = env && *env && strcmp(env, "0") != 0;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        puts(sys_about());
        for (size_t i = 0; i < ROWS; i++)
            puts(rows[i].name);
        return 0;
    }
    sys_start();
    for (int a = 1; a < argc; a++) {
        size_t i = 0;
        while (i < ROWS && strcmp(argv[a], rows[i].name) != 0)
            i++;
        if (i == ROWS) {
            fprintf(stderr, "%s: no row \"%s\" here; --list names them\n", argv[0], argv[a]);
            return 2;
        }
        run(&rows[i], quick);
    }
    for (size_t i = 0; argc == 1 && i < ROWS; i++)
        run(&rows[i], quick);
    return 0;
}
