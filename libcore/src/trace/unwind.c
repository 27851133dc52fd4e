/* trace/unwind.c: see unwind.h. From frame to frame by rows (cfi.h): a row says, for one place in the code, where the
 * caller's frame begins and where the frame pointer was saved. Rows are worked out once and kept in a table that
 * all threads share without a lock.
 *
 * Frame pointers are a row like any other, for code that no table describes. There the stack is not known but
 * guessed, so a return address counts only if it lies in a module's code and behind a call. */
#define _GNU_SOURCE
#include "trace/unwind.h"

#include "trace/cfi.h"
#include "trace/stackrange.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>

/* ---- rows, by address ---- */

/* Two words that any thread may write at any time: an entry holds if both belong together, that is if their
 * difference (exclusive or) is the key. R. Hyatt, T. Mann: A lock-less transposition table implementation for
 * parallel search. Half a megabyte of address space; memory as far as it is used. */
#define ROWS_SHIFT 15
static struct {
    _Atomic uint64_t mixed, row;
} rows[1u << ROWS_SHIFT];

/* Part of every key: when modules come or go it moves on, and all that was kept is void. */
static _Atomic uint64_t generation;

void husk__unwind_forget(void)
{
    atomic_fetch_add_explicit(&generation, (uint64_t)1 << 48, memory_order_relaxed);
}

struct find {
    uintptr_t pc;
    uintptr_t start, end; /* of the module */
    bool code;            /* pc is in an executable segment */
    uint64_t changes;     /* loaded and unloaded so far */
};

static int find_in(struct dl_phdr_info *info, size_t size, void *data)
{
    struct find *find = data;
    if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs)
        find->changes = info->dlpi_adds + info->dlpi_subs;
    uintptr_t start = UINTPTR_MAX, end = 0;
    bool code = false;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uintptr_t from = info->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
        start = from < start ? from : start;
        end = to > end ? to : end;
        code |= (segment->p_flags & PF_X) && find->pc - 1 >= from && find->pc - 1 < to;
    }
    if (find->pc - 1 < start || find->pc - 1 >= end)
        return 0;
    find->start = start;
    find->end = end;
    find->code = code;
    return 1;
}

static bool module_of(struct find *find)
{
    int kept = errno;
    bool found = dl_iterate_phdr(find_in, find) != 0;
    errno = kept;
    static _Atomic uint64_t seen;
    if (atomic_exchange_explicit(&seen, find->changes, memory_order_relaxed) != find->changes)
        husk__unwind_forget();
    return found;
}

bool husk__unwind_module(uintptr_t pc, uintptr_t *start, uintptr_t *end)
{
    struct find find = { .pc = pc };
    if (!module_of(&find))
        return false;
    *start = find.start;
    *end = find.end;
    return true;
}

static NEVER_INLINE uint64_t work_out(uintptr_t pc)
{
    struct find find = { .pc = pc };
    return module_of(&find) && find.code ? ROW_GUESS : ROW_OUTSIDE;
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

/* A stack's word. The bounds were checked; the sanitizers' own marks there do not concern us. */
__attribute__((no_sanitize("address"))) ALWAYS_INLINE uintptr_t load(uintptr_t at)
{
    return *(const uintptr_t *)at;
}

/* Whether a call ends right before pc, which is in a module's code. */
static bool is_behind_call(uintptr_t pc)
{
#if defined(__x86_64__)
    const unsigned char *at = (const unsigned char *)pc;
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

unsigned husk__unwind(const struct husk__unwind_start *from, uintptr_t *pcs, unsigned most)
{
    uint64_t now = atomic_load_explicit(&generation, memory_order_relaxed);
    uintptr_t pc = from->pc, sp = from->sp, fp = from->fp;
    if (UNLIKELY(sp < mine.low || sp >= mine.high))
        mine = husk__stack_range_find(sp);
    uintptr_t high = mine.high;
    if (sp % sizeof(uintptr_t))
        return 0;
    unsigned count = 0;
    uint64_t row = pc ? row_of(pc, now) : ROW_GUESS;
    while (count < most) {
        uintptr_t frame = fp; /* the caller's frame begins behind this word and the return address */
        if (frame < sp || frame % sizeof(uintptr_t) || frame > high - 2 * sizeof(uintptr_t))
            break;
        pc = load(frame + sizeof(uintptr_t));
        fp = load(frame);
        sp = frame + 2 * sizeof(uintptr_t);
        row = row_of(pc, now);
        if (row == ROW_OUTSIDE || !is_behind_call(pc))
            break;
        pcs[count++] = pc;
    }
    return count;
}
