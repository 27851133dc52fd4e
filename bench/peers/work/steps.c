/* steps.c: collecting in steps of 1 ms while a program works on a graph that lives: it turns references around, holds
 * objects for a while, and drops pairs that hold each other and something of the graph. Runs over young objects are off, so
 * that all of this garbage is the steps' business.
 *
 * "steps": of the time that a step took, what one in a thousand exceeds, ms; "steps_longest": the longest; "steps_over":
 * how often, asked after each step, there was more garbage than the heap states, or it stated that its bound does not
 * hold. The garbage is known, since the graph keeps its objects. */
#include "work.h"

#include <stdlib.h>

#define BUDGET_NS 1000000u

enum { MOST_STEPS = 4000, TURNS = 500, HELD = 64 };

static sys_obj *root;
static sys_obj *held[HELD];

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void turn(sys_obj **at, size_t count, work_random *random, size_t number)
{
    sys_obj *o = at[work_below(random, count)], *first = sys_ref(o, 0);
    sys_retain(first);
    sys_set(o, 0, sys_ref(o, 1));
    sys_set(o, 1, first);
    sys_release(first);

    sys_obj **place = &held[number % HELD];
    if (*place)
        sys_release(*place);
    *place = at[work_below(random, count)];
    sys_retain(*place);

    sys_obj *one = sys_new(), *other = sys_new();
    sys_set(one, 0, other);
    sys_set(one, 1, *place);
    sys_take(other, 0, one);
    sys_release(other);
}

void work_steps(const work *w)
{
    graph g;
    work_random random = { 7 };
    static double took[MOST_STEPS];
    size_t steps = w->size / 250 + 20, over = 0;
    if (steps > MOST_STEPS)
        steps = MOST_STEPS;
    work_graph_build(&g, w->size, false);
    sys_obj **at = bench_table(w->size, sizeof *at);
    for (size_t i = 0; i < w->size; i++)
        at[i] = g.at[i];
    root = graph_let_go(&g);
    peer_table_end(g.at);
    peer_steps_begin(BUDGET_NS);
    for (size_t s = 0; s < steps; s++) {
        for (size_t i = 0; i < TURNS; i++)
            turn(at, w->size, &random, s * TURNS + i);
        uint64_t start = work_thread_time();
        peer_step(BUDGET_NS);
        took[s] = (double)(work_thread_time() - start) / 1e6;
        over += !peer_bound_kept(w->size);
    }
    qsort(took, steps, sizeof took[0], by_size);
    work_figure("steps", took[steps - 1 - steps / 1000]);
    work_figure("steps_longest", took[steps - 1]);
    work_figure("steps_over", (double)over);
    for (size_t i = 0; i < HELD; i++)
        if (held[i])
            sys_release(held[i]);
    (void)sys_collect();
    bench_check(peer_bound_kept(w->size), "the garbage is gone");
    for (size_t i = 0; i < w->size; i++)
        bench_check(sys_number(at[i]) == (int64_t)i, "the graph lives");
    free(at);
    work_sum((uint32_t)work_graph_sum(root, w->size));
}
