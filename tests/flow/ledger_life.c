/* tests/flow/ledger_life.c: ledgers beside the rest of the library: who comes back, passes, deaths, limits, the close, a
 * tracer. */
#include "ledger_story.h"

#include <husk/collect.h>
#include <husk/kinds.h>

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

STORIES(STORY(back_again, 0), STORY(passes_and_weaks, STORY_LEAVES_OBJECTS),
        STORY(chain_dies, STORY_NO_FAULT), STORY(choosing, 0), STORY(over_the_limit, STORY_NO_FAULT),
        STORY(deaths, 0), STORY(left_on, STORY_LEAVES_OBJECTS | STORY_NO_FAULT),
        STORY(told_at_the_end, STORY_NO_FAULT), STORY(traced_too, STORY_NO_FAULT));
