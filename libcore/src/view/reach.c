/* view/reach.c: see reach.h. Components: Tarjan 1972, "Depth-first search and linear graph algorithms", with a stack of
 * our own, since chains are as long as memory. */
#include "view/reach.h"

#include "view/sort.h"

/* ---- edges ---- */

/* Goes through all edges that keep alive: next[n] counts those of n or, when filling, says where the next one goes. */
static void each_edge(const struct husk_snapshot *snapshot, struct husk__reach *reach, bool fill,
                      uint64_t *next)
{
    struct husk__edge_walk walk = husk__edges_of(snapshot, 0);
    reach->entry_count = 0;
    for (size_t n = 0; n < reach->nodes; n++) {
        struct husk__entry_walk at = husk__entry_walk_begin();
        while (husk__edge_next(&walk)) {
            enum husk__keeping keeping = husk__entry_walk_next(&at, &walk);
            if (keeping == KEEPS_NOT)
                continue;
            size_t from = keeping == KEEPS_ENTRY ? at.key : n;
            if (fill)
                reach->to[next[from]] = walk.to;
            next[from]++;
            if (keeping == KEEPS_ENTRY && fill)
                reach->entries[reach->entry_count] = (struct husk__entry){ at.key, walk.to };
            reach->entry_count += keeping == KEEPS_ENTRY;
        }
        husk__edges_next_node(&walk);
    }
}

static bool gather_edges(const struct husk_snapshot *snapshot, struct husk__pool *pool,
                         struct husk__reach *reach)
{
    uint64_t *next = POOL_NEW(pool, uint64_t, reach->nodes);
    reach->first = next ? POOL_NEW(pool, uint64_t, reach->nodes + 1) : NULL;
    if (!reach->first)
        return false;
    each_edge(snapshot, reach, false, next);
    for (size_t n = 0; n < reach->nodes; n++) {
        reach->first[n + 1] = reach->first[n] + next[n];
        next[n] = reach->first[n];
    }
    reach->to = POOL_NEW(pool, uint32_t, reach->first[reach->nodes]);
    reach->entries = reach->to ? POOL_NEW(pool, struct husk__entry, reach->entry_count) : NULL;
    if (!reach->entries)
        return false;
    each_edge(snapshot, reach, true, next);
    return true;
}

static bool order_entries(struct husk__pool *pool, struct husk__reach *reach)
{
    if (!reach->entry_count)
        return true;
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, reach->entry_count);
    struct husk__entry *ordered = pairs ? POOL_NEW(pool, struct husk__entry, reach->entry_count) : NULL;
    if (!ordered || reach->entry_count > UINT32_MAX)
        return false;
    for (size_t i = 0; i < reach->entry_count; i++)
        pairs[i] = (struct husk__pair){ reach->entries[i].key, (uint32_t)i };
    if (!husk__sort_pairs(pool, pairs, reach->entry_count))
        return false;
    for (size_t i = 0; i < reach->entry_count; i++)
        ordered[i] = reach->entries[pairs[i].item];
    reach->entries = ordered;
    return true;
}

/* ---- from outside ---- */

static void reach_from_outside(const struct husk_snapshot *snapshot, struct husk__reach *reach,
                               uint32_t *queue)
{
    size_t head = 0, tail = 0;
    for (size_t n = 0; n < reach->nodes; n++)
        if (husk__node_hidden(snapshot, n) > 0 || SNAP(snapshot, NODES)[n].flags & NODE_IMMORTAL) {
            reach->flags[n] |= REACH_HELD;
            queue[tail++] = (uint32_t)n;
        }
    while (head < tail) {
        size_t n = queue[head++];
        for (uint64_t e = reach->first[n]; e < reach->first[n + 1]; e++)
            if (!(reach->flags[reach->to[e]] & REACH_HELD)) {
                reach->flags[reach->to[e]] |= REACH_HELD;
                queue[tail++] = reach->to[e];
            }
    }
}

/* ---- components ---- */

struct tarjan {
    struct husk__reach *reach;
    uint32_t *low;   /* lowest number that is met from here; 0: not visited */
    uint32_t *stack; /* of nodes whose component is open */
    uint32_t *path;  /* the calls, and where each stands: */
    uint64_t *edge;
    size_t depth, open;
    uint32_t number, components;
};

static void enter(struct tarjan *t, uint32_t node)
{
    t->low[node] = ++t->number;
    t->stack[t->open++] = node;
    t->path[t->depth] = node;
    t->edge[t->depth++] = t->reach->first[node];
}

/* A node's own number is kept nowhere: it is the root of its component if no lower one was met. */
static void leave(struct tarjan *t, uint32_t node, bool is_root)
{
    if (!is_root)
        return;
    t->components++;
    uint32_t member;
    do {
        member = t->stack[--t->open];
        t->reach->component[member] = t->components;
        if (member != node) {
            t->reach->flags[member] |= REACH_LOOP;
            t->reach->flags[node] |= REACH_LOOP;
        }
    } while (member != node);
}

/* roots[depth]: whether the node on the path is still taken for the root of its component. */
static void visit_from(struct tarjan *t, uint32_t start, bool *roots)
{
    enter(t, start);
    roots[0] = true;
    while (t->depth) {
        size_t top = t->depth - 1;
        uint32_t node = t->path[top];
        if (t->edge[top] == t->reach->first[node + 1]) {
            t->depth--;
            leave(t, node, roots[top]);
            if (t->depth && !t->reach->component[node] && t->low[node] < t->low[t->path[top - 1]]) {
                t->low[t->path[top - 1]] = t->low[node];
                roots[top - 1] = false;
            }
            continue;
        }
        uint32_t to = t->reach->to[t->edge[top]++];
        if (to == node)
            t->reach->flags[node] |= REACH_LOOP;
        if (!t->low[to]) {
            enter(t, to);
            roots[t->depth - 1] = true;
        } else if (!t->reach->component[to] && t->low[to] < t->low[node]) {
            t->low[node] = t->low[to];
            roots[top] = false;
        }
    }
}

static bool find_components(struct husk__pool *pool, struct husk__reach *reach, uint32_t *stack)
{
    size_t before = pool->count;
    struct tarjan t = { .reach = reach, .stack = stack };
    t.low = POOL_NEW(pool, uint32_t, reach->nodes);
    t.path = t.low ? POOL_NEW(pool, uint32_t, reach->nodes) : NULL;
    t.edge = t.path ? POOL_NEW(pool, uint64_t, reach->nodes) : NULL;
    bool *roots = t.edge ? POOL_NEW(pool, bool, reach->nodes) : NULL;
    for (size_t n = 0; roots && n < reach->nodes; n++)
        if (!t.low[n])
            visit_from(&t, (uint32_t)n, roots);
    husk__pool_back(pool, before);
    return roots;
}

/* Of what is not reached: the first node of each component that nothing outside it refers to. */
static bool find_beginnings(struct husk__pool *pool, struct husk__reach *reach)
{
    size_t before = pool->count;
    bool *entered = POOL_NEW(pool, bool, reach->nodes + 1); /* by component */
    for (size_t n = 0; entered && n < reach->nodes; n++)
        for (uint64_t e = reach->first[n]; e < reach->first[n + 1]; e++)
            if (!(reach->flags[n] & REACH_HELD) && reach->component[reach->to[e]] != reach->component[n])
                entered[reach->component[reach->to[e]]] = true;
    for (size_t n = 0; entered && n < reach->nodes; n++)
        if (!(reach->flags[n] & REACH_HELD) && !entered[reach->component[n]]) {
            reach->flags[n] |= REACH_FIRST;
            entered[reach->component[n]] = true; /* one for each */
        }
    husk__pool_back(pool, before);
    return entered;
}

bool husk__reach_make(const struct husk_snapshot *snapshot, struct husk__pool *pool, struct husk__reach *out)
{
    *out = (struct husk__reach){ .nodes = SNAP_COUNT(snapshot, NODES) };
    out->component = POOL_NEW(pool, uint32_t, out->nodes);
    out->flags = out->component ? POOL_NEW(pool, uint8_t, out->nodes) : NULL;
    uint32_t *queue = out->flags ? POOL_NEW(pool, uint32_t, out->nodes) : NULL;
    if (!queue || !gather_edges(snapshot, pool, out) || !order_entries(pool, out))
        return false;
    reach_from_outside(snapshot, out, queue);
    return find_components(pool, out, queue) && find_beginnings(pool, out);
}
