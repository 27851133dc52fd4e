/* tests/fault/fault_main.c: every story again with the n-th request for memory refused, for every n, once (only
 * that one) and for good (all later ones too).
 *
 *   fault_NAME [STORY [N [on]]]
 *
 * Whatever the story could not do, the heap must verify, and when the story's hold ends nothing may be left. */
#include "story.h"
#include "types.h"

#include <stdio.h>

static uint64_t only_nth;

/* One telling with the nth request refused; false when the story asked for fewer. */
static bool tell_failing(const story *s, uint64_t nth, bool on)
{
    report_forget();
    tally_reset();
    story_refused = 0;
    story_failing = true;
    uint64_t before = husk_memory_requests();
    size_t held = husk_memory_held(); /* 0, unless a story before this one failed */
    husk_memory_fail(nth, on);
    husk_heap *heap = heap_open(NULL);
    if (heap)
        s->tell(heap);
    bool reached = husk_memory_requests() - before >= nth;
    if (heap) {
        /* Still failing, if for good: verify, collect and close must not need memory. */
        verify(heap);
        while (!husk_heap_is_enabled(heap))
            assert_int_equal(husk_heap_enable(heap), HUSK_OK);
        husk_heap_set_save_all(heap, false);
        husk_heap_unfreeze(heap);
        husk_heap_garbage_clear(heap);
        bool leaves = s->flags & STORY_LEAVES_OBJECTS;
        uint64_t quiet = husk_memory_requests();
        while (collect(heap) > 0)
            continue;
        heap_close(heap, !leaves);
        assert_int_equal(husk_memory_requests(), quiet);
        report_forget();
    }
    husk_memory_fail(0, false);
    story_failing = false;
    assert_int_equal(husk_memory_held(), held);
    return reached;
}

static void tell(void **state)
{
    const story *s = *state;
    for (int on = 0; on < 2; on++) {
        for (uint64_t nth = only_nth ? only_nth : 1;; nth++) {
            /* Known if an assertion jumps out of here. */
            fprintf(stderr, "\r%s %llu %s ", s->name, (unsigned long long)nth, on ? "on" : "");
            if (!tell_failing(s, nth, on) || only_nth)
                break;
        }
    }
    fprintf(stderr, "\n");
}

static int stop_failing(void **state)
{
    (void)state;
    husk_memory_fail(0, false);
    story_failing = false;
    return 0;
}

int main(int argc, char **argv)
{
    types_setup();
    if (argc > 2)
        only_nth = strtoull(argv[2], NULL, 10);
    struct CMUnitTest *tests = calloc(story_count, sizeof *tests);
    size_t count = 0;
    for (size_t i = 0; i < story_count; i++) {
        if (stories[i].flags & STORY_NO_FAULT || (argc > 1 && strcmp(argv[1], stories[i].name) != 0))
            continue;
        tests[count++] =
            (struct CMUnitTest){ stories[i].name, tell, NULL, stop_failing, (void *)(uintptr_t)&stories[i] };
    }
    int failed = count ? _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL) : 0;
    free(tests);
    return failed ? 1 : 0;
}
