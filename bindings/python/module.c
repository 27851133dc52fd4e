/* bindings/python/module.c: husk._core: puts the classes, the functions and SWIG's flat calls together.
 *
 * The state is one for the process, as types of Husk are: only the main interpreter may import the module, and none
 * after Py_Finalize. At exit all heaps close, while Python is whole, so that finalizers run as always. */
#include "host.h"

/* ---- SWIG's calls ---- */

/* A copy of what SWIG made under another name; lives as long as the process. */
static PyObject *renamed(PyObject *function, const char *name, PyObject *module_name)
{
    PyMethodDef *def = PyMem_RawCalloc(1, sizeof *def);
    if (!def)
        return PyErr_NoMemory();
    *def = *((PyCFunctionObject *)function)->m_ml;
    def->ml_name = name;
    def->ml_doc = husk_py_doc_of(def->ml_name);
    return PyCFunction_NewEx(def, NULL, module_name);
}

/* "Heap_trim" becomes the method Heap.trim, "Obj_is_tracked" and "version" functions of the module. */
static bool add_flat(PyObject *module, PyObject *module_name, const char *name, PyObject *function)
{
    if (!strncmp(name, "Heap_", 5)) {
        PyObject *made = renamed(function, name + 5, module_name),
                 *method = made ? PyInstanceMethod_New(made) : NULL;
        bool good = method && PyObject_SetAttrString((PyObject *)husk_py.heap_type, name + 5, method) == 0;
        Py_XDECREF(made);
        Py_XDECREF(method);
        return good;
    }
    name += strncmp(name, "Obj_", 4) ? 0 : 4;
    PyObject *made = renamed(function, name, module_name);
    bool good = made && PyModule_AddObjectRef(module, name, made) == 0;
    Py_XDECREF(made);
    return good;
}

static bool add_all_flat(PyObject *module)
{
    PyObject *raw = PyInit__raw(), *dict = raw ? PyModule_GetDict(raw) : NULL, *name, *value;
    PyObject *module_name = PyUnicode_FromString("husk");
    Py_ssize_t at = 0;
    bool good = dict && module_name;
    while (good && PyDict_Next(dict, &at, &name, &value)) {
        const char *text = PyUnicode_AsUTF8(name); /* lives as long as the name, which the dict keeps */
        if (text && PyCFunction_Check(value) && strncmp(text, "SWIG_", 5) != 0)
            good = add_flat(module, module_name, text, value);
    }
    Py_XDECREF(module_name);
    if (!good)
        Py_XDECREF(raw);
    return good; /* raw stays: its names and definitions are used */
}

/* ---- the end ---- */

/* The newest heap that can be closed: none of its hooks is running, in this thread or in one that is not waited for. */
static husk_py_heap *next_to_close(void)
{
    husk_py_heap *home = husk_py.heaps;
    while (home && home->hooks)
        home = home->next;
    return home;
}

static PyObject *close_all(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    for (husk_py_heap *home; (home = next_to_close());) {
        Py_INCREF((PyObject *)home);
        if (!husk_py_close(home))
            PyErr_WriteUnraisable((PyObject *)home);
        Py_DECREF((PyObject *)home);
    }
    if (husk_py.heaps && !husk_py_close(husk_py.heaps)) /* one message for those that stay */
        PyErr_WriteUnraisable((PyObject *)husk_py.heaps);
    Py_RETURN_NONE;
}

/* After everything else of Py_Finalize. */
static void ended(void)
{
    husk_py.ended = true;
}

static bool at_exit(void)
{
    static PyMethodDef def = { "close_all", close_all, METH_NOARGS, NULL };
    PyObject *module = PyImport_ImportModule("atexit"), *function = PyCFunction_New(&def, NULL), *done = NULL;
    if (module && function)
        done = PyObject_CallMethod(module, "register", "O", function);
    Py_XDECREF(module);
    Py_XDECREF(function);
    Py_XDECREF(done);
    return done && Py_AtExit(ended) == 0;
}

/* ---- the module ---- */

static bool add_default(PyObject *module)
{
    PyObject *made = PyObject_CallFunction((PyObject *)husk_py.heap_type, "s", "default");
    husk_py.fallback = (husk_py_heap *)made;
    return made && PyModule_AddObjectRef(module, "default", made) == 0;
}

static int exec_module(PyObject *module)
{
    static PyObject *first; /* everything is made once; another import of the module gets the same */
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "husk can be imported in the main interpreter only");
        return -1;
    }
    if (husk_py.ended) {
        PyErr_SetString(PyExc_ImportError, "husk cannot be imported again after the interpreter has ended");
        return -1;
    }
    if (husk_py.ready)
        return PyDict_Merge(PyModule_GetDict(module), first, 0);
    if (!husk_py_add_errors(module) || !husk_py_add_figures(module) || !husk_py_add_pacing(module) || !husk_py_add_steps(module) ||
        !husk_py_add_objects(module) ||
        !husk_py_add_heap(module) || !husk_py_add_records(module) || !husk_py_add_lists(module) ||
        !husk_py_add_maps(module) || !husk_py_add_refs(module) || !husk_py_add_weak_containers(module) ||
        !husk_py_add_cleanups(module) || !husk_py_add_softs(module) || !husk_py_add_queues(module) ||
        !husk_py_add_walks(module) || !husk_py_add_surveys(module) || !husk_py_add_tracing(module) || !husk_py_add_scopes(module) ||
        !husk_py_add_exports(module) || !husk_py_add_memory(module) || !husk_py_add_passes(module) || !husk_py_add_snapshots(module) ||
        !husk_py_add_stats(module) || !husk_py_add_helpers(module) || !husk_py_add_shared(module) ||
        !husk_py_add_bridge() || !add_all_flat(module) || !add_default(module) || !at_exit())
        return -1;
    first = PyDict_Copy(PyModule_GetDict(module));
    husk_py.ready = first != NULL;
    return first ? 0 : -1;
}

PyMODINIT_FUNC PyInit__core(void)
{
    static PyModuleDef_Slot slots[] = {
        { Py_mod_exec, exec_module },
#if PY_VERSION_HEX >= 0x030c0000
        { Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED },
#endif
        { 0, NULL },
    };
    static PyModuleDef def = {
        .m_base = PyModuleDef_HEAD_INIT,
        .m_name = "husk._core",
        .m_doc = "What the package husk is made of; written in C.",
        .m_slots = slots,
    };
    return PyModuleDef_Init(&def);
}
