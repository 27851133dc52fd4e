/* bindings/python/host_report.c: for the modules in Python: an exception that nobody is there to catch is handed to
 * sys.unraisablehook, as those of hooks are (host_hooks.c). Python code cannot make what that hook is given. */
#include "host.h"

/* _write_unraisable(exception, where, /) */
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

bool husk_py_add_reports(PyObject *module)
{
    static PyMethodDef functions[] = {
        { "_write_unraisable", (PyCFunction)(void (*)(void))write_unraisable, METH_FASTCALL, NULL },
        { NULL, NULL, 0, NULL },
    };
    return PyModule_AddFunctions(module, functions) == 0;
}
