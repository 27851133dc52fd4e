/* peer.h: Boehm's collector with what the peers' rows need. A weak reference is a disappearing link, as its manual says:
 * the address is hidden from the collector, and looked at under its lock. */
#ifndef PEERS_BOEHM_PEER_H
#define PEERS_BOEHM_PEER_H

#include "bench.h"
#include "boehm.h"

#define PEER_TREES 1
#define PEER_WEAK 1
#define PEER_STEPS 0

typedef struct peer_branch {
    struct peer_branch *ref[3];
    int64_t number;
} peer_branch;

typedef struct peer_weak {
    GC_hidden_pointer hidden;
} peer_weak;

#define peer_branch_number(t) ((t)->number)

void peer_automatic(bool on);
void peer_drop(sys_obj **table, size_t count);
peer_weak *peer_weak_watch(sys_obj *o, size_t *count);
void *peer_reveal(void *weak);

static inline sys_obj **peer_table(size_t count)
{
    sys_obj **table = GC_MALLOC_UNCOLLECTABLE(count * sizeof *table);
    if (!table)
        abort();
    return table;
}

static inline void peer_table_end(sys_obj **table)
{
    GC_FREE(table);
}

static inline void peer_settle(sys_obj *o)
{
    (void)o;
}

static inline peer_branch *peer_branch_new(void)
{
    peer_branch *t = GC_MALLOC(sizeof *t);
    if (!t)
        abort();
    return t;
}

static inline peer_branch *peer_branch_ref(peer_branch *t, unsigned k)
{
    return t->ref[k];
}

static inline void peer_branch_set(peer_branch *t, unsigned k, peer_branch *value)
{
    t->ref[k] = value;
}

static inline void peer_branch_take(peer_branch *t, unsigned k, peer_branch *value)
{
    t->ref[k] = value;
}

static inline void peer_branch_end(peer_branch *t)
{
    (void)t;
}

static inline peer_weak *peer_weak_new(sys_obj *o)
{
    peer_weak *w = GC_MALLOC_ATOMIC_UNCOLLECTABLE(sizeof *w);
    if (!w)
        abort();
    w->hidden = GC_HIDE_POINTER(o);
    GC_general_register_disappearing_link((void **)&w->hidden, o);
    return w;
}

static inline sys_obj *peer_weak_lock(peer_weak *w)
{
    return GC_call_with_alloc_lock(peer_reveal, w);
}

static inline void peer_weak_end(peer_weak *w)
{
    (void)GC_unregister_disappearing_link((void **)&w->hidden);
    GC_FREE(w);
}

#endif
