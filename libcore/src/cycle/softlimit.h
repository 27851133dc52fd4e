/* cycle/softlimit.h: passes and trims because the bytes taken come to the soft limit (husk/pacing.h). */
#ifndef HUSK_CYCLE_SOFTLIMIT_H
#define HUSK_CYCLE_SOFTLIMIT_H

#include "object/state.h"

/* Something may be due. Gives spare pages back; true: a pass is due. Not inside a pass. */
bool husk__soft_due(husk_heap *heap);

/* A pass that the soft limit started has ended, and left nothing for later. If it was not enough, soft references let go. */
void husk__soft_yield(husk_heap *heap, bool quiet);

/* A pass has ended: spare pages past the limit go back, and the next look is when more is taken than is left. */
void husk__soft_note(husk_heap *heap, husk_reason reason);

#endif
