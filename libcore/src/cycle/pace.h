/* cycle/pace.h: when a pass starts.
 *
 * After a full pass S objects (and bytes, buffers and foreign bytes included) survive. The next one starts
 * when the heap has grown by more than max(least, factor * S) in either measure, so garbage is never more
 * than a constant plus a constant times what lives, and passes cost a constant for each object born.
 * Growth is net: what dies by counting does not hasten a pass. Resident size plays no part: it says
 * nothing about garbage. */
#ifndef HUSK_CYCLE_PACE_H
#define HUSK_CYCLE_PACE_H

#include "object/state.h"

void husk__pace_begin(husk_heap *heap);

/* Looks exactly. True: a pass is due, pace.reason says why. False: nothing is to be done for a while. */
bool husk__pace_due(husk_heap *heap);

/* After a full pass that looked at `examined` objects and ended `collected`. */
void husk__pace_restart(husk_heap *heap, size_t examined, size_t collected);

/* After a change of settings. */
void husk__pace_set(husk_heap *heap);

#endif
