/* tests/model/compare.h: the real heap and the reference must agree after each operation. */
#ifndef MODEL_COMPARE_H
#define MODEL_COMPARE_H

#include "reference.h"
#include "world.h"

void compare(world *w, const ref_heap *h);

/* Says what differs and how to repeat it, and ends the process. Up to three numbers: %ld. main.c has it. */
_Noreturn void fail(const char *format, long a, long b, long c);

#endif
