/* object/passdata.h: what a heap keeps of its passes; cycle/passlog.c and cycle/pauses.c write it.
 *
 *   count      the latest pass that has ended; the record of pass n lies in ring[n % HUSK_RECORDS], if it has that
 *              number
 *   now        the pass under way, or the latest; at: the moment up to which its time is split
 *   freed      what it frees by type: at[0 .. count) in order of coming, index the way there from a type's number
 *
 * All of it is there from the start of the heap, because passes ask for no memory. */
#ifndef HUSK_OBJECT_PASSDATA_H
#define HUSK_OBJECT_PASSDATA_H

#include "base/statpage.h"

#include <husk/passes.h>

enum { FREED_TYPES = 64, FREED_INDEX = 256 }; /* at most a quarter full: short ways */

struct husk__freed_table {
    uint32_t count;
    husk_freed at[FREED_TYPES];
    husk_freed rest;
    uint8_t index[FREED_INDEX]; /* place in `at` + 1; 0: free. Open addressing */
};

struct husk__pauses {
    uint64_t count, total_ns, max_ns;
    uint64_t buckets[HUSK_PAUSE_BUCKETS];
};

struct husk__passes {
    uint64_t count;
    uint64_t at;
    uint64_t slice_ns;    /* of the present slice, so far; a pass at once is one slice */
    bool timed;           /* a slice is under way: what runs now is a part of the pass */
    bool printed;         /* HUSK_GCTRACE */
    bool any_frozen;      /* objects may have been set aside */
    uint64_t heap_number; /* of this heap in its process; 0: nobody has asked yet */
    struct husk__statplace place;
    husk_pass_record now;
    struct husk__freed_table freed;
    husk_pass_sums sums[HUSK_MODES];
    struct husk__pauses pauses[HUSK_MODES];
    husk_pass_record ring[HUSK_RECORDS];
};

#endif
