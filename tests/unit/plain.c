/* tests/unit/plain.c: the short road of death: every shape of a last reference, and lists with something rare in them. */
#include "fixture.h"
#include "random.h"
#include "types.h"

#include "object/state.h"

/* Types of up to MOST references with `before` numbers before them and one behind. */
enum { MOST = 4, BEFORE = 3 };
static const husk_type *flat_types[MOST + 1][BEFORE];

static void register_flat_types(void)
{
    static husk_slot slots[MOST];
    for (unsigned n = 0; n <= MOST; n++)
        for (unsigned before = 0; before < BEFORE; before++) {
            for (unsigned i = 0; i < n; i++)
                slots[i] = (husk_slot){
                    .name = "ref", .kind = HUSK_SLOT_REF, .place = HUSK_IN_FIELD, .offset = (before + i) * 8
                };
            husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "flat", .size = (before + n + 1) * 8 };
            spec.slots = slots;
            spec.slot_count = n;
            assert_int_equal(husk_type_register(&spec, &flat_types[n][before]), HUSK_OK);
        }
}

/* What a reference of a dying object may be. */
enum kind { EMPTY, SHARED, SAME, OTHER, WATCHED, HOOKED, IMMORTAL, KINDS };

struct scene {
    husk_obj *shared, *immortal;
    size_t shares; /* references that the dying have to it */
    size_t called, watched;
    husk_weak *weaks[4 * MOST];
};

static void on_gone(husk_weak *weak, void *data)
{
    assert_null(husk_weak_lock(weak));
    ++*(size_t *)data;
}

static husk_obj *child_of_kind(husk_heap *heap, struct scene *scene, enum kind kind, const husk_type *same)
{
    husk_obj *child = NULL;
    switch (kind) {
    case SHARED:
        scene->shares++;
        husk_obj_retain(scene->shared);
        return scene->shared;
    case IMMORTAL:
        husk_obj_retain(scene->immortal);
        return scene->immortal;
    case SAME:
        child = husk_obj_new(heap, same);
        break;
    case OTHER:
    case WATCHED:
        child = husk_obj_new(heap, type_node);
        break;
    case HOOKED:
        child = husk_obj_new(heap, type_hooked);
        break;
    default:
        return NULL;
    }
    assert_non_null(child);
    if (kind == WATCHED) {
        scene->weaks[scene->watched] = husk_weak_new(child, on_gone, &scene->called, NULL);
        assert_non_null(scene->weaks[scene->watched++]);
    }
    return child;
}

static void end_one(husk_heap *heap, unsigned n, unsigned before, unsigned shape, bool held_by_one)
{
    struct scene scene = { husk_obj_new(heap, type_leaf), husk_obj_new(heap, type_leaf), 0, 0, 0, { NULL } };
    assert_true(scene.shared && scene.immortal);
    husk_obj_make_immortal(scene.immortal);
    size_t hooked = 0, kept = objects_of(heap);
    tally_reset();
    husk_obj *obj = husk_obj_new(heap, flat_types[n][before]);
    assert_non_null(obj);
    int64_t *words = husk_obj_data(obj);
    for (unsigned i = 0; i < before; i++)
        words[i] = -1 - (int64_t)i;
    words[before + n] = INT64_MAX;
    for (unsigned i = 0; i < n; i++, shape /= KINDS) {
        enum kind kind = (enum kind)(shape % KINDS);
        hooked += kind == HOOKED;
        husk_obj *child = child_of_kind(heap, &scene, kind, flat_types[n][before]);
        husk_obj **slot = (husk_obj **)(void *)&words[before + i];
        assert_int_equal(husk_obj_take_inline(obj, slot, child), HUSK_OK);
    }
    if (held_by_one) { /* it dies in the drain, not at the program's release */
        husk_obj *holder = husk_obj_new(heap, type_node);
        assert_non_null(holder);
        link_b(holder, obj);
        husk_obj_release(obj);
        obj = holder;
    }
    husk_obj_release(obj);
    assert_int_equal(scene.called, scene.watched);
    assert_int_equal(tally.disposed, hooked);
    assert_int_equal(husk_obj_strong_count(scene.shared), 1);
    for (size_t i = 0; i < scene.watched; i++)
        husk_weak_release(scene.weaks[i]);
    assert_int_equal(objects_of(heap), kept);
    husk_obj_release(scene.shared);
}

static void test_last_references(void **state)
{
    (void)state;
    for (unsigned n = 0, shapes = 1; n <= MOST; n++, shapes *= KINDS) {
        husk_heap *heap = heap_open(NULL);
        for (unsigned before = 0; before < BEFORE; before++)
            for (unsigned shape = 0; shape < shapes; shape++) {
                end_one(heap, n, before, shape, shape % 3 == 0);
                if (shape % 50 == 0)
                    verify(heap);
            }
        verify(heap);
        heap_close(heap, false);
    }
}

/* A list: each node's b is the next one, its a anything. */
static husk_obj *random_list(husk_heap *heap, struct scene *scene, random64 *r, unsigned length,
                             unsigned depth, size_t *hooked, size_t *nodes)
{
    husk_obj *head = NULL;
    for (unsigned i = 0; i < length; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node), *a = NULL;
        assert_non_null(obj);
        ++*nodes;
        if (random_below(r, 6) == 0) {
            enum kind kind = (enum kind)random_below(r, KINDS);
            if (kind == WATCHED && scene->watched == 4 * MOST)
                kind = OTHER;
            if (kind == SAME && depth < 3)
                a = random_list(heap, scene, r, length / 2, depth + 1, hooked, nodes);
            else
                a = child_of_kind(heap, scene, kind, type_node);
            *hooked += kind == HOOKED;
        }
        assert_int_equal(husk_obj_take_inline(obj, &node_of(obj)->a, a), HUSK_OK);
        assert_int_equal(husk_obj_take_inline(obj, &node_of(obj)->b, head), HUSK_OK);
        head = obj;
    }
    return head;
}

static void test_lists(void **state)
{
    husk_heap *heap = *state;
    random64 r = random_from(11);
    HOLD shared = husk_obj_new(heap, type_leaf);
    for (int round = 0; round < 600; round++) {
        struct scene scene = { shared, shared, 0, 0, 0, { NULL } };
        size_t hooked = 0, nodes = 0, kept = objects_of(heap);
        tally_reset();
        husk_obj *list =
            random_list(heap, &scene, &r, (unsigned)random_below(&r, 300) + 1, 0, &hooked, &nodes);
        assert_true(objects_of(heap) >= kept + nodes);
        /* Some of it may be held elsewhere: then it ends there, and the rest later. */
        husk_obj *held = list;
        for (size_t steps = random_below(&r, 200); steps > 0 && node_of(held)->b; steps--)
            held = node_of(held)->b;
        bool hold = random_below(&r, 2) && held != list;
        if (hold)
            husk_obj_retain(held);
        husk_obj_release(list);
        if (hold) {
            assert_int_equal(husk_obj_strong_count(held), 1);
            verify(heap);
            husk_obj_release(held);
        }
        assert_int_equal(scene.called, scene.watched);
        assert_int_equal(tally.disposed, hooked);
        assert_int_equal(husk_obj_strong_count(shared), 1);
        for (size_t i = 0; i < scene.watched; i++)
            husk_weak_release(scene.weaks[i]);
        assert_int_equal(objects_of(heap), kept);
        if (round % 20 == 0)
            verify(heap);
    }
}

int main(void)
{
    types_setup();
    register_flat_types();
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_last_references), HEAP_TEST(test_lists) };
    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
