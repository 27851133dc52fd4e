/* preload/raw.h: memory of the tracer, which must not be the program's: mapped, by powers of two. */
#ifndef HUSK_PRELOAD_RAW_H
#define HUSK_PRELOAD_RAW_H

#include <stddef.h>

/* As the gate of base/memory.h: realloc; bytes 0 frees and answers NULL. Any thread. */
void *preload_raw(void *old, size_t bytes);

/* Around fork. */
void preload_raw_lock(void);
void preload_raw_unlock(void);

#endif
