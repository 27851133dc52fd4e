/* bench_taking.c: Husk's whole snapshot of a traced heap, with all that is in one by default: of a million
 * objects with three references each, and of ten million with two. References go to random objects: who is
 * near in memory is not near in the graph, so each of them costs a miss or two of the caches. */
#include "bench.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGE = 10, PLACES = 1000, NEEDS = 256 /* bytes, for each object of the large heap, at most */ };

typedef struct wide {
    husk_obj *ref[3];
    int64_t number;
} wide;

static const husk_slot wide_slots[] = {
    { "first", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(wide, ref[0]), 0, 0, 0 },
    { "second", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(wide, ref[1]), 0, 0, 0 },
    { "third", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(wide, ref[2]), 0, 0, 0 },
};
static const husk_type_spec wide_spec = {
    HUSK_TYPE_SPEC, .name = "wide", .size = sizeof(wide), .slots = wide_slots, .slot_count = 3,
};

static husk_obj **build(const husk_type *type, size_t count, unsigned degree)
{
    husk_obj **all = bench_table(count, sizeof *all);
    uint64_t random = 1;
    for (size_t i = 0; i < count; i++) {
        husk_trace_at(sys_heap, __FILE__, (uint32_t)(1 + i % PLACES), NULL);
        all[i] = husk_obj_new_inline(sys_heap, type);
        bench_check(all[i] != NULL, "there is memory for all objects");
    }
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < degree; k++) {
            husk_obj *to = all[bench_random(&random, count)];
            husk_obj **refs = husk_obj_data(all[i]);
            bench_check(husk_obj_set(all[i], &refs[k], to) == HUSK_OK, "a reference is stored");
        }
    return all;
}

static husk_snapshot *take(uint64_t *ns)
{
    husk_snapshot *snapshot;
    uint64_t start = bench_now();
    bench_check(husk_snapshot_new(sys_heap, NULL, &snapshot) == HUSK_OK, "the snapshot is taken");
    *ns = bench_now() - start;
    return snapshot;
}

void bench_snapshot_edges(const bench *b)
{
    const husk_type *type;
    bench_check(husk_type_register(&wide_spec, &type) == HUSK_OK, "the type is registered");
    sys_trace_start(1, 0);
    husk_obj **all = build(type, b->objects, 3);
    for (unsigned n = 0; n <= b->samples; n++) {
        uint64_t ns;
        husk_snapshot *snapshot = take(&ns);
        husk_snapshot_counts counts;
        husk_snapshot_counts_get(snapshot, &counts);
        bench_check(counts.objects >= b->objects && counts.edges >= 3 * b->objects, "all of it is in there");
        if (n > 0)
            bench_sample(b, ns, b->objects);
        husk_snapshot_free(snapshot);
    }
    sys_trace_stop();
    free(all); /* the process ends with them */
}

/* Fewer where memory is short: rows are per object, and the time is scaled to ten million. */
static size_t large_count(const bench *b)
{
    size_t count = b->objects * LARGE;
    husk_system_memory memory;
    if (husk_system_memory_get(&memory) == HUSK_OK && memory.available / NEEDS < count) {
        count = (size_t)(memory.available / NEEDS);
        fprintf(stderr, "bench: %s: %zu objects only, memory is short\n", b->row, count);
    }
    return count;
}

void bench_large(const bench *b)
{
    size_t count = large_count(b);
    sys_trace_start(1, 0);
    husk_obj **all = build(sys_type, count, 2);
    for (unsigned n = 0; n < b->samples; n++) {
        uint64_t ns;
        husk_snapshot *snapshot = take(&ns);
        husk_snapshot_counts counts;
        husk_snapshot_counts_get(snapshot, &counts);
        bench_check(counts.objects >= count && counts.edges >= 2 * count, "all of it is in there");
        bench_figure(b, (double)ns / 1e9 * ((double)(b->objects * LARGE) / (double)count));
        bench bytes = *b;
        bytes.row = "large_bytes";
        bench_figure(&bytes, (double)counts.bytes / (double)counts.objects);
        husk_snapshot_free(snapshot);
    }
    sys_trace_stop();
    free(all); /* the process ends with them */
}
