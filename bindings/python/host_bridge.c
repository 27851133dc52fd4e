/* bindings/python/host_bridge.c: cycles through Python objects. */
#include "host.h"

void husk_py_unbridge(void)
{
    husk_py.bridged = false;
}

static PyObject *collect_function;

bool husk_py_host_collect(void)
{
    PyObject *done = PyObject_CallNoArgs(collect_function);
    Py_XDECREF(done);
    return done != NULL;
}

bool husk_py_add_bridge(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    collect_function = gc ? PyObject_GetAttrString(gc, "collect") : NULL;
    Py_XDECREF(gc);
    return collect_function != NULL;
}
