/* cycle/bridge.c: which boxes of a host its proxies lead to. See <husk/bridge.h>.
 *
 * A search as in a pass, with the references of the host's proxies left out, leaves in question what nothing else
 * holds. From each proxied object among that, Tarjan's algorithm (1972) finds the strongly connected components,
 * those that are referred to first; a component that leads to boxes becomes a relay, or takes over the only one
 * it leads to, so that chains cost nothing.
 *
 * Neither marked objects nor anything they reach is looked at: every count and every edge of the rest is known.
 * All memory is asked for here; if it is refused nothing was entered. */
#include "base/memory.h"
#include "cycle/find.h"
#include "object/death.h"
#include "object/hook.h"
#include "object/visit.h"
#include "object/weak.h"

#include <husk/bridge.h>
#include <husk/kinds.h>

#include <string.h>

/* A growing array of raw memory. */
struct array {
    char *at;
    size_t count, room; /* in elements */
};

enum { UNSEEN = 0, NO_NODE = UINT32_MAX };

struct node {
    husk_obj *obj;
    size_t relay;
    uint32_t edge_at, edge_end; /* its children, among the edges; only while it is on the path */
    uint32_t index, low;        /* Tarjan's numbers; index UNSEEN: not yet visited */
    bool open;                  /* its component is not complete */
};

struct husk__bridging {
    husk_bridge shown; /* what the host sees; points into the arrays */
    void (*leave)(void *data);
    void *data;
    husk_free_fn *value_free;

    struct array nodes;             /* struct node */
    struct array edges;             /* uint32_t: numbers of nodes; a stack, as those of a finished node go */
    struct array path;              /* uint32_t: the nodes between the root and the present one */
    struct array open;              /* uint32_t: Tarjan's stack */
    uint32_t *table;                /* object to number of node + 1, open addressing */
    size_t table_room;              /* a power of two, or 0 */
    struct array own_at, own;       /* size_t, husk_obj * */
    struct array kid_at, kid, seen; /* size_t; seen[r]: the latest component that named relay r */
    struct array tip;               /* size_t */
    uint32_t visited;
    bool failed;
};

static void *more(struct husk__bridging *b, struct array *array, size_t size)
{
    if (array->count == array->room) {
        size_t room = array->room ? array->room * 2 : 64;
        char *at = husk__raw_resize(array->at, array->room * size, room * size);
        if (!at) {
            b->failed = true;
            return NULL;
        }
        array->at = at;
        array->room = room;
    }
    return array->at + array->count++ * size;
}

static void end_array(struct array *array, size_t size)
{
    husk__raw_free(array->at, array->room * size);
}

static void push_number(struct husk__bridging *b, struct array *array, uint32_t number)
{
    uint32_t *at = more(b, array, sizeof number);
    if (at)
        *at = number;
}

static void push_size(struct husk__bridging *b, struct array *array, size_t number)
{
    size_t *at = more(b, array, sizeof number);
    if (at)
        *at = number;
}

static struct node *node_at(const struct husk__bridging *b, uint32_t number)
{
    return (struct node *)(void *)b->nodes.at + number;
}

static uint32_t number_at(const struct array *array, size_t i)
{
    return ((const uint32_t *)(const void *)array->at)[i];
}

static size_t size_at(const struct array *array, size_t i)
{
    return ((const size_t *)(const void *)array->at)[i];
}

/* ---- nodes by object ---- */

static size_t home(const husk_obj *obj, size_t room)
{
    return (size_t)(((uint64_t)(uintptr_t)obj * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (room - 1);
}

static bool grow_table(struct husk__bridging *b)
{
    size_t room = b->table_room ? b->table_room * 2 : 256;
    uint32_t *table = husk__raw_new(room * sizeof *table);
    if (!table)
        return false;
    for (uint32_t n = 0; n < b->nodes.count; n++) {
        size_t at = home(node_at(b, n)->obj, room);
        while (table[at])
            at = (at + 1) & (room - 1);
        table[at] = n + 1;
    }
    husk__raw_free(b->table, b->table_room * sizeof *table);
    b->table = table;
    b->table_room = room;
    return true;
}

static uint32_t node_of(struct husk__bridging *b, husk_obj *obj)
{
    if (b->nodes.count >= b->table_room / 2 && !grow_table(b)) {
        b->failed = true;
        return NO_NODE;
    }
    size_t at = home(obj, b->table_room);
    for (; b->table[at]; at = (at + 1) & (b->table_room - 1))
        if (node_at(b, b->table[at] - 1)->obj == obj)
            return b->table[at] - 1;
    struct node *node = b->nodes.count < NO_NODE - 1 ? more(b, &b->nodes, sizeof *node) : NULL;
    if (!node) {
        b->failed = true;
        return NO_NODE;
    }
    *node = (struct node){ .obj = obj, .relay = HUSK_NO_RELAY };
    b->table[at] = (uint32_t)b->nodes.count;
    return (uint32_t)b->nodes.count - 1;
}

/* ---- children ---- */

static void add_child(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    struct husk__bridging *b = context;
    if (b->failed || !husk__is_open(child))
        return;
    uint32_t number = node_of(b, child);
    if (number != NO_NODE)
        push_number(b, &b->edges, number);
}

static void add_value(struct husk__bridging *b, const struct husk__tie *tie)
{
    if (tie->other.tag == HUSK_OBJ)
        add_child(tie->other.as.o, 0, 0, b);
}

/* An entry of a weak-key map leads from the key, unless something else holds the key: then from the map. */
static void add_children(struct husk__bridging *b, husk_obj *obj)
{
    const husk_type *type = husk__type_of(obj);
    if (!(type->flags & TYPE_EPHEMERON)) {
        husk__visit(type, obj, add_child, b);
    } else {
        for (HUSK__EACH_TIE(obj, tie))
            if (tie->hash && tie->target && !husk__is_open(tie->target))
                add_value(b, tie);
    }
    if (!(obj->tf & TF_KEY) || !obj->cell)
        return;
    for (const struct husk__tie *tie = husk__cell_at(obj->cell)->ties; tie; tie = tie->next)
        if (husk__type_of(tie->owner)->flags & TYPE_EPHEMERON)
            add_value(b, tie);
}

/* ---- components ---- */

static void visit(struct husk__bridging *b, uint32_t number)
{
    struct node *node = node_at(b, number);
    node->index = node->low = ++b->visited;
    node->open = true;
    node->edge_at = (uint32_t)b->edges.count;
    push_number(b, &b->open, number);
    push_number(b, &b->path, number);
    add_children(b, node->obj); /* nodes may move */
    node_at(b, number)->edge_end = (uint32_t)b->edges.count;
}

/* A box of the host, or a weak reference whose data is one of its values: the callback. */
static bool is_own(const struct husk__bridging *b, husk_obj *obj)
{
    if (husk_obj_kind(obj) == HUSK_KIND_BOX)
        return husk_box_value_free(obj) == b->value_free && husk_box_value(obj);
    const husk_weak *weak = husk_weak_of(obj);
    return weak && husk__weak_has_call(weak) && weak->data_free == b->value_free && weak->data;
}

struct kids {
    struct husk__bridging *b;
    size_t component; /* a number of its own, not 0 */
    size_t kid_at;
};

static void name_kid(struct kids *kids, uint32_t child)
{
    struct husk__bridging *b = kids->b;
    size_t relay = node_at(b, child)->relay;
    if (relay == HUSK_NO_RELAY || size_at(&b->seen, relay) == kids->component)
        return;
    ((size_t *)(void *)b->seen.at)[relay] = kids->component;
    push_size(b, &b->kid, relay);
}

/* The edges of a component's nodes have gone from the stack by now: its children are looked up again, each once
 * more. */
static void name_kids(struct kids *kids, husk_obj *obj)
{
    struct husk__bridging *b = kids->b;
    size_t before = b->edges.count;
    add_children(b, obj);
    for (size_t i = before; i < b->edges.count && !b->failed; i++)
        name_kid(kids, number_at(&b->edges, i));
    b->edges.count = before;
}

/* The component on top of the stack down to `root` is complete, and all that it leads to. */
static void complete(struct husk__bridging *b, uint32_t root)
{
    size_t first = b->open.count;
    do
        first--;
    while (number_at(&b->open, first) != root);
    struct kids kids = { b, node_at(b, root)->index, b->kid.count };
    size_t own_before = b->own.count;
    for (size_t i = first; i < b->open.count && !b->failed; i++) {
        husk_obj *obj = node_at(b, number_at(&b->open, i))->obj;
        if (is_own(b, obj)) {
            husk_obj **at = more(b, &b->own, sizeof *at);
            if (at)
                *at = obj;
        }
        name_kids(&kids, obj);
    }
    if (b->failed)
        return;
    size_t own = b->own.count - own_before, kid_count = b->kid.count - kids.kid_at, relay = HUSK_NO_RELAY;
    if (!own && kid_count == 1) {
        relay = size_at(&b->kid, --b->kid.count);
    } else if (own || kid_count) {
        relay = b->shown.relays++;
        push_size(b, &b->own_at, b->own.count);
        push_size(b, &b->kid_at, b->kid.count);
        push_size(b, &b->seen, 0);
    }
    for (size_t i = first; i < b->open.count; i++) {
        struct node *node = node_at(b, number_at(&b->open, i));
        node->relay = relay;
        node->open = false;
    }
    b->open.count = first;
}

/* Depth first without recursion. */
static void search(struct husk__bridging *b, uint32_t root)
{
    visit(b, root);
    while (b->path.count && !b->failed) {
        uint32_t number = number_at(&b->path, b->path.count - 1);
        struct node *node = node_at(b, number);
        if (node->edge_at < node->edge_end) { /* the latest edges first: those behind are gone */
            uint32_t child_number = number_at(&b->edges, --node->edge_end);
            b->edges.count--;
            const struct node *child = node_at(b, child_number);
            if (child->index == UNSEEN)
                visit(b, child_number);
            else if (child->open && child->index < node->low)
                node->low = child->index;
            continue;
        }
        b->path.count--;
        if (b->path.count) {
            struct node *parent = node_at(b, number_at(&b->path, b->path.count - 1));
            if (node->low < parent->low)
                parent->low = node->low;
        }
        if (node->low == node->index)
            complete(b, number);
    }
}

/* ---- entering and leaving ---- */

static void end(struct husk__bridging *b)
{
    end_array(&b->nodes, sizeof(struct node));
    end_array(&b->edges, sizeof(uint32_t));
    end_array(&b->path, sizeof(uint32_t));
    end_array(&b->open, sizeof(uint32_t));
    husk__raw_free(b->table, b->table_room * sizeof(uint32_t));
    end_array(&b->own_at, sizeof(size_t));
    end_array(&b->own, sizeof(husk_obj *));
    end_array(&b->kid_at, sizeof(size_t));
    end_array(&b->kid, sizeof(size_t));
    end_array(&b->seen, sizeof(size_t));
    end_array(&b->tip, sizeof(size_t));
    husk__raw_free(b, sizeof *b);
}

static void condense(struct husk__bridging *b, const husk_bridge_spec *spec)
{
    push_size(b, &b->own_at, 0);
    push_size(b, &b->kid_at, 0);
    for (size_t i = 0; i < spec->count && !b->failed; i++) {
        size_t relay = HUSK_NO_RELAY;
        if (husk__is_open(spec->proxied[i])) {
            uint32_t number = node_of(b, spec->proxied[i]);
            if (number == NO_NODE)
                return;
            if (node_at(b, number)->index == UNSEEN)
                search(b, number);
            relay = node_at(b, number)->relay;
        }
        push_size(b, &b->tip, relay);
    }
    b->shown.own_at = (const size_t *)(const void *)b->own_at.at;
    b->shown.own = (husk_obj *const *)(const void *)b->own.at;
    b->shown.kid_at = (const size_t *)(const void *)b->kid_at.at;
    b->shown.kid = (const size_t *)(const void *)b->kid.at;
    b->shown.tip = (const size_t *)(const void *)b->tip.at;
}

static husk_status fail_memory(husk_heap *heap)
{
    return husk_heap_fail(heap, HUSK_ENOMEM, "bridge of heap %s: %s", heap->name,
                          husk_status_text(HUSK_ENOMEM));
}

husk_status husk_bridge_enter(husk_heap *heap, const husk_bridge_spec *spec, const husk_bridge **out)
{
    *out = NULL;
    if (spec->struct_size != sizeof *spec || spec->abi != 1u)
        return husk_heap_fail(heap, HUSK_EINVAL, "the bridge spec is of another version of the library");
    if (heap->busy & BUSY_WORK)
        return husk_heap_fail(heap, HUSK_EBUSY, "bridge: a pass, a hook or a bridge of heap %s is under way",
                              heap->name);
    struct husk__bridging *b = husk__raw_new(sizeof *b);
    if (!b)
        return fail_memory(heap);
    b->value_free = spec->value_free;
    b->leave = spec->leave;
    b->data = spec->data;
    struct husk__found found;
    husk__find_without(heap, spec->proxied, spec->count, &found);
    if (found.corrupt) {
        husk__search_end(heap);
        end(b);
        husk__report(heap, HUSK_ECORRUPT,
                     "object of type %s at %p has %zu references, but %llu are seen; no bridge was built",
                     husk__type_of(found.corrupt)->name, (const void *)found.corrupt,
                     husk_obj_strong_count(found.corrupt), (unsigned long long)found.seen);
        return husk_heap_fail(
            heap, HUSK_ECORRUPT,
            "heap %s has an object with fewer references than proxies and slots that hold it", heap->name);
    }
    condense(b, spec);
    husk__search_end(heap);
    if (b->failed || !b->shown.relays) {
        husk_status status = b->failed ? fail_memory(heap) : HUSK_OK;
        end(b);
        return status;
    }
    heap->bridging = b;
    heap->busy |= BUSY_BRIDGE;
    *out = &b->shown;
    return HUSK_OK;
}

void husk_bridge_leave(husk_heap *heap)
{
    if (!heap->bridging)
        return;
    end(heap->bridging);
    heap->bridging = NULL;
    heap->busy &= ~(uint32_t)BUSY_BRIDGE;
    husk__ration(heap);
    husk__drain(heap);
    if (husk__waiting(&heap->store))
        heap->on_safe(heap);
}

bool husk_heap_is_bridged(const husk_heap *heap)
{
    return heap->bridging;
}

void husk_heap_unbridge(husk_heap *heap)
{
    if (heap->bridging)
        heap->bridging->leave(heap->bridging->data);
}
