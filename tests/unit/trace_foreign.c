/* tests/unit/trace_foreign.c: the tracer of the process: against a slow model, from many threads, across fork, while
 * it starts and stops, with memory failing, and from inside of the allocator that it takes memory from. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "base/memory.h"
#include "trace/foreign.h"
#include "trace/site.h"

#include <husk/debug.h>
#include <husk/trace.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(husk_trace_options options)
{
    options.struct_size = (uint32_t)sizeof options;
    options.abi = 1;
    assert_int_equal(husk_trace_start(NULL, &options), HUSK_OK);
}

static husk_trace_figures figures(void)
{
    husk_trace_figures out;
    husk_trace_figures_get(NULL, &out);
    return out;
}

/* What the entries say, and whether the tracer agrees at this moment. */
static void check_whole(void)
{
    struct husk__tracer *tracer = husk__foreign_hold();
    if (!tracer)
        return;
    uint64_t bytes = 0, count = 0, of_records = 0;
    size_t cursor = 0;
    for (struct husk__blockmap_entry entry; husk__foreign_next(&cursor, &entry); count++)
        bytes += entry.size;
    for (uint32_t r = 0; r < tracer->record_count; r++)
        of_records += tracer->records[r].born_bytes - tracer->records[r].died_bytes;
    bool agrees =
        bytes == tracer->bytes && count == tracer->count >> tracer->unit_shift && of_records == bytes;
    husk__foreign_release();
    assert_true(agrees);
}

/* ---- one thread, against a model ---- */

enum { MODEL_BLOCKS = 3 * 300 };

static void test_model(void **state)
{
    (void)state;
    size_t held = husk_memory_held();
    random64 r = random_from(1);
    static size_t model[MODEL_BLOCKS]; /* bytes + 1; 0: none */
    memset(model, 0, sizeof model);
    size_t bytes = 0, count = 0, peak = 0, latest = SIZE_MAX;
    uint64_t born = 0, born_bytes = 0, temporary = 0;
    start((husk_trace_options){ .frames = 8 });
    for (unsigned round = 0; round < 200000; round++) {
        size_t number = random_below(&r, MODEL_BLOCKS);
        uint32_t domain = (uint32_t)(number % 3);
        uint64_t address = 0x1000 + number / 3 * 16;
        if (model[number] && latest == number)
            temporary++;
        if (latest == number)
            latest = SIZE_MAX;
        if (model[number]) {
            bytes -= model[number] - 1;
            count--;
        }
        if (random_below(&r, 5) < 2) {
            assert_int_equal(husk_trace_unblock(domain, address), HUSK_OK);
            model[number] = 0;
        } else {
            size_t size = random_below(&r, 1000);
            assert_int_equal(husk_trace_block(domain, address, size), HUSK_OK);
            model[number] = size + 1;
            bytes += size;
            count++;
            born++;
            born_bytes += size;
            latest = number;
            peak = bytes > peak ? bytes : peak;
        }
        if (round % 1000 == 0) {
            husk_trace_figures now = figures();
            assert_int_equal(now.bytes, bytes);
            assert_int_equal(now.count, count);
            assert_int_equal(now.peak_bytes, peak);
            assert_int_equal(now.born, born);
            assert_int_equal(now.born_bytes, born_bytes);
            assert_int_equal(now.temporary, temporary);
            assert_int_equal(now.unknown, 0);
            check_whole();
        }
        if (round == 100000) {
            husk_trace_clear(NULL);
            assert_int_equal(figures().bytes, 0);
            memset(model, 0, sizeof model);
            bytes = count = peak = 0;
            born = born_bytes = temporary = 0;
            latest = SIZE_MAX;
        }
    }
    husk_trace_stop(NULL);
    assert_int_equal(husk_trace_block(1, 2, 3), HUSK_ESTATE);
    assert_int_equal(husk_trace_unblock(1, 2), HUSK_ESTATE);
    assert_int_equal(husk_memory_held(), held);
}

/* ---- threads ---- */

enum { THREADS = 8, THREAD_ROUNDS = 40000, THREAD_BLOCKS = 200 };

struct worker {
    pthread_t thread;
    unsigned number;
    uint64_t born, born_bytes, left, left_bytes;
};

static _Atomic bool go_on;

static void *work(void *data)
{
    struct worker *worker = data;
    random64 r = random_from(100 + worker->number);
    size_t sizes[THREAD_BLOCKS] = { 0 };
    for (unsigned round = 0; round < THREAD_ROUNDS; round++) {
        size_t i = random_below(&r, THREAD_BLOCKS);
        uint64_t address = ((uint64_t)worker->number * THREAD_BLOCKS + i) * 32;
        if (sizes[i] && random_below(&r, 2)) {
            assert_int_equal(husk_trace_unblock(7, address), HUSK_OK);
            sizes[i] = 0;
        } else {
            sizes[i] = 1 + random_below(&r, 500);
            assert_int_equal(husk_trace_block(7, address, sizes[i]), HUSK_OK);
            worker->born++;
            worker->born_bytes += sizes[i];
        }
    }
    for (size_t i = 0; i < THREAD_BLOCKS; i++) {
        worker->left += sizes[i] != 0;
        worker->left_bytes += sizes[i];
    }
    return NULL;
}

static void *look(void *data)
{
    while (go_on)
        check_whole();
    return data;
}

static void test_threads(void **state)
{
    (void)state;
    struct worker workers[THREADS] = { 0 };
    start((husk_trace_options){ .frames = 4, .epoch_ms = 1 });
    go_on = true;
    pthread_t looker;
    assert_int_equal(pthread_create(&looker, NULL, look, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].number = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    uint64_t born = 0, born_bytes = 0, left = 0, left_bytes = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        born += workers[i].born;
        born_bytes += workers[i].born_bytes;
        left += workers[i].left;
        left_bytes += workers[i].left_bytes;
    }
    go_on = false;
    assert_int_equal(pthread_join(looker, NULL), 0);
    husk_trace_figures now = figures();
    assert_int_equal(now.born, born);
    assert_int_equal(now.born_bytes, born_bytes);
    assert_int_equal(now.count, left);
    assert_int_equal(now.bytes, left_bytes);
    assert_true(now.peak_bytes >= left_bytes);
    /* Each thread has a context of its own. */
    struct husk__tracer *tracer = husk__foreign_hold();
    size_t contexts = tracer->contexts.used / sizeof(struct husk__trace_context);
    husk__foreign_release();
    assert_true(contexts > THREADS);
    husk_trace_stop(NULL);
}

static void *one_block(void *data)
{
    assert_int_equal(husk_trace_block(1, (uintptr_t)data, 10), HUSK_OK);
    return NULL;
}

/* What an ended thread leaves is used by the next. */
static void test_thread_ends(void **state)
{
    (void)state;
    start((husk_trace_options){ .frames = 4 });
    size_t own = 0;
    for (uintptr_t i = 0; i < 200; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, one_block, (void *)i), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (i == 0)
            own = figures().own_bytes;
    }
    assert_true(figures().own_bytes < own + 200 * 1024); /* records and contexts: not 200 states */
    husk_trace_stop(NULL);
}

static void *keep_tracing(void *data)
{
    random64 r = random_from((uintptr_t)data);
    while (go_on) {
        uint64_t address = random_below(&r, 1000);
        husk_status status =
            random_below(&r, 2) ? husk_trace_block(1, address, 100) : husk_trace_unblock(1, address);
        if (status != HUSK_OK && status != HUSK_ESTATE) { /* an assert would leave from here without a word */
            fprintf(stderr, "a thread got %s: %s\n", husk_status_name(status), husk_message());
            abort();
        }
        if (random_below(&r, 50) == 0 && husk_trace_push_tag(NULL, "tag") == HUSK_OK)
            (void)husk_trace_pop_tag(NULL);
    }
    return NULL;
}

/* Starting, clearing and stopping while others trace. */
static void test_start_and_stop(void **state)
{
    (void)state;
    go_on = true;
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_tracing, (void *)(i + 1)), 0);
    for (unsigned round = 0; round < 300; round++) {
        start((husk_trace_options){ .frames = 1 + round % 30, .sample_bytes = round % 3 == 0 ? 500 : 0 });
        if (round % 3)
            check_whole();
        husk_trace_clear(NULL);
        if (round % 3)
            check_whole();
        husk_trace_stop(NULL);
    }
    go_on = false;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *keep_looking(void *data)
{
    while (go_on)
        (void)figures();
    return data;
}

/* Looking while it starts and stops; in all orders that matter: trace_locks.c. */
static void test_look_at_start(void **state)
{
    (void)state;
    go_on = true;
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_looking, NULL), 0);
    for (unsigned round = 0; round < 150; round++) {
        start((husk_trace_options){ .frames = 1 });
        assert_int_equal(husk_trace_block(1, 16, 100), HUSK_OK);
        check_whole();
        husk_trace_stop(NULL);
    }
    go_on = false;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* ---- from one thread to several: in a process of its own, since this one had threads already ---- */

static void need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "alone: %s\n", what);
        abort();
    }
}

enum { HUNDRED = 100, TEN_THOUSAND = 10000 };

static void blocks(uint32_t domain, uintptr_t from, uintptr_t count, size_t bytes)
{
    for (uintptr_t i = 0; i < count; i++)
        need(husk_trace_block(domain, from + i * 48, bytes) == HUSK_OK, "a block");
}

static void *a_hundred(void *data)
{
    blocks(5, (uintptr_t)data, HUNDRED, 3);
    return NULL;
}

/* What a child inherits from a process that never had a thread; the child has one. */
static void fork_alone(void)
{
    start((husk_trace_options){ .frames = 4 });
    blocks(1, 0, 1, 100);
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        blocks(1, 48, 1, 10);
        need(pthread_create(&thread, NULL, a_hundred, NULL) == 0, "a thread");
        for (size_t i = 0; i < TEN_THOUSAND; i++)
            blocks(1, 0, 1, i);
        need(pthread_join(thread, NULL) == 0, "its end");
        need(figures().bytes == TEN_THOUSAND - 1 + 10 + HUNDRED * 3, "the child's bytes");
        check_whole();
        _exit(0);
    }
    int status = 1;
    need(child > 0 && waitpid(child, &status, 0) == child && status == 0, "a child");
    need(figures().bytes == 100, "bytes, after a child");
    husk_trace_stop(NULL);
}

static int alone(void)
{
    fork_alone();
    start((husk_trace_options){ .frames = 4, .epoch_ms = 1 });
    blocks(1, 0, TEN_THOUSAND, 7);
    /* Threads that begin while all locks are held do nothing before they are given back. */
    struct husk__tracer *tracer = husk__foreign_hold();
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        need(pthread_create(&threads[i], NULL, a_hundred, (void *)(i << 20)) == 0, "a thread");
    usleep(2000);
    need(tracer->count == TEN_THOUSAND, "a thread traced while all was held");
    husk__foreign_release();
    for (uint64_t i = 0; i < TEN_THOUSAND; i++)
        need(husk_trace_unblock(1, i * 48) == HUSK_OK, "the end of a block");
    for (unsigned i = 0; i < 4; i++)
        need(pthread_join(threads[i], NULL) == 0, "the end of a thread");
    husk_trace_figures now = figures();
    need(now.count == 4 * HUNDRED && now.bytes == 4 * HUNDRED * 3, "what is left");
    need(now.born == TEN_THOUSAND + 4 * HUNDRED && now.peak_bytes >= TEN_THOUSAND * 7, "what was born");
    check_whole();
    husk_trace_stop(NULL);
    return 0;
}

static void test_alone(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "unit_trace_foreign", "alone", (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- fork ---- */

static void test_fork(void **state)
{
    (void)state;
    start((husk_trace_options){ .frames = 4 });
    go_on = true;
    pthread_t threads[3];
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_tracing, (void *)(i + 1)), 0);
    for (unsigned round = 0; round < 40; round++) {
        assert_int_equal(husk_trace_block(2, 5, 77), HUSK_OK);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            husk_trace_figures before = figures();
            bool ok = husk_trace_block(3, 6, 1000) == HUSK_OK;
            husk_trace_figures after = figures();
            ok = ok && after.bytes == before.bytes + 1000 && after.count == before.count + 1;
            ok = ok && husk_trace_unblock(2, 5) == HUSK_OK && figures().bytes == after.bytes - 77;
            check_whole();
            husk_trace_stop(NULL);
            _exit(ok ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    go_on = false;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    check_whole();
    husk_trace_stop(NULL);
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
    (void)state;
    size_t held = husk_memory_held();
    unsigned refused = 0;
    bool again = true;
    for (uint64_t n = 1; again; n++) {
        uint64_t before = husk_memory_requests();
        husk_memory_fail(n, false);
        husk_trace_options options = { HUSK_TRACE_OPTIONS, .frames = 4 };
        husk_status status = husk_trace_start(NULL, &options);
        unsigned failed = 0;
        for (uint64_t i = 0; i < 4000 && status == HUSK_OK; i++)
            if (husk_trace_block(0, i * 8, 1) != HUSK_OK) {
                assert_non_null(strstr(husk_message(), "block at 0x"));
                failed++;
            }
        husk_memory_fail(0, false);
        again = husk_memory_requests() - before >= n;
        refused +=
            status != HUSK_OK || failed || figures().unknown; /* else only a context was not to be had */
        if (status == HUSK_OK) {
            assert_int_equal(figures().count, 4000 - failed);
            check_whole();
        } else {
            assert_int_equal(status, HUSK_ENOMEM);
        }
        husk_trace_stop(NULL);
        assert_int_equal(husk_memory_held(), held);
    }
    assert_true(refused > 8);
}

/* A program that traces its malloc with these calls, while the tracer takes its memory from it. */
static void *traced_raw(void *old, size_t bytes)
{
    if (old)
        (void)husk_trace_unblock(9, (uintptr_t)old);
    if (bytes == 0) {
        free(old);
        return NULL;
    }
    void *block = realloc(old, bytes);
    if (block)
        (void)husk_trace_block(9, (uintptr_t)block, bytes);
    return block;
}

static void test_from_inside(void **state)
{
    (void)state;
    struct husk__gates gates = husk__system_gates;
    gates.raw = traced_raw;
    husk__memory_set_gates(&gates);
    start((husk_trace_options){ .frames = 4 });
    for (uint64_t i = 0; i < 50000; i++)
        assert_int_equal(husk_trace_block(0, i * 8, 1), HUSK_OK);
    assert_int_equal(figures().count, 50000); /* what it needed itself is not heard */
    husk_trace_stop(NULL);
    husk__memory_set_gates(NULL);
}

/* ---- sampling ---- */

static void test_sampled(void **state)
{
    (void)state;
    random64 r = random_from(3);
    start((husk_trace_options){ .frames = 2, .sample_bytes = 4096, .seed = 5 });
    enum { COUNT = 200000 };
    double bytes = 0;
    static size_t sizes[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        sizes[i] = random_below(&r, 50) ? random_below(&r, 300) : random_below(&r, 20000);
        bytes += (double)sizes[i];
        assert_int_equal(husk_trace_block(4, i * 64, sizes[i]), HUSK_OK);
    }
    husk_trace_figures now = figures();
    /* The sum's standard deviation is about 0.5 % here. */
    assert_true((double)now.bytes > bytes * 0.97 && (double)now.bytes < bytes * 1.03);
    assert_true((double)now.count > COUNT * 0.9 && (double)now.count < COUNT * 1.1);
    uint64_t samples = 0;
    size_t cursor = 0;
    assert_non_null(husk__foreign_hold());
    for (struct husk__blockmap_entry entry; husk__foreign_next(&cursor, &entry);)
        samples++;
    husk__foreign_release();
    assert_true(samples > 5000 && samples < COUNT / 5);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(husk_trace_unblock(4, i * 64), HUSK_OK);
    now = figures();
    assert_int_equal(now.bytes, 0);
    assert_int_equal(now.count, 0);
    husk_trace_stop(NULL);
}

/* ---- places ---- */

__attribute__((noinline)) static void at_one_place(uint64_t address)
{
    assert_int_equal(husk_trace_block(0, address, 8), HUSK_OK);
}

__attribute__((noinline)) static void at_another(uint64_t address)
{
    at_one_place(address);
    __asm__ volatile("");
}

static void test_places(void **state)
{
    (void)state;
    start((husk_trace_options){ .frames = 3 });
    for (uint64_t i = 0; i < 100; i++)
        at_another(i * 16);
    husk_trace_figures now = figures();
    assert_int_equal(now.places, 1);
    husk_place_frame frame;
    assert_true(husk_trace_of_block(0, 16, 0, &frame));
    assert_true(frame.address - (uintptr_t)at_one_place < 200);
    assert_true(husk_trace_of_block(0, 16, 1, &frame));
    assert_true(frame.address - (uintptr_t)at_another < 200);
    assert_true(husk_trace_of_block(0, 16, 2, &frame));
    assert_true(frame.address - (uintptr_t)test_places < 2000);
    assert_false(husk_trace_of_block(0, 16, 3, &frame));
    assert_false(husk_trace_of_block(1, 16, 0, &frame));
    /* Another tag, another record of the same place. */
    assert_int_equal(husk_trace_push_tag(NULL, "loading"), HUSK_OK);
    for (uint64_t i = 0; i < 100; i++)
        at_another(i * 16);
    assert_int_equal(figures().places, 2);
    assert_int_equal(husk_trace_pop_tag(NULL), HUSK_OK);
    assert_int_equal(husk_trace_pop_tag(NULL), HUSK_ESTATE);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(husk_trace_push_domain(NULL, "d"), HUSK_OK);
    assert_int_equal(husk_trace_push_domain(NULL, "d"), HUSK_ERANGE);
    husk_trace_stop(NULL);
    assert_int_equal(husk_trace_push_tag(NULL, "x"), HUSK_ESTATE);
    assert_int_equal(husk_trace_pop_tag(NULL), HUSK_ESTATE);
}

/* realloc that moves, and one that refuses. */
static void test_lift(void **state)
{
    (void)state;
    for (size_t sample = 0; sample <= 1; sample++) { /* exact; and sampled so finely that all are picked */
        start((husk_trace_options){ .frames = 2, .sample_bytes = sample });
        struct husk__lifted lifted;
        assert_int_equal(husk_trace_block(0, 64, 100000), HUSK_OK);
        assert_int_equal(husk_trace_block(0, 128, 50000), HUSK_OK);
        husk_trace_figures before = figures();
        assert_false(husk__foreign_lift(0, 65, &lifted));
        assert_true(husk__foreign_lift(0, 64, &lifted));
        assert_int_equal(figures().bytes, 50000);
        check_whole();
        husk__foreign_stays(&lifted);
        check_whole();
        husk_trace_figures after = figures();
        assert_memory_equal(&before, &after, sizeof before);
        assert_true(husk__foreign_lift(0, 128, &lifted));
        assert_int_equal(husk_trace_block(0, 256, 70000), HUSK_OK);
        after = figures();
        assert_int_equal(after.bytes, 170000);
        assert_int_equal(after.born, 3);
        assert_int_equal(after.temporary, 0);
        husk_trace_stop(NULL);
        start((husk_trace_options){ .frames = 2 });
        husk__foreign_stays(&lifted); /* of an earlier tracing */
        assert_int_equal(figures().bytes, 0);
        husk_trace_stop(NULL);
        assert_false(husk__foreign_lift(0, 256, &lifted));
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "alone") == 0)
        return alone();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),         cmocka_unit_test(test_threads),
        cmocka_unit_test(test_thread_ends),   cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_look_at_start), cmocka_unit_test(test_alone),
        cmocka_unit_test(test_fork),          cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_from_inside),   cmocka_unit_test(test_sampled),
        cmocka_unit_test(test_places),        cmocka_unit_test(test_lift),
    };
    return RUN_ROUNDS("trace_foreign", tests);
}
