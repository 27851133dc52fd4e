/* proc/resident.h: which pages of our own private memory are there. */
#ifndef HUSK_PROC_RESIDENT_H
#define HUSK_PROC_RESIDENT_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a page of the system. */
enum {
    PAGE_ABSENT =
        0, /* never written, or given back; the common page of zeros that stands for it counts for nobody */
    PAGE_OWN,    /* resident, ours alone */
    PAGE_SHARED, /* resident, another process has it too: forked, not yet copied */
    PAGE_SWAPPED,
};

/* How it is known. */
enum husk__resident_by {
    RESIDENT_BY_PAGEMAP, /* exact, for memory of no file */
    RESIDENT_BY_MINCORE, /* the page of zeros counts, and nothing is known of sharing and swap */
    RESIDENT_NOT_KNOWN,  /* the caller takes everything to be there */
};

struct husk__resident {
    int pagemap;
    size_t page; /* bytes of a page of the system */
    bool ours;
    enum husk__resident_by by;
};

/* pid: a process of which this one is a copy, as a forked child is; 0: this one. */
void husk__resident_open(struct husk__resident *resident, int64_t pid);
void husk__resident_close(struct husk__resident *resident);

/* The state of each page from `at` (a multiple of the page) on. */
void husk__resident_pages(struct husk__resident *resident, const void *at, size_t count, uint8_t *states);

#endif
