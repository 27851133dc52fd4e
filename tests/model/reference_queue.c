/* tests/model/reference_queue.c: the queue of the dead, which holds its watches. See reference_parts.h. */
#include "reference_parts.h"

static bool cut(int *list, int *count, int n)
{
    for (int i = 0; i < *count; i++)
        if (list[i] == n) {
            list_cut(list, count, i);
            return true;
        }
    return false;
}

void ref_watch_leaves(ref_heap *h, int n)
{
    if (!cut(h->watching, &h->watching_count, n))
        (void)cut(h->waiting, &h->waiting_count, n);
    h->obj[n].in_queue = false;
}

void ref_watch_arrives(ref_heap *h, int n, bool in_pass)
{
    if (!cut(h->watching, &h->watching_count, n))
        return;
    list_push(h->waiting, &h->waiting_count, h->waiting_count, n);
    h->met[in_pass ? MET_ARRIVED_PASS : MET_ARRIVED]++;
}

void ref_queue_ends(ref_heap *h, int n)
{
    h->obj[n].in_queue = false;
    while (h->waiting_count > 0)
        ref_watch_leaves(h, h->waiting[0]);
    while (h->watching_count > 0)
        ref_watch_leaves(h, h->watching[0]);
}

static bool have_queue(ref_heap *h)
{
    if (h->queue || h->born + 1 >= MOST_IDS)
        return h->queue;
    h->queue = ++h->born;
    h->obj[h->queue] = (ref_obj){ .kind = K_QUEUE, .alive = true, .count = 1, .in_queue = true };
    return true;
}

static void watch(ref_heap *h, act a)
{
    int x = h->handle[a.x];
    if (!x || !have_queue(h))
        return;
    int n = ref_weak_make(h, x, (ref_obj){ .kind = K_WATCH, .frees = a.z & 2 });
    if (!n)
        return;
    h->obj[n].in_queue = true;
    list_push(h->watching, &h->watching_count, 0, n);
    ref_retain(h, n);
    if (a.z & 1)
        ref_release(h, n);
    else
        ref_assign(h, &h->handle[a.y], n);
}

static void poll(ref_heap *h, int y)
{
    if (h->waiting_count == 0)
        return;
    int n = h->waiting[0];
    ref_watch_leaves(h, n);
    h->met[MET_POLLED]++;
    ref_assign(h, &h->handle[y], n); /* the reference is the handle's now */
}

void ref_queue_do(ref_heap *h, act a)
{
    int x = h->handle[a.x], queue = h->queue;
    switch ((op)a.what) {
    case A_DEATH_WATCH:
        watch(h, a);
        break;
    case A_POLL:
        poll(h, a.y);
        break;
    case A_UNWATCH:
        if (x && h->obj[x].kind == K_WATCH && h->obj[x].in_queue) {
            ref_watch_leaves(h, x);
            ref_release(h, x);
        }
        break;
    case A_QUEUE_END:
        h->met[MET_QUEUE_ENDED] += queue ? h->waiting_count + h->watching_count : 0;
        h->queue = 0;
        ref_release(h, queue);
        break;
    default:
        break;
    }
}
