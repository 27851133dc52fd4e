/* trace/cfi.h: rows: what must be known of a place in the code to find its caller's frame. */
#ifndef HUSK_TRACE_CFI_H
#define HUSK_TRACE_CFI_H

enum {
    ROW_GUESS = 1,   /* code without a table: as frame pointers have it */
    ROW_OUTSIDE = 2, /* the same, and in no module */
};

#endif
