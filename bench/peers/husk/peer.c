/* peer.c: the type of the trees, the callback of a weak reference, steps. */
#include "work.h"

const husk_type *peer_branch_type;

static const husk_slot branch_slots[] = {
    { "left", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(peer_branch_data, ref[0]), 0, 0, 0 },
    { "right", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(peer_branch_data, ref[1]), 0, 0, 0 },
    { "parent", HUSK_SLOT_REF, HUSK_IN_FIELD, offsetof(peer_branch_data, ref[2]), 0, 0, 0 },
};
static const husk_type_spec branch_spec = {
    HUSK_TYPE_SPEC,        .name = "branch", .size = sizeof(peer_branch_data),
    .slots = branch_slots, .slot_count = 3,
};

/* sys_start disabled them. */
void peer_automatic(bool on)
{
    if (!peer_branch_type)
        bench_check(husk_type_register(&branch_spec, &peer_branch_type) == HUSK_OK, "the type is registered");
    if (on != husk_heap_is_enabled(sys_heap))
        bench_check((on ? husk_heap_enable(sys_heap) : husk_heap_disable(sys_heap, "bench")) == HUSK_OK,
                    "automatic passes are on or off");
}

void peer_on_gone(husk_weak *weak, void *count)
{
    (void)weak;
    (*(size_t *)count)++;
}

void peer_steps_begin(uint64_t budget_ns)
{
    peer_automatic(true);
    bench_check(husk_heap_set_young(sys_heap, 0) == HUSK_OK, "there are no young runs");
    bench_check(husk_heap_set_pause(sys_heap, budget_ns) == HUSK_OK, "automatic passes run in steps");
}

void peer_step(uint64_t budget_ns)
{
    bench_check(husk_heap_step(sys_heap, budget_ns, NULL) == HUSK_OK, "the step runs");
}

bool peer_bound_kept(size_t live)
{
    husk_bound bound;
    husk_heap_figures figures;
    husk_heap_bound(sys_heap, &bound);
    husk_heap_figures_get(sys_heap, &figures);
    bench_check(figures.objects >= live, "what lives is there");
    return bound.kept && figures.objects - live <= bound.garbage_objects && figures.objects <= bound.objects;
}
