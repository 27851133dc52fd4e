/* cpython.c: the type, and an interpreter that imports as little as it can. */
#include "cpython.h"

#include "bench.h"

#include <stddef.h>

static int node_traverse(PyObject *self, visitproc visit, void *arg)
{
    sys_obj *o = (sys_obj *)(void *)self;
    Py_VISIT(o->ref[0]);
    Py_VISIT(o->ref[1]);
    return 0;
}

static int node_clear(PyObject *self)
{
    sys_obj *o = (sys_obj *)(void *)self;
    Py_CLEAR(o->ref[0]);
    Py_CLEAR(o->ref[1]);
    return 0;
}

static void node_dealloc(PyObject *self)
{
    sys_obj *o = (sys_obj *)(void *)self;
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, node_dealloc) if (o->weaks) PyObject_ClearWeakRefs(self);
    Py_XDECREF((PyObject *)o->ref[0]);
    Py_XDECREF((PyObject *)o->ref[1]);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

PyTypeObject sys_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench.node",
    .tp_basicsize = sizeof(sys_obj),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = node_traverse,
    .tp_clear = node_clear,
    .tp_dealloc = node_dealloc,
    .tp_weaklistoffset = offsetof(sys_obj, weaks),
};

const char *sys_about(void)
{
    static char text[40];
    snprintf(text, sizeof text, "CPython %.*s", (int)strcspn(Py_GetVersion(), " "), Py_GetVersion());
    return text;
}

void sys_start(void)
{
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, BENCH_PYTHON);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    bench_check(!PyStatus_Exception(status), "the interpreter starts");
    bench_check(PyType_Ready(&sys_type) == 0, "the type is ready");
    PyGC_Disable();
}

sys_weakmap *sys_weakmap_new(void)
{
    PyObject *module = PyImport_ImportModule("weakref");
    PyObject *map = module ? PyObject_CallMethod(module, "WeakKeyDictionary", NULL) : NULL;
    Py_XDECREF(module);
    bench_check(map != NULL, "there is a WeakKeyDictionary");
    return map;
}

void sys_weakmap_set(sys_weakmap *m, sys_obj *key, sys_obj *value)
{
    bench_check(PyObject_SetItem(m, (PyObject *)key, (PyObject *)value) == 0, "an entry is made");
}

/* PyGC_Collect does nothing while the collector is disabled. */
size_t sys_collect(void)
{
    PyGC_Enable();
    Py_ssize_t collected = PyGC_Collect();
    PyGC_Disable();
    bench_check(collected >= 0, "the collection runs");
    return (size_t)collected;
}
