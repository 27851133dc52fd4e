/* tests/unit/object.c: cells, counts at their ends, the side table at its, and mistakes that stop the process. */
#define _GNU_SOURCE
#include "fixture.h"
#include "types.h"

#include "object/weak.h"
#include "store/range.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void ignore(husk_weak *weak, void *data)
{
    (void)weak, (void)data;
}

/* More cells than a block holds, in two heaps at once: numbers are process-wide, blocks are not shared. */
static void test_cells(void **state)
{
    husk_heap *heap = *state, *other = heap_open(NULL);
    enum { MANY = 3 * HUSK__CELLS_PER_BLOCK + 7 };
    static husk_obj *objects[2][MANY];
    static husk_weak *weaks[2][MANY], *calls[2][MANY];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            for (int h = 0; h < 2; h++) {
                objects[h][i] = husk_obj_new(h ? other : heap, type_leaf);
                weaks[h][i] = husk_weak_new(objects[h][i], NULL, NULL, NULL);
                assert_non_null(weaks[h][i]);
                assert_true(objects[h][i]->cell & CELL_LONE);
                assert_ptr_equal(husk__lone_of(objects[h][i]), weaks[h][i]);
                calls[h][i] =
                    husk_weak_new(objects[h][i], ignore, NULL, NULL); /* the second one needs a cell */
                assert_non_null(calls[h][i]);
                assert_false(objects[h][i]->cell & CELL_LONE);
                assert_true(objects[h][i]->cell % HUSK__CELLS_PER_BLOCK != 0); /* 0 of a block is its link */
            }
        }
        verify(heap);
        verify(other);
        for (int i = 0; i < MANY; i++) {
            for (int h = 0; h < 2; h++) {
                husk_obj *locked = husk_weak_lock(weaks[h][i]);
                assert_ptr_equal(locked, objects[h][i]);
                husk_obj_release(locked);
                husk_obj_release(objects[h][i]);
                assert_null(husk_weak_lock(weaks[h][i]));
                husk_weak_release(weaks[h][i]);
                husk_weak_release(calls[h][i]);
            }
        }
        assert_int_equal(heap->cells.in_use, 0);
        int blocks = 0; /* used again: no more than the first round made */
        for (uint32_t b = heap->cells.blocks; b; b = husk__cell_blocks[b][0].next)
            blocks++;
        assert_int_equal(blocks, 4);
    }
    heap_close(other, true);
}

/* A lone weak reference that is too far away for the header gets a cell. The 18 GiB between are never touched. */
static void test_far_away(void **state)
{
    husk_heap *heap = *state;
    husk_obj *near_one = husk_obj_new(heap, type_node);
    const size_t half =
        (size_t)9 << 30; /* of what lies between: the system may refuse more at once than it has */
    void *between[2] = { husk__range_take(half), husk__range_take(half) };
    if (!between[0] || !between[1]) {
        for (int i = 0; i < 2; i++)
            if (between[i])
                husk__range_give(between[i], half);
        husk_obj_release(near_one);
        skip();
    }
    enum { MANY = 140000 }; /* more than there is room for in the chunks before it */
    static husk_obj *objects[MANY];
    static husk_weak *weaks[MANY];
    bool far = false;
    int used = 0;
    for (; !far && used < MANY; used++) {
        objects[used] = husk_obj_new(heap, type_node);
        weaks[used] = husk_weak_new(objects[used], NULL, NULL, NULL);
        far = ((uintptr_t)weaks[used] ^ (uintptr_t)near_one) >> 34 != 0;
    }
    if (strcmp(husk__range_mode(), "range") == 0)
        assert_true(far);
    husk_weak *weak = husk_weak_new(near_one, NULL, NULL, NULL); /* on the page of the latest one */
    assert_non_null(weak);
    assert_true(far == !(near_one->cell & CELL_LONE));
    assert_int_equal(husk_obj_weak_count(near_one), 1);
    husk_obj *locked = husk_weak_lock(weak);
    assert_ptr_equal(locked, near_one);
    husk_obj_release(locked);
    verify(heap);
    husk_obj_release(near_one);
    assert_null(husk_weak_lock(weak));
    husk_weak_release(weak);
    while (used-- > 0) {
        husk_weak_release(weaks[used]);
        husk_obj_release(objects[used]);
    }
    for (int i = 0; i < 2; i++)
        husk__range_give(between[i], half);
}

/* The types of weak references are written out by hand: as registering them would make them. */
static void test_weak_types(void **state)
{
    (void)state;
    const husk_type *by_hand[] = { &husk__plain_weak, &husk__call_weak };
    for (int i = 0; i < 2; i++) {
        const husk_type *want = by_hand[i];
        static const uint32_t extra[] = { TYPE_WEAK, TYPE_WEAK | TYPE_TRACKED };
        const husk_type_spec spec = { HUSK_TYPE_SPEC, .name = want->name, .size = want->size };
        const husk_type *made;
        assert_int_equal(husk__type_make(&spec, extra[i], &made), HUSK_OK);
        assert_ptr_equal(husk__types[want->id], want);
        assert_int_equal(want->birth.head, (uint64_t)want->id << 32 | RC_ONE);
        assert_true(want->birth.place == made->birth.place);
        assert_int_equal(want->plain_head, made->plain_head);
        assert_int_equal(want->flags, made->flags);
        assert_int_equal(want->block, made->block);
        assert_int_equal(want->refs_at, made->refs_at);
        assert_int_equal(want->refs_end, made->refs_end);
        assert_int_equal(want->field_count + want->slot_count, 0);
        assert_string_equal(want->name, made->name);
    }
}

/* The count has 29 bits; one more makes the object immortal, and says so once. */
static void test_a_count_that_overflows(void **state)
{
    husk_heap *heap = *state;
    husk_obj *obj = husk_obj_new(heap, type_node);
    obj->rc = RC_SLOW - 2 * RC_ONE;
    husk_obj_retain(obj);
    assert_int_equal(husk_obj_strong_count(obj), (1u << 29) - 1);
    assert_false(husk_obj_is_immortal(obj));
    husk_obj_release(obj);
    assert_int_equal(husk_obj_strong_count(obj), (1u << 29) - 2);
    husk_obj_retain(obj);
    husk_obj_retain(obj);
    husk_obj_retain(obj);
    assert_true(husk_obj_is_immortal(obj));
    report_take(HUSK_ERANGE, 1);
    for (int i = 0; i < 100; i++)
        husk_obj_release(obj);
    assert_true(husk_obj_is_immortal(obj));
    assert_int_equal(report_count(), 0);
    verify(heap);
    assert_int_equal(collect(heap), 0);
    obj->rc = RC_ONE; /* by hand, for the heap to end empty */
    husk_obj_release(obj);
}

/* A release touches it first. */
static void test_an_overflow_met_by_a_release(void **state)
{
    husk_heap *heap = *state;
    husk_obj *obj = husk_obj_new(heap, type_node), *owner = husk_obj_new(heap, type_node);
    link_a(owner, obj);
    obj->rc = RC_SATURATED;
    husk_obj_release(owner); /* by the drain */
    assert_true(husk_obj_is_immortal(obj));
    report_take(HUSK_ERANGE, 1);
    obj->rc = RC_ONE;
    husk_obj_release(obj);
}

/* Many objects with more references than an entry of the side table holds: each is exact. */
static void test_many_hubs(void **state)
{
    husk_heap *heap = *state;
    enum { HUBS = 40 };
    static const size_t extra[] = { 0, 1, 2, 16382, 16383, 16384, 16385, 32767, 32768, 49151, 49152 };
    husk_pacing never = { 0, 0, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(heap, &never), HUSK_OK);
    husk_obj *hubs[HUBS];
    for (int i = 0; i < HUBS; i++) {
        size_t count = extra[(size_t)i % (sizeof extra / sizeof extra[0])];
        hubs[i] = husk_obj_new(heap, type_node);
        husk_obj *spokes = husk_obj_new_items(heap, type_row, count);
        row_item *items = husk_obj_items(spokes);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(husk_obj_set(spokes, &items[k].ref, hubs[i]), HUSK_OK);
        link_a(hubs[i], spokes);
        husk_obj_release(spokes);
    }
    verify(heap);
    husk_pass pass;
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(pass.collected, 0);
    for (int i = 0; i < HUBS; i += 2) {
        /* Those without a spoke die by counting, taking an empty row along. */
        husk_obj_release(hubs[i]);
    }
    size_t before = objects_of(heap);
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(objects_of(heap), before - pass.collected);
    assert_int_equal(objects_of(heap), HUBS); /* each of the other twenty with its row */
    for (int i = 1; i < HUBS; i += 2)
        husk_obj_release(hubs[i]);
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    assert_int_equal(objects_of(heap), 0);
}

/* A million references to one object, by a pass that condemns it with finalizers, so that it is counted twice. */
static void test_a_million_references(void **state)
{
    husk_heap *heap = *state;
    enum { SPOKES = 1000000 };
    husk_obj *hub = husk_obj_new(heap, type_hooked), *spokes = husk_obj_new_items(heap, type_row, SPOKES);
    row_item *items = husk_obj_items(spokes);
    for (size_t k = 0; k < SPOKES; k++)
        assert_int_equal(husk_obj_set(spokes, &items[k].ref, hub), HUSK_OK);
    link_a(hub, spokes);
    husk_obj_release(spokes);
    assert_int_equal(collect(heap), 0);
    verify(heap);
    assert_int_equal(husk_obj_strong_count(hub), SPOKES + 1);
    tally_reset();
    husk_obj_release(hub);
    assert_int_equal(collect(heap), 2);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(objects_of(heap), 0);
}

/* A leaf with as many: its entry is of no interest to passes, but verify counts it. */
static void test_a_popular_leaf(void **state)
{
    husk_heap *heap = *state;
    enum { SPOKES = 100000 };
    husk_obj *text = husk_obj_new(heap, type_leaf), *spokes = husk_obj_new_items(heap, type_row, SPOKES);
    row_item *items = husk_obj_items(spokes);
    for (size_t k = 0; k < SPOKES; k++)
        assert_int_equal(husk_obj_set(spokes, &items[k].ref, text), HUSK_OK);
    assert_int_equal(collect(heap), 0);
    verify(heap);
    text->rc -= RC_ONE * 2; /* one too few */
    assert_int_equal(husk_heap_verify(heap), HUSK_ECORRUPT);
    text->rc += RC_ONE * 2;
    verify(heap);
    husk_obj_release(spokes);
    assert_int_equal(husk_obj_strong_count(text), 1);
    husk_obj_release(text);
}

/* ---- mistakes of the program that stop the process, with a report ---- */

static husk_heap *doomed;

static void release_twice(void)
{
    husk_obj *obj = husk_obj_new(doomed, type_node);
    husk_obj_release(obj);
    husk_obj_release(obj);
}

static void release_twice_hooked(void)
{
    husk_obj *obj = husk_obj_new(doomed, type_hooked);
    husk_obj_release(obj);
    husk_obj_release(obj);
}

/* The child was released by hand although a slot still holds it. */
static void release_of_what_a_slot_holds(void)
{
    husk_obj *owner = husk_obj_new(doomed, type_node), *child = husk_obj_new(doomed, type_node);
    link_a(owner, child);
    husk_obj_release(child);
    husk_obj_release(child);
    husk_obj_release(owner);
}

static void let_go_of_self(node *self)
{
    husk_obj_release(husk_obj_of(self));
}

static void a_finalizer_that_releases_itself(void)
{
    husk_obj *obj = husk_obj_new(doomed, type_hooked);
    node_of(obj)->hook = let_go_of_self;
    husk_obj_release(obj);
}

static void close_inside(node *self)
{
    husk_heap_close(husk_obj_heap(husk_obj_of(self)));
}

static void a_close_inside_a_hook(void)
{
    husk_obj *obj = husk_obj_new(doomed, type_hooked);
    node_of(obj)->hook = close_inside;
    husk_obj_release(obj);
}

static void *make_one(void *heap)
{
    husk_obj *obj = husk_obj_new(heap, type_node);
    husk_obj_release(obj);
    return NULL;
}

static void a_thread_that_is_not_the_owner(void)
{
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .check_owner = true };
    husk_heap *heap = heap_open(&options);
    husk_obj *obj = husk_obj_new(heap, type_hooked); /* all is well, also after a drain */
    husk_obj_release(obj);
    pthread_t thread;
    pthread_create(&thread, NULL, make_one, heap);
    pthread_join(thread, NULL);
}

static void stops(void (*mistake)(void), const char *words)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(ends[1], 2);
        close(ends[0]);
        doomed = heap_open(NULL);
        mistake();
        _exit(0);
    }
    close(ends[1]);
    char text[1000] = "";
    size_t length = 0;
    for (ssize_t n;
         length < sizeof text - 1 && (n = read(ends[0], text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)n;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(text, words))
        fail_msg("wanted an abort with \"%s\", got status %d and: %s", words, status, text);
}

static void test_mistakes_stop_the_process(void **state)
{
    (void)state;
    stops(release_twice, "release");
    stops(release_twice_hooked, "release");
    stops(release_of_what_a_slot_holds, "release");
    stops(a_finalizer_that_releases_itself, "hooked");
    stops(a_close_inside_a_hook, "closed from inside a hook");
    stops(a_thread_that_is_not_the_owner, "thread");
}

/* Without an error hook a report is one line on stderr. */
static void report_to_nobody(void)
{
    husk_heap *heap;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "lonely" };
    if (husk_heap_new(&options, &heap) == HUSK_OK)
        husk_heap_report(heap, HUSK_EHOOK, "nobody listens");
    abort();
}

static void test_reports_without_a_hook(void **state)
{
    (void)state;
    stops(report_to_nobody, "lonely: HUSK_EHOOK: nobody listens");
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_cells),
        HEAP_TEST(test_far_away),
        HEAP_TEST(test_weak_types),
        HEAP_TEST(test_a_count_that_overflows),
        HEAP_TEST(test_an_overflow_met_by_a_release),
        HEAP_TEST(test_many_hubs),
        HEAP_TEST(test_a_million_references),
        HEAP_TEST(test_a_popular_leaf),
        cmocka_unit_test(test_mistakes_stop_the_process),
        cmocka_unit_test(test_reports_without_a_hook),
    };
    return RUN_ROUNDS("object", tests);
}
