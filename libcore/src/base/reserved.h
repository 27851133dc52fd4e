/* base/reserved.h: which address space is the library's, and what for: whoever looks at the process's mappings can
 * tell ours from others. Kept by base/memory.c, which all reservations pass. Any thread. */
#ifndef HUSK_BASE_RESERVED_H
#define HUSK_BASE_RESERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum husk__use {
    HUSK__FOR_CHUNKS, /* objects of heaps (store/range.h) */
    HUSK__FOR_TABLES, /* snapshots, the tracer (base/grow.h) */
};

struct husk__reserved {
    uintptr_t start, end;
    enum husk__use use;
};

void husk__reserved_add(const void *at, size_t bytes, enum husk__use use);
/* All of a reservation, or any part. */
void husk__reserved_remove(const void *at, size_t bytes);

/* The first reservation that ends above `at`; false: there is none. */
bool husk__reserved_find(uintptr_t at, struct husk__reserved *out);

/* Reservations that there was no room to note. */
size_t husk__reserved_lost(void);

/* Around a fork, so that the child has the table whole (trace/foreign_session.c). Of the library's locks it is the
 * last: whoever holds it takes no other. */
void husk__reserved_lock(void);
void husk__reserved_unlock(void);

#endif
