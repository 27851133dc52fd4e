/* cycle/team.h: threads that wait for work, and do it together with the one that brings it.
 *
 *   the owner: run -----------> own part --> waits for the others --> returns
 *   a helper:  sleeps --> wakes --> its part --> sleeps
 *
 * The lock orders everything before a run before the helpers' parts, and these before its return. A team lives in one
 * process: a child of fork has none of its threads. Knows nothing of heaps. */
#ifndef HUSK_CYCLE_TEAM_H
#define HUSK_CYCLE_TEAM_H

#include <pthread.h>
#include <stdbool.h>

enum { HUSK__TEAM_MOST = 7 }; /* helpers */

typedef void husk__team_fn(unsigned member, void *context); /* member 0: the owner's thread */

struct husk__team {
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    unsigned helpers;
    unsigned forks; /* of this process and those before it, when the team was made */

    /* Under the lock. */
    unsigned round; /* number of the latest run */
    unsigned busy;  /* helpers that have not ended their part of it */
    bool ending;
    husk__team_fn *work;
    void *context;

    struct husk__helper {
        pthread_t thread;
        struct husk__team *team;
        unsigned member; /* from 1 */
    } helper[HUSK__TEAM_MOST];
};

/* Makes the threads; `team` is zeroed. 0, or the system's error number: then there are none. */
int husk__team_begin(struct husk__team *team, unsigned helpers);

/* Ends and joins them. In a child of fork: nothing is left to end. */
void husk__team_end(struct husk__team *team);

/* It was made by another process than this one. */
bool husk__team_is_lost(const struct husk__team *team);

/* work(member, context) on each thread at once. */
void husk__team_run(struct husk__team *team, husk__team_fn *work, void *context);

/* Stands in for pthread_create; only for tests. NULL: the system's. */
typedef int husk__thread_fn(pthread_t *out, const pthread_attr_t *attr, void *(*main)(void *), void *data);
void husk__team_set_thread_fn(husk__thread_fn *fn);

#endif
