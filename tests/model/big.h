/* tests/model/big.h: what the small heaps of the other modes cannot reach: many chunks, queues that overflow. */
#ifndef MODEL_BIG_H
#define MODEL_BIG_H

#include <stdbool.h>
#include <stdint.h>

/* One heap of tens of thousands of objects, rewired and collected again and again; who must live is found by a
 * plain search. Returns the operations done. */
long big_run(uint64_t seed, long most, long *operation, bool loud);

#endif
