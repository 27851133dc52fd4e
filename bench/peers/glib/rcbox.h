/* rcbox.h: GLib's counted boxes: g_rc_box_alloc0, over malloc. They have no weak references, and nobody finds cycles. */
#ifndef PEERS_GLIB_RCBOX_H
#define PEERS_GLIB_RCBOX_H

#include "bench.h"

#include <glib.h>
#include <stdio.h>

#define SYS_COLLECTS 0
#define SYS_EXACT 0
#define PEER_TREES 0
#define PEER_WEAK 0
#define PEER_STEPS 0

typedef struct sys_obj {
    struct sys_obj *ref[2];
    union {
        int64_t number;
        struct sys_obj *next_dead; /* once the last reference is on its way */
    } as;
} sys_obj;

#define sys_number(o) ((o)->as.number)

static inline const char *sys_about(void)
{
    static char text[40];
    snprintf(text, sizeof text, "GLib %u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
    return text;
}

static inline void sys_start(void)
{
}

static inline sys_obj *sys_new(void)
{
    return g_rc_box_new0(sys_obj);
}

static inline sys_obj *sys_ref(sys_obj *o, int i)
{
    return o->ref[i];
}

static inline void sys_take(sys_obj *o, unsigned i, sys_obj *value)
{
    o->ref[i] = value;
}

static void sys_clear(gpointer data)
{
    sys_obj *o = data;
    for (int i = 0; i < 2; i++)
        if (o->ref[i])
            g_rc_box_release_full(o->ref[i], sys_clear);
}

static inline void sys_end(sys_obj *o)
{
    g_rc_box_release_full(o, sys_clear);
}

/* A box cannot say that this release will be its last: the loop takes each node out of its predecessor. */
static inline void sys_end_list(sys_obj *o)
{
    while (o) {
        sys_obj *next = o->ref[0];
        o->ref[0] = NULL;
        sys_end(o);
        o = next;
    }
}

#endif
