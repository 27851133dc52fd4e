/* tests/unit/kinds_check.h: what the tests of the ready-made kinds share. */
#ifndef TESTS_KINDS_CHECK_H
#define TESTS_KINDS_CHECK_H

#include "fixture.h"
#include "random.h"
#include "types.h"

/* The reason of a call that failed, and words that its message must have. */
#define assert_fails(heap, call, status, words) check_fails(heap, call, status, words, __FILE__, __LINE__)

static inline void check_fails(husk_heap *heap, husk_status got, husk_status wanted, const char *words,
                               const char *file, int line)
{
    _assert_int_equal((LargestIntegralType)got, (LargestIntegralType)wanted, file, line);
    _assert_int_equal((LargestIntegralType)husk_heap_failure(heap), (LargestIntegralType)wanted, file, line);
    if (!strstr(husk_heap_message(heap), words)) {
        print_error("the message \"%s\" lacks \"%s\"\n", husk_heap_message(heap), words);
        _fail(file, line);
    }
}

/* A call that did what it should, after which the heap remembers no failure. */
#define assert_ok(heap, call)                                                                                \
    do {                                                                                                     \
        husk_status status_of_call = (call);                                                                 \
        if (status_of_call != HUSK_OK)                                                                       \
            fail_msg("%s: %s: %s", #call, husk_status_name(status_of_call), husk_heap_message(heap));        \
    } while (0)

static inline husk_obj *text_of(husk_heap *heap, const char *bytes)
{
    husk_obj *text = husk_text_new(heap, bytes, strlen(bytes));
    assert_non_null(text);
    return text;
}

static inline husk_obj *leaf_of(husk_heap *heap)
{
    husk_obj *obj = husk_obj_new(heap, type_leaf);
    assert_non_null(obj);
    return obj;
}

/* The same bits, so that a double is told from an integer and a text from another with the same bytes. */
static inline bool same_value(husk_value a, husk_value b)
{
    return a.tag == b.tag && (a.tag == HUSK_NIL || memcmp(&a.as, &b.as, sizeof a.as) == 0);
}

/* A second heap for objects that do not belong. */
#define OTHER_HEAP(name)                                                                                     \
    husk_heap *name = heap_open(NULL);                                                                       \
    assert_non_null(name)

/* A heap in which memory ends soon. */
static inline husk_heap *small_heap(size_t bytes)
{
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "small", .max_bytes = bytes };
    husk_heap *heap = heap_open(&options);
    assert_non_null(heap);
    return heap;
}

#endif
