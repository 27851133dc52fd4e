/* survey/dryrun.c: a pass that stops before it begins: the search is cycle/find.c's, what would follow dryorder.c's, the rows
 * census.c's. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "survey/census.h"
#include "cycle/collect.h"
#include "survey/dryorder.h"
#include "object/death.h"

#include <husk/dryrun.h>

struct husk_dryrun {
    husk_dryrun_sums sums;
    struct husk__census census;
    struct husk__dryorder order;
    size_t most_objects;
};

static void dies(const husk_obj *obj, const husk_type *type, size_t bytes, bool follower, void *data)
{
    struct husk_dryrun *dryrun = data;
    dryrun->sums.objects++;
    dryrun->sums.bytes += bytes;
    dryrun->sums.followers += follower;
    husk__census_add(&dryrun->census, obj, type, bytes, 0);
    if (dryrun->census.object_count < dryrun->most_objects)
        (void)husk__census_list(&dryrun->census, obj, type, bytes, 0, follower);
}

/* So much each in earlier passes, times so many now. */
static uint64_t expected(uint64_t ns, uint64_t count, size_t now)
{
    return (uint64_t)((double)ns / (double)count * (double)now);
}

/* The search was as long as that of a pass. What follows it was only thought through, which visits the same objects:
 * as long as this heap has not ended any in a pass, that time stands for it. */
static void expect(husk_dryrun_sums *sums, const husk_generation *passes, uint64_t order_ns)
{
    sums->find_basis = HUSK_BASIS_DRY;
    sums->reclaim_basis = passes->collected ? HUSK_BASIS_PASSES : HUSK_BASIS_DRY;
    sums->reclaim_ns =
        passes->collected ? expected(passes->reclaim_ns, passes->collected, sums->objects) : order_ns;
    if (passes->finalized) {
        sums->finalize_basis = HUSK_BASIS_PASSES;
        sums->finalize_ns = expected(passes->finalize_ns, passes->finalized, sums->finalizers);
    }
}

/* What ending an object costs does not depend on which pass found it. */
static husk_generation passes_of(const husk_heap *heap)
{
    husk_generation sum = { 0 }, one;
    for (int g = 0; husk_heap_generation(heap, g, &one) == HUSK_OK; g++) {
        sum.collected += one.collected;
        sum.finalized += one.finalized;
        sum.finalize_ns += one.finalize_ns;
        sum.reclaim_ns += one.reclaim_ns;
    }
    return sum;
}

static void count_steps(const struct husk__dryorder *order, husk_dryrun_sums *sums)
{
    size_t *const counts[] = { &sums->finalizers, &sums->callbacks, &sums->cleanups };
    const struct husk__dry_step *step;
    for (size_t i = 0; (step = husk__dryorder_step(order, i)); i++)
        ++*counts[step->kind];
    sums->disposes = order->disposes;
}

static husk_status search(husk_heap *heap, struct husk_dryrun *dryrun)
{
    husk_dryrun_sums *sums = &dryrun->sums;
    husk_pass pass;
    struct husk__set set;
    size_t bytes;
    husk_status status = husk__dry_begin(heap, "dry run", &set, &pass);
    if (status)
        return status;
    sums->waiting = husk__dying_count(heap, &bytes);
    uint64_t start = husk__now();
    bool ok = husk__dryorder_run(&dryrun->order, heap, &set, dies, dryrun);
    uint64_t order_ns = husk__now() - start;
    husk__dry_end(heap, &set);
    if (!ok || !husk__census_end(&dryrun->census))
        return husk_heap_fail(heap, HUSK_ENOMEM, "dry run: %s", husk_status_text(HUSK_ENOMEM));
    count_steps(&dryrun->order, sums);
    sums->examined = pass.examined;
    sums->garbage = pass.collected;
    sums->find_ns = pass.find_ns;
    husk_generation passes = passes_of(heap);
    expect(sums, &passes, order_ns);
    return HUSK_OK;
}

husk_status husk_dryrun_new(husk_heap *heap, const husk_dryrun_options *options, husk_dryrun **out)
{
    static const husk_dryrun_options plain = { HUSK_DRYRUN_OPTIONS };
    const husk_dryrun_options *o = options ? options : &plain;
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_heap_fail(heap, HUSK_EINVAL,
                              "dry run: options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
                              o->struct_size, o->abi, sizeof *o);
    struct husk_dryrun *dryrun = husk__raw_new(sizeof *dryrun);
    if (!dryrun)
        return husk_heap_fail(heap, HUSK_ENOMEM, "dry run: %s", husk_status_text(HUSK_ENOMEM));
    dryrun->most_objects = o->most_objects;
    husk__census_begin(&dryrun->census, false);
    husk_status status = search(heap, dryrun);
    if (status) {
        husk_dryrun_free(dryrun);
        return status;
    }
    *out = dryrun;
    return HUSK_OK;
}

void husk_dryrun_free(husk_dryrun *dryrun)
{
    if (!dryrun)
        return;
    husk__dryorder_free(&dryrun->order);
    husk__census_free(&dryrun->census);
    husk__raw_free(dryrun, sizeof *dryrun);
}

void husk_dryrun_sums_get(const husk_dryrun *dryrun, husk_dryrun_sums *out)
{
    *out = dryrun->sums;
}

bool husk_dryrun_type(const husk_dryrun *dryrun, size_t index, husk_census_row *out)
{
    return husk__census_show_row(&dryrun->census, index, out);
}

bool husk_dryrun_object(const husk_dryrun *dryrun, size_t index, husk_census_object *out)
{
    return husk__census_show_object(&dryrun->census, index, out);
}

bool husk_dryrun_step_at(const husk_dryrun *dryrun, size_t index, husk_dryrun_step *out)
{
    const struct husk__dry_step *step = husk__dryorder_step(&dryrun->order, index);
    if (step)
        *out = (husk_dryrun_step){ (husk_dryrun_kind)step->kind, (uint64_t)(uintptr_t)step->hook,
                                   (uint64_t)(uintptr_t)step->of, step->of_type->name };
    return step;
}
