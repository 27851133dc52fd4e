/* trace/stackmemo.c: see stackmemo.h. */
#include "trace/stackmemo.h"

#include "trace/cfi.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define WORD sizeof(uintptr_t)
#define load husk__unwind_load

/* Where a frame pointer is found that is lost, and the return address of the outermost frame. */
static const uintptr_t nothing;

/* Whether a step by this row goes elsewhere with another frame pointer. */
ALWAYS_INLINE bool needs_pointer(uint64_t row)
{
    return husk__row_kind(row) != ROW_SP || husk__row_saved(row) == SAVED_FP;
}

/* Nothing that is kept belongs to another stack, or to code that is gone. */
ALWAYS_INLINE bool holds(const struct husk__stackmemo *memo, uintptr_t sp)
{
    return memo->generation == atomic_load_explicit(&husk__unwind_generation, memory_order_relaxed) &&
           sp - memo->range.low < memo->range.high - memo->range.low;
}

/* False: there is nothing to stand on. */
static NEVER_INLINE bool begin_anew(struct husk__stackmemo *memo, const struct husk__unwind_start *from)
{
    struct husk__unwind_walk walk;
    if (!husk__unwind_begin(&walk, from))
        return false;
    memset(memo, 0, sizeof *memo);
    memo->generation = walk.now;
    memo->range = walk.range;
    return true;
}

/* ---- steps ---- */

/* The two places of a step. The stack pointer is known before the return address that lies below: so it is mixed, and
 * the other only added. */
ALWAYS_INLINE struct husk__stackmemo_step *steps_at(struct husk__stackmemo *memo, uintptr_t pc, uintptr_t sp)
{
    return memo->steps[((sp / (2 * WORD) * 0x9E3779B1u >> 8) + pc) % STACKMEMO_STEPS];
}

ALWAYS_INLINE bool begins(const struct husk__stackmemo_step *step, uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    return step->sp == sp && step->pc == pc && !((step->fp ^ fp) & step->fp_matters);
}

ALWAYS_INLINE struct husk__unwind_walk walk_from(const struct husk__stackmemo *memo, uintptr_t pc,
                                                 uintptr_t sp, uintptr_t fp)
{
    return (struct husk__unwind_walk){
        .pc = pc, .sp = sp, .fp = fp, .range = memo->range, .now = memo->generation
    };
}

/* A step that is not known; it is from now on, if it can be told again from the words that it read. False: the stack
 * ends. */
__attribute__((noinline)) static bool step_anew(struct husk__stackmemo *memo, struct husk__unwind_walk *walk,
                                                uintptr_t pc, uintptr_t sp, uintptr_t fp)
{
    if (sp % WORD)
        return false;
    *walk = walk_from(memo, pc, sp, fp);
    bool goes_on = husk__unwind_step(walk);
    bool ends = !goes_on && husk__row_kind(walk->row) == ROW_END;
    if (!ends && (!goes_on || !walk->ra_at || walk->doubt))
        return goes_on;
    uintptr_t fp_at = walk->fp_at;
    if (!fp_at && husk__row_saved(walk->row) != SAVED_NOT)
        fp_at = (uintptr_t)&nothing;
    uintptr_t matters = !ends && needs_pointer(walk->row) ? UINTPTR_MAX : 0;
    struct husk__stackmemo_step *steps = steps_at(memo, pc, sp);
    steps[1] = steps[0];
    uintptr_t next_sp = ends ? (uintptr_t)(&nothing + 1) : walk->sp;
    steps[0] = (struct husk__stackmemo_step){ pc, sp, fp, matters, next_sp, fp_at, 0, 0, 0, 0, 0 };
    return goes_on;
}

/* `second` came behind `first`. */
ALWAYS_INLINE void learn(struct husk__stackmemo_step *first, const struct husk__stackmemo_step *second)
{
    if (first->last_pc != second->pc) {
        first->last_pc = second->pc;
        first->trust = 0;
        first->second_pc = 0;
    } else if (++first->trust == STACKMEMO_TRUST && !second->fp_matters) {
        first->second_sp = second->next_sp;
        first->second_fp_at = second->fp_at;
        first->second_pc = second->pc;
    }
}

/* In registers of their own: packed, as compilers like to, they come later, and the next step waits for nothing else. */
#define APART(pc, sp) __asm__("" : "+r"(pc), "+r"(sp))

/* Of a chain, whose end is mixed well by whoever uses it. */
ALWAYS_INLINE uint64_t mix(uint64_t hash, uintptr_t pc)
{
    hash = (hash ^ pc) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

HUSK__READS_STACK unsigned husk__stackmemo_unwind(struct husk__stackmemo *memo,
                                                  const struct husk__unwind_start *from, uintptr_t *pcs,
                                                  unsigned most, uint64_t *hash)
{
    if (UNLIKELY(!holds(memo, from->sp)) && !begin_anew(memo, from))
        return 0;
    struct husk__unwind_walk walk;
    uintptr_t pc = from->pc, sp = from->sp, fp = from->fp;
    APART(pc, sp);
    unsigned count = 0;
    uint64_t mixed = *hash;
    struct husk__stackmemo_step *before = NULL; /* the step before this one, if it knew no second */
    while (count < most) {
        struct husk__stackmemo_step *step = steps_at(memo, pc, sp);
        if (LIKELY(begins(step, pc, sp, fp)) || begins(++step, pc, sp, fp)) {
            if (before)
                learn(before, step);
            sp = step->next_sp;
            pc = load(sp - WORD);
            if (step->fp_at)
                fp = load(step->fp_at);
            before = step;
            if (!pc)
                break;
            if (pc == step->second_pc && count + 1 < most) {
                pcs[count++] = pc;
                mixed = mix(mixed, pc);
                sp = step->second_sp;
                pc = load(sp - WORD);
                if (step->second_fp_at)
                    fp = load(step->second_fp_at);
                before = NULL;
                if (!pc)
                    break;
            }
        } else {
            if (!step_anew(memo, &walk, pc, sp, fp))
                break;
            before = NULL;
            pc = walk.pc;
            sp = walk.sp;
            fp = walk.fp;
            if (UNLIKELY(walk.doubt)) { /* what is guessed is not repeated from memory */
                pcs[count] = pc;
                unsigned all = husk__unwind_on(&walk, pcs, count + 1, most);
                for (; count < all; count++)
                    mixed = mix(mixed, pcs[count]);
                break;
            }
        }
        APART(pc, sp);
        pcs[count++] = pc;
        mixed = mix(mixed, pc); /* done before the next one is there */
    }
    *hash = mixed;
    return count;
}

/* ---- whole stacks ---- */

ALWAYS_INLINE size_t whole_at(uintptr_t pc, uintptr_t sp)
{
    return ((sp / (2 * WORD) * 0x9E3779B1u >> 8) + pc) % STACKMEMO_WHOLES;
}

HUSK__READS_STACK uint64_t husk__stackmemo_find(const struct husk__stackmemo *memo,
                                                const struct husk__unwind_start *from)
{
    const struct husk__stackmemo_whole *whole = &memo->wholes[whole_at(from->pc, from->sp)];
    if (whole->sp != from->sp || whole->pc != from->pc || ((whole->fp ^ from->fp) & whole->fp_matters) ||
        UNLIKELY(!holds(memo, from->sp)))
        return 0;
    const uint32_t *at = whole->at;
    for (const uintptr_t *word = whole->word, *end = word + whole->words; word < end; word += 4, at += 4) {
        uintptr_t differs = load(from->sp + at[0]) ^ word[0];
        differs |= load(from->sp + at[1]) ^ word[1];
        differs |= load(from->sp + at[2]) ^ word[2];
        differs |= load(from->sp + at[3]) ^ word[3];
        if (differs)
            return 0;
    }
    return whole->number;
}

/* False: there are too many, or it is too far away. */
HUSK__READS_STACK static bool add_word(struct husk__stackmemo_whole *whole, uintptr_t at)
{
    uintptr_t from = at - whole->sp;
    if (whole->words == STACKMEMO_WORDS || from > UINT32_MAX)
        return false;
    whole->at[whole->words] = (uint32_t)from;
    whole->word[whole->words++] = load(at);
    return true;
}

/* Collects the words. False: it cannot be told from words alone. */
static bool collect(struct husk__stackmemo_whole *whole, struct husk__unwind_walk *walk, unsigned most)
{
    /* The frame pointer's word counts only if a step needs it. 0: it does already, or it is lost. */
    uintptr_t pointer_at = 0;
    bool first_pointer = true;
    for (unsigned count = 0; count < most; count++) {
        bool goes_on = husk__unwind_step(walk);
        enum husk__row_kind kind = husk__row_kind(walk->row);
        if (walk->doubt || (kind != ROW_SP && kind != ROW_FP && kind != ROW_LOADED && kind != ROW_END))
            return false;
        if (kind != ROW_END && needs_pointer(walk->row)) {
            if (first_pointer)
                whole->fp_matters = UINTPTR_MAX;
            else if (pointer_at && !add_word(whole, pointer_at))
                return false;
            pointer_at = 0;
        }
        if (kind == ROW_LOADED) {
            if (!goes_on || !add_word(whole, walk->cfa_at))
                return false;
            walk->ra_at = walk->sp - WORD;
        }
        if (!goes_on && (kind == ROW_END || walk->ra_at < walk->sp || walk->ra_at > walk->range.high - WORD))
            return whole->words > 0;
        if (!add_word(whole, walk->ra_at))
            return false;
        if (!goes_on) /* for that word */
            return true;
        if (walk->fp_at || husk__row_saved(walk->row) != SAVED_NOT) {
            pointer_at = walk->fp_at;
            first_pointer = false;
        }
    }
    return whole->words > 0;
}

static NEVER_INLINE void keep(const struct husk__stackmemo *memo, struct husk__stackmemo_whole *whole,
                              const struct husk__unwind_start *from, unsigned most, uint64_t number)
{
    struct husk__unwind_walk walk = walk_from(memo, from->pc, from->sp, from->fp);
    *whole =
        (struct husk__stackmemo_whole){ .pc = from->pc, .sp = from->sp, .fp = from->fp, .number = number };
    if (!collect(whole, &walk, most)) {
        *whole = (struct husk__stackmemo_whole){ .refused = number };
        return;
    }
    while (whole->words % 4) {
        whole->at[whole->words] = whole->at[whole->words - 1];
        whole->word[whole->words] = whole->word[whole->words - 1];
        whole->words++;
    }
}

void husk__stackmemo_keep(struct husk__stackmemo *memo, const struct husk__unwind_start *from, unsigned most,
                          uint64_t number)
{
    struct husk__stackmemo_whole *whole = &memo->wholes[whole_at(from->pc, from->sp)];
    if (LIKELY(whole->number_next != number))
        whole->number_next = number;
    else if (number != whole->refused && from->sp % WORD == 0 && holds(memo, from->sp))
        keep(memo, whole, from, most, number);
}
