/* tests/flow/ledger_story.h: what stories of ledgers share: a ledger for a block, its rows as text, and functions that take
 * and release references, each at a place of its own. */
#ifndef TESTS_FLOW_LEDGER_STORY_H
#define TESTS_FLOW_LEDGER_STORY_H

#include "story.h"
#include "types.h"

#include <husk/ledger.h>
#include <stdio.h>
#include <string.h>

#define APART __attribute__((noinline, unused))

/* A ledger until the end of the block: what the block holds is released before. */
static inline void ledger_end(husk_heap **heap)
{
    if (*heap) {
        verify(*heap);
        husk_ledger_stop(*heap);
        assert_false(husk_ledger_is_on(*heap));
        verify(*heap);
    }
}
#define LEDGER(...)                                                                                          \
    __attribute__((cleanup(ledger_end))) husk_heap *ledger_of_block = NULL;                                  \
    husk_ledger_options ledger_options = { HUSK_LEDGER_OPTIONS, __VA_ARGS__ };                               \
    TRY_OK(husk_ledger_start(heap, &ledger_options));                                                        \
    ledger_of_block = heap
#define NODES .types = (const husk_type *const[]){ type_node }, .type_count = 1

/* References of a story that ended early; else there are none beside that of the HOLD variable before it. */
static inline void only_one(husk_obj **held)
{
    while (*held && husk_obj_strong_count(*held) > 1) {
        assert_true(story_failing);
        husk_obj_release(*held);
    }
}
#define ONLY_ONE(obj) __attribute__((cleanup(only_one), unused)) husk_obj *only_##obj = (obj)

static inline husk_ledger_figures figures(const husk_heap *heap)
{
    husk_ledger_figures now;
    husk_ledger_figures_get(heap, &now);
    return now;
}

static inline husk_ledger_book book(const husk_obj *obj)
{
    husk_ledger_book now;
    assert_true(husk_ledger_book_get(obj, &now));
    assert_int_equal(now.count, husk_obj_strong_count(obj));
    return now;
}

/* The rows of obj, first lines joined by "; ". NULL: no memory. */
static inline const char *rows(const husk_obj *obj, uint32_t flags)
{
    static char text[2048];
    husk_ledger_list *list;
    husk_heap *heap = husk_obj_heap(obj);
    husk_status status = husk_ledger_of(obj, flags, &list);
    if (status) {
        story_refuse(heap, status, "husk_ledger_of", __FILE__, __LINE__);
        return NULL;
    }
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < husk_ledger_list_count(list); i++) {
        char line[256];
        size_t length = husk_ledger_list_text(list, i, 0, line, sizeof line);
        assert_int_equal(length, strlen(line));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "; " : "", line);
    }
    husk_ledger_list_free(list);
    return text;
}

/* Where memory fails entries may be lost, and places unknown: the figures agree all the same, which verify sees. */
#define ROWS(obj, flags, wanted)                                                                             \
    do {                                                                                                     \
        const char *rows_text = rows((obj), (flags));                                                        \
        if (!rows_text)                                                                                      \
            return;                                                                                          \
        if (!story_failing)                                                                                  \
            assert_string_equal(rows_text, wanted);                                                          \
    } while (0)
#define ALL_ROWS (HUSK_LEDGER_HELD | HUSK_LEDGER_RELEASES)

/* The function of a row's newest frame. */
static inline const char *function_of(const husk_obj *obj, size_t index)
{
    static char name[128];
    husk_ledger_list *list;
    husk_place_frame frame = { "", "", 0, 0 };
    if (husk_ledger_of(obj, ALL_ROWS, &list))
        return "";
    (void)husk_ledger_list_frame(list, index, 0, &frame);
    snprintf(name, sizeof name, "%s", frame.function);
    husk_ledger_list_free(list);
    return name;
}

static APART husk_obj *make(husk_heap *heap)
{
    husk_obj *obj = node_new(heap, type_node, 1);
    __asm__ volatile("" ::: "memory"); /* no tail call: its frame is to be seen */
    return obj;
}

static APART void cache_takes(husk_obj *obj)
{
    husk_obj_retain(obj);
    __asm__ volatile("# not the same code as the next" ::: "memory");
}

static APART void session_takes(husk_obj *obj)
{
    husk_obj_retain(obj);
    __asm__ volatile("" ::: "memory");
}

/* From one place, so that the stacks are the same. */
static APART void cache_takes_two(husk_obj *obj)
{
    for (volatile int i = 0; i < 2; i++)
        cache_takes(obj);
}

static APART void session_ends(husk_obj *obj)
{
    husk_obj_release(obj);
    __asm__ volatile("" ::: "memory");
}

#endif
