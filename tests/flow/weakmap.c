/* tests/flow/weakmap.c: weak-key maps, weak-value maps and weak sets as users see them. */
#include "story.h"
#include "types.h"

static husk_obj *text_of(husk_heap *heap, const char *bytes)
{
    return husk_text_new(heap, bytes, strlen(bytes));
}

/* ---- weak-key map ---- */

static void keys_by_count(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    assert_int_equal(husk_obj_kind(map), HUSK_KIND_WEAKKEYMAP);
    HOLD key = node_new(heap, type_node, 1);
    TRY(key);
    HOLD bare = husk_obj_new(heap, type_leaf);
    TRY(bare);
    HOLD value = node_new(heap, type_node, 2);
    TRY(value);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    TRY_OK(husk_weakkeymap_set(map, bare, husk_int(7)));
    assert_int_equal(husk_weakkeymap_count(map), 2);
    assert_int_equal(husk_obj_strong_count(key), 1);
    assert_int_equal(husk_obj_strong_count(value), 2);
    assert_int_equal(husk_obj_weak_count(key), 0);
    assert_false(husk_obj_is_unique(key));
    husk_value v;
    assert_int_equal(husk_weakkeymap_peek(map, key, &v), HUSK_OK);
    assert_ptr_equal(v.as.o, value);
    TRY_OK(husk_weakkeymap_set(map, key, husk_float(0.5)));
    assert_int_equal(husk_obj_strong_count(value), 1);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    verify(heap);
    husk_obj_drop(&key);
    assert_int_equal(husk_obj_strong_count(value), 1);
    assert_int_equal(husk_weakkeymap_count(map), 1);
    assert_int_equal(husk_weakkeymap_peek(map, bare, &v), HUSK_OK);
    assert_int_equal(v.as.i, 7);
    assert_int_equal(husk_weakkeymap_remove(map, bare), HUSK_OK);
    assert_int_equal(husk_weakkeymap_remove(map, bare), HUSK_EMISSING);
    assert_int_equal(husk_weakkeymap_peek(map, bare, &v), HUSK_EMISSING);
    assert_int_equal(husk_weakkeymap_count(map), 0);
    verify(heap);
}

/* The value refers to its key: with any other map a leak. Keys with and without references of their own. */
static void values_that_hold_their_keys(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    for (int i = 0; i < 6; i++) {
        HOLD key = husk_obj_new(heap, i % 2 ? type_leaf : type_node);
        TRY(key);
        HOLD value = node_new(heap, type_node, i);
        TRY(value);
        link_a(value, key);
        TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    }
    HOLD live = husk_obj_new(heap, type_leaf);
    TRY(live);
    HOLD kept = node_new(heap, type_node, 9);
    TRY(kept);
    link_a(kept, live);
    TRY_OK(husk_weakkeymap_set(map, live, husk_ref(kept)));
    husk_obj_drop(&kept);
    husk_pass dry;
    assert_int_equal(husk_heap_collect_dry(heap, &dry), HUSK_OK);
    size_t garbage = objects_of(heap) - 3;
    assert_true(garbage == 12 || story_failing); /* where memory was refused a pass has run already */
    assert_int_equal(dry.collected, garbage);
    assert_int_equal(husk_weakkeymap_count(map), 1 + garbage / 2);
    assert_int_equal(collect(heap), garbage);
    assert_int_equal(husk_weakkeymap_count(map), 1);
    husk_value v;
    assert_int_equal(husk_weakkeymap_peek(map, live, &v), HUSK_OK);
    assert_int_equal(node_of(v.as.o)->number, 9);
    assert_int_equal(collect(heap), 0);
    husk_obj_drop(&live);
    assert_int_equal(husk_weakkeymap_count(map), 1); /* its value still has the key */
    assert_int_equal(collect(heap), 2);
    verify(heap);
}

/* k1 -> v1 = k2 -> v2 = k3 ...: each key is reached through the value of the one before. */
static void chains(husk_heap *heap)
{
    size_t n = story_size(300000, 300);
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD first = husk_obj_new(heap, type_leaf);
    TRY(first);
    HOLD last = first;
    husk_obj_retain(last);
    for (size_t i = 1; i < n; i++) {
        HOLD next = husk_obj_new(heap, i % 3 ? type_leaf : type_node);
        TRY(next);
        TRY_OK(husk_weakkeymap_set(map, last, husk_ref(next)));
        husk_obj_drop(&last);
        last = next;
        husk_obj_retain(last);
    }
    husk_obj_drop(&last);
    assert_int_equal(husk_weakkeymap_count(map), n - 1);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(objects_of(heap), n + 1);
    husk_obj_drop(&first); /* one after the other, without recursion */
    assert_int_equal(objects_of(heap), 1);
    assert_int_equal(husk_weakkeymap_count(map), 0);
    verify(heap);
}

/* A map that is garbage itself, among its keys and values; and maps as keys of each other. */
static void maps_in_cycles(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD other = husk_weakkeymap_new(heap);
    TRY(other);
    HOLD key = node_new(heap, type_node, 1);
    TRY(key);
    link_a(key, map);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(other)));
    TRY_OK(husk_weakkeymap_set(other, map, husk_ref(key)));
    TRY_OK(husk_weakkeymap_set(map, map, husk_ref(map)));
    TRY_OK(husk_weakkeymap_set(other, other, husk_ref(map)));
    husk_obj_drop(&map);
    husk_obj_drop(&other);
    assert_int_equal(collect(heap), 0);
    verify(heap);
    husk_obj_drop(&key);
    assert_int_equal(collect(heap), 3);
    assert_int_equal(objects_of(heap), 0);
}

/* One key in two maps, of which one is garbage. */
static void one_of_two_maps(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD doomed = husk_weakkeymap_new(heap);
    TRY(doomed);
    HOLD key = husk_obj_new(heap, type_leaf);
    TRY(key);
    HOLD value = node_new(heap, type_node, 1);
    TRY(value);
    link_a(value, doomed);
    TRY_OK(husk_weakkeymap_set(map, key, husk_int(1)));
    TRY_OK(husk_weakkeymap_set(doomed, key, husk_ref(value)));
    husk_obj_drop(&value);
    husk_obj_drop(&doomed);
    assert_int_equal(collect(heap), 2); /* although the key lives: nobody can ask that map any more */
    assert_int_equal(husk_weakkeymap_count(map), 1);
    verify(heap);
}

static husk_obj *asked_map, *asked_saved;
static husk_status asked_status;
static size_t asked_seen, asked_count;

static void ask_about_self(node *self)
{
    husk_value v;
    husk_obj *key;
    if (!asked_map)
        return; /* memory failed before the story began */
    asked_status = husk_weakkeymap_peek(asked_map, husk_obj_of(self), &v);
    asked_count = husk_weakkeymap_count(asked_map);
    for (size_t cursor = 0; husk_weakkeymap_next(asked_map, &cursor, &key, &v);)
        asked_seen++;
    if (asked_saved)
        link_a(asked_saved, husk_obj_of(self));
}

/* A finalizer finds the entry of its own object; what comes back keeps it. */
static void finalizers_and_entries(husk_heap *heap)
{
    for (int round = 0; round < 4; round++) {
        bool by_pass = round & 1, back = round & 2;
        HOLD map = husk_weakkeymap_new(heap);
        TRY(map);
        HOLD saved = node_new(heap, type_node, 0);
        TRY(saved);
        HOLD key = node_new(heap, type_hooked, 1);
        TRY(key);
        HOLD value = node_new(heap, type_node, 2);
        TRY(value);
        node_of(key)->hook = ask_about_self;
        if (by_pass)
            link_a(value, key);
        TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
        HOLD_WEAK weak = husk_weak_new(value, NULL, NULL, NULL);
        TRY(weak);
        husk_obj_drop(&value);
        asked_map = map;
        asked_saved = back ? saved : NULL;
        asked_status = HUSK_EBUSY;
        asked_seen = asked_count = 0;
        husk_obj_drop(&key);
        if (by_pass)
            assert_int_equal(collect(heap), back ? 0 : 2);
        assert_int_equal(asked_status, HUSK_OK);
        assert_int_equal(asked_count, 1);
        assert_int_equal(asked_seen, 0); /* it is not handed out */
        assert_int_equal(husk_weakkeymap_count(map), back ? 1 : 0);
        assert_int_equal(husk_weak_state_get(weak), back ? HUSK_ALIVE : HUSK_DEAD);
        verify(heap);
        if (back) {
            husk_value v;
            assert_int_equal(husk_weakkeymap_peek(map, node_of(saved)->a, &v), HUSK_OK);
            assert_int_equal(node_of(v.as.o)->number, 2);
            link_a(saved, NULL);
            assert_int_equal(collect(heap), by_pass ? 2 : 0);
            assert_int_equal(husk_weakkeymap_count(map), 0);
        }
        asked_map = asked_saved = NULL;
    }
}

/* Garbage whose key has a finalizer waits whole for a safe point, entry and value with it. */
static void quiet_passes(husk_heap *heap)
{
    for (int i = 0; i < 2; i++) {
        HOLD map = husk_weakkeymap_new(heap);
        TRY(map);
        HOLD key = node_new(heap, i ? type_hooked : type_goner, 1);
        TRY(key);
        HOLD value = node_new(heap, type_node, 2);
        TRY(value);
        link_a(value, key);
        TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
        husk_obj_drop(&key);
        husk_obj_drop(&value);
        tally_reset();
        husk_heap_request(heap);
        HOLD_MANY(fillers);
        for (int made = 0; made < 300; made++) /* a birth of these runs the pass */
            TRY(fillers.at[made] = node_new(heap, type_node, made));
        assert_int_equal(tally.finalized, 0);
        assert_int_equal(husk_weakkeymap_count(map), 1);
        husk_heap_safepoint(heap);
        (void)collect(heap);
        assert_int_equal(tally.finalized, 1);
        assert_int_equal(husk_weakkeymap_count(map), 0);
        verify(heap);
    }
}

/* A key that a quiet pass let die waits for its finalizer. Later quiet passes, whatever they look at first, leave
 * its entry whole: many objects on pages before the key's keep marking busy before the key's page is seen. */
static void waiting_keys(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD_MANY(roots);
    for (int i = 0; i < HOLD_MANY_MAX; i++)
        TRY(roots.at[i] = husk_obj_new(heap, type_node));
    HOLD holder = node_new(heap, type_node, 1);
    TRY(holder);
    HOLD key = node_new(heap, type_hooked, 2); /* of a larger class: behind the nodes */
    TRY(key);
    HOLD value = node_new(heap, type_node, 42);
    TRY(value);
    HOLD_WEAK weak = husk_weak_new(value, NULL, NULL, NULL);
    TRY(weak);
    link_a(holder, holder);
    link_b(holder, key);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    husk_obj_drop(&key);
    husk_obj_drop(&value);
    husk_obj_drop(&holder);
    tally_reset();
    HOLD chain = NULL; /* no release ends an object: no safe point */
    for (int i = 0; i < 6; i++) {
        husk_heap_request(heap);
        for (int births = 0; births < 200; births++) {
            husk_obj *next = node_new(heap, type_node, births);
            TRY(next);
            if (chain) {
                link_a(next, chain);
                husk_obj_release(chain);
            }
            chain = next;
        }
        assert_int_equal(tally.finalized, 0);
        assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
        assert_int_equal(husk_weakkeymap_count(map), 1);
    }
    husk_heap_safepoint(heap);
    (void)collect(heap);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    assert_int_equal(husk_weakkeymap_count(map), 0);
}

/* Frozen maps and keys: nothing of them dies in passes, all of it by counting. */
static void frozen(husk_heap *heap)
{
    HOLD map = husk_weakkeymap_new(heap);
    TRY(map);
    HOLD key = husk_obj_new(heap, type_leaf);
    TRY(key);
    HOLD value = node_new(heap, type_node, 1);
    TRY(value);
    TRY_OK(husk_weakkeymap_set(map, key, husk_ref(value)));
    husk_heap_freeze(heap);
    HOLD young = husk_obj_new(heap, type_leaf);
    HOLD young_value = young ? node_new(heap, type_node, 2) : NULL;
    if (young_value) {
        link_a(young_value, young);
        if (husk_weakkeymap_set(map, young, husk_ref(young_value)) == HUSK_OK) {
            husk_obj_drop(&young);
            husk_obj_drop(&young_value);
            assert_int_equal(collect(heap), 0);
            husk_heap_unfreeze(heap);
            assert_int_equal(collect(heap), 2);
        }
    }
    husk_heap_unfreeze(heap);
    husk_obj_drop(&key);
    assert_int_equal(husk_obj_strong_count(value), 1);
    verify(heap);
}

/* ---- weak-value map ---- */

static void values_by_count(husk_heap *heap)
{
    HOLD map = husk_weakvaluemap_new(heap);
    TRY(map);
    HOLD name = text_of(heap, "name");
    TRY(name);
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    HOLD other = husk_obj_new(heap, type_leaf);
    TRY(other);
    TRY_OK(husk_weakvaluemap_set(map, husk_ref(name), obj));
    TRY_OK(husk_weakvaluemap_set(map, husk_float(3.0), obj));
    TRY_OK(husk_weakvaluemap_set(map, husk_ref(obj), other));
    assert_int_equal(husk_weakvaluemap_count(map), 3);
    assert_int_equal(husk_obj_strong_count(name), 2);
    assert_int_equal(husk_obj_strong_count(obj), 2); /* as a key */
    husk_obj *found;
    assert_int_equal(husk_weakvaluemap_peek(map, husk_int(3), &found), HUSK_OK);
    assert_ptr_equal(found, obj);
    assert_int_equal(husk_weakvaluemap_peek_text(map, "name", 4, &found), HUSK_OK);
    assert_ptr_equal(found, obj);
    assert_int_equal(husk_weakvaluemap_peek_text(map, "nam", 3, &found), HUSK_EMISSING);
    verify(heap);
    husk_obj_drop(&other); /* its entry held obj as key */
    assert_int_equal(husk_weakvaluemap_count(map), 2);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    HOLD second = node_new(heap, type_node, 2);
    TRY(second);
    TRY_OK(husk_weakvaluemap_set(map, husk_ref(name), second)); /* replaces */
    assert_int_equal(husk_weakvaluemap_count(map), 2);
    husk_obj_drop(&obj); /* the late death of the old value does not take the new entry */
    assert_int_equal(husk_weakvaluemap_count(map), 1);
    assert_int_equal(husk_weakvaluemap_peek_text(map, "name", 4, &found), HUSK_OK);
    assert_ptr_equal(found, second);
    assert_int_equal(husk_weakvaluemap_remove_text(map, "name", 4), HUSK_OK);
    assert_int_equal(husk_obj_strong_count(name), 1);
    assert_int_equal(husk_weakvaluemap_remove(map, husk_int(3)), HUSK_EMISSING);
    verify(heap);
}

/* The key is strong: a key that holds its value keeps the entry. In a pass both go when the map goes. */
static void keys_that_hold_their_values(husk_heap *heap)
{
    HOLD map = husk_weakvaluemap_new(heap);
    TRY(map);
    HOLD key = node_new(heap, type_node, 1);
    TRY(key);
    HOLD value = node_new(heap, type_node, 2);
    TRY(value);
    link_a(key, value);
    link_a(value, map);
    TRY_OK(husk_weakvaluemap_set(map, husk_ref(key), value));
    husk_obj_drop(&key);
    husk_obj_drop(&value);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(husk_weakvaluemap_count(map), 1);
    husk_obj_drop(&map);
    assert_int_equal(collect(heap), 3);
}

static husk_status late_status;

static void ask_by_key(node *self)
{
    husk_obj *found;
    if (!asked_map)
        return;
    late_status = husk_weakvaluemap_peek(asked_map, husk_int(self->number), &found);
}

static void condemned_values(husk_heap *heap)
{
    HOLD map = husk_weakvaluemap_new(heap);
    TRY(map);
    HOLD value = node_new(heap, type_hooked, 5);
    TRY(value);
    node_of(value)->hook = ask_by_key;
    link_a(value, value);
    TRY_OK(husk_weakvaluemap_set(map, husk_int(5), value));
    asked_map = map;
    husk_obj_drop(&value);
    late_status = HUSK_OK;
    assert_int_equal(collect(heap), 1);
    assert_int_equal(late_status, HUSK_EMISSING);
    assert_int_equal(husk_weakvaluemap_count(map), 0);
    asked_map = NULL;
}

/* ---- weak set ---- */

static void sets(husk_heap *heap)
{
    HOLD set = husk_weakset_new(heap);
    TRY(set);
    HOLD_MANY(all);
    for (int i = 0; i < 20; i++) {
        all.at[i] = husk_obj_new(heap, i % 2 ? type_leaf : type_node);
        TRY(all.at[i]);
        TRY_OK(husk_weakset_add(set, all.at[i]));
        TRY_OK(husk_weakset_add(set, all.at[i]));
    }
    assert_int_equal(husk_weakset_count(set), 20);
    for (int i = 0; i < 20; i += 3)
        husk_obj_drop(&all.at[i]);
    assert_int_equal(husk_weakset_count(set), 13);
    size_t cursor = 0;
    int at = -1, seen = 0;
    for (husk_obj *obj; husk_weakset_next(set, &cursor, &obj); seen++) {
        do
            at++;
        while (!all.at[at]);
        assert_ptr_equal(obj, all.at[at]); /* in the order of insertion */
    }
    assert_int_equal(seen, 13);
    assert_true(husk_weakset_has(set, all.at[1]));
    assert_int_equal(husk_weakset_remove(set, all.at[1]), HUSK_OK);
    assert_false(husk_weakset_has(set, all.at[1]));
    assert_int_equal(husk_weakset_remove(set, all.at[1]), HUSK_EMISSING);
    assert_int_equal(husk_weakset_clear(set), HUSK_OK);
    assert_int_equal(husk_weakset_count(set), 0);
    verify(heap);
}

/* What an iteration has not met yet may die, be added, or be taken out under it. */
static void iterating(husk_heap *heap)
{
    HOLD set = husk_weakset_new(heap);
    TRY(set);
    HOLD_MANY(all);
    for (int i = 0; i < 200; i++) {
        all.at[i] = husk_obj_new(heap, type_leaf);
        TRY(all.at[i]);
        TRY_OK(husk_weakset_add(set, all.at[i]));
    }
    size_t cursor = 0;
    int last = -1, met = 0;
    for (husk_obj *obj; husk_weakset_next(set, &cursor, &obj); met++) {
        int i = 0;
        while (all.at[i] != obj)
            i++;
        assert_true(i > last);
        last = i;
        husk_obj_drop(&all.at[i]); /* itself */
        if (i + 1 < 200)
            husk_obj_drop(&all.at[i + 1]); /* and the next one */
        verify(heap);
    }
    assert_int_equal(met, 100);
    assert_int_equal(husk_weakset_count(set), 0);
}

/* ---- refusals ---- */

static void refusals(husk_heap *heap)
{
    HOLD keys = husk_weakkeymap_new(heap);
    TRY(keys);
    HOLD values = husk_weakvaluemap_new(heap);
    TRY(values);
    HOLD set = husk_weakset_new(heap);
    TRY(set);
    HOLD text = text_of(heap, "a text");
    TRY(text);
    HOLD one = node_new(heap, type_node, 1);
    TRY(one);
    husk_value v;
    husk_obj *found;
    size_t cursor = 0;
    assert_int_equal(husk_weakkeymap_set(keys, text, husk_int(1)), HUSK_ETYPE);
    assert_non_null(strstr(husk_heap_message(heap), "a text"));
    assert_int_equal(husk_weakvaluemap_set(values, husk_int(1), text), HUSK_ETYPE);
    assert_int_equal(husk_weakset_add(set, text), HUSK_ETYPE);
    assert_int_equal(husk_weakset_add(set, NULL), HUSK_EINVAL);
    assert_int_equal(husk_weakset_remove(set, NULL), HUSK_EINVAL);
    assert_int_equal(husk_weakkeymap_remove(keys, text), HUSK_ETYPE);
    assert_int_equal(husk_weakkeymap_peek(keys, NULL, &v), HUSK_EINVAL);
    assert_int_equal(husk_weakkeymap_set(keys, NULL, husk_nil()), HUSK_EINVAL);
    assert_int_equal(husk_weakvaluemap_set(values, husk_nil(), one), HUSK_EINVAL);
    assert_int_equal(husk_weakvaluemap_peek(values, husk_float(0.0 / 0.0), &found), HUSK_EINVAL);
    assert_int_equal(husk_weakkeymap_set(set, one, husk_int(1)), HUSK_ETYPE);
    assert_non_null(strstr(husk_heap_message(heap), "a weak-key map is wanted, this is a weak set"));
    assert_int_equal(husk_weakkeymap_peek(values, one, &v), HUSK_ETYPE);
    assert_int_equal(husk_weakset_add(one, one), HUSK_ETYPE);
    assert_int_equal(husk_weakset_clear(keys), HUSK_ETYPE);
    assert_int_equal(husk_weakkeymap_count(set), 0);
    assert_false(husk_weakset_next(keys, &cursor, &found));
    husk_heap *other_heap = heap_open(NULL);
    if (other_heap) {
        HOLD stranger = husk_obj_new(other_heap, type_node);
        if (stranger) {
            assert_int_equal(husk_weakkeymap_set(keys, stranger, husk_nil()), HUSK_EHEAP);
            assert_int_equal(husk_weakkeymap_set(keys, one, husk_ref(stranger)), HUSK_EHEAP);
            assert_int_equal(husk_weakvaluemap_set(values, husk_int(1), stranger), HUSK_EHEAP);
            assert_int_equal(husk_weakset_add(set, stranger), HUSK_EHEAP);
        }
        husk_obj_drop(&stranger);
        heap_close(other_heap, true);
    }
    assert_int_equal(husk_weakkeymap_count(keys) + husk_weakvaluemap_count(values) + husk_weakset_count(set),
                     0);
    verify(heap);
}

/* The heap closes with containers that are still held: nothing is left of their entries. */
static void closed_with_entries(husk_heap *heap)
{
    husk_obj *map = husk_weakkeymap_new(heap), *set = husk_weakset_new(heap);
    husk_obj *key = husk_obj_new(heap, type_leaf), *value = node_new(heap, type_node, 1);
    if (map && set && key && value) {
        link_a(value, map);
        (void)husk_weakkeymap_set(map, key, husk_ref(value));
        (void)husk_weakset_add(set, map);
        (void)husk_weakset_add(set, key);
    }
}

STORIES(STORY(keys_by_count, 0), STORY(values_that_hold_their_keys, 0), STORY(chains, 0),
        STORY(maps_in_cycles, 0), STORY(one_of_two_maps, 0), STORY(finalizers_and_entries, 0),
        STORY(quiet_passes, 0), STORY(waiting_keys, 0), STORY(frozen, 0), STORY(values_by_count, 0),
        STORY(keys_that_hold_their_values, 0), STORY(condemned_values, 0), STORY(sets, 0),
        STORY(iterating, 0), STORY(refusals, 0), STORY(closed_with_entries, STORY_LEAVES_OBJECTS));
