/* view/linetable.h: the line tables of compilers (.debug_line, DWARF 2 to 5): which line of which file the code at an
 * address was made from, read without trust. Compressed tables are not read: the core has no inflater. */
#ifndef HUSK_VIEW_LINETABLE_H
#define HUSK_VIEW_LINETABLE_H

#include "view/elf.h"

#include <stdbool.h>
#include <stdint.h>

/* One compilation's table. */
struct husk__line_unit {
    struct husk__elf_span names;    /* its lists of directories and files */
    struct husk__elf_span texts[2]; /* .debug_str, .debug_line_str */
    unsigned version, offset_size;  /* 2 to 5; 4 or 8 */
};

/* The code from `start` up to `end`, as the file says addresses, is of this line; never 0. */
struct husk__line_run {
    const struct husk__line_unit *unit;
    uint64_t start, end, file;
    uint32_t line;
};

/* Calls fn for each run of each table; a table that is damaged ends there. Asks for no memory. */
typedef void husk__line_fn(const struct husk__line_run *run, void *data);
void husk__line_runs(const struct husk__elf *elf, husk__line_fn *fn, void *data);

/* A file's name in three parts, each perhaps empty: it is taken from the last one that begins with a slash. They lie
 * inside the ELF file. */
struct husk__line_file {
    const char *base, *directory, *name;
};

/* The run's file; false if the table does not say. Time grows with the list of files. */
bool husk__line_file(const struct husk__line_run *run, struct husk__line_file *out);

#endif
