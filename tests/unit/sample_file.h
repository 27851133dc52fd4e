/* tests/unit/sample_file.h: files of snapshots as bytes that can be damaged, and a reader of everything. */
#ifndef TESTS_SAMPLE_FILE_H
#define TESTS_SAMPLE_FILE_H

#include "view/snapfile.h"

/* Bytes of malloc, as many as there are: a reader that goes beyond them is found. */
struct sample_file {
    unsigned char *bytes;
    size_t length;
};

/* What husk_snapshot_save writes; length 0: it failed. */
struct sample_file sample_file_of(const struct husk_snapshot *snapshot);
struct sample_file sample_file_copy(const struct sample_file *file, size_t length);
void sample_file_end(struct sample_file *file);
bool sample_file_read(const char *path, struct sample_file *out);

/* The elements of a section, to be changed; NULL: there is none. *row and *count may be NULL. */
void *sample_file_section(const struct sample_file *file, unsigned kind, struct husk__file_row **row,
                          size_t *count);

/* Makes checksums and the length right again, as far as head and table can be understood: what is wrong besides
 * is for the checks to find. */
void sample_file_repair(unsigned char *bytes, size_t length);

/* Reads all that any reader of husk/snapshot.h and view/snapshot.h can; a number that depends on everything. */
uint64_t sample_snapshot_walk(const struct husk_snapshot *snapshot);

#endif
