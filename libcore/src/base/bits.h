/* base/bits.h: rounding and bitmaps over 64-bit words. */
#ifndef HUSK_BASE_BITS_H
#define HUSK_BASE_BITS_H

#include <stddef.h>
#include <stdint.h>

/* unit is a power of two; the caller has made sure that n + unit does not overflow. */
static inline size_t husk__round_up(size_t n, size_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

static inline unsigned husk__lowest_bit(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

static inline unsigned husk__highest_bit(uint64_t word)
{
    return 63u - (unsigned)__builtin_clzll(word);
}

static inline unsigned husk__count_bits(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

/* n ones from bit `first` up; first + n <= 64, n >= 1. */
static inline uint64_t husk__bit_run(unsigned first, unsigned n)
{
    return (n == 64 ? ~(uint64_t)0 : (((uint64_t)1 << n) - 1)) << first;
}

/* The position of the first run of n ones in word, or -1. Doubling trick: after each step a bit is set
 * where a run of the length covered so far begins. */
static inline int husk__find_run(uint64_t word, unsigned n)
{
    unsigned have = 1;
    while (word && have < n) {
        unsigned step = have < n - have ? have : n - have;
        word &= word >> step;
        have += step;
    }
    return word ? (int)husk__lowest_bit(word) : -1;
}

#endif
