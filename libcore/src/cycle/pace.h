/* cycle/pace.h: when a pass starts.
 *
 * After a full pass S objects (and bytes, buffers and foreign bytes included) survive. The next one starts
 * when the heap has grown by more than max(least, factor * S) in either measure, so garbage is never more
 * than a constant plus a constant times what lives, and passes cost a constant for each object born.
 * Growth is net: what dies by counting does not hasten a pass. Resident size plays no part: it says
 * nothing about garbage.
 *
 *   adapt.c: the factor    softlimit.c: bytes taken    region.c, holders.c: what holds passes off    stress.c */
#ifndef HUSK_CYCLE_PACE_H
#define HUSK_CYCLE_PACE_H

#include "object/state.h"

void husk__pace_begin(husk_heap *heap);

/* Looks exactly. True: a pass is due, pace.reason says why. False: nothing is to be done for a while. */
bool husk__pace_due(husk_heap *heap);

/* A search of everything begins: what is born from here on is growth. */
void husk__pace_search(husk_heap *heap);

/* After a full pass, before restart: what it says about time, cost, and the promises made. */
void husk__pace_note(husk_heap *heap, const husk_pass *pass, uint64_t start, bool corrupt);

/* Where a pass in steps must be finished at once: the hard bound is max(least, factor_max * S) + least above S. SIZE_MAX:
 * there is none. */
void husk__pace_most(const husk_heap *heap, size_t *blocks, size_t *bytes);

/* Growth that is left up to there. */
void husk__pace_room(const husk_heap *heap, size_t *blocks, size_t *bytes);

/* After a full pass that looked at `examined` objects and ended `collected`. */
void husk__pace_restart(husk_heap *heap, size_t examined, size_t collected);

/* After a change of settings: the triggers of the store are chosen anew. */
void husk__pace_set(husk_heap *heap);

/* Net figures of the present, exact: what lies in hands is not born. */
size_t husk__pace_present(husk_heap *heap, size_t *bytes);

/* Where a growth pass starts, in blocks and bytes; SIZE_MAX: never. */
void husk__pace_limits(const husk_heap *heap, size_t *blocks, size_t *bytes);

/* How far past a limit a heap that hovers just below it may go before it is looked at again. */
static inline size_t husk__pace_slack(size_t least)
{
    return least / 16 + 1;
}

/* No automatic pass starts now, whatever grows. */
static inline bool husk__pace_held(const husk_heap *heap)
{
    return heap->pace.disabled || heap->pace.region.now.active;
}

#endif
