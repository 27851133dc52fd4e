/* bench/bindings/python_plain.c: the measure for the package husk: a Python module by hand for records, with what a
 * careful author would not leave out (one Python object for each object of the heap, a counted reference in it, checked
 * receivers) and nothing more: one heap for the process, no closing, no hooks, no texts, no other kinds, nothing that
 * Python's collector could see, no classes to derive from.
 *
 *   import python_plain
 *   n = python_plain.Node(value, next)   n.value   n.next = m */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <husk.h>

typedef struct plain {
    PyObject_HEAD husk_obj *obj;
} plain;

static husk_heap *heap;
static const husk_type *record;
static PyTypeObject node_type;

/* Object to its Python object: open addressing, a power of two of places. */
static plain **table;
static size_t mask, used;

static size_t place_of(const husk_obj *obj)
{
    return (size_t)((uint64_t)(uintptr_t)obj * 0x9e3779b97f4a7c15u >> 20) & mask;
}

static int table_add(plain *one)
{
    if (2 * (used + 1) > mask + (table != NULL)) {
        size_t count = table ? mask + 1 : 0, places = count ? 2 * count : 64;
        plain **old = table, **more = PyMem_Calloc(places, sizeof *more);
        if (!more)
            return -1;
        table = more;
        mask = places - 1;
        used = 0;
        for (size_t i = 0; i < count; i++)
            if (old[i])
                table_add(old[i]);
        PyMem_Free(old);
    }
    size_t at = place_of(one->obj);
    while (table[at])
        at = (at + 1) & mask;
    table[at] = one;
    used++;
    return 0;
}

static void table_remove(const plain *one)
{
    size_t gap = place_of(one->obj);
    while (table[gap] != one)
        gap = (gap + 1) & mask;
    for (size_t at = (gap + 1) & mask; table[at]; at = (at + 1) & mask) {
        size_t wanted = place_of(table[at]->obj);
        if (((at - wanted) & mask) >= ((at - gap) & mask)) {
            table[gap] = table[at];
            gap = at;
        }
    }
    table[gap] = NULL;
    used--;
}

/* Takes the caller's reference. */
static PyObject *wrap_new(husk_obj *obj)
{
    plain *one = PyObject_New(plain, &node_type);
    if (one) {
        one->obj = obj;
        if (table_add(one) == 0)
            return (PyObject *)one;
        one->obj = NULL;
        Py_DECREF((PyObject *)one);
        PyErr_NoMemory();
    }
    husk_obj_release(obj);
    return NULL;
}

static PyObject *wrap(husk_obj *obj)
{
    if (table)
        for (size_t at = place_of(obj); table[at]; at = (at + 1) & mask)
            if (table[at]->obj == obj)
                return Py_NewRef((PyObject *)table[at]);
    husk_obj_retain(obj);
    return wrap_new(obj);
}

static void node_dealloc(PyObject *self)
{
    husk_obj *obj = ((plain *)self)->obj;
    if (obj) {
        table_remove((plain *)self);
        husk_obj_release(obj);
    }
    PyObject_Free(self);
}

static PyObject *get(PyObject *self, void *index)
{
    husk_value v;
    if (husk_record_peek(((plain *)self)->obj, (size_t)(uintptr_t)index, &v) != HUSK_OK) {
        PyErr_SetString(PyExc_IndexError, husk_heap_message(heap));
        return NULL;
    }
    switch (v.tag) {
    case HUSK_INT:
        return PyLong_FromLongLong(v.as.i);
    case HUSK_OBJ:
        return wrap(v.as.o);
    case HUSK_FLOAT:
        return PyFloat_FromDouble(v.as.f);
    case HUSK_BOOL:
        return PyBool_FromLong(v.as.b != 0);
    default:
        Py_RETURN_NONE;
    }
}

static int set(PyObject *self, PyObject *x, void *index)
{
    husk_value v = husk_nil();
    if (x && Py_IS_TYPE(x, &node_type)) {
        v = husk_ref(((plain *)x)->obj);
    } else if (x && PyLong_CheckExact(x)) {
        long long number = PyLong_AsLongLong(x);
        if (number == -1 && PyErr_Occurred())
            return -1;
        v = husk_int(number);
    } else if (x != Py_None) {
        PyErr_SetString(PyExc_TypeError, "not a value");
        return -1;
    }
    if (husk_record_set(((plain *)self)->obj, (size_t)(uintptr_t)index, v) == HUSK_OK)
        return 0;
    PyErr_SetString(PyExc_ValueError, husk_heap_message(heap));
    return -1;
}

static PyObject *node_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    (void)type;
    if (names || count > 2) {
        PyErr_SetString(PyExc_TypeError, "Node(value, next)");
        return NULL;
    }
    husk_obj *obj = husk_obj_new_inline(heap, record);
    if (!obj)
        return PyErr_NoMemory();
    PyObject *self = wrap_new(obj);
    for (Py_ssize_t i = 0; self && i < count; i++)
        if (set(self, args[i], (void *)(uintptr_t)i) < 0)
            Py_CLEAR(self);
    return self;
}

static PyGetSetDef getsets[] = {
    { "value", get, set, NULL, (void *)0 },
    { "next", get, set, NULL, (void *)1 },
    { "other", get, set, NULL, (void *)2 },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyTypeObject node_type = {
    .ob_base = { PyObject_HEAD_INIT(NULL) 0 },
    .tp_name = "python_plain.Node",
    .tp_basicsize = sizeof(plain),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = node_dealloc,
    .tp_getset = getsets,
    .tp_vectorcall = node_vectorcall,
};

PyMODINIT_FUNC PyInit_python_plain(void)
{
    static struct PyModuleDef def = { .m_base = PyModuleDef_HEAD_INIT,
                                      .m_name = "python_plain",
                                      .m_size = -1 };
    static const char *const fields[] = { "value", "next", "other" };
    PyObject *module = PyModule_Create(&def);
    if (!module || husk_heap_new(NULL, &heap) != HUSK_OK ||
        husk_record_type("Node", fields, 3, NULL, &heap, &record) != HUSK_OK ||
        PyType_Ready(&node_type) < 0 || PyModule_AddObjectRef(module, "Node", (PyObject *)&node_type) < 0)
        return NULL;
    return module;
}
