/* tests/flow/deadqueue.c: the queue of the dead: what waits in it, in which order, and what it does not need. */
#include "story.h"
#include "types.h"

#include <husk/kinds.h>
#include <poll.h>
#include <unistd.h>

static int freed_count, called_count;
static int number[64];

static void forget(void)
{
    freed_count = called_count = 0;
    for (int i = 0; i < 64; i++)
        number[i] = i;
}

static void freed(void *data)
{
    (void)data;
    freed_count++;
}

static husk_obj *queue_new(husk_heap *heap)
{
    husk_deadqueue *queue = husk_deadqueue_new(heap);
    return queue ? husk_deadqueue_obj(queue) : NULL;
}

static husk_deadqueue *queue_of(husk_obj *obj)
{
    return husk_deadqueue_of(obj);
}

/* Watches and keeps nothing: the queue does. */
static bool add(husk_obj *queue, husk_obj *obj, int which)
{
    husk_watch *watch = husk_watch_new(queue_of(queue), obj, &number[which], freed);
    husk_watch_release(watch);
    return watch;
}

/* The number of the next one, or -1. */
static int next(husk_obj *queue)
{
    husk_watch *watch = husk_deadqueue_poll(queue_of(queue));
    if (!watch)
        return -1;
    int which = *(int *)husk_watch_data(watch);
    assert_false(husk_watch_is_pending(watch));
    assert_null(husk_watch_queue(watch));
    assert_int_equal(husk_weak_state_get(husk_watch_weak(watch)), HUSK_DEAD);
    husk_watch_release(watch);
    return which;
}

static void in_the_order_of_death(husk_heap *heap)
{
    forget();
    HOLD queue = queue_new(heap);
    TRY(queue);
    HOLD_MANY(all);
    for (int i = 0; i < 6; i++) {
        all.at[i] = node_new(heap, i % 2 ? type_node : type_hooked, i);
        TRY(all.at[i]);
        TRY(add(queue, all.at[i], i));
    }
    TRY(add(queue, all.at[3], 33)); /* of one object the newest first */
    link_a(all.at[5], all.at[0]);
    assert_int_equal(husk_obj_weak_count(all.at[3]), 2);
    assert_int_equal(husk_deadqueue_watching(queue_of(queue)), 7);
    assert_int_equal(husk_deadqueue_count(queue_of(queue)), 0);
    assert_int_equal(next(queue), -1);
    husk_obj_drop(&all.at[4]);
    husk_obj_drop(&all.at[0]); /* 5 has it */
    husk_obj_drop(&all.at[3]);
    husk_obj_drop(&all.at[5]);
    assert_int_equal(husk_deadqueue_count(queue_of(queue)), 5);
    assert_int_equal(husk_deadqueue_watching(queue_of(queue)), 2);
    verify(heap);
    assert_int_equal(freed_count, 0);
    assert_int_equal(next(queue), 4);
    assert_int_equal(next(queue), 33);
    assert_int_equal(freed_count, 2);
    husk_obj_drop(&all.at[1]);
    husk_watch *some[8];
    assert_int_equal(husk_deadqueue_poll_many(queue_of(queue), some, 0), 0);
    assert_int_equal(husk_deadqueue_poll_many(queue_of(queue), some, 2), 2);
    assert_ptr_equal(husk_watch_data(some[0]), &number[3]);
    assert_ptr_equal(husk_watch_data(some[1]), &number[5]);
    assert_int_equal(husk_deadqueue_poll_many(queue_of(queue), some + 2, 6), 2);
    assert_ptr_equal(husk_watch_data(some[2]), &number[0]);
    assert_ptr_equal(husk_watch_data(some[3]), &number[1]);
    verify(heap);
    for (int i = 0; i < 4; i++)
        husk_watch_release(some[i]);
    assert_int_equal(freed_count, 6);
    husk_obj_drop(&queue); /* one watch is left, of 2 */
    assert_int_equal(freed_count, 7);
    assert_int_equal(husk_obj_weak_count(all.at[2]), 0);
    verify(heap);
}

static void handles_and_detaching(husk_heap *heap)
{
    forget();
    HOLD queue = queue_new(heap);
    TRY(queue);
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    husk_watch *made = husk_watch_new(queue_of(queue), obj, &number[1], freed);
    TRY(made);
    HOLD watch = husk_watch_obj(made);
    HOLD second = husk_watch_obj(husk_watch_new(queue_of(queue), obj, &number[2], NULL));
    TRY(second);
    assert_ptr_equal(husk_watch_of(watch), made);
    assert_null(husk_watch_of(obj));
    assert_null(husk_watch_of(queue));
    assert_null(husk_deadqueue_of(watch));
    assert_ptr_equal(husk_weak_of(watch), husk_watch_weak(made));
    assert_int_equal(husk_obj_kind(watch), HUSK_KIND_WEAK);
    assert_true(husk_watch_is_pending(made));
    assert_ptr_equal(husk_watch_queue(made), queue_of(queue));
    HOLD got = husk_weak_lock(husk_watch_weak(made));
    assert_ptr_equal(got, obj);
    husk_obj_drop(&got);
    assert_true(husk_watch_detach(made));
    assert_false(husk_watch_detach(made));
    assert_false(husk_watch_is_pending(made));
    assert_int_equal(husk_deadqueue_watching(queue_of(queue)), 1);
    husk_obj_drop(&obj);
    assert_int_equal(husk_deadqueue_count(queue_of(queue)), 1);
    assert_false(husk_watch_is_pending(husk_watch_of(second)));
    assert_ptr_equal(husk_watch_queue(husk_watch_of(second)), queue_of(queue));
    assert_true(husk_watch_detach(husk_watch_of(second))); /* also one that waits */
    assert_int_equal(next(queue), -1);
    assert_int_equal(freed_count, 0);
    husk_obj_drop(&watch);
    assert_int_equal(freed_count, 1);
}

/* A queue that goes before its watches do; a watch in the middle of a queue that goes; one that watches a watch. */
static void the_queue_ends_first(husk_heap *heap)
{
    forget();
    HOLD queue = queue_new(heap);
    TRY(queue);
    HOLD a = node_new(heap, type_node, 1);
    TRY(a);
    HOLD b = node_new(heap, type_node, 2);
    TRY(b);
    TRY(add(queue, a, 1));
    husk_watch *kept = husk_watch_new(queue_of(queue), a, &number[2], freed);
    TRY(kept);
    HOLD watch = husk_watch_obj(kept);
    TRY(add(queue, b, 3));
    HOLD waiting = husk_watch_obj(husk_watch_new(queue_of(queue), b, &number[4], freed));
    TRY(waiting);
    TRY(add(queue, watch, 5));
    husk_obj *alone = husk_watch_obj(husk_watch_new(queue_of(queue), a, &number[6], freed));
    TRY(alone);
    bool both = add(queue, alone, 7) && add(queue, queue, 8); /* and itself */
    husk_obj_release(alone);
    TRY(both);
    assert_int_equal(husk_deadqueue_watching(queue_of(queue)), 8);
    husk_obj_drop(&b);
    assert_int_equal(husk_deadqueue_count(queue_of(queue)), 2);
    husk_obj_drop(&queue);
    assert_int_equal(freed_count, 6);
    assert_null(husk_watch_queue(kept));
    assert_null(husk_watch_queue(husk_watch_of(waiting)));
    assert_false(husk_watch_is_pending(kept));
    verify(heap);
    husk_obj_drop(&a);
    assert_int_equal(husk_weak_state_get(husk_watch_weak(kept)), HUSK_DEAD);
    husk_obj_drop(&watch);
    husk_obj_drop(&waiting);
    assert_int_equal(freed_count, 8);
}

static husk_obj *seen_queue, *keeper;
static size_t seen_count;

static void look(husk_weak *weak, void *data)
{
    (void)weak, (void)data;
    if (called_count++ == 0)
        seen_count = husk_deadqueue_count(queue_of(seen_queue));
}

/* All of a pass wait before the first callback runs; also when the queue dies with the set. */
static void before_any_callback(husk_heap *heap)
{
    forget();
    for (int inside = 0; inside < 2; inside++) {
        HOLD queue = queue_new(heap);
        TRY(queue);
        HOLD_MANY(all);
        HOLD_MANY(weaks);
        called_count = 0;
        seen_queue = queue;
        for (int i = 0; i < 20; i++) {
            all.at[i] = node_new(heap, i % 3 ? type_node : type_hooked, i);
            TRY(all.at[i]);
            TRY(add(queue, all.at[i], i));
            husk_weak *weak = husk_weak_new(all.at[i], look, NULL, NULL);
            TRY(weak);
            weaks.at[i] = husk_weak_obj(weak);
            if (i)
                link_a(all.at[i], all.at[i - 1]);
        }
        link_a(all.at[0], all.at[19]);
        if (inside)
            link_b(all.at[7], queue);
        for (int i = 0; i < 20; i++)
            husk_obj_drop(&all.at[i]);
        freed_count = 0;
        if (inside) {
            husk_obj_drop(&queue);
            seen_queue = NULL;
            for (int i = 0; i < 20; i++)
                husk_obj_drop(&weaks.at[i]);
            assert_int_equal(collect(heap), 41); /* the queue and its watches, too */
            assert_int_equal(freed_count, 20);
            assert_int_equal(objects_of(heap), 0);
            continue;
        }
        assert_int_equal(collect(heap), 20);
        assert_int_equal(called_count, 20);
        assert_int_equal(seen_count, 20);
        verify(heap);
        for (int i = 0; i < 20; i++)
            assert_true(next(queue) >= 0);
        assert_int_equal(next(queue), -1);
    }
}

static void come_back(node *self)
{
    link_a(keeper, husk_obj_of(self));
}

/* Not before the real death. */
static void not_for_what_comes_back(husk_heap *heap)
{
    forget();
    for (int in_pass = 0; in_pass < 2; in_pass++) {
        HOLD queue = queue_new(heap);
        TRY(queue);
        HOLD own = node_new(heap, type_node, 0);
        TRY(own);
        HOLD obj = node_new(heap, type_hooked, 1);
        TRY(obj);
        HOLD other = node_new(heap, type_node, 2);
        TRY(other);
        TRY(add(queue, obj, 1));
        TRY(add(queue, other, 2));
        keeper = own;
        node_of(obj)->hook = come_back;
        link_a(obj, other);
        if (in_pass)
            link_a(other, obj);
        husk_obj_drop(&other);
        husk_obj_drop(&obj);
        collect(heap);
        assert_int_equal(husk_deadqueue_count(queue_of(queue)), 0);
        assert_int_equal(husk_deadqueue_watching(queue_of(queue)), 2);
        link_a(own, NULL);
        collect(heap);
        assert_int_equal(husk_deadqueue_count(queue_of(queue)), 2);
        verify(heap);
    }
}

static husk_obj *hook_queue;
static int hook_got;

static void poll_in_hook(node *self)
{
    (void)self;
    hook_got = next(hook_queue);
    if (hook_got < 0)
        return;
    HOLD again = node_new(husk_obj_heap(hook_queue), type_node, 9);
    if (again && add(hook_queue, again, 9))
        hook_got += 100;
}

/* Polled, and used, in a finalizer. */
static void from_a_hook(husk_heap *heap)
{
    forget();
    HOLD queue = queue_new(heap);
    TRY(queue);
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    TRY(add(queue, obj, 1));
    HOLD hooked = node_new(heap, type_hooked, 2);
    TRY(hooked);
    node_of(hooked)->hook = poll_in_hook;
    hook_queue = queue;
    hook_got = -1;
    husk_obj_drop(&obj);
    husk_obj_drop(&hooked);
    assert_true(hook_got == 101 || (story_failing && hook_got == 1));
    if (hook_got == 101)
        assert_int_equal(next(queue), 9);
    verify(heap);
}

static bool readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

static void the_descriptor(husk_heap *heap)
{
    forget();
    HOLD queue = queue_new(heap);
    TRY(queue);
    HOLD_MANY(all);
    for (int i = 0; i < 4; i++) {
        all.at[i] = node_new(heap, type_node, i);
        TRY(all.at[i]);
        TRY(add(queue, all.at[i], i));
    }
    husk_obj_drop(&all.at[0]); /* before there is one */
    int fd = husk_deadqueue_fd(queue_of(queue));
    assert_true(fd >= 0);
    assert_int_equal(husk_deadqueue_fd(queue_of(queue)), fd);
    assert_true(readable(fd));
    assert_true(readable(fd));
    husk_obj_drop(&all.at[1]);
    assert_int_equal(next(queue), 0);
    assert_true(readable(fd)); /* one is left */
    assert_int_equal(next(queue), 1);
    assert_false(readable(fd));
    assert_int_equal(next(queue), -1);
    husk_obj_drop(&all.at[2]);
    assert_true(readable(fd));
    husk_obj_drop(&queue);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_true(p.revents & POLLNVAL); /* closed with the queue */
}

static void another_heap(husk_heap *heap)
{
    forget();
    HOLD queue = queue_new(heap);
    TRY(queue);
    husk_heap *other = heap_open(NULL);
    if (!other)
        return;
    husk_obj *obj = node_new(other, type_node, 1);
    if (obj) {
        assert_null(husk_watch_new(queue_of(queue), obj, &number[1], freed));
        assert_int_equal(husk_heap_failure(heap), HUSK_EHEAP);
        assert_non_null(strstr(husk_heap_message(heap), "node"));
        husk_heap_clear_failure(heap);
        assert_int_equal(freed_count, 1);
        assert_int_equal(husk_obj_weak_count(obj), 0);
        husk_obj_release(obj);
    }
    heap_close(other, true);
    report_forget();
}

/* The heap closes while the queue is held, with some that wait and some that do not. */
static void the_heap_closes_first(husk_heap *heap)
{
    (void)heap;
    forget();
    husk_heap *own = heap_open(NULL);
    if (!own)
        return;
    husk_obj *queue = queue_new(own), *dead = node_new(own, type_node, 1),
             *cycle = node_new(own, type_node, 2);
    bool ready = queue && dead && cycle && add(queue, dead, 1) && add(queue, cycle, 2);
    int fd = ready ? husk_deadqueue_fd(queue_of(queue)) : -1;
    if (cycle) {
        link_a(cycle, cycle);
        husk_obj_release(cycle);
    }
    if (dead)
        husk_obj_release(dead);
    heap_close(own, false);
    if (!ready) {
        report_forget();
        return;
    }
    report_take(HUSK_ESTATE, 1); /* the queue, not its watches */
    assert_int_equal(freed_count, 2);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_true(p.revents & POLLNVAL);
}

STORIES(STORY(in_the_order_of_death, 0), STORY(handles_and_detaching, 0), STORY(the_queue_ends_first, 0),
        STORY(before_any_callback, 0), STORY(not_for_what_comes_back, 0), STORY(from_a_hook, 0),
        STORY(the_descriptor, 0), STORY(another_heap, 0), STORY(the_heap_closes_first, STORY_LEAVES_OBJECTS));
