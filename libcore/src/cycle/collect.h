/* cycle/collect.h: a pass, in order, and what waits for a safe point. */
#ifndef HUSK_CYCLE_COLLECT_H
#define HUSK_CYCLE_COLLECT_H

#include "cycle/set.h"

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

/* The parts of a pass that one in steps shares. Entering and leaving it; ending a set, with its finalizers unless
 * quiet, adding to what *pass says; telling of damage; adding the pass to the sums. */
void husk__collect_enter(husk_heap *heap, bool quiet);
void husk__collect_leave(husk_heap *heap);
void husk__collect_end(husk_heap *heap, struct husk__set *set, bool quiet, husk_pass *pass);
void husk__collect_corrupt(husk_heap *heap, const husk_obj *obj, uint64_t seen);
void husk__collect_note(husk_generation *total, const husk_pass *pass);

/* A pass that nobody heard of is over: the callbacks are told, at the next safe point if quiet. */
void husk__collect_told(husk_heap *heap, bool quiet, const husk_pass *pass);

/* A pass up to where it would begin to end something: afterwards the set is made (or empty), and *out says what a dry
 * run says. call names the caller in failures: HUSK_EBUSY, HUSK_ECORRUPT, and then there is no set. */
husk_status husk__dry_begin(husk_heap *heap, const char *call, struct husk__set *set, husk_pass *out);
/* Forgets the set, if there is one. */
void husk__dry_end(husk_heap *heap, struct husk__set *set);

/* The callbacks' and the list's memory: the end of the heap. */
void husk__collect_close(husk_heap *heap);

#endif
