/* graph.c: a full collection of a random graph that lives (bench/graph.h). One operation is one object.
 *
 * "held": the program holds every object besides; "live": the root alone; "aged": the same, aged. */
#include "work.h"

#include <stdlib.h>

/* Lies where a conservative collector looks. */
static sys_obj *root;

static uint32_t random_below(void *state, size_t below)
{
    return work_below(state, below);
}

void work_graph_build(graph *g, size_t count, bool aged)
{
    work_random random = { 42 };
    graph_build(g, count, peer_table(count), aged, random_below, &random);
    free(g->out);
    g->out = NULL;
}

static void add(sys_obj *o, void *data)
{
    uint32_t *sum = data;
    *sum = work_mix(*sum, (uint64_t)sys_number(o));
}

uint32_t work_graph_sum(sys_obj *start, size_t count)
{
    uint32_t sum = 0;
    graph_walk(start, count, add, &sum);
    return sum;
}

static void measure(const work *w, bool held, bool aged)
{
    graph g;
    work_graph_build(&g, w->size, aged);
    root = held ? g.at[g.root] : graph_let_go(&g);
    for (unsigned s = 0; s <= w->samples; s++) {
        peer_settle(root);
        uint64_t start = bench_now();
        size_t collected = sys_collect();
        uint64_t ns = bench_now() - start;
        /* The first pass may find what the system itself left behind when it started. */
        bench_check(s == 0 || !SYS_EXACT || collected == 0, "nothing of the living graph is collected");
        if (s > 0)
            work_sample(w->row, ns, w->size);
    }
    work_sum(work_graph_sum(root, w->size));
    if (held)
        for (size_t i = 0; i < w->size; i++)
            bench_check(sys_number(g.at[i]) == (int64_t)i, "what is held lives");
}

void work_held(const work *w)
{
    measure(w, true, false);
}

void work_live(const work *w)
{
    measure(w, false, false);
}

void work_aged(const work *w)
{
    measure(w, false, true);
}
