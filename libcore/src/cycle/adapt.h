/* cycle/adapt.h: the factor follows what passes find, and what share of the time they take. */
#ifndef HUSK_CYCLE_ADAPT_H
#define HUSK_CYCLE_ADAPT_H

#include "object/state.h"

/* A pass that began at `start` (husk__now) has ended. */
void husk__adapt_note(husk_heap *heap, const husk_pass *pass, uint64_t start);

/* Chooses the factor, after the note. */
void husk__adapt_factor(struct husk__pace *pace, size_t examined, size_t collected);

#endif
