/* cycle/young.h: when a run over young pages starts.
 *
 * Most objects die young, and a cycle of them lies on the pages that served its births: store/young.h has noted
 * these. A run over them costs what they hold, whatever else the heap has. */
#ifndef HUSK_CYCLE_YOUNG_H
#define HUSK_CYCLE_YOUNG_H

#include "object/state.h"

void husk__young_begin(husk_heap *heap);

/* True: a run is due. */
bool husk__young_due(husk_heap *heap);

/* A run has looked at `examined` objects and found so much garbage among them. left: garbage with hooks is there, its pages stay. */
void husk__young_ran(husk_heap *heap, size_t examined, size_t garbage, bool left);

/* A full pass has been made, after which nothing is young. */
void husk__young_full(husk_heap *heap);

/* From here on births are counted anew (store.look_...). */
void husk__young_arm(husk_heap *heap);

#endif
