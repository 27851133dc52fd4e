/* store/sizes.c: the table of size classes. See sizes.h. */
#include "store/sizes.h"

#include "base/check.h"

#define EIGHT(from, step)                                                                                    \
    (from) + (step), (from) + 2 * (step), (from) + 3 * (step), (from) + 4 * (step), (from) + 5 * (step),     \
        (from) + 6 * (step), (from) + 7 * (step), (from) + 8 * (step)

/* clang-format off */
const uint16_t husk__class_bytes[HUSK__CLASSES] = {
    32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128,
    EIGHT(128, 16),
    EIGHT(256, 32),
    EIGHT(512, 64),
    EIGHT(1024, 128),
    EIGHT(2048, 256),
    EIGHT(4096, 512),
    9360, 10912, 13104, 16384, 21840, 32768, /* a page by 7, 6, 5, 4, 3, 2, cut to a multiple of 16 */
};
/* clang-format on */

unsigned husk__class_of(size_t bytes)
{
    CHECK(bytes <= HUSK__LARGEST);
    if (bytes <= 128)
        return bytes <= HUSK__SMALLEST ? 0 : (unsigned)((bytes - HUSK__SMALLEST + 7) / 8);
    if (bytes <= 256)
        return 13 + (unsigned)((bytes - 129) / 16);
    if (bytes <= 8192) {
        unsigned doubling = husk__highest_bit(bytes - 1); /* 8: 257..512 */
        size_t start = (size_t)1 << doubling;
        return 21 + (doubling - 8) * 8 + (unsigned)((bytes - 1 - start) >> (doubling - 3));
    }
    unsigned class = 61;
    while (husk__class_bytes[class] < bytes)
        class ++;
    return class;
}
