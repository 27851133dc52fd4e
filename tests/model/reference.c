/* tests/model/reference.c: operations, and the close. See reference.h; the other parts: reference_parts.h. */
#include "reference_parts.h"

#include <stdlib.h>
#include <string.h>

const char *const met_names[METS] = {
    "entries gone by counting",
    "in a pass",
    "loose ones met",
    "values that ended",
    "values with their own keys",
    "bare keys",
    "keys brought back",
    "containers ended with entries",
    "passed by",
    "not handed out",
    "found with a condemned key",
    "changed in a step",
    "at exit",
    "registered meanwhile",
    "soft references yielded",
    "aged",
    "regained",
    "ended with what they held",
    "watches arrived by counting",
    "arrived in a pass",
    "polled",
    "without their queue",
    "put off",
    "until a pass",
};

void ref_begin(ref_heap *h, uint64_t seed, const uintptr_t *address, event_log *log)
{
    ref_obj *obj = h->obj;
    long met_before[METS];
    memcpy(met_before, h->met, sizeof met_before);
    memset(h, 0, sizeof *h);
    memcpy(h->met, met_before, sizeof met_before);
    h->obj = obj ? obj : calloc(MOST_IDS, sizeof *obj);
    h->seed = seed;
    h->address = address;
    h->log = log;
}

int ref_live(const ref_heap *h)
{
    int live = 0;
    for (int n = 1; n <= h->born; n++)
        live += h->obj[n].alive && !h->obj[n].queued && !h->obj[n].condemned;
    return live;
}

static int slots_of(const ref_heap *h, int n)
{
    return n ? h->obj[n].slots : 0;
}

void ref_do(ref_heap *h, act a)
{
    kind kinds[HANDLES + 1];
    for (int i = 0; i <= HANDLES; i++)
        kinds[i] = h->handle[i] ? h->obj[h->handle[i]].kind : KINDS;
    aim(&a, kinds);
    int x = h->handle[a.x], y = h->handle[a.y];
    int slots = slots_of(h, x), at = slots ? a.z % slots : 0;
    int *slot = slots ? &h->obj[x].slot[at] : NULL;
    bool plain = slot && h->obj[x].kind != K_VALS;
    switch ((op)a.what) {
    case A_NEW: {
        kind k = kind_of(a.z);
        if (h->born + 1 >= MOST_IDS || ref_live(h) >= MOST_LIVE)
            k = K_MADE;
        int n = 0;
        if (k != K_MADE) {
            n = ++h->born;
            h->obj[n] = (ref_obj){ .kind = k, .alive = true, .count = 1, .slots = facts[k].slots };
            if (k == K_ITEMS)
                h->obj[n].slots = a.z / K_MADE % MOST_SLOTS;
            else if (k == K_BAG)
                h->obj[n].slots = 0;
        }
        ref_assign(h, &h->handle[a.y], n);
        break;
    }
    case A_SET:
        if (slot) {
            ref_retain(h, y);
            ref_assign(h, slot, y);
        }
        break;
    case A_CLEAR:
        if (slot)
            ref_assign(h, slot, 0);
        break;
    case A_TAKE:
        if (plain && a.y != SELF) {
            h->handle[a.y] = 0;
            ref_assign(h, slot, y);
        }
        break;
    case A_SWAP:
        if (plain && a.y != SELF) {
            h->handle[a.y] = *slot;
            *slot = y;
        }
        break;
    case A_GET:
        if (slot) {
            int n = *slot;
            ref_retain(h, n);
            ref_assign(h, &h->handle[a.y], n);
        }
        break;
    case A_DROP:
        ref_assign(h, &h->handle[a.y], 0);
        break;
    case A_COPY:
        ref_retain(h, x);
        ref_assign(h, &h->handle[a.y], x);
        break;
    case A_WEAK_TO:
        if (x)
            ref_weak_to(h, x, a.y, a.z % 4);
        break;
    case A_LOCK:
        if (x && is_weak(h->obj[x].kind))
            ref_lock(h, x, a.y);
        break;
    case A_GROW:
        if (x && h->obj[x].kind == K_BAG && slots < MOST_SLOTS) {
            h->obj[x].slot[h->obj[x].slots++] = y;
            ref_retain(h, y);
        }
        break;
    case A_TIE:
    case A_UNTIE:
    case A_UNTIE_ALL:
    case A_PEEK:
    case A_EACH:
    case A_EACH_DROP:
    case A_LOOSEN:
    case A_EPHEMERON:
        if (x && is_container(h->obj[x].kind))
            ref_container_do(h, a, x);
        break;
    case A_CLEANUP:
        if (x)
            ref_cleanup_new(h, x, a.y, a.z);
        break;
    case A_DETACH:
    case A_RUN:
    case A_AT_EXIT:
    case A_CLEANUP_GET:
        if (x && h->obj[x].kind == K_CLEANUP)
            ref_cleanup_do(h, a, x);
        break;
    case A_RUN_CLEANUPS:
        tell(h->log, E_ANSWER, ref_run_cleanups(h));
        break;
    case A_COLLECT:
        ref_collect(h);
        break;
    case A_DRY:
        ref_dry(h);
        break;
    case A_WALK:
        tell(h->log, E_WALKED, ref_live(h));
        break;
    case A_SAFEPOINT:
        ref_ration(h);
        ref_settle(h);
        break;
    case A_REQUEST: {
        h->wanted = true;
        ref_ration(h);
        ref_settle(h);
        break;
    }
    case A_LATER:
        h->handle[a.y] = 0;
        h->busy = true; /* only queued, ended by the safe point */
        ref_release(h, y);
        h->busy = false;
        ref_ration(h);
        ref_settle(h);
        break;
    case A_FREEZE:
        for (int n = 1; n <= h->born; n++)
            h->obj[n].frozen = h->obj[n].alive;
        break;
    case A_UNFREEZE:
        for (int n = 1; n <= h->born; n++)
            h->obj[n].frozen = false;
        break;
    case A_SAVE_ALL:
        h->save_all = a.z % 2;
        break;
    case A_SAVED: {
        int n = h->saved_count > 0 && a.z % (h->saved_count + 1) < h->saved_count
                    ? h->saved[a.z % (h->saved_count + 1)]
                    : 0;
        ref_retain(h, n);
        ref_assign(h, &h->handle[a.y], n);
        break;
    }
    case A_CLEAR_SAVED:
        while (h->saved_count > 0) {
            int n = h->saved[h->saved_count - 1];
            h->saved_count--;
            ref_release(h, n);
        }
        break;
    case A_DISABLE:
        if (h->disabled < 8)
            h->disabled++;
        break;
    case A_ENABLE:
        tell(h->log, E_STATUS, h->disabled > 0 ? 0 : -8);
        if (h->disabled > 0)
            h->disabled--;
        break;
    case A_IMMORTAL:
        if (y)
            h->obj[y].immortal = true;
        break;
    case A_FOREIGN:
        h->foreign += a.z;
        break;
    case A_WATCH:
        h->watched = !h->watched;
        break;
    case A_PAIR:
        ref_do(h, (act){ A_SET, a.x, a.y, a.z });
        ref_do(h, (act){ A_SET, a.y, a.x, a.z });
        break;
    case A_FORGET:
        for (int i = a.y; i < HANDLES; i++)
            ref_assign(h, &h->handle[i], 0);
        ref_collect(h);
        break;
    case A_BUDGET:
        h->budget = budget_of(a.z);
        break;
    case A_SOFT:
    case A_SOFT_LOCK:
    case A_SOFT_LET_GO:
    case A_SOFT_YIELD:
    case A_SOFT_POLICY:
        ref_soft_do(h, a);
        break;
    case A_DEATH_WATCH:
    case A_POLL:
    case A_UNWATCH:
    case A_QUEUE_END:
        ref_queue_do(h, a);
        break;
    case A_TRIM:
    case A_TRACE:
    case A_PARALLEL: /* the same set */
    case A_NONE:
    case A_END:
        break;
    }
}

void ref_close(ref_heap *h)
{
    static bool alive[MOST_IDS], gone[MOST_IDS];
    static int members[MOST_IDS];
    static long seen[MOST_IDS];
    ref_pass p;
    int rounds = 0;
    h->closing = true;
    h->budget = 0;
    (void)ref_run_cleanups(h);
    h->save_all = false;
    ref_do(h, (act){ A_UNFREEZE, 0, 0, 0 });
    ref_ration(h);
    ref_settle(h);
    ref_do(h, (act){ A_CLEAR_SAVED, 0, 0, 0 });
    bool more;
    do {
        p = (ref_pass){ 0 };
        ref_full_pass(h, &p);
        more = p.collected;
        more = ref_run_cleanups(h) > 0 || more;
        more = more || ref_forget_cleanups(h);
    } while (more && ++rounds < 100);
    (void)ref_forget_cleanups(h);
    for (int n = 1; n <= h->born; n++) {
        alive[n] = h->obj[n].alive;
        gone[n] = !alive[n];
    }
    /* Held from outside: more references than all slots account for. */
    ref_count_seen(h, alive, seen);
    for (int i = 0; i < KINDS; i++) {
        int k = i < 2 ? K_WEAK + i : i - 2 < K_WEAK ? i - 2 : i; /* weak references are the first types of all */
        long held = 0;
        for (int n = 1; n <= h->born; n++)
            held += alive[n] && !h->obj[n].immortal && h->obj[n].count > seen[n] && (int)h->obj[n].kind == k;
        if (held)
            tell(h->log, E_HELD, held);
    }
    /* By address: what would be the set if all were garbage. */
    int count = ref_by_address(h, gone, members);
    for (int i = 0; i < count; i++)
        if (h->obj[members[i]].frees)
            tell(h->log, E_FREE, members[i]);
    for (int i = 0; i < count; i++)
        if (facts[h->obj[members[i]].kind].dispose)
            tell(h->log, E_DISPOSE, members[i]);
}
