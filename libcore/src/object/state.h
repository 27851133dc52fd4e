/* object/state.h: struct husk_heap, all parts by value.
 *
 *   births --> store (bins, pages, chunks)          figures in store --> pace --> when a pass starts
 *   releases --> dying (the drain) --> blocks back
 *                   '--> events: callbacks and data_free of weak references, run when the drain is empty
 *   other threads --> later, store.attention: served at the next safe point
 *
 * busy == 0 exactly while no drain, hook or pass of this heap is under way and neither an owner check nor a
 * death budget is asked for: then a release may take the short road. Outside of them dying is empty, unless
 * HUSK__WAITS_DEATH says that a death budget left some of it. quiet: user code must not run now (a pass inside an
 * allocation). */
#ifndef HUSK_OBJECT_STATE_H
#define HUSK_OBJECT_STATE_H

#include "object/cell.h"
#include "object/pacestate.h"
#include "object/passdata.h"
#include "object/search.h"
#include "object/tie.h"
#include "object/type.h"
#include "store/walk.h"
#include "trace/blockmap.h"
#include "trace/capture.h"

#include <husk/cleanup.h>
#include <husk/collect.h>
#include <husk/heap.h>
#include <husk/leaks.h>
#include <husk/soft.h>
#include <husk/step.h>
#include <husk/weak.h>
#include <pthread.h>
#include <stdatomic.h>

/* husk_heap.busy */
enum {
    BUSY_DRAIN = 1u << 0,
    BUSY_HOOK = 1u << 1,
    BUSY_PASS = 1u << 2,
    BUSY_OWNER = 1u << 3,  /* check the owner at every slow path */
    BUSY_BRIDGE = 1u << 4, /* a host's collector looks at this heap: nothing may end (cycle/bridge.c) */
    BUSY_BUDGET = 1u << 6, /* deaths are rationed: see death_budget */
    BUSY_WORK = BUSY_DRAIN | BUSY_HOOK | BUSY_PASS | BUSY_BRIDGE,
};

/* husk_pass.generation: all objects, or those on pages that served recent births. */
enum { HUSK__OLD = 0, HUSK__YOUNG = 1 };

struct husk__pass_call {
    husk_pass_fn *fn;
    void *data;
    husk_free_fn *data_free;
    uint64_t id; /* 0: taken off meanwhile */
};

struct husk__young {
    size_t objects; /* births between two runs; 0: never */
    unsigned poor;  /* runs in a row without yield */
    bool skips;     /* what is born now is not looked at: after poor runs one in so many is enough */
};

/* See cycle/step.c. */
struct husk__stepping {
    uint64_t pause; /* budget of automatic steps; 0: passes run at once */
    husk_steps figures;
    husk_pass pass;                 /* the one under way */
    size_t named;                   /* nominated by it */
    struct husk__pages batch;       /* whose nominees are being confirmed */
    double member_ns;               /* what confirming and ending one cost lately */
    double object_ns;               /* what searching cost for an object */
    unsigned mistaken;              /* passes in a row that nominated more living than dead */
    unsigned again;                 /* young pages that have been looked at again */
    size_t room_blocks, room_bytes; /* to the hard bound, when it began */
    size_t rest;                    /* nominees that their batches did not confirm */
    bool waits;                     /* garbage with hooks is left, for a safe point */
    bool corrupt;                   /* some nominee has fewer references than slots that hold it */
    bool owed;                      /* somebody waits for it: for another one, if it is given up */
};

struct husk__set;

/* Finding leaks (survey/leaks.c, which sets the functions). */
struct husk__leak_finder {
    bool on, refused;
    bool whole; /* the set under way is all that is unreachable */
    void (*gather)(husk_heap *heap, const struct husk__set *set); /* in a pass, while the set is made */
    void (*tell)(husk_heap *heap);                                /* after it */
    husk_leaks *found;                                            /* to be told */
    husk_leaks_fn *fn;
    void *data;
    husk_free_fn *data_free;
    size_t most_objects;
};

struct husk__collector {
    husk_generation totals[HUSK_GENERATIONS];
    husk_pass untold; /* sum of the quiet passes that the callbacks have not heard of */
    bool save_all;
    struct husk__leak_finder leaks;
    husk_obj **garbage;
    size_t garbage_count, garbage_room;
    struct husk__pass_call *calls;
    size_t call_count, call_room;
    uint64_t next_call;
    size_t condemned, condemned_bytes; /* members not yet reclaimed, while hooks run */
};

enum husk__soft_reason { SOFT_BY_CALL, SOFT_BY_AGE, SOFT_BY_PRESSURE, SOFT_BY_LIMIT, SOFT_REASONS };
enum {
    HUSK__SOFT_SHARE = 16
}; /* at least so many let go at once when memory is short: a pass may follow each time */

struct husk__softs {
    husk_soft *newest, *oldest; /* those that hold, by use (object/soft.h) */
    size_t holding, references;
    uint64_t clock; /* passes begun */
    husk_soft_policy policy;
    uint64_t let_go[SOFT_REASONS], regained;
    size_t share; /* how many let go next time at the limit (cycle/collect.c) */
};

struct husk_heap {
    struct husk__store store; /* first: a store pointer is a heap pointer */

    uint32_t busy;
    bool quiet;
    bool reclaiming;     /* members of a set are ending: a weak reference among them must not call any more */
    husk_obj *ending;    /* taken from the drain or the events: its finalizer or data_free is running */
    husk_obj *dying;     /* linked as object/header.h says */
    husk_obj *due;       /* the same, whose finalizer or dispose waits for a safe point */
    size_t death_budget; /* most deaths and callbacks of one slow path; 0: all (and no BUSY_BUDGET) */
    size_t deaths_left;  /* of these, in the slow path under way */
    husk_weak *events_first, *events_last;
    struct husk__tie *loose;   /* entries of weak containers whose target has died (object/tie.h) */
    husk_cleanup *cleanups[2]; /* those registered, by at_exit, newest first; one reference each */
    size_t cleanup_count;
    uint64_t cleanup_number; /* of the latest one */
    struct husk__softs softs;
    uint32_t key_search; /* number of the latest search that counted keys (cycle/ephemeron.c) */
    _Atomic(husk_later *) later;

    struct husk__tracer *tracer;     /* NULL: births are not traced */
    struct husk__ledgered *ledgered; /* NULL: no ledger (object/ledgered.h) */
    struct husk__said said;
    struct husk__blockmap buffers; /* traced ones */
    size_t buffer_left;            /* sampled: bytes of buffers to the next sample */
    uint32_t trace_limit;          /* of the latest start; 0: none yet */

    struct husk__cells cells;
    struct husk__pace pace;
    struct husk__collector collector;
    struct husk__search search;
    struct husk__parallel *parallel; /* NULL: passes stay on one thread (cycle/parallel.h) */
    struct husk__stepping stepping;
    struct husk__young young;
    struct husk__passes passes;
    struct husk__bridging *bridging; /* while BUSY_BRIDGE is set */

    husk_status failure;
    char message[256];
    husk_error_fn *on_error;
    void *error_data;
    husk_free_fn *error_free;

    pthread_t owner;
    bool attached;
    char *name;
    void *data;

    /* Set by heap.c, as store.on_pressure: runs what waits (store.attention). */
    void (*on_safe)(husk_heap *heap);
    /* Somebody else wants the side table or the pages' marks: a search in steps gives them up. */
    void (*on_table)(husk_heap *heap);
};

ALWAYS_INLINE husk_heap *husk__heap_of(const void *at)
{
    return (husk_heap *)husk__chunk_of(at)->owner;
}

/* Goes through the touched blocks of a page, free ones too: for (HUSK__EACH_BLOCK(page, obj)) statement. */
#define HUSK__EACH_BLOCK(page, obj)                                                                          \
    husk_obj *obj = (husk_obj *)(void *)husk__page_start(page),                                              \
             *end_ = (husk_obj *)(void *)husk__page_end(page);                                               \
    obj < end_;                                                                                              \
    obj = (husk_obj *)(void *)((char *)obj + (page)->block)

/* An object of the heap, live or dying, stands at this address, whatever it is. */
bool husk__is_own_object(const husk_heap *heap, const void *at);

/* Stops the process if the calling thread is not the owner of a heap that asked for the check. */
void husk__check_owner(const husk_heap *heap);

#endif
