/* trace/site.h: texts, frames and tracebacks, each stored once for the whole process.
 *
 *   stack:  frame (the newest) + stack of its callers --> a trie; number 0 is the empty one
 *   frame:  file, function, line; or the address of native code; number 0 is unknown
 *
 * Numbers and texts stay valid while anybody holds the tables (husk__sites_hold): every tracer that is on does,
 * and every heap with pushed frames. Any thread; all calls but hold and drop are to be made between lock and
 * unlock, so that one who adds many pays once. */
#ifndef HUSK_TRACE_SITE_H
#define HUSK_TRACE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum husk__frame_kind { SITE_EXPLICIT = 0, SITE_NATIVE = 1, SITE_LANGUAGE = 2 }; /* as in view/format.h */

struct husk__site_frame {
    const char *file, *function; /* texts of the table; "" if not known */
    uint32_t line;
    uint32_t kind;
    uint64_t address;
};

struct husk__site_stack {
    uint32_t parent, frame;
    uint32_t depth;
};

enum { SITE_MOST = 1 << 22 }; /* frames, and stacks: beyond it, unknown */

void husk__sites_hold(void);
void husk__sites_drop(void);

void husk__sites_lock(void);
void husk__sites_unlock(void);

enum { TRACE_TEXT_MOST = 4095 };
/* A text that stays, NUL-terminated; NULL: no memory. Cut at TRACE_TEXT_MOST bytes. */
const char *husk__site_text(const char *bytes, size_t length);

/* A frame's number; 0: no memory, or too many. file and function are texts of the table. */
uint32_t husk__site_frame(const struct husk__site_frame *frame);

/* A traceback's number; 0: no memory, or too many. */
uint32_t husk__site_stack(uint32_t parent, uint32_t frame);

const struct husk__site_frame *husk__site_frame_at(uint32_t frame);
const struct husk__site_stack *husk__site_stack_at(uint32_t stack);

/* How often the tables have been given up; for those who hold them, without the lock. */
uint64_t husk__sites_round(void);

/* Bytes of all tables. */
size_t husk__sites_bytes(void);

#endif
