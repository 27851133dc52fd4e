/* tests/flow/ledger.c: who holds references, taken where: retains, releases and what they are paired with. Deaths, passes
 * and limits: ledger_life.c. */
#include "ledger_story.h"

#include <husk/kinds.h>
#include <husk/weakmap.h>

static void on_and_off(husk_heap *heap)
{
    assert_false(husk_ledger_is_on(heap));
    assert_int_equal(figures(heap).own_bytes, 0);
    husk_ledger_stop(heap);
    husk_ledger_clear(heap);
    husk_ledger_book none;
    husk_ledger_list *list;
    HOLD old = make(heap);
    TRY(old);
    ONLY_ONE(old);
    assert_false(husk_ledger_book_get(old, &none));
    assert_int_equal(husk_ledger_of(old, 0, &list), HUSK_ESTATE);
    assert_int_equal(husk_ledger_all(heap, NULL, 0, &list), HUSK_ESTATE);
    assert_int_equal(husk_ledger_choose(heap, type_node, true), HUSK_ESTATE);
    assert_int_equal(husk_ledger_push(heap, "x"), HUSK_ESTATE);
    assert_int_equal(husk_ledger_pop(heap), HUSK_ESTATE);
    husk_obj_retain(old);
    LEDGER(NODES);
    assert_true(husk_ledger_is_on(heap));
    assert_int_equal(husk_ledger_start(heap, NULL), HUSK_ESTATE);
    assert_int_equal(husk_ledger_pop(heap), HUSK_ESTATE);
    assert_int_equal(book(old).before, 2);
    husk_place_frame frame;
    assert_false(husk_ledger_born(old, 0, &frame));
    assert_int_equal(book(old).number, 1);
    assert_ptr_equal(husk_ledger_find(heap, 1), old);
    assert_null(husk_ledger_find(heap, 2));
    assert_null(husk_ledger_find(heap, 0));
    assert_false(husk_obj_is_immortal(old));
    husk_obj_release(old);
    assert_int_equal(book(old).before, 1);
    ROWS(old, ALL_ROWS, "");
    HOLD small = husk_obj_new(heap, type_leaf);
    TRY(small);
    assert_false(husk_ledger_born(small, 0, &frame));
    assert_false(husk_ledger_book_get(small, &none));
    husk_ledger_stop(heap);
    assert_int_equal(husk_obj_strong_count(old), 1);
    husk_ledger_options wrong = { .struct_size = 3 };
    assert_int_equal(husk_ledger_start(heap, &wrong), HUSK_EINVAL);
    if (story_failing)
        return;
    wrong = (husk_ledger_options){ HUSK_LEDGER_OPTIONS, .frames = 70000 };
    assert_int_equal(husk_ledger_start(heap, &wrong), HUSK_ERANGE);
    wrong = (husk_ledger_options){ HUSK_LEDGER_OPTIONS, .max_bytes = 1000 };
    assert_int_equal(husk_ledger_start(heap, &wrong), HUSK_ELIMIT);
    verify(heap);
}

static void pairs(husk_heap *heap)
{
    LEDGER(NODES);
    HOLD obj = make(heap);
    TRY(obj);
    ONLY_ONE(obj);
    husk_ledger_book none;
    if (!husk_ledger_book_get(obj, &none))
        return; /* no room for its book: missed */
    assert_int_equal(book(obj).before, 0);
    ROWS(obj, 0, "birth");
    session_takes(obj);
    cache_takes(obj);
    ROWS(obj, 0, "retain; retain; birth");
    session_ends(obj); /* another function of this module: the newest */
    ROWS(obj, 0, "retain; birth");
    if (!story_failing)
        assert_string_equal(function_of(obj, 0), "session_takes");
    cache_takes_two(obj);
    ROWS(obj, 0, "2 retains; retain; birth");
    if (!story_failing) {
        assert_string_equal(function_of(obj, 0), "cache_takes");
        assert_string_equal(function_of(obj, 1), "session_takes");
    }
    for (int i = 0; i < 3; i++)
        husk_obj_release(obj);
    assert_int_equal(husk_obj_strong_count(obj), 1);
    if (!story_failing)
        assert_int_equal(figures(heap).unpaired, 0);
}

static void function_first(husk_heap *heap)
{
    LEDGER(NODES);
    HOLD obj = make(heap);
    TRY(obj);
    ONLY_ONE(obj);
    husk_obj_retain(obj); /* here */
    cache_takes(obj);
    husk_obj_release(obj); /* here again: not cache_takes', though that is newer */
    ROWS(obj, 0, "retain; birth");
    if (!story_failing)
        assert_string_equal(function_of(obj, 0), "cache_takes");
    husk_obj_release(obj);
}

static void names(husk_heap *heap)
{
    LEDGER(NODES);
    HOLD obj = make(heap);
    TRY(obj);
    ONLY_ONE(obj);
    for (volatile int i = 0; i < 2; i++)
        husk_ledger_retain(obj, "the cache");
    husk_ledger_retain(obj, "the session");
    ROWS(obj, 0, "2 retains by the cache; retain by the session; birth");
    husk_ledger_release(obj, "the cache");
    husk_ledger_release(obj, "the session");
    ROWS(obj, 0, "retain by the cache; birth");
    husk_obj_release(obj); /* nobody's: the birth */
    ROWS(obj, 0, "retain by the cache");
    husk_ledger_give(obj, "the cache", NULL);
    ROWS(obj, 0, "retain");
    husk_ledger_give(obj, NULL, "the index");
    ROWS(obj, 0, "retain by the index");
    husk_obj_retain_here(obj);
    if (!story_failing) {
        const char *text = rows(obj, 0);
        assert_string_equal(text, "retain; retain by the index");
        assert_string_equal(function_of(obj, 0), "names");
    }
    husk_ledger_release(obj, "the index");
    HOLD other = make(heap);
    TRY(other);
    ONLY_ONE(other);
    husk_obj_retain(other);
    husk_ledger_release(other, "the cache"); /* which has none */
    ROWS(other, ALL_ROWS, "unpaired release by the cache; retain; birth");
    if (!story_failing) {
        assert_int_equal(book(other).unpaired, 1);
        assert_int_equal(figures(heap).unpaired, 1);
    }
    husk_ledger_clear(heap);
    ROWS(other, ALL_ROWS, "");
    assert_int_equal(book(other).before, 1);
    /* Where there is no ledger, they just count. */
    HOLD plain = husk_obj_new(heap, type_leaf);
    TRY(plain);
    ONLY_ONE(plain);
    husk_ledger_retain(plain, "x");
    husk_ledger_give(plain, "x", "y");
    husk_obj_retain_here(plain);
    husk_obj_release_here(plain);
    husk_ledger_release(plain, "y");
    assert_int_equal(husk_obj_strong_count(plain), 1);
}

static void scopes(husk_heap *heap)
{
    LEDGER(NODES);
    TRY_OK(husk_ledger_push(heap, "request 7"));
    HOLD obj = make(heap);
    TRY(obj);
    ONLY_ONE(obj);
    husk_obj_retain(obj);
    ROWS(obj, 0, "retain by request 7; birth by request 7");
    husk_obj_release(obj);
    ROWS(obj, 0, "birth by request 7");
    assert_int_equal(husk_ledger_pop(heap), HUSK_OK);
    husk_obj_retain(obj);
    TRY_OK(husk_ledger_push(heap, "request 8"));
    husk_obj_release(obj); /* request 8 has none: nobody's */
    ROWS(obj, ALL_ROWS, "birth by request 7");
    for (int i = 1; i < 64; i++)
        TRY_OK(husk_ledger_push(heap, "deeper"));
    assert_int_equal(husk_ledger_push(heap, "too deep"), HUSK_ERANGE);
    for (int i = 0; i < 64; i++)
        assert_int_equal(husk_ledger_pop(heap), HUSK_OK);
    assert_int_equal(husk_ledger_pop(heap), HUSK_ESTATE);
    husk_ledger_give(obj, "request 7", NULL);
}

static void slots(husk_heap *heap)
{
    LEDGER(NODES);
    HOLD obj = make(heap);
    TRY(obj);
    ONLY_ONE(obj);
    HOLD holder = make(heap);
    TRY(holder);
    TRY_OK(husk_obj_set(holder, &node_of(holder)->a, obj));
    TRY_OK(husk_obj_set(holder, &node_of(holder)->b, obj));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, field b of node #2; retain, field a of node #2; birth");
    ROWS(obj, 0, "birth"); /* paths show the others */
    TRY_OK(husk_obj_set(holder, &node_of(holder)->b, NULL));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, field a of node #2; birth");
    /* The caller's goes into a slot, and comes out again. */
    husk_obj *moved = obj;
    husk_obj_retain(moved);
    TRY_OK(husk_obj_take(holder, &node_of(holder)->b, moved));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, field b of node #2; retain, field a of node #2; birth");
    moved = NULL;
    TRY_OK(husk_obj_swap(holder, &node_of(holder)->b, &moved));
    assert_ptr_equal(moved, obj);
    ROWS(obj, HUSK_LEDGER_HELD, "retain; retain, field a of node #2; birth");
    /* By plain stores: out, and another one in. */
    HOLD out = node_of(holder)->a;
    node_of(holder)->a = NULL;
    ROWS(obj, 0, "retain; retain, field a of node #2, which does not hold it any more; birth");
    node_of(holder)->b = moved;
    ROWS(obj, 0, "retain; retain, field a of node #2, which does not hold it any more; birth");
    husk_obj_drop(&holder); /* lets go of b: nobody's newest goes */
    ROWS(obj, ALL_ROWS, "retain, field a of node #2, which does not hold it any more; birth");
    husk_obj_release(obj);
    out = NULL;
    ROWS(obj, ALL_ROWS, "retain, field a of node #2, which does not hold it any more");
    if (!story_failing)
        assert_int_equal(figures(heap).unpaired, 0);
}

static void containers(husk_heap *heap)
{
    LEDGER(NODES);
    HOLD obj = make(heap);
    TRY(obj);
    ONLY_ONE(obj);
    HOLD list = husk_list_new(heap);
    TRY(list);
    TRY_OK(husk_list_append(list, husk_ref(obj)));
    TRY_OK(husk_list_insert(list, 0, husk_ref(obj)));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, item of list; retain, item of list; birth");
    husk_value out;
    TRY_OK(husk_list_remove(list, 0, &out)); /* to the caller */
    ROWS(obj, HUSK_LEDGER_HELD, "retain; retain, item of list; birth");
    husk_obj_release(obj);
    TRY_OK(husk_list_remove(list, 0, NULL));
    ROWS(obj, ALL_ROWS, "birth");
    TRY_OK(husk_list_append(list, husk_int(1)));
    TRY_OK(husk_list_set(list, 0, husk_ref(obj)));
    TRY_OK(husk_list_set(list, 0, husk_ref(obj)));
    TRY_OK(husk_list_clear(list));
    ROWS(obj, ALL_ROWS, "birth");
    HOLD map = husk_map_new(heap);
    TRY(map);
    TRY_OK(husk_map_set(map, husk_int(1), husk_ref(obj)));
    TRY_OK(husk_map_set(map, husk_ref(obj), husk_int(2)));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, item of map; retain, item of map; birth");
    TRY_OK(husk_map_remove(map, husk_int(1)));
    TRY_OK(husk_map_clear(map));
    HOLD weakly = husk_weakkeymap_new(heap);
    TRY(weakly);
    HOLD key = make(heap);
    TRY(key);
    TRY_OK(husk_weakkeymap_set(weakly, key, husk_ref(obj)));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, item of weak-key map; birth");
    husk_obj_drop(&key);
    ROWS(obj, ALL_ROWS, "birth");
    HOLD pair_of = husk_obj_new(heap, type_pair);
    TRY(pair_of);
    TRY_OK(husk_value_set(pair_of, &((pair *)husk_obj_data(pair_of))->second, husk_ref(obj)));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, field second of pair; birth");
    HOLD sack = husk_obj_new(heap, type_bag);
    TRY(sack);
    TRY_OK(bag_add(sack, obj)); /* a plain retain: it says nothing of the bag */
    husk_obj_drop(&pair_of);
    husk_obj_drop(&sack);
    ROWS(obj, ALL_ROWS, "birth");
    husk_obj *kept = obj;
    husk_ledger_retain_in(kept, list, NULL);
    ROWS(obj, ALL_ROWS, "retain, item of list, which does not hold it any more; birth");
    husk_ledger_move_out(kept, list, NULL);
    husk_ledger_move_in(kept, list, NULL);
    husk_ledger_release_in(kept, list, NULL);
    ROWS(obj, ALL_ROWS, "birth");
    if (!story_failing)
        assert_int_equal(figures(heap).unpaired, 0);
}

STORIES(STORY(on_and_off, 0), STORY(pairs, 0), STORY(function_first, 0), STORY(names, 0), STORY(scopes, 0),
        STORY(slots, 0), STORY(containers, 0));
