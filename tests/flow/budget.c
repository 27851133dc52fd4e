/* tests/flow/budget.c: the death budget: a release ends at most so many objects, later slow paths the rest. */
#include "story.h"
#include "types.h"

#include "random.h"

static size_t dying_of(const husk_heap *heap)
{
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    return figures.dying_objects;
}

static size_t taken_of(const husk_heap *heap)
{
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    return figures.object_bytes + figures.dying_bytes;
}

/* A list of nodes of a type; NULL: out of memory. */
static husk_obj *list_new(husk_heap *heap, const husk_type *type, size_t length)
{
    husk_obj *head = NULL;
    for (size_t i = 0; i < length; i++) {
        husk_obj *obj = node_new(heap, type, (int64_t)i);
        if (!obj) {
            husk_obj_drop(&head);
            return NULL;
        }
        husk_obj_take(obj, &node_of(obj)->a, head);
        head = obj;
    }
    return head;
}

static husk_obj *tree_new(husk_heap *heap, const husk_type *type, int depth)
{
    husk_obj *obj = node_new(heap, type, depth);
    if (!obj || depth == 0)
        return obj;
    husk_obj *a = tree_new(heap, type, depth - 1), *b = a ? tree_new(heap, type, depth - 1) : NULL;
    husk_obj_take(obj, &node_of(obj)->a, a);
    husk_obj_take(obj, &node_of(obj)->b, b);
    if (!b)
        husk_obj_drop(&obj);
    return obj;
}

static void a_list_ends_in_portions(husk_heap *heap)
{
    const husk_type *const types[] = { type_node, type_closed, type_hooked, type_tree };
    size_t length = story_size(2000, 60), most = story_size(300, 7);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        HOLD head = list_new(heap, types[t], length);
        TRY(head);
        tally_reset();
        assert_int_equal(husk_heap_set_death_budget(heap, most), HUSK_OK);
        assert_int_equal(husk_heap_death_budget(heap), most);
        size_t bytes = taken_of(heap), one = husk_obj_size(head);
        husk_obj_drop(&head);
        for (size_t ended = most; ended < length; ended += most) {
            assert_int_equal(dying_of(heap), 1); /* what it holds is alive until then */
            assert_int_equal(objects_of(heap), length - ended - 1);
            assert_int_equal(taken_of(heap), bytes - ended * one);
            if (types[t] == type_hooked)
                assert_int_equal(tally.finalized, ended);
            husk_heap_safepoint(heap);
        }
        assert_int_equal(dying_of(heap), 0);
        assert_int_equal(objects_of(heap), 0);
        if (types[t] == type_hooked || types[t] == type_closed)
            assert_int_equal(tally.disposed, length);
        assert_int_equal(husk_heap_set_death_budget(heap, 0), HUSK_OK);
        husk_heap_safepoint(heap);
    }
}

/* Later releases and allocations go on, too. */
static void everybody_takes_a_part(husk_heap *heap)
{
    size_t length = story_size(50000, 400);
    HOLD head = list_new(heap, type_node, length);
    TRY(head);
    HOLD other = husk_obj_new(heap, type_leaf);
    TRY(other);
    assert_int_equal(husk_heap_set_death_budget(heap, 10), HUSK_OK);
    husk_obj_drop(&head);
    assert_int_equal(objects_of(heap), length - 11 + 1);
    husk_obj_drop(&other); /* it is first, and then nine of the list */
    assert_int_equal(objects_of(heap), length - 20);
    assert_int_equal(dying_of(heap), 1);
    HOLD kept = NULL;
    size_t made = 0, before = objects_of(heap);
    while (made < 20000 && objects_of(heap) == before + made) {
        husk_obj *obj = husk_obj_new(heap, type_node);
        TRY(obj);
        husk_obj_take(obj, &node_of(obj)->a, kept);
        kept = obj;
        made++;
    }
    assert_int_equal(objects_of(heap), before + made - 10); /* a birth found its page full */
    verify(heap);
    assert_int_equal(objects_of(heap), made);
    husk_obj_drop(&kept);
}

static size_t callbacks;

static void count_callback(husk_weak *weak, void *data)
{
    assert_null(husk_weak_lock(weak));
    (void)data;
    callbacks++;
}

/* Dead at once is what is queued; callbacks come when all that is queued has ended. */
static void weak_references_answer_at_once(husk_heap *heap)
{
    HOLD_MANY(weaks);
    callbacks = 0;
    HOLD top = husk_obj_new_items(heap, type_row, 20);
    TRY(top);
    row_item *items = husk_obj_items(top);
    for (int i = 0; i < 20; i++) {
        husk_obj *child = node_new(heap, i % 2 ? type_hooked : type_node, i);
        TRY(child);
        husk_obj_take(top, &items[i].ref, child);
        weaks.at[i] = (husk_obj *)(void *)husk_weak_new(child, count_callback, NULL, NULL);
        TRY(weaks.at[i]);
    }
    tally_reset();
    assert_int_equal(husk_heap_set_death_budget(heap, 1), HUSK_OK);
    husk_obj_drop(&top);
    assert_int_equal(dying_of(heap), 20);
    assert_int_equal(objects_of(heap), 20); /* the weak references */
    for (int i = 0; i < 20; i++) {
        husk_weak *weak = husk_weak_of(weaks.at[i]);
        assert_null(husk_weak_lock(weak));
        /* One with a finalizer might come back. */
        assert_int_equal(husk_weak_state_get(weak), i % 2 ? HUSK_DYING : HUSK_DEAD);
    }
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(callbacks, 0);
        husk_heap_safepoint(heap);
        assert_int_equal(dying_of(heap), 19 - i);
        assert_int_equal(tally.finalized, (i + 1) / 2);
    }
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(callbacks, i);
        husk_heap_safepoint(heap);
    }
    assert_int_equal(callbacks, 20);
}

static bool is_no_tree(husk_obj *obj, void *data)
{
    return *(bool *)data = husk_obj_type(obj) != type_tree;
}

static bool no_edge(const husk_edge *edge, void *data)
{
    (void)edge;
    *(bool *)data = true;
    return false;
}

static void what_waits_is_hidden(husk_heap *heap)
{
    HOLD child = node_new(heap, type_node, 1);
    TRY(child);
    HOLD top = tree_new(heap, type_tree, 1);
    TRY(top);
    HOLD first = husk_obj_new(heap, type_node);
    TRY(first);
    husk_obj_drop(&node_of(node_of(top)->b)->a);
    link_a(node_of(top)->b, child);
    link_a(first, top);
    husk_obj_drop(&top);
    assert_int_equal(husk_heap_set_death_budget(heap, 2), HUSK_OK);
    husk_obj_drop(&first); /* ends first and top: two trees wait */
    assert_int_equal(dying_of(heap), 2);
    bool hidden = true, seen = false;
    husk_heap_each(heap, is_no_tree, &hidden);
    assert_true(hidden);
    husk_obj_each_referrer(child, no_edge, &seen);
    assert_false(seen);
    assert_int_equal(objects_of(heap), 1);
    assert_int_equal(husk_obj_strong_count(child), 2); /* but they hold, until their turn */
    husk_heap_safepoint(heap);
    assert_int_equal(husk_obj_strong_count(child), 1);
    assert_int_equal(dying_of(heap), 0);
}

/* Each ends all that waits before it begins. */
static void ended_first(husk_heap *heap)
{
    for (int way = 0; way < 4; way++) {
        HOLD top = tree_new(heap, type_hooked, story_failing ? 3 : 6);
        TRY(top);
        tally_reset();
        assert_int_equal(husk_heap_set_death_budget(heap, 3), HUSK_OK);
        husk_obj_drop(&top);
        assert_int_equal(tally.finalized, 3);
        assert_true(dying_of(heap) > 0);
        husk_snapshot *snapshot = NULL;
        switch (way) {
        case 0:
            verify(heap);
            break;
        case 1:
            collect(heap);
            break;
        case 2:
            TRY_OK(husk_snapshot_new(heap, NULL, &snapshot));
            husk_node first;
            assert_false(husk_snapshot_node(snapshot, 0, &first));
            husk_snapshot_free(snapshot);
            break;
        default:
            assert_int_equal(husk_heap_set_death_budget(heap, 0), HUSK_OK);
            assert_true(dying_of(heap) > 0);
            husk_heap_safepoint(heap);
        }
        assert_int_equal(dying_of(heap), 0);
        assert_int_equal(objects_of(heap), 0);
        assert_int_equal(tally.finalized, tally.disposed);
        assert_int_equal(tally.finalized, story_failing ? 15 : 127);
    }
}

/* A heap that is closed ends what waits, with its finalizers. */
static void closing(husk_heap *heap)
{
    (void)heap;
    husk_heap *own = heap_open(NULL);
    if (!own)
        return;
    husk_obj *top = tree_new(own, type_hooked, 3);
    if (top) {
        tally_reset();
        assert_int_equal(husk_heap_set_death_budget(own, 1), HUSK_OK);
        husk_obj_release(top);
        assert_int_equal(tally.finalized, 1);
    }
    husk_heap_close(own);
    if (top)
        assert_int_equal(tally.finalized, 15);
}

/* What waits never stands in the way of a birth: one that finds no room ends all of it. */
static void at_the_limit(husk_heap *heap)
{
    if (story_failing)
        return;
    size_t length = 40000;
    husk_heap_disable(heap, "the story");
    HOLD head = list_new(heap, type_node, length);
    TRY(head);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(husk_heap_set_death_budget(heap, 1), HUSK_OK);
    assert_int_equal(husk_heap_set_max_bytes(heap, figures.bytes_taken), HUSK_OK);
    husk_obj_drop(&head);
    HOLD_MANY(large);
    for (int i = 0; i < 30; i++) {
        assert_true(dying_of(heap) == 1 || i > 0);
        large.at[i] = husk_obj_new(heap, type_vast);
        TRY(large.at[i]);
    }
    assert_int_equal(dying_of(heap), 0);
    assert_int_equal(objects_of(heap), 30);
    assert_int_equal(husk_heap_set_death_budget(heap, 0), HUSK_OK);
    assert_int_equal(husk_heap_set_max_bytes(heap, 0), HUSK_OK);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
}

static void set_in_hook(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    assert_int_equal(husk_heap_set_death_budget(heap, 1), HUSK_EBUSY);
    assert_non_null(strstr(husk_heap_message(heap), "death budget"));
}

static void not_in_a_hook(husk_heap *heap)
{
    HOLD obj = node_new(heap, type_hooked, 1);
    TRY(obj);
    node_of(obj)->hook = set_in_hook;
    husk_obj_drop(&obj);
    assert_int_equal(husk_heap_death_budget(heap), 0);
}

static husk_obj *brought;

static void come_back(node *self)
{
    brought = husk_obj_of(self);
    husk_obj_retain(brought);
}

/* A finalizer that brings its object back, from the middle of the queue. */
static void coming_back(husk_heap *heap)
{
    HOLD top = tree_new(heap, type_hooked, 2);
    TRY(top);
    HOLD_WEAK weak = husk_weak_new(node_of(top)->b, NULL, NULL, NULL);
    TRY(weak);
    node_of(node_of(top)->b)->hook = come_back;
    assert_int_equal(husk_heap_set_death_budget(heap, 1), HUSK_OK);
    husk_obj_drop(&top);
    assert_int_equal(husk_weak_state_get(weak), HUSK_DYING);
    for (int i = 0; i < 10; i++)
        husk_heap_safepoint(heap);
    assert_int_equal(husk_weak_state_get(weak), HUSK_ALIVE);
    assert_int_equal(objects_of(heap), 4); /* it, two children and the weak reference */
    assert_ptr_equal(husk_weak_lock(weak), brought);
    husk_obj_release(brought);
    husk_obj_release(brought);
}

/* ---- random programs, once with a budget and once without ---- */

enum { ROOTS = 24, NUMBERS = 64 };

struct twin {
    husk_heap *heap;
    husk_obj *roots[ROOTS];
    husk_weak *weaks[ROOTS];
    uint32_t finalized[NUMBERS], gone[NUMBERS]; /* by number */
};

static void note_finalized(node *self)
{
    struct twin *twin = self->data;
    twin->finalized[self->number]++;
}

struct note {
    struct twin *twin;
    int64_t number;
};

static void note_gone(husk_weak *weak, void *data)
{
    (void)weak;
    const struct note *note = data;
    note->twin->gone[note->number]++;
}

/* Ends a weak reference. Its callback must not have come later than in the other heap: only who is held is called. */
static void end_weak(struct twin *twin, uint32_t at)
{
    verify(twin->heap);
    husk_weak_release(twin->weaks[at]);
    twin->weaks[at] = NULL;
}

static void twin_step(struct twin *twin, random64 r)
{
    static const husk_type *const *const types[] = { &type_node, &type_hooked, &type_tree, &type_closed,
                                                     &type_hooked };
    uint32_t at = random_below(&r, ROOTS), other = random_below(&r, ROOTS);
    husk_obj **root = &twin->roots[at];
    uint32_t what = random_below(&r, 100);
    if (what < 45) {
        const husk_type *type = *types[random_below(&r, 5)];
        husk_obj *obj = node_new(twin->heap, type, random_below(&r, NUMBERS));
        assert_non_null(obj);
        node_of(obj)->data = twin;
        node_of(obj)->hook = note_finalized;
        link_a(obj, *root);
        link_b(obj, twin->roots[other]);
        husk_obj_drop(root);
        *root = obj;
    } else if (what < 55 && *root) {
        link_b(*root, twin->roots[other]); /* cycles, too */
    } else if (what < 70) {
        husk_obj_drop(root);
    } else if (what < 71) {
        for (size_t i = 0; i < ROOTS; i++)
            husk_obj_drop(&twin->roots[i]);
    } else if (what < 76 && *root) {
        struct note *note = malloc(sizeof *note);
        assert_non_null(note);
        *note = (struct note){ twin, node_of(*root)->number };
        end_weak(twin, other);
        twin->weaks[other] = husk_weak_new(*root, note_gone, note, free);
        assert_non_null(twin->weaks[other]);
    } else if (what < 77) {
        end_weak(twin, other);
    } else if (what < 78) {
        husk_pass pass;
        assert_int_equal(husk_heap_collect(twin->heap, &pass), HUSK_OK);
    }
}

static void settle_twin(struct twin *twin, random64 *r)
{
    switch (random_below(r, 4)) {
    case 0:
        verify(twin->heap);
        break;
    case 1:
        assert_int_equal(husk_heap_set_death_budget(twin->heap, 0), HUSK_OK);
        husk_heap_safepoint(twin->heap);
        break;
    default:
        while (dying_of(twin->heap))
            husk_heap_safepoint(twin->heap);
        verify(twin->heap); /* the callbacks */
    }
}

static void the_same_in_the_end(husk_heap *heap)
{
    (void)heap;
    static struct twin twins[2];
    for (uint64_t seed = 1; seed <= story_size(40, 4); seed++) {
        random64 r = random_from(seed);
        for (int t = 0; t < 2; t++) {
            twins[t] = (struct twin){ heap_open(NULL), { NULL }, { NULL }, { 0 }, { 0 } };
            assert_non_null(twins[t].heap);
            assert_int_equal(husk_heap_disable(twins[t].heap, "the story"), HUSK_OK);
        }
        for (size_t round = 0; round < 30; round++) {
            assert_int_equal(husk_heap_set_death_budget(twins[1].heap, 1 + random_below(&r, 9)), HUSK_OK);
            for (uint32_t steps = random_below(&r, 120); steps-- > 0;) {
                uint64_t sub = random_next(&r);
                for (int t = 0; t < 2; t++)
                    twin_step(&twins[t], random_from(sub));
                for (size_t i = 0; i < ROOTS; i++) {
                    /* What is dead without a budget may wait here; what lives there lives here. */
                    husk_obj *a = twins[0].weaks[i] ? husk_weak_lock(twins[0].weaks[i]) : NULL;
                    husk_obj *b = twins[1].weaks[i] ? husk_weak_lock(twins[1].weaks[i]) : NULL;
                    assert_true(!a || b);
                    husk_obj_drop(&a);
                    husk_obj_drop(&b);
                }
                if (random_below(&r, 8) == 0)
                    husk_heap_safepoint(twins[1].heap);
            }
            settle_twin(&twins[1], &r);
            assert_int_equal(objects_of(twins[0].heap), objects_of(twins[1].heap));
            assert_memory_equal(twins[0].finalized, twins[1].finalized, sizeof twins[0].finalized);
            assert_memory_equal(twins[0].gone, twins[1].gone, sizeof twins[0].gone);
            verify(twins[0].heap);
        }
        for (int t = 0; t < 2; t++) {
            for (size_t i = 0; i < ROOTS; i++) {
                husk_obj_drop(&twins[t].roots[i]);
                husk_weak_release(twins[t].weaks[i]);
            }
            collect(twins[t].heap);
            heap_close(twins[t].heap, false); /* cycles through acyclic objects stay */
        }
    }
}

STORIES(STORY(a_list_ends_in_portions, 0), STORY(everybody_takes_a_part, 0),
        STORY(weak_references_answer_at_once, 0), STORY(what_waits_is_hidden, 0), STORY(ended_first, 0),
        STORY(closing, 0), STORY(at_the_limit, 0), STORY(not_in_a_hook, 0), STORY(coming_back, 0),
        STORY(the_same_in_the_end, STORY_NO_FAULT));
