/* tests/flow/deadqueue_model.c: random objects, queues and watches: what is polled is what callbacks, registered with
 * each watch, were told of, in the same order, and nothing of what lives, was detached or went with its queue. */
#include "random.h"
#include "story.h"
#include "types.h"

#include <poll.h>
#include <stdio.h>

enum { HANDLES = 16, QUEUES = 3, WATCHES = 4000, SLOTS = 300 };

struct watch {
    int queue;  /* -1: in none */
    int order;  /* of death, as the callback was told; 0: alive */
    int polled; /* times */
    bool freed;
    husk_watch *handle; /* or NULL */
    husk_weak *weak;    /* to the same object, with a callback: held */
};
static struct watch w[WATCHES];
static int made, deaths;
static husk_obj *objects[HANDLES], *queues[QUEUES];

static void on_gone(husk_weak *weak, void *data)
{
    (void)weak;
    w[(intptr_t)data].order = ++deaths;
}

static void on_free(void *data)
{
    struct watch *watch = &w[(intptr_t)data];
    assert_false(watch->freed);
    watch->freed = true;
}

static size_t waiting(int queue)
{
    size_t count = 0;
    for (int i = 0; i < made; i++)
        count += w[i].queue == queue && w[i].order;
    return count;
}

static size_t watching(int queue)
{
    size_t count = 0;
    for (int i = 0; i < made; i++)
        count += w[i].queue == queue && !w[i].order;
    return count;
}

static void compare(husk_heap *heap, bool with_fd[QUEUES])
{
    verify(heap);
    for (int q = 0; q < QUEUES; q++) {
        if (!queues[q])
            continue;
        husk_deadqueue *queue = husk_deadqueue_of(queues[q]);
        assert_int_equal(husk_deadqueue_count(queue), waiting(q));
        assert_int_equal(husk_deadqueue_watching(queue), watching(q));
        if (with_fd[q]) {
            struct pollfd p = { .fd = husk_deadqueue_fd(queue), .events = POLLIN };
            assert_int_equal(poll(&p, 1, 0), waiting(q) > 0);
        }
    }
    for (int i = 0; i < made; i++) {
        if (w[i].handle) {
            assert_int_equal(husk_watch_is_pending(w[i].handle), w[i].queue >= 0 && !w[i].order);
            assert_ptr_equal(husk_watch_queue(w[i].handle),
                             w[i].queue < 0 ? NULL : husk_deadqueue_of(queues[w[i].queue]));
        }
        assert_int_equal(w[i].freed, !w[i].handle && w[i].queue < 0);
    }
}

static void poll_one(int q)
{
    husk_watch *got = husk_deadqueue_poll(husk_deadqueue_of(queues[q]));
    int first = -1;
    for (int i = 0; i < made; i++)
        if (w[i].queue == q && w[i].order && (first < 0 || w[i].order < w[first].order))
            first = i;
    assert_int_equal(got != NULL, first >= 0);
    if (!got)
        return;
    assert_int_equal((intptr_t)husk_watch_data(got), first);
    w[first].queue = -1;
    w[first].polled++;
    if (w[first].handle)
        assert_ptr_equal(got, w[first].handle);
    husk_watch_release(got);
}

static void new_watch(int q, int obj, bool keep)
{
    if (made == WATCHES || !objects[obj] || !queues[q])
        return;
    w[made] = (struct watch){ .queue = q };
    husk_watch *watch =
        husk_watch_new(husk_deadqueue_of(queues[q]), objects[obj], (void *)(intptr_t)made, on_free);
    assert_non_null(watch);
    w[made].weak = husk_weak_new(objects[obj], on_gone, (void *)(intptr_t)made, NULL);
    assert_non_null(w[made].weak);
    if (keep)
        w[made].handle = watch;
    else
        husk_watch_release(watch);
    made++;
}

static void end_queue(int q, bool with_fd[QUEUES])
{
    husk_obj_drop(&queues[q]);
    with_fd[q] = false;
    for (int i = 0; i < made; i++)
        if (w[i].queue == q)
            w[i].queue = -1;
}

static void step(husk_heap *heap, random64 *r, bool with_fd[QUEUES])
{
    int i = (int)random_below(r, HANDLES), k = (int)random_below(r, HANDLES),
        q = (int)random_below(r, QUEUES);
    switch (random_below(r, 16)) {
    case 0:
    case 1:
    case 2:
        husk_obj_drop(&objects[i]);
        objects[i] = node_new(heap, random_below(r, 2) ? type_node : type_hooked, i);
        assert_non_null(objects[i]);
        break;
    case 3:
        husk_obj_drop(&objects[i]);
        break;
    case 4:
    case 5:
        if (objects[i])
            (random_below(r, 2) ? link_a : link_b)(objects[i], objects[k]);
        break;
    case 6:
        collect(heap);
        break;
    case 7:
        if (!queues[q]) {
            husk_deadqueue *queue = husk_deadqueue_new(heap);
            assert_non_null(queue);
            queues[q] = husk_deadqueue_obj(queue);
        } else if (random_below(r, 12) == 0) {
            end_queue(q, with_fd);
        } else if (random_below(r, 2)) {
            with_fd[q] = husk_deadqueue_fd(husk_deadqueue_of(queues[q])) >= 0;
            assert_true(with_fd[q]);
        }
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        new_watch(q, i, random_below(r, 4) == 0);
        break;
    case 12:
        for (int n = made - 1; n >= 0 && n > made - SLOTS; n--) {
            if (!w[n].handle || random_below(r, 3))
                continue;
            if (random_below(r, 2)) {
                assert_int_equal(husk_watch_detach(w[n].handle), w[n].queue >= 0);
                w[n].queue = -1;
            }
            husk_watch *held = w[n].handle;
            w[n].handle = NULL;
            husk_watch_release(held);
            break;
        }
        break;
    default:
        if (queues[q])
            poll_one(q);
        break;
    }
}

/* Drops what it holds of the watches: of those whose callbacks are not wanted any more. */
static void end(husk_heap *heap, bool with_fd[QUEUES])
{
    for (int i = 0; i < HANDLES; i++)
        husk_obj_drop(&objects[i]);
    collect(heap);
    compare(heap, with_fd);
    for (int q = 0; q < QUEUES; q++) {
        for (size_t n = waiting(q); n > 0; n--)
            poll_one(q);
        if (queues[q])
            end_queue(q, with_fd);
    }
    compare(heap, with_fd);
    for (int i = 0; i < made; i++) {
        assert_true(w[i].polled <= 1 && w[i].order);
        husk_watch_release(w[i].handle);
        husk_weak_release(w[i].weak);
        assert_true(w[i].freed);
    }
}

static void random_use(husk_heap *unused)
{
    (void)unused;
    size_t rounds = story_size(60, 4);
    size_t polled = 0;
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        memset(objects, 0, sizeof objects);
        made = deaths = 0;
        bool with_fd[QUEUES] = { false };
        random64 r = random_from(seed);
        husk_heap *heap = heap_open(NULL);
        assert_non_null(heap);
        husk_pacing pacing = { 0, 0, 1, 2 };
        assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
        for (int i = 0; i < 1000; i++) {
            fprintf(stderr, "\rseed %llu step %d ", (unsigned long long)seed, i);
            step(heap, &r, with_fd);
            compare(heap, with_fd);
        }
        end(heap, with_fd);
        for (int i = 0; i < made; i++)
            polled += (size_t)w[i].polled;
        heap_close(heap, true);
    }
    fprintf(stderr, "%zu polled\n", polled);
    assert_true(polled > 50 * rounds);
}

STORIES(STORY(random_use, STORY_NO_FAULT));
