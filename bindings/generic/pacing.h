/* bindings/generic/pacing.h: when passes start and how they are held off, for every language. What a call found out is
 * asked for as a figure (figure.h); regions are held by "a script". Failures are in the heap. */
#ifndef HUSK_GENERIC_PACING_H
#define HUSK_GENERIC_PACING_H

#include "value.h"

/* The factor's upper bound stays as it is. */
husk_status husk_generic_set_pacing(husk_heap *heap, size_t least_objects, size_t least_bytes, double factor);

/* A region without passes (husk_heap_no_gc_begin); the end says in a word how it went: "kept", "budget", "limit",
 * "asked". True: there is one that was not ended. */
husk_status husk_generic_no_gc_begin(husk_heap *heap, int64_t objects, int64_t bytes, bool reserve);
const char *husk_generic_no_gc_end(husk_heap *heap);
bool husk_generic_no_gc(husk_heap *heap);

/* Useful work in a quiet moment (husk_heap_idle). True: another call would find more. */
bool husk_generic_idle(husk_heap *heap, int64_t budget_ns);

/* A pass at each n-th allocation; with a seed at random ones. */
husk_status husk_generic_set_stress(husk_heap *heap, int64_t every, int64_t seed);

#endif
