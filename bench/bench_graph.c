/* bench_graph.c: a full collection of a living random graph that one root holds (graph.h). One operation is one object. */
#include "graph.h"

#include <stdlib.h>

/* Lies where a conservative collector looks. */
static sys_obj *root;

static uint32_t random_below(void *state, size_t below)
{
    return (uint32_t)bench_random(state, below);
}

/* It refers to what it should. */
static void check(sys_obj *o, void *data)
{
    const graph *g = data;
    for (int k = 0; k < 2; k++) {
        sys_obj *to = sys_ref(o, k);
        bench_check(to && sys_number(to) == (int64_t)g->out[2 * sys_number(o) + k],
                    "references lead where they should");
    }
}

static void measure(const bench *b, bool aged)
{
    graph g;
    uint64_t random = 42;
    graph_build(&g, b->objects, bench_table(b->objects, sizeof(sys_obj *)), aged, random_below, &random);
    root = graph_let_go(&g);
    free(g.at);
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        size_t collected = sys_collect();
        uint64_t ns = bench_now() - start;
        /* The first pass may find what the system itself left behind when it started. */
        bench_check(s == 0 || !SYS_EXACT || collected == 0, "nothing of the living graph is collected");
        if (s > 0)
            bench_sample(b, ns, b->objects);
    }
    graph_walk(root, g.count, check, &g);
    if (b->quick) {
        sys_obj *last = root;
        root = NULL;
        sys_release(last);
        size_t collected = sys_collect();
        bench_check(!SYS_EXACT || collected == b->objects, "the dropped graph is collected whole");
    }
    free(g.out);
}

void bench_live(const bench *b)
{
    measure(b, false);
}

void bench_aged(const bench *b)
{
    measure(b, true);
}
