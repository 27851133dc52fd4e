/* tests/export/make_exports.c: writes hand-made snapshots in every form, for the readers of the tests beside it.
 *
 *   make_exports FOLDER
 *
 * Files: <snapshot>.<suffix>; what options change has a word more: <snapshot>.types.<suffix>. Snapshots: sample (small, odd
 * names, all that is rare), older and newer (a pair), random (20,000 objects), empty (nothing at all). */
#define _GNU_SOURCE
#include "sample_snapshot.h"

#include <husk/report.h>
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
    husk_snapshot_free(snapshot);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fputs("usage: make_exports FOLDER\n", stderr);
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
    return 0;
}
