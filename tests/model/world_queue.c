/* tests/model/world_queue.c: the queue of the dead, and its watches. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn static void fail(const char *what, long a, long b)
{
    fprintf(stderr, "queue of the dead: %s: %ld, %ld\n", what, a, b);
    abort();
}

static bool have_queue(world *w)
{
    if (w->queue || w->born + 1 >= MOST_IDS)
        return w->queue;
    w->allocating = true;
    w->queue = husk_deadqueue_new(w->heap);
    w->allocating = false;
    if (w->queue)
        w->queue_number = world_enter(w, husk_deadqueue_obj(w->queue), K_QUEUE);
    return w->queue;
}

static void watch(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    int number = w->held[a.x];
    if (!x || !have_queue(w) || !world_weak_fits(w, x))
        return;
    w->allocating = true;
    husk_watch *made =
        husk_watch_new(w->queue, x, (void *)(intptr_t)(w->born + 1), a.z & 2 ? world_on_free(w) : NULL);
    w->allocating = false;
    if (!made)
        return;
    int n = world_enter(w, husk_watch_obj(made), K_WATCH);
    w->target[n] = number;
    w->queued[n] = true;
    if (a.z & 1)
        husk_obj_release(husk_watch_obj(made)); /* the queue has its own */
    else
        world_give(w, a.y, husk_watch_obj(made), n);
}

static void poll(world *w, act a)
{
    size_t waiting = husk_deadqueue_count(w->queue);
    husk_watch *watch = husk_deadqueue_poll(w->queue);
    if ((watch != NULL) != (waiting > 0))
        fail("says that some wait", (long)waiting, watch != NULL);
    if (!watch)
        return;
    int n = world_number(w, husk_watch_obj(watch));
    if (!w->queued[n] || husk_watch_data(watch) != (void *)(intptr_t)n)
        fail("gives a watch that is not in it", n, w->queued[n]);
    if (husk_weak_state_get(husk_watch_weak(watch)) != HUSK_DEAD || husk_watch_is_pending(watch))
        fail("gives the watch of a living object", n, w->target[n]);
    w->queued[n] = false;
    world_give(w, a.y, husk_watch_obj(watch), n);
}

void world_queue_end(world *w)
{
    if (!w->queue)
        return;
    for (int n = 1; n <= w->born; n++)
        w->queued[n] = false;
    husk_deadqueue *ended = w->queue;
    w->queue = NULL;
    w->queue_number = 0;
    husk_deadqueue_release(ended);
}

void world_queue_do(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    switch ((op)a.what) {
    case A_DEATH_WATCH:
        watch(w, a);
        break;
    case A_POLL:
        if (w->queue)
            poll(w, a);
        break;
    case A_UNWATCH:
        if (x && w->kinds[w->held[a.x]] == K_WATCH) {
            int n = w->held[a.x];
            bool was = w->queued[n];
            w->queued[n] = false;
            if (husk_watch_detach(husk_watch_of(x)) != was)
                fail("whether the watch was in it", n, was);
        }
        break;
    case A_QUEUE_END:
        world_queue_end(w);
        break;
    default:
        break;
    }
}
