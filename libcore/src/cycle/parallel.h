/* cycle/parallel.h: a search of all the heap by several threads (<husk/parallel.h>), from the same parts as that by
 * one (searching.h, marking.h).
 *
 *   open:      pages are taken in slices of eight, in order; side entries are the taker's own      | barrier
 *   subtract:  the same; counts go by atomic additions, overflow goes to the carries by a lock     | barrier
 *   seed:      the same; the taker's own entries are judged                                        | barrier
 *   mark:      the same; what is held from outside goes right into the ring. Who finds no slice left goes on with what
 *              is left in its delay line and ring, then with pages from one queue for all
 *
 * Marking: what does not fit into a ring waits as a pending bit, its page in the queue; who has nothing left takes a
 * page from there, or sleeps until one comes. When all sleep and the queue is empty, nobody has anything left: an
 * object that waits is in a ring, a delay line or on a queued page, or on a page that somebody is scanning.
 *
 * What only the owner's thread looks into (objects whose type has `each`, weak-key maps and their keys) waits
 * as a bit, too, its page in a second queue that only the owner takes from. A page is in one queue at most; when a
 * helper meets such an object's bit on a page of the first queue, it sets it again and the page goes to the second. */
#ifndef HUSK_CYCLE_PARALLEL_H
#define HUSK_CYCLE_PARALLEL_H

#include "cycle/find.h"
#include "cycle/team.h"

struct husk__parallel_queue {
    struct husk__page *first, *last; /* linked by queued_next; the last one points at itself */
};

/* One thread's. */
struct husk__worker {
    struct husk__marker marker; /* first: a marker of ours is a worker */
    struct husk__found found;
    struct husk__parallel *parallel;
    bool is_owner;
    const struct husk__chunk *chunk; /* the slice under way */
    uint64_t left;                   /* its pages still to come */
    char apart[64];                  /* the next worker's part begins in another cache line */
};

struct husk__parallel {
    struct husk__worker worker[HUSK__TEAM_MOST + 1];
    struct husk__team team;
    husk_heap *heap;
    unsigned threads;
    size_t least;      /* objects: below that one thread does it */
    uint64_t searches; /* by several threads so far */

    _Atomic size_t slice; /* the next one to be taken */
    _Atomic bool damaged; /* no more slices: the search has found damage */

    pthread_mutex_t lock; /* of what follows, and of the store's carries */
    pthread_cond_t come;  /* a page has come into a queue, or all is done */
    struct husk__parallel_queue all, owners;
    unsigned asleep; /* threads without work */
    bool finished;   /* all of them, and there is none */
};

/* A full search had better be done by several threads. */
bool husk__parallel_profits(husk_heap *heap);

/* Does it, from a search that has begun to SEARCH_FOUND; proxied as in husk__find_without. */
void husk__parallel_search(husk_heap *heap, husk_obj *const *proxied, size_t count);

/* The end of the heap. */
void husk__parallel_close(husk_heap *heap);

#endif
