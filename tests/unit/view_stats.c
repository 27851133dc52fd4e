/* tests/unit/view_stats.c: statistics of the snapshots made by hand; errors, texts, deep tracebacks, memory that
 * fails. Random snapshots are held against a model and against tracemalloc in tests/stats. */
#define _POSIX_C_SOURCE 200809L /* mkstemp, mkfifo */
#include "fixture.h"

#include "sample_snapshot.h"

#include <husk/debug.h>
#include <husk/stats.h>

#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static husk_stats *stats_of(const husk_snapshot *old, const husk_snapshot *snapshot, int by, int sort,
                            uint32_t flags, const char *filter_text)
{
    husk_filter *filter = NULL;
    husk_stats *stats = NULL;
    if (filter_text) {
        assert_int_equal(husk_filter_new(&filter), HUSK_OK);
        assert_int_equal(husk_filter_parse(filter, filter_text), HUSK_OK);
    }
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = by, .sort = sort, .flags = flags,
                                   .filter = filter };
    husk_status status = old ? husk_stats_compare(old, snapshot, &options, &stats)
                             : husk_stats_new(snapshot, &options, &stats);
    husk_filter_free(filter);
    if (status != HUSK_OK)
        fail_msg("%s: %s", husk_status_name(status), husk_message());
    return stats;
}

/* The rows as lines, then the total. */
static void rows_are(husk_stats *stats, const char *const *lines)
{
    char text[512];
    size_t row = 0;
    for (; lines[row + 1]; row++) {
        size_t length = husk_stats_row_text(stats, row, text, sizeof text);
        assert_string_equal(text, lines[row]);
        assert_int_equal(length, strlen(text));
    }
    assert_int_equal(row, husk_stats_count(stats));
    (void)husk_stats_total_text(stats, text, sizeof text);
    assert_string_equal(text, lines[row]);
    husk_stats_free(stats);
}
#define ROWS_ARE(stats, ...) rows_are((stats), (const char *const[]){ __VA_ARGS__, NULL })

#define ODD_GIB "size=11.0 GiB, count="

static void test_places(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_SIZE, HUSK_STATS_UNTRACED, NULL),
             "dir;x/fi\\nle\"'.lua:3: " ODD_GIB "3, average=3755 MiB",
             "<unknown>:0: size=6160 B, count=15, average=411 B",
             "/usr/lib/libdemo.so+0x1234 (demo_alloc): size=3480 B, count=3, average=1160 B",
             "main.c:20: size=2712 B, count=6, average=452 B",
             "/usr/bin/demo+0x4321: size=1760 B, count=10, average=176 B",
             "main.c:25: size=1680 B, count=35, average=48 B",
             "script.lua:1: size=645 B, count=4, average=161 B", "total: " ODD_GIB "76, average=148 MiB");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_FUNCTION, HUSK_SORT_SIZE, 0, "file=*,min=1g"),
             "f</script>\\x00\xC3(;\\ (dir;x/fi\\nle\"'.lua): " ODD_GIB "2, average=5632 MiB",
             "total: " ODD_GIB "2, average=5632 MiB");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_FILE, HUSK_SORT_COUNT, HUSK_STATS_CUMULATIVE, "!tag=serve"),
             "main.c:0: size=8517 B, count=48, average=177 B",
             "script.lua:0: size=645 B, count=4, average=161 B",
             "/usr/lib/libdemo.so:0: size=3480 B, count=3, average=1160 B",
             "total: size=8517 B, count=48, average=177 B");
    /* a calls b calls a: once, or as often as it is there. */
    ROWS_ARE(
        stats_of(NULL, s, HUSK_BY_FUNCTION, HUSK_SORT_SIZE, HUSK_STATS_CUMULATIVE, "domain=db,function=a"),
        "main (main.c): size=48 B, count=1, average=48 B", "b (script.lua): size=48 B, count=1, average=48 B",
        "a (script.lua): size=48 B, count=1, average=48 B", "total: size=48 B, count=1, average=48 B");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_FUNCTION, HUSK_SORT_SIZE,
                      HUSK_STATS_CUMULATIVE | HUSK_STATS_EACH_FRAME, "domain=db,function=a"),
             "a (script.lua): size=96 B, count=2, average=48 B",
             "main (main.c): size=48 B, count=1, average=48 B",
             "b (script.lua): size=48 B, count=1, average=48 B", "total: size=48 B, count=1, average=48 B");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_THREAD, HUSK_SORT_SIZE, 0, "thread=m*"),
             "main (4242): size=8517 B, count=48, average=177 B",
             "total: size=8517 B, count=48, average=177 B");
    husk_snapshot_free(s);
}

static void test_things_grouped(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_TYPE, HUSK_SORT_COUNT, 0, "!min=1g"),
             "node: size=1920 B, count=40, average=48 B", "text: size=3776 B, count=22, average=172 B",
             "(buffer): size=5120 B, count=3, average=1707 B", "list: size=2528 B, count=2, average=1264 B",
             "(block): size=501 B, count=2, average=250 B", "wide: size=2448 B, count=1, average=2448 B",
             "weak map: size=96 B, count=1, average=96 B",
             "odd\\n\"type\";\\x00</script>\xFF: size=64 B, count=1, average=64 B",
             "weak box: size=32 B, count=1, average=32 B", "?: size=16 B, count=1, average=16 B",
             "total: size=16.1 KiB, count=74, average=223 B");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_MARK, HUSK_SORT_SIZE, 0, "since=loaded,kind=buffer"),
             "loaded: size=1024 B, count=2, average=512 B", "total: size=1024 B, count=2, average=512 B");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_AGE, HUSK_SORT_SIZE, 0, "!min=1g"),
             "1 s: size=6000 B, count=6, average=1000 B", "2-3 s: size=2420 B, count=40, average=60 B",
             "0 s: size=1921 B, count=13, average=148 B", "total: size=10.1 KiB, count=59, average=175 B");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_KIND, HUSK_SORT_SIZE, 0, "kind=object,type=node"),
             "(object): size=1920 B, count=40, average=48 B", "total: size=1920 B, count=40, average=48 B");
    husk_snapshot_free(s);
}

static void test_comparison(void **state)
{
    (void)state;
    struct husk_snapshot *old, *now;
    sample_snapshot_pair(&old, &now);
    ROWS_ARE(stats_of(old, now, HUSK_BY_LINE, HUSK_SORT_SIZE, 0, NULL),
             "app.c:4: size=0 B (-4000 B), count=0 (-4)",
             "app.c:5: size=3000 B (+3000 B), count=6 (+6), average=500 B",
             "app.c:2: size=1000 B (-3000 B), count=5 (-15), average=200 B",
             "app.c:1: size=3000 B (+2000 B), count=30 (+20), average=100 B",
             "app.c:6: size=400 B (+0 B), count=2 (-2), average=200 B",
             "app.c:3: size=350 B (+0 B), count=7 (+0), average=50 B",
             "total: size=7750 B (-2000 B), count=50 (+5), average=155 B");
    husk_stats *stats = stats_of(old, now, HUSK_BY_LINE, HUSK_SORT_COUNT, 0, NULL);
    char text[128];
    (void)husk_stats_row_text(stats, 0, text, sizeof text);
    assert_string_equal(text, "app.c:1: size=3000 B (+2000 B), count=30 (+20), average=100 B");
    assert_int_equal(husk_stats_rest_text(stats, 3, text, sizeof text), 57);
    assert_string_equal(text, "3 other: size=750 B (-4000 B), count=9 (-6), average=83 B");
    assert_int_equal(husk_stats_rest_text(stats, 6, text, sizeof text), 0);
    assert_true(husk_stats_is_comparison(stats));
    assert_int_equal(husk_stats_by(stats), HUSK_BY_LINE);
    husk_stat stat;
    assert_false(husk_stats_row(stats, 6, &stat));
    husk_stats_free(stats);
    husk_snapshot_free(old);
    husk_snapshot_free(now);
}

static void test_recorded(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    /* R9 is dead: its line has a row of its own, or shares that of R8. */
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_TEMPORARY, 0, "domain=db,line=25"),
             "main.c:25: size=0 B, count=0, temporary=2", "total: size=0 B, count=0, temporary=2");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_SIZE, 0, "domain=db,line=25"),
             "total: size=0 B, count=0");
    husk_stats *stats = stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_SIZE, HUSK_STATS_RECORDS, "line=25");
    husk_stat stat;
    assert_true(husk_stats_row(stats, 0, &stat));
    assert_true(stat.recorded);
    assert_int_equal(stat.born - stat.died, 35);
    assert_int_equal(stat.born_bytes - stat.died_bytes, 1680);
    husk_stats_free(stats);
    stats = stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_SIZE, HUSK_STATS_RECORDS, "line=25,min=1");
    assert_true(husk_stats_row(stats, 0, &stat));
    assert_false(stat.recorded);
    husk_stats_free(stats);
    husk_snapshot_free(s);
}

/* ---- what cannot be asked ---- */

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        husk_stats_options options;
        const char *text;
    } cases[] = {
        { { .abi = 1 }, "husk_stats_options: not of this version (HUSK_STATS_OPTIONS fills it)" },
        { { HUSK_STATS_OPTIONS, .by = 12 }, "there is no grouping 12" },
        { { HUSK_STATS_OPTIONS, .by = -1 }, "there is no grouping -1" },
        { { HUSK_STATS_OPTIONS, .sort = 5 }, "there is no order 5" },
        { { HUSK_STATS_OPTIONS, .flags = 48 }, "statistics have no flag 0x30" },
        { { HUSK_STATS_OPTIONS, .by = HUSK_BY_TYPE, .flags = HUSK_STATS_CUMULATIVE },
          "cumulative is by line, file or function, not by type" },
        { { HUSK_STATS_OPTIONS, .by = HUSK_BY_TRACEBACK, .flags = HUSK_STATS_CUMULATIVE },
          "cumulative is by line, file or function, not by traceback" },
        { { HUSK_STATS_OPTIONS, .flags = HUSK_STATS_EACH_FRAME },
          "each frame counts only where statistics are cumulative" },
        { { HUSK_STATS_OPTIONS, .by = HUSK_BY_TYPE, .sort = HUSK_SORT_PEAK },
          "peak is known of places only: not by type" },
    };
    struct husk_snapshot *s = sample_snapshot();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        husk_stats *stats = NULL;
        assert_int_equal(husk_stats_new(s, &cases[i].options, &stats), HUSK_EINVAL);
        assert_string_equal(husk_message(), cases[i].text);
        assert_null(stats);
    }
    husk_stats_options options = { HUSK_STATS_OPTIONS, .sort = HUSK_SORT_BORN };
    husk_stats *stats = NULL;
    assert_int_equal(husk_stats_compare(s, s, &options, &stats), HUSK_EINVAL);
    assert_string_equal(husk_message(), "comparisons are ordered by size or count, not by born");
    husk_things *things = NULL;
    assert_int_equal(husk_things_new(s, NULL, 1, &things), HUSK_EINVAL);
    husk_snapshot_free(s);

    int number = 99;
    assert_int_equal(husk_stats_by_find("lines", &number), HUSK_EINVAL);
    assert_string_equal(husk_message(),
                        "the grouping \"lines\" is none of line, file, function, traceback, type, "
                        "tag, domain, thread, class, age, mark, kind");
    assert_int_equal(husk_stats_sort_find("", &number), HUSK_EINVAL);
    assert_string_equal(husk_message(), "the order \"\" is none of size, count, born, temporary, peak");
    assert_int_equal(number, 99);
    for (int by = 0; husk_stats_by_name(by); by++) {
        assert_int_equal(husk_stats_by_find(husk_stats_by_name(by), &number), HUSK_OK);
        assert_int_equal(number, by);
    }
    assert_null(husk_stats_by_name(-1));
    assert_null(husk_stats_sort_name(5));
}

static void test_filters_by_calls(void **state)
{
    (void)state;
    struct husk_snapshot *s = sample_snapshot();
    husk_filter *filter;
    assert_int_equal(husk_filter_new(&filter), HUSK_OK);
    assert_int_equal(husk_filter_file(filter, "x"), HUSK_ESTATE);
    assert_string_equal(husk_message(), "no filter has been begun: husk_filter_add comes first");
    assert_int_equal(husk_filter_line(filter, 1), HUSK_ESTATE);
    assert_int_equal(husk_filter_add(filter, true), HUSK_OK);
    assert_int_equal(husk_filter_kind(filter, 3), HUSK_ERANGE);
    assert_int_equal(husk_filter_file(filter, "nothing"), HUSK_OK);
    assert_int_equal(husk_filter_file(filter, "main.?"), HUSK_OK); /* the latest counts */
    assert_int_equal(husk_filter_line(filter, 10), HUSK_OK);
    assert_int_equal(husk_filter_all_frames(filter), HUSK_OK);
    assert_int_equal(husk_filter_function(filter, "m*"), HUSK_OK);
    assert_int_equal(husk_filter_min_size(filter, 48), HUSK_OK);
    assert_int_equal(husk_filter_kind(filter, HUSK_THING_OBJECT), HUSK_OK);
    assert_int_equal(husk_filter_and(filter), HUSK_OK);
    assert_int_equal(husk_filter_and(filter), HUSK_OK);
    assert_int_equal(husk_filter_tag(filter, "x"), HUSK_ESTATE); /* of the new list nothing has been begun */
    assert_int_equal(husk_filter_add(filter, false), HUSK_OK);
    assert_int_equal(husk_filter_type(filter, "[!n]*"), HUSK_OK);
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = HUSK_BY_TAG, .filter = filter };
    husk_stats *stats;
    assert_int_equal(husk_stats_new(s, &options, &stats), HUSK_OK);
    husk_things *things;
    assert_int_equal(husk_things_new(s, filter, HUSK_STATS_UNTRACED, &things), HUSK_OK);
    assert_int_equal(husk_things_count(things), 40); /* the nodes 0-4 and 35-69 */
    husk_thing thing;
    assert_true(husk_things_at(things, 39, &thing));
    assert_int_equal(thing.size, 48);
    assert_string_equal(thing.type, "node");
    assert_string_equal(thing.tag, "load");
    assert_string_equal(thing.mark, "");
    assert_int_equal(thing.thread, 4242);
    assert_false(husk_things_at(things, 40, &thing));
    husk_things_free(things);
    ROWS_ARE(stats, "load: size=1824 B, count=38, average=48 B", "(none): size=96 B, count=2, average=48 B",
             "total: size=1920 B, count=40, average=48 B");

    assert_int_equal(husk_filter_add(filter, false), HUSK_OK);
    assert_int_equal(husk_filter_all_frames(filter), HUSK_OK);
    assert_int_equal(husk_stats_new(s, &options, &stats), HUSK_EINVAL);
    assert_string_equal(husk_message(), "filter 3 says nothing of what it excludes");
    husk_filter_free(filter);

    assert_int_equal(husk_filter_new(&filter), HUSK_OK);
    assert_int_equal(husk_filter_parse(filter, "since=never"), HUSK_OK);
    options.filter = filter;
    assert_int_equal(husk_stats_new(s, &options, &stats), HUSK_EMISSING);
    assert_string_equal(husk_message(), "the snapshot has no mark \"never\"");
    husk_filter_free(filter);
    husk_filter_free(NULL);

    assert_int_equal(husk_filter_new(&filter), HUSK_OK);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(husk_filter_parse(filter, "!line=7"), HUSK_OK);
    assert_int_equal(husk_filter_add(filter, true), HUSK_ERANGE);
    options = (husk_stats_options){ HUSK_STATS_OPTIONS, .by = HUSK_BY_KIND, .filter = filter };
    assert_int_equal(husk_stats_new(s, &options, &stats), HUSK_OK);
    assert_int_equal(husk_stats_count(stats), 3);
    husk_stats_free(stats);
    husk_filter_free(filter);
    husk_snapshot_free(s);
}

static void test_filter_texts(void **state)
{
    (void)state;
#define TERMS "a term is file=, function=, type=, tag=, thread=, domain=, line=, min=, since=, kind= or all"
    static const struct {
        const char *text, *column_and_reason;
    } wrong[] = {
        { "", "column 1: " TERMS },
        { "!", "column 2: " TERMS },
        { "file", "column 5: = and a value are due" },
        { "file=a,", "column 8: " TERMS },
        { "file=a,,line=3", "column 8: " TERMS },
        { "file=a,fil=b", "column 8: " TERMS },
        { "file=a,file=b", "column 8: this was said already" },
        { "line=", "column 6: a number is due" },
        { "line=-1", "column 6: a number is due" },
        { "line=3x", "column 6: a number consists of digits" },
        { "line=3k", "column 6: a number consists of digits" },
        { "line=4294967296", "column 6: the number is too large" },
        { "min=18446744073709551616", "column 5: the number is too large" },
        { "min=99999999999g", "column 5: the number is too large" },
        { "min=3kk", "column 5: a number ends with a digit, k, m or g" },
        { "kind=objects", "column 6: a kind is object, buffer or block" },
        { "all", "column 1: all alone says nothing of what it is about" },
        { "all=1", "column 4: all has no value" },
        { "file=\"abc", "column 6: a quote is not closed" },
        { "file=\"abc\"d", "column 11: a comma is due behind the quote" },
        { "file=ab\"c", "column 8: a value with a quote stands in quotes as a whole" },
        { "file=\"a\\n\"", "column 8: behind \\ in quotes stands \" or \\" },
        { "file=\"a\\", "column 8: behind \\ in quotes stands \" or \\" },
    };
    husk_filter *filter;
    assert_int_equal(husk_filter_new(&filter), HUSK_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char want[400];
        snprintf(want, sizeof want, "filter \"%s\", %s", wrong[i].text, wrong[i].column_and_reason);
        assert_int_equal(husk_filter_parse(filter, wrong[i].text), HUSK_EINVAL);
        assert_string_equal(husk_message(), want);
    }
    /* Nothing of all that was added. */
    struct husk_snapshot *s = sample_snapshot();
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = HUSK_BY_KIND, .filter = filter };
    husk_stats *stats;
    assert_int_equal(husk_stats_new(s, &options, &stats), HUSK_OK);
    husk_stat total;
    husk_stats_total(stats, &total);
    assert_int_equal(total.count, 76);
    husk_stats_free(stats);
    husk_filter_free(filter);
    /* Quotes, empty values, units. */
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_KIND, HUSK_SORT_SIZE, 0, "file=\"dir;x*\\\"*\",min=5G,tag=serve"),
             "(block): size=6144 MiB, count=1, average=6144 MiB",
             "(object): size=5120 MiB, count=1, average=5120 MiB",
             "total: size=11.0 GiB, count=2, average=5632 MiB");
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_KIND, HUSK_SORT_SIZE, 0, "tag=,line=25"), "total: size=0 B, count=0");
    husk_snapshot_free(s);
}

/* ---- text ---- */

static void test_texts_that_do_not_fit(void **state)
{
    (void)state;
    char text[8] = "ABCDEFG";
    assert_int_equal(husk_size_text(1023.5 * 1024, true, NULL, 0), 9);
    assert_int_equal(husk_size_text(1023.5 * 1024, true, text, 1), 9);
    assert_string_equal(text, "");
    assert_int_equal(husk_size_text(1023.5 * 1024, true, text, 5), 9);
    assert_string_equal(text, "+102");
    assert_int_equal(text[5], 'F');
    assert_int_equal(husk_size_text(1e300, false, text, sizeof text), 1);
    assert_string_equal(text, "?");
}

static void test_locale(void **state)
{
    (void)state;
    char text[32];
    /* Wherever such a locale is installed. */
    bool set = setlocale(LC_NUMERIC, "de_DE.UTF-8") || setlocale(LC_NUMERIC, "fr_FR.UTF-8");
    (void)husk_size_text(12.34 * 1024, false, text, sizeof text);
    assert_string_equal(text, "12.3 KiB");
    (void)set;
    setlocale(LC_NUMERIC, "C");
}

static void test_source_lines(void **state)
{
    (void)state;
    char path[] = "/tmp/husk-stats-XXXXXX", text[64];
    int file = mkstemp(path);
    assert_true(file >= 0);
    const char *lines = "first\n\t  second  line \t\r\n\n\x01\nlast";
    assert_int_equal(write(file, lines, strlen(lines)), strlen(lines));
    static const char *const want[] = { "", "first", "second  line", "", "\\x01", "last", "" };
    for (uint32_t line = 0; line < sizeof want / sizeof *want; line++) {
        assert_int_equal(husk_source_line(path, line, text, sizeof text), strlen(want[line]));
        assert_string_equal(text, want[line]);
    }
    /* In a traceback; and the line of what is no file is left out. */
    bool failed = false;
    struct husk_snapshot *s = husk__snap_new(0);
    uint32_t name = husk__snap_string(s, path, strlen(path), &failed);
    *SNAP_ADD(s, FRAMES) = (struct husk__frame){ .file = name, .line = 2 };
    *SNAP_ADD(s, FRAMES) = (struct husk__frame){ .file = husk__snap_string(s, "/tmp", 4, &failed),
                                                 .function = husk__snap_string(s, "main", 4, &failed),
                                                 .line = 1 };
    *SNAP_ADD(s, STACKS) = (struct husk__stack){ 0, 2, 1, 0 };
    *SNAP_ADD(s, STACKS) = (struct husk__stack){ 1, 1, 2, 0 };
    husk__snap_settle(s);
    char all[256], whole[256];
    (void)husk_snapshot_traceback_text(s, 2, 0, HUSK_TEXT_SOURCE | HUSK_TEXT_FUNCTION, all, sizeof all);
    snprintf(whole, sizeof whole,
             "  File \"/tmp\", line 1, in main\n  File \"%s\", line 2\n    second  line\n", path);
    assert_string_equal(all, whole);
    (void)husk_snapshot_traceback_text(s, 0, 0, HUSK_TEXT_SOURCE, all, sizeof all);
    assert_string_equal(all, "  File \"<unknown>\", line 0\n");
    assert_int_equal(husk_snapshot_traceback_text(s, 3, 0, 0, all, sizeof all), 0);
    husk_snapshot_free(s);
    close(file);
    unlink(path);

    assert_int_equal(husk_source_line(path, 1, text, sizeof text), 0);
    assert_int_equal(husk_source_line("/", 1, text, sizeof text), 0);
    assert_int_equal(husk_source_line("/dev/zero", 1, text, sizeof text), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* does not wait for a writer */
    assert_int_equal(husk_source_line(path, 1, text, sizeof text), 0);
    unlink(path);
}

/* ---- extremes ---- */

enum { DEEP = 65535 };

/* One object at the end of a traceback of two frames in turn, another one half way. */
static struct husk_snapshot *deep_snapshot(void)
{
    bool failed = false;
    struct husk_snapshot *s = husk__snap_new(0);
    uint32_t name = husk__snap_string(s, "deep.c", 6, &failed);
    *SNAP_ADD(s, FRAMES) = (struct husk__frame){ .file = name, .line = 1 };
    *SNAP_ADD(s, FRAMES) = (struct husk__frame){ .file = name, .line = 2 };
    for (uint32_t d = 0; d < DEEP; d++)
        *SNAP_ADD(s, STACKS) = (struct husk__stack){ d, 1 + d % 2, d + 1, 0 };
    *SNAP_ADD(s, RECORDS) = (struct husk__record_row){ .stack = DEEP };
    *SNAP_ADD(s, RECORDS) = (struct husk__record_row){ .stack = DEEP / 2 };
    (void)SNAP_ADD(s, EPOCHS);
    for (uint32_t n = 0; n < 2; n++) {
        *SNAP_ADD(s, NODES) = (struct husk__node){ .where = husk__node_where((n + 1) * 16, 0), .size = 100 };
        *SNAP_ADD(s, NODE_SITE) = n + 1;
    }
    assert_false(failed);
    husk__snap_settle(s);
    return s;
}

static void test_deep(void **state)
{
    (void)state;
    struct husk_snapshot *s = deep_snapshot();
    ROWS_ARE(stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_SIZE, HUSK_STATS_CUMULATIVE, "line=1,all"),
             "deep.c:2: size=200 B, count=2, average=100 B", "deep.c:1: size=200 B, count=2, average=100 B",
             "total: size=200 B, count=2, average=100 B");
    ROWS_ARE(
        stats_of(NULL, s, HUSK_BY_LINE, HUSK_SORT_SIZE, HUSK_STATS_CUMULATIVE | HUSK_STATS_EACH_FRAME, NULL),
        "deep.c:1: size=4800 KiB, count=49152, average=100 B",
        "deep.c:2: size=4800 KiB, count=49150, average=100 B", "total: size=200 B, count=2, average=100 B");
    husk_stats *stats = stats_of(s, s, HUSK_BY_TRACEBACK, HUSK_SORT_SIZE, 0, NULL);
    husk_stat stat;
    assert_true(husk_stats_row(stats, 0, &stat)); /* the longer one is the greater one */
    assert_int_equal(stat.frames, DEEP);
    husk_frame frame;
    assert_true(husk_stats_frame(stats, 0, DEEP - 1, &frame));
    assert_int_equal(frame.line, 1);
    assert_false(husk_stats_frame(stats, 0, DEEP, &frame));
    size_t line = strlen("  File \"deep.c\", line 1\n");
    assert_int_equal(husk_stats_traceback_text(stats, 0, 0, 0, NULL, 0), DEEP * line);
    char text[128];
    assert_int_equal(husk_stats_traceback_text(stats, 0, 2, 0, text, sizeof text), 2 * line);
    assert_string_equal(text, "  File \"deep.c\", line 2\n  File \"deep.c\", line 1\n");
    assert_int_equal(husk_stats_traceback_text(stats, 0, -3, HUSK_TEXT_NEWEST_FIRST, text, sizeof text),
                     3 * line);
    assert_string_equal(text,
                        "  File \"deep.c\", line 1\n  File \"deep.c\", line 2\n  File \"deep.c\", line 1\n");
    assert_int_equal(husk_stats_traceback_text(stats, 0, INT64_MIN, 0, NULL, 0), DEEP * line);
    husk_stats_free(stats);
    husk_snapshot_free(s);
}

/* Sizes that no sum can hold stay at the greatest number. */
static void test_absurd_sizes(void **state)
{
    (void)state;
    struct husk_snapshot *s = husk__snap_new(0);
    (void)SNAP_ADD(s, RECORDS);
    (void)SNAP_ADD(s, EPOCHS);
    for (uint32_t n = 0; n < 3; n++)
        *SNAP_ADD(s, BLOCKS) = (struct husk__block){ n, UINT64_MAX - n, 1, BLOCK_FOREIGN };
    husk__snap_settle(s);
    husk_stats *stats = stats_of(s, s, HUSK_BY_CLASS, HUSK_SORT_SIZE, 0, NULL);
    husk_stat stat;
    assert_true(husk_stats_row(stats, 0, &stat));
    assert_true(stat.size == INT64_MAX);
    assert_int_equal(stat.size_diff, 0);
    assert_int_equal(stat.count, 3);
    husk_stats_rest(stats, 0, &stat);
    assert_true(stat.size == INT64_MAX);
    husk_stats_free(stats);
    husk_snapshot_free(s);
}

/* As many places as things, in a quarter of a second or so; sorting that were quadratic would take minutes. */
static void test_many_places(void **state)
{
    (void)state;
    enum { PLACES = 300000 };
    bool failed = false;
    struct husk_snapshot *s = husk__snap_new(0);
    uint32_t name = husk__snap_string(s, "many.c", 6, &failed);
    (void)SNAP_ADD(s, EPOCHS);
    for (uint32_t n = 1; n <= PLACES; n++) {
        *SNAP_ADD(s, FRAMES) = (struct husk__frame){ .file = name, .line = n };
        *SNAP_ADD(s, STACKS) = (struct husk__stack){ 0, n, 1, 0 };
        *SNAP_ADD(s, RECORDS) = (struct husk__record_row){ .stack = n };
        *SNAP_ADD(s, NODES) = (struct husk__node){ .where = husk__node_where(n * 16, 0), .size = 48 };
        *SNAP_ADD(s, NODE_SITE) = n;
    }
    husk__snap_settle(s);
    for (int by = HUSK_BY_LINE; by <= HUSK_BY_TRACEBACK; by++) {
        husk_stats *stats = stats_of(s, s, by, HUSK_SORT_SIZE, 0, NULL);
        bool places = by == HUSK_BY_LINE || by == HUSK_BY_TRACEBACK;
        assert_int_equal(husk_stats_count(stats), places ? PLACES : 1);
        husk_stat stat;
        for (uint32_t n = 0; places && husk_stats_row(stats, n, &stat); n++)
            assert_int_equal(stat.line, PLACES - n);
        husk_stats_free(stats);
    }
    husk_snapshot_free(s);
}

/* ---- memory that fails ---- */

static husk_status everything(const husk_snapshot *old, const husk_snapshot *s, int by, uint32_t flags)
{
    husk_filter *filter = NULL;
    husk_stats *stats = NULL, *difference = NULL;
    husk_things *things = NULL;
    husk_status status = husk_filter_new(&filter);
    for (int i = 0; status == HUSK_OK && i < 5; i++)
        status = husk_filter_parse(filter, "file=*,all,function=*,tag=*,thread=*");
    if (status == HUSK_OK)
        status = husk_filter_parse(filter, "min=16,kind=object");
    husk_stats_options options = { HUSK_STATS_OPTIONS, .by = by, .flags = flags | HUSK_STATS_RECORDS,
                                   .filter = flags & 1 ? NULL : filter };
    if (status == HUSK_OK)
        status = husk_stats_new(s, &options, &stats);
    if (status == HUSK_OK)
        status = husk_stats_compare(old, s, &options, &difference);
    if (status == HUSK_OK)
        status = husk_things_new(s, filter, 0, &things);
    if (status != HUSK_OK)
        assert_string_not_equal(husk_message(), "");
    husk_things_free(things);
    husk_stats_free(stats);
    husk_stats_free(difference);
    husk_filter_free(filter);
    return status;
}

static void test_memory_failing(void **state)
{
    (void)state;
    struct husk_snapshot *old = sample_snapshot(), *s = sample_snapshot_random(7, 500, 0, 90);
    size_t held = husk_memory_held();
    for (int by = 0; husk_stats_by_name(by); by++) {
        uint32_t flags = by <= HUSK_BY_FUNCTION ? HUSK_STATS_CUMULATIVE : 0;
        husk_status status = HUSK_ENOMEM;
        unsigned nth = 0;
        while (status != HUSK_OK) {
            husk_memory_fail(++nth, false);
            status = everything(old, s, by, flags);
            husk_memory_fail(0, false);
            assert_true(status == HUSK_OK || status == HUSK_ENOMEM);
            assert_int_equal(husk_memory_held(), held);
        }
        assert_true(nth > 10);
        husk_memory_fail(nth / 2, true);
        assert_int_equal(everything(old, s, by, flags), HUSK_ENOMEM);
        husk_memory_fail(0, false);
        assert_int_equal(husk_memory_held(), held);
    }
    husk_snapshot_free(old);
    husk_snapshot_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),       cmocka_unit_test(test_things_grouped),
        cmocka_unit_test(test_comparison),   cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_filters_by_calls),
        cmocka_unit_test(test_filter_texts), cmocka_unit_test(test_texts_that_do_not_fit),
        cmocka_unit_test(test_locale),       cmocka_unit_test(test_source_lines),
        cmocka_unit_test(test_deep),         cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_many_places),  cmocka_unit_test(test_memory_failing),
    };
    return RUN_ROUNDS("view_stats", tests);
}
