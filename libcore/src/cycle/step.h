/* cycle/step.h: a pass in steps: nominate while the program runs, then confirm at once, some pages at a time.
 *
 *   open --> subtract --> seed --> mark --> name: what is still in question is nominated
 *        --> confirm: the nominees of some pages, one batch after the other --> gather: what is left, held by nominees
 *        of other batches --> rest: that, as a whole --> close: the table is zero again
 *
 * Let G be what is garbage when the pass begins. Nobody can reach it, so its counts and slots stay as they are; each
 * of its objects is met once in each phase, and nothing that is met otherwise refers to it. So all of G is nominated,
 * whatever the program does. What else is nominated, confirming sorts out: it looks at counts and slots of its own set
 * only, with no code of the program in between. A weak lock on a member of G is a new reference, which is seen then.
 *
 * Blocks that die and are born between two steps keep the entry of their place: a nominee more, or one less that was
 * not in G. Pages that go take their entries with them (store.on_gone). */
#ifndef HUSK_CYCLE_STEP_H
#define HUSK_CYCLE_STEP_H

#include "object/state.h"

/* A new heap. */
void husk__step_begin(husk_heap *heap);

/* At an allocation. True: a pass in steps is under way, and has had its turn if it was its turn. */
bool husk__step_goes_on(husk_heap *heap);

/* A pass is due. True: it has begun in steps. */
bool husk__step_begins(husk_heap *heap);

/* At a safe point: goes on if garbage with hooks was left for it. */
void husk__step_safe(husk_heap *heap);

/* Goes on with the pass under way, or begins one for this reason, for about so long; no hook is running, and the queues
 * are served. What waits for a pass (HUSK__WAITS_REQUEST, HUSK__WAITS_PASS) is taken by one that begins by
 * HUSK_BY_IDLE, and waits again if that is given up. */
husk_status husk__step_run(husk_heap *heap, husk_reason reason, uint64_t budget_ns, husk_step *out);

/* Gives the pass up, if one is under way: its tables are needed, or end. */
void husk__step_drop(husk_heap *heap);

/* A page is about to be given back between two steps. */
void husk__step_gone(husk_heap *heap, struct husk__page *page);

#endif
