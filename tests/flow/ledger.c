/* tests/flow/ledger.c: who holds references, taken where: retains, releases and what they are paired with. */
#include "story.h"
#include "types.h"

#include <husk/collect.h>
#include <husk/kinds.h>
#include <husk/ledger.h>
#include <husk/weakmap.h>
#include <stdio.h>
#include <string.h>

#define APART __attribute__((noinline))

/* A ledger until the end of the block: what the block holds is released before. */
static void ledger_end(husk_heap **heap)
{
    if (*heap) {
        verify(*heap);
        husk_ledger_stop(*heap);
        assert_false(husk_ledger_is_on(*heap));
        verify(*heap);
    }
}
#define LEDGER(...)                                                                                          \
    __attribute__((cleanup(ledger_end))) husk_heap *ledger_of_block = NULL;                                  \
    husk_ledger_options ledger_options = { HUSK_LEDGER_OPTIONS, __VA_ARGS__ };                               \
    TRY_OK(husk_ledger_start(heap, &ledger_options));                                                        \
    ledger_of_block = heap
#define NODES .types = (const husk_type *const[]){ type_node }, .type_count = 1

/* References of a story that ended early; else there are none beside that of the HOLD variable before it. */
static void only_one(husk_obj **held)
{
    while (*held && husk_obj_strong_count(*held) > 1) {
        assert_true(story_failing);
        husk_obj_release(*held);
    }
}
#define ONLY_ONE(obj) __attribute__((cleanup(only_one), unused)) husk_obj *only_##obj = (obj)

static husk_ledger_figures figures(const husk_heap *heap)
{
    husk_ledger_figures now;
    husk_ledger_figures_get(heap, &now);
    return now;
}

static husk_ledger_book book(const husk_obj *obj)
{
    husk_ledger_book now;
    assert_true(husk_ledger_book_get(obj, &now));
    assert_int_equal(now.count, husk_obj_strong_count(obj));
    return now;
}

/* The rows of obj, first lines joined by "; ". NULL: no memory. */
static const char *rows(const husk_obj *obj, uint32_t flags)
{
    static char text[2048];
    husk_ledger_list *list;
    husk_heap *heap = husk_obj_heap(obj);
    husk_status status = husk_ledger_of(obj, flags, &list);
    if (status) {
        story_refuse(heap, status, "husk_ledger_of", __FILE__, __LINE__);
        return NULL;
    }
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < husk_ledger_list_count(list); i++) {
        char line[256];
        size_t length = husk_ledger_list_text(list, i, 0, line, sizeof line);
        assert_int_equal(length, strlen(line));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "; " : "", line);
    }
    husk_ledger_list_free(list);
    return text;
}

/* Where memory fails entries may be lost, and places unknown: the figures agree all the same, which verify sees. */
#define ROWS(obj, flags, wanted)                                                                             \
    do {                                                                                                     \
        const char *rows_text = rows((obj), (flags));                                                        \
        if (!rows_text)                                                                                      \
            return;                                                                                          \
        if (!story_failing)                                                                                  \
            assert_string_equal(rows_text, wanted);                                                          \
    } while (0)
#define ALL_ROWS (HUSK_LEDGER_HELD | HUSK_LEDGER_RELEASES)

/* The function of a row's newest frame. */
static const char *function_of(const husk_obj *obj, size_t index)
{
    static char name[128];
    husk_ledger_list *list;
    husk_place_frame frame = { "", "", 0, 0 };
    if (husk_ledger_of(obj, ALL_ROWS, &list))
        return "";
    (void)husk_ledger_list_frame(list, index, 0, &frame);
    snprintf(name, sizeof name, "%s", frame.function);
    husk_ledger_list_free(list);
    return name;
}

static APART husk_obj *make(husk_heap *heap)
{
    husk_obj *obj = node_new(heap, type_node, 1);
    __asm__ volatile("" ::: "memory"); /* no tail call: its frame is to be seen */
    return obj;
}

static APART void cache_takes(husk_obj *obj)
{
    husk_obj_retain(obj);
    __asm__ volatile("# not the same code as the next" ::: "memory");
}

static APART void session_takes(husk_obj *obj)
{
    husk_obj_retain(obj);
    __asm__ volatile("" ::: "memory");
}

/* From one place, so that the stacks are the same. */
static APART void cache_takes_two(husk_obj *obj)
{
    for (volatile int i = 0; i < 2; i++)
        cache_takes(obj);
}

static APART void session_ends(husk_obj *obj)
{
    husk_obj_release(obj);
    __asm__ volatile("" ::: "memory");
}

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

/* ---- with the rest of the library ---- */

static husk_obj *back;

static void come_back(node *self)
{
    back = husk_obj_of(self);
    husk_obj_retain(back);
    __asm__ volatile("" ::: "memory");
}

static void back_again(husk_heap *heap)
{
    LEDGER(.types = (const husk_type *const[]){ type_hooked }, .type_count = 1);
    HOLD obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = come_back;
    back = NULL;
    husk_obj_drop(&obj);
    if (!back)
        return;
    obj = back;
    assert_int_equal(husk_obj_strong_count(obj), 1);
    ROWS(obj, ALL_ROWS, "retain");
    if (!story_failing)
        assert_string_equal(function_of(obj, 0), "come_back");
    node_of(obj)->hook = NULL;
    /* And by a pass. */
    HOLD other = node_new(heap, type_hooked, 2);
    TRY(other);
    TRY_OK(husk_obj_set(other, &node_of(other)->a, other));
    TRY_OK(husk_obj_set(other, &node_of(other)->b, obj));
    ROWS(obj, HUSK_LEDGER_HELD, "retain, field b of hooked #2; retain");
    node_of(other)->hook = come_back;
    back = NULL;
    husk_obj_drop(&other);
    collect(heap);
    if (!back)
        return;
    other = back;
    ROWS(other, HUSK_LEDGER_HELD, "retain; retain, field a of hooked #2");
    node_of(other)->hook = NULL;
    verify(heap);
    husk_obj_drop(&other);
    assert_int_equal(collect(heap), 1);
    ROWS(obj, ALL_ROWS, "retain");
}

static void passes_and_weaks(husk_heap *heap)
{
    LEDGER(.max_bytes = 0);
    HOLD kept = make(heap);
    TRY(kept);
    HOLD first = make(heap);
    TRY(first);
    HOLD second = make(heap);
    TRY(second);
    TRY_OK(husk_obj_set(first, &node_of(first)->a, second));
    TRY_OK(husk_obj_set(second, &node_of(second)->a, first));
    TRY_OK(husk_obj_set(second, &node_of(second)->b, kept));
    HOLD_WEAK weak = husk_weak_new(second, NULL, NULL, NULL);
    TRY(weak);
    assert_int_equal(collect(heap), 0);
    husk_obj_drop(&first);
    husk_obj_drop(&second);
    second = husk_weak_lock(weak);
    assert_non_null(second);
    ROWS(second, 0, "retain");
    assert_int_equal(collect(heap), 0);
    husk_obj_drop(&second);
    husk_heap_set_save_all(heap, true);
    if (husk_heap_collect(heap, NULL) == HUSK_OK && husk_heap_garbage_count(heap)) {
        HOLD saved = husk_heap_garbage(heap, 0);
        const char *text = rows(saved, 0);
        if (text && !story_failing)
            assert_string_equal(text, "retain; retain by the list of garbage");
    }
    husk_heap_set_save_all(heap, false);
    husk_heap_garbage_clear(heap);
    assert_int_equal(collect(heap), 2);
    assert_null(husk_weak_lock(weak));
    ROWS(kept, ALL_ROWS, "birth");
    husk_obj_make_immortal(kept);
    assert_true(husk_obj_is_immortal(kept));
    husk_ledger_book none;
    assert_false(husk_ledger_book_get(kept, &none));
    kept = NULL;
}

static void later_done(void *data)
{
    *(bool *)data = true;
}

static void chain_dies(husk_heap *heap)
{
    LEDGER(NODES);
    HOLD last = make(heap);
    TRY(last);
    ONLY_ONE(last);
    HOLD head = NULL;
    for (int i = 0; i < 200; i++) {
        HOLD next = make(heap);
        TRY(next);
        TRY_OK(husk_obj_set(next, &node_of(next)->a, head));
        TRY_OK(husk_obj_set(next, &node_of(next)->b, last));
        husk_obj_drop(&head);
        head = next;
        next = NULL;
    }
    if (!story_failing)
        assert_int_equal(figures(heap).objects, 201);
    ROWS(last, HUSK_LEDGER_HELD, "200 retains, field b of node; birth");
    husk_obj_drop(&head);
    ROWS(last, ALL_ROWS, "birth");
    /* From elsewhere, as it is executed. */
    bool done = false;
    husk_later note = { .done = later_done, .data = &done };
    husk_obj_retain(last);
    husk_obj_release_later(last, &note);
    husk_heap_safepoint(heap);
    assert_true(done);
    ROWS(last, ALL_ROWS, "birth");
}

static void choosing(husk_heap *heap)
{
    HOLD first = make(heap);
    TRY(first);
    ONLY_ONE(first);
    LEDGER(.names = (const char *const[]){ "goner", "not there" }, .name_count = 2);
    husk_ledger_book none;
    assert_false(husk_ledger_book_get(first, &none));
    HOLD second = make(heap);
    TRY(second);
    assert_false(husk_ledger_book_get(second, &none));
    TRY_OK(husk_ledger_choose(heap, type_node, true));
    TRY_OK(husk_ledger_choose(heap, type_node, true));
    assert_int_equal(book(first).before, 1);
    husk_obj_retain(first);
    TRY_OK(husk_ledger_choose(heap, type_node, false));
    assert_false(husk_ledger_book_get(first, &none));
    assert_int_equal(husk_obj_strong_count(first), 2);
    husk_obj_release(first);
    HOLD goner = husk_obj_new(heap, type_goner);
    TRY(goner);
    if (!story_failing)
        assert_int_equal(book(goner).number, 3);
    husk_ledger_list *list;
    TRY_OK(husk_ledger_all(heap, NULL, 0, &list));
    if (!story_failing) {
        assert_int_equal(husk_ledger_list_count(list), 1);
        assert_int_equal(husk_ledger_list_total(list), 1);
        husk_ledger_entry entry;
        assert_true(husk_ledger_list_get(list, 0, &entry));
        assert_string_equal(entry.type, "goner");
        assert_int_equal(entry.kind, HUSK_LEDGER_BIRTH);
        assert_false(husk_ledger_list_get(list, 1, &entry));
        husk_place_frame frame;
        assert_false(husk_ledger_list_frame(list, 1, 0, &frame));
        assert_false(husk_ledger_list_frame(list, 0, 1000, &frame));
        char little[4];
        assert_int_equal(husk_ledger_list_text(list, 0, 0, little, sizeof little), 5);
        assert_string_equal(little, "bir");
    }
    husk_ledger_list_free(list);
    husk_ledger_list_free(NULL);
}

static void over_the_limit(husk_heap *heap)
{
    LEDGER(NODES, .frames = 1, .deaths = HUSK_LEDGER_NO_DEATHS, .max_bytes = (size_t)4 << 20);
    HOLD obj = make(heap);
    TRY(obj);
    enum { MANY = 100000 };
    for (int i = 0; i < MANY; i++)
        husk_obj_retain(obj);
    husk_ledger_figures now = figures(heap);
    assert_in_range(now.own_bytes, 1, now.max_bytes + (512 << 10)); /* a step of growth beyond it at most */
    assert_int_equal(husk_obj_strong_count(obj), MANY + 1);
    if (!story_failing) {
        assert_true(now.lost > 0);
        assert_int_equal(now.lost + now.entries, MANY + 1);
    }
    verify(heap);
    for (int i = 0; i < MANY; i++)
        husk_obj_release(obj);
    if (!story_failing) {
        assert_int_equal(figures(heap).unpaired, 0);
        assert_in_range(book(obj).lost, 0, 1); /* the birth may have been closed instead */
    }
}

static void deaths(husk_heap *heap)
{
    LEDGER(NODES, .deaths = 2);
    HOLD obj = make(heap);
    TRY(obj);
    const void *address = obj;
    husk_ledger_list *list;
    assert_int_equal(husk_ledger_death(heap, address, &list), HUSK_EMISSING);
    session_ends(obj);
    obj = NULL;
    husk_status status = husk_ledger_death(heap, address, &list);
    if (story_failing) {
        if (!status)
            husk_ledger_list_free(list);
        return;
    }
    assert_int_equal(status, HUSK_OK);
    char text[1024];
    husk_place_frame frame;
    assert_int_equal(husk_ledger_list_count(list), 2);
    (void)husk_ledger_list_text(list, 0, 0, text, sizeof text);
    assert_string_equal(text, "death of node #1");
    assert_true(husk_ledger_list_frame(list, 0, 0, &frame));
    assert_string_equal(frame.function, "session_ends");
    (void)husk_ledger_list_text(list, 1, 9, text, sizeof text);
    assert_memory_equal(text, "birth\n    node_new (", 20);
    husk_ledger_list_free(list);
    for (int i = 0; i < 3; i++) {
        HOLD more = make(heap);
        TRY(more);
        HOLD another = make(heap);
        TRY(another);
    }
}

/* The heap closes with its ledger on, and with objects in it. */
static void left_on(husk_heap *heap)
{
    TRY_OK(husk_ledger_start(heap, NULL));
    husk_obj *obj = make(heap);
    TRY(obj);
    TRY_OK(husk_obj_set(obj, &node_of(obj)->a, obj));
    HOLD list = husk_list_new(heap);
    TRY(list);
    (void)husk_list_append(list, husk_ref(obj));
    session_takes(obj);
    HOLD hooked = node_new(heap, type_hooked, 1);
    TRY(hooked);
    HOLD large = husk_obj_new(heap, type_huge);
    TRY(large);
    assert_int_equal(book(large).count, 1);
    verify(heap);
}

/* A leak, told by the heap that closes. */
static void told_at_the_end(husk_heap *unused)
{
    (void)unused;
    husk_heap *heap = heap_open(NULL);
    assert_non_null(heap);
    husk_ledger_options nodes = { HUSK_LEDGER_OPTIONS, NODES };
    assert_int_equal(husk_ledger_start(heap, &nodes), HUSK_OK);
    husk_obj *obj = make(heap);
    session_takes(obj);
    husk_obj_release_here(obj);
    heap_close(heap, false);
    assert_int_equal(report_count(), 2);
    assert_string_equal(report_at(0)->text, "closed with 1 object of type node still held");
    assert_non_null(strstr(report_at(1)->text, "node, never paired: birth\n    node_new ("));
    report_forget();
}

/* With a tracer beside it: each has its own places. */
static void traced_too(husk_heap *heap)
{
    husk_trace_options every = { HUSK_TRACE_OPTIONS, .frames = 4 };
    TRY_OK(husk_trace_start(heap, &every));
    LEDGER(NODES);
    HOLD said = husk_obj_new_here(heap, type_node);
    TRY(said);
    husk_place_frame frame;
    if (!story_failing) {
        assert_true(husk_trace_of(said, 0, &frame));
        assert_string_equal(frame.function, "traced_too");
        assert_int_equal(frame.address, 0);
        assert_string_equal(function_of(said, 0), "traced_too");
        assert_true(husk_ledger_born(said, 0, &frame));
        assert_string_equal(frame.function, "traced_too");
        assert_true(husk_ledger_born(said, 1, &frame));
        assert_int_not_equal(frame.address, 0);
        assert_false(husk_ledger_born(said, 100, &frame));
    }
    HOLD obj = make(heap);
    TRY(obj);
    husk_trace_at(heap, "said.c", 7, "sayer");
    cache_takes(obj); /* the place was meant for a birth */
    HOLD next = husk_obj_new(heap, type_node);
    TRY(next);
    if (!story_failing) {
        assert_string_equal(function_of(obj, 0), "cache_takes");
        assert_string_equal(function_of(next, 0), "sayer");
    }
    session_ends(obj);
    husk_trace_stop(heap);
    HOLD after = make(heap);
    TRY(after);
    ROWS(after, 0, "birth");
    husk_trace_options few = { HUSK_TRACE_OPTIONS, .frames = 1, .sample_bytes = 4096, .seed = 3 };
    TRY_OK(husk_trace_start(heap, &few));
    for (int i = 0; i < 2000; i++) {
        HOLD more = make(heap);
        TRY(more);
        if (!story_failing)
            assert_int_equal(book(more).count, 1);
    }
    husk_trace_figures traced;
    husk_trace_figures_get(heap, &traced);
    if (!story_failing)
        assert_in_range(traced.born, 500, 6000);
    verify(heap);
}

STORIES(STORY(on_and_off, 0), STORY(pairs, 0), STORY(function_first, 0), STORY(names, 0), STORY(scopes, 0),
        STORY(slots, 0), STORY(containers, 0), STORY(back_again, 0),
        STORY(passes_and_weaks, STORY_LEAVES_OBJECTS), STORY(chain_dies, STORY_NO_FAULT), STORY(choosing, 0),
        STORY(over_the_limit, STORY_NO_FAULT), STORY(deaths, 0),
        STORY(left_on, STORY_LEAVES_OBJECTS | STORY_NO_FAULT), STORY(told_at_the_end, STORY_NO_FAULT),
        STORY(traced_too, STORY_NO_FAULT));
