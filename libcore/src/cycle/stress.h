/* cycle/stress.h: passes at allocations, asked for by the program or by the environment. */
#ifndef HUSK_CYCLE_STRESS_H
#define HUSK_CYCLE_STRESS_H

#include "object/state.h"

/* Reads HUSK_STRESS: N or N:SEED; false and an error of the thread where it is something else. */
bool husk__stress_asked(husk_stress *out);

/* Counts an allocation. True: a pass is due. */
bool husk__stress_due(husk_heap *heap);

#endif
