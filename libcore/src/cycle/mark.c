/* cycle/mark.c: the marking loop of one thread, from the parts in marking.h. See mark.h. */
#define _GNU_SOURCE
#include "cycle/mark.h"

#include "base/clock.h"
#include "cycle/marking.h"

#include <string.h>

void husk__marker_begin(struct husk__marker *marker)
{
    memset(marker, 0, sizeof *marker);
    marker->most = SIZE_MAX;
}

/* The object waits as a bit, its page in the queue. */
ALWAYS_INLINE void pend(struct husk__marker *marker, husk_obj *obj)
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

static void add_edge(husk_obj *child, size_t slot, size_t index, void *context);
static void scan_other(struct husk__marker *marker, husk_obj *obj, const husk_type *type);
static void scan_key(struct husk__marker *marker, husk_obj *obj);
static void scan_keymap(struct husk__marker *marker, husk_obj *obj);

static const struct husk__marking alone = {
    .pend = pend, .edge = add_edge, .other = scan_other, .key = scan_key, .keymap = scan_keymap
};

static void add_edge(husk_obj *child, size_t slot, size_t index, void *context)
{
    (void)slot;
    (void)index;
    struct husk__marker *marker = context;
    husk__edge(&alone, marker, &marker->at, child);
}

static NEVER_INLINE void scan_other(struct husk__marker *marker, husk_obj *obj, const husk_type *type)
{
    husk__scan_other(&alone, marker, obj, type);
}

static NEVER_INLINE void scan_key(struct husk__marker *marker, husk_obj *obj)
{
    husk__scan_key(&alone, marker, obj);
}

static NEVER_INLINE void scan_keymap(struct husk__marker *marker, husk_obj *obj)
{
    husk__scan_keymap(&alone, marker, obj);
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

void husk__mark_clear(struct husk__page *page)
{
    memset(husk__pending_word(husk__page_start(page)), 0,
           page->state == HUSK__PAGE_RUN ? sizeof(uint64_t) : (HUSK__PAGE >> HUSK__GRANULE_SHIFT) / 8);
    page->queued_next = NULL;
}

void husk__mark_root(struct husk__marker *marker, husk_obj *obj)
{
    marker->roots++;
    uint16_t *entry = husk__side_of(obj);
    if (!(*entry & SIDE_OPEN))
        return;
    *entry &= (uint16_t)~SIDE_OPEN;
    marker->at.marked++;
    pend(marker, obj);
}

void husk__mark_known(struct husk__marker *marker, husk_obj *obj)
{
    pend(marker, obj);
}

/* Nothing is in question any more: what waits need not be looked at. */
static NEVER_INLINE void abandon(struct husk__marker *marker)
{
    for (struct husk__page *page; (page = next_page(marker));)
        husk__mark_clear(page);
    memset(marker->edges, 0, sizeof marker->edges);
    marker->at.ring_count = 0;
}

void husk__mark_run(struct husk__marker *marker)
{
    struct husk__cursor at = marker->at;
    while (at.marked < marker->most) {
        while (at.ring_count)
            husk__scan(&alone, marker, &at, husk__pop(marker, &at));
        husk__flush_edges(&alone, marker, &at);
        if (at.ring_count)
            continue;
        struct husk__page *page = next_page(marker);
        if (!page) {
            marker->at = at;
            return;
        }
        husk__scan_page(&alone, marker, &at, page);
    }
    marker->at = at;
    abandon(marker);
}

bool husk__mark_until(struct husk__marker *marker, uint64_t deadline)
{
    enum { BETWEEN_LOOKS = 64 }; /* objects; a page has more, but few of them wait */
    struct husk__cursor *at = &marker->at;
    for (;;) {
        for (unsigned n = 0; at->ring_count && n < BETWEEN_LOOKS; n++)
            husk__scan(&alone, marker, at, husk__pop(marker, at));
        if (!at->ring_count)
            husk__flush_edges(&alone, marker, at);
        struct husk__page *page = at->ring_count ? NULL : next_page(marker);
        if (page)
            husk__scan_page(&alone, marker, at, page);
        else if (!at->ring_count)
            return true;
        if (husk__now() >= deadline)
            return false;
    }
}

void husk__mark_rest(struct husk__marker *marker)
{
    husk__flush_edges(&alone, marker, &marker->at);
    while (marker->at.ring_count)
        pend(marker, husk__pop(marker, &marker->at));
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
