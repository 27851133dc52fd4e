/* tests/unit/view_balance.c: the balance sheet adds up to the byte, agrees with the heap and with the system,
 * and tells leak, retention and fragmentation apart. Whose memory it is: view_balance_rows.c. */
#define _GNU_SOURCE
#include "balance_sheet.h"
#include "proc_root.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static void ignore(husk_weak *weak, void *data)
{
    (void)weak, (void)data;
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
    (void)test_native_verdicts, (void)test_other_process, (void)test_without_pagemap,
        (void)test_mapped_chunks;
#endif
    const struct CMUnitTest tests[] = {
        HEAP_TEST(test_adds_up),
        HEAP_TEST(test_bad_arguments),
        HEAP_TEST(test_text),
        HEAP_TEST(test_in_snapshot),
#if !defined(__SANITIZE_THREAD__) /* which has memory of its own beside each of ours: amounts say nothing */
        HEAP_TEST(test_resident_is_what_is_there),
        HEAP_TEST(test_leak),
        HEAP_TEST(test_retention),
        HEAP_TEST(test_fragmentation),
        HEAP_TEST(test_native_verdicts),
        HEAP_TEST(test_other_process),
        ROOT_TEST(test_without_pagemap),
        cmocka_unit_test(test_mapped_chunks),
#endif
    };
    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
