/* bindings/python/host_obj.c: husk.Obj, the base of all proxies, and the functions that ask about any object. */
#include "host.h"

#include <stdio.h>

/* "<Node at 0x..., 2 references>", "<List of 3 at 0x..., immortal>". */
static PyObject *obj_repr(PyObject *self)
{
    const char *name = husk_py_name(Py_TYPE(self));
    char size[40] = "", references[40] = "immortal";
    if (!((husk_py_proxy *)self)->obj)
        return PyUnicode_FromFormat("<%s, its heap is closed>", name);
    husk_obj *obj = husk_py_obj(self);
    if (!obj)
        return NULL;
    husk_kind kind = husk_obj_kind(obj);
    if (Py_TYPE(self) == husk_py.obj_type)
        name = husk_type_name(husk_obj_type(obj));
    if (kind == HUSK_KIND_LIST)
        snprintf(size, sizeof size, " of %zu", husk_list_count(obj));
    else if (kind == HUSK_KIND_MAP)
        snprintf(size, sizeof size, " of %zu", husk_map_count(obj));
    else if (kind == HUSK_KIND_WEAKKEYMAP || kind == HUSK_KIND_WEAKVALUEMAP || kind == HUSK_KIND_WEAKSET)
        snprintf(size, sizeof size, " of %zd", PyObject_Size(self));
    size_t count = husk_obj_strong_count(obj);
    if (count != SIZE_MAX)
        snprintf(references, sizeof references, "%zu reference%s", count, count == 1 ? "" : "s");
    return PyUnicode_FromFormat("<%s%s at %p, %s>", name, size, obj, references);
}

static husk_py_proxy *arg_proxy(PyObject *x, const char *function)
{
    if (husk_py_is_proxy(x))
        return (husk_py_proxy *)x;
    PyErr_Format(PyExc_TypeError, "husk.%s(): an object of a heap expected, got %.100s", function,
                 husk_py_name(Py_TYPE(x)));
    return NULL;
}

static PyObject *heap_of(PyObject *module, PyObject *x)
{
    (void)module;
    husk_py_proxy *proxy = arg_proxy(x, "heap_of");
    return proxy ? Py_NewRef((PyObject *)proxy->home) : NULL;
}

static PyObject *is_alive(PyObject *module, PyObject *x)
{
    (void)module;
    husk_py_proxy *proxy = arg_proxy(x, "is_alive");
    return proxy ? PyBool_FromLong(proxy->obj != NULL) : NULL;
}

/* The references but for the one that is used to ask. */
static PyObject *refcount(PyObject *module, PyObject *x)
{
    (void)module;
    husk_obj *obj = husk_py_arg_obj(x, "Obj_refcount");
    if (!obj)
        return NULL;
    size_t count = husk_obj_strong_count(obj);
    return PyLong_FromSize_t(count == SIZE_MAX ? count : count - 1);
}

static PyObject *is_finalized(PyObject *module, PyObject *x)
{
    (void)module;
    husk_obj *obj = husk_py_arg_obj(x, "Obj_is_finalized");
    return obj ? PyBool_FromLong(husk_obj_is_finalized(obj) ||
                                 husk_py_is_early(((husk_py_proxy *)x)->home, obj))
               : NULL;
}

/* Nothing is an instance of what this refuses: proxies come from heaps. */
static PyObject *obj_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)args;
    (void)keywords;
    return PyErr_Format(PyExc_TypeError, "%.100s cannot be made by calling it", husk_py_name(type));
}

bool husk_py_add_objects(PyObject *module)
{
    static PyMethodDef functions[] = {
        { "heap_of", heap_of, METH_O,
          "heap_of(obj, /)\n--\n\nThe heap that obj lives in, also when it is closed." },
        { "is_alive", is_alive, METH_O, "is_alive(obj, /)\n--\n\nFalse once the heap of obj is closed." },
        { "is_finalized", is_finalized, METH_O,
          "is_finalized(obj, /)\n--\n\nIts finalizer has run; stays true if it came back." },
        { "refcount", refcount, METH_O,
          "refcount(obj, /)\n--\n\nReferences to obj, but for the one of Python's handle; getrefcount counts "
          "it too." },
        { NULL, NULL, 0, NULL },
    };
    static PyMethodDef methods[] = {
        { "__reduce_ex__", husk_py_refuse_pickle, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    static PyMemberDef members[] = {
        { "__weaklistoffset__", T_PYSSIZET, offsetof(husk_py_proxy, weaklist), READONLY, NULL },
        { NULL, 0, 0, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "An object of a heap. There is one handle for each object, so that the same object is the same "
          "object in Python." },
        { Py_tp_new, obj_new },
        { Py_tp_dealloc, husk_py_proxy_dealloc },
        { Py_tp_traverse, husk_py_proxy_traverse },
        { Py_tp_clear, husk_py_proxy_clear },
        { Py_tp_repr, obj_repr },
        { Py_tp_methods, methods },
        { Py_tp_members, members },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.Obj",
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    husk_py.obj_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return husk_py.obj_type && PyModule_AddObjectRef(module, "Obj", (PyObject *)husk_py.obj_type) == 0 &&
           PyModule_AddFunctions(module, functions) == 0;
}
