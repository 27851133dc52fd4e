/* view/keys.h: what tells groups apart, as numbers that mean the same in two snapshots, of whatever processes, and
 * whose order is that of the names: equal keys are one group, and sorting needs no texts.
 *
 *   string     --> rank       its place among all names in use, by bytes
 *   frame      --> key        rank of the file, line            (or what else is asked for)
 *   traceback  --> rank       its place among all tracebacks, compared frame by frame, the oldest first */
#ifndef HUSK_VIEW_KEYS_H
#define HUSK_VIEW_KEYS_H

#include "view/pool.h"
#include "view/snapshot.h"
#include "view/sort.h"

/* What is grouped together: [0] the snapshot, [1] an older one, if they are compared. */
struct husk__sides {
    const struct husk_snapshot *at[2];
    unsigned count;
};

struct husk__ranks {
    uint32_t *of[2]; /* by string */
};

/* Which strings: each row of a section has them. */
typedef void husk__want_fn(const struct husk_snapshot *snapshot, uint32_t *wanted);
/* Ranks of the strings for which `want` sets wanted[string] to 1. False: no memory. */
bool husk__ranks_make(struct husk__pool *pool, const struct husk__sides *sides, husk__want_fn *want,
                      struct husk__ranks *out);

/* A native frame whose file is not known is named by its module and where in that file it is: "libc.so.6+0x29d90",
 * which is the same in every process. */
bool husk__frame_is_bare(const struct husk__frame *frame);
/* The string that stands for its file: the file, or the path of the module. */
uint32_t husk__frame_file(const struct husk_snapshot *snapshot, const struct husk__frame *frame);
uint64_t husk__frame_offset(const struct husk_snapshot *snapshot, const struct husk__frame *frame);

/* by: HUSK_BY_LINE, HUSK_BY_FILE or HUSK_BY_FUNCTION. out[side][frame]. False: no memory. */
bool husk__frame_keys(struct husk__pool *pool, const struct husk__sides *sides, int by, uint64_t *out[2]);

/* out[side][traceback], from keys by line; number 0, the empty one, is as one of frame 0. False: no memory. */
bool husk__stack_ranks(struct husk__pool *pool, const struct husk__sides *sides, uint64_t *const keys[2],
                       uint32_t *out[2]);

/* out[side][row of THREADS]: by name, then by number. False: no memory. */
bool husk__thread_ranks(struct husk__pool *pool, const struct husk__sides *sides, uint32_t *out[2]);

/* For husk__ranks_make. */
husk__want_fn husk__want_types, husk__want_tags, husk__want_domains, husk__want_marks;

#endif
