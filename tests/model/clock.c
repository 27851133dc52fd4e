/* tests/model/clock.c: see clock.h. */
#define _GNU_SOURCE
#include "clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t tick, now;

void clock_tick(uint64_t ns)
{
    tick = ns;
}

int clock_gettime(clockid_t which, struct timespec *out)
{
    if (!tick)
        return (int)syscall(SYS_clock_gettime, which, out);
    now += tick;
    *out = (struct timespec){ .tv_sec = (time_t)(1000000 + now / 1000000000u),
                              .tv_nsec = (long)(now % 1000000000u) };
    return 0;
}
