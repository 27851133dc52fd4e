/* trace/unwind.c: see unwind.h. From frame to frame by rows (cfi.h): a row says, for one place in the code, where the
 * caller's frame begins and where the frame pointer was saved. Rows are worked out once and kept in a table that
 * all threads share without a lock.
 *
 * Frame pointers are a row like any other, for code that no table describes. There the stack is not known but
 * guessed, so a return address counts only if it lies in a module's code and behind a call. */
#define _GNU_SOURCE
#include "trace/unwind.h"

#include "trace/cfi.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* ---- rows, by address ---- */

/* Two words that any thread may write at any time: an entry holds if both belong together, that is if their
 * difference (exclusive or) is the key. R. Hyatt, T. Mann: A lock-less transposition table implementation for
 * parallel search. Half a megabyte of address space; memory as far as it is used. */
#define ROWS_SHIFT 15
static struct {
    _Atomic uint64_t mixed, row;
} rows[1u << ROWS_SHIFT];

/* Part of every key: when modules come or go it moves on, and all that was kept is void. */
_Atomic uint64_t husk__unwind_generation;

void husk__unwind_forget(void)
{
    atomic_fetch_add_explicit(&husk__unwind_generation, (uint64_t)1 << 48, memory_order_relaxed);
}

/* Whether modules came or went since the last time anybody asked. The C library knows; it takes a lock that may be
 * taken again by its owner, and that nobody holds while waiting for another. */
static int count_changes(struct dl_phdr_info *info, size_t size, void *data)
{
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs)
        *(uint64_t *)data = info->dlpi_adds + info->dlpi_subs;
    return 1; /* the first one tells it */
}

static void look_for_changes(void)
{
    static _Atomic uint64_t seen;
    uint64_t changes = 0;
    (void)dl_iterate_phdr(count_changes, &changes);
    if (atomic_exchange_explicit(&seen, changes, memory_order_relaxed) != changes)
        husk__unwind_forget();
}

#ifdef DLFO_STRUCT_HAS_EH_DBASE

/* The C library's own index of modules, which is made for unwinders: no lock, no memory (glibc 2.35). */
static bool module_of(uintptr_t pc, struct husk__module *out)
{
    struct dl_find_object found;
    return _dl_find_object((void *)(pc - 1), &found) == 0 &&
           husk__cfi_module((uintptr_t)found.dlfo_map_start, (uintptr_t)found.dlfo_map_end, out);
}

#else

struct find {
    uintptr_t pc;
    struct husk__module *out;
    bool found;
};

static int find_in(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct find *find = data;
    uintptr_t start = UINTPTR_MAX, end = 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD) {
            start = from < start ? from : start;
            end = from + segment->p_memsz > end ? from + segment->p_memsz : end;
        }
    }
    if (find->pc - 1 < start || find->pc - 1 >= end)
        return 0;
    find->found = husk__cfi_module(start & ~(uintptr_t)4095, end, find->out);
    return 1;
}

static bool module_of(uintptr_t pc, struct husk__module *out)
{
    struct find find = { pc, out, false };
    (void)dl_iterate_phdr(find_in, &find);
    return find.found;
}

#endif

static NEVER_INLINE uint64_t work_out(uintptr_t pc)
{
    int kept = errno;
    look_for_changes();
    struct husk__module module;
    uint64_t row = ROW_OUTSIDE;
    if (module_of(pc, &module)) {
        row = husk__cfi_row(&module, pc);
        if (row == ROW_NONE)
            row = husk__cfi_is_code(&module, pc - 1) ? ROW_GUESS : ROW_OUTSIDE;
    }
    errno = kept;
    return row;
}

ALWAYS_INLINE uint64_t row_of(uintptr_t pc, uint64_t now)
{
    uint64_t key = pc ^ now;
    size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - ROWS_SHIFT));
    uint64_t mixed = atomic_load_explicit(&rows[at].mixed, memory_order_relaxed);
    uint64_t row = atomic_load_explicit(&rows[at].row, memory_order_relaxed);
    if (LIKELY((mixed ^ row) == key && row))
        return row;
    row = work_out(pc);
    atomic_store_explicit(&rows[at].row, row, memory_order_relaxed);
    atomic_store_explicit(&rows[at].mixed, row ^ key, memory_order_relaxed);
    return row;
}

/* ---- the walk ---- */

static _Thread_local struct husk__stack_range mine __attribute__((tls_model("initial-exec")));

/* Whether a call ends right before pc, which is in a module's code. */
static bool is_behind_call(uintptr_t pc)
{
#if defined(__x86_64__)
    const unsigned char *at = (const unsigned char *)pc;
    if (pc % 4096 < 7)
        return true; /* what is before the page need not be readable */
    if (at[-5] == 0xE8)
        return true;
    for (int length = 2; length <= 7; length++) /* call through a register or memory: FF /2 */
        if (at[-length] == 0xFF && (at[1 - length] >> 3 & 7) == 2)
            return true;
    return false;
#else
    (void)pc;
    return true;
#endif
}

/* Where the kernel saves registers on the stack before it calls a handler: struct ucontext of x86-64, to which the
 * stack pointer points when the handler returns. */
enum { UCONTEXT_FP = 120, UCONTEXT_SP = 160, UCONTEXT_PC = 168, UCONTEXT_READ = 176 };

#define WORD sizeof(uintptr_t)

bool husk__unwind_begin(struct husk__unwind_walk *walk, const struct husk__unwind_start *from)
{
    walk->now = atomic_load_explicit(&husk__unwind_generation, memory_order_relaxed);
    walk->pc = from->pc;
    walk->sp = from->sp;
    walk->fp = from->fp;
    walk->doubt = false;
    if (UNLIKELY(walk->sp < mine.low || walk->sp >= mine.high))
        mine = husk__stack_range_find(walk->sp);
    walk->range = mine;
    return !(walk->sp % WORD || walk->sp >= walk->range.high);
}

/* To the caller; false: the stack ends here, or it is doubtful. */
ALWAYS_INLINE bool step(struct husk__unwind_walk *walk)
{
    uintptr_t cfa, sp = walk->sp, fp = walk->fp;
    const uintptr_t high = walk->range.high;
    uint64_t row = walk->row;
    bool guessed = false;
    walk->cfa_at = walk->ra_at = walk->fp_at = 0;
    switch (husk__row_kind(row)) {
    case ROW_SP:
        cfa = sp + (uintptr_t)husk__row_offset(row);
        walk->ra_at = cfa - WORD;
        break;
    case ROW_FP:
        cfa = fp + (uintptr_t)husk__row_offset(row);
        walk->ra_at = cfa - WORD;
        break;
    case ROW_LOADED:
        cfa = fp + (uintptr_t)husk__row_offset(row);
        if (cfa < sp || cfa > high - WORD || cfa % WORD)
            return false;
        walk->cfa_at = cfa;
        cfa = husk__unwind_load(cfa);
        break;
    case ROW_GUESS:
    case ROW_OUTSIDE:
        guessed = walk->doubt = true;
        cfa = fp + 2 * WORD;
        walk->ra_at = cfa - WORD;
        break;
    case ROW_SIGNAL:
        if (high - sp < UCONTEXT_READ)
            return false;
        walk->pc = husk__unwind_load(sp + UCONTEXT_PC) + 1;
        walk->fp = husk__unwind_load(sp + UCONTEXT_FP);
        cfa = husk__unwind_load(sp + UCONTEXT_SP);
        /* Beyond a handler with a stack of its own nothing is known to be readable. */
        if (cfa <= sp || cfa >= high || cfa % WORD)
            return false;
        walk->sp = cfa;
        return true;
    default:
        return false;
    }
    /* A caller's frame is above, and what is read below it is inside: the return address, a saved register. */
    if (cfa <= sp || cfa > high || cfa % WORD)
        return false;
    uintptr_t pc = husk__unwind_load(cfa - WORD);
    if (guessed) {
        if (cfa - 2 * WORD < sp)
            return false;
        walk->fp_at = cfa - 2 * WORD;
        fp = husk__unwind_load(walk->fp_at);
    } else if (husk__row_saved(row) != SAVED_NOT) {
        uintptr_t at =
            (husk__row_saved(row) == SAVED_CFA ? cfa : fp) + (uintptr_t)husk__row_saved_offset(row);
        bool lost = husk__row_saved(row) == SAVED_LOST || at < sp || at > high - WORD || at % WORD;
        fp = lost ? 0 : husk__unwind_load(at);
        walk->fp_at = lost ? 0 : at;
    }
    if (!pc)
        return false;
    walk->pc = pc;
    walk->fp = fp;
    walk->sp = cfa;
    return !(UNLIKELY(walk->doubt) &&
             (husk__row_kind(row_of(pc, walk->now)) == ROW_OUTSIDE || !is_behind_call(pc)));
}

HUSK__READS_STACK bool husk__unwind_step(struct husk__unwind_walk *walk)
{
    walk->row = walk->pc ? row_of(walk->pc, walk->now) : ROW_GUESS;
    return step(walk);
}

HUSK__READS_STACK unsigned husk__unwind_on(struct husk__unwind_walk *walk, uintptr_t *pcs, unsigned count,
                                           unsigned most)
{
    while (count < most) {
        walk->row = walk->pc ? row_of(walk->pc, walk->now) : ROW_GUESS;
        if (!step(walk))
            break;
        pcs[count++] = walk->pc;
    }
    return count;
}

unsigned husk__unwind(const struct husk__unwind_start *from, uintptr_t *pcs, unsigned most)
{
    struct husk__unwind_walk walk;
    return husk__unwind_begin(&walk, from) ? husk__unwind_on(&walk, pcs, 0, most) : 0;
}

bool husk__unwind_leave(struct husk__unwind_start *at, uintptr_t start, uintptr_t end)
{
    struct husk__unwind_walk walk;
    if (!husk__unwind_begin(&walk, at))
        return false;
    while (walk.pc - start < end - start)
        if (!husk__unwind_step(&walk))
            return false;
    *at = (struct husk__unwind_start){ walk.pc, walk.sp, walk.fp };
    return true;
}

uintptr_t husk__unwind_function(uintptr_t pc, uintptr_t *module)
{
    struct husk__module found;
    int kept = errno;
    bool known = module_of(pc, &found);
    *module = known ? found.start : 0;
    uintptr_t function = known ? husk__cfi_function(&found, pc) : 0;
    errno = kept;
    return function;
}
