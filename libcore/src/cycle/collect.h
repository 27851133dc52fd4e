/* cycle/collect.h: a pass, in order, and what waits for a safe point. */
#ifndef HUSK_CYCLE_COLLECT_H
#define HUSK_CYCLE_COLLECT_H

#include "object/state.h"

/* Inside an allocation: a pass over garbage without hooks, if one is due. Never runs user code. */
void husk__collect_pressure(husk_heap *heap);

/* The same because memory ran out; then empty pages go back, then soft references let go, a share at each call until
 * something came free. again: what came free at the last call was not enough. False: there is nothing more. */
bool husk__collect_limit(husk_heap *heap, bool again);

/* Of what waits, all but passes: later releases, events, news of quiet passes. True: there were releases
 * or events. */
bool husk__collect_queues(husk_heap *heap);

/* Runs what waits: later releases, events, untold and wanted passes. The heap is not busy. */
void husk__collect_safe(husk_heap *heap);

/* A full pass with hooks; sums up in *sum. */
husk_status husk__collect_full(husk_heap *heap, husk_reason reason, husk_pass *sum);

/* The callbacks' and the list's memory: the end of the heap. */
void husk__collect_close(husk_heap *heap);

#endif
