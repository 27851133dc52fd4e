/* view/usage.h: what the blocks of a page hold. */
#ifndef HUSK_VIEW_USAGE_H
#define HUSK_VIEW_USAGE_H

#include "object/state.h"

/* What the type asked for when the object was made, header included: its block is that or a little larger. */
ALWAYS_INLINE size_t husk__asked_bytes(const husk_obj *obj, const husk_type *type)
{
    if (LIKELY(!(type->flags & TYPE_ITEMS)))
        return type->block;
    size_t count = *(const size_t *)(const void *)((const char *)obj + type->item_count_at);
    size_t bytes = type->items_at + count * type->item_size;
    return bytes < type->block ? type->block : bytes;
}

/* Sums over the blocks of one page, or of several. */
struct husk__usage {
    size_t live, live_bytes;   /* objects, and their blocks */
    size_t asked_bytes;        /* of live_bytes */
    size_t dying, dying_bytes; /* they have ended but for their hooks */
    size_t free;               /* blocks that were touched and hold nothing */
    size_t untouched;          /* blocks that were never given out */
    size_t held_bytes;         /* the page itself */
};

/* Adds a page in use: of blocks, or the first of a run. O(its blocks). */
void husk__usage_add(struct husk__usage *usage, const struct husk__page *page);

/* The same from what the store knows: O(1) for all but the pages that births come from. The dying are
 * counted as live, and nothing is said of what was asked for. */
void husk__usage_add_held(struct husk__usage *usage, const struct husk__page *page,
                          const struct husk__store *store);

#endif
