/* store/sizes.h: the size classes.
 *
 * Steps of 8 bytes to 128, of 16 to 256, eight steps per doubling to 8 KiB (waste <= 12.5 %), then 1/7 to
 * 1/2 of a page. A block size that is a multiple of 16 falls into a class that is one, so alignment
 * survives rounding. */
#ifndef HUSK_STORE_SIZES_H
#define HUSK_STORE_SIZES_H

#include "base/bits.h"
#include "base/check.h"

enum {
    HUSK__CLASSES = 13 + 8 + 40 + 6,
    HUSK__NO_BIN = 2 * HUSK__CLASSES, /* a bin whose hand is always empty */
    HUSK__SMALLEST = 32, /* so that no two blocks begin in the same 32-byte granule (cycle/side.h) */
    HUSK__LARGEST = 32768,
};

/* Block size of each class. */
extern const uint16_t husk__class_bytes[HUSK__CLASSES];

/* The smallest class that holds `bytes`; bytes <= HUSK__LARGEST. */
unsigned husk__class_of(size_t bytes);

#endif
