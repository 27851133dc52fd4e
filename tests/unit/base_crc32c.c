/* tests/unit/base_crc32c.c: the checksum of files, by tables and by instruction, against the definition. */
#include "fixture.h"
#include "random.h"

#include "base/crc32c.h"

#include <stdio.h>

/* Bit by bit, as RFC 3720 defines it. */
static uint32_t slow(uint32_t crc, const unsigned char *at, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
    }
    return ~crc;
}

static void both(uint32_t crc, const void *bytes, size_t length, uint32_t expected)
{
    assert_int_equal(husk__crc32c(crc, bytes, length), expected);
    assert_int_equal(husk__crc32c_by_table(crc, bytes, length), expected);
}

/* RFC 3720, B.4, and the usual check value. */
static void test_known(void **state)
{
    (void)state;
    unsigned char bytes[32];
    both(0, "", 0, 0);
    both(0, "123456789", 9, 0xE3069283);
    memset(bytes, 0, sizeof bytes);
    both(0, bytes, 32, 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    both(0, bytes, 32, 0x62A8AB43);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    both(0, bytes, 32, 0x46DD794E);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    both(0, bytes, 32, 0x113FDB5C);
    printf("crc32c: %s\n", husk__crc32c_has_instruction() ? "by instruction" : "by tables");
}

/* Lengths around those at which the method changes, at any place, and in two pieces. */
static void test_lengths(void **state)
{
    (void)state;
    enum { ROOM = 40000 };
    static unsigned char bytes[ROOM];
    random64 r = random_from(7);
    for (size_t i = 0; i < ROOM; i++)
        bytes[i] = (unsigned char)random_next(&r);
    static const size_t around[] = { 0, 8, 256, 512, 768, 776, 1536, 4096, 8192, 12288, 13056, 24576, 30000 };
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        for (size_t more = 0; more < 20; more++) {
            size_t length = around[i] + more, from = random_below(&r, 64);
            uint32_t before = (uint32_t)random_next(&r), sum = slow(before, bytes + from, length);
            both(before, bytes + from, length, sum);
            size_t cut = random_below(&r, (uint32_t)length + 1);
            both(husk__crc32c(before, bytes + from, cut), bytes + from + cut, length - cut, sum);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_known), cmocka_unit_test(test_lengths) };
    return RUN_ROUNDS("base_crc32c", tests);
}
