/* tests/unwind/chain.c: see chain.h. CHAIN_NAME is the name of the table of this variant. */
#include "chain.h"

#include <alloca.h>
#include <string.h>

/* The result is used afterwards, so that no call becomes a jump. */
#define NEXT(c, a, b) (c)->script[(c)->at++]((c), (a), (b))
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

static uint64_t small(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    return NEXT(c, a + 1, b) + a;
}

static uint64_t large(chain *c, uint64_t a, uint64_t b)
{
    char space[5000];
    CHAIN_NOTE(c);
    memset(space, (int)a, sizeof space);
    KEEP(space);
    return NEXT(c, b, a) + (uint64_t)(unsigned char)space[a % sizeof space];
}

static uint64_t dynamic(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    char *space = alloca(16 + a % 300);
    space[0] = (char)b;
    KEEP(space);
    return NEXT(c, a + 2, b) + (uint64_t)(unsigned char)space[0];
}

/* The stack has to be aligned by hand: the frame is found through a saved word. */
static uint64_t aligned(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    _Alignas(128) uint64_t space[16] = { a, b };
    KEEP(space);
    return NEXT(c, a, space[0]) + space[1];
}

static uint64_t aligned_dynamic(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    _Alignas(64) uint64_t space[8] = { b, a };
    char *more = alloca(8 + a % 100);
    more[0] = 1;
    KEEP(space);
    KEEP(more);
    return NEXT(c, space[1], b) + (uint64_t)(unsigned char)more[0];
}

/* Keeps all registers that a callee has to save busy. */
static uint64_t busy(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    uint64_t s = a * 3, t = b * 5, u = a ^ b, v = a + b, w = a - b, x = a | b;
    __asm__ volatile("" : "+r"(s), "+r"(t), "+r"(u), "+r"(v), "+r"(w), "+r"(x));
    uint64_t result = NEXT(c, s, t);
    return result + s + t + u + v + w + x;
}

__attribute__((noinline)) static uint64_t nine(chain *c, uint64_t a, uint64_t b, uint64_t d, uint64_t e,
                                               uint64_t f, uint64_t g, uint64_t h, uint64_t i)
{
    CHAIN_NOTE(c);
    return NEXT(c, a + d + e, b + f + g) + h + i;
}

/* Pushes arguments. */
static uint64_t many(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    return nine(c, a, b, a + 1, b + 1, a + 2, b + 2, a + 3, b + 3) + a;
}

/* A way out early, so that the table has states to remember. */
static uint64_t early(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    if (b == UINT64_MAX)
        return a;
    uint64_t s = a + b;
    KEEP(s);
    for (unsigned i = 0; i < 3; i++) {
        if (i == (unsigned)(a & 1))
            return NEXT(c, s, b) + s;
        KEEP(i);
    }
    return s;
}

/* Many values that live across the call: one of them in the frame pointer's register, if that is free. */
static uint64_t floods(chain *c, uint64_t a, uint64_t b)
{
    CHAIN_NOTE(c);
    uint64_t v[12];
    for (unsigned i = 0; i < 12; i++) {
        v[i] = a * i + b;
        __asm__ volatile("" : "+r"(v[i]));
    }
    uint64_t result = NEXT(c, a, b);
    for (unsigned i = 0; i < 12; i++)
        result += v[i] * i;
    return result;
}

chain_fn *const CHAIN_NAME[CHAIN_KINDS] = {
    small, large, dynamic, busy, many, floods, early, aligned, aligned_dynamic,
};
