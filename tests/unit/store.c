/* tests/unit/store.c: size classes, pages, chunks, and memory that goes back. */
#define _POSIX_C_SOURCE 200809L
#include "fixture.h"
#include "random.h"
#include "types.h"

#include "object/state.h"
#include "store/range.h"

#include <time.h>

static void test_size_classes(void **state)
{
    (void)state;
    for (unsigned c = 1; c < HUSK__CLASSES; c++)
        assert_true(husk__class_bytes[c] > husk__class_bytes[c - 1]);
    assert_int_equal(husk__class_bytes[0], HUSK__SMALLEST);
    assert_int_equal(husk__class_bytes[HUSK__CLASSES - 1], HUSK__LARGEST);
    for (size_t bytes = 1; bytes <= HUSK__LARGEST; bytes++) {
        unsigned c = husk__class_of(bytes);
        assert_true(c < HUSK__CLASSES);
        size_t size = husk__class_bytes[c];
        if (size < bytes || (c > 0 && husk__class_bytes[c - 1] >= bytes))
            fail_msg("%zu bytes are in the class of %zu", bytes, size);
        if (bytes % 16 == 0 && size % 16 != 0)
            fail_msg("%zu bytes lose their alignment in the class of %zu", bytes, size);
        if (bytes > 64 && bytes <= 8192 && (size - bytes) * 8 > size)
            fail_msg("%zu bytes waste more than an eighth of %zu", bytes, size);
    }
}

/* Random sizes come and go; each block is filled with a pattern of its own, which must be there at its end. */
enum { BLOCKS = 400 };

static void test_patterns(void **state)
{
    husk_heap *heap = *state;
    static const size_t most[] = { 120, 4000, 60000, 1500000 };
    random64 r = random_from(7);
    husk_obj *objects[BLOCKS] = { NULL };
    unsigned char pattern[BLOCKS] = { 0 };
    for (int i = 0; i < 12000; i++) {
        size_t at = random_below(&r, BLOCKS);
        if (objects[at]) {
            const unsigned char *bytes = husk_obj_items(objects[at]);
            size_t length = husk_obj_item_count(objects[at]) * sizeof(row_item);
            for (size_t k = 0; k<length; k += length> 5000 ? 509 : 1) {
                /* Its references are not touched, the rest is. */
                if (k % sizeof(row_item) < sizeof(int64_t) && bytes[k] != pattern[at])
                    fail_msg("byte %zu of %zu is %d, not %d", k, length, bytes[k], pattern[at]);
            }
            husk_obj_drop(&objects[at]);
        } else {
            uint32_t limit = (uint32_t)most[i % 97 == 0 ? 3 : random_below(&r, 3)];
            size_t count = random_below(&r, limit) / sizeof(row_item);
            objects[at] = husk_obj_new_items(heap, type_row, count);
            assert_non_null(objects[at]);
            assert_int_equal((uintptr_t)husk_obj_items(objects[at]) % 8, 0);
            row_item *items = husk_obj_items(objects[at]);
            pattern[at] = (unsigned char)random_next(&r);
            for (size_t k = 0; k < count; k++) {
                assert_null(items[k].ref);
                assert_int_equal(items[k].number, 0);
                memset(&items[k].number, pattern[at], sizeof items[k].number);
            }
        }
        if (i % 500 == 0)
            verify(heap);
        if (i % 3000 == 0)
            husk_heap_trim(heap);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        husk_obj_drop(&objects[i]);
}

static size_t taken(const husk_heap *heap)
{
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    return figures.bytes_taken;
}

static void test_memory_goes_back(void **state)
{
    husk_heap *heap = *state;
    enum { MANY = 200000 };
    size_t empty = taken(heap);
    static husk_obj *objects[MANY];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            objects[i] = husk_obj_new(heap, type_tree);
            assert_non_null(objects[i]);
        }
        size_t full = taken(heap);
        assert_true(full > MANY * (size_t)48);
        for (int i = 0; i < MANY; i++)
            husk_obj_release(objects[i]);
        husk_heap_figures figures;
        husk_heap_figures_get(heap, &figures);
        assert_int_equal(figures.objects, 0);
        size_t back = husk_heap_trim(heap);
        assert_true(back > 0);
        assert_true(taken(heap) < full / 20);
        husk_heap_figures_get(heap, &figures);
        assert_int_equal(figures.pages_spare, 0);
        assert_int_equal(husk_heap_trim(heap), 0);
        verify(heap);
    }
    assert_true(taken(heap) < empty + (1u << 20));
}

/* Without a trim, what is too much for a while goes back by itself at a later slow path. */
static void test_surplus_goes_back(void **state)
{
    husk_heap *heap = *state;
    enum { MANY = 100000 };
    static husk_obj *objects[MANY];
    for (int i = 0; i < MANY; i++) {
        objects[i] = husk_obj_new(heap, type_tree);
        assert_non_null(objects[i]);
    }
    size_t full = taken(heap);
    for (int i = 0; i < MANY; i++)
        husk_obj_release(objects[i]);
    struct timespec pause = { 0, 250 * 1000 * 1000 };
    for (int i = 0; i < 4; i++) {
        nanosleep(&pause, NULL);
        for (int k = 0; k < 3000; k++) {
            objects[k] = husk_obj_new(heap, type_tree);
            assert_non_null(objects[k]);
        }
        for (int k = 0; k < 3000; k++)
            husk_obj_release(objects[k]);
    }
    assert_true(taken(heap) < full / 2);
    verify(heap);
}

static size_t came_back(const husk_heap *heap)
{
    size_t n = 0;
    for (unsigned b = 0; b < 2 * HUSK__CLASSES; b++)
        for (const struct husk__slot *s = heap->store.bins[b].back; s; s = s->next)
            n++;
    return n;
}

/* Births and deaths alternate, as many objects live as the phase says: blocks of the current page come back without
 * being counted, and all figures stay exact. Passes, trims and watched births come in between. */
static void test_blocks_come_back(void **state)
{
    husk_heap *heap = *state;
    enum { MOST = 5000 };
    static husk_obj *live[MOST];
    random64 r = random_from(23);
    size_t count = 0, most_back = 0;
    for (int phase = 0; phase < 60; phase++) {
        size_t wanted = random_below(&r, phase % 3 ? 100 : MOST);
        for (int i = 0; i < 4000; i++) {
            bool birth = count == 0 || (count < MOST && (count < wanted || (count == wanted && i % 2)));
            if (birth) {
                live[count] = husk_obj_new_inline(heap, random_below(&r, 2) ? type_node : type_leaf);
                assert_non_null(live[count++]);
            } else {
                size_t at = random_below(&r, 4) ? count - 1 : random_below(&r, (uint32_t)count);
                husk_obj *dead = live[at];
                live[at] = live[--count];
                husk_obj_release(dead);
            }
            if (i % 256 == 0) {
                size_t back = came_back(heap);
                most_back = back > most_back ? back : most_back;
                assert_int_equal(objects_of(heap), count);
                verify(heap);
            }
        }
        if (phase % 7 == 1)
            assert_int_equal(collect(heap), 0);
        if (phase % 7 == 3)
            husk_heap_trim(heap);
        if (phase % 7 == 5) { /* watched births: nothing may come back unseen */
            husk__store_ledger(&heap->store, true);
            assert_int_equal(came_back(heap), 0);
            husk__store_ledger(&heap->store, false);
        }
    }
    if (!heap->store.one_by_one)
        assert_true(most_back > 20);
    while (count > 0)
        husk_obj_release(live[--count]);
    husk_heap_trim(heap);
    assert_int_equal(came_back(heap), 0);
}

static void test_buffers(void **state)
{
    husk_heap *heap = *state;
    void *none = husk_buffer_new(heap, 0);
    husk_buffer_free(heap, none, 0);
    husk_buffer_free(heap, NULL, 0);
    unsigned char *b = husk_buffer_new(heap, 10);
    memset(b, 3, 10);
    for (size_t size = 10; size < 3000000; size = size * 3 / 2) {
        b = husk_buffer_resize(heap, b, size, size * 3 / 2);
        assert_non_null(b);
        assert_int_equal(b[0], 3);
        assert_int_equal(b[size * 3 / 2 - 1], 0);
        assert_int_equal(b[size - 1], size == 10 ? 3 : 0);
        if (size * 3 / 2 >= 3000000) {
            husk_heap_figures figures;
            husk_heap_figures_get(heap, &figures);
            assert_int_equal(figures.buffer_bytes, size * 3 / 2);
            husk_buffer_free(heap, b, size * 3 / 2);
        }
        verify(heap);
    }
    assert_null(husk_buffer_new(heap, SIZE_MAX));
    assert_null(husk_buffer_new(heap, SIZE_MAX / 2));
    assert_true(husk_heap_failure(heap) == HUSK_ENOMEM || husk_heap_failure(heap) == HUSK_ERANGE);
    verify(heap);
}

/* More than one chunk, kept in order of address whatever comes and goes. */
static void test_many_chunks(void **state)
{
    husk_heap *heap = *state;
    enum { LARGE = 60 };
    husk_obj *objects[LARGE] = { NULL };
    random64 r = random_from(3);
    for (int i = 0; i < 1500; i++) {
        size_t at = random_below(&r, LARGE);
        if (objects[at])
            husk_obj_drop(&objects[at]);
        else
            objects[at] = husk_obj_new(heap, random_below(&r, 3) ? type_vast : type_huge);
        if (i % 50 == 0)
            verify(heap);
        if (i % 400 == 0)
            husk_heap_trim(heap);
    }
    for (int i = 0; i < LARGE; i++)
        husk_obj_drop(&objects[i]);
    husk_heap_trim(heap);
    verify(heap);
}

static void test_mapped_chunks(void **state)
{
    (void)state;
    husk__range_refuse(true);
    assert_string_equal(husk_memory_mode(), "mapped");
    void *heap_state = NULL;
    heap_setup(&heap_state);
    test_many_chunks(&heap_state);
    heap_teardown(&heap_state);
    husk__range_refuse(false);
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_classes), HEAP_TEST(test_patterns),
        HEAP_TEST(test_memory_goes_back),    HEAP_TEST(test_surplus_goes_back),
        HEAP_TEST(test_blocks_come_back),    HEAP_TEST(test_buffers),
        HEAP_TEST(test_many_chunks),         cmocka_unit_test(test_mapped_chunks),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
