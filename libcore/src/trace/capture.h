/* trace/capture.h: the traceback of one birth, put together from what was said, what a language says and what the
 * machine's stack shows (husk/trace.h has the order).
 *
 * Frames of the library itself are left out: the newest native frame is the one that called it. Our own functions
 * that may be on the stack at a birth keep frame pointers (libcore/CMakeLists.txt), so that their caller is
 * always found; beyond it trace/unwind.c knows the way. */
#ifndef HUSK_TRACE_CAPTURE_H
#define HUSK_TRACE_CAPTURE_H

#include "trace/mix.h"
#include "trace/record.h"

enum { TRACE_CODES = 4 }; /* modules that a source names */

struct husk__code_range {
    uintptr_t start, end;
};

struct husk__pushed {
    const char *file, *function; /* texts of trace/site.h */
    uint32_t line, frame;        /* frame 0: to be looked up */
};

/* The hash of a traceback of one native frame. Odd and even frames stay apart from hashes of longer ones. */
ALWAYS_INLINE uint64_t husk__place_of_one(uintptr_t pc)
{
    return pc * 0x9E3779B97F4A7C15u ^ pc >> 17;
}

/* What was said about the place of births: kept by a heap also while it is not traced. */
struct husk__said {
    const char *at_file, *at_function; /* of the next birth; NULL: nothing */
    uint32_t at_line;
    struct husk__pushed *pushed; /* the oldest first; non-empty ones hold the tables of trace/site.h */
    size_t pushed_count, pushed_room;
    husk_trace_source_fn *source;
    void *source_data;
    husk_free_fn *source_free;
    struct husk__code_range code[TRACE_CODES];
    unsigned code_count;
};

/* Where a public function of the library stands in the machine's stack: its return address, and its frame. */
struct husk__from {
    uintptr_t pc;
    const uintptr_t *frame; /* frame[0]: its caller's frame pointer, frame[1]: pc */
};
#define HUSK__FROM_HERE                                                                                      \
    ((struct husk__from){ (uintptr_t)__builtin_return_address(0),                                            \
                          (const uintptr_t *)__builtin_frame_address(0) })

/* The library's code lies between these addresses (NULL: there is none), or in their module if that is a shared one.
 * Once, before the first tracer. */
void husk__capture_own(const void *const *functions, size_t count);

/* The range of husk__capture_own. */
extern struct husk__code_range husk__own_code;

ALWAYS_INLINE bool husk__is_own_code(uintptr_t pc)
{
    return pc - husk__own_code.start < husk__own_code.end - husk__own_code.start;
}

/* The registers of that caller, with a frame pointer. */
ALWAYS_INLINE struct husk__unwind_start husk__unwind_from(struct husk__from from)
{
    return (struct husk__unwind_start){ from.pc, (uintptr_t)(from.frame + 2), from.frame[0] };
}

/* Who called the library: the first return address that is not ours. Our frames are all linked by frame pointers,
 * which only grow. */
ALWAYS_INLINE struct husk__unwind_start husk__leave_library(struct husk__from from)
{
    while (husk__is_own_code(from.pc)) {
        const uintptr_t *next = (const uintptr_t *)from.frame[0];
        if (next <= from.frame)
            break;
        from = (struct husk__from){ next[1], next };
    }
    return husk__unwind_from(from);
}

/* See husk__capture. */
uint32_t husk__capture_whole(struct husk__tracer *tracer, struct husk__said *said, struct husk__from from);

/* The same for a place that may lie in any function of the library, whether it keeps frame pointers or not. */
uint32_t husk__capture_from(struct husk__tracer *tracer, struct husk__said *said, struct husk__from from);

/* The same for the common case, at once: one native frame, nothing said, seen before. 0: it is not that. */
ALWAYS_INLINE uint32_t husk__capture_quick(const struct husk__tracer *tracer, const struct husk__said *said,
                                           struct husk__from from)
{
    if (UNLIKELY(!tracer->one_native) || UNLIKELY(said->at_file != NULL) || UNLIKELY(said->source != NULL) ||
        UNLIKELY(said->pushed_count != 0) || UNLIKELY(husk__is_own_code(from.pc)))
        return 0;
    return husk__record_cached(tracer, husk__place_of_one(from.pc));
}

/* The record of a birth that comes from there. Uses up what was said for it. */
ALWAYS_INLINE uint32_t husk__capture(struct husk__tracer *tracer, struct husk__said *said,
                                     struct husk__from from)
{
    uint32_t record = husk__capture_quick(tracer, said, from);
    return LIKELY(record != 0) ? record : husk__capture_whole(tracer, said, from);
}

/* The hash of a place's keys and total. */
uint64_t husk__place_hash(const uint64_t *keys, size_t count, uint32_t total);

/* The module that code belongs to; false: none is known. */
bool husk__code_module(const void *code, struct husk__code_range *out);

/* False: no memory, or too deep (*status). */
husk_status husk__said_push(struct husk__said *said, const char *file, uint32_t line, const char *function);
void husk__said_pop(struct husk__said *said);
void husk__said_free(struct husk__said *said);

#endif
