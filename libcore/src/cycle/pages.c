/* cycle/pages.c: which pages a search is about. See pages.h. */
#include "cycle/pages.h"

void husk__pages_of_heap(struct husk__pages *pages)
{
    pages->all = true;
    pages->count = 0;
}

void husk__pages_young(struct husk__pages *pages, const struct husk__store *store)
{
    pages->all = false;
    pages->count = 0;
    for (unsigned i = 1; i <= store->young_count; i++) {
        struct husk__page *page = store->young[i];
        if (!husk__takes_part(page))
            continue;
        unsigned at = pages->count++; /* they come nearly in order */
        for (; at > 0 && pages->list[at - 1] > page; at--)
            pages->list[at] = pages->list[at - 1];
        pages->list[at] = page;
    }
}
