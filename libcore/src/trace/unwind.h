/* trace/unwind.h: the return addresses on the calling thread's own stack, fast and without trust.
 *
 * Fit for the inside of malloc: asks for no memory, takes no lock that an allocator's caller might hold, keeps
 * errno, reads nothing but this thread's stack (in its mapping, upwards only) and unwind tables of loaded modules.
 * At the first doubt a stack ends; what was found up to there stands. Any thread, also before main. */
#ifndef HUSK_TRACE_UNWIND_H
#define HUSK_TRACE_UNWIND_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* The registers of a function that is running. pc is right behind an instruction of it: all look-ups are made one
 * byte before, so that return addresses, which may lie beyond the end of a function that never returns, find the
 * call they belong to. */
struct husk__unwind_start {
    uintptr_t pc, sp, fp;
};

/* Where the function stands that this is written in. */
ALWAYS_INLINE struct husk__unwind_start husk__unwind_here(void)
{
    struct husk__unwind_start at;
#if defined(__x86_64__)
    __asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
                     : "=&r"(at.pc), "=&r"(at.sp), "=&r"(at.fp));
#else
    at.fp = (uintptr_t)__builtin_frame_address(0);
    at.sp = at.fp;
    at.pc = 0;
#endif
    return at;
}

/* The return addresses from `from` on, newest first: pcs[0] is where its function will return to. How many; at most
 * `most`. Where a signal interrupted a function the address is one more than the interrupted instruction's, so
 * that here, too, address - 1 is the place that was running. */
unsigned husk__unwind(const struct husk__unwind_start *from, uintptr_t *pcs, unsigned most);

/* The steps of a stack, by where they begin: what a step reads is at addresses that its registers decide (the frame
 * pointer only where the row says so), so who begins one with the same registers reads the same words, without a
 * look at its row. A frame that is new, or gone, voids no other. Zeroed at first; of one thread. */
enum { UNWIND_MEMO = 256 };
struct husk__unwind_memo {
    uint64_t generation;
    uintptr_t high; /* the end of the stack's mapping, which all that is read is below */
    struct husk__unwind_seen {
        uintptr_t pc, sp, fp; /* before the step; sp 0: free */
        uintptr_t fp_matters; /* all ones, or 0: with any frame pointer */
        uintptr_t ra_at;      /* where the return address is */
        uintptr_t fp_at;      /* and the caller's frame pointer; 0: it is in its register still */
        uintptr_t next_sp;
        struct husk__unwind_seen *next; /* the place of the step from there */
    } seen[UNWIND_MEMO];                /* each where its sp says */
};

/* The same as husk__unwind. */
unsigned husk__unwind_memo(struct husk__unwind_memo *memo, const struct husk__unwind_start *from,
                           uintptr_t *pcs, unsigned most);

/* Goes to the callers until a function outside [start, end) is running: *at is where it stands. False: the stack ends
 * before. */
bool husk__unwind_leave(struct husk__unwind_start *at, uintptr_t start, uintptr_t end);

/* Where the function around pc - 1 begins (0: no table says it), and its module (0: it is in none). */
uintptr_t husk__unwind_function(uintptr_t pc, uintptr_t *module);

/* Modules were unloaded: what was kept about their code is void. It is noticed without this, too, but later. */
void husk__unwind_forget(void);

#endif
