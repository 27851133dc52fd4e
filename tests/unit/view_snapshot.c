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

/* ---- nodes and edges ---- */

static void node_is(const struct husk_snapshot *s, size_t number, const char *type, uint64_t size,
                    size_t edges, int64_t hidden)
{
    husk_node node;
    assert_true(husk_snapshot_node(s, number, &node));
    assert_string_equal(node.type, type);
    assert_int_equal(node.size, size);
    assert_int_equal(node.edges, edges);
    assert_int_equal(node.hidden, hidden);
    assert_int_equal(husk_snapshot_find(s, node.address), number);
    assert_int_equal(husk_snapshot_find(s, node.address + 8), SIZE_MAX);
}

static void test_nodes(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    node_is(s, 0, "node", 48, 2, 1);
    node_is(s, 5, "list", 2432, 300, 70000);
    node_is(s, 6, "wide", 2448, 4, 1);
    node_is(s, 7, "odd\n\"type\";", 64, 0, -1);
    node_is(s, 8, "odd\n\"type\";", 5 * SAMPLE_GIB, 0, 0);
    node_is(s, 31, "weak map", 96, 5, 1);
    node_is(s, 32, "list", 96, 2, 65535);
    node_is(s, 34, "?", 16, 0, 2);
    node_is(s, 69, "node", 48, 1, 0);
    husk_node node;
    assert_false(husk_snapshot_node(s, SAMPLE_NODES, &node));
    assert_false(husk_snapshot_node(s, SIZE_MAX, &node));
    assert_int_equal(husk_snapshot_find(s, 0), SIZE_MAX);
    assert_int_equal(husk_snapshot_find(s, UINT64_MAX), SIZE_MAX);
    assert_true(husk_snapshot_node(s, 0, &node));
    assert_true(node.tracked && node.weakly && !node.immortal && !node.frozen && !node.finalized);
    assert_int_equal(node.record, 1);
    assert_int_equal(node.stack, 2);
    assert_true(husk_snapshot_node(s, 7, &node));
    assert_true(node.finalized && node.finalizer_pending && !node.tracked);
    assert_true(husk_snapshot_node(s, 8, &node));
    assert_true(node.frozen);
    assert_true(husk_snapshot_node(s, 33, &node));
    assert_true(node.immortal);
    assert_int_equal(node.stack, 0); /* not traced */
    husk_snapshot_free(s);
}

/* Whatever is asked of an edge, and of the one behind the last. */
static void edge_is(const struct husk_snapshot *s, size_t node, size_t number, size_t to, const char *name,
                    size_t index)
{
    husk_snapshot_edge edge;
    assert_true(husk_snapshot_edge_at(s, node, number, &edge));
    assert_int_equal(edge.to, to);
    assert_int_equal(edge.index, index);
    if (name)
        assert_string_equal(edge.name, name);
    else
        assert_null(edge.name);
}

static void test_edges(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    husk_snapshot_edge edge;
    edge_is(s, 0, 0, 1, "left", SIZE_MAX);
    edge_is(s, 0, 1, 2, "right", SIZE_MAX);
    assert_false(husk_snapshot_edge_at(s, 0, 2, &edge));
    edge_is(s, 2, 1, 9, "label", SIZE_MAX);
    edge_is(s, 3, 0, 3, "left", SIZE_MAX);
    assert_false(husk_snapshot_edge_at(s, 4, 0, &edge));
    for (size_t i = 0; i < 300; i++)
        edge_is(s, 5, i, 10 + i % 20, NULL, i);
    assert_false(husk_snapshot_edge_at(s, 5, 300, &edge));
    edge_is(s, 6, 0, 1, "slot0", SIZE_MAX);
    edge_is(s, 6, 1, 7, "slot249", SIZE_MAX);
    edge_is(s, 6, 2, 8, "slot250", SIZE_MAX);
    edge_is(s, 6, 3, 9, "slot299", SIZE_MAX);
    edge_is(s, 30, 0, 0, "target", SIZE_MAX);
    assert_true(husk_snapshot_edge_at(s, 30, 0, &edge) && edge.weak && !edge.ephemeron);
    static const size_t rows[] = { 3, 3, 8, 8, 12 }, to[] = { 1, 29, 9, 31, 4 };
    for (size_t i = 0; i < 5; i++) {
        edge_is(s, 31, i, to[i], i % 2 ? "value" : "key", rows[i]);
        assert_true(husk_snapshot_edge_at(s, 31, i, &edge));
        assert_int_equal(edge.weak, i % 2 == 0);
        assert_int_equal(edge.ephemeron, i % 2 == 1);
    }
    edge_is(s, 32, 0, 5, NULL, 2);
    edge_is(s, 32, 1, 6, NULL, 4000000000u);
    for (size_t n = 35; n < SAMPLE_NODES; n++)
        edge_is(s, n, 0, n == 69 ? 35 : n + 1, "left", SIZE_MAX);
    assert_false(husk_snapshot_edge_at(s, SAMPLE_NODES, 0, &edge));
    assert_false(husk_snapshot_edge_at(s, SIZE_MAX, SIZE_MAX, &edge));
    struct husk__edge_walk none = husk__edges_of(s, SAMPLE_NODES);
    assert_false(husk__edge_next(&none));
    husk__edges_next_node(&none);
    assert_false(husk__edge_next(&none));
    husk_snapshot_free(s);
}

/* Against a walk that goes through the columns from their beginning. */
static void test_edges_random(void **state)
{
    (void)state;
    static uint64_t seed = 1;
    for (unsigned round = 0; round < 20; round++, seed++) {
        struct husk_snapshot *s = sample_snapshot_random(seed, 200, 900, round % 2 ? 5 : 0);
        const struct husk__spill *spills = SNAP(s, SPILL);
        size_t edge = 0, indexed = 0, spill = 0, weak = 0;
        uint64_t bytes = 0;
        for (size_t n = 0; n < 200; n++) {
            const struct husk__node *node = &SNAP(s, NODES)[n];
            const struct husk__type_row *type = &SNAP(s, TYPES)[node->where & 0x7FFFF];
            uint64_t size = node->size, degree = node->degree, hidden = node->hidden;
            if (size == 0xFFFFFFFF)
                size = spills[spill++].value;
            if (hidden == 0xFFFF)
                hidden = spills[spill++].value;
            if (degree == 0xFF)
                degree = spills[spill++].value;
            assert_int_equal(husk__node_size(s, n), size);
            assert_int_equal(husk__node_hidden(s, n), (int64_t)hidden);
            assert_int_equal(husk__node_degree(s, n), degree);
            bytes += size;
            for (size_t e = 0; e < degree; e++, edge++) {
                const struct husk__field *field =
                    &SNAP(s, FIELDS)[type->field_first + SNAP(s, EDGE_FIELD)[edge]];
                size_t index = field->flags & FIELD_INDEXED ? SNAP(s, EDGE_INDEX)[indexed++] : SIZE_MAX;
                if (field->flags & FIELD_MORE) {
                    field = &SNAP(s, FIELDS)[type->field_first + index + 1];
                    index = SIZE_MAX;
                }
                weak += field->kind != EDGE_STRONG;
                edge_is(s, n, e, SNAP(s, EDGE_DST)[edge],
                        field->name ? husk__snap_text(s, field->name, NULL) : NULL, index);
            }
        }
        husk_snapshot_counts counts;
        husk_snapshot_counts_get(s, &counts);
        assert_int_equal(counts.weak_edges, weak);
        assert_int_equal(counts.edges, edge - weak);
        assert_int_equal(counts.object_bytes, bytes);
        assert_int_equal(spill, SNAP_COUNT(s, SPILL));
        husk_snapshot_free(s);
    }
}

/* References left out, as the limit may have it; and nothing at all. */
static void test_without(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    static const unsigned edges[] = { SECTION_EDGE_OFF, SECTION_EDGE_DST, SECTION_EDGE_FIELD,
                                      SECTION_EDGE_INDEX_OFF, SECTION_EDGE_INDEX };
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        husk__snap_drop(s, edges[i]);
    husk_snapshot_edge edge;
    for (size_t n = 0; n < SAMPLE_NODES; n++)
        assert_false(husk_snapshot_edge_at(s, n, 0, &edge));
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(s, &counts);
    assert_int_equal(counts.edges + counts.weak_edges, 0);
    assert_int_equal(counts.objects, SAMPLE_NODES);
    husk_snapshot_free(s);

    s = husk__snap_new(0);
    husk__snap_settle(s);
    husk_snapshot_counts_get(s, &counts);
    assert_int_equal(counts.objects + counts.edges + counts.types + counts.records + counts.stacks, 0);
    husk_frame frame;
    husk_node node;
    husk_snapshot_figure figure;
    assert_false(husk_snapshot_node(s, 0, &node));
    assert_false(husk_snapshot_edge_at(s, 0, 0, &edge));
    assert_false(husk_snapshot_frame(s, 0, 0, &frame));
    assert_false(husk_snapshot_figure_at(s, 0, &figure));
    assert_null(husk_snapshot_text(s, "pid"));
    assert_null(husk_snapshot_text_key(s, 0));
    assert_int_equal(husk_snapshot_find(s, 16), SIZE_MAX);
    husk_snapshot_free(s);
    husk_snapshot_free(NULL);
}

/* ---- places, texts, numbers ---- */

static void test_tracebacks(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    static const struct {
        uint32_t stack;
        size_t index;
        const char *file, *function;
        uint32_t line;
        const char *module;
        uint64_t address;
    } frames[] = {
        { 1, 0, "main.c", "main", 10, "", 0 },
        { 4, 0, "", "demo_alloc", 0, "/usr/lib/libdemo.so", 0x7F0000001234 },
        { 4, 1, "main.c", "load", 20, "", 0 },
        { 4, 2, "main.c", "main", 10, "", 0 },
        { 7, 0, "script.lua", "a", 1, "", 0 },
        { 7, 2, "script.lua", "a", 1, "", 0 },
        { 7, 3, "main.c", "main", 10, "", 0 },
        { 9, 0, "dir;x/fi\nle\"'.lua", "f</script>", 3, "", 0 },
        { 10, 0, "", "", 0, "/usr/bin/demo", 0x550000004321 },
    };
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        husk_frame frame;
        assert_true(husk_snapshot_frame(s, frames[i].stack, frames[i].index, &frame));
        assert_string_equal(frame.file, frames[i].file);
        assert_string_equal(frame.function, frames[i].function);
        assert_int_equal(frame.line, frames[i].line);
        assert_string_equal(frame.module, frames[i].module);
        assert_int_equal(frame.address, frames[i].address);
    }
    static const uint32_t depths[] = { 0, 1, 2, 2, 3, 2, 3, 4, 1, 2, 2, 0 };
    static const uint32_t totals[] = { 0, 1, 2, 2, 3, 2, 3, 4, 12, 13, 0, 0 };
    for (uint32_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        husk_frame frame;
        assert_int_equal(husk_snapshot_depth(s, i), depths[i]);
        assert_int_equal(husk_snapshot_total_depth(s, i), totals[i]);
        assert_false(husk_snapshot_frame(s, i, depths[i], &frame));
        assert_false(husk_snapshot_frame(s, i, SIZE_MAX, &frame));
    }
    husk_snapshot_free(s);
}

static void test_texts_and_numbers(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    assert_string_equal(husk_snapshot_text(s, "time"), "2024-02-29T12:34:56Z");
    assert_string_equal(husk_snapshot_text(s, "command"), ODD_FILE);
    assert_null(husk_snapshot_text(s, "tim"));
    assert_null(husk_snapshot_text(s, ""));
    assert_string_equal(husk_snapshot_text_key(s, 4), "heap");
    assert_null(husk_snapshot_text_key(s, 5));
    uint64_t value = 7;
    assert_int_equal(husk_snapshot_number(s, "system", "total", &value), HUSK_OK);
    assert_true(value == UINT64_MAX);
    value = 7;
    assert_int_equal(husk_snapshot_number(s, "system", "rss", &value), HUSK_EMISSING);
    assert_string_equal(husk_message(), "the snapshot has no number rss of system");
    assert_int_equal(husk_snapshot_number(s, "", "", &value), HUSK_EMISSING);
    assert_int_equal(value, 7); /* as it was */
    husk_snapshot_free(s);
}

/* ---- building ---- */

/* Strings are stored once, whatever is in them, and found again when the table has grown and moved. */
static void test_strings(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct husk_snapshot *s = husk__snap_new(0);
    bool failed = false;
    uint32_t numbers[MANY];
    for (unsigned round = 0; round < 3; round++)
        for (uint32_t i = 0; i < MANY; i++) {
            char bytes[8] = { 0 };
            memcpy(bytes, &i, sizeof i); /* with NULs in it; and each a beginning of another */
            size_t length = i % 2 ? 8 : 4;
            uint32_t number = husk__snap_string(s, bytes, length, &failed);
            assert_true(round == 0 || number == numbers[i]);
            numbers[i] = number;
        }
    assert_false(failed);
    assert_int_equal(husk__snap_string(s, "x", 0, &failed), 0);
    assert_int_equal(husk__snap_string(s, "?", 1, &failed), 1);
    husk__snap_settle(s);
    for (uint32_t i = 0; i < MANY; i++) {
        size_t length;
        const char *text = husk__snap_text(s, numbers[i], &length);
        uint32_t back;
        assert_int_equal(length, i % 2 ? 8 : 4);
        memcpy(&back, text, sizeof back);
        assert_int_equal(back, i);
        assert_int_equal(text[length], 0);
    }
    assert_int_equal(SNAP_COUNT(s, STRING_OFF), MANY + 4); /* "", "?", "<unknown>", and the end */
    husk_snapshot_free(s);
}

/* What was taken back or given up does not count against the limit. */
static void test_limit_is_given_back(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 16 };
    struct husk_snapshot *s = husk__snap_new(LIMIT);
    size_t first = s->taken, most = 0;
    for (unsigned round = 0; round < 100; round++) {
        size_t added = 0;
        while (SNAP_ADD(s, NODES))
            added++;
        assert_true(s->over);
        assert_true(s->taken <= LIMIT && s->taken > LIMIT - 2 * sizeof(struct husk__node));
        assert_true(round == 0 || added == most);
        most = added;
        husk__snap_drop(s, SECTION_NODES);
        assert_int_equal(s->taken, first);
    }
    assert_null(husk__snap_add(s, SECTION_NODES, SIZE_MAX));
    assert_null(husk__snap_add(s, SECTION_NODES, SIZE_MAX / sizeof(struct husk__node)));
    assert_null(husk__snap_add(s, SECTION_STRINGS, SIZE_MAX));
    /* A string of which only half fits is not there at all. */
    char text[LIMIT];
    memset(text, 'x', sizeof text);
    bool failed = false;
    assert_int_equal(husk__snap_string(s, text, sizeof text - 1, &failed), 0);
    assert_true(failed);
    assert_int_equal(s->taken, first);
    failed = false;
    uint32_t number = husk__snap_string(s, "short", 5, &failed);
    assert_false(failed);
    husk__snap_settle(s);
    assert_string_equal(husk__snap_text(s, number, NULL), "short");
    husk_snapshot_free(s);
    for (size_t limit = 1; limit < 700; limit += 13) { /* not even the beginnings */
        s = husk__snap_new(limit);
        assert_true(!s || s->taken <= limit);
        husk_snapshot_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sample_sums),
                                        cmocka_unit_test(test_nodes),
                                        cmocka_unit_test(test_edges),
                                        cmocka_unit_test(test_edges_random),
                                        cmocka_unit_test(test_without),
                                        cmocka_unit_test(test_tracebacks),
                                        cmocka_unit_test(test_texts_and_numbers),
                                        cmocka_unit_test(test_strings),
                                        cmocka_unit_test(test_limit_is_given_back) };
    return RUN_ROUNDS("view_snapshot", tests);
}
