/* tests/model/world.h: the real heap, told the same as the reference. */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "script.h"

#include <husk.h>

/* An entry that was put into a weak container. It may be gone since, if its target died. */
typedef struct world_row {
    int target, other, number;
} world_row;

enum { WORLD_ROWS = 8 * MOST_ROWS };

typedef struct world {
    uint64_t seed;
    husk_heap *heap;
    kind kinds[MOST_IDS];
    uintptr_t address[MOST_IDS]; /* by number, also of the dead */
    int born;
    husk_obj *handle[HANDLES + 1];
    /* What the program knows: numbers, noted at each store. Never read from the heap. */
    int held[HANDLES + 1];
    int slot[MOST_IDS][MOST_SLOTS];
    int target[MOST_IDS];
    world_row row[MOST_IDS][WORLD_ROWS];
    int rows[MOST_IDS];
    bool pending[MOST_IDS], at_exit[MOST_IDS];
    bool holds[MOST_IDS]; /* soft references; used: the order of use */
    long used[MOST_IDS], uses;
    int yielding; /* yields under way, one in a hook of another */
    bool yields;  /* soft references may let go at moments that are the heap's business */
    husk_deadqueue *queue;
    int queue_number;
    bool queued[MOST_IDS];  /* watches in it, whether their objects have died or not */
    bool touched[MOST_IDS]; /* hooks had it in hand, or changed what led to it, since this was cleared */
    event_log *log;
    bool in_hook;
    bool closing;           /* data_free only tells: the heap is half gone */
    bool allocating;        /* no user code may run */
    bool may_fail;          /* memory was limited or made to fail */
    bool (*promise)(act a); /* may this be done? NULL: yes */
    uint64_t watch;
    int watch_calls;
} world;

void world_setup(void);
void world_begin(world *w, uint64_t seed, const husk_heap_options *options, event_log *log);
void world_do(world *w, act a);

/* The number of the object at this address: the latest born there. */
int world_number(const world *w, const husk_obj *obj);
size_t world_slots(const world *w, husk_obj *obj);
husk_obj *world_slot(const world *w, husk_obj *obj, size_t slot);

/* ---- types, hooks, slots: world_types.c ---- */

extern const husk_type *world_types[K_TYPES];
/* Where the slot is; NULL: it is a value, and world_value_place says where. */
husk_obj **world_place(const world *w, husk_obj *obj, size_t slot);
husk_value *world_value_place(husk_obj *obj, size_t slot);
void world_mark_birth(husk_obj *obj, kind k, int number);
/* One more slot, empty; false: no memory. */
bool world_bag_grow(world *w, husk_obj *obj);

/* ---- weak references and cleanups: world_weak.c ---- */

void world_weak_to(world *w, act a);
void world_cleanup_do(world *w, act a);

/* For weak references of all kinds: the data is the number. */
void world_on_gone(husk_weak *weak, void *data);
husk_free_fn *world_on_free(const world *w);
/* There may be one more weak reference to x. */
bool world_weak_fits(const world *w, const husk_obj *x);

/* ---- soft references: world_soft.c ---- */

void world_soft_do(world *w, act a);
/* What the soft reference holds is what was noted, unless the heap let go by itself; then that is noted. True: it did. */
bool world_soft_look(world *w, int soft, husk_obj *obj);
/* A request for an object has just been refused: none holds any more. */
void world_soft_refused(world *w);

/* ---- the queue of the dead: world_queue.c ---- */

void world_queue_do(world *w, act a);
void world_queue_end(world *w);

/* ---- several threads: world_parallel.c ---- */

void world_parallel(world *w, unsigned threads);

/* ---- weak containers: world_tie.c ---- */

void world_container_do(world *w, act a);
size_t world_entries(husk_obj *container);
/* The next entry that the heap shows; its key or value is nil in a weak set. */
bool world_next(husk_obj *container, size_t *cursor, husk_obj **target, husk_value *other);
/* Is this one of the entries that were put in? NULL: no. */
const world_row *world_noted(const world *w, int container, int target, husk_value other);
/* Forgets what the heap shows no more. */
void world_prune(world *w, int container);

/* ---- what the parts of the real world know of each other ---- */

/* Hooks have no other way to know it; one heap at a time. */
extern world *world_now;
/* Tells, then does what hook_acts says. */
void world_hook(told told_what, int number, husk_obj *self);
/* number: as noted when it was stored. The reference is the handle's now. */
void world_give(world *w, unsigned handle, husk_obj *obj, int number);
int world_enter(world *w, husk_obj *obj, kind k);

#endif
