/* tests/model/world_tie.c: weak containers of the real heap. See world.h. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn static void fail(const char *what, long a, long b)
{
    fprintf(stderr, "%s: %ld, %ld\n", what, a, b);
    abort();
}

static kind kind_at(const world *w, unsigned handle)
{
    return w->kinds[w->held[handle]];
}

/* ---- notes ---- */

static world_row *noted_target(world *w, int container, int target)
{
    for (int i = 0; i < w->rows[container]; i++)
        if (w->row[container][i].target == target)
            return &w->row[container][i];
    return NULL;
}

static world_row *noted_key(world *w, int container, int other, int number)
{
    for (int i = 0; i < w->rows[container]; i++) {
        world_row *row = &w->row[container][i];
        if (row->other == other && (other || row->number == number))
            return row;
    }
    return NULL;
}

/* The number of the object that is an act's key in a weak-value map, or 0. */
static int key_number(const world *w, act a)
{
    return wants_number(a.z) ? 0 : w->held[a.z % HANDLES];
}

static world_row *noted_act(world *w, act a)
{
    if (kind_at(w, a.x) == K_VALUEMAP)
        return noted_key(w, w->held[a.x], key_number(w, a), number_key(a.z));
    return noted_target(w, w->held[a.x], w->held[a.y]);
}

static void note(world *w, int container, world_row row)
{
    if (w->rows[container] == WORLD_ROWS)
        fail("too many entries in container", container, WORLD_ROWS);
    w->row[container][w->rows[container]++] = row;
}

static void unnote(world *w, int container, world_row *row)
{
    if (row)
        *row = w->row[container][--w->rows[container]];
}

const world_row *world_noted(const world *w, int container, int target, husk_value other)
{
    for (int i = 0; i < w->rows[container]; i++) {
        const world_row *row = &w->row[container][i];
        bool same = other.tag == HUSK_OBJ ? row->other == world_number(w, other.as.o) : row->other == 0;
        bool number = w->kinds[container] != K_VALUEMAP || other.tag == HUSK_OBJ || row->number == other.as.i;
        if (row->target == target && same && number)
            return row;
    }
    return NULL;
}

void world_prune(world *w, int container)
{
    static world_row kept[WORLD_ROWS];
    husk_obj *obj = (husk_obj *)w->address[container], *target;
    husk_value other;
    int count = 0;
    for (size_t cursor = 0; world_next(obj, &cursor, &target, &other);) {
        const world_row *row = world_noted(w, container, world_number(w, target), other);
        if (!row)
            fail("a container shows an entry that nobody put in", container, world_number(w, target));
        kept[count++] = *row;
    }
    memcpy(w->row[container], kept, (size_t)count * sizeof *kept);
    w->rows[container] = count;
}

/* ---- the three containers as one ---- */

size_t world_entries(husk_obj *container)
{
    /* Two of them answer 0, as they are of another type. */
    return husk_weakkeymap_count(container) + husk_weakvaluemap_count(container) +
           husk_weakset_count(container);
}

bool world_next(husk_obj *container, size_t *cursor, husk_obj **target, husk_value *other)
{
    *other = husk_nil();
    return husk_weakkeymap_next(container, cursor, target, other) ||
           husk_weakvaluemap_next(container, cursor, other, target) ||
           husk_weakset_next(container, cursor, target);
}

/* ---- acts on containers ---- */

static husk_value handle_value(const world *w, unsigned handle, int number)
{
    return w->handle[handle] ? husk_ref(w->handle[handle]) : husk_int(number);
}

static husk_value key_of(const world *w, act a)
{
    return wants_number(a.z) ? husk_int(number_key(a.z)) : handle_value(w, a.z % HANDLES, number_key(a.z));
}

static bool has_key(husk_obj *map, husk_obj *key)
{
    husk_value ignored;
    return key && husk_weakkeymap_peek(map, key, &ignored) == HUSK_OK;
}

/* A value that is replaced is released, which may run code; everything else only asks for memory. */
static husk_status set_value(world *w, int container, husk_obj *map, husk_obj *key, int key_number,
                             husk_value v, int number)
{
    world_row *row = noted_target(w, container, key_number);
    bool there = has_key(map, key);
    if (there && !row)
        fail("a weak-key map knows a key that nobody put in", container, key_number);
    if (there)
        row->other = number;
    w->allocating = !there;
    husk_status status = husk_weakkeymap_set(map, key, v);
    if (!there)
        w->allocating = false;
    if (status == HUSK_OK && !there)
        note(w, container, (world_row){ key_number, number, 0 });
    return status;
}

static void tie(world *w, act a)
{
    husk_obj *x = w->handle[a.x], *y = w->handle[a.y];
    int n = w->held[a.x], target = w->held[a.y], other = w->held[a.z % HANDLES];
    husk_status status;
    if (world_entries(x) >= MOST_ROWS)
        return;
    if (w->kinds[n] == K_KEYMAP) {
        status = set_value(w, n, x, y, target, handle_value(w, a.z % HANDLES, -7), other);
    } else {
        bool set = w->kinds[n] == K_SET, there = set && husk_weakset_has(x, y);
        w->allocating = true;
        status = set ? husk_weakset_add(x, y) : husk_weakvaluemap_set(x, key_of(w, a), y);
        w->allocating = false;
        if (status == HUSK_OK && !set)
            unnote(w, n, noted_act(w, a));
        if (status == HUSK_OK && !there)
            note(w, n,
                 set ? (world_row){ target, 0, 0 }
                     : (world_row){ target, key_number(w, a), number_key(a.z) });
    }
    tell(w->log, E_STATUS, status);
}

static void untie(world *w, act a)
{
    husk_obj *x = w->handle[a.x], *y = w->handle[a.y];
    kind k = kind_at(w, a.x);
    if (k != K_VALUEMAP && !y)
        return;
    unnote(w, w->held[a.x], noted_act(w, a));
    tell(w->log, E_STATUS,
         k == K_KEYMAP     ? husk_weakkeymap_remove(x, y)
         : k == K_VALUEMAP ? husk_weakvaluemap_remove(x, key_of(w, a))
                           : husk_weakset_remove(x, y));
}

static void untie_all(world *w, act a)
{
    husk_obj *x = w->handle[a.x];
    kind k = kind_at(w, a.x);
    w->rows[w->held[a.x]] = 0;
    tell(w->log, E_STATUS,
         k == K_KEYMAP     ? husk_weakkeymap_clear(x)
         : k == K_VALUEMAP ? husk_weakvaluemap_clear(x)
                           : husk_weakset_clear(x));
}

static void peek(world *w, act a)
{
    husk_obj *x = w->handle[a.x], *y = w->handle[a.y], *found = NULL;
    kind k = kind_at(w, a.x);
    if (k == K_SET) {
        tell(w->log, E_ANSWER, husk_weakset_has(x, y));
        return;
    }
    husk_value v = husk_nil();
    husk_status status =
        k == K_KEYMAP ? husk_weakkeymap_peek(x, y, &v) : husk_weakvaluemap_peek(x, key_of(w, a), &found);
    tell(w->log, E_STATUS, status);
    if (status != HUSK_OK)
        return;
    if (k == K_KEYMAP && v.tag == HUSK_OBJ)
        found = v.as.o;
    const world_row *row = noted_act(w, a);
    int number = !row ? -1 : k == K_KEYMAP ? row->other : row->target;
    if (number != world_number(w, found))
        fail("a container answers something else than was put in", world_number(w, found), number);
    tell(w->log, E_PEEKED, number);
    unsigned into = k == K_KEYMAP ? a.z % HANDLES : a.y;
    if (into == SELF)
        return;
    if (found)
        husk_obj_retain(found);
    world_give(w, into, found, number);
}

static void step(world *w, int n, act a, int number, husk_obj *target, husk_value other)
{
    husk_obj *x = (husk_obj *)w->address[n];
    kind k = w->kinds[n];
    unsigned handle;
    step_act what = act_in_step(a.z, number, &handle);
    int target_number = world_number(w, target);
    husk_obj_retain(target);
    husk_value_retain(other);
    if (what == STEP_DROP) {
        world_give(w, handle, NULL, 0);
    } else if (what == STEP_REMOVE) {
        unnote(w, n, (world_row *)(uintptr_t)world_noted(w, n, target_number, other));
        husk_status status = k == K_KEYMAP     ? husk_weakkeymap_remove(x, target)
                             : k == K_VALUEMAP ? husk_weakvaluemap_remove(x, other)
                                               : husk_weakset_remove(x, target);
        if (status != HUSK_OK)
            fail("an entry just seen cannot be removed", n, status);
    } else if (what == STEP_SET && k == K_KEYMAP) {
        (void)set_value(w, n, x, target, target_number, handle_value(w, handle, -7), w->held[handle]);
    } else if (what == STEP_SET && k == K_VALUEMAP && w->handle[handle]) {
        world_row *row = (world_row *)(uintptr_t)world_noted(w, n, target_number, other);
        w->allocating = true;
        husk_status status = husk_weakvaluemap_set(x, other, w->handle[handle]);
        w->allocating = false;
        if (status == HUSK_OK)
            row->target = w->held[handle];
    }
    husk_obj_release(target);
    husk_value_release(other);
}

/* Entries that are added meanwhile may or may not be seen, say the headers; the tables of this version show them. */
static void each(world *w, act a)
{
    husk_obj *x = w->handle[a.x], *target;
    husk_value other;
    int n = w->held[a.x];
    size_t cursor = 0;
    husk_obj_retain(x);
    tell(w->log, E_ANSWER, (long)world_entries(x));
    for (int i = 0; i < MOST_STEPS && world_next(x, &cursor, &target, &other); i++) {
        if (!world_noted(w, n, world_number(w, target), other))
            fail("a container shows an entry that nobody put in", n, world_number(w, target));
        tell(w->log, E_TARGET, world_number(w, target));
        if (w->kinds[n] != K_SET)
            tell(w->log, E_OTHER,
                 other.tag == HUSK_OBJ       ? world_number(w, other.as.o)
                 : w->kinds[n] == K_VALUEMAP ? -1 - (long)other.as.i
                                             : 0);
        if (a.what == A_EACH_DROP)
            step(w, n, a, i, target, other);
    }
    husk_obj_release(x);
}

static void loosen(world *w, act a)
{
    husk_obj *x = w->handle[a.x], *target;
    husk_value ignored;
    int open = 0, number = 0;
    for (size_t cursor = 0; world_next(x, &cursor, &target, &ignored);)
        open++;
    int at = open ? a.z % open : -1;
    for (size_t cursor = 0; at >= 0 && world_next(x, &cursor, &target, &ignored); at--)
        number = world_number(w, target);
    for (unsigned i = 0; i < HANDLES && number; i++)
        if (w->held[i] == number)
            world_give(w, i, NULL, 0);
}

void world_container_do(world *w, act a)
{
    switch ((op)a.what) {
    case A_TIE:
        tie(w, a);
        break;
    case A_UNTIE:
        untie(w, a);
        break;
    case A_UNTIE_ALL:
        untie_all(w, a);
        break;
    case A_PEEK:
        peek(w, a);
        break;
    case A_EACH:
    case A_EACH_DROP:
        each(w, a);
        break;
    case A_LOOSEN:
        loosen(w, a);
        break;
    case A_EPHEMERON: {
        act set = { A_SET, a.z % HANDLES, a.y, a.z };
        if (kind_at(w, a.x) != K_KEYMAP)
            break;
        tie(w, a);
        if (!w->promise || w->promise(set))
            world_do(w, set);
        if (lets_go(a.z) && a.y != SELF) {
            world_give(w, a.y, NULL, 0);
            world_give(w, a.z % HANDLES, NULL, 0);
        }
        break;
    }
    default:
        break;
    }
}
