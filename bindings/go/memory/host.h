/* bindings/go/memory/host.h: the C half of the Go package memory: lists for what C calls back with. */
#ifndef HUSK_GO_MEMORY_HOST_H
#define HUSK_GO_MEMORY_HOST_H

#include <husk.h>

/* The caller frees rows with free(). */
typedef struct husk_go_threads {
    husk_thread *rows;
    size_t count, room;
    bool failed; /* no memory */
} husk_go_threads;
husk_status husk_go_threads_of(int64_t pid, husk_go_threads *out);

typedef struct husk_go_type_use {
    const char *name;
    size_t count, bytes;
} husk_go_type_use;
typedef struct husk_go_types {
    husk_go_type_use *rows;
    size_t count, room;
    bool failed;
} husk_go_types;
husk_status husk_go_types_of(husk_heap *heap, husk_go_types *out);

husk_status husk_go_balance(husk_heap **heaps, size_t count, uint32_t flags, int64_t pid,
                            const husk_balance *before, husk_balance **out);

#endif
