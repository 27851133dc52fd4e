/* churn.c: a graph lives, and ten times as many objects are made and dropped in pairs that hold each other, with
 * collections that start by themselves. One operation is one of these objects. "churn_peak" is what the resident memory
 * grew by, the living graph included; "pauses" is the longest that the thread ran for one batch of 16 pairs: nobody
 * waits longer for this program's memory. */
#include "work.h"

#include <stdlib.h>

enum { BATCH = 16, TIMES = 10 };

static sys_obj *root;

static inline uint32_t make_pair(size_t i, uint32_t sum)
{
    sys_obj *one = sys_new(), *other = sys_new();
    sys_number(one) = (int64_t)(2 * i);
    sys_number(other) = (int64_t)(2 * i + 1);
    sys_set(one, 0, other);
    sum = work_mix(sum, (uint64_t)(sys_number(one) + sys_number(other)));
    sys_take(other, 0, one);
    sys_release(other);
    return sum;
}

static double build(const work *w)
{
    double before = bench_resident();
    graph g;
    peer_automatic(true);
    work_graph_build(&g, w->size, false);
    root = graph_let_go(&g);
    peer_table_end(g.at);
    return before;
}

void work_churn(const work *w)
{
    uint32_t sum = 0;
    size_t pairs = w->size * TIMES / 2;
    double before = build(w);
    uint64_t start = bench_now();
    for (size_t i = 0; i < pairs; i++)
        sum = make_pair(i, sum);
    uint64_t ns = bench_now() - start;
    work_sample("churn", ns, 2 * pairs);
    work_figure("churn_peak", work_peak() - before);
    work_sum(sum + work_graph_sum(root, w->size));
}

void work_pauses(const work *w)
{
    uint32_t sum = 0;
    size_t pairs = w->size * TIMES / 2;
    uint64_t longest = 0;
    (void)build(w);
    uint64_t last = work_thread_time();
    for (size_t i = 0; i < pairs; i++) {
        sum = make_pair(i, sum);
        if (i % BATCH == BATCH - 1) {
            uint64_t now = work_thread_time();
            if (now - last > longest)
                longest = now - last;
            last = now;
        }
    }
    work_figure("pauses", (double)longest / 1e6);
    work_sum(sum + work_graph_sum(root, w->size));
}
