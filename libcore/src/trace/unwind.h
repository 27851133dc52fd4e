/* trace/unwind.h: the return addresses on the calling thread's own stack, fast and without trust.
 *
 * Fit for the inside of malloc: asks for no memory, takes no lock that an allocator's caller might hold, keeps
 * errno, reads nothing but this thread's stack (in its mapping, upwards only) and unwind tables of loaded modules.
 * At the first doubt a stack ends; what was found up to there stands. Any thread, also before main. */
#ifndef HUSK_TRACE_UNWIND_H
#define HUSK_TRACE_UNWIND_H

#include "base/check.h"
#include "trace/stackrange.h"

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

/* ---- step by step, for trace/stackmemo.c ---- */

/* Where a walk stands. */
struct husk__unwind_walk {
    uintptr_t pc, sp, fp;
    struct husk__stack_range range; /* where the stack pointer may be; all reads are below its end */
    /* Where the latest step read the return address, if it can be repeated from memory; the caller's frame pointer, if
     * that was saved; the beginning of its frame, if that is not reckoned. Else 0. */
    uintptr_t ra_at, fp_at, cfa_at;
    uint64_t now, row;
    bool doubt; /* a guess was made: the frame pointer is right if it was, the stack pointer may be lower */
};

/* Changes when rows are void. */
extern _Atomic uint64_t husk__unwind_generation;

/* False: there is nothing to stand on. */
bool husk__unwind_begin(struct husk__unwind_walk *walk, const struct husk__unwind_start *from);
/* The row of pc; then to the caller. False: the stack ends here, or it is doubtful. */
bool husk__unwind_step(struct husk__unwind_walk *walk);
/* To the end; count of pcs are there already. */
unsigned husk__unwind_on(struct husk__unwind_walk *walk, uintptr_t *pcs, unsigned count, unsigned most);

/* Functions that look at words of a stack: the bounds were checked; the sanitizers' own marks there do not concern us. */
#define HUSK__READS_STACK __attribute__((no_sanitize("address")))

ALWAYS_INLINE uintptr_t husk__unwind_load(uintptr_t at)
{
    return *(const uintptr_t *)at;
}

/* Goes to the callers until a function outside [start, end) is running: *at is where it stands. False: the stack ends
 * before. */
bool husk__unwind_leave(struct husk__unwind_start *at, uintptr_t start, uintptr_t end);

/* Where the function around pc - 1 begins (0: no table says it), and its module (0: it is in none). */
uintptr_t husk__unwind_function(uintptr_t pc, uintptr_t *module);

/* Modules were unloaded: what was kept about their code is void. It is noticed without this, too, but later. */
void husk__unwind_forget(void);

#endif
