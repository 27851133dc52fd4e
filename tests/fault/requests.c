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
                                        HEAP_TEST(the_gate_refuses_what_it_was_told_to) };
    return RUN_ROUNDS("requests", tests);
}
