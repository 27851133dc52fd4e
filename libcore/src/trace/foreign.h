/* trace/foreign.h: the tracer of the process: blocks that are no objects, from any thread. What <husk/trace.h> means
 * by heap NULL. Any thread, unless it says otherwise. */
#ifndef HUSK_TRACE_FOREIGN_H
#define HUSK_TRACE_FOREIGN_H

#include "trace/blockmap.h"
#include "trace/capture.h"

husk_status husk__foreign_start(const husk_trace_options *options);
void husk__foreign_stop(void);
void husk__foreign_clear(void);
bool husk__foreign_is_on(void);
uint32_t husk__foreign_limit(void);
void husk__foreign_figures(husk_trace_figures *out);
void husk__foreign_reset_peak(void);
husk_status husk__foreign_mark(const char *name);
husk_status husk__foreign_push(bool tag, const char *text);
husk_status husk__foreign_pop(bool tag);

/* husk_trace_block and husk_trace_unblock, from a place that is said; without texts for what fails. */
husk_status husk__foreign_block(struct husk__from from, uint32_t domain, uint64_t address, size_t bytes);
husk_status husk__foreign_unblock(uint32_t domain, uint64_t address);

/* A block is about to be moved by somebody who may refuse to (realloc): it ends, without being a temporary one, before
 * anybody else can have its address; false: it is not known. If it stays where it was after all, that is undone. */
struct husk__lifted {
    struct husk__blockmap_entry entry;
    uint32_t start; /* of which tracing */
};
bool husk__foreign_lift(uint32_t domain, uint64_t address, struct husk__lifted *out);
void husk__foreign_stays(const struct husk__lifted *lifted);

/* The traceback of a block; 0: not known. */
uint32_t husk__foreign_stack(uint32_t domain, uint64_t address);

/* From now on the child of a fork can take snapshots, whatever other threads were doing in the library at that moment:
 * the fork waits for the locks that it needs. False: no memory for that. */
bool husk__foreign_may_fork(void);

/* For a snapshot: holds all events up until husk__foreign_release; NULL: off. */
struct husk__tracer *husk__foreign_hold(void);
void husk__foreign_release(void);
/* Meanwhile: the blocks, one after the other; *cursor begins as 0. false: no more. */
bool husk__foreign_next(size_t *cursor, struct husk__blockmap_entry *out);

#endif
