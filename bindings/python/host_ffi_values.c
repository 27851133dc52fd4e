/* bindings/python/host_ffi_values.c: arguments of callbacks as Python values, and results back. */
#include "host_ffi.h"

#include <string.h>

static const husk_ffi_type *plain(const husk_ffi_type *type)
{
    return husk_ffi_type_kind(type) == HUSK_FFI_ENUM ? husk_ffi_type_element(type) : type;
}

bool husk_py_ffi_check(const husk_ffi_type *function)
{
    if (husk_ffi_type_kind(function) != HUSK_FFI_FUNCTION) {
        PyErr_SetString(husk_py_ffi_error(HUSK_EINVAL),
                        "husk.ffi: a function type expected, as in int(ptr,ptr)");
        return false;
    }
    husk_ffi_kind result = husk_ffi_type_kind(husk_ffi_type_result(function));
    if (result == HUSK_FFI_STR) {
        PyErr_SetString(husk_py_ffi_error(HUSK_EINVAL),
                        "husk.ffi: nobody would own the bytes of a str result: say ptr, and keep them");
        return false;
    }
    bool refs = result == HUSK_FFI_REF;
    for (size_t i = 0; i < husk_ffi_type_count(function); i++)
        refs = refs || husk_ffi_type_kind(husk_ffi_type_param(function, i)) == HUSK_FFI_REF;
    if (refs)
        PyErr_SetString(husk_py_ffi_error(HUSK_EINVAL),
                        "husk.ffi: a ref does not say of which heap it is: callbacks of Python take ptr");
    return !refs;
}

PyObject *husk_py_ffi_from(const husk_ffi_type *type, const void *at)
{
    int64_t whole = 0;
    double number = 0;
    void *pointer = NULL;
    type = plain(type);
    switch (husk_ffi_type_kind(type)) {
    case HUSK_FFI_BOOL:
        return PyBool_FromLong(*(const bool *)at);
    case HUSK_FFI_U64:
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)at);
    case HUSK_FFI_F32:
    case HUSK_FFI_F64:
        husk_ffi_double_read(type, at, &number);
        return PyFloat_FromDouble(number);
    case HUSK_FFI_STR:
        memcpy(&pointer, at, sizeof pointer);
        if (!pointer)
            Py_RETURN_NONE;
        return PyUnicode_DecodeUTF8(pointer, (Py_ssize_t)strlen(pointer), "surrogateescape");
    case HUSK_FFI_POINTER:
        memcpy(&pointer, at, sizeof pointer);
        return PyLong_FromVoidPtr(pointer);
    case HUSK_FFI_STRUCT:
        return PyBytes_FromStringAndSize(at, (Py_ssize_t)husk_ffi_type_size(type));
    default:
        husk_ffi_integer_read(type, at, &whole);
        return PyLong_FromLongLong(whole);
    }
}

static bool take_integer(const husk_ffi_type *type, PyObject *value, void *at, const char *what)
{
    PyObject *whole = PyNumber_Index(value);
    if (!whole)
        return false;
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(whole, &overflow);
    husk_status status = HUSK_ERANGE;
    if (overflow == 0) {
        status = husk_ffi_integer_write(type, at, number);
    } else if (overflow > 0) {
        unsigned long long large = PyLong_AsUnsignedLongLong(whole);
        if (!PyErr_Occurred())
            status = husk_ffi_unsigned_write(type, at, large);
        PyErr_Clear();
    }
    Py_DECREF(whole);
    if (status == HUSK_OK)
        return true;
    PyErr_Format(husk_py_ffi_error(HUSK_ERANGE), "%s: %R is no %s", what, value,
                 husk_ffi_kind_name(husk_ffi_type_kind(type)));
    return false;
}

static bool take_pointer(PyObject *value, void *at)
{
    void *pointer = NULL;
    if (value != Py_None) {
        PyObject *whole = PyNumber_Index(value);
        pointer = whole ? PyLong_AsVoidPtr(whole) : NULL;
        Py_XDECREF(whole);
        if (PyErr_Occurred())
            return false;
    }
    memcpy(at, &pointer, sizeof pointer);
    return true;
}

static bool take_struct(const husk_ffi_type *type, PyObject *value, void *at, const char *what)
{
    Py_buffer bytes;
    size_t size = husk_ffi_type_size(type);
    if (PyObject_GetBuffer(value, &bytes, PyBUF_SIMPLE) != 0)
        return false;
    bool fits = (size_t)bytes.len == size;
    if (fits)
        memcpy(at, bytes.buf, size);
    else
        PyErr_Format(husk_py_ffi_error(HUSK_EINVAL), "%s: %zd bytes for a struct of %zu", what, bytes.len,
                     size);
    PyBuffer_Release(&bytes);
    return fits;
}

bool husk_py_ffi_to(const husk_ffi_type *type, PyObject *value, void *at, const char *what)
{
    type = plain(type);
    husk_ffi_kind kind = husk_ffi_type_kind(type);
    double number;
    int truth;
    switch (kind) {
    case HUSK_FFI_VOID:
        return true;
    case HUSK_FFI_BOOL:
        truth = PyObject_IsTrue(value);
        *(bool *)at = truth > 0;
        return truth >= 0;
    case HUSK_FFI_F32:
    case HUSK_FFI_F64:
        number = PyFloat_AsDouble(value);
        if (number == -1.0 && PyErr_Occurred())
            return false;
        if (husk_ffi_double_write(type, at, number) == HUSK_OK)
            return true;
        PyErr_Format(husk_py_ffi_error(HUSK_ERANGE), "%s: %R is no %s", what, value,
                     husk_ffi_kind_name(kind));
        return false;
    case HUSK_FFI_POINTER:
        return take_pointer(value, at);
    case HUSK_FFI_STRUCT:
        return take_struct(type, value, at, what);
    default:
        return take_integer(type, value, at, what);
    }
}
