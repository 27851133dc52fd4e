/* view/stats.h: struct husk_stats: rows in their order, and what their names are made from. Made by group.c, read by
 * stats.c and statstext.c. */
#ifndef HUSK_VIEW_STATS_H
#define HUSK_VIEW_STATS_H

#include "view/keys.h"
#include "view/tally.h"

#include <husk/stats.h>

struct husk__row {
    int64_t size, count, size_diff, count_diff;
    uint32_t name; /* a frame (line, file, function), traceback, row of TYPES, string, or place in `labels` */
    uint32_t side; /* whose number that is: 0 the snapshot, 1 the older one */
};

/* What the records say. */
struct husk__churn {
    uint64_t born, born_bytes, died, died_bytes, temporary, peak, peak_bytes;
};

struct husk_stats {
    struct husk__sides sides;
    int by, sort;
    struct husk__row *rows;
    struct husk__churn *churn; /* by row; NULL: not known */
    size_t count;
    size_t row_bytes, churn_bytes;
    struct husk__row total; /* without a name */
    struct husk__churn total_churn;
    struct husk__grow labels; /* texts with their NUL, of groups whose names stand nowhere */
};

void husk__add_churn(struct husk__churn *to, const struct husk__churn *from);

/* The frame by whose name a row goes (of a traceback, the oldest); false: it goes by no frame's. */
bool husk__row_frame(const struct husk_stats *stats, const struct husk__row *row, uint32_t *frame);
/* Its file, or what else the row is called; any bytes. */
const char *husk__row_name(const struct husk_stats *stats, const struct husk__row *row, size_t *length);

/* Fills in rows, churn, total and labels. Options have been checked. */
husk_status husk__group(const struct husk__sides *sides, const husk_stats_options *options, husk_stats *out);

/* Names of types that are none. */
#define STATS_BUFFERS "(buffer)"
#define STATS_BLOCKS "(block)"

#endif
