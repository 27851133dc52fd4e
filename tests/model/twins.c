/* tests/model/twins.c: see twins.h. */
#include "twins.h"

#include "clock.h"

#include "random.h"

#include <husk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 30000, SLOTS = 3, ROOTS = 48, WEAKS = 24, ENTRIES = 3, STEPS_ENOUGH = 20000 };
typedef enum sort { PLAIN, FINAL, ROWS, WIDE, VAST, HUGE, LEAF, MAP, SORTS } sort;

typedef struct body {
    uint64_t number;
    husk_obj *ref[SLOTS];
} body;
typedef struct rows {
    uint64_t number;
    husk_obj *ref[SLOTS];
    size_t count;
} rows;

typedef struct entry {
    int map, value;
    bool counted;
} entry;

typedef struct known {
    husk_obj *obj[2]; /* NULL: gone from that heap when last looked at */
    sort sort;
    int slot[SLOTS]; /* 0: empty */
    entry entry[ENTRIES];
    int entries;
    bool reached, doomed; /* doomed: garbage when the pass in steps began, and untouched since */
    bool present[2], finalized[2];
} known;

static known all[MOST];
static int born, roots[ROOTS], maps[MOST / 8], map_count;
static struct {
    husk_weak *weak[2];
    int target;
} weaks[WEAKS];
static husk_heap *heap[2]; /* 0: in steps */
static const husk_type *types[SORTS];
static bool automatic;
static long *current;

static const char *const sum_names[] = { "passes in steps", "steps",   "doomed",           "given up",
                                         "brought back",    "refused", "closed under way", "young runs",
                                         "ephemerons",      "hurried", "mistaken" };
enum { PASSES, STEPS, DOOMED, GIVEN_UP, BACK, REFUSED, CLOSED, YOUNG, EPHEMERONS, HURRIED, MISTAKEN, SUMS };
static long sums[SUMS];

_Noreturn static void fail(const char *what, long a, long b)
{
    fprintf(stderr, "model: %s: %ld, %ld (operation %ld)\n", what, a, b, *current);
    abort();
}

static husk_obj **place(int n, int slot, int twin)
{
    return &((body *)husk_obj_data(all[n].obj[twin]))->ref[slot];
}

static void on_finalize(husk_obj *self)
{
    known *k = &all[((body *)husk_obj_data(self))->number];
    int twin = husk_obj_heap(self) == heap[1];
    if ((k->obj[twin] && k->obj[twin] != self) ||
        k->finalized[twin]) /* NULL: a walk does not show the dying */
        fail("finalized twice, or long gone", (long)(k - all), twin);
    k->finalized[twin] = true;
    husk_obj *const *refs = ((body *)husk_obj_data(self))->ref;
    for (int i = 0; i < SLOTS; i++) /* all that it refers to is whole */
        if (refs[i] && husk_obj_strong_count(refs[i]) == 0)
            fail("a finalizer sees what has died", (long)(k - all), i);
}

static void setup(void)
{
    static const husk_slot slots[] = {
        { "refs", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(body, ref), 0, 0, 0 },
        { "refs", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(body, ref) + 8, 0, 0, 0 },
        { "refs", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(body, ref) + 16, 0, 0, 0 }
    };
    static const size_t sizes[MAP] = {
        [PLAIN] = sizeof(body),
        [FINAL] = sizeof(body),
        [ROWS] = sizeof(rows),
        [WIDE] = 3000,
        [VAST] = 200000,
        [HUGE] = 3u << 20,
        [LEAF] = 8,
    };
    static const char *const names[MAP] = { "twin-plain", "twin-final", "twin-rows", "twin-wide",
                                            "twin-vast",  "twin-huge",  "twin-leaf" };
    if (types[LEAF])
        return;
    for (int i = 0; i < MAP; i++) {
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = names[i], .size = sizes[i], .slots = slots,
                                .slot_count = SLOTS };
        if (i == LEAF)
            spec.slots = NULL, spec.slot_count = 0;
        if (i == FINAL)
            spec.finalize = on_finalize;
        if (i == ROWS)
            spec.item_size = 24, spec.item_count_at = offsetof(rows, count);
        if (husk_type_register(&spec, &types[i]) != HUSK_OK)
            fail(husk_message(), i, 0);
    }
}

/* ---- what is reached: slow and obvious ---- */

static int todo[MOST], todo_count;

static void reach(int n)
{
    if (n && !all[n].reached) {
        all[n].reached = true;
        todo[todo_count++] = n;
    }
}

static bool reach_entries(void)
{
    bool news = false;
    for (int n = 1; n <= born; n++)
        for (int i = 0; all[n].reached && i < all[n].entries; i++) {
            entry *e = &all[n].entry[i];
            if (e->counted || !all[e->map].reached)
                continue;
            e->counted = news = true;
            reach(e->value);
        }
    return news;
}

static void search(void)
{
    for (int n = 1; n <= born; n++) {
        all[n].reached = false;
        for (int i = 0; i < all[n].entries; i++)
            all[n].entry[i].counted = false;
    }
    for (int i = 0; i < ROOTS; i++)
        reach(roots[i]);
    do {
        while (todo_count) {
            const known *k = &all[todo[--todo_count]];
            for (int i = 0; i < SLOTS; i++)
                reach(k->slot[i]);
        }
    } while (reach_entries());
}

static int number_of(const husk_obj *obj, int twin)
{
    if (husk_obj_kind(obj) != HUSK_KIND_WEAKKEYMAP)
        return (int)((const body *)husk_obj_data((husk_obj *)(uintptr_t)obj))->number;
    for (int i = map_count; i-- > 0;)
        if (all[maps[i]].obj[twin] == obj)
            return maps[i];
    return 0;
}

static bool show(husk_obj *obj, void *data)
{
    int twin = *(int *)data;
    if (husk_obj_kind(obj) == HUSK_KIND_WEAK)
        return true;
    int n = number_of(obj, twin);
    if (n <= 0 || n > born || all[n].obj[twin] != obj || all[n].present[twin])
        fail("a walk shows an unknown object, or one twice", n, twin);
    all[n].present[twin] = true;
    return true;
}

/* Nothing that is reached has died. exact: and nothing else is there. */
static long look(int twin, bool exact)
{
    long garbage = 0;
    for (int n = 1; n <= born; n++)
        all[n].present[twin] = false;
    husk_heap_each(heap[twin], show, &twin);
    for (int n = 1; n <= born; n++) {
        known *k = &all[n];
        if (!k->present[twin]) {
            if (k->reached)
                fail("a reachable object is gone", n, twin);
            k->obj[twin] = NULL;
            continue;
        }
        if (k->reached)
            for (int i = 0; i < SLOTS && k->sort < LEAF; i++)
                if (*place(n, i, twin) != (k->slot[i] ? all[k->slot[i]].obj[twin] : NULL))
                    fail("a slot has changed", n, i);
        for (int i = 0; k->reached && i < k->entries; i++) {
            husk_value value;
            const entry *e = &k->entry[i];
            if (all[e->map].reached &&
                (husk_weakkeymap_peek(all[e->map].obj[twin], k->obj[twin], &value) != HUSK_OK ||
                 value.as.o != all[e->value].obj[twin]))
                fail("an entry is gone, or another", n, e->map);
        }
        garbage += !k->reached;
    }
    if (exact && garbage)
        fail("garbage is left", garbage, twin);
    return garbage;
}

static void verify(int twin)
{
    if (husk_heap_verify(heap[twin]) != HUSK_OK) {
        fprintf(stderr, "verify: %s\n", husk_heap_message(heap[twin]));
        fail("the heap does not verify", twin, 0);
    }
}

static void collect(int twin)
{
    for (int i = 0; i < 3; i++) /* finalizers come first, once */
        if (husk_heap_collect(heap[twin], NULL) != HUSK_OK)
            fail(husk_heap_message(heap[twin]), twin, i);
    search();
    look(twin, true);
}

/* ---- what the program does ---- */

static void set_root(int at, int n, husk_obj *const obj[2])
{
    int old = roots[at];
    husk_obj *before[2] = { all[old].obj[0], all[old].obj[1] };
    roots[at] = n;
    for (int t = 0; t < 2; t++) {
        if (n)
            all[n].obj[t] = obj[t];
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
        obj = s == MAP    ? husk_weakkeymap_new(heap[twin])
              : s == ROWS ? husk_obj_new_items(heap[twin], types[s], 1 + random_below(r, 8))
                          : husk_obj_new(heap[twin], types[s]);
        husk_memory_fail(0, false);
        sums[REFUSED] += !obj;
    }
    if (!obj)
        fail("no memory", s, twin);
    if (s != MAP)
        ((body *)husk_obj_data(obj))->number = (uint64_t)born;
    return obj;
}

static int make(random64 *r, int at, sort s)
{
    husk_obj *obj[2];
    random64 same = *r;
    born++;
    all[born] = (known){ .sort = s };
    if (s == MAP)
        maps[map_count++] = born;
    for (int t = 0; t < 2; t++) {
        *r = same;
        (void)random_next(r);
        obj[t] = make_one(r, s, t);
        all[born].obj[t] = obj[t];
    }
    *r = same;
    (void)random_next(r);
    (void)random_next(r);
    set_root(at, born, obj);
    return born;
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
    int n = roots[random_below(r, ROOTS)];
    for (uint32_t far = random_below(r, 12); n && far > 0; far--) {
        int next = all[n].slot[random_below(r, SLOTS)];
        n = next ? next : n;
    }
    return n;
}

static int any_with_slots(random64 *r)
{
    int n = any(r);
    return n && all[n].sort < LEAF ? n : 0;
}

static void store(int n, int slot, int to)
{
    all[n].slot[slot] = to;
    for (int t = 0; t < 2;
         t++) /* what it held may die, and others with it: nothing is looked at afterwards */
        if (husk_obj_set(all[n].obj[t], place(n, slot, t), to ? all[to].obj[t] : NULL) != HUSK_OK)
            fail("set", n, to);
}

/* As C programs may do: no count changes, and the library hears nothing of it. */
static void exchange(int a, int i, int b, int j)
{
    for (int t = 0; t < 2; t++) {
        husk_obj *kept = *place(a, i, t);
        *place(a, i, t) = *place(b, j, t);
        *place(b, j, t) = kept;
    }
    int kept = all[a].slot[i];
    all[a].slot[i] = all[b].slot[j];
    all[b].slot[j] = kept;
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
        set_root(at, 0, NULL);
        set_root(at + 1, 0, NULL);
    }
}

/* The key may be bare, and its value what holds it alone. */
static void tie(random64 *r)
{
    uint32_t at = random_below(r, ROOTS), i_root = 0;
    while (i_root < ROOTS && all[roots[(at + i_root) % ROOTS]].sort != MAP)
        i_root++;
    int map = roots[(at + i_root) % ROOTS], key = any(r), value = any(r);
    if (!map || !key || !value || all[map].sort != MAP)
        return;
    known *k = &all[key];
    int i = 0;
    while (i < k->entries && k->entry[i].map != map)
        i++;
    if (i == ENTRIES)
        return;
    k->entry[i] = (entry){ map, value, false };
    k->entries += i == k->entries;
    for (int t = 0; t < 2; t++)
        if (husk_weakkeymap_set(all[map].obj[t], k->obj[t], husk_ref(all[value].obj[t])) != HUSK_OK)
            fail("entry", key, value);
    if (all[value].sort < LEAF && random_below(r, 2)) {
        store(value, 2, key);
        sums[EPHEMERONS]++;
    }
}

static void untie(random64 *r)
{
    int key = any(r);
    known *k = &all[key];
    if (!key || !k->entries)
        return;
    entry e = k->entry[k->entries - 1];
    search();
    if (!all[e.map].reached)
        return; /* gone, or on its way, from which a lock may bring it back with its entries */
    k->entries--;
    for (int t = 0; t < 2; t++)
        (void)husk_weakkeymap_remove(all[e.map].obj[t], k->obj[t]);
}

static void watch(random64 *r)
{
    uint32_t at = random_below(r, WEAKS);
    int n = any(r);
    if (!n)
        return;
    weaks[at].target = n;
    for (int t = 0; t < 2; t++) {
        husk_weak_release(weaks[at].weak[t]);
        weaks[at].weak[t] = husk_weak_new(all[n].obj[t], NULL, NULL, NULL);
        if (!weaks[at].weak[t])
            fail("no weak reference", n, t);
    }
}

/* Brings garbage back if both still have it; else one heap has a reference more for a moment. */
static void lock(random64 *r)
{
    uint32_t at = random_below(r, WEAKS);
    husk_obj *obj[2] = { NULL, NULL };
    for (int t = 0; t < 2; t++)
        obj[t] = weaks[at].weak[t] ? husk_weak_lock(weaks[at].weak[t]) : NULL;
    if (obj[0] && obj[1]) {
        search();
        bool was = all[weaks[at].target].reached;
        set_root((int)random_below(r, ROOTS), weaks[at].target, obj);
        search();
        sums[BACK] += !was && all[weaks[at].target].reached;
        for (int n = 1; n <= born; n++)
            all[n].doomed &= !all[n].reached;
        return;
    }
    for (int t = 0; t < 2; t++)
        if (obj[t])
            husk_obj_release(obj[t]);
}

/* ---- one step of the program, one of the collector ---- */

static void churn(random64 *r)
{
    uint32_t dice = random_below(r, 1000);
    if (dice < 400) {
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
        set_root((int)random_below(r, ROOTS), 0, NULL);
    } else if (dice < 770) {
        ring(r, 2 + (int)random_below(r, random_below(r, 4) ? 20 : 700));
    } else if (dice < 850) {
        tie(r);
    } else if (dice < 880) {
        untie(r);
    } else if (dice < 920) {
        watch(r);
    } else if (dice < 940) {
        lock(r);
    } else if (dice < 950) {
        for (int t = 0; t < 2; t++)
            husk_heap_trim(heap[t]);
    } else if (dice < 952) {
        for (int i = (int)random_below(r, ROOTS); i < ROOTS; i++)
            set_root(i, 0, NULL);
    } else {
        int from = any_with_slots(r);
        if (from && all[from].slot[0] && all[from].sort == PLAIN)
            store(from, 1, from);
    }
}

static husk_steps figures(void)
{
    husk_steps now;
    husk_heap_steps(heap[0], &now);
    return now;
}

/* All that is garbage when a pass begins has to be gone when it is over. */
static void doom(void)
{
    search();
    (void)look(0, false);
    for (int n = 1; n <= born; n++) {
        all[n].doomed = all[n].present[0] && !all[n].reached;
        sums[DOOMED] += all[n].doomed;
    }
    collect(1);
}

static void spare_all(void)
{
    for (int n = 1; n <= born; n++)
        all[n].doomed = false;
}

static void check_doomed(void)
{
    search();
    (void)look(0, false);
    for (int n = 1; n <= born; n++) {
        if (all[n].doomed && all[n].present[0])
            fail("a pass in steps has missed garbage", n, all[n].sort);
        all[n].doomed = false;
    }
    sums[PASSES]++;
}

/* True: a pass is over. Passes ask for no memory, so there may be none. */
static bool step(random64 *r)
{
    husk_step done;
    if (!figures().under_way)
        doom();
    husk_memory_fail(random_below(r, 2), true);
    husk_status status =
        husk_heap_step(heap[0], HUSK_STEP_LEAST_NS << (random_below(r, 8) ? 0 : random_below(r, 5)), &done);
    husk_memory_fail(0, false);
    if (status != HUSK_OK)
        fail(husk_heap_message(heap[0]), status, 0);
    sums[STEPS]++;
    if (done.finished)
        check_doomed();
    return done.finished;
}

/* Of its own accord, it must come to an end. */
static void step_to_the_end(random64 *r)
{
    for (int i = 0; figures().under_way && !step(r); i++)
        if (i > STEPS_ENOUGH)
            fail("a pass in steps does not end, phase steps", i, 0);
}

static void young(void)
{
    husk_pass pass;
    search();
    long before = look(0, false);
    if (husk_heap_collect_young(heap[0], &pass) != HUSK_OK)
        fail(husk_heap_message(heap[0]), 0, 0);
    long after = look(0, false);
    if ((long)pass.collected > before - after)
        fail("a young run ended more than garbage", (long)pass.collected, before - after);
    sums[YOUNG]++;
}

/* What the heap promises about itself must be true of what the model knows. */
static void check_bound(void)
{
    husk_bound bound;
    husk_heap_bound(heap[0], &bound);
    if (!bound.kept)
        return;
    search();
    long garbage = look(0, false);
    if (bound.garbage_objects > bound.objects || bound.garbage_bytes > bound.bytes)
        fail("the heap is above its bound", (long)bound.garbage_objects, (long)bound.objects);
    if ((size_t)garbage > bound.garbage_objects + bound.deferred_objects)
        fail("more garbage than is told", garbage, (long)bound.garbage_objects);
}

static void disturb(random64 *r)
{
    switch (random_below(r, 7)) {
    case 0:
        young();
        break;
    case 1:
        verify(0);
        break;
    case 2:
        collect(0);
        break;
    case 3:
        if (husk_heap_disabled_by(heap[0], 0))
            (void)husk_heap_enable(heap[0]);
        else
            (void)husk_heap_disable(heap[0], "twins");
        break;
    case 4:
        husk_heap_freeze(heap[0]);
        husk_heap_unfreeze(heap[0]);
        break;
    case 5:
        husk_heap_request(heap[0]);
        husk_heap_safepoint(heap[0]);
        break;
    default:
        husk_heap_safepoint(heap[0]);
        break;
    }
}

static void begin(random64 *r)
{
    setup();
    memset(all, 0, sizeof all);
    memset(roots, 0, sizeof roots);
    memset(weaks, 0, sizeof weaks);
    born = map_count = 0;
    automatic = random_below(r, 3) == 0;
    husk_pacing never = { 0, 0, 1.0, 2.0 };
    for (int t = 0; t < 2; t++) {
        if (husk_heap_new(NULL, &heap[t]) != HUSK_OK)
            fail("no heap", t, 0);
        husk_heap_set_pacing(heap[t], &never);
    }
    if (automatic) {
        husk_pacing pacing = { 64 + random_below(r, 4000), 0, 0.5 + random_below(r, 4) * 0.5, 2.0 };
        if (husk_heap_set_pacing(heap[0], &pacing) != HUSK_OK ||
            husk_heap_set_pause(heap[0], HUSK_STEP_LEAST_NS) != HUSK_OK ||
            husk_heap_set_young(heap[0], random_below(r, 2) ? 64 + random_below(r, 500) : 0) != HUSK_OK)
            fail(husk_heap_message(heap[0]), 0, 0);
    }
    clock_tick(200 + random_below(r, 1000));
}

static void end(random64 *r)
{
    bool under_way = figures().under_way;
    if (under_way && random_below(r, 2)) { /* as it stands */
        sums[CLOSED]++;
    } else {
        if (!automatic) {
            step_to_the_end(r);
            (void)step(r);
            step_to_the_end(r);
        }
        collect(1);
        verify(0);
        collect(0);
        verify(0);
        for (int n = 1; n <= born; n++)
            if (all[n].present[0] != all[n].present[1])
                fail("the twins differ", n, all[n].present[0]);
    }
    for (int i = 0; i < WEAKS; i++)
        for (int t = 0; t < 2; t++)
            husk_weak_release(weaks[i].weak[t]);
    for (int i = 0; i < ROOTS; i++)
        set_root(i, 0, NULL);
    sums[HURRIED] += (long)figures().hurried;
    sums[MISTAKEN] += (long)figures().mistaken;
    for (int t = 0; t < 2; t++)
        husk_heap_close(heap[t]);
    clock_tick(0);
    if (husk_memory_held() != 0)
        fail("bytes are held after the close", (long)husk_memory_held(), 0);
}

long twins_run(uint64_t seed, long most, long *operation, bool loud)
{
    random64 r = random_from(seed);
    current = operation;
    begin(&r);
    uint64_t given_up = 0;
    uint32_t steps_in = 2 + random_below(&r, 60), disturbed_in = 400 + random_below(&r, 4000);
    long length = 500 + (long)random_below(&r, 12000);
    if (length > most)
        length = most;
    for (*operation = 0; *operation < length && born + 1000 < MOST; ++*operation) {
        churn(&r);
        if (figures().given_up != given_up) {
            sums[GIVEN_UP] += (long)(figures().given_up - given_up);
            given_up = figures().given_up;
            spare_all();
        }
        if (!automatic && random_below(&r, steps_in) == 0)
            (void)step(&r);
        if (automatic && random_below(&r, 100) == 0)
            check_bound();
        if (random_below(&r, disturbed_in) == 0)
            disturb(&r);
        if (!automatic && random_below(&r, 2000) == 0)
            step_to_the_end(&r);
        if (figures().given_up != given_up) {
            given_up = figures().given_up;
            spare_all();
        }
        if (loud && *operation % 100 == 0)
            fprintf(stderr, "%ld: %d born, %lu passes\n", *operation, born,
                    (unsigned long)figures().finished);
    }
    long done = *operation;
    end(&r);
    return done;
}

void twins_sums(long done)
{
    for (int i = 0; i < SUMS; i++)
        printf("%s %ld%s", sum_names[i], sums[i], i < SUMS - 1 ? ", " : "\n");
    for (int i = 0; i < SUMS && done >= 1000000; i++)
        if (sums[i] == 0)
            fail("never met: a situation by its number", i, done);
}
