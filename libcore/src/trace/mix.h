/* trace/mix.h: hashing of addresses and numbers: a 64 by 64 bit product folded (as in wyhash), a few cycles, good
 * enough in all bits for tables that take their low ones. */
#ifndef HUSK_TRACE_MIX_H
#define HUSK_TRACE_MIX_H

#include "base/check.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

ALWAYS_INLINE uint64_t husk__mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ 0x9E3779B97F4A7C15u, y = b ^ 0xD1B54A32D192ED03u;
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    x *= 0xFF51AFD7ED558CCDu;
    x ^= x >> 32;
    x = (x ^ y) * 0xC4CEB9FE1A85EC53u;
    return x ^ x >> 29;
#endif
}

static inline uint64_t husk__mix_bytes(const char *bytes, size_t length)
{
    uint64_t hash = length, word;
    for (; length >= 8; bytes += 8, length -= 8) {
        memcpy(&word, bytes, 8);
        hash = husk__mix(hash, word);
    }
    word = 0;
    memcpy(&word, bytes, length);
    return husk__mix(hash, word);
}

#endif
