/* trace/stackmemo.h: unwinding from memory: stacks that a thread had lately, told again from the words that they were
 * told from, without a look at a table of rows (trace/unwind.h).
 *
 *   step    what a step reads is at addresses that its registers decide, so who begins one with the same registers
 *           reads at the same addresses. A frame that is new, or gone, voids no other. Two in one, if the second is
 *           always the same.
 *   whole   all words that a whole stack was told from. While they and the registers at its beginning are what they
 *           were, so is all of it: they are compared side by side, none waits for another.
 *
 * One thread's; zeroed at first. */
#ifndef HUSK_TRACE_STACKMEMO_H
#define HUSK_TRACE_STACKMEMO_H

#include "trace/unwind.h"

enum {
    STACKMEMO_STEPS = 256, /* places for two */
    STACKMEMO_TRUST = 8,
    STACKMEMO_WHOLES = 32,
    STACKMEMO_WORDS = 64 /* of a whole stack; a longer one is told step by step */
};

struct husk__stackmemo_step {
    uintptr_t pc, sp, fp; /* before the step; sp 0: free */
    uintptr_t fp_matters; /* all ones, or 0: with any frame pointer */
    uintptr_t next_sp;    /* the return address is the word below */
    uintptr_t fp_at;      /* where the caller's frame pointer is; 0: it is in its register still */
    /* The step behind it, if that has been the same for some time: done without being looked for, and its stack pointer
     * waits for nothing. It needs no frame pointer. */
    uintptr_t second_pc; /* 0: not known */
    uintptr_t second_sp, second_fp_at;
    uintptr_t last_pc; /* what came behind it last */
    uintptr_t trust;   /* how often in a row */
};

struct husk__stackmemo_whole {
    uintptr_t pc, sp, fp; /* where it begins; sp 0: free */
    uintptr_t fp_matters;
    uint64_t number;              /* the caller's own, not 0 */
    uint64_t number_next;         /* of the stack that was met here last */
    uint64_t refused;             /* of one that cannot be told from words */
    uint32_t words;               /* a multiple of four: the last one may be there more than once */
    uint32_t at[STACKMEMO_WORDS]; /* from sp, in bytes */
    uintptr_t word[STACKMEMO_WORDS];
};

struct husk__stackmemo {
    uint64_t generation;
    struct husk__stack_range range; /* the stack's mapping: all that is read is below its end */
    struct husk__stackmemo_step steps[STACKMEMO_STEPS][2];
    struct husk__stackmemo_whole wholes[STACKMEMO_WHOLES];
};

/* The same as husk__unwind. *hash: what the frames are mixed into. */
unsigned husk__stackmemo_unwind(struct husk__stackmemo *memo, const struct husk__unwind_start *from,
                                uintptr_t *pcs, unsigned most, uint64_t *hash);

/* The number that was kept for the stack that begins there; 0: none. */
uint64_t husk__stackmemo_find(const struct husk__stackmemo *memo, const struct husk__unwind_start *from);
/* The stack that begins there, with up to `most` frames, has this number, which is not 0: to be kept once it was met
 * twice in a row. All numbers of a memo are for the same `most`. */
void husk__stackmemo_keep(struct husk__stackmemo *memo, const struct husk__unwind_start *from, unsigned most,
                          uint64_t number);

#endif
