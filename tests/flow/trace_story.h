/* tests/flow/trace_story.h: what stories of tracing share. */
#ifndef TESTS_FLOW_TRACE_STORY_H
#define TESTS_FLOW_TRACE_STORY_H

#include "story.h"
#include "types.h"

#include <husk/trace.h>
#include <stdio.h>
#include <string.h>

static inline husk_trace_figures figures(const husk_heap *heap)
{
    husk_trace_figures now;
    husk_trace_figures_get(heap, &now);
    return now;
}

static inline husk_trace_options options(uint32_t frames, uint32_t sources)
{
    return (husk_trace_options){ HUSK_TRACE_OPTIONS, .frames = frames, .sources = sources };
}

#define START(frames, sources)                                                                               \
    do {                                                                                                     \
        husk_trace_options start_options = options(frames, sources);                                         \
        TRY_OK(husk_trace_start(heap, &start_options));                                                      \
    } while (0)

/* The newest frames of obj's place, as "file:line function" joined by "<"; "?" if it is not traced. Only the last
 * part of a path counts. */
static inline const char *place_of(const husk_obj *obj)
{
    static char text[1024];
    husk_place_frame frame;
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; husk_trace_of(obj, i, &frame) && used < sizeof text - 128; i++) {
        const char *base = strrchr(frame.file, '/');
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%u %s", i ? "<" : "",
                                 base ? base + 1 : frame.file, frame.line, frame.function);
    }
    return used ? text : "?";
}

#endif
