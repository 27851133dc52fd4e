/* object/death.h: the only road back, for counting and for passes alike.
 *
 *   count 0 --> QUEUED --> 1 finalize (may come back) --> 3 reclaim --> 4 callbacks
 *   a set   --> CONDEMNED --> 1 finalize --> 2 confirm (cycle/) --> 3 reclaim --> 4 callbacks
 *
 * The drain is one loop whose links lie in the dying objects: no recursion, no memory. With a death budget it
 * stops after so many steps; what is left stays queued, settled and linked as it is, for the next slow path. */
#ifndef HUSK_OBJECT_DEATH_H
#define HUSK_OBJECT_DEATH_H

#include "object/state.h"

/* Ends everything that is queued, then runs events, until both are empty; in quiet mode finalizers are put
 * off to heap->due and events wait. The caller is the outermost: busy has no BUSY_DRAIN. */
void husk__drain_all(husk_heap *heap);

/* The same, but with a death budget at most heap->deaths_left steps: a death, an object put off or a callback
 * each. Every way in from outside sets deaths_left first: husk__ration, or SIZE_MAX where all must go. */
void husk__drain(husk_heap *heap);

/* A slow path begins that may end as much as the budget says. */
ALWAYS_INLINE void husk__ration(husk_heap *heap)
{
    heap->deaths_left = heap->death_budget;
}

/* Ends all that a death budget left: before what needs the heap settled. Not inside a hook. True: there was some. */
bool husk__drain_rest(husk_heap *heap);

/* The last reference is gone: it ends now, or as soon as whoever is at work comes to it. */
void husk__release_last(husk_obj *obj);

/* A release too many: tells what is known of it and ends the process. */
_Noreturn void husk__report_overrelease(const husk_obj *obj);

/* Step 1 for one object: holds it, runs its finalizer. True: it is still dead (count zero again). */
bool husk__finalize(husk_heap *heap, husk_obj *obj, const husk_type *type);

/* Step 3 for a member of a set: disposes it and lets go of what is outside the set (its pending bits
 * tell). The block is the caller's to give back, unless the answer is false: then an event does it later. */
bool husk__reclaim_member(husk_heap *heap, husk_obj *obj, const husk_type *type);

/* Lets go of what is outside the set from reference number `from` on: of a member whose references lie side by side and
 * that needs nothing else. */
void husk__reclaim_flat_rest(husk_heap *heap, husk_obj *obj, const husk_type *type, size_t from);

/* The weak references to obj end; those with callbacks become events, but for members of a set that ends. */
void husk__end_weaks(husk_heap *heap, husk_obj *obj);

/* The dying objects that wait in lists, and their bytes: shown nowhere as alive. */
size_t husk__dying_count(const husk_heap *heap, size_t *bytes);

#endif
