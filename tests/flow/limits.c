/* tests/flow/limits.c: max_bytes, reached and not passed. */
#include "story.h"
#include "types.h"

static husk_heap_figures figures_of(const husk_heap *heap)
{
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_true(figures.max_bytes == 0 || figures.bytes_taken <= figures.max_bytes);
    assert_true(figures.bytes_peak >= figures.bytes_taken);
    assert_true(figures.max_bytes == 0 || figures.bytes_peak <= figures.max_bytes);
    return figures;
}

static void a_full_heap_refuses_and_recovers(husk_heap *other)
{
    (void)other;
    for (size_t limit = 512u << 10; limit <= story_size(8u << 20, 512u << 10); limit *= 4) {
        husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "tight", .max_bytes = limit };
        husk_heap *heap = heap_open(&options);
        if (!heap) {
            story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
            return;
        }
        husk_obj *head = NULL;
        size_t count = 0;
        for (;;) {
            husk_obj *obj = node_new(heap, type_closed, 0);
            if (!obj)
                break;
            if (head)
                assert_int_equal(husk_obj_take(obj, &node_of(obj)->a, head), HUSK_OK);
            head = obj;
            count++;
            if (count % 1000 == 0)
                figures_of(heap);
            assert_true(count < limit / 32);
        }
        husk_status why = husk_heap_failure(heap);
        assert_true(why == HUSK_ELIMIT || (story_failing && why == HUSK_ENOMEM));
        assert_string_not_equal(husk_heap_message(heap), "");
        assert_int_equal(objects_of(heap), count);
        figures_of(heap);
        verify(heap);
        if (why == HUSK_ELIMIT) {
            /* Again, and nothing changes. */
            assert_null(husk_obj_new(heap, type_closed));
            assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
            assert_int_equal(objects_of(heap), count);
            assert_true(count > limit / 4 / 64); /* not wasted on the way */
            assert_int_equal(husk_heap_set_max_bytes(heap, 1000), HUSK_ELIMIT);
            assert_int_equal(figures_of(heap).max_bytes, limit);
        }
        if (head) {
            husk_obj_drop(&head);
            assert_int_equal(objects_of(heap), 0);
            husk_obj *obj = husk_obj_new(heap, type_closed);
            assert_non_null(obj); /* there is a page to spare, whatever the system says */
            husk_obj_release(obj);
        }
        verify(heap);
        assert_int_equal(objects_of(heap), 0);
        husk_heap_close(heap);
    }
}

/* Garbage is collected before a birth is refused, also where passes are disabled. */
static void a_pass_before_refusing(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = 512u << 10 };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    for (int i = 0; i < 50000; i++) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        if (!obj) {
            story_refuse(heap, husk_heap_failure(heap), "husk_obj_new", __FILE__, __LINE__);
            break;
        }
        link_a(obj, obj);
        husk_obj_release(obj);
    }
    husk_generation g;
    assert_int_equal(husk_heap_generation(heap, 0, &g), HUSK_OK);
    if (!story_failing) {
        assert_true(g.passes > 0);
        assert_true(g.collected > 40000);
    }
    figures_of(heap);
    verify(heap);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_close(heap);
}

static void large_objects_and_buffers_count(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = 6u << 20 };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    husk_obj *one = husk_obj_new(heap, type_huge);
    husk_obj *two = one ? husk_obj_new(heap, type_huge) : NULL;
    assert_null(two); /* 2 x 3 MiB and the heap's own */
    assert_true(husk_heap_failure(heap) == HUSK_ELIMIT || story_failing);
    void *buffer = husk_buffer_new(heap, 4u << 20);
    if (one)
        assert_null(buffer);
    husk_buffer_free(heap, buffer, 4u << 20);
    husk_obj_drop(&one);
    buffer = husk_buffer_new(heap, 4u << 20);
    if (!story_failing)
        assert_non_null(buffer);
    if (buffer) {
        unsigned char *bytes = buffer;
        for (size_t i = 0; i < 4u << 20; i += 4095)
            assert_int_equal(bytes[i], 0);
        bytes[100] = 1;
        void *more = husk_buffer_resize(heap, buffer, 4u << 20, 16u << 20);
        assert_null(more);
        assert_int_equal(bytes[100], 1);
        more = husk_buffer_resize(heap, buffer, 4u << 20, 1000);
        if (!story_failing)
            assert_non_null(more);
        if (more) {
            assert_int_equal(((unsigned char *)more)[100], 1);
            assert_int_equal(figures_of(heap).buffer_bytes, 1000);
            husk_buffer_free(heap, more, 1000);
        } else {
            husk_buffer_free(heap, buffer, 4u << 20);
        }
    }
    assert_int_equal(figures_of(heap).buffer_bytes, 0);
    verify(heap);
    husk_heap_close(heap);
}

/* Garbage makes room for large blocks and buffers as well. */
static void a_pass_before_refusing_large_ones(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = 6u << 20 };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    for (int i = 0; i < 20; i++) {
        husk_obj *obj = husk_obj_new(heap, i % 2 ? type_huge : type_vast);
        if (!obj) {
            story_refuse(heap, husk_heap_failure(heap), "husk_obj_new", __FILE__, __LINE__);
            break;
        }
        huge *h = husk_obj_data(obj);
        assert_int_equal(husk_obj_set(obj, &h->first, obj), HUSK_OK);
        husk_obj_release(obj);
        void *buffer = husk_buffer_new(heap, 4u << 20);
        if (!buffer) {
            story_refuse(heap, husk_heap_failure(heap), "husk_buffer_new", __FILE__, __LINE__);
            break;
        }
        husk_buffer_free(heap, buffer, 4u << 20);
    }
    for (int i = 0; i < 10; i++) {
        husk_obj *obj = husk_obj_new(heap, type_huge);
        if (!obj) {
            story_refuse(heap, husk_heap_failure(heap), "husk_obj_new", __FILE__, __LINE__);
            break;
        }
        huge *h = husk_obj_data(obj);
        assert_int_equal(husk_obj_set(obj, &h->last, obj), HUSK_OK);
        husk_obj_release(obj);
    }
    figures_of(heap);
    verify(heap);
    collect(heap);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_close(heap);
}

static void a_limit_can_be_raised(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = 512u << 10 };
    husk_heap *heap = heap_open(&options);
    if (!heap) {
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
        return;
    }
    husk_obj *head = NULL;
    for (int rounds = 0; rounds < 2; rounds++) {
        husk_obj *obj;
        while ((obj = husk_obj_new(heap, type_node)) != NULL)
            husk_obj_take(obj, &node_of(obj)->b, head), head = obj;
        if (rounds == 0 && !story_failing) {
            assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
            size_t before = objects_of(heap);
            assert_int_equal(husk_heap_set_max_bytes(heap, 1u << 20), HUSK_OK);
            obj = husk_obj_new(heap, type_node);
            assert_non_null(obj);
            husk_obj_release(obj);
            assert_int_equal(objects_of(heap), before);
        }
    }
    husk_obj_drop(&head);
    assert_int_equal(husk_heap_set_max_bytes(heap, 0), HUSK_OK);
    assert_int_equal(figures_of(heap).max_bytes, 0);
    verify(heap);
    husk_heap_close(heap);
}

static void a_limit_too_small_for_a_heap(husk_heap *other)
{
    (void)other;
    for (size_t limit = 1; limit < 300000; limit = limit * 3 + 1) {
        husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = limit };
        husk_heap *heap = NULL;
        husk_status status = husk_heap_new(&options, &heap);
        if (status != HUSK_OK) {
            assert_null(heap);
            assert_true(status == HUSK_ELIMIT || status == HUSK_ENOMEM);
            continue;
        }
        figures_of(heap);
        husk_obj *obj = husk_obj_new(heap, type_node);
        if (!obj)
            assert_true(husk_heap_failure(heap) == HUSK_ELIMIT || story_failing);
        else
            husk_obj_release(obj);
        husk_weak *weak = NULL;
        obj = husk_obj_new(heap, type_leaf);
        if (obj)
            weak = husk_weak_new(obj, NULL, NULL, NULL);
        husk_obj_drop(&obj);
        husk_weak_release(weak);
        verify(heap);
        figures_of(heap);
        husk_heap_close(heap);
    }
}

static void options_of_another_layout(husk_heap *other)
{
    (void)other;
    husk_heap_options options = { HUSK_HEAP_OPTIONS };
    husk_heap *heap = NULL;
    options.abi = 99;
    assert_int_equal(husk_heap_new(&options, &heap), HUSK_EINVAL);
    options.abi = HUSK_ABI;
    options.struct_size = 3;
    assert_int_equal(husk_heap_new(&options, &heap), HUSK_EINVAL);
    assert_null(heap);
    husk_heap_close(NULL);
}

STORIES(STORY(a_full_heap_refuses_and_recovers, 0), STORY(a_pass_before_refusing, 0),
        STORY(large_objects_and_buffers_count, 0), STORY(a_pass_before_refusing_large_ones, 0),
        STORY(a_limit_can_be_raised, 0), STORY(a_limit_too_small_for_a_heap, 0),
        STORY(options_of_another_layout, 0));
