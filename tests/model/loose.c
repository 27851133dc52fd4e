/* tests/model/loose.c: see loose.h and loose_parts.h. */
#include "loose.h"

#include "clock.h"
#include "loose_parts.h"

#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

world loose_world;
bool loose_stepping;
bool loose_finalized[MOST_IDS], loose_disposed[MOST_IDS], loose_called[MOST_IDS];
static world *const w = &loose_world;
static event_log events;
static bool freed[MOST_IDS], cleaned[MOST_IDS];
long loose_sum[SUMS];

_Noreturn void loose_fail(const char *what, long a, long b)
{
    fprintf(stderr, "model: %s: %ld, %ld\n", what, a, b);
    abort(); /* main prints where */
}

static const char *const sum_names[SUMS] = {
    "entries that hold", "entries gone",     "entries not shown",         "exact checks",
    "cleanups run",      "cleanups at exit", "entries refused",           "steps",
    "passes in steps",   "young runs",       "soft references that hold", "let go by the heap",
    "watches that wait", "doomed",           "brought back or cut off",   "looks at the bound",
    "deaths put off"
};

void loose_sums(const char *mode, long done)
{
    for (int i = 0; i < SUMS; i++)
        printf("%s %ld%s", sum_names[i], loose_sum[i], i < SUMS - 1 ? ", " : "\n");
    for (int i = 0; done >= 100000 && i < SUMS; i++) {
        /* What waits for a safe point while nothing else is done comes in clusters: no number of it is sure. */
        if (i == SUM_HIDDEN || (i == SUM_REFUSED && strcmp(mode, "memory") != 0) ||
            (i >= SUM_STEPS && i <= SUM_YOUNG && strcmp(mode, "steps") != 0))
            continue;
        if (loose_sum[i] < done / (i == SUM_AT_EXIT ? 1000000 : 100000))
            loose_fail(sum_names[i], loose_sum[i], done);
    }
}

bool loose_mode(const char *mode)
{
    return strcmp(mode, "passes") == 0 || strcmp(mode, "steps") == 0 || strcmp(mode, "memory") == 0;
}

static void once(bool *flags, long n, const char *what)
{
    if (flags[n])
        loose_fail(what, n, 0);
    flags[n] = true;
}

void loose_hear(bool loud)
{
    for (size_t i = 0; i < events.count && i < MOST_EVENTS; i++) {
        event e = events.at[i];
        if (e.told == E_FINALIZE)
            once(loose_finalized, e.number, "finalized twice");
        else if (e.told == E_DISPOSE)
            once(loose_disposed, e.number, "disposed twice");
        else if (e.told == E_CALL)
            once(loose_called, e.number, "called twice");
        else if (e.told == E_FREE)
            once(freed, e.number, "freed twice");
        else if (e.told == E_CLEANED)
            once(cleaned, e.number, "cleaned twice");
        else if (e.told == E_STATUS)
            loose_sum[SUM_REFUSED] += e.number == HUSK_ENOMEM || e.number == HUSK_ELIMIT;
        loose_sum[SUM_CLEANED] += e.told == E_CLEANED;
        if (loud)
            fprintf(stderr, "  %s %ld\n", told_names[e.told], e.number);
    }
    events.count = 0;
}

/* Collects until nothing is found; true if that came about. Hooks may make new garbage each time. */
static bool collect_all(bool loud)
{
    for (int i = 0; i < 30; i++) {
        husk_pass pass;
        husk_status status = husk_heap_collect(w->heap, &pass);
        if (status != HUSK_OK)
            loose_fail("collect", status, 0);
        if (pass.deferred)
            loose_fail("an explicit collect deferred something", (long)pass.deferred, 0);
        bool quiet = events.count == 0 && pass.collected == 0;
        loose_hear(loud);
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
    kind to = w->kinds[w->held[a.x]];
    kind of = w->kinds[w->held[a.y]];
    bool holds = facts[of].slots != 0 || of == K_KEYMAP || of == K_VALUEMAP || of == K_SOFT;
    return (to != K_TREE && to != K_TREE_FIN) || !w->held[a.y] || !holds;
}

static bool wanted(act a)
{
    return a.what != A_IMMORTAL && a.what != A_SAVE_ALL && a.what != A_SAVED && a.what != A_CLEAR_SAVED;
}

/* What has to do with when passes run, and changes nothing that the program sees but that. */
static void pace_at_random(random64 *r)
{
    husk_region region;
    husk_idle idle;
    switch (random_below(r, 5)) {
    case 0:
        if (husk_heap_idle(w->heap, random_below(r, 2) ? 1000000 : 1000000000, &idle) != HUSK_OK)
            loose_fail("idle", 0, 0);
        break;
    case 1:
        if (husk_heap_no_gc(w->heap, &region))
            (void)husk_heap_no_gc_end(w->heap, NULL);
        else /* in mode memory what is reserved may be refused */
            (void)husk_heap_no_gc_begin(w->heap, 1 + random_below(r, 40), random_below(r, 3000),
                                        random_below(r, 8) == 0, "model");
        break;
    case 2:
        if (husk_heap_set_stress(w->heap, &(husk_stress){ random_below(r, 4), random_below(r, 3) }) !=
            HUSK_OK)
            loose_fail("stress", 0, 0);
        break;
    case 3:
        if (husk_heap_set_soft_limit(w->heap, random_below(r, 2) ? 1u << 20 : 0) != HUSK_OK)
            loose_fail("soft limit", 0, 0);
        w->yields = true;
        break;
    default:
        loose_bound();
        break;
    }
}

/* Each step runs user code if it has any to run; the next operation follows. */
static void step_at_random(random64 *r, bool loud)
{
    husk_steps figures;
    if (random_below(r, 40) == 0) {
        loose_sum[SUM_YOUNG]++;
        if (husk_heap_collect_young(w->heap, NULL) != HUSK_OK)
            loose_fail("young run", 0, 0);
    } else {
        husk_step done;
        if (husk_heap_step(w->heap, HUSK_STEP_LEAST_NS, &done) != HUSK_OK)
            loose_fail("step", 0, 0);
        loose_sum[SUM_STEPS]++;
        loose_sum[SUM_PASSES] += done.finished;
    }
    husk_heap_steps(w->heap, &figures);
    if (figures.begun != figures.finished + figures.given_up + figures.under_way)
        loose_fail("passes begun and ended", (long)figures.begun, (long)figures.finished);
    loose_hear(loud);
    loose_look(false);
    loose_bound();
}

/* With a death budget, a release alone ends no more than that: unless a pass came, which ends all that waits first. */
static void do_one(act a, bool failing, random64 *r, bool loud)
{
    husk_heap_figures before, after;
    uint64_t passes = husk_heap_pass_count(w->heap);
    husk_steps steps, steps_after;
    husk_heap_steps(w->heap, &steps);
    husk_heap_figures_get(w->heap, &before);
    if (failing)
        husk_memory_fail(1 + random_below(r, 3), random_below(r, 2));
    world_do(w, a);
    husk_memory_fail(0, false);
    husk_heap_figures_get(w->heap, &after);
    husk_heap_steps(w->heap, &steps_after);
    size_t budget = husk_heap_death_budget(w->heap), ended = 0;
    for (size_t i = 0; i < events.count && i < MOST_EVENTS; i++)
        ended += events.at[i].told == E_DISPOSE;
    loose_sum[SUM_PUT_OFF] += after.dying_objects > before.dying_objects;
    bool alone = a.what == A_DROP && !w->may_fail && passes == husk_heap_pass_count(w->heap) &&
                 steps.steps == steps_after.steps;
    if (alone && budget && ended > budget)
        loose_fail("a release ended more than its budget", (long)ended, (long)budget);
    loose_hear(loud);
    loose_look(false);
}

long loose_run(const char *mode, uint64_t seed, long most, long *operation, bool loud)
{
    random64 r = random_from(seed);
    loose_stepping = strcmp(mode, "steps") == 0;
    bool memory = strcmp(mode, "memory") == 0 || (loose_stepping && random_below(&r, 3) == 0);
    uint32_t steps_in = 1 + random_below(&r, 6);
    if (loose_stepping)
        clock_tick(300 + random_below(&r, 900));
    husk_heap_options options = { HUSK_HEAP_OPTIONS };
    if (memory)
        options.max_bytes = random_below(&r, 2) ? (256u << 10) + random_below(&r, 512) * 1024 : 0;
    else
        options.stress = random_below(&r, 3) == 0;
    options.check_owner = true; /* births one by one: the triggers are looked at each time */
    events.count = 0;
    world_begin(w, seed, &options, &events);
    w->may_fail = w->yields = memory;
    w->promise = keeps_promise;
    if (!memory || random_below(&r, 2)) {
        husk_pacing pacing = { random_below(&r, 20), random_below(&r, 4000), 0.5 + random_below(&r, 3) * 0.5,
                               2.0 };
        if (husk_heap_set_pacing(w->heap, &pacing) != HUSK_OK)
            loose_fail("pacing", 0, 0);
    }
    if (loose_stepping && random_below(&r, 2) &&
        (husk_heap_set_pause(w->heap, HUSK_STEP_LEAST_NS) != HUSK_OK ||
         husk_heap_set_young(w->heap, 64 + random_below(&r, 64)) != HUSK_OK))
        loose_fail("pause", 0, 0);
    memset(loose_finalized, 0, sizeof loose_finalized);
    memset(loose_disposed, 0, sizeof loose_disposed);
    memset(loose_called, 0, sizeof loose_called);
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
        do_one(a, memory && random_below(&r, 4) == 0, &r, loud);
        if (loose_stepping && random_below(&r, steps_in) == 0)
            step_at_random(&r, loud);
        if (random_below(&r, loose_stepping ? 80 : 8) == 0) {
            pace_at_random(&r);
            loose_hear(loud);
            loose_look(false);
        }
        if (random_below(&r, 40) == 0) {
            for (uint32_t i = random_below(&r, 2 * HANDLES); i < HANDLES; i++)
                do_one((act){ A_DROP, 0, (unsigned char)i, 0 }, false, &r, loud);
            loose_full(loud);
        }
        if (a.what == A_COLLECT && random_below(&r, 3) == 0) {
            husk_heap_unfreeze(w->heap);
            if (collect_all(loud))
                loose_look(true);
        }
    }
    for (int i = 0; i < HANDLES; i++)
        world_do(w, (act){ A_DROP, 0, (unsigned char)i, 0 });
    husk_heap_unfreeze(w->heap);
    loose_hear(loud);
    if (collect_all(loud))
        loose_look(true);
    world_queue_end(w);
    loose_hear(loud);
    static bool waiting[MOST_IDS];
    for (int n = 1; n <= w->born; n++)
        waiting[n] = w->pending[n] && w->at_exit[n];
    int born = w->born;
    w->closing = true;
    husk_heap_close(w->heap);
    loose_hear(loud);
    for (int n = 1; n <= born; n++)
        loose_sum[SUM_AT_EXIT] += waiting[n] && cleaned[n];
    for (int n = 1; n <= born; n++) { /* unless another hook has detached it, or taken at_exit back */
        if (waiting[n] && w->pending[n] && w->at_exit[n])
            loose_fail("a cleanup has not run at the close", n, 0);
    }
    for (int n = 1; n <= w->born; n++) {
        if (facts[w->kinds[n]].dispose && !loose_disposed[n])
            loose_fail("never disposed", n, w->kinds[n]);
    }
    if (husk_memory_held() != 0)
        loose_fail("bytes are held after the close", (long)husk_memory_held(), 0);
    clock_tick(0);
    return length;
}
