/* view/path.c: why an object is alive: breadth first from the roots, over a snapshot.
 *
 * One array of parents and one queue, 8 bytes an object; no recursion. The object itself is never gone through, so
 * what arrives at it arrives without it. As text: pathtext.c. Of a live object, with keys of maps:
 * why.c. */
#include "view/path.h"

#include <string.h>

enum { NOT_SEEN = UINT32_MAX, IS_ROOT = UINT32_MAX - 1 };

/* ---- entries of weak-key maps ---- */

/* Counts those of the snapshot or, with room for them, notes them: in the order of what the weak edges stand in. */
static size_t each_entry(const struct husk_snapshot *snapshot, struct husk__entry *entries)
{
    struct husk__edge_walk walk = husk__edges_of(snapshot, 0);
    size_t count = 0;
    for (size_t n = 0; n < SNAP_COUNT(snapshot, NODES); n++) {
        struct husk__entry_walk at = husk__entry_walk_begin();
        while (husk__edge_next(&walk))
            if (husk__entry_walk_next(&at, &walk) == KEEPS_ENTRY) {
                if (entries)
                    entries[count] = (struct husk__entry){ at.key, walk.to };
                count++;
            }
        husk__edges_next_node(&walk);
    }
    return count;
}

static bool gather_entries(struct husk__path_search *search)
{
    const struct husk_snapshot *snapshot = search->snapshot;
    bool any = false;
    for (size_t f = 0; f < SNAP_COUNT(snapshot, FIELDS); f++)
        any = any || SNAP(snapshot, FIELDS)[f].kind == EDGE_EPHEMERON;
    size_t count = any ? each_entry(snapshot, NULL) : 0;
    if (!count)
        return true;
    struct husk__entry *found = POOL_NEW(&search->pool, struct husk__entry, count);
    struct husk__pair *pairs = found ? POOL_NEW(&search->pool, struct husk__pair, count) : NULL;
    search->entries = pairs ? POOL_NEW(&search->pool, struct husk__entry, count) : NULL;
    if (!search->entries || count > UINT32_MAX)
        return false;
    each_entry(snapshot, found);
    for (size_t i = 0; i < count; i++)
        pairs[i] = (struct husk__pair){ found[i].key, (uint32_t)i };
    if (!husk__sort_pairs(&search->pool, pairs, count))
        return false;
    for (size_t i = 0; i < count; i++)
        search->entries[i] = found[pairs[i].item];
    search->entry_count = count;
    return true;
}

/* ---- the search ---- */

static bool is_root(const struct husk__path_search *search, size_t n, bool frozen)
{
    unsigned flags = SNAP(search->snapshot, NODES)[n].flags;
    return frozen ? flags & NODE_FROZEN
                  : flags & NODE_IMMORTAL ||
                        husk__path_held(search->snapshot, n, search->target, search->known) > 0;
}

static bool add_path(struct husk__path_search *search, size_t holder)
{
    size_t steps = 0;
    if (holder != NOT_SEEN) {
        steps = 1;
        for (uint32_t n = search->parent[holder]; n != IS_ROOT; n = search->parent[n])
            steps++;
    }
    struct husk__path_found *found = &search->found[search->count];
    uint32_t *nodes = husk__raw_new((steps + 1) * sizeof *nodes);
    if (!nodes)
        return false;
    *found = (struct husk__path_found){ .nodes = nodes, .steps = steps };
    nodes[steps] = (uint32_t)search->target;
    for (size_t s = steps, n = holder; s-- > 0; n = search->parent[n])
        nodes[s] = (uint32_t)n;
    search->count++;
    return true;
}

/* A reference from `from`, whose turn it is. */
static bool follow(struct husk__path_search *search, uint32_t from, uint32_t to)
{
    if (to == search->target)
        return search->count == search->limit || add_path(search, from);
    if (search->parent[to] == NOT_SEEN) {
        search->parent[to] = from;
        search->queue[search->tail++] = to;
    }
    return true;
}

static bool expand(struct husk__path_search *search, uint32_t n)
{
    struct husk__edge_walk walk = husk__edges_of(search->snapshot, n);
    struct husk__entry_walk at = husk__entry_walk_begin();
    while (husk__edge_next(&walk))
        if (husk__entry_walk_next(&at, &walk) == KEEPS_HERE && !follow(search, n, walk.to))
            return false;
    for (size_t e = husk__path_entry(search, n); e < search->entry_count && search->entries[e].key == n; e++)
        if (!follow(search, n, search->entries[e].value))
            return false;
    return true;
}

/* All of the roots of a kind at once. */
static bool search_from(struct husk__path_search *search, bool frozen)
{
    for (size_t n = 0; n < search->nodes; n++) {
        if (search->parent[n] != NOT_SEEN || !is_root(search, n, frozen))
            continue;
        search->parent[n] = IS_ROOT;
        if (n == search->target) {
            if (search->count < search->limit && !add_path(search, NOT_SEEN))
                return false;
        } else {
            search->queue[search->tail++] = (uint32_t)n;
        }
    }
    while (search->head < search->tail && search->count < search->limit)
        if (!expand(search, search->queue[search->head++]))
            return false;
    return true;
}

size_t husk__path_entry(const struct husk__path_search *search, uint32_t key)
{
    size_t low = 0, high = search->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (search->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Garbage: the shortest cycle through the object, or else who refers to it first. Both are paths that begin nowhere:
 * husk_path_text tells them apart. */
static bool search_garbage(struct husk__path_search *search)
{
    memset(search->parent, 0xFF, search->nodes * sizeof *search->parent);
    search->head = search->tail = 0;
    search->parent[search->target] = IS_ROOT;
    bool ok = expand(search, (uint32_t)search->target);
    while (ok && search->head < search->tail && !search->count)
        ok = expand(search, search->queue[search->head++]);
    for (uint32_t n = 0; ok && !search->count && n < search->nodes; n++) {
        struct husk__edge_walk walk = husk__edges_of(search->snapshot, n);
        struct husk__entry_walk at = husk__entry_walk_begin();
        while (ok && !search->count && husk__edge_next(&walk)) {
            enum husk__keeping keeping = husk__entry_walk_next(&at, &walk);
            uint32_t holder = keeping == KEEPS_ENTRY ? at.key : n;
            if (keeping == KEEPS_NOT || walk.to != search->target)
                continue;
            search->parent[holder] = IS_ROOT;
            ok = add_path(search, holder);
        }
    }
    search->garbage = true;
    return ok;
}

static bool search_all(struct husk__path_search *search)
{
    search->parent = POOL_NEW(&search->pool, uint32_t, search->nodes);
    search->queue = search->parent ? POOL_NEW(&search->pool, uint32_t, search->nodes) : NULL;
    if (!search->queue || !gather_entries(search))
        return false;
    memset(search->parent, 0xFF, search->nodes * sizeof *search->parent);
    if (!search_from(search, false) || (!search->count && !search_from(search, true)))
        return false;
    return search->count || search_garbage(search);
}

/* ---- names of items ---- */

static void name_keys(struct husk_path *path, const husk_path_options *o)
{
    for (size_t p = 0; o->key && p < path->count; p++)
        for (size_t k = 0; k < 2 * PATH_ENDS; k++) {
            struct husk__path_found *found = &path->found[p];
            size_t s = husk__path_shown(found->steps, k);
            struct husk_path_step step;
            husk_node from;
            if (s == SIZE_MAX || !husk__path_step(path, p, s, &step) || step.index == SIZE_MAX ||
                !husk_snapshot_node(path->snapshot, step.from, &from) ||
                !o->key(from.address, from.type, step.index, found->keys[k], PATH_KEY, o->key_data))
                found->keys[k][0] = '\0';
        }
}

/* ---- the whole ---- */

static husk_status begin(const husk_snapshot *snapshot, size_t node, const husk_path_options *o)
{
    if (o->struct_size != sizeof *o || o->abi != 1u)
        return husk_fail(HUSK_EINVAL, "path options of %u bytes, abi %u: this library knows %zu bytes, abi 1",
                         o->struct_size, o->abi, sizeof *o);
    if (o->limit > PATH_MOST)
        return husk_fail(HUSK_EINVAL, "path: limit %zu: at most %d", o->limit, (int)PATH_MOST);
    if (node >= SNAP_COUNT(snapshot, NODES))
        return husk_fail(HUSK_ERANGE, "path: there is no object %zu, of %zu", node,
                         SNAP_COUNT(snapshot, NODES));
    if (!SNAP_COUNT(snapshot, EDGE_OFF))
        return husk_fail(HUSK_EMISSING, "path: the snapshot has no references");
    return HUSK_OK;
}

husk_status husk_path_find(const husk_snapshot *snapshot, size_t node, const husk_path_options *options,
                           husk_path **out)
{
    static const husk_path_options plain = { HUSK_PATH_OPTIONS };
    const husk_path_options *o = options ? options : &plain;
    husk_status status = begin(snapshot, node, o);
    if (status)
        return status;
    struct husk_path *path = husk__raw_new(sizeof *path);
    if (!path)
        return husk_fail(HUSK_ENOMEM, "path: %s", husk_status_text(HUSK_ENOMEM));
    struct husk__path_search search = { .snapshot = snapshot,
                                        .nodes = SNAP_COUNT(snapshot, NODES),
                                        .target = node,
                                        .known = o->known,
                                        .limit = o->limit ? o->limit : 1,
                                        .found = path->found };
    bool ok = search_all(&search);
    path->snapshot = snapshot;
    path->target = node;
    path->known = o->known;
    path->first_index = o->first_index;
    path->count = search.count;
    path->garbage = search.garbage;
    husk__pool_free(&search.pool);
    if (!ok) {
        husk_path_free(path);
        return husk_fail(HUSK_ENOMEM, "path: %s", husk_status_text(HUSK_ENOMEM));
    }
    name_keys(path, o);
    *out = path;
    return HUSK_OK;
}

void husk_path_free(husk_path *path)
{
    if (!path)
        return;
    for (size_t p = 0; p < path->count; p++)
        husk__raw_free(path->found[p].nodes, (path->found[p].steps + 1) * sizeof(uint32_t));
    husk_snapshot_free(path->own);
    husk__raw_free(path, sizeof *path);
}
