/* tests/unit/view_snapcheck.c: files whose checksums are right and whose contents are not. Each rule of the
 * checks is broken by itself, and its message says which element; then anything is changed, by chance. */
#include "fixture.h"
#include "random.h"

#include "sample_file.h"
#include "sample_snapshot.h"

#include <stdio.h>

static struct sample_file file; /* of the sample, whole between two damages */

static int make_file(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot();
    file = sample_file_of(made);
    husk_snapshot_free(made);
    return file.length ? 0 : -1;
}

static int end_file(void **state)
{
    (void)state;
    sample_file_end(&file);
    return 0;
}

static void refused(const char *what, const char *why)
{
    struct husk_snapshot *none = NULL;
    sample_file_repair(file.bytes, file.length);
    husk_status status = husk__snap_open(file.bytes, file.length, "f", &none);
    if (status != HUSK_EFORMAT)
        fail_msg("%s ... %s: %s", what, why, husk_status_name(status));
    if (!strstr(husk_message(), what) || !strstr(husk_message(), why))
        fail_msg("\"%s\" says not \"%s ... %s\"", husk_message(), what, why);
}

/* `size` bytes at `offset` of an element become `value`; it is refused, and the same as before afterwards. at:
 * the place that the message names. */
static void wrong(unsigned kind, size_t element, size_t offset, size_t size, uint64_t value, const char *at,
                  const char *why)
{
    size_t count;
    unsigned char *rows = sample_file_section(&file, kind, NULL, &count), kept[8];
    if (!rows || element >= count)
        fail_msg("section %s has no element %zu", husk__section_name(kind), element);
    unsigned char *place = rows + element * husk__section_item(kind) + offset;
    memcpy(kept, place, size);
    memcpy(place, &value, size);
    if (memcmp(kept, place, size) == 0)
        fail_msg("%s: nothing was changed", why);
    char here[64];
    snprintf(here, sizeof here, "section %s, element %zu: ", husk__section_name(kind), element);
    refused(at ? at : here, why);
    memcpy(place, kept, size);
    sample_file_repair(file.bytes, file.length);
}

#define WRONG(section, element, member, value, why) WRONG_AT(section, element, member, value, NULL, why)
#define WRONG_AT(section, element, member, value, at, why)                                                   \
    wrong(SECTION_##section, (element), offsetof(husk__snap_##section, member),                              \
          sizeof((husk__snap_##section *)0)->member, (value), (at), (why))
/* Of sections whose elements are numbers. */
#define WRONG_NUMBER(section, element, value, at, why)                                                       \
    wrong(SECTION_##section, (element), 0, sizeof(husk__snap_##section), (value), (at), (why))

#define ROW(section, element)                                                                                \
    (&((husk__snap_##section *)sample_file_section(&file, SECTION_##section, NULL, NULL))[element])

static uint32_t string_count(void)
{
    size_t count;
    (void)sample_file_section(&file, SECTION_STRING_OFF, NULL, &count);
    return (uint32_t)count - 1;
}

static void test_strings(void **state)
{
    (void)state;
    uint32_t none = string_count();
    WRONG_NUMBER(STRING_OFF, 0, 1, NULL, "string number 0 is not empty");
    WRONG_NUMBER(STRING_OFF, 1, 2, "section STRING_OFF, element 0", "string number 0 is not empty");
    WRONG_NUMBER(STRING_OFF, 3, *ROW(STRING_OFF, 2), NULL, "is not behind");
    WRONG_NUMBER(STRING_OFF, 3, UINT64_MAX, NULL, "beyond the end");
    WRONG_NUMBER(STRING_OFF, 3, *ROW(STRING_OFF, 3) - 1, "section STRINGS", "no NUL at the end of string 2");
    WRONG_NUMBER(STRING_OFF, none, *ROW(STRING_OFF, none) + 1, NULL, "beyond the end");
    WRONG_NUMBER(STRINGS, 0, 'x', NULL, "no NUL at the end of string 0");
    WRONG(META, 1, key, none, "there is no string");
    WRONG(META, 1, value, UINT32_MAX, "there is no string 4294967295");
    WRONG(NUMBERS, 2, group, none, "there is no string");
    WRONG(NUMBERS, 2, name, none, "there is no string");
    WRONG(MAPS, 1, path, none, "there is no string");
    WRONG(MAPS, 1, permissions, none, "there is no string");
    WRONG(MAPS, 1, end, 5, "its end is before its start");
    WRONG(PASSES, 2, kind, 2, "unknown kind 2");
    WRONG(CLASSES, 0, tracked, 2, "tracked is 2");
}

static void test_places(void **state)
{
    (void)state;
    uint32_t none = string_count();
    WRONG(MODULES, 1, path, none, "there is no string");
    WRONG(MODULES, 1, build_id, none, "there is no string");
    WRONG(MODULES, 2, end, 1, "its end is before its start");
    WRONG(MODULES, 0, path, 1, "not the unknown module");
    WRONG(THREADS, 1, name, none, "there is no string");
    WRONG(THREADS, 1, unused, 1, "not zero");
    WRONG(FRAMES, 3, file, none, "there is no string");
    WRONG(FRAMES, 3, function, none, "there is no string");
    WRONG(FRAMES, 3, kind, 3, "unknown kind 3");
    WRONG(FRAMES, 4, module, 3, "there is no module 3");
    WRONG(FRAMES, 4, kind, FRAME_LANGUAGE, "is not native");
    WRONG(FRAMES, 1, address, 1, "is not native");
    WRONG(FRAMES, 4, unused, 1, "not zero");
    WRONG(STACKS, 0, parent, 1, "not the empty traceback");
    WRONG(STACKS, 0, total, 1, "not the empty traceback");
    WRONG(STACKS, 5, parent, 5, "its parent 5 is not before it");
    WRONG(STACKS, 5, parent, UINT32_MAX, "is not before it");
    WRONG(STACKS, 5, parent, 0, "depth 2, and its parent's is 0");
    WRONG(STACKS, 5, depth, 3, "depth 3, and its parent's is 1");
    WRONG(STACKS, 5, frame, SAMPLE_FRAMES, "there is no frame 10");
    WRONG(STACKS, 9, total, 1, "2 frames of 1");
    WRONG(CONTEXTS, 1, tag, none, "there is no string");
    WRONG(CONTEXTS, 1, domain, none, "there is no string");
    WRONG(CONTEXTS, 1, thread, 3, "there is no thread 3");
    WRONG(CONTEXTS, 1, unused, 1, "not zero");
    WRONG(CONTEXTS, 0, tag, 1, "not the empty context");
    WRONG(RECORDS, 4, stack, SAMPLE_STACKS, "there is no traceback 11");
    WRONG(RECORDS, 4, context, 5, "there is no context 5");
    WRONG(RECORDS, 0, stack, 1, "not the unknown place");
    WRONG(EPOCHS, 1, mark, none, "there is no string");
    WRONG(EPOCHS, 1, unused, 1, "not zero");
    WRONG(EPOCHS, 2, start_ns, 5, "earlier than the one before it");
    WRONG_NUMBER(NODE_SITE, 9, 1u << SITE_EPOCH_SHIFT, NULL, "no site of record 0 and epoch 1");
    WRONG_NUMBER(NODE_SITE, 9, SAMPLE_RECORDS, NULL, "no site of record 10 and epoch 0");
    WRONG_NUMBER(NODE_SITE, 9, 1 | 3u << SITE_EPOCH_SHIFT, NULL, "no site of record 1 and epoch 3");
    WRONG(BLOCKS, 2, site, SAMPLE_RECORDS, "no site of record 10 and epoch 0");
    WRONG(BLOCKS, 2, site, 2u << SITE_EPOCH_SHIFT, "no site of record 0 and epoch 2");
    WRONG(BLOCKS, 2, kind, 0, "unknown kind 0");
    WRONG(BLOCKS, 2, kind, 3, "unknown kind 3");
}

/* Fields: node 0-2, list 3, wide 4-304, weak box 305, weak map 306-307, unused 308. */
static void test_types(void **state)
{
    (void)state;
    uint32_t none = string_count();
    WRONG(TYPES, 2, name, none, "there is no string");
    WRONG(TYPES, 2, flags, 8, "unknown flags 0x8");
    WRONG(TYPES, 2, field_first, 4, "1 fields from 4, and the next one is 3");
    WRONG(TYPES, 2, field_first, UINT32_MAX, "fields from");
    WRONG(TYPES, 2, field_count, UINT32_MAX, "4294967295 fields from 3");
    WRONG_AT(TYPES, 2, field_count, 2, "section TYPES, element 3: ", "fields from 4, and the next one is 5");
    WRONG_AT(TYPES, 8, field_count, 0, "section FIELDS, element 308: ", "of no type");
    WRONG(TYPES, 1, instances, 41, "41 instances, and there are 40");
    WRONG(TYPES, 8, instances, 1, "1 instances, and there are 0");
    WRONG(FIELDS, 1, name, none, "there is no string");
    WRONG(FIELDS, 1, kind, 3, "unknown kind 3");
    WRONG(FIELDS, 1, flags, 4, "flags 0x4");
    WRONG(FIELDS, 1, unused, 1, "unknown kind");
    WRONG(FIELDS, 1, flags, FIELD_MORE, "need a number");
    WRONG(FIELDS, 307, flags, 0, "need a number");
    WRONG(FIELDS, 1, flags, FIELD_MORE | FIELD_INDEXED, "stands for further fields, and must not");
    WRONG(FIELDS, 4 + 250, flags, FIELD_INDEXED, "does not stand for the further fields");
    WRONG(FIELDS, 4 + 260, flags, FIELD_INDEXED, "not as the field that stands for it");
    WRONG(FIELDS, 4 + 260, kind, EDGE_WEAK, "not as the field that stands for it");
    WRONG(FIELDS, 4 + 300, flags, FIELD_MORE | FIELD_INDEXED, "stands for further fields, and must not");
    /* A type of 250 fields and one that stands for none. */
    struct husk__type_row *wide = ROW(TYPES, 3), *box = ROW(TYPES, 4), kept[2] = { *wide, *box };
    wide->field_count = 251;
    box->field_first = 4 + 251;
    box->field_count = 51;
    refused("section FIELDS, element 254: ", "there are none");
    *wide = kept[0];
    *box = kept[1];
}

static void test_nodes(void **state)
{
    (void)state;
    uint64_t address = husk__node_address(ROW(NODES, 4)), where = ROW(NODES, 4)->where;
    WRONG(NODES, 5, where, where, "at 0x7f1200004000, before the end of the one before it");
    WRONG(NODES, 5, where, husk__node_where(address + 16, 1), "at 0x7f1200004010, before the end");
    WRONG(NODES, 4, where, husk__node_where(address, SAMPLE_TYPES), "there is no type 9");
    WRONG_AT(NODES, 4, where, husk__node_where(address, 8),
             "section TYPES, element 1: ", "40 instances, and there are 39");
    WRONG(NODES, 4, flags, 64, "unknown flags 0x40");
    WRONG(NODES, 0, flags, NODE_IMMORTAL, "immortal, and has hidden references");
    WRONG(NODES, 4, size, 0, "0 bytes");
    WRONG_AT(NODES, 4, size, 1 << 20, "section NODES, element 5: ", "before the end");
    WRONG(NODES, 69, degree, 2, "2 edges, and 1 are left");
    WRONG_AT(NODES, 69, degree, 0, "section EDGE_DST, element 353: ", "of no node");
    WRONG_AT(NODES, 3, degree, 2, "section EDGE_OFF, element 1: ", "before node 64");
    WRONG_NUMBER(EDGE_OFF, 0, 1, NULL, "1, and 0 edges are before node 0");
    WRONG_NUMBER(EDGE_OFF, 1, 1000000, NULL, "before node 64");

    /* Spills: node 5 hidden and degree, 7 hidden, 8 size, 32 hidden. */
    WRONG_AT(NODES, 4, size, NODE_SIZE_SPILLS, "section SPILL, element 0: ", "should be the size of node 4");
    WRONG_AT(NODES, 5, hidden, 9, "section SPILL, element 0: ", "should be the number of edges of node 5");
    WRONG_AT(NODES, 6, hidden, NODE_HIDDEN_SPILLS,
             "section SPILL, element 2: ", "hidden references of node 6");
    WRONG_AT(NODES, 9, degree, NODE_DEGREE_SPILLS, "section SPILL, element 4: ", "number of edges of node 9");
    WRONG_AT(NODES, 32, hidden, 0, "section SPILL, element 4: ", "not needed");
    WRONG_AT(NODES, 33, size, NODE_SIZE_SPILLS,
             "section SPILL, element 5: ", "should be the size of node 33");
    WRONG(SPILL, 0, node, 4, "should be the hidden references of node 5");
    WRONG(SPILL, 0, column, SPILL_DEGREE, "should be the hidden references of node 5");
    WRONG(SPILL, 0, value, 65534, "so many hidden references needed no place here");
    WRONG(SPILL, 1, value, 254, "so many edges needed no place here");
    WRONG_AT(SPILL, 1, value, 301, "section EDGE_OFF, element 1: ", "before node 64");
    WRONG_AT(SPILL, 1, value, UINT64_MAX, "section NODES, element 5: ", "edges, and 347 are left");
    WRONG(SPILL, 3, value, NODE_SIZE_SPILLS - 1, "this size needed no place here");
    WRONG_AT(SPILL, 3, value, UINT64_MAX, "section NODES, element 8: ", "18446744073709551615 bytes");
    WRONG_AT(SPILL, 3, value, 7 * SAMPLE_GIB, "section NODES, element 9: ", "before the end");
}

/* Edges: 7-306 of the list, 307-310 of the wide one, 312-316 of the map, 317-318 of the other list. */
static void test_edges(void **state)
{
    (void)state;
    WRONG_NUMBER(EDGE_DST, 353, SAMPLE_NODES, NULL, "there is no node 70");
    WRONG_NUMBER(EDGE_DST, 0, UINT32_MAX, NULL, "there is no node 4294967295");
    WRONG_NUMBER(EDGE_FIELD, 0, 3, NULL, "the type of node 0 has no field 3");
    WRONG_NUMBER(EDGE_FIELD, 7, 1, NULL, "the type of node 5 has no field 1");
    WRONG_NUMBER(EDGE_FIELD, 307, 251, NULL, "the type of node 6 has no field 251");
    WRONG_NUMBER(EDGE_FIELD, 311, 255, NULL, "the type of node 30 has no field 255");
    WRONG_NUMBER(EDGE_INDEX, 300, 249, NULL, "249 is no further field of the type of node 6");
    WRONG_NUMBER(EDGE_INDEX, 301, 300, NULL, "300 is no further field");
    WRONG_NUMBER(EDGE_INDEX, 301, UINT32_MAX, NULL, "is no further field");
    /* An entry's value: its key is the weak edge of the same number before it. */
    WRONG_NUMBER(EDGE_INDEX, 302, 4, "section EDGE_DST, element 313: ", "no key before the value");
    WRONG_NUMBER(EDGE_INDEX, 303, 4, "section EDGE_DST, element 313: ", "no key before the value");
    WRONG_NUMBER(EDGE_FIELD, 312, 1, "section EDGE_DST, element 312: ", "no key before the value");
    WRONG_NUMBER(EDGE_FIELD, 314, 1, "section EDGE_DST, element 314: ", "no key before the value");
    /* A field with numbers more, or fewer. */
    WRONG_NUMBER(EDGE_FIELD, 308, 250, "section EDGE_INDEX, element 302: ", "3 is no further field");
    WRONG_NUMBER(EDGE_FIELD, 310, 249, "section EDGE_DST, element 313: ", "no key before the value");
    WRONG_NUMBER(EDGE_INDEX_OFF, 0, 1, NULL, "1, and it should be 0");
    WRONG_NUMBER(EDGE_INDEX_OFF, 1, UINT64_MAX, NULL, "and it should be 309");
}

/* What is always there must be: its elements are made a gap of zeros. */
static void test_counts(void **state)
{
    (void)state;
    static const unsigned needed[] = { SECTION_STRINGS, SECTION_STRING_OFF, SECTION_TYPES,
                                       SECTION_RECORDS, SECTION_CONTEXTS,   SECTION_STACKS,
                                       SECTION_FRAMES,  SECTION_MODULES,    SECTION_THREADS };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct husk__file_row *row, kept;
        assert_non_null(sample_file_section(&file, needed[i], &row, NULL));
        kept = *row;
        struct sample_file whole = sample_file_copy(&file, file.length);
        row->count = 0;
        memset(file.bytes + kept.offset, 0, (size_t)kept.count * kept.item);
        char what[64];
        snprintf(what, sizeof what, "section %s has 0 elements", husk__section_name(needed[i]));
        refused(what, "too few");
        sample_file_end(&file);
        file = whole;
    }
}

/* Sections of another length than those that they go with; the rest of the section is made a gap of zeros. */
static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        const char *why;
    } cases[] = {
        { SECTION_NODE_SITE, "section NODE_SITE has 69 elements: not one for each node" },
        { SECTION_EDGE_OFF, "section EDGE_OFF has 1 elements: not one for every 64 nodes" },
        { SECTION_EDGE_FIELD, "section EDGE_FIELD has 353 elements: not one for each edge" },
        { SECTION_EDGE_DST, "section EDGE_FIELD has 354 elements: not one for each edge" },
        { SECTION_EDGE_INDEX_OFF, "section EDGE_INDEX_OFF has 1 elements: not one for every 64 nodes" },
        { SECTION_EDGE_INDEX, "section EDGE_INDEX, element 309: missing" },
        { SECTION_NODES, "section NODE_SITE has 70 elements: not one for each node" },
        { SECTION_SPILL, "section SPILL, element 4: should be" },
        { SECTION_FIELDS, "section TYPES, element 8: " },
        { SECTION_STRINGS, "section STRING_OFF" },
        { SECTION_STRING_OFF, "section STRINGS" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sample_file whole = sample_file_copy(&file, file.length);
        struct husk__file_row *row;
        size_t count;
        unsigned char *at = sample_file_section(&file, cases[i].kind, &row, &count);
        assert_non_null(at);
        row->count--;
        memset(at + (count - 1) * row->item, 0, row->item);
        refused(cases[i].why, "");
        sample_file_end(&file);
        file = whole;
    }
}

/* Whatever is changed, once, twice or often: it is refused with a text, or it is sound and can be read. */
static void test_by_chance(void **state)
{
    (void)state;
    static uint64_t seed = 1;
    random64 r = random_from(seed++);
    struct husk_snapshot *made = sample_snapshot_random(seed, 80, 300, 12);
    struct sample_file other = sample_file_of(made);
    husk_snapshot_free(made);
    unsigned sound = 0;
    for (unsigned round = 0; round < 6000; round++) {
        struct sample_file damaged =
            round % 2 ? sample_file_copy(&other, other.length) : sample_file_copy(&file, file.length);
        for (unsigned changes = 1 + random_below(&r, 3); changes; changes--) {
            static const unsigned char bytes[] = { 0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF };
            size_t at = random_below(&r, (uint32_t)damaged.length);
            if (random_below(&r, 2))
                damaged.bytes[at] = bytes[random_below(&r, sizeof bytes)];
            else
                damaged.bytes[at] ^= (unsigned char)(1u << at % 8);
        }
        sample_file_repair(damaged.bytes, damaged.length);
        struct husk_snapshot *back = NULL;
        husk_status status = husk__snap_open(damaged.bytes, damaged.length, "f", &back);
        if (status == HUSK_OK) {
            (void)sample_snapshot_walk(back);
            sound++;
        } else {
            assert_int_equal(status, HUSK_EFORMAT);
            assert_true(strncmp(husk_message(), "f: ", 3) == 0);
        }
        husk_snapshot_free(back);
        sample_file_end(&damaged);
    }
    assert_true(sound > 60 && sound < 5000);
    sample_file_end(&other);
}

#define OF_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, end_file)

int main(void)
{
    const struct CMUnitTest tests[] = { OF_FILE(test_strings), OF_FILE(test_places),   OF_FILE(test_types),
                                        OF_FILE(test_nodes),   OF_FILE(test_edges),    OF_FILE(test_counts),
                                        OF_FILE(test_lengths), OF_FILE(test_by_chance) };
    return RUN_ROUNDS("view_snapcheck", tests);
}
