/* preload/session.h: the tracing of this process from its first allocation to its end.
 *
 *   waits --> on    at the first allocation when there is an environment, at the latest in our constructor
 *         '-> off   the environment is wrong, or this is a child that is not followed
 *
 * The snapshot is written when all destructors of all libraries have run, or in _exit. */
#ifndef HUSK_PRELOAD_SESSION_H
#define HUSK_PRELOAD_SESSION_H

#include "base/check.h"

#include <husk/base.h>

#include <stdatomic.h>
#include <stdbool.h>

enum preload_state { PRELOAD_WAITS, PRELOAD_OFF, PRELOAD_ON };
extern _Atomic enum preload_state preload_state;
/* A signal came inside of an allocation: to be looked at behind it. */
extern atomic_bool preload_asked;
/* An allocation was passed on: malloc was called, and it was ours. */
extern atomic_bool preload_passed;

/* More than 0: this thread is inside of an allocator or of us; what it allocates is nobody's business. */
extern _Thread_local unsigned preload_inside __attribute__((tls_model("initial-exec")));

void preload_begin(void);
/* The end is near, by _exit. */
void preload_finish(void);
/* A snapshot that a signal asked for. */
void preload_answer(void);

/* Bytes that the program has asked for and not given back; false: they are not counted, or sampled. libhusk in the
 * program looks for it by name: husk_native_used. */
HUSK_API bool husk_preload_used(uint64_t *bytes);

/* False: pass on as if we were not here. */
ALWAYS_INLINE bool preload_enter(void)
{
    if (UNLIKELY(preload_inside))
        return false;
    if (UNLIKELY(atomic_load_explicit(&preload_state, memory_order_relaxed) != PRELOAD_ON)) {
        if (atomic_load_explicit(&preload_state, memory_order_relaxed) == PRELOAD_OFF)
            return false;
        preload_begin();
        if (atomic_load_explicit(&preload_state, memory_order_relaxed) != PRELOAD_ON)
            return false;
    }
    preload_inside = 1;
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

ALWAYS_INLINE void preload_leave(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    preload_inside = 0;
    if (UNLIKELY(atomic_load_explicit(&preload_asked, memory_order_relaxed)))
        preload_answer();
}

#endif
