/* view/keys.c: see keys.h. */
#include "view/keys.h"

#include <husk/stats.h>

#include <string.h>

/* ---- strings ---- */

static size_t strings_of(const struct husk_snapshot *snapshot)
{
    return SNAP_COUNT(snapshot, STRING_OFF) - 1;
}

struct name {
    uint32_t side, string;
};

bool husk__ranks_make(struct husk__pool *pool, const struct husk__sides *sides, husk__want_fn *want,
                      struct husk__ranks *out)
{
    size_t count = 0;
    for (unsigned s = 0; s < sides->count; s++) {
        size_t strings = strings_of(sides->at[s]);
        if (!(out->of[s] = POOL_NEW(pool, uint32_t, strings)))
            return false;
        want(sides->at[s], out->of[s]);
        for (size_t i = 0; i < strings; i++)
            count += out->of[s][i];
    }
    size_t before = pool->count;
    struct name *names = POOL_NEW(pool, struct name, count);
    struct husk__text *texts = names ? POOL_NEW(pool, struct husk__text, count) : NULL;
    uint32_t *order = texts ? POOL_NEW(pool, uint32_t, count) : NULL;
    if (!order)
        return false;
    size_t n = 0;
    for (unsigned s = 0; s < sides->count; s++)
        for (size_t i = 0; i < strings_of(sides->at[s]); i++)
            if (out->of[s][i]) {
                names[n] = (struct name){ s, (uint32_t)i };
                texts[n].at = husk__snap_text(sides->at[s], (uint32_t)i, &texts[n].length);
                order[n] = (uint32_t)n;
                n++;
            }
    if (!husk__sort_texts(pool, texts, order, count))
        return false;
    uint32_t rank = 0;
    for (n = 0; n < count; n++) {
        if (n && husk__text_order(&texts[order[n - 1]], &texts[order[n]]) != 0)
            rank++;
        out->of[names[order[n]].side][names[order[n]].string] = rank;
    }
    husk__pool_back(pool, before);
    return true;
}

void husk__want_types(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    for (size_t t = 0; t < SNAP_COUNT(snapshot, TYPES); t++)
        wanted[SNAP(snapshot, TYPES)[t].name] = 1;
}

void husk__want_tags(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    for (size_t c = 0; c < SNAP_COUNT(snapshot, CONTEXTS); c++)
        wanted[SNAP(snapshot, CONTEXTS)[c].tag] = 1;
}

void husk__want_domains(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    for (size_t c = 0; c < SNAP_COUNT(snapshot, CONTEXTS); c++)
        wanted[SNAP(snapshot, CONTEXTS)[c].domain] = 1;
}

void husk__want_marks(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    wanted[0] = 1;
    for (size_t e = 0; e < SNAP_COUNT(snapshot, EPOCHS); e++)
        wanted[SNAP(snapshot, EPOCHS)[e].mark] = 1;
}

static void want_files(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FRAMES); f++)
        wanted[husk__frame_file(snapshot, &SNAP(snapshot, FRAMES)[f])] = 1;
}

static void want_functions(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    want_files(snapshot, wanted);
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FRAMES); f++)
        wanted[SNAP(snapshot, FRAMES)[f].function] = 1;
}

static void want_threads(const struct husk_snapshot *snapshot, uint32_t *wanted)
{
    for (size_t t = 0; t < SNAP_COUNT(snapshot, THREADS); t++)
        wanted[SNAP(snapshot, THREADS)[t].name] = 1;
}

/* ---- frames ---- */

bool husk__frame_is_bare(const struct husk__frame *frame)
{
    return !frame->file && (frame->module || frame->address);
}

uint32_t husk__frame_file(const struct husk_snapshot *snapshot, const struct husk__frame *frame)
{
    return husk__frame_is_bare(frame) ? SNAP(snapshot, MODULES)[frame->module].path : frame->file;
}

uint64_t husk__frame_offset(const struct husk_snapshot *snapshot, const struct husk__frame *frame)
{
    const struct husk__module *module = &SNAP(snapshot, MODULES)[frame->module];
    return frame->module ? frame->address - module->start + module->offset : frame->address;
}

/* A line and an offset in a module are told apart by one bit; offsets beyond 4 GiB are not told apart. */
static uint64_t line_key(const struct husk_snapshot *snapshot, const struct husk__frame *frame, uint32_t file)
{
    uint64_t key = (uint64_t)file << 33;
    return husk__frame_is_bare(frame)
               ? key | (uint64_t)1 << 32 | (uint32_t)husk__frame_offset(snapshot, frame)
               : key | frame->line;
}

bool husk__frame_keys(struct husk__pool *pool, const struct husk__sides *sides, int by, uint64_t *out[2])
{
    struct husk__ranks ranks = { { NULL, NULL } };
    for (unsigned s = 0; s < sides->count; s++)
        if (!(out[s] = POOL_NEW(pool, uint64_t, SNAP_COUNT(sides->at[s], FRAMES))))
            return false;
    size_t before = pool->count;
    if (!husk__ranks_make(pool, sides, by == HUSK_BY_FUNCTION ? want_functions : want_files, &ranks))
        return false;
    for (unsigned s = 0; s < sides->count; s++) {
        const struct husk_snapshot *snapshot = sides->at[s];
        const struct husk__frame *frames = SNAP(snapshot, FRAMES);
        for (size_t f = 0; f < SNAP_COUNT(snapshot, FRAMES); f++) {
            uint32_t file = ranks.of[s][husk__frame_file(snapshot, &frames[f])];
            out[s][f] = by == HUSK_BY_FUNCTION ? (uint64_t)ranks.of[s][frames[f].function] << 32 | file
                        : by == HUSK_BY_FILE   ? file
                                               : line_key(snapshot, &frames[f], file);
        }
    }
    husk__pool_back(pool, before);
    return true;
}

/* ---- tracebacks ---- */

/* Tracebacks of all sides in one tree, each node once: `parent` and `key` say who it is. Number 0 is the root.
 * Parents have lower numbers. */
struct tree {
    uint32_t *parent;
    uint64_t *key;
    uint32_t count;
    uint32_t *table; /* open addressing; 0: free */
    size_t room;
};

static uint32_t node_of(struct tree *tree, uint32_t parent, uint64_t key)
{
    uint64_t hash = (key ^ (uint64_t)parent << 17) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ hash >> 29 ^ parent) * 0xBF58476D1CE4E5B9u;
    size_t at = (size_t)(hash >> 20) & (tree->room - 1);
    for (uint32_t node; (node = tree->table[at]); at = (at + 1) & (tree->room - 1))
        if (tree->parent[node] == parent && tree->key[node] == key)
            return node;
    uint32_t node = tree->table[at] = tree->count++;
    tree->parent[node] = parent;
    tree->key[node] = key;
    return node;
}

/* In preorder, children by their keys, a node stands where its traceback does among all: a beginning of another
 * one comes first, and the oldest frame decides first. */
static bool number_in_preorder(struct husk__pool *pool, const struct tree *tree, uint32_t *order)
{
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, tree->count);
    uint32_t *size = pairs ? POOL_NEW(pool, uint32_t, tree->count) : NULL;
    if (!size)
        return false;
    for (uint32_t n = 1; n < tree->count; n++)
        pairs[n] = (struct husk__pair){ tree->key[n], n };
    if (!husk__sort_pairs(pool, pairs + 1, tree->count - 1))
        return false;
    for (uint32_t i = 1; i < tree->count; i++)
        pairs[i].key = tree->parent[pairs[i].item];
    if (!husk__sort_pairs(pool, pairs + 1, tree->count - 1))
        return false;
    for (uint32_t n = tree->count; n-- > 0;) {
        size[n]++;
        if (n)
            size[tree->parent[n]] += size[n];
    }
    uint32_t next = 0;
    for (uint32_t i = 1; i < tree->count; i++) {
        uint32_t parent = (uint32_t)pairs[i].key, node = pairs[i].item;
        if (i == 1 || parent != pairs[i - 1].key)
            next = order[parent] + 1;
        order[node] = next;
        next += size[node];
    }
    return true;
}

bool husk__stack_ranks(struct husk__pool *pool, const struct husk__sides *sides, uint64_t *const keys[2],
                       uint32_t *out[2])
{
    size_t most = 1;
    for (unsigned s = 0; s < sides->count; s++) {
        if (!(out[s] = POOL_NEW(pool, uint32_t, SNAP_COUNT(sides->at[s], STACKS))))
            return false;
        most += SNAP_COUNT(sides->at[s], STACKS);
    }
    if (most > UINT32_MAX / 2)
        return false;
    size_t before = pool->count;
    struct tree tree = { .count = 1, .room = 16 };
    while (tree.room < most * 2)
        tree.room *= 2;
    tree.parent = POOL_NEW(pool, uint32_t, most);
    tree.key = tree.parent ? POOL_NEW(pool, uint64_t, most) : NULL;
    tree.table = tree.key ? POOL_NEW(pool, uint32_t, tree.room) : NULL;
    uint32_t *order = tree.table ? POOL_NEW(pool, uint32_t, most) : NULL;
    if (!order)
        return false;
    for (unsigned s = 0; s < sides->count; s++) {
        const struct husk__stack *stacks = SNAP(sides->at[s], STACKS);
        for (size_t n = 1; n < SNAP_COUNT(sides->at[s], STACKS); n++)
            out[s][n] =
                node_of(&tree, stacks[n].parent ? out[s][stacks[n].parent] : 0, keys[s][stacks[n].frame]);
        out[s][0] = node_of(&tree, 0, keys[s][0]);
    }
    if (!number_in_preorder(pool, &tree, order))
        return false;
    for (unsigned s = 0; s < sides->count; s++)
        for (size_t n = 0; n < SNAP_COUNT(sides->at[s], STACKS); n++)
            out[s][n] = order[out[s][n]];
    husk__pool_back(pool, before);
    return true;
}

/* ---- threads ---- */

bool husk__thread_ranks(struct husk__pool *pool, const struct husk__sides *sides, uint32_t *out[2])
{
    struct husk__ranks names = { { NULL, NULL } };
    size_t count = 0;
    for (unsigned s = 0; s < sides->count; s++) {
        if (!(out[s] = POOL_NEW(pool, uint32_t, SNAP_COUNT(sides->at[s], THREADS))))
            return false;
        count += SNAP_COUNT(sides->at[s], THREADS);
    }
    size_t before = pool->count;
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, count);
    if (!pairs || !husk__ranks_make(pool, sides, want_threads, &names))
        return false;
    size_t first = SNAP_COUNT(sides->at[0], THREADS); /* items from here on are of the other side */
#define THREAD(item) (&SNAP(sides->at[(item) >= first], THREADS)[(item) >= first ? (item)-first : (item)])
#define NAME(item) names.of[(item) >= first][THREAD(item)->name]
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct husk__pair){ THREAD(i)->id, (uint32_t)i };
    bool ok = husk__sort_pairs(pool, pairs, count);
    for (size_t i = 0; i < count; i++)
        pairs[i].key = NAME(pairs[i].item);
    ok = ok && husk__sort_pairs(pool, pairs, count);
    uint32_t rank = 0;
    for (size_t i = 0; ok && i < count; i++) {
        size_t item = pairs[i].item;
        if (i && (pairs[i - 1].key != pairs[i].key || THREAD(pairs[i - 1].item)->id != THREAD(item)->id))
            rank++;
        out[item >= first][item >= first ? item - first : item] = rank;
    }
#undef NAME
#undef THREAD
    husk__pool_back(pool, before);
    return ok;
}
