/* cycle/pauses.h: how long programs waited for passes: a histogram for each mode.
 *
 * Log-linear buckets, the idea of HdrHistogram (Gil Tene): PAUSE_SPLIT buckets of one width in each power of two, so
 * that the width is 1/16 of the value at most, whatever the value. A power of two is found by counting zeros. */
#ifndef HUSK_CYCLE_PAUSES_H
#define HUSK_CYCLE_PAUSES_H

#include "object/state.h"

enum {
    PAUSE_UNIT_SHIFT = 6, /* the least width is 64 ns: a read of the clock costs half of it */
    PAUSE_SPLIT_SHIFT = 4,
    PAUSE_SPLIT = 1 << PAUSE_SPLIT_SHIFT,
};

/* The program waited for so long. */
void husk__pause_add(struct husk__pauses *pauses, uint64_t ns);

#endif
