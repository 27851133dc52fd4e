/* tests/unit/proc_live.c: numbers of this process and of others, and the native heap, from the system itself, read once more
 * by other means. */
#define _GNU_SOURCE
#include "proc_root.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#if defined(__SANITIZE_THREAD__)
enum {
    ROOM = 256 << 20,
    OTHER_THREADS = 1,
    LAG = 1 << 16,
    NOTES = 1 << 20
}; /* the sanitizer has memory beside each of ours, a thread, and notes of each call of the system */
#else
enum { ROOM = 1 << 20, OTHER_THREADS = 0, LAG = 1, NOTES = 0 };
#endif

/* A malloc that no compiler leaves out. */
static void *(*volatile take)(size_t bytes) = malloc;

static uint64_t resident_pages(pid_t pid)
{
    char path[64];
    unsigned long long size = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu %llu", &size, &resident), 2);
    fclose(file);
    return resident;
}

static void test_this_process(void **state)
{
    (void)state;
    husk_process_memory m, again;
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_ALL, &m), HUSK_OK);
    (void)resident_pages(getpid()); /* stdio has its buffers now */
    assert_int_equal(husk_process_memory_get(getpid(), HUSK_ASK_BASIC, &again), HUSK_OK);
    int64_t apart = (int64_t)resident_pages(getpid()) - (int64_t)(again.rss / page());
    assert_true(apart >= -LAG && apart <= LAG);
    assert_true(m.peak_rss >= m.rss || m.peak_rss + 64 * page() > m.rss);
    assert_true(m.uss <= m.rss + 64 * page() && m.pss >= m.uss);
    assert_true(m.threads >= 1 && m.threads <= 1 + OTHER_THREADS);
    assert_true(m.minor_faults > 10);
    assert_true(m.vms > m.rss);

    /* Written memory is resident, private and dirty. */
    enum { BYTES = 8 << 20 };
    char *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(at, MAP_FAILED);
    memset(at, 1, BYTES);
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_ALL, &again), HUSK_OK);
    assert_true(again.rss >= m.rss + BYTES && again.rss < m.rss + BYTES + ROOM);
    /* Pages of libraries become shared, or private, as other programs begin and end. */
    assert_true(again.uss + ROOM >= m.uss + BYTES && again.uss < m.uss + BYTES + ROOM);
    assert_true(again.private_dirty >= m.private_dirty + BYTES);
    assert_true(again.peak_rss >= again.rss - 64 * page());

    /* The peak stays until it is reset. */
    munmap(at, BYTES);
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_STATUS, &m), HUSK_OK);
    assert_true(m.peak_rss >=
                again.rss - BYTES / 4); /* the kernel's count lags behind by some pages a processor */
    assert_int_equal(husk_process_reset_peak(0), HUSK_OK);
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_ALL, &m), HUSK_OK);
    assert_true(m.peak_rss < again.rss - BYTES / 2);
    assert_true(m.peak_rss + 64 * page() >= m.rss);
}

/* Asking takes nothing: neither from the library's memory nor from the C library's. */
static void test_asks_for_nothing(void **state)
{
    (void)state;
    husk_process_memory process;
    husk_system_memory machine;
    husk_cgroup_memory group;
    husk_native_memory before, after;
    uint64_t requests = 0;
    husk_status native = HUSK_OK;
    for (int round = 0; round < 2; round++) { /* the first may bind functions */
        requests = husk_memory_requests();
        native = husk_native_memory_get(&before);
        assert_int_equal(husk_process_memory_get(0, HUSK_ASK_ALL, &process), HUSK_OK);
        assert_int_equal(husk_system_memory_get(&machine), HUSK_OK);
        (void)husk_cgroup_memory_get(0, &group);
        (void)husk_native_memory_get(&after);
    }
    assert_int_equal(husk_memory_requests(), requests);
    if (native == HUSK_OK) {
        assert_int_equal(before.used, after.used);
        assert_int_equal(before.taken, after.taken);
    }
    husk_process_memory later;
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_ALL, &later), HUSK_OK);
    /* Not uss: pages of libraries become private as other programs end. */
    assert_true(later.private_dirty <= process.private_dirty + 2 * page() + NOTES);
}

static void test_native(void **state)
{
    (void)state;
    husk_native_memory m, more;
    husk_status status = husk_native_memory_get(&m);
    if (status != HUSK_OK) { /* musl, or a sanitizer's allocator */
        assert_int_equal(status, HUSK_EMISSING);
        expect_message("native heap: ");
        skip();
    }
    assert_int_equal(m.taken, m.used + m.free);
    enum { SMALL = 20000 };
    static void *blocks[SMALL];
    for (size_t i = 0; i < SMALL; i++)
        blocks[i] = memset(take(200), 1, 200);
    void *large = take(4 << 20);
    assert_int_equal(husk_native_memory_get(&more), HUSK_OK);
    assert_true(more.used >= m.used + SMALL * 200 + (4 << 20));
    assert_true(more.mapped >= m.mapped + (4 << 20));
    assert_int_equal(more.mapped_blocks, m.mapped_blocks + 1);
    free(large);
    for (size_t i = 0; i + 1 < SMALL;
         i++) /* the last one keeps the end of the heap from going back by itself */
        free(blocks[i]);
    uint64_t given;
    assert_int_equal(husk_native_memory_get(&more), HUSK_OK);
    assert_true(more.free >= SMALL / 2 * 200);
    assert_int_equal(husk_native_trim(&given), HUSK_OK);
    assert_true(given >= SMALL / 2 * 200);
    free(blocks[SMALL - 1]);
}

/* A thread keeps freed blocks for itself; they are not in use. */
static void test_native_used(void **state)
{
    (void)state;
    enum { BLOCKS = 20, SIZES = 60 };
    static void *volatile blocks[BLOCKS * SIZES];
    husk_native_teller teller;
    uint64_t before, more, after;
    if (husk_native_used(&before, &teller) != HUSK_OK)
        skip(); /* valgrind's allocator does not tell */
    assert_int_equal(husk_native_used(&before, &teller), HUSK_OK);
    for (size_t i = 0; i < BLOCKS * SIZES; i++)
        blocks[i] = take(16 * (i % SIZES + 1));
    assert_int_equal(husk_native_used(&more, &teller), HUSK_OK);
    for (size_t i = 0; i < BLOCKS * SIZES; i++)
        free(blocks[i]);
    assert_int_equal(husk_native_used(&after, &teller), HUSK_OK);
    uint64_t asked = 16 * BLOCKS * SIZES * (SIZES + 1) / 2;
    uint64_t off = teller == HUSK_NATIVE_ALLOCATOR ? 1024 : 0;
    /* Allocators round up, and ThreadSanitizer's tells what it rounded to. */
    assert_in_range(more - before, asked,
                    asked + (teller == HUSK_NATIVE_PRELOAD ? 0 : 32 * BLOCKS * SIZES + asked / 4));
    assert_in_range(after + off - before, 0, 2 * off);
}

/* A child to look at: waits in `way` until it is killed. */
static pid_t child_start(void (*way)(void))
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        close(ready[0]);
        if (way)
            way();
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    char byte;
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void child_end(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void use_memory(void)
{
    (void)memset(take(16 << 20), 1, 16 << 20);
}

static void test_other_process(void **state)
{
    (void)state;
    husk_process_memory small, large;
    pid_t a = child_start(NULL), b = child_start(use_memory);
    assert_int_equal(husk_process_memory_get(a, HUSK_ASK_ALL, &small), HUSK_OK);
    assert_int_equal(husk_process_memory_get(b, HUSK_ASK_ALL, &large), HUSK_OK);
    /* The system counts resident pages by processor, up to so many that are not yet in the sum; and on its way to pause
     * the child may touch another page or so. */
    int64_t cpus = sysconf(_SC_NPROCESSORS_CONF), lag = cpus * (cpus > 16 ? 2 * cpus : 32) + 16 * LAG;
    int64_t apart = (int64_t)resident_pages(b) - (int64_t)(large.rss / page());
    if (apart < -lag || apart > lag)
        fail_msg("%lld pages apart", (long long)apart);
    assert_true(large.uss >= small.uss + (16 << 20) && large.uss < small.uss + (16 << 20) + ROOM);
    assert_true(small.shared_dirty > 0); /* forked and not yet copied */
    child_end(a);
    assert_int_equal(husk_process_memory_get(a, HUSK_ASK_ALL, &small), HUSK_EMISSING);
    expect_message("there is none");
    /* Ended and not yet waited for. */
    kill(b, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)b, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(husk_process_memory_get(b, HUSK_ASK_FULL, &large), HUSK_ESTATE);
    expect_message("zombie");
    assert_int_equal(husk_process_reset_peak(b), HUSK_ESTATE);
    child_end(b);
}

/* Another user's process: what is secret is refused, the rest is told. */
struct told {
    husk_status full, reset;
    uint64_t rss;
    bool knows_uss;
    char text[200];
};

static struct told ask_stranger(int64_t pid)
{
    husk_process_memory m;
    struct told told = { .full = husk_process_memory_get(pid, HUSK_ASK_ALL, &m), .rss = m.rss };
    snprintf(told.text, sizeof told.text, "%s", husk_message());
    told.knows_uss = HUSK_KNOWS(m, HUSK_PROCESS_USS);
    told.reset = husk_process_reset_peak(pid);
    return told;
}

static void test_forbidden(void **state)
{
    (void)state;
    struct told told = { .full = HUSK_OK };
    struct stat owner;
    if (getuid() == 0) { /* a child becomes another user, and asks for us */
        int result[2];
        assert_int_equal(pipe(result), 0);
        pid_t child = fork();
        if (child == 0) {
            if (setgid(65534) != 0 || setuid(65534) != 0)
                _exit(1);
            told = ask_stranger(getppid());
            (void)!write(result[1], &told, sizeof told);
            _exit(0);
        }
        assert_int_equal(read(result[0], &told, sizeof told), sizeof told);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(result[0]);
        close(result[1]);
    } else if (stat("/proc/1", &owner) == 0 && owner.st_uid != getuid()) {
        told = ask_stranger(1);
    } else {
        print_message("nobody else's process is to be seen\n");
        skip();
    }
    assert_int_equal(told.full, HUSK_EIO);
    assert_non_null(strstr(told.text, "smaps_rollup: Permission denied"));
    assert_true(told.rss > 0);
    assert_false(told.knows_uss);
    assert_int_equal(told.reset, HUSK_EIO);
}

static void test_this_machine(void **state)
{
    (void)state;
    husk_system_memory m;
    assert_int_equal(husk_system_memory_get(&m), HUSK_OK);
    assert_int_equal(m.total / page() / 1024, (uint64_t)sysconf(_SC_PHYS_PAGES) / 1024);
    assert_true(m.available <= m.total && m.free <= m.total && m.used <= m.total);
    double percent;
    assert_int_equal(husk_memory_percent(0, "rss", &percent), HUSK_OK);
    assert_true(percent > 0 && percent < 50);
    husk_cgroup_memory group;
    husk_status status = husk_cgroup_memory_get(0, &group);
    if (status == HUSK_OK)
        assert_true(group.version == 1 || group.version == 2);
    else
        assert_int_equal(status, HUSK_EMISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_this_process),  cmocka_unit_test(test_asks_for_nothing),
        cmocka_unit_test(test_native_used),   cmocka_unit_test(test_native),
        cmocka_unit_test(test_other_process), cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests_name("proc live", tests, NULL, NULL);
}
