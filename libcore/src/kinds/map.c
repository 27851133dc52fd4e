/* kinds/map.c: values by key, in the order of insertion. The table is table.h's, the keys are key.h's. */
#include "kinds/map.h"

#include "kinds/key.h"

typedef husk__entry entry;
typedef husk__map map;

/* The first buffer has 8 index slots; an empty map keeps a buffer of up to 2 KiB. */
static const husk__table_kind kind = { "a map", sizeof(entry), 6, 48, NULL };

static const husk_slot map_slots[] = {
    HUSK_BUFFER_VALUE(map, table.rows, table.used, entry, key),
    HUSK_BUFFER_VALUE(map, table.rows, table.used, entry, value),
};

static void map_dispose(husk_obj *self)
{
    map *m = husk_obj_data(self);
    husk__table_free(husk_obj_heap(self), &kind, &m->table);
}

static const husk_type_spec map_spec = {
    HUSK_TYPE_SPEC,
    .name = "map",
    .size = sizeof(map),
    .slots = map_slots,
    .slot_count = sizeof map_slots / sizeof map_slots[0],
    .dispose = map_dispose,
    .flags = HUSK_TYPE_DISPOSE_ANYWHERE,
};

husk__kind_type husk__map_type = { NULL, "a map", &map_spec, NULL };

husk_obj *husk_map_new(husk_heap *heap)
{
    const husk_type *type = husk__kind_handle(&husk__map_type, heap);
    return type ? husk_obj_new(heap, type) : NULL;
}

size_t husk_map_count(const husk_obj *obj)
{
    return husk__kind_is(&husk__map_type, obj) ? ((map *)husk_obj_data(obj))->table.count : 0;
}

static bool is_key(const husk__row *row, const void *probe)
{
    return husk__key_is(&((const entry *)(const void *)row)->key, probe);
}

static entry *find(const map *m, const husk__probe *p, size_t *place)
{
    return (entry *)(void *)husk__table_find(&m->table, &kind, p->hash, is_key, p, place);
}

static husk_status peek(husk_heap *heap, const map *m, const husk__probe *p, husk_value *out)
{
    size_t place;
    const entry *e = find(m, p, &place);
    if (!e)
        return husk__key_missing(heap, p, "the map");
    *out = e->value;
    return HUSK_OK;
}

/* The key and value are released last, when the map is whole again, and the map is not touched after that. */
static husk_status take_out(husk_obj *obj, const husk__probe *p)
{
    husk_heap *heap = husk_obj_heap(obj);
    map *m = husk_obj_data(obj);
    size_t place;
    entry *e = find(m, p, &place);
    if (!e)
        return husk__key_missing(heap, p, "the map");
    husk_value key = e->key;
    husk_value value = e->value;
    e->key = husk_nil();
    e->value = husk_nil();
    husk__table_remove(heap, &m->table, &kind, &e->row, place);
    husk__item_release(key, obj, NULL);
    husk__item_release(value, obj, NULL);
    return HUSK_OK;
}

husk_status husk_map_peek(const husk_obj *obj, husk_value key, husk_value *out)
{
    husk__probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = husk__probe_value(husk_obj_heap(obj), &p, key);
    return status == HUSK_OK ? peek(husk_obj_heap(obj), husk_obj_data(obj), &p, out) : status;
}

husk_status husk_map_peek_text(const husk_obj *obj, const char *bytes, size_t length, husk_value *out)
{
    husk__probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = husk__probe_text(husk_obj_heap(obj), &p, bytes, length);
    return status == HUSK_OK ? peek(husk_obj_heap(obj), husk_obj_data(obj), &p, out) : status;
}

husk_status husk_map_remove(husk_obj *obj, husk_value key)
{
    husk__probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = husk__probe_value(husk_obj_heap(obj), &p, key);
    return status == HUSK_OK ? take_out(obj, &p) : status;
}

husk_status husk_map_remove_text(husk_obj *obj, const char *bytes, size_t length)
{
    husk__probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = husk__probe_text(husk_obj_heap(obj), &p, bytes, length);
    return status == HUSK_OK ? take_out(obj, &p) : status;
}

husk_status husk_map_set(husk_obj *obj, husk_value key, husk_value v)
{
    husk__probe p;
    husk_heap *heap = husk_obj_heap(obj);
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = husk__probe_value(heap, &p, key);
    if (status == HUSK_OK)
        status = husk__value_check(heap, v);
    if (status != HUSK_OK)
        return status;
    map *m = husk_obj_data(obj);
    size_t place;
    entry *e = find(m, &p, &place);
    if (e)
        return husk_value_set(obj, &e->value, v);
    status = husk__table_reserve(heap, &m->table, &kind);
    if (status != HUSK_OK)
        return status;
    husk__item_retain(p.key, obj, NULL);
    husk__item_retain(v, obj, NULL);
    e = (entry *)(void *)husk__table_row(&m->table, &kind, m->table.used);
    e->key = p.key;
    e->value = v;
    (void)husk__table_add(&m->table, &kind, p.hash);
    return HUSK_OK;
}

husk_status husk_map_clear(husk_obj *obj)
{
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status != HUSK_OK)
        return status;
    map *m = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    husk__table old = husk__table_empty(&m->table);
    const entry *entries = old.rows;
    for (size_t i = old.first; i < old.used; i++) { /* code that runs here finds the map whole and empty */
        husk__item_release(entries[i].key, obj, NULL);
        husk__item_release(entries[i].value, obj, NULL);
    }
    husk__table_free(heap, &kind, &old);
    return HUSK_OK;
}

bool husk_map_next(const husk_obj *obj, size_t *cursor, husk_value *key, husk_value *v)
{
    if (!husk__kind_is(&husk__map_type, obj))
        return false;
    const map *m = husk_obj_data(obj);
    const entry *e = (const entry *)(const void *)husk__table_next(&m->table, &kind, cursor);
    if (!e)
        return false;
    *key = e->key;
    *v = e->value;
    return true;
}
