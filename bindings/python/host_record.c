/* bindings/python/host_record.c: records: their fields, how they are made, and husk.Record, which they derive from.
 * Declaring their classes is host_recordtype.c.
 *
 * Proxies of records have no state of their own, as it would be lost with the proxy while the record lives: hence
 * no __dict__, __slots__ or __del__ in a record class, nor in what it inherits. */
#include "host_record.h"

typedef husk_py_record_class record_class;

/* ---- fields ---- */

PyObject *husk_py_field_get(PyObject *self, void *index)
{
    husk_obj *obj = husk_py_obj(self);
    husk_value v;
    if (HUSK_PY_RARE(!obj))
        return NULL;
    if (HUSK_PY_RARE(husk_record_peek(obj, (size_t)(uintptr_t)index, &v) != HUSK_OK))
        return husk_py_raise(((husk_py_proxy *)self)->home, HUSK_ERANGE);
    return husk_py_from_value(((husk_py_proxy *)self)->home, v);
}

/* Stores x into a field of the record that self stands for. */
static int field_store(PyObject *self, size_t index, PyObject *x)
{
    husk_py_heap *home = ((husk_py_proxy *)self)->home;
    husk_value v;
    husk_obj *made;
    if (HUSK_PY_RARE(!husk_py_obj(self)) || HUSK_PY_RARE(!husk_py_to_value(home, x, &v, &made)))
        return -1;
    husk_status status = husk_record_set(((husk_py_proxy *)self)->obj, index, v);
    if (made)
        husk_obj_release(made);
    if (HUSK_PY_RARE(status != HUSK_OK)) {
        husk_py_raise(home, status);
        return -1;
    }
    husk_py_leave();
    return 0;
}

int husk_py_field_set(PyObject *self, PyObject *x, void *index)
{
    if (!x) {
        PyErr_Format(PyExc_AttributeError, "a field of %.100s cannot be deleted; None empties it",
                     husk_py_name(Py_TYPE(self)));
        return -1;
    }
    return field_store(self, (size_t)(uintptr_t)index, x);
}

/* ---- making records ---- */

PyObject *husk_py_birth(husk_py_heap *home, PyTypeObject *class, const husk_type *type)
{
    husk_py_proxy *proxy = husk_py_proxy_new(class);
    if (!proxy)
        return NULL;
    husk_heap *heap =
        husk_py_open(home, husk_py_name(class)); /* after making the proxy, which may run anything */
    husk_obj *obj = heap ? husk_obj_new_inline(heap, type) : NULL;
    if (!obj) {
        Py_DECREF((PyObject *)proxy);
        return heap ? husk_py_raise_failure(home) : NULL;
    }
    return husk_py_adopt(home, proxy, obj);
}

/* A proxy with a record whose fields have their defaults. */
static PyObject *blank(husk_py_heap *home, PyTypeObject *type)
{
    const record_class *known = (const record_class *)type;
    if (!known->type)
        return PyErr_Format(PyExc_TypeError,
                            "%.100s has no fields and makes no records: derive a class from it",
                            husk_py_name(type));
    PyObject *self = husk_py_birth(home, type, known->type);
    for (Py_ssize_t i = 0; self && known->preset && i < known->count; i++)
        if (known->defaults[i] && field_store(self, (size_t)i, known->defaults[i]) < 0)
            Py_CLEAR(self);
    return self;
}

static int fill_named(PyObject *self, Py_ssize_t positional, PyObject *name, PyObject *x)
{
    const record_class *known = (const record_class *)Py_TYPE(self);
    Py_ssize_t at = husk_py_find_field(known, name);
    if (at >= positional)
        return field_store(self, (size_t)at, x);
    if (at >= 0)
        PyErr_Format(PyExc_TypeError, "%.100s() got two values for field '%U'", husk_py_name(Py_TYPE(self)),
                     name);
    else
        PyErr_Format(PyExc_TypeError, "%.100s has no field %R", husk_py_name(Py_TYPE(self)), name);
    return -1;
}

static int fill(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    const record_class *known = (const record_class *)Py_TYPE(self);
    if (count > known->count) {
        PyErr_Format(PyExc_TypeError, "%.100s has %zd field%s, but %zd values are given",
                     husk_py_name(Py_TYPE(self)), known->count, known->count == 1 ? "" : "s", count);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        if (field_store(self, (size_t)i, args[i]) < 0)
            return -1;
    return 0;
}

static int record_init(PyObject *self, PyObject *args, PyObject *names)
{
    PyObject *name, *x;
    Py_ssize_t at = 0, count = PyTuple_GET_SIZE(args);
    if (fill(self, &PyTuple_GET_ITEM(args, 0), count) < 0)
        return -1;
    while (names && PyDict_Next(names, &at, &name, &x)) {
        Py_INCREF(name);
        Py_INCREF(x);
        int failed = fill_named(self, count, name, x);
        Py_DECREF(name);
        Py_DECREF(x);
        if (failed)
            return -1;
    }
    return 0;
}

static PyObject *record_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
    (void)args; /* are __init__'s, as object.__new__ has it */
    (void)names;
    if (!husk_py_is_record_class((PyObject *)type))
        return PyErr_Format(PyExc_TypeError, "%.100s is no record class: it does not derive from husk.Record",
                            husk_py_name(type));
    husk_py_heap *home = husk_py_heap_for(NULL);
    return home ? blank(home, type) : NULL;
}

/* As a call of the class would be, but in home. */
PyObject *husk_py_record_build(husk_py_heap *home, PyTypeObject *type, PyObject *const *args,
                               Py_ssize_t count, PyObject *names)
{
    if (!husk_py_is_record_class((PyObject *)type))
        return PyErr_Format(PyExc_TypeError, "a record class expected, got %R", (PyObject *)type);
    PyObject *self = blank(home, type);
    if (!self)
        return NULL;
    if (type->tp_init == record_init) {
        int failed = fill(self, args, count);
        for (Py_ssize_t i = 0; !failed && names && i < PyTuple_GET_SIZE(names); i++)
            failed = fill_named(self, count, PyTuple_GET_ITEM(names, i), args[count + i]);
        if (failed)
            Py_CLEAR(self);
        return self;
    }
    PyObject *dict = names ? PyDict_New() : NULL, *tuple = PyTuple_New(count);
    bool good = tuple && (dict || !names);
    for (Py_ssize_t i = 0; good && i < count; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; good && names && i < PyTuple_GET_SIZE(names); i++)
        good = PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i), args[count + i]) == 0;
    if (!good || type->tp_init(self, tuple, dict) < 0)
        Py_CLEAR(self);
    Py_XDECREF(tuple);
    Py_XDECREF(dict);
    return self;
}

PyObject *husk_py_record_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names)
{
    husk_py_heap *home = husk_py_heap_for(NULL);
    return home ? husk_py_record_build(home, (PyTypeObject *)type, args, PyVectorcall_NARGS(flags), names)
                : NULL;
}

/* ---- the class ---- */

bool husk_py_add_records(PyObject *module)
{
    static PyType_Slot slots[] = {
        { Py_tp_new, record_new },
        { Py_tp_init, record_init },
        { Py_tp_dealloc, husk_py_proxy_dealloc },
        { Py_tp_traverse, husk_py_proxy_traverse },
        { Py_tp_clear, husk_py_proxy_clear },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk._core.RecordBase",
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    PyTypeObject *base = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    if (!base || !husk_py_make_record_meta(base))
        return false;
    PyObject *root = PyObject_CallFunction(
        (PyObject *)husk_py.meta_type, "s(O){s:s,s:s}", "Record", (PyObject *)base, "__module__", "husk",
        "__doc__",
        "Base of record classes: the annotations of a class are the fields of its records.\n\n"
        "class Node(husk.Record):\n    value: int\n    next: \"Node\"\n\n"
        "A method __finalize__ runs once, at the end of a record, with its fields intact.");
    husk_py.record_type = (PyTypeObject *)root;
    return root && PyModule_AddObjectRef(module, "RecordType", (PyObject *)husk_py.meta_type) == 0 &&
           PyModule_AddObjectRef(module, "Record", root) == 0;
}
