/* tests/model/big.c: see big.h.
 *
 * Objects have numbers; who refers to whom is noted at each store, never read back. Some finalizers bring their
 * object back. After each collect the living must be those that a search from the roots and the resurrected reaches,
 * with exact counts, and nothing else. */
#include "big.h"

#include "random.h"

#include <husk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS = 30000, SLOTS = 5, ROOTS = 400, SORTS = 6 };
typedef enum sort { PLAIN, HOOKED, ROWS, WIDE, VAST, LEAF } sort;

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

typedef struct known {
    husk_obj *obj; /* NULL: no such object */
    sort sort;
    int slot[SLOTS]; /* number + 1, or 0 */
    bool finalized, garbage;
    long references;
    bool reached;
} known;

static known all[OBJECTS];
static int roots[ROOTS]; /* number + 1, or 0 */
static int back[OBJECTS], back_count;
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
        return;
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
    const husk_type_spec specs[SORTS] = {
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
    for (int i = 0; i < SORTS; i++) {
        if (husk_type_register(&specs[i], &types[i]) != HUSK_OK)
            fail(husk_type_message(), i, 0);
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

static void search(void)
{
    static int todo[OBJECTS];
    int count = 0;
    for (int n = 0; n < OBJECTS; n++) {
        all[n].reached = false;
        all[n].references = 0;
    }
    for (int i = 0; i < ROOTS + back_count; i++) {
        int n = (i < ROOTS ? roots[i] : back[i - ROOTS] + 1) - 1;
        if (n < 0)
            continue;
        all[n].references++;
        if (!all[n].reached) {
            all[n].reached = true;
            todo[count++] = n;
        }
    }
    while (count > 0) {
        const known *k = &all[todo[--count]];
        for (int i = 0; i < SLOTS; i++) {
            int n = k->slot[i] - 1;
            if (n < 0)
                continue;
            all[n].references++;
            if (!all[n].reached) {
                all[n].reached = true;
                todo[count++] = n;
            }
        }
    }
}

/* Before a collect: alive, tracked, and reached by nothing. */
static bool note_garbage(husk_obj *obj, void *data)
{
    known *k = &all[*(uint64_t *)husk_obj_data(obj)];
    (void)data;
    k->garbage = !k->reached && k->sort != LEAF;
    return true;
}

static bool count_walked(husk_obj *obj, void *data)
{
    int n = (int)*(uint64_t *)husk_obj_data(obj);
    if (n < 0 || n >= OBJECTS || all[n].obj != obj || !all[n].reached)
        fail("an object that nothing reaches is alive", n, 0);
    if ((long)husk_obj_strong_count(obj) != all[n].references)
        fail("wrong count", n, (long)husk_obj_strong_count(obj));
    ++*(long *)data;
    return true;
}

static void collect(husk_heap *heap, bool loud)
{
    husk_pass pass;
    int before = back_count;
    finalized_now = 0;
    search();
    for (int n = 0; n < OBJECTS; n++)
        all[n].garbage = false;
    husk_heap_each(heap, note_garbage, NULL);
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
    if (husk_heap_verify(heap) != HUSK_OK)
        fail(husk_heap_message(heap), 0, 0);
    if (loud)
        fprintf(stderr, "  collected %zu, %ld alive, %d came back\n", pass.collected, alive,
                back_count - before);
    for (int n = 0; n < OBJECTS; n++) {
        if (!all[n].reached)
            all[n].obj = NULL;
    }
    /* What came back is let go again, by and by. */
    while (back_count > 20) {
        husk_obj *obj = all[back[--back_count]].obj;
        husk_obj_release(obj);
    }
    search();
}

long big_run(uint64_t seed, long most, long *operation, bool loud)
{
    random64 r = random_from(seed);
    husk_heap *heap;
    setup();
    now_seed = seed;
    closing = false;
    back_count = 0;
    memset(all, 0, sizeof all);
    memset(roots, 0, sizeof roots);
    if (husk_heap_new(NULL, &heap) != HUSK_OK)
        fail("no heap", 0, 0);
    husk_pacing never = { 0, 0, 1.0, 2.0 };
    husk_heap_set_pacing(heap, &never);
    uint32_t density = 1 + random_below(&r, 6); /* from crumbs to one lump */
    int rounds = 12;
    long done = 0;
    for (int round = 0; round < rounds && done < most; round++) {
        *operation = done;
        if (loud)
            fprintf(stderr, "round %d\n", round);
        /* Births fill the free numbers; each is linked to and from what a root holds at that moment. */
        for (int n = 0; n < OBJECTS; n++) {
            if (all[n].obj)
                continue;
            make(heap, &r, n);
            done++;
            if (all[n].sort == LEAF)
                continue;
            for (int i = 0; i < SLOTS; i++) {
                if (random_below(&r, 8) >= density)
                    continue;
                int root = roots[random_below(&r, ROOTS)] - 1;
                store(n, i, random_below(&r, 4) ? root : n);
                if (root >= 0 && all[root].sort != LEAF && random_below(&r, 16) < density)
                    store(root, (int)random_below(&r, SLOTS), n);
                done += 2;
            }
        }
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
    husk_heap_close(heap);
    if (husk_memory_held() != 0)
        fail("bytes are held after the close", (long)husk_memory_held(), 0);
    return done;
}
