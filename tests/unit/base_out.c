/* tests/unit/base_out.c: output through a writer, JSON, and files that appear whole or not at all. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"

#include "base/json.h"
#include "base/newfile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A writer that takes `room` bytes and refuses the piece that would be more. */
struct sink {
    char *at;
    size_t used, room;
    unsigned refusals;
};

static bool sink_write(const void *bytes, size_t length, void *data)
{
    struct sink *sink = data;
    if (length > sink->room - sink->used) {
        sink->refusals++;
        return false;
    }
    memcpy(sink->at + sink->used, bytes, length);
    sink->used += length;
    return true;
}

static void test_pieces(void **state)
{
    (void)state;
    static char expected[100000], got[100000];
    random64 r = random_from(5);
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = (char)random_next(&r);
    for (int round = 0; round < 50; round++) {
        struct sink sink = { got, 0, sizeof got, 0 };
        struct husk__out out;
        husk__out_begin(&out, sink_write, &sink);
        size_t at = 0;
        while (at < sizeof expected) {
            size_t n = random_below(&r, round % 2 ? 20000 : 30);
            if (n > sizeof expected - at)
                n = sizeof expected - at;
            if (n == 1)
                husk__out_char(&out, expected[at]);
            else
                husk__out_bytes(&out, expected + at, n);
            at += n;
            assert_int_equal(husk__out_length(&out), at);
        }
        assert_true(husk__out_end(&out));
        assert_int_equal(sink.used, sizeof expected);
        assert_memory_equal(got, expected, sizeof expected);
    }
}

static void test_refusal(void **state)
{
    (void)state;
    static char got[50000];
    for (size_t room = 0; room < 30000; room += 997) {
        struct sink sink = { got, 0, room, 0 };
        struct husk__out out;
        husk__out_begin(&out, sink_write, &sink);
        for (int i = 0; i < 30000; i++)
            husk__out_char(&out, 'x');
        assert_false(husk__out_end(&out));
        assert_int_equal(sink.refusals, 1); /* and was not asked again */
    }
}

static void want_numbers(const char *expected, int64_t i, uint64_t u)
{
    char got[200];
    struct sink sink = { got, 0, sizeof got, 0 };
    struct husk__out out;
    struct husk__json json;
    husk__out_begin(&out, sink_write, &sink);
    husk__out_i64(&out, i);
    husk__out_char(&out, ' ');
    husk__out_u64(&out, u);
    husk__out_char(&out, ' ');
    husk__json_begin(&json, &out);
    husk__json_open(&json, '[');
    husk__json_i64(&json, i);
    husk__json_u64(&json, u);
    husk__json_hex(&json, u);
    husk__json_close(&json, ']');
    assert_true(husk__out_end(&out));
    assert_int_equal(sink.used, strlen(expected));
    assert_memory_equal(got, expected, sink.used);
}

static void test_numbers(void **state)
{
    (void)state;
    want_numbers("0 0 [0,0,\"0x0\"]", 0, 0);
    want_numbers("-1 9007199254740991 [-1,9007199254740991,\"0x1fffffffffffff\"]", -1, 9007199254740991u);
    want_numbers("-9007199254740992 9007199254740992 "
                 "[\"-9007199254740992\",\"9007199254740992\",\"0x20000000000000\"]",
                 -9007199254740992, 9007199254740992u);
    want_numbers("-9223372036854775808 18446744073709551615 "
                 "[\"-9223372036854775808\",\"18446744073709551615\",\"0xffffffffffffffff\"]",
                 INT64_MIN, UINT64_MAX);
}

/* The definition: the one way to write this code point, and no other. */
static size_t slow_utf8(const unsigned char *b, size_t left)
{
    for (size_t length = 1; length <= 4 && length <= left; length++) {
        static const unsigned char first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
        static const unsigned char mask[] = { 0, 0x80, 0xE0, 0xF0, 0xF8 };
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        if ((b[0] & mask[length]) != first[length])
            continue;
        uint32_t code = b[0] & (unsigned char)~mask[length];
        for (size_t i = 1; i < length; i++) {
            if ((b[i] & 0xC0) != 0x80)
                return 0;
            code = code << 6 | (b[i] & 0x3Fu);
        }
        bool good = code >= least[length] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        return good ? length : 0;
    }
    return 0;
}

static void test_utf8(void **state)
{
    (void)state;
    /* All beginnings of three bytes, and a fourth at the borders. */
    for (uint32_t n = 0; n < 1u << 24; n++) {
        unsigned char b[4] = { (unsigned char)(n >> 16), (unsigned char)(n >> 8), (unsigned char)n, 0x80 };
        if (b[0] < 0x80 && (n & 0xFFFF))
            continue;
        static const unsigned char last[] = { 0x7F, 0x80, 0xBF, 0xC0 };
        b[3] = last[n % 4];
        size_t expected = slow_utf8(b, 4);
        if (husk__utf8_length((char *)b, 4) != expected)
            fail_msg("%02x %02x %02x %02x: not %zu", b[0], b[1], b[2], b[3], expected);
        if (expected > 1)
            assert_int_equal(husk__utf8_length((char *)b, expected - 1), 0); /* cut off */
    }
    assert_int_equal(husk__utf8_length("", 0), 0);
}

static void want_string(const char *expected, const char *bytes, size_t length)
{
    char got[400];
    struct sink sink = { got, 0, sizeof got, 0 };
    struct husk__out out;
    struct husk__json json;
    husk__out_begin(&out, sink_write, &sink);
    husk__json_begin(&json, &out);
    husk__json_string(&json, bytes, length);
    assert_true(husk__out_end(&out));
    assert_int_equal(sink.used, strlen(expected));
    assert_memory_equal(got, expected, sink.used);
    assert_int_equal(husk__escaped_length(&husk__json_escape, bytes, length), sink.used - 2);
}
#define WANT_STRING(expected, text) want_string(expected, text, sizeof(text) - 1)

static void test_strings(void **state)
{
    (void)state;
    WANT_STRING("\"\"", "");
    WANT_STRING("\"a\\\"b\\\\c/d\"", "a\"b\\c/d");
    WANT_STRING("\"\\u0000\\u0001\\n\\r\\t\\u001f\\u007f\"", "\0\1\n\r\t\x1f\x7f");
    WANT_STRING("\"<\\/script><\\/<b>\\u003c!--<\"", "</script></<b><!--<");
    WANT_STRING("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    WANT_STRING("\"\\\\xff\\\\xc3(\\\\xed\\\\xa0\\\\x80\"", "\xFF\xC3(\xED\xA0\x80");
    WANT_STRING("\"x\\\\xe2\\\\x82\"", "x\xE2\x82");
}

static void test_structure(void **state)
{
    (void)state;
    char got[200];
    struct sink sink = { got, 0, sizeof got, 0 };
    struct husk__out out;
    struct husk__json json;
    husk__out_begin(&out, sink_write, &sink);
    husk__json_begin(&json, &out);
    husk__json_open(&json, '{');
    husk__json_key(&json, "a");
    husk__json_open(&json, '[');
    husk__json_close(&json, ']');
    husk__json_key(&json, "b");
    husk__json_open(&json, '[');
    for (unsigned i = 0; i < 2; i++) {
        husk__json_line(&json);
        husk__json_open(&json, '{');
        husk__json_key(&json, "i");
        husk__json_u64(&json, i);
        husk__json_key(&json, "t");
        husk__json_bool(&json, i == 0);
        husk__json_close(&json, '}');
    }
    husk__json_line(&json);
    husk__json_close(&json, ']');
    husk__json_key(&json, "c");
    husk__json_text(&json, "x");
    husk__json_close(&json, '}');
    assert_true(husk__out_end(&out));
    got[sink.used] = 0;
    assert_string_equal(got,
                        "{\"a\":[],\"b\":[\n{\"i\":0,\"t\":true},\n{\"i\":1,\"t\":false}\n],\"c\":\"x\"}");
}

/* ---- files ---- */

static char folder[] = "/tmp/husk-out-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][300];
    static unsigned next;
    char *at = path[next++ % 4];
    snprintf(at, 300, "%s/%s", folder, name);
    return at;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void want_file(const char *path, const char *text)
{
    char got[100] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
}

static size_t files_in_folder(void)
{
    char command[100], line[20];
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    pclose(pipe);
    return (size_t)atol(line);
}

static husk_status write_all(const char *path, const char *text, husk_status with)
{
    struct husk__newfile file;
    husk_status status = husk__newfile_open(&file, path);
    if (status != HUSK_OK)
        return status;
    status = husk__newfile_write(&file, text, strlen(text));
    return husk__newfile_commit(&file, status == HUSK_OK ? with : status);
}

static void test_replace(void **state)
{
    (void)state;
    const char *path = in_folder("a");
    assert_int_equal(write_all(path, "one", HUSK_OK), HUSK_OK);
    want_file(path, "one");
    assert_int_equal(write_all(path, "half", HUSK_ENOMEM), HUSK_ENOMEM);
    want_file(path, "one");
    chmod(path, 0640);
    assert_int_equal(write_all(path, "two", HUSK_OK), HUSK_OK);
    want_file(path, "two");
    struct stat stat_now;
    stat(path, &stat_now);
    assert_int_equal(stat_now.st_mode & 07777, 0640);
    assert_int_equal(files_in_folder(), 1);
    unlink(path);
    assert_int_equal(write_all(path, "half", HUSK_EIO), HUSK_EIO);
    assert_int_equal(files_in_folder(), 0);
}

static void test_links(void **state)
{
    (void)state;
    const char *path = in_folder("target"), *link = in_folder("link");
    put(path, "old");
    assert_int_equal(symlink("target", link), 0);
    assert_int_equal(write_all(link, "new", HUSK_OK), HUSK_OK);
    want_file(path, "new");
    struct stat stat_now;
    lstat(link, &stat_now);
    assert_true(S_ISLNK(stat_now.st_mode));
    unlink(path);
    unlink(link);
    /* A device stays one. */
    assert_int_equal(write_all("/dev/null", "gone", HUSK_OK), HUSK_OK);
    stat("/dev/null", &stat_now);
    assert_true(S_ISCHR(stat_now.st_mode));
    assert_int_equal(files_in_folder(), 0);
}

static void test_unwritable(void **state)
{
    (void)state;
    assert_int_equal(write_all(folder, "x", HUSK_OK), HUSK_EIO);
    assert_non_null(strstr(husk_message(), folder));
    assert_non_null(strstr(husk_message(), "directory"));
    const char *path = in_folder("none/x");
    assert_int_equal(write_all(path, "x", HUSK_OK), HUSK_EIO);
    assert_non_null(strstr(husk_message(), path));
    assert_int_equal(write_all("", "x", HUSK_OK), HUSK_EIO);
    assert_int_equal(write_all("/dev/full", "x", HUSK_OK), HUSK_EIO);
    assert_non_null(strstr(husk_message(), "No space"));
    assert_int_equal(write_all("/proc/none", "x", HUSK_OK), HUSK_EIO);
    assert_int_equal(files_in_folder(), 0);
}

/* The file grows beyond what may be: as on a full disk. */
static void test_full(void **state)
{
    (void)state;
    const char *path = in_folder("full");
    put(path, "old");
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = { 1000, 1000 };
        setrlimit(RLIMIT_FSIZE, &limit);
        struct husk__newfile file;
        husk_status status = husk__newfile_open(&file, path);
        for (int i = 0; status == HUSK_OK && i < 100; i++)
            status = husk__newfile_write(&file, "0123456789012345678901234567890123456789", 40);
        _exit(status == HUSK_EIO && husk__newfile_commit(&file, status) == HUSK_EIO ? 0 : 1);
    }
    int end;
    waitpid(child, &end, 0);
    assert_int_equal(end, 0);
    want_file(path, "old");
    assert_int_equal(files_in_folder(), 1);
    unlink(path);
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *path = in_folder("memory");
    put(path, "old");
    unsigned refused = 0;
    for (uint64_t n = 1;; n++) {
        husk_memory_fail(n, false);
        husk_status status = write_all(path, "new", HUSK_OK);
        husk_memory_fail(0, false);
        if (status == HUSK_OK && n > 3)
            break;
        if (status != HUSK_OK) {
            assert_int_equal(status, HUSK_ENOMEM);
            want_file(path, "old");
            refused++;
        }
        assert_int_equal(files_in_folder(), 1);
    }
    assert_int_equal(refused, 2);
    want_file(path, "new");
    unlink(path);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int end_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),  cmocka_unit_test(test_refusal),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_utf8),    cmocka_unit_test(test_strings),   cmocka_unit_test(test_structure),
        cmocka_unit_test(test_replace), cmocka_unit_test(test_links),     cmocka_unit_test(test_unwritable),
        cmocka_unit_test(test_full),    cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("out", tests, make_folder, end_folder);
}
