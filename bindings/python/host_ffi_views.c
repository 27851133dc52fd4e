/* bindings/python/host_ffi_views.c: fields of heap types, read and written: plain ones as Python values, refs as handles,
 * and what is a struct, union or array within as a View, which keeps the handle of the object and looks at it again at
 * each use: the heap may have been closed. */
#include "host_ffi.h"

#include <string.h>

typedef struct view {
    PyObject_HEAD PyObject *self; /* the object that it is a part of */
    const husk_ffi_type *type;
    size_t offset;
} view;
static PyTypeObject *view_type;

static bool is_aggregate(husk_ffi_kind kind)
{
    return kind == HUSK_FFI_STRUCT || kind == HUSK_FFI_UNION || kind == HUSK_FFI_ARRAY;
}

PyObject *husk_py_ffi_viewed(PyObject *x, size_t *offset)
{
    if (!PyObject_TypeCheck(x, view_type))
        return NULL;
    *offset = ((view *)x)->offset;
    return ((view *)x)->self;
}

/* ---- reading ---- */

static PyObject *make_view(PyObject *self, const husk_ffi_type *type, size_t offset)
{
    view *made = PyObject_GC_New(view, view_type);
    if (!made)
        return NULL;
    Py_INCREF(self);
    made->self = self;
    made->type = type;
    made->offset = offset;
    PyObject_GC_Track((PyObject *)made);
    return (PyObject *)made;
}

PyObject *husk_py_ffi_read(PyObject *self, const husk_ffi_type *type, size_t offset)
{
    husk_ffi_kind kind = husk_ffi_type_kind(type);
    if (kind == HUSK_FFI_REF)
        return husk_py_ffi_shared()->ref_get(self, offset);
    const husk_obj *obj = husk_py_ffi_shared()->object(self);
    if (!obj)
        return NULL;
    return is_aggregate(kind) ? make_view(self, type, offset)
                              : husk_py_ffi_from(type, (const char *)husk_obj_data(obj) + offset);
}

/* ---- writing ---- */

static bool write_bytes(PyObject *self, const void *from, size_t size, size_t offset)
{
    husk_obj *obj = husk_py_ffi_shared()->object(self); /* the value was converted before, by any code */
    if (obj)
        memcpy((char *)husk_obj_data(obj) + offset, from, size);
    return obj;
}

static bool write_plain(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *x)
{
    uint64_t value = 0; /* no plain type is longer */
    if (husk_ffi_type_kind(type) == HUSK_FFI_STR && x != Py_None) {
        PyErr_SetString(husk_py_ffi_error(HUSK_EINVAL),
                        "nobody would own the bytes of a str field: say ptr, and keep them");
        return false;
    }
    return (x == Py_None && husk_ffi_type_kind(type) == HUSK_FFI_STR) ||
                   husk_py_ffi_to(type, x, &value, "a field")
               ? write_bytes(self, &value, husk_ffi_type_size(type), offset)
               : false;
}

/* bytes into an array of integers of one byte, with zeros behind. */
static bool write_text(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *bytes)
{
    size_t size = husk_ffi_type_size(type), length = (size_t)PyBytes_GET_SIZE(bytes);
    if (length > size) {
        PyErr_Format(husk_py_ffi_error(HUSK_ERANGE), "%zu bytes for an array of %zu", length, size);
        return false;
    }
    husk_obj *obj = husk_py_ffi_shared()->object(self);
    if (!obj)
        return false;
    memcpy((char *)husk_obj_data(obj) + offset, PyBytes_AS_STRING(bytes), length);
    memset((char *)husk_obj_data(obj) + offset + length, 0, size - length);
    return true;
}

static const husk_ffi_type *part_of(const husk_ffi_type *type, size_t index, size_t *offset)
{
    if (husk_ffi_type_kind(type) == HUSK_FFI_ARRAY) {
        const husk_ffi_type *element = husk_ffi_type_element(type);
        *offset += index * husk_ffi_type_size(element);
        return element;
    }
    husk_ffi_field one;
    husk_ffi_type_field(type, index, &one);
    *offset += one.offset;
    return one.type;
}

static bool write_all(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *items)
{
    if ((size_t)PyTuple_GET_SIZE(items) != husk_ffi_type_count(type)) {
        PyErr_Format(husk_py_ffi_error(HUSK_ERANGE), "%zd values for %zu", PyTuple_GET_SIZE(items),
                     husk_ffi_type_count(type));
        return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        size_t at = offset;
        const husk_ffi_type *part = part_of(type, (size_t)i, &at);
        if (!husk_py_ffi_write(self, part, at, PyTuple_GET_ITEM(items, i)))
            return false;
    }
    return true;
}

static bool find_field(const husk_ffi_type *type, PyObject *name, husk_ffi_field *out)
{
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    if (text && husk_ffi_type_field_find(type, text, out))
        return true;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_AttributeError, "there is no field %R", name);
    return false;
}

static bool write_named(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *items)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        PyObject *pair = PyTuple_GET_ITEM(items, i);
        husk_ffi_field one;
        if (!find_field(type, PyTuple_GET_ITEM(pair, 0), &one) ||
            !husk_py_ffi_write(self, one.type, offset + one.offset, PyTuple_GET_ITEM(pair, 1)))
            return false;
    }
    return true;
}

static PyObject *tuple_of(PyObject *x)
{
    PyObject *list = PyDict_Check(x) ? PyDict_Items(x) : NULL;
    if (!list && PyErr_Occurred())
        return NULL;
    PyObject *items = PySequence_Tuple(list ? list : x);
    Py_XDECREF(list);
    return items;
}

/* Through a copy, which may be of the very same bytes; for a union, which has no refs. */
static bool write_view(PyObject *self, const husk_ffi_type *type, size_t offset, const view *from)
{
    const husk_obj *obj = husk_py_ffi_shared()->object(from->self);
    PyObject *bytes = obj ? PyBytes_FromStringAndSize((const char *)husk_obj_data(obj) + from->offset,
                                                      (Py_ssize_t)husk_ffi_type_size(type))
                          : NULL;
    bool done = bytes && write_bytes(self, PyBytes_AS_STRING(bytes), husk_ffi_type_size(type), offset);
    Py_XDECREF(bytes);
    return done;
}

static bool write_aggregate(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *x)
{
    bool is_view = PyObject_TypeCheck(x, view_type);
    husk_ffi_kind kind = husk_ffi_type_kind(type);
    if (kind == HUSK_FFI_UNION && is_view && ((view *)x)->type == type)
        return write_view(self, type, offset, (view *)x);
    bool named = kind != HUSK_FFI_ARRAY && PyDict_Check(x);
    if (!named && (kind == HUSK_FFI_UNION || (is_view && ((view *)x)->type != type) || PyDict_Check(x) ||
                   PyUnicode_Check(x))) {
        PyErr_Format(PyExc_TypeError, "a %.100s does not say what the %s holds", Py_TYPE(x)->tp_name,
                     husk_ffi_kind_name(kind));
        return false;
    }
    const husk_ffi_type *element = kind == HUSK_FFI_ARRAY ? husk_ffi_type_element(type) : NULL;
    if (PyBytes_Check(x) && element && husk_ffi_type_size(element) == 1 &&
        husk_ffi_type_is_integer(element) && husk_ffi_type_kind(element) != HUSK_FFI_BOOL)
        return write_text(self, type, offset, x);
    PyObject *items = tuple_of(x);
    bool done = items && (named ? write_named : write_all)(self, type, offset, items);
    Py_XDECREF(items);
    return done;
}

bool husk_py_ffi_write(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *x)
{
    husk_ffi_kind kind = husk_ffi_type_kind(type);
    if (kind == HUSK_FFI_REF)
        return husk_py_ffi_shared()->ref_set(self, offset, x);
    return (is_aggregate(kind) ? write_aggregate : write_plain)(self, type, offset, x);
}

/* ---- the class View ---- */

static int view_traverse(PyObject *x, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(x));
    Py_VISIT(((view *)x)->self);
    return 0;
}

static void view_dealloc(PyObject *x)
{
    PyTypeObject *type = Py_TYPE(x);
    PyObject_GC_UnTrack(x);
    Py_DECREF(((view *)x)->self);
    PyObject_GC_Del(x);
    Py_DECREF((PyObject *)type);
}

static Py_ssize_t view_length(PyObject *x)
{
    return (Py_ssize_t)husk_ffi_type_count(((view *)x)->type);
}

/* Of arrays the elements, of structs the fields in their order. */
static const husk_ffi_type *item_of(const view *v, Py_ssize_t index, size_t *offset)
{
    *offset = v->offset;
    if (husk_ffi_type_kind(v->type) != HUSK_FFI_UNION && index >= 0 &&
        (size_t)index < husk_ffi_type_count(v->type))
        return part_of(v->type, (size_t)index, offset);
    PyErr_Format(PyExc_IndexError, "this %s has no item %zd", husk_ffi_kind_name(husk_ffi_type_kind(v->type)),
                 index);
    return NULL;
}

static PyObject *view_item(PyObject *x, Py_ssize_t index)
{
    size_t offset;
    const husk_ffi_type *type = item_of((view *)x, index, &offset);
    return type ? husk_py_ffi_read(((view *)x)->self, type, offset) : NULL;
}

static int view_set_item(PyObject *x, Py_ssize_t index, PyObject *value)
{
    size_t offset;
    if (!value) {
        PyErr_SetString(PyExc_TypeError, "an item of a struct or array cannot be deleted");
        return -1;
    }
    const husk_ffi_type *type = item_of((view *)x, index, &offset);
    return type && husk_py_ffi_write(((view *)x)->self, type, offset, value) ? 0 : -1;
}

static PyObject *view_getattr(PyObject *x, PyObject *name)
{
    const view *v = (view *)x;
    husk_ffi_field one;
    const char *text = PyUnicode_AsUTF8(name);
    if (text && husk_ffi_type_field_find(v->type, text, &one))
        return husk_py_ffi_read(v->self, one.type, v->offset + one.offset);
    return PyErr_Occurred() ? NULL : PyObject_GenericGetAttr(x, name);
}

static int view_setattr(PyObject *x, PyObject *name, PyObject *value)
{
    const view *v = (view *)x;
    husk_ffi_field one;
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "a field of a struct cannot be deleted");
        return -1;
    }
    return find_field(v->type, name, &one) &&
                   husk_py_ffi_write(v->self, one.type, v->offset + one.offset, value)
               ? 0
               : -1;
}

static PyObject *view_bytes(PyObject *x, PyObject *none)
{
    const view *v = (view *)x;
    (void)none;
    const husk_obj *obj = husk_py_ffi_shared()->object(v->self);
    return obj ? PyBytes_FromStringAndSize((const char *)husk_obj_data(obj) + v->offset,
                                           (Py_ssize_t)husk_ffi_type_size(v->type))
               : NULL;
}

static PyObject *view_repr(PyObject *x)
{
    char text[200];
    husk_ffi_type_spell(((view *)x)->type, text, sizeof text);
    return PyUnicode_FromFormat("<husk.ffi.View %s of %.100s>", text, Py_TYPE(((view *)x)->self)->tp_name);
}

bool husk_py_ffi_add_views(PyObject *module)
{
    static PyMethodDef methods[] = {
        { "__bytes__", view_bytes, METH_NOARGS, "The bytes as C sees them; refs are addresses." },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc, "A struct, union or array within an object of a heap type. Fields are attributes; "
                     "elements of arrays, and "
                     "fields\n"
                     "of structs in their order, are items. It keeps the object, and sees what C writes." },
        { Py_tp_traverse, view_traverse },
        { Py_tp_dealloc, view_dealloc },
        { Py_tp_getattro, view_getattr },
        { Py_tp_setattro, view_setattr },
        { Py_tp_repr, view_repr },
        { Py_tp_methods, methods },
        { Py_sq_length, view_length },
        { Py_sq_item, view_item },
        { Py_sq_ass_item, view_set_item },
        { 0, NULL },
    };
    static PyType_Spec spec = { "husk.ffi.View", sizeof(view), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                slots };
    if (!view_type)
        view_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return view_type && PyModule_AddObjectRef(module, "View", (PyObject *)view_type) == 0;
}
