/* trace/sample.c: see sample.h. The library needs nothing but libc, so the two functions of real numbers are here:
 * both are asked for once a sample or once a size, never on a fast path. */
#define _GNU_SOURCE
#include "trace/sample.h"

#include "base/clock.h"

#include <string.h>

/* Natural logarithm of x in (0, 1]: exponent apart, then the series of atanh, exact to 1e-15. */
static double log_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1022;
    bits = (bits & 0x000FFFFFFFFFFFFFu) | (uint64_t)1022 << 52; /* x = m * 2^exponent, m in [0.5, 1) */
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m < 0.70710678118654752) {
        m *= 2;
        exponent--;
    }
    double t = (m - 1) / (m + 1), square = t * t, power = t, sum = 0;
    for (int k = 1; k < 30; k += 2, power *= square)
        sum += power / k;
    return 2 * sum + exponent * 0.69314718055994531;
}

/* 1 - exp(-x) for x >= 0, also where it is tiny. */
static double one_less_exp(double x)
{
    if (x > 40)
        return 1;
    int halvings = 0;
    for (; x > 0.5; halvings++)
        x /= 2;
    double term = x, sum = x;
    for (int k = 2; k < 20; k++) {
        term *= -x / k;
        sum += term;
    }
    for (; halvings; halvings--)
        sum = sum * (2 - sum); /* 1 - e^2 from 1 - e, without loss */
    return sum;
}

void husk__sampler_begin(struct husk__sampler *sampler, size_t mean, uint64_t seed)
{
    sampler->state = seed ? seed : husk__now() ^ (uintptr_t)sampler << 20;
    sampler->mean = mean;
}

size_t husk__sample_gap(struct husk__sampler *sampler)
{
    uint64_t z = sampler->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    double u = ((double)(z >> 11) + 0.5) / 9007199254740992.0; /* in (0, 1) */
    return (size_t)(-log_of(u) * (double)sampler->mean);
}

double husk__sample_weight(size_t mean, uint64_t bytes)
{
    if (mean == 0)
        return 1;
    if (bytes == 0)
        bytes = 1;
    return 1 / one_less_exp((double)bytes / (double)mean);
}
