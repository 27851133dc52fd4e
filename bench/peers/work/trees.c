/* trees.c: binary trees whose nodes know their parent: one is kept, then 20 are built and dropped, one after the other,
 * with collections that start by themselves; a last full one is part of the time, so that all garbage is gone
 * everywhere. One operation is one node. "trees_peak" is what the resident memory grew by, at most. */
#include "work.h"

enum { TREES = 20, LEFT = 0, RIGHT = 1, PARENT = 2 };

static peer_branch *kept; /* lies where a conservative collector looks */

static peer_branch *grow(size_t depth, uint32_t *sum, int64_t *number)
{
    peer_branch *t = peer_branch_new();
    peer_branch_number(t) = (*number)++;
    *sum = work_mix(*sum, (uint64_t)peer_branch_number(t));
    for (unsigned k = LEFT; depth > 0 && k <= RIGHT; k++) {
        peer_branch *child = grow(depth - 1, sum, number);
        peer_branch_set(child, PARENT, t);
        peer_branch_take(t, k, child);
    }
    return t;
}

static uint32_t walk(peer_branch *t, uint32_t sum)
{
    sum = work_mix(sum, (uint64_t)peer_branch_number(t));
    for (unsigned k = LEFT; k <= RIGHT; k++) {
        peer_branch *child = peer_branch_ref(t, k);
        if (child) {
            bench_check(peer_branch_ref(child, PARENT) == t, "a child knows its parent");
            sum = walk(child, sum);
        }
    }
    return sum;
}

void work_trees(const work *w)
{
    uint32_t sum = 0, unused = 0;
    int64_t number = 0, nodes = 0;
    double before = bench_resident();
    peer_automatic(true);
    kept = grow(w->size, &unused, &nodes);
    uint64_t start = bench_now();
    for (int i = 0; i < TREES; i++)
        peer_branch_end(grow(w->size, &sum, &number));
    (void)sys_collect();
    sys_reclaim();
    uint64_t ns = bench_now() - start;
    work_sample("trees", ns, (size_t)number);
    work_figure("trees_peak", work_peak() - before);
    bench_check(number == TREES * nodes, "all trees have their nodes");
    work_sum(walk(kept, sum));
}
