/* peer.h: CPython's C API with what the peers' rows need. */
#ifndef PEERS_CPYTHON_PEER_H
#define PEERS_CPYTHON_PEER_H

#include "bench.h"
#include "cpython.h"

#define PEER_TREES 1
#define PEER_WEAK 1
#define PEER_STEPS 0

typedef struct peer_branch {
    PyObject_HEAD struct peer_branch *ref[3];
    int64_t number;
} peer_branch;

typedef PyObject peer_weak;

extern PyTypeObject peer_branch_type;

#define peer_branch_number(t) ((t)->number)

void peer_automatic(bool on);
PyObject *peer_weak_watch(sys_obj *o, size_t *count);

static inline sys_obj **peer_table(size_t count)
{
    return bench_table(count, sizeof(sys_obj *));
}

static inline void peer_table_end(sys_obj **table)
{
    free(table);
}

static inline void peer_settle(sys_obj *o)
{
    (void)o;
}

static inline peer_branch *peer_branch_new(void)
{
    peer_branch *t = PyObject_GC_New(peer_branch, &peer_branch_type);
    if (!t)
        abort();
    t->ref[0] = t->ref[1] = t->ref[2] = NULL;
    PyObject_GC_Track(t);
    return t;
}

static inline peer_branch *peer_branch_ref(peer_branch *t, unsigned k)
{
    return t->ref[k];
}

static inline void peer_branch_set(peer_branch *t, unsigned k, peer_branch *value)
{
    peer_branch *old = t->ref[k];
    Py_INCREF((PyObject *)value);
    t->ref[k] = value;
    Py_XDECREF((PyObject *)old);
}

static inline void peer_branch_take(peer_branch *t, unsigned k, peer_branch *value)
{
    t->ref[k] = value;
}

static inline void peer_branch_end(peer_branch *t)
{
    Py_DECREF((PyObject *)t);
}

static inline PyObject *peer_weak_new(sys_obj *o)
{
    return sys_weak_new(o);
}

static inline sys_obj *peer_weak_lock(PyObject *w)
{
    return sys_weak_lock(w);
}

static inline void peer_weak_end(PyObject *w)
{
    Py_DECREF(w);
}

static inline void peer_drop(sys_obj **table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        Py_DECREF((PyObject *)table[i]);
}

#endif
