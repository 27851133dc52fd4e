/* gobject.c: the class. */
#include "gobject.h"

#include <stdio.h>

typedef struct sys_class {
    GObjectClass base;
} sys_class;

GType sys_type;
static GObjectClass *parent;

static void finalize(GObject *object)
{
    sys_obj *o = (sys_obj *)(void *)object;
    for (int i = 0; i < 2; i++)
        if (o->ref[i])
            g_object_unref(o->ref[i]);
    parent->finalize(object);
}

static void class_init(gpointer class, gpointer data)
{
    (void)data;
    parent = g_type_class_peek_parent(class);
    G_OBJECT_CLASS(class)->finalize = finalize;
}

const char *sys_about(void)
{
    static char text[40];
    snprintf(text, sizeof text, "GLib %u.%u.%u", glib_major_version, glib_minor_version, glib_micro_version);
    return text;
}

void sys_start(void)
{
    sys_type = g_type_register_static_simple(G_TYPE_OBJECT, "BenchNode", sizeof(sys_class), class_init,
                                             sizeof(sys_obj), NULL, 0);
}

void peer_on_gone(gpointer count, GObject *gone)
{
    (void)gone;
    (*(size_t *)count)++;
}
