/* cycle/passlog.h: a pass leaves a record.
 *
 *   husk__pass_begin --> the search and what follows, which says at each boundary what has just ended
 *   (husk__part_end) and what it frees (husk__freed_add) --> husk__slice_end --> husk__pass_end: record, sums, trace line
 *
 * A pass in steps goes through husk__slice_begin and husk__slice_end for each step; one that is given up leaves nothing.
 *
 * The clock is read once for each boundary. In a search of other purpose (dry run, bridge) the boundaries mean
 * nothing. */
#ifndef HUSK_CYCLE_PASSLOG_H
#define HUSK_CYCLE_PASSLOG_H

#include "cycle/find.h"

/* It began at `start`, and pace has looked at the heap since (husk__pace_search). */
void husk__pass_begin(husk_heap *heap, husk_mode mode, husk_reason reason, bool quiet, uint64_t start);

/* What ran since the latest boundary was this. */
void husk__part_end(husk_heap *heap, husk_part part);

/* So many threads search for this pass; nothing if the search is for something else. */
void husk__threads_note(husk_heap *heap, unsigned threads);

/* Members of one type, of one size, have ended. */
void husk__freed_add(husk_heap *heap, const husk_type *type, uint32_t objects, size_t block_bytes);

/* A step goes on with the pass under way. */
void husk__slice_begin(husk_heap *heap, bool quiet, uint64_t start);
/* The program runs again: a pause ends. *pass gets the times so far. */
void husk__slice_end(husk_heap *heap, husk_pass *pass);

/* The part of a pass that a phase of the search belongs to. */
husk_part husk__part_of(enum husk__search_phase phase);

/* The pass is over: *pass says what it did, and gets its number; pace has its new limits. */
void husk__pass_end(husk_heap *heap, const struct husk__found *found, husk_pass *pass);

/* The heap's figures into the page of the process, if there is one (husk/gcstat.h). */
void husk__gcstat_write(husk_heap *heap, bool make);
/* HUSK_GCSTAT: makes the page if it is asked for; what the system refuses is reported, and the heap goes without.
 * HUSK_EINVAL: the value cannot be understood. */
husk_status husk__gcstat_asked(bool *asked);
void husk__gcstat_begin(husk_heap *heap, bool asked);
void husk__gcstat_end(husk_heap *heap);

/* HUSK_GCTRACE: *printed, or why it cannot be understood. */
husk_status husk__gctrace_asked(bool *printed);
/* The line of this record, on stderr. */
void husk__gctrace_print(const husk_heap *heap, const husk_pass_record *record);

#endif
