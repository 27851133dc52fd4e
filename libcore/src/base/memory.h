/* base/memory.h: the bottom. Every byte of the library passes one of two gates: mapped ranges of address
 * space, and raw bytes for small tables. Injected failures and the process-wide figures stand here, and
 * nowhere else. Any thread. */
#ifndef HUSK_BASE_MEMORY_H
#define HUSK_BASE_MEMORY_H

#include "base/reserved.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The two gates, so that tests and embedders of the source can stand in for the system. */
struct husk__gates {
    void *(*reserve)(size_t bytes);              /* address space without memory, or NULL */
    bool (*commit)(void *at, size_t bytes);      /* makes it usable, zeroed */
    void (*advise_huge)(void *at, size_t bytes); /* a hint: large system pages are welcome here */
    void (*decommit)(void *at, size_t bytes);    /* gives the memory back, keeps the address space usable */
    bool (*withdraw)(void *at, size_t bytes); /* gives the memory back, makes it unusable again; or refuses */
    void (*release)(void *at, size_t bytes);  /* ends a reservation or a part of one */
    void *(*raw)(void *old, size_t bytes);    /* realloc; bytes 0 frees and answers NULL */
};

extern const struct husk__gates husk__system_gates;

/* Swaps the gates; only while no heap exists. NULL: the system's. */
void husk__memory_set_gates(const struct husk__gates *gates);

/* Counts a request; true if it is to be refused (husk_memory_fail). */
bool husk__memory_refused(void);

/* Address space, noted as ours (base/reserved.h); or NULL. */
void *husk__memory_reserve(size_t bytes, enum husk__use use);
/* A request: may be refused. */
bool husk__memory_commit(void *at, size_t bytes);
void husk__memory_advise_huge(void *at, size_t bytes);
void husk__memory_decommit(void *at, size_t bytes);
bool husk__memory_withdraw(void *at, size_t bytes);
void husk__memory_release(void *at, size_t bytes);

/* Bytes that count as held by the library (husk_memory_held). */
void husk__memory_note(int64_t bytes);

/* Zeroed bytes, or NULL. A request. The size is given back with the memory: no header is kept. */
void *husk__raw_new(size_t bytes);
/* New bytes are zero; on NULL the old block is untouched. Shrinking never fails. */
void *husk__raw_resize(void *old, size_t old_bytes, size_t new_bytes);
void husk__raw_free(void *old, size_t bytes);
/* Of husk_memory_held, what came through the raw gate: it lies in the C library's blocks. */
size_t husk__raw_held(void);

#endif
