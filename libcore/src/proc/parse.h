/* proc/parse.h: numbers out of the kernel's lines. Nothing is taken for granted: no overflow, no unit, no
 * end. */
#ifndef HUSK_PROC_PARSE_H
#define HUSK_PROC_PARSE_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void husk__parse_blanks(const char **at)
{
    while (**at == ' ' || **at == '\t')
        (*at)++;
}

/* A decimal number after blanks; false: there is none, or it is too large. *at stands behind it. */
static inline bool husk__parse_u64(const char **at, uint64_t *out)
{
    husk__parse_blanks(at);
    const char *c = *at;
    uint64_t value = 0;
    bool fits = true;
    for (; *c >= '0' && *c <= '9'; c++) {
        unsigned digit = (unsigned)(*c - '0');
        if (value > (UINT64_MAX - digit) / 10)
            fits = false;
        else
            value = value * 10 + digit;
    }
    bool found = c != *at;
    *at = c;
    *out = value;
    return found && fits;
}

/* The same in lower-case hexadecimal, without blanks. */
static inline bool husk__parse_hex(const char **at, uint64_t *out)
{
    const char *c = *at;
    uint64_t value = 0;
    bool fits = true;
    for (;; c++) {
        unsigned digit = *c >= '0' && *c <= '9'   ? (unsigned)(*c - '0')
                         : *c >= 'a' && *c <= 'f' ? (unsigned)(*c - 'a') + 10
                                                  : 16;
        if (digit == 16)
            break;
        fits = fits && value <= UINT64_MAX >> 4;
        value = value << 4 | digit;
    }
    bool found = c != *at;
    *at = c;
    *out = value;
    return found && fits;
}

/* "  123 kB" as bytes; false: no number, another unit, too large. */
static inline bool husk__parse_kb(const char *at, uint64_t *bytes)
{
    uint64_t value;
    *bytes = 0;
    if (!husk__parse_u64(&at, &value) || value > UINT64_MAX / 1024)
        return false;
    husk__parse_blanks(&at);
    *bytes = value * 1024;
    return strcmp(at, "kB") == 0;
}

/* What is behind "key" and the sign that ends it; NULL: the line is about something else. */
static inline const char *husk__parse_key(const char *line, const char *key, char sign)
{
    size_t length = strlen(key);
    return strncmp(line, key, length) == 0 && line[length] == sign ? line + length + 1 : NULL;
}

#endif
