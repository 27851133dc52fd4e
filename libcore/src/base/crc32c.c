/* base/crc32c.c: see crc32c.h.
 *
 * By tables: eight bytes a step ("slicing by 8", Kounavis and Berry 2005). table[k][b] is what byte b does to the
 * register when k zero bytes follow it; the eight bytes of a step have 7 to 0 behind them, and a CRC is linear.
 *
 * By instruction (SSE 4.2): crc32 takes eight bytes, has its result after three cycles and could start anew in each:
 * three runs side by side keep it busy. The register after the first run is moved on by as many zero bytes as the
 * second has, which is linear again and so four look-ups in a table made for that length; then the two are added
 * (Gopal et al. 2011 do it by multiplication). */
#include "base/crc32c.h"

#include "base/check.h"

#include <pthread.h>
#include <string.h>

#if defined __x86_64__
#define HAS_INSTRUCTION 1
#else
#define HAS_INSTRUCTION 0
#endif

#define POLYNOMIAL 0x82F63B78u /* reflected */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t table[8][256];
static bool has_instruction;

/* Adds little endian bytes, whatever the machine's order is. */
static uint32_t run_by_table(uint32_t state, const unsigned char *at, size_t length)
{
    for (; length >= 8; length -= 8, at += 8) {
        uint32_t low =
            state ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
        state = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
                table[4][low >> 24] ^ table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
    }
    for (; length; length--, at++)
        state = table[0][(state ^ *at) & 0xFF] ^ state >> 8;
    return state;
}

#if HAS_INSTRUCTION

/* Bytes of one of the three runs: the first length while there is so much, then the second. Multiples of 8. */
enum { LONG_RUN = 4096, SHORT_RUN = 256 };

/* What each byte of the register becomes when that many zero bytes follow. */
static uint32_t move_long[4][256], move_short[4][256];

__attribute__((target("sse4.2"))) static uint32_t run_one(uint32_t state, const unsigned char *at,
                                                          size_t length)
{
    uint64_t register64 = state;
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        register64 = __builtin_ia32_crc32di(register64, word);
    }
    state = (uint32_t)register64;
    for (; length; length--, at++)
        state = __builtin_ia32_crc32qi(state, *at);
    return state;
}

static uint32_t move(uint32_t (*by)[256], uint32_t state)
{
    return by[0][state & 0xFF] ^ by[1][state >> 8 & 0xFF] ^ by[2][state >> 16 & 0xFF] ^ by[3][state >> 24];
}

__attribute__((target("sse4.2"))) static inline __attribute__((always_inline)) uint32_t
run_three(uint32_t state, const unsigned char *at, size_t run, uint32_t (*by)[256])
{
    uint64_t a = state, b = 0, c = 0;
    for (const unsigned char *end = at + run; at < end; at += 8) {
        uint64_t x, y, z;
        memcpy(&x, at, 8);
        memcpy(&y, at + run, 8);
        memcpy(&z, at + 2 * run, 8);
        a = __builtin_ia32_crc32di(a, x);
        b = __builtin_ia32_crc32di(b, y);
        c = __builtin_ia32_crc32di(c, z);
    }
    return move(by, move(by, (uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
}

__attribute__((target("sse4.2"))) static uint32_t run_by_instruction(uint32_t state, const unsigned char *at,
                                                                     size_t length)
{
    for (; length >= 3 * LONG_RUN; length -= 3 * LONG_RUN, at += 3 * LONG_RUN)
        state = run_three(state, at, LONG_RUN, move_long);
    for (; length >= 3 * SHORT_RUN; length -= 3 * SHORT_RUN, at += 3 * SHORT_RUN)
        state = run_three(state, at, SHORT_RUN, move_short);
    return run_one(state, at, length);
}

/* Each bit of the register moved on over `length` zero bytes, then the sums of bits. */
static void fill_move(uint32_t (*by)[256], size_t length)
{
    static const unsigned char zero[LONG_RUN];
    for (unsigned k = 0; k < 4; k++) {
        for (unsigned bit = 0; bit < 8; bit++)
            by[k][1u << bit] = run_by_table(1u << (8 * k + bit), zero, length);
        for (unsigned b = 1; b < 256; b++)
            by[k][b] = by[k][b & (b - 1)] ^ by[k][b & -b];
    }
}
#endif

static void fill(void)
{
    for (unsigned b = 0; b < 256; b++) {
        uint32_t state = b;
        for (unsigned bit = 0; bit < 8; bit++)
            state = state >> 1 ^ (state & 1 ? POLYNOMIAL : 0);
        table[0][b] = state;
    }
    for (unsigned k = 1; k < 8; k++)
        for (unsigned b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xFF];
#if HAS_INSTRUCTION
    has_instruction = __builtin_cpu_supports("sse4.2");
    fill_move(move_long, LONG_RUN);
    fill_move(move_short, SHORT_RUN);
#endif
}

uint32_t husk__crc32c_by_table(uint32_t crc, const void *bytes, size_t length)
{
    (void)pthread_once(&once, fill);
    return ~run_by_table(~crc, bytes, length);
}

bool husk__crc32c_has_instruction(void)
{
    (void)pthread_once(&once, fill);
    return has_instruction;
}

uint32_t husk__crc32c(uint32_t crc, const void *bytes, size_t length)
{
#if HAS_INSTRUCTION
    if (LIKELY(husk__crc32c_has_instruction()))
        return ~run_by_instruction(~crc, bytes, length);
#endif
    return husk__crc32c_by_table(crc, bytes, length);
}
