/* bindings/generic/gcstat.h: what passes of other processes do (husk/gcstat.h), for every language. What was read is a
 * box in a heap, as a snapshot is, so that tokens, threads and the end of the heap are those of any other object; it has
 * a row for each heap of the process, from 0 on. Failures are in the heap, or in a trouble. */
#ifndef HUSK_GENERIC_GCSTAT_H
#define HUSK_GENERIC_GCSTAT_H

#include "value.h"

/* Makes this process's page. */
void husk_generic_gcstat_start(husk_generic_trouble *trouble);

/* A new list of the numbers of processes that have a page, in no order. */
husk_obj *husk_generic_gcstat_list(husk_heap *heap);

/* The page of a process at this moment; and how many heaps it shows. */
husk_obj *husk_generic_gcstat_read(husk_heap *heap, int64_t pid);
size_t husk_generic_gcstat_count(husk_obj *page);

/* A number of a row: "heap", "written_ns"; "latest.freed" (husk_pass_record) and "latest.ns.mark" of the latest pass, 0
 * if there was none; "sums.young.freed" (husk_pass_sums) and "sums.young.ns.mark" of all passes of a mode;
 * "pauses.full.p99_ns" (husk_pauses), and "pauses.any.p99_ns" of all. */
int64_t husk_generic_gcstat_figure(husk_obj *page, size_t row, const char *name);

/* A word of a row: "name", "latest.mode", "latest.reason", "latest.status"; the last three are nil if there was no
 * pass. */
husk_value husk_generic_gcstat_word(husk_obj *page, size_t row, const char *name);

/* What the latest pass freed, most bytes first: the name of the type at this place, nil behind the last one listed; and
 * its objects. */
husk_value husk_generic_gcstat_type(husk_obj *page, size_t row, size_t place);
int64_t husk_generic_gcstat_freed(husk_obj *page, size_t row, size_t place);

#endif
