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
    MOST_EVENTS = 8192,
    HOOK_ACTS = 2,
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
    K_TREE,          /* acyclic */
    K_TREE_FIN,      /* acyclic with finalize and dispose */
    K_LARGE,         /* a block of its own pages */
    K_MADE,          /* kinds below are made by A_NEW, these by A_WEAK: */
    K_WEAK = K_MADE, /* shared, no callback */
    K_CALL,          /* with callback or data_free */
    KINDS,
} kind;

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
    A_COLLECT,
    A_DRY,
    A_WALK,        /* counts what a walk shows */
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
    A_FOREIGN, /* z: more bytes */
    A_WATCH,   /* a callback around passes; again: none */
    A_PAIR,    /* slot z of x := y and slot z of y := x */
    A_FORGET,  /* all handles from y on become empty, and a collect */
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
    E_HELD, /* of one type, at the close */
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

/* What the hook `told_what` of object `number` does. Deterministic. */
void hook_acts(uint64_t seed, told told_what, int number, act out[HOOK_ACTS]);

#endif
