/* tests/unit/proc.c: numbers of processes, the machine and control groups from files of the test's own, odd and broken
 * ones too. The system's own files: proc_live.c. */
#define _GNU_SOURCE
#include "proc_root.h"
#include "random.h"

#include "proc/parse.h"

#include <errno.h>

#define ASSERT_KNOWN(memory, NUMBER, field, value)                                                           \
    do {                                                                                                     \
        assert_true(HUSK_KNOWS(memory, NUMBER));                                                             \
        assert_int_equal((memory).field, value);                                                             \
    } while (0)
#define ASSERT_ABSENT(memory, NUMBER, field)                                                                 \
    do {                                                                                                     \
        assert_false(HUSK_KNOWS(memory, NUMBER));                                                            \
        assert_int_equal((memory).field, 0);                                                                 \
    } while (0)

/* ---- one process ---- */

#define STAT_TAIL " 1 1 1 0 -1 4194304 81 7 3 9 0 0 0 0 20 0 1 0 100 2445312 361\n"

static void put_process(void)
{
    put("proc/12/statm", "597 361 336 6 0 56 0\n");
    put("proc/12/stat", "12 (a b) S 5 (x) R" STAT_TAIL);
    put("proc/12/status",
        "Name:\ta b) S 5 (x\nState:\tR (running)\nVmPeak:\t    2428 kB\nVmHWM:\t    1448 kB\n"
        "VmPTE:\t      40 kB\nRssAnon:\t     104 kB\nRssFile:\t 1344 kB\nVmSwap:\t 8 kB\n"
        "Threads:\t3\nNonsense\n:\nVmLck:\nVmPin: 5 MB\n");
    put("proc/12/smaps_rollup",
        "555bf2e10000-7ffe1038b000 ---p 00000000 00:00 0                          [rollup]\n"
        "Rss:                1752 kB\nPss:                 350 kB\nPss_Anon:   112 kB\nShared_Clean:       "
        "1600 kB\n"
        "Private_Clean:        40 kB\nPrivate_Dirty:       112 kB\nPrivate_Hugetlb: 2048 kB\nLazyFree: 4 kB\n"
        "Swap:  12 kB\nFuture_Thing: 99 kB\n");
}

static void test_process(void **state)
{
    (void)state;
    husk_process_memory m;
    put_process();
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_ALL, &m), HUSK_OK);
    ASSERT_KNOWN(m, HUSK_PROCESS_VMS, vms, 597 * page());
    ASSERT_KNOWN(m, HUSK_PROCESS_RSS, rss, 361 * page());
    ASSERT_KNOWN(m, HUSK_PROCESS_SHARED, shared, 336 * page());
    ASSERT_KNOWN(m, HUSK_PROCESS_TEXT, text, 6 * page());
    ASSERT_KNOWN(m, HUSK_PROCESS_DATA, data, 56 * page());
    ASSERT_KNOWN(m, HUSK_PROCESS_PEAK_RSS, peak_rss, 1448 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_PEAK_VMS, peak_vms, 2428 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_RSS_ANON, rss_anon, 104 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_RSS_FILE, rss_file, 1344 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_VM_SWAP, vm_swap, 8 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_PAGE_TABLES, page_tables, 40 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_THREADS, threads, 3);
    ASSERT_KNOWN(m, HUSK_PROCESS_MINOR_FAULTS, minor_faults, 81);
    ASSERT_KNOWN(m, HUSK_PROCESS_MAJOR_FAULTS, major_faults, 3);
    ASSERT_KNOWN(m, HUSK_PROCESS_USS, uss, (40 + 112 + 2048) * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_PSS, pss, 350 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_PSS_ANON, pss_anon, 112 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_SWAP, swap, 12 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_LAZY_FREE, lazy_free, 4096);
    /* Not in the files, without a number, of another unit: not there, and not 0. */
    ASSERT_ABSENT(m, HUSK_PROCESS_RSS_SHMEM, rss_shmem);
    ASSERT_ABSENT(m, HUSK_PROCESS_LOCKED, locked);
    ASSERT_ABSENT(m, HUSK_PROCESS_PINNED, pinned);
    ASSERT_ABSENT(m, HUSK_PROCESS_PSS_FILE, pss_file);
    ASSERT_ABSENT(m, HUSK_PROCESS_SHARED_DIRTY, shared_dirty);

    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_OK);
    ASSERT_KNOWN(m, HUSK_PROCESS_RSS, rss, 361 * page());
    ASSERT_ABSENT(m, HUSK_PROCESS_PSS, pss);
    ASSERT_ABSENT(m, HUSK_PROCESS_PEAK_RSS, peak_rss);
}

/* An older kernel has no smaps_rollup: the mappings are added up. */
static void test_summed(void **state)
{
    (void)state;
    husk_process_memory m;
    put_process();
    take_away("proc/12/smaps_rollup");
    put("proc/12/smaps", "1000-3000 r--p 00000000 fe:00 247278    /usr/bin/head\nRss: 8 kB\nPss: 3 kB\n"
                         "Private_Clean: 4 kB\nPrivate_Dirty: 0 kB\nSwap: 1 kB\nVmFlags: rd mr mw me\n"
                         "3000-5000 rw-p 00000000 00:00 0 \nRss: 8 kB\nPss: 8 kB\nPrivate_Clean: 0 kB\n"
                         "Private_Dirty: 8 kB\nSwap: 2 kB\n");
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_FULL, &m), HUSK_OK);
    ASSERT_KNOWN(m, HUSK_PROCESS_USS, uss, 12 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_PSS, pss, 11 * 1024);
    ASSERT_KNOWN(m, HUSK_PROCESS_SWAP, swap, 3 * 1024);
    ASSERT_ABSENT(m, HUSK_PROCESS_REFERENCED, referenced);

    take_away("proc/12/smaps");
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_ALL, &m), HUSK_EMISSING);
    expect_message("process 12: the system has no smaps");
    ASSERT_KNOWN(m, HUSK_PROCESS_RSS, rss, 361 * page()); /* what could be read is there */
    ASSERT_KNOWN(m, HUSK_PROCESS_PEAK_RSS, peak_rss, 1448 * 1024);
}

static void test_states(void **state)
{
    (void)state;
    husk_process_memory m;
    husk_maps *maps;
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_EMISSING);
    expect_message("process 12: there is none");
    assert_int_equal(husk_process_memory_get(0, HUSK_ASK_BASIC, &m), HUSK_EIO);
    expect_message("this process: there is no /proc/self");
    assert_int_equal(husk_process_memory_get(-1, HUSK_ASK_BASIC, &m), HUSK_EINVAL);
    assert_int_equal(husk_process_memory_get(INT64_MAX, HUSK_ASK_BASIC, &m), HUSK_EINVAL);
    assert_int_equal(husk_process_memory_get(12, 1u << 7, &m), HUSK_EINVAL);

    put_process();
    put("proc/12/statm", "0 0 0 0 0 0 0\n");
    put("proc/12/stat", "12 (dead) (man) Z" STAT_TAIL);
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_FULL, &m), HUSK_ESTATE);
    expect_message("process 12 (dead) (man) is a zombie");
    assert_int_equal(husk_maps_read(12, 0, &maps), HUSK_ESTATE);
    assert_null(maps);
    assert_int_equal(husk_process_reset_peak(12), HUSK_ESTATE);
    put("proc/12/stat", "12 (kworker/0:1-ev\nents) I" STAT_TAIL);
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_ESTATE);
    expect_message("is a part of the kernel");

    put("proc/12/statm", "no numbers\n");
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_EIO);
    expect_message("process 12: statm: not as it should be: \"no numbers\"");
    put("proc/12/statm", "");
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_EIO);
    put("proc/12/statm", "99999999999999999999 18446744073709551615 7\n");
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_EIO);

    take_away("proc/12/statm");
    put("proc/12/statm/in", ""); /* a folder: whatever the reason, it cannot be read */
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_EIO);
    expect_message("process 12: statm: Is a directory");
    take_away("proc/12/statm/in");
    take_away("proc/12/statm");
    take_away("proc/12/stat"); /* as when the process ends while its folder is held */
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC, &m), HUSK_EMISSING);
    expect_message("there is none any more");
}

static void test_huge(void **state)
{
    (void)state;
    husk_process_memory m;
    put_process();
    put("proc/12/statm", "4503599627370495 361 18446744073709551615 6 0 99999999999999999999999 0\n");
    put("proc/12/status", "VmHWM:\t18014398509481983 kB\nVmPeak:\t18014398509481984 kB\nVmSwap: -5 kB\n"
                          "Threads:\t18446744073709551616\n");
    assert_int_equal(husk_process_memory_get(12, HUSK_ASK_BASIC | HUSK_ASK_STATUS, &m), HUSK_OK);
    if (page() == 4096)
        ASSERT_KNOWN(m, HUSK_PROCESS_VMS, vms, 4503599627370495ull * 4096);
    ASSERT_KNOWN(m, HUSK_PROCESS_RSS, rss, 361 * page());
    ASSERT_ABSENT(m, HUSK_PROCESS_SHARED, shared);
    ASSERT_ABSENT(m, HUSK_PROCESS_DATA, data);
    ASSERT_KNOWN(m, HUSK_PROCESS_PEAK_RSS, peak_rss, 18014398509481983ull * 1024);
    ASSERT_ABSENT(m, HUSK_PROCESS_PEAK_VMS, peak_vms);
    ASSERT_ABSENT(m, HUSK_PROCESS_VM_SWAP, vm_swap);
    ASSERT_ABSENT(m, HUSK_PROCESS_THREADS, threads);
}

/* ---- lines ---- */

static void test_lines(void **state)
{
    (void)state;
    static char text[40000];
    struct husk__lines lines;
    int dir = husk__system_dir("");
    memset(text, 'x', sizeof text);
    memcpy(text, "first\n\nthird", 12);
    text[12] = '\n';
    memcpy(text + 30000, "\nlast", 5); /* what stands before it is longer than any line of the kernel */
    put_bytes("file", text, 30005);
    assert_true(husk__lines_open(&lines, dir, "file"));
    char *line = husk__line_next(&lines);
    assert_string_equal(line, "first");
    husk__line_again(&lines, line);
    assert_string_equal(husk__line_next(&lines), "first");
    assert_string_equal(husk__line_next(&lines), "");
    assert_string_equal(husk__line_next(&lines), "third");
    line = husk__line_next(&lines);
    assert_string_equal(line, "last");
    husk__line_again(&lines, line);
    assert_string_equal(husk__line_next(&lines), "last");
    assert_null(husk__line_next(&lines));
    assert_null(husk__line_next(&lines));
    husk__lines_close(&lines);

    put_bytes("file", text, 30000); /* and no end at all */
    assert_true(husk__lines_open(&lines, dir, "file"));
    for (int i = 0; i < 3; i++)
        assert_non_null(husk__line_next(&lines));
    assert_null(husk__line_next(&lines));
    husk__lines_close(&lines);

    /* Every line arrives whole wherever the buffer ends. */
    size_t at = 0;
    for (int i = 0; at < sizeof text - 100; i++)
        at += (size_t)snprintf(text + at, 100, "%d %.*s\n", i, i % 90,
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                               "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    put_bytes("file", text, at);
    assert_true(husk__lines_open(&lines, dir, "file"));
    for (int i = 0; (line = husk__line_next(&lines)); i++) {
        char *rest;
        assert_int_equal(strtol(line, &rest, 10), i);
        assert_int_equal(strlen(rest), 1 + i % 90);
        at -= strlen(line) + 1;
        if (i % 7 == 0) {
            husk__line_again(&lines, line);
            assert_ptr_equal(husk__line_next(&lines), line);
        }
    }
    assert_int_equal(at, 0);
    husk__lines_close(&lines);
    assert_false(husk__lines_open(&lines, dir, "none"));
    close(dir);
}

/* ---- the machine ---- */

static void test_system(void **state)
{
    (void)state;
    husk_system_memory m;
    assert_int_equal(husk_system_memory_get(&m), HUSK_EIO);
    put("proc/vmstat", "nr_free_pages 5766942\npswpin 3\npswpout 10\noom_kill 2\noom_kill_x 9\n");
    assert_int_equal(husk_system_memory_get(&m), HUSK_EMISSING);
    expect_message("/proc/meminfo");
    put("proc/meminfo", "nothing\n");
    assert_int_equal(husk_system_memory_get(&m), HUSK_EIO);
    expect_message("does not tell MemTotal");
    put("proc/meminfo",
        "MemTotal:       24684084 kB\nMemFree:        23000000 kB\nMemAvailable:   24000000 kB\n"
        "Active:           123 kB\nActive(anon):      1 kB\nInactive(file): 9 kB\nSwapTotal: 0 kB\n"
        "SwapFree:               0 kB\nHugePages_Total:       0\nShmem: 7 kB\n");
    put("proc/pressure/memory", "some avg10=1.07 avg60=0.5 avg300=12.34567 total=99\n"
                                "full avg10=0.00 avg60=100.00 avg300=x total=5\n");
    assert_int_equal(husk_system_memory_get(&m), HUSK_OK);
    ASSERT_KNOWN(m, HUSK_SYSTEM_TOTAL, total, 24684084ull * 1024);
    ASSERT_KNOWN(m, HUSK_SYSTEM_USED, used, 684084ull * 1024);
    ASSERT_KNOWN(m, HUSK_SYSTEM_ACTIVE, active, 123 * 1024);
    ASSERT_ABSENT(m, HUSK_SYSTEM_INACTIVE, inactive);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SHARED, shared, 7 * 1024);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SWAP_TOTAL, swap_total, 0);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SWAP_USED, swap_used, 0);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SWAP_IN, swap_in, 3 * page());
    ASSERT_KNOWN(m, HUSK_SYSTEM_SWAP_OUT, swap_out, 10 * page());
    ASSERT_KNOWN(m, HUSK_SYSTEM_OOM_KILLS, oom_kills, 2);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SOME_10, some_10, 107);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SOME_60, some_60, 50);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SOME_300, some_300, 1234);
    ASSERT_KNOWN(m, HUSK_SYSTEM_SOME_TIME, some_time, 99);
    ASSERT_KNOWN(m, HUSK_SYSTEM_FULL_60, full_60, 10000);
    ASSERT_ABSENT(m, HUSK_SYSTEM_FULL_300, full_300);
    ASSERT_ABSENT(m, HUSK_SYSTEM_FULL_TIME, full_time);
    ASSERT_ABSENT(m, HUSK_SYSTEM_DIRTY, dirty);
}

/* ---- control groups ---- */

#define MOUNT_V2 "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw\n"

static husk_cgroup_memory cgroup_of(int64_t pid, husk_status expected)
{
    husk_cgroup_memory m;
    husk_status status = husk_cgroup_memory_get(pid, &m);
    if (status != expected)
        fail_msg("control group: %s: %s", husk_status_name(status), husk_message());
    return m;
}

static void test_cgroup_v2(void **state)
{
    (void)state;
    put_process();
    put("proc/12/cgroup", "0::/user.slice/a:b\n");
    put("proc/self/mountinfo",
        "21 1 fe:00 / / rw - ext4 /dev/vda rw\n22 21 0:5 /x /y rw - cgroup2\nbroken\n" MOUNT_V2);
    put("sys/fs/cgroup/cgroup.procs", "");
    cgroup_of(12, HUSK_EMISSING);
    expect_message("process 12: its control group: /sys/fs/cgroup/user.slice/a:b: No such file");

    put("sys/fs/cgroup/user.slice/a:b/memory.max", "max\n");
    husk_cgroup_memory m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_VERSION, version, 2);
    ASSERT_ABSENT(m, HUSK_CGROUP_LIMIT, limit);
    ASSERT_ABSENT(m, HUSK_CGROUP_CURRENT, current);

    put("sys/fs/cgroup/user.slice/memory.max", "1000000\n"); /* the parent is tighter than the group */
    put("sys/fs/cgroup/user.slice/a:b/memory.max", "2000000\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.high", "max\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.current", "123456\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.peak", "234567\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.swap.max", "0\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.swap.current", "garbage\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.stat", "anon 10\nfile 20\nkernel 5\nshmem 0\ninactive_file 7\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.events",
        "low 0\nhigh 1\nmax 22\noom 3\noom_kill 4\noom_group_kill 9\n");
    put("sys/fs/cgroup/user.slice/a:b/memory.pressure",
        "some avg10=0.10 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3\n");
    m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_LIMIT, limit, 1000000);
    ASSERT_ABSENT(m, HUSK_CGROUP_HIGH, high);
    ASSERT_KNOWN(m, HUSK_CGROUP_CURRENT, current, 123456);
    ASSERT_KNOWN(m, HUSK_CGROUP_PEAK, peak, 234567);
    ASSERT_KNOWN(m, HUSK_CGROUP_SWAP_LIMIT, swap_limit, 0);
    ASSERT_ABSENT(m, HUSK_CGROUP_SWAP_CURRENT, swap_current);
    ASSERT_KNOWN(m, HUSK_CGROUP_ANONYMOUS, anonymous, 10);
    ASSERT_KNOWN(m, HUSK_CGROUP_INACTIVE_FILE, inactive_file, 7);
    ASSERT_KNOWN(m, HUSK_CGROUP_MAX_EVENTS, max_events, 22);
    ASSERT_KNOWN(m, HUSK_CGROUP_OOM_KILLS, oom_kills, 4);
    ASSERT_KNOWN(m, HUSK_CGROUP_SOME_10, some_10, 10);
    ASSERT_KNOWN(m, HUSK_CGROUP_FULL_TIME, full_time, 3);

    char path[64];
    assert_int_equal(husk_cgroup_path(12, path, sizeof path), HUSK_OK);
    assert_string_equal(path, "/user.slice/a:b");
    assert_int_equal(husk_cgroup_path(12, path, 6), HUSK_OK);
    assert_string_equal(path, "/user");
    assert_int_equal(husk_cgroup_path(12, NULL, 0), HUSK_OK);
}

/* In most containers the group is the root of what is mounted; a mount may show a part of the tree, or
 * another one. */
static void test_cgroup_containers(void **state)
{
    (void)state;
    put_process();
    put("proc/12/cgroup", "0::/\n");
    put("proc/self/mountinfo", MOUNT_V2);
    put("sys/fs/cgroup/memory.max", "5000\n");
    husk_cgroup_memory m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_LIMIT, limit, 5000);

    put("proc/12/cgroup", "0::/docker/ab/inner\n");
    put("proc/self/mountinfo", "31 23 0:28 /docker/ab /sys/fs/c\\040g rw - cgroup2 cgroup2 rw\n");
    put("sys/fs/c g/memory.max", "7000\n");
    put("sys/fs/c g/inner/memory.max", "6000\n");
    m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_LIMIT, limit, 6000);
    put("proc/12/cgroup", "0::/docker/abc\n"); /* beside it: the mount's root is what can be seen */
    m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_LIMIT, limit, 7000);

    put("proc/self/mountinfo", "no cgroup here\n");
    m = cgroup_of(12, HUSK_EMISSING);
    expect_message("not mounted");
    put("proc/12/cgroup", "");
    m = cgroup_of(12, HUSK_EMISSING);
    expect_message("process 12: no control group limits its memory");
    take_away("proc/12/cgroup");
    m = cgroup_of(12, HUSK_EMISSING);
    expect_message("process 12: the system has no cgroup");
    assert_int_equal(m.known, 0);
    cgroup_of(13, HUSK_EMISSING);
}

static void test_cgroup_v1(void **state)
{
    (void)state;
    put_process();
    put("proc/12/cgroup",
        "9:name=systemd:/\n4:cpu,memory:/jobs/7\n3:memoryx:/wrong\n0::/\n"); /* a hybrid system */
    put("proc/self/mountinfo",
        "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,cpu,memory\n");
    put("sys/fs/cgroup/unified/memory.max", "1\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "9223372036854771712\n");
    put("sys/fs/cgroup/memory/jobs/7/memory.usage_in_bytes", "291672064\n");
    put("sys/fs/cgroup/memory/jobs/7/memory.failcnt", "17\n");
    put("sys/fs/cgroup/memory/jobs/7/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    put("sys/fs/cgroup/memory/jobs/7/memory.stat",
        "cache 1\nrss 2\ntotal_cache 10\ntotal_rss 20\ntotal_shmem 3\n");
    husk_cgroup_memory m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_VERSION, version, 1);
    ASSERT_ABSENT(m, HUSK_CGROUP_LIMIT, limit);
    ASSERT_KNOWN(m, HUSK_CGROUP_CURRENT, current, 291672064);
    ASSERT_KNOWN(m, HUSK_CGROUP_MAX_EVENTS, max_events, 17);
    ASSERT_KNOWN(m, HUSK_CGROUP_OOM_KILLS, oom_kills, 3);
    ASSERT_KNOWN(m, HUSK_CGROUP_FILE, file, 10);
    ASSERT_KNOWN(m, HUSK_CGROUP_ANONYMOUS, anonymous, 20);
    put("sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "4096000\n");
    m = cgroup_of(12, HUSK_OK);
    ASSERT_KNOWN(m, HUSK_CGROUP_LIMIT, limit, 4096000);
}

/* Whatever stands in the files, the answer is a status, and a number is one that was there. */
static void test_garbage(void **state)
{
    (void)state;
    static const char *const files[] = { "proc/12/statm",        "proc/12/stat",        "proc/12/status",
                                         "proc/12/smaps_rollup", "proc/12/smaps",       "proc/12/maps",
                                         "proc/12/cgroup",       "proc/self/mountinfo", "proc/meminfo",
                                         "proc/vmstat",          "proc/pressure/memory" };
    static const char *const words[] = { "12 ",       "(",      ")",     "0-1 ",    " kB\n",
                                         "Rss:",      "\n",     "\\012", ":",       "avg10=",
                                         "some ",     "-",      " - ",   "cgroup2", "99999999999999999999",
                                         "r--p ",     "00:00 ", "/",     "memory",  "VmHWM:",
                                         "MemTotal:", "0::/" };
    random64 r = random_from(11);
    for (int round = 0; round < 300; round++) {
        for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
            static char text[9000];
            size_t at = 0, length = random_below(&r, round % 10 ? 200 : 8000);
            while (at < length)
                if (random_below(&r, 4))
                    at += (size_t)sprintf(text + at, "%s",
                                          words[random_below(&r, sizeof words / sizeof *words)]);
                else
                    text[at++] = (char)random_next(&r);
            put_bytes(files[f], text, at);
        }
        husk_process_memory process;
        husk_system_memory machine;
        husk_cgroup_memory group;
        husk_maps *maps;
        char path[100];
        (void)husk_process_memory_get(12, HUSK_ASK_ALL, &process);
        (void)husk_system_memory_get(&machine);
        (void)husk_cgroup_memory_get(12, &group);
        (void)husk_cgroup_path(12, path, sizeof path);
        for (uint32_t flags = 0; flags < 8; flags++)
            if (husk_maps_read(12, flags, &maps) == HUSK_OK)
                husk_maps_free(maps);
    }
    assert_int_equal(husk_memory_held(), 0);
}

/* ---- names ---- */

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *group;
        size_t fields;
    } groups[] = { { "process", HUSK_PROCESS_FIELDS },
                   { "system", HUSK_SYSTEM_FIELDS },
                   { "cgroup", HUSK_CGROUP_FIELDS },
                   { "native", HUSK_NATIVE_FIELDS },
                   { "map", HUSK_MAP_FIELDS } };
    husk_memory_field field;
    for (size_t g = 0; g < 5; g++) {
        size_t n = 0;
        for (; husk_memory_field_at(groups[g].group, n, &field); n++)
            assert_true(strlen(field.name) > 1 && strlen(field.text) > 3);
        assert_int_equal(n, groups[g].fields);
    }
    assert_false(husk_memory_field_at("nothing", 0, &field));
    assert_true(husk_memory_field_at("process", HUSK_PROCESS_USS, &field));
    assert_string_equal(field.name, "uss");

    put_process();
    put("proc/meminfo", "MemTotal: 5776 kB\n");
    uint64_t value;
    assert_int_equal(husk_memory_ask(12, "process", "rss", &value), HUSK_OK);
    assert_int_equal(value, 361 * page());
    assert_int_equal(husk_memory_ask(12, "process", "threads", &value), HUSK_OK);
    assert_int_equal(value, 3);
    assert_int_equal(husk_memory_ask(0, "system", "total", &value), HUSK_OK);
    assert_int_equal(value, 5776 * 1024);
    assert_int_equal(husk_memory_ask(0, "system", "free", &value), HUSK_EMISSING);
    expect_message("memory of the system: the system does not tell free");
    assert_int_equal(husk_memory_ask(12, "process", "locked", &value), HUSK_EMISSING);
    assert_int_equal(husk_memory_ask(12, "process", "lib", &value), HUSK_EINVAL);
    expect_message("there is no field \"lib\"");
    assert_int_equal(husk_memory_ask(12, "map", "rss", &value), HUSK_EINVAL);
    assert_int_equal(husk_memory_ask(12, "", "rss", &value), HUSK_EINVAL);
    assert_int_equal(husk_memory_ask(99, "process", "rss", &value), HUSK_EMISSING);
    expect_message("process 99: there is none");

    double percent;
    assert_int_equal(husk_memory_percent(12, "rss", &percent), HUSK_OK);
    assert_true(percent > 0.99 * 361 * (double)page() / 57760 / 1.024 &&
                percent < 25.1 * (double)page() / 4096);
    assert_int_equal(husk_memory_percent(12, "threads", &percent), HUSK_EINVAL);
    expect_message("threads is not in bytes");
    assert_int_equal(husk_memory_percent(12, "rsss", &percent), HUSK_EINVAL);
    assert_int_equal(husk_memory_percent(12, "pss_file", &percent), HUSK_EMISSING);
    put("proc/meminfo", "MemTotal: 0 kB\n");
    assert_int_equal(husk_memory_percent(12, "rss", &percent), HUSK_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOT_TEST(test_process),   ROOT_TEST(test_summed),
        ROOT_TEST(test_states),    ROOT_TEST(test_huge),
        ROOT_TEST(test_lines),     ROOT_TEST(test_system),
        ROOT_TEST(test_cgroup_v2), ROOT_TEST(test_cgroup_containers),
        ROOT_TEST(test_cgroup_v1), ROOT_TEST(test_garbage),
        ROOT_TEST(test_fields),
    };
    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
