/* tests/flow/life.c: life by counting. */
#include "story.h"
#include "types.h"

static void a_new_object_is_zeroed_and_has_one_reference(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    const node *n = node_of(obj);
    assert_null(n->a);
    assert_null(n->b);
    assert_int_equal(n->number, 0);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    assert_int_equal(husk_obj_weak_count(obj), 0);
    assert_true(husk_obj_is_unique(obj));
    assert_ptr_equal(husk_obj_heap(obj), heap);
    assert_ptr_equal(husk_obj_type(obj), type_node);
    assert_true(husk_obj_is_tracked(obj));
    assert_false(husk_obj_is_finalized(obj));
    assert_false(husk_obj_is_frozen(obj));
    assert_false(husk_obj_is_dying(obj));
    assert_true(husk_obj_size(obj) >= 16 + sizeof(node));
    assert_ptr_equal(husk_obj_of(husk_obj_data(obj)), obj);
    assert_int_equal(objects_of(heap), 1);
    verify(heap);
}

/* A block that was used before is zeroed again. */
static void reused_memory_is_zeroed(husk_heap *heap)
{
    for (int i = 0; i < 300; i++) {
        HOLD obj = husk_obj_new(heap, type_pair);
        TRY(obj);
        pair *p = husk_obj_data(obj);
        assert_int_equal(p->first.tag, HUSK_NIL);
        assert_int_equal(p->second.as.i, 0);
        assert_int_equal(p->number, 0);
        p->first = husk_int(-1);
        p->second = husk_float(1e300);
        p->number = -1;
    }
    assert_int_equal(objects_of(heap), 0);
}

static void counts_are_exact(husk_heap *heap)
{
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    for (int i = 0; i < 1000; i++)
        husk_obj_retain(obj);
    assert_int_equal(husk_obj_strong_count(obj), 1001);
    assert_false(husk_obj_is_unique(obj));
    for (int i = 0; i < 1000; i++)
        husk_obj_release(obj);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    assert_int_equal(objects_of(heap), 1);
    husk_obj_drop(&obj);
    assert_null(obj);
    assert_int_equal(objects_of(heap), 0);
    husk_obj_drop(&obj); /* nothing there: fine */
}

static void set_retains_and_releases(husk_heap *heap)
{
    HOLD owner = husk_obj_new(heap, type_node);
    TRY(owner);
    HOLD one = node_new(heap, type_closed, 1);
    TRY(one);
    HOLD two = node_new(heap, type_closed, 2);
    TRY(two);
    link_a(owner, one);
    assert_int_equal(husk_obj_strong_count(one), 2);
    link_a(owner, one); /* itself: not released on the way */
    assert_int_equal(husk_obj_strong_count(one), 2);
    husk_obj_drop(&one);
    assert_int_equal(tally.disposed, 0);
    link_a(owner, two);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(tally.order[0], 1);
    assert_int_equal(husk_obj_strong_count(two), 2);
    husk_obj_drop(&two);
    link_a(owner, NULL);
    assert_int_equal(tally.disposed, 2);
    assert_int_equal(objects_of(heap), 1);
}

static void set_to_the_only_holder_of_itself(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_closed, 7);
    TRY(obj);
    link_a(obj, obj);
    assert_int_equal(husk_obj_strong_count(obj), 2);
    link_a(obj, NULL);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    assert_int_equal(tally.disposed, 0);
}

static void take_consumes(husk_heap *heap)
{
    HOLD owner = husk_obj_new(heap, type_node);
    TRY(owner);
    husk_obj *one = node_new(heap, type_closed, 1);
    TRY(one);
    assert_int_equal(husk_obj_take(owner, &node_of(owner)->a, one), HUSK_OK);
    assert_int_equal(husk_obj_strong_count(one), 1);
    husk_obj *two = node_new(heap, type_closed, 2);
    TRY(two);
    assert_int_equal(husk_obj_take(owner, &node_of(owner)->a, two), HUSK_OK);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(husk_obj_take(owner, &node_of(owner)->a, NULL), HUSK_OK);
    assert_int_equal(tally.disposed, 2);
}

static void swap_exchanges(husk_heap *heap)
{
    HOLD owner = husk_obj_new(heap, type_node);
    TRY(owner);
    HOLD held = node_new(heap, type_closed, 1);
    TRY(held);
    husk_obj *first = held;
    assert_int_equal(husk_obj_swap(owner, &node_of(owner)->b, &held), HUSK_OK);
    assert_null(held);
    assert_ptr_equal(node_of(owner)->b, first);
    assert_int_equal(husk_obj_strong_count(first), 1);
    assert_int_equal(husk_obj_swap(owner, &node_of(owner)->b, &held), HUSK_OK);
    assert_ptr_equal(held, first);
    assert_null(node_of(owner)->b);
    assert_int_equal(tally.disposed, 0);
}

/* What an object held dies depth first, in the order of its slots. */
static void death_is_depth_first_in_slot_order(husk_heap *heap)
{
    /*      1
     *    2   5
     *   3 4   6   (b of 5 only) */
    HOLD_MANY(many);
    husk_obj **n = many.at;
    for (int i = 1; i <= 6; i++) {
        n[i] = node_new(heap, type_closed, i);
        TRY(n[i]);
    }
    link_a(n[1], n[2]);
    link_b(n[1], n[5]);
    link_a(n[2], n[3]);
    link_b(n[2], n[4]);
    link_b(n[5], n[6]);
    for (int i = 2; i <= 6; i++)
        husk_obj_drop(&n[i]);
    assert_int_equal(tally.disposed, 0);
    husk_obj_drop(&n[1]);
    assert_int_equal(tally.disposed, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(tally.order[i], i + 1);
}

static void a_shared_child_outlives_one_parent(husk_heap *heap)
{
    HOLD left = node_new(heap, type_closed, 1);
    TRY(left);
    HOLD right = node_new(heap, type_closed, 2);
    TRY(right);
    husk_obj *child = node_new(heap, type_closed, 3);
    TRY(child);
    link_a(left, child);
    link_a(right, child);
    husk_obj_release(child);
    husk_obj_drop(&left);
    assert_int_equal(tally.disposed, 1);
    assert_int_equal(husk_obj_strong_count(child), 1);
    husk_obj_drop(&right);
    assert_int_equal(tally.disposed, 3);
    assert_int_equal(tally.order[2], 3);
}

static void an_immortal_object_passes_by_counting(husk_heap *heap)
{
    husk_obj *obj = node_new(heap, type_closed, 1);
    TRY(obj);
    husk_obj *child = node_new(heap, type_closed, 2);
    if (child)
        assert_int_equal(husk_obj_take(obj, &node_of(obj)->a, child), HUSK_OK);
    husk_obj_make_immortal(obj);
    assert_true(husk_obj_is_immortal(obj));
    assert_true(husk_obj_strong_count(obj) == SIZE_MAX);
    for (int i = 0; i < 5; i++)
        husk_obj_release(obj);
    husk_obj_retain(obj);
    verify(heap);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(tally.disposed, 0);
    assert_true(husk_obj_is_immortal(obj));
    TRY(child);
    assert_int_equal(objects_of(heap), 2);
}

static void the_wrong_birth_is_refused(husk_heap *heap)
{
    assert_null(husk_obj_new(heap, type_row));
    assert_int_equal(husk_heap_failure(heap), HUSK_EINVAL);
    assert_string_not_equal(husk_heap_message(heap), "");
    husk_heap_clear_failure(heap);
    assert_int_equal(husk_heap_failure(heap), HUSK_OK);
    assert_string_equal(husk_heap_message(heap), "");
    assert_null(husk_obj_new_items(heap, type_row, SIZE_MAX / sizeof(row_item)));
    assert_int_equal(husk_heap_failure(heap), HUSK_ERANGE);
    assert_null(husk_obj_new_items(heap, type_row, SIZE_MAX));
    assert_int_equal(husk_heap_failure(heap), HUSK_ERANGE);
    assert_null(husk_obj_new_items(heap, type_leaf, 3));
    assert_int_equal(husk_heap_failure(heap), HUSK_EINVAL);
    HOLD obj = husk_obj_new(heap, type_leaf);
    TRY(obj);
    assert_null(husk_obj_items(obj));
    assert_int_equal(husk_obj_item_count(obj), 0);
    assert_int_equal(objects_of(heap), 1);
    verify(heap);
}

/* Every size class and the edges between them: blocks are aligned, apart, zeroed and freed. */
static void all_sizes(husk_heap *heap)
{
    enum { SIZES = 90 };
    static const husk_type *types[SIZES];
    static size_t sizes[SIZES];
    size_t size = 8;
    for (int i = 0; i < SIZES; i++) {
        sizes[i] = size;
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "sized", .size = size };
        if (!types[i])
            TRY_OK(husk_type_register(&spec, &types[i]));
        size += size < 256 ? 8 : size / 8 / 8 * 8 + (size % 3) * 8;
    }
    HOLD_MANY(many);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < SIZES; i++) {
            HOLD obj = husk_obj_new(heap, types[i]);
            TRY(obj);
            unsigned char *bytes = husk_obj_data(obj);
            assert_int_equal((uintptr_t)bytes % (sizes[i] % 16 == 0 ? 16 : 8), 0);
            for (size_t k = 0; k < sizes[i]; k++) {
                if (bytes[k] != 0)
                    fail_msg("byte %zu of %zu is not zero", k, sizes[i]);
            }
            assert_true(husk_obj_size(obj) >= sizes[i] + 16);
            assert_int_equal(husk_type_size(types[i]), sizes[i]);
            memset(bytes, 0xA5, sizes[i]);
            many.at[3 * i + round] = obj;
            husk_obj_retain(obj);
        }
        verify(heap);
    }
    for (int i = 0; i < SIZES; i++) {
        for (int round = 0; round < 3; round++) {
            const unsigned char *bytes = husk_obj_data(many.at[3 * i + round]);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(bytes[k], 0xA5);
            husk_obj_drop(&many.at[3 * i + round]);
        }
    }
    verify(heap);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.objects, 0);
    assert_int_equal(figures.object_bytes, 0);
}

static void leaves_and_trees_die_by_counting(husk_heap *heap)
{
    HOLD tree = node_new(heap, type_tree, 1);
    TRY(tree);
    assert_false(husk_obj_is_tracked(tree));
    husk_obj *child = husk_obj_new(heap, type_leaf);
    TRY(child);
    assert_false(husk_obj_is_tracked(child));
    assert_int_equal(husk_obj_take(tree, &node_of(tree)->a, child), HUSK_OK);
    assert_int_equal(objects_of(heap), 2);
    husk_obj_drop(&tree);
    assert_int_equal(objects_of(heap), 0);
}

static void figures_add_up(husk_heap *heap)
{
    husk_heap_figures before, with, after;
    husk_heap_figures_get(heap, &before);
    assert_int_equal(before.objects, 0);
    HOLD obj = husk_obj_new(heap, type_node);
    TRY(obj);
    husk_heap_figures_get(heap, &with);
    assert_int_equal(with.objects, 1);
    assert_int_equal(with.object_bytes, husk_obj_size(obj));
    assert_int_equal(with.buffer_bytes, 0);
    assert_true(with.bytes_taken >= with.object_bytes);
    assert_true(with.bytes_peak >= with.bytes_taken);
    assert_true(with.pages >= 1);
    husk_heap_foreign(heap, 1000);
    husk_heap_figures_get(heap, &with);
    assert_int_equal(with.foreign_bytes, 1000);
    husk_heap_foreign(heap, -5000); /* not below nothing */
    husk_obj_drop(&obj);
    husk_heap_figures_get(heap, &after);
    assert_int_equal(after.objects, 0);
    assert_int_equal(after.object_bytes, 0);
    assert_int_equal(after.foreign_bytes, 0);
    husk_heap_trim(heap);
    husk_heap_figures_get(heap, &after);
    assert_int_equal(after.pages_spare, 0);
    assert_true(after.bytes_taken <= with.bytes_taken);
    verify(heap);
}

STORIES(STORY(a_new_object_is_zeroed_and_has_one_reference, 0), STORY(reused_memory_is_zeroed, 0),
        STORY(counts_are_exact, 0), STORY(set_retains_and_releases, 0),
        STORY(set_to_the_only_holder_of_itself, 0), STORY(take_consumes, 0), STORY(swap_exchanges, 0),
        STORY(death_is_depth_first_in_slot_order, 0), STORY(a_shared_child_outlives_one_parent, 0),
        STORY(an_immortal_object_passes_by_counting, STORY_LEAVES_OBJECTS),
        STORY(the_wrong_birth_is_refused, 0), STORY(all_sizes, 0), STORY(leaves_and_trees_die_by_counting, 0),
        STORY(figures_add_up, 0));
