/* tests/unit/proc_maps.c: mappings one by one and grouped, the stacks of threads, and which of our pages are
 * there. */
#define _GNU_SOURCE
#include "proc_root.h"

#include "proc/resident.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static husk_maps *maps_of(int64_t pid, uint32_t flags)
{
    husk_maps *maps;
    husk_status status = husk_maps_read(pid, flags, &maps);
    if (status != HUSK_OK)
        fail_msg("mappings: %s: %s", husk_status_name(status), husk_message());
    return maps;
}

#define NUMBERS(rss) "Size: 8 kB\nRss: " rss " kB\nPss: 1 kB\nSwap: 2 kB\nVmFlags: rd\n"
#define ODD "/tmp/a  b\\012(c)\\134 (deleted)"

static void put_maps(void)
{
    put("proc/12/statm", "100 50 10 1 0 1 0\n");
    put("proc/12/stat", "12 (x) S 1 1 1\n");
    put("proc/12/smaps", "10000-12000 r-xp 00001000 fe:00 247278                     /usr/bin/head\n" NUMBERS("8") "12000-13000 rw-p 00000000 00:00 0 \n" NUMBERS(
                             "4") "20000-30000 rw-p 00000000 00:00 0                          "
                                  "[heap]\n" NUMBERS("16") "30000-31000 rw-p 00003000 fe:00 247278           "
                                                           "          "
                                                           "/usr/bin/head\n" NUMBERS(
                                                               "1") "40000-41000 r--p 00000000 fe:00 9       "
                                                                    "  "
                                                                    "         " ODD
                                                                    "\n" NUMBERS("0") "not a mapping at "
                                                                                      "all\nRss: 100 kB\n"
                                                                                      "50000-52000 rw-s "
                                                                                      "00000000 00:01 77     "
                                                                                      "  "
                                                                                      "                  "
                                                                                      "/dev/zero "
                                                                                      "(deleted)\n" NUMBERS("8") "52000-53000 rw-s 00000000 00:01 78                         /memfd:name (deleted)\n" NUMBERS(
                                                                                          "4") "53000-54000 "
                                                                                               "rw-p "
                                                                                               "00000000 "
                                                                                               "00:00 0      "
                                                                                               "             "
                                                                                               "       "
                                                                                               "[anon:husk]"
                                                                                               "\n" NUMBERS("4") "7fff0000-"
                                                                                                                 "7fff3000 rw-p "
                                                                                                                 "00000000 00:00 "
                                                                                                                 "0              "
                                                                                                                 "      "
                                                                                                                 "[stack]"
                                                                                                                 "\n" NUMBERS(
                                                                                                                     "1"
                                                                                                                     "2") "7fff3000-7fff4000 r-xp 00000000 00:00 0                    [vdso]\n"
                                                                                                                          "Rss: 4 kB\n");
}

static void expect_map(const husk_maps *maps, size_t index, uint64_t start, husk_map_kind kind,
                       const char *path, uint64_t rss)
{
    husk_map map;
    assert_true(husk_maps_at(maps, index, &map));
    if (map.start != start || map.kind != kind || strcmp(map.path, path) != 0 || map.memory.rss != rss * 1024)
        fail_msg("mapping %zu: %llx, %s, \"%s\", %llu", index, (unsigned long long)map.start,
                 husk_map_kind_name(map.kind), map.path, (unsigned long long)map.memory.rss);
    assert_int_equal(map.path_length, strlen(path));
}

static void test_one_by_one(void **state)
{
    (void)state;
    put_maps();
    husk_maps *maps = maps_of(12, HUSK_MAPS_SIZES);
    assert_int_equal(husk_maps_count(maps), 10);
    expect_map(maps, 0, 0x10000, HUSK_MAP_OF_FILE, "/usr/bin/head", 8);
    expect_map(maps, 1, 0x12000, HUSK_MAP_OF_ANONYMOUS, "", 4);
    expect_map(maps, 2, 0x20000, HUSK_MAP_OF_HEAP, "[heap]", 16);
    expect_map(maps, 3, 0x30000, HUSK_MAP_OF_FILE, "/usr/bin/head", 1);
    expect_map(maps, 4, 0x40000, HUSK_MAP_OF_FILE, "/tmp/a  b\n(c)\\134", 0);
    expect_map(maps, 5, 0x50000, HUSK_MAP_OF_SHARED, "/dev/zero", 8);
    expect_map(maps, 6, 0x52000, HUSK_MAP_OF_SHARED, "/memfd:name", 4);
    expect_map(maps, 7, 0x53000, HUSK_MAP_OF_ANONYMOUS, "[anon:husk]", 4);
    expect_map(maps, 8, 0x7fff0000, HUSK_MAP_OF_STACK, "[stack]", 12);
    expect_map(maps, 9, 0x7fff3000, HUSK_MAP_OF_KERNEL, "[vdso]", 4);
    husk_map map;
    assert_true(husk_maps_at(maps, 0, &map));
    assert_int_equal(map.offset, 0x1000);
    assert_int_equal(map.inode, 247278);
    assert_int_equal(map.bytes, 0x2000);
    assert_string_equal(map.permissions, "r-xp");
    assert_false(map.deleted);
    assert_true(HUSK_KNOWS(map.memory, HUSK_MAP_SWAP) && map.memory.swap == 2048);
    assert_false(HUSK_KNOWS(map.memory, HUSK_MAP_LOCKED));
    assert_true(husk_maps_at(maps, 4, &map) && map.deleted);
    assert_true(husk_maps_at(maps, 8, &map) && map.thread == 12);
    assert_false(husk_maps_at(maps, 10, &map));
    husk_maps_free(maps);
    husk_maps_free(NULL);

    assert_int_equal(husk_maps_read(12, 0, &maps), HUSK_EMISSING); /* maps is another file */
    expect_message("process 12: the system has no maps");
    assert_int_equal(husk_maps_read(12, 1u << 9, &maps), HUSK_EINVAL);
    assert_int_equal(husk_maps_read(13, 0, &maps), HUSK_EMISSING);
    put("proc/12/maps", "10000-12000 r-xp 00001000 fe:00 247278                     /usr/bin/head\n"
                        "12000-11000 r-xp 00001000 fe:00 247278  /backwards\n"
                        "20000 r-xp 00001000 fe:00 247278  /half\n30000-40000 rw 0 fe:00 1 /x\n"
                        "30000-40000 rw-p 0 fe00 1 /x\n30000-40000 rw-p 0 fe:00\n"
                        "11111111111111111-22222222222222222 rw-p 0 fe:00 1 /x\n");
    maps = maps_of(12, 0);
    assert_int_equal(husk_maps_count(maps), 1);
    assert_true(husk_maps_at(maps, 0, &map));
    assert_int_equal(map.memory.known, 0);
    husk_maps_free(maps);
}

static void test_grouped(void **state)
{
    (void)state;
    put_maps();
    husk_maps *maps = maps_of(12, HUSK_MAPS_SIZES | HUSK_MAPS_GROUPED);
    assert_int_equal(husk_maps_count(maps), 9);
    expect_map(maps, 0, 0x20000, HUSK_MAP_OF_HEAP, "[heap]", 16);
    expect_map(maps, 1, 0x7fff0000, HUSK_MAP_OF_STACK, "[stack]", 12);
    expect_map(maps, 2, 0x10000, HUSK_MAP_OF_FILE, "/usr/bin/head", 9);
    husk_map map;
    assert_true(husk_maps_at(maps, 2, &map));
    assert_int_equal(map.count, 2);
    assert_int_equal(map.bytes, 0x3000);
    assert_string_equal(map.permissions, "rwxp");
    assert_int_equal(map.memory.pss, 2048);
    husk_maps_free(maps);
}

/* Far more paths than the table begins with; the sums are those of the parts. */
static void test_many(void **state)
{
    (void)state;
    enum { MANY = 5000, PATHS = 700 };
    static char text[MANY * 120];
    size_t at = 0;
    put_maps();
    for (int i = 0; i < MANY; i++)
        at += (size_t)sprintf(text + at, "%x000-%x000 r--p 00000000 fe:00 %d   /f/%d\nRss: %d kB\n", i + 1,
                              i + 2, i % PATHS + 1, i % PATHS, i % 50);
    put("proc/12/smaps", text);
    husk_maps *maps = maps_of(12, HUSK_MAPS_SIZES),
              *groups = maps_of(12, HUSK_MAPS_SIZES | HUSK_MAPS_GROUPED);
    assert_int_equal(husk_maps_count(maps), MANY);
    assert_int_equal(husk_maps_count(groups), PATHS);
    uint64_t sum = 0, group_sum = 0, last = UINT64_MAX;
    husk_map map;
    for (size_t i = 0; husk_maps_at(maps, i, &map); i++)
        sum += map.memory.rss;
    for (size_t i = 0; husk_maps_at(groups, i, &map); i++) {
        group_sum += map.memory.rss;
        assert_true(map.memory.rss <= last);
        last = map.memory.rss;
        assert_true(map.count == MANY / PATHS || map.count == MANY / PATHS + 1);
    }
    assert_int_equal(sum, group_sum);
    assert_int_equal(sum, MANY / 50 * (50 * 49 / 2) * 1024);
    husk_maps_free(maps);
    husk_maps_free(groups);
}

static void test_no_memory(void **state)
{
    (void)state;
    put_maps();
    for (uint32_t flags = 0; flags < 8; flags++) {
        if (!(flags & HUSK_MAPS_SIZES))
            continue;
        husk_maps *maps;
        uint64_t n = 0;
        for (husk_status status = HUSK_ENOMEM; status != HUSK_OK; n++) {
            husk_memory_fail(n + 1, false);
            status = husk_maps_read(12, flags, &maps);
            husk_memory_fail(0, false);
            if (status != HUSK_OK) {
                assert_int_equal(status, HUSK_ENOMEM);
                assert_null(maps);
                expect_message("process 12: no memory for its mappings");
            }
        }
        assert_true(n > 3);
        husk_maps_free(maps);
        assert_int_equal(husk_memory_held(), 0);
    }
}

/* ---- the system itself ---- */

static void test_live(void **state)
{
    (void)state;
    enum { BYTES = 3 << 20 };
    char *at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(at, 1, BYTES / 2);
    husk_maps *maps = maps_of(0, HUSK_MAPS_SIZES);
    uint64_t sum = 0, before = 0;
    husk_map map;
    size_t code = 0, shared = 0, stacks = 0;
    for (size_t i = 0; husk_maps_at(maps, i, &map); i++) {
        assert_true(map.start >= before && map.end > map.start && map.bytes == map.end - map.start);
        before = map.end;
        sum += map.memory.rss;
        uint64_t here = (uint64_t)(uintptr_t)test_live, mine = (uint64_t)(uintptr_t)at;
        if (here >= map.start && here < map.end) {
            assert_int_equal(map.kind, HUSK_MAP_OF_FILE);
            assert_non_null(strstr(map.path, "unit_proc_maps"));
            assert_int_equal(map.permissions[2], 'x');
            code++;
        }
        if (mine >= map.start && mine < map.end) {
            assert_int_equal(map.kind, HUSK_MAP_OF_SHARED);
            assert_int_equal(map.memory.rss, BYTES / 2);
            shared++;
        }
        stacks += map.kind == HUSK_MAP_OF_STACK;
    }
    assert_int_equal(code, 1);
    assert_int_equal(shared, 1);
    assert_int_equal(stacks, 1);
    /* All mappings together are what the system says of the whole. */
    husk_process_memory m;
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_ALL, &m), HUSK_OK);
    uint64_t whole = m.private_clean + m.private_dirty + m.shared_clean + m.shared_dirty;
    assert_true(sum <= whole &&
                whole - sum < 256 * 1024); /* the table itself came after its mapping was read */
    husk_maps_free(maps);
    munmap(at, BYTES);
}

enum { THREADS = 5 };
static pthread_barrier_t started, done;
static uint64_t stack_at[THREADS];
static int64_t thread_id[THREADS];

static void *thread_main(void *data)
{
    size_t number = (size_t)(uintptr_t)data;
    char name[16];
    snprintf(name, sizeof name, "t)( %zu", number);
    pthread_setname_np(pthread_self(), name);
    volatile char here[3 * 65536]; /* the record is far from what is in use now */
    memset((char *)here, 1, sizeof here);
    stack_at[number] = (uint64_t)(uintptr_t)here;
    thread_id[number] = gettid();
    pthread_barrier_wait(&started);
    pthread_barrier_wait(&done);
    return NULL;
}

struct seen {
    size_t count, named;
};

static bool see_thread(const husk_thread *thread, void *data)
{
    struct seen *seen = data;
    seen->count++;
    for (size_t i = 0; i < THREADS; i++)
        if (thread->id == thread_id[i]) {
            char name[16];
            snprintf(name, sizeof name, "t)( %zu", i);
            assert_string_equal(thread->name, name);
            assert_true(thread->state == 'S' || thread->state == 'R' || thread->state == 'D');
            assert_true(thread->minor_faults > 10);
            seen->named++;
        }
    return true;
}

static bool stop_at_first(const husk_thread *thread, void *data)
{
    (void)thread;
    (*(size_t *)data)++;
    return false;
}

static void check_stacks(int64_t pid)
{
    husk_maps *maps = maps_of(pid, HUSK_MAPS_SIZES | HUSK_MAPS_STACKS);
    husk_map map;
    size_t found = 0;
    for (size_t i = 0; husk_maps_at(maps, i, &map); i++)
        for (size_t t = 0; t < THREADS; t++)
            if (stack_at[t] >= map.start && stack_at[t] < map.end) {
                if (map.kind != HUSK_MAP_OF_STACK || map.thread != thread_id[t])
                    fail_msg("stack of thread %lld: %s of %lld, %llx-%llx %s", (long long)thread_id[t],
                             husk_map_kind_name(map.kind), (long long)map.thread,
                             (unsigned long long)map.start, (unsigned long long)map.end, map.permissions);
                assert_true(map.memory.rss >= 3 * 65536);
                found++;
            }
    assert_int_equal(found, THREADS);
    husk_maps_free(maps);
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    pthread_barrier_init(&started, NULL, THREADS + 1);
    pthread_barrier_init(&done, NULL, THREADS + 1);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, (void *)i), 0);
    pthread_barrier_wait(&started);

    struct seen seen = { 0, 0 };
    assert_int_equal(husk_process_each_thread(0, see_thread, &seen), HUSK_OK);
    assert_true(seen.count == THREADS + 1 || seen.count == THREADS + 2); /* one of the thread sanitizer's */
    assert_int_equal(seen.named, THREADS);
    size_t calls = 0;
    assert_int_equal(husk_process_each_thread(getpid(), stop_at_first, &calls), HUSK_OK);
    assert_int_equal(calls, 1);
    check_stacks(0);
    pid_t parent = getpid(), child = fork(); /* the same from outside */
    if (child == 0) {
        check_stacks(parent);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    pthread_barrier_wait(&done);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&started);
    pthread_barrier_destroy(&done);
    assert_int_equal(husk_process_each_thread(1 << 30, see_thread, &seen), HUSK_EMISSING);
}

/* ---- our own pages ---- */

enum { PAGES = 300 };

static void expect_states(const char *at, const char *pattern)
{
    uint8_t states[PAGES];
    struct husk__resident resident;
    husk__resident_open(&resident, 0);
    husk__resident_pages(&resident, at, PAGES, states);
    husk__resident_close(&resident);
    if (resident.by != RESIDENT_BY_PAGEMAP)
        skip();
    for (size_t i = 0; i < PAGES; i++) {
        uint8_t wanted = pattern[i] == 'o' ? PAGE_OWN : pattern[i] == 's' ? PAGE_SHARED : PAGE_ABSENT;
        if (states[i] != wanted)
            fail_msg("page %zu is %d, not '%c'", i, states[i], pattern[i]);
    }
}

static void test_resident(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char pattern[PAGES + 1] = { 0 };
    char *at = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(at, PAGES * page, MADV_NOHUGEPAGE);
    int sum = 0;
    for (size_t i = 0; i < PAGES; i++) {
        if (i % 3 == 0)
            sum += ((volatile char *)at)[i * page]; /* read and never written: the page of zeros */
        if (i % 3 == 1)
            at[i * page + 5] = (char)(i % 2); /* every other one holds zeros and is real all the same */
        pattern[i] = i % 3 == 1 ? 'o' : '-';
    }
    assert_int_equal(sum, 0);
    expect_states(at, pattern);

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
    for (size_t i = 0; i < PAGES; i++) {
        if (i % 6 == 1)
            at[i * page] = 1; /* copied now */
        pattern[i] = i % 6 == 1 ? 'o' : i % 6 == 4 ? 's' : '-';
    }
    expect_states(at, pattern);
    close(go[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);

    madvise(at, PAGES * page, MADV_DONTNEED);
    memset(pattern, '-', PAGES);
    expect_states(at, pattern);
    munmap(at, PAGES * page);
}

/* Without pagemap mincore tells; where that fails too, everything counts as there. */
static void test_resident_otherwise(void **state)
{
    (void)state;
    uint8_t states[4];
    struct husk__resident resident;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    at[page] = 1;
    husk__resident_open(&resident, 0); /* the test's own /proc has none */
    assert_int_equal(resident.by, RESIDENT_BY_MINCORE);
    husk__resident_pages(&resident, at, 4, states);
    assert_true(states[0] == PAGE_ABSENT && states[1] == PAGE_OWN && states[2] == PAGE_ABSENT);
    munmap(at, 4 * page);
    husk__resident_pages(&resident, at, 4, states);
    assert_int_equal(resident.by, RESIDENT_NOT_KNOWN);
    assert_true(states[0] == PAGE_OWN && states[3] == PAGE_OWN);
    husk__resident_close(&resident);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_TEST(test_one_by_one),
        ROOT_TEST(test_grouped),
        ROOT_TEST(test_many),
        ROOT_TEST(test_no_memory),
        ROOT_TEST(test_resident_otherwise),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_resident),
    };
    return cmocka_run_group_tests_name("proc_maps", tests, NULL, NULL);
}
