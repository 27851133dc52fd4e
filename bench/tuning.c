/* bench/tuning.c: what each knob of pacing buys and costs, on one program: a table of docs/tuning.md.
 *
 * The program keeps 50,000 pairs of objects that hold each other, and makes 500,000 more, which are dropped at once;
 * each 16th in the mean takes the place of one that was kept. For each it computes something for a microsecond. So
 * there is garbage that only passes can find. Each row is a heap of its own with other settings. Rows run in turn,
 * ROUNDS times; shown is the fastest round of each, and the shortest of the rounds' longest passes or steps (the
 * others were interrupted). BENCH_QUICK=1: small, only to see that it works. */
#define _POSIX_C_SOURCE 200809L
#include <husk.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 15 };
static size_t pair_count = 50000, birth_count = 1000000;

typedef struct node {
    husk_obj *a, *b;
    int64_t number;
} node;
static const husk_type *node_type;

static node *node_of(husk_obj *obj)
{
    return husk_obj_data(obj);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void want(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tuning: %s\n", what);
    exit(1);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state, uint64_t below)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (uint64_t)(((z >> 32) * below) >> 32);
}

/* What a program does besides: about a microsecond for each pair. */
static uint64_t work(uint64_t *state)
{
    uint64_t sum = 0;
    for (int i = 0; i < 600; i++)
        sum += next_random(state, 1000);
    return sum;
}

/* ---- the rows ---- */

static void no_young(husk_heap *heap)
{
    want(husk_heap_set_young(heap, 0) == HUSK_OK, "young");
}

static husk_pacing pacing_of(husk_heap *heap)
{
    husk_pacing pacing;
    husk_heap_get_pacing(heap, &pacing);
    return pacing;
}

static void set(husk_heap *heap, husk_pacing pacing)
{
    want(husk_heap_set_pacing(heap, &pacing) == HUSK_OK, "pacing");
}

static void steps(husk_heap *heap)
{
    no_young(heap);
    husk_pacing pacing = pacing_of(heap);
    pacing.factor_max = 4; /* room for the growth while a pass is under way */
    set(heap, pacing);
    want(husk_heap_set_pause(heap, 200000) == HUSK_OK, "pause");
}

static void half(husk_heap *heap)
{
    no_young(heap);
    husk_pacing pacing = pacing_of(heap);
    pacing.factor = 0.5;
    set(heap, pacing);
}

static void fixed(husk_heap *heap)
{
    no_young(heap);
    husk_pacing pacing = pacing_of(heap);
    pacing.factor_max = 1;
    set(heap, pacing);
}

static void four(husk_heap *heap)
{
    no_young(heap);
    husk_pacing pacing = pacing_of(heap);
    pacing.factor = pacing.factor_max = 4;
    set(heap, pacing);
}

static void least(husk_heap *heap)
{
    no_young(heap);
    husk_pacing pacing = pacing_of(heap);
    pacing.least_objects = pair_count * 10;
    pacing.least_bytes = 0;
    set(heap, pacing);
}

static void soft(husk_heap *heap, size_t permille)
{
    no_young(heap);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    want(husk_heap_set_soft_limit(heap, figures.bytes_taken / 1000 * permille) == HUSK_OK, "soft limit");
}

static void soft_above(husk_heap *heap)
{
    soft(heap, 1500);
}

static void soft_below(husk_heap *heap)
{
    soft(heap, 800);
}

static void disable(husk_heap *heap)
{
    want(husk_heap_disable(heap, "tuning") == HUSK_OK, "disable");
}

static void stress(husk_heap *heap)
{
    want(husk_heap_set_stress(heap, &(husk_stress){ .every = birth_count / 200 }) == HUSK_OK, "stress");
}

/* Every so many births the program waits for something else: that time is not counted. */
static void idle(husk_heap *heap)
{
    want(husk_heap_idle(heap, 1000000000, NULL) == HUSK_OK, "idle");
}

/* The births between two waits are a region without passes; the pass comes in the wait. */
static void region_begin(husk_heap *heap)
{
    no_young(heap);
    want(husk_heap_no_gc_begin(heap, birth_count / 40 * 2, 0, false, "frame") == HUSK_OK, "no_gc");
}

static void region_next(husk_heap *heap)
{
    husk_region region;
    want(husk_heap_no_gc_end(heap, &region) == HUSK_OK && region.kept, "the region is kept");
    idle(heap);
    region_begin(heap);
}

typedef struct row {
    const char *name;
    void (*begin)(husk_heap *heap); /* the live objects are there; NULL: as it is */
    void (*wait)(husk_heap *heap);  /* forty times */
} row;

static const row rows[] = {
    { "as it is", NULL, NULL },
    { "no young runs", no_young, NULL },
    { "steps, factor_max 4", steps, NULL },
    { "factor 0.5", half, NULL },
    { "factor_max 1", fixed, NULL },
    { "factor 4", four, NULL },
    { "least_objects 5 x live", least, NULL },
    { "soft limit 1.5 x live", soft_above, NULL },
    { "soft limit 0.8 x live", soft_below, NULL },
    { "idle, 40 times", no_young, idle },
    { "regions, idle between", region_begin, region_next },
    { "stress, 200 times", stress, NULL },
    { "disabled", disable, NULL },
};
enum { ROWS = sizeof rows / sizeof rows[0] };

typedef struct result {
    uint64_t ns, pass_ns, longest_ns, passes[HUSK_GENERATIONS], examined;
    size_t peak, live;
} result;

/* ---- the program ---- */

typedef struct watch {
    bool waiting; /* passes now are nobody's pause */
    uint64_t longest_ns;
} watch;

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    (void)heap;
    watch *w = data;
    uint64_t ns = pass->find_ns + pass->finalize_ns + pass->reclaim_ns;
    if (phase == HUSK_PASS_STOP && !w->waiting && ns > w->longest_ns)
        w->longest_ns = ns;
}

/* Two that hold each other; a reference to one is the caller's. */
static husk_obj *make_pair(husk_heap *heap)
{
    husk_obj *one = husk_obj_new(heap, node_type), *other = husk_obj_new(heap, node_type);
    want(one && other, "out of memory");
    want(husk_obj_set(one, &node_of(one)->a, other) == HUSK_OK, "set");
    want(husk_obj_set(other, &node_of(other)->a, one) == HUSK_OK, "set");
    husk_obj_release(other);
    return one;
}

static result run(const row *how)
{
    husk_heap *heap = NULL;
    uint64_t state = 1, other = 2, id;
    watch w = { 0 };
    result r = { 0 };
    want(husk_heap_new(NULL, &heap) == HUSK_OK, "heap");
    husk_obj **kept = calloc(pair_count, sizeof *kept);
    want(kept != NULL, "table");
    for (size_t i = 0; i < pair_count; i++)
        kept[i] = make_pair(heap);
    want(husk_heap_collect(heap, NULL) == HUSK_OK, "collect");
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    r.live = figures.bytes_taken;
    if (how->begin)
        how->begin(heap);
    want(husk_heap_on_pass(heap, on_pass, &w, NULL, &id) == HUSK_OK, "on_pass");
    husk_generation before[HUSK_GENERATIONS], after;
    for (int g = 0; g < HUSK_GENERATIONS; g++)
        want(husk_heap_generation(heap, g, &before[g]) == HUSK_OK, "figures");
    uint64_t waited = 0, start = now_ns();
    for (size_t i = 0; i < birth_count / 2; i++) {
        husk_obj *pair = make_pair(heap);
        size_t at = next_random(&state, pair_count * 16);
        if (at < pair_count) {
            husk_obj_release(kept[at]);
            kept[at] = pair;
        } else {
            husk_obj_release(pair);
        }
        want(work(&other) > 0, "work");
        if (i % 256 == 0)
            husk_heap_safepoint(heap);
        if (how->wait && (i + 1) % (birth_count / 80) == 0) {
            uint64_t wait = now_ns();
            w.waiting = true;
            how->wait(heap);
            w.waiting = false;
            waited += now_ns() - wait;
        }
    }
    husk_heap_safepoint(heap); /* the callbacks hear of the last pass */
    r.ns = now_ns() - start - waited;
    for (int g = 0; g < HUSK_GENERATIONS; g++) {
        want(husk_heap_generation(heap, g, &after) == HUSK_OK, "figures");
        r.passes[g] = after.passes - before[g].passes;
        r.pass_ns += after.find_ns + after.finalize_ns + after.reclaim_ns - before[g].find_ns -
                     before[g].finalize_ns - before[g].reclaim_ns;
        r.examined += after.examined - before[g].examined;
    }
    r.pass_ns = r.pass_ns > waited ? r.pass_ns - waited : 0;
    husk_steps stepped;
    husk_heap_steps(heap, &stepped);
    r.longest_ns = stepped.steps ? stepped.longest_ns : w.longest_ns;
    husk_heap_figures_get(heap, &figures);
    r.peak = figures.bytes_peak;
    for (size_t i = 0; i < pair_count; i++)
        husk_obj_release(kept[i]);
    free(kept);
    husk_heap_close(heap);
    return r;
}

static int by_time(const void *a, const void *b)
{
    const result *x = a, *y = b;
    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

int main(void)
{
    static const husk_slot slots[] = { HUSK_REF(node, a), HUSK_REF(node, b) };
    static const husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "node", .size = sizeof(node), .slots = slots,
                                         .slot_count = 2 };
    static result all[ROWS][ROUNDS];
    int rounds = ROUNDS;
    if (getenv("BENCH_QUICK")) {
        pair_count = 15000;
        birth_count = 200000;
        rounds = 1;
    }
    want(husk_type_register(&spec, &node_type) == HUSK_OK, "type");
    for (int round = 0; round < rounds; round++)
        for (size_t i = 0; i < ROWS; i++)
            all[i][round] = run(&rows[i]);
    printf("%-24s %8s %7s %7s %7s %10s %9s %11s\n", "", "ns/birth", "passes", "young", "share", "longest",
           "peak", "looked at");
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t longest = all[i][0].longest_ns;
        for (int round = 1; round < rounds; round++)
            longest = all[i][round].longest_ns < longest ? all[i][round].longest_ns : longest;
        qsort(all[i], (size_t)rounds, sizeof all[i][0], by_time);
        const result *r = &all[i][0];
        printf("%-24s %8.1f %7llu %7llu %6.1f%% %7.2f ms %8.2fx %8.2f\n", rows[i].name,
               (double)r->ns / (double)birth_count, (unsigned long long)r->passes[0],
               (unsigned long long)r->passes[1], 100.0 * (double)r->pass_ns / (double)r->ns,
               (double)longest / 1e6, (double)r->peak / (double)r->live,
               (double)r->examined / (double)birth_count);
    }
    return 0;
}
