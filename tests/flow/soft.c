/* tests/flow/soft.c: soft references: who keeps what, until when, in which order they let go. */
#include "story.h"
#include "types.h"

#include <husk/kinds.h>
#include <stdio.h>

static int gone[512], gone_count, freed_count;
static int number[512];

static void forget(void)
{
    gone_count = freed_count = 0;
    for (int i = 0; i < 512; i++)
        number[i] = i;
}

static void note(husk_weak *weak, void *data)
{
    assert_int_equal(husk_weak_state_get(weak), HUSK_DEAD);
    gone[gone_count++] = *(int *)data;
}

static void freed(void *data)
{
    (void)data;
    freed_count++;
}

static husk_soft_figures figures_of(const husk_heap *heap)
{
    husk_soft_figures figures;
    husk_heap_soft_figures(heap, &figures);
    return figures;
}

/* A soft reference to a new object that nobody else has; as an object, so that HOLD may have it. */
static husk_obj *soft_alone(husk_heap *heap, const husk_type *type, int which)
{
    HOLD obj = node_new(heap, type, which);
    return obj ? husk_soft_obj(husk_soft_new(obj, note, &number[which], freed)) : NULL;
}

static husk_soft *soft_of(husk_obj *obj)
{
    return husk_soft_of(obj);
}

/* A use. */
static int64_t look(husk_obj *soft)
{
    HOLD obj = husk_soft_lock(soft_of(soft));
    return obj ? node_of(obj)->number : -1;
}

static void holds_until_let_go(husk_heap *heap)
{
    forget();
    HOLD obj = node_new(heap, type_node, 7);
    TRY(obj);
    HOLD soft = husk_soft_obj(husk_soft_new(obj, note, &number[7], freed));
    TRY(soft);
    HOLD second = husk_soft_obj(husk_soft_new(obj, NULL, NULL, NULL));
    TRY(second);
    assert_ptr_not_equal(soft, second);
    assert_int_equal(husk_obj_strong_count(obj), 3);
    assert_int_equal(husk_obj_weak_count(obj), 2);
    assert_int_equal(husk_obj_kind(soft), HUSK_KIND_WEAK);
    assert_ptr_equal(husk_soft_of(soft), soft_of(soft));
    assert_null(husk_soft_of(obj));
    assert_ptr_equal(husk_weak_of(soft), husk_soft_weak(soft_of(soft)));
    assert_ptr_equal(husk_soft_data(soft_of(soft)), &number[7]);
    husk_obj_drop(&obj);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(look(soft), 7);
    assert_true(husk_soft_let_go(soft_of(soft)));
    assert_false(husk_soft_let_go(soft_of(soft)));
    assert_false(husk_soft_is_holding(soft_of(soft)));
    verify(heap);
    assert_int_equal(look(soft), 7); /* the second one has it: it is not lost, and held again */
    assert_true(husk_soft_is_holding(soft_of(soft)));
    assert_int_equal(figures_of(heap).regained, 1);
    assert_int_equal(figures_of(heap).references, 2);
    assert_int_equal(figures_of(heap).holding, 2);
    husk_obj_drop(&second);
    assert_int_equal(gone_count, 0);
    assert_true(husk_soft_let_go(soft_of(soft)));
    assert_int_equal(gone_count, 1);
    assert_int_equal(gone[0], 7);
    assert_int_equal(look(soft), -1);
    assert_false(husk_soft_is_holding(soft_of(soft)));
    assert_int_equal(freed_count, 0);
    husk_obj_drop(&soft);
    assert_int_equal(freed_count, 1);
    assert_int_equal(figures_of(heap).by_call, 2);
    assert_int_equal(figures_of(heap).references, 0);
    assert_int_equal(objects_of(heap), 0);
}

/* With the last reference to the soft one its object goes, too, also where its data has to be freed first. */
static void ends_with_its_object(husk_heap *heap)
{
    forget();
    HOLD soft = soft_alone(heap, type_hooked, 1);
    TRY(soft);
    HOLD bare = husk_soft_obj(husk_soft_new(soft, NULL, NULL, NULL)); /* of a soft reference */
    TRY(bare);
    husk_obj_drop(&soft);
    assert_int_equal(objects_of(heap), 3);
    husk_obj_drop(&bare);
    assert_int_equal(objects_of(heap), 0);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(freed_count, 1);
    assert_int_equal(gone_count, 0); /* nobody had it to be told */
    verify(heap);
}

static void least_recently_used_first(husk_heap *heap)
{
    forget();
    HOLD_MANY(softs);
    for (int i = 0; i < 40; i++) {
        softs.at[i] = soft_alone(heap, type_node, i);
        TRY(softs.at[i]);
    }
    for (int i = 0; i < 40; i += 2)
        assert_int_equal(look(softs.at[i]), i); /* the even ones, once more */
    assert_int_equal(husk_heap_yield_softs(heap, 40), 0);
    assert_int_equal(husk_heap_yield_softs(heap, 25), 15);
    verify(heap);
    assert_int_equal(gone_count, 15);
    for (int i = 0; i < 15; i++)
        assert_int_equal(gone[i], 1 + 2 * i);
    assert_int_equal(husk_heap_yield_softs(heap, 0), 25);
    for (int i = 0; i < 20; i++)
        assert_int_equal(gone[20 + i], 2 * i);
    assert_int_equal(figures_of(heap).by_call, 40);
    assert_int_equal(figures_of(heap).holding, 0);
    assert_int_equal(husk_heap_yield_softs(heap, 0), 0);
}

/* Garbage that is held only through a soft reference of its own. */
static void in_its_own_cycle(husk_heap *heap)
{
    forget();
    for (int with_data = 0; with_data < 2; with_data++) {
        HOLD outside = node_new(heap, type_node, 0);
        TRY(outside);
        HOLD a = node_new(heap, type_node, 1);
        TRY(a);
        HOLD b = node_new(heap, type_hooked, 2);
        TRY(b);
        HOLD soft = husk_soft_obj(husk_soft_new(a, note, &number[1], with_data ? freed : NULL));
        TRY(soft);
        HOLD other = husk_soft_obj(husk_soft_new(outside, note, &number[1], with_data ? freed : NULL));
        TRY(other);
        link_a(a, b);
        link_a(b, soft); /* a -> b -> soft -> a */
        link_b(b, other);
        husk_obj_drop(&a);
        husk_obj_drop(&b);
        husk_obj_drop(&soft);
        husk_obj_drop(&other);
        assert_int_equal(objects_of(heap), 5);
        husk_pass pass;
        assert_int_equal(husk_heap_collect_dry(heap, &pass), HUSK_OK);
        assert_int_equal(pass.collected, 4);
        assert_int_equal(collect(heap), 4);
        assert_int_equal(objects_of(heap), 1);
        assert_int_equal(husk_obj_strong_count(outside), 1);
        assert_int_equal(figures_of(heap).references, 0);
        assert_int_equal(figures_of(heap).holding, 0);
        verify(heap);
    }
    assert_int_equal(freed_count, 2);
    assert_int_equal(gone_count, 0); /* they were garbage themselves */
}

/* Held from outside, the same cycle stays until the soft reference lets go; then a pass ends it. */
static void a_cycle_behind_it(husk_heap *heap)
{
    forget();
    HOLD soft = soft_alone(heap, type_node, 1);
    TRY(soft);
    HOLD a = husk_soft_lock(soft_of(soft));
    HOLD b = node_new(heap, type_node, 2);
    TRY(b);
    link_a(a, b);
    link_a(b, a);
    husk_obj_drop(&a);
    husk_obj_drop(&b);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(husk_heap_yield_softs(heap, 0), 1);
    assert_int_equal(look(soft), 1); /* no pass has come: it is still there, and held again */
    assert_int_equal(collect(heap), 0);
    assert_int_equal(husk_heap_yield_softs(heap, 0), 1);
    assert_int_equal(collect(heap), 2);
    assert_int_equal(look(soft), -1);
    assert_int_equal(gone_count, 1);
}

static void by_age(husk_heap *heap)
{
    forget();
    husk_pacing pacing = { 0, 0, 1, 2 };
    assert_int_equal(husk_heap_set_pacing(heap, &pacing), HUSK_OK);
    husk_soft_policy policy = { .max_age = 2, .keep = 1 }, got;
    husk_heap_set_soft_policy(heap, &policy);
    husk_heap_soft_policy(heap, &got);
    assert_int_equal(got.max_age, 2);
    assert_int_equal(got.keep, 1);
    HOLD_MANY(softs);
    for (int i = 0; i < 5; i++) {
        softs.at[i] = soft_alone(heap, type_node, i);
        TRY(softs.at[i]);
    }
    collect(heap);
    assert_int_equal(look(softs.at[1]), 1);
    collect(heap);
    assert_int_equal(gone_count, 0); /* two passes: not more than max_age */
    collect(heap);
    assert_int_equal(gone_count, 4);
    assert_int_equal(gone[0], 0);
    assert_int_equal(gone[1], 2);
    for (int i = 0; i < 5; i++)
        collect(heap);
    assert_int_equal(gone_count, 4); /* the last one is kept */
    assert_int_equal(look(softs.at[1]), 1);
    assert_int_equal(figures_of(heap).by_age, 4);
    policy.keep = 0;
    husk_heap_set_soft_policy(heap, &policy);
    for (int i = 0; i < 2; i++)
        collect(heap);
    assert_true(husk_soft_is_holding(soft_of(softs.at[1])));
    collect(heap);
    assert_int_equal(gone_count, 5);
}

/* ---- the limit ---- */

static husk_heap *tight(size_t limit)
{
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .name = "tight", .max_bytes = limit };
    husk_heap *heap = heap_open(&options);
    if (!heap)
        story_refuse(NULL, HUSK_ENOMEM, "husk_heap_new", __FILE__, __LINE__);
    return heap;
}

typedef struct cache {
    husk_obj *list; /* of soft references to bags */
    size_t count;
} cache;

/* Puts `bytes` of buffer behind a soft reference; false if refused. */
static bool cache_add(husk_heap *heap, cache *c, size_t bytes)
{
    HOLD obj = husk_obj_new(heap, type_bag);
    if (!obj)
        return false;
    bag *b = husk_obj_data(obj);
    b->refs = husk_buffer_new(heap, bytes);
    if (!b->refs)
        return false;
    b->room = bytes / sizeof(husk_obj *);
    HOLD soft = husk_soft_obj(husk_soft_new(obj, NULL, NULL, NULL));
    if (!soft || husk_list_append(c->list, husk_ref(soft)) != HUSK_OK)
        return false;
    c->count++;
    return true;
}

static size_t cache_held(const cache *c, size_t from, size_t to)
{
    size_t held = 0;
    for (size_t i = from; i < to; i++) {
        husk_value v;
        assert_int_equal(husk_list_peek(c->list, i, &v), HUSK_OK);
        held += husk_soft_is_holding(husk_soft_of(v.as.o));
    }
    return held;
}

/* A cache without bound in a heap with one: nothing is ever refused, the oldest go, the youngest stay. */
static void a_cache_fills_the_heap(husk_heap *other)
{
    (void)other;
    enum { ENTRY = 4096, LIMIT = 2 << 20 };
    husk_heap *heap = tight(LIMIT);
    if (!heap)
        return;
    cache c = { husk_list_new(heap), 0 };
    size_t most = story_size(5000, 1200);
    bool all = c.list;
    while (all && c.count < most)
        all = cache_add(heap, &c, ENTRY);
    assert_true(all || story_failing);
    if (all) {
        husk_soft_figures figures = figures_of(heap);
        assert_int_equal(figures.references, most);
        assert_true(figures.by_limit > most / 2);
        assert_int_equal(figures.by_limit + figures.holding, most);
        assert_true(figures.holding > LIMIT / ENTRY / 4); /* not all at the first hit */
        assert_int_equal(cache_held(&c, most - figures.holding, most), figures.holding);
    }
    verify(heap);
    if (c.list)
        husk_obj_release(c.list);
    heap_close(heap, true);
}

/* The guarantee: what is refused is refused when no soft reference holds anything any more. */
static void all_are_gone_before_a_request_fails(husk_heap *other)
{
    (void)other;
    for (int kind = 0; kind < 5; kind++) {
        husk_heap *heap = tight(3u << 20);
        if (!heap)
            return;
        cache c = { husk_list_new(heap), 0 };
        bool ready = c.list;
        while (ready && c.count < 100)
            ready = cache_add(heap, &c, 8192);
        HOLD head = ready ? node_new(heap, type_node, 0) : NULL;
        if (!head) {
            assert_true(story_failing);
            if (c.list)
                husk_obj_release(c.list);
            heap_close(heap, true);
            continue;
        }
        void *buffer = NULL;
        for (size_t asked = 0;; asked += 65536) {
            HOLD obj = NULL;
            if (kind == 0) { /* objects */
                obj = node_new(heap, type_node, 0);
            } else if (kind == 1) { /* large ones */
                obj = husk_obj_new(heap, type_vast);
            } else if (kind == 2) { /* cells, and the weak references themselves */
                obj = node_new(heap, type_node, 0);
                HOLD_WEAK weak = obj ? husk_weak_new(obj, NULL, NULL, NULL) : NULL;
                if (!weak)
                    break;
            } else if (kind == 3) { /* a buffer that grows */
                void *larger = husk_buffer_resize(heap, buffer, asked, asked + 65536);
                if (!larger) {
                    husk_buffer_free(heap, buffer, asked);
                    break;
                }
                buffer = larger;
                continue;
            } else { /* mappings of their own */
                obj = husk_obj_new(heap, type_huge);
            }
            if (!obj)
                break;
            if (kind == 0 || kind == 2) {
                link_a(obj, head);
            } else {
                husk_obj **first =
                    kind == 1 ? &((vast *)husk_obj_data(obj))->first : &((huge *)husk_obj_data(obj))->first;
                assert_int_equal(husk_obj_set(obj, first, head), HUSK_OK);
            }
            husk_obj_drop(&head);
            head = obj;
            obj = NULL;
        }
        if (kind != 4) /* which is larger than the limit: hopeless */
            assert_int_equal(figures_of(heap).holding, 0);
        else if (!story_failing)
            assert_int_equal(figures_of(heap).holding, 100);
        assert_int_equal(cache_held(&c, 0, c.count), figures_of(heap).holding);
        verify(heap);
        husk_obj_drop(&head);
        husk_obj_release(c.list);
        heap_close(heap, true);
    }
}

/* The soft limit: what is used longest ago goes, and the heap stays about there. */
static void at_the_soft_limit(husk_heap *heap)
{
    enum { ENTRY = 4096, LIMIT = 4 << 20 };
    TRY_OK(husk_heap_set_soft_limit(heap, LIMIT));
    husk_soft_policy policy = { .keep = 300 };
    husk_heap_set_soft_policy(heap, &policy);
    cache c = { husk_list_new(heap), 0 };
    TRY(c.list);
    size_t most = story_size(8000, 2000);
    bool all = true;
    while (all && c.count < most)
        all = cache_add(heap, &c, ENTRY);
    assert_true(all || story_failing);
    if (all) {
        husk_soft_figures figures = figures_of(heap);
        assert_true(figures.by_pressure > most / 4);
        assert_int_equal(figures.by_pressure + figures.holding, most);
        assert_true(figures.holding >= 300);
        assert_int_equal(cache_held(&c, most - figures.holding, most), figures.holding);
        husk_heap_figures memory;
        husk_heap_figures_get(heap, &memory);
        assert_true(memory.bytes_peak < LIMIT + LIMIT / 8);
    }
    verify(heap);
    husk_obj_release(c.list);
}

/* The system refuses: the same. */
static void the_system_refuses(husk_heap *heap)
{
    cache c = { husk_list_new(heap), 0 };
    assert_non_null(c.list);
    while (c.count < 50)
        assert_true(cache_add(heap, &c, 8192));
    husk_memory_fail(1, true);
    assert_null(husk_buffer_new(heap, 1u << 20));
    husk_memory_fail(0, false);
    assert_int_equal(husk_heap_failure(heap), HUSK_ENOMEM);
    assert_int_equal(figures_of(heap).holding, 0);
    assert_int_equal(figures_of(heap).by_limit, 50);
    verify(heap);
    husk_obj_release(c.list);
}

static void greedy(node *self)
{
    husk_heap *heap = husk_obj_heap(husk_obj_of(self));
    husk_memory_fail(1, true);
    void *buffer = husk_buffer_new(heap, 1u << 20);
    husk_memory_fail(0, false);
    assert_null(buffer);
    assert_int_equal(figures_of(heap).holding, 0);
    assert_int_equal(gone_count, 0); /* nothing ends inside a hook */
}

/* A hook, by counting and in a pass, is refused memory. */
static void refused_in_a_hook(husk_heap *heap)
{
    for (int in_pass = 0; in_pass < 2; in_pass++) {
        forget();
        HOLD soft = soft_alone(heap, type_node, 1);
        TRY(soft);
        HOLD obj = node_new(heap, type_hooked, 2);
        TRY(obj);
        node_of(obj)->hook = greedy;
        if (in_pass)
            link_a(obj, obj);
        husk_obj_drop(&obj);
        if (in_pass)
            assert_int_equal(collect(heap), 1);
        assert_int_equal(gone_count, 1);
        assert_int_equal(look(soft), -1);
        verify(heap);
    }
}

/* What has hooks does not end inside a request. */
static void no_hook_inside_a_request(husk_heap *heap)
{
    forget();
    tally_reset();
    HOLD soft = soft_alone(heap, type_hooked, 1);
    assert_non_null(soft);
    HOLD plain = soft_alone(heap, type_node, 2);
    assert_non_null(plain);
    husk_memory_fail(1, true);
    assert_null(husk_buffer_new(heap, 1u << 20));
    husk_memory_fail(0, false);
    assert_int_equal(look(soft), -1);
    assert_int_equal(look(plain), -1);
    assert_int_equal(tally.finalized, 0);
    assert_int_equal(gone_count, 0);
    husk_heap_safepoint(heap);
    assert_int_equal(tally.finalized, 1);
    assert_int_equal(gone_count, 2);
    verify(heap);
}

/* ---- finalizers ---- */

static husk_obj *keeper, *watched;

static void come_back(node *self)
{
    assert_int_equal(look(watched), -1); /* condemned */
    link_a(keeper, husk_obj_of(self));
}

static void what_comes_back_is_soft_again(husk_heap *heap)
{
    forget();
    HOLD own = node_new(heap, type_node, 0);
    TRY(own);
    HOLD soft = soft_alone(heap, type_hooked, 3);
    TRY(soft);
    HOLD obj = husk_soft_lock(soft_of(soft));
    node_of(obj)->hook = come_back;
    husk_obj_drop(&obj);
    keeper = own;
    watched = soft;
    assert_true(husk_soft_let_go(soft_of(soft)));
    assert_int_equal(gone_count, 0);
    assert_int_equal(look(soft), 3);
    assert_true(husk_soft_is_holding(soft_of(soft)));
    link_a(own, NULL);
    assert_int_equal(look(soft), 3);
    assert_int_equal(husk_heap_yield_softs(heap, 0), 1);
    assert_int_equal(gone_count, 1);
    verify(heap);
}

/* Held at close, with what they hold. */
static void at_close(husk_heap *heap)
{
    (void)heap;
    forget();
    husk_heap *own = heap_open(NULL);
    if (!own)
        return;
    husk_obj *soft = soft_alone(own, type_closed, 1), *second = soft_alone(own, type_hooked, 2);
    bool both = soft && second;
    heap_close(own, false);
    if (!both) {
        report_forget();
        return;
    }
    report_take(HUSK_ESTATE, 1); /* not for the objects: who holds them is known */
    assert_int_equal(freed_count, 2);
}

STORIES(STORY(holds_until_let_go, 0), STORY(ends_with_its_object, 0), STORY(least_recently_used_first, 0),
        STORY(in_its_own_cycle, 0), STORY(a_cycle_behind_it, 0), STORY(by_age, 0),
        STORY(a_cache_fills_the_heap, 0), STORY(all_are_gone_before_a_request_fails, STORY_NO_FAULT),
        STORY(at_the_soft_limit, STORY_NO_FAULT), STORY(the_system_refuses, STORY_NO_FAULT),
        STORY(refused_in_a_hook, STORY_NO_FAULT), STORY(no_hook_inside_a_request, STORY_NO_FAULT),
        STORY(what_comes_back_is_soft_again, 0), STORY(at_close, STORY_LEAVES_OBJECTS));
