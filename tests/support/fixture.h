/* tests/support/fixture.h: a heap for each test, and the promises that every test ends with.
 *
 * A test gets its heap in *state (heap_setup, heap_teardown) or, as a story, as its argument (story.h). At the
 * end the heap must verify, hold no object, have reported nothing that the test did not take note of, and leave
 * no byte behind. Errors that a heap reports are recorded: see report_take. */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <husk.h>

/* For cmocka: *state is a husk_heap *. */
int heap_setup(void **state);
int heap_teardown(void **state);
#define HEAP_TEST(function) cmocka_unit_test_setup_teardown(function, heap_setup, heap_teardown)

/* Runs the group several times: what a first run leaves behind shows in the second. */
int run_rounds(const char *name, const struct CMUnitTest *tests, size_t count);
#define RUN_ROUNDS(name, tests) run_rounds(name, tests, sizeof(tests) / sizeof((tests)[0]))

/* A heap whose reports are recorded; NULL only where memory was made to fail. */
husk_heap *heap_open(const husk_heap_options *options);
/* Verifies, wants no objects, closes, wants no reports. With `empty` false objects may be left. */
void heap_close(husk_heap *heap, bool empty);

/* What the error hooks of heaps opened by heap_open said, oldest first. */
enum { REPORTS_KEPT = 32 };
typedef struct report {
    husk_status status;
    char text[160];
} report;
size_t report_count(void);
const report *report_at(size_t index);
/* Forgets all reports after checking that there are `count`, each with this status. */
void report_take(husk_status status, size_t count);
void report_forget(void);

size_t objects_of(const husk_heap *heap);
/* Fails with the heap's message if it is damaged. */
void verify(husk_heap *heap);
/* A collect that must succeed; gives the number collected. */
size_t collect(husk_heap *heap);

/* Saves a snapshot, frees it and puts in its place what is loaded again: what a heap gives is sound in the eyes of
 * the loader. On failure there is none. */
husk_status through_file(husk_snapshot **snapshot);

/* Releases at the end of the block, on every way out (gcc and clang). */
void hold_end(husk_obj **held);
void hold_weak_end(husk_weak **held);
#define HOLD __attribute__((cleanup(hold_end))) husk_obj *
#define HOLD_WEAK __attribute__((cleanup(hold_weak_end))) husk_weak *
/* The same for several. */
enum { HOLD_MANY_MAX = 300 };
typedef struct hold_many {
    husk_obj *at[HOLD_MANY_MAX];
} hold_many;
void hold_many_end(hold_many *many);
#define HOLD_MANY(name) __attribute__((cleanup(hold_many_end))) hold_many name = { { NULL } }

#endif
