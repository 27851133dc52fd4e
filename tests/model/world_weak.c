/* tests/model/world_weak.c: weak references and cleanups of the real heap. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

void world_on_gone(husk_weak *weak, void *data)
{
    world_hook(E_CALL, (int)(intptr_t)data, husk_weak_obj(weak));
}

static void on_free(void *data)
{
    world_hook(E_FREE, (int)(intptr_t)data, NULL);
}

/* Where a call may be refused: of one that fails data_free runs at once, and the number is no number. */
static void on_free_quietly(void *data)
{
    if (!world_now->allocating)
        on_free(data);
}

husk_free_fn *world_on_free(const world *w)
{
    return w->may_fail ? on_free_quietly : on_free;
}

bool world_weak_fits(const world *w, const husk_obj *x)
{
    return w->born + 1 < MOST_IDS && husk_obj_weak_count(x) + 1 < MOST_IDS / 8;
}

static bool note_first(husk_obj *weak, void *data)
{
    *(husk_obj **)data = weak;
    return false;
}

/* The shared weak reference to x, or NULL: the first one, if any. */
static husk_obj *shared_weak(const world *w, husk_obj *x)
{
    husk_obj *first = NULL;
    husk_obj_each_weak(x, note_first, &first);
    return first && w->kinds[world_number(w, first)] == K_WEAK ? first : NULL;
}

void world_weak_to(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    int z = a.z % 4;
    if (!world_weak_fits(w, x))
        return;
    bool made = z != 0 || !shared_weak(w, x); /* asked before: a pass may end others meanwhile */
    bool frees = z >= 2;
    w->allocating = true;
    husk_weak *weak = husk_weak_new(x, z == 1 || z == 2 ? world_on_gone : NULL,
                                    (void *)(intptr_t)(w->born + 1), frees ? world_on_free(w) : NULL);
    w->allocating = false;
    if (!weak)
        return;
    if (made)
        w->target[world_enter(w, husk_weak_obj(weak), z ? K_CALL : K_WEAK)] = w->held[a.x];
    world_give(w, a.y, husk_weak_obj(weak), world_number(w, husk_weak_obj(weak)));
}

/* ---- cleanups ---- */

static void on_cleanup(husk_heap *heap, void *data)
{
    int n = (int)(intptr_t)data;
    (void)heap;
    if (!world_now->pending[n]) {
        fprintf(stderr, "cleanup %d runs, which is not pending\n", n);
        abort();
    }
    world_now->pending[n] = false;
    world_hook(E_CLEANED, n, NULL);
}

static void make(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    int number = w->held[a.x];
    if (!world_weak_fits(w, x))
        return;
    w->allocating = true;
    husk_cleanup *made = husk_cleanup_new(x, on_cleanup, (void *)(intptr_t)(w->born + 1),
                                          a.z & 2 ? world_on_free(w) : NULL, a.z & 1);
    w->allocating = false;
    if (!made)
        return;
    int n = world_enter(w, husk_cleanup_obj(made), K_CLEANUP);
    w->target[n] = number;
    w->pending[n] = true;
    w->at_exit[n] = a.z & 1;
    world_give(w, a.y, husk_cleanup_obj(made), n);
}

void world_cleanup_do(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    int n = w->held[a.x];
    husk_cleanup *cleanup = husk_cleanup_of(x);
    switch ((op)a.what) {
    case A_CLEANUP:
        make(w, a);
        break;
    case A_DETACH:
        w->pending[n] = false;
        tell(w->log, E_ANSWER, husk_cleanup_detach(cleanup));
        break;
    case A_RUN:
        husk_obj_retain(x);
        tell(w->log, E_ANSWER, husk_cleanup_run(cleanup));
        husk_obj_release(x);
        break;
    case A_AT_EXIT:
        w->at_exit[n] = a.z & 1;
        husk_cleanup_set_at_exit(cleanup, a.z & 1);
        break;
    case A_CLEANUP_GET: {
        husk_obj *obj = husk_cleanup_get(cleanup);
        tell(w->log, E_LOCKED, world_number(w, obj));
        world_give(w, a.y, obj, w->target[n]);
        break;
    }
    default:
        break;
    }
}
