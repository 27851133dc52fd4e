/* husk/parallel.h: full passes on several threads.
 *
 * The search for garbage, most of what a pass costs, is divided among the owner's thread and helpers that the heap
 * keeps for it; the rest of the pass (finalizers, ending what was found) stays with the owner. What is found is the
 * same set, and the records of the pass say the same. The call that started the pass returns when all are done, so
 * nothing else about threads changes: a heap still belongs to one at a time.
 *
 * Helpers call no code of the program: objects whose type has `each`, weak-key maps and their keys are left to the
 * owner's thread. They sleep between passes, with all signals blocked, and a pass asks for no memory. Passes in steps,
 * runs over young pages and heaps of fewer than HUSK_PARALLEL_LEAST objects stay on one thread.
 *
 * After fork the child has no helpers: its heaps are as if this had never been asked for. Off by default.
 * Method: work-stealing marking by pages instead of objects (Flood, Detlefs, Shavit, Zhang 2001; Ossia et al. 2002,
 * work packets). Threads: the heap's owner. */
#ifndef HUSK_PARALLEL_H
#define HUSK_PARALLEL_H

#include <husk/base.h>
#include <husk/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HUSK_PARALLEL_MOST 8u        /* threads, the owner's among them */
#define HUSK_PARALLEL_LEAST 2000000u /* objects; in smaller heaps two threads gain nothing */

/* How many threads a full pass may use, from 1 (the default: the owner's alone) to HUSK_PARALLEL_MOST. Makes or ends
 * the helpers at once; may be called inside hooks. On failure all is as before: HUSK_ERANGE; HUSK_ENOMEM when memory or
 * a thread is refused. */
HUSK_API husk_status husk_heap_set_parallel(husk_heap *heap, unsigned threads);

/* What is set; 1 in the child of a fork. */
HUSK_API unsigned husk_heap_parallel(const husk_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
