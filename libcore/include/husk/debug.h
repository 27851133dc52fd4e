/* husk/debug.h: asking the heap whether it is whole, and making memory fail on purpose. */
#ifndef HUSK_DEBUG_H
#define HUSK_DEBUG_H

#include <husk/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Checks the whole heap: pages and chunks, free lists, type ids, every slot, every count against the
 * references that can be seen, weak references both ways, byte totals. Changes nothing, asks for no
 * memory. The first damage found is in husk_heap_message. HUSK_ECORRUPT; HUSK_EBUSY while a pass or a hook
 * runs. Threads: the heap's owner. */
HUSK_API husk_status husk_heap_verify(husk_heap *heap);

/* Requests for memory that the library has made to the system in this process. A pass makes none, but for
 * the garbage list of save-all and what is told of leaks. Any thread. */
HUSK_API uint64_t husk_memory_requests(void);

/* From now on the nth request from here (1 is the next) is refused; with `on` also every later one. 0 ends
 * it. For tests; process-wide. Any thread. */
HUSK_API void husk_memory_fail(uint64_t nth, bool on);

/* Bytes that the library holds in this process, types left out. 0 when every heap is closed. Any thread. */
HUSK_API size_t husk_memory_held(void);

/* How chunks are had: "range" (one reserved address range) or "mapped" (each on its own, where the system
 * refused the reservation). Any thread. */
HUSK_API const char *husk_memory_mode(void);

#ifdef __cplusplus
}
#endif

#endif
