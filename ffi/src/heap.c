/* heap.c: structs as types of heap objects. The slots are found by a walk over the layout; their names,
 * which the core does not copy, live as long as the types do, which is as long as the process. */
#include "memory.h"
#include "space.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SLOTS = 4096, MOST_PATH = 512 };

/* Of one registered type, never given back; the list is what leak checkers follow. */
struct names {
    struct names *older;
    char text[];
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct names *newest;

struct walk {
    husk_slot *slots;
    char *names; /* NULL while they are measured, slots too */
    size_t count;
    size_t bytes; /* of names, zeros included */
    char path[MOST_PATH];
};

static husk_status visit(struct walk *walk, const husk_ffi_type *type, size_t offset, size_t length);

static husk_status too_long(const struct walk *walk)
{
    return husk_fail(HUSK_ERANGE, "the name of a slot has more than %d letters: %.64s...", MOST_PATH - 1,
                     walk->path);
}

static husk_status visit_array(struct walk *walk, const husk_ffi_type *type, size_t offset, size_t length)
{
    husk_status status = HUSK_OK;
    for (size_t i = 0; i < type->count && status == HUSK_OK; i++) {
        int n = snprintf(walk->path + length, sizeof walk->path - length, "[%zu]", i);
        if ((size_t)n >= sizeof walk->path - length)
            return too_long(walk);
        status = visit(walk, type->element, offset + i * type->element->size, length + (size_t)n);
    }
    return status;
}

static husk_status visit_fields(struct walk *walk, const husk_ffi_type *type, size_t offset, size_t length)
{
    husk_status status = HUSK_OK;
    for (size_t i = 0; i < type->count && status == HUSK_OK; i++) {
        const husk_ffi_field *field = &type->fields[i];
        if (!field->type->refs)
            continue;
        int n = 0;
        if (field->name) {
            n = snprintf(walk->path + length, sizeof walk->path - length, "%s%s", length ? "." : "",
                         field->name);
            if ((size_t)n >= sizeof walk->path - length)
                return too_long(walk);
        }
        status = visit(walk, field->type, offset + field->offset, length + (size_t)n);
    }
    return status;
}

/* Where the slots are, in the order of their offsets; walk->path of that length is what leads here. As deep
 * as values nest, and through types with slots only. */
static husk_status visit(struct walk *walk, const husk_ffi_type *type, size_t offset, size_t length)
{
    switch (type->kind) {
    case HUSK_FFI_ARRAY:
        return visit_array(walk, type, offset, length);
    case HUSK_FFI_STRUCT:
        return visit_fields(walk, type, offset, length);
    case HUSK_FFI_UNION:
        walk->path[length] = 0;
        return husk_fail(HUSK_EINVAL, "%s%sa union holds a ref: nobody could tell whether it is one",
                         walk->path, length ? ": " : "");
    default:
        break;
    }
    if (walk->names) {
        memcpy(walk->names + walk->bytes, walk->path, length);
        walk->slots[walk->count] = (husk_slot){ .name = walk->names + walk->bytes,
                                                .kind = HUSK_SLOT_REF,
                                                .place = HUSK_IN_FIELD,
                                                .offset = (uint32_t)offset };
    }
    walk->count++;
    walk->bytes += length + 1;
    return HUSK_OK;
}

static husk_status register_type(const husk_ffi_type *type, const char *name, struct walk *walk,
                                 const husk_type **out)
{
    const husk_type_spec spec = {
        HUSK_TYPE_SPEC, .name = name, .size = type->size, .slots = walk->slots, .slot_count = walk->count,
    };
    return husk_type_register(&spec, out);
}

/* The slots with names that stay; on success they are the process's. */
static husk_status with_names(const husk_ffi_type *type, const char *name, const struct walk *measured,
                              const husk_type **out)
{
    size_t bytes = sizeof(struct names) + measured->bytes;
    size_t slot_bytes = (measured->count + 1) * sizeof(husk_slot);
    struct names *names =
        husk__ffi_refused() ? NULL : calloc(1, bytes); /* never given back, so not counted */
    husk_slot *slots = husk__ffi_new(slot_bytes);
    husk_status status = names && slots ? HUSK_OK : husk__ffi_no_memory();
    if (status == HUSK_OK) {
        struct walk walk = { .slots = slots, .names = names->text };
        status = visit(&walk, type, 0, 0);
        if (status == HUSK_OK)
            status = register_type(type, name, &walk, out);
    }
    husk__ffi_free(slots, slot_bytes);
    if (status != HUSK_OK) {
        free(names);
        return status;
    }
    pthread_mutex_lock(&lock);
    names->older = newest;
    newest = names;
    pthread_mutex_unlock(&lock);
    return HUSK_OK;
}

husk_status husk_ffi_heap_type(husk_ffi_space *space, const husk_ffi_type *type, const char *name,
                               const husk_type **out)
{
    *out = NULL;
    husk_status status = husk__ffi_check_own(space, type);
    if (status != HUSK_OK)
        return status;
    if (type->kind != HUSK_FFI_STRUCT || !type->complete)
        return husk_fail(HUSK_EINVAL, "%s is no complete struct", husk__ffi_words_of(type).text);
    if (!name || !*name)
        return husk_fail(HUSK_EINVAL, "a heap type has a name");
    for (const struct husk__ffi_heap_entry *e = space->heap_types; e; e = e->older) {
        if (e->struct_type == type && strcmp(husk_type_name(e->registered), name) == 0) {
            *out = e->registered;
            return HUSK_OK;
        }
    }
    if (type->refs > MOST_SLOTS)
        return husk_fail(HUSK_ERANGE, "type %.64s: more than %d refs", name, MOST_SLOTS);
    struct walk measured = { .slots = NULL };
    status = visit(&measured, type, 0, 0);
    if (status != HUSK_OK)
        return status;
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    struct husk__ffi_heap_entry *entry = husk__ffi_space_take(space, sizeof *entry);
    status = entry ? with_names(type, name, &measured, out) : HUSK_ENOMEM;
    if (status != HUSK_OK) {
        husk__ffi_mark_return(space, &mark);
        return status;
    }
    entry->registered = *out;
    entry->struct_type = type;
    entry->older = space->heap_types;
    space->heap_types = entry;
    return HUSK_OK;
}

const husk_ffi_type *husk_ffi_heap_type_struct(const husk_ffi_space *space, const husk_type *type)
{
    for (const struct husk__ffi_heap_entry *e = space->heap_types; e; e = e->older) {
        if (e->registered == type)
            return e->struct_type;
    }
    return NULL;
}
