/* tests/model/reference_tie.c: weak containers. See reference_parts.h.
 *
 * An entry hangs on its target: when that is certainly dead the entry is loose. It counts no more and cannot be
 * found, but still holds what it holds, until the drain takes it out before anything else ends. */
#include "reference_parts.h"

#include <assert.h>
#include <string.h>

/* ---- the end of targets and containers ---- */

static ref_row *newest_row_of(ref_heap *h, int target, int *owner)
{
    ref_row *found = NULL;
    for (int n = 1; n <= h->born; n++) {
        ref_obj *o = &h->obj[n];
        for (int i = 0; o->alive && i < o->rows; i++) {
            if (o->row[i].target == target && (!found || o->row[i].tied > found->tied)) {
                found = &o->row[i];
                *owner = n;
            }
        }
    }
    return found;
}

void ref_ties_end(ref_heap *h, int n)
{
    int owner;
    for (ref_row *row; (row = newest_row_of(h, n, &owner));) {
        row->target = 0;
        if (h->obj[row->other].ending) /* a member of a set that ends has no count any more */
            row->other = 0;
        assert(h->loose_count < MOST_IDS * 4);
        memmove(h->loose + 1, h->loose, (size_t)h->loose_count * sizeof *h->loose);
        h->loose[0] = (struct ref_loose){ owner, row->tied };
        h->loose_count++;
        h->met[h->obj[n].ending ? MET_LOOSE_PASS : MET_LOOSE_COUNTED]++;
    }
}

static int loose_at(const ref_heap *h, int owner, long tied)
{
    for (int i = 0; i < h->loose_count; i++)
        if (h->loose[i].owner == owner && h->loose[i].tied == tied)
            return i;
    return -1;
}

/* Takes a row out of its container and, if it is loose, of the list of these. Returns what it held. */
static int take_out(ref_heap *h, int container, int at)
{
    ref_obj *o = &h->obj[container];
    ref_row row = o->row[at];
    int loose = loose_at(h, container, row.tied);
    if (loose >= 0) {
        h->loose_count--;
        memmove(h->loose + loose, h->loose + loose + 1, (size_t)(h->loose_count - loose) * sizeof *h->loose);
    }
    o->rows--;
    memmove(o->row + at, o->row + at + 1, (size_t)(o->rows - at) * sizeof row);
    return row.other;
}

void ref_ties_forget(ref_heap *h)
{
    while (h->loose_count > 0) {
        struct ref_loose first = h->loose[0];
        int at = 0;
        while (h->obj[first.owner].row[at].tied != first.tied)
            at++;
        int other = take_out(h, first.owner, at);
        ref_release(h, other);
        h->met[MET_VALUE_ENDS] += other && h->obj[other].queued;
    }
}

void ref_ties_leave(ref_heap *h, int n)
{
    h->met[MET_MAP_ENDS] += h->obj[n].rows > 0;
    while (h->obj[n].rows > 0)
        (void)take_out(h, n, h->obj[n].rows - 1);
}

/* ---- asking ---- */

int ref_entries(const ref_heap *h, int container)
{
    const ref_obj *o = &h->obj[container];
    int count = 0;
    for (int i = 0; i < o->rows; i++)
        count += o->row[i].target != 0;
    return count;
}

void ref_count_entries(const ref_heap *h, int *counts)
{
    memset(counts, 0, ((size_t)h->born + 1) * sizeof *counts);
    for (int n = 1; n <= h->born; n++)
        for (int i = 0; h->obj[n].alive && i < h->obj[n].rows; i++)
            counts[h->obj[n].row[i].target]++;
}

/* The object that is an act's key in a weak-value map, or 0: a number. */
static int key_of(const ref_heap *h, act a)
{
    return wants_number(a.z) ? 0 : h->handle[a.z % HANDLES];
}

/* The entry of an act, which names its target y, or in a weak-value map its key, handle z; or -1. */
static int find(const ref_heap *h, int n, act a)
{
    const ref_obj *o = &h->obj[n];
    int key = key_of(h, a);
    for (int i = 0; i < o->rows; i++) {
        const ref_row *row = &o->row[i];
        if (row->target == 0)
            continue;
        if (o->kind == K_VALUEMAP ? row->other == key && (key || row->number == number_key(a.z))
                                  : row->target == h->handle[a.y])
            return i;
    }
    return -1;
}

/* ---- acts ---- */

static void tie(ref_heap *h, act a, int n)
{
    ref_obj *o = &h->obj[n];
    int y = h->handle[a.y], at = find(h, n, a);
    int other = o->kind == K_VALUEMAP ? key_of(h, a) : h->handle[a.z % HANDLES];
    if (ref_entries(h, n) >= MOST_ROWS)
        return;
    if (!y) {
        tell(h->log, E_STATUS, -4);
        return;
    }
    if (at < 0) {
        assert(o->rows < ROOM_ROWS);
        ref_row *row = &o->row[o->rows++];
        *row = (ref_row){ .target = y, .order = ++h->rows_made, .tied = ++h->ties_made };
        if (o->kind != K_SET) {
            row->other = other;
            row->number = number_key(a.z);
            ref_retain(h, other);
        }
    } else if (o->kind == K_KEYMAP) {
        ref_retain(h, other);
        ref_assign(h, &o->row[at].other, other);
    } else if (o->kind == K_VALUEMAP) {
        o->row[at].target = y;
        o->row[at].tied = ++h->ties_made;
    }
    tell(h->log, E_STATUS, 0);
}

static void untie(ref_heap *h, act a, int n)
{
    int at = find(h, n, a);
    if (h->obj[n].kind != K_VALUEMAP && !h->handle[a.y])
        return;
    if (at >= 0)
        ref_release(h, take_out(h, n, at));
    tell(h->log, E_STATUS, at >= 0 ? 0 : -9);
}

static void untie_all(ref_heap *h, int n)
{
    int held[ROOM_ROWS], count = 0;
    while (h->obj[n].rows > 0) /* code that runs at the first release finds it empty */
        held[count++] = take_out(h, n, 0);
    for (int i = 0; i < count; i++)
        ref_release(h, held[i]);
    tell(h->log, E_STATUS, 0);
}

static void peek(ref_heap *h, act a, int n)
{
    const ref_obj *o = &h->obj[n];
    int y = h->handle[a.y], at = find(h, n, a);
    bool condemned = at >= 0 && ref_is_dying(h, o->row[at].target);
    if (o->kind == K_SET) {
        tell(h->log, E_ANSWER, at >= 0);
        return;
    }
    if (o->kind == K_KEYMAP && !y) {
        tell(h->log, E_STATUS, -4);
        return;
    }
    if (o->kind == K_VALUEMAP && condemned) { /* it is there, but may not be had */
        h->met[MET_NOT_HANDED_OUT]++;
        at = -1;
    }
    tell(h->log, E_STATUS, at >= 0 ? 0 : -9);
    if (at < 0)
        return;
    h->met[MET_FOUND_CONDEMNED] += condemned;
    int found = o->kind == K_KEYMAP ? o->row[at].other : o->row[at].target;
    unsigned into = o->kind == K_KEYMAP ? a.z % HANDLES : a.y;
    tell(h->log, E_PEEKED, found);
    if (into == SELF)
        return;
    ref_retain(h, found);
    ref_assign(h, &h->handle[into], found);
}

/* The entry after the one of that order, in the order of insertion, or -1. */
static int next(ref_heap *h, int n, long order)
{
    const ref_obj *o = &h->obj[n];
    for (int i = 0; i < o->rows; i++) {
        if (o->row[i].order <= order || o->row[i].target == 0)
            continue;
        if (!ref_is_dying(h, o->row[i].target))
            return i;
        h->met[MET_PASSED_BY]++;
    }
    return -1;
}

static void step(ref_heap *h, int n, int at, unsigned char z, int number)
{
    ref_obj *o = &h->obj[n];
    ref_row row = o->row[at];
    unsigned handle;
    step_act what = act_in_step(z, number, &handle);
    ref_retain(h, row.target); /* what a program holds in a step */
    ref_retain(h, row.other);
    if (what == STEP_DROP) {
        ref_assign(h, &h->handle[handle], 0);
    } else if (what == STEP_REMOVE) {
        ref_release(h, take_out(h, n, at));
    } else if (what == STEP_SET && o->kind == K_KEYMAP) {
        ref_retain(h, h->handle[handle]);
        ref_assign(h, &o->row[at].other, h->handle[handle]);
    } else if (what == STEP_SET && o->kind == K_VALUEMAP && h->handle[handle]) {
        o->row[at].target = h->handle[handle];
        o->row[at].tied = ++h->ties_made;
    }
    h->met[MET_STEP] += what != STEP_NONE;
    ref_release(h, row.target);
    ref_release(h, row.other);
}

static void each(ref_heap *h, act a, int n)
{
    long order = 0;
    ref_retain(h, n); /* also what a program holds */
    tell(h->log, E_ANSWER, ref_entries(h, n));
    for (int i = 0, at; i < MOST_STEPS && (at = next(h, n, order)) >= 0; i++) {
        const ref_obj *o = &h->obj[n];
        const ref_row *row = &o->row[at];
        order = row->order;
        tell(h->log, E_TARGET, row->target);
        if (o->kind != K_SET)
            tell(h->log, E_OTHER, o->kind == K_VALUEMAP && !row->other ? -1 - row->number : row->other);
        if (a.what == A_EACH_DROP)
            step(h, n, at, a.z, i);
    }
    ref_release(h, n);
}

static void loosen(ref_heap *h, unsigned char z, int n)
{
    const ref_obj *o = &h->obj[n];
    int open = 0, target = 0;
    for (int i = 0; i < o->rows; i++)
        open += o->row[i].target && !ref_is_dying(h, o->row[i].target);
    for (int i = 0, at = open ? z % open : -1; i < o->rows; i++)
        if (o->row[i].target && !ref_is_dying(h, o->row[i].target) && at-- == 0)
            target = o->row[i].target;
    for (int i = 0; i < HANDLES && target; i++)
        if (h->handle[i] == target)
            ref_assign(h, &h->handle[i], 0);
}

void ref_container_do(ref_heap *h, act a, int n)
{
    h->met[MET_LOOSE_SEEN] += h->obj[n].rows > ref_entries(h, n);
    switch ((op)a.what) {
    case A_TIE:
        tie(h, a, n);
        break;
    case A_UNTIE:
        untie(h, a, n);
        break;
    case A_UNTIE_ALL:
        untie_all(h, n);
        break;
    case A_PEEK:
        peek(h, a, n);
        break;
    case A_EACH:
    case A_EACH_DROP:
        each(h, a, n);
        break;
    case A_LOOSEN:
        loosen(h, a.z, n);
        break;
    case A_EPHEMERON:
        if (h->obj[n].kind != K_KEYMAP)
            break;
        tie(h, a, n);
        ref_do(h, (act){ A_SET, a.z % HANDLES, a.y, a.z });
        if (lets_go(a.z) && a.y != SELF) {
            ref_assign(h, &h->handle[a.y], 0);
            ref_assign(h, &h->handle[a.z % HANDLES], 0);
        }
        break;
    default:
        break;
    }
}
