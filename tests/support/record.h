/* tests/support/record.h: records of passes (husk/passes.h), and many types for them to tell apart. */
#ifndef TESTS_RECORD_H
#define TESTS_RECORD_H

#include <husk.h>
#include <husk/passes.h>

/* Asserts what holds for every record. */
void record_check(const husk_pass_record *r);

/* The record of the heap's latest pass, checked. */
void record_latest(const husk_heap *heap, husk_pass_record *out);

/* Types "kind0", "kind1" ... with one slot and ten sizes; record_kinds sees to it that the first `count` exist. */
enum { RECORD_KINDS = 80 };
extern const husk_type *record_kind[RECORD_KINDS];
husk_status record_kinds(size_t count);

#endif
