/* tests/model/twins.c: the runs. See twins.h and twins_parts.h. */
#include "twins.h"

#include "clock.h"
#include "twins_parts.h"

#include <stdio.h>
#include <string.h>

static bool automatic;

static const char *const sum_names[] = {
    "passes in steps", "steps",      "doomed",  "given up", "brought back", "refused", "closed under way",
    "young runs",      "ephemerons", "hurried", "mistaken", "maps cleared", "stars"
};
long twins_met[SUMS];

static husk_steps figures(void)
{
    husk_steps now;
    husk_heap_steps(twins_heap[0], &now);
    return now;
}

/* All that is garbage when a pass begins has to be gone when it is over. */
static void doom(void)
{
    twins_search();
    (void)twins_look(0, false);
    for (int n = 1; n <= twins_born; n++) {
        twins_all[n].doomed = twins_all[n].present[0] && !twins_all[n].reached;
        twins_met[DOOMED] += twins_all[n].doomed;
    }
    twins_collect(1);
}

static void spare_all(void)
{
    for (int n = 1; n <= twins_born; n++)
        twins_all[n].doomed = false;
}

static void check_doomed(void)
{
    twins_search();
    (void)twins_look(0, false);
    for (int n = 1; n <= twins_born; n++) {
        if (twins_all[n].doomed && twins_all[n].present[0])
            twins_fail("a pass in steps has missed garbage", n, twins_all[n].sort);
        twins_all[n].doomed = false;
    }
    twins_met[PASSES]++;
}

/* True: a pass is over. Passes ask for no memory, so there may be none. */
static bool step(random64 *r)
{
    husk_step done;
    if (!figures().under_way)
        doom();
    husk_memory_fail(random_below(r, 2), true);
    husk_status status = husk_heap_step(
        twins_heap[0], HUSK_STEP_LEAST_NS << (random_below(r, 8) ? 0 : random_below(r, 5)), &done);
    husk_memory_fail(0, false);
    if (status != HUSK_OK)
        twins_fail(husk_heap_message(twins_heap[0]), status, 0);
    twins_met[STEPS]++;
    if (done.finished)
        check_doomed();
    return done.finished;
}

/* Of its own accord, it must come to an end. */
static void step_to_the_end(random64 *r)
{
    for (int i = 0; figures().under_way && !step(r); i++)
        if (i > STEPS_ENOUGH)
            twins_fail("a pass in steps does not end, phase steps", i, 0);
}

static void young(void)
{
    husk_pass pass;
    twins_search();
    long before = twins_look(0, false);
    if (husk_heap_collect_young(twins_heap[0], &pass) != HUSK_OK)
        twins_fail(husk_heap_message(twins_heap[0]), 0, 0);
    long after = twins_look(0, false);
    if ((long)pass.collected > before - after)
        twins_fail("a young run ended more than garbage", (long)pass.collected, before - after);
    twins_met[YOUNG]++;
}

/* What the heap promises about itself must be true of what the model knows. */
static void check_bound(void)
{
    husk_bound bound;
    husk_heap_bound(twins_heap[0], &bound);
    if (!bound.kept)
        return;
    twins_search();
    long garbage = twins_look(0, false);
    if (bound.garbage_objects > bound.objects || bound.garbage_bytes > bound.bytes)
        twins_fail("the heap is above its bound", (long)bound.garbage_objects, (long)bound.objects);
    if ((size_t)garbage > bound.garbage_objects + bound.deferred_objects)
        twins_fail("more garbage than is told", garbage, (long)bound.garbage_objects);
}

static void disturb(random64 *r)
{
    switch (random_below(r, 7)) {
    case 0:
        young();
        break;
    case 1:
        twins_verify(0);
        break;
    case 2:
        twins_collect(0);
        break;
    case 3:
        if (husk_heap_disabled_by(twins_heap[0], 0))
            (void)husk_heap_enable(twins_heap[0]);
        else
            (void)husk_heap_disable(twins_heap[0], "twins");
        break;
    case 4:
        husk_heap_freeze(twins_heap[0]);
        husk_heap_unfreeze(twins_heap[0]);
        break;
    case 5:
        husk_heap_request(twins_heap[0]);
        husk_heap_safepoint(twins_heap[0]);
        break;
    default:
        husk_heap_safepoint(twins_heap[0]);
        break;
    }
}

static void begin(random64 *r)
{
    twins_setup();
    memset(twins_all, 0, sizeof twins_all);
    memset(twins_roots, 0, sizeof twins_roots);
    memset(twins_weaks, 0, sizeof twins_weaks);
    twins_born = twins_map_count = 0;
    automatic = random_below(r, 3) == 0;
    husk_pacing never = { 0, 0, 1.0, 2.0 };
    for (int t = 0; t < 2; t++) {
        if (husk_heap_new(NULL, &twins_heap[t]) != HUSK_OK)
            twins_fail("no heap", t, 0);
        husk_heap_set_pacing(twins_heap[t], &never);
    }
    if (automatic) {
        husk_pacing pacing = { 64 + random_below(r, 4000), 0, 0.5 + random_below(r, 4) * 0.5, 2.0 };
        if (husk_heap_set_pacing(twins_heap[0], &pacing) != HUSK_OK ||
            husk_heap_set_pause(twins_heap[0], HUSK_STEP_LEAST_NS) != HUSK_OK ||
            husk_heap_set_young(twins_heap[0], random_below(r, 2) ? 64 + random_below(r, 500) : 0) != HUSK_OK)
            twins_fail(husk_heap_message(twins_heap[0]), 0, 0);
    }
    clock_tick(200 + random_below(r, 1000));
}

static void end(random64 *r)
{
    bool under_way = figures().under_way;
    if (under_way && random_below(r, 2)) { /* as it stands */
        twins_met[CLOSED]++;
    } else {
        if (!automatic) {
            step_to_the_end(r);
            (void)step(r);
            step_to_the_end(r);
        }
        twins_collect(1);
        twins_verify(0);
        twins_collect(0);
        twins_verify(0);
        for (int n = 1; n <= twins_born; n++)
            if (twins_all[n].present[0] != twins_all[n].present[1])
                twins_fail("the twins differ", n, twins_all[n].present[0]);
    }
    for (int i = 0; i < WEAKS; i++)
        for (int t = 0; t < 2; t++)
            husk_weak_release(twins_weaks[i].weak[t]);
    for (int i = 0; i < ROOTS; i++)
        twins_set_root(i, 0, NULL);
    twins_met[HURRIED] += (long)figures().hurried;
    twins_met[MISTAKEN] += (long)figures().mistaken;
    for (int t = 0; t < 2; t++)
        husk_heap_close(twins_heap[t]);
    clock_tick(0);
    if (husk_memory_held() != 0)
        twins_fail("bytes are held after the close", (long)husk_memory_held(), 0);
}

long twins_run(uint64_t seed, long most, long *operation, bool loud)
{
    random64 r = random_from(seed);
    twins_current = operation;
    begin(&r);
    uint64_t given_up = 0;
    uint32_t steps_in = 2 + random_below(&r, 60), disturbed_in = 400 + random_below(&r, 4000);
    long length = 500 + (long)random_below(&r, 12000);
    if (length > most)
        length = most;
    for (*operation = 0; *operation < length && twins_born + STAR + 100 < MOST; ++*operation) {
        twins_churn(&r);
        if (figures().given_up != given_up) {
            twins_met[GIVEN_UP] += (long)(figures().given_up - given_up);
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
            fprintf(stderr, "%ld: %d born, %lu passes\n", *operation, twins_born,
                    (unsigned long)figures().finished);
    }
    long done = *operation;
    end(&r);
    return done;
}

void twins_sums(long done)
{
    for (int i = 0; i < SUMS; i++)
        printf("%s %ld%s", sum_names[i], twins_met[i], i < SUMS - 1 ? ", " : "\n");
    for (int i = 0; i < SUMS && done >= 1000000; i++)
        if (twins_met[i] == 0)
            twins_fail("never met: a situation by its number", i, done);
}
