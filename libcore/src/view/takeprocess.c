/* view/takeprocess.c: what the system says of the process, of its control group and of the machine, as
 * numbers of a snapshot. Asked before anything is collected, so the snapshot's own memory is not in it. What
 * is refused or unknown is left out. */
#include "proc/smaps.h"
#include "view/balance.h"
#include "view/system.h"

#include <husk/process.h>
#include <string.h>

static bool take_fields(struct husk_snapshot *snapshot, const char *group, const void *memory)
{
    husk_memory_field field;
    uint64_t value;
    for (size_t n = 0; husk_memory_field_at(group, n, &field); n++)
        if (husk_memory_value(memory, n, &value) && !husk__snap_number(snapshot, group, field.name, value))
            return false;
    return true;
}

static bool take_map(struct husk_snapshot *snapshot, const husk_map *map)
{
    bool failed = false;
    uint32_t path = husk__snap_string(snapshot, map->path, map->path_length, &failed);
    uint32_t permissions = husk__snap_string(snapshot, map->permissions, strlen(map->permissions), &failed);
    struct husk__map_row *row = failed ? NULL : SNAP_ADD(snapshot, MAPS);
    if (!row)
        return false;
    *row = (struct husk__map_row){
        .start = map->start,
        .end = map->end,
        .rss = map->memory.rss,
        .pss = map->memory.pss,
        .private_dirty = map->memory.private_dirty,
        .swap = map->memory.swap,
        .path = path,
        .permissions = permissions,
    };
    return true;
}

static bool take_maps(struct husk_snapshot *snapshot, int64_t pid)
{
    struct husk__proc proc;
    struct husk__smaps smaps;
    husk_map map;
    bool fits = true;
    if (husk__proc_open(pid, &proc) != HUSK_OK)
        return true;
    if (husk__smaps_open(&smaps, &proc, true) == HUSK_OK) {
        while (fits && husk__smaps_next(&smaps, &map))
            fits = take_map(snapshot, &map);
        (void)husk__smaps_close(&smaps);
    }
    husk__proc_close(&proc);
    return fits;
}

/* The rows by name, "live_objects" and so on, and their sum, "rss". */
static bool take_balance(struct husk_snapshot *snapshot, husk_heap *heap, int64_t pid)
{
    struct husk_balance balance = { 0 };
    husk_balance_row row;
    if (husk__balance_take(&heap, heap ? 1 : 0, NULL, pid, pid != 0, &balance) != HUSK_OK)
        return true;
    for (size_t i = 0; husk_balance_row_at(&balance, i, &row); i++) {
        char name[32];
        size_t length = strlen(row.name);
        for (size_t c = 0; c <= length; c++)
            name[c] = row.name[c] == ' ' ? '_' : row.name[c];
        if (row.bytes >= 0 && !husk__snap_number(snapshot, "balance", name, (uint64_t)row.bytes))
            return false;
    }
    return husk__snap_number(snapshot, "balance", "rss", balance.sum.rss);
}

bool husk__take_process(struct husk_snapshot *snapshot, husk_heap *heap, uint32_t flags, int64_t pid)
{
    husk_process_memory process;
    husk_system_memory system;
    husk_cgroup_memory cgroup;
    if (flags & HUSK_SNAPSHOT_NO_PROCESS)
        return true;
    /* What could be read is there whatever the answer. */
    (void)husk_process_memory_get(pid, HUSK_ASK_ALL, &process);
    (void)husk_system_memory_get(&system);
    (void)husk_cgroup_memory_get(pid, &cgroup);
    return take_fields(snapshot, "process", &process) && take_fields(snapshot, "system", &system) &&
           take_fields(snapshot, "cgroup", &cgroup) && take_balance(snapshot, heap, pid) &&
           (!(flags & HUSK_SNAPSHOT_MAPS) || take_maps(snapshot, pid));
}
