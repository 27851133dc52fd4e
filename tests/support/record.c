/* tests/support/record.c: see record.h. */
#include "record.h"

#include "types.h"

#include <stdio.h>
#include <string.h>

void record_check(const husk_pass_record *r)
{
    uint64_t sum = 0, objects = r->rest.objects, bytes = r->rest.bytes;
    assert_int_equal(r->candidates,
                     r->freed + r->saved + r->resurrected + r->deferred + r->held + r->reached);
    for (int p = 0; p < HUSK_PARTS; p++)
        sum += r->ns[p];
    assert_int_equal(r->pause_ns, sum);
    assert_true(r->pauses >= 1 && r->longest_ns <= r->pause_ns);
    if (r->mode != HUSK_STEP) {
        assert_int_equal(r->pauses, 1);
        assert_int_equal(r->longest_ns, r->pause_ns);
    }
    assert_true(r->types <= HUSK_RECORD_TYPES);
    for (uint32_t i = 0; i < r->types; i++) {
        assert_non_null(r->by_type[i].type);
        assert_true(r->by_type[i].objects > 0);
        if (i)
            assert_true(r->by_type[i].bytes <= r->by_type[i - 1].bytes);
        objects += r->by_type[i].objects;
        bytes += r->by_type[i].bytes;
    }
    assert_int_equal(objects, r->freed);
    assert_int_equal(bytes, r->freed_bytes);
}

void record_latest(const husk_heap *heap, husk_pass_record *out)
{
    memset(out, 0xEE, sizeof *out);
    assert_int_equal(husk_heap_pass_record(heap, husk_heap_pass_count(heap), out), HUSK_OK);
    record_check(out);
}

const husk_type *record_kind[RECORD_KINDS];

husk_status record_kinds(size_t count)
{
    static char names[RECORD_KINDS][32];
    static const husk_slot slots[] = { HUSK_REF(node, a) };
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof names[i], "kind%zu", i);
        husk_type_spec spec = { HUSK_TYPE_SPEC, .name = names[i], .size = sizeof(node) + i % 10 * 64,
                                .slots = slots, .slot_count = 1 };
        husk_status status = record_kind[i] ? HUSK_OK : husk_type_register(&spec, &record_kind[i]);
        if (status != HUSK_OK)
            return status;
    }
    return HUSK_OK;
}
