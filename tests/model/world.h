/* tests/model/world.h: the real heap, told the same as the reference. */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "script.h"

#include <husk.h>

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

#endif
