/* view/filter.h: what was said of filters (filter.c), and what that means for one snapshot (select.c).
 *
 *   filter     list AND list ...        list: (some inclusive condition, or there is none) and no exclusive one
 *   condition  all that was said of it
 *
 * Bound to a snapshot, each condition is a bit: in a mask for every record, type and epoch. Those of one thing
 * ANDed are the conditions that match it. Names are looked at once each, not once a thing. */
#ifndef HUSK_VIEW_FILTER_H
#define HUSK_VIEW_FILTER_H

#include "base/check.h"
#include "view/pool.h"
#include "view/snapshot.h"
#include "view/sort.h"

#include <husk/stats.h>

/* condition.said */
enum {
    SAID_FILE = 1u << 0,
    SAID_FUNCTION = 1u << 1,
    SAID_TYPE = 1u << 2,
    SAID_TAG = 1u << 3,
    SAID_THREAD = 1u << 4,
    SAID_DOMAIN = 1u << 5,
    SAID_SINCE = 1u << 6,
    SAID_TEXTS = 7, /* those above have a text, in this order */
    SAID_LINE = 1u << 7,
    SAID_MIN = 1u << 8,
    SAID_KIND = 1u << 9,
    SAID_ALL = 1u << 10,
    SAID_OF_FRAMES = SAID_FILE | SAID_FUNCTION | SAID_LINE,
    SAID_OF_PLACES = SAID_OF_FRAMES | SAID_TAG | SAID_THREAD | SAID_DOMAIN | SAID_ALL,
};

struct husk__condition {
    bool inclusive;
    unsigned said;
    size_t list;
    struct {
        char *at; /* with a NUL */
        size_t length;
    } texts[SAID_TEXTS];
    uint32_t line;
    int kind;
    uint64_t min;
};

struct husk_filter {
    struct husk__condition *conditions;
    size_t count, room;
    size_t list; /* of the next one */
};

enum { FILTER_MOST = 4096 };

struct husk__selection {
    size_t words;   /* of a mask; 0: everything passes */
    bool of_places; /* the record alone decides: `passes` */
    bool *passes;   /* by record, if of_places */
    uint64_t *records, *types, *epochs;
    size_t type_count;  /* rows of TYPES, then one for buffers, one for blocks */
    size_t epoch_count; /* rows of EPOCHS; `epochs` has one more, of what is not traced */
    size_t lists;
    uint64_t *inclusive, *exclusive; /* by list */
    const struct husk__condition *conditions;
    uint32_t *minima; /* conditions with a least size */
    size_t minimum_count;
};

/* filter may be NULL. Failures as husk_stats_new; what it made is in the pool. */
husk_status husk__selection_make(struct husk__pool *pool, const struct husk_snapshot *snapshot,
                                 const husk_filter *filter, struct husk__selection *out);

/* The unit of a block among the types. */
ALWAYS_INLINE size_t husk__block_type(const struct husk_snapshot *snapshot, const struct husk__block *block)
{
    return SNAP_COUNT(snapshot, TYPES) + (block->kind == BLOCK_FOREIGN);
}

bool husk__selected_slow(const struct husk__selection *selection, uint32_t site, size_t type, uint64_t size);

/* Whether a thing passes. type: its row in TYPES, or husk__block_type. */
ALWAYS_INLINE bool husk__selected(const struct husk__selection *selection, uint32_t site, size_t type,
                                  uint64_t size)
{
    return !selection->words || (selection->of_places ? selection->passes[site & SITE_RECORD]
                                                      : husk__selected_slow(selection, site, type, size));
}

#endif
