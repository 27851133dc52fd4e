/* tests/unit/trace_pagemap.c: the table of blocks by page, against a plain one. */
#include "fixture.h"
#include "random.h"

#include "trace/pagemap.h"
#include "trace/record.h"

#include <husk/debug.h>

enum { MOST = 60000 };

struct expected {
    uint64_t address, size;
    uint32_t domain, site; /* site 0: not in it */
};

static struct expected model[MOST];

static void put(struct husk__pagemap *map, struct expected *one, uint64_t size, uint32_t site)
{
    struct husk__pagemap_slot *slot = husk__pagemap_make(map, one->domain, one->address);
    assert_non_null(slot);
    assert_int_equal(slot->site, one->site);
    if (one->site)
        assert_int_equal(husk__pagemap_size(slot), one->size);
    husk__pagemap_set(slot, size, site);
    one->size = size;
    one->site = site;
}

static void check(struct husk__pagemap *map, const struct expected *one)
{
    struct husk__pagemap_slot *slot = husk__pagemap_find(map, one->domain, one->address);
    assert_int_equal(slot != NULL, one->site != 0);
    if (slot) {
        assert_int_equal(slot->site, one->site);
        assert_int_equal(husk__pagemap_size(slot), one->size);
    }
}

static void check_all(struct husk__pagemap *map, size_t count)
{
    size_t expected = 0, found = 0, cursor = 0;
    uint64_t sum = 0, found_sum = 0;
    for (size_t i = 0; i < count; i++) {
        check(map, &model[i]);
        expected += model[i].site != 0;
        sum +=
            model[i].site ? model[i].address * 31 + model[i].size * 7 + model[i].site + model[i].domain : 0;
    }
    for (struct husk__blockmap_entry entry; husk__pagemap_next(map, &cursor, &entry); found++)
        found_sum += entry.address * 31 + entry.size * 7 + entry.site + entry.domain;
    assert_int_equal(found, expected);
    assert_int_equal(found_sum, sum);
}

/* Addresses all different: dense bytes, blocks of one size, of mixed sizes, alone in their pages; two domains. */
static size_t make_model(random64 *r, unsigned kind)
{
    uint64_t address = (uint64_t)random_below(r, 1000) << 12;
    size_t count = kind == 0 ? 20000 : MOST;
    for (size_t i = 0; i < count; i++) {
        static const uint64_t mixed[] = { 16, 32, 48, 64, 256, 1040, 5000, 3, 200000 };
        model[i] = (struct expected){ .address = address, .domain = i % 2 ? 7 : 0 };
        if (i % 2 == 0)
            continue;
        address += kind == 0 ? 1 : kind == 1 ? 32 : kind == 2 ? mixed[random_below(r, 9)] : 4096 * 3 + 16;
    }
    return count;
}

static void test_model(void **state)
{
    (void)state;
    size_t held = husk_memory_held();
    random64 r = random_from(1);
    for (unsigned kind = 0; kind < 4; kind++) {
        size_t count = make_model(&r, kind);
        struct husk__pagemap map = { 0 };
        check_all(&map, count);                     /* an empty one answers */
        for (unsigned fill = 0; fill < 3; fill++) { /* to the brim, to a half, to nothing */
            for (size_t round = 0; round < count * 3; round++) {
                struct expected *one = &model[random_below(&r, (uint32_t)count)];
                bool add = fill == 0 ? random_below(&r, 10) != 0 : fill == 1 ? random_below(&r, 2) : 0;
                if (add) {
                    uint64_t size = random_below(&r, 20) ? random_below(&r, 1000) : random_next(&r) >> 17;
                    put(&map, one, size, 1 + random_below(&r, 1000));
                } else if (round % 2) {
                    struct husk__pagemap_slot slot;
                    assert_int_equal(husk__pagemap_take(&map, one->domain, one->address, &slot),
                                     one->site != 0);
                    if (one->site)
                        assert_true(slot.site == one->site && husk__pagemap_size(&slot) == one->size);
                    one->site = 0;
                } else if (one->site) {
                    husk__pagemap_remove(&map, one->domain, one->address);
                    one->site = 0;
                }
            }
            check_all(&map, count);
        }
        for (size_t i = 0; i < count; i++)
            if (model[i].site) {
                husk__pagemap_remove(&map, model[i].domain, model[i].address);
                model[i].site = 0;
            }
        check_all(&map, count);
        assert_int_equal(map.count, 0);
        husk__pagemap_free(&map);
        assert_int_equal(husk_memory_held(), held);
    }
}

/* All of 64 bits, sizes too. */
static void test_extremes(void **state)
{
    (void)state;
    struct husk__pagemap map = { 0 };
    const uint64_t addresses[] = { 0, 1, 4095, 4096, UINT64_MAX, UINT64_MAX - 4095, (uint64_t)1 << 63 };
    enum { COUNT = sizeof addresses / sizeof *addresses };
    for (unsigned i = 0; i < COUNT; i++) {
        struct husk__pagemap_slot *slot = husk__pagemap_make(&map, UINT32_MAX, addresses[i]);
        husk__pagemap_set(slot, UINT64_MAX, i + 1);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        struct husk__pagemap_slot *slot = husk__pagemap_find(&map, UINT32_MAX, addresses[i]);
        assert_non_null(slot);
        assert_int_equal(slot->site, i + 1);
        assert_int_equal(husk__pagemap_size(slot), ((uint64_t)1 << 48) - 1);
        assert_null(husk__pagemap_find(&map, 0, addresses[i]));
    }
    husk__pagemap_free(&map);
}

static void test_rename(void **state)
{
    (void)state;
    struct husk__pagemap map = { 0 };
    uint8_t epochs[TRACE_EPOCHS];
    for (unsigned e = 0; e < TRACE_EPOCHS; e++)
        epochs[e] = (uint8_t)(e / 2);
    for (uint32_t i = 0; i < 1000; i++)
        husk__pagemap_set(husk__pagemap_make(&map, 0, i * 48), 1, (i + 1) | (i % 256) << SITE_EPOCH_BITS);
    husk__pagemap_rename(&map, epochs);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(husk__pagemap_find(&map, 0, i * 48)->site, (i + 1) | (i % 256 / 2)
                                                                                  << SITE_EPOCH_BITS);
    husk__pagemap_free(&map);
}

/* What cannot be had leaves the rest as it was. */
static void test_no_memory(void **state)
{
    (void)state;
    random64 r = random_from(2);
    size_t count = make_model(&r, 2);
    count = count < 20000 ? count : 20000;
    size_t held = husk_memory_held();
    for (uint64_t n = 1; n < 40; n++) {
        struct husk__pagemap map = { 0 };
        husk_memory_fail(n, n % 2);
        for (size_t i = 0; i < count; i++) {
            struct husk__pagemap_slot *slot = husk__pagemap_make(&map, model[i].domain, model[i].address);
            model[i].site = slot ? (uint32_t)i + 1 : 0;
            model[i].size = i;
            if (slot)
                husk__pagemap_set(slot, i, (uint32_t)i + 1);
        }
        husk_memory_fail(0, false);
        check_all(&map, count);
        husk__pagemap_free(&map);
        assert_int_equal(husk_memory_held(), held);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model), cmocka_unit_test(test_extremes),
                                        cmocka_unit_test(test_rename), cmocka_unit_test(test_no_memory) };
    return RUN_ROUNDS("trace_pagemap", tests);
}
