/* bench_graph.c: a full collection of a living random graph that one root holds. One operation is one
 * object.
 *
 * The graph: a random binary tree over all objects, in random order of birth, which takes one reference
 * less than there are objects, so that the root holds everything; all other references go to random
 * objects, one of them to the root, so that the graph holds itself. Two edges leave every object. "aged"
 * is the same graph after every object was replaced three times, in random order, by a new one with the
 * same references in and out: where an object lies has then nothing to do with its birth. */
#include "bench.h"
#include "system.h"

#include <stdlib.h>

typedef struct graph {
    size_t count;
    uint32_t root;
    uint32_t *out;      /* out[2 * i + k]: where reference k of object i goes */
    uint32_t *in_start; /* in[in_start[i] .. in_start[i + 1]): references to i, as 2 * from + k */
    uint32_t *in;
    sys_obj **at; /* the object for each number; each entry holds one reference while the graph is built */
} graph;

/* The root must lie where a conservative collector looks. */
static sys_obj *root;

static void plan_edges(graph *g, uint64_t *random)
{
    size_t slots = 0;
    bool rooted = false; /* something refers to the root */
    uint32_t *order = bench_shuffled(g->count, random);
    uint32_t *slot = bench_table(2 * g->count, sizeof *slot); /* references still empty */
    g->root = order[0];
    for (size_t i = 0; i < g->count; i++) {
        if (i > 0) {
            size_t pick = (size_t)bench_random(random, slots);
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
                to = (uint32_t)bench_random(random, g->count);
            while (to == from); /* replacing an object that refers to itself would need a case of its own */
        }
        rooted = rooted || to == g->root;
        g->out[slot[slots]] = to;
    }
    free(slot);
    free(order);
}

static void plan_in(graph *g)
{
    size_t edges = 2 * g->count;
    for (size_t e = 0; e < edges; e++)
        g->in_start[g->out[e] + 1]++;
    for (size_t i = 0; i < g->count; i++)
        g->in_start[i + 1] += g->in_start[i];
    uint32_t *next = bench_table(g->count, sizeof *next);
    for (size_t e = 0; e < edges; e++) {
        uint32_t to = g->out[e];
        g->in[g->in_start[to] + next[to]++] = (uint32_t)e;
    }
    free(next);
}

static void graph_build(graph *g, size_t count, uint64_t *random)
{
    g->count = count;
    g->out = bench_table(2 * count, sizeof *g->out);
    g->in_start = bench_table(count + 1, sizeof *g->in_start);
    g->in = bench_table(2 * count, sizeof *g->in);
    g->at = bench_table(count, sizeof *g->at);
    plan_edges(g, random);
    plan_in(g);
    for (size_t i = 0; i < count; i++) {
        g->at[i] = sys_new();
        sys_number(g->at[i]) = (int64_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        sys_set(g->at[i], 0, g->at[g->out[2 * i]]);
        sys_set(g->at[i], 1, g->at[g->out[2 * i + 1]]);
    }
}

/* Its successor is born before it dies, so the two never share a place. */
static void graph_replace(graph *g, uint32_t i)
{
    sys_obj *old = g->at[i], *fresh = sys_new();
    sys_number(fresh) = (int64_t)i;
    sys_set(fresh, 0, g->at[g->out[2 * i]]);
    sys_set(fresh, 1, g->at[g->out[2 * i + 1]]);
    for (uint32_t e = g->in_start[i]; e < g->in_start[i + 1]; e++)
        sys_set(g->at[g->in[e] / 2], g->in[e] % 2, fresh);
    g->at[i] = fresh;
    sys_end(old);
}

static void graph_age(graph *g, uint64_t *random)
{
    for (int round = 0; round < 3; round++) {
        uint32_t *order = bench_shuffled(g->count, random);
        for (size_t i = 0; i < g->count; i++)
            graph_replace(g, order[i]);
        free(order);
    }
}

/* From here on only the root holds the graph. */
static void graph_let_go(graph *g)
{
    root = g->at[g->root];
    for (size_t i = 0; i < g->count; i++)
        if (i != g->root)
            sys_release(g->at[i]);
    free(g->at);
    free(g->in);
    free(g->in_start);
}

/* Every object is reached from the root and refers to what it should. */
static void graph_check(const graph *g)
{
    size_t seen = 1, done = 0;
    sys_obj **found = bench_table(g->count, sizeof *found);
    uint8_t *marked = bench_table(g->count, 1);
    found[0] = root;
    marked[g->root] = 1;
    bench_check(sys_number(root) == (int64_t)g->root, "the root has its number");
    while (done < seen) {
        sys_obj *o = found[done++];
        for (int k = 0; k < 2; k++) {
            sys_obj *to = sys_ref(o, k);
            uint32_t want = g->out[2 * sys_number(o) + k];
            bench_check(to && sys_number(to) == (int64_t)want, "references lead where they should");
            if (!marked[want]) {
                marked[want] = 1;
                found[seen++] = to;
            }
        }
    }
    bench_check(seen == g->count, "the root holds all objects");
    free(found);
    free(marked);
}

static void measure(const bench *b, bool aged)
{
    graph g;
    uint64_t random = 42;
    graph_build(&g, b->objects, &random);
    if (aged)
        graph_age(&g, &random);
    graph_let_go(&g);
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        size_t collected = sys_collect();
        uint64_t ns = bench_now() - start;
        /* The first pass may find what the system itself left behind when it started. */
        bench_check(s == 0 || !SYS_EXACT || collected == 0, "nothing of the living graph is collected");
        if (s > 0)
            bench_sample(b, ns, b->objects);
    }
    graph_check(&g);
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
