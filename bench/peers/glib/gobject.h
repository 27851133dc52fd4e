/* gobject.h: GObject: counted atomically, GWeakRef, g_object_weak_ref for callbacks. Nobody finds cycles. */
#ifndef PEERS_GLIB_GOBJECT_H
#define PEERS_GLIB_GOBJECT_H

#include "bench.h"

#include <glib-object.h>

#define SYS_COLLECTS 0
#define SYS_EXACT 1
#define PEER_TREES 0
#define PEER_WEAK 1
#define PEER_STEPS 0

typedef struct sys_obj {
    GObject base;
    struct sys_obj *ref[2];
    gint64 number;
} sys_obj;

typedef struct peer_weak {
    GWeakRef ref;
} peer_weak;

#define sys_number(o) ((o)->number)

extern GType sys_type;

const char *sys_about(void);
void sys_start(void);
void peer_on_gone(gpointer count, GObject *gone);

static inline sys_obj *sys_new(void)
{
    return g_object_new(sys_type, NULL);
}

static inline sys_obj *sys_ref(sys_obj *o, int i)
{
    return o->ref[i];
}

static inline void sys_take(sys_obj *o, unsigned i, sys_obj *value)
{
    o->ref[i] = value;
}

static inline void sys_release(sys_obj *o)
{
    g_object_unref(o);
}

static inline void sys_end(sys_obj *o)
{
    g_object_unref(o);
}

/* finalize would recurse: the loop takes each node out of its predecessor. */
static inline void sys_end_list(sys_obj *o)
{
    while (o) {
        sys_obj *next = o->ref[0];
        o->ref[0] = NULL;
        g_object_unref(o);
        o = next;
    }
}

static inline sys_obj **peer_table(size_t count)
{
    return bench_table(count, sizeof(sys_obj *));
}

static inline peer_weak *peer_weak_new(sys_obj *o)
{
    peer_weak *w = g_new(peer_weak, 1);
    g_weak_ref_init(&w->ref, o);
    return w;
}

static inline peer_weak *peer_weak_watch(sys_obj *o, size_t *count)
{
    g_object_weak_ref(&o->base, peer_on_gone, count);
    return peer_weak_new(NULL);
}

static inline sys_obj *peer_weak_lock(peer_weak *w)
{
    return g_weak_ref_get(&w->ref);
}

static inline void peer_weak_end(peer_weak *w)
{
    g_weak_ref_clear(&w->ref);
    g_free(w);
}

static inline void peer_drop(sys_obj **table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_object_unref(table[i]);
}

#endif
