/* main.c: PROGRAM ROW SIZE SAMPLES runs one row and prints its figures, one a line, "NAME VALUE", and "sum VALUE".
 * --list prints what the program measures, and the rows that it has. */
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    work_fn *run;
} rows[] = {
    { "birth", work_birth },         { "ring", work_ring },           { "list", work_list },
    { "bytes", work_bytes },
#if SYS_COLLECTS
    { "held", work_held },           { "live", work_live },           { "aged", work_aged },
    { "pairs", work_pairs },         { "circle", work_circle },       { "churn", work_churn },
    { "pauses", work_pauses },
#endif
#if PEER_TREES
    { "trees", work_trees },
#endif
#if PEER_STEPS
    { "steps", work_steps },
#endif
#if PEER_WEAK
    { "weak_new", work_weak_new },   { "weak_lock", work_weak_lock }, { "weak_dead", work_weak_dead },
    { "weak_gone", work_weak_gone },
#endif
};
enum { ROWS = sizeof rows / sizeof rows[0] };

void work_figure(const char *name, double value)
{
    printf("%s %.4f\n", name, value);
}

void work_sample(const char *name, uint64_t ns, size_t operations)
{
    work_figure(name, (double)ns / (double)operations);
}

void work_sum(uint32_t sum)
{
    printf("sum %" PRIu32 "\n", sum);
}

double work_peak(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lu kB", &kib) == 1)
            break;
    bench_check(file && kib > 0, "/proc/self/status is readable");
    fclose(file);
    return (double)kib * 1024;
}

uint64_t work_thread_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        puts(sys_about());
        for (size_t i = 0; i < ROWS; i++)
            puts(rows[i].name);
        return 0;
    }
    unsigned long size = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long samples = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (size == 0 || size > 100000000 || samples == 0 || samples > 1000) {
        fprintf(stderr, "usage: %s ROW SIZE SAMPLES, or --list; size 1 to 10^8, samples 1 to 1000\n",
                argv[0]);
        return 2;
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(argv[1], rows[i].name) == 0) {
            work w = { .row = rows[i].name, .size = size, .samples = (unsigned)samples };
            sys_start();
            rows[i].run(&w);
            return 0;
        }
    }
    fprintf(stderr, "%s: no row \"%s\" here; --list names them\n", argv[0], argv[1]);
    return 2;
}
