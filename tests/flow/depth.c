/* tests/flow/depth.c: death of any size without recursion: everything here runs on a stack of 64 KiB. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <pthread.h>

typedef struct task {
    husk_heap *heap;
    const char *(*body)(husk_heap *heap, size_t size); /* NULL, or what went wrong */
    size_t size;
    const char *answer;
} task;

static const char no_memory[] = "no memory";

static void *run(void *data)
{
    task *t = data;
    t->answer = t->body(t->heap, t->size);
    return NULL;
}

/* cmocka's assertions jump, which must not happen on another stack: the answer comes back as text. */
static void on_a_small_stack(husk_heap *heap, const char *(*body)(husk_heap *, size_t), size_t size)
{
    task t = { heap, body, size, NULL };
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 64u << 10), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run, &t), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    if (t.answer == no_memory)
        story_refuse(heap, HUSK_ENOMEM, "husk_obj_new", __FILE__, __LINE__);
    else if (t.answer)
        fail_msg("%s: %s", t.answer, husk_heap_message(heap));
}

static void quiet(husk_heap *heap)
{
    husk_pacing pacing = { 0, 0, 1.0, 2.0 };
    husk_heap_set_pacing(heap, &pacing);
}

static husk_obj *chain(husk_heap *heap, const husk_type *type, size_t length, husk_obj **last)
{
    husk_obj *head = NULL;
    for (size_t i = 0; i < length; i++) {
        husk_obj *obj = husk_obj_new(heap, type);
        if (!obj) {
            husk_obj_drop(&head);
            return NULL;
        }
        if (i == 0)
            *last = obj;
        husk_obj_take(obj, &node_of(obj)->b, head);
        head = obj;
    }
    return head;
}

static const char *drop_list(husk_heap *heap, size_t length)
{
    husk_obj *last;
    husk_obj *head = chain(heap, type_node, length, &last);
    if (!head)
        return no_memory;
    if (objects_of(heap) != length)
        return "not all were made";
    uint64_t requests = husk_memory_requests();
    husk_obj_release(head);
    if (husk_memory_requests() != requests)
        return "the release asked for memory";
    return objects_of(heap) ? "some are left" : NULL;
}

static const char *drop_ring(husk_heap *heap, size_t length)
{
    husk_obj *last;
    husk_obj *head = chain(heap, type_node, length, &last);
    if (!head)
        return no_memory;
    husk_obj_take(last, &node_of(last)->b, head);
    if (objects_of(heap) != length)
        return "some died early";
    if (husk_heap_verify(heap) != HUSK_OK)
        return "verify";
    uint64_t requests = husk_memory_requests();
    husk_pass pass;
    if (husk_heap_collect(heap, &pass) != HUSK_OK || pass.collected != length)
        return "the ring was not collected";
    if (husk_memory_requests() != requests)
        return "the pass asked for memory";
    return objects_of(heap) ? "some are left" : NULL;
}

/* Alive: marking goes deep, in both directions of the addresses. */
static const char *mark_ring(husk_heap *heap, size_t length)
{
    husk_obj *last;
    husk_obj *head = chain(heap, type_node, length, &last);
    if (!head)
        return no_memory;
    husk_obj_set(last, &node_of(last)->b, head);
    /* Backward links too. */
    for (husk_obj *o = head; o != last; o = node_of(o)->b)
        husk_obj_set(node_of(o)->b, &node_of(node_of(o)->b)->a, o);
    husk_pass pass;
    if (husk_heap_collect(heap, &pass) != HUSK_OK || pass.collected != 0 || pass.examined != length)
        return "the living ring was not left alone";
    husk_obj_release(head);
    if (husk_heap_collect(heap, &pass) != HUSK_OK || pass.collected != length)
        return "the ring was not collected";
    return objects_of(heap) ? "some are left" : NULL;
}

/* A tree with finalizers and a list hanging on a ring, under a condemned head. */
static const char *drop_hooked(husk_heap *heap, size_t length)
{
    tally_reset();
    husk_obj *last;
    husk_obj *head = chain(heap, type_hooked, length, &last);
    if (!head)
        return no_memory;
    husk_obj *tail = chain(heap, type_tree, length, &last);
    if (!tail) {
        husk_obj_release(head);
        return no_memory;
    }
    husk_obj_take(head, &node_of(head)->a, tail);
    husk_obj *end = head;
    while (node_of(end)->b)
        end = node_of(end)->b;
    husk_obj_take(end, &node_of(end)->b, head);
    husk_pass pass;
    if (husk_heap_collect(heap, &pass) != HUSK_OK || pass.collected != length || pass.finalized != length)
        return "the ring was not collected";
    return objects_of(heap) ? "some are left" : NULL;
}

static void a_list_of_ten_million(husk_heap *heap)
{
    quiet(heap);
    on_a_small_stack(heap, drop_list, story_size(10000000, 20000));
}

static void a_ring_of_a_million(husk_heap *heap)
{
    quiet(heap);
    on_a_small_stack(heap, drop_ring, story_size(1000000, 5000));
}

static void a_living_ring_of_a_million(husk_heap *heap)
{
    quiet(heap);
    on_a_small_stack(heap, mark_ring, story_size(1000000, 5000));
}

static void finalizers_and_trees(husk_heap *heap)
{
    quiet(heap);
    on_a_small_stack(heap, drop_hooked, story_size(200000, 3000));
}

STORIES(STORY(a_list_of_ten_million, 0), STORY(a_ring_of_a_million, 0), STORY(a_living_ring_of_a_million, 0),
        STORY(finalizers_and_trees, 0));
