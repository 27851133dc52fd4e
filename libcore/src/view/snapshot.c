/* view/snapshot.c: reading a snapshot. Building is snapbuild.c, taking take.c, the file snapfile.c. */
#include "view/snapshot.h"

#include "base/memory.h"

#include <string.h>

const char *husk__snap_text(const struct husk_snapshot *snapshot, uint32_t string, size_t *length)
{
    const uint64_t *off = SNAP(snapshot, STRING_OFF);
    if (length)
        *length = (size_t)(off[string + 1] - off[string]) - 1; /* less its NUL */
    return SNAP(snapshot, STRINGS) + off[string];
}

uint64_t husk__snap_spilled(const struct husk_snapshot *snapshot, size_t node, unsigned column)
{
    const struct husk__spill *rows = SNAP(snapshot, SPILL);
    size_t low = 0, high = SNAP_COUNT(snapshot, SPILL);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct husk__spill *row = &rows[middle];
        if (row->node < node || (row->node == node && row->column < column))
            low = middle + 1;
        else
            high = middle;
    }
    ALWAYS(low < SNAP_COUNT(snapshot, SPILL) && rows[low].node == node && rows[low].column == column,
           "snapshot: node %zu has no exact value of column %u", node, column);
    return rows[low].value;
}

/* ---- edges ---- */

static const struct husk__type_row *type_of(const struct husk_snapshot *snapshot, size_t node)
{
    return &SNAP(snapshot, TYPES)[husk__node_type(&SNAP(snapshot, NODES)[node])];
}

static bool is_indexed(const struct husk__field *field)
{
    return field->flags & FIELD_INDEXED;
}

/* Leaves out the next `count` edges of the walk's node. Those of a list, which may be a million, at once. */
static void skip(struct husk__edge_walk *walk, size_t count)
{
    const struct husk_snapshot *snapshot = walk->snapshot;
    const struct husk__type_row *type = type_of(snapshot, walk->node);
    const struct husk__field *fields = SNAP(snapshot, FIELDS) + type->field_first;
    if (type->field_count == 1)
        walk->indexed += is_indexed(fields) ? count : 0;
    else if (SNAP_COUNT(snapshot, EDGE_INDEX))
        for (size_t e = walk->edge; e < walk->edge + count; e++)
            walk->indexed += is_indexed(&fields[SNAP(snapshot, EDGE_FIELD)[e]]);
    walk->edge += count;
}

struct husk__edge_walk husk__edges_of(const struct husk_snapshot *snapshot, size_t node)
{
    struct husk__edge_walk walk = { snapshot, node, 0, 0, 0, 0, NULL, UINT32_MAX };
    if (!SNAP_COUNT(snapshot, EDGE_OFF) || node >= SNAP_COUNT(snapshot, NODES))
        return walk;
    size_t group = node / 64;
    walk.edge = (size_t)SNAP(snapshot, EDGE_OFF)[group];
    walk.indexed = SNAP_COUNT(snapshot, EDGE_INDEX_OFF) ? (size_t)SNAP(snapshot, EDGE_INDEX_OFF)[group] : 0;
    for (walk.node = group * 64; walk.node < node; walk.node++)
        skip(&walk, husk__node_degree(snapshot, walk.node));
    walk.left = husk__node_degree(snapshot, node);
    return walk;
}

bool husk__edge_next(struct husk__edge_walk *walk)
{
    if (!walk->left)
        return false;
    walk->left--;
    const struct husk__field *fields =
        SNAP(walk->snapshot, FIELDS) + type_of(walk->snapshot, walk->node)->field_first;
    walk->to = SNAP(walk->snapshot, EDGE_DST)[walk->edge];
    walk->field = &fields[SNAP(walk->snapshot, EDGE_FIELD)[walk->edge]];
    walk->edge++;
    walk->index = UINT32_MAX;
    if (is_indexed(walk->field))
        walk->index = SNAP(walk->snapshot, EDGE_INDEX)[walk->indexed++];
    if (walk->field->flags & FIELD_MORE) {
        walk->field = &fields[walk->index + 1];
        walk->index = UINT32_MAX;
    }
    return true;
}

void husk__edges_next_node(struct husk__edge_walk *walk)
{
    walk->node++;
    walk->left = SNAP_COUNT(walk->snapshot, EDGE_OFF) && walk->node < SNAP_COUNT(walk->snapshot, NODES)
                     ? husk__node_degree(walk->snapshot, walk->node)
                     : 0;
}

bool husk_snapshot_edge_at(const husk_snapshot *snapshot, size_t node, size_t edge, husk_snapshot_edge *out)
{
    struct husk__edge_walk walk = husk__edges_of(snapshot, node);
    if (edge >= walk.left)
        return false;
    skip(&walk, edge);
    (void)husk__edge_next(&walk);
    *out = (husk_snapshot_edge){ walk.to,
                                 walk.field->name ? husk__snap_text(snapshot, walk.field->name, NULL) : NULL,
                                 walk.field->kind == EDGE_WEAK, walk.field->kind == EDGE_EPHEMERON,
                                 walk.index == UINT32_MAX ? SIZE_MAX : walk.index };
    return true;
}

/* ---- nodes ---- */

bool husk_snapshot_node(const husk_snapshot *snapshot, size_t index, husk_node *out)
{
    if (index >= SNAP_COUNT(snapshot, NODES))
        return false;
    const struct husk__node *node = &SNAP(snapshot, NODES)[index];
    uint32_t record = husk__node_site(snapshot, index) & SITE_RECORD;
    *out = (husk_node){
        .address = husk__node_address(node),
        .type = husk__snap_text(snapshot, SNAP(snapshot, TYPES)[husk__node_type(node)].name, NULL),
        .size = (size_t)husk__node_size(snapshot, index),
        .edges = husk__node_degree(snapshot, index),
        .hidden = husk__node_hidden(snapshot, index),
        .tracked = node->flags & NODE_TRACKED,
        .finalized = node->flags & NODE_FINALIZED,
        .finalizer_pending = node->flags & NODE_PENDING,
        .frozen = node->flags & NODE_FROZEN,
        .immortal = node->flags & NODE_IMMORTAL,
        .weakly = node->flags & NODE_WEAKLY,
        .stack = SNAP(snapshot, RECORDS)[record].stack,
        .record = record,
    };
    return true;
}

size_t husk_snapshot_find(const husk_snapshot *snapshot, uint64_t address)
{
    const struct husk__node *nodes = SNAP(snapshot, NODES);
    size_t low = 0, high = SNAP_COUNT(snapshot, NODES);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (husk__node_address(&nodes[middle]) < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < SNAP_COUNT(snapshot, NODES) && husk__node_address(&nodes[low]) == address ? low : SIZE_MAX;
}

/* ---- tracebacks ---- */

bool husk_snapshot_frame(const husk_snapshot *snapshot, uint32_t stack, size_t index, husk_frame *out)
{
    if (stack >= SNAP_COUNT(snapshot, STACKS))
        return false;
    const struct husk__stack *stacks = SNAP(snapshot, STACKS);
    for (; stack && index; index--)
        stack = stacks[stack].parent;
    if (!stack)
        return false;
    const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[stacks[stack].frame];
    *out = (husk_frame){
        .file = husk__snap_text(snapshot, frame->file, NULL),
        .function = husk__snap_text(snapshot, frame->function, NULL),
        .line = frame->line,
        .module = husk__snap_text(snapshot, SNAP(snapshot, MODULES)[frame->module].path, NULL),
        .address = frame->address,
    };
    return true;
}

uint32_t husk_snapshot_caller(const husk_snapshot *snapshot, uint32_t stack)
{
    return stack < SNAP_COUNT(snapshot, STACKS) ? SNAP(snapshot, STACKS)[stack].parent : 0;
}

size_t husk_snapshot_depth(const husk_snapshot *snapshot, uint32_t stack)
{
    return stack < SNAP_COUNT(snapshot, STACKS) ? SNAP(snapshot, STACKS)[stack].depth : 0;
}

size_t husk_snapshot_total_depth(const husk_snapshot *snapshot, uint32_t stack)
{
    return stack < SNAP_COUNT(snapshot, STACKS) ? SNAP(snapshot, STACKS)[stack].total : 0;
}

/* ---- texts and numbers ---- */

const char *husk_snapshot_text(const husk_snapshot *snapshot, const char *key)
{
    const struct husk__meta *meta = SNAP(snapshot, META);
    for (size_t i = SNAP_COUNT(snapshot, META); i-- > 0;) /* the latest counts */
        if (strcmp(husk__snap_text(snapshot, meta[i].key, NULL), key) == 0)
            return husk__snap_text(snapshot, meta[i].value, NULL);
    return NULL;
}

const char *husk_snapshot_text_key(const husk_snapshot *snapshot, size_t index)
{
    return index < SNAP_COUNT(snapshot, META)
               ? husk__snap_text(snapshot, SNAP(snapshot, META)[index].key, NULL)
               : NULL;
}

bool husk_snapshot_figure_at(const husk_snapshot *snapshot, size_t index, husk_snapshot_figure *out)
{
    if (index >= SNAP_COUNT(snapshot, NUMBERS))
        return false;
    const struct husk__number *number = &SNAP(snapshot, NUMBERS)[index];
    *out = (husk_snapshot_figure){ husk__snap_text(snapshot, number->group, NULL),
                                   husk__snap_text(snapshot, number->name, NULL), number->value };
    return true;
}

husk_status husk_snapshot_number(const husk_snapshot *snapshot, const char *group, const char *name,
                                 uint64_t *out)
{
    husk_snapshot_figure figure;
    for (size_t i = 0; husk_snapshot_figure_at(snapshot, i, &figure); i++)
        if (strcmp(figure.group, group) == 0 && strcmp(figure.name, name) == 0) {
            *out = figure.value;
            return HUSK_OK;
        }
    return husk_fail(HUSK_EMISSING, "the snapshot has no number %s of %s", name, group);
}

/* ---- sums and the end ---- */

/* Edges that do not keep alive by themselves; where no type has such fields, no edge need be looked at. */
static size_t weak_edges(const struct husk_snapshot *snapshot)
{
    bool any = false;
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FIELDS); f++)
        any = any || SNAP(snapshot, FIELDS)[f].kind != EDGE_STRONG;
    size_t count = 0;
    struct husk__edge_walk walk = husk__edges_of(snapshot, 0);
    for (size_t n = 0; any && n < SNAP_COUNT(snapshot, NODES); n++) {
        while (husk__edge_next(&walk))
            count += walk.field->kind != EDGE_STRONG;
        husk__edges_next_node(&walk);
    }
    return count;
}

void husk_snapshot_counts_get(const husk_snapshot *snapshot, husk_snapshot_counts *out)
{
    *out = (husk_snapshot_counts){
        .objects = SNAP_COUNT(snapshot, NODES),
        .types = SNAP_COUNT(snapshot, TYPES) - 1,
        .records = SNAP_COUNT(snapshot, RECORDS) - 1,
        .stacks = SNAP_COUNT(snapshot, STACKS) - 1,
        .frames = SNAP_COUNT(snapshot, FRAMES) - 1,
    };
    out->weak_edges = weak_edges(snapshot);
    out->edges = SNAP_COUNT(snapshot, EDGE_DST) - out->weak_edges;
    for (size_t n = 0; n < out->objects; n++) {
        out->object_bytes += (size_t)husk__node_size(snapshot, n);
        out->traced += husk__node_site(snapshot, n) != 0;
    }
    const struct husk__block *blocks = SNAP(snapshot, BLOCKS);
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS); b++) {
        bool buffer = blocks[b].kind == BLOCK_BUFFER;
        *(buffer ? &out->buffers : &out->blocks) += 1;
        *(buffer ? &out->buffer_bytes : &out->block_bytes) += (size_t)blocks[b].size;
        out->traced += blocks[b].site != 0;
    }
    for (unsigned k = 1; k < SECTIONS; k++)
        out->bytes += snapshot->sections[k].count * husk__section_item(k);
}

void husk_snapshot_free(husk_snapshot *snapshot)
{
    if (!snapshot)
        return;
    for (unsigned k = 1; k < SECTIONS; k++)
        husk__grow_free(&snapshot->own[k]);
    for (unsigned i = 0; i < snapshot->outgrown_count; i++)
        husk__grow_free(&snapshot->outgrown[i]);
    if (snapshot->map)
        husk__memory_release(snapshot->map, snapshot->map_bytes);
    husk__raw_free(snapshot->string_table, snapshot->string_room * sizeof(uint32_t));
    husk__raw_free(snapshot, sizeof *snapshot);
}
