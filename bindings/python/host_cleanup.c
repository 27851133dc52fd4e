/* bindings/python/host_cleanup.c: husk.Cleanup: a callable to be called when an object is gone. The registry of the
 * heap has it; the handle of Python is for asking and taking it back.
 *
 * What the registry has is a holder with the callable (host.h), which is taken out of it when it runs or is taken
 * back: a cleanup that is no longer pending holds nothing. */
#include "host.h"

static PyTypeObject *cleanup_type;

PyTypeObject *husk_py_cleanup_class(void)
{
    return cleanup_type;
}

static husk_cleanup *cleanup_of(PyObject *self)
{
    return (husk_cleanup *)(void *)husk_py_obj(self);
}

static void on_cleanup(husk_heap *heap, void *data)
{
    PyObject *callback = husk_py_holder_take(data);
    if (callback)
        husk_py_call_cleanup(heap, callback);
    Py_XDECREF(callback);
}

static PyObject *cleanup_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "", "", "at_exit", NULL };
    PyObject *x, *call;
    int at_exit = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|$p:Cleanup", names, &x, &call, &at_exit))
        return NULL;
    if (!PyCallable_Check(call))
        return PyErr_Format(PyExc_TypeError, "Cleanup(): a callable expected, got %.100s",
                            husk_py_name(Py_TYPE(call)));
    husk_py_proxy *proxy = husk_py_proxy_new(type);
    PyObject *list = proxy ? husk_py_holder(call) : NULL;
    husk_obj *obj = list ? husk_py_arg_obj(x, "Cleanup") : NULL;
    husk_cleanup *made = NULL;
    if (obj && husk_py_box_room()) {
        made = husk_cleanup_new(obj, on_cleanup, Py_NewRef(list), husk_py_box_free, at_exit != 0);
        if (!made)
            husk_py_raise_failure(((husk_py_proxy *)x)->home);
    }
    Py_XDECREF(list);
    if (made)
        return husk_py_adopt(((husk_py_proxy *)x)->home, proxy, husk_cleanup_obj(made));
    Py_XDECREF((PyObject *)proxy);
    return NULL;
}

static PyObject *cleanup_detach(PyObject *self, PyObject *none)
{
    husk_cleanup *cleanup = cleanup_of(self);
    (void)none;
    if (!cleanup)
        return NULL;
    bool pending = husk_cleanup_detach(cleanup);
    if (pending)
        Py_XDECREF(husk_py_holder_take(husk_cleanup_data(cleanup)));
    husk_py_leave();
    return PyBool_FromLong(pending);
}

static PyObject *cleanup_run(PyObject *self, PyObject *none)
{
    husk_cleanup *cleanup = cleanup_of(self);
    (void)none;
    if (!cleanup)
        return NULL;
    bool ran = husk_cleanup_run(cleanup);
    husk_py_leave();
    return PyBool_FromLong(ran);
}

static PyObject *get_alive(PyObject *self, void *none)
{
    (void)none;
    if (!((husk_py_proxy *)self)->obj) /* its heap is closed: it has run, or never will */
        Py_RETURN_FALSE;
    husk_cleanup *cleanup = cleanup_of(self);
    return cleanup ? PyBool_FromLong(husk_cleanup_is_pending(cleanup)) : NULL;
}

static PyObject *get_obj(PyObject *self, void *none)
{
    husk_cleanup *cleanup = cleanup_of(self);
    (void)none;
    if (!cleanup)
        return NULL;
    husk_obj *obj = husk_cleanup_get(cleanup);
    return obj ? husk_py_wrap(((husk_py_proxy *)self)->home, obj, true) : Py_NewRef(Py_None);
}

static PyObject *get_callback(PyObject *self, void *none)
{
    husk_cleanup *cleanup = cleanup_of(self);
    (void)none;
    PyObject *list = cleanup ? husk_cleanup_data(cleanup) : NULL;
    if (!cleanup)
        return NULL;
    return Py_NewRef(PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, 0) : Py_None);
}

static PyObject *get_at_exit(PyObject *self, void *none)
{
    husk_cleanup *cleanup = cleanup_of(self);
    (void)none;
    return cleanup ? PyBool_FromLong(husk_cleanup_at_exit(cleanup)) : NULL;
}

static int set_at_exit(PyObject *self, PyObject *value, void *none)
{
    (void)none;
    int truth = value ? PyObject_IsTrue(value) : 1;
    husk_cleanup *cleanup = truth < 0 ? NULL : cleanup_of(self);
    if (!cleanup)
        return -1;
    husk_cleanup_set_at_exit(cleanup, truth != 0);
    return 0;
}

bool husk_py_add_cleanups(PyObject *module)
{
    static PyMethodDef methods[] = {
        { "detach", cleanup_detach, METH_NOARGS,
          "detach($self, /)\n--\n\nTakes it back: it will not run. True if it was still to run." },
        { "run", cleanup_run, METH_NOARGS,
          "run($self, /)\n--\n\nRuns it now, if it is still to run. True if it ran." },
        { NULL, NULL, 0, NULL },
    };
    static PyGetSetDef getsets[] = {
        { "alive", get_alive, NULL, "Whether it is still to run.", NULL },
        { "obj", get_obj, NULL, "Its object; None if that is gone, or the cleanup has run or was taken back.",
          NULL },
        { "callback", get_callback, NULL, "What is called; None once it has run or was taken back.", NULL },
        { "at_exit", get_at_exit, set_at_exit,
          "Whether it runs when the heap closes and the object still lives.", NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "Cleanup(obj, callback, /, *, at_exit=True)\n--\n\nCalls callback() once, when obj is gone, or "
          "when its "
          "heap closes. Nobody needs to keep it. What the callback refers to must not lead to obj." },
        { Py_tp_new, cleanup_new },
        { Py_tp_dealloc, husk_py_proxy_dealloc },
        { Py_tp_traverse, husk_py_proxy_traverse },
        { Py_tp_clear, husk_py_proxy_clear },
        { Py_tp_methods, methods },
        { Py_tp_getset, getsets },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.Cleanup",
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    cleanup_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    return cleanup_type && PyModule_AddObjectRef(module, "Cleanup", (PyObject *)cleanup_type) == 0;
}
