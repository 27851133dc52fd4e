/* tests/model/world.c: operations on the real heap, each through the public interface. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static void check(husk_status status, const char *call)
{
    if (status != HUSK_OK) {
        fprintf(stderr, "%s: %s: %s\n", call, husk_status_name(status), husk_heap_message(world_now->heap));
        abort();
    }
}

void world_give(world *w, unsigned handle, husk_obj *obj, int number)
{
    husk_obj *old = w->handle[handle];
    w->handle[handle] = obj;
    w->held[handle] = obj ? number : 0;
    if (old)
        husk_obj_release(old);
}

static void store(world *w, husk_obj *self, size_t slot, husk_obj *value, int number)
{
    husk_obj **ref = world_place(w, self, slot);
    w->slot[world_number(w, self)][slot] = number;
    if (ref)
        check(husk_obj_set(self, ref, value), "set");
    else
        check(husk_value_set(self, world_value_place(self, slot), value ? husk_ref(value) : husk_int(-7)),
              "value_set");
}

static void make(world *w, act a)
{
    kind k = kind_of(a.z);
    husk_heap_figures figures;
    husk_heap_figures_get(w->heap, &figures);
    if (w->born + 1 >= MOST_IDS || figures.objects >= MOST_LIVE) {
        world_give(w, a.y, NULL, 0);
        return;
    }
    w->allocating = true;
    husk_obj *obj = k == K_KEYMAP     ? husk_weakkeymap_new(w->heap)
                    : k == K_VALUEMAP ? husk_weakvaluemap_new(w->heap)
                    : k == K_SET      ? husk_weakset_new(w->heap)
                    : k == K_ITEMS    ? husk_obj_new_items(w->heap, world_types[k], a.z / K_MADE % MOST_SLOTS)
                                      : husk_obj_new(w->heap, world_types[k]);
    w->allocating = false;
    if (obj) {
        int number = world_enter(w, obj, k);
        world_mark_birth(obj, k, number);
    } else if (k < K_TYPES) {
        world_soft_refused(w);
    }
    world_give(w, a.y, obj, w->born);
}

static void grow(world *w, husk_obj *obj, husk_obj *value, int number)
{
    if (world_bag_grow(w, obj))
        store(w, obj, world_slots(w, obj) - 1, value, number);
}

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    world *w = data;
    (void)heap, (void)pass;
    world_hook(phase == HUSK_PASS_START ? E_START : E_STOP, ++w->watch_calls, NULL);
}

static void tell_pass(world *w, const husk_pass *p)
{
    tell(w->log, E_COLLECTED, (long)p->collected);
    tell(w->log, E_UNCOLLECTABLE, (long)p->uncollectable);
    tell(w->log, E_FINALIZED, (long)p->finalized);
    tell(w->log, E_RESURRECTED, (long)p->resurrected);
    tell(w->log, E_CLEARED, (long)p->weak_cleared);
    tell(w->log, E_EXAMINED, (long)p->examined);
}

/* The record of the latest pass says what the pass said, each candidate has one fate, and the sums are exact. */
static void look_at_record(world *w, const husk_pass *p)
{
    husk_pass_record r;
    if (husk_heap_pass_record(w->heap, p->number, &r) != HUSK_OK || r.number != husk_heap_pass_count(w->heap))
        abort();
    uint64_t objects = r.rest.objects, bytes = r.rest.bytes;
    for (uint32_t i = 0; i < r.types; i++) {
        objects += r.by_type[i].objects;
        bytes += r.by_type[i].bytes;
    }
    if (objects != r.freed || bytes != r.freed_bytes || r.status != HUSK_OK ||
        r.candidates != r.freed + r.saved + r.resurrected + r.deferred + r.held + r.reached)
        abort();
    if (p->passes == 1 && (r.candidates != p->examined || r.freed + r.saved != p->collected ||
                           r.resurrected != p->resurrected || r.finalized != p->finalized))
        abort();
}

static void collect(world *w)
{
    husk_pass p;
    husk_status status = husk_heap_collect(w->heap, &p);
    tell(w->log, E_STATUS, status);
    if (status == HUSK_OK)
        look_at_record(w, &p);
    if (status == HUSK_OK)
        tell_pass(w, &p);
}

static bool count(husk_obj *obj, void *data)
{
    (void)obj;
    ++*(long *)data;
    return true;
}

static husk_later later_node;

/* What a hook had in hand, before and after an act; and what x led to, for the act may have cut that off. */
static void touch(world *w, act a)
{
    if (a.what == A_NONE)
        return;
    for (int i = 0; i < HANDLES; i++)
        w->touched[w->held[i]] = true;
    w->touched[w->held[a.x]] = w->touched[w->held[a.y]] = true;
    int n = w->held[a.x];
    for (int i = 0; i < MOST_SLOTS; i++)
        w->touched[w->slot[n][i]] = true;
    for (int i = 0; i < w->rows[n]; i++)
        w->touched[w->row[n][i].target] = w->touched[w->row[n][i].other] = true;
}

void world_do(world *w, act a)
{
    kind kinds[HANDLES + 1];
    for (int i = 0; i <= HANDLES; i++)
        kinds[i] = w->handle[i] ? w->kinds[w->held[i]] : KINDS;
    aim(&a, kinds);
    if (w->in_hook)
        touch(w, a);
    husk_obj *x = w->handle[a.x], *y = w->handle[a.y];
    size_t slots = world_slots(w, x), at = slots ? a.z % slots : 0;
    husk_obj **slot = slots ? world_place(w, x, at) : NULL;
    switch ((op)a.what) {
    case A_NEW:
        make(w, a);
        break;
    case A_SET:
        if (slots)
            store(w, x, at, y, w->held[a.y]);
        break;
    case A_CLEAR:
        if (slots)
            store(w, x, at, NULL, 0);
        break;
    case A_TAKE:
        if (slot && a.y != SELF) {
            w->slot[w->held[a.x]][at] = w->held[a.y];
            w->handle[a.y] = NULL;
            w->held[a.y] = 0;
            check(husk_obj_take(x, slot, y), "take");
        }
        break;
    case A_SWAP:
        if (slot && a.y != SELF) {
            int *number = &w->slot[w->held[a.x]][at], old = *number;
            *number = w->held[a.y];
            w->held[a.y] = old;
            check(husk_obj_swap(x, slot, &w->handle[a.y]), "swap");
        }
        break;
    case A_GET:
        if (slots) {
            husk_obj *obj = world_slot(w, x, at);
            if (obj)
                husk_obj_retain(obj);
            world_give(w, a.y, obj, w->slot[w->held[a.x]][at]);
        }
        break;
    case A_DROP:
        world_give(w, a.y, NULL, 0);
        break;
    case A_COPY:
        if (x)
            husk_obj_retain(x);
        world_give(w, a.y, x, w->held[a.x]);
        break;
    case A_WEAK_TO:
        if (x)
            world_weak_to(w, a);
        break;
    case A_LOCK:
        if (x && husk_weak_of(x)) {
            husk_obj *obj = husk_weak_lock(husk_weak_of(x));
            tell(w->log, E_LOCKED, world_number(w, obj));
            world_give(w, a.y, obj, w->target[w->held[a.x]]);
        }
        break;
    case A_GROW:
        if (x && w->kinds[world_number(w, x)] == K_BAG && slots < MOST_SLOTS)
            grow(w, x, y, w->held[a.y]);
        break;
    case A_TIE:
    case A_UNTIE:
    case A_UNTIE_ALL:
    case A_PEEK:
    case A_EACH:
    case A_EACH_DROP:
    case A_LOOSEN:
    case A_EPHEMERON:
        if (x && is_container(kinds[a.x]))
            world_container_do(w, a);
        break;
    case A_CLEANUP:
    case A_DETACH:
    case A_RUN:
    case A_AT_EXIT:
    case A_CLEANUP_GET:
        if (x && (a.what == A_CLEANUP || kinds[a.x] == K_CLEANUP))
            world_cleanup_do(w, a);
        break;
    case A_RUN_CLEANUPS:
        tell(w->log, E_ANSWER, (long)husk_heap_run_cleanups(w->heap));
        break;
    case A_COLLECT:
        collect(w);
        break;
    case A_PAIR:
        world_do(w, (act){ A_SET, a.x, a.y, a.z });
        world_do(w, (act){ A_SET, a.y, a.x, a.z });
        break;
    case A_FORGET:
        for (unsigned i = a.y; i < HANDLES; i++)
            world_give(w, i, NULL, 0);
        collect(w);
        break;
    case A_DRY: {
        husk_pass p;
        husk_status status = husk_heap_collect_dry(w->heap, &p);
        tell(w->log, E_STATUS, status);
        if (status == HUSK_OK)
            tell(w->log, E_COLLECTED, (long)p.collected);
        break;
    }
    case A_WALK: {
        long shown = 0;
        husk_heap_each(w->heap, count, &shown);
        tell(w->log, E_WALKED, shown);
        break;
    }
    case A_SAFEPOINT:
        husk_heap_safepoint(w->heap);
        break;
    case A_REQUEST:
        husk_heap_request(w->heap);
        husk_heap_safepoint(w->heap);
        break;
    case A_LATER:
        w->handle[a.y] = NULL;
        w->held[a.y] = 0;
        if (y)
            husk_obj_release_later(y, &later_node);
        husk_heap_safepoint(w->heap);
        break;
    case A_FREEZE:
        husk_heap_freeze(w->heap);
        break;
    case A_UNFREEZE:
        husk_heap_unfreeze(w->heap);
        break;
    case A_SAVE_ALL:
        husk_heap_set_save_all(w->heap, a.z % 2);
        break;
    case A_SAVED: {
        size_t saved = husk_heap_garbage_count(w->heap);
        husk_obj *obj = husk_heap_garbage(w->heap, a.z % (saved + 1));
        world_give(w, a.y, obj, world_number(w, obj));
        break;
    }
    case A_CLEAR_SAVED:
        husk_heap_garbage_clear(w->heap);
        break;
    case A_DISABLE: {
        if (!husk_heap_disabled_by(w->heap, 7))
            check(husk_heap_disable(w->heap, "model"), "disable");
        break;
    }
    case A_ENABLE:
        tell(w->log, E_STATUS, husk_heap_enable(w->heap));
        break;
    case A_IMMORTAL:
        if (y)
            husk_obj_make_immortal(y);
        break;
    case A_TRIM:
        husk_heap_trim(w->heap);
        break;
    case A_TRACE: {
        static const uint32_t frames[] = { 1, 4, 32 };
        husk_trace_options o = { HUSK_TRACE_OPTIONS, .frames = frames[a.x % 3], .seed = 1 };
        if (a.z % 4 == 3) {
            husk_trace_clear(w->heap);
            break;
        }
        husk_trace_stop(w->heap);
        o.sample_bytes = a.z % 4 == 2 ? 256 : 0;
        if (a.z % 4) {
            husk_status status = husk_trace_start(w->heap, &o);
            if (status != HUSK_ENOMEM) /* where memory is made to fail */
                check(status, "trace");
        }
        break;
    }
    case A_FOREIGN:
        husk_heap_foreign(w->heap, a.z);
        break;
    case A_WATCH:
        if (w->watch) {
            check(husk_heap_off_pass(w->heap, w->watch), "off_pass");
            w->watch = 0;
        } else {
            husk_status status = husk_heap_on_pass(w->heap, on_pass, w, NULL, &w->watch);
            if (!w->may_fail)
                check(status, "on_pass");
        }
        break;
    case A_PARALLEL:
        world_parallel(w, 1 + a.z % 3u);
        break;
    case A_BUDGET:
        check(husk_heap_set_death_budget(w->heap, budget_of(a.z)), "death budget");
        break;
    case A_SOFT:
    case A_SOFT_LOCK:
    case A_SOFT_LET_GO:
    case A_SOFT_YIELD:
    case A_SOFT_POLICY:
        world_soft_do(w, a);
        break;
    case A_DEATH_WATCH:
    case A_POLL:
    case A_UNWATCH:
    case A_QUEUE_END:
        world_queue_do(w, a);
        break;
    case A_NONE:
    case A_END:
        break;
    }
    if (w->in_hook)
        touch(w, a);
}
