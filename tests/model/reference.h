/* tests/model/reference.h: the slow, obvious model of a heap: what docs and headers promise, with no regard for
 * speed or memory. It knows nothing of the library; only the addresses of objects are told to it, because the
 * order within a set of garbage is by address. */
#ifndef MODEL_REFERENCE_H
#define MODEL_REFERENCE_H

#include "script.h"

/* An entry of a weak container, in the order of insertion. */
typedef struct ref_row {
    int target; /* held weakly; 0: dead, the row is loose */
    int other;  /* a weak-key map's value, a weak-value map's key; 0: no object */
    int number; /* a weak-value map's key if that is no object */
    long order; /* the how-manieth row of all */
    long tied;  /* when it was hung on its target */
} ref_row;

enum { ROOM_ROWS = 4 * MOST_ROWS }; /* loose ones too */

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
    bool pending, at_exit;   /* cleanups */
    int weaks[MOST_IDS / 8]; /* weak references to it, oldest first */
    int weak_count;
    ref_row row[ROOM_ROWS]; /* weak containers */
    int rows;
    int strong;    /* soft references: what it holds, or 0 */
    long used;     /* and the time of its latest use, in passes */
    bool in_queue; /* watches */
} ref_obj;

typedef struct ref_pass {
    long passes, examined, collected, uncollectable, finalized, resurrected, cleared;
} ref_pass;

/* Situations that a long run must have come across, or it tests less than it says. */
typedef enum met {
    MET_LOOSE_COUNTED,   /* entries whose target died by counting */
    MET_LOOSE_PASS,      /* in a pass */
    MET_LOOSE_SEEN,      /* acts on a container with loose entries: from hooks */
    MET_VALUE_ENDS,      /* what died because an entry let go of it */
    MET_OWN_KEY,         /* garbage held by an entry of a living map, whose key it holds: ephemerons */
    MET_BARE_KEY,        /* garbage without references of its own, known to a pass as a key alone */
    MET_KEY_BACK,        /* a key that a finalizer brought back, and its value with it */
    MET_MAP_ENDS,        /* containers that died with entries in them */
    MET_PASSED_BY,       /* condemned targets in an iteration */
    MET_NOT_HANDED_OUT,  /* in a look-up */
    MET_FOUND_CONDEMNED, /* values found with a condemned key in hand */
    MET_STEP,            /* entries gone or changed in the middle of an iteration */
    MET_AT_EXIT,         /* cleanups run at close */
    MET_AT_EXIT_NEXT,    /* registered by another one */
    MET_SOFT_YIELDED,    /* soft references that let go by the order of use */
    MET_SOFT_AGED,       /* by their age */
    MET_SOFT_REGAINED,   /* that hold again */
    MET_SOFT_GARBAGE,    /* that ended with what they held */
    MET_ARRIVED,         /* watches whose objects died by counting */
    MET_ARRIVED_PASS,    /* in a pass */
    MET_POLLED,          /* watches given out by their queue */
    MET_QUEUE_ENDED,     /* watches that lost their queue */
    MET_PUT_OFF,         /* deaths and callbacks that waited for a budget */
    MET_PUT_OFF_PASS,    /* until a pass */
    METS,
} met;
extern const char *const met_names[METS];

typedef struct ref_heap {
    uint64_t seed;
    ref_obj *obj; /* by number, 1 to born */
    int born;
    const uintptr_t *address; /* by number; told by the real world */
    int handle[HANDLES + 1];
    int dying[MOST_IDS], dying_count;                     /* first is next */
    int events[4 * MOST_IDS], events_first, events_count; /* weak references that call or free, in order */
    struct ref_loose {
        int owner;
        long tied;
    } loose[MOST_IDS * 4]; /* first is next */
    int loose_count;
    long rows_made, ties_made;
    int saved[MOST_IDS], saved_count;
    int soft[MOST_IDS], soft_count; /* those that hold, the one used longest ago first */
    long soft_clock;                /* passes */
    long regained, aged;            /* how often */
    unsigned max_age;               /* of the policy */
    int keep;
    int queue;                              /* of the dead: held by the program; 0: none */
    int waiting[MOST_IDS], waiting_count;   /* watches in it whose objects died, the first one first */
    int watching[MOST_IDS], watching_count; /* the others, newest first */
    size_t budget, left;                    /* of deaths; 0: none; of what is under way */
    bool busy, in_hook, save_all, wanted, watched, closing;
    int disabled, watch_calls;
    long foreign;
    ref_pass total;
    event_log *log;
    long met[METS]; /* since the start of the program */
} ref_heap;

void ref_begin(ref_heap *h, uint64_t seed, const uintptr_t *address, event_log *log);
void ref_do(ref_heap *h, act a);
int ref_live(const ref_heap *h);
/* What the containers and the registry answer. */
int ref_entries(const ref_heap *h, int container);
/* counts, by number: how many entries of weak containers each object has. */
void ref_count_entries(const ref_heap *h, int *counts);
int ref_cleanups(const ref_heap *h);
/* Dead, but waiting for their turn: what figures say. */
int ref_waiting(const ref_heap *h);
/* All of it ends. */
void ref_end_waiting(ref_heap *h);
bool ref_is_dying(const ref_heap *h, int n);
/* The end: what close does. */
void ref_close(ref_heap *h);

#endif
