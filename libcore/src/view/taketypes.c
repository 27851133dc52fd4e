/* view/taketypes.c: the types of a snapshot's objects, and what their fields are called. */
#include "view/take.h"

#include "base/memory.h"

#include <string.h>

static bool add_field(struct husk_snapshot *snapshot, const char *name, unsigned kind, unsigned flags)
{
    struct husk__field *field = SNAP_ADD(snapshot, FIELDS);
    if (!field)
        return false;
    bool failed = false;
    field->name = husk__snap_string(snapshot, name, strlen(name), &failed);
    field->kind = (uint8_t)kind;
    field->flags = (uint8_t)flags;
    return !failed;
}

/* What a type's weak edge is called; NULL: it has none. */
static const char *weak_name(const husk_type *type)
{
    if (type->flags & TYPE_WEAK)
        return "target";
    if (!(type->flags & TYPE_TIED))
        return NULL;
    return type->flags & TYPE_EPHEMERON ? "key" : type->slot_count ? "value" : "item";
}

/* The slots, what `each` shows, the weak edge: in this order. */
static bool add_fields(struct husk_snapshot *snapshot, const husk_type *type)
{
    size_t count = type->slot_count + (type->each != NULL) + (weak_name(type) != NULL);
    for (size_t f = 0; f < count; f++) {
        if (f == FIELD_LAST && count > FIELD_LAST &&
            !add_field(snapshot, "...", EDGE_STRONG, FIELD_INDEXED | FIELD_MORE))
            return false;
        unsigned kind = EDGE_STRONG, flags = 0;
        const char *name = "";
        if (f < type->slot_count) {
            name = type->slots[f].name ? type->slots[f].name : "";
            flags = type->slots[f].place != HUSK_IN_FIELD ? FIELD_INDEXED : 0;
            kind = type->flags & TYPE_EPHEMERON ? EDGE_EPHEMERON : EDGE_STRONG;
        } else if (type->each && f == type->slot_count) {
            flags = FIELD_INDEXED;
        } else {
            name = weak_name(type);
            kind = EDGE_WEAK;
            flags = type->flags & TYPE_TIED ? FIELD_INDEXED : 0;
        }
        if (!add_field(snapshot, name, kind, f < FIELD_LAST ? flags : 0))
            return false;
    }
    return true;
}

/* Room for the row number of a type with this id. */
static bool more_types(struct husk__take_types *types, size_t id)
{
    size_t room = types->room ? types->room * 2 : 64;
    while (room <= id)
        room *= 2;
    void *rows = husk__raw_resize(types->rows, types->room * sizeof(uint32_t), room * sizeof(uint32_t));
    if (!rows)
        return false;
    types->rows = rows;
    types->room = room;
    return true;
}

uint32_t husk__take_type(struct husk_snapshot *snapshot, struct husk__take_types *types,
                         const husk_type *type)
{
    if (type->id >= types->room && !more_types(types, type->id))
        return 0;
    if (types->rows[type->id])
        return types->rows[type->id];
    size_t first = snapshot->own[SECTION_FIELDS].used / sizeof(struct husk__field);
    if (!add_fields(snapshot, type))
        return 0;
    bool failed = false;
    uint32_t name = husk__snap_string(snapshot, type->name, strlen(type->name), &failed);
    struct husk__type_row *row = failed ? NULL : SNAP_ADD(snapshot, TYPES);
    size_t number = snapshot->own[SECTION_TYPES].used / sizeof *row - 1;
    if (!row || number >= (size_t)1 << NODE_TYPE_BITS)
        return 0; /* no program has half a million types in use */
    size_t end = snapshot->own[SECTION_FIELDS].used / sizeof(struct husk__field);
    *row = (struct husk__type_row){
        .name = name,
        .flags = (type->flags & TYPE_TRACKED ? TYPE_ROW_TRACKED : 0u) |
                 (type->flags & TYPE_FINALIZE ? TYPE_ROW_FINALIZE : 0u) |
                 (type->flags & TYPE_WEAK ? TYPE_ROW_WEAK : 0u),
        .field_first = (uint32_t)first,
        .field_count = (uint32_t)(end - first),
        .size = type->size,
    };
    return types->rows[type->id] = (uint32_t)number;
}

void husk__take_types_free(struct husk__take_types *types)
{
    husk__raw_free(types->rows, types->room * sizeof(uint32_t));
}
