/* tests/flow/stress.c: passes at allocations. */
#define _POSIX_C_SOURCE 200809L
#include "story.h"
#include "types.h"

#include <stdio.h>
#include <stdlib.h>

static void every_nth_allocation(husk_heap *heap)
{
    husk_stress stress;
    husk_heap_get_stress(heap, &stress);
    assert_true(stress.every == 0 && stress.seed == 0);
    TRY(litter(heap, type_node)); /* hands are full of blocks that no slow road sees */
    for (uint64_t every = 1; every <= 40; every += 13) {
        assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ .every = every }), HUSK_OK);
        uint64_t before = passes(heap);
        for (int i = 0; i < 120; i++)
            TRY(litter(heap, type_node));
        if (!story_failing)
            assert_int_equal(passes(heap) - before, 120 / every);
        husk_heap_get_stress(heap, &stress);
        assert_int_equal(stress.every, every);
        verify(heap);
    }
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ 0 }), HUSK_OK);
    uint64_t before = passes(heap);
    for (int i = 0; i < 1000; i++)
        TRY(litter(heap, type_node));
    if (!story_failing)
        assert_int_equal(passes(heap), before);
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ .every = ((uint64_t)1 << 32) + 1 }),
                     HUSK_ERANGE);
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ .every = UINT64_MAX, .seed = 1 }),
                     HUSK_ERANGE);
    husk_heap_get_stress(heap, &stress);
    assert_int_equal(stress.every, 0);
    collect(heap);
}

/* The places of passes, as bits, for a seed. */
static bool places_of(husk_heap *heap, uint64_t seed, uint64_t places[16])
{
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ .every = 7, .seed = seed }), HUSK_OK);
    memset(places, 0, 16 * sizeof *places);
    for (unsigned i = 0; i < 1024; i++) {
        uint64_t before = passes(heap);
        if (!litter(heap, type_node))
            return false;
        if (passes(heap) != before)
            places[i / 64] |= (uint64_t)1 << (i % 64);
    }
    return true;
}

static void a_seed_gives_the_same_places(husk_heap *heap)
{
    uint64_t a[16], b[16], c[16];
    TRY(places_of(heap, 42, a));
    TRY(places_of(heap, 42, b));
    TRY(places_of(heap, 43, c));
    if (!story_failing) {
        assert_memory_equal(a, b, sizeof a);
        assert_memory_not_equal(a, c, sizeof a);
        int count = 0;
        for (int i = 0; i < 1024; i++)
            count += (int)(a[i / 64] >> (i % 64) & 1);
        assert_in_range(count, 1024 / 7 - 50, 1024 / 7 + 50);
        bool different = false; /* gaps */
        for (int i = 0, last = -1, gap = 0; i < 1024; i++) {
            if (!(a[i / 64] >> (i % 64) & 1))
                continue;
            different |= gap && i - last != gap;
            gap = last >= 0 ? i - last : 0;
            last = i;
        }
        assert_true(different);
    }
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ 0 }), HUSK_OK);
    collect(heap);
}

/* A pass of stress is a full one of its own reason; what holds passes off holds these off, too. */
static void it_can_be_held_off(husk_heap *heap)
{
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ .every = 1 }), HUSK_OK);
    uint64_t before = passes(heap);
    TRY_OK(husk_heap_no_gc_begin(heap, 1000, 0, false, "story"));
    for (int i = 0; i < 20; i++)
        TRY(litter(heap, type_node));
    if (!story_failing)
        assert_int_equal(passes(heap), before);
    assert_int_equal(husk_heap_no_gc_end(heap, NULL), HUSK_OK);
    TRY(litter(heap, type_node));
    assert_true(passes(heap) > before);
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    before = passes(heap);
    for (int i = 0; i < 20; i++)
        TRY(litter(heap, type_node));
    if (!story_failing)
        assert_int_equal(passes(heap), before);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    assert_int_equal(husk_heap_set_stress(heap, &(husk_stress){ 0 }), HUSK_OK);
    collect(heap);
}

/* The environment: understood, or an error of the heap's making. */
static void the_environment_asks_for_it(husk_heap *other)
{
    (void)other;
    static const struct {
        const char *text;
        uint64_t every, seed;
    } good[] = { { "", 0, 0 },        { "0", 0, 0 },
                 { "1", 1, 0 },       { "4294967296", 1ull << 32, 0 },
                 { "100:7", 100, 7 }, { "3:18446744073709551615", 3, UINT64_MAX } };
    static const char *const bad[] = { "x",
                                       "1x",
                                       "-1",
                                       " 1",
                                       "1:",
                                       ":1",
                                       "1:x",
                                       "1.5",
                                       "1:2:3",
                                       "4294967297",
                                       "+1",
                                       "99999999999999999999",
                                       "1:18446744073709551616" };
    char old[64] = "";
    const char *was = getenv("HUSK_STRESS");
    if (was)
        snprintf(old, sizeof old, "%s", was);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        setenv("HUSK_STRESS", good[i].text, 1);
        husk_heap *heap = heap_open(NULL);
        if (!heap) {
            story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
            break;
        }
        husk_stress stress;
        husk_heap_get_stress(heap, &stress);
        assert_int_equal(stress.every, good[i].every);
        assert_int_equal(stress.seed, good[i].seed);
        heap_close(heap, true);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        husk_heap *heap = NULL;
        setenv("HUSK_STRESS", bad[i], 1);
        assert_int_equal(husk_heap_new(NULL, &heap), HUSK_EINVAL);
        assert_null(heap);
        assert_non_null(strstr(husk_message(), "HUSK_STRESS"));
        assert_non_null(strstr(husk_message(), bad[i]));
    }
    if (was)
        setenv("HUSK_STRESS", old, 1);
    else
        unsetenv("HUSK_STRESS");
}

STORIES(STORY(every_nth_allocation, 0), STORY(a_seed_gives_the_same_places, 0), STORY(it_can_be_held_off, 0),
        STORY(the_environment_asks_for_it, 0));
