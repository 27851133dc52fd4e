/* tests/model/twins_program.c: what the program does, the same in both heaps. See twins_parts.h. */
#include "twins_parts.h"

watcher twins_weaks[WEAKS];

void twins_set_root(int at, int n, husk_obj *const obj[2])
{
    int old = twins_roots[at];
    husk_obj *before[2] = { twins_all[old].obj[0], twins_all[old].obj[1] };
    twins_roots[at] = n;
    for (int t = 0; t < 2; t++) {
        if (n)
            twins_all[n].obj[t] = obj[t];
        if (old)
            husk_obj_release(before[t]);
    }
}

static husk_obj *make_one(random64 *r, sort s, int twin)
{
    bool failing = twin == 0 && random_below(r, 40) == 0;
    if (failing)
        husk_memory_fail(1 + random_below(r, 2), random_below(r, 2));
    husk_obj *obj = NULL;
    for (int i = 0; i < 2 && !obj; i++) {
        obj = s == MAP    ? husk_weakkeymap_new(twins_heap[twin])
              : s == ROWS ? husk_obj_new_items(twins_heap[twin], twins_types[s], 1 + random_below(r, 8))
                          : husk_obj_new(twins_heap[twin], twins_types[s]);
        husk_memory_fail(0, false);
        twins_met[REFUSED] += !obj;
    }
    if (!obj)
        twins_fail("no memory", s, twin);
    if (s != MAP)
        ((body *)husk_obj_data(obj))->number = (uint64_t)twins_born;
    return obj;
}

static int make(random64 *r, int at, sort s)
{
    husk_obj *obj[2];
    random64 same = *r;
    twins_born++;
    twins_all[twins_born] = (known){ .sort = s };
    if (s == MAP)
        twins_maps[twins_map_count++] = twins_born;
    for (int t = 0; t < 2; t++) {
        *r = same;
        (void)random_next(r);
        obj[t] = make_one(r, s, t);
        twins_all[twins_born].obj[t] = obj[t];
    }
    *r = same;
    (void)random_next(r);
    (void)random_next(r);
    twins_set_root(at, twins_born, obj);
    return twins_born;
}

static sort any_sort(random64 *r)
{
    uint32_t dice = random_below(r, 2000);
    return dice < 1100   ? PLAIN
           : dice < 1200 ? FINAL
           : dice < 1500 ? ROWS
           : dice < 1560 ? WIDE
           : dice < 1566 ? VAST
           : dice < 1568 ? HUGE
           : dice < 1960 ? LEAF
                         : MAP;
}

/* Something that the program reaches, some references away from a root; 0: nothing. */
static int any(random64 *r)
{
    int n = twins_roots[random_below(r, ROOTS)];
    for (uint32_t far = random_below(r, 12); n && far > 0; far--) {
        int next = twins_all[n].slot[random_below(r, SLOTS)];
        n = next ? next : n;
    }
    return n;
}

static int any_with_slots(random64 *r)
{
    int n = any(r);
    return n && twins_all[n].sort < LEAF ? n : 0;
}

static void store(int n, int slot, int to)
{
    twins_all[n].slot[slot] = to;
    for (int t = 0; t < 2;
         t++) /* what it held may die, and others with it: nothing is looked at afterwards */
        if (husk_obj_set(twins_all[n].obj[t], twins_place(n, slot, t), to ? twins_all[to].obj[t] : NULL) !=
            HUSK_OK)
            twins_fail("set", n, to);
}

/* As C programs may do: no count changes, and the library hears nothing of it. */
static void exchange(int a, int i, int b, int j)
{
    for (int t = 0; t < 2; t++) {
        husk_obj *kept = *twins_place(a, i, t);
        *twins_place(a, i, t) = *twins_place(b, j, t);
        *twins_place(b, j, t) = kept;
    }
    int kept = twins_all[a].slot[i];
    twins_all[a].slot[i] = twins_all[b].slot[j];
    twins_all[b].slot[j] = kept;
}

/* A ring, closed; sometimes let go at once. */
static void ring(random64 *r, int length)
{
    int at = (int)random_below(r, ROOTS - 1), first = 0, last = 0;
    for (int i = 0; i < length; i++) {
        sort s = any_sort(r);
        int n = make(r, at + i % 2, s >= LEAF ? PLAIN : s); /* held by a root, then by the next one */
        if (last)
            store(n, 0, last);
        else
            first = n;
        if (last && random_below(r, 4) == 0)
            store(n, 1, any(r));
        last = n;
    }
    store(first, 0, last);
    if (random_below(r, 2)) {
        twins_set_root(at, 0, NULL);
        twins_set_root(at + 1, 0, NULL);
    }
}

/* A ring around a hub that all of it refers to: more references than an entry of the side table can say. */
static void star(random64 *r)
{
    int at = (int)random_below(r, ROOTS - 2), hub = make(r, at, PLAIN), first = 0, last = 0;
    for (int i = 0; i < STAR; i++) {
        int n = make(r, at + 1 + i % 2, PLAIN);
        store(n, 0, hub);
        if (last)
            store(n, 1, last);
        else
            first = n;
        last = n;
    }
    store(first, 1, last);
    twins_met[STARS]++;
}

/* A map that a root holds; 0: none. */
static int any_map(random64 *r)
{
    uint32_t at = random_below(r, ROOTS), i_root = 0;
    while (i_root < ROOTS && twins_all[twins_roots[(at + i_root) % ROOTS]].sort != MAP)
        i_root++;
    int map = twins_roots[(at + i_root) % ROOTS];
    return map && twins_all[map].sort == MAP ? map : 0;
}

/* The key may be bare, and its value what holds it alone. */
static void tie(random64 *r)
{
    int map = any_map(r), key = any(r), value = any(r);
    if (!map || !key || !value)
        return;
    known *k = &twins_all[key];
    int i = 0;
    while (i < k->entries && k->entry[i].map != map)
        i++;
    if (i == ENTRIES)
        return;
    k->entry[i] = (entry){ map, value, false };
    k->entries += i == k->entries;
    for (int t = 0; t < 2; t++)
        if (husk_weakkeymap_set(twins_all[map].obj[t], k->obj[t], husk_ref(twins_all[value].obj[t])) !=
            HUSK_OK)
            twins_fail("entry", key, value);
    if (twins_all[value].sort < LEAF && random_below(r, 2)) {
        store(value, 2, key);
        twins_met[EPHEMERONS]++;
    }
}

static void untie(random64 *r)
{
    int key = any(r);
    known *k = &twins_all[key];
    if (!key || !k->entries)
        return;
    entry e = k->entry[k->entries - 1];
    twins_search();
    if (!twins_all[e.map].reached)
        return; /* gone, or on its way, from which a lock may bring it back with its entries */
    k->entries--;
    for (int t = 0; t < 2; t++)
        (void)husk_weakkeymap_remove(twins_all[e.map].obj[t], k->obj[t]);
}

/* Lets go of the values of all its keys, of those that are garbage, too: also between the counting of a pass in steps and
 * its judging, when that garbage has been counted more often than it is held. */
static void clear(random64 *r)
{
    int map = any_map(r);
    if (!map)
        return;
    for (int n = 1; n <= twins_born; n++)
        for (int i = twins_all[n].entries - 1; i >= 0; i--)
            if (twins_all[n].entry[i].map == map)
                twins_all[n].entry[i] = twins_all[n].entry[--twins_all[n].entries];
    twins_met[CLEARED]++;
    for (int t = 0; t < 2; t++)
        if (husk_weakkeymap_clear(twins_all[map].obj[t]) != HUSK_OK)
            twins_fail("clear", map, t);
}

static void watch(random64 *r)
{
    uint32_t at = random_below(r, WEAKS);
    int n = any(r);
    if (!n)
        return;
    twins_weaks[at].target = n;
    for (int t = 0; t < 2; t++) {
        husk_weak_release(twins_weaks[at].weak[t]);
        twins_weaks[at].weak[t] = husk_weak_new(twins_all[n].obj[t], NULL, NULL, NULL);
        if (!twins_weaks[at].weak[t])
            twins_fail("no weak reference", n, t);
    }
}

/* Brings garbage back if both still have it; else one heap has a reference more for a moment. */
static void lock(random64 *r)
{
    uint32_t at = random_below(r, WEAKS);
    husk_obj *obj[2] = { NULL, NULL };
    for (int t = 0; t < 2; t++)
        obj[t] = twins_weaks[at].weak[t] ? husk_weak_lock(twins_weaks[at].weak[t]) : NULL;
    if (obj[0] && obj[1]) {
        twins_search();
        bool was = twins_all[twins_weaks[at].target].reached;
        twins_set_root((int)random_below(r, ROOTS), twins_weaks[at].target, obj);
        twins_search();
        twins_met[BACK] += !was && twins_all[twins_weaks[at].target].reached;
        for (int n = 1; n <= twins_born; n++)
            twins_all[n].doomed &= !twins_all[n].reached;
        return;
    }
    for (int t = 0; t < 2; t++)
        if (obj[t])
            husk_obj_release(obj[t]);
}

void twins_churn(random64 *r)
{
    uint32_t dice = random_below(r, 1000);
    if (random_below(r, 20000) == 0) {
        star(r);
    } else if (dice < 400) {
        (void)make(r, (int)random_below(r, ROOTS), any_sort(r));
    } else if (dice < 640) {
        int to = any(r), from = any_with_slots(r);
        if (from)
            store(from, (int)random_below(r, SLOTS), random_below(r, 6) ? to : 0);
    } else if (dice < 720) {
        int a = any_with_slots(r), b = any_with_slots(r);
        if (a && b)
            exchange(a, (int)random_below(r, SLOTS), b, (int)random_below(r, SLOTS));
    } else if (dice < 760) {
        twins_set_root((int)random_below(r, ROOTS), 0, NULL);
    } else if (dice < 770) {
        ring(r, 2 + (int)random_below(r, random_below(r, 4) ? 20 : 700));
    } else if (dice < 850) {
        tie(r);
    } else if (dice < 880) {
        untie(r);
    } else if (dice < 890) {
        clear(r);
    } else if (dice < 920) {
        watch(r);
    } else if (dice < 940) {
        lock(r);
    } else if (dice < 950) {
        for (int t = 0; t < 2; t++)
            husk_heap_trim(twins_heap[t]);
    } else if (dice < 952) {
        for (int i = (int)random_below(r, ROOTS); i < ROOTS; i++)
            twins_set_root(i, 0, NULL);
    } else {
        int from = any_with_slots(r);
        if (from && twins_all[from].slot[0] && twins_all[from].sort == PLAIN)
            store(from, 1, from);
    }
}
