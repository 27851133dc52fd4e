/* bindings/python/host_values.c: values of a slot as Python objects, and back.
 *
 * None, bool, int (64 bits), float and str of exactly these classes become values of the heap; objects of the
 * heap become references. Everything else, an int beyond 64 bits too, goes into a box and comes back as the
 * very same object. */
#include "host.h"

/* A str is UTF-8 in the heap. Bytes that are not UTF-8 (of another language's making) are read as os.fsdecode
 * does it, and what was read so can be stored again; any other lone surrogate cannot be said in UTF-8. */
PyObject *husk_py_decode(husk_obj *text)
{
    return PyUnicode_DecodeUTF8(husk_text_bytes(text), (Py_ssize_t)husk_text_length(text), "surrogateescape");
}

const char *husk_py_text(PyObject *str, Py_ssize_t *length, PyObject **keep)
{
    *keep = NULL;
    const char *bytes = PyUnicode_AsUTF8AndSize(str, length);
    if (bytes || !PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return bytes;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *raw = PyUnicode_AsEncodedString(str, "utf-8", "surrogateescape");
    PyObject *again =
        raw ? PyUnicode_DecodeUTF8(PyBytes_AS_STRING(raw), PyBytes_GET_SIZE(raw), "surrogateescape") : NULL;
    int same = again ? PyUnicode_Compare(str, again) == 0 : 0;
    Py_XDECREF(again);
    if (!same) {
        Py_XDECREF(raw);
        PyErr_Restore(type, value, trace); /* names the character and where it is */
        return NULL;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    PyErr_Clear();
    *keep = raw;
    *length = PyBytes_GET_SIZE(raw);
    return PyBytes_AS_STRING(raw);
}

static bool still_open(husk_py_heap *home)
{
    return husk_py_open(home, "the object") != NULL;
}

static bool from_made(husk_obj *obj, husk_value *v, husk_obj **made)
{
    *v = husk_ref(obj);
    *made = obj;
    return obj != NULL;
}

static bool from_str(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made)
{
    Py_ssize_t length;
    PyObject *keep;
    const char *bytes = husk_py_text(x, &length, &keep);
    if (!bytes)
        return false;
    husk_obj *text = NULL;
    if (still_open(home)) {
        text = husk_text_new(home->heap, bytes, (size_t)length);
        if (!text)
            husk_py_raise_failure(home);
    }
    Py_XDECREF(keep);
    return from_made(text, v, made);
}

static bool from_proxy(husk_py_heap *home, PyObject *x, husk_value *v)
{
    husk_py_proxy *proxy = (husk_py_proxy *)x;
    husk_obj *obj = husk_py_obj(x);
    if (!obj)
        return false;
    if (proxy->home != home) {
        husk_py_fail(HUSK_EHEAP, "a %.100s of heap '%U' cannot be stored in heap '%U'",
                     husk_py_name(Py_TYPE(x)), proxy->home->name, home->name);
        return false;
    }
    *v = husk_ref(obj);
    return true;
}

/* What is the same kind of thing in a heap; 0: x is no such thing, -1: an exception is set. */
static int from_plain(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made)
{
    if (x == Py_None) {
        *v = husk_nil();
    } else if (PyBool_Check(x)) {
        *v = husk_bool(x == Py_True);
    } else if (PyLong_CheckExact(x)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(x, &overflow);
        if (overflow)
            return 0;
        *v = husk_int(number);
    } else if (PyFloat_CheckExact(x)) {
        *v = husk_float(PyFloat_AS_DOUBLE(x));
    } else if (PyUnicode_CheckExact(x)) {
        return from_str(home, x, v, made) ? 1 : -1;
    } else if (Py_TYPE(x)->tp_dealloc == husk_py_proxy_dealloc || husk_py_is_plain_ref(x)) {
        return from_proxy(home, x, v) ? 1 : -1;
    } else {
        return 0;
    }
    return 1;
}

bool husk_py_to_value_slow(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made)
{
    *made = NULL;
    if (!husk_py_open(home, "the object"))
        return false;
    if (PyLong_CheckExact(x)) { /* the most frequent come first */
        int overflow;
        *v = husk_int(PyLong_AsLongLongAndOverflow(x, &overflow));
        if (!overflow)
            return true;
    }
    int found = from_plain(home, x, v, made);
    return found ? found > 0 : from_made(husk_py_box(home, x), v, made);
}

bool husk_py_to_key(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made)
{
    *made = NULL;
    if (!still_open(home))
        return false;
    int found = x == Py_None ? 0 : from_plain(home, x, v, made);
    if (found)
        return found > 0;
    if (PyLong_Check(x)) { /* of a derived class, which is the same key as the number; or too large */
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(x, &overflow);
        if (overflow) {
            PyErr_Format(PyExc_OverflowError, "key %S is beyond 64 bits", x);
            return false;
        }
        *v = husk_int(number);
    } else if (PyFloat_Check(x)) {
        *v = husk_float(PyFloat_AS_DOUBLE(x));
    } else if (PyUnicode_Check(x)) {
        return from_str(home, x, v, made);
    } else {
        PyErr_Format(PyExc_TypeError, "keys are bool, int, float, str and objects of the heap, not %.100s",
                     husk_py_name(Py_TYPE(x)));
        return false;
    }
    return true;
}

PyObject *husk_py_from_value_slow(husk_py_heap *home, husk_value v)
{
    switch (v.tag) {
    case HUSK_BOOL:
        return PyBool_FromLong(v.as.b != 0);
    case HUSK_INT:
        return PyLong_FromLongLong(v.as.i);
    case HUSK_FLOAT:
        return PyFloat_FromDouble(v.as.f);
    case HUSK_OBJ:
        return husk_py_wrap(home, v.as.o, false);
    default:
        Py_RETURN_NONE;
    }
}
