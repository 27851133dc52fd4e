/* tests/fuzz/make_corpus.c: writes the files that fuzzing starts from, and other tests read, into a folder. */
#include "sample_snapshot.h"

#include <stdio.h>
#include <string.h>

static int failed;

static void keep(const char *folder, const char *name, struct husk_snapshot *snapshot)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.husk", folder, name);
    if (!snapshot || husk_snapshot_save(snapshot, path) != HUSK_OK) {
        fprintf(stderr, "%s: %s\n", path, husk_message());
        failed = 1;
    }
    husk_snapshot_free(snapshot);
}

int main(int count, char **words)
{
    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", words[0]);
        return 2;
    }
    struct husk_snapshot *empty = husk__snap_new(0), *older, *newer;
    if (empty)
        husk__snap_settle(empty);
    keep(words[1], "empty", empty);
    keep(words[1], "sample", sample_snapshot());
    sample_snapshot_pair(&older, &newer);
    keep(words[1], "older", older);
    keep(words[1], "newer", newer);
    keep(words[1], "untraced", sample_snapshot_random(1, 40, 90, 0));
    keep(words[1], "traced", sample_snapshot_random(2, 70, 160, 8));
    keep(words[1], "places", sample_snapshot_random(3, 5, 0, 60));
    return failed;
}
