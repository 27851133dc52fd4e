/* view/snapfile.h: a snapshot as a file: head, table of sections, sections. docs/snapshot-file.md says it byte
 * by byte. Writing and mapping is snapfile.c, checking what a file claims snapcheck.c.
 *
 *   0      64              64 + 32 x sections
 *   | head | row row ... | zeros | section | zeros | section ... section |
 *                                ^ at multiples of FILE_ALIGN; of FILE_PAGE if it is that long */
#ifndef HUSK_VIEW_SNAPFILE_H
#define HUSK_VIEW_SNAPFILE_H

#include "view/snapshot.h"

#define FILE_MAGIC "\x89HUSK\r\n\x1A" /* a transfer as text, or with seven bits, shows here (as in PNG) */
#define FILE_ORDER 0x01020304u        /* in the order of the machine that wrote the file */
enum { FILE_ALIGN = 64, FILE_PAGE = 4096 };

struct husk__file_head {
    char magic[8];
    uint32_t order;    /* FILE_ORDER */
    uint32_t version;  /* SNAPSHOT_VERSION */
    uint32_t features; /* what a reader must know of; none so far */
    uint32_t sections; /* rows of the table, which follows */
    uint64_t length;   /* of the file */
    uint32_t table_crc;
    uint32_t unused[6];
    uint32_t crc; /* of the 60 bytes before it; in every version */
};

/* husk__file_row.flags: whoever does not know this section cannot understand the others. */
enum { FILE_ROW_REQUIRED = 1u << 0 };

/* Ordered by kind and by offset. */
struct husk__file_row {
    uint32_t kind, flags;
    uint32_t item; /* bytes of an element */
    uint32_t crc;
    uint64_t offset, count;
};

/* Reads and checks a file that lies in memory, aligned to 8 bytes, which must outlive the snapshot. name: for
 * messages. HUSK_EFORMAT, HUSK_ENOMEM. */
husk_status husk__snap_open(const void *bytes, size_t length, const char *name, struct husk_snapshot **out);

/* Whether all that readers rely on is so; sections lie within memory already. name: for messages. */
husk_status husk__snap_check(const struct husk_snapshot *snapshot, const char *name);

#endif
