/* bindings/python/host_recordtype.c: declaring record classes. class Node(husk.Record): value: int; next: "Node" declares
 * a record type of Husk with the fields value and next; methods are Python's.
 *
 * The metaclass does the declaring. What a record class knows of its fields hangs on the class object itself; the
 * fields are descriptors with their index. A record class lives as long as the process, as its type does. Records
 * themselves are host_record.c. */
#include "host_record.h"

typedef husk_py_record_class record_class;

static PyTypeObject *base_type; /* what the root derives from: the slots written in C */

bool husk_py_is_record_class(PyObject *x)
{
    return PyObject_TypeCheck(x, husk_py.meta_type);
}

const husk_type *husk_py_type_of(PyObject *declared)
{
    return husk_py_is_record_class(declared) ? ((record_class *)declared)->type
                                             : husk_py_struct_type(declared);
}

bool husk_py_finalizes(const husk_obj *obj)
{
    size_t id = husk_type_id(husk_obj_type(obj));
    PyObject *known = id < husk_py.class_room ? (PyObject *)husk_py.classes[id] : NULL;
    return known && husk_py_is_record_class(known) && ((record_class *)known)->finalizes;
}

Py_ssize_t husk_py_find_field(const record_class *known, PyObject *name)
{
    for (Py_ssize_t i = 0; i < known->count; i++)
        if (PyTuple_GET_ITEM(known->names, i) == name)
            return i;
    for (Py_ssize_t i = 0; i < known->count; i++)
        if (PyUnicode_Check(name) && PyUnicode_Compare(PyTuple_GET_ITEM(known->names, i), name) == 0)
            return i;
    return -1;
}

/* ---- declaring ---- */

static bool refuse(PyObject *ns, const char *class_name, const char *name, const char *why)
{
    PyObject *key = PyUnicode_FromString(name);
    int has = key ? PyDict_Contains(ns, key) : -1;
    Py_XDECREF(key);
    if (has > 0)
        PyErr_Format(PyExc_TypeError, "record class %.100s cannot define %s: %s", class_name, name, why);
    return has == 0;
}

/* "ClassVar", "ClassVar[int]", "typing.ClassVar[...]": not a field. */
static int is_class_var(PyObject *annotation)
{
    PyObject *text = PyUnicode_Check(annotation) ? PyObject_Str(annotation) : PyObject_Repr(annotation);
    const char *bytes = text ? PyUnicode_AsUTF8(text) : NULL;
    int result = -1;
    if (bytes) {
        size_t length = strcspn(bytes, "[");
        while (length && bytes[length - 1] == ' ')
            length--;
        size_t start = length;
        while (start && bytes[start - 1] != '.' && bytes[start - 1] != ' ')
            start--;
        result = length - start == 8 && !memcmp(bytes + start, "ClassVar", 8);
    }
    Py_XDECREF(text);
    return result;
}

/* A dict of the class's own annotations, or an empty one. */
static PyObject *annotations_of(PyObject *made)
{
#if PY_VERSION_HEX >= 0x030e0000 /* evaluated lazily from 3.14 on; names may not be there yet */
    PyObject *module = PyImport_ImportModule("annotationlib"), *result = NULL;
    PyObject *get = module ? PyObject_GetAttrString(module, "get_annotations") : NULL;
    PyObject *formats = get ? PyObject_GetAttrString(module, "Format") : NULL;
    PyObject *format = formats ? PyObject_GetAttrString(formats, "FORWARDREF") : NULL;
    PyObject *args = format ? PyTuple_Pack(1, made) : NULL,
             *names = args ? Py_BuildValue("{s:O}", "format", format) : NULL;
    if (names)
        result = PyObject_Call(get, args, names);
    Py_XDECREF(names);
    Py_XDECREF(args);
    Py_XDECREF(format);
    Py_XDECREF(formats);
    Py_XDECREF(get);
    Py_XDECREF(module);
    return result;
#else
    PyObject *dict = ((PyTypeObject *)made)->tp_dict, *found = PyDict_GetItemString(dict, "__annotations__");
    return found && PyDict_Check(found) ? Py_NewRef(found) : PyDict_New();
#endif
}

/* The record base with the most fields, which the others have to agree with. */
static record_class *parent_of(PyTypeObject *made)
{
    record_class *parent = NULL;
    PyObject *bases = made->tp_bases;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (husk_py_is_record_class(base) && (!parent || ((record_class *)base)->count > parent->count))
            parent = (record_class *)base;
    }
    for (Py_ssize_t i = 0; parent && i < PyTuple_GET_SIZE(bases); i++) {
        record_class *base = (record_class *)PyTuple_GET_ITEM(bases, i);
        if (!husk_py_is_record_class((PyObject *)base))
            continue;
        for (Py_ssize_t k = 0; k < base->count; k++) {
            if (PyUnicode_Compare(PyTuple_GET_ITEM(base->names, k), PyTuple_GET_ITEM(parent->names, k)) !=
                0) {
                PyErr_Format(PyExc_TypeError, "record class %.100s: the fields of %.100s and %.100s differ",
                             husk_py_name(made), husk_py_name((PyTypeObject *)parent),
                             husk_py_name((PyTypeObject *)base));
                return NULL;
            }
        }
    }
    return parent;
}

static bool check_field_name(const record_class *made, PyObject *name)
{
    if (PyUnicode_CheckExact(name) && PyUnicode_GET_LENGTH(name) && PyUnicode_IsIdentifier(name) == 1) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(name);
        bool special = length > 4 && PyUnicode_READ_CHAR(name, 0) == '_' &&
                       PyUnicode_READ_CHAR(name, 1) == '_' && PyUnicode_READ_CHAR(name, length - 1) == '_' &&
                       PyUnicode_READ_CHAR(name, length - 2) == '_';
        if (!special)
            return true;
    }
    PyErr_Format(PyExc_TypeError, "record class %.100s: a field cannot be called %R",
                 husk_py_name((PyTypeObject *)made), name);
    return false;
}

/* The value of a class attribute with the name of a field; NULL without an exception: there is none. */
static bool take_default(record_class *made, PyObject *name, PyObject **out)
{
    PyObject *found = PyDict_GetItemWithError(((PyTypeObject *)made)->tp_dict, name);
    *out = NULL;
    if (!found)
        return !PyErr_Occurred();
    if (found != Py_None && Py_TYPE(found)->tp_hash == PyObject_HashNotImplemented) {
        PyErr_Format(PyExc_ValueError,
                     "record class %.100s: the default of field '%U' is a %.100s, which all records "
                     "would share; set it in __init__",
                     husk_py_name((PyTypeObject *)made), name, husk_py_name(Py_TYPE(found)));
        return false;
    }
    if (PyObject_HasAttrString((PyObject *)Py_TYPE(found), "__get__")) {
        PyErr_Format(PyExc_TypeError, "record class %.100s: '%U' is a field, and also a %.100s",
                     husk_py_name((PyTypeObject *)made), name, husk_py_name(Py_TYPE(found)));
        return false;
    }
    *out = Py_NewRef(found);
    return true;
}

/* Sorts the annotations into the class: names and defaults of all fields, inherited ones first. `own` is how many
 * are new. */
static bool collect_fields(record_class *made, const record_class *parent, PyObject *annotations,
                           Py_ssize_t *own)
{
    PyObject *name, *annotation, *names = PyList_New(0);
    Py_ssize_t at = 0, inherited = parent->count;
    bool good = names != NULL;
    made->defaults = PyMem_Calloc((size_t)(inherited + PyDict_GET_SIZE(annotations)) + 1, sizeof(PyObject *));
    good = good && made->defaults;
    for (Py_ssize_t i = 0; good && i < inherited; i++) {
        good = PyList_Append(names, PyTuple_GET_ITEM(parent->names, i)) == 0;
        made->defaults[i] = Py_XNewRef(parent->defaults[i]);
    }
    while (good && PyDict_Next(annotations, &at, &name, &annotation)) {
        int skip = is_class_var(annotation);
        if (skip > 0)
            continue;
        PyObject *preset = NULL;
        good = skip == 0 && check_field_name(made, name) && take_default(made, name, &preset);
        if (!good)
            break;
        Py_ssize_t index =
            husk_py_find_field(parent, name); /* declared again: a narrower type, perhaps a default */
        if (index < 0) {
            index = PyList_GET_SIZE(names);
            good = PyList_Append(names, name) == 0;
        }
        if (preset)
            Py_XSETREF(made->defaults[index], preset);
    }
    made->names = good ? PyList_AsTuple(names) : NULL;
    Py_XDECREF(names);
    if (!made->names) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        return false;
    }
    made->count = PyTuple_GET_SIZE(made->names);
    for (Py_ssize_t i = 0; i < made->count; i++)
        made->preset += made->defaults[i] && made->defaults[i] != Py_None;
    *own = made->count - inherited;
    return true;
}

static bool declare(record_class *made)
{
    const char **fields = PyMem_Calloc((size_t)made->count + 1, sizeof(char *));
    bool good = fields != NULL;
    for (Py_ssize_t i = 0; good && i < made->count; i++)
        good = (fields[i] = PyUnicode_AsUTF8(PyTuple_GET_ITEM(made->names, i))) != NULL;
    if (good) {
        husk_status status =
            husk_record_type(husk_py_name((PyTypeObject *)made), fields, (size_t)made->count,
                             made->finalizes ? husk_py_on_finalize : NULL, made, &made->type);
        good = status == HUSK_OK;
        if (!good)
            husk_py_fail(status, "%s", husk_message());
    } else if (!PyErr_Occurred()) {
        PyErr_NoMemory();
    }
    PyMem_Free(fields);
    return good;
}

bool husk_py_publish(const husk_type *type, PyTypeObject *class)
{
    size_t id = husk_type_id(type);
    if (id >= husk_py.class_room) {
        size_t room = id + 64;
        PyTypeObject **classes = PyMem_Realloc(husk_py.classes, room * sizeof(PyTypeObject *));
        if (!classes) {
            PyErr_NoMemory();
            return false;
        }
        memset(classes + husk_py.class_room, 0, (room - husk_py.class_room) * sizeof(PyTypeObject *));
        husk_py.classes = classes;
        husk_py.class_room = room;
    }
    husk_py.classes[id] = (PyTypeObject *)Py_NewRef((PyObject *)class);
    return true;
}

static bool set_attribute(record_class *made, PyObject *name, PyObject *value)
{
    return PyType_Type.tp_setattro((PyObject *)made, name, value) == 0;
}

static bool add_descriptors(record_class *made, const record_class *parent, Py_ssize_t own)
{
    made->getsets = PyMem_Calloc((size_t)own + 1, sizeof(PyGetSetDef));
    if (!made->getsets) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < made->count; i++) {
        PyObject *name = PyTuple_GET_ITEM(made->names, i), *descriptor;
        if (i < parent->count) { /* a default in the class would hide the inherited descriptor */
            descriptor = PyDict_GetItemWithError(((PyTypeObject *)made)->tp_dict, name);
            if (descriptor && !set_attribute(made, name, NULL))
                return false;
            if (PyErr_Occurred())
                return false;
            continue;
        }
        PyGetSetDef *one = &made->getsets[i - parent->count];
        one->name = PyUnicode_AsUTF8(name);
        one->get = husk_py_field_get;
        one->set = husk_py_field_set;
        one->closure = (void *)(uintptr_t)i;
        descriptor = one->name ? PyDescr_NewGetSet((PyTypeObject *)made, one) : NULL;
        bool good = descriptor && set_attribute(made, name, descriptor);
        Py_XDECREF(descriptor);
        if (!good)
            return false;
    }
    PyObject *fields = PyUnicode_InternFromString("__fields__"),
             *match = PyUnicode_InternFromString("__match_args__");
    bool good = fields && match && set_attribute(made, fields, made->names);
    if (good && !PyDict_Contains(((PyTypeObject *)made)->tp_dict, match))
        good = set_attribute(made, match, made->names);
    Py_XDECREF(fields);
    Py_XDECREF(match);
    return good;
}

/* Nothing that a proxy would have to keep. */
static bool check_layout(PyTypeObject *made)
{
    if (!PyType_IsSubtype(made, base_type)) {
        PyErr_Format(PyExc_TypeError, "record class %.100s does not derive from husk.Record",
                     husk_py_name(made));
        return false;
    }
    if (made->tp_basicsize == base_type->tp_basicsize && !made->tp_dictoffset && !made->tp_del &&
        made->tp_finalize == base_type->tp_finalize)
        return true;
    PyErr_Format(
        PyExc_TypeError,
        "record class %.100s inherits attributes of its own or __del__: a base that is no record class needs "
        "__slots__ = ()",
        husk_py_name(made));
    return false;
}

static bool set_up(record_class *made, bool root)
{
    PyTypeObject *type = (PyTypeObject *)made;
    type->tp_dealloc = husk_py_proxy_dealloc;
    type->tp_traverse = husk_py_proxy_traverse;
    type->tp_clear = husk_py_proxy_clear;
    if (root) {
        made->names = PyTuple_New(0);
        made->defaults = PyMem_Calloc(1, sizeof(PyObject *));
        return made->names && made->defaults;
    }
    Py_ssize_t own = 0;
    record_class *parent = check_layout(type) ? parent_of(type) : NULL;
    PyObject *annotations = parent ? annotations_of((PyObject *)made) : NULL;
    bool good = annotations && collect_fields(made, parent, annotations, &own);
    Py_XDECREF(annotations);
    if (good) /* asking would forget the exception */
        made->finalizes = PyObject_HasAttrString((PyObject *)made, "__finalize__");
    good = good && add_descriptors(made, parent, own) && declare(made) && husk_py_publish(made->type, type);
    if (good) {
        type->tp_vectorcall = husk_py_record_vectorcall;
        husk_py.finalizing |= made->finalizes;
    }
    return good;
}

static PyObject *meta_new(PyTypeObject *meta, PyObject *args, PyObject *keywords)
{
    PyObject *name, *bases, *ns;
    if (!PyArg_ParseTuple(args, "UO!O!:RecordType", &name, &PyTuple_Type, &bases, &PyDict_Type, &ns))
        return NULL;
    const char *shown = PyUnicode_AsUTF8(name);
    bool root = !husk_py.record_type;
    if (!shown || !(root || refuse(ns, shown, "__slots__", "the annotations are its fields")) ||
        !refuse(ns, shown, "__del__",
                "that would be the end of a proxy; __finalize__ is the end of the record") ||
        !refuse(ns, shown, "__new__", "__init__ can do it"))
        return NULL;
    PyObject *copy = PyDict_Copy(ns), *slots = PyTuple_New(0), *given = NULL, *made = NULL;
    if (copy && slots && PyDict_SetItemString(copy, "__slots__", slots) == 0)
        given = PyTuple_Pack(3, name, bases, copy);
    if (given)
        made = PyType_Type.tp_new(meta, given, keywords);
    Py_XDECREF(given);
    Py_XDECREF(slots);
    Py_XDECREF(copy);
    if (made && !set_up((record_class *)made, root))
        Py_CLEAR(made);
    return made;
}

static int meta_setattro(PyObject *self, PyObject *name, PyObject *value)
{
    record_class *known = (record_class *)self;
    if (known->type && PyUnicode_Check(name)) {
        const char *what = NULL;
        if (husk_py_find_field(known, name) >= 0)
            what = "it is a field";
        else if (!PyUnicode_CompareWithASCIIString(name, "__del__") ||
                 !PyUnicode_CompareWithASCIIString(name, "__new__"))
            what = "a record class cannot have it";
        else if (!PyUnicode_CompareWithASCIIString(name, "__finalize__") && !known->finalizes)
            what = "it has to be there when the class is made";
        if (what) {
            PyErr_Format(PyExc_AttributeError, "%.100s.%U cannot be set: %s",
                         husk_py_name((PyTypeObject *)self), name, what);
            return -1;
        }
    }
    return PyType_Type.tp_setattro(self, name, value);
}

static int meta_traverse(PyObject *self, visitproc visit, void *arg)
{
    record_class *known = (record_class *)self;
    Py_VISIT(known->names);
    for (Py_ssize_t i = 0; known->defaults && i < known->count; i++)
        Py_VISIT(known->defaults[i]);
    return PyType_Type.tp_traverse(self, visit, arg);
}

static int meta_clear(PyObject *self)
{
    return PyType_Type.tp_clear(self);
}

/* Only of a class that could not be made: the others are kept by publish. */
static void meta_dealloc(PyObject *self)
{
    record_class *known = (record_class *)self;
    PyGetSetDef *getsets = known->getsets;
    Py_CLEAR(known->names);
    for (Py_ssize_t i = 0; known->defaults && i < known->count; i++)
        Py_CLEAR(known->defaults[i]);
    PyMem_Free(known->defaults);
    known->defaults = NULL;
    PyType_Type.tp_dealloc(self);
    PyMem_Free(getsets);
}

/* ---- the metaclass ---- */

bool husk_py_make_record_meta(PyTypeObject *base)
{
    static PyType_Slot meta_slots[] = {
        { Py_tp_doc, "The class of record classes: see husk.Record." },
        { Py_tp_new, meta_new },
        { Py_tp_setattro, meta_setattro },
        { Py_tp_traverse, meta_traverse },
        { Py_tp_clear, meta_clear },
        { Py_tp_dealloc, meta_dealloc },
        { 0, NULL },
    };
    static PyType_Spec meta_spec = {
        .name = "husk.RecordType",
        .basicsize = sizeof(record_class),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
        .slots = meta_slots,
    };
    base_type = base;
    husk_py.meta_type = (PyTypeObject *)PyType_FromSpecWithBases(&meta_spec, (PyObject *)&PyType_Type);
    return husk_py.meta_type != NULL;
}
