/* tests/support/story.h: stories, which run twice: as they are (tests/flow) and with memory failing (tests/fault).
 *
 * A story is a function that gets a heap and tells what a user of the library sees. Calls that may fail for want
 * of memory stand in TRY or TRY_OK: when memory was made to fail the story ends there, what it holds in HOLD
 * variables is released, and the harness checks that nothing is lost. Each file defines `stories`. */
#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include "fixture.h"

typedef struct story {
    const char *name;
    void (*tell)(husk_heap *heap);
    unsigned flags;
} story;

enum {
    STORY_LEAVES_OBJECTS =
        1u << 0,              /* ends with objects in the heap on purpose; reports are its own business */
    STORY_NO_FAULT = 1u << 1, /* says nothing about memory, and is slow or starts processes */
};

#define STORY(function, flags_)                                                                              \
    {                                                                                                        \
#function, function, flags_                                                                          \
    }

extern const story stories[];
extern const size_t story_count;
#define STORIES(...)                                                                                         \
    const story stories[] = { __VA_ARGS__ };                                                                 \
    const size_t story_count = sizeof(stories) / sizeof(stories[0])

/* True while requests for memory are made to fail. */
extern bool story_failing;
/* Calls that failed for want of memory in this telling. */
extern size_t story_refused;

/* The size for a story that is about size: small where it is told many times or slowly. */
size_t story_size(size_t large, size_t small);

/* Notes that a call was refused; fails the test unless memory was made to fail. */
void story_refuse(husk_heap *heap, husk_status status, const char *call, const char *file, int line);

#define TRY(call)                                                                                            \
    do {                                                                                                     \
        if (!(call)) {                                                                                       \
            story_refuse(heap, husk_heap_failure(heap), #call, __FILE__, __LINE__);                          \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

#define TRY_OK(call)                                                                                         \
    do {                                                                                                     \
        husk_status try_status = (call);                                                                     \
        if (try_status != HUSK_OK) {                                                                         \
            story_refuse(heap, try_status, #call, __FILE__, __LINE__);                                       \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

#endif
