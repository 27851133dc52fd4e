/* view/usage.c: see usage.h. */
#include "view/usage.h"

void husk__usage_add(struct husk__usage *usage, const struct husk__page *page)
{
    size_t block = husk__block_bytes(page), live = 0, dying = 0, asked = 0;
    const husk_type *type = husk__types[0];
    uint32_t id = 0;
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (!husk__is_object(obj))
            continue;
        if (husk__is_dying(obj)) {
            dying++;
            continue;
        }
        if ((obj->tf & TF_TYPE) != id) { /* most neighbours are of one type */
            id = obj->tf & TF_TYPE;
            type = husk__types[id];
        }
        live++;
        asked += husk__asked_bytes(obj, type);
    }
    usage->live += live;
    usage->live_bytes += live * block;
    usage->asked_bytes += asked;
    usage->dying += dying;
    usage->dying_bytes += dying * block;
    usage->free += page->fresh - live - dying;
    usage->untouched += page->capacity - page->fresh;
    usage->held_bytes += page->state == HUSK__PAGE_RUN ? block : HUSK__PAGE;
}

void husk__usage_add_held(struct husk__usage *usage, const struct husk__page *page,
                          const struct husk__store *store)
{
    /* Of the page that a bin works on some used blocks are in its hand. */
    if (page->state == HUSK__PAGE_RUN || store->bins[page->bin].page == page) {
        husk__usage_add(usage, page);
        return;
    }
    usage->live += page->used;
    usage->live_bytes += (size_t)page->used * page->block;
    usage->free += page->fresh - page->used;
    usage->untouched += page->capacity - page->fresh;
    usage->held_bytes += HUSK__PAGE;
}
