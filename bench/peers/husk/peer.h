/* peer.h: Husk, as ../../system_husk.h uses it, with what the peers' rows need besides. */
#ifndef PEERS_HUSK_PEER_H
#define PEERS_HUSK_PEER_H

#include "system_husk.h"

#include <stdlib.h>

#define PEER_TREES 1
#define PEER_WEAK 1
#define PEER_STEPS 1

typedef husk_obj peer_branch;
typedef husk_weak peer_weak;

typedef struct peer_branch_data {
    husk_obj *ref[3];
    int64_t number;
} peer_branch_data;

extern const husk_type *peer_branch_type;

void peer_automatic(bool on);
void peer_on_gone(husk_weak *weak, void *count);
void peer_steps_begin(uint64_t budget_ns);
void peer_step(uint64_t budget_ns);
bool peer_bound_kept(size_t live);

static inline husk_obj **peer_table(size_t count)
{
    return bench_table(count, sizeof(husk_obj *));
}

static inline void peer_table_end(husk_obj **table)
{
    free(table);
}

static inline void peer_settle(husk_obj *o)
{
    (void)o;
}

static inline peer_branch_data *peer_branch_of(husk_obj *t)
{
    return husk_obj_data(t);
}

#define peer_branch_number(t) (peer_branch_of(t)->number)

static inline husk_obj *peer_branch_new(void)
{
    return husk_obj_new_inline(sys_heap, peer_branch_type);
}

static inline husk_obj *peer_branch_ref(husk_obj *t, unsigned k)
{
    return peer_branch_of(t)->ref[k];
}

static inline void peer_branch_set(husk_obj *t, unsigned k, husk_obj *value)
{
    (void)husk_obj_set_inline(t, &peer_branch_of(t)->ref[k], value);
}

static inline void peer_branch_take(husk_obj *t, unsigned k, husk_obj *value)
{
    (void)husk_obj_take_inline(t, &peer_branch_of(t)->ref[k], value);
}

static inline void peer_branch_end(husk_obj *t)
{
    husk_obj_release(t);
}

static inline husk_weak *peer_weak_new(husk_obj *o)
{
    return husk_weak_new_inline(o);
}

static inline husk_weak *peer_weak_watch(husk_obj *o, size_t *count)
{
    return husk_weak_new(o, peer_on_gone, count, NULL);
}

static inline husk_obj *peer_weak_lock(husk_weak *w)
{
    return husk_weak_lock_inline(w);
}

static inline void peer_weak_end(husk_weak *w)
{
    husk_weak_release(w);
}

static inline void peer_drop(husk_obj **table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        husk_obj_release(table[i]);
}

#endif
