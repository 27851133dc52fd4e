/* survey/hidden.c: count minus known edges. The edges are counted by cycle/find.c, the rows made by census.c. */
#include "survey/census.h"
#include "cycle/find.h"
#include "object/hook.h"
#include "object/ledgered.h"

#include <husk/hidden.h>

struct husk_hidden {
    husk_hidden_sums sums;
    struct husk__census held, damaged;
    size_t most_objects;
};

/* After husk__find_counts. */
static int64_t hidden_of(const husk_obj *obj)
{
    uint64_t seen = husk__side_total(obj, *husk__side_of(obj));
    if (husk__is_immortal(obj) || seen == SIDE_UNKNOWN)
        return HUSK_HIDDEN_UNKNOWN;
    return (int64_t)husk__count_of(obj) - (int64_t)seen;
}

static husk_status count_all(husk_heap *heap, const char *call)
{
    if (heap->busy & BUSY_WORK)
        return husk_heap_fail(heap, HUSK_EBUSY, "%s: a pass or a hook of heap %s is running", call,
                              heap->name);
    husk__find_counts(heap);
    return HUSK_OK;
}

husk_status husk_obj_hidden_counts(husk_obj *const *objects, size_t count, int64_t *out)
{
    if (!count)
        return HUSK_OK;
    husk_heap *heap = husk__heap_of(objects[0]);
    for (size_t i = 1; i < count; i++)
        if (husk__heap_of(objects[i]) != heap)
            return husk_heap_fail(heap, HUSK_EINVAL, "hidden references: object %zu is of heap %s, not %s", i,
                                  husk__heap_of(objects[i])->name, heap->name);
    husk_status status = count_all(heap, "hidden references");
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        out[i] = hidden_of(objects[i]);
    husk__side_end(&heap->store);
    return HUSK_OK;
}

husk_status husk_obj_hidden_count(husk_obj *obj, int64_t *out)
{
    return husk_obj_hidden_counts(&obj, 1, out);
}

/* ---- the objects with most: a heap whose first one has fewest ---- */

/* a goes before b. */
static bool is_less(const struct husk__census_object *a, const struct husk__census_object *b)
{
    return a->references != b->references ? a->references < b->references : a->at > b->at;
}

static void sift_down(struct husk__census_object *list, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_less(&list[child + 1], &list[child]);
        if (!is_less(&list[child], &list[at]))
            return;
        struct husk__census_object swap = list[at];
        list[at] = list[child];
        list[child] = swap;
    }
}

static void sift_up(struct husk__census_object *list, size_t at)
{
    for (size_t parent; at && is_less(&list[at], &list[parent = (at - 1) / 2]); at = parent) {
        struct husk__census_object swap = list[at];
        list[at] = list[parent];
        list[parent] = swap;
    }
}

static void list_most(struct husk_hidden *hidden, const husk_obj *obj, const husk_type *type, size_t bytes,
                      int64_t references)
{
    struct husk__census *census = &hidden->held;
    if (census->object_count < hidden->most_objects) {
        size_t number = husk__census_list(census, obj, type, bytes, references, false);
        if (number != SIZE_MAX)
            sift_up(husk__census_object_at(census, 0), number);
        return;
    }
    struct husk__census_object it = { .at = obj, .references = references };
    if (!hidden->most_objects || census->failed || !is_less(husk__census_object_at(census, 0), &it))
        return;
    husk__census_replace(census, 0, obj, type, bytes, references, false);
    sift_down(husk__census_object_at(census, 0), 0, census->object_count);
}

/* Most first: each turn the one with fewest goes to the end. */
static void sort_most(struct husk__census *census)
{
    struct husk__census_object *list = husk__census_object_at(census, 0);
    for (size_t count = census->object_count; count > 1; count--) {
        struct husk__census_object swap = list[0];
        list[0] = list[count - 1];
        list[count - 1] = swap;
        sift_down(list, 0, count - 1);
    }
}

/* ---- the census ---- */

static void look_at(struct husk_hidden *hidden, const husk_obj *obj, size_t bytes)
{
    int64_t references = hidden_of(obj);
    husk_hidden_sums *sums = &hidden->sums;
    const husk_type *type = husk__type_of(obj);
    sums->examined++;
    if (references == HUSK_HIDDEN_UNKNOWN) {
        sums->unknown++;
    } else if (references < 0) {
        if (!sums->damaged++ || hidden->damaged.object_count < hidden->most_objects)
            (void)husk__census_list(&hidden->damaged, obj, type, bytes, references, false);
    } else if (references > 0) {
        sums->objects++;
        sums->references += (uint64_t)references;
        husk__census_add(&hidden->held, obj, type, bytes, (uint64_t)references);
        list_most(hidden, obj, type, bytes, references);
    }
}

static husk_status look(husk_heap *heap, struct husk_hidden *hidden)
{
    husk_status status = count_all(heap, "hidden references");
    if (status)
        return status;
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (husk__is_object(obj) && !husk__is_dying(obj))
                look_at(hidden, obj, husk__block_bytes(page));
    husk__side_end(&heap->store);
    if (!husk__census_end(&hidden->held) || !husk__census_end(&hidden->damaged))
        return husk_heap_fail(heap, HUSK_ENOMEM, "hidden references: %s", husk_status_text(HUSK_ENOMEM));
    sort_most(&hidden->held);
    return HUSK_OK;
}

husk_status husk_hidden_new(husk_heap *heap, const husk_hidden_options *options, husk_hidden **out)
{
    static const husk_hidden_options plain = { HUSK_HIDDEN_OPTIONS };
    const husk_hidden_options *o = options ? options : &plain;
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_heap_fail(
            heap, HUSK_EINVAL,
            "hidden references: options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
            o->struct_size, o->abi, sizeof *o);
    struct husk_hidden *hidden = husk__raw_new(sizeof *hidden);
    if (!hidden)
        return husk_heap_fail(heap, HUSK_ENOMEM, "hidden references: %s", husk_status_text(HUSK_ENOMEM));
    hidden->most_objects = o->most_objects;
    husk__census_begin(&hidden->held, o->by_place);
    husk__census_begin(&hidden->damaged, false);
    husk_status status = look(heap, hidden);
    if (status) {
        husk_hidden_free(hidden);
        return status;
    }
    *out = hidden;
    return HUSK_OK;
}

void husk_hidden_free(husk_hidden *hidden)
{
    if (!hidden)
        return;
    husk__census_free(&hidden->held);
    husk__census_free(&hidden->damaged);
    husk__raw_free(hidden, sizeof *hidden);
}

void husk_hidden_sums_get(const husk_hidden *hidden, husk_hidden_sums *out)
{
    *out = hidden->sums;
}

bool husk_hidden_row(const husk_hidden *hidden, size_t index, husk_census_row *out)
{
    return husk__census_show_row(&hidden->held, index, out);
}

bool husk_hidden_object(const husk_hidden *hidden, size_t index, husk_census_object *out)
{
    return husk__census_show_object(&hidden->held, index, out);
}

bool husk_hidden_damaged(const husk_hidden *hidden, size_t index, husk_census_object *out)
{
    return husk__census_show_object(&hidden->damaged, index, out);
}
