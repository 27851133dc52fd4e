/* view/balance.h: the rows of a balance sheet, and the parts that fill them.
 *
 *   heaps                  --balance_heap.c-->  husk rows: what is alive, free, spare, and of it resident
 *   mappings of the process --balance_maps.c-->  system rows; sums of the library's own mappings and of malloc's
 *   both                   --balance.c------->  the rest of husk's and malloc's rows, unknown
 *   all rows               --verdict.c------->  the sum, the verdict and its evidence, the text
 *
 * Where a byte may go to two rows, the one whose place is known to the page goes first; what an owner merely
 * counts is cut to what is left. So the rows add up to the resident memory whatever the owners say. */
#ifndef HUSK_VIEW_BALANCE_H
#define HUSK_VIEW_BALANCE_H

#include "object/state.h"
#include "proc/resident.h"

#include <husk/balance.h>
#include <husk/process.h>

enum husk__row_number {
    ROW_LIVE,
    ROW_SLACK,
    ROW_DYING,
    ROW_FREE,
    ROW_SPARE,
    ROW_METADATA,
    ROW_BUFFERS,
    ROW_CELLS,
    ROW_TABLES,
    ROW_TRACER,
    ROW_SNAPSHOTS,
    ROW_OTHER_HEAPS,
    ROW_NATIVE_USED,
    ROW_NATIVE_FREE,
    ROW_FILES,
    ROW_SHARED,
    ROW_STACKS,
    ROW_ANONYMOUS,
    ROW_KERNEL,
    ROW_UNKNOWN,
    ROWS,
    ROWS_OF_HUSK = ROW_OTHER_HEAPS + 1,
};

struct husk__row {
    int64_t bytes;
    uint64_t counted, shared, swapped;
    char note[112];
};

/* Bytes of memory at known places. */
struct husk__amount {
    uint64_t bytes, shared, swapped;
};

struct husk_balance {
    struct husk__row rows[ROWS];
    husk_balance_sum sum;
    char evidence[400];
    bool ours; /* of this process: all rows mean something */
    uint64_t taken_ms;
    unsigned grown; /* sheets in a row whose live objects grew */
    uint64_t native_used;
    bool native_known;
    enum husk__resident_by by;
};

/* What the mappings tell beyond their own rows. */
struct husk__maps_sum {
    uint64_t rss;
    struct husk__amount chunks; /* resident, in mappings for objects of any heap */
    uint64_t chunk_space;       /* usable bytes of these */
    struct husk__amount tables; /* resident, in the library's other mappings */
    struct husk__amount small;  /* resident, where malloc has its smaller blocks */
    struct husk__amount large; /* resident, in malloc's blocks with a mapping of their own, as far as found */
    uint64_t large_found;      /* how many of them, and their bytes */
    uint64_t large_found_bytes;
    size_t stacks, threads; /* stacks found, threads there are */
};

/* Adds one heap to the rows. *space: usable bytes of its mappings. */
void husk__balance_heap(struct husk_balance *balance, const husk_heap *heap, struct husk__resident *resident,
                        uint64_t *space);

/* Goes through all mappings. pid as for husk_balance_options; twin: this process is a copy of that one, and
 * knows its memory. native may be NULL. */
husk_status husk__balance_maps(struct husk_balance *balance, int64_t pid, bool twin,
                               struct husk__resident *resident, const husk_native_memory *native,
                               struct husk__maps_sum *out);

/* Fills verdict and evidence from the rows and the rest of the sum. before may be NULL. */
void husk__balance_judge(struct husk_balance *balance, const struct husk_balance *before);

/* husk_balance_new; pid: with twin, the process that this one is a copy of (husk_snapshot_fork). */
husk_status husk__balance_take(husk_heap *const *heaps, size_t count, const husk_balance_options *options,
                               int64_t pid, bool twin, struct husk_balance *out);

#endif
