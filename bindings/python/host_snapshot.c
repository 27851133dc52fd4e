/* bindings/python/host_snapshot.c: snapshots as handles of husk/tracemalloc.py: taking, files, and what they hold, one
 * thing at a time as tuples. host_stats.c groups it.
 *
 * A snapshot belongs to no heap. Long work on one gives the interpreter lock up: it never changes but by note(), which
 * waits for nobody and refuses while somebody reads. */
#include "host.h"

static PyTypeObject *snapshot_type;

/* Frames and names, of which a snapshot has each text once, at one address. */
PyObject *husk_py_cached_text(husk_py_texts *texts, const char *text)
{
    size_t slot = ((uintptr_t)text >> 3 ^ (uintptr_t)text >> 11) % HUSK_PY_TEXTS;
    if (texts->strings[slot] && texts->texts[slot] == text)
        return Py_NewRef(texts->strings[slot]);
    PyObject *made = husk_py_bytes_text(text);
    if (made) {
        Py_XSETREF(texts->strings[slot], Py_NewRef(made));
        texts->texts[slot] = text;
    }
    return made;
}

void husk_py_free_texts(husk_py_texts *texts)
{
    for (size_t i = 0; i < HUSK_PY_TEXTS; i++)
        Py_CLEAR(texts->strings[i]);
}

static PyObject *frame_tuple(husk_py_texts *texts, const husk_frame *frame)
{
    PyObject *made = PyTuple_New(3);
    if (!made)
        return NULL;
    const char *file = *frame->file || *frame->function || !*frame->module ? frame->file : frame->module;
    PyTuple_SET_ITEM(made, 0, husk_py_cached_text(texts, *file ? file : "<unknown>"));
    PyTuple_SET_ITEM(made, 1, PyLong_FromUnsignedLong(frame->line));
    PyTuple_SET_ITEM(made, 2, husk_py_cached_text(texts, frame->function));
    if (!PyTuple_GET_ITEM(made, 0) || !PyTuple_GET_ITEM(made, 1) || !PyTuple_GET_ITEM(made, 2))
        Py_CLEAR(made);
    return made;
}

/* (frames, total): the frames newest first; how many there were before the limit cut them. Without any: the unknown
 * place. */
PyObject *husk_py_frames(husk_py_texts *texts, const husk_snapshot *snapshot, uint32_t stack)
{
    static const husk_frame unknown = { .file = "<unknown>", .function = "", .module = "" };
    husk_frame frame;
    size_t depth = husk_snapshot_depth(snapshot, stack), total = husk_snapshot_total_depth(snapshot, stack);
    PyObject *made = PyTuple_New((Py_ssize_t)(depth ? depth : 1));
    for (size_t i = 0; made && i < (depth ? depth : 1); i++) {
        bool known = husk_snapshot_frame(snapshot, stack, 0, &frame);
        PyObject *one = frame_tuple(texts, known ? &frame : &unknown);
        if (one)
            PyTuple_SET_ITEM(made, (Py_ssize_t)i, one);
        else
            Py_CLEAR(made);
        stack = husk_snapshot_caller(snapshot, stack);
    }
    if (!made)
        return NULL;
    return Py_BuildValue("(Nn)", made, (Py_ssize_t)(total ? total : depth ? depth : 1));
}

PyObject *husk_py_one_frame(husk_py_texts *texts, const husk_frame *frame)
{
    return frame_tuple(texts, frame);
}

/* ---- life ---- */

husk_py_snapshot *husk_py_arg_snapshot(PyObject *x)
{
    if (PyObject_TypeCheck(x, snapshot_type))
        return (husk_py_snapshot *)x;
    PyErr_Format(PyExc_TypeError, "a snapshot expected, got %.100s", husk_py_name(Py_TYPE(x)));
    return NULL;
}

static const husk_snapshot *of(PyObject *self)
{
    return ((husk_py_snapshot *)self)->snapshot;
}

static PyObject *wrap(husk_snapshot *snapshot)
{
    husk_py_snapshot *made = PyObject_New(husk_py_snapshot, snapshot_type);
    if (!made) {
        husk_snapshot_free(snapshot);
        return NULL;
    }
    made->snapshot = snapshot;
    made->readers = 0;
    memset(&made->texts, 0, sizeof made->texts);
    return (PyObject *)made;
}

static void snapshot_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    husk_py_free_texts(&((husk_py_snapshot *)self)->texts);
    husk_snapshot_free(((husk_py_snapshot *)self)->snapshot);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

/* The arguments (target, flags, max_bytes): what is taken, and how. *heap may be NULL. False: an exception is set. */
static bool arg_taking(PyObject *const *args, const char *name, husk_heap **heap,
                       husk_snapshot_options *options)
{
    uint64_t flags, max_bytes;
    if (!husk_py_arg_unsigned(args[1], name, UINT32_MAX, &flags) ||
        !husk_py_arg_unsigned(args[2], name, SIZE_MAX, &max_bytes))
        return false;
    *options =
        (husk_snapshot_options){ HUSK_SNAPSHOT_OPTIONS, .flags = (uint32_t)flags, .max_bytes = max_bytes };
    *heap = NULL;
    if (args[0] == Py_False)
        return true;
    husk_py_heap *home = husk_py_heap_for(args[0]);
    *heap = home ? husk_py_open(home, name) : NULL;
    return *heap != NULL;
}

/* _snapshot_new(target, flags, max_bytes, /) */
static PyObject *snapshot_new(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_heap *heap;
    husk_snapshot_options options;
    (void)module;
    if (!husk_py_want_args(count, 3, "_snapshot_new") ||
        !arg_taking(args, "husk.tracemalloc.take_snapshot()", &heap, &options))
        return NULL;
    husk_snapshot *snapshot;
    husk_status status = husk_snapshot_new(heap, &options, &snapshot);
    return status == HUSK_OK ? wrap(snapshot) : husk_py_raise_plain(status);
}

/* _snapshot_fork(target, flags, max_bytes, path, /): the process that takes and saves it. */
static PyObject *snapshot_fork(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_heap *heap;
    husk_snapshot_options options;
    (void)module;
    if (!husk_py_want_args(count, 4, "_snapshot_fork"))
        return NULL;
    PyObject *path = husk_py_arg_path(args[3]); /* may run any code: first */
    if (!path || !arg_taking(args, "husk.tracemalloc.fork_snapshot()", &heap, &options)) {
        Py_XDECREF(path);
        return NULL;
    }
    int64_t child;
    husk_status status = HUSK_EBUSY;
    if (husk_py.working) /* a lock that another thread has now would be held in the child for ever */
        husk_py_fail(status, "husk.tracemalloc.fork_snapshot(): another thread works on a snapshot");
    else if ((status = husk_snapshot_fork(heap, &options, PyBytes_AS_STRING(path), &child)) != HUSK_OK)
        husk_py_raise_plain(status);
    Py_DECREF(path);
    return status == HUSK_OK ? PyLong_FromLongLong(child) : NULL;
}

/* _snapshot_wait(child, /): raises what went wrong there. */
static PyObject *snapshot_wait(PyObject *module, PyObject *x)
{
    int64_t child;
    husk_status status;
    (void)module;
    if (!husk_py_arg_signed(x, "tracemalloc", INT64_MIN, INT64_MAX, &child))
        return NULL;
    Py_BEGIN_ALLOW_THREADS; /* no work: a fork meanwhile is fine */
    status = husk_snapshot_fork_wait(child);
    Py_END_ALLOW_THREADS;
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise_plain(status);
}

/* A path as the system takes it; the caller drops it. */
PyObject *husk_py_arg_path(PyObject *x)
{
    PyObject *path = NULL;
    return PyUnicode_FSConverter(x, &path) ? path : NULL;
}

/* _snapshot_load(path, /) */
static PyObject *snapshot_load(PyObject *module, PyObject *x)
{
    (void)module;
    PyObject *path = husk_py_arg_path(x);
    if (!path)
        return NULL;
    husk_snapshot *snapshot;
    husk_status status;
    const char *bytes = PyBytes_AS_STRING(path);
    HUSK_PY_WORK_BEGIN;
    status = husk_snapshot_load(bytes, &snapshot);
    HUSK_PY_WORK_END;
    Py_DECREF(path);
    return status == HUSK_OK ? wrap(snapshot) : husk_py_raise_plain(status);
}

static PyObject *snapshot_save(PyObject *self, PyObject *x)
{
    PyObject *path = husk_py_arg_path(x);
    if (!path)
        return NULL;
    husk_py_snapshot *snapshot = (husk_py_snapshot *)self;
    const char *bytes = PyBytes_AS_STRING(path);
    husk_status status;
    snapshot->readers++;
    HUSK_PY_WORK_BEGIN;
    status = husk_snapshot_save(snapshot->snapshot, bytes);
    HUSK_PY_WORK_END;
    snapshot->readers--;
    Py_DECREF(path);
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise_plain(status);
}

/* ---- what it holds ---- */

static PyObject *snapshot_counts(PyObject *self, PyObject *none)
{
    husk_snapshot_counts counts;
    (void)none;
    husk_snapshot_counts_get(of(self), &counts);
    return husk_py_snapshot_counts(&counts);
}

/* Its texts, a dict. */
static PyObject *snapshot_texts(PyObject *self, PyObject *none)
{
    (void)none;
    PyObject *texts = PyDict_New();
    const char *key;
    for (size_t i = 0; texts && (key = husk_snapshot_text_key(of(self), i)); i++) {
        PyObject *k = husk_py_bytes_text(key), *v = husk_py_bytes_text(husk_snapshot_text(of(self), key));
        if (!k || !v || PyDict_SetItem(texts, k, v) < 0)
            Py_CLEAR(texts);
        Py_XDECREF(k);
        Py_XDECREF(v);
    }
    return texts;
}

/* note(key, text, /) */
static PyObject *snapshot_note(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_py_snapshot *snapshot = (husk_py_snapshot *)self;
    PyObject *keep_key = NULL, *keep_text = NULL, *result = NULL;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "note(): 2 arguments expected, got %zd", count);
    if (snapshot->readers)
        return husk_py_fail(HUSK_EBUSY, "the snapshot is being read in another thread");
    const char *key = husk_py_arg_text(args[0], "Snapshot.note()", &keep_key);
    const char *text = key ? husk_py_arg_text(args[1], "Snapshot.note()", &keep_text) : NULL;
    if (text) {
        husk_status status = husk_snapshot_note(snapshot->snapshot, key, text);
        result = status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise_plain(status);
    }
    Py_XDECREF(keep_key);
    Py_XDECREF(keep_text);
    return result;
}

/* groups[name], an empty dict if it is not there; borrowed. Not PyDict_SetDefault, which loses count in CPython 3.13.0 when
 * memory is refused. */
static PyObject *group_of(PyObject *groups, const char *name)
{
    PyObject *key = husk_py_bytes_text(name), *found = key ? PyDict_GetItemWithError(groups, key) : NULL;
    if (key && !found && !PyErr_Occurred()) {
        PyObject *fresh = PyDict_New();
        if (fresh && PyDict_SetItem(groups, key, fresh) == 0)
            found = fresh;
        Py_XDECREF(fresh);
    }
    Py_XDECREF(key);
    return found;
}

/* Its numbers: a dict of dicts. */
static PyObject *snapshot_numbers(PyObject *self, PyObject *none)
{
    (void)none;
    husk_snapshot_figure figure;
    PyObject *groups = PyDict_New();
    for (size_t i = 0; groups && husk_snapshot_figure_at(of(self), i, &figure); i++) {
        PyObject *group = group_of(groups, figure.group);
        PyObject *name = group ? husk_py_bytes_text(figure.name) : NULL;
        PyObject *value = name ? PyLong_FromUnsignedLongLong(figure.value) : NULL;
        if (!value || PyDict_SetItem(group, name, value) < 0)
            Py_CLEAR(groups);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return groups;
}

static PyObject *snapshot_frames(PyObject *self, PyObject *x)
{
    uint64_t stack;
    if (!husk_py_arg_unsigned(x, "tracemalloc", UINT32_MAX, &stack))
        return NULL;
    return husk_py_frames(&((husk_py_snapshot *)self)->texts, of(self), (uint32_t)stack);
}

static PyObject *flag(bool on)
{
    return on ? Py_True : Py_False;
}

/* node(index, /): (address, type, size, edges, hidden, stack, tracked, finalized, finalizer_pending, frozen, immortal,
 * weakly), or None beyond the last. */
static PyObject *snapshot_node(PyObject *self, PyObject *x)
{
    husk_node node;
    uint64_t index;
    if (!husk_py_arg_unsigned(x, "tracemalloc", SIZE_MAX, &index))
        return NULL;
    if (!husk_snapshot_node(of(self), index, &node))
        Py_RETURN_NONE;
    PyObject *type = husk_py_cached_text(&((husk_py_snapshot *)self)->texts, node.type);
    if (!type)
        return NULL;
    return Py_BuildValue("(KNnnLIOOOOOO)", (unsigned long long)node.address, type, (Py_ssize_t)node.size,
                         (Py_ssize_t)node.edges, (long long)node.hidden, (unsigned)node.stack,
                         flag(node.tracked), flag(node.finalized), flag(node.finalizer_pending),
                         flag(node.frozen), flag(node.immortal), flag(node.weakly));
}

/* edge(node, index, /): (to, name, index, weak, ephemeron), or None beyond the last. */
static PyObject *snapshot_edge(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_snapshot_edge edge;
    uint64_t node, index;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "edge(): 2 arguments expected, got %zd", count);
    if (!husk_py_arg_unsigned(args[0], "tracemalloc", SIZE_MAX, &node) ||
        !husk_py_arg_unsigned(args[1], "tracemalloc", SIZE_MAX, &index))
        return NULL;
    if (!husk_snapshot_edge_at(of(self), node, index, &edge))
        Py_RETURN_NONE;
    husk_py_texts *texts = &((husk_py_snapshot *)self)->texts;
    PyObject *name = edge.name ? husk_py_cached_text(texts, edge.name) : Py_NewRef(Py_None);
    PyObject *at = edge.index == SIZE_MAX ? Py_NewRef(Py_None) : PyLong_FromSize_t(edge.index);
    if (!name || !at) {
        Py_XDECREF(name);
        Py_XDECREF(at);
        return NULL;
    }
    return Py_BuildValue("(nNNOO)", (Py_ssize_t)edge.to, name, at, flag(edge.weak), flag(edge.ephemeron));
}

/* find(address, /): the number of the object there, or None. */
static PyObject *snapshot_find(PyObject *self, PyObject *x)
{
    uint64_t address;
    if (!husk_py_arg_unsigned(x, "tracemalloc", UINT64_MAX, &address))
        return NULL;
    size_t found = husk_snapshot_find(of(self), address);
    return found == SIZE_MAX ? Py_NewRef(Py_None) : PyLong_FromSize_t(found);
}

/* _address(obj, /): what a snapshot knows an object by. */
static PyObject *address_of(PyObject *module, PyObject *x)
{
    (void)module;
    husk_obj *obj = husk_py_arg_obj(x, "Obj_address");
    return obj ? PyLong_FromUnsignedLongLong((uintptr_t)obj) : NULL;
}

bool husk_py_add_snapshots(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef methods[] = {
        { "save", snapshot_save, METH_O, NULL },
        { "counts", snapshot_counts, METH_NOARGS, NULL },
        { "texts", snapshot_texts, METH_NOARGS, NULL },
        { "note", FAST(snapshot_note), METH_FASTCALL, NULL },
        { "numbers", snapshot_numbers, METH_NOARGS, NULL },
        { "frames", snapshot_frames, METH_O, NULL },
        { "node", snapshot_node, METH_O, NULL },
        { "edge", FAST(snapshot_edge), METH_FASTCALL, NULL },
        { "find", snapshot_find, METH_O, NULL },
        { "__reduce_ex__", husk_py_refuse_pickle, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_dealloc, snapshot_dealloc },
        { Py_tp_methods, methods },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk._core._Snapshot",
        .basicsize = sizeof(husk_py_snapshot),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    static PyMethodDef functions[] = {
        { "_snapshot_new", FAST(snapshot_new), METH_FASTCALL, NULL },
        { "_snapshot_load", snapshot_load, METH_O, NULL },
        { "_snapshot_fork", FAST(snapshot_fork), METH_FASTCALL, NULL },
        { "_snapshot_wait", snapshot_wait, METH_O, NULL },
        { "_address", address_of, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    snapshot_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return snapshot_type && PyModule_AddObjectRef(module, "_Snapshot", (PyObject *)snapshot_type) == 0 &&
           PyModule_AddFunctions(module, functions) == 0;
}
