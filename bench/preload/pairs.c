/* bench/preload/pairs.c: pairs PATTERN COUNT: what a malloc and its free take, in nanoseconds, inside of a program that
 * knows nothing of who counts them. Prints the best of some stretches.
 *
 *   same      one place, sixteen frames deep
 *   many      4096 places: six frames of a stack of sixteen are one of four functions each
 *   ring      as `same`, but a block lives until 10000 others were made
 *   threads   as `same`, with a ring of 100, in four threads at once: the time of all over the pairs of all
 *
 * Compiled without frame pointers, as programs are. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STRETCHES = 5,
    DEPTH = 10,
    LEVELS = 6,
    PLACES = 1 << 2 * LEVELS,
    RING = 10000,
    SMALL_RING = 100,
    THREADS = 4
};
#define KEEP(p) __asm__ volatile("" : "+r"(p) : : "memory")

/* What happens at the bottom of a deep stack. */
typedef void work_fn(unsigned count);

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static void *get(size_t bytes)
{
    void *block = malloc(bytes);
    if (!block)
        abort();
    KEEP(block);
    return block;
}

__attribute__((noinline)) static unsigned deep(unsigned depth, work_fn *work, unsigned count)
{
    if (depth == 0)
        work(count);
    else
        depth = deep(depth - 1, work, count) + 1;
    KEEP(depth); /* not a tail call */
    return depth;
}

static void pairs(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(get(32 + i % 8 * 16));
}

static void ring_of(unsigned count, unsigned live)
{
    void **ring = calloc(live, sizeof *ring);
    if (!ring)
        abort();
    for (unsigned i = 0; i < count; i++) {
        free(ring[i % live]);
        ring[i % live] = get(32 + i % 8 * 16);
    }
    for (unsigned i = 0; i < live; i++)
        free(ring[i]);
    free(ring);
}

static void ring(unsigned count)
{
    ring_of(count, RING);
}

static void small_ring(unsigned count)
{
    ring_of(count, SMALL_RING);
}

/* ---- many places: the digits of a number choose the functions ---- */

static unsigned descend(unsigned level, unsigned place);
#define TURN(n)                                                                                              \
    __attribute__((noinline)) static unsigned turn_##n(unsigned level, unsigned place)                       \
    {                                                                                                        \
        unsigned depth = descend(level, place) + n;                                                          \
        KEEP(depth);                                                                                         \
        return depth;                                                                                        \
    }
TURN(1)
TURN(2)
TURN(3)
TURN(4)

static unsigned descend(unsigned level, unsigned place)
{
    if (level == 0) {
        free(get(32 + place % 8 * 16));
        return 0;
    }
    switch (place % 4) {
    case 0:
        return turn_1(level - 1, place / 4);
    case 1:
        return turn_2(level - 1, place / 4);
    case 2:
        return turn_3(level - 1, place / 4);
    default:
        return turn_4(level - 1, place / 4);
    }
}

static void many(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        (void)descend(LEVELS, (i * 2654435761u >> 7) % PLACES);
}

/* ---- threads ---- */

static unsigned pairs_of_a_thread;

static void *in_thread(void *data)
{
    (void)deep(DEPTH, small_ring, pairs_of_a_thread);
    return data;
}

static void threads(unsigned count)
{
    pthread_t all[THREADS];
    pairs_of_a_thread = count / THREADS;
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&all[i], NULL, in_thread, NULL) != 0)
            abort();
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(all[i], NULL);
}

static const struct {
    const char *name;
    unsigned depth; /* of the stack below */
    work_fn *work;
} patterns[] = {
    { "same", DEPTH, pairs },
    { "many", DEPTH - LEVELS, many },
    { "ring", DEPTH, ring },
    { "threads", 0, threads },
};

int main(int argc, char **argv)
{
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    for (size_t p = 0; count && p < sizeof patterns / sizeof *patterns; p++) {
        if (strcmp(argv[1], patterns[p].name) != 0)
            continue;
        double best = 0;
        for (unsigned s = 0; s < STRETCHES; s++) {
            double start = now();
            (void)deep(patterns[p].depth, patterns[p].work, count);
            double took = (now() - start) / count;
            best = s == 0 || took < best ? took : best;
        }
        printf("%.2f\n", best);
        return 0;
    }
    (void)fprintf(stderr, "usage: pairs same|many|ring|threads COUNT\n");
    return 2;
}
