/* tests/model/clock.h: time that passes by looking at it. The library's clock is the C library's, so a program that
 * brings its own decides how much a step gets done, and a seed repeats what it did. */
#ifndef MODEL_CLOCK_H
#define MODEL_CLOCK_H

#include <stdint.h>

/* From now on each look takes so many nanoseconds; 0: the real clock. */
void clock_tick(uint64_t ns);

#endif
