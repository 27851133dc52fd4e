/* tests/unit/handover.c: a heap goes from thread to thread between the steps of a pass, while one more thread asks for
 * passes. For the thread sanitizer first of all, whose word is that nothing is shared but what the program hands
 * over; and everywhere: hooks run on the thread that has the heap, what is reached lives, all else ends, once. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "cycle/find.h"
#include "cycle/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { TURNS = 400 };
#else
enum { TURNS = 2000 };
#endif
enum { RUNNERS = 3, ROOTS = 64, ACTS = 60, ASK_EACH = 24, CANARY = 0x5EED };

typedef struct bead {
    husk_obj *next, *other;
    long canary; /* until it is disposed of */
} bead;

typedef struct relay {
    husk_heap *heap;
    /* The baton: all but `turn`'s readers go by the lock. */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    atomic_uint turn;
    unsigned first_free; /* of the runners, who gets the next number */
    /* The runner's whose turn it is: */
    random64 random;
    husk_obj *root[ROOTS];
    pthread_t owner;
    bool automatic; /* steps are the heap's own business */
    long made, finalized, disposed, passes, young;
    long mistakes; /* what the main thread asserts: a test fails on no other one */
    bool by_request;
} relay;

static const husk_type *type_bead;
static relay *running; /* hooks know only their object */

static bead *bead_of(husk_obj *obj)
{
    return husk_obj_data(obj);
}

static void on_finalize(husk_obj *self)
{
    running->mistakes += !pthread_equal(pthread_self(), running->owner);
    running->mistakes += bead_of(self)->canary != CANARY;
    running->finalized++;
}

static void on_dispose(husk_obj *self)
{
    running->mistakes += !pthread_equal(pthread_self(), running->owner);
    running->mistakes += bead_of(self)->canary != CANARY;
    bead_of(self)->canary = 0;
    running->disposed++;
}

static void on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    relay *r = data;
    (void)heap;
    r->mistakes += !pthread_equal(pthread_self(), r->owner);
    if (phase == HUSK_PASS_START)
        return;
    r->by_request |= pass->reason == HUSK_BY_REQUEST;
    r->young += pass->generation == 1;
}

static void setup_type(void)
{
    static const husk_slot slots[] = { HUSK_REF(bead, next), HUSK_REF(bead, other) };
    husk_type_spec spec = { HUSK_TYPE_SPEC,  .name = "bead",          .size = sizeof(bead), .slots = slots,
                            .slot_count = 2, .finalize = on_finalize, .dispose = on_dispose };
    if (!type_bead)
        assert_int_equal(husk_type_register(&spec, &type_bead), HUSK_OK);
}

/* ---- what a runner does ---- */

static husk_obj *string_bead(relay *r, husk_obj *next)
{
    husk_obj *obj = husk_obj_new(r->heap, type_bead);
    if (!obj) {
        r->mistakes++;
        return NULL;
    }
    bead_of(obj)->canary = CANARY;
    r->made++;
    (void)husk_obj_set(obj, &bead_of(obj)->next, next);
    return obj;
}

/* A ring takes the place of what a root held. */
static void string_ring(relay *r, uint32_t at)
{
    husk_obj *first = string_bead(r, NULL), *last = first;
    for (uint32_t i = random_below(&r->random, 12); first && last && i > 0; i--) {
        husk_obj *obj = string_bead(r, last);
        husk_obj_release(last);
        last = obj;
    }
    /* The first one is held by the second, or is the last itself. */
    if (last) {
        for (first = last; bead_of(first)->next; first = bead_of(first)->next)
            ;
        (void)husk_obj_set(first, &bead_of(first)->next, last);
    }
    husk_obj_drop(&r->root[at]);
    r->root[at] = last;
}

static void act_once(relay *r)
{
    uint32_t at = random_below(&r->random, ROOTS), to = random_below(&r->random, ROOTS);
    husk_obj *a = r->root[at], *b = r->root[to];
    switch (random_below(&r->random, 8)) {
    case 0:
        if (a)
            (void)husk_obj_set(a, &bead_of(a)->other, b);
        break;
    case 1: /* as plain C may: no count changes, and the heap hears nothing of it */
        if (a && b) {
            husk_obj *kept = bead_of(a)->other;
            bead_of(a)->other = bead_of(b)->other;
            bead_of(b)->other = kept;
        }
        break;
    case 2:
        husk_obj_drop(&r->root[at]);
        break;
    case 3: /* along the string */
        if (a && bead_of(a)->next) {
            husk_obj *next = bead_of(a)->next;
            husk_obj_retain(next);
            r->root[at] = next;
            husk_obj_release(a);
        }
        break;
    default:
        string_ring(r, at);
        break;
    }
}

/* Along random references: all that is met lives. */
static void look(relay *r)
{
    for (int i = 0; i < ROOTS; i++) {
        husk_obj *obj = r->root[i];
        for (uint32_t far = random_below(&r->random, 20); obj && far > 0; far--) {
            r->mistakes += bead_of(obj)->canary != CANARY || husk_obj_strong_count(obj) == 0;
            obj = random_below(&r->random, 2) ? bead_of(obj)->other : bead_of(obj)->next;
        }
    }
}

static void go_on_with_the_pass(relay *r, unsigned turn)
{
    husk_step done = { 0 };
    if (turn % 31 == 0)
        r->mistakes += husk_heap_collect_young(r->heap, NULL) != HUSK_OK;
    else if (turn % 67 == 0)
        r->mistakes += husk_heap_collect(r->heap, NULL) != HUSK_OK;
    else if (!r->automatic)
        /* Longer and longer: on a slow machine no pass would come to its end before one that gives it up. */
        r->mistakes += husk_heap_step(r->heap, (uint64_t)HUSK_STEP_LEAST_NS << (turn * 8 / TURNS), &done) != HUSK_OK;
    r->passes += done.finished;
    if (turn % 16 == 0)
        husk_heap_safepoint(r->heap);
    if (turn % 101 == 0)
        r->mistakes += husk_heap_verify(r->heap) != HUSK_OK;
}

static void take_turn(relay *r, unsigned turn)
{
    r->owner = pthread_self();
    r->mistakes += husk_heap_attach(r->heap) != HUSK_OK;
    r->mistakes += husk_heap_attach(r->heap) != HUSK_ESTATE; /* it has an owner */
    for (uint32_t i = random_below(&r->random, ACTS); i > 0; i--)
        act_once(r);
    go_on_with_the_pass(r, turn);
    look(r);
    husk_heap_detach(r->heap);
}

static void *run(void *data)
{
    relay *r = data;
    pthread_mutex_lock(&r->lock);
    unsigned mine = r->first_free++;
    for (;;) {
        unsigned turn;
        while ((turn = atomic_load(&r->turn)) < TURNS && turn % RUNNERS != mine)
            pthread_cond_wait(&r->moved, &r->lock);
        if (turn >= TURNS)
            break;
        take_turn(r, turn);
        atomic_store(&r->turn, turn + 1);
        pthread_cond_broadcast(&r->moved);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Has no part in the lock: it asks in the middle of whatever goes on. Too often, and no pass in steps would end. */
static void *ask(void *data)
{
    relay *r = data;
    for (unsigned next = ASK_EACH; next < TURNS; next += ASK_EACH) {
        while (atomic_load(&r->turn) < next)
            sched_yield();
        husk_heap_request(r->heap);
    }
    return NULL;
}

/* ---- the relay ---- */

static void relay_run(relay *r, unsigned threads)
{
    setup_type();
    husk_heap_options options = { HUSK_HEAP_OPTIONS, .check_owner = true };
    r->heap = heap_open(&options);
    r->random = random_from(9 + threads + r->automatic);
    r->owner = pthread_self();
    running = r;
    uint64_t watch;
    assert_int_equal(husk_heap_on_pass(r->heap, on_pass, r, NULL, &watch), HUSK_OK);
    husk_pacing pacing = { r->automatic ? 300 : 0, 0, 1.0, 2.0 };
    assert_int_equal(husk_heap_set_pacing(r->heap, &pacing), HUSK_OK);
    if (r->automatic) {
        assert_int_equal(husk_heap_set_pause(r->heap, HUSK_STEP_LEAST_NS), HUSK_OK);
        assert_int_equal(husk_heap_set_young(r->heap, 200), HUSK_OK);
    }
    assert_int_equal(husk_heap_set_parallel(r->heap, threads), HUSK_OK);
    if (threads > 1)
        r->heap->parallel->least = 0;
    husk_heap_detach(r->heap);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->moved, NULL);
    pthread_t runner[RUNNERS], asker;
    for (int i = 0; i < RUNNERS; i++)
        assert_int_equal(pthread_create(&runner[i], NULL, run, r), 0);
    assert_int_equal(pthread_create(&asker, NULL, ask, r), 0);
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runner[i], NULL);
    pthread_join(asker, NULL);
    r->owner = pthread_self();
    assert_int_equal(husk_heap_attach(r->heap), HUSK_OK);
    if (threads > 1)
        assert_true(r->heap->parallel->searches > 0);
    husk_steps steps;
    husk_heap_steps(r->heap, &steps);
    assert_true(steps.finished > 0);
    assert_true(steps.steps > steps.finished); /* a pass goes through several hands */
    assert_true(r->by_request);
    assert_true(r->young > 0);
    assert_true(r->automatic || r->passes > 0);
    for (int i = 0; i < ROOTS; i++)
        husk_obj_drop(&r->root[i]);
    (void)collect(r->heap);
    assert_int_equal(r->mistakes, 0);
    assert_true(r->made > TURNS);
    assert_int_equal(r->finalized, r->made);
    assert_int_equal(r->disposed, r->made);
    pthread_cond_destroy(&r->moved);
    pthread_mutex_destroy(&r->lock);
    heap_close(r->heap, true);
}

static void between_steps(void **state)
{
    (void)state;
    relay_run(&(relay){ 0 }, 1);
}

static void between_steps_and_parallel_passes(void **state)
{
    (void)state;
    relay_run(&(relay){ 0 }, 3);
}

static void while_the_heap_takes_steps_itself(void **state)
{
    (void)state;
    relay_run(&(relay){ .automatic = true }, 1);
}

static void the_same_with_parallel_passes(void **state)
{
    (void)state;
    relay_run(&(relay){ .automatic = true }, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(between_steps),
        cmocka_unit_test(between_steps_and_parallel_passes),
        cmocka_unit_test(while_the_heap_takes_steps_itself),
        cmocka_unit_test(the_same_with_parallel_passes),
    };
    return RUN_ROUNDS("handover", tests);
}
