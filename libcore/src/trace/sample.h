/* trace/sample.h: which bytes are looked at: each with the same chance, one in `mean`.
 *
 * The gaps between samples are exponential, so the process is a Poisson one: memoryless, and the union of several
 * independent ones (one for each size class) is one again. A thing of n bytes is met with probability
 * 1 - exp(-n / mean); its inverse is the weight that makes sums unbiased, for every size. */
#ifndef HUSK_TRACE_SAMPLE_H
#define HUSK_TRACE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct husk__sampler {
    uint64_t state; /* of the random numbers: splitmix64 (Steele, Lea and Flood 2014) */
    size_t mean;    /* bytes */
};

/* seed 0: by chance. */
void husk__sampler_begin(struct husk__sampler *sampler, size_t mean, uint64_t seed);

/* Bytes up to the next sample: at least 0. */
size_t husk__sample_gap(struct husk__sampler *sampler);

/* How many things of n bytes one sample of them stands for: >= 1. mean 0: 1. */
double husk__sample_weight(size_t mean, uint64_t bytes);

#endif
