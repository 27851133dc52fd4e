/* bench_parallel.c: the search of a full pass on one thread and on several (husk/parallel.h): a living random graph
 * that one root holds, two references and an integer in each object.
 *
 *   bench_parallel [OBJECTS [THREADS [ROUNDS]]]     10^6, 2, 9
 *
 * Rounds alternate between one thread and several, so that other load meets both. Printed for each: ns an object,
 * least and median, of the clock and of all threads' processor time together; and the ratio of the clocks. */
#define _POSIX_C_SOURCE 200809L
#include <husk.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct node {
    husk_obj *a, *b;
    int64_t number;
} node;

static const husk_slot slots[] = { HUSK_REF(node, a), HUSK_REF(node, b) };

enum { MOST_ROUNDS = 99 };

static uint64_t state = 88172645463325252u;

static size_t draw(size_t below) /* xorshift64 (Marsaglia 2003) */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % below);
}

static uint64_t cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void die(const husk_heap *heap, const char *what)
{
    fprintf(stderr, "bench_parallel: %s: %s\n", what, heap ? husk_heap_message(heap) : husk_message());
    exit(1);
}

/* Object i hangs on a random one before it, in its first slot that is free, so the root holds all; what is free in
 * the end refers to random objects. */
static husk_obj *build(husk_heap *heap, const husk_type *type, size_t count)
{
    husk_obj **all = malloc(count * sizeof(husk_obj *)), ***open = malloc(2 * count * sizeof(husk_obj **));
    size_t opened = 0;
    if (!all || !open)
        die(NULL, "tables");
    for (size_t i = 0; i < count; i++)
        if (!(all[i] = husk_obj_new(heap, type)))
            die(heap, "birth");
    for (size_t i = count; i-- > 1;) { /* births and the graph have nothing to do with each other */
        size_t k = 1 + draw(i);
        husk_obj *other = all[k];
        all[k] = all[i];
        all[i] = other;
    }
    for (size_t i = 0; i < count; i++) {
        node *n = husk_obj_data(all[i]);
        if (i > 0) {
            size_t pick = draw(opened);
            husk_obj_retain(*open[pick] = all[i]);
            open[pick] = open[--opened];
        }
        open[opened++] = &n->a;
        open[opened++] = &n->b;
    }
    while (opened > 0)
        husk_obj_retain(*open[--opened] = all[draw(count)]);
    husk_obj *root = all[0];
    for (size_t i = 1; i < count; i++)
        husk_obj_release(all[i]);
    free(open);
    free(all);
    return root;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *clock, double *cpu, size_t rounds)
{
    qsort(clock, rounds, sizeof *clock, by_size);
    qsort(cpu, rounds, sizeof *cpu, by_size);
    printf("  %-10s clock %6.1f (median %6.1f)   processor %6.1f (median %6.1f)\n", what, clock[0],
           clock[rounds / 2], cpu[0], cpu[rounds / 2]);
}

int main(int argc, char **argv)
{
    bool quick = getenv("BENCH_QUICK") != NULL;
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    unsigned threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 2;
    size_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : quick ? 2 : 9;
    husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "node", .size = sizeof(node), .slots = slots,
                            .slot_count = 2 };
    const husk_type *type;
    husk_heap *heap;
    static double clock[2][MOST_ROUNDS], cpu[2][MOST_ROUNDS];
    if (count < 2 || rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "bench_parallel: at least 2 objects, 1 to %d rounds\n", MOST_ROUNDS);
        return 2;
    }
    if (husk_heap_new(NULL, &heap) || husk_type_register(&spec, &type))
        die(NULL, "heap");
    if (husk_heap_disable(heap, "bench") || husk_heap_set_young(heap, 0))
        die(heap, "disable");
    husk_obj *root = build(heap, type, count);
    for (size_t i = 0; i < 2 * (rounds + 1); i++) { /* the first of each warms up */
        husk_pass pass;
        if (husk_heap_set_parallel(heap, i % 2 ? threads : 1))
            die(heap, "parallel");
        uint64_t start = cpu_now();
        if (husk_heap_collect(heap, &pass) || pass.examined != count || pass.collected != 0)
            die(heap, "pass");
        if (i >= 2) {
            clock[i % 2][i / 2 - 1] = (double)pass.find_ns / (double)count;
            cpu[i % 2][i / 2 - 1] = (double)(cpu_now() - start) / (double)count;
        }
    }
    char name[32];
    snprintf(name, sizeof name, "%u threads", threads);
    printf("%zu objects, ns an object\n", count);
    print("1 thread", clock[0], cpu[0], rounds);
    print(name, clock[1], cpu[1], rounds);
    printf("  ratio %.2f (median %.2f)\n", clock[1][0] / clock[0][0],
           clock[1][rounds / 2] / clock[0][rounds / 2]);
    husk_obj_release(root);
    husk_heap_figures left;
    if (husk_heap_collect(heap, NULL))
        die(heap, "last pass");
    husk_heap_figures_get(heap, &left);
    if (left.objects != 0)
        die(heap, "objects are left");
    (void)husk_heap_enable(heap);
    husk_heap_close(heap);
    return 0;
}
