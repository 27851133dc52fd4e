/* tests/model/big.c: see big.h.
 *
 * Objects have numbers; who refers to whom is noted at each store, never read back. Some finalizers bring their
 * object back. Weak-key maps are few and large; an entry keeps its value while map and key are reached. One object at a
 * time, the hub, is referred to so often that its count in the side table comes round more than once. After each collect
 * the living must be those that a search from the roots and the resurrected reaches, with exact counts, and nothing else. */
#include "big.h"

#include "random.h"

#include <husk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS = 30000, SLOTS = 5, ROOTS = 400, MAPS = 24, ENTRIES = 3, HUB_LEAST = 6200 };
typedef enum sort { PLAIN, HOOKED, ROWS, WIDE, VAST, LEAF, MAP, SORTS } sort;

typedef struct body {
    uint64_t number;
    husk_obj *refs[SLOTS];
} body;
typedef struct wide { /* up to a few pages, references at both ends */
    uint64_t number;
    husk_obj *refs[2];
    char middle[3000];
    husk_obj *more[3];
} wide;
typedef struct vast {
    uint64_t number;
    husk_obj *refs[2];
    char middle[200000];
    husk_obj *more[3];
} vast;
typedef struct rows {
    uint64_t number;
    size_t count;
} rows;

/* Of a weak-key map, noted with its key. */
typedef struct entry {
    int map, value; /* numbers */
    bool counted;
} entry;

typedef struct known {
    husk_obj *obj; /* NULL: no such object */
    sort sort;
    int slot[SLOTS]; /* number + 1, or 0 */
    entry entry[ENTRIES];
    int entries;
    long made; /* maps, in this order */
    bool finalized, garbage, shown;
    long references;
    bool reached;
} known;

static known all[OBJECTS];
static int roots[ROOTS]; /* number + 1, or 0 */
static int maps[MAPS];   /* the same: held like roots, by themselves */
static long maps_made;
static long ephemerons; /* entries of living maps, key and value both garbage of a pass */
static int back[OBJECTS], back_count;
static int hub; /* number + 1, or 0: held by itself */
static long most_held;
static const husk_type *types[SORTS];
static uint64_t now_seed;
static long finalized_now;
static bool closing;

_Noreturn static void fail(const char *what, long a, long b)
{
    fprintf(stderr, "model: %s: %ld, %ld\n", what, a, b);
    abort();
}

static bool comes_back(int number)
{
    random64 r = random_from(now_seed + (uint64_t)number);
    return random_below(&r, 40) == 0;
}

static void on_finalize(husk_obj *self)
{
    int n = (int)((body *)husk_obj_data(self))->number;
    if (all[n].obj != self || all[n].finalized)
        fail("finalized twice, or long gone", n, all[n].finalized);
    all[n].finalized = true;
    finalized_now++;
    if (comes_back(n) && !closing) {
        husk_obj_retain(self);
        back[back_count++] = n;
    }
}

static void setup(void)
{
    static husk_slot body_slots[SLOTS], wide_slots[SLOTS], vast_slots[SLOTS];
    static const husk_slot row_slots[] = { { "ref", HUSK_SLOT_REF, HUSK_IN_ITEM, 0, 0, 0, 0 } };
    if (types[LEAF])
        return; /* and maps are the library's */
    for (uint32_t i = 0; i < SLOTS; i++) {
        husk_slot s = { "ref", HUSK_SLOT_REF, HUSK_IN_FIELD, 0, 0, 0, 0 };
        s.offset = (uint32_t)offsetof(body, refs) + 8 * i;
        body_slots[i] = s;
        s.offset =
            i < 2 ? (uint32_t)offsetof(wide, refs) + 8 * i : (uint32_t)offsetof(wide, more) + 8 * (i - 2);
        wide_slots[i] = s;
        s.offset =
            i < 2 ? (uint32_t)offsetof(vast, refs) + 8 * i : (uint32_t)offsetof(vast, more) + 8 * (i - 2);
        vast_slots[i] = s;
    }
    const husk_type_spec specs[MAP] = {
        { HUSK_TYPE_SPEC, .name = "big-plain", .size = sizeof(body), .slots = body_slots,
          .slot_count = SLOTS },
        { HUSK_TYPE_SPEC, .name = "big-hooked", .size = sizeof(body), .slots = body_slots,
          .slot_count = SLOTS, .finalize = on_finalize },
        { HUSK_TYPE_SPEC, .name = "big-rows", .size = sizeof(rows), .item_size = sizeof(husk_obj *),
          .item_count_at = offsetof(rows, count), .slots = row_slots, .slot_count = 1 },
        { HUSK_TYPE_SPEC, .name = "big-wide", .size = sizeof(wide), .slots = wide_slots,
          .slot_count = SLOTS },
        { HUSK_TYPE_SPEC, .name = "big-vast", .size = sizeof(vast), .slots = vast_slots,
          .slot_count = SLOTS },
        { HUSK_TYPE_SPEC, .name = "big-leaf", .size = 8 },
    };
    for (int i = 0; i < MAP; i++) {
        if (husk_type_register(&specs[i], &types[i]) != HUSK_OK)
            fail(husk_message(), i, 0);
    }
}

static husk_obj **place(int n, int slot)
{
    void *data = husk_obj_data(all[n].obj);
    switch (all[n].sort) {
    case ROWS:
        return &((husk_obj **)husk_obj_items(all[n].obj))[slot];
    case WIDE:
        return slot < 2 ? &((wide *)data)->refs[slot] : &((wide *)data)->more[slot - 2];
    case VAST:
        return slot < 2 ? &((vast *)data)->refs[slot] : &((vast *)data)->more[slot - 2];
    default:
        return &((body *)data)->refs[slot];
    }
}

static void make(husk_heap *heap, random64 *r, int n)
{
    uint32_t dice = random_below(r, 1000);
    sort s = dice < 500   ? PLAIN
             : dice < 750 ? HOOKED
             : dice < 880 ? ROWS
             : dice < 900 ? WIDE
             : dice < 903 ? VAST
                          : LEAF;
    husk_obj *obj = s == ROWS ? husk_obj_new_items(heap, types[s], SLOTS) : husk_obj_new(heap, types[s]);
    if (!obj)
        fail("no memory", s, 0);
    memset(&all[n], 0, sizeof all[n]);
    all[n].obj = obj;
    all[n].sort = s;
    *(uint64_t *)husk_obj_data(obj) = (uint64_t)n;
    /* Held by a root; what was there may die at once. */
    int root = (int)random_below(r, ROOTS);
    int old = roots[root];
    roots[root] = n + 1;
    if (old)
        husk_obj_release(all[old - 1].obj);
}

static void store(int n, int slot, int to)
{
    all[n].slot[slot] = to + 1;
    if (husk_obj_set(all[n].obj, place(n, slot), to >= 0 ? all[to].obj : NULL) != HUSK_OK)
        fail("set", n, to);
}

/* Into a place of its own; what was there is let go. */
static void make_map(husk_heap *heap, random64 *r, int n)
{
    int at = (int)random_below(r, MAPS), old = maps[at];
    memset(&all[n], 0, sizeof all[n]);
    all[n].obj = husk_weakkeymap_new(heap);
    all[n].sort = MAP;
    all[n].made = ++maps_made;
    if (!all[n].obj)
        fail("no memory", MAP, 0);
    maps[at] = n + 1;
    if (old)
        husk_obj_release(all[old - 1].obj);
}

static void enter(int map, int key, int value)
{
    known *k = &all[key];
    int i = 0;
    while (i < k->entries && k->entry[i].map != map)
        i++;
    if (i == ENTRIES)
        return;
    k->entry[i] = (entry){ map, value, false };
    k->entries += i == k->entries;
    if (husk_weakkeymap_set(all[map].obj, k->obj, husk_ref(all[value].obj)) != HUSK_OK)
        fail("entry", key, value);
}

static void reach(int n, int *todo, int *count)
{
    if (n < 0)
        return;
    all[n].references++;
    if (!all[n].reached) {
        all[n].reached = true;
        todo[(*count)++] = n;
    }
}

/* Until nothing changes: slow and obvious. */
static bool reach_entries(int *todo, int *count)
{
    bool news = false;
    for (int n = 0; n < OBJECTS; n++) {
        for (int i = 0; all[n].reached && i < all[n].entries; i++) {
            entry *e = &all[n].entry[i];
            if (e->counted || !all[e->map].reached)
                continue;
            e->counted = news = true;
            reach(e->value, todo, count);
        }
    }
    return news;
}

static void search(void)
{
    static int todo[OBJECTS];
    int count = 0;
    for (int n = 0; n < OBJECTS; n++) {
        all[n].reached = false;
        all[n].references = 0;
        for (int i = 0; i < all[n].entries; i++)
            all[n].entry[i].counted = false;
    }
    for (int i = 0; i < ROOTS; i++)
        reach(roots[i] - 1, todo, &count);
    for (int i = 0; i < MAPS; i++)
        reach(maps[i] - 1, todo, &count);
    reach(hub - 1, todo, &count);
    for (int i = 0; i < back_count; i++)
        reach(back[i], todo, &count);
    do {
        while (count > 0) {
            const known *k = &all[todo[--count]];
            for (int i = 0; i < SLOTS; i++)
                reach(k->slot[i] - 1, todo, &count);
        }
    } while (reach_entries(todo, &count));
}

/* Maps have no room for a number: the latest that was made there. */
static int number_of(husk_obj *obj)
{
    int found = -1;
    if (husk_obj_kind(obj) != HUSK_KIND_WEAKKEYMAP)
        return (int)*(uint64_t *)husk_obj_data(obj);
    for (int n = 0; n < OBJECTS; n++)
        if (all[n].obj == obj && all[n].sort == MAP && (found < 0 || all[n].made > all[found].made))
            found = n;
    return found;
}

static bool note_shown(husk_obj *obj, void *data)
{
    (void)data;
    all[number_of(obj)].shown = true;
    return true;
}

/* Before a collect: alive, reached by nothing, and looked at by passes: tracked, or the key of a map. */
static void note_garbage(husk_heap *heap)
{
    for (int n = 0; n < OBJECTS; n++)
        all[n].garbage = all[n].shown = false;
    husk_heap_each(heap, note_shown, NULL);
    for (int n = 0; n < OBJECTS; n++) {
        known *k = &all[n];
        bool key = false;
        for (int i = 0; i < k->entries; i++)
            key |= all[k->entry[i].map].shown;
        k->garbage = k->shown && !k->reached && (k->sort != LEAF || key);
        for (int i = 0; k->garbage && i < k->entries; i++)
            ephemerons += all[k->entry[i].map].reached && all[k->entry[i].value].shown &&
                          !all[k->entry[i].value].reached;
    }
}

static bool count_walked(husk_obj *obj, void *data)
{
    int n = number_of(obj);
    if (n < 0 || n >= OBJECTS || all[n].obj != obj || !all[n].reached)
        fail("an object that nothing reaches is alive", n, 0);
    if ((long)husk_obj_strong_count(obj) != all[n].references)
        fail("wrong count", n, (long)husk_obj_strong_count(obj));
    ++*(long *)data;
    return true;
}

/* Each map that is reached has the entries whose keys are. */
static void check_maps(void)
{
    static long entries[OBJECTS];
    memset(entries, 0, sizeof entries);
    for (int n = 0; n < OBJECTS; n++)
        for (int i = 0; all[n].reached && i < all[n].entries; i++) {
            const entry *e = &all[n].entry[i];
            husk_value v;
            if (!all[e->map].reached)
                continue;
            entries[e->map]++;
            if (husk_weakkeymap_peek(all[e->map].obj, all[n].obj, &v) != HUSK_OK ||
                v.as.o != all[e->value].obj)
                fail("an entry is gone, or another", n, e->map);
        }
    for (int n = 0; n < OBJECTS; n++)
        if (all[n].reached && all[n].sort == MAP && (long)husk_weakkeymap_count(all[n].obj) != entries[n])
            fail("entries of a map", (long)husk_weakkeymap_count(all[n].obj), entries[n]);
}

static void collect(husk_heap *heap, bool loud)
{
    husk_pass pass;
    int before = back_count;
    finalized_now = 0;
    search();
    note_garbage(heap);
    if (husk_heap_collect(heap, &pass) != HUSK_OK)
        fail(husk_heap_message(heap), 0, 0);
    if ((long)pass.finalized != finalized_now)
        fail("finalizers that ran", (long)pass.finalized, finalized_now);
    search();
    long alive = 0, walked = 0, ended = 0, resurrected = 0;
    for (int n = 0; n < OBJECTS; n++) {
        ended += all[n].garbage && !all[n].reached;
        resurrected += all[n].garbage && all[n].reached;
        if (all[n].reached)
            alive++;
        else if (all[n].obj && all[n].sort == HOOKED && !all[n].finalized)
            fail("gone without its finalizer", n, 0);
    }
    if ((long)pass.collected != ended || (long)pass.resurrected != resurrected)
        fail("collected and resurrected by the pass", (long)pass.collected - ended,
             (long)pass.resurrected - resurrected);
    husk_heap_each(heap, count_walked, &walked);
    if (walked != alive)
        fail("alive", walked, alive);
    check_maps();
    if (husk_heap_verify(heap) != HUSK_OK)
        fail(husk_heap_message(heap), 0, 0);
    if (loud)
        fprintf(stderr, "  collected %zu, %ld alive, %d came back, %ld ephemerons so far\n", pass.collected,
                alive, back_count - before, ephemerons);
    for (int n = 0; n < OBJECTS; n++) {
        known *k = &all[n];
        if (!k->reached)
            k->obj = NULL;
        for (int i = k->entries - 1; i >= 0; i--) /* numbers are used again */
            if (!k->reached || !all[k->entry[i].map].reached)
                k->entry[i] = k->entry[--k->entries];
    }
    /* What came back is let go again, by and by. */
    while (back_count > 20) {
        husk_obj *obj = all[back[--back_count]].obj;
        husk_obj_release(obj);
    }
    search();
}

static bool has_slots(int n)
{
    return all[n].sort != LEAF && all[n].sort != MAP;
}

static void let_hub_go(void)
{
    husk_obj *obj = hub ? all[hub - 1].obj : NULL;
    hub = 0;
    if (obj)
        husk_obj_release(obj);
}

/* n is the new hub if there is none, or refers to it. */
static void join_hub(random64 *r, int n)
{
    if (!hub && all[n].sort == PLAIN) {
        hub = n + 1;
        husk_obj_retain(all[n].obj);
    } else if (hub && random_below(r, 4)) {
        store(n, SLOTS - 1, hub - 1);
    }
}

/* Entries from and to n, of a map that is held or of one that n is about to hold. */
static long enter_some(random64 *r, int n)
{
    int map = maps[random_below(r, MAPS)] - 1, other = roots[random_below(r, ROOTS)] - 1;
    if (map < 0 || other < 0)
        return 0;
    if (random_below(r, 2))
        enter(map, n, other);
    else
        enter(map, other, n);
    if (has_slots(other) && random_below(r, 3) == 0)
        store(other, (int)random_below(r, SLOTS), random_below(r, 8) ? n : map);
    return 2;
}

long big_run(uint64_t seed, long most, long *operation, bool loud)
{
    random64 r = random_from(seed);
    husk_heap *heap;
    setup();
    now_seed = seed;
    closing = false;
    back_count = hub = 0;
    most_held = 0;
    memset(all, 0, sizeof all);
    memset(roots, 0, sizeof roots);
    memset(maps, 0, sizeof maps);
    if (husk_heap_new(NULL, &heap) != HUSK_OK)
        fail("no heap", 0, 0);
    husk_pacing never = { 0, 0, 1.0, 2.0 };
    husk_heap_set_pacing(heap, &never);
    uint32_t density = 1 + random_below(&r, 6); /* from crumbs to one lump */
    int rounds = 12;
    long done = 0, before = ephemerons;
    int round = 0;
    for (; round < rounds && done < most; round++) {
        *operation = done;
        if (loud)
            fprintf(stderr, "round %d\n", round);
        /* Births fill the free numbers; each is linked to and from what a root holds at that moment. */
        for (int n = 0; n < OBJECTS; n++) {
            if (all[n].obj)
                continue;
            done++;
            if (random_below(&r, 500) == 0) {
                make_map(heap, &r, n);
                continue;
            }
            make(heap, &r, n);
            if (random_below(&r, 6) < density) /* and the value often leads back to the key */
                done += enter_some(&r, n);
            if (all[n].sort == LEAF)
                continue;
            for (int i = 0; i < SLOTS; i++) {
                if (random_below(&r, 8) >= density)
                    continue;
                int root = roots[random_below(&r, ROOTS)] - 1;
                store(n, i, random_below(&r, 4) ? root : n);
                if (root >= 0 && has_slots(root) && random_below(&r, 16) < density)
                    store(root, (int)random_below(&r, SLOTS), n);
                done += 2;
            }
            join_hub(&r, n);
        }
        search();
        if (hub && all[hub - 1].references > most_held)
            most_held = all[hub - 1].references;
        if (random_below(&r, 4) == 0)
            let_hub_go();
        /* Roots go, a few or nearly all. */
        uint32_t keep = random_below(&r, 4);
        for (int i = 0; i < ROOTS; i++) {
            if (!roots[i] || random_below(&r, 4) < keep)
                continue;
            husk_obj *obj = all[roots[i] - 1].obj;
            roots[i] = 0;
            husk_obj_release(obj);
            done++;
        }
        for (int i = 0; i < MAPS; i++) {
            if (!maps[i] || random_below(&r, 8))
                continue;
            husk_obj *obj = all[maps[i] - 1].obj;
            maps[i] = 0;
            husk_obj_release(obj);
        }
        if (random_below(&r, 4) == 0) {
            husk_heap_freeze(heap); /* and at once open again: pages are closed to births, no more */
            husk_heap_unfreeze(heap);
        }
        if (random_below(&r, 4) == 0)
            husk_heap_trim(heap);
        collect(heap, loud);
    }
    for (int i = 0; i < ROOTS; i++) {
        if (roots[i]) {
            husk_obj *obj = all[roots[i] - 1].obj;
            roots[i] = 0;
            husk_obj_release(obj);
        }
    }
    for (int i = 0; i < MAPS; i++) {
        if (maps[i]) {
            husk_obj *obj = all[maps[i] - 1].obj;
            maps[i] = 0;
            husk_obj_release(obj);
        }
    }
    let_hub_go();
    closing = true;
    while (back_count > 0) {
        husk_obj *obj = all[back[--back_count]].obj;
        husk_obj_release(obj);
    }
    collect(heap, loud);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    if (figures.objects != 0)
        fail("left at the end", (long)figures.objects, 0);
    if (round == rounds && ephemerons - before < 10)
        fail("too few ephemerons among the garbage, operations", ephemerons - before, done);
    if (round == rounds && density > 2 && most_held < HUB_LEAST)
        fail("the hub had too few references, operations", most_held, done);
    husk_heap_close(heap);
    if (husk_memory_held() != 0)
        fail("bytes are held after the close", (long)husk_memory_held(), 0);
    return done;
}
