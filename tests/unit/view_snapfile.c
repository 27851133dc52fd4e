/* tests/unit/view_snapfile.c: snapshots through files: what comes back, what is damaged, what is refused. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "sample_file.h"
#include "sample_snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A folder for files, the present one while tests run. */
static int enter_folder(void **state)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "snapfile-%ld", (long)getpid());
    *state = folder;
    return mkdir(folder, 0777) == 0 && chdir(folder) == 0 ? 0 : -1;
}

/* How many files there are; removes them if that is wanted. */
static unsigned entries(bool remove_them)
{
    DIR *all = opendir(".");
    assert_non_null(all);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(all));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (remove_them)
            remove(entry->d_name);
    }
    closedir(all);
    return count;
}

/* Nothing is left behind, temporary files least of all. */
static int leave_folder(void **state)
{
    unsigned left = entries(true);
    return chdir("..") == 0 && rmdir(*state) == 0 && !left ? 0 : -1;
}

/* It failed so, with one line that has these parts, in their order. */
static void failed(husk_status status, husk_status expected, const char *first, const char *second)
{
    const char *text = husk_message();
    if (status != expected)
        fail_msg("%s: %s", husk_status_name(status), status == HUSK_OK ? "" : text);
    const char *at = strstr(text, first);
    if (!at || !strstr(at, second) || strchr(text, '\n') || !*text)
        fail_msg("\"%s\" has no \"%s\" ... \"%s\"", text, first, second);
}

static void open_fails(const struct sample_file *file, const char *why)
{
    struct husk_snapshot *none = NULL;
    failed(husk__snap_open(file->bytes, file->length, "some.husk", &none), HUSK_EFORMAT, "some.husk: ", why);
    assert_null(none);
}

static void same(const struct husk_snapshot *a, const struct husk_snapshot *b)
{
    for (unsigned k = 1; k < SECTIONS; k++) {
        assert_int_equal(a->sections[k].count, b->sections[k].count);
        if (a->sections[k].count)
            assert_memory_equal(a->sections[k].at, b->sections[k].at,
                                a->sections[k].count * husk__section_item(k));
    }
}

static void round_trip(struct husk_snapshot *made)
{
    assert_non_null(made);
    if (husk_snapshot_save(made, "a.husk") != HUSK_OK)
        fail_msg("%s", husk_message());
    husk_snapshot *back;
    if (husk_snapshot_load("a.husk", &back) != HUSK_OK)
        fail_msg("%s", husk_message());
    same(made, back);
    assert_int_equal(sample_snapshot_walk(made), sample_snapshot_walk(back));
    assert_int_equal(husk_snapshot_save(back, "b.husk"), HUSK_OK);
    struct sample_file a, b;
    assert_true(sample_file_read("a.husk", &a) && sample_file_read("b.husk", &b));
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.bytes, b.bytes, a.length);
    sample_file_end(&a);
    sample_file_end(&b);
    husk_snapshot_free(back);
    husk_snapshot_free(made);
    remove("a.husk");
    remove("b.husk");
}

static void test_round_trip(void **state)
{
    (void)state;
    round_trip(sample_snapshot());
    struct husk_snapshot *empty = husk__snap_new(0);
    husk__snap_settle(empty);
    round_trip(empty);
}

static void test_round_trip_random(void **state)
{
    (void)state;
    static uint64_t seed = 1;
    random64 r = random_from(seed);
    for (unsigned i = 0; i < 40; i++, seed++) {
        size_t nodes = random_below(&r, i % 4 ? 300 : 5), edges = random_below(&r, 2000);
        round_trip(sample_snapshot_random(seed, nodes, nodes ? edges : 0, random_below(&r, 40)));
    }
    round_trip(sample_snapshot_random(seed++, 20000, 50000, 300));
}

/* ---- damage ---- */

/* Any byte: each bit of head and table, one bit and all of them of the others, gaps included. */
static void test_flips(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot();
    struct sample_file file = sample_file_of(made);
    husk_snapshot_free(made);
    assert_true(file.length > 4000);
    const struct husk__file_head *head = (const void *)file.bytes;
    size_t table = sizeof *head + head->sections * sizeof(struct husk__file_row);
    for (size_t i = 0; i < file.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            if (i >= table && bit != i % 8)
                continue;
            file.bytes[i] ^= (unsigned char)(1u << bit);
            open_fails(&file, "");
            file.bytes[i] ^= (unsigned char)(1u << bit);
        }
        file.bytes[i] ^= 0xFF;
        open_fails(&file, "");
        file.bytes[i] ^= 0xFF;
    }
    struct husk_snapshot *whole;
    assert_int_equal(husk__snap_open(file.bytes, file.length, "whole", &whole), HUSK_OK);
    husk_snapshot_free(whole);
    sample_file_end(&file);
}

/* At any length, as it is and with checksums and length made right for what is left. */
static void test_truncated(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot();
    struct sample_file file = sample_file_of(made);
    husk_snapshot_free(made);
    for (size_t length = 0; length < file.length; length++) {
        struct sample_file cut = sample_file_copy(&file, length);
        open_fails(&cut, length == 0 ? "empty" : length < 8 ? "" : "cut short");
        sample_file_repair(cut.bytes, cut.length);
        open_fails(&cut, "");
        sample_file_end(&cut);
    }
    for (size_t more = 1; more < 5000; more += 77) {
        struct sample_file longer = sample_file_copy(&file, file.length + more);
        open_fails(&longer, "too long");
        sample_file_repair(longer.bytes, longer.length);
        open_fails(&longer, "behind the last section");
        sample_file_end(&longer);
    }
    sample_file_end(&file);
}

/* Each has its own text. */
static void test_strangers(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot();
    struct sample_file file = sample_file_of(made);
    husk_snapshot_free(made);
    struct husk__file_head *head = (void *)file.bytes, whole = *head;
    struct husk__file_row *rows = (void *)(head + 1);

    struct sample_file text = sample_file_copy(&file, 100);
    memset(text.bytes, 'x', 100);
    open_fails(&text, "not a snapshot");
    sample_file_end(&text);
    head->version = SNAPSHOT_VERSION + 1;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "of version 2; this library reads up to version 1");
    *head = whole;
    head->order = 0x04030201;
    open_fails(&file, "another byte order");
    head->order = 7;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "unknown byte order");
    *head = whole;
    head->features = 4;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "features 0x4");
    *head = whole;
    head->unused[3] = 1;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "head");
    *head = whole;
    head->sections = 0x08000000;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "a table of 134217728 sections does not fit");
    *head = whole;

    unsigned last = head->sections - 1;
    struct husk__file_row row = rows[last];
    rows[last].kind = 77;
    rows[last].flags = FILE_ROW_REQUIRED;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "section number 77, which it cannot be read without");
    rows[last].flags = 2;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "section number 77 has unknown flags 0x2");
    rows[last].flags = 0; /* may be skipped; what is in it does not matter */
    sample_file_repair(file.bytes, file.length);
    struct husk_snapshot *without;
    if (husk__snap_open(file.bytes, file.length, "f", &without) != HUSK_OK)
        fail_msg("%s", husk_message());
    assert_int_equal(SNAP_COUNT(without, NODES), SAMPLE_NODES);
    husk_snapshot_free(without);
    file.bytes[rows[last].offset] ^= 1;
    open_fails(&file, "checksum of section number 77");
    file.bytes[rows[last].offset] ^= 1;
    rows[last].item = 0; /* elements of no bytes, however many: then the file is too long */
    rows[last].count = UINT64_MAX;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "bytes behind the last section");
    rows[last] = row;

    rows[0].item = 2;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "section STRINGS has elements of 2 bytes instead of 1");
    rows[0].item = 1;
    rows[1].kind = rows[0].kind;
    sample_file_repair(file.bytes, file.length);
    open_fails(&file, "section STRINGS not in its order");
    rows[1].kind = SECTION_STRING_OFF;
    for (unsigned i = 0; i < 4; i++) {
        static const uint64_t counts[] = { UINT64_MAX, UINT64_MAX / 24 + 2, (uint64_t)1 << 40, 100000 };
        row = rows[last];
        rows[last].count = counts[i];
        sample_file_repair(file.bytes, file.length);
        open_fails(&file, "section MAPS reaches beyond the end");
        rows[last] = row;
    }
    static const int64_t moves[] = { 1, 32, -64, 4096, INT64_MIN, INT64_MAX - 4095 };
    for (unsigned i = 0; i < sizeof moves / sizeof *moves; i++) {
        row = rows[5];
        rows[5].offset += (uint64_t)moves[i];
        sample_file_repair(file.bytes, file.length);
        open_fails(&file, "begins at");
        rows[5] = row;
    }
    sample_file_end(&file);
}

/* ---- what cannot be read ---- */

static void load_fails(const char *path, husk_status status, const char *why)
{
    husk_snapshot *none = NULL;
    failed(husk_snapshot_load(path, &none), status, path, why);
    assert_null(none);
}

static void test_unreadable(void **state)
{
    (void)state;
    load_fails("missing.husk", HUSK_EIO, "cannot be read: No such file");
    load_fails("missing/x.husk", HUSK_EIO, "cannot be read: No such file");
    load_fails(".", HUSK_EIO, "cannot be read: Is a directory");
    load_fails("/dev/null", HUSK_EIO, "not a file");
    assert_int_equal(mkfifo("pipe", 0666), 0);
    load_fails("pipe", HUSK_EIO, "not a file"); /* and does not wait */
    remove("pipe");
    FILE *file = fopen("empty.husk", "w");
    fclose(file);
    load_fails("empty.husk", HUSK_EFORMAT, "empty");
    assert_int_equal(symlink("empty.husk", "link"), 0);
    load_fails("link", HUSK_EFORMAT, "empty");
    remove("link");
    assert_int_equal(truncate("empty.husk", (off_t)1 << 40), 0); /* a terabyte of nothing is not read */
    load_fails("empty.husk", HUSK_EFORMAT, "not a snapshot");
    remove("empty.husk");
    if (geteuid() != 0) { /* who is above permissions reads it all the same */
        file = fopen("secret.husk", "w");
        fclose(file);
        chmod("secret.husk", 0);
        load_fails("secret.husk", HUSK_EIO, "Permission denied");
        remove("secret.husk");
    }
}

/* ---- what cannot be written ---- */

static void save_fails(const struct husk_snapshot *snapshot, const char *path, const char *why)
{
    failed(husk_snapshot_save(snapshot, path), HUSK_EIO, ": cannot be ", why);
}

static void test_unwritable(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot();
    save_fails(made, "missing/x.husk", "No such file");
    save_fails(made, "", "No such file");
    save_fails(made, ".", "Is a directory");
    save_fails(made, "/proc/x.husk", "");
    save_fails(made, "/dev/full", "No space left on device");
    char path[5000];
    memset(path, 'n', sizeof path);
    path[300] = '\0';
    save_fails(made, path, "File name too long");
    path[300] = 'n';
    path[sizeof path - 1] = '\0';
    save_fails(made, path, "File name too long");
    assert_non_null(strstr(husk_message(), "...nnn"));
    save_fails(made, "no\nsuch/file", "No such file");
    assert_non_null(strstr(husk_message(), "no?such/file"));
    /* The longest name there can be. */
    path[255] = '\0';
    assert_int_equal(husk_snapshot_save(made, path), HUSK_OK);
    remove(path);
    husk_snapshot_free(made);
}

/* The old file stays whole, and nothing is left beside it, if room ends, wherever that happens. */
static void test_full(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot(), *other = sample_snapshot_random(3, 200, 300, 5);
    assert_int_equal(husk_snapshot_save(other, "old.husk"), HUSK_OK);
    struct sample_file old, now, whole = sample_file_of(made);
    assert_true(sample_file_read("old.husk", &old));
    for (size_t room = 0; room < whole.length; room += 1 + room / 3) {
        pid_t child = fork();
        if (child == 0) {
            struct rlimit limit = { room, RLIM_INFINITY };
            bool ok = setrlimit(RLIMIT_FSIZE, &limit) == 0 &&
                      husk_snapshot_save(made, "old.husk") == HUSK_EIO &&
                      strstr(husk_message(), "old.husk: cannot be written: File too large");
            _exit(ok ? 0 : 1);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
        assert_true(sample_file_read("old.husk", &now));
        assert_int_equal(now.length, old.length);
        assert_memory_equal(now.bytes, old.bytes, old.length);
        sample_file_end(&now);
        assert_int_equal(entries(false), 1);
    }
    remove("old.husk");
    sample_file_end(&old);
    sample_file_end(&whole);
    husk_snapshot_free(made);
    husk_snapshot_free(other);
}

/* A snapshot that is loaded goes on when its file is replaced by another, or by itself. */
static void test_replaced(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot(), *other = sample_snapshot_random(3, 200, 300, 5);
    uint64_t sum = sample_snapshot_walk(made);
    assert_int_equal(husk_snapshot_save(made, "x.husk"), HUSK_OK);
    husk_snapshot *back, *again;
    assert_int_equal(husk_snapshot_load("x.husk", &back), HUSK_OK);
    assert_int_equal(husk_snapshot_save(other, "x.husk"), HUSK_OK);
    assert_int_equal(sample_snapshot_walk(back), sum);
    assert_int_equal(husk_snapshot_save(back, "x.husk"), HUSK_OK);
    assert_int_equal(husk_snapshot_load("x.husk", &again), HUSK_OK);
    assert_int_equal(husk_snapshot_save(again, "x.husk"), HUSK_OK);
    assert_int_equal(sample_snapshot_walk(again), sum);
    husk_snapshot_free(again);
    husk_snapshot_free(back);
    husk_snapshot_free(made);
    husk_snapshot_free(other);
    remove("x.husk");
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
    (void)state;
    size_t held = husk_memory_held();
    struct husk_snapshot *made = NULL;
    for (uint64_t n = 1; !made; n++) {
        husk_memory_fail(n, n % 2);
        made = sample_snapshot();
        husk_memory_fail(0, false);
        if (!made)
            assert_int_equal(husk_memory_held(), held);
        assert_true(n < 1000);
    }
    size_t with = husk_memory_held();
    husk_status status = HUSK_ENOMEM;
    uint64_t n;
    for (n = 1; status != HUSK_OK; n++) {
        husk_memory_fail(n, false);
        status = husk_snapshot_save(made, "x.husk");
        husk_memory_fail(0, false);
        assert_true(status == HUSK_OK || status == HUSK_ENOMEM);
        assert_int_equal(entries(false), status == HUSK_OK);
    }
    assert_true(n >= 2);
    husk_snapshot *back = NULL;
    status = HUSK_ENOMEM;
    for (n = 1; status != HUSK_OK; n++) {
        husk_memory_fail(n, false);
        status = husk_snapshot_load("x.husk", &back);
        husk_memory_fail(0, false);
        if (status != HUSK_OK)
            failed(status, HUSK_ENOMEM, "", "");
        assert_true(back ? status == HUSK_OK : husk_memory_held() == with);
    }
    assert_true(n >= 4);
    uint64_t sum = sample_snapshot_walk(back);
    status = HUSK_ENOMEM;
    for (n = 1; status != HUSK_OK; n++) {
        husk_memory_fail(n, false);
        status = husk_snapshot_note(back, "a new key", "a new text");
        husk_memory_fail(0, false);
        if (status == HUSK_OK)
            break;
        failed(status, HUSK_ENOMEM, "", "");
        assert_int_equal(sample_snapshot_walk(back), sum);
    }
    assert_true(n >= 3);
    assert_string_equal(husk_snapshot_text(back, "a new key"), "a new text");
    husk_snapshot_free(back);
    husk_snapshot_free(made);
    assert_int_equal(husk_memory_held(), held);
    remove("x.husk");
}

/* ---- notes ---- */

static void notes_of(husk_snapshot *snapshot)
{
    const char *before = husk_snapshot_text(snapshot, "heap");
    assert_int_equal(husk_snapshot_note(snapshot, "why", "a leak"), HUSK_OK);
    assert_int_equal(husk_snapshot_note(snapshot, "heap", "renamed"), HUSK_OK);
    assert_int_equal(husk_snapshot_note(snapshot, "why", "no leak"), HUSK_OK);
    assert_int_equal(husk_snapshot_note(snapshot, "nothing", ""), HUSK_OK);
    assert_string_equal(before, "sample"); /* still there */
    assert_string_equal(husk_snapshot_text(snapshot, "heap"), "renamed");
    assert_string_equal(husk_snapshot_text(snapshot, "why"), "no leak");
    assert_string_equal(husk_snapshot_text(snapshot, "nothing"), "");
    assert_null(husk_snapshot_text(snapshot, "something"));
    assert_string_equal(husk_snapshot_text_key(snapshot, 5), "why");
    assert_string_equal(husk_snapshot_text_key(snapshot, 6), "nothing");
    assert_null(husk_snapshot_text_key(snapshot, 7));
    failed(husk_snapshot_note(snapshot, "", "x"), HUSK_EINVAL, "needs a name", "");
}

static void test_notes(void **state)
{
    (void)state;
    struct husk_snapshot *made = sample_snapshot();
    assert_int_equal(husk_snapshot_save(made, "x.husk"), HUSK_OK);
    notes_of(made);
    husk_snapshot *back;
    assert_int_equal(husk_snapshot_load("x.husk", &back), HUSK_OK);
    notes_of(back);
    assert_int_equal(sample_snapshot_walk(back), sample_snapshot_walk(made));
    assert_int_equal(husk_snapshot_save(back, "x.husk"), HUSK_OK); /* over the file that is mapped */
    husk_snapshot_free(made);
    assert_int_equal(husk_snapshot_load("x.husk", &made), HUSK_OK);
    same(back, made);
    husk_snapshot_free(back);
    husk_snapshot_free(made);
    remove("x.husk");
}

/* More than the room that strings have at first: texts that were handed out stay where they are. */
static void test_many_notes(void **state)
{
    (void)state;
    enum { LONG = 1 << 23, NOTES = 20 };
    struct husk_snapshot *made = sample_snapshot();
    const char *first = husk_snapshot_text(made, "heap"), *texts[NOTES];
    char *text = malloc(LONG + 1), key[16];
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    for (unsigned n = 0; n < NOTES; n++) {
        snprintf(key, sizeof key, "key %u", n);
        text[0] = (char)('a' + n);
        assert_int_equal(husk_snapshot_note(made, key, text), HUSK_OK);
        texts[n] = husk_snapshot_text(made, key);
    }
    assert_true(made->outgrown_count > 0);
    assert_string_equal(first, "sample");
    for (unsigned n = 0; n < NOTES; n++) {
        assert_int_equal(texts[n][0], 'a' + n);
        assert_int_equal(strlen(texts[n]), LONG);
    }
    free(text);
    husk_snapshot_free(made);
}

/* ---- the limit ---- */

/* Neither in memory nor as a file is a snapshot larger than its limit, whatever is added, and when. */
static void test_limit(void **state)
{
    (void)state;
    random64 r = random_from(5);
    for (unsigned round = 0; round < 60; round++) {
        size_t limit = 3000 + random_below(&r, round % 2 ? 20000 : 200000);
        struct husk_snapshot *made = husk__snap_new(limit);
        assert_non_null(made);
        uint64_t address = 16;
        for (bool failed_once = false; !failed_once;) {
            struct husk__node *node = SNAP_ADD(made, NODES);
            failed_once = !node;
            if (node) {
                *node = (struct husk__node){ husk__node_where(address, 0), 16, 0, 0, 0 };
                ((struct husk__type_row *)(void *)made->own[SECTION_TYPES].at)->instances++;
            }
            address += 16;
            char text[40];
            size_t length = random_below(&r, sizeof text);
            for (size_t i = 0; i < length; i++)
                text[i] = (char)random_next(&r);
            (void)husk__snap_string(made, text, length, &failed_once);
            if (random_below(&r, 10) == 0)
                failed_once = !husk__snap_number(made, "group", "number", address) || failed_once;
        }
        assert_true(made->over);
        husk__snap_settle(made);
        husk_snapshot_counts counts;
        husk_snapshot_counts_get(made, &counts);
        assert_true(counts.bytes <= limit);
        struct sample_file file = sample_file_of(made);
        assert_true(file.length > 0 && file.length <= limit);
        assert_true(file.length + 6 * FILE_PAGE + limit / 10 > limit); /* and it is made use of */
        struct husk_snapshot *back;
        assert_int_equal(husk__snap_open(file.bytes, file.length, "f", &back), HUSK_OK);
        husk_snapshot_free(back);
        sample_file_end(&file);
        char *much = malloc(limit + 1);
        memset(much, 'x', limit);
        much[limit] = '\0';
        failed(husk_snapshot_note(made, "much", much), HUSK_ELIMIT, "limit", "reached");
        free(much);
        husk_snapshot_free(made);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_round_trip), IN_FOLDER(test_round_trip_random),
        IN_FOLDER(test_flips),      IN_FOLDER(test_truncated),
        IN_FOLDER(test_strangers),  IN_FOLDER(test_unreadable),
        IN_FOLDER(test_unwritable), IN_FOLDER(test_full),
        IN_FOLDER(test_replaced),   IN_FOLDER(test_no_memory),
        IN_FOLDER(test_notes),      IN_FOLDER(test_many_notes),
        IN_FOLDER(test_limit),
    };
    return RUN_ROUNDS("view_snapfile", tests);
}
