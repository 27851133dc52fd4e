/* base/clock.h: the monotonic clock in nanoseconds. */
#ifndef HUSK_BASE_CLOCK_H
#define HUSK_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t husk__clock_read(clockid_t which)
{
    struct timespec now;
    if (clock_gettime(which, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t husk__now(void)
{
    return husk__clock_read(CLOCK_MONOTONIC);
}

/* A few milliseconds coarse and several times cheaper: for decisions, not for measurements. */
static inline uint64_t husk__now_coarse(void)
{
    return husk__clock_read(CLOCK_MONOTONIC_COARSE);
}

#endif
