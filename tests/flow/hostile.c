/* tests/flow/hostile.c: finalizers and callbacks that do what they should not. The heap stays whole, and what they
 * leave behind can be collected. */
#include "story.h"
#include "types.h"

static husk_obj *hooked(husk_heap *heap, int64_t number, node_hook *hook)
{
    husk_obj *obj = node_new(heap, type_hooked, number);
    if (obj)
        node_of(obj)->hook = hook;
    return obj;
}

static husk_counts counts_of(const husk_heap *heap)
{
    husk_counts counts;
    husk_heap_counts(heap, &counts);
    return counts;
}

static husk_heap *heap_of(node *self)
{
    return husk_obj_heap(husk_obj_of(self));
}

/* ---- that allocate ---- */

static size_t to_make, made;

static void make_garbage(node *self)
{
    for (made = 0; made < to_make && litter(heap_of(self), type_node); made++)
        ;
}

/* Inside a hook no pass runs. What it made is growth, not what survived: the next birth that looks ends it. */
static void much_garbage_in_a_finalizer(husk_heap *heap)
{
    for (int in_pass = 0; in_pass < 2; in_pass++) {
        collect(heap);
        assert_int_equal(husk_heap_set_pacing(heap, &(husk_pacing){ 500, 0, 1, 2 }), HUSK_OK);
        to_make = story_size(50000, 2000);
        HOLD obj = hooked(heap, 1, make_garbage);
        TRY(obj);
        if (in_pass)
            link_a(obj, obj);
        husk_obj_drop(&obj);
        uint64_t before = passes(heap);
        if (in_pass)
            collect(heap);
        if (!story_failing)
            assert_int_equal(made, to_make);
        verify(heap);
        assert_true(counts_of(heap).grown_objects >= made);
        assert_true(objects_of(heap) >= made);
        for (int i = 0; i < 3000; i++)
            TRY(litter(heap, type_node));
        if (!story_failing)
            assert_true(passes(heap) > before + (in_pass ? 1 : 0));
        husk_bound bound;
        husk_heap_bound(heap, &bound);
        assert_true(bound.kept && bound.garbage_objects <= bound.objects);
        assert_true(objects_of(heap) <= bound.objects);
        if (!story_failing)
            assert_true(bound.objects < 10000); /* it does not follow the garbage */
        verify(heap);
    }
    collect(heap);
}

/* Against max_bytes: the births are refused, the finalizer ends, the garbage is there to be collected. */
static void a_finalizer_that_allocates_until_it_is_refused(husk_heap *other)
{
    (void)other;
    for (int in_pass = 0; in_pass < 2; in_pass++) {
        husk_heap_options options = { HUSK_HEAP_OPTIONS, .max_bytes = 1u << 20 };
        husk_heap *heap = heap_open(&options);
        if (!heap) {
            story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
            return;
        }
        to_make = SIZE_MAX;
        husk_obj *obj = hooked(heap, 1, make_garbage);
        if (!obj)
            story_refuse(heap, husk_heap_failure(heap), "hooked", __FILE__, __LINE__);
        else {
            if (in_pass)
                link_a(obj, obj);
            husk_obj_drop(&obj);
            if (in_pass)
                collect(heap);
            assert_true(made > 4000 || story_failing);
        }
        husk_heap_figures figures;
        husk_heap_figures_get(heap, &figures);
        assert_true(figures.bytes_peak <= figures.max_bytes);
        verify(heap);
        assert_true(litter(heap, type_node) || story_failing); /* a pass makes room */
        collect(heap);
        assert_int_equal(objects_of(heap), 0);
        heap_close(heap, true);
    }
}

/* Each death makes the next one, by counting: the drain is a loop, not a stack. */
static void make_next(node *self)
{
    if (self->number > 0)
        husk_obj_release(hooked(heap_of(self), self->number - 1, make_next));
}

static void a_chain_of_deaths_that_make_the_next(husk_heap *heap)
{
    size_t length = story_size(200000, 200);
    tally_reset();
    HOLD obj = hooked(heap, (int64_t)length, make_next);
    TRY(obj);
    husk_obj_drop(&obj);
    if (!story_failing)
        assert_int_equal(tally.finalized, length + 1);
    assert_int_equal(objects_of(heap), 0);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_true(figures.bytes_peak < 2u << 20);
    verify(heap);
}

/* ---- that bring back ---- */

static bool goes_on;

/* A finalizer runs once in a life; one that wants to live for ever is carried by a new object each time. */
static void carry_on(node *self)
{
    if (!goes_on)
        return;
    husk_obj *carrier = hooked(heap_of(self), self->number + 1, carry_on);
    if (!carrier)
        return;
    link_a(carrier, carrier);
    link_b(carrier, husk_obj_of(self));
    husk_obj_release(carrier);
}

static void resurrection_for_ever(husk_heap *heap)
{
    goes_on = true;
    tally_reset();
    HOLD obj = hooked(heap, 0, carry_on);
    TRY(obj);
    link_a(obj, obj);
    husk_obj_drop(&obj);
    size_t rounds = story_size(60, 5);
    for (size_t i = 1; i <= rounds; i++) {
        husk_pass pass;
        assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
        if (!story_failing) {
            assert_int_equal(pass.resurrected, i);
            assert_int_equal(pass.collected, 0);
            assert_int_equal(objects_of(heap), i + 1);
        }
        verify(heap);
    }
    if (!story_failing)
        assert_int_equal(tally.finalized, rounds);
    assert_true(tally.disposed == 0 || story_failing);
    goes_on = false;
    while (collect(heap) > 0)
        ;
    assert_int_equal(objects_of(heap), 0);
    assert_int_equal(tally.finalized, tally.disposed);
}

static husk_obj *saved[4];

static void save_self(node *self)
{
    husk_obj *obj = husk_obj_of(self);
    husk_obj_retain(obj);
    saved[self->number & 3] = obj;
}

/* Brought back by a reference outside, let go, and again: the second time is the last. */
static void resurrection_by_an_outsider(husk_heap *heap)
{
    for (int in_pass = 0; in_pass < 2; in_pass++) {
        tally_reset();
        HOLD obj = hooked(heap, 2, save_self);
        TRY(obj);
        if (in_pass)
            link_a(obj, obj);
        husk_obj_drop(&obj);
        if (in_pass)
            collect(heap);
        assert_non_null(saved[2]);
        verify(heap);
        assert_int_equal(objects_of(heap), 1);
        husk_obj_drop(&saved[2]);
        collect(heap);
        assert_null(saved[2]);
        assert_int_equal(objects_of(heap), 0);
        assert_int_equal(tally.finalized, 1);
        assert_int_equal(tally.disposed, 1);
    }
}

/* ---- that take apart ---- */

enum { MEMBERS = 60 };
static husk_obj *outside[4];

/* Empties every slot that it can reach, its own too, and drops what others hold from outside. */
static void take_apart(node *self)
{
    node *all[2 * MEMBERS];
    size_t count = 0;
    for (husk_obj *at = husk_obj_of(self); at && count < 2 * MEMBERS; at = node_of(at)->a)
        all[count++] = node_of(at);
    while (count-- > 0) {
        link_a(husk_obj_of(all[count]), NULL);
        link_b(husk_obj_of(all[count]), NULL);
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        husk_obj_drop(&outside[i]);
}

static void a_finalizer_that_takes_all_apart(husk_heap *heap)
{
    for (int held = 0; held < 2; held++) {
        tally_reset();
        HOLD_MANY(all);
        for (int i = 0; i < MEMBERS; i++)
            TRY(all.at[i] = hooked(heap, i, i % 3 ? NULL : take_apart));
        for (int i = 0; i < MEMBERS; i++) {
            link_a(all.at[i], all.at[(i + 1) % MEMBERS]);
            link_b(all.at[i], all.at[(i * 7) % MEMBERS]);
        }
        for (int i = 0; held && i < 4; i++) { /* held by a program that the finalizers do not respect */
            husk_obj *other = hooked(heap, 100 + i, take_apart);
            TRY(other);
            husk_obj_take(other, &node_of(other)->b, outside[i]);
            outside[i] = other;
        }
        for (int i = 0; i < MEMBERS; i++)
            husk_obj_drop(&all.at[i]);
        collect(heap);
        verify(heap);
        collect(heap);
        assert_int_equal(objects_of(heap), 0);
        assert_int_equal(tally.finalized, MEMBERS + (held ? 4 : 0));
        assert_int_equal(tally.disposed, tally.finalized);
    }
}

/* ---- that fail ---- */

static void fail_always(node *self)
{
    husk_heap_report(heap_of(self), HUSK_EHOOK, "out of order");
}

static void a_set_of_finalizers_that_all_fail(husk_heap *heap)
{
    tally_reset();
    HOLD first = NULL;
    for (int i = 0; i < 20; i++) {
        husk_obj *obj = hooked(heap, i, fail_always);
        if (!obj) {
            husk_obj_drop(&first);
            collect(heap);
            report_forget();
            story_refuse(heap, husk_heap_failure(heap), "hooked", __FILE__, __LINE__);
            return;
        }
        link_a(obj, obj);
        husk_obj_take(obj, &node_of(obj)->b, first);
        first = obj;
    }
    husk_obj_drop(&first);
    assert_int_equal(collect(heap), 20);
    report_take(HUSK_EHOOK, 20);
    assert_int_equal(tally.disposed, 20);
    assert_int_equal(husk_heap_failure(heap), HUSK_OK);
    verify(heap);
}

/* ---- callbacks of passes ---- */

static husk_status told[8];
static int told_count;

static void collect_at_once(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    (void)phase, (void)pass, (void)data;
    husk_idle idle;
    if (told_count < 8)
        told[told_count++] = husk_heap_collect(heap, NULL);
    assert_int_equal(husk_heap_idle(heap, 1000000000, &idle), HUSK_EBUSY);
    assert_false(idle.passed);
}

/* Busy, and remembered: one more pass follows, and no third, though that one's callback asks again. */
static void a_callback_that_collects(husk_heap *heap)
{
    uint64_t id;
    TRY_OK(husk_heap_on_pass(heap, collect_at_once, NULL, NULL, &id));
    told_count = 0;
    uint64_t before = passes(heap);
    collect(heap);
    assert_int_equal(passes(heap), before + 2);
    assert_int_equal(told_count, 4);
    for (int i = 0; i < told_count; i++)
        assert_int_equal(told[i], HUSK_EBUSY);
    assert_int_equal(husk_heap_off_pass(heap, id), HUSK_OK);
    husk_heap_safepoint(heap); /* what the last of them asked for */
    assert_int_equal(passes(heap), before + 3);
    husk_heap_safepoint(heap);
    assert_int_equal(passes(heap), before + 3);
    verify(heap);
}

STORIES(STORY(much_garbage_in_a_finalizer, 0), STORY(a_finalizer_that_allocates_until_it_is_refused, 0),
        STORY(a_chain_of_deaths_that_make_the_next, 0), STORY(resurrection_for_ever, 0),
        STORY(resurrection_by_an_outsider, 0), STORY(a_finalizer_that_takes_all_apart, 0),
        STORY(a_set_of_finalizers_that_all_fail, 0), STORY(a_callback_that_collects, 0));
