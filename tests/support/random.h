/* tests/support/random.h: a small deterministic generator (xorshift64*, Vigna 2014). The same seed gives the same
 * numbers everywhere, so that a printed seed repeats a failure. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

typedef struct random64 {
    uint64_t state; /* never 0 */
} random64;

static inline random64 random_from(uint64_t seed)
{
    random64 r;
    /* One step of splitmix64: neighbouring seeds must not give neighbouring sequences. */
    seed += 0x9E3779B97F4A7C15u;
    seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9u;
    seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EBu;
    seed ^= seed >> 31;
    r.state = seed ? seed : 1;
    return r;
}

static inline uint64_t random_next(random64 *r)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return r->state * 0x2545F4914F6CDD1Du;
}

/* 0 to below - 1; below is not 0. */
static inline uint32_t random_below(random64 *r, uint32_t below)
{
    return (uint32_t)(((random_next(r) >> 32) * below) >> 32);
}

#endif
