/* trace/blockmap.h: what is known of blocks by their address: for memory that has no header of ours.
 *
 * Open addressing with linear probing; what is removed leaves no tombstone (the run behind it is closed up:
 * Knuth, volume 3, 6.4, algorithm R). One thread at a time. */
#ifndef HUSK_TRACE_BLOCKMAP_H
#define HUSK_TRACE_BLOCKMAP_H

#include "trace/mix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Different for different blocks, as far as 64 bits can be. */
ALWAYS_INLINE uint64_t husk__block_hash(uint32_t domain, uint64_t address)
{
    return husk__mix(address, domain);
}

struct husk__blockmap_entry {
    uint64_t address;
    uint64_t size;
    uint32_t site; /* 0: the entry is free */
    uint32_t domain;
};

struct husk__blockmap {
    struct husk__blockmap_entry *entries;
    size_t room; /* a power of two, or 0 */
    size_t count;
};

/* NULL: not in it. Valid until the next add or remove. */
struct husk__blockmap_entry *husk__blockmap_find(const struct husk__blockmap *map, uint32_t domain,
                                                 uint64_t address);
/* Room for one more; false: no memory. */
bool husk__blockmap_room(struct husk__blockmap *map);
/* Adds what is not in it; there is room. */
void husk__blockmap_add(struct husk__blockmap *map, struct husk__blockmap_entry entry);
void husk__blockmap_remove(struct husk__blockmap *map, struct husk__blockmap_entry *entry);
/* Epochs were joined (trace/record.h): the sites of epoch e are those of map[e] now. */
void husk__blockmap_rename(struct husk__blockmap *map, const uint8_t *epochs);
void husk__blockmap_free(struct husk__blockmap *map);

#endif
