/* trace/asked.c: see asked.h. What is not understood is an error: who asks for tracing and gets none would look for
 * the fault somewhere else. */
#include "trace/asked.h"

#include <stdlib.h>

/* Digits, and where it may be one of k, m, g. What follows is at *text. */
static bool number(const char **text, bool units, uint64_t most, uint64_t *out)
{
    const char *at = *text;
    uint64_t n = 0;
    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        n = n * 10 + (uint64_t)(*at - '0');
        if (n > most)
            return false;
    }
    unsigned shift = !units ? 0 : *at == 'k' ? 10 : *at == 'm' ? 20 : *at == 'g' ? 30 : 0;
    if (n > most >> shift)
        return false;
    *text = at + (shift != 0);
    *out = n << shift;
    return true;
}

bool husk__trace_asked(husk_trace_options *options, husk_status *status)
{
    const char *text = getenv("HUSK_TRACE"), *at = text;
    uint64_t frames, sample = 0;
    *status = HUSK_OK;
    if (!text || !*text)
        return false;
    bool fine = number(&at, false, HUSK_TRACE_MOST_FRAMES, &frames);
    if (fine && *at == ':') {
        at++;
        fine = number(&at, true, (uint64_t)1 << 40, &sample);
    }
    if (!fine || *at) {
        *status = husk_fail(
            HUSK_EINVAL,
            "HUSK_TRACE=%.100s: it is the number of frames, up to %d, or frames:bytes between samples "
            "(8:512k); 0 is off",
            text, HUSK_TRACE_MOST_FRAMES);
        return false;
    }
    *options = (husk_trace_options){ HUSK_TRACE_OPTIONS, .frames = (uint32_t)frames,
                                     .sample_bytes = (size_t)sample };
    return frames > 0;
}
