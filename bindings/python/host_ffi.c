/* bindings/python/host_ffi.c: the class Callback and the module husk._ffi. The picture is in host_ffi.h. */
#include "host_ffi.h"

#include <stdlib.h>

/* ---- being called ---- */

static void run(husk_py_callback *self, void *const *args, size_t count, void *result)
{
    PyObject *given = PyTuple_New((Py_ssize_t)count), *answer = NULL;
    for (size_t i = 0; given && i < count; i++) {
        PyObject *value = husk_py_ffi_from(husk_ffi_type_param(self->type, i), args[i]);
        if (!value)
            Py_CLEAR(given);
        else
            PyTuple_SET_ITEM(given, (Py_ssize_t)i, value);
    }
    PyObject *function = self->function;
    Py_INCREF(function); /* it may close its own callback */
    if (given)
        answer = PyObject_Call(function, given, NULL);
    if (!answer ||
        !husk_py_ffi_to(husk_ffi_type_result(self->type), answer, result, "the result of a callback"))
        husk_py_note_error((PyObject *)self);
    Py_DECREF(function);
    Py_XDECREF(given);
    Py_XDECREF(answer);
}

/* On the thread that made the callback; it may have given the interpreter lock up, as ctypes does. */
static void called(void *data, void *const *args, size_t count, void *result)
{
    husk_py_record *record = data;
    if (husk_py_ffi_ended()) {
        husk_ffi_closure_report(record->closure, HUSK_ESTATE,
                                "called after the interpreter's end, answered with zero");
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    husk_py_callback *self = record->self;
    if (self) {
        PyObject *type, *value, *trace;
        Py_INCREF((PyObject *)self);
        PyErr_Fetch(&type, &value, &trace); /* of a caller that has not looked yet */
        run(self, args, count, result);
        PyErr_Restore(type, value, trace);
        Py_DECREF((PyObject *)self);
    } else { /* closed on another thread, the closure not yet */
        husk_ffi_closure_report(record->closure, HUSK_ESTATE, "called after its end, answered with zero");
    }
    PyGILState_Release(state);
}

/* ---- lives ---- */

static void end(husk_py_callback *self)
{
    husk_py_record *record = self->record;
    if (record) {
        self->record = NULL;
        record->self = NULL;
        husk_py_record_end(record);
    }
    Py_CLEAR(self->function);
}

static int callback_init(PyObject *object, PyObject *args, PyObject *named)
{
    static char *words[] = { "signature", "function", "name", NULL };
    husk_py_callback *self = (husk_py_callback *)object;
    const char *signature, *name = NULL;
    PyObject *function;
    if (self->signature) {
        PyErr_SetString(PyExc_TypeError, "Callback: it has been made already");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, named, "sO|$z:Callback", words, &signature, &function, &name))
        return -1;
    if (!PyCallable_Check(function)) {
        PyErr_Format(PyExc_TypeError, "Callback: a callable expected, got %.100s",
                     Py_TYPE(function)->tp_name);
        return -1;
    }
    husk_py_home *home = husk_py_home_get();
    if (!home)
        return -1;
    const husk_ffi_type *type;
    husk_status status = husk_ffi_parse(home->space, signature, &type);
    if (status != HUSK_OK) {
        husk_py_ffi_raise(status);
        return -1;
    }
    if (husk_ffi_type_kind(type) == HUSK_FFI_POINTER)
        type = husk_ffi_type_element(type);
    PyObject *text = husk_py_ffi_check(type) ? PyUnicode_FromString(signature) : NULL;
    if (!text)
        return -1;
    husk_py_record *record = calloc(1, sizeof *record);
    husk_ffi_closure *closure = NULL;
    status = record
                 ? husk_ffi_closure_new(home->space, type, name, called, record, free, &closure, &self->code)
                 : HUSK_ENOMEM;
    if (status != HUSK_OK) {
        Py_DECREF(text);
        free(record);
        husk_py_ffi_raise(status);
        return -1;
    }
    home->users++;
    *record = (husk_py_record){ .self = self, .home = home, .closure = closure };
    self->record = record;
    self->type = type;
    self->signature = text;
    Py_INCREF(function);
    self->function = function;
    return 0;
}

static int callback_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((husk_py_callback *)object)->function);
    return 0;
}

static int callback_clear(PyObject *object)
{
    end((husk_py_callback *)object);
    return 0;
}

static void callback_dealloc(PyObject *object)
{
    husk_py_callback *self = (husk_py_callback *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weaklist)
        PyObject_ClearWeakRefs(object);
    end(self);
    Py_XDECREF(self->signature);
    type->tp_free(object);
    Py_DECREF((PyObject *)type);
}

/* ---- what a program sees ---- */

static PyObject *callback_close(PyObject *object, PyObject *none)
{
    (void)none;
    end((husk_py_callback *)object);
    husk_py_tell();
    Py_RETURN_NONE;
}

static PyObject *callback_enter(PyObject *object, PyObject *none)
{
    (void)none;
    Py_INCREF(object);
    return object;
}

static PyObject *callback_exit(PyObject *object, PyObject *args)
{
    (void)args;
    return callback_close(object, NULL);
}

static PyObject *callback_address(PyObject *object, void *none)
{
    const husk_py_callback *self = (husk_py_callback *)object;
    (void)none;
    if (self->record)
        return PyLong_FromVoidPtr(self->code);
    PyErr_SetString(husk_py_ffi_error(HUSK_ESTATE), "Callback.address: the callback is closed");
    return NULL;
}

static PyObject *callback_closed(PyObject *object, void *none)
{
    (void)none;
    return PyBool_FromLong(!((husk_py_callback *)object)->record);
}

static PyObject *callback_repr(PyObject *object)
{
    const husk_py_callback *self = (husk_py_callback *)object;
    if (!self->record)
        return PyUnicode_FromFormat("<husk.ffi.Callback %R: closed>",
                                    self->signature ? self->signature : Py_None);
    return PyUnicode_FromFormat("<husk.ffi.Callback %R at %p>", self->signature, self->code);
}

static PyMethodDef callback_methods[] = {
    { "close", callback_close, METH_NOARGS,
      "close($self, /)\n--\n\nEnds the callback and lets the function go; again is fine. C may still call "
      "the "
      "address: it gets\n"
      "zero and a report, until 256 later callbacks have ended and the code is used again." },
    { "__enter__", callback_enter, METH_NOARGS, "Gives the callback itself." },
    { "__exit__", callback_exit, METH_VARARGS, "Closes the callback." },
    { NULL, NULL, 0, NULL },
};
static PyGetSetDef callback_getset[] = {
    { "address", callback_address, NULL,
      "The C function pointer as an int, for ctypes.cast and what else takes addresses. husk.StateError when "
      "closed.",
      NULL },
    { "closed", callback_closed, NULL, "Whether the callback has ended.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};
static PyMemberDef callback_members[] = {
    { "signature", T_OBJECT, offsetof(husk_py_callback, signature), READONLY,
      "The signature as it was given." },
    { "__weaklistoffset__", T_PYSSIZET, offsetof(husk_py_callback, weaklist), READONLY, NULL },
    { NULL, 0, 0, 0, NULL },
};
static const char callback_doc[] = "Callback(signature, function, *, name=None)\n--\n\n"
                                   "A C function pointer that calls a Python function.\n\n"
                                   "signature is a function type (docs/ffi-signatures.md), as in "
                                   "\"int(ptr,ptr)\". The function gets int, float, bool,\n"
                                   "str or None for str, int for pointers (0 for NULL) and bytes for "
                                   "structs, and returns the like; what it returns\n"
                                   "for void is not looked at. name is for reports.\n\n"
                                   "Ownership: the callback owns the function; C owns nothing, so keep the "
                                   "callback as long as C may call. It ends\n"
                                   "by close(), at the end of with, or with its last reference, alone or in "
                                   "a cycle that Python collects.\n\n"
                                   "Errors: husk.InvalidError for a signature that is none (the message has "
                                   "a caret) or that callbacks cannot have;\n"
                                   "TypeError. An exception in the function, or a result that does not fit, "
                                   "cannot pass C: C gets zero, the exception\n"
                                   "goes to sys.unraisablehook and is kept for last_callback_error(). A call "
                                   "after the end is reported likewise, as\n"
                                   "husk.StateError.\n\n"
                                   "Threads: C may call it on the thread that made it, with or without "
                                   "Python's lock. On another thread it is not\n"
                                   "run: C gets zero, and husk.BusyError is reported at the next use of this "
                                   "module. Any thread may close it.";
static PyType_Slot callback_slots[] = {
    { Py_tp_doc, (void *)(uintptr_t)callback_doc },
    { Py_tp_init, callback_init },
    { Py_tp_new, PyType_GenericNew },
    { Py_tp_traverse, callback_traverse },
    { Py_tp_clear, callback_clear },
    { Py_tp_dealloc, callback_dealloc },
    { Py_tp_repr, callback_repr },
    { Py_tp_methods, callback_methods },
    { Py_tp_getset, callback_getset },
    { Py_tp_members, callback_members },
    { 0, NULL },
};
static PyType_Spec callback_spec = { "husk.ffi.Callback", sizeof(husk_py_callback), 0,
                                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, callback_slots };

static PyObject *last_callback_error(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    husk_py_tell();
    PyObject *found = husk_py_last_error();
    if (!found)
        Py_RETURN_NONE;
    Py_INCREF(found);
    return found;
}

static PyObject *clear_callback_error(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    husk_py_tell();
    husk_py_forget_error();
    Py_RETURN_NONE;
}

static PyObject *fields_of(const husk_ffi_type *type)
{
    char text[512];
    size_t count = husk_ffi_type_count(type);
    PyObject *all = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; all && i < count; i++) {
        husk_ffi_field field;
        husk_ffi_type_field(type, i, &field);
        husk_ffi_type_spell(field.type, text, sizeof text);
        PyObject *one = Py_BuildValue("(zsnn)", field.name, text, (Py_ssize_t)field.offset,
                                      (Py_ssize_t)husk_ffi_type_size(field.type));
        if (!one)
            Py_CLEAR(all);
        else
            PyTuple_SET_ITEM(all, (Py_ssize_t)i, one);
    }
    return all;
}

static PyObject *layout(PyObject *module, PyObject *arg)
{
    (void)module;
    const char *text = PyUnicode_AsUTF8(arg);
    husk_py_home *home = text ? husk_py_home_get() : NULL;
    const husk_ffi_type *type;
    if (!home)
        return NULL;
    husk_status status = husk_ffi_parse(home->space, text, &type);
    if (status != HUSK_OK)
        return husk_py_ffi_raise(status);
    husk_ffi_kind kind = husk_ffi_type_kind(type);
    if (kind != HUSK_FFI_STRUCT && kind != HUSK_FFI_UNION) {
        PyErr_SetString(husk_py_ffi_error(HUSK_EINVAL),
                        "husk.ffi.layout: a struct or union expected, as in {x:f64}");
        return NULL;
    }
    PyObject *fields = fields_of(type);
    return fields ? Py_BuildValue("(nnN)", (Py_ssize_t)husk_ffi_type_size(type),
                                  (Py_ssize_t)husk_ffi_type_alignment(type), fields)
                  : NULL;
}

static PyMethodDef functions[] = {
    { "last_callback_error", last_callback_error, METH_NOARGS,
      "last_callback_error()\n--\n\nThe latest exception of a callback, of any thread: what its function "
      "raised, or\n"
      "husk.StateError (called after its end), or husk.BusyError (called on another thread). None: there was "
      "none." },
    { "clear_callback_error", clear_callback_error, METH_NOARGS,
      "clear_callback_error()\n--\n\nForgets the latest exception, and with it the frames that it holds." },
    { "heap_type", husk_py_ffi_heap_type, METH_VARARGS,
      "heap_type(name, struct, /)\n--\n\nA class of objects of a heap that C reads as the struct, as in\n"
      "heap_type(\"Point\", \"{x:f64,next:ref}\"). Its attributes are the fields, in the ranges of their C "
      "types; refs "
      "are\n"
      "counted and visited. Point(1.5, next=p) makes one in husk.default, heap.new(Point, x=1.5) in a heap. "
      "The same\n"
      "name and struct give the same class, which lives as long as the process and cannot be derived "
      "from.\n\n"
      "Errors: husk.InvalidError for a text that is no struct, or has a ref in a union; husk.RangeError." },
    { "address", husk_py_ffi_address, METH_O,
      "address(x, /)\n--\n\nThe address of the struct that an object of a heap type is, or of what a View is "
      "of, as "
      "an int.\n"
      "It keeps nothing alive: keep the object as long as C may look." },
    { "_layout", layout, METH_O, "_layout(text): size, alignment, ((name, type, offset, size), ...)." },
    { NULL, NULL, 0, NULL },
};

static int exec_module(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "husk can be imported in the main interpreter only");
        return -1;
    }
    static PyObject *made; /* once for the process, as what it owns is */
    if (!made && (!husk_py_homes_begin() || !(made = PyType_FromSpec(&callback_spec))))
        return -1;
    return PyModule_AddObjectRef(module, "Callback", made) == 0 && husk_py_ffi_add_types(module) &&
                   husk_py_ffi_add_views(module)
               ? 0
               : -1;
}

PyMODINIT_FUNC PyInit__ffi(void)
{
    static PyModuleDef_Slot slots[] = {
        { Py_mod_exec, exec_module },
#if PY_VERSION_HEX >= 0x030c0000
        { Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED },
#endif
        { 0, NULL },
    };
    static PyModuleDef def = {
        .m_base = PyModuleDef_HEAD_INIT,
        .m_name = "husk._ffi",
        .m_doc = "What husk.ffi is made of; written in C.",
        .m_methods = functions,
        .m_slots = slots,
    };
    return PyModuleDef_Init(&def);
}
