/* proc/maps.c: all mappings of a process in one table, by address or one entry for each path. */
#define _GNU_SOURCE
#include "base/memory.h"
#include "proc/fields.h"
#include "proc/smaps.h"
#include "proc/threads.h"

#include <stdlib.h>
#include <string.h>

struct husk_maps {
    husk_map *at; /* path: offset in `text`, until the table is complete */
    size_t count, room;
    char *text;
    size_t used, text_room;
    uint32_t *table; /* grouped: open addressing, number + 1 */
    size_t table_room;
};

static bool add_text(husk_maps *maps, const char *path, size_t length, size_t *offset)
{
    if (maps->text_room - maps->used <= length) {
        size_t room = maps->text_room ? maps->text_room * 2 : 4096;
        while (room - maps->used <= length)
            room *= 2;
        char *text = husk__raw_resize(maps->text, maps->text_room, room);
        if (!text)
            return false;
        maps->text = text;
        maps->text_room = room;
    }
    *offset = maps->used;
    memcpy(maps->text + maps->used, path, length + 1);
    maps->used += length + 1;
    return true;
}

/* An entry for `map`, whose path is copied; NULL: no memory. */
static husk_map *add_map(husk_maps *maps, const husk_map *map)
{
    size_t offset;
    if (maps->count == maps->room) {
        size_t room = maps->room ? maps->room * 2 : 64;
        husk_map *at = husk__raw_resize(maps->at, maps->room * sizeof *at, room * sizeof *at);
        if (!at)
            return NULL;
        maps->at = at;
        maps->room = room;
    }
    if (!add_text(maps, map->path, map->path_length, &offset))
        return NULL;
    husk_map *entry = &maps->at[maps->count++];
    *entry = *map;
    entry->path = (const char *)offset;
    return entry;
}

/* ---- groups ---- */

static const char *path_of(const husk_maps *maps, const husk_map *entry)
{
    return maps->text + (size_t)entry->path;
}

static bool same_group(const husk_maps *maps, const husk_map *a, const husk_map *map)
{
    return a->kind == map->kind && a->path_length == map->path_length &&
           memcmp(path_of(maps, a), map->path, map->path_length) == 0;
}

static size_t hash(const char *path, size_t length, unsigned kind)
{
    uint64_t h = 1469598103934665603u ^ kind; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)path[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The place of the group in the table, or the empty one where it belongs. */
static uint32_t *find_place(const husk_maps *maps, const husk_map *map)
{
    size_t mask = maps->table_room - 1;
    size_t i = hash(map->path, map->path_length, map->kind) & mask;
    while (maps->table[i] && !same_group(maps, &maps->at[maps->table[i] - 1], map))
        i = (i + 1) & mask;
    return &maps->table[i];
}

static bool grow_table(husk_maps *maps)
{
    size_t room = maps->table_room ? maps->table_room * 2 : 128;
    uint32_t *table = husk__raw_new(room * sizeof *table);
    if (!table)
        return false;
    husk__raw_free(maps->table, maps->table_room * sizeof *table);
    maps->table = table;
    maps->table_room = room;
    for (size_t n = 0; n < maps->count; n++) {
        husk_map seen = maps->at[n];
        seen.path = path_of(maps, &maps->at[n]);
        *find_place(maps, &seen) = (uint32_t)n + 1;
    }
    return true;
}

static bool add_to_group(husk_maps *maps, const husk_map *map)
{
    if (maps->count * 2 >= maps->table_room && !grow_table(maps))
        return false;
    uint32_t *place = find_place(maps, map);
    if (!*place) {
        if (!add_map(maps, map))
            return false;
        *place = (uint32_t)maps->count;
        return true;
    }
    husk_map *group = &maps->at[*place - 1];
    uint64_t value;
    for (size_t n = 0; n < HUSK_MAP_FIELDS; n++)
        if (husk_memory_value(&map->memory, n, &value))
            husk__field_add(&group->memory, n, value);
    group->bytes += map->bytes;
    group->count++;
    group->deleted = group->deleted || map->deleted;
    if (group->thread != map->thread)
        group->thread = 0;
    for (int i = 0; i < 4; i++) /* what any of them may do; both kinds of sharing: '+' */
        if (group->permissions[i] != map->permissions[i])
            group->permissions[i] = i == 3                         ? '+'
                                    : group->permissions[i] == '-' ? map->permissions[i]
                                                                   : group->permissions[i];
    return true;
}

static int larger_first(const void *a, const void *b)
{
    const husk_map *x = a, *y = b;
    if (x->memory.rss != y->memory.rss)
        return x->memory.rss < y->memory.rss ? 1 : -1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* ---- all of them ---- */

static husk_status read_all(const struct husk__proc *proc, uint32_t flags, husk_maps *maps)
{
    struct husk__smaps smaps;
    struct husk__stacks stacks = { .memory = -1 };
    husk_map map;
    bool fits = true;
    if (flags & HUSK_MAPS_STACKS)
        husk__stacks_open(&stacks, proc);
    husk_status status = husk__smaps_open(&smaps, proc, flags & HUSK_MAPS_SIZES);
    while (!status && fits && husk__smaps_next(&smaps, &map)) {
        int64_t thread = husk__stacks_thread(&stacks, &map, smaps.guard_end);
        if (thread) {
            map.kind = HUSK_MAP_OF_STACK;
            map.thread = thread;
        }
        fits = flags & HUSK_MAPS_GROUPED ? add_to_group(maps, &map) : add_map(maps, &map) != NULL;
    }
    if (!status)
        status = husk__smaps_close(&smaps);
    husk__stacks_close(&stacks);
    return fits ? status : husk_fail(HUSK_ENOMEM, "%s: no memory for its mappings", proc->name);
}

husk_status husk_maps_read(int64_t pid, uint32_t flags, husk_maps **out)
{
    struct husk__proc proc;
    *out = NULL;
    if (flags & ~(uint32_t)(HUSK_MAPS_SIZES | HUSK_MAPS_GROUPED | HUSK_MAPS_STACKS))
        return husk_fail(HUSK_EINVAL, "mappings: there is no such flag: %#x", flags);
    husk_status status = husk__proc_open(pid, &proc);
    if (status)
        return status;
    status = husk__proc_alive(&proc);
    husk_maps *maps = status ? NULL : husk__raw_new(sizeof *maps);
    if (!status)
        status = maps ? read_all(&proc, flags, maps)
                      : husk_fail(HUSK_ENOMEM, "%s: no memory for its mappings", proc.name);
    husk__proc_close(&proc);
    if (status) {
        husk_maps_free(maps);
        return status;
    }
    for (size_t n = 0; n < maps->count; n++)
        maps->at[n].path = path_of(maps, &maps->at[n]);
    if ((flags & HUSK_MAPS_GROUPED) && maps->count)
        qsort(maps->at, maps->count, sizeof *maps->at, larger_first);
    *out = maps;
    return HUSK_OK;
}

void husk_maps_free(husk_maps *maps)
{
    if (!maps)
        return;
    husk__raw_free(maps->at, maps->room * sizeof *maps->at);
    husk__raw_free(maps->text, maps->text_room);
    husk__raw_free(maps->table, maps->table_room * sizeof *maps->table);
    husk__raw_free(maps, sizeof *maps);
}

size_t husk_maps_count(const husk_maps *maps)
{
    return maps->count;
}

bool husk_maps_at(const husk_maps *maps, size_t index, husk_map *out)
{
    if (index >= maps->count)
        return false;
    *out = maps->at[index];
    return true;
}
