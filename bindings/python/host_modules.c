/* bindings/python/host_modules.c: what the modules in Python (husk/gc.py, husk/weakref.py) cannot do by themselves. */
#include "host.h"

/* _write_unraisable(exception, where, /): an exception that nobody is there to catch goes to sys.unraisablehook, as
 * those of hooks do. Python code cannot make what that hook is given. */
static PyObject *write_unraisable(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 2 || !PyExceptionInstance_Check(args[0]))
        return PyErr_Format(PyExc_TypeError, "_write_unraisable(): an exception and an object expected");
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(args[0])), Py_NewRef(args[0]),
                  PyException_GetTraceback(args[0]));
    PyErr_WriteUnraisable(args[1]);
    Py_RETURN_NONE;
}

/* _discard_entry(dict, key, value, /): removes key if it has this very value, with no other thread in between (but
 * in the __eq__ of a key). */
static PyObject *discard_entry(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 3 || !PyDict_CheckExact(args[0]))
        return PyErr_Format(PyExc_TypeError, "_discard_entry(): a dict, a key and a value expected");
    PyObject *found = PyDict_GetItemWithError(args[0], args[1]);
    if ((!found && PyErr_Occurred()) || (found == args[2] && PyDict_DelItem(args[0], args[1]) < 0))
        return NULL;
    Py_RETURN_NONE;
}

/* _count_alive(dict, /): how many of its values are weak references to what is alive. Callbacks may be due that take
 * the others out. */
static PyObject *count_alive(PyObject *module, PyObject *dict)
{
    PyObject *key, *x;
    Py_ssize_t at = 0, count = 0;
    (void)module;
    if (!PyDict_CheckExact(dict))
        return PyErr_Format(PyExc_TypeError, "_count_alive(): a dict expected");
    if (husk_py.bridged)
        husk_py_unbridge();
    while (PyDict_Next(dict, &at, &key, &x)) {
        husk_obj *obj = PyObject_TypeCheck(x, husk_py.ref_type) ? ((husk_py_proxy *)x)->obj : NULL;
        count += obj && husk_weak_state_get(husk_weak_of(obj)) == HUSK_ALIVE;
    }
    return PyLong_FromSsize_t(count);
}

bool husk_py_add_helpers(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef functions[] = {
        { "_write_unraisable", FAST(write_unraisable), METH_FASTCALL, NULL },
        { "_discard_entry", FAST(discard_entry), METH_FASTCALL, NULL },
        { "_count_alive", count_alive, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    return PyModule_AddFunctions(module, functions) == 0;
}
