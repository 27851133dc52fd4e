/* cycle/region.c: see region.h. The budget is net growth, as pacing is: what dies by counting gives it back. */
#include "cycle/region.h"

#include "cycle/pace.h"
#include "object/hook.h"

#define MOST_BUDGET (SIZE_MAX / 4)
/* At least so much of a page is blocks, for blocks up to 8 KiB. */
#define PAGE_AT_LEAST (HUSK__PAGE - 8192)
#define TOUCH_BYTES 4096 /* a system page, or a part of one */

static size_t end_of(size_t base, size_t budget)
{
    return budget ? base + budget : SIZE_MAX;
}

void husk__region_limits(const husk_heap *heap, size_t *blocks, size_t *bytes)
{
    const struct husk__region *region = &heap->pace.region;
    *blocks = end_of(region->base_blocks, region->now.objects);
    *bytes = end_of(region->base_bytes, region->now.bytes);
}

static void measure(husk_heap *heap)
{
    struct husk__region *region = &heap->pace.region;
    size_t bytes, blocks = husk__pace_present(heap, &bytes);
    region->now.grown_objects = blocks > region->base_blocks ? blocks - region->base_blocks : 0;
    region->now.grown_bytes = bytes > region->base_bytes ? bytes - region->base_bytes : 0;
}

static void break_by(husk_region *now, husk_region_why why)
{
    if (now->kept)
        now->why = why;
    now->kept = false;
}

static bool is_used_up(const husk_region *now)
{
    return (now->objects && now->grown_objects > now->objects) ||
           (now->bytes && now->grown_bytes > now->bytes);
}

/* The next look is when a sixteenth of what is left has come, so that deaths by counting, which the store sees late,
 * do not make it look at every refill. */
static void look_later(husk_heap *heap)
{
    const husk_region *now = &heap->pace.region.now;
    struct husk__store *store = &heap->store;
    size_t seen = store->seen_blocks,
           seen_bytes = store->seen_bytes + store->raw_bytes + store->foreign_bytes;
    husk__region_limits(heap, &store->trigger_blocks, &store->trigger_bytes);
    if (now->objects && seen > store->trigger_blocks)
        store->trigger_blocks = seen + (now->objects - now->grown_objects) / 16;
    if (now->bytes && seen_bytes > store->trigger_bytes)
        store->trigger_bytes = seen_bytes + (now->bytes - now->grown_bytes) / 16;
}

bool husk__region_holds(husk_heap *heap)
{
    husk_region *now = &heap->pace.region.now;
    if (!now->active)
        return false;
    measure(heap);
    if (is_used_up(now)) {
        break_by(now, HUSK_REGION_BUDGET);
        now->active = false;
        husk__pace_set(heap);
        return false;
    }
    look_later(heap);
    return true;
}

void husk__region_note(husk_heap *heap, husk_reason reason)
{
    husk_region *now = &heap->pace.region.now;
    if (now->active)
        break_by(now, reason == HUSK_BY_LIMIT ? HUSK_REGION_LIMIT : HUSK_REGION_ASKED);
}

/* Their memory is wanted now, not at the first birth on each. */
static void touch(struct husk__page *page)
{
    volatile char *at = husk__page_start(page);
    HUSK__UNPOISON((void *)(uintptr_t)at, HUSK__PAGE);
    for (size_t i = 0; i < HUSK__PAGE; i += TOUCH_BYTES)
        at[i] = 0;
}

/* n spare pages, touched and kept for births; or false, and the spare pages are as many as before. */
static bool reserve(struct husk__store *store, size_t n)
{
    size_t before = store->pages_spare;
    struct husk__page *taken = NULL;
    bool whole = true;
    for (size_t i = 0; whole && i < n; i++) {
        bool dirty;
        struct husk__page *page = husk__pages_take(store, 1, &dirty);
        whole = page != NULL;
        if (!whole)
            break;
        touch(page);
        page->next = taken;
        taken = page;
    }
    store->pages_reserved = whole ? n : 0;
    while (taken) {
        struct husk__page *page = taken;
        taken = page->next;
        husk__pages_give(store, page, 1);
    }
    if (!whole)
        (void)husk__pages_trim(store, before);
    return whole;
}

husk_status husk_heap_no_gc_begin(husk_heap *heap, size_t objects, size_t bytes, bool want,
                                  const char *holder)
{
    struct husk__region *region = &heap->pace.region;
    if (region->begun)
        return husk_heap_fail(heap, HUSK_ESTATE, "no_gc: a region of %s has not been ended",
                              region->now.holder);
    if (objects > MOST_BUDGET || bytes > MOST_BUDGET || (!objects && !bytes))
        return husk_heap_fail(heap, HUSK_ERANGE,
                              "no_gc: a budget of %zu objects and %zu bytes is not 1 to %zu in one of them",
                              objects, bytes, MOST_BUDGET);
    if (want && !bytes)
        return husk_heap_fail(heap, HUSK_ERANGE, "no_gc: a budget of 0 bytes cannot be reserved");
    if (want && (heap->busy & BUSY_WORK))
        return husk_heap_fail(heap, HUSK_EBUSY, "no_gc: a pass or a hook of heap %s is running", heap->name);
    size_t pages = want ? bytes / PAGE_AT_LEAST + 1 + HUSK_REGION_SIZES : 0;
    bool have = !want || reserve(&heap->store, pages);
    bool hopeless = heap->store.max_bytes && bytes > heap->store.max_bytes;
    for (bool again = false; !have && !hopeless && heap->store.on_limit(&heap->store, again); again = true)
        have = reserve(&heap->store, pages);
    if (!have) {
        husk_status status = heap->store.failure ? heap->store.failure : HUSK_ENOMEM;
        heap->store.failure = HUSK_OK;
        return husk_heap_fail(heap, status, "no_gc: %zu bytes are not to be reserved: %s", bytes,
                              husk_status_text(status));
    }
    region->now = (husk_region){
        .objects = objects, .bytes = bytes, .active = true, .kept = true, .holder = holder ? holder : "?"
    };
    region->begun = true;
    region->base_blocks = husk__pace_present(heap, &region->base_bytes);
    husk__pace_set(heap);
    return HUSK_OK;
}

husk_status husk_heap_no_gc_end(husk_heap *heap, husk_region *out)
{
    struct husk__region *region = &heap->pace.region;
    if (out)
        *out = (husk_region){ 0 };
    if (!region->begun)
        return husk_heap_fail(heap, HUSK_ESTATE, "no_gc: heap %s is in no region without passes", heap->name);
    if (region->now.active) {
        measure(heap);
        if (is_used_up(&region->now)) /* what lay ready in hands was born unseen */
            break_by(&region->now, HUSK_REGION_BUDGET);
    }
    region->now.active = region->begun = false;
    if (out)
        *out = region->now;
    if (heap->store.pages_reserved) {
        heap->store.pages_reserved = 0;
        husk__let_wait(&heap->store, HUSK__WAITS_SURPLUS);
    }
    husk__pace_set(heap);
    return HUSK_OK;
}

bool husk_heap_no_gc(const husk_heap *heap, husk_region *out)
{
    husk_heap *own = (husk_heap *)(uintptr_t)heap; /* figures kept late on purpose are brought up to date */
    *out = (husk_region){ 0 };
    if (!heap->pace.region.begun)
        return false;
    if (heap->pace.region.now.active)
        measure(own);
    *out = heap->pace.region.now;
    return true;
}

const char *husk_region_why_name(husk_region_why why)
{
    static const char *const names[] = { "kept", "budget", "limit", "asked" };
    return (unsigned)why < sizeof names / sizeof *names ? names[why] : "unknown";
}
