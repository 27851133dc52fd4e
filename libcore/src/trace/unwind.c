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
static _Atomic uint64_t generation;

void husk__unwind_forget(void)
{
    atomic_fetch_add_explicit(&generation, (uint64_t)1 << 48, memory_order_relaxed);
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

/* Where a walk stands. */
struct walk {
    uintptr_t pc, sp, fp, high;
    uintptr_t ra_at, fp_at; /* what the latest step read; ra_at 0: not to be repeated from memory */
    uint64_t now, row;
    bool doubt; /* a guess was made: the frame pointer is right if it was, the stack pointer may be lower */
};

/* False: there is nothing to stand on. */
ALWAYS_INLINE bool begin(struct walk *walk, const struct husk__unwind_start *from)
{
    walk->now = atomic_load_explicit(&generation, memory_order_relaxed);
    walk->pc = from->pc;
    walk->sp = from->sp;
    walk->fp = from->fp;
    walk->doubt = false;
    if (UNLIKELY(walk->sp < mine.low || walk->sp >= mine.high))
        mine = husk__stack_range_find(walk->sp);
    walk->high = mine.high;
    return !(walk->sp % WORD || walk->sp >= walk->high);
}

/* To the caller; false: the stack ends here, or it is doubtful. */
ALWAYS_INLINE bool step(struct walk *walk)
{
    uintptr_t cfa, sp = walk->sp, fp = walk->fp;
    const uintptr_t high = walk->high;
    uint64_t row = walk->row;
    bool guessed = false;
    walk->ra_at = walk->fp_at = 0;
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
        cfa = load(cfa);
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
        walk->pc = load(sp + UCONTEXT_PC) + 1;
        walk->fp = load(sp + UCONTEXT_FP);
        cfa = load(sp + UCONTEXT_SP);
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
    uintptr_t pc = load(cfa - WORD);
    if (guessed) {
        if (cfa - 2 * WORD < sp)
            return false;
        walk->fp_at = cfa - 2 * WORD;
        fp = load(walk->fp_at);
    } else if (husk__row_saved(row) != SAVED_NOT) {
        uintptr_t at =
            (husk__row_saved(row) == SAVED_CFA ? cfa : fp) + (uintptr_t)husk__row_saved_offset(row);
        bool lost = husk__row_saved(row) == SAVED_LOST || at < sp || at > high - WORD || at % WORD;
        fp = lost ? 0 : load(at);
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

/* To the end; count of pcs are there already. */
static unsigned walk_on(struct walk *walk, uintptr_t *pcs, unsigned count, unsigned most)
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
    struct walk walk;
    return begin(&walk, from) ? walk_on(&walk, pcs, 0, most) : 0;
}

bool husk__unwind_leave(struct husk__unwind_start *at, uintptr_t start, uintptr_t end)
{
    struct walk walk;
    if (!begin(&walk, at))
        return false;
    while (walk.pc - start < end - start) {
        walk.row = row_of(walk.pc, walk.now);
        if (!step(&walk))
            return false;
    }
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

/* ---- what was seen before ---- */

/* Where a frame pointer is found that is lost. */
static const uintptr_t no_pointer;

/* Frames less than 4 KiB apart never meet. */
ALWAYS_INLINE struct husk__unwind_seen *seen_at(struct husk__unwind_memo *memo, uintptr_t sp)
{
    return &memo->seen[sp / (2 * WORD) % UNWIND_MEMO];
}

ALWAYS_INLINE bool row_needs_pointer(uint64_t row)
{
    return husk__row_kind(row) != ROW_SP || husk__row_saved(row) == SAVED_FP;
}

/* A step that is not known; it is from now on, if it can be told again from the words that it read. */
ALWAYS_INLINE bool step_anew(struct husk__unwind_memo *memo, struct walk *walk)
{
    uintptr_t pc = walk->pc, sp = walk->sp, fp = walk->fp;
    uint64_t row = walk->row = pc ? row_of(pc, walk->now) : ROW_GUESS;
    if (!step(walk))
        return false;
    if (!walk->ra_at || walk->doubt)
        return true;
    uintptr_t fp_at = walk->fp_at;
    if (!fp_at && husk__row_saved(row) != SAVED_NOT)
        fp_at = (uintptr_t)&no_pointer;
    uintptr_t matters = row_needs_pointer(row) ? UINTPTR_MAX : 0;
    *seen_at(memo, sp) = (struct husk__unwind_seen){
        pc, sp, fp, matters, walk->ra_at, fp_at, walk->sp, seen_at(memo, walk->sp),
    };
    return true;
}

unsigned husk__unwind_memo(struct husk__unwind_memo *memo, const struct husk__unwind_start *from,
                           uintptr_t *pcs, unsigned most)
{
    struct walk walk;
    if (!begin(&walk, from))
        return 0;
    if (UNLIKELY(memo->generation != walk.now || memo->high != walk.high)) {
        memset(memo, 0, sizeof *memo);
        memo->generation = walk.now;
        memo->high = walk.high;
    }
    uintptr_t pc = walk.pc, sp = walk.sp, fp = walk.fp;
    struct husk__unwind_seen *seen = seen_at(memo, sp);
    unsigned count = 0;
    while (count < most) {
        if (LIKELY(seen->sp == sp && seen->pc == pc && !((seen->fp ^ fp) & seen->fp_matters))) {
            pc = load(seen->ra_at);
            if (seen->fp_at)
                fp = load(seen->fp_at);
            sp = seen->next_sp;
            seen = seen->next;
            /* In registers of their own: packed with others, as compilers like to, they come later, and the next
             * step waits for nothing else. */
            __asm__("" : "+r"(pc), "+r"(sp), "+r"(seen));
            if (!pc)
                break;
        } else {
            walk.pc = pc;
            walk.sp = sp;
            walk.fp = fp;
            if (!step_anew(memo, &walk))
                break;
            pc = walk.pc;
            sp = walk.sp;
            fp = walk.fp;
            if (UNLIKELY(walk.doubt)) { /* what is guessed is not repeated from memory */
                pcs[count++] = pc;
                return walk_on(&walk, pcs, count, most);
            }
            seen = seen_at(memo, sp);
        }
        pcs[count++] = pc;
    }
    return count;
}
