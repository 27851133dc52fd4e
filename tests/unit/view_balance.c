/* tests/unit/view_balance.c: the balance sheet adds up to the byte, agrees with the heap and with the system,
 * and tells leak, retention and fragmentation apart. */
#define _GNU_SOURCE
#include "store/range.h"
#include "view/balance.h"
#include "view/snapshot.h" /* before "types.h", whose names it uses for its own */

#include "proc_root.h"
#include "types.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { NATIVE_TELLS = false }; /* the sanitizer's allocator stands in front */
#else
enum { NATIVE_TELLS = true };
#endif

/* A malloc that no compiler leaves out. */
static void *(*volatile take)(size_t bytes) = malloc;

/* The sum over all mappings, read by other means. */
static uint64_t smaps_rss(void)
{
    char line[8192];
    unsigned long long sum = 0, value;
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %llu kB", &value) == 1)
            sum += value * 1024;
    fclose(file);
    return sum;
}

static husk_balance *sheet(husk_heap *heap, uint32_t flags, const husk_balance *before)
{
    husk_balance_options options = { HUSK_BALANCE_OPTIONS, .flags = flags, .before = before };
    husk_balance *balance;
    husk_status status = husk_balance_new(&heap, heap ? 1 : 0, &options, &balance);
    if (status != HUSK_OK)
        fail_msg("balance: %s: %s", husk_status_name(status), husk_message());
    return balance;
}

static husk_balance_row row_of(const husk_balance *balance, const char *name)
{
    husk_balance_row entry;
    for (size_t i = 0; husk_balance_row_at(balance, i, &entry); i++)
        if (strcmp(entry.name, name) == 0)
            return entry;
    fail_msg("there is no row \"%s\"", name);
    return entry;
}

static husk_balance_sum sum_of(const husk_balance *balance)
{
    husk_balance_sum sum;
    husk_balance_sum_get(balance, &sum);
    return sum;
}

static uint64_t counted(const husk_balance *balance, const char *name)
{
    return row_of(balance, name).counted;
}

/* What holds for every sheet of this process. */
static void check(const husk_balance *balance, husk_heap *heap)
{
    husk_balance_row entry;
    husk_balance_sum sum = sum_of(balance);
    int64_t bytes = 0;
    uint64_t held = 0;
    for (size_t i = 0; husk_balance_row_at(balance, i, &entry); i++) {
        bytes += entry.bytes;
        assert_true(entry.bytes >= 0);
        assert_true(entry.shared <= (uint64_t)entry.bytes);
        held += strcmp(entry.group, "husk") == 0 ? entry.counted : 0;
    }
    assert_int_equal(bytes, sum.rss);
    assert_int_equal(row_of(balance, "unknown").bytes, 0);
    assert_int_equal(held, husk_memory_held());

    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(counted(balance, "live objects") + counted(balance, "slack"), figures.object_bytes);
    assert_int_equal(counted(balance, "buffers"), figures.buffer_bytes);
    assert_int_equal(counted(balance, "spare pages"), figures.pages_spare * 65536);
    assert_int_equal(sum.objects, figures.objects);
    assert_int_equal(sum.live, figures.object_bytes + figures.buffer_bytes);
    uint64_t of_heap = 0;
    for (size_t i = 0; i <= ROW_TABLES; i++) {
        assert_true(husk_balance_row_at(balance, i, &entry));
        of_heap += entry.counted;
    }
    assert_int_equal(of_heap, figures.bytes_taken);
    assert_true(sum.evidence[0] && !strchr(sum.evidence, '\n'));
}

enum { MANY = 200000 };
static husk_obj *objects[MANY];

static void ignore(husk_weak *weak, void *data)
{
    (void)weak, (void)data;
}

static void make(husk_heap *heap, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_non_null(objects[i] = husk_obj_new(heap, type_node));
}

static void drop(size_t from, size_t to, size_t keep_every)
{
    for (size_t i = from; i < to; i++)
        if (objects[i] && (!keep_every || i % keep_every))
            husk_obj_drop(&objects[i]);
}

static void test_adds_up(void **state)
{
    husk_heap *heap = *state;
    husk_balance *balance = sheet(heap, 0, NULL);
    check(balance, heap);
    husk_balance_free(balance);

    make(heap, 0, MANY / 2);
    husk_obj *large = husk_obj_new(heap, type_vast), *largest = husk_obj_new(heap, type_huge);
    husk_obj *long_one = husk_obj_new_items(heap, type_row, 70000); /* 17 pages */
    husk_obj *holder = husk_obj_new(heap, type_bag);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(bag_add(holder, objects[i]), HUSK_OK);
    husk_weak *weaks[2000], *calls[2000];
    for (int i = 0; i < 2000; i++) {
        assert_non_null(weaks[i] = husk_weak_new(objects[i], NULL, NULL, NULL));
        assert_non_null(calls[i] =
                            husk_weak_new(objects[i], ignore, NULL, NULL)); /* the second one needs a cell */
    }
    drop(MANY / 4, MANY / 2, 3);
    uint64_t least = smaps_rss();
    balance = sheet(heap, 0, NULL);
    uint64_t most = smaps_rss();
    check(balance, heap);
    assert_true(counted(balance, "weak cells") >= 2000 * 40);
    assert_true(row_of(balance, "free blocks").bytes > MANY / 8 * 56);
    assert_true(row_of(balance, "mapped files").bytes > 0);
    assert_true(row_of(balance, "stacks").bytes > 0);
    assert_true(sum_of(balance).rss + 65536 >= least && sum_of(balance).rss <= most + 65536);
    husk_balance_free(balance);

    for (int i = 0; i < 2000; i++) {
        husk_weak_release(weaks[i]);
        husk_weak_release(calls[i]);
    }
    husk_obj_release(holder);
    husk_obj_release(large);
    husk_obj_release(largest);
    husk_obj_release(long_one);
    drop(0, MANY / 2, 0);
    balance = sheet(heap, 0, NULL);
    check(balance, heap);
    assert_int_equal(counted(balance, "live objects"), 0);
    husk_balance_free(balance);
}

/* A large object that nobody has written to is alive and not resident; reading it brings pages of zeros,
 * which count for nobody. Written pages count one by one. */
static void test_resident_is_what_is_there(void **state)
{
    husk_heap *heap = *state;
    husk_obj *obj = husk_obj_new(heap, type_huge);
    assert_non_null(obj);
    huge *body = husk_obj_data(obj);
    husk_balance *balance = sheet(heap, 0, NULL);
    check(balance, heap);
    husk_balance_row live = row_of(balance, "live objects");
    assert_true(live.counted >= 3u << 20);
    assert_true(live.bytes <= 65536);
    husk_balance_free(balance);

    int read = 0;
    for (size_t i = 0; i < sizeof body->body; i += 4096)
        read += ((volatile unsigned char *)body->body)[i];
    assert_int_equal(read, 0);
    balance = sheet(heap, 0, NULL);
    check(balance, heap);
    assert_int_equal(row_of(balance, "live objects").bytes, live.bytes);
    husk_balance_free(balance);

    memset(body->body + (1 << 20), 1, 1 << 20);
    balance = sheet(heap, 0, NULL);
    check(balance, heap);
    int64_t more = row_of(balance, "live objects").bytes - live.bytes;
    assert_true(more >= 1 << 20 && more <= (1 << 20) + 65536);
    husk_balance_free(balance);

    /* In pages of blocks too, block by block. */
    make(heap, 0, 5000);
    char *page = (char *)((uintptr_t)objects[2500] & ~(uintptr_t)65535);
    balance = sheet(heap, 0, NULL);
    check(balance, heap);
    live = row_of(balance, "live objects");
    husk_balance_free(balance);
    char copy[8192];
    memcpy(copy, page + 8192, sizeof copy);
    madvise(page + 8192, sizeof copy, MADV_DONTNEED);
    struct husk_balance *own = sheet(heap, 0, NULL); /* walks blocks that read as free now */
    assert_true(row_of(own, "live objects").bytes <= live.bytes - 8192 + 112);
    memcpy(page + 8192, copy, sizeof copy);
    husk_balance_free(own);
    husk_obj_release(obj);
    drop(0, 5000, 0);
}

/* ---- verdicts ---- */

static void expect_verdict(const husk_balance *balance, husk_verdict verdict, const char *words)
{
    husk_balance_sum sum = sum_of(balance);
    if (sum.verdict != verdict || !strstr(sum.evidence, words))
        fail_msg("wanted %s with \"%s\", got %s: %s", husk_verdict_name(verdict), words,
                 husk_verdict_name(sum.verdict), sum.evidence);
}

static void test_leak(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, 20000);
    husk_balance *first = sheet(heap, 0, NULL);
    expect_verdict(first, HUSK_VERDICT_FINE, "are free and held");
    husk_balance *same = sheet(heap, 0, first);
    expect_verdict(same, HUSK_VERDICT_FINE, "live objects have not grown");
    make(heap, 20000, 60000);
    husk_balance *second = sheet(heap, 0, same);
    expect_verdict(second, HUSK_VERDICT_LEAK, "(40000 objects more)");
    assert_int_equal(sum_of(second).live - sum_of(second).live_before, 40000 * 56);
    assert_int_equal(sum_of(second).objects_before, 20000);
    make(heap, 60000, 120000);
    husk_balance *third = sheet(heap, 0, second);
    expect_verdict(third, HUSK_VERDICT_LEAK, "(60000 objects more), for the 2. time in a row");
    check(third, heap);
    drop(20000, 120000, 0);
    husk_balance *last = sheet(heap, 0, third);
    assert_int_not_equal(sum_of(last).verdict, HUSK_VERDICT_LEAK);
    husk_balance *all[] = { first, same, second, third, last };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        husk_balance_free(all[i]);
    drop(0, 20000, 0);
}

static void test_retention(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, MANY);
    drop(0, MANY, 0);
    husk_balance *balance = sheet(heap, 0, NULL);
    check(balance, heap);
    expect_verdict(balance, HUSK_VERDICT_RETENTION, "in empty pages");
    expect_verdict(balance, HUSK_VERDICT_RETENTION, "not yet trimmed");
    assert_true(row_of(balance, "spare pages").bytes >= MANY * 56 - 2 * 65536);
    assert_false(sum_of(balance).trimmed);
    husk_balance_free(balance);

    balance = sheet(heap, HUSK_BALANCE_TRIM, NULL);
    husk_balance_sum sum = sum_of(balance);
    expect_verdict(balance, HUSK_VERDICT_RETENTION, "trimming gave");
    assert_true(sum.trimmed);
    if (sum.trimmed_heaps + 65536 <
        MANY * 56) /* resident pages are told before and after: others come meanwhile */
        fail_msg("trimming gave %llu bytes of %llu: resident %llu before, %llu after",
                 (unsigned long long)sum.trimmed_heaps, MANY * 56ull, (unsigned long long)sum.rss,
                 (unsigned long long)sum.rss_trimmed);
    assert_true(sum.rss_trimmed + sum.trimmed_heaps <= sum.rss + 65536);
    husk_heap_figures figures;
    husk_heap_figures_get(heap, &figures);
    assert_int_equal(figures.pages_spare, 0);
    husk_balance_free(balance);
    balance = sheet(heap, 0, NULL);
    assert_int_not_equal(sum_of(balance).verdict, HUSK_VERDICT_RETENTION);
    husk_balance_free(balance);
}

static void test_fragmentation(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, MANY);
    drop(0, MANY, 50);
    husk_balance *balance = sheet(heap, HUSK_BALANCE_TRIM, NULL);
    husk_balance_sum sum = sum_of(balance);
    expect_verdict(balance, HUSK_VERDICT_FRAGMENTATION, "pages are less than a quarter alive");
    expect_verdict(balance, HUSK_VERDICT_FRAGMENTATION, "trimming gave back");
    assert_true(sum.pages_sparse >= MANY * 56 / 65536 && sum.pages_sparse <= sum.pages);
    assert_true(sum.sparse_free > MANY * 56 / 2);
    assert_true(sum.trimmed_heaps < 1 << 20);
    husk_balance_free(balance);
    drop(0, MANY, 0);
}

/* The same two of the C library's allocator, and growth in it. */
static void test_native_verdicts(void **state)
{
    husk_heap *heap = *state;
    enum { BLOCKS = 40000, BYTES = 400 };
    static char *blocks[BLOCKS];
    if (!NATIVE_TELLS)
        skip();
    husk_balance *before = sheet(heap, 0, NULL);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = memset(take(BYTES), 1, BYTES);
    husk_balance *grown = sheet(heap, 0, before);
    check(grown, heap);
    expect_verdict(grown, HUSK_VERDICT_LEAK, "native heap grew from");
    int64_t more = row_of(grown, "native heap in use").bytes - row_of(before, "native heap in use").bytes;
    assert_true(more >= BLOCKS * BYTES && more < BLOCKS * (BYTES + 24));

    /* Every 50th block stays: what is free between them can go back but for the pages they are in. */
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 50)
            free(blocks[i]);
    husk_balance *held = sheet(heap, 0, NULL);
    check(held, heap);
    expect_verdict(held, HUSK_VERDICT_RETENTION, "in the native heap");
    assert_true(row_of(held, "native heap free").bytes > BLOCKS * BYTES / 2);
    husk_balance *trimmed = sheet(heap, HUSK_BALANCE_TRIM, NULL);
    expect_verdict(trimmed, HUSK_VERDICT_RETENTION, "of the native heap)");
    assert_true(sum_of(trimmed).trimmed_native > BLOCKS * BYTES / 2);
    for (size_t i = 0; i < BLOCKS; i += 50)
        free(blocks[i]);

    /* A block in every page of the system: nothing goes back. */
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = memset(take(BYTES), 1, BYTES);
    for (size_t i = 0; i < BLOCKS; i++)
        if (i % 8)
            free(blocks[i]);
    husk_balance *stuck = sheet(heap, HUSK_BALANCE_TRIM, NULL);
    expect_verdict(stuck, HUSK_VERDICT_FRAGMENTATION, "of the native heap are free between blocks in use");
    for (size_t i = 0; i < BLOCKS; i += 8)
        free(blocks[i]);
    husk_balance *all[] = { before, grown, held, trimmed, stuck };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        husk_balance_free(all[i]);
}

/* ---- whose memory ---- */

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

/* ---- other processes, odd systems, bad arguments ---- */

static void test_other_process(void **state)
{
    husk_heap *heap = *state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ready[0]);
        memset(take(4 << 20), 1, 4 << 20);
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    husk_balance_options options = { HUSK_BALANCE_OPTIONS, .pid = child };
    husk_balance *balance;
    assert_int_equal(husk_balance_new(NULL, 0, &options, &balance), HUSK_OK);
    husk_balance_row entry;
    int64_t bytes = 0;
    for (size_t i = 0; husk_balance_row_at(balance, i, &entry); i++) {
        bytes += entry.bytes;
        assert_string_not_equal(entry.group, "husk");
    }
    assert_int_equal(bytes, sum_of(balance).rss);
    assert_true(row_of(balance, "other anonymous").bytes >= 4 << 20);
    char text[4000];
    assert_true(husk_balance_text(balance, text, sizeof text) < sizeof text);
    assert_non_null(strstr(text, "Verdict: fine"));
    husk_balance_free(balance);

    assert_int_equal(husk_balance_new(&heap, 1, &options, &balance), HUSK_EINVAL);
    assert_null(balance);
    expect_message("heaps and trim are of this process alone");
    options.flags = HUSK_BALANCE_TRIM;
    assert_int_equal(husk_balance_new(NULL, 0, &options, &balance), HUSK_EINVAL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    options.flags = 0;
    assert_int_equal(husk_balance_new(NULL, 0, &options, &balance), HUSK_EMISSING);
    expect_message("there is none");
}

static husk_status in_hook;
static void ask_in_hook(node *self)
{
    husk_heap *heap = self->data;
    husk_balance *balance;
    in_hook = husk_balance_new(&heap, 1, NULL, &balance);
}

static void test_bad_arguments(void **state)
{
    husk_heap *heap = *state, *twice[] = { heap, heap };
    husk_balance *balance;
    husk_balance_options options = { HUSK_BALANCE_OPTIONS };
    assert_int_equal(husk_balance_new(twice, 2, &options, &balance), HUSK_EINVAL);
    expect_message("is given twice");
    options.flags = 1u << 9;
    assert_int_equal(husk_balance_new(&heap, 1, &options, &balance), HUSK_EINVAL);
    expect_message("there is no such flag");
    options = (husk_balance_options){ HUSK_BALANCE_OPTIONS };
    options.abi = 7;
    assert_int_equal(husk_balance_new(&heap, 1, &options, &balance), HUSK_EINVAL);
    expect_message("abi 7");
    husk_obj *obj = node_new(heap, type_hooked, 1);
    node_of(obj)->hook = ask_in_hook;
    node_of(obj)->data = heap;
    husk_obj_release(obj);
    assert_int_equal(in_hook, HUSK_EBUSY);
    husk_memory_fail(1, false);
    assert_int_equal(husk_balance_new(&heap, 1, NULL, &balance), HUSK_ENOMEM);
    husk_memory_fail(0, false);
    assert_null(balance);
    husk_balance_free(NULL);
    assert_null(husk_verdict_name((husk_verdict)9));
    assert_string_equal(husk_verdict_name(HUSK_VERDICT_LEAK), "leak");
    /* One request, whatever the heap holds. */
    make(heap, 0, 20000);
    uint64_t requests = husk_memory_requests();
    husk_balance_free(sheet(heap, 0, NULL));
    assert_int_equal(husk_memory_requests(), requests + 1);
    drop(0, 20000, 0);
}

/* A system that does not show pages: /proc/self with all but pagemap. */
static void test_without_pagemap(void **state)
{
    (void)state;
    static const char *const files[] = { "smaps", "statm", "stat", "status", "task", "mem", "smaps_rollup" };
    husk_heap *heap = heap_open(NULL);
    make(heap, 0, 50000);
    put("proc/self/note", "");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[64], to[128];
        snprintf(from, sizeof from, "/proc/self/%s", files[i]);
        snprintf(to, sizeof to, "%s/proc/self/%s", proc_root, files[i]);
        assert_int_equal(symlink(from, to), 0);
    }
    husk_obj *obj = husk_obj_new(heap, type_huge); /* pages of zeros, which mincore takes for real */
    int read = 0;
    for (size_t i = 0; i < sizeof(huge); i += 4096)
        read += ((volatile unsigned char *)husk_obj_data(obj))[i];
    assert_int_equal(read, 0);
    husk_balance *balance = sheet(heap, 0, NULL);
    assert_int_equal(balance->by, RESIDENT_BY_MINCORE);
    check(balance, heap);
    husk_balance_free(balance);
    husk_obj_release(obj);
    drop(0, 50000, 0);
    heap_close(heap, true);
}

/* Chunks that are mapped one by one, where the system refuses a large reservation. */
static void test_mapped_chunks(void **state)
{
    (void)state;
    husk__range_refuse(true);
    void *heap_state = NULL;
    heap_setup(&heap_state);
    test_adds_up(&heap_state);
    test_rest_of_the_library(&heap_state);
    test_retention(&heap_state);
    heap_teardown(&heap_state);
    husk__range_refuse(false);
}

static void test_text(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, 1000);
    husk_balance *balance = sheet(heap, 0, NULL);
    char text[8000], part[100], line[100];
    size_t length = husk_balance_text(balance, text, sizeof text);
    assert_int_equal(length, strlen(text));
    husk_balance_row live = row_of(balance, "live objects");
    snprintf(line, sizeof line, "\nhusk    live objects         %14lld", (long long)live.bytes);
    assert_non_null(strstr(text, line));
    assert_non_null(strstr(text, "\nrest    unknown                           0"));
    assert_non_null(strstr(text, "\n\nVerdict: fine\nEvidence: "));
    snprintf(line, sizeof line, "resident memory      %14llu", (unsigned long long)sum_of(balance).rss);
    assert_non_null(strstr(text, line));
    assert_int_equal(husk_balance_text(balance, part, sizeof part), length);
    assert_int_equal(strlen(part), sizeof part - 1);
    assert_int_equal(husk_balance_text(balance, NULL, 0), length);
    husk_balance_free(balance);
    drop(0, 1000, 0);
}

/* A snapshot has the rows too, those that were before it. */
static void test_in_snapshot(void **state)
{
    husk_heap *heap = *state;
    make(heap, 0, 20000);
    husk_balance *balance = sheet(heap, 0, NULL);
    husk_snapshot *snapshot;
    husk_snapshot_options options = { HUSK_SNAPSHOT_OPTIONS, .flags = HUSK_SNAPSHOT_MAPS };
    assert_int_equal(husk_snapshot_new(heap, &options, &snapshot), HUSK_OK);
    static const char *const names[][2] = { { "live_objects", "live objects" },
                                            { "metadata", "metadata" },
                                            { "slack", "slack" },
                                            { "spare_pages", "spare pages" } };
    uint64_t value, rss, sum = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(husk_snapshot_number(snapshot, "balance", names[i][0], &value), HUSK_OK);
        assert_int_equal(value, row_of(balance, names[i][1]).bytes);
    }
    assert_int_equal(husk_snapshot_number(snapshot, "balance", "rss", &rss), HUSK_OK);
    husk_snapshot_figure figure;
    for (size_t i = 0; husk_snapshot_figure_at(snapshot, i, &figure); i++)
        if (strcmp(figure.group, "balance") == 0 && strcmp(figure.name, "rss") != 0)
            sum += figure.value;
    assert_int_equal(sum, rss);
    assert_int_equal(husk_snapshot_number(snapshot, "process", "rss", &value), HUSK_OK);
    assert_true(value > 0);
    assert_int_equal(husk_snapshot_number(snapshot, "system", "total", &value), HUSK_OK);
    assert_true(value > rss);
    /* The mappings, the largest of them ours. */
    uint64_t maps = 0;
    for (size_t i = 0; i < SNAP_COUNT(snapshot, MAPS); i++) {
        const struct husk__map_row *map = &SNAP(snapshot, MAPS)[i];
        assert_true(map->end > map->start);
        maps += map->rss;
    }
    assert_true(maps >= rss - 65536 && maps <= rss + (4 << 20));
    size_t used = 0;
    for (size_t i = 0; i < SNAP_COUNT(snapshot, CLASSES); i++)
        used += SNAP(snapshot, CLASSES)[i].used;
    assert_int_equal(used, 20000);
    husk_snapshot_free(snapshot);
    options.flags = HUSK_SNAPSHOT_NO_PROCESS;
    assert_int_equal(husk_snapshot_new(heap, &options, &snapshot), HUSK_OK);
    assert_int_equal(husk_snapshot_number(snapshot, "process", "rss", &value), HUSK_EMISSING);
    assert_int_equal(SNAP_COUNT(snapshot, MAPS), 0);
    husk_snapshot_free(snapshot);
    husk_balance_free(balance);
    drop(0, 20000, 0);
}

int main(void)
{
    types_setup();
#if defined(__SANITIZE_THREAD__)
    (void)test_resident_is_what_is_there, (void)test_leak, (void)test_retention, (void)test_fragmentation;
    (void)test_native_verdicts, (void)test_rows_of_the_system, (void)test_rest_of_the_library;
    (void)test_shared_after_fork, (void)test_other_process, (void)test_without_pagemap,
        (void)test_mapped_chunks;
#endif
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_adds_up),
        HEAP_TEST(test_moving),
        HEAP_TEST(test_bad_arguments),
        HEAP_TEST(test_text),
        HEAP_TEST(test_in_snapshot),
        HEAP_TEST(test_twin),
#if !defined(__SANITIZE_THREAD__) /* which has memory of its own beside each of ours: amounts say nothing */
        HEAP_TEST(test_resident_is_what_is_there),
        HEAP_TEST(test_leak),
        HEAP_TEST(test_retention),
        HEAP_TEST(test_fragmentation),
        HEAP_TEST(test_native_verdicts),
        HEAP_TEST(test_rows_of_the_system),
        HEAP_TEST(test_rest_of_the_library),
        HEAP_TEST(test_shared_after_fork),
        HEAP_TEST(test_other_process),
        ROOT_TEST(test_without_pagemap),
        cmocka_unit_test(test_mapped_chunks),
#endif
    };
    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
