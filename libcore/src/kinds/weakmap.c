/* kinds/weakmap.c: weak-key map, weak-value map and weak set: one table of ties (object/tie.h), which differ in what
 * is searched for and in what is held strongly.
 *
 * A row goes at any request for memory and in any release, as its target may die there: a row is looked at only
 * between such calls. */
#include "object/tie.h"

#include "kinds/key.h"
#include "kinds/table.h"

#include <husk/weakmap.h>

typedef struct husk__tie tie;

/* All three. */
typedef struct container {
    size_t loose;
    husk__table table; /* of ties */
} container;

_Static_assert(offsetof(container, table.rows) == offsetof(struct husk__tied, rows), "tie.h reads rows here");
_Static_assert(offsetof(container, table.used) == offsetof(struct husk__tied, used), "and how many here");
_Static_assert(offsetof(tie, hash) == offsetof(husk__row, hash), "a tie is a row");
_Static_assert(offsetof(tie, order) == offsetof(husk__row, order), "a tie is a row");

static void moved(husk__row *row)
{
    husk__tie_moved((tie *)(void *)row);
}

static const husk__table_kind rows = { "a weak container", sizeof(tie), 6, 48, moved };

static container *of(const husk_obj *obj)
{
    return husk_obj_data(obj);
}

static tie *row_tie(husk__row *row)
{
    return (tie *)(void *)row;
}

/* ---- taking out ---- */

/* Makes a hole of a tie and gives what it held. */
static husk_value take_out(husk_heap *heap, container *c, tie *t, size_t place)
{
    husk_value other = t->other;
    husk__tie_unlink(t);
    *t = (tie){ .hash = t->hash, .order = t->order };
    husk__table_remove(heap, &c->table, &rows, (husk__row *)(void *)t, place);
    return other;
}

static husk_value forget(husk_heap *heap, tie *t)
{
    container *c = of(t->owner);
    return take_out(heap, c, t, husk__index_place(&c->table, &rows, (husk__row *)(void *)t));
}

static const struct husk__tie_kind tie_kind = { forget };

/* The heap takes the container apart, or it died: what its rows held has been let go of. */
static void dispose(husk_obj *self)
{
    container *c = of(self);
    for (HUSK__EACH_TIE(self, t))
        if (t->hash)
            husk__tie_unlink(t);
    husk__table_free(husk_obj_heap(self), &rows, &c->table);
}

static husk_status clear(husk_obj *obj)
{
    container *c = of(obj);
    husk_heap *heap = husk_obj_heap(obj);
    for (HUSK__EACH_TIE(obj, t))
        if (t->hash)
            husk__tie_unlink(t);
    husk__table old = husk__table_empty(&c->table);
    const tie *ties = old.rows;
    for (size_t i = old.first; i < old.used; i++) /* code that runs here finds the container empty */
        husk__item_release(ties[i].other, obj, NULL);
    husk__table_free(heap, &rows, &old);
    return HUSK_OK;
}

static size_t count(husk__kind_type *type, const husk_obj *obj)
{
    return husk__kind_is(type, obj) ? of(obj)->table.count - of(obj)->loose : 0;
}

/* ---- types ---- */

static const husk_slot value_slots[] = { { "value", HUSK_SLOT_VALUE, HUSK_IN_BUFFER, offsetof(tie, other),
                                           offsetof(container, table.rows), offsetof(container, table.used),
                                           sizeof(tie) } };
static const husk_slot key_slots[] = { { "key", HUSK_SLOT_VALUE, HUSK_IN_BUFFER, offsetof(tie, other),
                                         offsetof(container, table.rows), offsetof(container, table.used),
                                         sizeof(tie) } };

#define SPEC(name_, slots_, count_)                                                                          \
    {                                                                                                        \
        HUSK_TYPE_SPEC, .name = (name_), .size = sizeof(container), .slots = (slots_),                       \
                        .slot_count = (count_), .dispose = dispose, .flags = HUSK_TYPE_DISPOSE_ANYWHERE,     \
                        .data = (void *)(uintptr_t)&tie_kind                                                 \
    }
static const husk_type_spec keymap_spec = SPEC("weak-key map", value_slots, 1);
static const husk_type_spec valuemap_spec = SPEC("weak-value map", key_slots, 1);
static const husk_type_spec set_spec = SPEC("weak set", NULL, 0);

husk__kind_type husk__weakkeymap_type = { NULL, "a weak-key map", &keymap_spec, husk__ephemeron_type };
husk__kind_type husk__weakvaluemap_type = { NULL, "a weak-value map", &valuemap_spec, husk__tied_type };
husk__kind_type husk__weakset_type = { NULL, "a weak set", &set_spec, husk__tied_type };

static husk_obj *make(husk__kind_type *type, husk_heap *heap)
{
    const husk_type *handle = husk__kind_handle(type, heap);
    return handle ? husk_obj_new(heap, handle) : NULL;
}

/* ---- by target: weak-key map and weak set ---- */

static bool is_target(const husk__row *row, const void *target)
{
    return ((const tie *)(const void *)row)->target == target;
}

static tie *find_target(const container *c, const husk_obj *target, size_t *place)
{
    uint32_t hash = husk__key_hash(husk_ref((husk_obj *)(uintptr_t)target));
    return row_tie(husk__table_find(&c->table, &rows, hash, is_target, target, place));
}

/* May target be held weakly by obj? */
static husk_status check_target(const husk_obj *obj, husk_obj *target)
{
    husk_heap *heap = husk_obj_heap(obj);
    husk_status status = target ? husk__value_check(heap, husk_ref(target))
                                : husk_heap_fail(heap, HUSK_EINVAL, "NULL cannot be held weakly");
    if (status == HUSK_OK && husk__kind_is(&husk__text_type, target)) {
        char words[HUSK__WORDS];
        status = husk_heap_fail(heap, HUSK_ETYPE, "the text %s cannot be held weakly",
                                husk__value_words(words, husk_ref(target)));
    }
    return status;
}

/* A new row for target. Requests first: the cell, then room; then nothing can fail. */
static husk_status add(husk_obj *obj, husk_obj *target, uint32_t hash, husk_value other)
{
    husk_heap *heap = husk_obj_heap(obj);
    container *c = of(obj);
    if (!husk__tie_ready(target))
        return husk_heap_failure(heap);
    husk_status status = husk__table_reserve(heap, &c->table, &rows);
    if (status != HUSK_OK)
        return status;
    husk__item_retain(other, obj, NULL);
    tie *t = row_tie(husk__table_row(&c->table, &rows, c->table.used));
    t->other = other;
    (void)husk__table_add(&c->table, &rows, hash);
    husk__tie_link(t, target, obj);
    return HUSK_OK;
}

static husk_status missing(const husk_obj *obj, const char *container_name)
{
    return husk_heap_fail(husk_obj_heap(obj), HUSK_EMISSING, "the object is not in %s", container_name);
}

static husk_status remove_target(husk_obj *obj, husk_obj *target, const char *container_name)
{
    husk_status status = check_target(obj, target);
    if (status != HUSK_OK)
        return status;
    size_t place;
    tie *t = find_target(of(obj), target, &place);
    if (!t)
        return missing(obj, container_name);
    husk__item_release(take_out(husk_obj_heap(obj), of(obj), t, place), obj, NULL);
    return HUSK_OK;
}

/* The next row whose target may be handed out. */
static tie *next(const husk_obj *obj, size_t *cursor)
{
    for (;;) {
        tie *t = row_tie(husk__table_next(&of(obj)->table, &rows, cursor));
        if (!t || husk__tie_is_open(t))
            return t;
    }
}

/* ---- weak-key map ---- */

husk_obj *husk_weakkeymap_new(husk_heap *heap)
{
    husk_obj *obj = make(&husk__weakkeymap_type, heap);
    if (obj)
        husk__keymap_born(obj);
    return obj;
}

size_t husk_weakkeymap_count(const husk_obj *obj)
{
    return count(&husk__weakkeymap_type, obj);
}

husk_status husk_weakkeymap_peek(const husk_obj *obj, husk_obj *key, husk_value *out)
{
    husk_status status = husk__kind_check(&husk__weakkeymap_type, obj);
    if (status == HUSK_OK)
        status = check_target(obj, key);
    if (status != HUSK_OK)
        return status;
    size_t place;
    const tie *t = find_target(of(obj), key, &place);
    if (!t)
        return missing(obj, "the weak-key map");
    *out = t->other;
    return HUSK_OK;
}

husk_status husk_weakkeymap_set(husk_obj *obj, husk_obj *key, husk_value v)
{
    husk_status status = husk__kind_check(&husk__weakkeymap_type, obj);
    if (status == HUSK_OK)
        status = check_target(obj, key);
    if (status == HUSK_OK)
        status = husk__value_check(husk_obj_heap(obj), v);
    if (status != HUSK_OK)
        return status;
    size_t place;
    tie *t = find_target(of(obj), key, &place);
    if (t)
        return husk_value_set(obj, &t->other, v);
    return add(obj, key, husk__key_hash(husk_ref(key)), v);
}

husk_status husk_weakkeymap_remove(husk_obj *obj, husk_obj *key)
{
    husk_status status = husk__kind_check(&husk__weakkeymap_type, obj);
    return status == HUSK_OK ? remove_target(obj, key, "the weak-key map") : status;
}

husk_status husk_weakkeymap_clear(husk_obj *obj)
{
    husk_status status = husk__kind_check(&husk__weakkeymap_type, obj);
    return status == HUSK_OK ? clear(obj) : status;
}

bool husk_weakkeymap_next(const husk_obj *obj, size_t *cursor, husk_obj **key, husk_value *v)
{
    const tie *t = husk__kind_is(&husk__weakkeymap_type, obj) ? next(obj, cursor) : NULL;
    if (!t)
        return false;
    *key = t->target;
    *v = t->other;
    return true;
}

/* ---- weak-value map ---- */

static bool is_key(const husk__row *row, const void *probe)
{
    const tie *t = (const tie *)(const void *)row;
    return t->target && husk__key_is(&t->other, probe);
}

static tie *find_key(const husk_obj *obj, const husk__probe *p, size_t *place)
{
    return row_tie(husk__table_find(&of(obj)->table, &rows, p->hash, is_key, p, place));
}

husk_obj *husk_weakvaluemap_new(husk_heap *heap)
{
    return make(&husk__weakvaluemap_type, heap);
}

size_t husk_weakvaluemap_count(const husk_obj *obj)
{
    return count(&husk__weakvaluemap_type, obj);
}

static husk_status probe(const husk_obj *obj, husk__probe *p, husk_value key)
{
    husk_status status = husk__kind_check(&husk__weakvaluemap_type, obj);
    return status == HUSK_OK ? husk__probe_value(husk_obj_heap(obj), p, key) : status;
}

static husk_status probe_text(const husk_obj *obj, husk__probe *p, const char *bytes, size_t length)
{
    husk_status status = husk__kind_check(&husk__weakvaluemap_type, obj);
    return status == HUSK_OK ? husk__probe_text(husk_obj_heap(obj), p, bytes, length) : status;
}

static husk_status peek_key(const husk_obj *obj, const husk__probe *p, husk_obj **out)
{
    size_t place;
    const tie *t = find_key(obj, p, &place);
    if (!t || !husk__tie_is_open(t))
        return husk__key_missing(husk_obj_heap(obj), p, "the weak-value map");
    *out = t->target;
    return HUSK_OK;
}

static husk_status remove_key(husk_obj *obj, const husk__probe *p)
{
    size_t place;
    tie *t = find_key(obj, p, &place);
    if (!t)
        return husk__key_missing(husk_obj_heap(obj), p, "the weak-value map");
    husk__item_release(take_out(husk_obj_heap(obj), of(obj), t, place), obj, NULL);
    return HUSK_OK;
}

husk_status husk_weakvaluemap_peek(const husk_obj *obj, husk_value key, husk_obj **out)
{
    husk__probe p;
    husk_status status = probe(obj, &p, key);
    return status == HUSK_OK ? peek_key(obj, &p, out) : status;
}

husk_status husk_weakvaluemap_peek_text(const husk_obj *obj, const char *bytes, size_t length, husk_obj **out)
{
    husk__probe p;
    husk_status status = probe_text(obj, &p, bytes, length);
    return status == HUSK_OK ? peek_key(obj, &p, out) : status;
}

husk_status husk_weakvaluemap_remove(husk_obj *obj, husk_value key)
{
    husk__probe p;
    husk_status status = probe(obj, &p, key);
    return status == HUSK_OK ? remove_key(obj, &p) : status;
}

husk_status husk_weakvaluemap_remove_text(husk_obj *obj, const char *bytes, size_t length)
{
    husk__probe p;
    husk_status status = probe_text(obj, &p, bytes, length);
    return status == HUSK_OK ? remove_key(obj, &p) : status;
}

husk_status husk_weakvaluemap_set(husk_obj *obj, husk_value key, husk_obj *v)
{
    husk__probe p;
    husk_status status = probe(obj, &p, key);
    if (status == HUSK_OK)
        status = check_target(obj, v);
    if (status != HUSK_OK)
        return status;
    size_t place;
    if (!find_key(obj, &p, &place))
        return add(obj, v, p.hash, p.key);
    if (!husk__tie_ready(v)) /* may end what is replaced: look again */
        return husk_heap_failure(husk_obj_heap(obj));
    tie *t = find_key(obj, &p, &place);
    if (!t)
        return add(obj, v, p.hash, p.key);
    husk__tie_unlink(t);
    husk__tie_link(t, v, obj);
    return HUSK_OK;
}

husk_status husk_weakvaluemap_clear(husk_obj *obj)
{
    husk_status status = husk__kind_check(&husk__weakvaluemap_type, obj);
    return status == HUSK_OK ? clear(obj) : status;
}

bool husk_weakvaluemap_next(const husk_obj *obj, size_t *cursor, husk_value *key, husk_obj **v)
{
    const tie *t = husk__kind_is(&husk__weakvaluemap_type, obj) ? next(obj, cursor) : NULL;
    if (!t)
        return false;
    *key = t->other;
    *v = t->target;
    return true;
}

/* ---- weak set ---- */

husk_obj *husk_weakset_new(husk_heap *heap)
{
    return make(&husk__weakset_type, heap);
}

size_t husk_weakset_count(const husk_obj *obj)
{
    return count(&husk__weakset_type, obj);
}

bool husk_weakset_has(const husk_obj *obj, const husk_obj *target)
{
    size_t place;
    return husk__kind_is(&husk__weakset_type, obj) && target && find_target(of(obj), target, &place);
}

husk_status husk_weakset_add(husk_obj *obj, husk_obj *target)
{
    husk_status status = husk__kind_check(&husk__weakset_type, obj);
    if (status == HUSK_OK)
        status = check_target(obj, target);
    if (status != HUSK_OK || husk_weakset_has(obj, target))
        return status;
    return add(obj, target, husk__key_hash(husk_ref(target)), husk_nil());
}

husk_status husk_weakset_remove(husk_obj *obj, husk_obj *target)
{
    husk_status status = husk__kind_check(&husk__weakset_type, obj);
    return status == HUSK_OK ? remove_target(obj, target, "the weak set") : status;
}

husk_status husk_weakset_clear(husk_obj *obj)
{
    husk_status status = husk__kind_check(&husk__weakset_type, obj);
    return status == HUSK_OK ? clear(obj) : status;
}

bool husk_weakset_next(const husk_obj *obj, size_t *cursor, husk_obj **target)
{
    const tie *t = husk__kind_is(&husk__weakset_type, obj) ? next(obj, cursor) : NULL;
    if (!t)
        return false;
    *target = t->target;
    return true;
}
