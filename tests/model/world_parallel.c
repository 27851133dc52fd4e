/* tests/model/world_parallel.c: full passes on several threads, in heaps that are too small to gain by it: the one place
 * that looks inside the library. See world.h. */
#include "world.h"

#include "cycle/parallel.h"

#include <stdio.h>
#include <stdlib.h>

void world_parallel(world *w, unsigned threads)
{
    husk_status status = husk_heap_set_parallel(w->heap, threads);
    if (status != HUSK_OK && !(w->may_fail && status == HUSK_ENOMEM)) {
        fprintf(stderr, "parallel: %s\n", husk_heap_message(w->heap));
        abort();
    }
    if (husk_heap_parallel(w->heap) > 1)
        w->heap->parallel->least = 0;
}
