/* cycle/young.c: when a run over young pages starts. See young.h. */
#include "cycle/young.h"

#include "cycle/pace.h"
#include "store/young.h"

#include <husk/step.h>

enum {
    USUALLY = 4096,
    LEAST = 64,
    MOST = 1 << 24,
    BYTES_AN_OBJECT = 512, /* large objects hasten a run: so many bytes count as one */
    POOR_RUNS = 8,         /* after so many in a row without yield */
    SAMPLE = 16,           /* the births of one distance in so many are looked at: what is built cannot be avoided by
                              looking less often, since each run looks at all that was born; by looking at less, it is */
    SLACK = 16, /* of the distance: births until they are counted again */
    TRIES = 2,             /* at the usual distance, after each full pass */
};

void husk__young_begin(husk_heap *heap)
{
    heap->young.objects = USUALLY;
    husk__young_arm(heap);
}

/* Births are counted anew, up to so many times the usual distance. */
static void arm(husk_heap *heap, size_t times)
{
    struct husk__store *store = &heap->store;
    size_t more = heap->young.objects * times;
    store->look_blocks = store->look_bytes = SIZE_MAX;
    if (!more)
        return;
    store->look_blocks = store->seen_blocks + more;
    store->look_bytes = store->seen_bytes + store->raw_bytes + store->foreign_bytes + more * BYTES_AN_OBJECT;
}

void husk__young_arm(husk_heap *heap)
{
    heap->young.skips = heap->young.poor >= POOR_RUNS;
    arm(heap, heap->young.skips ? SAMPLE - 1 : 1);
}

/* Without growth that starts passes there are none of these either. */
static bool is_wanted(const husk_heap *heap)
{
    const struct husk__pace *pace = &heap->pace;
    return heap->young.objects && heap->store.young_count && !husk__pace_held(heap) &&
           !pace->stress.set.every && (pace->set.least_objects || pace->set.least_bytes);
}

/* The births do not suffice yet, but they are not counted at every refill from here on. */
static void look_later(husk_heap *heap)
{
    struct husk__store *store = &heap->store;
    size_t slack = heap->young.objects / SLACK + 1;
    size_t blocks = store->seen_blocks + slack;
    size_t bytes = store->seen_bytes + store->raw_bytes + store->foreign_bytes + slack * BYTES_AN_OBJECT;
    store->look_blocks = store->look_blocks > blocks ? store->look_blocks : blocks;
    store->look_bytes = store->look_bytes > bytes ? store->look_bytes : bytes;
}

bool husk__young_due(husk_heap *heap)
{
    struct husk__store *store = &heap->store;
    if (!husk__store_looks(store))
        return false;
    if (!is_wanted(heap)) {
        arm(heap, heap->young.skips ? SAMPLE - 1 : 1);
        return false;
    }
    husk__store_recount_young(store); /* what died there by counting has not been seen yet */
    if (!husk__store_looks(store)) {
        look_later(heap);
        return false;
    }
    if (!heap->young.skips)
        return true;
    husk__young_end(store); /* what comes now is the sample */
    heap->young.skips = false;
    arm(heap, 1);
    return false;
}

void husk__young_ran(husk_heap *heap, size_t examined, size_t garbage, bool left)
{
    bool poor = garbage * 16 < examined && garbage * 16 < heap->young.objects;
    heap->young.poor = poor ? heap->young.poor + 1 : 0;
    husk__store_recount_young(&heap->store);
    if (!left || heap->store.young_count > HUSK__MOST_YOUNG / 2)
        husk__young_end(&heap->store);
    husk__young_arm(heap);
}

void husk__young_full(husk_heap *heap)
{
    husk__young_end(&heap->store);
    if (heap->young.poor > POOR_RUNS - TRIES)
        heap->young.poor = POOR_RUNS - TRIES;
    husk__young_arm(heap);
}

husk_status husk_heap_set_young(husk_heap *heap, size_t objects)
{
    if (objects && (objects < LEAST || objects > MOST))
        return husk_heap_fail(heap, HUSK_ERANGE, "young: %zu objects are neither 0 nor in %d to %d", objects,
                              LEAST, MOST);
    heap->young.objects = objects;
    heap->young.poor = 0;
    if (!heap->store.in_steps)
        husk__young_arm(heap);
    return HUSK_OK;
}

size_t husk_heap_young(const husk_heap *heap)
{
    return heap->young.objects;
}
