/* space.c: spaces: the arena, the table of shapes, the table of names, and going back to a mark. What the
 * types are is type.h; they are made in make.c and aggregate.c. */
#include "space.h"

#include "memory.h"

#include <string.h>

struct husk__ffi_chunk {
    struct husk__ffi_chunk *older;
    size_t size; /* of data */
    size_t used;
    _Alignas(16) char data[];
};

enum { CHUNK = 4096, FIRST_BUCKETS = 64 };

uint64_t husk__ffi_hash_word(uint64_t hash, uint64_t word)
{
    for (int i = 0; i < 8; i++, word >>= 8)
        hash = (hash ^ (word & 0xFF)) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t husk__ffi_hash_text(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return husk__ffi_hash_word(hash, length);
}

_Thread_local uint64_t husk__ffi_thread_number;

uint64_t husk__ffi_thread_first(void)
{
    static atomic_uint_fast64_t last;
    husk__ffi_thread_number = atomic_fetch_add(&last, 1) + 1;
    return husk__ffi_thread_number;
}

/* ---- the arena ---- */

void *husk__ffi_space_take(husk_ffi_space *space, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    struct husk__ffi_chunk *chunk = space->chunk;
    if (!chunk || bytes > chunk->size - chunk->used) {
        size_t size = bytes > CHUNK - sizeof *chunk ? bytes : CHUNK - sizeof *chunk;
        chunk = husk__ffi_new(sizeof *chunk + size);
        if (!chunk)
            return NULL;
        chunk->size = size;
        chunk->older = space->chunk;
        space->chunk = chunk;
    }
    void *at = chunk->data + chunk->used;
    chunk->used += bytes;
    return at;
}

const char *husk__ffi_space_text(husk_ffi_space *space, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = husk__ffi_space_take(space, bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

static void drop_chunk(husk_ffi_space *space)
{
    struct husk__ffi_chunk *chunk = space->chunk;
    space->chunk = chunk->older;
    husk__ffi_free(chunk, sizeof *chunk + chunk->size);
}

/* ---- the tables ---- */

/* Types and names are chained alike: each has its next and its hash. */
static husk_ffi_type *type_in(void *entry)
{
    return entry;
}

static struct husk__ffi_name *name_in(void *entry)
{
    return entry;
}

/* Doubles a full table. If there is no memory for it, chains just grow. */
static void **grown(struct husk__ffi_table *table)
{
    if (table->count < table->size)
        return NULL;
    size_t bytes = table->size * 2 * sizeof(void *);
    void **buckets = husk__ffi_new(bytes);
    if (!buckets)
        return NULL;
    husk__ffi_free(table->buckets, table->size * sizeof(void *));
    table->buckets = buckets;
    table->size *= 2;
    return buckets;
}

/* From the oldest to the newest, so that the newest lead their chains again. Links of `older` are turned
 * round twice for it. */
static void rehash_shapes(husk_ffi_space *space)
{
    husk_ffi_type *turned = NULL;
    for (husk_ffi_type *type = space->newest, *older; type; type = older) {
        older = type->older;
        type->older = turned;
        turned = type;
    }
    husk_ffi_type *back = NULL;
    for (husk_ffi_type *type = turned, *newer; type; type = newer) {
        newer = type->older;
        type->older = back;
        back = type;
        if (type->hash) {
            void **at = &space->shapes.buckets[type->hash & (space->shapes.size - 1)];
            type->bucket = *at;
            *at = type;
        }
    }
}

static void rehash_names(husk_ffi_space *space)
{
    struct husk__ffi_name *turned = NULL;
    for (struct husk__ffi_name *name = space->newest_name, *older; name; name = older) {
        older = name->older;
        name->older = turned;
        turned = name;
    }
    struct husk__ffi_name *back = NULL;
    for (struct husk__ffi_name *name = turned, *newer; name; name = newer) {
        newer = name->older;
        name->older = back;
        back = name;
        void **at = &space->names.buckets[name->hash & (space->names.size - 1)];
        name->bucket = *at;
        *at = name;
    }
}

husk_ffi_type *husk__ffi_shape_first(const husk_ffi_space *space, uint64_t hash)
{
    husk_ffi_type *type = type_in(space->shapes.buckets[hash & (space->shapes.size - 1)]);
    while (type && type->hash != hash)
        type = type->bucket;
    return type;
}

husk_ffi_type *husk__ffi_shape_next(const husk_ffi_type *type)
{
    husk_ffi_type *next = type->bucket;
    while (next && next->hash != type->hash)
        next = next->bucket;
    return next;
}

husk_ffi_type *husk__ffi_space_type(husk_ffi_space *space, husk_ffi_kind kind, uint64_t hash)
{
    husk_ffi_type *type = husk__ffi_space_take(space, sizeof *type);
    if (!type)
        return NULL;
    type->space = space;
    type->kind = (uint8_t)kind;
    type->hash = hash;
    type->depth = 1;
    if (hash) {
        if (grown(&space->shapes))
            rehash_shapes(space);
        void **at = &space->shapes.buckets[hash & (space->shapes.size - 1)];
        type->bucket = *at;
        *at = type;
        space->shapes.count++;
    }
    type->older = space->newest;
    space->newest = type;
    space->count++;
    return type;
}

husk_status husk__ffi_name_add(husk_ffi_space *space, const char *text, const husk_ffi_type *type)
{
    size_t length = strlen(text);
    struct husk__ffi_name *name = husk__ffi_space_take(space, sizeof *name + length + 1);
    if (!name)
        return HUSK_ENOMEM;
    memcpy(name->text, text, length + 1);
    name->type = type;
    name->hash = husk__ffi_hash_text(HUSK__FFI_HASH, text, length);
    if (grown(&space->names))
        rehash_names(space);
    void **at = &space->names.buckets[name->hash & (space->names.size - 1)];
    name->bucket = *at;
    *at = name;
    name->older = space->newest_name;
    space->newest_name = name;
    space->names.count++;
    return HUSK_OK;
}

const husk_ffi_type *husk__ffi_name_find(const husk_ffi_space *space, const char *text, size_t length)
{
    const husk_ffi_type *builtin = husk__ffi_builtin_find(text, length);
    if (builtin)
        return builtin;
    uint64_t hash = husk__ffi_hash_text(HUSK__FFI_HASH, text, length);
    struct husk__ffi_name *name = name_in(space->names.buckets[hash & (space->names.size - 1)]);
    for (; name; name = name->bucket) {
        if (name->hash == hash && strlen(name->text) == length && memcmp(name->text, text, length) == 0)
            return name->type;
    }
    return NULL;
}

/* ---- marks ---- */

husk__ffi_mark husk__ffi_mark_set(const husk_ffi_space *space)
{
    return (husk__ffi_mark){ .chunk = space->chunk,
                             .used = space->chunk ? space->chunk->used : 0,
                             .newest = space->newest,
                             .newest_name = space->newest_name,
                             .count = space->count };
}

void husk__ffi_mark_return(husk_ffi_space *space, const husk__ffi_mark *mark)
{
    while (space->newest_name != mark->newest_name) {
        struct husk__ffi_name *name = space->newest_name;
        space->names.buckets[name->hash & (space->names.size - 1)] = name->bucket;
        space->names.count--;
        space->newest_name = name->older;
    }
    while (space->newest != mark->newest) {
        husk_ffi_type *type = space->newest;
        if (type->hash) {
            space->shapes.buckets[type->hash & (space->shapes.size - 1)] = type->bucket;
            space->shapes.count--;
        }
        space->newest = type->older;
    }
    space->count = mark->count;
    while (space->chunk != mark->chunk)
        drop_chunk(space);
    if (mark->chunk) {
        memset(mark->chunk->data + mark->used, 0, mark->chunk->used - mark->used);
        mark->chunk->used = mark->used;
    }
}

/* ---- life ---- */

husk_status husk_ffi_space_new(husk_ffi_space **out)
{
    *out = NULL;
    husk_ffi_space *space = husk__ffi_new(sizeof *space);
    if (!space)
        return HUSK_ENOMEM;
    if (pthread_mutex_init(&space->report_lock, NULL) != 0) {
        husk__ffi_free(space, sizeof *space);
        return husk__ffi_no_memory();
    }
    atomic_init(&space->holders, 1);
    space->owner = husk__ffi_thread();
    space->shapes.buckets = husk__ffi_new(FIRST_BUCKETS * sizeof(void *));
    space->names.buckets = husk__ffi_new(FIRST_BUCKETS * sizeof(void *));
    space->shapes.size = space->names.size = FIRST_BUCKETS;
    if (!space->shapes.buckets || !space->names.buckets) {
        husk__ffi_space_drop(space);
        return HUSK_ENOMEM;
    }
    *out = space;
    return HUSK_OK;
}

void husk__ffi_space_retain(husk_ffi_space *space)
{
    atomic_fetch_add_explicit(&space->holders, 1, memory_order_relaxed);
}

void husk__ffi_space_drop(husk_ffi_space *space)
{
    if (atomic_fetch_sub_explicit(&space->holders, 1, memory_order_acq_rel) != 1)
        return;
    while (space->chunk)
        drop_chunk(space);
    husk__ffi_free(space->shapes.buckets, space->shapes.size * sizeof(void *));
    husk__ffi_free(space->names.buckets, space->names.size * sizeof(void *));
    pthread_mutex_destroy(&space->report_lock);
    husk__ffi_free(space, sizeof *space);
}

void husk_ffi_space_free(husk_ffi_space *space)
{
    if (!space)
        return;
    husk_ffi_space_on_report(space, NULL, NULL, NULL);
    husk__ffi_space_drop(space);
}

size_t husk_ffi_space_count(const husk_ffi_space *space)
{
    return space->count;
}

const husk_ffi_type *husk_ffi_space_find(const husk_ffi_space *space, const char *name)
{
    return husk__ffi_name_find(space, name, strlen(name));
}

husk_status husk__ffi_check_own(const husk_ffi_space *space, const husk_ffi_type *type)
{
    if (!type->space || type->space == space)
        return HUSK_OK;
    return husk_fail(HUSK_EINVAL, "%s belongs to another space", husk__ffi_words_of(type).text);
}
