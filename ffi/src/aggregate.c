/* aggregate.c: structs and unions: declared, completed, laid out as the C compiler does: each field at the
 * next multiple of its alignment, the whole padded to the largest one. */
#include "memory.h"
#include "space.h"

#include <string.h>

static const char *noun(husk_ffi_kind kind)
{
    return kind == HUSK_FFI_UNION ? "union" : "struct";
}

/* ---- declarations ---- */

static husk_status declare(husk_ffi_space *space, husk_ffi_kind kind, const char *name,
                           const husk_ffi_type **out)
{
    *out = NULL;
    husk_status status = husk__ffi_check_name(kind, name);
    if (status != HUSK_OK)
        return status;
    const husk_ffi_type *old = husk__ffi_name_find(space, name, strlen(name));
    if (old && old->kind == kind && old->name && strcmp(old->name, name) == 0) {
        *out = old;
        return HUSK_OK;
    }
    if (old)
        return husk_fail(HUSK_ESTATE, "%s is declared already, as another type", name);
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    husk_ffi_type *type = husk__ffi_space_type(space, kind, 0);
    if (type)
        type->name = husk__ffi_space_text(space, name);
    if (!type || !type->name || husk__ffi_name_add(space, name, type) != HUSK_OK) {
        husk__ffi_mark_return(space, &mark);
        return HUSK_ENOMEM;
    }
    *out = type;
    return HUSK_OK;
}

husk_status husk_ffi_struct_declare(husk_ffi_space *space, const char *name, const husk_ffi_type **out)
{
    return declare(space, HUSK_FFI_STRUCT, name, out);
}

husk_status husk_ffi_union_declare(husk_ffi_space *space, const char *name, const husk_ffi_type **out)
{
    return declare(space, HUSK_FFI_UNION, name, out);
}

/* ---- fields ---- */

static husk_status check_field(const husk_ffi_space *space, husk_ffi_kind kind, const husk_ffi_field *field,
                               size_t number)
{
    if (!field->type)
        return husk_fail(HUSK_EINVAL, "%s: field %zu has no type", noun(kind), number);
    husk_status status = husk__ffi_check_own(space, field->type);
    if (status != HUSK_OK)
        return status;
    const char *name = field->name;
    if (name) {
        size_t length = husk__ffi_identifier(name);
        if (!length || name[length] || length > MAX_NAME ||
            strcmp(name, "enum") == 0) /* "enum:u8{" is a type */
            return husk_fail(HUSK_EINVAL, "%s: \"%.64s\" is not a name for a field", noun(kind), name);
    } else if (!husk__ffi_is_aggregate(field->type)) {
        return husk_fail(HUSK_EINVAL, "%s: field %zu, %s, needs a name", noun(kind), number,
                         husk__ffi_words_of(field->type).text);
    }
    if (field->bits)
        return husk_fail(HUSK_EINVAL, "%s: field %.64s is a bit-field, which is not supported", noun(kind),
                         name ? name : "without a name");
    if (!husk__ffi_is_value(field->type))
        return husk_fail(HUSK_EINVAL, "%s: field %.64s is of type %s, which %s", noun(kind),
                         name ? name : "without a name", husk__ffi_words_of(field->type).text,
                         husk__ffi_is_aggregate(field->type) ? "is incomplete" : "no value has");
    return HUSK_OK;
}

bool husk__ffi_field_among(const husk_ffi_type *type, size_t count, const char *name, husk_ffi_field *out)
{
    for (size_t i = 0; i < count; i++) {
        const husk_ffi_field *field = &type->fields[i];
        if (field->name) {
            if (strcmp(field->name, name) == 0) {
                *out = *field;
                return true;
            }
        } else if (husk__ffi_field_among(field->type, field->type->count, name, out)) {
            out->offset += field->offset;
            return true;
        }
    }
    return false;
}

/* A name of `type`, or of unnamed fields in it, that is also among the first `count` of `whole`; NULL:
 * none. */
static const char *clash(const husk_ffi_type *whole, size_t count, const husk_ffi_type *type)
{
    husk_ffi_field found;
    for (size_t i = 0; i < type->count; i++) {
        const char *name = type->fields[i].name;
        if (name && !husk__ffi_field_among(whole, count, name, &found))
            name = NULL;
        else if (!name)
            name = clash(whole, count, type->fields[i].type);
        if (name)
            return name;
    }
    return NULL;
}

static husk_status check_names(const husk_ffi_type *whole)
{
    husk_ffi_field found;
    for (size_t i = 1; i < whole->count; i++) {
        const husk_ffi_field *field = &whole->fields[i];
        const char *twice = field->name;
        if (twice && !husk__ffi_field_among(whole, i, twice, &found))
            twice = NULL;
        else if (!twice)
            twice = clash(whole, i, field->type);
        if (twice)
            return husk_fail(HUSK_EINVAL, "%s: two fields are called %.64s", noun(whole->kind), twice);
    }
    return HUSK_OK;
}

static size_t up(size_t offset, size_t alignment)
{
    return (offset + alignment - 1) & ~(alignment - 1);
}

/* Places `fields` and notes what follows from them in *to. Nothing else of the type is touched, and on
 * failure nobody looks at *to. */
static husk_status lay_out(husk_ffi_type *to, husk_ffi_field *fields, size_t count)
{
    to->alignment = 1;
    to->unlucky = to->kind == HUSK_FFI_UNION ? to : NULL;
    unsigned depth = 0;
    unsigned nest = 0;
    for (size_t i = 0; i < count; i++) {
        const husk_ffi_type *type = fields[i].type;
        size_t offset = to->kind == HUSK_FFI_UNION ? 0 : up(to->size, type->alignment);
        if (type->size > HUSK_FFI_MAX_SIZE - offset)
            return husk_fail(HUSK_ERANGE, "%s: larger than %d bytes with field %zu", noun(to->kind),
                             HUSK_FFI_MAX_SIZE, i + 1);
        fields[i].offset = offset;
        fields[i].bits = 0;
        to->size = offset + type->size > to->size ? offset + type->size : to->size;
        to->alignment = type->alignment > to->alignment ? type->alignment : to->alignment;
        to->refs = to->refs + type->refs > MANY_REFS ? MANY_REFS : to->refs + type->refs;
        if (!to->unlucky)
            to->unlucky = type->unlucky;
        depth = type->depth > depth ? type->depth : depth;
        nest = type->nest > nest ? type->nest : nest;
    }
    to->size = up(to->size, to->alignment);
    if (!to->name)
        to->depth = (uint8_t)(depth + 1); /* a name is all that is spelled of a named one */
    to->nest = (uint8_t)(nest + 1);
    if (to->depth > HUSK_FFI_MAX_DEPTH || to->nest > HUSK_FFI_MAX_DEPTH)
        return husk_fail(HUSK_ERANGE, "%s: types nest deeper than %d", noun(to->kind), HUSK_FFI_MAX_DEPTH);
    return HUSK_OK;
}

static husk_status check_fields(const husk_ffi_space *space, husk_ffi_kind kind, const husk_ffi_field *fields,
                                size_t count)
{
    if (count == 0)
        return husk_fail(HUSK_EINVAL, "%s: C wants one field at least", noun(kind));
    if (count > HUSK_FFI_MAX_FIELDS)
        return husk_fail(HUSK_ERANGE, "%s: %d fields at most, not %zu", noun(kind), HUSK_FFI_MAX_FIELDS,
                         count);
    for (size_t i = 0; i < count; i++) {
        husk_status status = check_field(space, kind, &fields[i], i + 1);
        if (status != HUSK_OK)
            return status;
    }
    return HUSK_OK;
}

/* Gives *type its fields, all or nothing; what was taken from the arena goes back with the caller's mark. */
static husk_status fill(husk_ffi_space *space, husk_ffi_type *type, const husk_ffi_field *fields,
                        size_t count)
{
    husk_ffi_field *own = husk__ffi_space_take(space, count * sizeof *own);
    if (!own)
        return HUSK_ENOMEM;
    memcpy(own, fields, count * sizeof *own);
    for (size_t i = 0; i < count; i++) {
        if (own[i].name && !(own[i].name = husk__ffi_space_text(space, own[i].name)))
            return HUSK_ENOMEM;
    }
    husk_ffi_type done = *type;
    husk_status status = lay_out(&done, own, count);
    done.fields = own;
    done.count = count;
    if (status == HUSK_OK)
        status = check_names(&done);
    if (status != HUSK_OK)
        return status;
    if (done.unlucky == &done)
        done.unlucky = type;
    done.complete = true;
    *type = done;
    return HUSK_OK;
}

husk_status husk_ffi_complete(husk_ffi_space *space, const husk_ffi_type *type, const husk_ffi_field *fields,
                              size_t count, unsigned flags)
{
    if (!husk__ffi_is_aggregate(type) || !type->name || type->space != space)
        return husk_fail(HUSK_EINVAL, "%s was not declared in this space", husk__ffi_words_of(type).text);
    if (type->complete)
        return husk_fail(HUSK_ESTATE, "%s has its fields already", type->name);
    if (flags & HUSK_FFI_PACKED)
        return husk_fail(HUSK_EINVAL, "%s is packed, which is not supported", type->name);
    if (flags)
        return husk_fail(HUSK_EINVAL, "%s: 0x%x are no flags", type->name, flags);
    husk_status status = check_fields(space, type->kind, fields, count);
    if (status != HUSK_OK)
        return status;
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    status = fill(space, (husk_ffi_type *)(uintptr_t)type, fields, count); /* the space's own: not const */
    if (status != HUSK_OK)
        husk__ffi_mark_return(space, &mark);
    return status;
}

/* ---- without a name ---- */

static bool same_fields(const husk_ffi_type *type, const husk_ffi_field *fields, size_t count)
{
    if (type->count != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const husk_ffi_field *a = &type->fields[i];
        const husk_ffi_field *b = &fields[i];
        if (a->type != b->type || !a->name != !b->name || (a->name && strcmp(a->name, b->name) != 0))
            return false;
    }
    return true;
}

static husk_status unnamed(husk_ffi_space *space, husk_ffi_kind kind, const husk_ffi_field *fields,
                           size_t count, const husk_ffi_type **out)
{
    *out = NULL;
    husk_status status = check_fields(space, kind, fields, count);
    if (status != HUSK_OK)
        return status;
    uint64_t hash = HUSK__FFI_HASH + kind;
    for (size_t i = 0; i < count; i++) {
        hash = husk__ffi_hash_word(hash, (uintptr_t)fields[i].type);
        if (fields[i].name)
            hash = husk__ffi_hash_text(hash, fields[i].name, strlen(fields[i].name));
    }
    for (husk_ffi_type *t = husk__ffi_shape_first(space, hash); t; t = husk__ffi_shape_next(t)) {
        if (t->kind == kind && same_fields(t, fields, count)) {
            *out = t;
            return HUSK_OK;
        }
    }
    husk__ffi_mark mark = husk__ffi_mark_set(space);
    husk_ffi_type *type = husk__ffi_space_type(space, kind, hash);
    status = type ? fill(space, type, fields, count) : HUSK_ENOMEM;
    if (status != HUSK_OK) {
        husk__ffi_mark_return(space, &mark);
        return status;
    }
    *out = type;
    return HUSK_OK;
}

husk_status husk_ffi_struct(husk_ffi_space *space, const husk_ffi_field *fields, size_t count,
                            const husk_ffi_type **out)
{
    return unnamed(space, HUSK_FFI_STRUCT, fields, count, out);
}

husk_status husk_ffi_union(husk_ffi_space *space, const husk_ffi_field *fields, size_t count,
                           const husk_ffi_type **out)
{
    return unnamed(space, HUSK_FFI_UNION, fields, count, out);
}
