/* bench.h: what every benchmark program shares: samples, time, random numbers, checks.
 *
 * A program measures one system. Each row of work is one function, compiled once for every system against
 * the handful of calls in that system's header (system.h says which), so that the work cannot differ.
 * Programs print one line for each sample, "ROW VALUE"; compare.lua runs them in turn and makes the table. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef struct bench {
    const char *row;
    size_t objects;   /* in heaps that are built; 10^6, or few in quick mode */
    size_t turns;     /* of short operations, for each sample */
    unsigned samples; /* for each run; one more comes first and is not counted, to warm up */
    bool quick;       /* the work is checked, its time is of no interest */
} bench;

typedef void bench_fn(const bench *b);

typedef struct bench_row {
    const char *name;
    bench_fn *run;
    unsigned samples; /* many short ones where that is possible: some will fall between other load */
} bench_row;

/* A part of the work that a system calls, and what calls it with so many others on the stack. */
typedef void sys_step(void *data);
typedef void sys_deep_fn(size_t depth, sys_step *step, void *data);

/* Starts the clock, or gives the nanoseconds since. */
static inline uint64_t bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The compiler must have p ready here and may not know memory any longer: nothing before or after is removed
 * or joined across this line. */
#define BENCH_KEEP(p) __asm__ volatile("" : "+r"(p) : : "memory")

/* Prints one sample: nanoseconds for `operations` operations; or any other figure. */
void bench_sample(const bench *b, uint64_t ns, size_t operations);
void bench_figure(const bench *b, double value);

/* Stops the program with status 1 unless the work was done as it should. */
void bench_check(bool done, const char *what);

/* Memory for the benchmark's own tables: zeroed, no system's business, stops the program when refused. */
void *bench_table(size_t count, size_t size);

/* A uniform number below `below`; splitmix64, the same sequence in every system. */
uint64_t bench_random(uint64_t *state, uint64_t below);

/* Resident memory of the process, bytes. */
double bench_resident(void);

/* 0 .. count-1 in random order; the caller frees it. */
uint32_t *bench_shuffled(size_t count, uint64_t *state);

bench_fn bench_birth, bench_ring;
bench_fn bench_count;
bench_fn bench_list, bench_list_drop;
bench_fn bench_live, bench_aged;
bench_fn bench_pairs;
bench_fn bench_weak_new, bench_weak_lock, bench_weak_dead;
bench_fn bench_weakmap, bench_chain, bench_chain_short;
bench_fn bench_bytes, bench_bytes_after;
bench_fn bench_trace_one, bench_trace_deep, bench_trace_moving, bench_trace_pointers, bench_trace_sampled;
bench_fn bench_trace_bytes, bench_trace_bytes_many;
bench_fn bench_snapshot, bench_snapshot_edges, bench_large;

#endif
