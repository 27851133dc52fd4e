/* tests/model/reference_pass.c: passes. See reference_parts.h.
 *
 * What a member of the heap refers to is counted; more references than that come from outside, and hold what they
 * lead to. The value of an entry of a weak-key map is counted like any other reference, but leads anywhere only when
 * both map and key are held. */
#include "reference_parts.h"

#include <string.h>

typedef ref_pass pass;

void ref_count_seen(const ref_heap *h, const bool *within, long *seen)
{
    static int held[MOST_HELD];
    memset(seen, 0, ((size_t)h->born + 1) * sizeof *seen);
    for (int n = 1; n <= h->born; n++)
        for (int i = within[n] ? ref_held(h, n, held) : 0; i-- > 0;)
            seen[held[i]]++;
}

static bool hold(bool *held, int n)
{
    if (held[n])
        return false;
    held[n] = true;
    return true;
}

/* What n leads to. True: that was news. */
static bool lead(const ref_heap *h, int n, bool *held)
{
    static int all[MOST_HELD];
    const ref_obj *o = &h->obj[n];
    bool news = false;
    for (int i = o->kind != K_KEYMAP ? ref_held(h, n, all) : 0; i-- > 0;)
        news |= hold(held, all[i]);
    for (int i = 0; o->kind == K_KEYMAP && i < o->rows; i++)
        if (o->row[i].target && held[o->row[i].target])
            news |= hold(held, o->row[i].other);
    return news;
}

/* Members of `within` that nothing outside it holds. held answers for all others. */
static void search(const ref_heap *h, const bool *within, const long *seen, bool *held)
{
    for (int n = 1; n <= h->born; n++)
        held[n] = !within[n] || h->obj[n].immortal || h->obj[n].count != seen[n];
    held[0] = true;
    for (bool news = true; news;) {
        news = false;
        for (int n = 1; n <= h->born; n++) {
            /* What others hold is held already, but for values of their maps whose keys are in question. */
            if (h->obj[n].alive && held[n] && (within[n] || h->obj[n].kind == K_KEYMAP))
                news |= lead(h, n, held);
        }
    }
}

int ref_by_address(const ref_heap *h, const bool *out, int *members)
{
    int count = 0;
    for (int n = 1; n <= h->born; n++) {
        if (out[n])
            continue;
        int at = count;
        while (at > 0 && h->address[members[at - 1]] > h->address[n])
            at--;
        list_push(members, &count, at, n);
    }
    return count;
}

static bool may_take_part(const ref_heap *h, int n)
{
    return h->obj[n].alive && !h->obj[n].queued && !h->obj[n].frozen;
}

/* Tracked objects, and the keys of weak-key maps among them. */
static void find(ref_heap *h, bool *held, pass *p)
{
    static bool within[MOST_IDS], tracked[MOST_IDS];
    static long seen[MOST_IDS];
    for (int n = 1; n <= h->born; n++)
        within[n] = tracked[n] = may_take_part(h, n) && facts[h->obj[n].kind].tracked;
    for (int n = 1; n <= h->born; n++) {
        const ref_obj *o = &h->obj[n];
        for (int i = 0; tracked[n] && o->kind == K_KEYMAP && i < o->rows; i++)
            if (o->row[i].target && may_take_part(h, o->row[i].target))
                within[o->row[i].target] = true;
    }
    for (int n = 1; n <= h->born; n++)
        p->examined += within[n];
    /* What untracked keys refer to is held by them, whatever becomes of them. */
    ref_count_seen(h, tracked, seen);
    search(h, within, seen, held);
}

/* Entries of maps that are not condemned, whose keys and values are. */
static int count_open_ephemerons(const ref_heap *h, const bool *condemned, long *seen)
{
    int count = 0;
    for (int n = 1; n <= h->born; n++) {
        const ref_obj *o = &h->obj[n];
        for (int i = 0; o->alive && !condemned[n] && o->kind == K_KEYMAP && i < o->rows; i++) {
            if (!condemned[o->row[i].target] || !condemned[o->row[i].other])
                continue;
            seen[o->row[i].other]++;
            count++;
        }
    }
    return count;
}

/* After finalizers have run. */
static void confirm(ref_heap *h, bool *held)
{
    static bool within[MOST_IDS];
    static long seen[MOST_IDS];
    within[0] = false;
    for (int n = 1; n <= h->born; n++)
        within[n] = h->obj[n].condemned;
    ref_count_seen(h, within, seen);
    int before = count_open_ephemerons(h, within, seen);
    search(h, within, seen, held);
    static long ignored[MOST_IDS];
    for (int n = 1; n <= h->born; n++)
        within[n] = h->obj[n].condemned && !held[n];
    h->met[MET_KEY_BACK] += before - count_open_ephemerons(h, within, ignored);
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

static void reclaim_set(ref_heap *h, const int *members, int count, pass *p)
{
    for (int i = 0; i < count; i++)
        h->obj[members[i]].ending = true; /* from here on no weak reference among them calls */
    for (int i = 0; i < count; i++) {
        p->cleared += ref_end_weaks(h, members[i]);
        ref_obj *o = &h->obj[members[i]];
        if (is_weak(o->kind)) {
            ref_weak_leaves(h, members[i]);
            if (o->frees) {
                o->queued = true;
                o->count = 0;
                ref_event_add(h, members[i]);
                continue;
            }
        }
        ref_reclaim(h, members[i]);
    }
    for (int i = 0; i < count; i++)
        h->obj[members[i]].condemned = h->obj[members[i]].ending = false;
}

static void one_pass(ref_heap *h, pass *p)
{
    static bool held[MOST_IDS], condemned[MOST_IDS];
    static long ignored[MOST_IDS];
    static int members[MOST_IDS];
    ref_softs_age(h);
    h->met[MET_PUT_OFF_PASS] += h->dying_count + h->events_count;
    ref_end_waiting(h); /* the dying hold what they refer to */
    find(h, held, p);
    int count = ref_by_address(h, held, members);
    h->busy = true;
    memset(condemned, 0, sizeof condemned);
    for (int i = 0; i < count; i++) {
        h->obj[members[i]].condemned = condemned[members[i]] = true;
        h->met[MET_BARE_KEY] += !facts[h->obj[members[i]].kind].tracked;
    }
    h->met[MET_OWN_KEY] += count_open_ephemerons(h, condemned, ignored);
    /* Finalizers see everything intact. */
    bool ran = false;
    for (int i = 0; i < count; i++) {
        if (!ref_finalizer_pending(h, members[i]))
            continue;
        ran = true;
        p->finalized++;
        ref_finalize(h, members[i]);
    }
    if (ran) {
        ref_drain(h); /* what they dropped */
        confirm(h, held);
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
            ref_retain(h, members[i]);
            list_push(h->saved, &h->saved_count, h->saved_count, members[i]);
        }
    } else {
        reclaim_set(h, members, count, p);
    }
    ref_drain(h);
    h->busy = false;
    add(&h->total, p);
    h->total.passes++;
}

static void watch(ref_heap *h, told phase)
{
    if (!h->watched)
        return;
    h->busy = true;
    ref_hook(h, phase, ++h->watch_calls, 0);
    ref_drain(h);
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
void ref_full_pass(ref_heap *h, pass *p)
{
    told_pass(h, p);
    if (h->wanted)
        told_pass(h, p);
}

void ref_settle(ref_heap *h)
{
    pass p = { 0 };
    ref_drain(h);
    if (h->wanted)
        told_pass(h, &p);
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

void ref_collect(ref_heap *h)
{
    pass p = { 0 };
    if (h->busy) {
        h->wanted = true;
        tell(h->log, E_STATUS, -3);
        return;
    }
    h->met[MET_PUT_OFF_PASS] += h->dying_count + h->events_count;
    ref_end_waiting(h);
    ref_full_pass(h, &p);
    tell(h->log, E_STATUS, 0);
    tell_pass(h, &p);
}

void ref_dry(ref_heap *h)
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
    tell(h->log, E_COLLECTED, ref_by_address(h, held, members));
}
