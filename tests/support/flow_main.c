/* tests/support/flow_main.c: tells the stories of one file, each several times with a fresh heap.
 *
 *   flow_NAME [STORY]
 *
 * HUSK_EXPECT_MODE, if set, is what husk_memory_mode must answer; HUSK_TEST_SMALL makes large stories small. */
#include "story.h"
#include "types.h"

#include <stdio.h>

enum { TELLINGS = 3 };

static void tell(void **state)
{
    const story *s = *state;
    size_t held = husk_memory_held(); /* 0, unless a story before this one failed */
    for (int i = 0; i < TELLINGS; i++) {
        report_forget();
        tally_reset();
        husk_heap *heap = heap_open(NULL);
        assert_non_null(heap);
        s->tell(heap);
        bool leaves = s->flags & STORY_LEAVES_OBJECTS;
        heap_close(heap, !leaves);
        if (leaves)
            report_forget();
        assert_int_equal(husk_memory_held(), held);
    }
    const char *mode = getenv("HUSK_EXPECT_MODE");
    if (mode)
        assert_string_equal(husk_memory_mode(), mode);
}

int main(int argc, char **argv)
{
    types_setup();
    struct CMUnitTest *tests = calloc(story_count, sizeof *tests);
    size_t count = 0;
    for (size_t i = 0; i < story_count; i++) {
        if (argc > 1 && strcmp(argv[1], stories[i].name) != 0)
            continue;
        tests[count++] =
            (struct CMUnitTest){ stories[i].name, tell, NULL, NULL, (void *)(uintptr_t)&stories[i] };
    }
    if (count == 0) {
        fprintf(stderr, "%s: no story called %s\n", argv[0], argc > 1 ? argv[1] : "");
        return 2;
    }
    int failed = _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL);
    free(tests);
    return failed ? 1 : 0;
}
