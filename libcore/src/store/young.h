/* store/young.h: the pages that have served births since they were last looked at: where short lives end.
 *
 * A page is noted by refill, which knows it anyway; the list has a fixed room. What does not fit, or a page that
 * has handed out a few holes only, is left to full passes: it would cost a look at many old objects. */
#ifndef HUSK_STORE_YOUNG_H
#define HUSK_STORE_YOUNG_H

#include "store/store.h"

/* The page has served births. */
ALWAYS_INLINE void husk__young_note(struct husk__store *store, struct husk__page *page)
{
    if (page->young || store->young_count == HUSK__MOST_YOUNG)
        return;
    page->young = (uint8_t)++store->young_count;
    store->young[page->young] = page;
}

/* It is young no longer: its memory may go away. The last one takes its number. */
static inline void husk__young_forget(struct husk__store *store, struct husk__page *page)
{
    struct husk__page *last = store->young[store->young_count--];
    store->young[page->young] = last;
    last->young = page->young;
    page->young = 0;
}

/* None is. */
static inline void husk__young_end(struct husk__store *store)
{
    for (unsigned i = 1; i <= store->young_count; i++)
        store->young[i]->young = 0;
    store->young_count = 0;
}

#endif
