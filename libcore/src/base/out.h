/* base/out.h: text and bytes to a writer callback, a buffer at a time; names of anybody made harmless.
 *
 * After the writer has refused nothing is kept or handed on: what writes in a loop may ask `refused` to end early,
 * and need not. No memory is asked for. */
#ifndef HUSK_BASE_OUT_H
#define HUSK_BASE_OUT_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef bool husk__out_fn(const void *bytes, size_t length, void *data);

struct husk__out {
    husk__out_fn *write;
    void *data;
    uint64_t handed; /* bytes that the writer took */
    size_t used;     /* of the buffer */
    bool refused;
    char buffer[8192];
};

void husk__out_begin(struct husk__out *out, husk__out_fn *write, void *data);
/* Hands on what is left; false: the writer refused, now or before. */
bool husk__out_end(struct husk__out *out);
/* Bytes so far, those in the buffer included. */
uint64_t husk__out_length(const struct husk__out *out);

void husk__out_bytes(struct husk__out *out, const void *bytes, size_t length);
void husk__out_text(struct husk__out *out, const char *text);
void husk__out_char(struct husk__out *out, char c);
void husk__out_u64(struct husk__out *out, uint64_t value);
void husk__out_i64(struct husk__out *out, int64_t value);
/* With 0x before it. */
void husk__out_hex(struct husk__out *out, uint64_t value);
/* printf, of at most 255 bytes: for numbers and words of ours. */
void husk__out_format(struct husk__out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of the UTF-8 character that `at` begins with; 0: none. Overlong forms, surrogates and what lies beyond
 * U+10FFFF are none. */
size_t husk__utf8_length(const char *at, size_t left);

/* How a form writes bytes of a name that mean something to it. */
struct husk__escape {
    const char *of[128]; /* instead of this character; NULL: itself, unless it is a control character */
    const char *control; /* a control character (below 32, 127) without an entry: this and two hex digits */
    const char *odd;     /* a byte that is no UTF-8: the same */
    bool html;           /* "</" becomes "<\/" and "<!" "\u003c!": it may stand in a <script> */
};

void husk__out_escaped(struct husk__out *out, const struct husk__escape *escape, const char *bytes,
                       size_t length);
/* What husk__out_escaped would write. */
size_t husk__escaped_length(const struct husk__escape *escape, const char *bytes, size_t length);

#endif
