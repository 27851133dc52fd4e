/* kinds/map.c: values by key, in the order of insertion. map.h has the picture.
 *
 * The layout is that of Raymond Hettinger's compact dictionary (Python 3.6): a dense array of entries for
 * order and iteration, a sparse table of small numbers for search. Removal leaves a hole in the entries,
 * closed when room is wanted, and none in the table (Knuth, The Art of Computer Programming 3, 6.4,
 * algorithm R).
 * Two keys are the same if husk_value_equal says so, after a double with the value of an int64 has become
 * that integer: 1 and 1.0 are one key, and so are 0.0 and -0.0. */
#include "kinds/map.h"

#include <string.h>

#include "kinds/kind.h"

typedef husk__entry entry;
typedef husk__map map;

_Static_assert(sizeof(size_t) >= 8, "a cursor holds two numbers of 32 bits");

enum {
    LEAST = 6,      /* capacity of the first buffer: 8 index slots */
    KEPT_EMPTY = 48 /* an empty map keeps a buffer of up to 2 KiB */
};
/* What an index slot of 32 bits can number with the table three quarters full. */
static const size_t most = ((size_t)1 << 31) / 4 * 3;

static const husk_slot map_slots[] = {
    HUSK_BUFFER_VALUE(map, entries, used, entry, key),
    HUSK_BUFFER_VALUE(map, entries, used, entry, value),
};

static void free_buffers(husk_heap *heap, const map *m)
{
    husk_buffer_free(heap, m->entries, m->capacity * sizeof(entry));
    husk_buffer_free(heap, m->index, m->slots * sizeof(uint32_t));
}

static void map_dispose(husk_obj *self)
{
    free_buffers(husk_obj_heap(self), husk_obj_data(self));
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

husk__kind_type husk__map_type = { NULL, "a map", &map_spec };

husk_obj *husk_map_new(husk_heap *heap)
{
    const husk_type *type = husk__kind_handle(&husk__map_type, heap);
    return type ? husk_obj_new(heap, type) : NULL;
}

size_t husk_map_count(const husk_obj *obj)
{
    return husk__kind_is(&husk__map_type, obj) ? ((map *)husk_obj_data(obj))->count : 0;
}

/* ---- keys ---- */

/* What is searched for: a value, or with bytes a text, for which there need not be an object. */
typedef struct probe {
    husk_value key; /* tag HUSK_OBJ if bytes; then the object may be NULL */
    const char *bytes;
    size_t length;
    uint32_t hash;
} probe;

static uint64_t hash_value(const husk_value *key)
{
    /* The tag keeps true, 1 and the double with the bits of 1 apart. Blocks are 8 bytes or more: an
     * address's low bits say nothing, but the mixer does not mind. */
    return husk__mix(key->as.b ^ (key->tag << 59));
}

static husk_status probe_text(husk_heap *heap, probe *p, const char *bytes, size_t length)
{
    if (!bytes && length)
        return husk_heap_fail(heap, HUSK_EINVAL, "a text key of %zu bytes, which are NULL", length);
    p->key.tag = HUSK_OBJ;
    p->key.as.o = NULL;
    p->bytes = bytes ? bytes : "";
    p->length = length;
    p->hash = (uint32_t)husk__hash_bytes(p->bytes, length);
    return HUSK_OK;
}

static husk_status probe_value(husk_heap *heap, probe *p, husk_value key)
{
    husk_status status = husk__value_check(heap, key);
    if (status != HUSK_OK)
        return status;
    p->bytes = NULL;
    p->length = 0;
    switch (key.tag) {
    case HUSK_NIL:
        return husk_heap_fail(heap, HUSK_EINVAL, "nil is no key of a map");
    case HUSK_FLOAT:
        if (key.as.f != key.as.f)
            return husk_heap_fail(heap, HUSK_EINVAL, "NaN is no key of a map: it equals nothing");
        if (key.as.f >= -0x1p63 && key.as.f < 0x1p63 && (double)(int64_t)key.as.f == key.as.f)
            key = husk_int((int64_t)key.as.f);
        break;
    case HUSK_OBJ:
        if (husk__kind_is(&husk__text_type, key.as.o)) {
            p->key = key;
            p->bytes = husk_text_bytes(key.as.o);
            p->length = husk_text_length(key.as.o);
            p->hash = (uint32_t)husk__text_hash(key.as.o);
            return HUSK_OK;
        }
        break;
    default:
        break;
    }
    p->key = key;
    p->hash = (uint32_t)hash_value(&key);
    return HUSK_OK;
}

static bool is_key(const entry *e, const probe *p)
{
    if (e->hash != p->hash || e->key.tag != p->key.tag)
        return false;
    switch (e->key.tag) {
    case HUSK_OBJ:
        if (e->key.as.o == p->key.as.o)
            return true;
        return p->bytes && husk__kind_is(&husk__text_type, e->key.as.o) &&
               husk_text_length(e->key.as.o) == p->length &&
               memcmp(husk_text_bytes(e->key.as.o), p->bytes, p->length) == 0;
    case HUSK_FLOAT:
        return e->key.as.f == p->key.as.f;
    default: /* booleans and integers: all bits */
        return e->key.as.i == p->key.as.i;
    }
}

static husk_status missing(husk_heap *heap, const probe *p)
{
    char words[HUSK__WORDS];
    return husk_heap_fail(heap, HUSK_EMISSING, "no key %s in the map",
                          p->bytes ? husk__text_words(words, p->bytes, p->length)
                                   : husk__value_words(words, p->key));
}

/* ---- the table ---- */

/* The entry of a key and its place in the index, or NULL. */
static entry *find(const map *m, const probe *p, size_t *place)
{
    if (!m->slots)
        return NULL;
    uint32_t mask = (uint32_t)(m->slots - 1);
    uint32_t slot;
    for (size_t at = p->hash & mask; (slot = m->index[at]) != 0; at = (at + 1) & mask) {
        if ((slot ^ p->hash) & ~mask)
            continue;
        entry *e = &m->entries[(slot & mask) - 1];
        if (is_key(e, p)) {
            *place = at;
            return e;
        }
    }
    return NULL;
}

static void index_add(uint32_t *index, size_t slots, size_t number, uint32_t hash)
{
    uint32_t mask = (uint32_t)(slots - 1);
    size_t at = hash & mask;
    while (index[at])
        at = (at + 1) & mask;
    index[at] = (hash & ~mask) | ((uint32_t)number + 1);
}

/* Empties a place and closes the gap: whatever could no longer be found from its home moves up. */
static void index_remove(const map *m, size_t place)
{
    size_t mask = m->slots - 1;
    size_t gap = place;
    for (size_t at = (gap + 1) & mask; m->index[at]; at = (at + 1) & mask) {
        size_t home = m->entries[(m->index[at] & mask) - 1].hash & mask;
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            m->index[gap] = m->index[at];
            gap = at;
        }
    }
    m->index[gap] = 0;
}

/* A zeroed index of the live entries; there are no holes. */
static void index_fill(const map *m, uint32_t *index, size_t slots)
{
    for (size_t i = 0; i < m->used; i++)
        index_add(index, slots, i, m->entries[i].hash);
}

/* Closes the holes. Needs no memory, runs no code of the program's, and keeps the order numbers, by which
 * cursors find their way. */
static void compact(map *m)
{
    size_t to = 0;
    for (size_t i = m->first; i < m->used; i++)
        if (m->entries[i].key.tag != HUSK_NIL)
            m->entries[to++] = m->entries[i];
    m->used = to;
    m->first = 0;
    memset(m->index, 0, m->slots * sizeof(uint32_t));
    index_fill(m, m->index, m->slots);
}

/* Half as much again. Both buffers are there before anything changes; a pass may run at each request. */
static husk_status grow(husk_heap *heap, map *m)
{
    if (m->capacity >= most)
        return husk_heap_fail(heap, HUSK_ERANGE, "a map holds at most %zu entries", most);
    size_t capacity = m->capacity < LEAST ? LEAST : m->capacity + m->capacity / 2;
    if (capacity > most)
        capacity = most;
    size_t slots = m->slots ? m->slots : 8;
    while (capacity > slots / 4 * 3)
        slots *= 2;
    uint32_t *index = m->index;
    if (slots > m->slots) {
        index = husk_buffer_new(heap, slots * sizeof(uint32_t));
        if (!index)
            return husk_heap_failure(heap);
    }
    entry *entries =
        husk_buffer_resize(heap, m->entries, m->capacity * sizeof(entry), capacity * sizeof(entry));
    if (!entries) {
        husk_status status = husk_heap_failure(heap);
        if (index != m->index)
            husk_buffer_free(heap, index, slots * sizeof(uint32_t));
        return status;
    }
    m->entries = entries;
    m->capacity = capacity;
    if (index != m->index) {
        index_fill(m, index, slots);
        husk_buffer_free(heap, m->index, m->slots * sizeof(uint32_t));
        m->index = index;
        m->slots = slots;
    }
    return HUSK_OK;
}

/* After 2^32 births the order numbers would come round to those of the oldest entries. Iterations that are
 * under way then may see entries twice; all others notice nothing. */
static void renumber(map *m)
{
    for (size_t i = 0; i < m->used; i++)
        m->entries[i].order = (uint32_t)i;
    m->born = (uint32_t)m->used;
}

/* Room for one entry more. A full map with holes is compacted first, and grows if that gained less than a
 * quarter: either way the work is paid by the entries that came or left since. Where there is no memory to
 * grow, a hole will do. */
static husk_status reserve(husk_heap *heap, map *m)
{
    if (m->used && (uint32_t)(m->born - m->entries[0].order) == UINT32_MAX)
        renumber(m);
    if (m->used < m->capacity)
        return HUSK_OK;
    if (m->count < m->used)
        compact(m);
    if (m->count < m->capacity / 4 * 3)
        return HUSK_OK;
    husk_status status = grow(heap, m);
    return m->used < m->capacity ? HUSK_OK : status;
}

/* ---- the public calls ---- */

static husk_status peek(husk_heap *heap, const map *m, const probe *p, husk_value *out)
{
    size_t place;
    const entry *e = find(m, p, &place);
    if (!e)
        return missing(heap, p);
    *out = e->value;
    return HUSK_OK;
}

/* The key and value are released last, when the map is whole again, and the map is not touched after that. */
static husk_status take_out(husk_heap *heap, map *m, const probe *p)
{
    size_t place;
    entry *e = find(m, p, &place);
    if (!e)
        return missing(heap, p);
    husk_value key = e->key;
    husk_value value = e->value;
    index_remove(m, place);
    e->key = husk_nil();
    e->value = husk_nil();
    m->count--;
    while (m->used && m->entries[m->used - 1].key.tag == HUSK_NIL)
        m->used--;
    while (m->first < m->used && m->entries[m->first].key.tag == HUSK_NIL)
        m->first++;
    if (m->count == 0) {
        m->first = 0;
        if (m->capacity > KEPT_EMPTY) {
            free_buffers(heap, m);
            m->entries = NULL;
            m->index = NULL;
            m->capacity = 0;
            m->slots = 0;
        }
    }
    husk_value_release(key);
    husk_value_release(value);
    return HUSK_OK;
}

husk_status husk_map_peek(const husk_obj *obj, husk_value key, husk_value *out)
{
    probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = probe_value(husk_obj_heap(obj), &p, key);
    return status == HUSK_OK ? peek(husk_obj_heap(obj), husk_obj_data(obj), &p, out) : status;
}

husk_status husk_map_peek_text(const husk_obj *obj, const char *bytes, size_t length, husk_value *out)
{
    probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = probe_text(husk_obj_heap(obj), &p, bytes, length);
    return status == HUSK_OK ? peek(husk_obj_heap(obj), husk_obj_data(obj), &p, out) : status;
}

husk_status husk_map_remove(husk_obj *obj, husk_value key)
{
    probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = probe_value(husk_obj_heap(obj), &p, key);
    return status == HUSK_OK ? take_out(husk_obj_heap(obj), husk_obj_data(obj), &p) : status;
}

husk_status husk_map_remove_text(husk_obj *obj, const char *bytes, size_t length)
{
    probe p;
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = probe_text(husk_obj_heap(obj), &p, bytes, length);
    return status == HUSK_OK ? take_out(husk_obj_heap(obj), husk_obj_data(obj), &p) : status;
}

husk_status husk_map_set(husk_obj *obj, husk_value key, husk_value v)
{
    probe p;
    husk_heap *heap = husk_obj_heap(obj);
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status == HUSK_OK)
        status = probe_value(heap, &p, key);
    if (status == HUSK_OK)
        status = husk__value_check(heap, v);
    if (status != HUSK_OK)
        return status;
    map *m = husk_obj_data(obj);
    size_t place;
    entry *e = find(m, &p, &place);
    if (e)
        return husk_value_set(obj, &e->value, v);
    status = reserve(heap, m);
    if (status != HUSK_OK)
        return status;
    e = &m->entries[m->used];
    husk_value_retain(p.key);
    husk_value_retain(v);
    e->key = p.key;
    e->value = v;
    e->hash = p.hash;
    e->order = m->born++;
    index_add(m->index, m->slots, m->used, p.hash);
    m->used++;
    m->count++;
    return HUSK_OK;
}

husk_status husk_map_clear(husk_obj *obj)
{
    husk_status status = husk__kind_check(&husk__map_type, obj);
    if (status != HUSK_OK)
        return status;
    map *m = husk_obj_data(obj);
    husk_heap *heap = husk_obj_heap(obj);
    map old = *m;
    memset(m, 0, sizeof *m);
    m->born = old.born;
    for (size_t i = old.first; i < old.used; i++) { /* code that runs here finds the map whole and empty */
        husk_value_release(old.entries[i].key);
        husk_value_release(old.entries[i].value);
    }
    free_buffers(heap, &old);
    return HUSK_OK;
}

/* A cursor is 0, or the number of the entry last seen plus one, above its order. Entries move only when holes
 * are closed; then the order tells where the iteration stood. */
static size_t resume(const map *m, size_t cursor)
{
    if (cursor >> 32 == 0)
        return m->first;
    size_t number = (cursor >> 32) - 1;
    uint32_t order = (uint32_t)cursor;
    if (number < m->used && m->entries[number].order == order)
        return number + 1;
    /* The first entry that is younger. Ages count back from born, and fall from entry to entry. */
    uint32_t age = m->born - order;
    size_t low = 0;
    size_t high = m->used;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint32_t)(m->born - m->entries[middle].order) >= age)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool husk_map_next(const husk_obj *obj, size_t *cursor, husk_value *key, husk_value *v)
{
    if (!husk__kind_is(&husk__map_type, obj))
        return false;
    const map *m = husk_obj_data(obj);
    size_t i = resume(m, *cursor);
    while (i < m->used && m->entries[i].key.tag == HUSK_NIL)
        i++;
    if (i >= m->used)
        return false;
    const entry *e = &m->entries[i];
    *cursor = ((i + 1) << 32) | e->order;
    *key = e->key;
    *v = e->value;
    return true;
}
