/* tests/model/loose.c: see loose.h. */
#include "loose.h"

#include "clock.h"
#include "world.h"

#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static world w;
static bool stepping; /* a look at everything would give the pass up */
static event_log events;
static bool finalized[MOST_IDS], disposed[MOST_IDS], called[MOST_IDS], freed[MOST_IDS], cleaned[MOST_IDS];
static bool shown[MOST_IDS], reached[MOST_IDS];
/* By container and place in its notes: the heap shows this entry; what it holds is counted. */
static bool in_heap[MOST_IDS][WORLD_ROWS], counted[MOST_IDS][WORLD_ROWS];
static long references[MOST_IDS];

_Noreturn static void fail(const char *what, long a, long b)
{
    fprintf(stderr, "model: %s: %ld, %ld\n", what, a, b);
    abort(); /* main prints where */
}

/* What a long run must have come across. */
enum {
    SUM_HELD,
    SUM_GONE,
    SUM_HIDDEN,
    SUM_EXACT,
    SUM_CLEANED,
    SUM_AT_EXIT,
    SUM_REFUSED,
    SUM_STEPS,
    SUM_PASSES,
    SUM_YOUNG,
    SUMS
};
static const char *const sum_names[SUMS] = { "entries that hold", "entries gone", "entries not shown",
                                             "exact checks",      "cleanups run", "cleanups at exit",
                                             "entries refused",   "steps",        "passes in steps",
                                             "young runs" };
static long sums[SUMS];

void loose_sums(const char *mode, long done)
{
    for (int i = 0; i < SUMS; i++)
        printf("%s %ld%s", sum_names[i], sums[i], i < SUMS - 1 ? ", " : "\n");
    for (int i = 0; done >= 100000 && i < SUMS; i++) {
        /* What waits for a safe point while nothing else is done comes in clusters: no number of it is sure. */
        if (i == SUM_HIDDEN || (i == SUM_REFUSED && strcmp(mode, "memory") != 0) ||
            (i >= SUM_STEPS && strcmp(mode, "steps") != 0))
            continue;
        if (sums[i] < done / (i == SUM_AT_EXIT ? 1000000 : 100000))
            fail(sum_names[i], sums[i], done);
    }
}

bool loose_mode(const char *mode)
{
    return strcmp(mode, "passes") == 0 || strcmp(mode, "steps") == 0 || strcmp(mode, "memory") == 0;
}

static bool show(husk_obj *obj, void *data)
{
    int n = world_number(&w, obj);
    (void)data;
    if (n == 0 || shown[n])
        fail("a walk shows an unknown object, or one twice", n, 0);
    /* Its own number, written at birth: nobody overwrote it. The library's own types have none. */
    if (w.kinds[n] < K_TYPES && *(uint64_t *)husk_obj_data(obj) != (uint64_t)n)
        fail("an object has lost its number", n, 0);
    shown[n] = true;
    return true;
}

static void once(bool *flags, long n, const char *what)
{
    if (flags[n])
        fail(what, n, 0);
    flags[n] = true;
}

static void hear(bool loud)
{
    for (size_t i = 0; i < events.count && i < MOST_EVENTS; i++) {
        event e = events.at[i];
        if (e.told == E_FINALIZE)
            once(finalized, e.number, "finalized twice");
        else if (e.told == E_DISPOSE)
            once(disposed, e.number, "disposed twice");
        else if (e.told == E_CALL)
            once(called, e.number, "called twice");
        else if (e.told == E_FREE)
            once(freed, e.number, "freed twice");
        else if (e.told == E_CLEANED)
            once(cleaned, e.number, "cleaned twice");
        else if (e.told == E_STATUS)
            sums[SUM_REFUSED] += e.number == HUSK_ENOMEM || e.number == HUSK_ELIMIT;
        sums[SUM_CLEANED] += e.told == E_CLEANED;
        if (loud)
            fprintf(stderr, "  %s %ld\n", told_names[e.told], e.number);
    }
    events.count = 0;
}

static void reach(int n, int *todo, int *count)
{
    if (n == 0)
        return;
    references[n]++;
    if (!reached[n]) {
        reached[n] = true;
        todo[(*count)++] = n;
    }
}

/* Acyclic objects: passes do not look inside, so what they hold is held. With the value of an entry for a key, a
 * cycle may go through one that holds only what holds nothing; then the promise is broken, and that is a leak. */
static void reach_from_trees(int *todo, int *count)
{
    for (int n = 1; n <= w.born; n++) {
        if (!shown[n] || (w.kinds[n] != K_TREE && w.kinds[n] != K_TREE_FIN))
            continue;
        for (int i = 0; i < facts[w.kinds[n]].slots; i++) {
            int to = w.slot[n][i];
            if (to && !reached[to]) { /* counted if the tree is reached */
                reached[to] = true;
                todo[(*count)++] = to;
            }
        }
    }
}

/* The entries that the heap shows. */
static void look_into(int container)
{
    husk_obj *obj = (husk_obj *)w.address[container], *target;
    husk_value other;
    size_t count = 0;
    if (!shown[container])
        fail("a reachable container is gone", container, w.kinds[container]);
    for (size_t cursor = 0; world_next(obj, &cursor, &target, &other); count++) {
        const world_row *row = world_noted(&w, container, world_number(&w, target), other);
        if (!row || !shown[row->target])
            fail("a container shows what was not put in, or is gone", container, world_number(&w, target));
        in_heap[container][row - w.row[container]] = true;
    }
    if (world_entries(obj) < count)
        fail("a container counts fewer entries than it shows", container, (long)count);
}

/* What the entries of reached containers hold: the value of a weak-key map for a key that is reached; the key of a
 * weak-value map as long as the object is there, for it may be just that key which keeps it. */
static bool reach_rows(int *todo, int *count)
{
    bool news = false;
    for (int n = 1; n <= w.born; n++) {
        if (!reached[n] || !is_container(w.kinds[n]))
            continue;
        for (int i = 0; i < w.rows[n]; i++) {
            const world_row *row = &w.row[n][i];
            if (counted[n][i] || !(reached[row->target] || (w.kinds[n] == K_VALUEMAP && in_heap[n][i])))
                continue;
            counted[n][i] = news = true;
            sums[SUM_HELD] += row->other != 0;
            reach(row->other, todo, count);
        }
    }
    return news;
}

static void reach_all(void)
{
    static int todo[MOST_IDS];
    int count = 0;
    memset(reached, 0, sizeof reached);
    memset(references, 0, sizeof references);
    for (int n = 1; n <= w.born; n++) {
        memset(in_heap[n], 0, (size_t)w.rows[n]);
        memset(counted[n], 0, (size_t)w.rows[n]);
    }
    for (int i = 0; i < HANDLES; i++)
        reach(w.held[i], todo, &count);
    for (int n = 1; n <= w.born; n++)
        if (w.pending[n]) /* the registry */
            reach(n, todo, &count);
    reach_from_trees(todo, &count);
    do {
        while (count > 0) {
            int n = todo[--count];
            if (is_container(w.kinds[n]))
                look_into(n);
            for (int i = 0; i < MOST_SLOTS; i++)
                reach(w.slot[n][i], todo, &count);
        }
    } while (reach_rows(todo, &count));
}

/* Entries of what is reached are there; exact: and no others. */
static void check_container(int n, bool exact)
{
    size_t there = 0;
    for (int i = 0; i < w.rows[n]; i++) {
        there += in_heap[n][i];
        if (reached[w.row[n][i].target] && !in_heap[n][i])
            fail("a container has lost the entry of a reachable object", n, w.row[n][i].target);
        if (exact && in_heap[n][i] && !reached[w.row[n][i].target])
            fail("a container has the entry of garbage", n, w.row[n][i].target);
    }
    sums[SUM_GONE] += w.rows[n] - (int)there;
    sums[SUM_HIDDEN] += world_entries((husk_obj *)w.address[n]) != there;
    if (world_entries((husk_obj *)w.address[n]) == there)
        world_prune(&w, n);
    else if (exact) /* else objects that wait for their finalizers are in it, which it does not show */
        fail("a container counts more entries than it shows", n, (long)there);
}

static void check_cleanup(int n, husk_cleanup *cleanup, bool exact)
{
    if (husk_cleanup_is_pending(cleanup) != w.pending[n] || husk_cleanup_at_exit(cleanup) != w.at_exit[n])
        fail("a cleanup answers wrongly", n, w.pending[n]);
    if (exact && w.pending[n] && !shown[w.target[n]])
        fail("a cleanup still waits for the dead", n, w.target[n]);
}

/* exact: no garbage is left. */
static void check(bool exact)
{
    husk_status status = stepping && !exact ? HUSK_OK : husk_heap_verify(w.heap);
    if (status != HUSK_OK) {
        fprintf(stderr, "verify: %s\n", husk_heap_message(w.heap));
        fail("the heap does not verify", 0, 0);
    }
    sums[SUM_EXACT] += exact;
    memset(shown, 0, sizeof shown);
    husk_heap_each(w.heap, show, NULL);
    reach_all();
    for (int n = 1; n <= w.born; n++) {
        husk_obj *obj = (husk_obj *)w.address[n];
        if (reached[n] && !shown[n])
            fail("a reachable object is gone", n, w.kinds[n]);
        if (disposed[n] && shown[n])
            fail("a disposed object is shown", n, w.kinds[n]);
        if (exact && shown[n] && !reached[n])
            fail("garbage is left", n, w.kinds[n]);
        if (exact && !shown[n] && facts[w.kinds[n]].finalize && !finalized[n])
            fail("gone without its finalizer", n, w.kinds[n]);
        if (exact && !shown[n] && facts[w.kinds[n]].dispose && !disposed[n])
            fail("gone without its dispose", n, w.kinds[n]);
        if (!shown[n])
            continue;
        long count = (long)husk_obj_strong_count(obj);
        if (exact ? count != references[n] : count < references[n])
            fail("wrong count of references", n, count);
        if (reached[n] && is_container(w.kinds[n]))
            check_container(n, exact);
        if (w.kinds[n] == K_CLEANUP)
            check_cleanup(n, husk_cleanup_of(obj), exact);
        husk_weak *weak = husk_weak_of(obj);
        if (!weak)
            continue;
        husk_weak_state state = husk_weak_state_get(weak);
        if ((state == HUSK_ALIVE) != shown[w.target[n]])
            fail("a weak reference answers wrongly", n, state);
        if (called[n] && state != HUSK_DEAD)
            fail("a callback ran for a living object", n, state);
        /* Garbage that waits with its callback is not reached. */
        husk_obj *locked = husk_weak_lock(weak);
        if ((locked != NULL) != (state == HUSK_ALIVE) || (locked && world_number(&w, locked) != w.target[n]))
            fail("a lock answers wrongly", n, state);
        if (locked)
            husk_obj_release(locked);
    }
    husk_heap_figures figures;
    husk_heap_figures_get(w.heap, &figures);
    if (figures.max_bytes && figures.bytes_taken > figures.max_bytes)
        fail("more bytes than allowed", (long)figures.bytes_taken, (long)figures.max_bytes);
}

/* Collects until nothing is found; true if that came about. Hooks may make new garbage each time. */
static bool collect_all(bool loud)
{
    for (int i = 0; i < 30; i++) {
        husk_pass pass;
        husk_status status = husk_heap_collect(w.heap, &pass);
        if (status != HUSK_OK)
            fail("collect", status, 0);
        if (pass.deferred)
            fail("an explicit collect deferred something", (long)pass.deferred, 0);
        bool quiet = events.count == 0 && pass.collected == 0;
        hear(loud);
        if (quiet)
            return true;
    }
    return false;
}

/* Acyclic objects may hold what holds nothing: then no promise is broken, and nothing is left over. */
static bool keeps_promise(act a)
{
    if (a.what == A_PAIR)
        return keeps_promise((act){ A_SET, a.x, a.y, a.z }) && keeps_promise((act){ A_SET, a.y, a.x, a.z });
    if (a.what != A_SET && a.what != A_TAKE && a.what != A_SWAP && a.what != A_GROW)
        return true;
    kind to = w.kinds[w.held[a.x]];
    kind of = w.kinds[w.held[a.y]];
    bool holds = facts[of].slots != 0 || of == K_KEYMAP || of == K_VALUEMAP;
    return (to != K_TREE && to != K_TREE_FIN) || !w.held[a.y] || !holds;
}

static bool wanted(act a)
{
    return a.what != A_IMMORTAL && a.what != A_SAVE_ALL && a.what != A_SAVED && a.what != A_CLEAR_SAVED;
}

/* What has to do with when passes run, and changes nothing that the program sees but that. */
static void pace_at_random(random64 *r)
{
    husk_region region;
    husk_bound bound;
    husk_idle idle;
    switch (random_below(r, 5)) {
    case 0:
        if (husk_heap_idle(w.heap, random_below(r, 2) ? 1000000 : 1000000000, &idle) != HUSK_OK)
            fail("idle", 0, 0);
        break;
    case 1:
        if (husk_heap_no_gc(w.heap, &region))
            (void)husk_heap_no_gc_end(w.heap, NULL);
        else /* in mode memory what is reserved may be refused */
            (void)husk_heap_no_gc_begin(w.heap, 1 + random_below(r, 40), random_below(r, 3000),
                                        random_below(r, 8) == 0, "model");
        break;
    case 2:
        if (husk_heap_set_stress(w.heap, &(husk_stress){ random_below(r, 4), random_below(r, 3) }) != HUSK_OK)
            fail("stress", 0, 0);
        break;
    case 3:
        if (husk_heap_set_soft_limit(w.heap, random_below(r, 2) ? 1u << 20 : 0) != HUSK_OK)
            fail("soft limit", 0, 0);
        break;
    default:
        husk_heap_bound(w.heap, &bound);
        if (bound.kept && (bound.garbage_objects > bound.objects || bound.garbage_bytes > bound.bytes))
            fail("more than the bound", (long)bound.garbage_objects, (long)bound.objects);
        break;
    }
}

/* Each step runs user code if it has any to run; the next operation follows. */
static void step_at_random(random64 *r, bool loud)
{
    husk_steps figures;
    if (random_below(r, 40) == 0) {
        sums[SUM_YOUNG]++;
        if (husk_heap_collect_young(w.heap, NULL) != HUSK_OK)
            fail("young run", 0, 0);
    } else {
        husk_step done;
        if (husk_heap_step(w.heap, HUSK_STEP_LEAST_NS, &done) != HUSK_OK)
            fail("step", 0, 0);
        sums[SUM_STEPS]++;
        sums[SUM_PASSES] += done.finished;
    }
    husk_heap_steps(w.heap, &figures);
    if (figures.begun != figures.finished + figures.given_up + figures.under_way)
        fail("passes begun and ended", (long)figures.begun, (long)figures.finished);
    hear(loud);
    check(false);
}

long loose_run(const char *mode, uint64_t seed, long most, long *operation, bool loud)
{
    random64 r = random_from(seed);
    stepping = strcmp(mode, "steps") == 0;
    bool memory = strcmp(mode, "memory") == 0 || (stepping && random_below(&r, 3) == 0);
    uint32_t steps_in = 1 + random_below(&r, 6);
    if (stepping)
        clock_tick(300 + random_below(&r, 900));
    husk_heap_options options = { HUSK_HEAP_OPTIONS };
    if (memory)
        options.max_bytes = random_below(&r, 2) ? (256u << 10) + random_below(&r, 512) * 1024 : 0;
    else
        options.stress = random_below(&r, 3) == 0;
    options.check_owner = true; /* births one by one: the triggers are looked at each time */
    events.count = 0;
    world_begin(&w, seed, &options, &events);
    w.may_fail = memory;
    w.promise = keeps_promise;
    if (!memory || random_below(&r, 2)) {
        husk_pacing pacing = { random_below(&r, 20), random_below(&r, 4000), 0.5 + random_below(&r, 3) * 0.5,
                               2.0 };
        if (husk_heap_set_pacing(w.heap, &pacing) != HUSK_OK)
            fail("pacing", 0, 0);
    }
    if (stepping && random_below(&r, 2) &&
        (husk_heap_set_pause(w.heap, HUSK_STEP_LEAST_NS) != HUSK_OK ||
         husk_heap_set_young(w.heap, 64 + random_below(&r, 64)) != HUSK_OK))
        fail("pause", 0, 0);
    memset(finalized, 0, sizeof finalized);
    memset(disposed, 0, sizeof disposed);
    memset(called, 0, sizeof called);
    memset(freed, 0, sizeof freed);
    memset(cleaned, 0, sizeof cleaned);
    long length = 40 + (long)random_below(&r, 400);
    if (length > most)
        length = most;
    for (*operation = 0; *operation < length; ++*operation) {
        act a = next_act(&r);
        if (!wanted(a) || !keeps_promise(a))
            continue;
        if (loud)
            fprintf(stderr, "%ld: %s x%d y%d z%d\n", *operation, op_names[a.what], a.x, a.y, a.z);
        bool failing = memory && random_below(&r, 4) == 0;
        if (failing)
            husk_memory_fail(1 + random_below(&r, 3), random_below(&r, 2));
        world_do(&w, a);
        if (failing)
            husk_memory_fail(0, false);
        hear(loud);
        check(false);
        if (stepping && random_below(&r, steps_in) == 0)
            step_at_random(&r, loud);
        if (random_below(&r, stepping ? 80 : 8) == 0) {
            pace_at_random(&r);
            hear(loud);
            check(false);
        }
        if (a.what == A_COLLECT && random_below(&r, 3) == 0) {
            husk_heap_unfreeze(w.heap);
            if (collect_all(loud))
                check(true);
        }
    }
    for (int i = 0; i < HANDLES; i++)
        world_do(&w, (act){ A_DROP, 0, (unsigned char)i, 0 });
    husk_heap_unfreeze(w.heap);
    hear(loud);
    if (collect_all(loud))
        check(true);
    static bool waiting[MOST_IDS];
    for (int n = 1; n <= w.born; n++)
        waiting[n] = w.pending[n] && w.at_exit[n];
    int born = w.born;
    w.closing = true;
    husk_heap_close(w.heap);
    hear(loud);
    for (int n = 1; n <= born; n++)
        sums[SUM_AT_EXIT] += waiting[n] && cleaned[n];
    for (int n = 1; n <= born; n++) { /* unless another hook has detached it, or taken at_exit back */
        if (waiting[n] && w.pending[n] && w.at_exit[n])
            fail("a cleanup has not run at the close", n, 0);
    }
    for (int n = 1; n <= w.born; n++) {
        if (facts[w.kinds[n]].dispose && !disposed[n])
            fail("never disposed", n, w.kinds[n]);
    }
    if (husk_memory_held() != 0)
        fail("bytes are held after the close", (long)husk_memory_held(), 0);
    clock_tick(0);
    return length;
}
