/* tests/flow/path.c: why an object is alive: the shortest paths to it, compared with a search that is slow and plain. */
#include "random.h"
#include "story.h"
#include "types.h"

#include <husk/collect.h>
#include <husk/kinds.h>
#include <husk/path.h>
#include <husk/weakmap.h>
#include <stdio.h>
#include <string.h>

static void assert_line(const husk_path *path, size_t index, const char *wanted)
{
    char text[512];
    size_t length = husk_path_text(path, index, text, sizeof text);
    assert_string_equal(text, wanted);
    assert_int_equal(length, strlen(wanted));
    char little[8];
    assert_int_equal(husk_path_text(path, index, little, sizeof little), length);
    assert_memory_equal(little, text, length < 7 ? length + 1 : 7);
    assert_int_equal(husk_path_text(path, index, NULL, 0), length);
}

/* Of one path. False: no memory. */
static bool line_of(husk_heap *heap, husk_obj *obj, size_t known, const char *wanted)
{
    husk_path *path;
    husk_status status = husk_path_of(obj, &(husk_path_options){ HUSK_PATH_OPTIONS, .known = known }, &path);
    if (status) {
        story_refuse(heap, status, "husk_path_of", __FILE__, __LINE__);
        return false;
    }
    assert_line(path, 0, wanted);
    husk_path_free(path);
    return true;
}

static void from_outside(husk_heap *heap)
{
    HOLD first = node_new(heap, type_node, 1);
    TRY(first);
    HOLD map = husk_map_new(heap);
    TRY(map);
    HOLD last = node_new(heap, type_node, 2);
    TRY(last);
    TRY_OK(husk_obj_set(first, &node_of(first)->a, map));
    TRY_OK(husk_map_set(map, husk_int(-7), husk_int(1)));
    HOLD key = husk_text_new(heap, "k", 1);
    TRY(key);
    TRY_OK(husk_map_set(map, husk_ref(key), husk_ref(last)));
    TRY_OK(husk_obj_set(last, &node_of(last)->b, last));
    if (!line_of(heap, last, 1, "root map (held from outside by 1) [\"k\"] -> node"))
        return;
    if (!line_of(heap, last, 0, "root node (held from outside by 1)"))
        return;
    husk_obj_drop(&map);
    if (!line_of(heap, last, 1, "root node (held from outside by 1) .a -> map [\"k\"] -> node"))
        return;
    husk_obj_drop(&first);
    /* Only itself and the one who asks. */
    (void)line_of(heap, last, 1, "garbage, in a cycle: node .b -> node");
    link_b(last, NULL);
}

static void entries_hang_on_keys(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD key = node_new(heap, type_node, 1);
    TRY(key);
    HOLD value = node_new(heap, type_node, 2);
    TRY(value);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    if (!line_of(heap, value, 1, "root node (held from outside by 1) (key of an entry) -> node"))
        return;
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(key)));
    HOLD alone = node_new(heap, type_node, 3);
    TRY(alone);
    (void)line_of(heap, alone, 1, "nothing holds node but the 1 reference of who asks");
}

static void long_ones(husk_heap *heap)
{
    size_t count = story_size(1000000, 1000);
    HOLD root = node_new(heap, type_node, 0);
    TRY(root);
    husk_obj *last = root;
    for (size_t i = 0; i < count; i++) {
        husk_obj *next = node_new(heap, type_node, 0);
        TRY(next);
        assert_int_equal(husk_obj_take(last, &node_of(last)->a, next), HUSK_OK);
        last = next;
    }
    husk_path *path;
    TRY_OK(husk_path_of(last, NULL, &path));
    husk_path_root first;
    assert_true(husk_path_root_get(path, 0, &first));
    assert_int_equal(first.steps, count);
    assert_int_equal(first.held, 1);
    char text[1024], gap[64];
    assert_true(husk_path_text(path, 0, text, sizeof text) < sizeof text);
    snprintf(gap, sizeof gap, " .a -> (%zu more) -> node .a", count - 24);
    assert_non_null(strstr(text, gap));
    husk_path_step step;
    assert_true(husk_path_step_get(path, 0, count - 1, &step));
    assert_string_equal(step.name, "a");
    assert_false(husk_path_step_get(path, 0, count, &step));
    husk_path_free(path);
    /* Bounded. */
    husk_path_options o = { HUSK_PATH_OPTIONS, .max_bytes = 4096 };
    assert_int_equal(husk_path_of(last, &o, &path), HUSK_ELIMIT);
    husk_heap_unfreeze(heap);
}

/* ---- compared ---- */

enum { MODEL = 40 };

/* Steps from the roots to each object, the target never gone through: until nothing changes. */
static void plain_search(husk_obj *const *all, const bool *held, size_t target, size_t *steps)
{
    for (size_t i = 0; i < MODEL; i++)
        steps[i] = held[i] ? 0 : SIZE_MAX;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < MODEL; i++)
            for (int side = 0; side < 2 && steps[i] != SIZE_MAX && i != target; side++) {
                const husk_obj *to = side ? node_of(all[i])->b : node_of(all[i])->a;
                for (size_t j = 0; j < MODEL; j++)
                    if (all[j] == to && steps[j] > steps[i] + 1) {
                        steps[j] = steps[i] + 1;
                        more = true;
                    }
            }
    }
}

/* References to the target out of what is reached, and itself if held. */
static size_t plain_count(husk_obj *const *all, const bool *held, size_t target, const size_t *steps)
{
    size_t count = held[target];
    for (size_t i = 0; i < MODEL; i++)
        if (i != target && steps[i] != SIZE_MAX)
            count += (size_t)(node_of(all[i])->a == all[target]) + (node_of(all[i])->b == all[target]);
    return count;
}

static void as_the_plain_search(husk_heap *heap)
{
    for (uint64_t seed = 1; seed <= story_size(40, 2); seed++) {
        random64 r = random_from(seed);
        husk_obj *all[MODEL];
        bool held[MODEL];
        HOLD_MANY(holding);
        for (size_t i = 0; i < MODEL; i++) {
            TRY(holding.at[i] = all[i] = node_new(heap, type_node, (int64_t)i));
            held[i] = random_below(&r, 8) == 0;
        }
        for (size_t i = 0; i < MODEL; i++) {
            link_a(all[i], all[random_below(&r, MODEL)]);
            if (random_below(&r, 2))
                link_b(all[i], all[random_below(&r, MODEL)]);
        }
        /* All are held by one reference, which is unknown only where it counts: so others are let go. */
        for (size_t i = 0; i < MODEL; i++)
            if (!held[i])
                husk_obj_drop(&holding.at[i]);
        husk_snapshot *snapshot;
        TRY_OK(husk_snapshot_new(heap, NULL, &snapshot));
        for (size_t t = 0; t < MODEL; t++) {
            size_t steps[MODEL];
            if (husk_snapshot_find(snapshot, (uintptr_t)all[t]) == SIZE_MAX)
                continue; /* it died as nothing referred to it */
            bool gone = false;
            for (size_t i = 0; i < MODEL; i++)
                gone = gone || husk_snapshot_find(snapshot, (uintptr_t)all[i]) == SIZE_MAX;
            if (gone)
                break;
            plain_search(all, held, t, steps);
            husk_path *path;
            husk_path_options o = { HUSK_PATH_OPTIONS, .limit = 64 };
            husk_status status =
                husk_path_find(snapshot, husk_snapshot_find(snapshot, (uintptr_t)all[t]), &o, &path);
            if (status) {
                husk_snapshot_free(snapshot);
                TRY_OK(status);
            }
            assert_int_equal(husk_path_count(path), plain_count(all, held, t, steps));
            husk_path_root root = { 0 }, before = { 0 };
            for (size_t p = 0; husk_path_root_get(path, p, &root); p++) {
                if (p == 0)
                    assert_int_equal(root.steps, steps[t]);
                assert_true(root.steps >= before.steps);
                before = root;
                size_t at = root.node;
                husk_path_step step;
                for (size_t s = 0; husk_path_step_get(path, p, s, &step); s++) {
                    assert_int_equal(step.from, at);
                    at = step.to;
                }
                assert_int_equal(at, husk_snapshot_find(snapshot, (uintptr_t)all[t]));
            }
            husk_path_free(path);
        }
        husk_snapshot_free(snapshot);
        for (size_t i = 0; i < MODEL; i++)
            husk_obj_drop(&holding.at[i]);
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
    }
}

static void refusals(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    husk_path *path;
    husk_path_options o = { HUSK_PATH_OPTIONS, .limit = 65 };
    husk_snapshot *snapshot;
    TRY_OK(husk_snapshot_new(
        heap, &(husk_snapshot_options){ HUSK_SNAPSHOT_OPTIONS, .flags = HUSK_SNAPSHOT_NO_EDGES }, &snapshot));
    assert_int_equal(husk_path_find(snapshot, 0, &o, &path), HUSK_EINVAL);
    assert_int_equal(husk_path_find(snapshot, 1, NULL, &path), HUSK_ERANGE);
    assert_int_equal(husk_path_find(snapshot, 0, NULL, &path), HUSK_EMISSING);
    o.abi = 2;
    assert_int_equal(husk_path_find(snapshot, 0, &o, &path), HUSK_EINVAL);
    husk_path_free(NULL);
    husk_snapshot_free(snapshot);
}

static void frozen_and_immortal(husk_heap *heap)
{
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    HOLD b = node_new(heap, type_node, 2);
    TRY(b);
    TRY_OK(husk_obj_set(a, &node_of(a)->a, b));
    TRY_OK(husk_obj_set(b, &node_of(b)->b, a));
    husk_obj_drop(&a);
    if (!line_of(heap, b, 1, "garbage, in a cycle: node .b -> node .a -> node"))
        return;
    husk_heap_freeze(heap);
    if (!line_of(heap, b, 1, "root node (frozen)"))
        return;
    husk_heap_unfreeze(heap);
    husk_obj_make_immortal(node_of(b)->b);
    (void)line_of(heap, b, 1, "root node (immortal) .a -> node");
}

STORIES(STORY(from_outside, 0), STORY(entries_hang_on_keys, 0), STORY(long_ones, STORY_NO_FAULT),
        STORY(as_the_plain_search, 0), STORY(refusals, 0), STORY(frozen_and_immortal, STORY_LEAVES_OBJECTS));
