/* graph.c: see graph.h. */
#include "graph.h"

#include <stdlib.h>

/* What is needed to build one. */
typedef struct plan {
    graph *g;
    graph_random *random;
    void *state;
    uint32_t *in_start; /* in[in_start[i] .. in_start[i + 1]): references to i, as 2 * from + k */
    uint32_t *in;
} plan;

static uint32_t below(const plan *p, size_t limit)
{
    return p->random(p->state, limit);
}

static uint32_t *shuffled(const plan *p)
{
    size_t count = p->g->count;
    uint32_t *order = bench_table(count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        uint32_t j = below(p, i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
    return order;
}

static void plan_out(const plan *p)
{
    graph *g = p->g;
    size_t slots = 0;
    bool rooted = false; /* something refers to the root */
    uint32_t *order = shuffled(p);
    uint32_t *slot = bench_table(2 * g->count, sizeof *slot); /* references still empty */
    g->root = order[0];
    for (size_t i = 0; i < g->count; i++) {
        if (i > 0) {
            size_t pick = below(p, slots);
            g->out[slot[pick]] = order[i];
            slot[pick] = slot[--slots];
        }
        slot[slots++] = 2 * order[i];
        slot[slots++] = 2 * order[i] + 1;
    }
    while (slots > 0) {
        uint32_t from = slot[--slots] / 2, to = g->root;
        if (rooted || from == g->root) {
            do
                to = below(p, g->count);
            while (to == from); /* replacing an object that refers to itself would need a case of its own */
        }
        rooted = rooted || to == g->root;
        g->out[slot[slots]] = to;
    }
    free(slot);
    free(order);
}

static void plan_in(plan *p)
{
    const graph *g = p->g;
    size_t edges = 2 * g->count;
    p->in_start = bench_table(g->count + 1, sizeof *p->in_start);
    p->in = bench_table(edges, sizeof *p->in);
    for (size_t e = 0; e < edges; e++)
        p->in_start[g->out[e] + 1]++;
    for (size_t i = 0; i < g->count; i++)
        p->in_start[i + 1] += p->in_start[i];
    uint32_t *next = bench_table(g->count, sizeof *next);
    for (size_t e = 0; e < edges; e++) {
        uint32_t to = g->out[e];
        p->in[p->in_start[to] + next[to]++] = (uint32_t)e;
    }
    free(next);
}

/* Its successor is born before it dies, so the two never share a place. */
static void replace(const plan *p, uint32_t i)
{
    graph *g = p->g;
    sys_obj *old = g->at[i], *fresh = sys_new();
    sys_number(fresh) = (int64_t)i;
    sys_set(fresh, 0, g->at[g->out[2 * i]]);
    sys_set(fresh, 1, g->at[g->out[2 * i + 1]]);
    for (uint32_t e = p->in_start[i]; e < p->in_start[i + 1]; e++)
        sys_set(g->at[p->in[e] / 2], p->in[e] % 2, fresh);
    g->at[i] = fresh;
    sys_end(old);
}

static void age(plan *p)
{
    plan_in(p);
    for (int round = 0; round < 3; round++) {
        uint32_t *order = shuffled(p);
        for (size_t i = 0; i < p->g->count; i++)
            replace(p, order[i]);
        free(order);
    }
    free(p->in);
    free(p->in_start);
}

void graph_build(graph *g, size_t count, sys_obj **at, bool aged, graph_random *random, void *state)
{
    plan p = { .g = g, .random = random, .state = state };
    g->count = count;
    g->out = bench_table(2 * count, sizeof *g->out);
    g->at = at;
    plan_out(&p);
    for (size_t i = 0; i < count; i++) {
        g->at[i] = sys_new();
        sys_number(g->at[i]) = (int64_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        sys_set(g->at[i], 0, g->at[g->out[2 * i]]);
        sys_set(g->at[i], 1, g->at[g->out[2 * i + 1]]);
    }
    if (aged)
        age(&p);
}

sys_obj *graph_let_go(graph *g)
{
    sys_obj *kept = g->at[g->root];
    for (size_t i = 0; i < g->count; i++) {
        if (i != g->root)
            sys_release(g->at[i]);
        g->at[i] = NULL;
    }
    return kept;
}

void graph_walk(sys_obj *root, size_t count, graph_seen *seen, void *data)
{
    size_t met = 1, done = 0;
    sys_obj **found = bench_table(count, sizeof *found);
    uint8_t *marked = bench_table(count, 1);
    found[0] = root;
    marked[sys_number(root)] = 1;
    while (done < met) {
        sys_obj *o = found[done++];
        seen(o, data);
        for (int k = 0; k < 2; k++) {
            sys_obj *to = sys_ref(o, k);
            size_t number = (size_t)sys_number(to);
            bench_check(number < count, "an object has its number");
            if (!marked[number]) {
                marked[number] = 1;
                found[met++] = to;
            }
        }
    }
    bench_check(met == count, "the root holds all objects");
    free(found);
    free(marked);
}
