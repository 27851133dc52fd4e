/* tests/model/reference_weak.c: weak references and cleanups. See reference_parts.h. */
#include "reference_parts.h"

/* The weak references to n end, newest first; those that call, and are not garbage themselves, wait for it. */
int ref_end_weaks(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    int ended = o->weak_count;
    for (int i = o->weak_count - 1; i >= 0; i--) {
        ref_obj *weak = &h->obj[o->weaks[i]];
        weak->target = 0;
        if (weak->kind == K_WATCH)
            ref_watch_arrives(h, o->weaks[i], o->ending);
        if (weak->calls && !weak->ending) {
            ref_retain(h, o->weaks[i]);
            ref_event_add(h, o->weaks[i]);
        }
    }
    o->weak_count = 0;
    ref_ties_end(h, n);
    return ended;
}

static void leave_target(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    if (!o->target)
        return;
    ref_obj *target = &h->obj[o->target];
    for (int i = 0; i < target->weak_count; i++) {
        if (target->weaks[i] == n) {
            list_cut(target->weaks, &target->weak_count, i);
            break;
        }
    }
    o->target = 0;
}

void ref_weak_leaves(ref_heap *h, int n)
{
    leave_target(h, n);
    if (h->obj[n].kind == K_SOFT)
        ref_soft_leaves(h, n);
    else if (h->obj[n].kind == K_WATCH)
        ref_watch_leaves(h, n);
}

int ref_weak_make(ref_heap *h, int n, ref_obj weak)
{
    ref_obj *o = &h->obj[n];
    if (h->born + 1 >= MOST_IDS || o->weak_count + 1 >= MOST_IDS / 8)
        return 0;
    int number = ++h->born;
    weak.alive = true;
    weak.count = 1;
    weak.target = n;
    h->obj[number] = weak;
    list_push(o->weaks, &o->weak_count, o->weak_count, number);
    return number;
}

void ref_weak_to(ref_heap *h, int n, int y, int z)
{
    const ref_obj *o = &h->obj[n];
    if (h->born + 1 >= MOST_IDS || o->weak_count + 1 >= MOST_IDS / 8)
        return;
    for (int i = 0; z == 0 && i < o->weak_count; i++) {
        if (h->obj[o->weaks[i]].kind == K_WEAK) {
            ref_retain(h, o->weaks[i]);
            ref_assign(h, &h->handle[y], o->weaks[i]);
            return;
        }
    }
    ref_obj weak = { .kind = z == 0 ? K_WEAK : K_CALL, .calls = z == 1 || z == 2, .frees = z >= 2 };
    ref_assign(h, &h->handle[y], ref_weak_make(h, n, weak));
}

void ref_lock(ref_heap *h, int n, int y)
{
    int target = h->obj[n].target;
    if (target && ref_is_dying(h, target))
        target = 0;
    tell(h->log, E_LOCKED, target);
    ref_retain(h, target);
    ref_assign(h, &h->handle[y], target);
}

/* ---- cleanups ---- */

void ref_cleanup_new(ref_heap *h, int n, int y, int z)
{
    int made = ref_weak_make(h, n, (ref_obj){ .kind = K_CLEANUP, .calls = true, .frees = z & 2 });
    if (!made)
        return;
    h->obj[made].at_exit = z & 1;
    h->obj[made].pending = true; /* and the registry holds it: */
    ref_retain(h, made);
    ref_assign(h, &h->handle[y], made);
}

int ref_cleanups(const ref_heap *h)
{
    int pending = 0;
    for (int n = 1; n <= h->born; n++)
        pending += h->obj[n].alive && h->obj[n].pending;
    return pending;
}

void ref_cleanup_called(ref_heap *h, int n)
{
    bool before = h->busy;
    if (!h->obj[n].pending)
        return;
    h->obj[n].pending = false;
    h->busy = true;
    ref_hook(h, E_CLEANED, n, 0);
    h->busy = before;
    ref_release(h, n);
}

static int newest(const ref_heap *h, bool at_exit)
{
    for (int n = h->born; n > 0; n--)
        if (h->obj[n].alive && h->obj[n].pending && h->obj[n].at_exit == at_exit)
            return n;
    return 0;
}

int ref_run_cleanups(ref_heap *h)
{
    int ran = 0, n, born = h->born;
    if (h->busy)
        return 0;
    for (; (n = newest(h, true)); ran++) {
        h->met[MET_AT_EXIT] += h->closing;
        h->met[MET_AT_EXIT_NEXT] += n > born;
        ref_cleanup_called(h, n);
        ref_ration(h);
        ref_drain(h);
    }
    return ran;
}

bool ref_forget_cleanups(ref_heap *h)
{
    bool any = false;
    for (int at_exit = 0; at_exit < 2; at_exit++)
        for (int n; (n = newest(h, at_exit));) {
            h->obj[n].pending = false;
            ref_release(h, n);
            any = true;
        }
    return any;
}

void ref_cleanup_do(ref_heap *h, act a, int n)
{
    ref_obj *o = &h->obj[n];
    bool pending = o->pending;
    switch ((op)a.what) {
    case A_DETACH:
        o->pending = false;
        if (pending)
            ref_release(h, n);
        tell(h->log, E_ANSWER, pending);
        break;
    case A_RUN:
        ref_retain(h, n); /* whoever calls has a reference */
        ref_cleanup_called(h, n);
        if (!h->busy && pending) {
            ref_ration(h);
            ref_drain(h);
        }
        tell(h->log, E_ANSWER, pending);
        ref_release(h, n);
        break;
    case A_AT_EXIT:
        o->at_exit = a.z & 1;
        break;
    case A_CLEANUP_GET:
        if (pending) {
            ref_lock(h, n, a.y);
        } else {
            tell(h->log, E_LOCKED, 0);
            ref_assign(h, &h->handle[a.y], 0);
        }
        break;
    default:
        break;
    }
}
