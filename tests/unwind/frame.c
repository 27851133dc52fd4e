/* tests/unwind/frame.c: one function that calls back, with a frame of FRAME bytes: two of these, of the same length, may
 * follow each other at the same address. */
#include <stdint.h>

__attribute__((visibility("default"))) int frame_call(int (*back)(void *), void *data)
{
    volatile char space[FRAME];
    space[0] = 1;
    space[FRAME - 1] = 2;
    return back(data) + space[0] + space[FRAME - 1];
}
