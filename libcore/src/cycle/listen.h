/* cycle/listen.h: who is told of passes, and the garbage list. */
#ifndef HUSK_CYCLE_LISTEN_H
#define HUSK_CYCLE_LISTEN_H

#include "object/state.h"

bool husk__has_listeners(const husk_heap *heap);

/* Calls the callbacks in order, as hooks. */
void husk__tell(husk_heap *heap, husk_phase phase, const husk_pass *pass);

/* Start and stop for the passes that ran inside allocations. */
void husk__tell_untold(husk_heap *heap);

/* Room for n more entries of the garbage list. False: store->failure. */
bool husk__garbage_reserve(husk_heap *heap, size_t n);

#endif
