/* preload/next.h: the allocator that the program would have without us: the next one in the order of its libraries. */
#ifndef HUSK_PRELOAD_NEXT_H
#define HUSK_PRELOAD_NEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct preload_next {
    void *(*malloc)(size_t bytes);
    void (*free)(void *block);
    void *(*calloc)(size_t count, size_t bytes);
    void *(*realloc)(void *block, size_t bytes);
    void *(*memalign)(size_t alignment, size_t bytes);
    void *(*aligned_alloc)(size_t alignment, size_t bytes);
    int (*posix_memalign)(void **out, size_t alignment, size_t bytes);
    void *(*valloc)(size_t bytes);  /* NULL: it has none */
    void *(*pvalloc)(size_t bytes); /* NULL: it has none */
};

extern struct preload_next preload_next;

/* Finds it; to be called before each use, costs a look. false: it is being looked for, so take preload_early. */
bool preload_next_find(void);

/* Memory for the few who ask while it is looked for: a small room that is never given back. NULL: used up. */
enum { PRELOAD_EARLY_ROOM = 1 << 16 };
extern unsigned char preload_early_room[PRELOAD_EARLY_ROOM];
void *preload_early(size_t bytes);
static inline bool preload_is_early(const void *block)
{
    return (uintptr_t)block - (uintptr_t)preload_early_room < PRELOAD_EARLY_ROOM;
}
size_t preload_early_size(const void *block);

#endif
