/* cycle/region.h: a region without passes, with a budget (husk/pacing.h). */
#ifndef HUSK_CYCLE_REGION_H
#define HUSK_CYCLE_REGION_H

#include "object/state.h"

/* It goes on, so no pass is due. Looks exactly, and ends it where its budget is used up. */
bool husk__region_holds(husk_heap *heap);

/* Where it ends, as triggers of the store. */
void husk__region_limits(const husk_heap *heap, size_t *blocks, size_t *bytes);

/* A pass has run. */
void husk__region_note(husk_heap *heap, husk_reason reason);

#endif
