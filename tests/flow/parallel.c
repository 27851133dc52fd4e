/* tests/flow/parallel.c: full passes on several threads, as far as a program sees them: the setting, and that a large
 * heap is searched by as many, with the same set. What the search does is in tests/unit/parallel.c. */
#include "story.h"

#include "record.h"
#include "types.h"

#include <stdio.h>
#include <string.h>

static void numbers_that_make_no_sense_are_refused(husk_heap *heap)
{
    static const unsigned bad[] = { 0, HUSK_PARALLEL_MOST + 1, 1u << 31, UINT32_MAX };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char wanted[64];
        assert_int_equal(husk_heap_set_parallel(heap, bad[i]), HUSK_ERANGE);
        (void)snprintf(wanted, sizeof wanted, "%u threads are not within 1 to 8", bad[i]);
        assert_non_null(strstr(husk_heap_message(heap), wanted));
        assert_int_equal(husk_heap_parallel(heap), 1);
    }
}

static void the_setting_is_kept(husk_heap *heap)
{
    husk_pass_record r;
    assert_int_equal(husk_heap_parallel(heap), 1);
    for (unsigned threads = HUSK_PARALLEL_MOST; threads >= 1; threads--) {
        TRY_OK(husk_heap_set_parallel(heap, threads));
        assert_int_equal(husk_heap_parallel(heap), threads);
        TRY(litter(heap, type_node));
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_OK);
        record_latest(heap, &r);
        assert_int_equal(r.freed, 1);
        assert_int_equal(r.threads, 1); /* too small a heap */
    }
}

/* The whole story again with one thread says the same but for the threads. */
static void a_large_heap_is_searched_by_all_of_them(husk_heap *heap)
{
    const size_t pairs = story_size(HUSK_PARALLEL_LEAST / 2, 500), kept_pairs = pairs / 4;
    const bool large = 2 * pairs >= HUSK_PARALLEL_LEAST;
    assert_int_equal(husk_heap_disable(heap, "story"), HUSK_OK);
    husk_pass_record r[2];
    for (unsigned threads = 1; threads <= 2; threads++) {
        assert_int_equal(husk_heap_set_parallel(heap, threads), HUSK_OK);
        husk_obj *kept = NULL;
        for (size_t i = 0; i < pairs; i++) {
            HOLD one = node_new(heap, type_node, 1);
            HOLD other = node_new(heap, type_node, 2);
            assert_non_null(one);
            assert_non_null(other);
            link_a(one, other);
            link_a(other, one);
            if (i % 4)
                continue;
            link_b(one, kept); /* a list of every fourth pair */
            husk_obj_drop(&kept);
            kept = one;
            husk_obj_retain(kept);
        }
        husk_pass pass;
        assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
        assert_int_equal(pass.collected, 2 * (pairs - kept_pairs));
        assert_int_equal(objects_of(heap), 2 * kept_pairs);
        record_latest(heap, &r[threads - 1]);
        char line[4096], word[32];
        (void)husk_pass_line(heap, &r[threads - 1], line, sizeof line);
        (void)snprintf(word, sizeof word, " quiet=0 threads=%u ", large ? threads : 1);
        assert_non_null(strstr(line, word));
        husk_obj_drop(&kept);
        collect(heap);
        record_latest(heap, &r[threads - 1]);
        assert_int_equal(r[threads - 1].threads, 1); /* a quarter of that */
    }
    assert_int_equal(r[0].freed, r[1].freed);
    assert_int_equal(r[0].freed_bytes, r[1].freed_bytes);
}

/* What only one thread does says so, whatever is set. */
static void young_runs_and_steps_stay_on_one_thread(husk_heap *heap)
{
    husk_pass_record r;
    TRY_OK(husk_heap_set_parallel(heap, 2));
    TRY(litter(heap, type_node));
    assert_int_equal(husk_heap_collect_young(heap, NULL), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.threads, 1);
    husk_step step = { 0 };
    while (!step.finished)
        assert_int_equal(husk_heap_step(heap, HUSK_STEP_MOST_NS, &step), HUSK_OK);
    record_latest(heap, &r);
    assert_int_equal(r.mode, HUSK_STEP);
    assert_int_equal(r.threads, 1);
}

STORIES(STORY(numbers_that_make_no_sense_are_refused, 0), STORY(the_setting_is_kept, 0),
        STORY(a_large_heap_is_searched_by_all_of_them, STORY_NO_FAULT),
        STORY(young_runs_and_steps_stay_on_one_thread, 0));
