/* bench_tools.c: checks, tables, random numbers, resident memory: what all programs here share. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bench_check(bool done, const char *what)
{
    if (done)
        return;
    fflush(stdout);
    fprintf(stderr, "bench: the work was not done: %s\n", what);
    exit(1);
}

void *bench_table(size_t count, size_t size)
{
    void *table = calloc(count, size);
    bench_check(table != NULL, "no memory for a table");
    return table;
}

uint64_t bench_random(uint64_t *state, uint64_t below)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    /* The bias of the remainder is below 2^-40 for the sizes used here. */
    return (z ^ (z >> 31)) % below;
}

double bench_resident(void)
{
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    bench_check(file && fscanf(file, "%lu %lu", &total, &resident) == 2, "/proc/self/statm is readable");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

uint32_t *bench_shuffled(size_t count, uint64_t *state)
{
    uint32_t *order = bench_table(count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)bench_random(state, i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
    return order;
}
