/* tests/unit/view_balance_rows.c: whose memory it is: rows of the system, of the rest of the library, shared with a child,
 * of twins; and a sheet while another thread maps and unmaps. */
#define _GNU_SOURCE
#include "balance_sheet.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *arena_main(void *data)
{
    pthread_barrier_t *barrier = data;
    char *block = memset(take(100000), 1, 100000); /* in an arena of this thread's */
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    free(block);
    return NULL;
}

/* malloc's arenas and large blocks, stacks, shared memory and files are known from other anonymous memory. */
static void test_rows_of_the_system(void **state)
{
    husk_heap *heap = *state;
    enum { THREADS = 4, BYTES = 2 << 20 };
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    husk_balance *before = sheet(heap, 0, NULL);
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, arena_main, &barrier), 0);
    pthread_barrier_wait(&barrier);
    char *large = memset(take(BYTES), 1, BYTES);
    char *anonymous = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *shared = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FILE *file = tmpfile();
    memset(anonymous, 1, BYTES);
    memset(shared, 1, BYTES);
    assert_int_equal(ftruncate(fileno(file), BYTES), 0);
    char *mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    memset(mapped, 1, BYTES);

    husk_balance *after = sheet(heap, 0, NULL);
    check(after, heap);
#define MORE(name) (row_of(after, name).bytes - row_of(before, name).bytes)
    assert_true(MORE("shared memory") == BYTES);
    assert_true(MORE("mapped files") >= BYTES && MORE("mapped files") < BYTES + (1 << 20));
    if (NATIVE_TELLS) {
        int64_t native = MORE("native heap in use");
        assert_true(native >= BYTES + THREADS * 100000 && native < BYTES + THREADS * 100000 + (1 << 19));
        /* The stack of a thread that has ended is kept for the next one, and is no stack meanwhile. */
        int64_t anonymous_more = MORE("other anonymous");
        assert_true(anonymous_more > BYTES - (1 << 18) && anonymous_more < BYTES + (1 << 18));
        assert_true(MORE("stacks") >= THREADS * 4096);
        assert_non_null(strstr(row_of(after, "stacks").note, "of 5 of "));
    }
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
    free(large);
    munmap(anonymous, BYTES);
    munmap(shared, BYTES);
    munmap(mapped, BYTES);
    fclose(file);
    husk_balance_free(before);
    husk_balance_free(after);
}

/* Heaps that are not given, snapshots and the tracer have rows of their own. */
static void test_rest_of_the_library(void **state)
{
    husk_heap *heap = *state;
    husk_heap *other = heap_open(NULL);
    make(other, 0, 50000);
    husk_balance *balance = sheet(heap, 0, NULL);
    check(balance, heap);
    int64_t others = row_of(balance, "other heaps").bytes;
    assert_true(others >= 50000 * 56 && others < 50000 * 56 + (1 << 20));
    husk_balance_free(balance);
    husk_heap *both[] = { heap, other };
    husk_balance_options options = { HUSK_BALANCE_OPTIONS };
    assert_int_equal(husk_balance_new(both, 2, &options, &balance), HUSK_OK);
    assert_int_equal(row_of(balance, "other heaps").bytes, 0);
    assert_true(row_of(balance, "live objects").bytes >= 50000 * 56);
    husk_balance_free(balance);

    balance = sheet(other, 0, NULL);
    int64_t none = row_of(balance, "snapshots").bytes;
    husk_balance_free(balance);
    husk_snapshot *snapshot;
    assert_int_equal(husk_snapshot_new(other, NULL, &snapshot), HUSK_OK);
    balance = sheet(other, 0, NULL);
    check(balance, other);
    assert_true(row_of(balance, "snapshots").bytes - none >= 50000 * 16);
    husk_balance_free(balance);
    husk_snapshot_free(snapshot);

    assert_int_equal(husk_trace_start(other, NULL), HUSK_OK);
    for (int i = 0; i < 1000; i++) {
        husk_trace_at(other, "balance.c", (uint32_t)(i + 1), NULL);
        assert_non_null(objects[50000 + i] = husk_obj_new(other, type_node));
    }
    husk_trace_figures figures;
    husk_trace_figures_get(other, &figures);
    balance = sheet(other, 0, NULL);
    check(balance, other);
    husk_balance_row tracer = row_of(balance, "tracer");
    assert_int_equal(tracer.counted, figures.own_bytes);
    assert_true(tracer.bytes > 0 && (uint64_t)tracer.bytes <= tracer.counted);
    husk_balance_free(balance);
    husk_trace_stop(other);
    drop(0, 51000, 0);
    heap_close(other, true);
}

/* After a fork everything is shared until it is written. */
static void test_shared_after_fork(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, 50000);
    int go[2];
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(go[1]);
        (void)!read(go[0], &byte, 1);
        _exit(0);
    }
    close(go[0]);
    husk_balance *before = sheet(heap, 0, NULL);
    check(before, heap);
    husk_balance_row live = row_of(before, "live objects");
    if (!before->by) /* the system shows it */
        assert_true(live.shared > (uint64_t)live.bytes * 9 / 10);
    for (int i = 0; i < 25000; i++)
        node_of(objects[i])->number = i;
    husk_balance *after = sheet(heap, 0, NULL);
    check(after, heap);
    husk_balance_row written = row_of(after, "live objects");
    assert_int_equal(written.bytes, live.bytes);
    if (!before->by)
        assert_true(written.shared < live.shared * 6 / 10 && written.shared > live.shared * 4 / 10);
    close(go[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    husk_balance_free(before);
    husk_balance_free(after);
    drop(0, 50000, 0);
}

/* A forked child makes the sheet of its parent, as a snapshot by fork wants it. */
static void test_twin(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, 50000);
    husk_balance *balance = sheet(heap, 0, NULL);
    husk_balance_free(balance);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        static struct husk_balance twin;
        memset(take(8 << 20), 1, 8 << 20); /* the child's own, which must not show */
        husk_status status = husk__balance_take(&heap, 1, NULL, parent, true, &twin);
        if (status != HUSK_OK)
            fail_msg("%s", husk_message());
        check(&twin, heap);
        assert_true(row_of(&twin, "live objects").bytes >= 50000 * 56);
        assert_true(twin.sum.rss < smaps_rss());
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    drop(0, 50000, 0);
}

static atomic_bool stop;
static void *mover(void *data)
{
    (void)data;
    while (!atomic_load(&stop)) {
        char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(at, 1, 1 << 20);
        char *block = memset(take(1000), 1, 1000);
        munmap(at, 1 << 20);
        free(block);
    }
    return NULL;
}

/* Numbers that move while they are read: the rows add up all the same. */
static void test_moving(void **state)
{
    husk_heap *heap = *state;
    pthread_t thread;
    atomic_store(&stop, false);
    make(heap, 0, 20000);
    assert_int_equal(pthread_create(&thread, NULL, mover, NULL), 0);
    for (int round = 0; round < 50; round++) {
        husk_balance *balance = sheet(heap, 0, NULL);
        husk_balance_row entry;
        int64_t bytes = 0;
        for (size_t i = 0; husk_balance_row_at(balance, i, &entry); i++)
            bytes += entry.bytes;
        assert_int_equal(bytes, sum_of(balance).rss);
        husk_balance_free(balance);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    drop(0, 20000, 0);
}

static void test_mapped_chunks(void **state)
{
    (void)state;
    husk__range_refuse(true);
    void *heap_state = NULL;
    heap_setup(&heap_state);
    test_rest_of_the_library(&heap_state);
    heap_teardown(&heap_state);
    husk__range_refuse(false);
}

int main(void)
{
    types_setup();
#if defined(__SANITIZE_THREAD__)
    (void)test_rows_of_the_system, (void)test_rest_of_the_library, (void)test_shared_after_fork;
    (void)test_mapped_chunks;
#endif
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_moving),
        HEAP_TEST(test_twin),
#if !defined(__SANITIZE_THREAD__) /* which has memory of its own beside each of ours: amounts say nothing */
        HEAP_TEST(test_rows_of_the_system),
        HEAP_TEST(test_rest_of_the_library),
        HEAP_TEST(test_shared_after_fork),
        cmocka_unit_test(test_mapped_chunks),
#endif
    };
    return cmocka_run_group_tests_name("balance rows", tests, NULL, NULL);
}
