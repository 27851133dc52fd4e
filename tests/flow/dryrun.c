/* tests/flow/dryrun.c: a dry run says what a collect then does, in the same order, and changes nothing. */
#include "story.h"
#include "types.h"

#include "random.h"

/* ---- what must be the same before and after ---- */

struct state {
    husk_heap_figures figures;
    husk_counts counts;
    husk_generation passes[HUSK_GENERATIONS];
    husk_pacing pacing;
    husk_trace_figures trace;
    husk_status failure;
    char message[256];
    size_t garbage, cleanups, reports, finalized, disposed;
};

static struct state state_of(husk_heap *heap)
{
    struct state s;
    memset(&s, 0, sizeof s);
    husk_heap_figures_get(heap, &s.figures);
    husk_heap_counts(heap, &s.counts);
    for (int g = 0; g < HUSK_GENERATIONS; g++)
        assert_int_equal(husk_heap_generation(heap, g, &s.passes[g]), HUSK_OK);
    husk_heap_get_pacing(heap, &s.pacing);
    husk_trace_figures_get(heap, &s.trace);
    s.failure = husk_heap_failure(heap);
    strncpy(s.message, husk_heap_message(heap), sizeof s.message - 1);
    s.garbage = husk_heap_garbage_count(heap);
    s.cleanups = husk_heap_cleanups(heap);
    s.reports = report_count();
    s.finalized = tally.finalized;
    s.disposed = tally.disposed;
    return s;
}

/* A dry run with everything asked for; NULL: out of memory. The heap must not feel it. */
static husk_dryrun *dry(husk_heap *heap)
{
    struct state before = state_of(heap);
    husk_dryrun_options options = { HUSK_DRYRUN_OPTIONS, .most_objects = SIZE_MAX };
    husk_dryrun *dryrun = NULL;
    husk_status status = husk_dryrun_new(heap, &options, &dryrun);
    struct state after = state_of(heap);
    if (status) {
        assert_true(story_failing);
        assert_int_equal(status, HUSK_ENOMEM);
        assert_int_equal(after.failure, HUSK_ENOMEM);
        after.failure = before.failure; /* that is all */
        memcpy(after.message, before.message, sizeof after.message);
        assert_null(dryrun);
    }
    assert_memory_equal(&before, &after, sizeof before);
    return dryrun;
}

static husk_dryrun_sums sums_of(const husk_dryrun *dryrun)
{
    husk_dryrun_sums sums;
    husk_dryrun_sums_get(dryrun, &sums);
    return sums;
}

static void dryrun_end(husk_dryrun **dryrun)
{
    husk_dryrun_free(*dryrun);
}
#define HOLD_DRY __attribute__((cleanup(dryrun_end))) husk_dryrun *

/* ---- sums and rows ---- */

static void what_would_die(husk_heap *heap)
{
    HOLD kept = node_new(heap, type_node, 0);
    TRY(kept);
    for (int i = 0; i < 3; i++)
        TRY(litter(heap, type_node));
    TRY(litter(heap, type_hooked));
    HOLD ring = node_new(heap, type_node, 1);
    TRY(ring);
    HOLD follower = husk_obj_new(heap, type_vast);
    TRY(follower);
    link_a(ring, ring);
    link_b(ring, follower);
    husk_obj_drop(&ring);
    HOLD last = NULL;
    {
        HOLD inner = node_new(heap, type_tree, 2); /* acyclic: it dies by counting, with what it holds */
        TRY(inner);
        HOLD outer = node_new(heap, type_node, 3);
        TRY(outer);
        last = husk_obj_new(heap, type_leaf);
        TRY(last);
        link_a(inner, last);
        link_a(outer, outer);
        link_b(outer, inner);
    }
    husk_obj_drop(&last);
    size_t vast_size = husk_obj_size(follower);
    husk_obj_drop(&follower);

    HOLD_DRY dryrun = dry(heap);
    TRY(dryrun);
    husk_dryrun_sums sums = sums_of(dryrun);
    if (story_failing) /* a birth that found no memory has had garbage collected */
        return;
    assert_int_equal(sums.examined, 8); /* all that is tracked; the tree and the leaf are not */
    assert_int_equal(sums.garbage, 7);
    assert_int_equal(sums.objects, 9);
    assert_int_equal(sums.followers, 2);
    assert_int_equal(sums.finalizers, 1);
    assert_int_equal(sums.callbacks, 0);
    assert_int_equal(sums.disposes, 1);
    assert_int_equal(sums.waiting, 0);
    assert_int_equal(sums.find_basis, HUSK_BASIS_DRY);
    assert_int_equal(sums.reclaim_basis, HUSK_BASIS_DRY);
    assert_int_equal(sums.finalize_basis, HUSK_BASIS_NONE);
    assert_true(sums.find_ns > 0);

    static const struct {
        const char *type;
        size_t objects;
    } rows[] = { { "vast", 1 }, { "node", 5 }, { "hooked", 1 }, { "tree", 1 }, { "leaf", 1 } };
    size_t bytes = 0;
    husk_census_row type;
    for (size_t i = 0; i < 5; i++) {
        assert_true(husk_dryrun_type(dryrun, i, &type));
        assert_string_equal(type.type, rows[i].type);
        assert_string_equal(type.place, "");
        assert_int_equal(type.objects, rows[i].objects);
        bytes += type.bytes;
    }
    assert_false(husk_dryrun_type(dryrun, 5, &type));
    assert_int_equal(bytes, sums.bytes);
    assert_true(husk_dryrun_type(dryrun, 0, &type));
    assert_int_equal(type.bytes, vast_size);

    size_t count = 0, followers = 0;
    uint64_t latest = 0;
    husk_census_object object;
    for (; husk_dryrun_object(dryrun, count, &object); count++) {
        followers += object.follower;
        assert_true(object.follower || (object.address > latest && !followers));
        latest = object.address;
        assert_string_equal(object.place, "");
    }
    assert_int_equal(count, 9);
    assert_int_equal(followers, 2);

    husk_heap_figures before, after;
    husk_heap_figures_get(heap, &before);
    assert_int_equal(collect(heap), sums.garbage);
    husk_heap_figures_get(heap, &after);
    assert_int_equal(before.objects - after.objects, sums.objects);
    assert_int_equal(before.object_bytes - after.object_bytes, sums.bytes);
}

static void the_list_has_a_bound(husk_heap *heap)
{
    for (int i = 0; i < 5; i++)
        TRY(litter(heap, type_node));
    for (size_t most = 0; most < 8; most += 3) {
        husk_dryrun_options options = { HUSK_DRYRUN_OPTIONS, .most_objects = most };
        HOLD_DRY dryrun = NULL;
        TRY_OK(husk_dryrun_new(heap, &options, &dryrun));
        husk_census_object object;
        size_t count = 0;
        while (husk_dryrun_object(dryrun, count, &object))
            count++;
        assert_int_equal(count, most < 5 ? most : 5);
        assert_int_equal(sums_of(dryrun).objects, 5);
    }
    HOLD_DRY dryrun = NULL;
    TRY_OK(husk_dryrun_new(heap, NULL, &dryrun));
    husk_census_object object;
    assert_false(husk_dryrun_object(dryrun, 0, &object));
    collect(heap);
}

/* The expected pause, from what this heap has done before. */
static void the_expected_pause(husk_heap *heap)
{
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < story_size(2000, 5); i++)
            TRY(litter(heap, type_hooked));
        HOLD_DRY dryrun = dry(heap);
        TRY(dryrun);
        husk_dryrun_sums sums = sums_of(dryrun);
        husk_generation passes, young;
        assert_int_equal(husk_heap_generation(heap, 0, &passes), HUSK_OK);
        assert_int_equal(husk_heap_generation(heap, 1, &young), HUSK_OK);
        assert_int_equal(young.collected, 0);
        if (!passes.collected) {
            assert_int_equal(sums.reclaim_basis, HUSK_BASIS_DRY);
            assert_int_equal(sums.finalize_basis, HUSK_BASIS_NONE);
            assert_int_equal(sums.finalize_ns, 0);
        } else {
            assert_int_equal(sums.reclaim_basis, HUSK_BASIS_PASSES);
            assert_int_equal(sums.finalize_basis, HUSK_BASIS_PASSES);
            double each = (double)passes.reclaim_ns / (double)passes.collected;
            assert_true(sums.reclaim_ns <= (uint64_t)(each * (double)sums.objects) + 1);
            assert_true(sums.reclaim_ns + 1 >= (uint64_t)(each * (double)sums.objects));
            each = (double)passes.finalize_ns / (double)passes.finalized;
            assert_true(sums.finalize_ns + 1 >= (uint64_t)(each * (double)sums.finalizers));
        }
        collect(heap);
    }
}

static void refuse_inside(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    husk_dryrun *dryrun = NULL;
    husk_status status = husk_dryrun_new(heap, NULL, &dryrun);
    assert_null(dryrun);
    if (story_failing && status == HUSK_ENOMEM)
        return;
    assert_int_equal(status, HUSK_EBUSY);
    assert_non_null(strstr(husk_heap_message(heap), "dry run: a pass or a hook"));
}

static void refusals(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = refuse_inside;
    husk_obj_drop(&obj);
    husk_dryrun_options options = { HUSK_DRYRUN_OPTIONS };
    options.abi = 7;
    husk_dryrun *dryrun = NULL;
    assert_int_equal(husk_dryrun_new(heap, &options, &dryrun), HUSK_EINVAL);
    husk_dryrun_free(NULL);
}

static void where_they_were_made(husk_heap *heap)
{
    husk_trace_options trace = { HUSK_TRACE_OPTIONS };
    TRY_OK(husk_trace_start(heap, &trace));
    husk_trace_at(heap, "shop.c", 12, "buy");
    HOLD ring = husk_obj_new(heap, type_node);
    TRY(ring);
    link_a(ring, ring);
    husk_obj_drop(&ring);
    HOLD_DRY dryrun = dry(heap);
    TRY(dryrun);
    husk_census_object object;
    assert_true(husk_dryrun_object(dryrun, 0, &object));
    if (!story_failing)
        assert_string_equal(object.place, "shop.c:12 in buy");
    collect(heap);
}

/* A damaged heap: the dry run says so, as a collect does. */
static void a_slot_that_is_not_counted(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_node, 1);
    TRY(obj);
    HOLD other = node_new(heap, type_node, 2);
    TRY(other);
    node_of(other)->a = node_of(other)->b = obj; /* two that are not counted */
    husk_dryrun *dryrun = NULL;
    husk_status status = husk_dryrun_new(heap, NULL, &dryrun);
    node_of(other)->a = node_of(other)->b = NULL;
    assert_true(status == HUSK_ECORRUPT || (story_failing && status == HUSK_ENOMEM));
    assert_null(dryrun);
    report_take(HUSK_ECORRUPT, status == HUSK_ECORRUPT);
}

/* ---- the order, in random heaps ---- */

enum { ROUNDS = 300, OBJECTS = 120, WEAKS = 40, EVENTS = 4 * OBJECTS };

struct logged {
    husk_dryrun_kind kind;
    uint64_t hook;
};
static struct logged logged[EVENTS];
static size_t log_count;

static void log_event(husk_dryrun_kind kind, const void *hook)
{
    assert_true(log_count < EVENTS);
    logged[log_count++] = (struct logged){ kind, (uint64_t)(uintptr_t)hook };
}

static void log_finalizer(node *self)
{
    log_event(HUSK_DRY_FINALIZER, husk_obj_of(self));
}

static void log_callback(husk_weak *weak, void *data)
{
    (void)data;
    log_event(HUSK_DRY_CALLBACK, weak);
}

static void log_cleanup(husk_heap *heap, void *data)
{
    (void)heap;
    log_event(HUSK_DRY_CLEANUP, *(husk_obj **)data);
}

struct garden {
    husk_obj *objects[OBJECTS];
    husk_weak *weaks[WEAKS];
};

/* Cleanups, as they are handed to log_cleanup, not held. Some outlive their garden: cycles through acyclic objects. */
static husk_obj *cleanups_made[ROUNDS * WEAKS];
static size_t cleanup_count;

static void garden_end(struct garden *garden)
{
    for (size_t i = 0; i < OBJECTS; i++)
        husk_obj_drop(&garden->objects[i]);
    for (size_t i = 0; i < WEAKS; i++) {
        husk_weak_release(garden->weaks[i]);
        garden->weaks[i] = NULL;
    }
}

/* The last third refers only to what comes after it: it hangs on cycles and does not close any, so acyclic objects may
 * be among it. */
enum { TAIL = OBJECTS * 2 / 3 };

static husk_obj *plant(husk_heap *heap, random64 *r, bool tail)
{
    const husk_type *const types[] = {
        tail ? type_tree : type_node, type_hooked, type_hooked, type_node, type_goner, type_closed
    };
    switch (random_below(r, tail ? 20 : 10)) {
    case 0:
        return husk_weakkeymap_new(heap);
    case 1:
        return husk_weakvaluemap_new(heap);
    case 2:
        return husk_weakset_new(heap);
    default: {
        husk_obj *obj = node_new(heap, types[random_below(r, 6)], 0);
        if (obj)
            node_of(obj)->hook = log_finalizer;
        return obj;
    }
    }
}

static husk_status connect(husk_obj *from, husk_obj *to, husk_obj *third, bool first)
{
    const char *name = husk_type_name(husk_obj_type(from));
    if (strcmp(name, "weak-key map") == 0)
        return husk_weakkeymap_set(from, to, husk_ref(third));
    if (strcmp(name, "weak-value map") == 0)
        return husk_weakvaluemap_set(from, husk_int((int64_t)(uintptr_t)third % 7), to);
    if (strcmp(name, "weak set") == 0)
        return husk_weakset_add(from, to);
    if (strcmp(name, "goner") != 0) {
        node *n = node_of(from);
        return husk_obj_set(from, first ? &n->a : &n->b, to);
    }
    return HUSK_OK;
}

/* False: out of memory. */
static bool grow(husk_heap *heap, struct garden *garden, random64 *r)
{
    for (size_t i = 0; i < OBJECTS; i++)
        if (!(garden->objects[i] = plant(heap, r, i >= TAIL)))
            return false;
    for (size_t i = 0; i < 6 * OBJECTS; i++) {
        uint32_t at = random_below(r, OBJECTS), after = at < TAIL ? 0 : at + 1;
        if (after == OBJECTS)
            continue;
        husk_obj *from = garden->objects[at], *to = garden->objects[after + random_below(r, OBJECTS - after)],
                 *third = garden->objects[after + random_below(r, OBJECTS - after)];
        if (connect(from, to, third, random_below(r, 2)) == HUSK_ENOMEM)
            return false;
    }
    for (size_t i = 0; i < WEAKS; i++) {
        husk_obj *of = garden->objects[random_below(r, OBJECTS)];
        if (random_below(r, 3) == 0) {
            husk_obj **made = &cleanups_made[cleanup_count++];
            husk_cleanup *cleanup = husk_cleanup_new(of, log_cleanup, made, NULL, false);
            if (!cleanup)
                return false;
            *made = husk_cleanup_obj(cleanup);
            husk_cleanup_release(cleanup);
            continue;
        }
        husk_free_fn *data_free = random_below(r, 2) ? free : NULL;
        bool soft = random_below(r, 4) == 0; /* it holds its object */
        garden->weaks[i] = soft ? (husk_weak *)(void *)husk_soft_new(of, log_callback, NULL, data_free)
                                : husk_weak_new(of, log_callback, NULL, data_free);
        if (!garden->weaks[i])
            return false;
        husk_obj *holder = garden->objects[random_below(r, OBJECTS)];
        if (soft || random_below(r, 2)) { /* held by an object, which may be garbage, or die first */
            if (connect(holder, husk_weak_obj(garden->weaks[i]), holder, true) == HUSK_ENOMEM)
                return false;
            husk_weak_release(garden->weaks[i]);
            garden->weaks[i] = NULL;
        }
    }
    return true;
}

static void compare(husk_heap *heap, uint64_t seed)
{
    HOLD_DRY dryrun = dry(heap);
    TRY(dryrun);
    husk_dryrun_sums sums = sums_of(dryrun);
    husk_heap_figures before, after;
    husk_heap_figures_get(heap, &before);
    log_count = 0;
    size_t disposed = tally.disposed, closed = 0;
    husk_census_row type;
    for (size_t i = 0; husk_dryrun_type(dryrun, i, &type); i++)
        if (!strcmp(type.type, "hooked") || !strcmp(type.type, "goner") || !strcmp(type.type, "closed"))
            closed += type.objects;
    husk_pass pass;
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    husk_heap_figures_get(heap, &after);
    husk_dryrun_step step;
    size_t steps = 0;
    for (; husk_dryrun_step_at(dryrun, steps, &step); steps++)
        if (steps >= log_count || logged[steps].kind != step.kind || logged[steps].hook != step.hook) {
            print_error("seed %llu: step %zu of %zu was foreseen as %d of %s at %llx\n",
                        (unsigned long long)seed, steps, log_count, step.kind, step.type,
                        (unsigned long long)step.address);
            fail();
        }
    assert_int_equal(steps, log_count);
    assert_int_equal(sums.finalizers + sums.callbacks + sums.cleanups, steps);
    assert_int_equal(pass.collected, sums.garbage);
    assert_int_equal(before.objects - after.objects, sums.objects);
    assert_int_equal(before.object_bytes - after.object_bytes, sums.bytes);
    assert_int_equal(tally.disposed - disposed, closed);
}

static void foreseen_in_order(husk_heap *heap)
{
    static struct garden garden;
    cleanup_count = 0;
    size_t finalizers = 0, callbacks = 0, cleanups = 0, followers = 0;
    for (uint64_t seed = 1; seed <= story_size(ROUNDS, 1) && !story_refused; seed++) {
        random64 r = random_from(seed);
        memset(&garden, 0, sizeof garden);
        bool grown = grow(heap, &garden, &r);
        for (size_t i = 0; i < OBJECTS; i++)
            if (random_below(&r, 400))
                husk_obj_drop(&garden.objects[i]);
        if (grown) {
            husk_dryrun *dryrun = dry(heap);
            if (dryrun) {
                husk_dryrun_sums sums = sums_of(dryrun);
                finalizers += sums.finalizers;
                callbacks += sums.callbacks;
                cleanups += sums.cleanups;
                followers += sums.followers;
            }
            husk_dryrun_free(dryrun);
            compare(heap, seed);
        }
        garden_end(&garden);
        collect(heap);
        log_count = 0;
        if (story_failing && !grown)
            return;
    }
    if (!story_failing && story_size(1, 0)) { /* the test is of something */

        assert_true(finalizers > 1000);
        assert_true(callbacks > 100);
        assert_true(cleanups > 100);
        assert_true(followers > 500);
    }
}

STORIES(STORY(what_would_die, 0), STORY(the_list_has_a_bound, 0), STORY(the_expected_pause, 0),
        STORY(refusals, 0), STORY(where_they_were_made, 0), STORY(a_slot_that_is_not_counted, 0),
        STORY(foreseen_in_order, STORY_LEAVES_OBJECTS));
