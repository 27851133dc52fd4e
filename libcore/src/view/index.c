/* view/index.c: see index.h. */
#include "view/index.h"

#include "base/memory.h"

#include <string.h>

size_t husk__index_count(const struct husk__index *index)
{
    return index->keys.used / (index->words * sizeof(uint64_t));
}

const uint64_t *husk__index_key(const struct husk__index *index, uint32_t number)
{
    return (const uint64_t *)(const void *)index->keys.at + number * index->words;
}

/* Where the key is, or would be. */
static size_t slot_of(const struct husk__index *index, const uint64_t *key)
{
    uint64_t hash = 0;
    for (size_t w = 0; w < index->words; w++)
        hash = (hash ^ key[w] ^ hash >> 29) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash >> 32) & (index->room - 1);
    while (index->table[at] &&
           memcmp(husk__index_key(index, index->table[at] - 1), key, index->words * sizeof *key) != 0)
        at = (at + 1) & (index->room - 1);
    return at;
}

static bool more_room(struct husk__index *index)
{
    size_t room = index->room ? index->room * 2 : 256;
    uint32_t *table = husk__raw_new(room * sizeof *table);
    if (!table)
        return false;
    husk__raw_free(index->table, index->room * sizeof *table);
    index->table = table;
    index->room = room;
    for (uint32_t i = 0; i < husk__index_count(index); i++)
        table[slot_of(index, husk__index_key(index, i))] = i + 1;
    return true;
}

uint32_t husk__index_add(struct husk__index *index, const uint64_t *key)
{
    size_t count = husk__index_count(index);
    if (count >= UINT32_MAX - 1 || (index->room < 2 * (count + 1) && !more_room(index)))
        return INDEX_NONE;
    size_t at = slot_of(index, key);
    if (!index->table[at]) {
        uint64_t *copy = husk__grow_add(&index->keys, index->words * sizeof *key);
        if (!copy)
            return INDEX_NONE;
        memcpy(copy, key, index->words * sizeof *key);
        index->table[at] = (uint32_t)count + 1;
    }
    return index->table[at] - 1;
}

void husk__index_free(struct husk__index *index)
{
    if (index->table)
        husk__raw_free(index->table, index->room * sizeof *index->table);
    husk__grow_free(&index->keys);
    *index = (struct husk__index){ .words = index->words };
}
