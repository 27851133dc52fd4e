/* bindings/python/host_ffi_types.c: heap types of husk.ffi: objects of a heap that begin as a C struct does. A class for
 * each type, whose attributes are the fields; what of a field is struct, union or array is seen through a View
 * (host_ffi_views.c). Types are the process's, so they are made in one space, which is never freed; all of it under the
 * interpreter lock. */
#include "host_ffi.h"

#include <string.h>

typedef struct field { /* of a class, as long as the process */
    const husk_ffi_type *type;
    size_t offset;
} field;

static husk_ffi_space *space;
static PyTypeObject *struct_type; /* husk.ffi.Struct */

const husk_py_shared *husk_py_ffi_shared(void)
{
    static const husk_py_shared *shared;
    if (!shared)
        shared = PyCapsule_Import(HUSK_PY_SHARED, 0);
    return shared;
}

/* ---- fields ---- */

static PyObject *field_get(PyObject *self, void *data)
{
    const field *one = data;
    return husk_py_ffi_read(self, one->type, one->offset);
}

static int field_set(PyObject *self, PyObject *x, void *data)
{
    const field *one = data;
    if (!x) {
        PyErr_SetString(PyExc_AttributeError, "a field of a struct cannot be deleted");
        return -1;
    }
    return husk_py_ffi_write(self, one->type, one->offset, x) ? 0 : -1;
}

static bool fill_named(PyObject *self, const husk_ffi_type *layout, size_t positional, PyObject *name,
                       PyObject *x)
{
    const char *text = PyUnicode_AsUTF8(name);
    husk_ffi_field found;
    if (!text)
        return false;
    if (!husk_ffi_type_field_find(layout, text, &found)) {
        PyErr_Format(PyExc_TypeError, "%.100s has no field %R", Py_TYPE(self)->tp_name, name);
        return false;
    }
    for (size_t i = 0; i < positional; i++) {
        husk_ffi_field given;
        husk_ffi_type_field(layout, i, &given);
        if (given.name && !strcmp(given.name, text)) {
            PyErr_Format(PyExc_TypeError, "%.100s() got two values for field '%U'", Py_TYPE(self)->tp_name,
                         name);
            return false;
        }
    }
    return husk_py_ffi_write(self, found.type, found.offset, x);
}

static bool fill(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    const husk_py_shared *shared = husk_py_ffi_shared();
    husk_obj *obj = shared->object(self);
    const husk_ffi_type *layout = obj ? husk_ffi_heap_type_struct(space, husk_obj_type(obj)) : NULL;
    if (!layout)
        return false;
    if ((size_t)count > husk_ffi_type_count(layout)) {
        PyErr_Format(PyExc_TypeError, "%.100s has %zu fields, but %zd values are given",
                     Py_TYPE(self)->tp_name, husk_ffi_type_count(layout), count);
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        husk_ffi_field one;
        husk_ffi_type_field(layout, (size_t)i, &one);
        if (!husk_py_ffi_write(self, one.type, one.offset, args[i]))
            return false;
    }
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++)
        if (!fill_named(self, layout, (size_t)count, PyTuple_GET_ITEM(names, i), args[count + i]))
            return false;
    return true;
}

/* ---- classes ---- */

static size_t count_fields(const husk_ffi_type *layout)
{
    size_t sum = 0;
    for (size_t i = 0; i < husk_ffi_type_count(layout); i++) {
        husk_ffi_field one;
        husk_ffi_type_field(layout, i, &one);
        sum += one.name ? 1 : count_fields(one.type);
    }
    return sum;
}

static bool check_name(const char *name)
{
    size_t length = strlen(name);
    if (length <= 4 || memcmp(name, "__", 2) != 0 || memcmp(name + length - 2, "__", 2) != 0)
        return true;
    PyErr_Format(husk_py_ffi_error(HUSK_EINVAL), "husk.ffi.heap_type: a field cannot be called '%s'", name);
    return false;
}

/* From *next on; those of structs and unions without a name are the outer one's. */
static bool add_fields(PyTypeObject *class, const husk_ffi_type *layout, size_t offset, PyGetSetDef **def,
                       field **next)
{
    for (size_t i = 0; i < husk_ffi_type_count(layout); i++) {
        husk_ffi_field one;
        husk_ffi_type_field(layout, i, &one);
        if (!one.name) {
            if (!add_fields(class, one.type, offset + one.offset, def, next))
                return false;
            continue;
        }
        if (!check_name(one.name))
            return false;
        **next = (field){ .type = one.type, .offset = offset + one.offset };
        **def = (PyGetSetDef){ .name = one.name, .get = field_get, .set = field_set, .closure = (*next)++ };
        PyObject *made = PyDescr_NewGetSet(class, (*def)++);
        int failed = made ? PyObject_SetAttrString((PyObject *)class, one.name, made) : -1;
        Py_XDECREF(made);
        if (failed)
            return false;
    }
    return true;
}

static PyObject *make_class(const husk_type *type, const husk_ffi_type *layout, const char *spelled)
{
    size_t count = count_fields(layout);
    PyGetSetDef *defs = PyMem_RawCalloc(count + 1, sizeof *defs);
    field *fields = PyMem_RawCalloc(count + 1, sizeof *fields);
    PyObject *made = NULL;
    if (defs && fields)
        made =
            PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){s:(),s:s,s:s}", husk_type_name(type),
                                  struct_type, "__slots__", "__module__", "husk.ffi", "__struct__", spelled);
    else
        PyErr_NoMemory();
    PyGetSetDef *def = defs;
    field *next = fields;
    if (made && add_fields((PyTypeObject *)made, layout, 0, &def, &next) &&
        husk_py_ffi_shared()->publish(type, (PyTypeObject *)made, fill))
        return made;
    if (made) { /* its fields stay: Python's collector may show the class until it takes it away */
        Py_DECREF(made);
        return NULL;
    }
    PyMem_RawFree(defs);
    PyMem_RawFree(fields);
    return NULL;
}

static husk_status get_type(const char *name, const char *text, const husk_type **type,
                            const husk_ffi_type **layout)
{
    husk_status status = space ? HUSK_OK : husk_ffi_space_new(&space);
    if (status == HUSK_OK)
        status = husk_ffi_parse(space, text, layout);
    return status == HUSK_OK ? husk_ffi_heap_type(space, *layout, name, type) : status;
}

PyObject *husk_py_ffi_heap_type(PyObject *module, PyObject *args)
{
    const char *name, *text;
    const husk_type *type;
    const husk_ffi_type *layout;
    (void)module;
    if (!PyArg_ParseTuple(args, "ss:heap_type", &name, &text))
        return NULL;
    husk_status status = get_type(name, text, &type, &layout);
    if (status != HUSK_OK)
        return husk_py_ffi_raise(status);
    PyObject *known = (PyObject *)husk_py_ffi_shared()->class_of(type);
    if (!known)
        return make_class(type, layout, text);
    Py_INCREF(known);
    return known;
}

PyObject *husk_py_ffi_address(PyObject *module, PyObject *x)
{
    (void)module;
    PyObject *self = x;
    size_t offset = 0;
    if (!PyObject_TypeCheck(x, struct_type) && !(self = husk_py_ffi_viewed(x, &offset)))
        return PyErr_Format(PyExc_TypeError,
                            "address(): an object of a heap type or a View expected, got %.100s",
                            Py_TYPE(x)->tp_name);
    husk_obj *obj = husk_py_ffi_shared()->object(self);
    return obj ? PyLong_FromVoidPtr((char *)husk_obj_data(obj) + offset) : NULL;
}

bool husk_py_ffi_add_types(PyObject *module)
{
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "Base of the classes that heap_type makes: objects of a heap that C reads as a struct." },
        { 0, NULL },
    };
    static PyType_Spec spec = { "husk.ffi.Struct", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots };
    const husk_py_shared *shared = husk_py_ffi_shared();
    if (shared && !struct_type)
        struct_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)shared->obj_type);
    return struct_type && PyModule_AddObjectRef(module, "Struct", (PyObject *)struct_type) == 0;
}
