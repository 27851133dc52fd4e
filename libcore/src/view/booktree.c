/* view/booktree.c: the tree of all tracebacks, see book.h. Below each place hang the types of what was made there.
 *
 * What is shown grows from the root: of all nodes whose parent is shown the one with most bytes in any snapshot is
 * next, until the budget is spent. So a node is shown only with the whole way to it, and the cut ones are the
 * smallest. */
#include "view/book.h"
#include "view/export.h"

#include <string.h>

struct value {
    uint64_t bytes, count;
};

static struct value *values(const struct husk__grow *grow)
{
    return (struct value *)(void *)grow->at;
}

static uint32_t *numbers(const struct husk__grow *grow)
{
    return (uint32_t *)(void *)grow->at;
}

static size_t count_of(const struct husk__grow *grow)
{
    return grow->used / sizeof(uint32_t);
}

static bool add_number(struct husk__grow *grow, uint32_t number)
{
    uint32_t *at = husk__grow_add(grow, sizeof number);
    if (at)
        *at = number;
    return at;
}

static size_t nodes_of(const struct husk__tree *tree)
{
    return husk__index_count(&tree->nodes);
}

/* ---- filling ---- */

/* What one snapshot's numbers are in the tree. */
struct mapping {
    const struct husk_snapshot *snapshot;
    struct husk__tree *tree;
    uint32_t *node_of; /* STACKS; root for the empty one */
    bool *needed;
    bool failed;
};

static uint32_t child_of(struct mapping *m, uint32_t parent, uint32_t frame)
{
    const uint64_t key[2] = { parent, frame };
    uint32_t node = frame == INDEX_NONE ? INDEX_NONE : husk__index_add(&m->tree->nodes, key);
    m->failed = m->failed || node == INDEX_NONE;
    return node;
}

static uint32_t place_frame(struct mapping *m, uint32_t frame)
{
    struct husk__place place = husk__place_of(m->snapshot, frame);
    struct husk__book *book = m->tree->book;
    const uint64_t key[4] = {
        husk__book_string(book, place.name, place.name_length, &m->failed),
        husk__book_string(book, place.file, place.file_length, &m->failed),
        place.line | (uint64_t)TREE_PLACE << 32,
        place.has_address ? place.address + 1 : 0,
    };
    return husk__index_add(&m->tree->frames, key);
}

static uint32_t type_frame(struct mapping *m, uint32_t type)
{
    size_t length;
    const char *name = husk__alive_type(m->snapshot, type, &length);
    const uint64_t key[4] = { husk__book_string(m->tree->book, name, length, &m->failed), 0,
                              (uint64_t)TREE_TYPE << 32, 0 };
    return husk__index_add(&m->tree->frames, key);
}

/* Callers have lower numbers, so one pass finds what is needed, and one makes it. */
static void map_stacks(struct mapping *m, const struct husk__alive *alive)
{
    const struct husk__stack *stacks = SNAP(m->snapshot, STACKS);
    for (size_t i = 0; i < alive->count; i++)
        m->needed[alive->rows[i].place] = true;
    for (size_t s = SNAP_COUNT(m->snapshot, STACKS) - 1; s > 0; s--)
        if (m->needed[s])
            m->needed[stacks[s].parent] = true;
    for (size_t s = 1; s < SNAP_COUNT(m->snapshot, STACKS) && !m->failed; s++)
        if (m->needed[s])
            m->node_of[s] = child_of(m, m->node_of[stacks[s].parent], place_frame(m, stacks[s].frame));
}

static bool room_for_nodes(struct husk__tree *tree)
{
    size_t now = nodes_of(tree) * sizeof(struct value);
    return (now <= tree->now.used || husk__grow_add(&tree->now, now - tree->now.used)) &&
           (now <= tree->most.used || husk__grow_add(&tree->most, now - tree->most.used));
}

static void add_up(struct husk__tree *tree)
{
    struct value *now = values(&tree->now), *most = values(&tree->most);
    for (size_t n = nodes_of(tree); n-- > 0;) {
        if (n) {
            struct value *parent = &now[husk__index_key(&tree->nodes, (uint32_t)n)[0]];
            parent->bytes += now[n].bytes;
            parent->count += now[n].count;
        }
        if (now[n].bytes > most[n].bytes)
            most[n].bytes = now[n].bytes;
        if (now[n].count > most[n].count)
            most[n].count = now[n].count;
    }
}

static bool put_things(struct mapping *m, const struct husk__alive *alive, struct husk__pool *pool)
{
    uint32_t *leaf = POOL_NEW(pool, uint32_t, alive->count);
    for (size_t i = 0; leaf && i < alive->count && !m->failed; i++) {
        uint32_t place = alive->rows[i].place;
        uint32_t node = place ? m->node_of[place] : child_of(m, 0, place_frame(m, 0));
        leaf[i] = child_of(m, node, type_frame(m, alive->rows[i].type));
    }
    if (!leaf || m->failed || !room_for_nodes(m->tree))
        return false;
    struct value *now = values(&m->tree->now);
    memset(now, 0, m->tree->now.used);
    for (size_t i = 0; i < alive->count; i++) {
        now[leaf[i]].bytes += alive->rows[i].bytes;
        now[leaf[i]].count += alive->rows[i].count;
    }
    add_up(m->tree);
    return true;
}

/* Values of one snapshot into `now`. */
static bool fill(struct husk__tree *tree, const struct husk_snapshot *snapshot)
{
    struct husk__pool pool = { .count = 0 };
    struct husk__alive alive = { 0 };
    struct mapping m = { .snapshot = snapshot, .tree = tree };
    m.node_of = POOL_NEW(&pool, uint32_t, SNAP_COUNT(snapshot, STACKS));
    m.needed = m.node_of ? POOL_NEW(&pool, bool, SNAP_COUNT(snapshot, STACKS)) : NULL;
    bool ok = m.needed && husk__alive_make(snapshot, ALIVE_STACKS, NULL, &alive) == HUSK_OK;
    if (ok) {
        map_stacks(&m, &alive);
        ok = !m.failed && put_things(&m, &alive, &pool);
    }
    husk__alive_free(&alive);
    husk__pool_free(&pool);
    return ok;
}

bool husk__tree_make(struct husk__tree *tree, struct husk__book *book)
{
    static const uint64_t root[2] = { 0, INDEX_NONE };
    *tree = (struct husk__tree){ .book = book, .frames = { .words = 4 }, .nodes = { .words = 2 } };
    bool ok = husk__index_add(&tree->nodes, root) == 0;
    for (size_t d = 0; ok && d < book->details; d++)
        ok = fill(tree, book->snapshots[book->detail[d]]);
    return ok;
}

/* ---- choosing ---- */

/* Nodes whose parent is shown, the largest on top. */
struct heap {
    const struct value *most;
    uint32_t *at;
    size_t count;
};

static bool is_before(const struct heap *heap, uint32_t a, uint32_t b)
{
    const struct value *x = &heap->most[a], *y = &heap->most[b];
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes;
    return x->count != y->count ? x->count > y->count : a < b;
}

static void heap_push(struct heap *heap, uint32_t node)
{
    size_t at = heap->count++;
    for (; at && is_before(heap, node, heap->at[(at - 1) / 2]); at = (at - 1) / 2)
        heap->at[at] = heap->at[(at - 1) / 2];
    heap->at[at] = node;
}

static uint32_t heap_pop(struct heap *heap)
{
    uint32_t top = heap->at[0], last = heap->at[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t next = 2 * at + 1;
        if (next + 1 < heap->count && is_before(heap, heap->at[next + 1], heap->at[next]))
            next++;
        if (next >= heap->count || !is_before(heap, heap->at[next], last))
            break;
        heap->at[at] = heap->at[next];
        at = next;
    }
    heap->at[at] = last;
    return top;
}

/* What a node takes in the page at most: its own row and, if it has children, one in which the cut ones are summed. */
static size_t cost_of(const struct husk__tree *tree, uint32_t node, bool has_children)
{
    const struct value *most = &values(&tree->most)[node];
    size_t row = (husk__digits(most->bytes) + husk__digits(most->count) + 2) * tree->book->details;
    size_t cost = (row + 18) * (has_children ? 2 : 1);
    uint64_t frame = husk__index_key(&tree->nodes, node)[1];
    if (node && tree->frame_place[frame] == INDEX_NONE) {
        const uint64_t *key = husk__index_key(&tree->frames, (uint32_t)frame);
        cost += 64 + husk__book_name_cost(tree->book, (uint32_t)key[0]) +
                husk__book_name_cost(tree->book, (uint32_t)key[1]);
    }
    return cost;
}

static bool take(struct husk__tree *tree, uint32_t node)
{
    tree->place[node] = (uint32_t)count_of(&tree->shown);
    if (!add_number(&tree->shown, node))
        return false;
    uint64_t frame = husk__index_key(&tree->nodes, node)[1];
    if (!node || tree->frame_place[frame] != INDEX_NONE)
        return true;
    const uint64_t *key = husk__index_key(&tree->frames, (uint32_t)frame);
    tree->frame_place[frame] = (uint32_t)count_of(&tree->frame_order);
    return add_number(&tree->frame_order, (uint32_t)frame) &&
           husk__book_name_use(tree->book, (uint32_t)key[0]) &&
           husk__book_name_use(tree->book, (uint32_t)key[1]);
}

bool husk__tree_choose(struct husk__tree *tree, struct husk__pool *pool, struct husk__budget *budget)
{
    size_t nodes = nodes_of(tree), frames = husk__index_count(&tree->frames);
    uint32_t *child = POOL_NEW(pool, uint32_t, nodes);
    uint32_t *sibling = child ? POOL_NEW(pool, uint32_t, nodes) : NULL;
    struct heap heap = { values(&tree->most), sibling ? POOL_NEW(pool, uint32_t, nodes) : NULL, 0 };
    tree->place = heap.at ? POOL_NEW(pool, uint32_t, nodes) : NULL;
    tree->cut = tree->place ? POOL_NEW(pool, uint32_t, nodes) : NULL;
    tree->frame_place = tree->cut ? POOL_NEW(pool, uint32_t, frames) : NULL;
    if (!tree->frame_place)
        return false;
    memset(tree->place, 0xFF, nodes * sizeof *tree->place);
    memset(tree->frame_place, 0xFF, frames * sizeof *tree->frame_place);
    for (size_t n = nodes; n-- > 1;) {
        uint64_t parent = husk__index_key(&tree->nodes, (uint32_t)n)[0];
        sibling[n] = child[parent];
        child[parent] = (uint32_t)n;
    }
    heap_push(&heap, 0);
    while (heap.count && (!count_of(&tree->shown) ||
                          husk__budget_take(budget, cost_of(tree, heap.at[0], child[heap.at[0]])))) {
        uint32_t node = heap_pop(&heap);
        if (!take(tree, node))
            return false;
        for (uint32_t c = child[node]; c; c = sibling[c])
            heap_push(&heap, c);
    }
    for (size_t n = 1; n < nodes; n++) {
        uint64_t parent = husk__index_key(&tree->nodes, (uint32_t)n)[0];
        if (tree->place[n] == INDEX_NONE && tree->place[parent] != INDEX_NONE)
            tree->cut[tree->place[parent]]++;
    }
    return true;
}

/* ---- writing ---- */

static void write_frames(struct husk__tree *tree, struct husk__json *json)
{
    husk__json_line(json);
    husk__json_key(json, "frames");
    husk__json_open(json, '[');
    for (size_t i = 0; i < count_of(&tree->frame_order); i++) {
        const uint64_t *key = husk__index_key(&tree->frames, numbers(&tree->frame_order)[i]);
        husk__json_open(json, '[');
        husk__json_u64(json, husk__book_name(tree->book, (uint32_t)key[0]));
        husk__json_u64(json, husk__book_name(tree->book, (uint32_t)key[1]));
        husk__json_u64(json, (uint32_t)key[2]);
        husk__json_u64(json, key[2] >> 32);
        if (key[3])
            husk__json_hex(json, key[3] - 1);
        husk__json_close(json, ']');
    }
    husk__json_close(json, ']');
}

/* Rows after the shown nodes: for each with cut children, their sum. */
static void write_shape(struct husk__tree *tree, struct husk__json *json)
{
    size_t shown = count_of(&tree->shown);
    husk__json_key(json, "parent");
    husk__json_open(json, '[');
    for (size_t i = 0; i < shown; i++) {
        uint32_t node = numbers(&tree->shown)[i];
        husk__json_i64(json, node ? (int64_t)tree->place[husk__index_key(&tree->nodes, node)[0]] : -1);
    }
    for (size_t i = 0; i < shown; i++)
        if (tree->cut[i])
            husk__json_u64(json, i);
    husk__json_close(json, ']');
    husk__json_key(json, "frame");
    husk__json_open(json, '[');
    for (size_t i = 0; i < shown; i++) {
        uint32_t node = numbers(&tree->shown)[i];
        husk__json_i64(json, node ? (int64_t)tree->frame_place[husk__index_key(&tree->nodes, node)[1]] : -1);
    }
    husk__json_close(json, ']');
    husk__json_key(json, "smaller");
    husk__json_open(json, '[');
    for (size_t i = 0; i < shown; i++)
        if (tree->cut[i])
            husk__json_u64(json, tree->cut[i]);
    husk__json_close(json, ']');
}

static void write_values(struct husk__tree *tree, struct husk__json *json, const uint64_t *cut, bool bytes)
{
    const struct value *now = values(&tree->now);
    husk__json_open(json, '[');
    for (size_t i = 0; i < count_of(&tree->shown); i++) {
        const struct value *value = &now[numbers(&tree->shown)[i]];
        husk__json_u64(json, bytes ? value->bytes : value->count);
    }
    for (size_t i = 0; i < count_of(&tree->shown); i++)
        if (tree->cut[i])
            husk__json_u64(json, cut[2 * i + !bytes]);
    husk__json_close(json, ']');
}

/* The values of the snapshot in `now`. */
static bool write_snapshot(struct husk__tree *tree, struct husk__json *json)
{
    struct husk__pool pool = { .count = 0 };
    uint64_t *cut = POOL_NEW(&pool, uint64_t, 2 * count_of(&tree->shown));
    if (!cut)
        return false;
    for (size_t n = 1; n < nodes_of(tree); n++) {
        uint32_t parent = tree->place[husk__index_key(&tree->nodes, (uint32_t)n)[0]];
        if (tree->place[n] == INDEX_NONE && parent != INDEX_NONE) {
            cut[2 * parent] += values(&tree->now)[n].bytes;
            cut[2 * parent + 1] += values(&tree->now)[n].count;
        }
    }
    husk__json_line(json);
    husk__json_open(json, '{');
    husk__json_key(json, "bytes");
    write_values(tree, json, cut, true);
    husk__json_key(json, "count");
    write_values(tree, json, cut, false);
    husk__json_close(json, '}');
    husk__pool_free(&pool);
    return true;
}

bool husk__tree_write(struct husk__tree *tree, struct husk__json *json)
{
    const struct husk__book *book = tree->book;
    write_frames(tree, json);
    husk__json_line(json);
    husk__json_key(json, "tree");
    husk__json_open(json, '{');
    write_shape(tree, json);
    husk__json_key(json, "values");
    husk__json_open(json, '[');
    bool ok = true;
    for (size_t d = 0; ok && d < book->details; d++)
        ok = fill(tree, book->snapshots[book->detail[d]]) && write_snapshot(tree, json);
    husk__json_close(json, ']');
    husk__json_close(json, '}');
    return ok;
}

void husk__tree_free(struct husk__tree *tree)
{
    husk__index_free(&tree->frames);
    husk__index_free(&tree->nodes);
    husk__grow_free(&tree->most);
    husk__grow_free(&tree->now);
    husk__grow_free(&tree->shown);
    husk__grow_free(&tree->frame_order);
}
