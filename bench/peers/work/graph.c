/* graph.c: a full collection of a random graph that lives. One operation is one object.
 *
 * The graph: a random binary tree over all objects, in random order of birth, which takes one reference less than
 * there are objects, so that the root holds everything; all other references go to random objects, one of them to
 * the root, so that the graph holds itself. "held": the program holds every object besides; "live": the root alone;
 * "aged": the same after every object was replaced three times, in random order, by a new one with the same
 * references in and out: where an object lies has then nothing to do with its birth. */
#include "work.h"

#include <stdlib.h>

/* Lies where a conservative collector looks. */
static sys_obj *root;

static uint32_t *shuffled(size_t count, work_random *random)
{
    uint32_t *order = bench_table(count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        uint32_t j = work_below(random, i + 1);
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
    return order;
}

static void plan_out(work_graph *g, work_random *random)
{
    size_t slots = 0;
    bool rooted = false; /* something refers to the root */
    uint32_t *order = shuffled(g->count, random);
    uint32_t *slot = bench_table(2 * g->count, sizeof *slot); /* references still empty */
    g->root = order[0];
    for (size_t i = 0; i < g->count; i++) {
        if (i > 0) {
            size_t pick = work_below(random, slots);
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
                to = work_below(random, g->count);
            while (to == from); /* replacing an object that refers to itself would need a case of its own */
        }
        rooted = rooted || to == g->root;
        g->out[slot[slots]] = to;
    }
    free(slot);
    free(order);
}

static void plan_in(work_graph *g)
{
    size_t edges = 2 * g->count;
    g->in_start = bench_table(g->count + 1, sizeof *g->in_start);
    g->in = bench_table(edges, sizeof *g->in);
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

/* Its successor is born before it dies, so the two never share a place. */
static void replace(work_graph *g, uint32_t i)
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

static void age(work_graph *g, work_random *random)
{
    plan_in(g);
    for (int round = 0; round < 3; round++) {
        uint32_t *order = shuffled(g->count, random);
        for (size_t i = 0; i < g->count; i++)
            replace(g, order[i]);
        free(order);
    }
    free(g->in);
    free(g->in_start);
}

void work_graph_build(work_graph *g, size_t count, bool aged)
{
    work_random random = { 42 };
    g->count = count;
    g->out = bench_table(2 * count, sizeof *g->out);
    g->at = peer_table(count);
    plan_out(g, &random);
    for (size_t i = 0; i < count; i++) {
        g->at[i] = sys_new();
        sys_number(g->at[i]) = (int64_t)i;
    }
    for (size_t i = 0; i < count; i++) {
        sys_set(g->at[i], 0, g->at[g->out[2 * i]]);
        sys_set(g->at[i], 1, g->at[g->out[2 * i + 1]]);
    }
    if (aged)
        age(g, &random);
    free(g->out);
}

sys_obj *work_graph_root(work_graph *g)
{
    sys_obj *kept = g->at[g->root];
    for (size_t i = 0; i < g->count; i++) {
        if (i != g->root)
            sys_release(g->at[i]);
        g->at[i] = NULL;
    }
    return kept;
}

uint32_t work_graph_sum(sys_obj *start, size_t count)
{
    size_t seen = 1, done = 0;
    uint32_t sum = 0;
    sys_obj **found = bench_table(count, sizeof *found);
    uint8_t *marked = bench_table(count, 1);
    found[0] = start;
    marked[sys_number(start)] = 1;
    while (done < seen) {
        sys_obj *o = found[done++];
        sum = work_mix(sum, (uint64_t)sys_number(o));
        for (int k = 0; k < 2; k++) {
            sys_obj *to = sys_ref(o, k);
            size_t number = (size_t)sys_number(to);
            bench_check(number < count, "an object has its number");
            if (!marked[number]) {
                marked[number] = 1;
                found[seen++] = to;
            }
        }
    }
    bench_check(seen == count, "the root holds all objects");
    free(found);
    free(marked);
    return sum;
}

static void measure(const work *w, bool held, bool aged)
{
    work_graph g;
    work_graph_build(&g, w->size, aged);
    root = held ? g.at[g.root] : work_graph_root(&g);
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
