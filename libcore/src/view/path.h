/* view/path.h: struct husk_path: what view/path.c finds and view/pathtext.c tells. */
#ifndef HUSK_VIEW_PATH_H
#define HUSK_VIEW_PATH_H

#include "view/reach.h"
#include "view/sort.h"

#include <husk/path.h>

enum {
    PATH_MOST = 64, /* paths */
    PATH_ENDS = 12, /* steps that a text shows at either end of a long path */
    PATH_KEY = 48   /* bytes of an item's name */
};

struct husk__path_found {
    uint32_t *nodes; /* steps + 1: from the root to the object */
    size_t steps;
    char keys[2 * PATH_ENDS][PATH_KEY]; /* of the steps that husk__path_shown names */
};

struct husk_path {
    const struct husk_snapshot *snapshot;
    struct husk_snapshot *own; /* the same, or NULL */
    size_t target, known, first_index;
    size_t count;
    bool garbage; /* found[0] is no path from a root: a cycle, or who refers to it first; readers see none */
    struct husk__path_found found[PATH_MOST];
};

struct husk__path_search {
    const struct husk_snapshot *snapshot;
    struct husk__pool pool;
    size_t nodes, target, known, limit;
    uint32_t *parent, *queue;
    size_t head, tail;           /* of the queue: each object stands in it once */
    struct husk__entry *entries; /* of weak-key maps, by key */
    size_t entry_count;
    struct husk__path_found *found;
    size_t count;
    bool garbage;
};

/* References from outside; known ones of the target are taken off. */
int64_t husk__path_held(const struct husk_snapshot *snapshot, size_t n, size_t target, size_t known);
/* The first entry with this key, or where it would be. */
size_t husk__path_entry(const struct husk__path_search *search, uint32_t key);
/* Which step a text shows in place k, of 2 * PATH_ENDS; SIZE_MAX: none. */
size_t husk__path_shown(size_t steps, size_t k);
/* As husk_path_step_get, of garbage too. */
bool husk__path_step(const struct husk_path *path, size_t index, size_t step, husk_path_step *out);

#endif
