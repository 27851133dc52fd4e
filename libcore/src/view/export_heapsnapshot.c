/* view/export_heapsnapshot.c: Chrome's .heapsnapshot: nodes as rows of 7 numbers, edges as rows of 3 in the order of their
 * nodes, the places where nodes were made as a tree, and the strings that all of them name. As V8 writes it
 * (src/profiler/heap-snapshot-generator.cc) and DevTools reads it (front_end/entrypoints/heap_snapshot_worker).
 *
 *   node 0       the root, whose id is 1, by which readers know it
 *   1            "(GC roots)", as V8 calls what its own roots are found by; it refers to these four:
 *   2            "(held from outside)": objects that something beyond the snapshot refers to, and immortal ones
 *   3            "(unreached)": what these do not reach: garbage, until a pass finds it. One object of each
 *                beginning; and everything, if references were left out: "(references left out)"
 *   4, 5         "(buffers)", "(blocks)": memory that is no object, as native nodes
 *   6 ...        the objects, by address; then buffers and blocks
 *
 * The root refers to what is held from outside too, by shortcuts, as V8's does to global objects: readers count
 * distances from there, so that a great distance (shown as a dash) means garbage.
 *
 * Strings: those of the snapshot keep their numbers; then ours; then, for fields with an index whose edges need a
 * name ("key[3]"), one series each. Edges of a type's only indexed field are elements, with the bare number. The
 * value of a weak-key map is retained by its key, as V8 does it, and weakly referred to by the map. */
#include "view/export.h"
#include "view/reach.h"

#include <string.h>

/* Synthetic nodes, and the types' and edges' numbers in the lists of `meta`. */
enum { ROOT, GC_ROOTS, HELD, UNREACHED, BUFFERS, BLOCKS, SYNTHETIC };
enum { NODE_OBJECT = 3, NODE_NATIVE = 8, NODE_SYNTHETIC = 9, NODE_FIELDS = 7 };
enum {
    EDGE_OF_ELEMENT = 1,
    EDGE_OF_PROPERTY = 2,
    EDGE_OF_INTERNAL = 3,
    EDGE_OF_SHORTCUT = 5,
    EDGE_OF_WEAK = 6
};

static const char meta[] =
    "{\"snapshot\":{\"meta\":{\n"
    "\"node_fields\":[\"type\",\"name\",\"id\",\"self_size\",\"edge_count\",\"trace_node_id\","
    "\"detachedness\"],\n"
    "\"node_types\":[[\"hidden\",\"array\",\"string\",\"object\",\"code\",\"closure\",\"regexp\",\"number\","
    "\"native\",\"synthetic\",\"concatenated string\",\"sliced string\",\"symbol\",\"bigint\",\"object "
    "shape\"],"
    "\"string\",\"number\",\"number\",\"number\",\"number\",\"number\"],\n"
    "\"edge_fields\":[\"type\",\"name_or_index\",\"to_node\"],\n"
    "\"edge_types\":[[\"context\",\"element\",\"property\",\"internal\",\"hidden\",\"shortcut\",\"weak\"],"
    "\"string_or_number\",\"node\"],\n"
    "\"trace_function_info_fields\":[\"function_id\",\"name\",\"script_name\",\"script_id\",\"line\","
    "\"column\"],\n"
    "\"trace_node_fields\":[\"id\",\"function_info_index\",\"count\",\"size\",\"children\"],\n"
    "\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],\n"
    "\"location_fields\":[\"object_index\",\"script_id\",\"line\",\"column\"]},\n";

enum {
    S_GC_ROOTS,
    S_HELD,
    S_UNREACHED,
    S_LEFT_OUT,
    S_BUFFERS,
    S_BLOCKS,
    S_ROOT,
    S_BUFFER,
    S_BLOCK,
    S_ENTRY,
    S_OWN
};

static const char *const own_strings[S_OWN] = {
    [S_GC_ROOTS] = "(GC roots)",   [S_HELD] = "(held from outside)",
    [S_UNREACHED] = "(unreached)", [S_LEFT_OUT] = "(references left out)",
    [S_BUFFERS] = "(buffers)",     [S_BLOCKS] = "(blocks)",
    [S_ROOT] = "(root)",           [S_BUFFER] = "buffer",
    [S_BLOCK] = "block",           [S_ENTRY] = "value of an entry",
};

/* Names of edges of one field by index: string number first + index, for indexes below count. */
struct series {
    uint64_t first;
    uint32_t count;
    bool element; /* needs no names: the type's only indexed field, and strong */
};
/* A field with greater indexes has none beyond: such edges carry its name alone. */
enum { SERIES_MOST = 1 << 16 };

struct heap {
    const struct husk_snapshot *snapshot;
    struct husk__out *out;
    struct husk__reach reach;
    struct series *series; /* by row in FIELDS */
    uint64_t strings;      /* of the snapshot */
    uint64_t lowest;       /* address; ids follow addresses if all lie close enough */
    bool close;
    size_t held, firsts, buffers, blocks; /* edges of the synthetic nodes */
    uint32_t *child, *sibling;            /* of STACKS; 0: none */
    uint64_t *made_count, *made_bytes;
};

/* Rows of numbers: a comma before each row but the first. */
static void put_row(struct husk__out *out, bool *first, const uint64_t *numbers, size_t count)
{
    husk__out_text(out, *first ? "\n" : ",\n");
    *first = false;
    for (size_t i = 0; i < count; i++) {
        if (i)
            husk__out_char(out, ',');
        husk__out_u64(out, numbers[i]);
    }
}

/* ---- names of edges ---- */

/* How many indexed fields a type has decides how their edges are named. */
static void set_series(struct heap *h)
{
    const struct husk_snapshot *snapshot = h->snapshot;
    for (size_t t = 0; t < SNAP_COUNT(snapshot, TYPES); t++) {
        const struct husk__type_row *type = &SNAP(snapshot, TYPES)[t];
        size_t indexed = 0, at = 0;
        for (uint32_t f = type->field_first; f < type->field_first + type->field_count; f++)
            if (SNAP(snapshot, FIELDS)[f].flags & FIELD_INDEXED &&
                !(SNAP(snapshot, FIELDS)[f].flags & FIELD_MORE)) {
                indexed++;
                at = f;
            }
        if (indexed == 1 && SNAP(snapshot, FIELDS)[at].kind == EDGE_STRONG)
            h->series[at].element = true;
    }
    struct husk__edge_walk walk = husk__edges_of(snapshot, 0);
    for (size_t n = 0; n < h->reach.nodes; n++) {
        while (husk__edge_next(&walk)) {
            struct series *series = &h->series[walk.field - SNAP(snapshot, FIELDS)];
            if (walk.index < SERIES_MOST && !series->element && walk.index >= series->count)
                series->count = walk.index + 1;
        }
        husk__edges_next_node(&walk);
    }
    uint64_t next = h->strings + S_OWN;
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FIELDS); f++) {
        h->series[f].first = next;
        next += h->series[f].count;
    }
}

static uint64_t edge_name(const struct heap *h, const struct husk__edge_walk *walk)
{
    const struct series *series = &h->series[walk->field - SNAP(h->snapshot, FIELDS)];
    return walk->index < series->count ? series->first + walk->index : walk->field->name;
}

/* ---- nodes ---- */

/* Odd, below 2^32 as readers keep them, and the same for the same object in a later snapshot of the process, as long
 * as the objects, which begin at multiples of 8, lie within 16 GiB; otherwise numbered. */
static uint64_t id_of(const struct heap *h, size_t node)
{
    uint64_t eighth = husk__node_address(&SNAP(h->snapshot, NODES)[node]) / 8;
    return (h->close ? eighth & 0x7FFFFFFF : node + 1) * 2 + 1;
}

static uint64_t trace_node_of(const struct heap *h, uint32_t site)
{
    uint32_t record = site & SITE_RECORD;
    return record ? (uint64_t)SNAP(h->snapshot, RECORDS)[record].stack + 1 : 0;
}

static void put_nodes(struct heap *h)
{
    const struct husk_snapshot *snapshot = h->snapshot;
    const uint64_t own = h->strings;
    bool left_out = husk_snapshot_text(snapshot, "edges");
    const uint64_t synthetic[SYNTHETIC][2] = {
        { 0, 1 + h->held },
        { own + S_GC_ROOTS, SYNTHETIC - HELD },
        { own + S_HELD, h->held },
        { own + (left_out ? S_LEFT_OUT : S_UNREACHED), h->firsts },
        { own + S_BUFFERS, h->buffers },
        { own + S_BLOCKS, h->blocks },
    };
    bool first = true;
    husk__out_text(h->out, "\"nodes\":[");
    for (size_t s = 0; s < SYNTHETIC; s++)
        put_row(
            h->out, &first,
            (const uint64_t[]){ NODE_SYNTHETIC, synthetic[s][0], s ? 2 * s : 1, 0, synthetic[s][1], 0, 0 },
            NODE_FIELDS);
    size_t entry = 0;
    for (size_t n = 0; n < h->reach.nodes && !h->out->refused; n++) {
        size_t edges = husk__node_degree(snapshot, n);
        for (; entry < h->reach.entry_count && h->reach.entries[entry].key == n; entry++)
            edges++;
        const struct husk__node *node = &SNAP(snapshot, NODES)[n];
        put_row(h->out, &first,
                (const uint64_t[]){ NODE_OBJECT, SNAP(snapshot, TYPES)[husk__node_type(node)].name,
                                    id_of(h, n), husk__node_size(snapshot, n), edges,
                                    trace_node_of(h, husk__node_site(snapshot, n)), 0 },
                NODE_FIELDS);
    }
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS) && !h->out->refused; b++) {
        const struct husk__block *block = &SNAP(snapshot, BLOCKS)[b];
        put_row(h->out, &first,
                (const uint64_t[]){ NODE_NATIVE, own + (block->kind == BLOCK_BUFFER ? S_BUFFER : S_BLOCK),
                                    2 * (SYNTHETIC + b) + 2, block->size, 0, trace_node_of(h, block->site),
                                    0 },
                NODE_FIELDS);
    }
    husk__out_text(h->out, "],\n");
}

/* ---- edges ---- */

static void put_edge(struct heap *h, bool *first, uint64_t kind, uint64_t name, uint64_t to)
{
    put_row(h->out, first, (const uint64_t[]){ kind, name, to * NODE_FIELDS }, 3);
}

static bool is_held(const struct heap *h, size_t node)
{
    return husk__node_hidden(h->snapshot, node) > 0 || SNAP(h->snapshot, NODES)[node].flags & NODE_IMMORTAL;
}

static void put_synthetic_edges(struct heap *h, bool *first)
{
    uint64_t index = 0;
    for (size_t n = 0; n < h->reach.nodes; n++)
        if (is_held(h, n))
            put_edge(h, first, EDGE_OF_SHORTCUT, h->strings + S_HELD, SYNTHETIC + n);
    put_edge(h, first, EDGE_OF_ELEMENT, 1, GC_ROOTS);
    for (uint64_t s = HELD; s < SYNTHETIC; s++)
        put_edge(h, first, EDGE_OF_ELEMENT, s, s);
    for (size_t n = 0; n < h->reach.nodes; n++)
        if (is_held(h, n))
            put_edge(h, first, EDGE_OF_ELEMENT, index++, SYNTHETIC + n);
    index = 0;
    for (size_t n = 0; n < h->reach.nodes; n++)
        if (h->reach.flags[n] & REACH_FIRST)
            put_edge(h, first, EDGE_OF_ELEMENT, index++, SYNTHETIC + n);
    for (uint32_t kind = BLOCK_BUFFER; kind <= BLOCK_FOREIGN; kind++) {
        index = 0;
        for (size_t b = 0; b < SNAP_COUNT(h->snapshot, BLOCKS); b++)
            if (SNAP(h->snapshot, BLOCKS)[b].kind == kind)
                put_edge(h, first, EDGE_OF_ELEMENT, index++, SYNTHETIC + h->reach.nodes + b);
    }
}

static void put_edges(struct heap *h)
{
    bool first = true;
    husk__out_text(h->out, "\"edges\":[");
    put_synthetic_edges(h, &first);
    struct husk__edge_walk walk = husk__edges_of(h->snapshot, 0);
    size_t entry = 0;
    for (size_t n = 0; n < h->reach.nodes && !h->out->refused; n++) {
        struct husk__entry_walk at = husk__entry_walk_begin();
        while (husk__edge_next(&walk)) {
            enum husk__keeping keeping = husk__entry_walk_next(&at, &walk);
            const struct series *series = &h->series[walk.field - SNAP(h->snapshot, FIELDS)];
            if (keeping == KEEPS_HERE && series->element && walk.index != UINT32_MAX)
                put_edge(h, &first, EDGE_OF_ELEMENT, walk.index, SYNTHETIC + (uint64_t)walk.to);
            else
                put_edge(h, &first, keeping == KEEPS_HERE ? EDGE_OF_PROPERTY : EDGE_OF_WEAK,
                         edge_name(h, &walk), SYNTHETIC + (uint64_t)walk.to);
        }
        for (; entry < h->reach.entry_count && h->reach.entries[entry].key == n; entry++)
            put_edge(h, &first, EDGE_OF_INTERNAL, h->strings + S_ENTRY,
                     SYNTHETIC + (uint64_t)h->reach.entries[entry].value);
        husk__edges_next_node(&walk);
    }
    husk__out_text(h->out, "],\n");
}

/* ---- places ---- */

static void put_functions(struct heap *h)
{
    const struct husk_snapshot *snapshot = h->snapshot;
    bool first = true;
    husk__out_text(h->out, "\"trace_function_infos\":[");
    put_row(h->out, &first, (const uint64_t[]){ 0, h->strings + S_ROOT, 0, 0, 0, 0 }, 6);
    for (size_t f = 1; f < SNAP_COUNT(snapshot, FRAMES) && !h->out->refused; f++) {
        const struct husk__frame *frame = &SNAP(snapshot, FRAMES)[f];
        uint64_t file = frame->file ? frame->file : SNAP(snapshot, MODULES)[frame->module].path;
        uint64_t name = frame->function ? frame->function : file;
        put_row(h->out, &first, (const uint64_t[]){ f, name, file, file, frame->line, 0 }, 6);
    }
    husk__out_text(h->out, "],\n");
}

/* Without recursion: down to the first child, to the right, and up. */
static void put_tree(struct heap *h)
{
    const struct husk__stack *stacks = SNAP(h->snapshot, STACKS);
    husk__out_text(h->out, "\"trace_tree\":[");
    uint32_t stack = 0;
    for (;;) {
        husk__out_u64(h->out, (uint64_t)stack + 1);
        husk__out_char(h->out, ',');
        husk__out_u64(h->out, stacks[stack].frame);
        husk__out_char(h->out, ',');
        husk__out_u64(h->out, h->made_count[stack]);
        husk__out_char(h->out, ',');
        husk__out_u64(h->out, h->made_bytes[stack]);
        husk__out_text(h->out, ",[");
        if (h->child[stack] && !h->out->refused) {
            husk__out_char(h->out, '\n');
            stack = h->child[stack];
            continue;
        }
        while (stack && !h->sibling[stack]) {
            husk__out_char(h->out, ']');
            stack = stacks[stack].parent;
        }
        husk__out_char(h->out, ']');
        if (!stack)
            break;
        husk__out_text(h->out, ",\n");
        stack = h->sibling[stack];
    }
    husk__out_text(h->out, "],\n");
}

/* ---- strings ---- */

static void put_strings(struct heap *h)
{
    struct husk__json json;
    husk__json_begin(&json, h->out);
    husk__json_open(&json, '[');
    for (size_t s = 0; s < h->strings && !h->out->refused; s++) {
        husk__json_line(&json);
        husk__json_snap(&json, h->snapshot, (uint32_t)s);
    }
    for (size_t s = 0; s < S_OWN; s++) {
        husk__json_line(&json);
        husk__json_text(&json, own_strings[s]);
    }
    for (size_t f = 0; f < SNAP_COUNT(h->snapshot, FIELDS); f++)
        for (uint32_t i = 0; i < h->series[f].count && !h->out->refused; i++) {
            husk__json_line(&json);
            husk__json_open(&json, '"');
            husk__out_string(h->out, &husk__json_escape, h->snapshot, SNAP(h->snapshot, FIELDS)[f].name);
            husk__out_format(h->out, "[%u]", i);
            husk__json_close(&json, '"');
        }
    husk__json_close(&json, ']');
}

/* ---- all of it ---- */

static bool prepare(struct heap *h, struct husk__pool *pool)
{
    const struct husk_snapshot *snapshot = h->snapshot;
    if (!husk__reach_make(snapshot, pool, &h->reach) ||
        !husk__made_by_stack(snapshot, pool, &h->made_count, &h->made_bytes))
        return false;
    h->series = POOL_NEW(pool, struct series, SNAP_COUNT(snapshot, FIELDS));
    h->child = h->series ? POOL_NEW(pool, uint32_t, SNAP_COUNT(snapshot, STACKS)) : NULL;
    h->sibling = h->child ? POOL_NEW(pool, uint32_t, SNAP_COUNT(snapshot, STACKS)) : NULL;
    if (!h->sibling)
        return false;
    set_series(h);
    for (size_t s = SNAP_COUNT(snapshot, STACKS) - 1; s > 0; s--) {
        uint32_t parent = SNAP(snapshot, STACKS)[s].parent;
        h->sibling[s] = h->child[parent];
        h->child[parent] = (uint32_t)s;
    }
    for (size_t n = 0; n < h->reach.nodes; n++) {
        h->held += is_held(h, n);
        h->firsts += (h->reach.flags[n] & REACH_FIRST) != 0;
    }
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS); b++)
        *(SNAP(snapshot, BLOCKS)[b].kind == BLOCK_BUFFER ? &h->buffers : &h->blocks) += 1;
    h->close = h->reach.nodes == 0 || husk__node_address(&SNAP(snapshot, NODES)[h->reach.nodes - 1]) -
                                              husk__node_address(&SNAP(snapshot, NODES)[0]) <
                                          (uint64_t)16 << 30;
    return true;
}

husk_status husk__export_heapsnapshot(struct husk__export *export)
{
    struct husk__pool pool = { .count = 0 };
    struct heap h = { .snapshot = export->snapshot, .out = export->out };
    h.strings = SNAP_COUNT(h.snapshot, STRING_OFF) - 1;
    bool ok = prepare(&h, &pool);
    if (ok) {
        uint64_t edges = SYNTHETIC - 1 + 2 * h.held + h.firsts + h.buffers + h.blocks +
                         SNAP_COUNT(h.snapshot, EDGE_DST) + h.reach.entry_count;
        husk__out_text(h.out, meta);
        husk__out_format(h.out, "\"node_count\":%zu,\"edge_count\":%zu,\"trace_function_count\":%zu},\n",
                         SYNTHETIC + h.reach.nodes + SNAP_COUNT(h.snapshot, BLOCKS), (size_t)edges,
                         SNAP_COUNT(h.snapshot, FRAMES));
        put_nodes(&h);
        put_edges(&h);
        put_functions(&h);
        put_tree(&h);
        husk__out_text(h.out, "\"samples\":[],\n\"locations\":[],\n\"strings\":");
        put_strings(&h);
        husk__out_text(h.out, "}\n");
    }
    husk__pool_free(&pool);
    return ok ? HUSK_OK : husk__export_no_memory();
}
