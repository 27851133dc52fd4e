/* bindings/python/host_struct.c: classes of objects that are laid out as a C struct. husk._ffi, which knows the
 * layouts, makes these classes and is given by shared.h what it needs of handles. */
#include "host.h"

#include "shared.h"

typedef struct struct_class { /* as long as the process, as its type */
    struct struct_class *next;
    const husk_type *type;
    PyTypeObject *class;
    husk_py_fill_fn *fill;
} struct_class;
static struct_class *classes;

static const struct_class *find(PyObject *class)
{
    const struct_class *found = classes;
    while (found && (PyObject *)found->class != class)
        found = found->next;
    return found;
}

const husk_type *husk_py_struct_type(PyObject *class)
{
    const struct_class *found = find(class);
    return found ? found->type : NULL;
}

PyObject *husk_py_struct_build(husk_py_heap *home, PyTypeObject *class, PyObject *const *args,
                               Py_ssize_t count, PyObject *names)
{
    const struct_class *known = find((PyObject *)class);
    PyObject *self = husk_py_birth(home, class, known->type);
    if (self && !known->fill(self, args, count, names))
        Py_CLEAR(self);
    return self;
}

static PyObject *called(PyObject *class, PyObject *const *args, size_t flags, PyObject *names)
{
    husk_py_heap *home = husk_py_heap_for(NULL);
    return home ? husk_py_struct_build(home, (PyTypeObject *)class, args, PyVectorcall_NARGS(flags), names)
                : NULL;
}

/* ---- the table ---- */

static bool publish(const husk_type *type, PyTypeObject *class, husk_py_fill_fn *fill)
{
    struct_class *made = PyMem_RawCalloc(1, sizeof *made);
    if (!made || !husk_py_publish(type, class)) {
        PyMem_RawFree(made);
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        return false;
    }
    *made = (struct_class){ .next = classes, .type = type, .class = class, .fill = fill };
    classes = made;
    /* Made by a class statement, as it were; but a handle has no state of its own (host_record.c). */
    class->tp_dealloc = husk_py_proxy_dealloc;
    class->tp_traverse = husk_py_proxy_traverse;
    class->tp_clear = husk_py_proxy_clear;
    class->tp_flags &= ~(unsigned long)Py_TPFLAGS_BASETYPE;
    class->tp_vectorcall = called;
    return true;
}

static PyTypeObject *class_of(const husk_type *type)
{
    size_t id = husk_type_id(type);
    return id < husk_py.class_room ? husk_py.classes[id] : NULL;
}

static husk_obj **slot_of(husk_obj *obj, size_t offset)
{
    return (husk_obj **)(void *)((char *)husk_obj_data(obj) + offset);
}

static PyObject *ref_get(PyObject *self, size_t offset)
{
    husk_obj *obj = husk_py_obj(self);
    if (!obj)
        return NULL;
    husk_obj *found = *slot_of(obj, offset);
    return found ? husk_py_wrap(((husk_py_proxy *)self)->home, found, false) : Py_NewRef(Py_None);
}

static bool ref_set(PyObject *self, size_t offset, PyObject *x)
{
    husk_py_heap *home = ((husk_py_proxy *)self)->home;
    husk_value v;
    husk_obj *made;
    if (PyLong_Check(x) || PyFloat_Check(x)) {
        PyErr_Format(PyExc_TypeError, "a ref is an object of the heap or None, not %.100s",
                     husk_py_name(Py_TYPE(x)));
        return false;
    }
    if (!husk_py_obj(self) || !husk_py_to_value(home, x, &v, &made))
        return false;
    husk_obj *obj = ((husk_py_proxy *)self)->obj;
    husk_status status = husk_obj_set(obj, slot_of(obj, offset), v.tag == HUSK_OBJ ? v.as.o : NULL);
    if (made)
        husk_obj_release(made);
    if (status != HUSK_OK)
        husk_py_raise(home, status);
    else
        husk_py_leave();
    return status == HUSK_OK;
}

bool husk_py_add_shared(PyObject *module)
{
    static husk_py_shared shared = { .publish = publish,
                                     .class_of = class_of,
                                     .object = husk_py_obj,
                                     .ref_get = ref_get,
                                     .ref_set = ref_set };
    shared.obj_type = husk_py.obj_type;
    PyObject *capsule = PyCapsule_New(&shared, HUSK_PY_SHARED, NULL);
    bool good = capsule && PyModule_AddObjectRef(module, "_shared", capsule) == 0;
    Py_XDECREF(capsule);
    return good;
}
