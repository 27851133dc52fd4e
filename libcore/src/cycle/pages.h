/* cycle/pages.h: going through the pages that a search or a set is about. */
#ifndef HUSK_CYCLE_PAGES_H
#define HUSK_CYCLE_PAGES_H

#include "cycle/side.h"

/* A whole heap, or what was noted as young and is still there, by address. */
void husk__pages_of_heap(struct husk__pages *pages);
void husk__pages_young(struct husk__pages *pages, const struct husk__store *store);

ALWAYS_INLINE struct husk__pages_walk husk__pages_begin(const husk_heap *heap,
                                                        const struct husk__pages *pages)
{
    return (struct husk__pages_walk){ .pages = pages, .walk = { &heap->store, 0, NULL, 0 } };
}

/* The next one, also of those that take no part; NULL: that was the last. */
ALWAYS_INLINE struct husk__page *husk__pages_next(struct husk__pages_walk *at)
{
    if (!at->pages->all)
        return at->next < at->pages->count ? at->pages->list[at->next++] : NULL;
    struct husk__page *page = husk__next_page(&at->walk);
    at->passed = page;
    return page;
}

/* The next one with members of a set. */
ALWAYS_INLINE struct husk__page *husk__pages_member(struct husk__pages_walk *at)
{
    struct husk__page *page;
    do
        page = husk__pages_next(at);
    while (page && !page->members);
    return page;
}

#endif
