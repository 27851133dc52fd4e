/* trace/cfi.h: rows: what must be known of a place in the code to find its caller's frame, in one word.
 *
 *   bits 3..0     enum husk__row_kind: where the caller's frame begins (the CFA)
 *   bits 5..4     enum husk__row_saved: where the caller's frame pointer is
 *   bits 31..8    signed: the offset for that
 *   bits 63..32   signed: the offset of the CFA
 *
 * The return address is the word below the CFA. What these words cannot say ends a stack. */
#ifndef HUSK_TRACE_CFI_H
#define HUSK_TRACE_CFI_H

#include <stdbool.h>
#include <stdint.h>

enum husk__row_kind {
    ROW_NONE = 0,    /* no table says anything */
    ROW_GUESS = 1,   /* the same, kept: as frame pointers have it */
    ROW_OUTSIDE = 2, /* the same, and in no module's code */
    ROW_SP = 3,      /* stack pointer + offset */
    ROW_FP = 4,      /* frame pointer + offset */
    ROW_LOADED = 5,  /* the word at frame pointer + offset: a function that aligned its stack */
    ROW_SIGNAL = 6,  /* the trampoline of a signal handler: the registers lie on the stack */
    ROW_END = 7,     /* the outermost frame, or one that cannot be said in a row */
};

enum husk__row_saved {
    SAVED_NOT = 0, /* it is in its register still */
    SAVED_CFA = 1, /* the word at CFA + offset */
    SAVED_FP = 2,  /* the word at frame pointer + offset */
    SAVED_LOST = 3,
};

static inline uint64_t husk__row(enum husk__row_kind kind, int32_t offset, enum husk__row_saved saved,
                                 int32_t saved_offset)
{
    return (uint64_t)kind | (uint64_t)saved << 4 | (uint64_t)((uint32_t)saved_offset & 0xFFFFFFu) << 8 |
           (uint64_t)(uint32_t)offset << 32;
}

static inline enum husk__row_kind husk__row_kind(uint64_t row)
{
    return (enum husk__row_kind)(row & 15);
}

static inline enum husk__row_saved husk__row_saved(uint64_t row)
{
    return (enum husk__row_saved)(row >> 4 & 3);
}

static inline int64_t husk__row_offset(uint64_t row)
{
    return (int64_t)row >> 32;
}

static inline int64_t husk__row_saved_offset(uint64_t row)
{
    return (int32_t)(uint32_t)row >> 8;
}

/* A loaded program or library, by its first mapped byte, where its ELF header is. */
struct husk__module {
    uintptr_t start, end; /* of its mapping */
    uintptr_t base;       /* added to the addresses that its file says */
};

/* False: there is no ELF header of this machine at `start`. */
bool husk__cfi_module(uintptr_t start, uintptr_t end, struct husk__module *out);

/* Whether address lies in a segment of code. */
bool husk__cfi_is_code(const struct husk__module *module, uintptr_t address);

/* The row for the place at pc - 1. ROW_NONE: the module has no table, or none for it. */
uint64_t husk__cfi_row(const struct husk__module *module, uintptr_t pc);

/* Where the function of the place at pc - 1 begins, as the same tables have it; 0: they say nothing. */
uintptr_t husk__cfi_function(const struct husk__module *module, uintptr_t pc);

#endif
