/* view/takegraph.c: the objects of a live heap and what they refer to: one walk, which writes nodes and edges as it
 * goes. The rows of their types are taketypes.c.
 *
 * An object's number must be known wherever a reference to it is met. It is the number of its page's first
 * object plus its rank in the page: the first stands in the page's record (`members`, 0 outside passes);
 * the second is worked out from the address if all blocks before it are objects, else it stands in the
 * side table, which is anybody's between two searches, and zero. So no table of addresses is built. Targets
 * lie anywhere: each would be a miss or two, so they are looked up by the hundred, with all their loads on
 * the way. */
#include "view/take.h"

#include "object/tie.h"
#include "object/visit.h"
#include "object/weak.h"

enum {
    RANK_NONE = 0xFFFF, /* of an object that is dying: nobody refers to it any more */
    EDGES_AT_ONCE = 4096,
    TARGETS = 256,      /* so many are looked up together; those of an object without items fit */
    EDGES_EXPECTED = 8, /* an object, at most */
};

#define TARGET_WEAK ((uintptr_t)1) /* in an address: the reference is not counted */

struct taking {
    struct husk_snapshot *snapshot;
    husk_heap *heap;
    bool failed;
    bool edges, sites;
    int32_t *hidden; /* of each node: its count less the references seen so far */
    struct husk__take_types types;
    size_t node_count;
    size_t objects, edges_expected; /* in the heap */
    /* the edges of the object at hand, and where the next one goes */
    const struct husk_type *type;
    uint32_t row, field_first, field_count; /* of its type */
    bool plain;                             /* all its edges are references in fields */
    size_t of_type;                         /* objects since the type last changed */
    size_t edge_count, edge_room, index_count, degree;
    uint32_t *dst, *index;
    uint8_t *field;
    size_t index_room;
    /* targets of the latest edges, whose numbers are still to be looked up: addresses, with TARGET_WEAK */
    uintptr_t targets[TARGETS];
    size_t target_count;
    bool dying; /* there are objects that are not shown: each target must be looked at first */
    uint32_t reciprocals[2 * HUSK__CLASSES]; /* 2^32 by the bytes of a block, rounded up */
};

static uint16_t *rank_of(const husk_obj *obj)
{
    uintptr_t offset = (uintptr_t)obj & (HUSK__CHUNK - 1);
    return (uint16_t *)(void *)husk__chunk_of(obj) + (offset >> HUSK__GRANULE_SHIFT);
}

static bool is_shown(const husk_obj *obj)
{
    return husk__is_object(obj) && !husk__is_dying(obj);
}

/* ---- numbers ---- */

static uint32_t count_shown(const struct husk__page *page)
{
    uint32_t count = 0;
    for (HUSK__EACH_BLOCK(page, obj))
        count += is_shown(obj);
    return count;
}

/* The page's objects are not one behind the other: their ranks are noted. For the time of a snapshot the
 * page's place in the collector's queue, of which there is none now, says so. */
static void note_ranks(struct taking *taking, struct husk__page *page)
{
    uint16_t rank = 0;
    page->queued_next = page;
    for (HUSK__EACH_BLOCK(page, obj))
        if (is_shown(obj)) {
            *rank_of(obj) = rank++;
        } else {
            *rank_of(obj) = RANK_NONE;
            taking->dying = taking->dying || husk__is_object(obj);
        }
}

/* Fields of the page's first object, by which its neighbours are judged: memory is had ahead for so many. */
static size_t fields_of_first(const struct husk__page *page)
{
    const husk_obj *first = (const husk_obj *)(const void *)husk__page_start(page);
    size_t count = page->fresh && is_shown(first) ? husk__type_of(first)->field_count : 0;
    return count < EDGES_EXPECTED ? count : EDGES_EXPECTED;
}

static void number_all(struct taking *taking)
{
    taking->heap->on_table(taking->heap);
    for (size_t bin = 0; bin < 2 * HUSK__CLASSES; bin++) {
        uint32_t block = husk__class_bytes[bin % HUSK__CLASSES];
        taking->reciprocals[bin] = (uint32_t)((((uint64_t)1 << 32) + block - 1) / block);
    }
    struct husk__page_walk walk = { &taking->heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        uint32_t count = count_shown(page);
        page->members = (uint32_t)taking->objects;
        if (count != page->fresh || page->state == HUSK__PAGE_RUN)
            note_ranks(taking, page);
        taking->objects += count;
        taking->edges_expected += count * fields_of_first(page);
    }
}

static void unnumber(const husk_heap *heap)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        page->members = 0;
        if (page->queued_next)
            husk__page_side_zero(page);
        page->queued_next = NULL;
    }
}

/* An object's rank in a page without gaps: offset / block. An offset is below 2^16, so the excess of the
 * rounded reciprocal, below 2^-32 * block, never reaches the next whole number. */
ALWAYS_INLINE uint32_t rank_by_address(const struct taking *taking, const struct husk__page *page,
                                       uintptr_t at)
{
    uint64_t offset = at & (HUSK__PAGE - 1);
    return (uint32_t)(offset * taking->reciprocals[page->bin] >> 32);
}

/* ---- types ---- */

static struct husk__type_row *type_rows_of(struct husk_snapshot *snapshot)
{
    return (struct husk__type_row *)(void *)snapshot->own[SECTION_TYPES].at;
}

/* Notes how many objects of the type there were. */
static void settle_type(struct taking *taking)
{
    type_rows_of(taking->snapshot)[taking->row].instances += taking->of_type;
    taking->of_type = 0;
}

/* The objects that come next are of this type. */
static NEVER_INLINE bool turn_to(struct taking *taking, const husk_type *type)
{
    uint32_t row = husk__take_type(taking->snapshot, &taking->types, type);
    if (!row)
        return false;
    settle_type(taking);
    taking->type = type;
    taking->row = row;
    taking->plain = !(type->flags & (TYPE_VARYING | TYPE_TIED | TYPE_WEAK)) &&
                    type->slot_count <= FIELD_LAST && !taking->dying;
    taking->field_first = type_rows_of(taking->snapshot)[row].field_first;
    taking->field_count = type_rows_of(taking->snapshot)[row].field_count;
    return true;
}

/* ---- edges ---- */

/* Room for the next EDGES_AT_ONCE. What is not used of it is given back at the end. */
static bool more_edges(struct taking *taking)
{
    struct husk_snapshot *snapshot = taking->snapshot;
    uint32_t *dst = husk__snap_add(snapshot, SECTION_EDGE_DST, EDGES_AT_ONCE);
    uint8_t *field = dst ? husk__snap_add(snapshot, SECTION_EDGE_FIELD, EDGES_AT_ONCE) : NULL;
    if (!field) {
        taking->failed = true;
        return false;
    }
    taking->edge_room += EDGES_AT_ONCE;
    taking->dst = (uint32_t *)(void *)snapshot->own[SECTION_EDGE_DST].at; /* they may have moved */
    taking->field = (uint8_t *)snapshot->own[SECTION_EDGE_FIELD].at;
    return true;
}

static bool more_indexes(struct taking *taking)
{
    if (!husk__snap_add(taking->snapshot, SECTION_EDGE_INDEX, EDGES_AT_ONCE)) {
        taking->failed = true;
        return false;
    }
    taking->index_room += EDGES_AT_ONCE;
    taking->index = (uint32_t *)(void *)taking->snapshot->own[SECTION_EDGE_INDEX].at;
    return true;
}

/* Gives back what more_edges and more_indexes had in excess. */
static void trim_edges(struct taking *taking)
{
    struct husk_snapshot *snapshot = taking->snapshot;
    size_t edges = taking->edge_room - taking->edge_count, indexes = taking->index_room - taking->index_count;
    snapshot->own[SECTION_EDGE_DST].used -= edges * sizeof(uint32_t);
    snapshot->own[SECTION_EDGE_FIELD].used -= edges;
    snapshot->own[SECTION_EDGE_INDEX].used -= indexes * sizeof(uint32_t);
    snapshot->taken -= edges * (sizeof(uint32_t) + 1) + indexes * sizeof(uint32_t);
    if (!taking->index_count)
        husk__snap_drop(snapshot, SECTION_EDGE_INDEX_OFF);
}

/* The numbers of the latest targets go where they belong: first those that an address tells, while the
 * ranks of the others are fetched. */
static __attribute__((noinline)) void look_up(struct taking *taking)
{
    uint32_t *dst = taking->dst + taking->edge_count - taking->target_count;
    size_t count = taking->target_count, noted_count = 0;
    uint16_t noted[TARGETS];
    for (size_t i = 0; i < count; i++) {
        uintptr_t at = taking->targets[i];
        const struct husk__page *page = husk__page_of((const void *)at);
        dst[i] = page->members;
        if (LIKELY(!page->queued_next)) {
            dst[i] += rank_by_address(taking, page, at);
            __builtin_prefetch(&taking->hidden[dst[i]], 1);
        } else {
            noted[noted_count++] = (uint16_t)i;
            __builtin_prefetch(rank_of((const husk_obj *)at));
        }
    }
    for (size_t n = 0; n < noted_count; n++) {
        size_t i = noted[n];
        dst[i] += *rank_of((const husk_obj *)taking->targets[i]);
        __builtin_prefetch(&taking->hidden[dst[i]], 1);
    }
    for (size_t i = 0; i < count; i++)
        taking->hidden[dst[i]] -= !(taking->targets[i] & TARGET_WEAK);
    taking->target_count = 0;
}

ALWAYS_INLINE void expect_target(const husk_obj *child)
{
    __builtin_prefetch(husk__page_of(child));
}

static void add_edge(struct taking *taking, const husk_obj *child, size_t field, size_t index, bool counted)
{
    if (UNLIKELY(taking->dying) && husk__page_of(child)->queued_next && *rank_of(child) == RANK_NONE)
        return;
    if (UNLIKELY(taking->edge_count == taking->edge_room) && !more_edges(taking))
        return;
    if (UNLIKELY(taking->target_count == TARGETS))
        look_up(taking);
    expect_target(child);
    taking->targets[taking->target_count++] = (uintptr_t)child | (counted ? 0 : TARGET_WEAK);
    const struct husk__field *fields =
        (const struct husk__field *)(void *)taking->snapshot->own[SECTION_FIELDS].at;
    if (UNLIKELY(field >= FIELD_LAST) && taking->field_count > FIELD_LAST) {
        index = field;
        field = FIELD_LAST;
    }
    taking->field[taking->edge_count] = (uint8_t)field;
    taking->edge_count++;
    taking->degree++;
    if (fields[taking->field_first + field].flags & FIELD_INDEXED) {
        if (taking->index_count == taking->index_room && !more_indexes(taking))
            return;
        taking->index[taking->index_count++] = (uint32_t)index;
    }
}

/* The usual edges: references in fields that all have a number. */
struct plain {
    uintptr_t *target;
    uint8_t *field;
};

ALWAYS_INLINE void add_plain_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    struct plain *next = context;
    (void)index;
    expect_target(child);
    *next->target++ = (uintptr_t)child;
    *next->field++ = (uint8_t)slot;
}

ALWAYS_INLINE void add_plain(struct taking *taking, husk_obj *obj)
{
    const husk_type *type = taking->type;
    taking->degree = 0;
    if (UNLIKELY(taking->edge_room - taking->edge_count < type->field_count) && !more_edges(taking))
        return;
    if (UNLIKELY(TARGETS - taking->target_count < type->field_count))
        look_up(taking);
    struct plain next = { taking->targets + taking->target_count, taking->field + taking->edge_count };
    husk__visit_fields(type, obj, add_plain_child, &next);
    taking->degree = (size_t)(next.target - taking->targets) - taking->target_count;
    taking->target_count += taking->degree;
    taking->edge_count += taking->degree;
}

static void add_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    add_edge(context, child, slot, index, true);
}

/* The rows of a weak container: the weak part, then what the row holds. */
static void add_rows(struct taking *taking, husk_obj *obj)
{
    size_t row = 0, slots = taking->type->slot_count;
    for (HUSK__EACH_TIE(obj, tie)) {
        if (tie->target)
            add_edge(taking, tie->target, slots, row, false);
        if (tie->other.tag == HUSK_OBJ)
            add_edge(taking, tie->other.as.o, 0, row, true);
        row++;
    }
}

static void add_edges(struct taking *taking, husk_obj *obj)
{
    const husk_type *type = taking->type;
    taking->degree = 0;
    if (type->flags & TYPE_TIED) {
        add_rows(taking, obj);
        return;
    }
    husk__visit(type, obj, add_child, taking);
    if (type->flags & TYPE_WEAK) {
        const husk_weak *weak = (const husk_weak *)obj;
        if (weak->target)
            add_edge(taking, weak->target, type->slot_count + (type->each != NULL), 0, false);
    }
}

/* Every 64th node says where its edges begin. */
static void add_offset(struct taking *taking)
{
    uint64_t *off = SNAP_ADD(taking->snapshot, EDGE_OFF);
    uint64_t *index_off = off ? SNAP_ADD(taking->snapshot, EDGE_INDEX_OFF) : NULL;
    if (!index_off) {
        taking->failed = true;
        return;
    }
    *off = taking->edge_count;
    *index_off = taking->index_count;
}

/* ---- nodes ---- */

static bool spill(struct taking *taking, size_t node, unsigned column, uint64_t value)
{
    struct husk__spill *row = SNAP_ADD(taking->snapshot, SPILL);
    if (row)
        *row = (struct husk__spill){ (uint32_t)node, column, value };
    return row;
}

ALWAYS_INLINE unsigned flags_of(const husk_obj *obj, const husk_type *type)
{
    unsigned flags = (obj->tf & TF_FINALIZED ? NODE_FINALIZED : 0u) |
                     (UNLIKELY(husk__is_immortal(obj)) ? NODE_IMMORTAL : 0u) |
                     (husk__finalizer_pending(type, obj) ? NODE_PENDING : 0u);
    if (UNLIKELY(obj->cell != 0) && (husk__cell_at(obj->cell)->count || husk__cell_at(obj->cell)->ties))
        flags |= NODE_WEAKLY;
    return flags;
}

/* The edges of node number `number`. */
ALWAYS_INLINE void add_edges_of(struct taking *taking, struct husk__node *node, size_t number, husk_obj *obj)
{
    if (number % 64 == 0)
        add_offset(taking);
    taking->hidden[number] += node->flags & NODE_IMMORTAL ? 0 : (int32_t)husk__count_of(obj);
    if (LIKELY(taking->plain))
        add_plain(taking, obj);
    else
        add_edges(taking, obj);
    node->degree = taking->degree < NODE_DEGREE_SPILLS ? (uint8_t)taking->degree : NODE_DEGREE_SPILLS;
    if (UNLIKELY(node->degree == NODE_DEGREE_SPILLS) && !spill(taking, number, SPILL_DEGREE, taking->degree))
        taking->failed = true;
}

/* The nodes of a page. Its objects are counted first, which fetches it: then room is had once. */
ALWAYS_INLINE bool add_page(struct taking *taking, const struct husk__page *page, bool edges)
{
    struct husk_snapshot *snapshot = taking->snapshot;
    uint32_t count = count_shown(page);
    if (!count)
        return true;
    struct husk__node *node = husk__snap_add(snapshot, SECTION_NODES, count);
    uint32_t *site = taking->sites && node ? husk__snap_add(snapshot, SECTION_NODE_SITE, count) : NULL;
    if (!node || (taking->sites && !site))
        return false;
    size_t size = husk__block_bytes(page), number = taking->node_count;
    unsigned flags = (page->tracked ? NODE_TRACKED : 0u) | (page->frozen ? NODE_FROZEN : 0u);
    bool large = size >= NODE_SIZE_SPILLS;
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (!is_shown(obj))
            continue;
        const husk_type *type = husk__type_of(obj);
        if (UNLIKELY(type != taking->type) && !turn_to(taking, type))
            return false;
        taking->of_type++;
        node->where = husk__node_where((uintptr_t)obj, taking->row);
        node->size = large ? NODE_SIZE_SPILLS : (uint32_t)size;
        node->flags = (uint8_t)(flags | flags_of(obj, type));
        if (UNLIKELY(large) && !spill(taking, number, SPILL_SIZE, size))
            return false;
        if (edges)
            add_edges_of(taking, node, number, obj);
        if (site)
            *site++ = obj->site;
        node++;
        taking->node_count = ++number;
    }
    return !taking->failed;
}

static __attribute__((noinline)) bool add_page_alone(struct taking *taking, const struct husk__page *page)
{
    return add_page(taking, page, false);
}

static __attribute__((noinline)) bool add_page_with_edges(struct taking *taking,
                                                          const struct husk__page *page)
{
    return add_page(taking, page, true);
}

static bool add_nodes(struct taking *taking)
{
    struct husk__page_walk walk = { &taking->heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        if (!(taking->edges ? add_page_with_edges : add_page_alone)(taking, page))
            return false;
    settle_type(taking);
    return true;
}

static bool hidden_fits(int32_t hidden)
{
    return hidden >= 0 && hidden < NODE_HIDDEN_SPILLS;
}

/* The rows of nodes whose hidden references spill join those that are there, from the last to the first. */
static bool spill_hidden(struct taking *taking, size_t more)
{
    size_t old = taking->snapshot->own[SECTION_SPILL].used / sizeof(struct husk__spill), to = old + more;
    if (!husk__snap_add(taking->snapshot, SECTION_SPILL, more))
        return false;
    struct husk__spill *rows = (struct husk__spill *)(void *)taking->snapshot->own[SECTION_SPILL].at;
    for (size_t n = taking->node_count; n-- > 0;) {
        if (hidden_fits(taking->hidden[n]))
            continue;
        while (old > 0 &&
               (rows[old - 1].node > n || (rows[old - 1].node == n && rows[old - 1].column > SPILL_HIDDEN)))
            rows[--to] = rows[--old];
        rows[--to] = (struct husk__spill){ (uint32_t)n, SPILL_HIDDEN, (uint64_t)(int64_t)taking->hidden[n] };
    }
    return true;
}

/* Counts less references seen, now that all are. */
static bool settle_hidden(struct taking *taking)
{
    struct husk__node *nodes = (struct husk__node *)(void *)taking->snapshot->own[SECTION_NODES].at;
    size_t more = 0;
    for (size_t n = 0; n < taking->node_count; n++) {
        if (nodes[n].flags & NODE_IMMORTAL)
            taking->hidden[n] = 0;
        bool fits = hidden_fits(taking->hidden[n]);
        nodes[n].hidden = fits ? (uint16_t)taking->hidden[n] : NODE_HIDDEN_SPILLS;
        more += !fits;
    }
    return more == 0 || spill_hidden(taking, more);
}

/* About how many objects there are: blocks that wait to be given out are counted too. */
static size_t count_used(const husk_heap *heap)
{
    size_t count = 0;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (const struct husk__page *page; (page = husk__next_page(&walk));)
        count += page->used;
    return count;
}

bool husk__take_graph(struct husk_snapshot *snapshot, husk_heap *heap, bool edges)
{
    struct taking taking = {
        .snapshot = snapshot, .heap = heap, .edges = edges, .sites = heap->tracer != NULL
    };
    struct husk__grow hidden = { 0 };
    size_t used = count_used(heap);
    bool ok = used < UINT32_MAX;
    if (edges && ok) {
        number_all(&taking);
        ok = !taking.objects || husk__grow_add(&hidden, taking.objects * sizeof(int32_t));
        taking.hidden = (int32_t *)(void *)hidden.at;
        husk__snap_expect(snapshot, SECTION_EDGE_DST, taking.edges_expected);
        husk__snap_expect(snapshot, SECTION_EDGE_FIELD, taking.edges_expected);
    }
    husk__snap_expect(snapshot, SECTION_NODES, used);
    if (taking.sites)
        husk__snap_expect(snapshot, SECTION_NODE_SITE, used);
    ok = ok && add_nodes(&taking);
    if (ok)
        look_up(&taking);
    trim_edges(&taking);
    ok = ok && (!edges || settle_hidden(&taking));
    husk__grow_free(&hidden);
    husk__take_types_free(&taking.types);
    if (edges)
        unnumber(heap);
    return ok;
}
