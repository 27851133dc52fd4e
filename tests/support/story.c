/* tests/support/story.c: see story.h. */
#include "story.h"

#include <stdio.h>

bool story_failing;
size_t story_refused;

size_t story_size(size_t large, size_t small)
{
    static int is_small = -1;
    if (is_small < 0)
        is_small = getenv("HUSK_TEST_SMALL") != NULL;
    return story_failing || is_small ? small : large;
}

void story_refuse(husk_heap *heap, husk_status status, const char *call, const char *file, int line)
{
    if (story_failing && status == HUSK_ENOMEM) {
        story_refused++;
        return;
    }
    print_error("%s:%d: %s: %s: %s\n", file, line, call, husk_status_name(status),
                heap ? husk_heap_message(heap) : "");
    _fail(file, line);
}
