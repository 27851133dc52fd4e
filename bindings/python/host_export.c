/* bindings/python/host_export.c: snapshots in the forms that other programs read, and reports, for husk/tracemalloc.py.
 *
 * A target is a path (bytes), which is written with the interpreter lock given up, or something that is called with each
 * piece: an exception of it ends the export. */
#include "host.h"

typedef struct target {
    const char *path;   /* NULL: a callable */
    PyObject *callable; /* borrowed */
} target;

static bool arg_target(PyObject *x, target *out)
{
    *out = (target){ PyBytes_Check(x) ? PyBytes_AS_STRING(x) : NULL, x };
    if (out->path || PyCallable_Check(x))
        return true;
    PyErr_Format(PyExc_TypeError, "husk.tracemalloc: a path or a callable expected, got %.100s",
                 husk_py_name(Py_TYPE(x)));
    return false;
}

/* A husk_write_fn. */
static bool write_piece(const void *bytes, size_t length, void *data)
{
    PyObject *piece = PyBytes_FromStringAndSize(bytes, (Py_ssize_t)length);
    PyObject *done = piece ? PyObject_CallOneArg(data, piece) : NULL;
    Py_XDECREF(piece);
    Py_XDECREF(done);
    return done != NULL;
}

static PyObject *result_of(husk_status status)
{
    if (PyErr_Occurred())
        return NULL;
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise_plain(status);
}

/* A text or None; false: an exception is set. */
static bool arg_optional(PyObject *x, const char **out, PyObject **keep)
{
    *out = NULL;
    *keep = NULL;
    return x == Py_None || (*out = husk_py_arg_text(x, "husk.tracemalloc", keep));
}

/* _export(snapshot, format, target, flags, by, top, max_bytes, title, /) */
static PyObject *export_one(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_export_options options = { HUSK_EXPORT_OPTIONS };
    uint64_t flags, top, max_bytes;
    PyObject *keep_format = NULL, *keep_by = NULL, *keep_title = NULL, *result = NULL;
    const char *format;
    target to;
    (void)module;
    if (!husk_py_want_args(count, 9, "_export"))
        return NULL;
    husk_py_snapshot *snapshot = husk_py_arg_snapshot(args[0]);
    if (!snapshot || !arg_target(args[2], &to) ||
        !husk_py_arg_unsigned(args[3], "tracemalloc", UINT32_MAX, &flags) ||
        !husk_py_arg_unsigned(args[5], "tracemalloc", SIZE_MAX, &top) ||
        !husk_py_arg_unsigned(args[6], "tracemalloc", SIZE_MAX, &max_bytes))
        return NULL;
    options.flags = (uint32_t)flags;
    options.top = top;
    options.max_bytes = max_bytes;
    husk_filter *filter = NULL;
    if (args[8] != Py_None && !husk_py_make_filter(args[8], &filter))
        return NULL;
    options.filter = filter;
    if ((format = husk_py_arg_text(args[1], "husk.tracemalloc", &keep_format)) &&
        arg_optional(args[4], &options.by, &keep_by) && arg_optional(args[7], &options.title, &keep_title)) {
        husk_status status;
        snapshot->readers++;
        if (to.path) {
            HUSK_PY_WORK_BEGIN;
            status = husk_export_file(snapshot->snapshot, format, &options, to.path);
            HUSK_PY_WORK_END;
        } else {
            status = husk_export(snapshot->snapshot, format, &options, write_piece, to.callable);
        }
        snapshot->readers--;
        result = result_of(status);
    }
    husk_filter_free(filter);
    Py_XDECREF(keep_format);
    Py_XDECREF(keep_by);
    Py_XDECREF(keep_title);
    return result;
}

/* Snapshots and their names, as the library takes them. */
typedef struct shown {
    Py_ssize_t count;
    const husk_snapshot **snapshots;
    const char **names;
    PyObject **keep;
} shown;

static void shown_free(shown *all)
{
    for (Py_ssize_t i = 0; all->keep && i < all->count; i++)
        Py_XDECREF(all->keep[i]);
    PyMem_Free((void *)all->snapshots);
    PyMem_Free((void *)all->names);
    PyMem_Free(all->keep);
}

/* snapshots: a tuple; names: another one, as long, or None. */
static bool shown_fill(shown *all, PyObject *snapshots, PyObject *names)
{
    bool named = names != Py_None;
    if (!PyTuple_Check(snapshots) ||
        (named && (!PyTuple_Check(names) || PyTuple_GET_SIZE(names) != PyTuple_GET_SIZE(snapshots)))) {
        PyErr_SetString(PyExc_TypeError, "husk.tracemalloc: snapshots and a name for each expected");
        return false;
    }
    all->count = PyTuple_GET_SIZE(snapshots);
    size_t room = (size_t)all->count + 1;
    all->snapshots = PyMem_Calloc(room, sizeof *all->snapshots);
    all->names = PyMem_Calloc(room, sizeof *all->names);
    all->keep = PyMem_Calloc(room, sizeof *all->keep);
    if (!all->snapshots || !all->names || !all->keep) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < all->count; i++) {
        husk_py_snapshot *one = husk_py_arg_snapshot(PyTuple_GET_ITEM(snapshots, i));
        if (!one)
            return false;
        all->snapshots[i] = one->snapshot;
        if (named && !(all->names[i] = husk_py_arg_text(PyTuple_GET_ITEM(names, i),
                                                        "husk.tracemalloc.report()", &all->keep[i])))
            return false;
    }
    return true;
}

static void count_readers(PyObject *snapshots, int more)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(snapshots); i++)
        ((husk_py_snapshot *)PyTuple_GET_ITEM(snapshots, i))->readers += more;
}

/* _report(snapshots, target, title, names, max_bytes, /) */
static PyObject *report(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_report_options options = { HUSK_REPORT_OPTIONS };
    shown all = { 0 };
    uint64_t max_bytes;
    PyObject *keep = NULL, *result = NULL;
    target to;
    (void)module;
    if (!husk_py_want_args(count, 5, "_report") || !arg_target(args[1], &to) ||
        !husk_py_arg_unsigned(args[4], "tracemalloc.report", SIZE_MAX, &max_bytes))
        return NULL;
    if (arg_optional(args[2], &options.title, &keep) && shown_fill(&all, args[0], args[3])) {
        husk_status status;
        size_t number = (size_t)all.count;
        options.max_bytes = max_bytes;
        options.names = args[3] == Py_None ? NULL : all.names;
        count_readers(args[0], 1);
        if (to.path) {
            HUSK_PY_WORK_BEGIN;
            status = husk_report_file(all.snapshots, number, &options, to.path);
            HUSK_PY_WORK_END;
        } else {
            status = husk_report(all.snapshots, number, &options, write_piece, to.callable);
        }
        count_readers(args[0], -1);
        result = result_of(status);
    }
    Py_XDECREF(keep);
    shown_free(&all);
    return result;
}

/* A list of (name, suffix, about). */
static PyObject *export_formats(PyObject *module, PyObject *none)
{
    const char *name;
    PyObject *list = PyList_New(0);
    (void)module;
    (void)none;
    for (size_t i = 0; list && (name = husk_export_format(i)); i++) {
        PyObject *row = Py_BuildValue("(sss)", name, husk_export_suffix(name), husk_export_about(name));
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* _export_guess(path, /): the form that a file of this name (bytes) would have, or None. */
static PyObject *export_guess(PyObject *module, PyObject *x)
{
    (void)module;
    if (!PyBytes_Check(x))
        return PyErr_Format(PyExc_TypeError, "husk.tracemalloc: a path expected");
    const char *found = husk_export_guess(PyBytes_AS_STRING(x));
    return found ? PyUnicode_FromString(found) : Py_NewRef(Py_None);
}

bool husk_py_add_exports(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef functions[] = {
        { "_export", FAST(export_one), METH_FASTCALL, NULL },
        { "_report", FAST(report), METH_FASTCALL, NULL },
        { "_export_formats", export_formats, METH_NOARGS, NULL },
        { "_export_guess", export_guess, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    return PyModule_AddFunctions(module, functions) == 0;
}
