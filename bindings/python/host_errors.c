/* bindings/python/host_errors.c: the exceptions, one for each status, and the arguments of generated calls.
 *
 * husk.Error is their base; each derives from the builtin that a Python programmer would catch as well, and has
 * the status as `status` and `code` (class attributes). A wrong type of argument is a plain TypeError. */
#include "host.h"

#include <stdio.h>

enum { MOST_BASES = 2 };

/* clang-format off */
static const struct {
    husk_status status;
    const char *name, *doc;
    PyObject **bases[MOST_BASES];
} rows[] = {
    { HUSK_ENOMEM, "husk.OutOfMemoryError", "The system refused memory.", { &PyExc_MemoryError, NULL } },
    { HUSK_ELIMIT, "husk.LimitError", "The heap's max_bytes is reached.", { &PyExc_MemoryError, NULL } },
    { HUSK_EBUSY, "husk.BusyError", "Not possible while a pass or a hook runs.", { &PyExc_RuntimeError, NULL } },
    { HUSK_EINVAL, "husk.InvalidError", "An argument is not valid.", { &PyExc_ValueError, NULL } },
    { HUSK_ERANGE, "husk.RangeError", "A number is out of range.", { &PyExc_IndexError, &PyExc_ValueError } },
    { HUSK_ETYPE, "husk.KindError", "The object is of another type.", { &PyExc_TypeError, NULL } },
    { HUSK_EHEAP, "husk.OtherHeapError", "The object belongs to another heap.", { &PyExc_ValueError, NULL } },
    { HUSK_ESTATE, "husk.StateError", "Not possible in the present state.", { &PyExc_RuntimeError, NULL } },
    { HUSK_EMISSING, "husk.MissingError", "There is no such entry.", { &PyExc_KeyError, NULL } },
    { HUSK_ECORRUPT, "husk.CorruptError", "The heap is damaged.", { &PyExc_RuntimeError, NULL } },
    { HUSK_EHOOK, "husk.HookError", "A hook of the program failed; __cause__ is its exception.",
      { &PyExc_RuntimeError, NULL } },
    { HUSK_EIO, "husk.FileError", "The system refused a file or a question.", { &PyExc_OSError, NULL } },
    { HUSK_EFORMAT, "husk.FormatError", "A file is not what it should be.", { &PyExc_ValueError, NULL } },
};
/* clang-format on */

enum { ROWS = sizeof rows / sizeof *rows };

static PyObject *error_class, *closed_class, *classes[ROWS];

PyObject *husk_py_error(void)
{
    return error_class;
}

PyObject *husk_py_closed(void)
{
    return closed_class;
}

PyObject *husk_py_error_of(husk_status status)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].status == status)
            return classes[i];
    return error_class;
}

PyObject *husk_py_fail(husk_status status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    PyErr_FormatV(husk_py_error_of(status), format, values);
    va_end(values);
    return NULL;
}

PyObject *husk_py_fail_closed(husk_py_heap *home, const char *what)
{
    return PyErr_Format(closed_class, "%.100s: heap '%U' is closed", what, home->name);
}

PyObject *husk_py_raise(husk_py_heap *home, husk_status status)
{
    const char *text = "";
    if (home->heap && husk_heap_failure(home->heap) == status)
        text = husk_heap_message(home->heap);
    husk_py_fail(status, "%s", text && *text ? text : husk_status_text(status));
    if (home->heap)
        husk_heap_clear_failure(home->heap);
    husk_py_leave();
    return NULL;
}

PyObject *husk_py_raise_plain(husk_status status)
{
    const char *text = husk_message();
    return husk_py_fail(status, "%s", *text ? text : husk_status_text(status));
}

PyObject *husk_py_raise_failure(husk_py_heap *home)
{
    husk_status status = husk_heap_failure(home->heap);
    return husk_py_raise(home, status == HUSK_OK ? HUSK_ENOMEM : status);
}

const char *husk_py_name(const PyTypeObject *type)
{
    const char *dot = strrchr(type->tp_name, '.');
    return dot ? dot + 1 : type->tp_name;
}

/* ---- arguments of the generated calls ---- */

/* "Heap_trim" becomes "Heap.trim()"; "Obj_getsizeof" and "version" become functions. */
static const char *shown_name(const char *function, char *room, size_t size)
{
    if (!strncmp(function, "Heap_", 5))
        snprintf(room, size, "Heap.%s()", function + 5);
    else
        snprintf(room, size, "husk.%s()", strncmp(function, "Obj_", 4) ? function : function + 4);
    return room;
}

husk_heap *husk_py_arg_heap(PyObject *arg, const char *function)
{
    char name[80];
    if (!PyObject_TypeCheck(arg, husk_py.heap_type)) {
        PyErr_Format(PyExc_TypeError, "%s: a Heap expected, got %.100s",
                     shown_name(function, name, sizeof name), husk_py_name(Py_TYPE(arg)));
        return NULL;
    }
    return husk_py_open((husk_py_heap *)arg, shown_name(function, name, sizeof name));
}

husk_obj *husk_py_arg_obj(PyObject *arg, const char *function)
{
    char name[80];
    if (!husk_py_is_proxy(arg)) {
        PyErr_Format(PyExc_TypeError, "%s: an object of a heap expected, got %.100s",
                     shown_name(function, name, sizeof name), husk_py_name(Py_TYPE(arg)));
        return NULL;
    }
    return husk_py_obj(arg);
}

static bool want_int(PyObject *arg, const char *function)
{
    char name[80];
    if (PyLong_Check(arg))
        return true;
    PyErr_Format(PyExc_TypeError, "%s: an int expected, got %.100s", shown_name(function, name, sizeof name),
                 husk_py_name(Py_TYPE(arg)));
    return false;
}

static bool out_of_range(PyObject *arg, const char *function)
{
    char name[80];
    PyErr_Format(husk_py_error_of(HUSK_ERANGE), "%s: %S is out of range",
                 shown_name(function, name, sizeof name), arg);
    return false;
}

bool husk_py_arg_unsigned(PyObject *arg, const char *function, uint64_t most, uint64_t *out)
{
    if (!want_int(arg, function))
        return false;
    *out = PyLong_AsUnsignedLongLong(arg);
    if (!PyErr_Occurred() && *out <= most)
        return true;
    PyErr_Clear();
    return out_of_range(arg, function);
}

bool husk_py_arg_signed(PyObject *arg, const char *function, int64_t least, int64_t most, int64_t *out)
{
    int overflow;
    if (!want_int(arg, function))
        return false;
    *out = PyLong_AsLongLongAndOverflow(arg, &overflow);
    return (!overflow && *out >= least && *out <= most) || out_of_range(arg, function);
}

int husk_py_arg_bool(PyObject *arg, const char *function)
{
    return want_int(arg, function) ? PyObject_IsTrue(arg) : -1;
}

/* Instead of SWIG's function of the same shape: counts arguments as a Python programmer does, without the
 * receiver. Returns one more than there are, as SWIG's does. */
Py_ssize_t husk_py_unpack(PyObject *args, const char *name, Py_ssize_t least, Py_ssize_t most, PyObject **out)
{
    char room[80];
    Py_ssize_t count = args ? PyTuple_GET_SIZE(args) : 0 /* METH_NOARGS */, self = !strncmp(name, "Heap_", 5);
    if (count < least || count > most) {
        PyErr_Format(PyExc_TypeError, "%s: %zd argument%s expected, got %zd",
                     shown_name(name, room, sizeof room), least - self, least - self == 1 ? "" : "s",
                     count - self);
        return 0;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        out[i] = PyTuple_GET_ITEM(args, i);
    for (Py_ssize_t i = count; i < most; i++)
        out[i] = NULL;
    return count + 1;
}

/* ---- making the classes ---- */

/* A new class, also in the module under the last part of its name. dict is used up. */
static PyObject *make(PyObject *module, const char *name, const char *doc, PyObject *bases, PyObject *dict)
{
    PyObject *made = dict ? PyErr_NewExceptionWithDoc(name, doc, bases, dict) : NULL;
    Py_XDECREF(dict);
    if (made && PyModule_AddObjectRef(module, strrchr(name, '.') + 1, made) < 0)
        Py_CLEAR(made);
    return made;
}

static bool make_rows(PyObject *module)
{
    for (int i = 0; i < ROWS; i++) {
        PyObject *second = rows[i].bases[1] ? *rows[i].bases[1] : NULL;
        PyObject *bases = second ? PyTuple_Pack(3, error_class, *rows[i].bases[0], second)
                                 : PyTuple_Pack(2, error_class, *rows[i].bases[0]);
        if (!bases)
            return false;
        PyObject *dict = Py_BuildValue("{s:i,s:s}", "status", (int)rows[i].status, "code",
                                       husk_status_name(rows[i].status));
        classes[i] = make(module, rows[i].name, rows[i].doc, bases, dict);
        Py_DECREF(bases);
        if (!classes[i])
            return false;
    }
    return true;
}

bool husk_py_add_errors(PyObject *module)
{
    /* KeyError shows its argument by repr; ours is a sentence. */
    PyObject *str = PyObject_GetAttrString(PyExc_BaseException, "__str__");
    if (!str)
        return false;
    error_class =
        make(module, "husk.Error",
             "A call of husk failed. status and code say how, as in C: -2 and \"HUSK_ELIMIT\".",
             PyExc_Exception, Py_BuildValue("{s:i,s:O,s:N}", "status", 0, "code", Py_None, "__str__", str));
    if (!error_class || !make_rows(module))
        return false;
    closed_class = make(module, "husk.ClosedError", "The heap, or the heap of the object, is closed.",
                        husk_py_error_of(HUSK_ESTATE), PyDict_New());
    return closed_class != NULL;
}
