/* trace/stackrange.h: the mapping that the calling thread's stack lies in: what may be read. */
#ifndef HUSK_TRACE_STACKRANGE_H
#define HUSK_TRACE_STACKRANGE_H

#include <stdint.h>

/* Addresses from sp up to `high` can be read while a thread's stack pointer is sp, for any sp from low to high. */
struct husk__stack_range {
    uintptr_t low, high;
};

/* The range around sp, the present stack pointer or one above it. Asks the system; where that does not answer, the
 * page of sp alone. Keeps errno; asks for no memory. */
struct husk__stack_range husk__stack_range_find(uintptr_t sp);

#endif
