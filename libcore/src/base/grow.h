/* base/grow.h: an array that only grows and never moves while it fits its reservation: address space first, memory
 * as it is used. For tables of unknown length that must not be copied or zeroed twice.
 *
 * Where the system refuses so much address space, and beyond it, the array moves to a larger place. Not for
 * several threads at once. */
#ifndef HUSK_BASE_GROW_H
#define HUSK_BASE_GROW_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

struct husk__grow {
    char *at;
    size_t used;      /* bytes */
    size_t committed; /* zeroed beyond `used` */
    size_t reserved;
};

/* Room for `bytes` more behind `used`; false: the system refused. A request. */
bool husk__grow_room(struct husk__grow *grow, size_t bytes);

/* The next `bytes`, zeroed; NULL: the system refused. */
ALWAYS_INLINE void *husk__grow_add(struct husk__grow *grow, size_t bytes)
{
    if (UNLIKELY(bytes > grow->committed - grow->used) && !husk__grow_room(grow, bytes))
        return NULL;
    void *at = grow->at + grow->used;
    grow->used += bytes;
    return at;
}

void husk__grow_free(struct husk__grow *grow);

#endif
