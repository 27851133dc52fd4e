/* survey/leaks.h: what a heap that is closed still has to say of its leaks. */
#ifndef HUSK_LEAKS_FOUND_H
#define HUSK_LEAKS_FOUND_H

#include "object/state.h"

/* Tells the summary of a heap that finds leaks, if there is anything to tell. */
void husk__leaks_summary(husk_heap *heap);

/* The data of who was told is freed. */
void husk__leaks_close(husk_heap *heap);

#endif
