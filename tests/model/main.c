/* tests/model/main.c: random operations on a real heap and on the reference, compared after each.
 *
 *   model [MODE] SEED OPERATIONS
 *
 * MODE exact (the default): automatic passes are off, and everything is compared: counts, slots, weak answers, which soft
 * references hold, what waits in the queue of the dead and for a death budget, the order of all that hooks see, the
 * figures of passes. MODE passes, MODE memory and MODE steps: see loose.c; MODE big: see big.c; MODE twins: see twins.h.
 * One run is many short sequences, each with a fresh heap; on failure the seed of the sequence and the number of the
 * operation are printed: `model MODE -SEED OPERATIONS` repeats that sequence alone and prints what it does. */
#define _POSIX_C_SOURCE 200809L
#include "big.h"
#include "compare.h"
#include "loose.h"
#include "twins.h"

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
static ref_heap h;
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

_Noreturn void fail(const char *format, long a, long b, long c)
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

static void say(act a)
{
    if (loud)
        fprintf(stderr, "%ld: %s x%d y%d z%d\n", operation, op_names[a.what], a.x, a.y, a.z);
}

static void do_both(world *w, act a)
{
    real_log.count = model_log.count = 0;
    say(a);
    world_do(w, a);
    ref_do(&h, a);
    compare_logs();
    compare(w, &h);
}

/* When a birth ends some of what waits, how much of it, and what it puts off, is the store's business. */
static void end_waiting(world *w)
{
    if (ref_waiting(&h) + h.events_count == 0)
        return;
    real_log.count = model_log.count = 0;
    if (loud)
        fprintf(stderr, "%ld: what waits ends\n", operation);
    if (husk_heap_verify(w->heap) != HUSK_OK)
        fail("the heap does not verify while something waits", 0, 0, 0);
    ref_end_waiting(&h);
    compare_logs();
    compare(w, &h);
}

static long run_exact(uint64_t seed, long most)
{
    static world w;
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
        if (asks_for_memory((op)a.what))
            end_waiting(&w);
        do_both(&w, a);
    }
    if (random_below(&r, 4)) { /* else it closes with all that is held */
        for (int i = 0; i < HANDLES; i++)
            do_both(&w, (act){ A_DROP, 0, (unsigned char)i, 0 });
        do_both(&w, (act){ A_QUEUE_END, 0, 0, 0 });
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

/* A long run that never came across one of them tests less than it says. */
static void check_sums(long done)
{
    for (int i = E_FINALIZE; i <= E_HELD; i++)
        printf("%s %ld%s", told_names[i], heard[i], i < E_HELD ? ", " : "\n");
    for (int i = 0; i < METS; i++)
        printf("%s %ld%s", met_names[i], h.met[i], i < METS - 1 ? ", " : "\n");
    if (done < 100000)
        return;
    for (int i = E_FINALIZE; i <= E_HELD; i++) {
        if (heard[i] < done / 10000)
            fail("only %ld events of kind %ld in %ld operations", heard[i], i, done);
    }
    for (int i = 0; i < METS; i++) {
        if (h.met[i] < done / 50000)
            fail("only %ld times situation %ld in %ld operations", h.met[i], i, done);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4) {
        mode = argv[1];
        argv++;
        argc--;
    }
    bool exact = strcmp(mode, "exact") == 0, big = strcmp(mode, "big") == 0,
         twins = strcmp(mode, "twins") == 0;
    if (argc != 3 || (!exact && !big && !twins && !loose_mode(mode))) {
        fprintf(stderr, "usage: model [exact|passes|memory|steps|big|twins] SEED OPERATIONS\n");
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
        done += exact   ? run_exact(sequence, most)
                : big   ? big_run(sequence, most, &operation, loud)
                : twins ? twins_run(sequence, most, &operation, loud)
                        : loose_run(mode, sequence, most, &operation, loud);
        sequences++;
    } while (!loud && done < total);
    if (exact)
        check_sums(done);
    else if (twins)
        twins_sums(done);
    else if (!big)
        loose_sums(mode, done);
    printf("model %s: seed %lld: %ld operations in %ld sequences\n", mode, seed, done, sequences);
    return 0;
}
