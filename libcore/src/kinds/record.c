/* kinds/record.c: types with named fields, declared at run time and found again by what they say.
 *
 * A record's payload is its fields, one husk_value each. What a record type knows beyond the library's own
 * description is kept here, for the life of the process as types are: hence plain malloc, which no heap
 * counts. */
#include "kinds/kind.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One record type; made under the lock, never changed once it can be seen. All in one piece of memory:
 * this struct, finder, names, then the characters of all names. */
typedef struct shape {
    const husk_type *type;
    struct shape *next; /* with the same hash modulo BUCKETS */
    const char *name;
    const char **names; /* of the fields */
    size_t count;
    husk_finalize_fn *finalize;
    void *data;
    uint64_t hash;
    uint32_t mask;    /* size of finder minus one; a power of two, more than half of it empty */
    uint32_t *finder; /* 1 + field, from the place hash(name) & mask on; 0: empty */
} shape;

enum {
    MOST_FIELDS = 4096,
    BUCKETS = 1024,
    PAGE = 1024, /* found by type id in two steps: a million types need not have their place at once */
    PAGES = 1024
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of buckets, and of writing pages */
static shape *buckets[BUCKETS];
typedef _Atomic(const shape *) shape_place;
static _Atomic(shape_place *) pages[PAGES];

static const shape *shape_of(const husk_type *type)
{
    uint32_t id = husk_type_id(type);
    if (id >= (uint32_t)PAGE * PAGES)
        return NULL;
    shape_place *page = atomic_load_explicit(&pages[id / PAGE], memory_order_acquire);
    return page ? atomic_load_explicit(&page[id % PAGE], memory_order_acquire) : NULL;
}

bool husk__record_is(const husk_type *type)
{
    return shape_of(type) != NULL;
}

/* ---- declaring ---- */

static uint64_t hash_name(const char *name)
{
    return husk__hash_bytes(name, strlen(name));
}

static bool is_shape(const shape *s, const char *name, const char *const *fields, size_t count,
                     husk_finalize_fn *finalize, const void *data)
{
    if (s->count != count || s->finalize != finalize || s->data != data || strcmp(s->name, name) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(s->names[i], fields[i]) != 0)
            return false;
    return true;
}

/* The place of a name in the finder: where it is, or the empty one where it would be. */
static uint32_t place_of(const shape *s, const char *name)
{
    uint32_t at = (uint32_t)hash_name(name) & s->mask;
    while (s->finder[at] && strcmp(s->names[s->finder[at] - 1], name) != 0)
        at = (at + 1) & s->mask;
    return at;
}

/* No type yet, and not to be found. NULL: a name comes twice (*twice), or no memory (*twice NULL). */
static shape *shape_new(const char *name, const char *const *fields, size_t count, const char **twice)
{
    size_t places = 2;
    while (places < 2 * count + 1)
        places *= 2;
    size_t bytes = sizeof(shape) + count * sizeof(char *) + places * sizeof(uint32_t) + strlen(name) + 1;
    for (size_t i = 0; i < count; i++)
        bytes +=
            strlen(fields[i]) + 1; /* no overflow: all of it is in memory already, if not more than once */
    *twice = NULL;
    shape *s = calloc(1, bytes);
    if (!s)
        return NULL;
    s->names = (const char **)(void *)(s + 1);
    s->finder = (uint32_t *)(void *)(s->names + count);
    char *to = (char *)(s->finder + places);
    s->mask = (uint32_t)(places - 1);
    s->count = count;
    s->name = strcpy(to, name);
    to += strlen(name) + 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = place_of(s, fields[i]);
        if (s->finder[at]) {
            *twice = fields[i];
            free(s);
            return NULL;
        }
        s->names[i] = strcpy(to, fields[i]);
        to += strlen(fields[i]) + 1;
        s->finder[at] = (uint32_t)i + 1;
    }
    return s;
}

static husk_status shape_register(shape *s)
{
    husk_slot *slots = calloc(s->count ? s->count : 1, sizeof(husk_slot));
    if (!slots)
        return husk_fail(HUSK_ENOMEM, "no memory for the record type \"%.80s\"", s->name);
    for (size_t i = 0; i < s->count; i++) {
        slots[i].name = s->names[i];
        slots[i].kind = HUSK_SLOT_VALUE;
        slots[i].place = HUSK_IN_FIELD;
        slots[i].offset = (uint32_t)(i * sizeof(husk_value));
    }
    husk_type_spec spec = {
        HUSK_TYPE_SPEC,  .name = s->name,        .size = s->count * sizeof(husk_value),
        .slots = slots,  .slot_count = s->count, .finalize = s->finalize,
        .data = s->data,
    };
    husk_status status = husk_type_register(&spec, &s->type);
    free(slots);
    return status;
}

/* From here on the type is known as a record type; the shape is complete before it can be seen. A type whose
 * page cannot be had is a number lost, as types cannot be taken back. */
static husk_status shape_publish(shape *s)
{
    uint32_t id = husk_type_id(s->type);
    if (id >= (uint32_t)PAGE * PAGES)
        return husk_fail(HUSK_ERANGE, "type number %u of \"%.80s\" is above a million", (unsigned)id,
                         s->name);
    shape_place *page = atomic_load_explicit(&pages[id / PAGE], memory_order_relaxed);
    if (!page) {
        page = calloc(PAGE, sizeof *page);
        if (!page)
            return husk_fail(HUSK_ENOMEM, "no memory for the record type \"%.80s\"", s->name);
        atomic_store_explicit(&pages[id / PAGE], page, memory_order_release);
    }
    atomic_store_explicit(&page[id % PAGE], s, memory_order_release);
    s->next = buckets[s->hash % BUCKETS];
    buckets[s->hash % BUCKETS] = s;
    return HUSK_OK;
}

static husk_status check_names(const char *name, const char *const *fields, size_t count)
{
    if (!name || !*name)
        return husk_fail(HUSK_EINVAL, "a record type needs a name");
    if (count > MOST_FIELDS)
        return husk_fail(HUSK_ERANGE, "record type \"%.80s\": %zu fields are more than %d", name, count,
                         (int)MOST_FIELDS);
    if (count && !fields)
        return husk_fail(HUSK_EINVAL, "record type \"%.80s\": %zu fields without names", name, count);
    for (size_t i = 0; i < count; i++)
        if (!fields[i] || !*fields[i])
            return husk_fail(HUSK_EINVAL, "record type \"%.80s\": field %zu has no name", name, i);
    return HUSK_OK;
}

/* Finds the type or makes it. With the lock held. */
static husk_status declare(const char *name, const char *const *fields, size_t count,
                           husk_finalize_fn *finalize, void *data, uint64_t hash, const husk_type **out)
{
    for (const shape *s = buckets[hash % BUCKETS]; s; s = s->next) {
        if (s->hash == hash && is_shape(s, name, fields, count, finalize, data)) {
            *out = s->type;
            return HUSK_OK;
        }
    }
    const char *twice;
    shape *s = shape_new(name, fields, count, &twice);
    if (!s && twice)
        return husk_fail(HUSK_EINVAL, "record type \"%.80s\": two fields are called \"%.80s\"", name, twice);
    if (!s)
        return husk_fail(HUSK_ENOMEM, "no memory for the record type \"%.80s\"", name);
    s->finalize = finalize;
    s->data = data;
    s->hash = hash;
    husk_status status = shape_register(s);
    if (status != HUSK_OK) {
        free(s);
        return status;
    }
    status = shape_publish(s);
    if (status == HUSK_OK)
        *out = s->type;
    return status; /* a shape that failed here stays: the type, which nobody knows, has its slot names */
}

husk_status husk_record_type(const char *name, const char *const *fields, size_t count,
                             husk_finalize_fn *finalize, void *data, const husk_type **out)
{
    husk_status status = check_names(name, fields, count);
    if (status != HUSK_OK)
        return status;
    uint64_t hash = hash_name(name);
    for (size_t i = 0; i < count; i++)
        hash = husk__mix(hash + hash_name(fields[i]));
    hash = husk__mix(hash ^ (uint64_t)(uintptr_t)data);
    pthread_mutex_lock(&lock);
    status = declare(name, fields, count, finalize, data, hash, out);
    pthread_mutex_unlock(&lock);
    return status;
}

int husk_record_field(const husk_type *type, const char *name)
{
    const shape *s = type && name ? shape_of(type) : NULL;
    if (!s)
        return -1;
    return (int)s->finder[place_of(s, name)] - 1;
}

/* ---- records ---- */

husk_obj *husk_record_new(husk_heap *heap, const husk_type *type)
{
    if (!type || !shape_of(type)) {
        husk_heap_fail(heap, HUSK_ETYPE, "type %.80s is no record type",
                       type ? husk_type_name(type) : "NULL");
        return NULL;
    }
    return husk_obj_new(heap, type); /* zeroed: all fields nil */
}

/* The field's place in the record. */
static husk_status field_at(const husk_obj *record, size_t field, husk_value **out)
{
    const shape *s = shape_of(husk_obj_type(record));
    if (!s)
        return husk__kind_mismatch(record, "a record");
    if (field >= s->count)
        return husk_heap_fail(husk_obj_heap(record), HUSK_ERANGE,
                              "field %zu is not below the %zu of record type \"%.80s\"", field, s->count,
                              s->name);
    *out = (husk_value *)husk_obj_data(record) + field;
    return HUSK_OK;
}

husk_status husk_record_set(husk_obj *record, size_t field, husk_value v)
{
    husk_value *slot;
    husk_status status = field_at(record, field, &slot);
    return status == HUSK_OK ? husk_value_set(record, slot, v) : status;
}

husk_status husk_record_peek(const husk_obj *record, size_t field, husk_value *out)
{
    husk_value *slot;
    husk_status status = field_at(record, field, &slot);
    if (status != HUSK_OK)
        return status;
    *out = *slot;
    return HUSK_OK;
}
