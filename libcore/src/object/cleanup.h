/* object/cleanup.h: the inside of a cleanup, and the end of the registry. */
#ifndef HUSK_OBJECT_CLEANUP_H
#define HUSK_OBJECT_CLEANUP_H

#include "object/weak.h"

#include <husk/cleanup.h>

struct husk_cleanup {
    struct husk_weak weak; /* first: it is one, of a type of its own */
    husk_cleanup *newer, *older;
    husk_cleanup_fn *fn;
    uint64_t number;       /* in the order of registration */
    bool at_exit, pending; /* pending: in one of the heap's lists, which has a reference */
};

/* Closing: takes all cleanups off the registry without running them. True: there were some. */
bool husk__cleanups_forget(husk_heap *heap);

#endif
