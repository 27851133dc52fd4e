/* view/reach.h: what keeps what alive, as arrays: who is reached from outside, what hangs in cycles, and where what is
 * not reached begins. For exports that show objects.
 *
 * A value of a weak-key map hangs on its key (its container lives or it would be no value any more): the edge goes
 * from the key. Damaged snapshots, where the key is missing, have it go from the container. */
#ifndef HUSK_VIEW_REACH_H
#define HUSK_VIEW_REACH_H

#include "view/pool.h"
#include "view/snapshot.h"

/* An entry of a weak-key map. */
struct husk__entry {
    uint32_t key, value;
};

enum {
    REACH_HELD = 1u << 0,  /* reached from what is held from outside: hidden references, immortal */
    REACH_LOOP = 1u << 1,  /* in a cycle, or refers to itself */
    REACH_FIRST = 1u << 2, /* not reached; all that is not can be reached from those that have this */
};

struct husk__reach {
    size_t nodes;
    uint64_t *first; /* nodes + 1: edges that keep alive are to[first[n]] .. to[first[n + 1] - 1] */
    uint32_t *to;
    uint32_t *component;         /* cycles have one number each, from 1 */
    uint8_t *flags;              /* REACH_... */
    struct husk__entry *entries; /* by key */
    size_t entry_count;
};

/* What an edge of a walk does, node by node: husk__entry_walk_begin() at each, then each edge in order. */
enum husk__keeping {
    KEEPS_NOT,  /* weak */
    KEEPS_HERE, /* from where it stands: a strong one, or an entry's without a key */
    KEEPS_ENTRY /* an entry's value: from the key, walk.key */
};
struct husk__entry_walk {
    uint32_t key, index; /* the weak edge next before has the key of an entry with its index */
    bool keyed;
};

ALWAYS_INLINE struct husk__entry_walk husk__entry_walk_begin(void)
{
    return (struct husk__entry_walk){ 0, 0, false };
}

ALWAYS_INLINE enum husk__keeping husk__entry_walk_next(struct husk__entry_walk *at,
                                                       const struct husk__edge_walk *walk)
{
    if (walk->field->kind == EDGE_WEAK) {
        *at = (struct husk__entry_walk){ walk->to, walk->index, true };
        return KEEPS_NOT;
    }
    return walk->field->kind == EDGE_EPHEMERON && at->keyed && at->index == walk->index ? KEEPS_ENTRY
                                                                                        : KEEPS_HERE;
}

/* False: no memory. The arrays are the pool's. */
bool husk__reach_make(const struct husk_snapshot *snapshot, struct husk__pool *pool, struct husk__reach *out);

#endif
