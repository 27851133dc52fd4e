/* object/soft.h: the inside of a soft reference, and letting go.
 *
 *   heap.softs.newest --> last used <--> ... <--> used longest ago <-- heap.softs.oldest
 *
 * A soft reference is a weak one (weak.h) with one slot more. In the list exactly while it holds: strong != NULL, and
 * strong == weak.target until both die in one set. The list holds no reference. */
#ifndef HUSK_OBJECT_SOFT_H
#define HUSK_OBJECT_SOFT_H

#include "object/weak.h"

#include <husk/soft.h>

struct husk_soft {
    struct husk_weak weak; /* first: it is one, of a type of its own */
    husk_obj *strong;      /* a slot */
    husk_soft *newer, *older;
    uint64_t used; /* heap.softs.clock at its latest use */
};

/* It has no count any more, and has left its target's list: leaves the list of those that hold. Its slot is for whoever
 * ends it, but what ends in the same set has no count to be taken. */
void husk__soft_end(husk_heap *heap, husk_soft *soft);

/* What is in its slot is released; the caller is the drain. */
void husk__soft_drop(husk_soft *soft);

/* Lets go of up to `count`, used longest ago first, and ends what dies. quiet: no code of the program runs. While the
 * heap is at work the dying only wait. Returns how many. */
size_t husk__softs_let_go(husk_heap *heap, size_t count, enum husk__soft_reason reason, bool quiet);

/* A pass begins: those too old let go. */
void husk__softs_age(husk_heap *heap, bool quiet);

/* Memory is short by `bytes`: lets go until so much came free by counting, or none is left beyond policy.keep. What
 * only a pass can end is not seen. Returns the bytes that came free. Nothing happens while the heap is at work. */
size_t husk__softs_yield(husk_heap *heap, size_t bytes, bool quiet);

/* What does not hold of the list, or NULL. `references` is how many were found. */
const char *husk__softs_wrong(const husk_heap *heap, size_t references);

#endif
