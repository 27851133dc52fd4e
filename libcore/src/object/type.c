/* object/type.c: registering types: the spec is checked, copied and compiled into what the visitor reads. */
#include "object/type.h"

#include "base/memory.h"

#include <husk/value.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const husk_type *husk__types[TF_TYPE + 1u]; /* 8 MiB of address space, touched as used */
uint64_t husk__brief_heads[TF_TYPE + 1u];   /* likewise */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t next_id = HUSK__CALL_WEAK + 1;

#define MOST_SLOTS 4096 /* the checks compare all pairs */

static const char *slot_name(const husk_slot *slot)
{
    return slot->name ? slot->name : "?";
}

static bool overlap(size_t a, size_t a_width, size_t b, size_t b_width)
{
    return a < b + b_width && b < a + a_width;
}

static size_t width_of(const husk_slot *slot)
{
    return slot->kind == HUSK_SLOT_REF ? sizeof(husk_obj *) : sizeof(husk_value);
}

static husk_status check_slot(const husk_type_spec *spec, size_t i)
{
    const husk_slot *slot = &spec->slots[i];
    if (slot->kind != HUSK_SLOT_REF && slot->kind != HUSK_SLOT_VALUE)
        return husk_fail(HUSK_EINVAL, "type %s, slot %s: kind %d is not a slot kind", spec->name,
                         slot_name(slot), slot->kind);
    size_t width = width_of(slot);
    size_t room = slot->place == HUSK_IN_FIELD  ? spec->size
                  : slot->place == HUSK_IN_ITEM ? spec->item_size
                                                : slot->stride;
    if (slot->place > HUSK_IN_BUFFER)
        return husk_fail(HUSK_EINVAL, "type %s, slot %s: place %d is not a slot place", spec->name,
                         slot_name(slot), slot->place);
    if (slot->offset % 8 || room < width || slot->offset > room - width)
        return husk_fail(HUSK_EINVAL, "type %s, slot %s: offset %u does not lie aligned within %zu bytes",
                         spec->name, slot_name(slot), (unsigned)slot->offset, room);
    if (slot->place == HUSK_IN_FIELD && spec->item_size &&
        overlap(slot->offset, width, spec->item_count_at, sizeof(size_t)))
        return husk_fail(HUSK_EINVAL, "type %s, slot %s: the item count lies on it", spec->name,
                         slot_name(slot));
    if (slot->place == HUSK_IN_ITEM && spec->item_size % 8)
        return husk_fail(HUSK_EINVAL, "type %s, slot %s: items of %zu bytes are not aligned to 8", spec->name,
                         slot_name(slot), spec->item_size);
    if (slot->place == HUSK_IN_BUFFER &&
        (slot->buffer % 8 || slot->count % 8 || slot->stride % 8 || spec->size < 8 ||
         slot->buffer > spec->size - 8 || slot->count > spec->size - 8))
        return husk_fail(HUSK_EINVAL, "type %s, slot %s: buffer, count or stride does not fit the type",
                         spec->name, slot_name(slot));
    return HUSK_OK;
}

/* Two slots that share bytes would count one reference twice; two views of one buffer must agree on its
 * shape. */
static husk_status check_pair(const husk_type_spec *spec, const husk_slot *a, const husk_slot *b)
{
    const husk_slot *field = a->place == HUSK_IN_FIELD ? a : b, *other = field == a ? b : a;
    bool shared = false;
    if (a->place == HUSK_IN_BUFFER && b->place == HUSK_IN_BUFFER && a->buffer == b->buffer &&
        (a->count != b->count || a->stride != b->stride))
        return husk_fail(HUSK_EINVAL, "type %s, slots %s and %s: one buffer, but another count or stride",
                         spec->name, slot_name(a), slot_name(b));
    if (a->place == b->place && (a->place != HUSK_IN_BUFFER || a->buffer == b->buffer))
        shared = overlap(a->offset, width_of(a), b->offset, width_of(b));
    else if (field->place == HUSK_IN_FIELD && other->place == HUSK_IN_BUFFER)
        shared = overlap(field->offset, width_of(field), other->buffer, sizeof(void *)) ||
                 overlap(field->offset, width_of(field), other->count, sizeof(size_t));
    if (shared)
        return husk_fail(HUSK_EINVAL, "type %s: slots %s and %s overlap", spec->name, slot_name(a),
                         slot_name(b));
    return HUSK_OK;
}

static husk_status check_spec(const husk_type_spec *spec)
{
    if (!spec || spec->struct_size != sizeof *spec || spec->abi != 1u)
        return husk_fail(HUSK_EINVAL, "the type spec is of another version of the library");
    if (!spec->name || !*spec->name)
        return husk_fail(HUSK_EINVAL, "a type needs a name");
    if (spec->size > UINT32_MAX / 4 || spec->item_size > UINT32_MAX / 4)
        return husk_fail(HUSK_ERANGE, "type %s: %zu bytes are too many", spec->name,
                         spec->size > spec->item_size ? spec->size : spec->item_size);
    if (spec->slot_count && !spec->slots)
        return husk_fail(HUSK_EINVAL, "type %s: %zu slots, but no list of them", spec->name,
                         spec->slot_count);
    if (spec->slot_count > MOST_SLOTS)
        return husk_fail(HUSK_ERANGE, "type %s: slot count %zu is out of range", spec->name,
                         spec->slot_count);
    if (spec->item_size && (spec->size < sizeof(size_t) || spec->item_count_at % sizeof(size_t) ||
                            spec->item_count_at > spec->size - sizeof(size_t)))
        return husk_fail(HUSK_EINVAL, "type %s: the item count at offset %zu lies outside the fixed part",
                         spec->name, spec->item_count_at);
    for (size_t i = 0; i < spec->slot_count; i++) {
        husk_status status = check_slot(spec, i);
        for (size_t k = 0; k < i && !status; k++)
            status = check_pair(spec, &spec->slots[k], &spec->slots[i]);
        if (status)
            return status;
    }
    return HUSK_OK;
}

/* Slots in visiting order: fields, items, buffers with those of one buffer side by side. */
static void order_slots(const husk_type_spec *spec, husk_slot *to)
{
    size_t n = 0;
    for (int place = HUSK_IN_FIELD; place <= HUSK_IN_ITEM; place++)
        for (size_t i = 0; i < spec->slot_count; i++)
            if (spec->slots[i].place == place)
                to[n++] = spec->slots[i];
    for (size_t i = 0; i < spec->slot_count; i++) {
        if (spec->slots[i].place != HUSK_IN_BUFFER)
            continue;
        bool earlier = false;
        for (size_t k = 0; k < i; k++)
            earlier |=
                spec->slots[k].place == HUSK_IN_BUFFER && spec->slots[k].buffer == spec->slots[i].buffer;
        for (size_t k = i; k < spec->slot_count && !earlier; k++)
            if (spec->slots[k].place == HUSK_IN_BUFFER && spec->slots[k].buffer == spec->slots[i].buffer)
                to[n++] = spec->slots[k];
    }
}

/* Answers how many bytes a birth clears behind the header. */
static uint32_t lay_out(husk_type *type, const husk_type_spec *spec)
{
    bool wide = spec->size % 16 == 0 && spec->size > 0; /* a struct of any other size needs no more than 8 */
    size_t end = HUSK__HEADER + husk__round_up(spec->size, 8);
    if (spec->finalize) {
        type->link_at = (uint32_t)end;
        end += 8;
    }
    if (spec->item_size) {
        end = husk__round_up(end, spec->item_size % 16 == 0 ? 16 : 8);
        type->items_at = (uint32_t)end;
        type->item_count_at = (uint32_t)(HUSK__HEADER + spec->item_count_at);
        wide |= spec->item_size % 16 == 0;
    }
    end = husk__round_up(end, wide ? 16 : 8);
    type->block = (uint32_t)(end < HUSK__SMALLEST ? HUSK__SMALLEST : end);
    return (uint32_t)(end - HUSK__HEADER);
}

static uint32_t flags_of(const husk_type_spec *spec, uint32_t fields, uint32_t extra)
{
    uint32_t flags = extra;
    if ((spec->slot_count || spec->each) && !(spec->flags & HUSK_TYPE_ACYCLIC))
        flags |= TYPE_TRACKED;
    if (spec->finalize)
        flags |= TYPE_FINALIZE | TYPE_LOUD;
    if (spec->dispose)
        flags |= TYPE_DISPOSE | (spec->flags & HUSK_TYPE_DISPOSE_ANYWHERE ? 0 : TYPE_LOUD);
    if (spec->slot_count > fields || spec->each)
        flags |= TYPE_VARYING;
    if (spec->item_size)
        flags |= TYPE_ITEMS;
    bool plain = !(flags & (TYPE_FINALIZE | TYPE_DISPOSE | TYPE_VARYING | TYPE_WEAK));
    for (size_t i = 0; i < spec->slot_count; i++)
        plain = plain && spec->slots[i].kind == HUSK_SLOT_REF;
    return plain ? flags | TYPE_PLAIN : flags;
}

/* What a free block looks like to those who do not ask first: no slots, and a head that none has. */
static const husk_type no_type = { .plain_head = UINT64_MAX, .name = "none" };

static husk_status enter(husk_type *type)
{
    pthread_mutex_lock(&lock);
    bool room = next_id <= TF_TYPE;
    if (room) {
        if (!husk__types[0]) { /* before there is an object */
            husk__types[0] = &no_type;
            husk__brief_heads[0] = no_type.plain_head;
            husk__types[HUSK__PLAIN_WEAK] = &husk__plain_weak;
            husk__types[HUSK__CALL_WEAK] = &husk__call_weak;
        }
        type->id = next_id++;
        type->birth.head = RC_ONE | (uint64_t)type->id << 32;
        if ((type->flags & (TYPE_PLAIN | TYPE_FLAT)) == (TYPE_PLAIN | TYPE_FLAT))
            type->plain_head = type->birth.head;
        if (type->refs_end <= HUSK__HEADER + 16)
            husk__brief_heads[type->id] = type->plain_head;
        husk__types[type->id] = type;
    }
    pthread_mutex_unlock(&lock);
    return room ? HUSK_OK : husk_fail(HUSK_ERANGE, "type %s: no more than %u types", type->name, TF_TYPE);
}

husk_status husk__type_make(const husk_type_spec *spec, uint32_t extra, const husk_type **out)
{
    husk_status status = check_spec(spec);
    if (status)
        return status;
    /* One block for all: types are never freed, so the memory gate does not count them as held. */
    size_t name = strlen(spec->name) + 1, slots = spec->slot_count * sizeof(husk_slot);
    size_t bytes = sizeof(husk_type) + slots + spec->slot_count * sizeof(uint32_t) + name;
    husk_type *type = husk__memory_refused() ? NULL : calloc(1, bytes);
    if (!type)
        return husk_fail(HUSK_ENOMEM, "type %s: no memory", spec->name);

    husk_slot *own = (husk_slot *)(type + 1);
    uint32_t *fields = (uint32_t *)(own + spec->slot_count);
    char *own_name = (char *)(fields + spec->slot_count);
    memcpy(own_name, spec->name, name);
    if (spec->slot_count)
        order_slots(spec, own);
    for (size_t i = 0; i < spec->slot_count; i++) {
        if (own[i].place == HUSK_IN_FIELD)
            fields[type->field_count++] =
                HUSK__HEADER + own[i].offset + (own[i].kind == HUSK_SLOT_VALUE ? 1u : 0u);
        type->item_slots += own[i].place == HUSK_IN_ITEM;
        type->buffer_slots += own[i].place == HUSK_IN_BUFFER;
    }
    type->slots = own;
    type->slot_count = spec->slot_count;
    type->fields = fields;
    type->size = spec->size;
    type->item_size = spec->item_size;
    type->each = spec->each;
    type->finalize = spec->finalize;
    type->dispose = spec->dispose;
    type->data = spec->data;
    type->name = own_name;
    uint64_t zero = lay_out(type, spec);
    if (type->field_count)
        type->refs_at = type->refs_end = fields[0] & ~1u;
    for (size_t i = 0; i < type->field_count && fields[i] == type->refs_end; i++)
        type->refs_end += 8;
    type->flags = flags_of(spec, type->field_count, extra);
    if (!(type->flags & (TYPE_VARYING | TYPE_EPHEMERON)) &&
        type->refs_end - type->refs_at == 8 * type->field_count)
        type->flags |= TYPE_FLAT;
    unsigned bin = HUSK__NO_BIN; /* found at birth (items), or larger than any */
    if (!type->item_size && type->block <= HUSK__LARGEST)
        bin = husk__class_of(type->block) + (type->flags & TYPE_TRACKED ? HUSK__CLASSES : 0);
    type->birth.place = zero << 32 | (offsetof(struct husk__store, bins) + bin * sizeof(struct husk__bin));

    status = enter(type);
    if (status)
        free(type);
    else
        *out = type;
    return status;
}

husk_status husk_type_register(const husk_type_spec *spec, const husk_type **out)
{
    return husk__type_make(spec, 0, out);
}

const char *husk_type_name(const husk_type *type)
{
    return type->name;
}

uint32_t husk_type_id(const husk_type *type)
{
    return type->id;
}

size_t husk_type_size(const husk_type *type)
{
    return type->size;
}

void *husk_type_data(const husk_type *type)
{
    return type->data;
}

size_t husk_type_slot_count(const husk_type *type)
{
    return type->slot_count;
}

const char *husk_type_slot_name(const husk_type *type, size_t slot)
{
    return slot < type->slot_count ? type->slots[slot].name : NULL;
}

bool husk_type_is_tracked(const husk_type *type)
{
    return type->flags & TYPE_TRACKED;
}
