/* view/alive.h: what is alive by place and type: the rows that exports with tracebacks are made of. A place is a record
 * (a traceback in a context) or a traceback in whatever context.
 *
 * Exact snapshots: everything that lives counts, what was not traced under place 0, so the rows' sums are the
 * snapshot's. Sampled ones: what is traced counts as what it stands for, the rest is in that already and is left out;
 * rows are rounded once. */
#ifndef HUSK_VIEW_ALIVE_H
#define HUSK_VIEW_ALIVE_H

#include "view/pool.h"
#include "view/snapshot.h"

#include <husk/stats.h>

struct husk__alive_row {
    uint32_t place; /* row in RECORDS or STACKS; 0: not traced, or not known where */
    uint32_t type;  /* row in TYPES, or husk__alive_buffer, or husk__alive_block */
    uint64_t count, bytes;
    double part_count, part_bytes; /* while counting: fractions of samples */
};

struct husk__alive {
    struct husk__alive_row *rows; /* by place, then type */
    size_t count;
    uint64_t things, bytes; /* sums of the rows */
    size_t bytes_had;
};

enum {
    ALIVE_STACKS = 1u << 0, /* places are tracebacks */
    ALIVE_MERGED = 1u << 1, /* types are not told apart: all 0 */
};
/* filter: of what counts; NULL: everything. HUSK_ENOMEM; as husk_stats_new of a filter. */
husk_status husk__alive_make(const struct husk_snapshot *snapshot, unsigned how, const husk_filter *filter,
                             struct husk__alive *out);
void husk__alive_free(struct husk__alive *alive);

/* Numbers beyond the types for what has none. */
uint32_t husk__alive_buffer(const struct husk_snapshot *snapshot);
uint32_t husk__alive_block(const struct husk_snapshot *snapshot);
/* The name of a row's type: "(buffer)" and "(block)" too. */
const char *husk__alive_type(const struct husk_snapshot *snapshot, uint32_t type, size_t *length);

#endif
