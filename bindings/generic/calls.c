/* bindings/generic/calls.c: see calls.h. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

/* Notes a failure with the heap and answers nil. */
#define FAIL(heap, status, ...) ((void)husk_heap_fail(heap, status, __VA_ARGS__), husk_nil())

/* ---- records ---- */

static const char blanks[] = " ,\t\n";

void *husk_generic_record_type(const char *name, const char *fields, husk_generic_trouble *trouble)
{
    size_t length = strlen(fields) + 1, count = 0;
    char *copy = malloc(length);
    const char **names = malloc((length / 2 + 1) * sizeof *names);
    const husk_type *type = NULL;
    husk_status status = HUSK_ENOMEM;
    if (copy && names) {
        memcpy(copy, fields, length);
        for (char *at = copy + strspn(copy, blanks); *at; at += strspn(at, blanks)) {
            names[count++] = at;
            at += strcspn(at, blanks);
            if (*at)
                *at++ = '\0';
        }
        status = husk_record_type(name, names, count, NULL, NULL, &type);
    }
    free(names);
    free(copy);
    void *token = status == HUSK_OK ? husk_generic_type_token(type) : NULL;
    if (!token)
        husk_generic_refuse(trouble, status == HUSK_OK ? HUSK_ENOMEM : status, "record_type", 0, "%s",
                            status == HUSK_EINVAL || status == HUSK_ERANGE ? husk_message()
                                                                           : husk_status_text(HUSK_ENOMEM));
    return token;
}

/* The index of a field, or -1 and the failure noted. */
static int field_of(husk_obj *record, const char *field)
{
    husk_heap *heap = husk_obj_heap(record);
    const husk_type *type = husk_obj_type(record);
    if (husk_obj_kind(record) != HUSK_KIND_RECORD) {
        (void)husk_heap_fail(heap, HUSK_ETYPE, "a %s has no fields", husk_type_name(type));
        return -1;
    }
    int index = husk_record_field(type, field);
    if (index < 0)
        (void)husk_heap_fail(heap, HUSK_EMISSING, "%s has no field '%s'", husk_type_name(type), field);
    return index;
}

husk_value husk_generic_record_get(husk_obj *record, const char *field)
{
    husk_value v = husk_nil();
    int index = field_of(record, field);
    if (index >= 0)
        (void)husk_record_peek(record, (size_t)index, &v);
    return v;
}

husk_status husk_generic_record_set(husk_obj *record, const char *field, husk_value v)
{
    int index = field_of(record, field);
    return index >= 0 ? husk_record_set(record, (size_t)index, v) : husk_heap_failure(husk_obj_heap(record));
}

/* ---- containers ---- */

husk_value husk_generic_list_get(husk_obj *list, size_t index)
{
    husk_value v = husk_nil();
    return husk_list_peek(list, index, &v) == HUSK_OK ? v : husk_nil();
}

husk_value husk_generic_list_remove(husk_obj *list, size_t index)
{
    husk_value v = husk_nil();
    if (husk_list_remove(list, index, &v) != HUSK_OK)
        return husk_nil();
    if (v.tag == HUSK_OBJ && !husk_generic_keep(husk_obj_heap(list), v.as.o))
        return FAIL(husk_obj_heap(list), HUSK_ENOMEM, "no room to keep what was removed");
    return v;
}

husk_value husk_generic_map_get(husk_obj *map, husk_value key)
{
    husk_value v = husk_nil();
    return husk_map_peek(map, key, &v) == HUSK_OK ? v : husk_nil();
}

bool husk_generic_map_has(husk_obj *map, husk_value key)
{
    husk_value v;
    husk_status status = husk_map_peek(map, key, &v);
    if (status == HUSK_EMISSING)
        husk_heap_clear_failure(husk_obj_heap(map)); /* an answer, not a failure */
    return status == HUSK_OK;
}

husk_obj *husk_generic_map_keys(husk_obj *map)
{
    husk_heap *heap = husk_obj_heap(map);
    if (husk_obj_kind(map) != HUSK_KIND_MAP) {
        (void)husk_heap_fail(heap, HUSK_ETYPE, "a %s has no keys", husk_type_name(husk_obj_type(map)));
        return NULL;
    }
    husk_obj *keys = husk_list_new(heap);
    husk_value key, v;
    for (size_t cursor = 0; keys && husk_map_next(map, &cursor, &key, &v);)
        if (husk_list_append(keys, key) != HUSK_OK)
            husk_obj_drop(&keys);
    return keys;
}

husk_value husk_generic_weakkeymap_get(husk_obj *map, husk_obj *key)
{
    husk_value v = husk_nil();
    return husk_weakkeymap_peek(map, key, &v) == HUSK_OK ? v : husk_nil();
}

husk_value husk_generic_weakvaluemap_get(husk_obj *map, husk_value key)
{
    husk_obj *obj = NULL;
    return husk_weakvaluemap_peek(map, key, &obj) == HUSK_OK ? husk_ref(obj) : husk_nil();
}

/* ---- objects ---- */

husk_weak *husk_generic_weak_new(husk_obj *obj)
{
    return husk_weak_new(obj, NULL, NULL, NULL);
}

/* Held by the cleanup until its data_free, and by the heap's queue until it was asked for. */
typedef struct husk_generic_watch watch;
struct husk_generic_watch {
    int64_t number;
    watch *next;
    bool registered, queued;
};

static void watch_end(watch *w)
{
    if (!w->registered && !w->queued)
        free(w);
}

static void watch_run(husk_heap *heap, void *data)
{
    husk_generic_extra *extra = husk_generic_extra_of(heap);
    watch *w = data;
    w->queued = true;
    if (extra->last)
        extra->last->next = w;
    else
        extra->first = w;
    extra->last = w;
}

static void watch_free(void *data)
{
    watch *w = data;
    w->registered = false;
    watch_end(w);
}

husk_cleanup *husk_generic_watch(husk_obj *obj, int64_t number)
{
    watch *w = calloc(1, sizeof *w);
    if (!w) {
        (void)husk_heap_fail(husk_obj_heap(obj), HUSK_ENOMEM, "%s", husk_status_text(HUSK_ENOMEM));
        return NULL;
    }
    w->number = number;
    w->registered = true;
    return husk_cleanup_new(obj, watch_run, w, watch_free, false);
}

static watch *watch_next(husk_generic_extra *extra)
{
    watch *w = extra->first;
    if (w) {
        extra->first = w->next;
        if (!extra->first)
            extra->last = NULL;
        w->queued = false;
    }
    return w;
}

husk_value husk_generic_gone(husk_heap *heap)
{
    watch *w = watch_next(husk_generic_extra_of(heap));
    husk_value number = w ? husk_int(w->number) : husk_nil();
    if (w)
        watch_end(w);
    return number;
}

void husk_generic_extra_end(husk_generic_extra *extra)
{
    for (watch *w; (w = watch_next(extra));)
        watch_end(w);
}

const char *husk_generic_typename(husk_obj *obj)
{
    return husk_type_name(husk_obj_type(obj));
}

bool husk_generic_same(husk_obj *a, husk_obj *b)
{
    return a == b;
}

/* ---- heaps ---- */

typedef struct census {
    const char *name;
    size_t count;
} census;

static bool census_take(husk_obj *obj, void *data)
{
    census *c = data;
    c->count += strcmp(husk_type_name(husk_obj_type(obj)), c->name) == 0;
    return true;
}

size_t husk_generic_census(husk_heap *heap, const char *name)
{
    census c = { name, 0 };
    husk_heap_each(heap, census_take, &c);
    return c.count;
}

size_t husk_generic_collect(husk_heap *heap)
{
    husk_pass *pass = &husk_generic_extra_of(heap)->pass;
    memset(pass, 0, sizeof *pass);
    (void)husk_heap_collect(heap, pass);
    return pass->collected;
}

size_t husk_generic_collect_young(husk_heap *heap)
{
    husk_pass *pass = &husk_generic_extra_of(heap)->pass;
    memset(pass, 0, sizeof *pass);
    (void)husk_heap_collect_young(heap, pass);
    return pass->collected;
}

bool husk_generic_step(husk_heap *heap, uint64_t budget_ns)
{
    husk_step done;
    (void)husk_heap_step(heap, budget_ns, &done);
    husk_generic_extra_of(heap)->pass = done.so_far;
    return done.finished;
}

int64_t husk_generic_memory(int64_t pid, const char *group, const char *field, husk_generic_trouble *trouble)
{
    uint64_t value = 0;
    trouble->status = husk_memory_ask(pid, group, field, &value);
    if (trouble->status != HUSK_OK)
        husk_generic_refuse(trouble, trouble->status, "memory", 0, "%s", husk_message());
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

double husk_generic_memory_percent(int64_t pid, const char *field, husk_generic_trouble *trouble)
{
    double share = 0;
    trouble->status = husk_memory_percent(pid, field, &share);
    if (trouble->status != HUSK_OK)
        husk_generic_refuse(trouble, trouble->status, "memory_percent", 0, "%s", husk_message());
    return share;
}
