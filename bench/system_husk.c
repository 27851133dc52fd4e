/* system_husk.c: the heap that is measured. It is never closed: the process ends with it. */
#include "bench.h"
#include "system_husk.h"

#include <stdio.h>

husk_heap *sys_heap;
const husk_type *sys_type;

static const husk_slot node_slots[] = {
    { "one", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(sys_node, ref[0]), 0, 0, 0 },
    { "other", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(sys_node, ref[1]), 0, 0, 0 },
};
static const husk_type_spec node_spec = {
    HUSK_TYPE_SPEC, .name = "node", .size = sizeof(sys_node), .slots = node_slots, .slot_count = 2,
};

const char *sys_about(void)
{
    static char text[40];
    snprintf(text, sizeof text, "Husk %s", husk_version());
    return text;
}

void sys_start(void)
{
    bench_check(husk_type_register(&node_spec, &sys_type) == HUSK_OK, "the type is registered");
    bench_check(husk_heap_new(NULL, &sys_heap) == HUSK_OK, "the heap is made");
    bench_check(husk_heap_disable(sys_heap, "bench") == HUSK_OK, "automatic passes are off");
}

size_t sys_collect(void)
{
    husk_pass pass;
    bench_check(husk_heap_collect(sys_heap, &pass) == HUSK_OK, "the pass runs");
    return pass.collected;
}
