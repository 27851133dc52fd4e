/* proc/fields.h: setting fields of the structs of <husk/process.h> by number. */
#ifndef HUSK_PROC_FIELDS_H
#define HUSK_PROC_FIELDS_H

#include "base/check.h"

#include <husk/process.h>

/* Each of those structs is its mask and then its fields in order; fields.c has asserted it. */
ALWAYS_INLINE void husk__field_set(void *memory, size_t number, uint64_t value)
{
    uint64_t *words = memory;
    words[0] |= (uint64_t)1 << number;
    words[1 + number] = value;
}

/* Adds to a field, which is known from then on. Sums that overflow stay at the largest number. */
ALWAYS_INLINE void husk__field_add(void *memory, size_t number, uint64_t value)
{
    uint64_t *words = memory;
    words[0] |= (uint64_t)1 << number;
    words[1 + number] += value;
    if (words[1 + number] < value)
        words[1 + number] = UINT64_MAX;
}

/* A line "key<sign> value [unit]" of a file, and the field it is about. */
struct husk__key {
    const char *key;
    uint8_t number;
    bool plain; /* a number by itself, not "123 kB" */
};

/* Looks the line up in a table and sets (or adds to) its field. True: it was in the table and understood. */
bool husk__field_line(void *memory, const struct husk__key *keys, size_t count, char sign, const char *line,
                      bool add);

/* The pressure on memory: "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same with "full". first: the
 * number of the field SOME_10, which SOME_60, SOME_300, SOME_TIME, FULL_10 ... follow. */
void husk__field_pressure(void *memory, size_t first, const char *line);

#endif
