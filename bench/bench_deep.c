/* bench_deep.c: calls one inside the other, in C. Compiled twice: as programs are compiled usually, without
 * frame pointers and with unwind tables; and with frame pointers and without tables. */
#include "bench.h"
#include "system.h"

void BENCH_DEEP(size_t depth, sys_step *step, void *data)
{
    if (depth > 1)
        BENCH_DEEP(depth - 1, step, data);
    else
        step(data);
    BENCH_KEEP(data); /* so that no call is a jump */
}
