/* tests/support/types.c: see types.h. */
#include "types.h"

const husk_type *type_node, *type_hooked, *type_closed, *type_leaf, *type_goner, *type_tree, *type_row,
    *type_bag, *type_odd, *type_pair, *type_vast, *type_huge;
tally_counts tally;

void tally_reset(void)
{
    memset(&tally, 0, sizeof tally);
}

static void hooked_finalize(husk_obj *self)
{
    node *n = node_of(self);
    tally.finalized++;
    if (n->hook)
        n->hook(n);
}

static void node_dispose(husk_obj *self)
{
    if (tally.disposed < TALLY_ORDER)
        tally.order[tally.disposed] = node_of(self)->number;
    tally.disposed++;
}

static void bag_dispose(husk_obj *self)
{
    bag *b = husk_obj_data(self);
    husk_buffer_free(husk_obj_heap(self), b->refs, b->room * sizeof(husk_obj *));
}

static void odd_each(husk_obj *self, husk_visit_fn *visit, void *data)
{
    odd *o = husk_obj_data(self);
    for (unsigned i = 0; i < 4; i++) {
        if (o->mask & (1u << i))
            visit(&o->refs[i], data);
    }
}

static const husk_slot node_slots[] = { HUSK_REF(node, a), HUSK_REF(node, b) };
static const husk_slot row_slots[] = { HUSK_ITEM_REF(row_item, ref) };
static const husk_slot bag_slots[] = { { "refs", HUSK_SLOT_REF, HUSK_IN_BUFFER, 0,
                                         (uint32_t)offsetof(bag, refs), (uint32_t)offsetof(bag, count),
                                         (uint32_t)sizeof(husk_obj *) } };
static const husk_slot pair_slots[] = { HUSK_VALUE(pair, first), HUSK_VALUE(pair, second) };
static const husk_slot vast_slots[] = { HUSK_REF(vast, first), HUSK_REF(vast, last) };
static const husk_slot huge_slots[] = { HUSK_REF(huge, first), HUSK_REF(huge, last) };

static const husk_type *made(const husk_type_spec *spec)
{
    const husk_type *type = NULL;
    if (husk_type_register(spec, &type) != HUSK_OK) {
        print_error("type %s: %s\n", spec->name, husk_message());
        abort();
    }
    return type;
}

void types_setup(void)
{
    husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "node", .size = sizeof(node), .slots = node_slots,
                            .slot_count = 2 };
    type_node = made(&spec);
    spec.name = "closed";
    spec.dispose = node_dispose;
    type_closed = made(&spec);
    spec.name = "hooked";
    spec.finalize = hooked_finalize;
    type_hooked = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC,      .name = "tree",  .size = sizeof(node),
                             .slots = node_slots, .slot_count = 2, .flags = HUSK_TYPE_ACYCLIC };
    type_tree = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "goner", .size = sizeof(node),
                             .finalize = hooked_finalize, .dispose = node_dispose };
    type_goner = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "leaf", .size = sizeof(leaf) };
    type_leaf = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC,
                             .name = "row",
                             .size = sizeof(row),
                             .item_size = sizeof(row_item),
                             .item_count_at = offsetof(row, count),
                             .slots = row_slots,
                             .slot_count = 1 };
    type_row = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC,
                             .name = "bag",
                             .size = sizeof(bag),
                             .slots = bag_slots,
                             .slot_count = 1,
                             .dispose = bag_dispose,
                             .flags = HUSK_TYPE_DISPOSE_ANYWHERE };
    type_bag = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "odd", .size = sizeof(odd), .each = odd_each };
    type_odd = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "pair", .size = sizeof(pair), .slots = pair_slots,
                             .slot_count = 2 };
    type_pair = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "vast", .size = sizeof(vast), .slots = vast_slots,
                             .slot_count = 2 };
    type_vast = made(&spec);
    spec = (husk_type_spec){ HUSK_TYPE_SPEC, .name = "huge", .size = sizeof(huge), .slots = huge_slots,
                             .slot_count = 2 };
    type_huge = made(&spec);
}

husk_obj *node_new(husk_heap *heap, const husk_type *type, int64_t number)
{
    husk_obj *obj = husk_obj_new(heap, type);
    if (obj)
        node_of(obj)->number = number;
    return obj;
}

void link_a(husk_obj *self, husk_obj *value)
{
    assert_int_equal(husk_obj_set(self, &node_of(self)->a, value), HUSK_OK);
}

void link_b(husk_obj *self, husk_obj *value)
{
    assert_int_equal(husk_obj_set(self, &node_of(self)->b, value), HUSK_OK);
}

husk_status bag_add(husk_obj *self, husk_obj *value)
{
    bag *b = husk_obj_data(self);
    husk_heap *heap = husk_obj_heap(self);
    if (b->count == b->room) {
        size_t room = b->room ? 2 * b->room : 4;
        void *grown =
            husk_buffer_resize(heap, b->refs, b->room * sizeof(husk_obj *), room * sizeof(husk_obj *));
        if (!grown)
            return husk_heap_failure(heap);
        b->refs = grown;
        b->room = room;
    }
    /* The new slot is NULL until the count covers it: buffers are zeroed. */
    b->count++;
    return husk_obj_set(self, &b->refs[b->count - 1], value);
}

uint64_t passes(const husk_heap *heap)
{
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 0, &g), HUSK_OK);
    return g.passes;
}

bool litter(husk_heap *heap, const husk_type *type)
{
    husk_obj *obj = husk_obj_new(heap, type);
    if (!obj)
        return false;
    link_a(obj, obj);
    husk_obj_release(obj);
    return true;
}
