/* tests/model/reference.c: see reference.h. */
#include "reference.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void push(int *list, int *count, int at, int number)
{
    memmove(list + at + 1, list + at, (size_t)(*count - at) * sizeof *list);
    list[at] = number;
    ++*count;
}

static void cut(int *list, int *count, int at)
{
    --*count;
    memmove(list + at, list + at + 1, (size_t)(*count - at) * sizeof *list);
}

void ref_begin(ref_heap *h, uint64_t seed, const uintptr_t *address, event_log *log)
{
    ref_obj *obj = h->obj;
    memset(h, 0, sizeof *h);
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

/* ---- counting ---- */

static bool finalizer_pending(const ref_heap *h, int n)
{
    return facts[h->obj[n].kind].finalize && !h->obj[n].finalized;
}

static void event_add(ref_heap *h, int weak)
{
    assert(h->events_first + h->events_count < 4 * MOST_IDS);
    h->events[h->events_first + h->events_count++] = weak;
}

/* The weak references to n end, newest first; those that call, and are not garbage themselves, wait for it. */
static int end_weaks(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    int ended = o->weak_count;
    for (int i = o->weak_count - 1; i >= 0; i--) {
        ref_obj *weak = &h->obj[o->weaks[i]];
        weak->target = 0;
        if (weak->calls && !weak->ending) {
            if (!weak->immortal)
                weak->count++;
            event_add(h, o->weaks[i]);
        }
    }
    o->weak_count = 0;
    return ended;
}

static void weak_leaves(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    if (!o->target)
        return;
    ref_obj *target = &h->obj[o->target];
    for (int i = 0; i < target->weak_count; i++) {
        if (target->weaks[i] == n) {
            cut(target->weaks, &target->weak_count, i);
            break;
        }
    }
    o->target = 0;
}

/* The count of n is zero: it joins the list that goes in front of the dying, unless something else ends it. */
static void fell_to_zero(ref_heap *h, int n, int *list, int *count)
{
    ref_obj *o = &h->obj[n];
    if (o->condemned)
        return;
    o->queued = true;
    /* Certain to die: the weak references to it end now. */
    if (!finalizer_pending(h, n))
        end_weaks(h, n);
    if (o->kind == K_WEAK || o->kind == K_CALL) {
        weak_leaves(h, n);
        if (o->frees) {
            event_add(h, n);
            return;
        }
    }
    push(list, count, *count, n);
}

static void one_fewer(ref_heap *h, int n, int *list, int *count)
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
        push(h->dying, &h->dying_count, i, list[i]);
}

static void settle(ref_heap *h);
static void drain(ref_heap *h);

static void retain(ref_heap *h, int n)
{
    if (n && !h->obj[n].immortal)
        h->obj[n].count++;
}

static void release(ref_heap *h, int n)
{
    int list[2], count = 0;
    if (!n)
        return;
    one_fewer(h, n, list, &count);
    bool zero = h->obj[n].count == 0 && !h->obj[n].immortal;
    splice(h, list, count);
    if (!zero || h->busy)
        return;
    drain(h);
    settle(h);
}

static void hook(ref_heap *h, told told_what, int n, int self)
{
    act acts[HOOK_ACTS];
    tell(h->log, told_what, n);
    if (h->closing && told_what == E_FREE)
        return;
    h->in_hook = true;
    h->handle[SELF] = self;
    hook_acts(h->seed, told_what, n, acts);
    for (int i = 0; i < HOOK_ACTS; i++)
        ref_do(h, acts[i]);
    h->handle[SELF] = 0;
    h->in_hook = false;
}

/* True: still dead afterwards. */
static bool finalize(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    o->finalized = true;
    if (!o->immortal)
        o->count++;
    hook(h, E_FINALIZE, n, n);
    if (o->immortal)
        return false;
    o->count--;
    return o->count == 0;
}

/* Lets go of what it holds (but for members of the set), and is gone. */
static void reclaim(ref_heap *h, int n)
{
    ref_obj *o = &h->obj[n];
    int list[MOST_SLOTS + 1], count = 0;
    for (int i = 0; i < o->slots; i++) {
        if (o->slot[i] && !(o->condemned && h->obj[o->slot[i]].condemned))
            one_fewer(h, o->slot[i], list, &count);
    }
    splice(h, list, count);
    if (facts[o->kind].dispose)
        tell(h->log, E_DISPOSE, n);
    o->alive = false;
}

static void end_first(ref_heap *h)
{
    int n = h->dying[0];
    cut(h->dying, &h->dying_count, 0);
    if (finalizer_pending(h, n)) {
        if (!finalize(h, n)) {
            h->obj[n].queued = false;
            return;
        }
        end_weaks(h, n);
    }
    reclaim(h, n);
}

static void run_event(ref_heap *h)
{
    int n = h->events[h->events_first++];
    if (--h->events_count == 0)
        h->events_first = 0;
    ref_obj *o = &h->obj[n];
    if (o->queued) {
        hook(h, E_FREE, n, 0);
        o->alive = false;
        return;
    }
    if (o->count > 1 || o->immortal)
        hook(h, E_CALL, n, n);
    release(h, n);
}

static void drain(ref_heap *h)
{
    bool before = h->busy;
    h->busy = true;
    for (;;) {
        while (h->dying_count > 0)
            end_first(h);
        if (h->events_count == 0)
            break;
        run_event(h);
    }
    h->busy = before;
}

/* ---- passes ---- */

typedef ref_pass pass;

static void reach(ref_heap *h, bool *held, int n)
{
    /* By repetition until nothing changes would be slower still; a list of its own avoids recursion. */
    int todo[MOST_IDS], count = 0;
    todo[count++] = n;
    held[n] = true;
    while (count > 0) {
        const ref_obj *o = &h->obj[todo[--count]];
        for (int i = 0; i < o->slots; i++) {
            if (o->slot[i] && !held[o->slot[i]]) {
                held[o->slot[i]] = true;
                todo[count++] = o->slot[i];
            }
        }
    }
}

/* Members of `within` that nothing outside it holds. held answers for all others. */
static void search(ref_heap *h, const bool *within, bool *held)
{
    static long seen[MOST_IDS];
    memset(seen, 0, ((size_t)h->born + 1) * sizeof *seen);
    for (int n = 1; n <= h->born; n++) {
        for (int i = 0; within[n] && i < h->obj[n].slots; i++)
            seen[h->obj[n].slot[i]]++;
        held[n] = !within[n];
    }
    held[0] = true;
    for (int n = 1; n <= h->born; n++) {
        if (within[n] && !held[n] && (h->obj[n].immortal || h->obj[n].count != seen[n]))
            reach(h, held, n);
    }
}

static int by_address(const ref_heap *h, const bool *held, int *members)
{
    int count = 0;
    for (int n = 1; n <= h->born; n++) {
        if (held[n])
            continue;
        int at = count;
        while (at > 0 && h->address[members[at - 1]] > h->address[n])
            at--;
        push(members, &count, at, n);
    }
    return count;
}

static void find(ref_heap *h, bool *held, pass *p)
{
    static bool within[MOST_IDS];
    for (int n = 1; n <= h->born; n++) {
        const ref_obj *o = &h->obj[n];
        within[n] = o->alive && !o->queued && !o->frozen && facts[o->kind].tracked;
        p->examined += within[n];
    }
    search(h, within, held);
}

static void add(pass *sum, const pass *p)
{
    sum->passes += p->passes;
    sum->examined += p->examined;
    sum->collected += p->collected;
    sum->uncollectable += p->uncollectable;
    sum->finalized += p->finalized;
    sum->resurrected += p->resurrected;
    sum->cleared += p->cleared;
}

static void one_pass(ref_heap *h, pass *p)
{
    static bool held[MOST_IDS], within[MOST_IDS];
    static int members[MOST_IDS];
    find(h, held, p);
    int count = by_address(h, held, members);
    h->busy = true;
    for (int i = 0; i < count; i++)
        h->obj[members[i]].condemned = true;
    /* Finalizers see everything intact. */
    bool ran = false;
    for (int i = 0; i < count; i++) {
        if (!finalizer_pending(h, members[i]))
            continue;
        ran = true;
        p->finalized++;
        finalize(h, members[i]);
    }
    if (ran) {
        drain(h); /* what they dropped */
        for (int n = 1; n <= h->born; n++)
            within[n] = h->obj[n].condemned;
        search(h, within, held);
        int stay = 0;
        for (int i = 0; i < count; i++) {
            if (held[members[i]]) {
                h->obj[members[i]].condemned = false;
                p->resurrected++;
            } else {
                members[stay++] = members[i];
            }
        }
        count = stay;
    }
    p->collected += count;
    if (h->save_all) {
        p->uncollectable += count;
        for (int i = 0; i < count; i++) {
            h->obj[members[i]].condemned = false;
            retain(h, members[i]);
            push(h->saved, &h->saved_count, h->saved_count, members[i]);
        }
    } else {
        for (int i = 0; i < count; i++)
            h->obj[members[i]].ending = true; /* from here on no weak reference among them calls */
        for (int i = 0; i < count; i++) {
            p->cleared += end_weaks(h, members[i]);
            ref_obj *o = &h->obj[members[i]];
            if (o->kind == K_CALL) {
                weak_leaves(h, members[i]);
                if (o->frees) {
                    o->queued = true;
                    o->count = 0;
                    event_add(h, members[i]);
                    continue;
                }
            }
            reclaim(h, members[i]);
        }
        for (int i = 0; i < count; i++)
            h->obj[members[i]].condemned = h->obj[members[i]].ending = false;
    }
    drain(h);
    h->busy = false;
    add(&h->total, p);
    h->total.passes++;
}

static void watch(ref_heap *h, told phase)
{
    if (!h->watched)
        return;
    h->busy = true;
    hook(h, phase, ++h->watch_calls, 0);
    drain(h);
    h->busy = false;
}

static void told_pass(ref_heap *h, pass *p)
{
    pass one = { 0 };
    h->wanted = false;
    watch(h, E_START);
    one_pass(h, &one);
    watch(h, E_STOP);
    one.passes = 1;
    add(p, &one);
}

/* A hook may ask for another one; a third would be one too many. */
static void full_pass(ref_heap *h, pass *p)
{
    told_pass(h, p);
    if (h->wanted)
        told_pass(h, p);
}

/* What waits for the end of the outermost call. */
static void settle(ref_heap *h)
{
    pass p = { 0 };
    if (h->wanted)
        told_pass(h, &p);
}

/* ---- operations ---- */

static int slots_of(const ref_heap *h, int n)
{
    return n ? h->obj[n].slots : 0;
}

static void assign(ref_heap *h, int *place, int n)
{
    int old = *place;
    *place = n;
    release(h, old);
}

static void weak_to(ref_heap *h, int n, int y, int z)
{
    ref_obj *o = &h->obj[n];
    if (h->born + 1 >= MOST_IDS || o->weak_count + 1 >= MOST_IDS / 8)
        return;
    if (z == 0) {
        for (int i = 0; i < o->weak_count; i++) {
            if (h->obj[o->weaks[i]].kind == K_WEAK) {
                retain(h, o->weaks[i]);
                assign(h, &h->handle[y], o->weaks[i]);
                return;
            }
        }
    }
    int weak = ++h->born;
    h->obj[weak] = (ref_obj){ .kind = z == 0 ? K_WEAK : K_CALL,
                              .alive = true,
                              .count = 1,
                              .target = n,
                              .calls = z == 1 || z == 2,
                              .frees = z >= 2 };
    push(o->weaks, &o->weak_count, o->weak_count, weak);
    assign(h, &h->handle[y], weak);
}

static void tell_pass(ref_heap *h, const pass *p)
{
    tell(h->log, E_COLLECTED, p->collected);
    tell(h->log, E_UNCOLLECTABLE, p->uncollectable);
    tell(h->log, E_FINALIZED, p->finalized);
    tell(h->log, E_RESURRECTED, p->resurrected);
    tell(h->log, E_CLEARED, p->cleared);
    tell(h->log, E_EXAMINED, p->examined);
}

static void collect(ref_heap *h)
{
    pass p = { 0 };
    if (h->busy) {
        h->wanted = true;
        tell(h->log, E_STATUS, -3);
        return;
    }
    full_pass(h, &p);
    tell(h->log, E_STATUS, 0);
    tell_pass(h, &p);
}

static void dry(ref_heap *h)
{
    static bool held[MOST_IDS];
    static int members[MOST_IDS];
    pass p = { 0 };
    if (h->busy) {
        tell(h->log, E_STATUS, -3);
        return;
    }
    find(h, held, &p);
    tell(h->log, E_STATUS, 0);
    tell(h->log, E_COLLECTED, by_address(h, held, members));
}

void ref_do(ref_heap *h, act a)
{
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
        assign(h, &h->handle[a.y], n);
        break;
    }
    case A_SET:
        if (slot) {
            retain(h, y);
            assign(h, slot, y);
        }
        break;
    case A_CLEAR:
        if (slot)
            assign(h, slot, 0);
        break;
    case A_TAKE:
        if (plain && a.y != SELF) {
            h->handle[a.y] = 0;
            assign(h, slot, y);
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
            retain(h, n);
            assign(h, &h->handle[a.y], n);
        }
        break;
    case A_DROP:
        assign(h, &h->handle[a.y], 0);
        break;
    case A_COPY:
        retain(h, x);
        assign(h, &h->handle[a.y], x);
        break;
    case A_WEAK_TO:
        if (x)
            weak_to(h, x, a.y, a.z % 4);
        break;
    case A_LOCK:
        if (x && (h->obj[x].kind == K_WEAK || h->obj[x].kind == K_CALL)) {
            int n = h->obj[x].target;
            if (n && (h->obj[n].queued || h->obj[n].condemned))
                n = 0;
            tell(h->log, E_LOCKED, n);
            retain(h, n);
            assign(h, &h->handle[a.y], n);
        }
        break;
    case A_GROW:
        if (x && h->obj[x].kind == K_BAG && slots < MOST_SLOTS) {
            h->obj[x].slot[h->obj[x].slots++] = y;
            retain(h, y);
        }
        break;
    case A_COLLECT:
        collect(h);
        break;
    case A_DRY:
        dry(h);
        break;
    case A_WALK:
        tell(h->log, E_WALKED, ref_live(h));
        break;
    case A_SAFEPOINT:
        settle(h);
        break;
    case A_REQUEST: {
        h->wanted = true;
        settle(h);
        break;
    }
    case A_LATER:
        h->handle[a.y] = 0;
        h->busy = true; /* only queued, ended by the safe point */
        release(h, y);
        h->busy = false;
        drain(h);
        settle(h);
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
        retain(h, n);
        assign(h, &h->handle[a.y], n);
        break;
    }
    case A_CLEAR_SAVED:
        while (h->saved_count > 0) {
            int n = h->saved[h->saved_count - 1];
            h->saved_count--;
            release(h, n);
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
            assign(h, &h->handle[i], 0);
        collect(h);
        break;
    case A_TRIM:
    case A_NONE:
    case A_END:
        break;
    }
}

void ref_close(ref_heap *h)
{
    static bool gone[MOST_IDS];
    static int members[MOST_IDS];
    pass p;
    int rounds = 0;
    h->closing = true;
    h->save_all = false;
    ref_do(h, (act){ A_UNFREEZE, 0, 0, 0 });
    settle(h);
    ref_do(h, (act){ A_CLEAR_SAVED, 0, 0, 0 });
    do {
        p = (pass){ 0 };
        full_pass(h, &p);
    } while (p.collected && ++rounds < 100);
    /* Held from outside: more references than all slots account for. */
    static long seen[MOST_IDS];
    memset(seen, 0, ((size_t)h->born + 1) * sizeof *seen);
    for (int n = 1; n <= h->born; n++)
        for (int i = 0; h->obj[n].alive && i < h->obj[n].slots; i++)
            seen[h->obj[n].slot[i]]++;
    for (int k = 0; k < KINDS; k++) {
        long held = 0;
        for (int n = 1; n <= h->born; n++)
            held += h->obj[n].alive && !h->obj[n].immortal && h->obj[n].count > seen[n] &&
                    (int)h->obj[n].kind == k;
        if (held)
            tell(h->log, E_HELD, held);
    }
    /* By address: what would be the set if all were garbage. */
    for (int n = 1; n <= h->born; n++)
        gone[n] = !h->obj[n].alive;
    int count = by_address(h, gone, members);
    for (int i = 0; i < count; i++)
        if (h->obj[members[i]].frees)
            tell(h->log, E_FREE, members[i]);
    for (int i = 0; i < count; i++)
        if (facts[h->obj[members[i]].kind].dispose)
            tell(h->log, E_DISPOSE, members[i]);
}
