/* cycle/mark.c: the marking loop. See mark.h. */
#define _GNU_SOURCE
#include "cycle/mark.h"

#include "base/clock.h"
#include "object/tie.h"
#include "object/visit.h"

#include <string.h>

void husk__marker_begin(struct husk__marker *marker, bool steps)
{
    memset(marker, 0, sizeof *marker);
    marker->steps = steps;
}

/* The ring is full: the object waits as a bit, its page in the queue. */
static void pend(struct husk__marker *marker, husk_obj *obj)
{
    husk__set_pending(obj);
    struct husk__page *page = husk__page_of(obj);
    if (page->queued_next)
        return;
    page->queued_next = page; /* the last one points at itself: NULL means not queued */
    if (marker->page_last)
        marker->page_last->queued_next = page;
    else
        marker->page_first = page;
    marker->page_last = page;
}

ALWAYS_INLINE void consider(struct husk__marker *marker, husk_obj *obj)
{
    uint16_t *entry = husk__side_of(obj);
    if (!(*entry & SIDE_OPEN))
        return;
    *entry &= (uint16_t)~SIDE_OPEN;
    marker->marked++;
    if (UNLIKELY(marker->ring_count == MARK_RING)) {
        pend(marker, obj);
        return;
    }
    __builtin_prefetch(obj);
    __builtin_prefetch((char *)obj + 32);
    marker->ring[(marker->ring_first + marker->ring_count++) % MARK_RING] = obj;
}

static void add_edge(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    struct husk__marker *marker = context;
    unsigned at = marker->edge_at++ % MARK_EDGES;
    husk_obj *ready = marker->edges[at];
    marker->edges[at] = child;
    __builtin_prefetch(husk__side_of(child), 1);
    if (LIKELY(ready != NULL))
        consider(marker, ready);
}

static void flush_edges(struct husk__marker *marker)
{
    for (unsigned i = 0; i < MARK_EDGES; i++) {
        unsigned at = marker->edge_at++ % MARK_EDGES;
        husk_obj *ready = marker->edges[at];
        marker->edges[at] = NULL;
        if (ready)
            consider(marker, ready);
    }
}

static void add_value(struct husk__marker *marker, const struct husk__tie *tie)
{
    if (tie->other.tag == HUSK_OBJ)
        add_edge(tie->other.as.o, 0, 0, marker);
}

/* Of an ephemeron, whichever of key and map is scanned later finds the other one reached. */
static NEVER_INLINE void scan_key(struct husk__marker *marker, husk_obj *obj)
{
    for (const struct husk__tie *tie = obj->cell ? husk__cell_at(obj->cell)->ties : NULL; tie;
         tie = tie->next)
        if ((husk__type_of(tie->owner)->flags & TYPE_EPHEMERON) && !husk__is_open(tie->owner))
            add_value(marker, tie);
}

static NEVER_INLINE void scan_keymap(struct husk__marker *marker, husk_obj *obj)
{
    for (HUSK__EACH_TIE(obj, tie))
        if (tie->hash && tie->target && !husk__is_open(tie->target))
            add_value(marker, tie);
}

ALWAYS_INLINE void scan(struct husk__marker *marker, husk_obj *obj)
{
    /* A dead object that a slot still holds has no slots of its own; seeding reports it (find.c). */
    const husk_type *type = husk__type_of(obj);
    if (UNLIKELY(obj->tf & TF_KEY))
        scan_key(marker, obj);
    if (UNLIKELY(type->flags & TYPE_EPHEMERON))
        scan_keymap(marker, obj);
    else
        husk__visit(type, obj, add_edge, marker);
}

static husk_obj *pop(struct husk__marker *marker)
{
    husk_obj *obj = marker->ring[marker->ring_first];
    marker->ring_first = (marker->ring_first + 1) % MARK_RING;
    marker->ring_count--;
    return obj;
}

static void scan_ring(struct husk__marker *marker)
{
    while (marker->ring_count)
        scan(marker, pop(marker));
}

/* The object that begins in the granule at this offset of the page. */
static husk_obj *object_at(const struct husk__page *page, char *start, size_t offset)
{
    if (page->state == HUSK__PAGE_RUN)
        return (husk_obj *)(void *)start;
    uint32_t index = ((uint32_t)offset + page->block - 1) / page->block;
    return (husk_obj *)(void *)(start + (size_t)index * page->block);
}

/* Hands out one word of pending bits at a time: objects that become pending behind it are met later. */
static void scan_page(struct husk__marker *marker, struct husk__page *page)
{
    char *start = husk__page_start(page);
    uint64_t *words = husk__pending_word(start);
    unsigned n = page->state == HUSK__PAGE_RUN ? 1 : (unsigned)(HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 64;
    for (unsigned w = 0; w < n; w++) {
        uint64_t word = words[w];
        words[w] = 0;
        husk_obj *batch[64];
        unsigned count = 0;
        for (; word; word &= word - 1) {
            size_t offset = ((size_t)w * 64 + husk__lowest_bit(word)) << HUSK__GRANULE_SHIFT;
            batch[count] = object_at(page, start, offset);
            __builtin_prefetch(batch[count++]);
        }
        for (unsigned i = 0; i < count; i++)
            scan(marker, batch[i]);
    }
}

static struct husk__page *next_page(struct husk__marker *marker)
{
    struct husk__page *page = marker->page_first;
    if (!page)
        return NULL;
    marker->page_first = page->queued_next == page ? NULL : page->queued_next;
    if (!marker->page_first)
        marker->page_last = NULL;
    page->queued_next = NULL;
    return page;
}

/* Whole structures may hang on what waits: in steps one of its objects is looked at for each that comes. */
static void make_room(struct husk__marker *marker)
{
    if (LIKELY(marker->ring_count < MARK_RING / 2))
        return;
    if (marker->steps)
        scan(marker, pop(marker));
    else
        scan_ring(marker);
}

void husk__mark_root(struct husk__marker *marker, husk_obj *obj)
{
    marker->roots++;
    consider(marker, obj);
    make_room(marker);
}

void husk__mark_known(struct husk__marker *marker, husk_obj *obj)
{
    scan(marker, obj);
    make_room(marker);
}

void husk__mark_run(struct husk__marker *marker)
{
    for (;;) {
        scan_ring(marker);
        flush_edges(marker);
        if (marker->ring_count)
            continue;
        struct husk__page *page = next_page(marker);
        if (!page)
            return;
        scan_page(marker, page);
    }
}

bool husk__mark_until(struct husk__marker *marker, uint64_t deadline)
{
    enum { BETWEEN_LOOKS = 64 }; /* objects; a page has more, but few of them wait */
    for (;;) {
        for (unsigned n = 0; marker->ring_count && n < BETWEEN_LOOKS; n++)
            scan(marker, pop(marker));
        if (!marker->ring_count)
            flush_edges(marker);
        struct husk__page *page = marker->ring_count ? NULL : next_page(marker);
        if (page)
            scan_page(marker, page);
        else if (!marker->ring_count)
            return true;
        if (husk__now() >= deadline)
            return false;
    }
}

void husk__mark_rest(struct husk__marker *marker)
{
    flush_edges(marker);
    while (marker->ring_count)
        pend(marker, pop(marker));
}

void husk__mark_clear(struct husk__page *page)
{
    memset(husk__pending_word(husk__page_start(page)), 0,
           page->state == HUSK__PAGE_RUN ? sizeof(uint64_t) : (HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 8);
    page->queued_next = NULL;
}

void husk__mark_gone(struct husk__marker *marker, struct husk__page *page)
{
    struct husk__page *next = page->queued_next;
    husk__mark_clear(page);
    if (!next)
        return;
    struct husk__page **link = &marker->page_first, *before = NULL;
    for (; *link != page; link = &before->queued_next)
        before = *link;
    if (next != page) {
        *link = next;
    } else {
        marker->page_last = before;
        *link = before; /* the last one points at itself */
    }
}
