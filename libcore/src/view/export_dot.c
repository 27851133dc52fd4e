/* view/export_dot.c: objects and references as a graph for Graphviz. So many as one can look at: breadth first from what
 * is held from outside, then from the beginnings of what is not reached; how much is left is said in a node of its
 * own.
 *
 *   bold frame     held from outside           grey       not reached
 *   dashed edge    weak                        red edge   keeps a cycle together
 *   dotted edge    the value of a weak-key map's entry: it lives as long as its key */
#include "view/export.h"
#include "view/reach.h"

#include <string.h>

/* In a label "&lt;" would be a character, and \N the node's name. */
static const struct husk__escape escape = {
    .of = { ['"'] = "\\\"", ['\\'] = "\\\\", ['&'] = "&amp;" },
    .control = "\\\\x",
    .odd = "\\\\x",
};

enum { SHOWN = 1u << 7 /* of reach.flags */, NODES_SHOWN = 2000 };

struct graph {
    const struct husk_snapshot *snapshot;
    struct husk__out *out;
    struct husk__reach reach;
    uint32_t *queue; /* what is shown, in this order */
    size_t shown, most;
};

static void show(struct graph *g, size_t node)
{
    if (g->shown < g->most && !(g->reach.flags[node] & SHOWN)) {
        g->reach.flags[node] |= SHOWN;
        g->queue[g->shown++] = (uint32_t)node;
    }
}

static void show_from(struct graph *g, bool outside)
{
    size_t head = g->shown;
    for (size_t n = 0; n < g->reach.nodes; n++)
        if (outside
                ? husk__node_hidden(g->snapshot, n) > 0 || SNAP(g->snapshot, NODES)[n].flags & NODE_IMMORTAL
                : g->reach.flags[n] & REACH_FIRST)
            show(g, n);
    for (; head < g->shown; head++) {
        struct husk__edge_walk walk = husk__edges_of(g->snapshot, g->queue[head]);
        while (husk__edge_next(&walk))
            show(g, walk.to);
    }
}

static void put_node(struct graph *g, size_t number)
{
    const struct husk__node *node = &SNAP(g->snapshot, NODES)[number];
    int64_t hidden = husk__node_hidden(g->snapshot, number);
    husk__out_format(g->out, "  n%zu [label=\"", number);
    husk__out_string(g->out, &escape, g->snapshot, SNAP(g->snapshot, TYPES)[husk__node_type(node)].name);
    husk__out_format(g->out, "\\n%llu B", (unsigned long long)husk__node_size(g->snapshot, number));
    if (hidden)
        husk__out_format(g->out, ", held %lld", (long long)hidden);
    if (node->flags & NODE_IMMORTAL)
        husk__out_text(g->out, ", immortal");
    husk__out_format(g->out, "\", tooltip=\"0x%llx\"", (unsigned long long)husk__node_address(node));
    if (hidden > 0 || node->flags & NODE_IMMORTAL)
        husk__out_text(g->out, ", penwidth=2.5");
    if (!(g->reach.flags[number] & REACH_HELD))
        husk__out_text(g->out, ", fillcolor=\"#e4e4e4\", color=\"#8a8a8a\"");
    husk__out_text(g->out, "];\n");
}

static void put_edge(struct graph *g, size_t from, const struct husk__edge_walk *walk,
                     enum husk__keeping keeping)
{
    husk__out_format(g->out, "  n%zu -> n%u [label=\"", from, walk->to);
    husk__out_string(g->out, &escape, g->snapshot, walk->field->name);
    if (walk->index != UINT32_MAX)
        husk__out_format(g->out, "[%u]", walk->index);
    husk__out_char(g->out, '"');
    if (walk->field->kind == EDGE_WEAK)
        husk__out_text(g->out, ", style=dashed, color=\"#6a6a6a\"");
    if (walk->field->kind == EDGE_EPHEMERON)
        husk__out_text(g->out, ", style=dotted");
    if (keeping == KEEPS_HERE && g->reach.flags[from] & REACH_LOOP &&
        g->reach.component[from] == g->reach.component[walk->to])
        husk__out_text(g->out, ", color=red, penwidth=1.5");
    husk__out_text(g->out, "];\n");
}

static void put_rest(struct graph *g)
{
    uint64_t objects = 0, bytes = 0;
    for (size_t n = 0; n < g->reach.nodes; n++)
        if (!(g->reach.flags[n] & SHOWN)) {
            objects++;
            bytes += husk__node_size(g->snapshot, n);
        }
    if (objects)
        husk__out_format(g->out, "  rest [shape=note, label=\"not shown: %llu objects, %llu bytes\"];\n",
                         (unsigned long long)objects, (unsigned long long)bytes);
}

static void put_graph(struct graph *g, const char *title)
{
    struct husk__out *out = g->out;
    husk__out_text(out, "digraph husk {\n  graph [rankdir=LR, fontname=\"sans-serif\"");
    if (title) {
        husk__out_text(out, ", labelloc=t, label=\"");
        husk__out_escaped(out, &escape, title, strlen(title));
        husk__out_char(out, '"');
    }
    husk__out_text(out,
                   "];\n"
                   "  node [shape=box, style=\"filled,rounded\", fillcolor=\"#eef4fb\", color=\"#30567d\", "
                   "fontname=\"sans-serif\", fontsize=10];\n"
                   "  edge [fontname=\"sans-serif\", fontsize=8, color=\"#30567d\"];\n");
    for (size_t i = 0; i < g->shown && !out->refused; i++)
        put_node(g, g->queue[i]);
    for (size_t i = 0; i < g->shown && !out->refused; i++) {
        struct husk__edge_walk walk = husk__edges_of(g->snapshot, g->queue[i]);
        struct husk__entry_walk at = husk__entry_walk_begin();
        while (husk__edge_next(&walk)) {
            enum husk__keeping keeping = husk__entry_walk_next(&at, &walk);
            if (g->reach.flags[walk.to] & SHOWN)
                put_edge(g, g->queue[i], &walk, keeping);
        }
    }
    put_rest(g);
    husk__out_text(out, "}\n");
}

husk_status husk__export_dot(struct husk__export *export)
{
    struct husk__pool pool = { .count = 0 };
    struct graph g = { .snapshot = export->snapshot, .out = export->out };
    size_t nodes = SNAP_COUNT(g.snapshot, NODES);
    g.most = export->options->top ? export->options->top : NODES_SHOWN;
    if (g.most > nodes)
        g.most = nodes;
    g.queue = POOL_NEW(&pool, uint32_t, g.most);
    bool ok = g.queue && husk__reach_make(g.snapshot, &pool, &g.reach);
    if (ok) {
        show_from(&g, true);
        show_from(&g, false);
        put_graph(&g, export->options->title);
    }
    husk__pool_free(&pool);
    return ok ? HUSK_OK : husk__export_no_memory();
}
