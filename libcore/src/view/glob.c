/* view/glob.c: see glob.h. The language is that of Python's fnmatch, of which [z-a] (nothing), []a] and [!]a] (a
 * bracket that comes first is one of the set) are part. Only the latest star is ever reconsidered: an earlier one
 * that took more could not help, so the work is pattern times text at most, and nothing recurses. */
#include "view/glob.h"

#include <stdint.h>
#include <string.h>

/* The character at `at`, and its bytes. Bytes that are no UTF-8 get numbers above all characters. */
static uint32_t decode(const char *text, size_t at, size_t length, size_t *bytes)
{
    const unsigned char *s = (const unsigned char *)text + at;
    size_t left = length - at;
    size_t more = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 1 : s[0] < 0xF0 ? 2 : s[0] < 0xF5 ? 3 : 0;
    *bytes = 1;
    if (s[0] < 0x80)
        return s[0];
    uint32_t c = more ? s[0] & (0x3Fu >> more) : 0;
    for (size_t i = 1; i <= more; i++) {
        if (i >= left || (s[i] & 0xC0) != 0x80)
            return 0x110000u + s[0];
        c = c << 6 | (s[i] & 0x3Fu);
    }
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    if (!more || c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return 0x110000u + s[0];
    *bytes = more + 1;
    return c;
}

/* Where the set that opens at `at` closes; 0: nowhere. */
static size_t set_end(const char *pattern, size_t at, size_t length)
{
    size_t p = at + 1;
    if (p < length && pattern[p] == '!')
        p++;
    if (p < length && pattern[p] == ']')
        p++;
    const char *close = p < length ? memchr(pattern + p, ']', length - p) : NULL;
    return close ? (size_t)(close - pattern) : 0;
}

static bool in_set(const char *pattern, size_t at, size_t end, uint32_t c)
{
    size_t p = at + 1, bytes;
    bool inverted = pattern[p] == '!';
    p += inverted;
    bool found = false;
    while (p < end) {
        uint32_t low = decode(pattern, p, end, &bytes), high = low;
        p += bytes;
        if (p + 1 < end && pattern[p] == '-') {
            high = decode(pattern, p + 1, end, &bytes);
            p += 1 + bytes;
        }
        found = found || (low <= c && c <= high);
    }
    return found != inverted;
}

/* Whether one character c is what stands in the pattern at *at, which goes on behind that. */
static bool one(const char *pattern, size_t *at, size_t length, uint32_t c)
{
    size_t p = *at, bytes, end;
    if (pattern[p] == '?') {
        *at = p + 1;
        return true;
    }
    if (pattern[p] == '[' && (end = set_end(pattern, p, length))) {
        *at = end + 1;
        return in_set(pattern, p, end, c);
    }
    uint32_t want = decode(pattern, p, length, &bytes);
    *at = p + bytes;
    return want == c;
}

bool husk__glob(const char *pattern, size_t pattern_length, const char *text, size_t length)
{
    size_t p = 0, t = 0;
    size_t star = SIZE_MAX, star_text = 0; /* behind the latest star; how far it reaches so far */
    for (;;) {
        if (p < pattern_length && pattern[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (t == length && p == pattern_length)
            return true;
        size_t bytes;
        if (t < length && p < pattern_length) {
            uint32_t c = decode(text, t, length, &bytes);
            if (one(pattern, &p, pattern_length, c)) {
                t += bytes;
                continue;
            }
        }
        if (star == SIZE_MAX || star_text == length)
            return false;
        (void)decode(text, star_text, length, &bytes);
        star_text += bytes;
        p = star;
        t = star_text;
    }
}

static size_t without_compiled(const char *text, size_t length)
{
    static const char *const compiled[] = { ".pyc", ".luac" };
    for (size_t i = 0; i < sizeof compiled / sizeof *compiled; i++) {
        size_t n = strlen(compiled[i]);
        if (length >= n && memcmp(text + length - n, compiled[i], n) == 0)
            return length - 1;
    }
    return length;
}

bool husk__glob_file(const char *pattern, size_t pattern_length, const char *text, size_t length)
{
    return husk__glob(pattern, without_compiled(pattern, pattern_length), text,
                      without_compiled(text, length));
}
