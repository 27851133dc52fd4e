/* Texts: the bytes, their end, their equality, and memory that ends. */
#include "kinds_check.h"

#include "kinds/kind.h"

static void test_bytes(void **state)
{
    husk_heap *heap = *state;
    HOLD text = text_of(heap, "hello");
    assert_int_equal(husk_text_length(text), 5);
    assert_string_equal(husk_text_bytes(text), "hello");
    assert_int_equal(husk_obj_kind(text), HUSK_KIND_TEXT);
    assert_false(husk_obj_is_tracked(text));
    HOLD empty = husk_text_new(heap, "", 0);
    HOLD none = husk_text_new(heap, NULL, 0);
    assert_int_equal(husk_text_length(empty), 0);
    assert_int_equal(husk_text_length(none), 0);
    assert_string_equal(husk_text_bytes(none), "");
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    HOLD bytes = husk_text_new(heap, all, sizeof all);
    assert_int_equal(husk_text_length(bytes), sizeof all);
    assert_memory_equal(husk_text_bytes(bytes), all, sizeof all);
    assert_int_equal(husk_text_bytes(bytes)[sizeof all], 0);
    all[0] = 'x'; /* copied */
    assert_int_equal(husk_text_bytes(bytes)[0], 0);
    HOLD copy = husk_text_new(heap, husk_text_bytes(bytes) + 10, 20);
    assert_memory_equal(husk_text_bytes(copy), husk_text_bytes(bytes) + 10, 20);
}

/* Every length around the sizes of blocks, pages and mappings has its bytes and its NUL. */
static void test_lengths(void **state)
{
    husk_heap *heap = *state;
    static char source[3u << 20];
    for (size_t i = 0; i < sizeof source; i++)
        source[i] = (char)('a' + i % 23);
    size_t length = 0;
    while (length <= sizeof source) {
        HOLD text = husk_text_new(heap, source, length);
        assert_non_null(text);
        assert_int_equal(husk_text_length(text), length);
        assert_memory_equal(husk_text_bytes(text), source, length);
        assert_int_equal(husk_text_bytes(text)[length], 0);
        length = length < 600 ? length + 1 : length + length / 7;
    }
    assert_int_equal(objects_of(heap), 0);
}

static void test_equal(void **state)
{
    husk_heap *heap = *state;
    OTHER_HEAP(other);
    HOLD a = text_of(heap, "same");
    HOLD b = text_of(heap, "same");
    HOLD shorter = text_of(heap, "sam");
    HOLD different = text_of(heap, "some");
    HOLD nul = husk_text_new(heap, "same\0", 5);
    husk_obj *far = text_of(other, "same");
    assert_true(husk_value_equal(husk_ref(a), husk_ref(a)));
    assert_true(husk_value_equal(husk_ref(a), husk_ref(b)));
    assert_true(husk_value_equal(husk_ref(a), husk_ref(far)));
    assert_false(husk_value_equal(husk_ref(a), husk_ref(shorter)));
    assert_false(husk_value_equal(husk_ref(a), husk_ref(different)));
    assert_false(husk_value_equal(husk_ref(a), husk_ref(nul)));
    assert_false(husk_value_equal(husk_ref(a), husk_nil()));
    husk_obj_release(far);
    heap_close(other, true);
}

static void test_no_text(void **state)
{
    husk_heap *heap = *state;
    HOLD list = husk_list_new(heap);
    HOLD obj = leaf_of(heap);
    assert_null(husk_text_bytes(list));
    assert_int_equal(husk_text_length(list), 0);
    assert_null(husk_text_bytes(obj));
    assert_int_equal(husk_text_length(obj), 0);
    assert_null(husk_text_new(heap, NULL, 1));
    assert_int_equal(husk_heap_failure(heap), HUSK_EINVAL);
    assert_non_null(strstr(husk_heap_message(heap), "1 bytes, which are NULL"));
}

static void test_too_long(void **state)
{
    husk_heap *heap = *state;
    const size_t lengths[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 64, (size_t)PTRDIFF_MAX };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_null(husk_text_new(heap, "x", lengths[i])); /* refused before a byte is read */
        husk_status status = husk_heap_failure(heap);
        assert_true(status == HUSK_ERANGE || status == HUSK_ENOMEM);
    }
    verify(heap);
}

static void test_refused_memory(void **state)
{
    husk_heap *heap = *state;
    husk_memory_fail(1, true);
    HOLD text = husk_text_new(heap, "abc", 3);
    assert_null(text);
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    husk_memory_fail(0, false);
    text = text_of(heap, "abc");
    static char big[6u << 20];
    husk_memory_fail(1, true);
    husk_obj *refused = husk_text_new(heap, big, sizeof big);
    husk_memory_fail(0, false);
    assert_null(refused);
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    assert_string_equal(husk_text_bytes(text), "abc");
}

static void test_max_bytes(void **state)
{
    (void)state;
    static char big[4u << 20];
    husk_heap *heap = small_heap(1u << 20);
    assert_null(husk_text_new(heap, big, sizeof big));
    assert_int_equal(husk_heap_failure(heap), HUSK_ELIMIT);
    verify(heap);
    husk_obj *text = husk_text_new(heap, big, 1000);
    assert_non_null(text);
    husk_obj_release(text);
    heap_close(heap, true);
}

/* The hash: the same for the same bytes, never 0, and no patterns in it for keys with a pattern. */
static void test_hash(void **state)
{
    husk_heap *heap = *state;
    HOLD a = text_of(heap, "some key");
    HOLD b = text_of(heap, "some key");
    assert_true(husk__text_hash(a) == husk__text_hash(b));
    assert_true(husk__text_hash(a) == husk__hash_bytes("some key", 8));
    assert_true(husk__text_hash(a) == husk__text_hash(a));
    HOLD empty = text_of(heap, "");
    assert_true(husk__text_hash(empty) != 0);
    /* zeros of every length differ, aligned or not */
    static const char zeros[64 + 1];
    for (size_t i = 0; i < 64; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(husk__hash_bytes(zeros, i) != husk__hash_bytes(zeros, k));
    /* each single bit of each of 24 bytes changes about half of the hash */
    char bytes[25] = "abcdefghijklmnopqrstuvwx";
    uint64_t plain = husk__hash_bytes(bytes + 1, 23);
    for (int bit = 8; bit < 8 * 24; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        int changed = __builtin_popcountll(plain ^ husk__hash_bytes(bytes + 1, 23));
        assert_in_range(changed, 10, 54);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
}

int main(void)
{
    types_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_bytes),     HEAP_TEST(test_lengths),  HEAP_TEST(test_equal),
        HEAP_TEST(test_no_text),   HEAP_TEST(test_too_long), HEAP_TEST(test_refused_memory),
        HEAP_TEST(test_max_bytes), HEAP_TEST(test_hash),
    };
    return RUN_ROUNDS("kinds_text", tests);
}
