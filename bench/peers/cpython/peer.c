/* peer.c: the type of the trees, and the callback of a weak reference. */
#include "peer.h"

#include <stddef.h>

static int branch_traverse(PyObject *self, visitproc visit, void *arg)
{
    peer_branch *t = (peer_branch *)(void *)self;
    Py_VISIT(t->ref[0]);
    Py_VISIT(t->ref[1]);
    Py_VISIT(t->ref[2]);
    return 0;
}

static int branch_clear(PyObject *self)
{
    peer_branch *t = (peer_branch *)(void *)self;
    Py_CLEAR(t->ref[0]);
    Py_CLEAR(t->ref[1]);
    Py_CLEAR(t->ref[2]);
    return 0;
}

static void branch_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, branch_dealloc)(void) branch_clear(self);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

PyTypeObject peer_branch_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench.branch",
    .tp_basicsize = sizeof(peer_branch),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = branch_traverse,
    .tp_clear = branch_clear,
    .tp_dealloc = branch_dealloc,
};

void peer_automatic(bool on)
{
    bench_check(PyType_Ready(&peer_branch_type) == 0, "the type is ready");
    if (on)
        PyGC_Enable();
    else
        PyGC_Disable();
}

static PyObject *on_gone(PyObject *count, PyObject *weak)
{
    (void)weak;
    (*(size_t *)PyCapsule_GetPointer(count, NULL))++;
    Py_RETURN_NONE;
}

/* One callback for all: what a callback costs to make is not measured. */
PyObject *peer_weak_watch(sys_obj *o, size_t *count)
{
    static PyMethodDef method = { "on_gone", on_gone, METH_O, NULL };
    static PyObject *callback;
    if (!callback) {
        PyObject *counter = PyCapsule_New(count, NULL, NULL);
        callback = counter ? PyCFunction_New(&method, counter) : NULL;
        Py_XDECREF(counter);
    }
    PyObject *weak = callback ? PyWeakref_NewRef((PyObject *)o, callback) : NULL;
    bench_check(weak != NULL, "the weak reference is made");
    return weak;
}
