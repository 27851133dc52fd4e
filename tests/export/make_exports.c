/* tests/export/make_exports.c: writes hand-made snapshots in every form, for the readers of the tests beside it.
 *
 *   make_exports FOLDER                the ones below
 *   make_exports FOLDER SEED COUNT     random ones: random-<seed> and the following
 *
 * Files: <snapshot>.<suffix>; what options change has a word more: <snapshot>.types.<suffix>. Snapshots: sample (small, odd
 * names, all that is rare), older and newer (a pair), random (20,000 objects), empty (nothing at all), live (a heap of
 * this program). And reports:
 * pair.html (older, newer), series.html (30 of a growing program), small.html (random, in 100,000 bytes). */
#define _GNU_SOURCE
#include "sample_snapshot.h"

#include <husk.h>
#include <stdio.h>
#include <stdlib.h>

static void stop(const char *what)
{
    fprintf(stderr, "make_exports: %s: %s\n", what, husk_message());
    exit(1);
}

static void put(const char *folder, const struct husk_snapshot *snapshot, const char *name, const char *word,
                const char *form, const husk_export_options *options)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s%s.%s", folder, name, *word ? "." : "", word,
             husk_export_suffix(form));
    if (husk_export_file(snapshot, form, options, path) != HUSK_OK)
        stop(path);
}

static void put_all(const char *folder, struct husk_snapshot *snapshot, const char *name)
{
    if (!snapshot)
        stop(name);
    for (size_t i = 0; husk_export_format(i); i++)
        put(folder, snapshot, name, "", husk_export_format(i), NULL);
    husk_export_options options = { HUSK_EXPORT_OPTIONS, .flags = HUSK_EXPORT_TYPES };
    put(folder, snapshot, name, "types", "collapsed", &options);
    put(folder, snapshot, name, "types", "speedscope", &options);
    options.flags = HUSK_EXPORT_COUNT;
    put(folder, snapshot, name, "count", "collapsed", &options);
    options.flags = HUSK_EXPORT_MADE;
    put(folder, snapshot, name, "made", "collapsed", &options);
    options = (husk_export_options){ HUSK_EXPORT_OPTIONS, .top = 5, .title = "five \"of\" <all> & more" };
    put(folder, snapshot, name, "five", "dot", &options);
    put(folder, snapshot, name, "five", "openmetrics", &options);
    options = (husk_export_options){ HUSK_EXPORT_OPTIONS };
    for (int by = 0; husk_stats_by_name(by); by++) {
        options.by = husk_stats_by_name(by);
        put(folder, snapshot, name, options.by, "csv", &options);
    }
    husk_snapshot_free(snapshot);
}

/* A heap of this program: small objects side by side, a cycle, weak references, native frames with names. */
typedef struct twig {
    husk_obj *left, *right;
} twig;
static const husk_slot twig_slots[] = { HUSK_REF(twig, left), HUSK_REF(twig, right) };
static const husk_type_spec twig_spec = { HUSK_TYPE_SPEC, .name = "twig", .size = sizeof(twig),
                                          .slots = twig_slots, .slot_count = 2 };

static husk_obj *grow(husk_heap *heap, const husk_type *type, int depth)
{
    husk_obj *obj = husk_obj_new_here(heap, type);
    if (!obj)
        stop("live");
    twig *data = husk_obj_data(obj);
    data->left = depth ? grow(heap, type, depth - 1) : NULL; /* the references move */
    data->right = depth ? grow(heap, type, depth - 1) : obj;
    if (!depth)
        husk_obj_retain(obj);
    return obj;
}

static struct husk_snapshot *live(void)
{
    husk_trace_options tracing = { HUSK_TRACE_OPTIONS, .frames = 20 };
    const husk_type *type;
    husk_heap *heap = NULL;
    husk_snapshot *snapshot;
    if (husk_type_register(&twig_spec, &type) != HUSK_OK || husk_heap_new(NULL, &heap) != HUSK_OK ||
        husk_trace_start(heap, &tracing) != HUSK_OK)
        stop("live");
    husk_obj *tree = grow(heap, type, 9), *list = husk_list_new(heap);
    if (!list)
        stop("live");
    for (int i = 0; i < 500; i++) {
        husk_obj *text = husk_text_new(heap, "text", 4);
        if (!text || husk_list_append(list, husk_ref(text)) != HUSK_OK)
            stop("live");
        husk_obj_release(text);
    }
    husk_obj_release(grow(heap, type, 3)); /* garbage: the leaves refer to themselves */
    if (husk_snapshot_new(heap, NULL, &snapshot) != HUSK_OK)
        stop("live");
    husk_obj_release(tree);
    husk_obj_release(list);
    husk_heap_close(heap);
    return snapshot;
}

static void put_report(const char *folder, struct husk_snapshot *const *snapshots, size_t count,
                       const char *name, size_t max_bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.html", folder, name);
    husk_report_options options = { HUSK_REPORT_OPTIONS, .title = "A report: " ODD_FILE,
                                    .max_bytes = max_bytes };
    if (husk_report_file((const husk_snapshot *const *)snapshots, count, &options, path) != HUSK_OK)
        stop(path);
    for (size_t i = 0; i < count; i++)
        husk_snapshot_free(snapshots[i]);
}

static void put_reports(const char *folder)
{
    enum { SERIES = 30 };
    struct husk_snapshot *pair[2], *series[SERIES], *large = sample_snapshot_random(9, 200000, 300000, 50000);
    sample_snapshot_pair(&pair[0], &pair[1]);
    put_report(folder, pair, 2, "pair", 0);
    for (size_t i = 0; i < SERIES; i++)
        series[i] = sample_snapshot_random(11, 1000 + 100 * i, 2000, 200);
    put_report(folder, series, SERIES, "series", 0);
    put_report(folder, &large, 1, "small", 100000);
}

static void put_random(const char *folder, uint64_t seed, uint64_t count)
{
    for (uint64_t n = seed; n < seed + count; n++) {
        char name[40];
        snprintf(name, sizeof name, "random-%llu", (unsigned long long)n);
        size_t nodes = n % 5 == 0 ? n % 3 : n * 37 % 400, sites = n % 4 == 0 ? 0 : 1 + n * 11 % 90;
        put_all(folder, sample_snapshot_random(n, nodes, nodes * (n % 7) / 2, sites), name);
    }
}

int main(int count, char **arguments)
{
    if (count == 4) {
        put_random(arguments[1], strtoull(arguments[2], NULL, 10), strtoull(arguments[3], NULL, 10));
        return 0;
    }
    if (count != 2) {
        fputs("usage: make_exports FOLDER [SEED COUNT]\n", stderr);
        return 2;
    }
    struct husk_snapshot *older, *newer, *empty = husk__snap_new(0);
    sample_snapshot_pair(&older, &newer);
    if (empty)
        husk__snap_settle(empty);
    put_all(arguments[1], sample_snapshot(), "sample");
    put_all(arguments[1], older, "older");
    put_all(arguments[1], newer, "newer");
    put_all(arguments[1], empty, "empty");
    put_all(arguments[1], sample_snapshot_random(7, 20000, 50000, 300), "random");
    put_all(arguments[1], live(), "live");
    put_reports(arguments[1]);
    return 0;
}
