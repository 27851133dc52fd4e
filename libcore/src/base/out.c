/* base/out.c: see out.h. */
#include "base/out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void husk__out_begin(struct husk__out *out, husk__out_fn *write, void *data)
{
    out->write = write;
    out->data = data;
    out->handed = 0;
    out->used = 0;
    out->refused = false;
}

static void hand_on(struct husk__out *out)
{
    if (!out->refused && out->used) {
        if (out->write(out->buffer, out->used, out->data))
            out->handed += out->used;
        else
            out->refused = true;
    }
    out->used = 0;
}

bool husk__out_end(struct husk__out *out)
{
    hand_on(out);
    return !out->refused;
}

uint64_t husk__out_length(const struct husk__out *out)
{
    return out->handed + out->used;
}

void husk__out_bytes(struct husk__out *out, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        size_t room = sizeof out->buffer - out->used;
        size_t n = length < room ? length : room;
        memcpy(out->buffer + out->used, at, n);
        out->used += n;
        at += n;
        length -= n;
        if (out->used == sizeof out->buffer)
            hand_on(out);
    }
}

void husk__out_text(struct husk__out *out, const char *text)
{
    husk__out_bytes(out, text, strlen(text));
}

void husk__out_char(struct husk__out *out, char c)
{
    out->buffer[out->used++] = c; /* there is always room for one */
    if (out->used == sizeof out->buffer)
        hand_on(out);
}

void husk__out_u64(struct husk__out *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    husk__out_bytes(out, digits + at, sizeof digits - at);
}

void husk__out_i64(struct husk__out *out, int64_t value)
{
    if (value < 0)
        husk__out_char(out, '-');
    husk__out_u64(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void husk__out_hex(struct husk__out *out, uint64_t value)
{
    husk__out_format(out, "0x%" PRIx64, value);
}

void husk__out_format(struct husk__out *out, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    CHECK(length >= 0 && (size_t)length < sizeof text);
    husk__out_bytes(out, text, (size_t)length);
}

/* ---- names ---- */

/* Table 3-7 of the Unicode standard: the second byte's range depends on the first, all others are 80..BF. */
size_t husk__utf8_length(const char *at, size_t left)
{
    const unsigned char *b = (const unsigned char *)at;
    if (left == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    size_t length = b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : 2;
    if (b[0] < 0xC2 || b[0] > 0xF4 || length > left)
        return 0;
    unsigned char low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (b[i] < 0x80 || b[i] > 0xBF)
            return 0;
    return length;
}

/* What stands for the next character of a name: `plain` bytes of it as they are, or prefix and hexadecimal digits
 * or nothing. The answer is how many bytes of the name that is. */
static size_t next_piece(const struct husk__escape *escape, const char *at, size_t left, const char **prefix,
                         bool *digits)
{
    unsigned char c = (unsigned char)*at;
    *prefix = NULL;
    *digits = false;
    if (c >= 0x80) {
        size_t length = husk__utf8_length(at, left);
        if (length)
            return length;
        *prefix = escape->odd;
        *digits = true;
    } else if (escape->of[c])
        *prefix = escape->of[c];
    else if (c < 32 || c == 127) {
        *prefix = escape->control;
        *digits = true;
    } else if (escape->html && left > 1 && c == '<' && at[1] == '!')
        *prefix = "\\u003c";
    else if (escape->html && left > 1 && c == '<' && at[1] == '/') {
        *prefix = "<\\/";
        return 2;
    }
    return 1;
}

void husk__out_escaped(struct husk__out *out, const struct husk__escape *escape, const char *bytes,
                       size_t length)
{
    static const char hex[] = "0123456789abcdef";
    const char *plain = bytes; /* from here on nothing had to be changed, and was not written yet */
    const char *at = bytes, *end = bytes + length;
    while (at < end) {
        const char *prefix;
        bool digits;
        size_t n = next_piece(escape, at, (size_t)(end - at), &prefix, &digits);
        if (prefix) {
            husk__out_bytes(out, plain, (size_t)(at - plain));
            husk__out_text(out, prefix);
            if (digits) {
                husk__out_char(out, hex[(unsigned char)*at >> 4]);
                husk__out_char(out, hex[*at & 15]);
            }
            plain = at + n;
        }
        at += n;
    }
    husk__out_bytes(out, plain, (size_t)(end - plain));
}

size_t husk__escaped_length(const struct husk__escape *escape, const char *bytes, size_t length)
{
    size_t sum = 0;
    for (size_t at = 0; at < length;) {
        const char *prefix;
        bool digits;
        size_t n = next_piece(escape, bytes + at, length - at, &prefix, &digits);
        sum += prefix ? strlen(prefix) + (digits ? 2 : 0) : n;
        at += n;
    }
    return sum;
}
