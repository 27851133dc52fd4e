/* tests/flow/cycles.c: what only holds itself, and what does not. */
#include "story.h"
#include "types.h"

static husk_status pass_of(husk_heap *heap, husk_pass *pass)
{
    memset(pass, 0xEE, sizeof *pass);
    return husk_heap_collect(heap, pass);
}

static void two_nodes_in_a_cycle(husk_heap *heap)
{
    HOLD one = node_new(heap, type_closed, 1);
    TRY(one);
    HOLD two = node_new(heap, type_closed, 2);
    TRY(two);
    link_a(one, two);
    link_a(two, one);
    husk_obj_drop(&one);
    assert_int_equal(collect(heap), 0); /* two is still ours */
    assert_int_equal(tally.disposed, 0);
    husk_obj_drop(&two);
    assert_int_equal(objects_of(heap), 2);
    assert_int_equal(tally.disposed, 0);
    husk_pass pass;
    assert_int_equal(pass_of(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 2);
    assert_int_equal(pass.reason, HUSK_BY_CALL);
    assert_int_equal(pass.generation, 0);
    assert_int_equal(pass.finalized, 0);
    assert_int_equal(pass.resurrected, 0);
    assert_int_equal(pass.uncollectable, 0);
    assert_int_equal(pass.deferred, 0);
    assert_true(pass.bytes >= 2 * (16 + sizeof(node)));
    assert_int_equal(tally.disposed, 2);
    assert_int_equal(objects_of(heap), 0);
}

static void a_self_reference(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_closed, 1);
    TRY(obj);
    link_a(obj, obj);
    link_b(obj, obj);
    husk_obj_drop(&obj);
    assert_int_equal(objects_of(heap), 1);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(objects_of(heap), 0);
}

/* A chain that hangs on a cycle dies with it; one that holds a cycle keeps it. */
static void what_hangs_on_a_cycle(husk_heap *heap)
{
    HOLD_MANY(many);
    husk_obj **n = many.at;
    for (int i = 0; i < 6; i++) {
        n[i] = node_new(heap, type_closed, i);
        TRY(n[i]);
    }
    link_a(n[0], n[1]); /* 0 -> 1 <-> 2 -> 3 -> 4 -> leaf 5 */
    link_a(n[1], n[2]);
    link_a(n[2], n[1]);
    link_b(n[2], n[3]);
    link_a(n[3], n[4]);
    link_a(n[4], n[5]);
    for (int i = 1; i < 6; i++)
        husk_obj_drop(&n[i]);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(tally.disposed, 0);
    husk_obj_drop(&n[0]);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(collect(heap), 5);
    assert_int_equal(objects_of(heap), 0);
}

static void leaves_of_garbage_die_but_are_not_counted(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    link_a(obj, obj);
    husk_obj *text = husk_obj_new(heap, type_leaf);
    TRY(text);
    assert_int_equal(husk_obj_take(obj, &node_of(obj)->b, text), HUSK_OK);
    husk_obj_drop(&obj);
    assert_int_equal(objects_of(heap), 2);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(objects_of(heap), 0);
}

/* A tree held by a garbage cycle holds its own cycle until it has died by counting. */
static void garbage_behind_a_tree_needs_a_second_collect(husk_heap *heap)
{
    HOLD first = husk_obj_new(heap, type_node);
    TRY(first);
    HOLD tree = husk_obj_new(heap, type_tree);
    TRY(tree);
    HOLD behind = husk_obj_new(heap, type_node);
    TRY(behind);
    link_a(first, first);
    link_b(first, tree);
    link_a(tree, behind);
    link_a(behind, behind);
    husk_obj_drop(&first);
    husk_obj_drop(&tree);
    husk_obj_drop(&behind);
    assert_int_equal(objects_of(heap), 3);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(objects_of(heap), 1);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(objects_of(heap), 0);
}

static void an_unused_promise_is_a_leak_until_it_is_broken(husk_heap *heap)
{
    HOLD tree = husk_obj_new(heap, type_tree);
    TRY(tree);
    link_a(tree, tree); /* the promise is broken: no pass will find it */
    husk_obj *borrowed = tree;
    husk_obj_drop(&tree);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(objects_of(heap), 1);
    link_a(borrowed, NULL);
    assert_int_equal(objects_of(heap), 0);
}

static void every_shape_of_slot_is_followed(husk_heap *heap)
{
    /* node -> row item -> bag element -> odd ref -> pair value -> vast end -> node */
    HOLD n = husk_obj_new(heap, type_node);
    TRY(n);
    HOLD r = husk_obj_new_items(heap, type_row, 3);
    TRY(r);
    HOLD b = husk_obj_new(heap, type_bag);
    TRY(b);
    HOLD o = husk_obj_new(heap, type_odd);
    TRY(o);
    HOLD p = husk_obj_new(heap, type_pair);
    TRY(p);
    HOLD v = husk_obj_new(heap, type_vast);
    TRY(v);
    HOLD h = husk_obj_new(heap, type_huge);
    TRY(h);
    link_b(n, r);
    row_item *items = husk_obj_items(r);
    assert_int_equal(husk_obj_item_count(r), 3);
    assert_int_equal(((row *)husk_obj_data(r))->count, 3);
    items[2].number = -1;
    assert_int_equal(husk_obj_set(r, &items[2].ref, b), HUSK_OK);
    TRY_OK(bag_add(b, NULL));
    TRY_OK(bag_add(b, o));
    odd *oo = husk_obj_data(o);
    oo->mask = 1u << 3;
    oo->refs[0] = (husk_obj *)(uintptr_t)1; /* not a reference, and not visited */
    assert_int_equal(husk_obj_set(o, &oo->refs[3], p), HUSK_OK);
    pair *pp = husk_obj_data(p);
    assert_int_equal(husk_value_set(p, &pp->first, husk_int((int64_t)(uintptr_t)n)), HUSK_OK);
    assert_int_equal(husk_value_set(p, &pp->second, husk_ref(v)), HUSK_OK);
    vast *vv = husk_obj_data(v);
    assert_int_equal(husk_obj_set(v, &vv->last, h), HUSK_OK);
    huge *hh = husk_obj_data(h);
    assert_int_equal(husk_obj_set(h, &hh->last, n), HUSK_OK);
    verify(heap);
    husk_obj_drop(&r);
    husk_obj_drop(&b);
    husk_obj_drop(&o);
    husk_obj_drop(&p);
    husk_obj_drop(&v);
    husk_obj_drop(&h);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(objects_of(heap), 7);
    husk_obj_drop(&n);
    assert_int_equal(objects_of(heap), 7);
    assert_int_equal(collect(heap), 7);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.buffer_bytes, 0);
}

static void weak_references_do_not_hold_a_cycle(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    HOLD_WEAK weak = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(weak);
    HOLD_WEAK inner = husk_weak_new(obj, NULL, NULL, NULL);
    TRY(inner);
    assert_ptr_equal(weak, inner); /* shared */
    link_a(obj, obj);
    link_b(obj, husk_weak_obj(inner));
    husk_obj_drop(&obj);
    husk_pass pass;
    assert_int_equal(pass_of(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 1);
    assert_int_equal(pass.weak_cleared, 1);
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    assert_null(husk_weak_lock(weak));
}

/* A dry run says what a collect would do and does not do it. */
static void dry_run(husk_heap *heap)
{
    HOLD one = node_new(heap, type_hooked, 1);
    TRY(one);
    HOLD two = node_new(heap, type_node, 2);
    TRY(two);
    HOLD kept = node_new(heap, type_node, 3);
    TRY(kept);
    link_a(one, two);
    link_a(two, one);
    link_b(two, kept);
    link_a(kept, kept);
    husk_obj *borrowed = two;
    husk_obj_drop(&one);
    husk_obj_drop(&two);
    for (int i = 0; i < 3; i++) {
        husk_pass pass;
        uint64_t requests = husk_memory_requests();
        assert_int_equal(husk_heap_collect_dry(heap, &pass), HUSK_OK);
        assert_int_equal(husk_memory_requests(), requests);
        assert_int_equal(pass.collected, 2);
        assert_int_equal(objects_of(heap), 3);
        assert_int_equal(tally.finalized + tally.disposed, 0);
        assert_int_equal(husk_obj_strong_count(borrowed), 1);
        verify(heap);
    }
    assert_int_equal(collect(heap), 2);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(objects_of(heap), 1);
    link_a(kept, NULL);
}

/* References from C variables hold: any one of the members, in turn. */
static void a_reference_from_outside_holds_the_ring(husk_heap *heap)
{
    enum { RING = 40 };
    HOLD_MANY(many);
    for (int i = 0; i < RING; i++) {
        many.at[i] = node_new(heap, type_node, i);
        TRY(many.at[i]);
    }
    for (int i = 0; i < RING; i++) {
        link_a(many.at[i], many.at[(i + 1) % RING]);
        link_b(many.at[i], many.at[(i * 7 + 3) % RING]);
    }
    husk_obj *borrowed[RING];
    memcpy(borrowed, many.at, sizeof borrowed);
    HOLD last = many.at[0];
    many.at[0] = NULL;
    for (int i = 1; i < RING; i++)
        husk_obj_drop(&many.at[i]);
    for (int i = 0; i < RING; i++) {
        husk_obj_retain(borrowed[i]);
        husk_obj_drop(&last);
        last = borrowed[i];
        assert_int_equal(collect(heap), 0);
        assert_int_equal(objects_of(heap), RING);
    }
    husk_obj_drop(&last);
    assert_int_equal(collect(heap), RING);
}

/* A slot whose reference was not counted is noticed, nothing is freed, and it can be put right. */
static void an_uncounted_slot_is_reported(husk_heap *heap)
{
    HOLD one = husk_obj_new(heap, type_node);
    TRY(one);
    HOLD two = husk_obj_new(heap, type_node);
    TRY(two);
    HOLD ring = husk_obj_new(heap, type_node);
    TRY(ring);
    link_a(ring, ring);
    husk_obj_drop(&ring);
    node_of(one)->a = two; /* twice seen, counted once */
    node_of(one)->b = two;
    assert_int_equal(husk_heap_collect(heap, NULL), HUSK_ECORRUPT);
    report_take(HUSK_ECORRUPT, 1);
    assert_int_equal(objects_of(heap), 3);
    assert_int_equal(husk_heap_verify(heap), HUSK_ECORRUPT);
    assert_string_not_equal(husk_heap_message(heap), "");
    node_of(one)->a = NULL;
    node_of(one)->b = NULL;
    verify(heap);
    assert_int_equal(collect(heap), 1);
    assert_int_equal(objects_of(heap), 2);
}

/* A reference count far above what a table entry holds is still exact. */
static void a_hub_with_many_references(husk_heap *heap)
{
    static const size_t counts[] = { 16382, 16383, 16384, 32766, 32767, 32768, 100000 };
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        size_t count = story_size(counts[c], counts[c] / 1000);
        HOLD hub = husk_obj_new(heap, type_node);
        TRY(hub);
        HOLD spokes = husk_obj_new_items(heap, type_row, count);
        TRY(spokes);
        row_item *items = husk_obj_items(spokes);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(husk_obj_set(spokes, &items[i].ref, hub), HUSK_OK);
        link_a(hub, spokes);
        assert_int_equal(husk_obj_strong_count(hub), count + 1);
        husk_obj_drop(&spokes);
        assert_int_equal(collect(heap), 0);
        assert_int_equal(objects_of(heap), 2);
        verify(heap);
        husk_obj_drop(&hub);
        assert_int_equal(collect(heap), 2);
        assert_int_equal(objects_of(heap), 0);
    }
}

STORIES(STORY(two_nodes_in_a_cycle, 0), STORY(a_self_reference, 0), STORY(what_hangs_on_a_cycle, 0),
        STORY(leaves_of_garbage_die_but_are_not_counted, 0),
        STORY(garbage_behind_a_tree_needs_a_second_collect, 0),
        STORY(an_unused_promise_is_a_leak_until_it_is_broken, 0), STORY(every_shape_of_slot_is_followed, 0),
        STORY(weak_references_do_not_hold_a_cycle, 0), STORY(dry_run, 0),
        STORY(a_reference_from_outside_holds_the_ring, 0), STORY(an_uncounted_slot_is_reported, 0),
        STORY(a_hub_with_many_references, 0));
