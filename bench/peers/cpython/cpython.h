/* cpython.h: CPython's C API: a static type with traverse and clear, made and freed without a free list. */
#ifndef BENCH_PEERS_CPYTHON_H
#define BENCH_PEERS_CPYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#define SYS_COUNTS 1
#define SYS_COLLECTS 1
#define SYS_WEAK 1
#define SYS_EPHEMERONS 0
#define SYS_TRACES 1
#define SYS_FRAMES 25
#define SYS_NATIVE 0
#define SYS_EXACT 1

/* With its header of 16 bytes for the collector 64 bytes, which the allocator would round to without the
 * list of weak references too. */
typedef struct sys_obj {
    PyObject_HEAD struct sys_obj *ref[2];
    int64_t number;
    PyObject *weaks;
} sys_obj;

typedef PyObject sys_weak;
typedef PyObject sys_weakmap;
typedef PyObject sys_snapshot;
typedef PyObject sys_stats;

extern PyTypeObject sys_type;

#define sys_number(o) ((o)->number)

const char *sys_about(void);
void sys_start(void);
size_t sys_collect(void);

static inline void sys_reclaim(void)
{
}

static inline sys_obj *sys_new(void)
{
    sys_obj *o = PyObject_GC_New(sys_obj, &sys_type);
    if (!o)
        abort();
    o->ref[0] = o->ref[1] = NULL;
    o->number = 0;
    o->weaks = NULL;
    PyObject_GC_Track(o);
    return o;
}

static inline void sys_retain(sys_obj *o)
{
    Py_INCREF((PyObject *)o);
}

static inline void sys_release(sys_obj *o)
{
    Py_DECREF((PyObject *)o);
}

static inline sys_obj *sys_ref(sys_obj *o, int i)
{
    return o->ref[i];
}

static inline void sys_set(sys_obj *o, unsigned i, sys_obj *value)
{
    sys_obj *old = o->ref[i];
    Py_INCREF((PyObject *)value);
    o->ref[i] = value;
    Py_XDECREF((PyObject *)old);
}

static inline void sys_take(sys_obj *o, unsigned i, sys_obj *value)
{
    o->ref[i] = value;
}

static inline void sys_end(sys_obj *o)
{
    Py_DECREF((PyObject *)o);
}

static inline void sys_end_list(sys_obj *o)
{
    Py_DECREF((PyObject *)o);
}

static inline sys_weak *sys_weak_new(sys_obj *o)
{
    return PyWeakref_NewRef((PyObject *)o, NULL);
}

static inline sys_obj *sys_weak_lock(sys_weak *w)
{
    PyObject *o = PyWeakref_GetObject(w);
    if (o == Py_None)
        return NULL;
    Py_INCREF(o);
    return (sys_obj *)(void *)o;
}

static inline void sys_weak_end(sys_weak *w)
{
    Py_DECREF(w);
}

/* weakref.WeakKeyDictionary, called as Python code calls it. */
sys_weakmap *sys_weakmap_new(void);
void sys_weakmap_set(sys_weakmap *m, sys_obj *key, sys_obj *value);

static inline size_t sys_weakmap_count(sys_weakmap *m)
{
    return (size_t)PyObject_Size(m);
}

static inline void sys_weakmap_end(sys_weakmap *m)
{
    Py_DECREF(m);
}

#endif
