/* tests/flow/snapshot.c: snapshots of live heaps: what they hold is what is there. */
#include "random.h"
#include "story.h"
#include "types.h"

#include <husk/collect.h>
#include <husk/kinds.h>
#include <husk/snapshot.h>
#include <husk/walk.h>
#include <husk/weak.h>
#include <husk/weakmap.h>
#include <string.h>

static size_t number_of(const husk_snapshot *snapshot, const husk_obj *obj)
{
    return husk_snapshot_find(snapshot, (uintptr_t)obj);
}

/* Compares a snapshot with the heap it is of, by walking both. */
struct check {
    const husk_snapshot *snapshot;
    size_t objects, node, edge;
};

static bool same_edge(const husk_edge *edge, void *data)
{
    struct check *check = data;
    husk_snapshot_edge have;
    do /* weak ones are not shown by walks */
        assert_true(husk_snapshot_edge_at(check->snapshot, check->node, check->edge++, &have));
    while (have.weak);
    assert_int_equal(have.to, number_of(check->snapshot, edge->to));
    assert_string_equal(have.name ? have.name : "", edge->name ? edge->name : "");
    if (have.index != SIZE_MAX)
        assert_int_equal(have.index, edge->index);
    return true;
}

static bool same_object(husk_obj *obj, void *data)
{
    struct check *check = data;
    husk_node have;
    check->node = check->objects++;
    assert_true(husk_snapshot_node(check->snapshot, check->node, &have));
    assert_int_equal(have.address, (uintptr_t)obj);
    assert_string_equal(have.type, husk_type_name(husk_obj_type(obj)));
    assert_int_equal(have.size, husk_obj_size(obj));
    assert_int_equal(have.finalized, husk_obj_is_finalized(obj));
    assert_int_equal(have.frozen, husk_obj_is_frozen(obj));
    assert_int_equal(have.immortal, husk_obj_is_immortal(obj));
    check->edge = 0;
    husk_obj_each_referent(obj, same_edge, check);
    husk_snapshot_edge more;
    while (husk_snapshot_edge_at(check->snapshot, check->node, check->edge++, &more))
        assert_true(more.weak);
    return true;
}

static void compare(husk_heap *heap, const husk_snapshot *snapshot)
{
    struct check check = { snapshot, 0, 0, 0 };
    husk_heap_each(heap, same_object, &check);
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(snapshot, &counts);
    assert_int_equal(counts.objects, check.objects);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(counts.objects, figures.objects);
    assert_int_equal(counts.object_bytes, figures.object_bytes);
}

static int64_t hidden_of(const husk_snapshot *snapshot, const husk_obj *obj)
{
    husk_node about;
    assert_true(husk_snapshot_node(snapshot, number_of(snapshot, obj), &about));
    return about.hidden;
}

/* Objects of every shape, all held by what is in this struct; false: out of memory. */
struct zoo {
    husk_obj *a, *b, *row, *bag, *odd, *list, *map, *text, *keys, *values, *set;
    husk_weak *weak;
};

static bool fill(husk_heap *heap, struct zoo *zoo)
{
    zoo->a = node_new(heap, type_node, 1);
    zoo->b = node_new(heap, type_hooked, 2);
    zoo->row = husk_obj_new_items(heap, type_row, 300);
    zoo->bag = husk_obj_new(heap, type_bag);
    zoo->odd = husk_obj_new(heap, type_odd);
    zoo->list = husk_list_new(heap);
    zoo->map = husk_map_new(heap);
    zoo->text = husk_text_new(heap, "key", 3);
    zoo->keys = husk_weakkeymap_new(heap);
    zoo->values = husk_weakvaluemap_new(heap);
    zoo->set = husk_weakset_new(heap);
    if (!zoo->a || !zoo->b || !zoo->row || !zoo->bag || !zoo->odd || !zoo->list || !zoo->map || !zoo->text ||
        !zoo->keys || !zoo->values || !zoo->set)
        return false;
    zoo->weak = husk_weak_new(zoo->a, NULL, NULL, NULL);
    link_a(zoo->a, zoo->b);
    link_b(zoo->b, zoo->a);
    row_item *items = husk_obj_items(zoo->row);
    for (int i = 0; i < 300; i += 7)
        if (husk_obj_set(zoo->row, &items[i].ref, zoo->a) != HUSK_OK)
            return false;
    bool ok = zoo->weak != NULL;
    for (int i = 0; i < 300 && ok; i++)
        ok = bag_add(zoo->bag, i % 2 ? zoo->a : zoo->text) == HUSK_OK;
    ok = ok && husk_list_append(zoo->list, husk_int(7)) == HUSK_OK &&
         husk_list_append(zoo->list, husk_ref(zoo->bag)) == HUSK_OK &&
         husk_map_set(zoo->map, husk_ref(zoo->text), husk_ref(zoo->list)) == HUSK_OK &&
         husk_weakkeymap_set(zoo->keys, zoo->a, husk_ref(zoo->text)) == HUSK_OK &&
         husk_weakvaluemap_set(zoo->values, husk_ref(zoo->text), zoo->b) == HUSK_OK &&
         husk_weakset_add(zoo->set, zoo->b) == HUSK_OK;
    return ok;
}

static void empty(struct zoo *zoo)
{
    husk_obj **all[] = { &zoo->a,   &zoo->b,    &zoo->row,  &zoo->bag,    &zoo->odd, &zoo->list,
                         &zoo->map, &zoo->text, &zoo->keys, &zoo->values, &zoo->set };
    if (zoo->a && zoo->b) { /* they hold each other */
        husk_obj_drop(&node_of(zoo->a)->a);
        husk_obj_drop(&node_of(zoo->b)->b);
    }
    husk_weak_release(zoo->weak);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (*all[i])
            husk_obj_drop(all[i]);
}

static husk_status look(husk_heap *heap, const struct zoo *zoo)
{
    husk_snapshot *snapshot;
    husk_snapshot_options o = { HUSK_SNAPSHOT_OPTIONS, .flags = HUSK_SNAPSHOT_MAPS };
    husk_status status = husk_snapshot_new(heap, &o, &snapshot);
    if (!status)
        status = through_file(&snapshot);
    if (status)
        return status;
    compare(heap, snapshot);
    /* One reference of ours each, but for a weak reference's object, which is ours too. */
    assert_int_equal(hidden_of(snapshot, zoo->a), 1);
    assert_int_equal(hidden_of(snapshot, zoo->text), 1);
    assert_int_equal(hidden_of(snapshot, zoo->list), 1);
    husk_node about;
    assert_true(husk_snapshot_node(snapshot, number_of(snapshot, zoo->a), &about));
    assert_true(about.weakly);
    husk_snapshot_edge key, value;
    size_t keys = number_of(snapshot, zoo->keys);
    assert_true(husk_snapshot_edge_at(snapshot, keys, 0, &key));
    assert_true(husk_snapshot_edge_at(snapshot, keys, 1, &value));
    assert_true(key.weak && !key.ephemeron && value.ephemeron && !value.weak);
    assert_int_equal(key.to, number_of(snapshot, zoo->a));
    assert_int_equal(value.to, number_of(snapshot, zoo->text));
    assert_int_equal(key.index, value.index);
    assert_false(husk_snapshot_edge_at(snapshot, keys, 2, &value));
    assert_true(husk_snapshot_node(snapshot, number_of(snapshot, zoo->bag), &about));
    assert_int_equal(about.edges, 300);
    husk_snapshot_free(snapshot);
    return HUSK_OK;
}

static void whole_zoo(husk_heap *heap)
{
    struct zoo zoo = { 0 };
    bool filled = fill(heap, &zoo);
    husk_status status = filled ? look(heap, &zoo) : HUSK_OK;
    if (filled && !status) {
        husk_obj_drop(&zoo.odd);
        status = look(heap, &zoo);
    }
    empty(&zoo);
    TRY(filled);
    TRY_OK(status);
    assert_int_equal(husk_heap_verify(heap), HUSK_OK);
}

static void many_hidden(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    HOLD other = node_new(heap, type_node, 2);
    TRY(other);
    for (int i = 0; i < 70000; i++)
        husk_obj_retain(obj);
    husk_obj_make_immortal(other);
    husk_snapshot *snapshot = NULL;
    husk_status status = husk_snapshot_new(heap, NULL, &snapshot);
    if (!status)
        status = through_file(&snapshot);
    if (!status) {
        assert_int_equal(hidden_of(snapshot, obj), 70001);
        assert_int_equal(hidden_of(snapshot, other), 0);
        husk_snapshot_free(snapshot);
    }
    for (int i = 0; i < 70000; i++)
        husk_obj_release(obj);
    TRY_OK(status);
}

static void within_a_limit(husk_heap *heap)
{
    HOLD list = husk_list_new(heap);
    TRY(list);
    for (int i = 0; i < 2000; i++) {
        husk_obj *obj = node_new(heap, type_node, i);
        TRY(obj);
        link_a(obj, list);
        husk_status status = husk_list_append(list, husk_ref(obj));
        husk_obj_release(obj);
        TRY_OK(status);
    }
    husk_snapshot_options o = { HUSK_SNAPSHOT_OPTIONS };
    husk_snapshot *snapshot;
    husk_snapshot_counts counts;
    bool left_out = false, refused = false, whole = false;
    for (o.max_bytes = 1024; o.max_bytes < 1 << 20; o.max_bytes += o.max_bytes / 4) {
        husk_status status = husk_snapshot_new(heap, &o, &snapshot);
        if (status == HUSK_ELIMIT) {
            refused = true;
            continue;
        }
        TRY_OK(status);
        TRY_OK(through_file(&snapshot));
        husk_snapshot_counts_get(snapshot, &counts);
        assert_true(counts.bytes <= o.max_bytes);
        assert_int_equal(counts.objects, 2001);
        if (husk_snapshot_text(snapshot, "edges")) {
            left_out = true;
            assert_int_equal(counts.edges, 0);
        } else {
            whole = true;
            assert_int_equal(counts.edges, 4000);
        }
        husk_snapshot_free(snapshot);
    }
    assert_true(left_out && refused && whole);
    husk_list_clear(list);
    TRY_OK(husk_heap_collect(heap, NULL));
}

/* Pages of blocks of many sizes, some without a gap, where numbers come from addresses, and some with gaps. */
enum { SIZES = 8, MOST = 4500 };
static const size_t sizes[SIZES] = { 16, 24, 72, 200, 1000, 9000, 30000, 70000 };

typedef struct sized {
    husk_obj *ref[2];
} sized;

static const husk_type *sized_type(unsigned s)
{
    static const husk_slot slots[] = {
        { "left", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(sized, ref[0]), 0, 0, 0 },
        { "right", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(sized, ref[1]), 0, 0, 0 },
    };
    static const husk_type *types[SIZES];
    husk_type_spec spec = {
        HUSK_TYPE_SPEC, .name = "sized", .size = sizes[s], .slots = slots, .slot_count = 2,
    };
    if (!types[s])
        assert_int_equal(husk_type_register(&spec, &types[s]), HUSK_OK);
    return types[s];
}

static void compare_now(husk_heap *heap)
{
    husk_snapshot *snapshot;
    assert_int_equal(husk_snapshot_new(heap, NULL, &snapshot), HUSK_OK);
    compare(heap, snapshot);
    husk_snapshot_free(snapshot);
    assert_int_equal(husk_heap_verify(heap), HUSK_OK);
}

static void pages_of_all_sizes(husk_heap *heap)
{
    static husk_obj *all[SIZES * MOST];
    size_t count = 0, starts[SIZES + 1] = { 0 };
    random64 random = random_from(1);
    for (unsigned s = 0; s < SIZES; s++) {
        size_t many = 3 * 65536 / sizes[s] + 4;
        for (size_t i = 0; i < (many < MOST ? many : MOST); i++) {
            all[count] = husk_obj_new(heap, sized_type(s));
            assert_non_null(all[count++]);
        }
        starts[s + 1] = count;
    }
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < 2; k++) {
            size_t to = random_below(&random, (uint32_t)count) / 3 * 3; /* every third one is referred to */
            sized *at = husk_obj_data(all[i]);
            assert_int_equal(husk_obj_set(all[i], &at->ref[k], all[to]), HUSK_OK);
        }
    compare_now(heap);
    for (unsigned s = 0; s < SIZES; s++) /* gaps in the second half of each size */
        for (size_t i = (starts[s] + starts[s + 1]) / 2; i < starts[s + 1]; i++)
            if (i % 3 == 1)
                husk_obj_drop(&all[i]);
    compare_now(heap);
    for (size_t i = 0; i < count; i++)
        husk_obj_drop(&all[i]);
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
}

static husk_status inside;
static void look_inside(node *self)
{
    husk_snapshot *snapshot;
    inside = husk_snapshot_new(husk_obj_heap(husk_obj_of(self)), NULL, &snapshot);
}

static void not_in_hooks(husk_heap *heap)
{
    husk_obj *obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = look_inside;
    husk_obj_release(obj);
    assert_int_equal(inside, HUSK_EBUSY);
    husk_snapshot_options o = { HUSK_SNAPSHOT_OPTIONS, .max_bytes = 0 };
    o.abi = 9;
    husk_snapshot *snapshot;
    assert_int_equal(husk_snapshot_new(heap, &o, &snapshot), HUSK_EINVAL);
}

STORIES(STORY(whole_zoo, 0), STORY(many_hidden, STORY_LEAVES_OBJECTS), STORY(within_a_limit, STORY_NO_FAULT),
        STORY(pages_of_all_sizes, STORY_NO_FAULT), STORY(not_in_hooks, 0));
