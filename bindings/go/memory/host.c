/* bindings/go/memory/host.c: see host.h. */
#include "host.h"

#include <stdlib.h>

/* Room for one more of `size` bytes; NULL: no memory, and the old rows stay. */
static void *room_for(void *rows, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return rows;
    size_t larger = *room ? *room * 2 : 64;
    void *at = realloc(rows, larger * size);
    if (at)
        *room = larger;
    return at;
}

static bool add_thread(const husk_thread *thread, void *data)
{
    husk_go_threads *all = data;
    husk_thread *rows = room_for(all->rows, all->count, &all->room, sizeof *rows);
    all->failed = !rows;
    if (!rows)
        return false;
    all->rows = rows;
    rows[all->count++] = *thread;
    return true;
}

husk_status husk_go_threads_of(int64_t pid, husk_go_threads *out)
{
    husk_status status = husk_process_each_thread(pid, add_thread, out);
    return out->failed ? husk_fail(HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM)) : status;
}

static bool add_type(const husk_type *type, size_t count, size_t bytes, void *data)
{
    husk_go_types *all = data;
    husk_go_type_use *rows = room_for(all->rows, all->count, &all->room, sizeof *rows);
    all->failed = !rows;
    if (!rows)
        return false;
    all->rows = rows;
    rows[all->count++] = (husk_go_type_use){ husk_type_name(type), count, bytes };
    return true;
}

husk_status husk_go_types_of(husk_heap *heap, husk_go_types *out)
{
    husk_status status = husk_heap_each_type(heap, add_type, out);
    return out->failed ? husk_heap_fail(heap, HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM)) : status;
}

husk_status husk_go_balance(husk_heap **heaps, size_t count, uint32_t flags, int64_t pid,
                            const husk_balance *before, husk_balance **out)
{
    husk_balance_options options = { HUSK_BALANCE_OPTIONS, .flags = flags, .pid = pid, .before = before };
    return husk_balance_new(heaps, count, &options, out);
}
