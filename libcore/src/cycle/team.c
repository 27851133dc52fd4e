/* cycle/team.c: see team.h. */
#define _GNU_SOURCE
#include "cycle/team.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

enum { STACK = 256 * 1024 }; /* bytes; marking does not recurse */

static atomic_uint forks;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int refused; /* by pthread_atfork */
static husk__thread_fn *make_thread = pthread_create;

void husk__team_set_thread_fn(husk__thread_fn *fn)
{
    make_thread = fn ? fn : pthread_create;
}

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
    refused = pthread_atfork(NULL, NULL, count_fork);
}

static void *help(void *data)
{
    struct husk__helper *self = data;
    struct husk__team *team = self->team;
    unsigned round = 0;
    pthread_mutex_lock(&team->lock);
    for (;;) {
        while (team->round == round && !team->ending)
            pthread_cond_wait(&team->wake, &team->lock);
        if (team->ending)
            break;
        round = team->round;
        pthread_mutex_unlock(&team->lock);
        team->work(self->member, team->context);
        pthread_mutex_lock(&team->lock);
        if (--team->busy == 0)
            pthread_cond_signal(&team->done);
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

/* The threads begin with the signal mask of their maker: signals are for the program's own threads. */
static int make_helpers(struct husk__team *team, unsigned helpers, const pthread_attr_t *attr)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (team->helpers < helpers && !error) {
        struct husk__helper *helper = &team->helper[team->helpers];
        helper->team = team;
        helper->member = team->helpers + 1;
        error = make_thread(&helper->thread, attr, help, helper);
        team->helpers += !error;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int husk__team_begin(struct husk__team *team, unsigned helpers)
{
    pthread_attr_t attr;
    pthread_once(&once, watch_forks);
    int error = refused ? refused : pthread_attr_init(&attr);
    if (error)
        return error;
    team->forks = atomic_load_explicit(&forks, memory_order_relaxed);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->done, NULL);
    (void)pthread_attr_setstacksize(&attr, STACK); /* refused: the usual size does as well */
    error = make_helpers(team, helpers, &attr);
    (void)pthread_attr_destroy(&attr);
    if (error)
        husk__team_end(team);
    return error;
}

void husk__team_end(struct husk__team *team)
{
    if (husk__team_is_lost(team)) /* its condition variables have sleepers who never come back */
        return;
    pthread_mutex_lock(&team->lock);
    team->ending = true;
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->lock);
    for (unsigned i = 0; i < team->helpers; i++)
        pthread_join(team->helper[i].thread, NULL);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->lock);
}

bool husk__team_is_lost(const struct husk__team *team)
{
    return team->forks != atomic_load_explicit(&forks, memory_order_relaxed);
}

void husk__team_run(struct husk__team *team, husk__team_fn *work, void *context)
{
    pthread_mutex_lock(&team->lock);
    team->work = work;
    team->context = context;
    team->busy = team->helpers;
    team->round++;
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->lock);
    work(0, context);
    pthread_mutex_lock(&team->lock);
    while (team->busy)
        pthread_cond_wait(&team->done, &team->lock);
    pthread_mutex_unlock(&team->lock);
}
