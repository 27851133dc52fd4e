/* tests/unit/view_snapshot.c: the readers of a snapshot, on those made by hand. */
#include "fixture.h"

#include "sample_snapshot.h"

#include <stdio.h>

static bool text_is(const struct husk_snapshot *snapshot, uint32_t string, const char *bytes, size_t length)
{
    size_t have;
    const char *at = husk__snap_text(snapshot, string, &have);
    return have == length && memcmp(at, bytes, length) == 0 && at[length] == '\0';
}

/* What the head of sample_snapshot.h promises to the tests of others. */
static void test_sample_sums(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    assert_non_null(s);
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(s, &counts);
    assert_int_equal(counts.objects, SAMPLE_NODES);
    assert_int_equal(counts.object_bytes, 5 * SAMPLE_GIB + SAMPLE_NODE_BYTES_LESS);
    assert_int_equal(counts.edges, SAMPLE_EDGES);
    assert_int_equal(counts.weak_edges, SAMPLE_WEAK_EDGES);
    assert_int_equal(counts.buffers, 3);
    assert_int_equal(counts.buffer_bytes, SAMPLE_BUFFER_BYTES);
    assert_int_equal(counts.blocks, 3);
    assert_int_equal(counts.block_bytes, 6 * SAMPLE_GIB + SAMPLE_FOREIGN_BYTES_LESS);
    assert_int_equal(counts.traced, SAMPLE_TRACED);
    assert_int_equal(counts.types, SAMPLE_TYPES - 1);
    assert_int_equal(counts.records, SAMPLE_RECORDS - 1);
    assert_int_equal(counts.stacks, SAMPLE_STACKS - 1);
    assert_int_equal(counts.frames, SAMPLE_FRAMES - 1);

    static const uint64_t live[SAMPLE_RECORDS][2] = SAMPLE_LIVE;
    size_t traced = 0;
    for (size_t n = 0; n < counts.objects; n++)
        traced += husk__node_site(s, n) != 0;
    assert_int_equal(traced, SAMPLE_TRACED_NODES);
    for (size_t r = 1; r < SAMPLE_RECORDS; r++) {
        const struct husk__record_row *record = &SNAP(s, RECORDS)[r];
        uint64_t less = r == 4 ? 11 * SAMPLE_GIB : 0;
        assert_int_equal(record->born_count - record->died_count, live[r][0]);
        assert_int_equal(record->born_bytes - record->died_bytes - less, live[r][1]);
    }
    assert_true(text_is(s, SNAP(s, TYPES)[6].name, ODD_NAME, ODD_LENGTH(ODD_NAME)));
    husk_snapshot_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sample_sums) };
    return RUN_ROUNDS("view_snapshot", tests);
}
