/* tests/unit/trace_locks.c: who looks at the tracer of the process when its tracing has just ended and another begins:
 * in every order that matters, by mutexes that call back (the linker puts ours before the thread library's). */
#include "fixture.h"

#include "trace/foreign.h"

#include <husk/trace.h>
#include <pthread.h>

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* What is done at the first lock that a call takes, and when it has given all of them back. */
static void (*at_first)(void), (*at_last)(void);
static int held, least;
static bool counts;

static void call(void (**function)(void))
{
    void (*once)(void) = *function;
    *function = NULL;
    if (!once)
        return;
    counts = false;
    once();
    counts = true;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (counts)
        call(&at_first);
    held += counts;
    return __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int status = __real_pthread_mutex_unlock(mutex);
    held -= counts;
    least = held < least ? held : least;
    if (counts && held == 0 && !at_first)
        call(&at_last);
    return status;
}

static void start(void)
{
    husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = 2 };
    assert_int_equal(husk_trace_start(NULL, &options), HUSK_OK);
    assert_int_equal(husk_trace_block(1, 16, 100), HUSK_OK);
}

static void stop(void)
{
    husk_trace_stop(NULL);
}

static void restart(void)
{
    stop();
    start();
}

/* ---- the calls that hold all locks ---- */

static void take_figures(void)
{
    husk_trace_figures figures = { 0 };
    husk_trace_figures_get(NULL, &figures);
}

static void hold(void)
{
    if (husk__foreign_hold())
        husk__foreign_release();
}

static void mark(void)
{
    (void)husk__foreign_mark("a mark");
}

static void look_up(void)
{
    (void)husk__foreign_stack(1, 16);
}

static void (*const calls[])(void) = {
    take_figures, hold, mark, look_up, husk__foreign_reset_peak, husk__foreign_clear, husk__foreign_stop,
};

static void test_end_and_start(void **state)
{
    (void)state;
    static void (*const befores[])(void) = { NULL, stop, restart };
    static void (*const behinds[])(void) = { NULL, start, stop };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (unsigned order = 0; order < 9; order++) {
            void (*before)(void) = befores[order / 3], (*behind)(void) = behinds[order % 3];
            if (behind == start && before != stop)
                continue; /* it is on already */
            start();
            at_first = before;
            at_last = behind;
            held = least = 0;
            counts = true;
            calls[i]();
            counts = false;
            assert_null(at_first);
            assert_int_equal(held, 0);
            assert_int_equal(least, 0); /* nothing was given back that was not held */
            at_last = NULL;
            stop();
            assert_int_equal(husk_trace_block(1, 16, 100), HUSK_ESTATE);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_end_and_start) };
    return RUN_ROUNDS("trace_locks", tests);
}
