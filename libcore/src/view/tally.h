/* view/tally.h: the things of one snapshot, counted by unit: a number that says all that a grouping wants to know of
 * a thing. Dense, so that a million things cost a million additions; units are put together into groups by their
 * names afterwards (group.c).
 *
 *   by                                       unit
 *   line file function traceback             record (0: what is not traced)
 *   tag domain thread                        record
 *   type                                     row of TYPES, then buffers, blocks
 *   class                                    size class, then powers of two
 *   age mark                                 epoch, then what is not traced
 *   kind                                     HUSK_THING_... */
#ifndef HUSK_VIEW_TALLY_H
#define HUSK_VIEW_TALLY_H

#include "view/filter.h"

struct husk__sum {
    uint64_t size, count; /* a size that is beyond stays at UINT64_MAX */
};
/* What samples stand for, in fractions: kept until the row is complete, and rounded once there. */
struct husk__part {
    double size, count;
};

struct husk__tally {
    const struct husk_snapshot *snapshot;
    struct husk__selection selection;
    size_t units;
    struct husk__sum *sums;
    struct husk__part *parts; /* NULL: nothing is sampled */
    size_t mean[2];           /* of the samples among what is the heap's, among blocks; 0: exact */
    uint64_t *class_bytes;    /* by class: size classes of the heap */
    size_t class_count;
};

/* Whether groups are told by where and when things were made, so that what is not traced has none. */
bool husk__by_is_of_places(int by);

/* husk_status with its message. untraced: count what is not traced also where groups are of places. */
husk_status husk__tally_make(struct husk__pool *pool, const struct husk_snapshot *snapshot, int by,
                             bool untraced, const husk_filter *filter, struct husk__tally *out);

/* Whether unit `unit` is that of what is not traced, of a grouping of places. */
bool husk__unit_is_untraced(const struct husk__tally *tally, int by, size_t unit);

/* The means of a snapshot: [0] of objects and buffers, [1] of blocks. */
void husk__sample_means(const struct husk_snapshot *snapshot, size_t mean[2]);

/* The string of the latest mark before what was born in this epoch; 0: none. */
uint32_t husk__mark_of(const struct husk_snapshot *snapshot, size_t epoch);

/* A column added to another one; beyond the greatest number it stays there. */
ALWAYS_INLINE void husk__add_up(uint64_t *sum, uint64_t more)
{
    if (UNLIKELY(__builtin_add_overflow(*sum, more, sum)))
        *sum = UINT64_MAX;
}

#endif
