/* why.c: why a live object is alive: a snapshot of its heap, and the keys of maps, which snapshots do not
 * have. The search is view/path.c. */
#include "view/path.h"

#include <husk/kinds.h>
#include <inttypes.h>
#include <stdio.h>

static size_t length_of(int printed, size_t room)
{
    return printed < 0 || room == 0 ? 0 : (size_t)printed;
}

static size_t text_key(const husk_obj *text, char *out, size_t room)
{
    size_t length = husk_text_length(text);
    const char *bytes = husk_text_bytes(text);
    int shown = (int)(length < 32 ? length : 32);
    for (int i = 0; i < shown; i++)
        if (bytes[i] < ' ' || bytes[i] == '"' || bytes[i] == 127)
            shown = i;
    return length_of(snprintf(out, room, "[\"%.*s%s\"]", shown, bytes, (size_t)shown < length ? "..." : ""),
                     room);
}

/* The key in row `index`. The heap has not changed since the snapshot was taken. */
static size_t map_key(uint64_t holder, const char *type, size_t index, char *out, size_t room, void *data)
{
    (void)type, (void)data;
    const husk_obj *map = (const husk_obj *)(uintptr_t)holder;
    if (husk_obj_kind(map) != HUSK_KIND_MAP)
        return 0;
    size_t cursor = 0;
    husk_value key, value;
    do
        if (!husk_map_next(map, &cursor, &key, &value))
            return 0;
    while ((cursor >> 32) - 1 < index); /* the row that was seen last, kinds/table.h */
    switch (key.tag) {
    case HUSK_INT:
        return length_of(snprintf(out, room, "[%" PRId64 "]", key.as.i), room);
    case HUSK_FLOAT:
        return length_of(snprintf(out, room, "[%g]", key.as.f), room);
    case HUSK_BOOL:
        return length_of(snprintf(out, room, "[%s]", key.as.b ? "true" : "false"), room);
    case HUSK_OBJ:
        if (husk_obj_kind(key.as.o) == HUSK_KIND_TEXT)
            return text_key(key.as.o, out, room);
        return length_of(snprintf(out, room, "[%.32s]", husk_type_name(husk_obj_type(key.as.o))), room);
    default:
        return 0;
    }
}

husk_status husk_path_of(husk_obj *obj, const husk_path_options *options, husk_path **out)
{
    static const husk_path_options plain = { HUSK_PATH_OPTIONS };
    husk_path_options o = options ? *options : plain;
    husk_snapshot_options taking = {
        HUSK_SNAPSHOT_OPTIONS,
        .flags = HUSK_SNAPSHOT_NO_PROCESS | HUSK_SNAPSHOT_NO_BLOCKS,
        .max_bytes = o.max_bytes,
    };
    husk_snapshot *snapshot;
    husk_status status = husk_snapshot_new(husk_obj_heap(obj), &taking, &snapshot);
    if (status)
        return status;
    if (!o.key)
        o.key = map_key;
    status = husk_path_find(snapshot, husk_snapshot_find(snapshot, (uint64_t)(uintptr_t)obj), &o, out);
    if (status) {
        husk_snapshot_free(snapshot);
        if (status == HUSK_EMISSING)
            return husk_fail(HUSK_ELIMIT, "path: the references do not fit into %zu bytes", o.max_bytes);
        return status;
    }
    (*out)->own = snapshot;
    return HUSK_OK;
}
