/* tests/fault/requests.c: what must never ask for memory, with every later request refused. */
#include "fixture.h"
#include "random.h"
#include "types.h"

enum { OBJECTS = 3000 };

static void on_gone(husk_weak *weak, void *data)
{
    (void)weak;
    ++*(int *)data;
}

static bool nothing(husk_obj *obj, void *data)
{
    (void)obj, (void)data;
    return true;
}

static bool no_edge(const husk_edge *e, void *data)
{
    (void)e, (void)data;
    return true;
}

static void release_collect_verify_walk_close(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        random64 r = random_from(seed);
        husk_heap *heap = heap_open(NULL);
        static husk_obj *objects[OBJECTS];
        static husk_weak *weaks[OBJECTS];
        int called = 0;
        husk_pacing pacing = { 0, 0, 1.0, 2.0 };
        husk_heap_set_pacing(heap, &pacing);
        const husk_type *types[] = { type_node, type_hooked, type_closed, type_tree };
        for (int i = 0; i < OBJECTS; i++) {
            objects[i] = node_new(heap, types[random_below(&r, 4)], i);
            weaks[i] = random_below(&r, 3) ? NULL : husk_weak_new(objects[i], on_gone, &called, NULL);
        }
        for (int i = 0; i < OBJECTS; i++) {
            husk_obj *a = objects[random_below(&r, OBJECTS)], *b = objects[random_below(&r, (uint32_t)i + 1)];
            if (husk_obj_type(objects[i]) == type_tree) {
                /* Only to older ones of the same type: the promise of the type. */
                a = NULL;
                if (b == objects[i] || husk_obj_type(b) != type_tree)
                    b = NULL;
            }
            link_a(objects[i], a);
            link_b(objects[i], b);
        }
        uint64_t requests = husk_memory_requests();
        husk_memory_fail(1, true);
        for (int i = 0; i < OBJECTS; i++) {
            if (random_below(&r, 10))
                husk_obj_drop(&objects[i]);
        }
        verify(heap);
        husk_pass pass;
        assert_int_equal(husk_heap_collect_dry(heap, &pass), HUSK_OK);
        collect(heap);
        husk_heap_freeze(heap);
        husk_heap_each(heap, nothing, NULL);
        for (int i = 0; i < OBJECTS; i++) {
            if (objects[i]) {
                husk_obj_each_referrer(objects[i], no_edge, NULL);
                break;
            }
        }
        husk_heap_unfreeze(heap);
        for (int i = 0; i < OBJECTS; i++)
            husk_obj_drop(&objects[i]);
        husk_heap_safepoint(heap);
        while (collect(heap) > 0)
            verify(heap);
        for (int i = 0; i < OBJECTS; i++)
            husk_weak_release(weaks[i]);
        husk_heap_trim(heap);
        while (collect(heap) > 0)
            verify(heap);
        if (objects_of(heap) > 0)
            fail_msg("seed %llu: %zu objects left", (unsigned long long)seed, objects_of(heap));
        husk_heap_close(heap);
        assert_int_equal(husk_memory_requests(), requests);
        husk_memory_fail(0, false);
        assert_int_equal(report_count(), 0);
        assert_int_equal(husk_memory_held(), 0);
        assert_true(called > 0);
    }
}

enum { CONTAINERS = 30, MEMBERS = 600 };

static void cleaned(husk_heap *heap, void *data)
{
    (void)heap;
    ++*(int *)data;
}

/* An entry of the container of this number, among maps of both kinds and sets. */
static void tie(husk_obj *container, int number, husk_obj *target, husk_obj *other)
{
    husk_status status = number % 3 == 0   ? husk_weakkeymap_set(container, target, husk_ref(other))
                         : number % 3 == 1 ? husk_weakvaluemap_set(container, husk_ref(other), target)
                                           : husk_weakset_add(container, target);
    assert_int_equal(status, HUSK_OK);
}

/* Looks all up; every other entry of a map gets another value, every third one goes. */
static void go_through(husk_obj *container, int number)
{
    husk_obj *target, *found;
    husk_value other, v;
    int i = 0;
    for (size_t cursor = 0;; i++) {
        if (number % 3 == 0 && husk_weakkeymap_next(container, &cursor, &target, &other)) {
            HOLD held = target; /* the value may be what keeps it */
            husk_obj_retain(held);
            assert_int_equal(husk_weakkeymap_peek(container, held, &v), HUSK_OK);
            if (i % 2)
                assert_int_equal(husk_weakkeymap_set(container, held, husk_ref(container)), HUSK_OK);
            if (i % 3 == 0)
                assert_int_equal(husk_weakkeymap_remove(container, held), HUSK_OK);
        } else if (number % 3 == 1 && husk_weakvaluemap_next(container, &cursor, &other, &target)) {
            assert_int_equal(husk_weakvaluemap_peek(container, other, &found), HUSK_OK);
            assert_ptr_equal(found, target);
            if (i % 2) /* something that is in a container already */
                assert_int_equal(husk_weakvaluemap_set(container, other, target), HUSK_OK);
            if (i % 3 == 0)
                assert_int_equal(husk_weakvaluemap_remove(container, other), HUSK_OK);
        } else if (number % 3 == 2 && husk_weakset_next(container, &cursor, &target)) {
            assert_true(husk_weakset_has(container, target));
            if (i % 3 == 0)
                assert_int_equal(husk_weakset_remove(container, target), HUSK_OK);
        } else {
            return;
        }
    }
}

/* Soft references let go, and deaths come into queues and are polled; at the limit and by call, in passes and by
 * counting. */
static void softs_and_queues(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        random64 r = random_from(seed);
        husk_heap *heap = heap_open(NULL);
        static husk_obj *members[MEMBERS];
        static husk_soft *softs[MEMBERS];
        int called = 0;
        husk_pacing pacing = { 0, 0, 1.0, 2.0 };
        husk_heap_set_pacing(heap, &pacing);
        husk_deadqueue *queue = husk_deadqueue_new(heap);
        assert_true(husk_deadqueue_fd(queue) >= 0);
        const husk_type *types[] = { type_node, type_hooked, type_closed };
        for (int i = 0; i < MEMBERS; i++) {
            members[i] = node_new(heap, types[random_below(&r, 3)], i);
            husk_watch_release(husk_watch_new(queue, members[i], NULL, NULL));
            softs[i] = random_below(&r, 2) ? husk_soft_new(members[i], on_gone, &called, NULL) : NULL;
            link_a(members[i], members[random_below(&r, (uint32_t)i + 1)]);
            if (softs[i] && random_below(&r, 4) == 0) {
                link_b(members[random_below(&r, (uint32_t)i + 1)], husk_soft_obj(softs[i]));
                husk_soft_release(softs[i]);
                softs[i] = NULL;
            }
        }
        uint64_t requests = husk_memory_requests();
        husk_memory_fail(1, true);
        for (int i = 0; i < MEMBERS; i++)
            husk_obj_drop(&members[i]);
        husk_heap_yield_softs(heap, MEMBERS / 4);
        verify(heap);
        collect(heap);
        for (int i = 0; i < MEMBERS; i++) {
            husk_obj *got = softs[i] ? husk_soft_lock(softs[i]) : NULL; /* and holds it again */
            if (got)
                husk_obj_release(got);
        }
        verify(heap);
        assert_int_equal(husk_memory_requests(), requests);
        assert_null(husk_buffer_new(heap, 1u << 20)); /* the limit: it is asked for again after each share */
        requests = husk_memory_requests();
        husk_soft_figures figures;
        husk_heap_soft_figures(heap, &figures);
        assert_int_equal(figures.holding, 0);
        assert_true(figures.by_call > 0 && figures.by_limit > 0);
        verify(heap);
        for (int i = 0; i < MEMBERS; i++)
            husk_soft_release(softs[i]);
        while (collect(heap) > 0)
            verify(heap);
        size_t polled = 0;
        for (husk_watch *watch; (watch = husk_deadqueue_poll(queue)); polled++)
            husk_watch_release(watch);
        assert_int_equal(polled, MEMBERS);
        assert_int_equal(objects_of(heap), 1);
        husk_deadqueue_release(queue);
        heap_close(heap, true);
        assert_in_range(husk_memory_requests(), requests,
                        requests + 1); /* the buffer was asked for once more */
        husk_memory_fail(0, false);
    }
}

static void entries_and_cleanups_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        random64 r = random_from(seed);
        husk_heap *heap = heap_open(NULL);
        static husk_obj *members[MEMBERS], *containers[CONTAINERS];
        int ran = 0, registered = 0;
        husk_pacing pacing = { 0, 0, 1.0, 2.0 };
        husk_heap_set_pacing(heap, &pacing);
        const husk_type *types[] = { type_node, type_hooked, type_closed, type_leaf };
        for (int i = 0; i < MEMBERS; i++) {
            bool bare = random_below(&r, 4) == 3;
            members[i] = bare ? husk_obj_new(heap, type_leaf) : node_new(heap, types[random_below(&r, 3)], i);
            if (random_below(&r, 4) == 0) {
                husk_cleanup_release(husk_cleanup_new(members[i], cleaned, &ran, NULL, random_below(&r, 2)));
                registered++;
            }
        }
        for (int i = 0; i < CONTAINERS; i++) {
            containers[i] = i % 3 == 0   ? husk_weakkeymap_new(heap)
                            : i % 3 == 1 ? husk_weakvaluemap_new(heap)
                                         : husk_weakset_new(heap);
            uint32_t entries = random_below(&r, 120);
            for (uint32_t e = 0; e < entries; e++) {
                husk_obj *target = members[random_below(&r, MEMBERS)],
                         *other = members[random_below(&r, MEMBERS)];
                tie(containers[i], i, target, other);
                if (husk_obj_type(other) != type_leaf && random_below(&r, 2))
                    link_a(other, random_below(&r, 4) ? target : containers[i]);
            }
        }
        uint64_t requests = husk_memory_requests();
        husk_memory_fail(1, true);
        for (int i = 0; i < CONTAINERS; i++)
            go_through(containers[i], i);
        for (int i = 0; i < MEMBERS; i++)
            if (random_below(&r, 10))
                husk_obj_drop(&members[i]);
        verify(heap);
        collect(heap);
        for (int i = 0; i < CONTAINERS; i++)
            go_through(containers[i], i);
        verify(heap);
        assert_int_equal(husk_weakkeymap_clear(containers[0]), HUSK_OK);
        assert_int_equal(husk_weakvaluemap_clear(containers[1]), HUSK_OK);
        assert_int_equal(husk_weakset_clear(containers[2]), HUSK_OK);
        /* What still lives has its cleanups at the end, if they want it. */
        size_t waiting = husk_heap_cleanups(heap);
        assert_int_equal(waiting + (size_t)ran, registered);
        size_t at_exit = husk_heap_run_cleanups(heap);
        assert_int_equal(husk_heap_cleanups(heap), waiting - at_exit);
        for (int i = 0; i < MEMBERS; i++)
            husk_obj_drop(&members[i]);
        for (int i = 0; i < CONTAINERS; i++)
            husk_obj_drop(&containers[i]);
        while (collect(heap) > 0)
            verify(heap);
        assert_int_equal(objects_of(heap), 0);
        husk_heap_close(heap);
        assert_int_equal(husk_memory_requests(), requests);
        husk_memory_fail(0, false);
        assert_int_equal(report_count(), 0);
        assert_int_equal(husk_memory_held(), 0);
        assert_int_equal(ran, registered);
        assert_true(at_exit > 0 && waiting > at_exit);
    }
}

/* Counts up: the nth is refused, and only that one. */
static void the_gate_refuses_what_it_was_told_to(void **state)
{
    husk_heap *heap = *state;
    husk_memory_fail(2, false);
    void *one = husk_buffer_new(heap, 3u << 20), *two = husk_buffer_new(heap, 3u << 20);
    void *three = husk_buffer_new(heap, 3u << 20);
    husk_memory_fail(0, false);
    int refused = !one + !two + !three;
    /* A refused request is followed by a pass and one retry, which is the third. */
    assert_true(refused <= 1);
    husk_memory_fail(1, true);
    void *four = husk_buffer_new(heap, 3u << 20);
    assert_null(four);
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    husk_memory_fail(0, false);
    four = husk_buffer_new(heap, 3u << 20);
    assert_non_null(four);
    husk_buffer_free(heap, one, one ? 3u << 20 : 0);
    husk_buffer_free(heap, two, two ? 3u << 20 : 0);
    husk_buffer_free(heap, three, three ? 3u << 20 : 0);
    husk_buffer_free(heap, four, 3u << 20);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = { cmocka_unit_test(release_collect_verify_walk_close),
                                        cmocka_unit_test(softs_and_queues),
                                        cmocka_unit_test(entries_and_cleanups_end),
                                        HEAP_TEST(the_gate_refuses_what_it_was_told_to) };
    return RUN_ROUNDS("requests", tests);
}
