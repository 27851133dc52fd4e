/* view/group.h: what the steps of one grouping share. group.c has the order of the steps.
 *
 *   unit    what tally.c counts, or, cumulative, a group of frames (cumulate.c)
 *   item    a unit of one of the sides: those of side 0 first, then those of side 1
 *   key     tells groups apart (groupkey.c)
 *   row     a group */
#ifndef HUSK_VIEW_GROUP_H
#define HUSK_VIEW_GROUP_H

#include "view/stats.h"

struct husk__amount {
    struct husk__sum sum;
    struct husk__part part;
};

struct husk__grouping {
    struct husk__pool *pool;
    const struct husk__sides *sides;
    int by, sort;
    bool recorded; /* churn is wanted, and known */
    struct husk__tally tally[2];
    size_t units[2];
    /* What keys are made from: those that `by` needs. */
    uint64_t *frame_keys[2];
    uint32_t *stack_ranks[2], *thread_ranks[2];
    struct husk__ranks names;
    /* Cumulative; otherwise NULL. churn only if recorded. */
    struct husk__amount *amounts[2];
    struct husk__churn *churn[2];
    uint32_t *frame_of[2]; /* a frame of each unit */
    husk_stats *out;
};

/* What a unit of the tally comes to, and what its record says. */
ALWAYS_INLINE struct husk__amount husk__tally_amount(const struct husk__tally *tally, size_t unit)
{
    struct husk__amount amount = { .sum = tally->sums[unit] };
    if (tally->parts)
        amount.part = tally->parts[unit];
    return amount;
}
struct husk__churn husk__tally_churn(const struct husk__tally *tally, size_t unit);

ALWAYS_INLINE void husk__add_amount(struct husk__amount *to, const struct husk__amount *from)
{
    husk__add_up(&to->sum.size, from->sum.size);
    husk__add_up(&to->sum.count, from->sum.count);
    to->part.size += from->part.size;
    to->part.count += from->part.count;
}

/* Makes groups of frames the units of a side. False: no memory. */
bool husk__cumulate(struct husk__grouping *grouping, unsigned side, bool each_frame);

/* What tells the group of a unit apart, and whose name it has (husk__row.name). */
struct husk__identity {
    uint64_t key;
    uint32_t name;
};
/* Prepares husk__identify. False: no memory. */
bool husk__identify_make(struct husk__grouping *grouping);
struct husk__identity husk__identify(const struct husk__grouping *grouping, unsigned side, size_t unit);
/* Gives a row whose name stands nowhere its label. False: no memory. */
bool husk__label(husk_stats *out, struct husk__row *row, uint64_t key);

#endif
