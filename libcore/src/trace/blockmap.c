/* trace/blockmap.c: see blockmap.h. */
#include "trace/blockmap.h"

#include "base/memory.h"
#include "trace/record.h"

static size_t start_of(uint32_t domain, uint64_t address, size_t room)
{
    return (size_t)husk__block_hash(domain, address) & (room - 1);
}

struct husk__blockmap_entry *husk__blockmap_find(const struct husk__blockmap *map, uint32_t domain,
                                                 uint64_t address)
{
    if (!map->count)
        return NULL;
    struct husk__blockmap_entry *entries = map->entries;
    for (size_t at = start_of(domain, address, map->room); entries[at].site; at = (at + 1) & (map->room - 1))
        if (entries[at].address == address && entries[at].domain == domain)
            return &entries[at];
    return NULL;
}

void husk__blockmap_add(struct husk__blockmap *map, struct husk__blockmap_entry entry)
{
    size_t at = start_of(entry.domain, entry.address, map->room);
    while (map->entries[at].site)
        at = (at + 1) & (map->room - 1);
    map->entries[at] = entry;
    map->count++;
}

bool husk__blockmap_room(struct husk__blockmap *map)
{
    if (map->count + 1 <= map->room / 4 * 3)
        return true;
    struct husk__blockmap larger = { NULL, map->room ? map->room * 2 : 64, 0 };
    larger.entries = husk__raw_new(larger.room * sizeof *larger.entries);
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < map->room; i++)
        if (map->entries[i].site)
            husk__blockmap_add(&larger, map->entries[i]);
    husk__blockmap_free(map);
    *map = larger;
    return true;
}

void husk__blockmap_remove(struct husk__blockmap *map, struct husk__blockmap_entry *entry)
{
    size_t mask = map->room - 1, hole = (size_t)(entry - map->entries);
    for (size_t at = (hole + 1) & mask; map->entries[at].site; at = (at + 1) & mask) {
        size_t start = start_of(map->entries[at].domain, map->entries[at].address, map->room);
        if (((at - start) & mask) < ((at - hole) & mask))
            continue; /* it would come before its start */
        map->entries[hole] = map->entries[at];
        hole = at;
    }
    map->entries[hole] = (struct husk__blockmap_entry){ 0 };
    map->count--;
}

void husk__blockmap_rename(struct husk__blockmap *map, const uint8_t *epochs)
{
    for (size_t i = 0; i < map->room; i++)
        if (map->entries[i].site)
            map->entries[i].site = husk__site_renamed(map->entries[i].site, epochs);
}

void husk__blockmap_free(struct husk__blockmap *map)
{
    husk__raw_free(map->entries, map->room * sizeof *map->entries);
    *map = (struct husk__blockmap){ 0 };
}
