/* cycle/bound.c: what the heap promises at this moment. The limits of pace.c are looked at only in refills, so what a
 * refill hands out after the last look, and what it lets by to look less often, belong to the promise. */
#include "cycle/pace.h"
#include "cycle/region.h"
#include "object/death.h"

static size_t plus(size_t limit, size_t more)
{
    return limit > SIZE_MAX - more ? SIZE_MAX : limit + more;
}

static husk_bound_why why_not(const husk_heap *heap, const char **holder)
{
    const struct husk__pace *pace = &heap->pace;
    if (pace->disabled) {
        *holder = pace->holders[pace->disabled - 1];
        return HUSK_BOUND_DISABLED;
    }
    if (pace->region.now.active) {
        *holder = pace->region.now.holder;
        return HUSK_BOUND_REGION;
    }
    if (!pace->set.least_objects && !pace->set.least_bytes)
        return HUSK_BOUND_UNPACED;
    if (heap->busy & BUSY_WORK)
        return HUSK_BOUND_HOOK;
    if (heap->collector.save_all &&
        (husk__waiting((struct husk__store *)(uintptr_t)&heap->store) & HUSK__WAITS_PASS))
        return HUSK_BOUND_SAVE_ALL;
    return pace->corrupt ? HUSK_BOUND_CORRUPT : HUSK_BOUND_KEPT;
}

/* What may be born past the limits before they are looked at, and what waits in hands when they are. */
static void add_unseen(const husk_heap *heap, husk_bound *out)
{
    const struct husk__pace *pace = &heap->pace;
    size_t slack = husk__pace_slack(pace->set.least_objects),
           slack_bytes = husk__pace_slack(pace->set.least_bytes);
    if (pace->region.now.active) {
        slack = pace->region.now.objects / 16;
        slack_bytes = pace->region.now.bytes / 16;
    }
    size_t ready_bytes, ready = husk__store_ready(&heap->store, &ready_bytes);
    out->objects = plus(out->objects, slack + ready);
    out->bytes = plus(out->bytes, slack_bytes + ready_bytes);
}

void husk_heap_bound(const husk_heap *heap, husk_bound *out)
{
    const struct husk__pace *pace = &heap->pace;
    size_t bytes, blocks = husk__pace_present((husk_heap *)(uintptr_t)heap, &bytes);
    size_t due_bytes, due = husk__dying_count(heap, &due_bytes);
    *out = (husk_bound){ .objects = SIZE_MAX, .bytes = SIZE_MAX };
    out->why = why_not(heap, &out->holder);
    out->kept = out->why == HUSK_BOUND_KEPT;
    if (pace->region.now.active && !pace->disabled)
        husk__region_limits(heap, &out->objects, &out->bytes);
    else if (!pace->disabled && (heap->stepping.pause || heap->store.in_steps))
        husk__pace_most(heap, &out->objects, &out->bytes);
    else if (!pace->disabled)
        husk__pace_limits(heap, &out->objects, &out->bytes);
    add_unseen(heap, out);
    out->deferred_objects = pace->deferred + due;
    out->garbage_objects = blocks > out->deferred_objects ? blocks - out->deferred_objects : 0;
    out->garbage_bytes = bytes;
    out->new_objects = blocks > pace->base_blocks ? blocks - pace->base_blocks : 0;
}

const char *husk_bound_why_name(husk_bound_why why)
{
    static const char *const names[] = { "kept", "disabled", "region", "unpaced",
                                         "hook", "save all", "corrupt" };
    return (unsigned)why < sizeof names / sizeof *names ? names[why] : "unknown";
}
