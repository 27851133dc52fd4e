/* tests/unit/base.c: bits, the two gates to memory, and the address space that is ours. */
#include "fixture.h"
#include "random.h"

#include "base/bits.h"
#include "base/grow.h"
#include "base/memory.h"

static void test_rounding(void **state)
{
    (void)state;
    for (size_t unit = 1; unit <= 65536; unit *= 2) {
        for (size_t n = 0; n < 300; n++) {
            size_t up = husk__round_up(n, unit);
            assert_true(up >= n && up < n + unit && up % unit == 0);
        }
    }
}

static void test_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t bit = (uint64_t)1 << i;
        assert_int_equal(husk__lowest_bit(bit), i);
        assert_int_equal(husk__highest_bit(bit), i);
        assert_int_equal(husk__lowest_bit(~(uint64_t)0 << i), i);
        assert_int_equal(husk__highest_bit(~(uint64_t)0 >> i), 63 - i);
        assert_int_equal(husk__count_bits(~(uint64_t)0 << i), 64 - i);
        for (unsigned n = 1; i + n <= 64; n++) {
            uint64_t run = husk__bit_run(i, n);
            assert_int_equal(husk__count_bits(run), n);
            assert_int_equal(husk__lowest_bit(run), i);
            assert_int_equal(husk__highest_bit(run), i + n - 1);
        }
    }
}

/* Against a search one position after the other. */
static int slow_run(uint64_t word, unsigned n)
{
    for (unsigned at = 0; at + n <= 64; at++) {
        if ((word & husk__bit_run(at, n)) == husk__bit_run(at, n))
            return (int)at;
    }
    return -1;
}

static void test_runs(void **state)
{
    (void)state;
    random64 r = random_from(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t word = random_next(&r) | random_next(&r);
        if (i % 3)
            word |= random_next(&r);
        unsigned n = 1 + random_below(&r, 64);
        assert_int_equal(husk__find_run(word, n), slow_run(word, n));
    }
    assert_int_equal(husk__find_run(~(uint64_t)0, 64), 0);
    assert_int_equal(husk__find_run(0, 1), -1);
}

static void test_raw_bytes(void **state)
{
    (void)state;
    size_t held = husk_memory_held();
    uint64_t requests = husk_memory_requests();
    unsigned char *p = husk__raw_new(100);
    assert_int_equal(husk_memory_requests(), requests + 1);
    assert_int_equal(husk_memory_held(), held + 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    memset(p, 7, 100);
    p = husk__raw_resize(p, 100, 5000);
    assert_non_null(p);
    assert_int_equal(husk_memory_held(), held + 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(p[i], i < 100 ? 7 : 0);
    husk_memory_fail(1, true);
    assert_null(husk__raw_resize(p, 5000, 6000));
    assert_null(husk__raw_new(1));
    assert_int_equal(p[99], 7); /* untouched */
    husk_memory_fail(0, false);
    p = husk__raw_resize(p, 5000, 50);
    assert_non_null(p);
    assert_int_equal(husk_memory_held(), held + 50);
    husk__raw_free(p, 50);
    assert_int_equal(husk_memory_held(), held);
    husk__raw_free(NULL, 0);
}

static void test_failing_on_purpose(void **state)
{
    (void)state;
    husk_memory_fail(3, false);
    assert_false(husk__memory_refused());
    assert_false(husk__memory_refused());
    assert_true(husk__memory_refused());
    assert_false(husk__memory_refused());
    husk_memory_fail(2, true);
    assert_false(husk__memory_refused());
    assert_true(husk__memory_refused());
    assert_true(husk__memory_refused());
    husk_memory_fail(0, false);
    assert_false(husk__memory_refused());
}

/* A stand-in for the system: counts what goes through it, and refuses what it is told to. */
static struct {
    int reserved, released, raws;
    bool refuse_reserve, refuse_raw;
} stand_in;

static void *counted_reserve(size_t bytes)
{
    stand_in.reserved++;
    return stand_in.refuse_reserve ? NULL : husk__system_gates.reserve(bytes);
}

static void counted_release(void *at, size_t bytes)
{
    stand_in.released++;
    husk__system_gates.release(at, bytes);
}

static void *counted_raw(void *old, size_t bytes)
{
    stand_in.raws++;
    return bytes && stand_in.refuse_raw ? NULL : husk__system_gates.raw(old, bytes);
}

static void test_gates(void **state)
{
    (void)state;
    struct husk__gates gates = husk__system_gates;
    gates.reserve = counted_reserve;
    gates.release = counted_release;
    gates.raw = counted_raw;
    memset(&stand_in, 0, sizeof stand_in);
    husk__memory_set_gates(&gates);
    void *at = husk__memory_reserve(1 << 20, HUSK__FOR_TABLES);
    assert_non_null(at);
    assert_true(husk__memory_commit(at, 1 << 20));
    memset(at, 1, 1 << 20);
    husk__memory_decommit(at, 1 << 20);
    assert_int_equal(*(volatile char *)at, 0);
    husk__memory_release(at, 1 << 20);
    assert_int_equal(stand_in.reserved, 1);
    assert_int_equal(stand_in.released, 1);
    void *p = husk__raw_new(64);
    stand_in.refuse_raw = true;
    assert_null(husk__raw_new(64));
    assert_null(husk__raw_resize(p, 64, 128));
    p = husk__raw_resize(p, 64, 16); /* shrinking never fails, whatever the system says */
    assert_non_null(p);
    husk__raw_free(p, 16);
    stand_in.refuse_raw = false;
    stand_in.refuse_reserve = true;
    assert_null(husk__memory_reserve(1 << 20, HUSK__FOR_TABLES));
    husk__memory_set_gates(NULL);
    assert_non_null(at = husk__memory_reserve(1 << 20, HUSK__FOR_TABLES));
    husk__memory_release(at, 1 << 20);
    assert_int_equal(stand_in.reserved, 2);
}

/* Ranges come and go in any order and in parts; the table says the same as a plain array with an entry a unit. */
static void test_reserved(void **state)
{
    (void)state;
    enum { UNITS = 64, UNIT = 4096 };
    char *base = (char *)(uintptr_t)0x100000000u; /* far from every real reservation: nothing is touched */
    uint8_t model[UNITS] = { 0 };
    random64 r = random_from(5);
    for (int round = 0; round < 4000; round++) {
        size_t from = random_below(&r, UNITS), n = 1 + random_below(&r, 8);
        n = n < UNITS - from ? n : UNITS - from;
        uint8_t use = (uint8_t)(1 + random_below(&r, 2));
        size_t used = 0;
        for (size_t i = from; i < from + n; i++)
            used += model[i] != 0;
        bool remove = used == n || (used && random_below(&r, 2));
        if (used && !remove)
            continue; /* what is reserved cannot be reserved again */
        if (remove)
            husk__reserved_remove(base + from * UNIT, n * UNIT);
        else
            husk__reserved_add(base + from * UNIT, n * UNIT, use == 1 ? HUSK__FOR_CHUNKS : HUSK__FOR_TABLES);
        memset(model + from, remove ? 0 : use, n);

        struct husk__reserved found;
        uintptr_t at = (uintptr_t)base, end = at + (size_t)UNITS * UNIT;
        for (size_t i = 0; i < UNITS; i++) {
            if (!husk__reserved_find(at + i * UNIT, &found))
                found.start = end;
            uint8_t wanted = found.start > at + i * UNIT ? 0 : found.use == HUSK__FOR_CHUNKS ? 1 : 2;
            if (model[i] != wanted)
                fail_msg("round %d, unit %zu: %d, not %d", round, i, wanted, model[i]);
        }
        for (size_t parts = 0; at < end && husk__reserved_find(at, &found) && found.start < end;
             at = found.end)
            assert_true(++parts <= UNITS && found.start < found.end); /* neighbours of one use are one */
    }
    husk__reserved_remove(base, (size_t)UNITS * UNIT);

    struct husk__grow grow = { 0 };
    struct husk__reserved found;
    assert_non_null(husk__grow_add(&grow, 100));
    assert_true(husk__reserved_find((uintptr_t)grow.at, &found));
    assert_true(found.start <= (uintptr_t)grow.at && found.use == HUSK__FOR_TABLES);
    uintptr_t was = (uintptr_t)grow.at;
    husk__grow_free(&grow);
    assert_false(husk__reserved_find(was, &found) && found.start <= was);

    /* The table ends somewhere; what is beyond is counted. */
    size_t lost = husk__reserved_lost();
    for (size_t i = 0; i < 1500; i++)
        husk__reserved_add(base + 2 * i * UNIT, UNIT, HUSK__FOR_TABLES);
    assert_true(husk__reserved_lost() > lost + 400 && husk__reserved_lost() < lost + 500);
    husk__reserved_remove(base, (size_t)2 * 1500 * UNIT);
    assert_false(husk__reserved_find((uintptr_t)base, &found) && found.start < (uintptr_t)base + 3000 * UNIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserved),  cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_bits),      cmocka_unit_test(test_runs),
        cmocka_unit_test(test_raw_bytes), cmocka_unit_test(test_failing_on_purpose),
        cmocka_unit_test(test_gates)
    };
    return RUN_ROUNDS("base", tests);
}
