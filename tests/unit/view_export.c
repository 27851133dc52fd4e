/* tests/unit/view_export.c: exports through their doors: forms by name, sums, writers that refuse, memory that ends, and
 * snapshots too large to be kept. What the forms mean to their readers is tested in tests/export. */
#define _GNU_SOURCE
#include "fixture.h"
#include "random.h"
#include "sample_snapshot.h"

#include "base/memory.h"
#include "trace/sample.h"
#include "view/reach.h"

#include <husk/report.h>
#include <stdio.h>
#include <unistd.h>

/* Keeps what is written, up to a limit at which it refuses. */
struct kept {
    char *at;
    size_t used, room, limit;
    size_t refused; /* bytes of the piece that was too much */
    unsigned refusals;
};

static bool keep(const void *bytes, size_t length, void *data)
{
    struct kept *kept = data;
    assert_int_equal(kept->refusals, 0); /* who refused is not asked again */
    if (length > kept->limit - kept->used) {
        kept->refusals++;
        kept->refused = length;
        return false;
    }
    if (kept->used + length > kept->room) {
        kept->room = (kept->used + length) * 2;
        kept->at = realloc(kept->at, kept->room);
        assert_non_null(kept->at);
    }
    memcpy(kept->at + kept->used, bytes, length);
    kept->used += length;
    return true;
}

static struct kept export_of(const struct husk_snapshot *snapshot, const char *form, uint32_t flags)
{
    struct kept kept = { .limit = SIZE_MAX };
    husk_export_options options = { HUSK_EXPORT_OPTIONS, .flags = flags };
    assert_int_equal(husk_export(snapshot, form, &options, keep, &kept), HUSK_OK);
    kept.at = realloc(kept.at, kept.used + 1);
    kept.at[kept.used] = 0;
    return kept;
}

static bool is_text(const char *form)
{
    return strcmp(form, "pprof") != 0;
}

static void test_forms(void **state)
{
    (void)state;
    size_t forms = 0;
    for (; husk_export_format(forms); forms++) {
        const char *form = husk_export_format(forms);
        assert_non_null(husk_export_about(form));
        char path[100];
        snprintf(path, sizeof path, "/tmp/x.y.%s", husk_export_suffix(form));
        assert_string_equal(husk_export_guess(path), form);
    }
    assert_int_equal(forms, 10);
    assert_null(husk_export_format(SIZE_MAX));
    assert_null(husk_export_suffix("none"));
    assert_null(husk_export_about(""));
    assert_null(husk_export_guess("x.none"));
    assert_null(husk_export_guess("json"));
    assert_null(husk_export_guess(".json"));
    assert_string_equal(husk_export_guess("a.json"), "json");
    assert_string_equal(husk_export_guess("a.speedscope.json"), "speedscope");
}

static void test_refusals(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    struct kept kept = { .limit = SIZE_MAX };
    assert_int_equal(husk_export(snapshot, "none", NULL, keep, &kept), HUSK_EMISSING);
    assert_non_null(strstr(husk_message(), "\"none\""));
    husk_export_options options = { 0 };
    assert_int_equal(husk_export(snapshot, "json", &options, keep, &kept), HUSK_EINVAL);
    options = (husk_export_options){ HUSK_EXPORT_OPTIONS, .flags = 1u << 30 };
    assert_int_equal(husk_export(snapshot, "json", &options, keep, &kept), HUSK_EINVAL);
    assert_non_null(strstr(husk_message(), "0x40000000"));
    assert_int_equal(husk_export_file(snapshot, "none", NULL, "/tmp/x"), HUSK_EMISSING);
    assert_int_equal(husk_export_file(snapshot, "json", NULL, "/none/x"), HUSK_EIO);
    assert_non_null(strstr(husk_message(), "/none/x"));
    assert_int_equal(husk_export_file(snapshot, "json", NULL, "/dev/full"), HUSK_EIO);
    assert_non_null(strstr(husk_message(), "/dev/full"));
    assert_int_equal(kept.used, 0);
    husk_snapshot_free(snapshot);
}

static void test_file(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    char path[] = "/tmp/husk-export-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; husk_export_format(i); i++) {
        struct kept kept = export_of(snapshot, husk_export_format(i), 0);
        assert_int_equal(husk_export_file(snapshot, husk_export_format(i), NULL, path), HUSK_OK);
        FILE *file = fopen(path, "rb");
        char *read = malloc(kept.used + 10);
        assert_int_equal(fread(read, 1, kept.used + 10, file), kept.used);
        assert_memory_equal(read, kept.at, kept.used);
        fclose(file);
        free(read);
        free(kept.at);
    }
    unlink(path);
    husk_snapshot_free(snapshot);
}

/* Each form, each of the pieces it is written in refused once: one refusal, one status. Where in a piece the limit
 * lies, a writer cannot show. */
static void test_writer_fails(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    for (size_t i = 0; husk_export_format(i); i++) {
        const char *form = husk_export_format(i);
        struct kept whole = export_of(snapshot, form, 0);
        for (size_t limit = 0; limit < whole.used;) {
            struct kept kept = { .limit = limit };
            assert_int_equal(husk_export(snapshot, form, NULL, keep, &kept), HUSK_EIO);
            assert_int_equal(kept.refusals, 1);
            assert_int_equal(kept.used, limit); /* the pieces are the same each time */
            assert_non_null(strstr(husk_message(), "the writer refused"));
            if (kept.used) /* none where the first piece was too much */
                assert_memory_equal(kept.at, whole.at, kept.used);
            limit += kept.refused;
            free(kept.at);
        }
        struct kept kept = { .limit = whole.used };
        assert_int_equal(husk_export(snapshot, form, NULL, keep, &kept), HUSK_OK);
        free(kept.at);
        free(whole.at);
    }
    husk_snapshot_free(snapshot);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    size_t held = husk_memory_held();
    for (size_t i = 0; husk_export_format(i); i++) {
        const char *form = husk_export_format(i);
        struct kept whole = export_of(snapshot, form, 0);
        for (uint64_t n = 1;; n++) {
            struct kept kept = { .limit = SIZE_MAX };
            uint64_t before = husk_memory_requests();
            husk_memory_fail(n, n % 2);
            husk_status status = husk_export(snapshot, form, NULL, keep, &kept);
            husk_memory_fail(0, false);
            assert_int_equal(husk_memory_held(), held);
            bool reached = husk_memory_requests() - before >= n;
            if (status == HUSK_OK)
                assert_true(kept.used == whole.used && memcmp(kept.at, whole.at, whole.used) == 0);
            else
                assert_int_equal(status, HUSK_ENOMEM);
            assert_true(!reached || status == HUSK_ENOMEM);
            free(kept.at);
            if (!reached)
                break;
        }
        free(whole.at);
    }
    husk_snapshot_free(snapshot);
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

static void test_sums(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct husk_snapshot *snapshot =
            seed ? sample_snapshot_random(seed, 500, 1500, seed % 3 ? 40 : 0) : sample_snapshot();
        husk_snapshot_counts counts;
        husk_snapshot_counts_get(snapshot, &counts);
        for (uint32_t flags = 0; flags < 4; flags++) {
            struct kept kept = export_of(snapshot, "collapsed", flags);
            uint64_t things = counts.objects + counts.buffers + counts.blocks;
            uint64_t bytes = counts.object_bytes + counts.buffer_bytes + counts.block_bytes;
            assert_int_equal(collapsed_sum(kept.at), flags & HUSK_EXPORT_COUNT ? things : bytes);
            free(kept.at);
        }
        uint64_t born = 0;
        for (size_t r = 0; r < SNAP_COUNT(snapshot, RECORDS); r++)
            born += SNAP(snapshot, RECORDS)[r].born_bytes;
        struct kept kept = export_of(snapshot, "collapsed", HUSK_EXPORT_MADE);
        assert_int_equal(collapsed_sum(kept.at), born);
        free(kept.at);
        husk_snapshot_free(snapshot);
    }
}

/* What was sampled counts as what it stands for; what was not is in that. */
static void test_sampled(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    for (size_t i = 0; i < SNAP_COUNT(snapshot, NUMBERS); i++) {
        struct husk__number *number = (struct husk__number *)(void *)snapshot->own[SECTION_NUMBERS].at + i;
        if (strcmp(husk__snap_text(snapshot, number->name, NULL), "sample_bytes") == 0)
            number->value = 512;
    }
    double objects = 0, blocks = 0;
    for (size_t n = 0; n < SNAP_COUNT(snapshot, NODES); n++)
        if (husk__node_site(snapshot, n)) {
            uint64_t size = husk__node_size(snapshot, n);
            objects += husk__sample_weight(512, size) * (double)size;
        }
    for (size_t b = 0; b < SNAP_COUNT(snapshot, BLOCKS); b++) {
        const struct husk__block *block = &SNAP(snapshot, BLOCKS)[b];
        bool buffer = block->kind == BLOCK_BUFFER; /* of the heap, and sampled with it */
        if (block->site || !buffer)
            blocks +=
                buffer ? husk__sample_weight(512, block->size) * (double)block->size : (double)block->size;
    }
    struct kept kept = export_of(snapshot, "collapsed", HUSK_EXPORT_TYPES);
    double sum = (double)collapsed_sum(kept.at), wanted = objects + blocks;
    assert_true(sum > wanted - 20 && sum < wanted + 20); /* a row is off by a half at most */
    assert_true(objects > 5.0 * (double)SAMPLE_GIB + SAMPLE_NODE_BYTES_LESS); /* small ones stand for many */
    free(kept.at);
    husk_snapshot_free(snapshot);
}

/* With the oddest names text stays text: in lines, and nothing in JSON ends a script. */
static void test_names(void **state)
{
    (void)state;
    struct husk_snapshot *snapshot = sample_snapshot();
    for (size_t i = 0; husk_export_format(i); i++) {
        const char *form = husk_export_format(i);
        struct kept kept = export_of(snapshot, form, HUSK_EXPORT_TYPES);
        for (size_t at = 0; is_text(form) && at < kept.used; at++) {
            unsigned char c = (unsigned char)kept.at[at];
            bool ours = c >= 0x80 && strcmp(form, "html") == 0; /* the page itself has other letters */
            if ((c >= 0x80 && !ours) || (c < 32 && c != '\n' && c != '\r'))
                fail_msg("%s: byte %zu is 0x%02x", form, at, c);
        }
        if (strstr("json speedscope heapsnapshot", form))
            assert_null(strstr(kept.at, "</"));
        free(kept.at);
    }
    husk_snapshot_free(snapshot);
}

/* ---- what keeps what alive, against the slow way ---- */

static bool slow_reaches(const struct husk__reach *reach, size_t from, size_t to, bool *seen)
{
    uint32_t stack[2000];
    size_t top = 0;
    memset(seen, 0, reach->nodes);
    stack[top++] = (uint32_t)from;
    while (top) {
        size_t n = stack[--top];
        for (uint64_t e = reach->first[n]; e < reach->first[n + 1]; e++) {
            if (reach->to[e] == to)
                return true;
            if (!seen[reach->to[e]]) {
                seen[reach->to[e]] = true;
                stack[top++] = reach->to[e];
            }
        }
    }
    return false;
}

static void test_reach(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 60; seed++) {
        size_t nodes = 1 + seed % 50;
        struct husk_snapshot *snapshot = sample_snapshot_random(seed, nodes, nodes * (seed % 4) / 2 + 1, 0);
        struct husk__pool pool = { .count = 0 };
        struct husk__reach reach;
        assert_true(husk__reach_make(snapshot, &pool, &reach));
        bool seen[100], held[100] = { false }, covered[100] = { false };
        bool whole[100][100];
        for (size_t a = 0; a < nodes; a++)
            for (size_t b = 0; b < nodes; b++)
                whole[a][b] = slow_reaches(&reach, a, b, seen);
        for (size_t a = 0; a < nodes; a++) {
            bool outside =
                husk__node_hidden(snapshot, a) > 0 || SNAP(snapshot, NODES)[a].flags & NODE_IMMORTAL;
            for (size_t b = 0; b < nodes; b++) {
                held[b] = held[b] || (outside && (a == b || whole[a][b]));
                covered[b] = covered[b] || ((reach.flags[a] & REACH_FIRST) && (a == b || whole[a][b]));
                bool together = a == b || (whole[a][b] && whole[b][a]);
                assert_int_equal(reach.component[a] == reach.component[b], together);
            }
            assert_int_equal((reach.flags[a] & REACH_LOOP) != 0, whole[a][a]);
        }
        for (size_t a = 0; a < nodes; a++) {
            assert_int_equal((reach.flags[a] & REACH_HELD) != 0, held[a]);
            assert_true(held[a] || covered[a]);
            /* A beginning is needed: no other one reaches it. */
            for (size_t b = 0; b < nodes; b++)
                if (a != b && reach.flags[a] & reach.flags[b] & REACH_FIRST)
                    assert_false(whole[a][b]);
            assert_false(held[a] && reach.flags[a] & REACH_FIRST);
        }
        husk__pool_free(&pool);
        husk_snapshot_free(snapshot);
    }
}

/* ---- reports ---- */

static struct kept report_of(struct husk_snapshot *const *snapshots, size_t count, size_t max_bytes)
{
    struct kept kept = { .limit = SIZE_MAX };
    husk_report_options options = { HUSK_REPORT_OPTIONS, .max_bytes = max_bytes };
    assert_int_equal(husk_report((const husk_snapshot *const *)snapshots, count, &options, keep, &kept),
                     HUSK_OK);
    kept.at = realloc(kept.at, kept.used + 1);
    kept.at[kept.used] = 0;
    return kept;
}

static void test_report_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100000, 150000, 400000, 2000000 };
    struct husk_snapshot *snapshots[40];
    for (size_t i = 0; i < 40; i++)
        snapshots[i] = sample_snapshot_random(20 + i % 7, 300 + 100 * i, 1000, 50 * i);
    for (size_t count = 1; count <= 40; count += 13) {
        size_t before = 0;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct kept kept = report_of(snapshots, count, sizes[s]);
            if (kept.used > sizes[s])
                fail_msg("%zu snapshots: %zu bytes of %zu", count, kept.used, sizes[s]);
            assert_true(kept.used >= before); /* more room shows no less */
            before = kept.used;
            free(kept.at);
        }
    }
    for (size_t i = 0; i < 40; i++)
        husk_snapshot_free(snapshots[i]);
}

static void test_report_refusals(void **state)
{
    (void)state;
    static const husk_snapshot *many[1001];
    struct husk_snapshot *snapshot = sample_snapshot();
    for (size_t i = 0; i < 1001; i++)
        many[i] = snapshot;
    struct kept kept = { .limit = SIZE_MAX };
    assert_int_equal(husk_report(many, 0, NULL, keep, &kept), HUSK_ERANGE);
    assert_int_equal(husk_report(many, 1001, NULL, keep, &kept), HUSK_ERANGE);
    assert_non_null(strstr(husk_message(), "1001"));
    husk_report_options options = { HUSK_REPORT_OPTIONS, .max_bytes = 99999 };
    assert_int_equal(husk_report(many, 1, &options, keep, &kept), HUSK_ERANGE);
    assert_int_equal(husk_report_file(many, 1, &options, "/tmp/x"), HUSK_ERANGE);
    options.max_bytes = 100000; /* the names alone are more */
    assert_int_equal(husk_report(many, 1000, &options, keep, &kept), HUSK_OK);
    free(kept.at);
    kept = (struct kept){ .limit = SIZE_MAX };
    static char name[300];
    static const char *names[1000];
    memset(name, '\xff', sizeof name - 1);
    for (size_t i = 0; i < 1000; i++)
        names[i] = name;
    options.names = names;
    assert_int_equal(husk_report(many, 1000, &options, keep, &kept), HUSK_ERANGE);
    assert_non_null(strstr(husk_message(), "100000"));
    options.abi = 2;
    assert_int_equal(husk_report(many, 1, &options, keep, &kept), HUSK_EINVAL);
    assert_int_equal(husk_report_file(many, 1, NULL, "/none/x"), HUSK_EIO);
    assert_int_equal(kept.used, 0);
    husk_snapshot_free(snapshot);
}

static void test_report_fails(void **state)
{
    (void)state;
    struct husk_snapshot *pair[2];
    sample_snapshot_pair(&pair[0], &pair[1]);
    const husk_snapshot *const snapshots[] = { pair[0], pair[1] };
    struct kept whole = report_of(pair, 2, 0);
    for (size_t limit = 0; limit < whole.used; limit += 499) {
        struct kept kept = { .limit = limit };
        assert_int_equal(husk_report(snapshots, 2, NULL, keep, &kept), HUSK_EIO);
        free(kept.at);
    }
    size_t held = husk_memory_held();
    for (uint64_t n = 1;; n++) {
        struct kept kept = { .limit = SIZE_MAX };
        uint64_t before = husk_memory_requests();
        husk_memory_fail(n, n % 2);
        husk_status status = husk_report(snapshots, 2, NULL, keep, &kept);
        husk_memory_fail(0, false);
        assert_int_equal(husk_memory_held(), held);
        bool reached = husk_memory_requests() - before >= n;
        assert_int_equal(status, reached ? HUSK_ENOMEM : HUSK_OK);
        free(kept.at);
        if (!reached)
            break;
    }
    free(whole.at);
    husk_snapshot_free(pair[0]);
    husk_snapshot_free(pair[1]);
}

/* ---- large ---- */

static bool count_bytes(const void *bytes, size_t length, void *data)
{
    (void)bytes;
    assert_true(length <= 8192);
    *(uint64_t *)data += length;
    return true;
}

struct peak {
    size_t held, most;
};
static struct peak peak;

static void *counting_raw(void *old, size_t bytes)
{
    size_t held = husk_memory_held();
    if (held > peak.most)
        peak.most = held;
    return husk__system_gates.raw(old, bytes);
}

static bool counting_commit(void *at, size_t bytes)
{
    size_t held = husk_memory_held();
    if (held + bytes > peak.most)
        peak.most = held + bytes;
    return husk__system_gates.commit(at, bytes);
}

/* Many places, each with one object: exports pass pieces on and keep tables, not text. */
static void test_large(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    const size_t sites = 50000;
#else
    const size_t sites = getenv("HUSK_TEST_SMALL") ? 20000 : 200000;
#endif
    struct husk_snapshot *snapshot = sample_snapshot_random(3, sites, sites, sites);
    assert_non_null(snapshot);
    struct husk__gates gates = husk__system_gates;
    gates.raw = counting_raw;
    gates.commit = counting_commit;
    husk__memory_set_gates(&gates);
    size_t held = husk_memory_held();
    for (size_t i = 0; husk_export_format(i); i++) {
        uint64_t bytes = 0;
        peak = (struct peak){ held, held };
        assert_int_equal(husk_export(snapshot, husk_export_format(i), NULL, count_bytes, &bytes), HUSK_OK);
        assert_int_equal(husk_memory_held(), held);
        print_message("%-13s %10llu bytes written, %9zu kept at most\n", husk_export_format(i),
                      (unsigned long long)bytes, peak.most - held);
        /* A page puts the names of several snapshots together, and groups them by all there is to group by. */
        bool page = strcmp(husk_export_format(i), "html") == 0;
        assert_true(peak.most - held < (page ? 500 : 220) * sites + (page ? 16000000 : 4000000));
    }
    husk__memory_set_gates(NULL);
    husk_snapshot_free(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_writer_fails),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_sampled),
        cmocka_unit_test(test_report_sizes),
        cmocka_unit_test(test_report_refusals),
        cmocka_unit_test(test_report_fails),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
