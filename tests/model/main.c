/* tests/model/main.c: random operations on a real heap and on the reference, compared after each.
 *
 *   model [MODE] SEED OPERATIONS
 *
 * MODE exact (the default): automatic passes are off, and everything is compared: counts, slots, weak answers, the
 * order of all that hooks see, the figures of passes. MODE passes and MODE memory: see loose.c; MODE big: see big.c. One run is many
 * short sequences, each with a fresh heap; on failure the seed of the sequence and the number of the operation are
 * printed: `model MODE -SEED OPERATIONS` repeats that sequence alone and prints what it does. */
#define _POSIX_C_SOURCE 200809L
#include "big.h"
#include "loose.h"
#include "reference.h"
#include "world.h"

#include "random.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *mode = "exact";
static uint64_t sequence;
static long operation;
static bool loud;
static event_log real_log, model_log;
static long heard[E_HELD + 1]; /* how often each kind of event came, with a number that is not 0 */

/* Also on a crash inside the library: only write, which is safe in a signal handler. */
static void where(int number)
{
    char text[160];
    int length = snprintf(text, sizeof text, "\nmodel: repeat with: model %s -%llu %ld\n", mode,
                          (unsigned long long)sequence, operation + 1);
    ssize_t ignored = write(2, text, (size_t)length);
    (void)ignored;
    if (number) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

_Noreturn static void fail(const char *format, long a, long b, long c)
{
    fprintf(stderr, "model: ");
    fprintf(stderr, format, a, b, c);
    fprintf(stderr, "\n");
    where(0);
    exit(1);
}

static void print_log(const char *name, const event_log *log)
{
    fprintf(stderr, "  %s:", name);
    for (size_t i = 0; i < log->count && i < MOST_EVENTS; i++)
        fprintf(stderr, " %s %ld", told_names[log->at[i].told], log->at[i].number);
    fprintf(stderr, "\n");
}

static void compare_logs(void)
{
    size_t most = real_log.count > model_log.count ? real_log.count : model_log.count;
    if (most > MOST_EVENTS)
        most = MOST_EVENTS;
    for (size_t i = 0; i < most; i++) {
        if (i < real_log.count && i < model_log.count && real_log.at[i].told == model_log.at[i].told &&
            real_log.at[i].number == model_log.at[i].number)
            continue;
        print_log("heap", &real_log);
        print_log("model", &model_log);
        fail("event %ld differs", (long)i, 0, 0);
    }
    for (size_t i = 0; i < most; i++)
        heard[real_log.at[i].told] += real_log.at[i].number != 0;
    if (loud && real_log.count)
        print_log("both", &real_log);
}

typedef struct compared {
    world *w;
    ref_heap *h;
    int shown;
} compared;

static bool compare_object(husk_obj *obj, void *data)
{
    compared *c = data;
    int n = world_number(c->w, obj);
    const ref_obj *o = &c->h->obj[n];
    c->shown++;
    if (n == 0 || n > c->h->born || !o->alive)
        fail("object %ld is alive", n, 0, 0);
    if (o->kind != c->w->kinds[n])
        fail("object %ld is of kind %ld, not %ld", n, (long)c->w->kinds[n], (long)o->kind);
    long count = o->immortal ? -1 : o->count;
    if ((long)husk_obj_strong_count(obj) != count)
        fail("object %ld has %ld references, not %ld", n, (long)husk_obj_strong_count(obj), count);
    if ((long)husk_obj_weak_count(obj) != o->weak_count)
        fail("object %ld has %ld weak references, not %ld", n, (long)husk_obj_weak_count(obj), o->weak_count);
    if (husk_obj_is_unique(obj) != (count == 1 && o->weak_count == 0))
        fail("object %ld: unique", n, 0, 0);
    if (husk_obj_is_immortal(obj) != o->immortal)
        fail("object %ld: immortal", n, 0, 0);
    if (husk_obj_is_finalized(obj) != (o->finalized && facts[o->kind].finalize))
        fail("object %ld: finalized", n, 0, 0);
    if (husk_obj_is_frozen(obj) != o->frozen)
        fail("object %ld: frozen is not %ld", n, o->frozen, 0);
    if (husk_obj_is_dying(obj))
        fail("object %ld is dying", n, 0, 0);
    if (husk_obj_is_tracked(obj) != facts[o->kind].tracked)
        fail("object %ld: tracked", n, 0, 0);
    husk_weak *weak = husk_weak_of(obj);
    if (weak && husk_weak_state_get(weak) != (o->target ? HUSK_ALIVE : HUSK_DEAD))
        fail("weak reference %ld: state %ld", n, (long)husk_weak_state_get(weak), 0);
    if (world_slots(c->w, obj) != (size_t)o->slots)
        fail("object %ld has %ld slots, not %ld", n, (long)world_slots(c->w, obj), o->slots);
    for (int i = 0; i < o->slots; i++) {
        int to = world_number(c->w, world_slot(c->w, obj, (size_t)i));
        if (to != o->slot[i])
            fail("slot of %ld refers to %ld, not to %ld", n, to, o->slot[i]);
    }
    return true;
}

static void compare(world *w, ref_heap *h)
{
    compare_logs();
    if (w->born != h->born)
        fail("%ld births, not %ld", w->born, h->born, 0);
    for (int i = 0; i < HANDLES; i++) {
        if (world_number(w, w->handle[i]) != h->handle[i])
            fail("handle %ld is %ld, not %ld", i, world_number(w, w->handle[i]), h->handle[i]);
    }
    compared c = { w, h, 0 };
    husk_heap_each(w->heap, compare_object, &c);
    if (c.shown != ref_live(h))
        fail("%ld objects are alive, not %ld", c.shown, ref_live(h), 0);
    husk_heap_figures figures;
    husk_heap_figures_get(w->heap, &figures);
    if ((long)figures.objects != c.shown)
        fail("figures say %ld objects, a walk %ld", (long)figures.objects, c.shown, 0);
    long frozen = 0, cells = 0;
    for (int n = 1; n <= h->born; n++) {
        frozen += h->obj[n].alive && h->obj[n].frozen;
        cells += h->obj[n].alive && h->obj[n].weak_count > 0;
    }
    if ((long)figures.frozen_objects != frozen)
        fail("figures say %ld frozen objects, not %ld", (long)figures.frozen_objects, frozen, 0);
    if ((long)figures.weak_cells < cells)
        fail("figures say %ld cells, not %ld", (long)figures.weak_cells, cells, 0);
    if ((long)figures.foreign_bytes != h->foreign)
        fail("figures say %ld foreign bytes, not %ld", (long)figures.foreign_bytes, h->foreign, 0);
    if ((long)husk_heap_garbage_count(w->heap) != h->saved_count)
        fail("%ld saved, not %ld", (long)husk_heap_garbage_count(w->heap), h->saved_count, 0);
    if (husk_heap_is_enabled(w->heap) != (h->disabled == 0))
        fail("enabled", 0, 0, 0);
    husk_generation g;
    husk_heap_generation(w->heap, 0, &g);
    const ref_pass *t = &h->total;
    if ((long)g.passes != t->passes || (long)g.examined != t->examined || (long)g.collected != t->collected ||
        (long)g.uncollectable != t->uncollectable || (long)g.finalized != t->finalized ||
        (long)g.resurrected != t->resurrected || (long)g.weak_cleared != t->cleared)
        fail("the sums of %ld passes (%ld in the model) differ", (long)g.passes, t->passes, 0);
    husk_status status = husk_heap_verify(w->heap);
    if (status != HUSK_OK) {
        fprintf(stderr, "verify: %s: %s\n", husk_status_name(status), husk_heap_message(w->heap));
        fail("the heap does not verify", 0, 0, 0);
    }
}

static void say(act a)
{
    if (loud)
        fprintf(stderr, "%ld: %s x%d y%d z%d\n", operation, op_names[a.what], a.x, a.y, a.z);
}

static long run_exact(uint64_t seed, long most)
{
    static world w;
    static ref_heap h;
    random64 r = random_from(seed);
    husk_pacing never = { 0, 0, 1.0, 2.0 };
    world_begin(&w, seed, NULL, &real_log);
    husk_heap_set_pacing(w.heap, &never);
    ref_begin(&h, seed, w.address, &model_log);
    long length = 40 + (long)random_below(&r, 400);
    if (length > most)
        length = most;
    for (operation = 0; operation < length; operation++) {
        act a = next_act(&r);
        real_log.count = model_log.count = 0;
        say(a);
        world_do(&w, a);
        ref_do(&h, a);
        compare(&w, &h);
    }
    if (random_below(&r, 4)) { /* else it closes with all that is held */
        for (int i = 0; i < HANDLES; i++) {
            act a = { A_DROP, 0, (unsigned char)i, 0 };
            real_log.count = model_log.count = 0;
            say(a);
            world_do(&w, a);
            ref_do(&h, a);
            compare(&w, &h);
        }
    }
    real_log.count = model_log.count = 0;
    if (loud)
        fprintf(stderr, "close\n");
    w.closing = true;
    husk_heap_close(w.heap);
    ref_close(&h);
    compare_logs();
    if (husk_memory_held() != 0)
        fail("%ld bytes are held after the close", (long)husk_memory_held(), 0, 0);
    return length;
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        mode = argv[1];
        argv++;
        argc--;
    }
    bool exact = strcmp(mode, "exact") == 0, big = strcmp(mode, "big") == 0;
    if (argc != 3 || (!exact && !big && !loose_mode(mode))) {
        fprintf(stderr, "usage: model [exact|passes|memory|big] SEED OPERATIONS\n");
        return 2;
    }
    long total = strtol(argv[2], NULL, 10);
    long long seed = strtoll(argv[1], NULL, 10);
    static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        signal(crashes[i], where);
    world_setup();
    loud = seed < 0;
    long done = 0, sequences = 0;
    do {
        sequence = loud ? (uint64_t)-seed : (uint64_t)seed * 10000019u + (uint64_t)sequences;
        long most = total - done > 0 ? total - done : 1;
        done += exact ? run_exact(sequence, most)
                : big ? big_run(sequence, most, &operation, loud)
                      : loose_run(mode, sequence, most, &operation, loud);
        sequences++;
    } while (!loud && done < total);
    /* A long run that never came across one of them tests less than it says. */
    for (int i = E_FINALIZE; exact && i <= E_HELD; i++)
        printf("%s %ld%s", told_names[i], heard[i], i < E_HELD ? ", " : "\n");
    for (int i = E_FINALIZE; exact && done >= 100000 && i <= E_HELD; i++) {
        if (heard[i] < done / 10000)
            fail("only %ld events of kind %ld in %ld operations", heard[i], i, done);
    }
    printf("model %s: seed %lld: %ld operations in %ld sequences\n", mode, seed, done, sequences);
    return 0;
}
