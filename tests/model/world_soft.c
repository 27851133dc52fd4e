/* tests/model/world_soft.c: soft references of the real heap. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn static void fail(const char *what, long a, long b)
{
    fprintf(stderr, "soft reference: %s: %ld, %ld\n", what, a, b);
    abort();
}

static void note_use(world *w, int n)
{
    w->holds[n] = true;
    w->used[n] = ++w->uses;
}

static void make(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    int number = w->held[a.x];
    if (!world_weak_fits(w, x))
        return;
    w->allocating = true;
    husk_soft *soft = husk_soft_new(x, a.z & 1 ? world_on_gone : NULL, (void *)(intptr_t)(w->born + 1),
                                    a.z & 2 ? world_on_free(w) : NULL);
    w->allocating = false;
    if (!soft)
        return;
    int n = world_enter(w, husk_soft_obj(soft), K_SOFT);
    w->target[n] = number;
    note_use(w, n);
    world_give(w, a.y, husk_soft_obj(soft), n);
}

bool world_soft_look(world *w, int n, husk_obj *obj)
{
    bool holding = husk_soft_is_holding(husk_soft_of(obj)), held = w->holds[n];
    if (holding && !held)
        fail("holds, having let go", n, w->target[n]);
    if (!holding && held && !w->yields && !w->yielding)
        fail("let go, and nothing was short", n, w->target[n]);
    w->holds[n] = holding;
    return held && !holding;
}

void world_soft_refused(world *w)
{
    husk_soft_figures figures;
    husk_heap_soft_figures(w->heap, &figures);
    if (figures.holding > 0)
        fail("holds when memory is refused", (long)figures.holding, 0);
}

static void lock(world *w, act a)
{
    int n = w->held[a.x];
    husk_obj *obj = husk_soft_lock(husk_soft_of(w->handle[a.x]));
    if (world_number(w, obj) != (obj ? w->target[n] : 0))
        fail("answers with another object", n, world_number(w, obj));
    if (obj)
        note_use(w, n);
    world_give(w, a.y, obj, w->target[n]);
}

static void let_go(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    int n = w->held[a.x];
    husk_obj_retain(x);
    (void)world_soft_look(w, n, x);
    bool held = w->holds[n];
    w->holds[n] = false;
    if (husk_soft_let_go(husk_soft_of(x)) != held)
        fail("whether it was holding", n, held);
    husk_obj_release(x);
}

/* ---- letting go by the order of use ---- */

static struct {
    int number;
    bool held;
} soft[MOST_IDS];
static int softs;

static bool list(husk_obj *obj, void *data)
{
    world *w = data;
    int n = world_number(w, obj);
    if (n && w->kinds[n] == K_SOFT) {
        soft[softs].number = n;
        soft[softs++].held = husk_soft_is_holding(husk_soft_of(obj));
    }
    return true;
}

static bool shown[MOST_IDS];

static bool note_holding(husk_obj *obj, void *data)
{
    world *w = data;
    int n = world_number(w, obj);
    if (n && w->kinds[n] == K_SOFT) {
        shown[n] = true;
        w->holds[n] = husk_soft_is_holding(husk_soft_of(obj));
    }
    return true;
}

/* Those used last hold as before. Others may have died of it, soft references among them; and hooks that ran for these may
 * have used some. */
static void yield(world *w, size_t keep)
{
    softs = 0;
    husk_heap_each(w->heap, list, w);
    for (int i = 0; i < softs; i++)
        shown[soft[i].number] = false;
    long uses = ++w->uses; /* a hook may yield, too */
    w->yielding++;
    (void)husk_heap_yield_softs(w->heap, keep);
    w->yielding--;
    husk_heap_each(w->heap, note_holding, w);
    if (w->uses != uses)
        return;
    for (int i = 0; i < softs; i++)
        w->holds[soft[i].number] &= shown[soft[i].number];
    husk_soft_figures figures;
    husk_heap_soft_figures(w->heap, &figures);
    if (figures.holding > keep)
        fail("more hold than are to be kept", (long)figures.holding, (long)keep);
    long oldest_kept = w->uses + 1;
    for (int i = 0; i < softs; i++) {
        int n = soft[i].number;
        if (w->holds[n] && !soft[i].held)
            fail("holds since a yield", n, (long)keep);
        if (w->holds[n] && w->used[n] < oldest_kept)
            oldest_kept = w->used[n];
    }
    for (int i = 0; i < softs; i++) {
        int n = soft[i].number;
        if (soft[i].held && shown[n] && !w->holds[n] && w->used[n] > oldest_kept)
            fail("let go before one that was used earlier", n, w->used[n]);
    }
}

void world_soft_do(world *w, act a)
{
    bool one = w->handle[a.x] && w->kinds[w->held[a.x]] == K_SOFT;
    switch ((op)a.what) {
    case A_SOFT:
        if (w->handle[a.x])
            make(w, a);
        break;
    case A_SOFT_LOCK:
        if (one)
            lock(w, a);
        break;
    case A_SOFT_LET_GO:
        if (one)
            let_go(w, a);
        break;
    case A_SOFT_YIELD:
        yield(w, (size_t)softs_kept(a.z));
        break;
    case A_SOFT_POLICY: {
        husk_soft_policy policy = { softs_max_age(a.z), (size_t)softs_policy_keep(a.z) };
        husk_heap_set_soft_policy(w->heap, &policy);
        w->yields |= policy.max_age > 0;
        break;
    }
    default:
        break;
    }
}
