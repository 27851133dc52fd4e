/* survey/leaks.c: unreachable objects told instead of freed. The pass is cycle/collect.c's: where it would begin to end a set,
 * it calls gather, and when the heap is whole again, tell. An object that was told carries TF_LEAK, so nothing has to be
 * remembered elsewhere. */
#include "survey/leaks.h"

#include "survey/census.h"
#include "cycle/collect.h"
#include "survey/dryorder.h"
#include "object/death.h"
#include "object/hook.h"

#include <husk/leaks.h>
#include <stdio.h>
#include <string.h>

struct husk_leaks {
    husk_leaks_sums sums;
    struct husk__census census;
    size_t most_objects;
};

/* Of what dies, that is told which was not told before; in a summary, the other way round. */
static void note_leak(const husk_obj *obj, const husk_type *type, size_t bytes, bool follower, void *data)
{
    struct husk_leaks *leaks = data;
    leaks->sums.unreachable += !follower;
    if (leaks->sums.summary != ((obj->tf & TF_LEAK) != 0))
        return;
    leaks->sums.objects++;
    leaks->sums.bytes += bytes;
    leaks->sums.followers += follower;
    husk__census_add(&leaks->census, obj, type, bytes, 0);
    if (leaks->census.object_count < leaks->most_objects)
        (void)husk__census_list(&leaks->census, obj, type, bytes, 0, follower);
}

/* A report of the set that is made at this moment; NULL: no memory. */
static struct husk_leaks *make(husk_heap *heap, const struct husk__set *set, struct husk__dryorder *order,
                               bool summary, size_t most_objects)
{
    struct husk_leaks *leaks = husk__raw_new(sizeof *leaks);
    if (!leaks)
        return NULL;
    leaks->sums.summary = summary;
    leaks->most_objects = most_objects;
    husk__census_begin(&leaks->census, true);
    if (husk__dryorder_run(order, heap, set, note_leak, leaks) && husk__census_end(&leaks->census))
        return leaks;
    husk_leaks_free(leaks);
    return NULL;
}

static void flag(const husk_obj *obj, void *data)
{
    (void)data;
    ((husk_obj *)(uintptr_t)obj)->tf |= TF_LEAK;
}

/* The set and its followers carry TF_LEAK; if it is all that is unreachable, nothing else. */
static void flag_all(husk_heap *heap, const struct husk__set *set, const struct husk__dryorder *order)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; heap->collector.leaks.whole && (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (UNLIKELY(obj->tf & TF_LEAK) && husk__is_object(obj))
                obj->tf &= ~TF_LEAK;
    husk__dryorder_each_member(heap, set, flag, NULL);
    husk__dryorder_each_follower(order, flag, NULL);
}

static void gather(husk_heap *heap, const struct husk__set *set)
{
    struct husk__leak_finder *finder = &heap->collector.leaks;
    struct husk__dryorder order = { 0 };
    if (finder->found) /* of a pass in steps: one set is told at a time, this one by a later pass */
        return;
    struct husk_leaks *leaks = make(heap, set, &order, false, finder->most_objects);
    finder->refused = !leaks;
    if (leaks)
        flag_all(heap, set, &order);
    husk__dryorder_free(&order);
    if (leaks && !leaks->sums.objects) {
        husk_leaks_free(leaks);
        leaks = NULL;
    }
    finder->found = leaks;
}

static void tell_report(husk_heap *heap, const struct husk_leaks *leaks)
{
    const struct husk__leak_finder *finder = &heap->collector.leaks;
    if (finder->fn) {
        struct husk__hook saved;
        uint32_t before = heap->busy;
        heap->busy |= BUSY_DRAIN;
        husk__hook_enter(heap, &saved);
        finder->fn(heap, leaks, finder->data);
        husk__hook_leave(heap, &saved);
        husk__drain(heap);
        heap->busy = before;
        return;
    }
    char text[400];
    for (size_t i = 0; husk_leaks_text(leaks, i, text, sizeof text); i++)
        husk__report(heap, HUSK_ESTATE, "%s: %s", leaks->sums.summary ? "leaks in all" : "leak", text);
}

static void tell(husk_heap *heap)
{
    struct husk__leak_finder *finder = &heap->collector.leaks;
    struct husk_leaks *leaks = finder->found;
    finder->found = NULL;
    if (finder->refused)
        husk__report(heap, HUSK_ENOMEM, "leaks: %s; what is unreachable will be told by a later pass",
                     husk_status_text(HUSK_ENOMEM));
    finder->refused = false;
    if (leaks)
        tell_report(heap, leaks);
    husk_leaks_free(leaks);
}

void husk_heap_set_find_leaks(husk_heap *heap, bool on)
{
    struct husk__leak_finder *finder = &heap->collector.leaks;
    finder->gather = gather;
    finder->tell = tell;
    finder->on = on;
}

bool husk_heap_find_leaks(const husk_heap *heap)
{
    return heap->collector.leaks.on;
}

void husk_heap_on_leaks(husk_heap *heap, husk_leaks_fn *fn, void *data, husk_free_fn *data_free,
                        size_t most_objects)
{
    struct husk__leak_finder *finder = &heap->collector.leaks;
    void *old_data = finder->data;
    husk_free_fn *old_free = finder->data_free;
    finder->fn = fn;
    finder->data = data;
    finder->data_free = data_free;
    finder->most_objects = most_objects;
    if (old_free)
        old_free(old_data);
}

husk_status husk_leaks_new(husk_heap *heap, size_t most_objects, husk_leaks **out)
{
    husk_pass pass;
    struct husk__set set;
    husk_status status = husk__dry_begin(heap, "leaks", &set, &pass);
    if (status)
        return status;
    struct husk__dryorder order = { 0 };
    struct husk_leaks *leaks = make(heap, &set, &order, true, most_objects);
    husk__dryorder_free(&order);
    husk__dry_end(heap, &set);
    if (!leaks)
        return husk_heap_fail(heap, HUSK_ENOMEM, "leaks: %s", husk_status_text(HUSK_ENOMEM));
    *out = leaks;
    return HUSK_OK;
}

void husk_leaks_free(husk_leaks *leaks)
{
    if (!leaks)
        return;
    husk__census_free(&leaks->census);
    husk__raw_free(leaks, sizeof *leaks);
}

void husk__leaks_summary(husk_heap *heap)
{
    struct husk_leaks *leaks;
    if (!heap->collector.leaks.on)
        return;
    if (husk_leaks_new(heap, heap->collector.leaks.most_objects, &leaks)) {
        husk__report(heap, heap->failure, "%s", heap->message);
        return;
    }
    if (leaks->sums.objects)
        tell_report(heap, leaks);
    husk_leaks_free(leaks);
}

void husk__leaks_close(husk_heap *heap)
{
    husk_heap_on_leaks(heap, NULL, NULL, NULL, 0);
}

void husk_leaks_sums_get(const husk_leaks *leaks, husk_leaks_sums *out)
{
    *out = leaks->sums;
}

bool husk_leaks_row(const husk_leaks *leaks, size_t index, husk_census_row *out)
{
    return husk__census_show_row(&leaks->census, index, out);
}

bool husk_leaks_object(const husk_leaks *leaks, size_t index, husk_census_object *out)
{
    return husk__census_show_object(&leaks->census, index, out);
}

size_t husk_leaks_text(const husk_leaks *leaks, size_t index, char *out, size_t room)
{
    husk_census_row row;
    if (room)
        out[0] = 0;
    if (!husk_leaks_row(leaks, index, &row))
        return 0;
    int length =
        snprintf(out, room, "%zu object%s of type %s, %zu bytes%s%s", row.objects,
                 row.objects == 1 ? "" : "s", row.type, row.bytes, *row.place ? ", made at " : "", row.place);
    return length < 0 ? 0 : (size_t)length;
}
