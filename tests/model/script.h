/* tests/model/script.h: what both worlds are told to do, and what they tell back.
 *
 * The real heap (world.c) and the reference (reference.c) get the same operations; hooks get theirs from the seed
 * and the number of the object, so that both worlds decide alike without talking. Objects have numbers in the
 * order of their birth; the program holds them in a table of handles. */
#ifndef MODEL_SCRIPT_H
#define MODEL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HANDLES = 16,
    SELF = HANDLES,  /* as a handle in a hook: the object it runs for */
    MOST_IDS = 1024, /* births in one sequence */
    MOST_LIVE = 160, /* then births become drops */
    MOST_SLOTS = 6,
    MOST_ROWS = 20,  /* entries of a weak container; then no new ones */
    INT_KEYS = 5,    /* numbers used as keys of weak-value maps */
    MOST_STEPS = 64, /* of one iteration */
    MOST_EVENTS = 8192,
    HOOK_ACTS = 3,
};

typedef enum kind {
    K_NODE,     /* two references */
    K_FIN,      /* the same with finalize and dispose */
    K_DISP,     /* the same with dispose */
    K_ITEMS,    /* a trailing array */
    K_BAG,      /* a buffer */
    K_ODD,      /* a callback lists the references */
    K_VALS,     /* values */
    K_LEAF,     /* no references */
    K_LEAF_FIN, /* no references, finalize and dispose */
    K_LEAF_DISP,
    K_TREE,     /* acyclic */
    K_TREE_FIN, /* acyclic with finalize and dispose */
    K_LARGE,    /* a block of its own pages */
    K_TYPES,    /* kinds below are types of this test, the others of the library: */
    K_KEYMAP = K_TYPES,
    K_VALUEMAP,
    K_SET,
    K_MADE,          /* kinds below are made by A_NEW, these by A_WEAK_TO and A_CLEANUP: */
    K_WEAK = K_MADE, /* shared, no callback */
    K_CALL,          /* with callback or data_free */
    K_CLEANUP,
    K_SOFT,
    K_WATCH,
    K_QUEUE,
    KINDS,
} kind;

static inline bool is_container(kind k)
{
    return k == K_KEYMAP || k == K_VALUEMAP || k == K_SET;
}

static inline bool is_weak(kind k)
{
    return k == K_WEAK || k == K_CALL || k == K_CLEANUP || k == K_SOFT || k == K_WATCH;
}

typedef enum op {
    A_NONE,
    A_NEW,     /* z: kind; into y */
    A_SET,     /* slot z of x := y */
    A_CLEAR,   /* slot z of x := NULL */
    A_TAKE,    /* slot z of x := y, which becomes empty */
    A_SWAP,    /* slot z of x <-> y */
    A_GET,     /* y := slot z of x */
    A_DROP,    /* y := empty */
    A_COPY,    /* y := x */
    A_WEAK_TO, /* y := weak reference to x; z: 0 shared, 1 callback, 2 both, 3 data_free only */
    A_LOCK,    /* y := lock of x */
    A_GROW,    /* x, a bag, gets y appended */
    A_TIE,     /* entry of the container x: weak-key map y: handle z, weak-value map handle z: y, set y */
    A_UNTIE,   /* takes the same out */
    A_UNTIE_ALL,
    A_PEEK,      /* looks the same up; what a map says goes into handle z, or into y */
    A_EACH,      /* goes through the container x */
    A_EACH_DROP, /* the same; with each entry something ends: see act_in_step */
    A_LOOSEN,    /* empties all handles that hold the target of entry z of the container x */
    A_EPHEMERON, /* as A_TIE with x a weak-key map, and slot z of the value := y, its own key; see lets_go */
    A_CLEANUP,   /* y := cleanup for x; z: bit 0 at_exit, bit 1 data_free */
    A_DETACH,    /* the cleanup x */
    A_RUN,
    A_AT_EXIT,      /* of the cleanup x := bit 0 of z */
    A_CLEANUP_GET,  /* y := object of the cleanup x */
    A_RUN_CLEANUPS, /* those at_exit */
    A_COLLECT,
    A_DRY,
    A_WALK,        /* counts what a walk shows */
    A_SOFT,        /* y := soft reference to x; z: bit 0 callback, bit 1 data_free */
    A_SOFT_LOCK,   /* y := lock of the soft reference x */
    A_SOFT_LET_GO, /* x */
    A_SOFT_YIELD,  /* all but some, by z */
    A_DEATH_WATCH, /* the queue of the dead watches x; y := its watch, or, by bit 0 of z, the queue alone has it */
    A_POLL,        /* y := the watch of the one that died first */
    A_UNWATCH,     /* the watch x leaves the queue */
    HOOK_ACTS_END, /* above: may happen in hooks */
    A_SAFEPOINT = HOOK_ACTS_END,
    A_REQUEST, /* and a safe point */
    A_LATER,   /* y is released from elsewhere, and a safe point */
    A_FREEZE,
    A_UNFREEZE,
    A_SAVE_ALL, /* z: on or off */
    A_SAVED,    /* y := entry z of the garbage list */
    A_CLEAR_SAVED,
    A_DISABLE,
    A_ENABLE,
    A_IMMORTAL, /* y */
    A_TRIM,
    A_TRACE,    /* z: off, exact, sampled, forget */
    A_FOREIGN,  /* z: more bytes */
    A_WATCH,    /* a callback around passes; again: none */
    A_PAIR,     /* slot z of x := y and slot z of y := x */
    A_FORGET,   /* all handles from y on become empty, and a collect */
    A_PARALLEL, /* full passes on 1 to 3 threads, however small the heap */
    A_BUDGET,   /* of deaths in one release, by z: see budget_of */
    A_SOFT_POLICY,
    A_QUEUE_END, /* the next watch is in a new queue */
    A_END,
} op;

typedef struct act {
    unsigned char what, x, y, z;
} act;

typedef enum told {
    E_FINALIZE = 1, /* number of the object */
    E_DISPOSE,
    E_CALL, /* number of the weak reference */
    E_FREE,
    E_LOCKED, /* what a lock answered, 0: NULL */
    E_STATUS, /* of a call */
    E_WALKED, /* how many */
    E_START,  /* pass callbacks: how many so far */
    E_STOP,
    E_COLLECTED,
    E_UNCOLLECTABLE,
    E_FINALIZED,
    E_RESURRECTED,
    E_CLEARED,
    E_EXAMINED,
    E_CLEANED, /* number of the cleanup whose function runs */
    E_ANSWER,  /* of what cannot fail: 0 or 1, or how many */
    E_PEEKED,  /* what a look-up found; a number as key of a weak-value map: below 0 */
    E_TARGET,  /* of an iteration: what is held weakly */
    E_OTHER,   /* and its key or value */
    E_HELD,    /* of one type, at the close */
} told;

typedef struct event {
    int told;
    long number;
} event;

typedef struct event_log {
    event at[MOST_EVENTS];
    size_t count;
} event_log;

static inline void tell(event_log *log, told told_what, long number)
{
    if (log->count < MOST_EVENTS)
        log->at[log->count] = (event){ (int)told_what, number };
    log->count++;
}

typedef struct kind_facts {
    const char *name;
    int slots; /* -1: its own number */
    bool tracked, finalize, dispose;
} kind_facts;

extern const kind_facts facts[KINDS];
extern const char *const op_names[A_END];
extern const char *const told_names[];

struct random64;
/* What a program would do, with all operations in proportions that keep the heap moving. */
act next_act(struct random64 *r);

/* What A_NEW makes: some kinds more often than others. */
kind kind_of(unsigned char z);

/* The key of an act on a weak-value map: a handle's object, or a number, also where the handle is empty. */
static inline bool wants_number(unsigned char z)
{
    return z & 64;
}
static inline int number_key(unsigned char z)
{
    return z % INT_KEYS;
}
/* 0: none. */
static inline size_t budget_of(unsigned char z)
{
    static const size_t most[] = { 0, 1, 2, 5, 30 };
    return most[z % 5];
}
/* Of A_SOFT_YIELD and A_SOFT_POLICY. */
static inline int softs_kept(unsigned char z)
{
    return z % 6;
}
static inline unsigned softs_max_age(unsigned char z)
{
    return z % 4;
}
static inline int softs_policy_keep(unsigned char z)
{
    return z / 4 % 4;
}
/* May ask for a block, or for memory as one does: with a death budget, that is a moment at which more of the dead may
 * end, as the store sees fit. */
bool asks_for_memory(op what);
/* A_EPHEMERON leaves key and value to each other. */
static inline bool lets_go(unsigned char z)
{
    return z & 128;
}

/* Acts on containers and cleanups, which are few, take the next handle from x on that holds one; entries are mostly
 * of objects, the next one from y on. kinds: of the objects in the handles, KINDS for none. */
void aim(act *a, const kind kinds[HANDLES + 1]);

/* What an iteration does at its step number `step`, told by the act's z: empties a handle, takes out the entry it
 * has just seen, sets it anew from the handle, or nothing. */
typedef enum step_act { STEP_NONE, STEP_DROP, STEP_REMOVE, STEP_SET, STEP_ACTS } step_act;
step_act act_in_step(unsigned char z, int step, unsigned *handle);

/* What the hook `told_what` of object `number` does. Deterministic. */
void hook_acts(uint64_t seed, told told_what, int number, act out[HOOK_ACTS]);

#endif
