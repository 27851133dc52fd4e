/* peer.c: collections, finalizers as callbacks, weak references. */
#include "peer.h"

#include <string.h>

void peer_automatic(bool on)
{
    if (on == !GC_is_disabled())
        return;
    if (on)
        GC_enable();
    else
        GC_disable();
}

void *peer_reveal(void *weak)
{
    GC_hidden_pointer hidden = ((peer_weak *)weak)->hidden;
    return hidden ? GC_REVEAL_POINTER(hidden) : NULL;
}

static void on_gone(void *o, void *count)
{
    (void)o;
    (*(size_t *)count)++;
}

peer_weak *peer_weak_watch(sys_obj *o, size_t *count)
{
    peer_weak *w = peer_weak_new(o);
    GC_REGISTER_FINALIZER_NO_ORDER(o, on_gone, count, NULL, NULL);
    return w;
}

void peer_drop(sys_obj **table, size_t count)
{
    memset(table, 0, count * sizeof *table);
    (void)sys_collect();
    (void)GC_invoke_finalizers();
}
