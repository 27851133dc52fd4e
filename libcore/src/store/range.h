/* store/range.h: where chunks come from: one address range reserved for the process, or, where the system
 * refuses that (an address space limit, a strict overcommit policy), aligned mappings one by one.
 *
 * Everything above works on the alignment of chunks alone, so the two modes differ only here. Any thread. */
#ifndef HUSK_STORE_RANGE_H
#define HUSK_STORE_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#define HUSK__CHUNK_SHIFT 22
#define HUSK__CHUNK ((size_t)1 << HUSK__CHUNK_SHIFT)

/* Usable, zeroed memory of `bytes`, aligned to 4 MiB, alone in its chunks; or NULL. A request. */
void *husk__range_take(size_t bytes);

/* Gives back what husk__range_take gave for `bytes`. */
void husk__range_give(void *at, size_t bytes);

/* "range" or "mapped". */
const char *husk__range_mode(void);

/* For tests: no reservation from now on. Only while no heap exists. */
void husk__range_refuse(bool refuse);

#endif
