/* tests/model/reference.h: the slow, obvious model of a heap: what docs and headers promise, with no regard for
 * speed or memory. It knows nothing of the library; only the addresses of objects are told to it, because the
 * order within a set of garbage is by address. */
#ifndef MODEL_REFERENCE_H
#define MODEL_REFERENCE_H

#include "script.h"

typedef struct ref_obj {
    kind kind;
    bool alive;     /* stands in memory, dying or not */
    bool queued;    /* count reached zero */
    bool condemned; /* in the set of a running pass */
    bool ending;    /* and that set is being reclaimed */
    bool finalized, frozen, immortal;
    long count;
    int slot[MOST_SLOTS];
    int slots;
    int target;              /* weak references: 0 when gone */
    bool calls, frees;       /* weak references: has a callback, has data_free */
    int weaks[MOST_IDS / 8]; /* weak references to it, oldest first */
    int weak_count;
} ref_obj;

typedef struct ref_pass {
    long passes, examined, collected, uncollectable, finalized, resurrected, cleared;
} ref_pass;

typedef struct ref_heap {
    uint64_t seed;
    ref_obj *obj; /* by number, 1 to born */
    int born;
    const uintptr_t *address; /* by number; told by the real world */
    int handle[HANDLES + 1];
    int dying[MOST_IDS], dying_count;                     /* first is next */
    int events[4 * MOST_IDS], events_first, events_count; /* weak references that call or free, in order */
    int saved[MOST_IDS], saved_count;
    bool busy, in_hook, save_all, wanted, watched, closing;
    int disabled, watch_calls;
    long foreign;
    ref_pass total;
    event_log *log;
} ref_heap;

void ref_begin(ref_heap *h, uint64_t seed, const uintptr_t *address, event_log *log);
void ref_do(ref_heap *h, act a);
int ref_live(const ref_heap *h);
/* The end: what close does. */
void ref_close(ref_heap *h);

#endif
