/* view/cumulate.c: what was made at a traceback belongs to its callers too: added up from the newest frames down the
 * tree of tracebacks, and from each node to the group of its frame. No recursion, whatever the depth; linear but for
 * one sorting of the frames. */
#include "view/group.h"

/* For each frame the number of its group, among those of its side; groups' frames in frame_of. */
static uint32_t *group_frames(struct husk__grouping *grouping, unsigned side)
{
    struct husk__pool *pool = grouping->pool;
    size_t frames = SNAP_COUNT(grouping->sides->at[side], FRAMES);
    uint32_t *group = POOL_NEW(pool, uint32_t, frames);
    grouping->frame_of[side] = group ? POOL_NEW(pool, uint32_t, frames) : NULL;
    if (!grouping->frame_of[side])
        return NULL;
    size_t before = pool->count;
    struct husk__pair *pairs = POOL_NEW(pool, struct husk__pair, frames);
    if (!pairs)
        return NULL;
    for (size_t f = 0; f < frames; f++)
        pairs[f] = (struct husk__pair){ grouping->frame_keys[side][f], (uint32_t)f };
    if (!husk__sort_pairs(pool, pairs, frames))
        return NULL;
    size_t groups = 0;
    for (size_t i = 0; i < frames; i++) {
        if (i == 0 || pairs[i].key != pairs[i - 1].key)
            grouping->frame_of[side][groups++] = pairs[i].item;
        group[pairs[i].item] = (uint32_t)groups - 1;
    }
    grouping->units[side] = groups;
    husk__pool_back(pool, before);
    return group;
}

/* The tree of tracebacks gone through depth first. `open` counts, by group, the frames on the way from the oldest
 * one to here: the first of a group is the one that counts, the others are its recursion. */
static bool mark_first(struct husk__grouping *grouping, unsigned side, const uint32_t *group, bool *first)
{
    struct husk__pool *pool = grouping->pool;
    const struct husk__stack *stacks = SNAP(grouping->sides->at[side], STACKS);
    size_t count = SNAP_COUNT(grouping->sides->at[side], STACKS), before = pool->count;
    uint32_t *child = POOL_NEW(pool, uint32_t, count), *next = child ? POOL_NEW(pool, uint32_t, count) : NULL;
    uint32_t *open = next ? POOL_NEW(pool, uint32_t, grouping->units[side]) : NULL;
    if (!open)
        return false;
    for (size_t n = count; n-- > 1;) {
        next[n] = child[stacks[n].parent];
        child[stacks[n].parent] = (uint32_t)n;
    }
    for (uint32_t node = child[0]; node;) {
        uint32_t *here = &open[group[stacks[node].frame]];
        first[node] = (*here)++ == 0;
        if (child[node]) {
            node = child[node];
            continue;
        }
        for (;;) { /* up to where there is more to see */
            open[group[stacks[node].frame]]--;
            if (next[node] || !stacks[node].parent)
                break;
            node = stacks[node].parent;
        }
        node = next[node];
    }
    husk__pool_back(pool, before);
    return true;
}

/* Which nodes of the tree add to their groups. */
static bool *counting_nodes(struct husk__grouping *grouping, unsigned side, const uint32_t *group,
                            bool each_frame)
{
    size_t count = SNAP_COUNT(grouping->sides->at[side], STACKS);
    bool *counts = POOL_NEW(grouping->pool, bool, count);
    for (size_t n = 0; counts && each_frame && n < count; n++)
        counts[n] = true;
    if (!counts || (!each_frame && !mark_first(grouping, side, group, counts)))
        return NULL;
    counts[0] = true; /* the empty traceback is one of frame 0 */
    return counts;
}

/* Sums by number of something; churn NULL: not wanted. */
struct totals {
    struct husk__amount *amounts;
    struct husk__churn *churn;
};

static bool totals_make(struct husk__pool *pool, size_t count, bool recorded, struct totals *out)
{
    *out = (struct totals){ POOL_NEW(pool, struct husk__amount, count), NULL };
    if (out->amounts && recorded)
        out->churn = POOL_NEW(pool, struct husk__churn, count);
    return out->amounts && (out->churn || !recorded);
}

static void add_up(const struct totals *to, size_t t, const struct totals *from, size_t f)
{
    husk__add_amount(&to->amounts[t], &from->amounts[f]);
    if (to->churn)
        husk__add_churn(&to->churn[t], &from->churn[f]);
}

static void begin_with_records(const struct husk__tally *tally, const struct totals *nodes)
{
    const struct husk__record_row *records = SNAP(tally->snapshot, RECORDS);
    for (size_t r = 0; r < tally->units; r++) {
        struct husk__amount amount = husk__tally_amount(tally, r);
        husk__add_amount(&nodes->amounts[records[r].stack], &amount);
        if (nodes->churn) {
            struct husk__churn churn = husk__tally_churn(tally, r);
            husk__add_churn(&nodes->churn[records[r].stack], &churn);
        }
    }
}

bool husk__cumulate(struct husk__grouping *grouping, unsigned side, bool each_frame)
{
    struct husk__pool *pool = grouping->pool;
    const struct husk__stack *stacks = SNAP(grouping->sides->at[side], STACKS);
    size_t count = SNAP_COUNT(grouping->sides->at[side], STACKS);
    struct totals groups, nodes;
    const uint32_t *group = group_frames(grouping, side);
    if (!group || !totals_make(pool, grouping->units[side], grouping->recorded, &groups))
        return false;
    size_t before = pool->count;
    const bool *counts = counting_nodes(grouping, side, group, each_frame);
    if (!counts || !totals_make(pool, count, grouping->recorded, &nodes))
        return false;
    begin_with_records(&grouping->tally[side], &nodes);
    for (size_t n = count; n-- > 0;) { /* callers have lower numbers */
        if (counts[n])
            add_up(&groups, group[n ? stacks[n].frame : 0], &nodes, n);
        if (n && stacks[n].parent) /* the empty one is nobody's caller */
            add_up(&nodes, stacks[n].parent, &nodes, n);
    }
    grouping->amounts[side] = groups.amounts;
    grouping->churn[side] = groups.churn;
    husk__pool_back(pool, before);
    return true;
}
