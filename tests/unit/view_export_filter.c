/* tests/unit/view_export_filter.c: exports of what passes a filter: forms that are sums count it, the others refuse. */
#include "fixture.h"
#include "sample_snapshot.h"

#include <husk/report.h>
#include <stdlib.h>

struct kept {
    char *at; /* with a zero behind */
    size_t used;
};

static bool keep(const void *bytes, size_t length, void *data)
{
    struct kept *kept = data;
    kept->at = realloc(kept->at, kept->used + length + 1);
    assert_non_null(kept->at);
    memcpy(kept->at + kept->used, bytes, length);
    kept->used += length;
    kept->at[kept->used] = 0;
    return true;
}

/* The numbers at the ends of the lines. */
static uint64_t collapsed_sum(const char *text)
{
    uint64_t sum = 0;
    while (*text) {
        const char *end = strchr(text, '\n');
        assert_non_null(end);
        const char *number = end;
        while (number[-1] != ' ')
            number--;
        sum += strtoull(number, NULL, 10);
        text = end + 1;
    }
    return sum;
}

static husk_filter *filter_of(const char *text)
{
    husk_filter *filter;
    assert_int_equal(husk_filter_new(&filter), HUSK_OK);
    assert_int_equal(husk_filter_parse(filter, text), HUSK_OK);
    return filter;
}

static uint64_t filtered_sum(const struct husk_snapshot *snapshot, const char *text, uint32_t flags)
{
    husk_filter *filter = text ? filter_of(text) : NULL;
    struct kept kept = { NULL, 0 };
    husk_export_options options = { HUSK_EXPORT_OPTIONS, .flags = flags, .filter = filter };
    assert_int_equal(husk_export(snapshot, "collapsed", &options, keep, &kept), HUSK_OK);
    uint64_t sum = kept.at ? collapsed_sum(kept.at) : 0;
    free(kept.at);
    husk_filter_free(filter);
    return sum;
}

/* What passes and what does not are the whole; and the sums are those of statistics. */
static void test_filtered(void **state)
{
    static const char *const pairs[][2] = {
        { "type=node", "!type=node" },   { "tag=load", "!tag=load" }, { "file=*main.c", "!file=*main.c" },
        { "kind=block", "!kind=block" }, { "min=1000", "!min=1000" }, { "type=none", "!type=none" }
    };
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct husk_snapshot *snapshot =
            seed ? sample_snapshot_random(seed, 500, 1500, 40) : sample_snapshot();
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            for (uint32_t flags = 0; flags < 4; flags++) {
                uint64_t whole = filtered_sum(snapshot, NULL, flags);
                uint64_t in = filtered_sum(snapshot, pairs[i][0], flags);
                assert_int_equal(in + filtered_sum(snapshot, pairs[i][1], flags), whole);
                husk_filter *filter = filter_of(pairs[i][0]);
                husk_stats_options options = { HUSK_STATS_OPTIONS, .by = HUSK_BY_LINE,
                                               .flags = HUSK_STATS_UNTRACED, .filter = filter };
                husk_stats *stats;
                husk_stat total;
                assert_int_equal(husk_stats_new(snapshot, &options, &stats), HUSK_OK);
                husk_stats_total(stats, &total);
                assert_int_equal(in, flags & HUSK_EXPORT_COUNT ? total.count : total.size);
                husk_stats_free(stats);
                husk_filter_free(filter);
            }
        }
        husk_snapshot_free(snapshot);
    }
}

static void test_filter_refused(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    husk_filter *filter = filter_of("type=node");
    for (size_t i = 0; husk_export_format(i); i++) {
        const char *form = husk_export_format(i);
        struct kept kept = { NULL, 0 };
        husk_export_options options = { HUSK_EXPORT_OPTIONS, .filter = filter };
        husk_status status = husk_export(snapshot, form, &options, keep, &kept);
        bool sums = !strcmp(form, "csv") || !strcmp(form, "collapsed") || !strcmp(form, "pprof") ||
                    !strcmp(form, "speedscope");
        assert_int_equal(status, sums ? HUSK_OK : HUSK_EINVAL);
        assert_true(sums || (kept.used == 0 && strstr(husk_message(), "takes no filter")));
        for (uint64_t n = 1; sums; n++) {
            struct kept again = { NULL, 0 };
            uint64_t before = husk_memory_requests();
            husk_memory_fail(n, n % 2);
            status = husk_export(snapshot, form, &options, keep, &again);
            husk_memory_fail(0, false);
            assert_true(status == HUSK_ENOMEM || (status == HUSK_OK && again.used == kept.used));
            free(again.at);
            if (husk_memory_requests() - before < n)
                break;
        }
        free(kept.at);
        options.flags = HUSK_EXPORT_MADE;
        assert_int_equal(husk_export(snapshot, form, &options, keep, &kept), HUSK_EINVAL);
    }
    husk_filter_free(filter);
    filter = filter_of("since=no such mark");
    struct kept kept = { NULL, 0 };
    husk_export_options options = { HUSK_EXPORT_OPTIONS, .filter = filter };
    assert_int_equal(husk_export(snapshot, "collapsed", &options, keep, &kept), HUSK_EMISSING);
    assert_int_equal(kept.used, 0);
    husk_filter_free(filter);
    husk_snapshot_free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filtered),
        cmocka_unit_test(test_filter_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
