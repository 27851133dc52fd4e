/* tests/model/reference_death.c: counts, the list of the dying, events, hooks. See reference_parts.h. */
#include "reference_parts.h"

#include <assert.h>
#include <string.h>

void list_push(int *list, int *count, int at, int number)
{
    memmove(list + at + 1, list + at, (size_t)(*count - at) * sizeof *list);
    list[at] = number;
    ++*count;
}

void list_cut(int *list, int *count, int at)
{
    --*count;
    memmove(list + at, list + at + 1, (size_t)(*count - at) * sizeof *list);
}

bool ref_finalizer_pending(const ref_heap *h, int n)
{
    return facts[h->obj[n].kind].finalize && !h->obj[n].finalized;
}

int ref_held(const ref_heap *h, int n, int held[MOST_HELD])
{
    const ref_obj *o = &h->obj[n];
    int count = 0;
    for (int i = 0; i < o->slots; i++)
        held[count++] = o->slot[i];
    for (int i = 0; i < o->rows; i++)
        held[count++] = o->row[i].other;
    held[count++] = o->strong;
    if (o->kind == K_QUEUE && o->in_queue) {
        for (int i = 0; i < h->waiting_count; i++)
            held[count++] = h->waiting[i];
        for (int i = 0; i < h->watching_count; i++)
            held[count++] = h->watching[i];
    }
    return count;
}

bool ref_is_dying(const ref_heap *h, int n)
{
    return h->obj[n].queued || h->obj[n].condemned;
}

void ref_event_add(ref_heap *h, int weak)
{
    assert(h->events_first + h->events_count < 4 * MOST_IDS);
    h->events[h->events_first + h->events_count++] = weak;
}

/* The count of n is zero: it joins the list that goes in front of the dying, unless something else ends it. */
static void fell_to_zero(ref_heap *h, int n, int *list, int *count)
{
    ref_obj *o = &h->obj[n];
    if (o->condemned)
        return;
    o->queued = true;
    /* Certain to die: what knows it weakly is told now. */
    if (!ref_finalizer_pending(h, n))
        ref_end_weaks(h, n);
    if (is_weak(o->kind)) {
        ref_weak_leaves(h, n);
        if (o->frees) {
            ref_event_add(h, n);
            return;
        }
    }
    list_push(list, count, *count, n);
}

void ref_one_fewer(ref_heap *h, int n, int *list, int *count)
{
    ref_obj *o = &h->obj[n];
    assert(o->alive);
    if (o->immortal)
        return;
    assert(o->count > 0);
    if (--o->count == 0)
        fell_to_zero(h, n, list, count);
}

static void splice(ref_heap *h, const int *list, int count)
{
    for (int i = 0; i < count; i++)
        list_push(h->dying, &h->dying_count, i, list[i]);
}

void ref_retain(ref_heap *h, int n)
{
    if (n && !h->obj[n].immortal)
        h->obj[n].count++;
}

void ref_release(ref_heap *h, int n)
{
    int list[2], count = 0;
    if (!n)
        return;
    ref_one_fewer(h, n, list, &count);
    bool zero = h->obj[n].count == 0 && !h->obj[n].immortal;
    splice(h, list, count);
    if (!zero || h->busy)
        return;
    ref_ration(h);
    ref_settle(h);
}

void ref_assign(ref_heap *h, int *place, int n)
{
    int old = *place;
    *place = n;
    ref_release(h, old);
}

/* One hook may run another one: the cleanup that it is told to run. */
void ref_hook(ref_heap *h, told told_what, int n, int self)
{
    act acts[HOOK_ACTS];
    bool outer = h->in_hook;
    int outer_self = h->handle[SELF];
    tell(h->log, told_what, n);
    if (h->closing && told_what == E_FREE)
        return;
    h->in_hook = true;
    h->handle[SELF] = self;
    hook_acts(h->seed, told_what, n, acts);
    for (int i = 0; i < HOOK_ACTS; i++)
        ref_do(h, acts[i]);
    h->handle[SELF] = outer_self;
    h->in_hook = outer;
}

bool ref_finalize(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    o->finalized = true;
    if (!o->immortal)
        o->count++;
    ref_hook(h, E_FINALIZE, n, n);
    if (o->immortal)
        return false;
    o->count--;
    return o->count == 0;
}

void ref_reclaim(ref_heap *h, int n)
{
    static int held[MOST_HELD], list[MOST_HELD];
    ref_obj *o = &h->obj[n];
    int held_count = ref_held(h, n, held), count = 0;
    for (int i = 0; i < held_count; i++) {
        if (held[i] && !(o->condemned && h->obj[held[i]].condemned))
            ref_one_fewer(h, held[i], list, &count);
    }
    splice(h, list, count);
    ref_ties_leave(h, n);
    if (o->kind == K_QUEUE)
        ref_queue_ends(h, n);
    if (facts[o->kind].dispose)
        tell(h->log, E_DISPOSE, n);
    o->alive = false;
}

static void end_first(ref_heap *h)
{
    int n = h->dying[0];
    list_cut(h->dying, &h->dying_count, 0);
    if (ref_finalizer_pending(h, n)) {
        if (!ref_finalize(h, n)) {
            h->obj[n].queued = false;
            return;
        }
        ref_end_weaks(h, n);
    }
    ref_reclaim(h, n);
}

static void run_event(ref_heap *h)
{
    int n = h->events[h->events_first++];
    if (--h->events_count == 0)
        h->events_first = 0;
    ref_obj *o = &h->obj[n];
    if (o->queued) {
        ref_hook(h, E_FREE, n, 0);
        ref_soft_drop(h, n);
        o->alive = false;
        return;
    }
    if (o->count > 1 || o->immortal) {
        if (o->kind == K_CLEANUP)
            ref_cleanup_called(h, n);
        else
            ref_hook(h, E_CALL, n, n);
    }
    ref_release(h, n);
}

/* ---- the drain ---- */

void ref_ration(ref_heap *h)
{
    h->left = h->budget ? h->budget : SIZE_MAX;
}

void ref_ration_all(ref_heap *h)
{
    h->left = SIZE_MAX;
}

/* Callbacks come when nothing is dying any more. A death and a callback are one of the budget each; loose entries come
 * out whatever is left of it. */
void ref_drain(ref_heap *h)
{
    bool before = h->busy;
    h->busy = true;
    h->left = h->budget ? h->left : SIZE_MAX;
    for (;;) {
        if (h->loose_count > 0) {
            ref_ties_forget(h);
            continue;
        }
        if (h->left == 0 || (h->dying_count == 0 && h->events_count == 0))
            break;
        h->left -= h->left != SIZE_MAX;
        if (h->dying_count > 0)
            end_first(h);
        else
            run_event(h);
    }
    h->met[MET_PUT_OFF] += h->dying_count + h->events_count;
    h->busy = before;
}

int ref_waiting(const ref_heap *h)
{
    int count = h->dying_count;
    for (int i = 0; i < h->events_count; i++)
        count += h->obj[h->events[h->events_first + i]].queued;
    return count;
}

void ref_end_waiting(ref_heap *h)
{
    ref_ration_all(h);
    ref_drain(h);
}
