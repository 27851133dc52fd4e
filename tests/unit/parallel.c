/* tests/unit/parallel.c: a search by several threads finds what one by a single thread finds, on random heaps of
 * everything that a heap can have; and what becomes of the threads. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"
#include "record.h"
#include "types.h"

#include "cycle/find.h"
#include "cycle/parallel.h"

#include <errno.h>
#include <husk/dryrun.h>
#include <husk/parallel.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SMALL_HEAPS = 300, MIDDLE_HEAPS = 12, MIDDLE = 6000, BIG = 60000 };
#else
enum { SMALL_HEAPS = 3000, MIDDLE_HEAPS = 60, MIDDLE = 12000, BIG = 600000 };
#endif

static husk_heap *open_parallel(unsigned threads)
{
    husk_heap *heap = heap_open(NULL);
    assert_int_equal(husk_heap_set_parallel(heap, threads), HUSK_OK);
    heap->parallel->least = 0;
    assert_int_equal(husk_heap_disable(heap, "test"), HUSK_OK);
    return heap;
}

/* ---- objects whose references only a callback knows, which must run on the owner's thread ---- */

static const husk_type *type_homebound;
static pthread_t home;
static atomic_size_t strays, at_home;

static void homebound_each(husk_obj *self, husk_visit_fn *visit, void *data)
{
    atomic_fetch_add(pthread_equal(pthread_self(), home) ? &at_home : &strays, 1);
    visit(&node_of(self)->a, data);
    visit(&node_of(self)->b, data);
}

static void homebound_setup(void)
{
    home = pthread_self();
    if (type_homebound)
        return;
    husk_type_spec spec = { HUSK_TYPE_SPEC, .name = "homebound", .size = sizeof(node),
                            .each = homebound_each };
    assert_int_equal(husk_type_register(&spec, &type_homebound), HUSK_OK);
}

/* ---- random heaps ---- */

enum { HUBS = 3 };

typedef struct world {
    husk_heap *heap;
    husk_obj **all; /* one reference each while it is built; those not dropped stay held */
    size_t count;
    random64 random;
} world;

static husk_obj *any(world *w)
{
    return w->all[random_below(&w->random, (uint32_t)w->count)];
}

static const husk_type *draw_type(world *w)
{
    const husk_type *plain[] = { type_node, type_node, type_node, type_closed,   type_hooked,
                                 type_pair, type_bag,  type_leaf, type_homebound };
    uint32_t draw = random_below(&w->random, 200);
    if (draw == 0)
        return type_vast;
    return plain[random_below(&w->random, sizeof plain / sizeof plain[0])];
}

static husk_obj *draw_object(world *w)
{
    uint32_t draw = random_below(&w->random, 60);
    husk_obj *obj = draw == 0   ? husk_weakkeymap_new(w->heap)
                    : draw == 1 ? husk_obj_new_items(w->heap, type_row, random_below(&w->random, 6))
                    : draw == 2 ? husk_weakset_new(w->heap)
                                : husk_obj_new(w->heap, draw_type(w));
    assert_non_null(obj);
    return obj;
}

static void set_value(husk_obj *self, husk_value *slot, husk_obj *to)
{
    assert_int_equal(husk_value_set(self, slot, husk_ref(to)), HUSK_OK);
}

/* One more reference, or entry, from obj to another. */
static void draw_edge(world *w, husk_obj *obj)
{
    const husk_type *type = husk_obj_type(obj);
    husk_obj *to = any(w);
    bool second = random_below(&w->random, 2);
    if (type == type_node || type == type_closed || type == type_hooked || type == type_homebound) {
        assert_int_equal(husk_obj_set(obj, second ? &node_of(obj)->b : &node_of(obj)->a, to), HUSK_OK);
    } else if (type == type_pair) {
        pair *p = husk_obj_data(obj);
        set_value(obj, second ? &p->second : &p->first, to);
    } else if (type == type_bag) {
        assert_int_equal(bag_add(obj, to), HUSK_OK);
    } else if (type == type_vast) {
        vast *v = husk_obj_data(obj);
        assert_int_equal(husk_obj_set(obj, second ? &v->last : &v->first, to), HUSK_OK);
    } else if (type == type_row) {
        row *r = husk_obj_data(obj);
        row_item *items = husk_obj_items(obj);
        if (r->count)
            assert_int_equal(husk_obj_set(obj, &items[random_below(&w->random, (uint32_t)r->count)].ref, to),
                             HUSK_OK);
    } else if (husk_weakkeymap_set(obj, to, husk_ref(any(w))) == HUSK_OK) {
        for (int i = 0; i < 5; i++)
            assert_int_equal(husk_weakkeymap_set(obj, any(w), husk_ref(any(w))), HUSK_OK);
    } else {
        (void)husk_weakset_add(obj, to);
    }
}

/* More references to one object than an entry of the side table counts, from several pages. */
static void draw_hubs(world *w)
{
    for (int h = 0; h < HUBS; h++) {
        husk_obj *hub = any(w);
        for (int b = 0; b < 4; b++) {
            husk_obj *from = husk_obj_new(w->heap, type_bag);
            assert_non_null(from);
            for (int i = 0; i < HUSK__CARRY_AT / 2 + 100; i++)
                assert_int_equal(bag_add(from, hub), HUSK_OK);
            assert_int_equal(bag_add(from, any(w)), HUSK_OK);
            if (random_below(&w->random, 2))
                husk_obj_release(from); /* dies, and takes its references along */
            else
                w->all[w->count++] = from;
        }
    }
}

/* Lets go of most; what is left in `all` is held from outside. */
static void let_go(world *w, uint32_t one_in)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++)
        if (random_below(&w->random, one_in) == 0)
            w->all[kept++] = w->all[i];
        else
            husk_obj_release(w->all[i]);
    w->count = kept;
}

static world world_new(husk_heap *heap, uint64_t seed, size_t count, bool hubs)
{
    world w = { .heap = heap, .random = random_from(seed) };
    w.all = calloc(count + 4 * (size_t)HUBS, sizeof(husk_obj *));
    assert_non_null(w.all);
    size_t edges = count * (1 + random_below(&w.random, 3));
    while (w.count < count)
        w.all[w.count++] = draw_object(&w);
    for (size_t i = 0; i < edges / 2; i++)
        draw_edge(&w, any(&w));
    if (random_below(&w.random, 8) == 0)
        husk_heap_freeze(heap);
    if (random_below(&w.random, 8) == 0)
        assert_int_equal(husk_heap_set_death_budget(heap, 1), HUSK_OK);
    for (size_t i = 0; i < edges / 2; i++)
        draw_edge(&w, any(&w));
    if (hubs)
        draw_hubs(&w);
    let_go(&w, random_below(&w.random, 2) ? 1 + (uint32_t)count / 3 : 3);
    return w;
}

static void world_end(world *w)
{
    for (size_t i = 0; i < w->count; i++)
        husk_obj_release(w->all[i]);
    free(w->all);
    assert_int_equal(husk_heap_set_death_budget(w->heap, 0), HUSK_OK);
    husk_heap_unfreeze(w->heap);
    while (collect(w->heap) > 0)
        continue;
}

/* ---- comparing ---- */

typedef struct answer {
    struct husk__found found;
    const husk_obj **open; /* what is still in question, by address */
    size_t count, room;
    uint64_t pending; /* bits that were left behind: none */
} answer;

static void note_open(answer *a, const husk_obj *obj)
{
    if (a->count == a->room) {
        a->room = a->room ? 2 * a->room : 256;
        a->open = realloc(a->open, a->room * sizeof(husk_obj *));
        assert_non_null(a->open);
    }
    a->open[a->count++] = obj;
}

static answer search(husk_heap *heap, bool together)
{
    answer a = { 0 };
    uint64_t before = heap->parallel->searches;
    heap->parallel->least = together ? 0 : SIZE_MAX;
    husk__find(heap, &a.found);
    heap->parallel->least = 0;
    assert_int_equal(heap->parallel->searches, before + together);
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));) {
        assert_null(page->queued_next);
        for (HUSK__EACH_BLOCK(page, obj)) {
            if (!a.found.corrupt && husk__is_open(obj))
                note_open(&a, obj);
            a.pending += husk__is_pending(obj);
        }
    }
    husk__search_end(heap);
    assert_int_equal(heap->store.carry_count, 0);
    return a;
}

static void compare(husk_heap *heap, uint64_t seed, bool damaged)
{
    answer one = search(heap, false), many = search(heap, true);
    if (one.count != many.count || one.found.garbage != many.found.garbage ||
        one.found.corrupt != many.found.corrupt)
        print_error("seed %llu: %zu and %zu objects\n", (unsigned long long)seed, one.count, many.count);
    assert_int_equal(one.pending, 0);
    assert_int_equal(many.pending, 0);
    assert_ptr_equal(one.found.corrupt, many.found.corrupt);
    assert_int_equal(one.found.seen, many.found.seen);
    assert_int_equal(one.found.garbage, many.found.garbage);
    assert_int_equal(damaged, one.found.corrupt != NULL);
    if (!damaged) {
        assert_int_equal(one.found.examined, many.found.examined);
        assert_int_equal(one.count, many.count);
        for (size_t i = 0; i < one.count; i++)
            assert_ptr_equal(one.open[i], many.open[i]);
    }
    free(one.open);
    free(many.open);
}

/* Then a pass ends what was found, and says so. */
static void compare_and_collect(husk_heap *heap, uint64_t seed)
{
    husk_pass dry, pass;
    compare(heap, seed, false);
    heap->parallel->least = SIZE_MAX;
    assert_int_equal(husk_heap_collect_dry(heap, &dry), HUSK_OK);
    heap->parallel->least = 0;
    assert_int_equal(husk_heap_collect_dry(heap, &pass), HUSK_OK);
    assert_int_equal(pass.examined, dry.examined);
    assert_int_equal(pass.collected, dry.collected);
    assert_int_equal(pass.bytes, dry.bytes);
    assert_int_equal(pass.finalized, dry.finalized);
    assert_int_equal(pass.weak_cleared, dry.weak_cleared);
    assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK);
    verify(heap);
    compare(heap, seed, false);
}

static void random_heaps(size_t heaps, size_t most, bool hubs, unsigned threads)
{
    husk_heap *heap = open_parallel(threads);
    for (uint64_t seed = 1; seed <= heaps; seed++) {
        random64 r = random_from(seed);
        world w = world_new(heap, seed, 1 + random_below(&r, (uint32_t)most), hubs);
        compare_and_collect(heap, seed);
        let_go(&w, 2);
        compare_and_collect(heap, seed);
        world_end(&w);
    }
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    heap_close(heap, true);
    assert_int_equal(strays, 0);
    assert_true(at_home > 0);
}

static void small_heaps(void **state)
{
    (void)state;
    random_heaps(SMALL_HEAPS, 80, false, 2);
    random_heaps(SMALL_HEAPS / 6, 200, false, HUSK_PARALLEL_MOST);
}

static void middle_heaps(void **state)
{
    (void)state;
    random_heaps(MIDDLE_HEAPS, MIDDLE, true, 2);
    random_heaps(MIDDLE_HEAPS / 3, MIDDLE, true, 5);
}

static void a_big_heap(void **state)
{
    (void)state;
    husk_heap *heap = open_parallel(3);
    world w = world_new(heap, 4711, BIG, true);
    compare_and_collect(heap, 4711);
    world_end(&w);
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    heap_close(heap, true);
}

/* Slots that hold what is not counted for them: the first of the damaged objects is named, nothing is freed. */
static void damaged_heaps(void **state)
{
    (void)state;
    husk_heap *heap = open_parallel(3);
    enum { WOUNDS = 4 };
    for (uint64_t seed = 1; seed <= SMALL_HEAPS / 10; seed++) {
        husk_obj *wounded[WOUNDS], *other[WOUNDS];
        world w = { .heap = heap, .random = random_from(seed) };
        w.all = calloc(4000, sizeof(husk_obj *));
        assert_non_null(w.all);
        size_t count = 20 + random_below(&w.random, 3900);
        while (w.count < count)
            w.all[w.count++] = draw_object(&w);
        for (int i = 0; i < WOUNDS; i++) {
            wounded[i] = husk_obj_new(heap, type_node);
            other[i] = husk_obj_new(heap, type_node);
            node_of(wounded[i])->a = node_of(wounded[i])->b = other[i]; /* two slots, one reference */
        }
        for (size_t i = 0; i < count; i++)
            draw_edge(&w, any(&w));
        size_t objects = objects_of(heap);
        compare(heap, seed, true);
        assert_int_equal(husk_heap_collect(heap, NULL), HUSK_ECORRUPT);
        assert_int_equal(objects_of(heap), objects);
        report_forget();
        for (int i = 0; i < WOUNDS; i++) {
            node_of(wounded[i])->a = node_of(wounded[i])->b = NULL;
            husk_obj_release(wounded[i]);
            husk_obj_release(other[i]);
        }
        verify(heap);
        world_end(&w);
    }
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    heap_close(heap, true);
}

/* ---- the threads ---- */

static void what_is_refused(void **state)
{
    husk_heap *heap = *state;
    assert_int_equal(husk_heap_parallel(heap), 1);
    assert_int_equal(husk_heap_set_parallel(heap, 0), HUSK_ERANGE);
    assert_string_equal(husk_heap_message(heap), "parallel: 0 threads are not within 1 to 8");
    assert_int_equal(husk_heap_set_parallel(heap, 9), HUSK_ERANGE);
    husk_memory_fail(1, false);
    assert_int_equal(husk_heap_set_parallel(heap, 2), HUSK_ENOMEM);
    husk_memory_fail(0, false);
    assert_int_equal(husk_heap_parallel(heap), 1);
    assert_int_equal(husk_heap_set_parallel(heap, 1), HUSK_OK);
    assert_null(heap->parallel);
    for (unsigned threads = HUSK_PARALLEL_MOST; threads >= 1; threads--) {
        assert_int_equal(husk_heap_set_parallel(heap, threads), HUSK_OK);
        assert_int_equal(husk_heap_parallel(heap), threads);
    }
    assert_null(heap->parallel);
}

static uint64_t threads_recorded(const husk_heap *heap)
{
    husk_pass_record record;
    record_latest(heap, &record);
    return record.threads;
}

static int threads_left;

static int refuse_thread(pthread_t *out, const pthread_attr_t *attr, void *(*main)(void *), void *data)
{
    return threads_left-- > 0 ? pthread_create(out, attr, main, data) : EAGAIN;
}

static void threads_that_are_refused(void **state)
{
    husk_heap *heap = *state;
    size_t held = husk_memory_held();
    husk__team_set_thread_fn(refuse_thread);
    for (int n = 0; n < (int)HUSK_PARALLEL_MOST - 1; n++) {
        threads_left = n;
        assert_int_equal(husk_heap_set_parallel(heap, HUSK_PARALLEL_MOST), HUSK_ENOMEM);
        assert_non_null(strstr(husk_heap_message(heap), "refused a thread"));
        assert_int_equal(husk_heap_parallel(heap), 1);
        assert_int_equal(husk_memory_held(), held);
    }
    threads_left = 1;
    assert_int_equal(husk_heap_set_parallel(heap, 2), HUSK_OK);
    threads_left = 2;
    assert_int_equal(husk_heap_set_parallel(heap, 4), HUSK_ENOMEM);
    assert_int_equal(husk_heap_parallel(heap), 2); /* as before */
    husk__team_set_thread_fn(NULL);
    heap->parallel->least = 0;
    assert_true(litter(heap, type_node));
    assert_int_equal(collect(heap), 1);
    assert_int_equal(heap->parallel->searches, 1);
    assert_int_equal(threads_recorded(heap), 2);
    husk_dryrun *dry; /* leaves the record alone */
    assert_int_equal(husk_dryrun_new(heap, NULL, &dry), HUSK_OK);
    husk_dryrun_free(dry);
    assert_int_equal(heap->parallel->searches, 2);
    assert_int_equal(threads_recorded(heap), 2);
    assert_int_equal(husk_heap_set_parallel(heap, 1), HUSK_OK);
    assert_int_equal(collect(heap), 0);
    assert_int_equal(threads_recorded(heap), 1);
}

static void below_the_threshold(void **state)
{
    husk_heap *heap = *state;
    assert_int_equal(husk_heap_set_parallel(heap, 2), HUSK_OK);
    assert_int_equal(heap->parallel->least, HUSK_PARALLEL_LEAST);
    assert_true(litter(heap, type_node));
    assert_int_equal(collect(heap), 1);
    assert_int_equal(heap->parallel->searches, 0);
}

/* A pass asks for no memory, whoever does it. */
static void no_memory_is_asked_for(void **state)
{
    husk_heap *heap = *state;
    assert_int_equal(husk_heap_set_parallel(heap, 4), HUSK_OK);
    heap->parallel->least = 0;
    assert_int_equal(husk_heap_disable(heap, "test"), HUSK_OK);
    for (int i = 0; i < 5000; i++)
        assert_true(litter(heap, type_node));
    assert_int_equal(husk_heap_enable(heap), HUSK_OK);
    uint64_t before = husk_memory_requests();
    assert_int_equal(collect(heap), 5000);
    assert_int_equal(husk_memory_requests(), before);
}

/* Steps, young runs and what a bridge asks go together with it. */
static void beside_the_other_modes(void **state)
{
    husk_heap *heap = *state;
    husk_pass pass;
    husk_step step;
    assert_int_equal(husk_heap_set_parallel(heap, 2), HUSK_OK);
    heap->parallel->least = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2000; i++)
            assert_true(litter(heap, type_node));
        assert_int_equal(husk_heap_step(heap, HUSK_STEP_LEAST_NS, &step), HUSK_OK);
        assert_true(litter(heap, type_node));
        assert_int_equal(husk_heap_collect(heap, &pass), HUSK_OK); /* gives up what the step began */
        assert_true(litter(heap, type_node));
        assert_int_equal(husk_heap_collect_young(heap, &pass), HUSK_OK);
        verify(heap);
    }
    uint64_t searches = heap->parallel->searches;
    assert_int_equal(searches, 20);
    husk_obj *obj = husk_obj_new(heap, type_node), *const proxied[] = { obj };
    struct husk__found found;
    husk__find_without(heap, proxied, 1, &found);
    assert_true(husk__is_open(obj));
    assert_int_equal(found.garbage, found.examined);
    husk__search_end(heap);
    husk__find_without(heap, NULL, 0, &found);
    assert_false(husk__is_open(obj));
    husk__search_end(heap);
    assert_int_equal(heap->parallel->searches, searches + 2);
    husk_obj_release(obj);
    (void)collect(heap);
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

/* A signal for the process that all the program's threads block waits for them: no helper takes it. */
static void signals_are_not_for_helpers(void **state)
{
    husk_heap *heap = *state;
    sigset_t usr1, before;
    struct sigaction act = { .sa_handler = on_signal }, old;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    signals = 0;
    assert_int_equal(sigaction(SIGUSR1, &act, &old), 0);
    assert_int_equal(husk_heap_set_parallel(heap, 4), HUSK_OK); /* made while it is not blocked */
    heap->parallel->least = 0;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_true(litter(heap, type_node));
    assert_int_equal(collect(heap), 1);
    usleep(20000);
    assert_int_equal(signals, 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(signals, 1);
    assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

/* In the child: 0 if all is well. */
static int child(husk_heap *heap, bool on_again)
{
    if (husk_heap_parallel(heap) != 1)
        return 1;
    for (int i = 0; i < 1000; i++)
        if (!litter(heap, type_node))
            return 2;
    husk_pass pass;
    if (husk_heap_collect(heap, &pass) || pass.collected != 2000)
        return 3;
    if (on_again) {
        if (husk_heap_set_parallel(heap, 3) || husk_heap_parallel(heap) != 3)
            return 4;
        heap->parallel->least = 0;
        if (!litter(heap, type_node) || husk_heap_collect(heap, &pass) || pass.collected != 1)
            return 5;
        if (heap->parallel->searches != 1)
            return 6;
    }
    if (husk_heap_verify(heap))
        return 7;
    husk_heap_close(heap);
    return husk_memory_held() ? 8 : 0;
}

static void a_child_has_no_helpers(void **state)
{
    husk_heap *heap = *state;
#ifdef __SANITIZE_THREAD__
    const int ways = 1; /* it does not let a child of several threads make more */
#else
    const int ways = 2;
#endif
    assert_int_equal(husk_heap_set_parallel(heap, 3), HUSK_OK);
    heap->parallel->least = 0;
    for (int way = 0; way < ways; way++) {
        for (int i = 0; i < 1000; i++)
            assert_true(litter(heap, type_node));
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(child(heap, way == 1));
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(husk_heap_parallel(heap), 3);
        assert_int_equal(collect(heap), 1000);
        assert_int_equal(heap->parallel->searches, way + 1);
    }
}

int main(void)
{
    types_setup();
    homebound_setup();
    const struct CMUnitTest tests[] = {
        HEAP_TEST(what_is_refused),        HEAP_TEST(threads_that_are_refused),
        HEAP_TEST(below_the_threshold),    HEAP_TEST(no_memory_is_asked_for),
        HEAP_TEST(beside_the_other_modes), HEAP_TEST(signals_are_not_for_helpers),
        HEAP_TEST(a_child_has_no_helpers), cmocka_unit_test(small_heaps),
        cmocka_unit_test(middle_heaps),    cmocka_unit_test(a_big_heap),
        cmocka_unit_test(damaged_heaps),
    };
    return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
