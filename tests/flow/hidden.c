/* tests/flow/hidden.c: references that the heap cannot see: of one object, of several, and as a census. */
#include "story.h"
#include "types.h"

#include "random.h"

static void hidden_end(husk_hidden **hidden)
{
    husk_hidden_free(*hidden);
}
#define HOLD_HIDDEN __attribute__((cleanup(hidden_end))) husk_hidden *

static int64_t hidden_of(husk_obj *obj)
{
    int64_t count = -77;
    assert_int_equal(husk_obj_hidden_count(obj, &count), HUSK_OK);
    return count;
}

static void of_one(husk_heap *heap)
{
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    HOLD b = node_new(heap, type_node, 2);
    TRY(b);
    assert_int_equal(hidden_of(a), 1);
    link_a(a, b);
    link_b(a, b);
    link_a(b, a);
    assert_int_equal(husk_obj_strong_count(b), 3);
    assert_int_equal(hidden_of(a), 1);
    assert_int_equal(hidden_of(b), 1);
    husk_obj_retain(b);
    husk_obj_retain(b);
    husk_obj *const both[] = { a, b };
    int64_t counts[2] = { 0 };
    assert_int_equal(husk_obj_hidden_counts(both, 2, counts), HUSK_OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 3);
    husk_obj_release(b);
    husk_obj_release(b);
    HOLD forever = husk_obj_new(heap, type_leaf);
    TRY(forever);
    assert_int_equal(husk_obj_hidden_counts(NULL, 0, counts), HUSK_OK);
    assert_int_equal(hidden_of(forever), 1);
    husk_obj_drop(&node_of(a)->a);
    husk_obj_drop(&node_of(a)->b);
}

static void immortal(husk_heap *heap)
{
    husk_obj *forever = husk_obj_new(heap, type_leaf);
    TRY(forever);
    husk_obj_make_immortal(forever);
    assert_int_equal(hidden_of(forever), HUSK_HIDDEN_UNKNOWN);
    HOLD_HIDDEN hidden = NULL;
    TRY_OK(husk_hidden_new(heap, NULL, &hidden));
    husk_hidden_sums sums;
    husk_hidden_sums_get(hidden, &sums);
    assert_int_equal(sums.examined, 1);
    assert_int_equal(sums.objects, 0);
    assert_int_equal(sums.unknown, 1);
}

static void a_census(husk_heap *heap)
{
    husk_trace_options trace = { HUSK_TRACE_OPTIONS };
    TRY_OK(husk_trace_start(heap, &trace));
    HOLD_MANY(held);
    for (int i = 0; i < 12; i++) {
        husk_trace_at(heap, i % 2 ? "odd.c" : "even.c", 7, "make");
        held.at[i] = node_new(heap, i < 8 ? type_node : type_tree, i);
        TRY(held.at[i]);
    }
    HOLD inner = node_new(heap, type_node, 100); /* held by a slot, and then by nobody else */
    TRY(inner);
    link_a(held.at[0], inner);
    husk_obj_drop(&inner);
    for (int i = 0; i < 12; i++)
        for (int k = 0; k < i; k++)
            husk_obj_retain(held.at[i]);

    husk_hidden_options options = { HUSK_HIDDEN_OPTIONS, .most_objects = 5 };
    HOLD_HIDDEN hidden = NULL;
    husk_status status = husk_hidden_new(heap, &options, &hidden);
    HOLD_HIDDEN by_place = NULL;
    options.by_place = true;
    husk_status second = status ? status : husk_hidden_new(heap, &options, &by_place);
    for (int i = 0; i < 12; i++)
        for (int k = 0; k < i; k++)
            husk_obj_release(held.at[i]);
    TRY_OK(status);
    TRY_OK(second);

    husk_hidden_sums sums;
    husk_hidden_sums_get(hidden, &sums);
    assert_int_equal(sums.examined, 13);
    assert_int_equal(sums.objects, 12);
    assert_int_equal(sums.references, 12 + 66);
    assert_int_equal(sums.damaged, 0);
    assert_int_equal(sums.unknown, 0);
    husk_census_row type;
    assert_true(husk_hidden_row(hidden, 0, &type));
    assert_string_equal(type.type, "tree");
    assert_int_equal(type.objects, 4);
    assert_int_equal(type.references, 4 + 8 + 9 + 10 + 11);
    assert_true(husk_hidden_row(hidden, 1, &type));
    assert_string_equal(type.type, "node");
    assert_int_equal(type.objects, 8);
    assert_false(husk_hidden_row(hidden, 2, &type));
    husk_census_object object;
    for (size_t i = 0; i < 5; i++) {
        assert_true(husk_hidden_object(hidden, i, &object));
        assert_int_equal(object.references, 12 - i);
        assert_int_equal(object.address, (uintptr_t)held.at[11 - i]);
    }
    assert_false(husk_hidden_object(hidden, 5, &object));
    assert_false(husk_hidden_damaged(hidden, 0, &object));
    if (story_failing)
        return;
    static const struct {
        const char *type, *place;
        uint64_t references;
    } rows[] = { { "tree", "odd.c:7 in make", 10 + 12 },
                 { "node", "odd.c:7 in make", 2 + 4 + 6 + 8 }, /* as many, and more bytes */
                 { "tree", "even.c:7 in make", 9 + 11 },
                 { "node", "even.c:7 in make", 1 + 3 + 5 + 7 } };
    for (size_t i = 0; i < 4; i++) {
        assert_true(husk_hidden_row(by_place, i, &type));
        assert_string_equal(type.type, rows[i].type);
        assert_string_equal(type.place, rows[i].place);
        assert_int_equal(type.references, rows[i].references);
    }
    assert_false(husk_hidden_row(by_place, 4, &type));
}

static void damage_is_told(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    HOLD other = node_new(heap, type_node, 2);
    TRY(other);
    node_of(other)->a = node_of(other)->b = obj; /* two that are not counted, beside one that is hidden */
    int64_t count;
    assert_int_equal(husk_obj_hidden_count(obj, &count), HUSK_OK);
    husk_hidden *hidden = NULL;
    husk_status status = husk_hidden_new(heap, NULL, &hidden);
    node_of(other)->a = node_of(other)->b = NULL;
    assert_int_equal(count, -1);
    TRY_OK(status);
    husk_hidden_sums sums;
    husk_hidden_sums_get(hidden, &sums);
    husk_census_object object;
    bool listed = husk_hidden_damaged(hidden, 0, &object);
    bool more = husk_hidden_damaged(hidden, 1, &object);
    husk_hidden_free(hidden);
    assert_int_equal(sums.damaged, 1);
    assert_int_equal(sums.objects, 1);
    assert_true(listed && !more);
    assert_int_equal(object.references, -1);
    assert_int_equal(object.address, (uintptr_t)obj);
}

static void refuse_inside(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    husk_hidden *hidden = NULL;
    int64_t count = 5;
    assert_int_equal(husk_obj_hidden_count(husk_obj_of(self), &count), HUSK_EBUSY);
    assert_int_equal(count, 5);
    husk_status status = husk_hidden_new(heap, NULL, &hidden);
    assert_true(status == HUSK_EBUSY || (story_failing && status == HUSK_ENOMEM));
    assert_null(hidden);
}

static void refusals(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = refuse_inside;
    husk_obj_drop(&obj);
    husk_hidden_options options = { HUSK_HIDDEN_OPTIONS };
    options.struct_size = 3;
    husk_hidden *hidden = NULL;
    assert_int_equal(husk_hidden_new(heap, &options, &hidden), HUSK_EINVAL);
    husk_hidden_free(NULL);
    husk_heap *other = heap_open(NULL);
    if (!other)
        return;
    husk_obj *mine = husk_obj_new(heap, type_leaf), *theirs = husk_obj_new(other, type_leaf);
    if (mine && theirs) {
        husk_obj *const both[] = { mine, theirs };
        int64_t counts[2] = { 7, 7 };
        assert_int_equal(husk_obj_hidden_counts(both, 2, counts), HUSK_EINVAL);
        assert_non_null(strstr(husk_heap_message(heap), "object 1 is of heap"));
        assert_int_equal(counts[0], 7);
    }
    husk_obj_drop(&mine);
    husk_obj_drop(&theirs);
    heap_close(other, true);
}

/* The same numbers as in a snapshot, in random heaps. */
static void as_in_a_snapshot(husk_heap *heap)
{
    enum { OBJECTS = 200 };
    for (uint64_t seed = 1; seed <= story_size(20, 1); seed++) {
        random64 r = random_from(seed);
        HOLD_MANY(held);
        for (size_t i = 0; i < OBJECTS; i++) {
            held.at[i] = node_new(heap, random_below(&r, 3) ? type_node : type_tree, 0);
            TRY(held.at[i]);
        }
        for (size_t i = 0; i < 2 * OBJECTS; i++)
            link_a(held.at[random_below(&r, OBJECTS)], held.at[random_below(&r, OBJECTS)]);
        for (size_t i = 0; i < OBJECTS; i++)
            if (random_below(&r, 2))
                husk_obj_drop(&held.at[i]);
        husk_hidden_options options = { HUSK_HIDDEN_OPTIONS, .most_objects = SIZE_MAX };
        HOLD_HIDDEN hidden = NULL;
        TRY_OK(husk_hidden_new(heap, &options, &hidden));
        husk_snapshot *snapshot = NULL;
        TRY_OK(husk_snapshot_new(heap, NULL, &snapshot));
        size_t with = 0;
        uint64_t sum = 0;
        husk_node one;
        for (size_t n = 0; husk_snapshot_node(snapshot, n, &one); n++) {
            with += one.hidden > 0;
            sum += (uint64_t)one.hidden;
        }
        husk_hidden_sums sums;
        husk_hidden_sums_get(hidden, &sums);
        husk_census_object object;
        size_t listed = 0;
        bool same = sums.objects == with && sums.references == sum;
        for (; husk_hidden_object(hidden, listed, &object); listed++)
            same = same && husk_snapshot_node(snapshot, husk_snapshot_find(snapshot, object.address), &one) &&
                   one.hidden == object.references;
        husk_snapshot_free(snapshot);
        assert_true(same);
        assert_int_equal(listed, with);
        for (size_t i = 0; i < OBJECTS; i++)
            husk_obj_drop(&held.at[i]);
        collect(heap);
    }
}

STORIES(STORY(of_one, 0), STORY(immortal, STORY_LEAVES_OBJECTS), STORY(a_census, 0), STORY(damage_is_told, 0),
        STORY(refusals, 0), STORY(as_in_a_snapshot, STORY_LEAVES_OBJECTS));
