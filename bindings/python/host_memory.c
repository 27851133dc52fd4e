/* bindings/python/host_memory.c: what the system says of memory, balance sheets, and a heap by size class and by type: the
 * calls of husk/memory.py, which makes named tuples of the dicts and tuples here.
 *
 * What is not known is not in a dict. Questions to the system give the interpreter lock up. Callbacks of the library see no
 * Python: what they are told is kept in C until all of it is there. */
#include "host.h"

#include <husk/balance.h>
#include <husk/classes.h>
#include <husk/process.h>

/* Adds value, whose reference is used up. */
static bool put(PyObject *dict, const char *name, PyObject *value)
{
    bool good = value && PyDict_SetItemString(dict, name, value) == 0;
    Py_XDECREF(value);
    return good;
}

static PyObject *number(uint64_t value)
{
    return PyLong_FromUnsignedLongLong(value);
}

/* Of a process: 0 is this one. */
static bool arg_pid(PyObject *x, int64_t *out)
{
    return husk_py_arg_signed(x, "memory", 0, INT64_MAX, out);
}

/* ---- numbers ---- */

/* The known fields of a struct of <husk/process.h>, a dict: shares are percent, times seconds. */
static PyObject *known_fields(const char *group, const void *memory)
{
    husk_memory_field field;
    uint64_t value;
    PyObject *dict = PyDict_New();
    for (size_t n = 0; dict && husk_memory_field_at(group, n, &field); n++) {
        if (!husk_memory_value(memory, n, &value))
            continue;
        PyObject *made = field.unit == HUSK_UNIT_PER_10000      ? PyFloat_FromDouble((double)value / 100)
                         : field.unit == HUSK_UNIT_MICROSECONDS ? PyFloat_FromDouble((double)value / 1e6)
                                                                : number(value);
        if (!put(dict, field.name, made))
            Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *fields_or_error(husk_status status, const char *group, const void *memory)
{
    return status == HUSK_OK ? known_fields(group, memory) : husk_py_raise_plain(status);
}

/* _process_memory(pid, ask, /) */
static PyObject *process_memory(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_process_memory memory;
    husk_status status;
    int64_t pid, ask;
    (void)module;
    if (!husk_py_want_args(count, 2, "_process_memory") || !arg_pid(args[0], &pid) ||
        !husk_py_arg_signed(args[1], "memory", 0, HUSK_ASK_ALL, &ask))
        return NULL;
    HUSK_PY_WORK_BEGIN;
    status = husk_process_memory_get(pid, (uint32_t)ask, &memory);
    HUSK_PY_WORK_END;
    return fields_or_error(status, "process", &memory);
}

static PyObject *system_memory(PyObject *module, PyObject *none)
{
    husk_system_memory memory;
    husk_status status;
    (void)module;
    (void)none;
    HUSK_PY_WORK_BEGIN;
    status = husk_system_memory_get(&memory);
    HUSK_PY_WORK_END;
    return fields_or_error(status, "system", &memory);
}

static PyObject *native_memory(PyObject *module, PyObject *none)
{
    husk_native_memory memory;
    (void)module;
    (void)none;
    return fields_or_error(husk_native_memory_get(&memory), "native", &memory);
}

/* With its "path". */
static PyObject *cgroup_memory(PyObject *module, PyObject *x)
{
    husk_cgroup_memory memory;
    husk_status status;
    char path[4096];
    int64_t pid;
    (void)module;
    if (!arg_pid(x, &pid))
        return NULL;
    HUSK_PY_WORK_BEGIN;
    status = husk_cgroup_path(pid, path, sizeof path);
    if (status == HUSK_OK)
        status = husk_cgroup_memory_get(pid, &memory);
    HUSK_PY_WORK_END;
    PyObject *dict = fields_or_error(status, "cgroup", &memory);
    if (dict && !put(dict, "path", husk_py_bytes_text(path)))
        Py_CLEAR(dict);
    return dict;
}

/* _memory_percent(field, pid, /) */
static PyObject *memory_percent(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    PyObject *keep;
    int64_t pid;
    double share = 0;
    (void)module;
    if (!husk_py_want_args(count, 2, "_memory_percent") || !arg_pid(args[1], &pid))
        return NULL;
    const char *field = husk_py_arg_text(args[0], "husk.memory.memory_percent()", &keep);
    husk_status status = field ? husk_memory_percent(pid, field, &share) : HUSK_OK;
    Py_XDECREF(keep);
    if (!field)
        return NULL;
    return status == HUSK_OK ? PyFloat_FromDouble(share) : husk_py_raise_plain(status);
}

/* A list of (name, unit, text), or None. */
static PyObject *memory_fields(PyObject *module, PyObject *x)
{
    static const char *const units[] = { "bytes", "count", "percent", "seconds" };
    husk_memory_field field;
    PyObject *keep, *list = NULL;
    (void)module;
    const char *group = husk_py_arg_text(x, "husk.memory.fields()", &keep);
    if (group && !husk_memory_field_at(group, 0, &field))
        list = Py_NewRef(Py_None);
    else if (group)
        list = PyList_New(0);
    for (size_t n = 0; list && group && husk_memory_field_at(group, n, &field); n++) {
        PyObject *row = Py_BuildValue("(sss)", field.name, units[field.unit], field.text);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    Py_XDECREF(keep);
    return list;
}

static PyObject *reset_peak(PyObject *module, PyObject *x)
{
    int64_t pid;
    (void)module;
    if (!arg_pid(x, &pid))
        return NULL;
    husk_status status = husk_process_reset_peak(pid);
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise_plain(status);
}

static PyObject *native_trim(PyObject *module, PyObject *none)
{
    uint64_t given;
    husk_status status;
    (void)module;
    (void)none;
    HUSK_PY_WORK_BEGIN;
    status = husk_native_trim(&given);
    HUSK_PY_WORK_END;
    return status == HUSK_OK ? number(given) : husk_py_raise_plain(status);
}

/* ---- mappings and threads ---- */

static PyObject *map_dict(const husk_map *map)
{
    PyObject *dict = known_fields("map", &map->memory);
    if (!dict)
        return NULL;
    PyObject *path = PyUnicode_DecodeUTF8(map->path, (Py_ssize_t)map->path_length, "surrogateescape");
    bool good = put(dict, "path", path) && put(dict, "perms", PyUnicode_FromString(map->permissions)) &&
                put(dict, "kind", PyUnicode_FromString(husk_map_kind_name(map->kind))) &&
                put(dict, "start", number(map->start)) && put(dict, "end", number(map->end)) &&
                put(dict, "size", number(map->bytes)) && put(dict, "offset", number(map->offset)) &&
                put(dict, "inode", number(map->inode)) && put(dict, "count", number(map->count)) &&
                put(dict, "deleted", PyBool_FromLong(map->deleted));
    if (good && map->thread)
        good = put(dict, "thread", PyLong_FromLongLong(map->thread));
    if (!good)
        Py_CLEAR(dict);
    return dict;
}

/* _memory_maps(pid, flags, /): a list of dicts. */
static PyObject *memory_maps(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_maps *maps;
    husk_map map;
    husk_status status;
    int64_t pid, flags;
    (void)module;
    if (!husk_py_want_args(count, 2, "_memory_maps") || !arg_pid(args[0], &pid) ||
        !husk_py_arg_signed(args[1], "memory", 0, UINT32_MAX, &flags))
        return NULL;
    HUSK_PY_WORK_BEGIN;
    status = husk_maps_read(pid, (uint32_t)flags, &maps);
    HUSK_PY_WORK_END;
    if (status != HUSK_OK)
        return husk_py_raise_plain(status);
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && husk_maps_at(maps, i, &map); i++) {
        PyObject *dict = map_dict(&map);
        if (!dict || PyList_Append(list, dict) < 0)
            Py_CLEAR(list);
        Py_XDECREF(dict);
    }
    husk_maps_free(maps);
    return list;
}

typedef struct threads {
    husk_thread *at;
    size_t count, room;
    bool failed;
} threads;

static bool keep_thread(const husk_thread *thread, void *data)
{
    threads *all = data;
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : 16;
        husk_thread *at = PyMem_RawRealloc(all->at, room * sizeof *at);
        all->failed = !at;
        if (!at)
            return false;
        all->at = at;
        all->room = room;
    }
    all->at[all->count++] = *thread;
    return true;
}

/* A list of (id, name, state, minor_faults, major_faults). */
static PyObject *process_threads(PyObject *module, PyObject *x)
{
    threads all = { 0 };
    husk_status status;
    int64_t pid;
    (void)module;
    if (!arg_pid(x, &pid))
        return NULL;
    HUSK_PY_WORK_BEGIN;
    status = husk_process_each_thread(pid, keep_thread, &all);
    HUSK_PY_WORK_END;
    PyObject *list = NULL;
    if (status != HUSK_OK)
        husk_py_raise_plain(status);
    else if (all.failed)
        PyErr_NoMemory();
    else
        list = PyList_New(0);
    for (size_t i = 0; list && i < all.count; i++) {
        const husk_thread *thread = &all.at[i];
        PyObject *name = husk_py_bytes_text(thread->name), *row = NULL;
        if (name)
            row = Py_BuildValue("(LNs#KK)", (long long)thread->id, name, &thread->state, (Py_ssize_t)1,
                                (unsigned long long)thread->minor_faults,
                                (unsigned long long)thread->major_faults);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    PyMem_RawFree(all.at);
    return list;
}

/* ---- balance sheets ---- */

typedef struct py_balance {
    PyObject_HEAD husk_balance *balance;
} py_balance;

static PyTypeObject *balance_type;

static void balance_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    husk_balance_free(((py_balance *)self)->balance);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

/* The open heaps of a tuple; NULL: an exception is set. The caller frees it. */
static husk_heap **open_heaps(PyObject *tuple)
{
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "husk.memory.balance(): heaps expected");
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    husk_heap **heaps = PyMem_Malloc(((size_t)count + 1) * sizeof *heaps);
    if (!heaps)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; heaps && i < count; i++) {
        PyObject *x = PyTuple_GET_ITEM(tuple, i);
        husk_py_heap *home = husk_py_heap_for(x);
        heaps[i] = home ? husk_py_open(home, "husk.memory.balance()") : NULL;
        if (!heaps[i]) {
            PyMem_Free(heaps);
            return NULL;
        }
    }
    return heaps;
}

/* _balance(heaps, pid, trim, before, /): before: an earlier one, or None. */
static PyObject *balance_new(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_balance_options options = { HUSK_BALANCE_OPTIONS };
    husk_balance *balance;
    (void)module;
    if (!husk_py_want_args(count, 4, "_balance") || !arg_pid(args[1], &options.pid))
        return NULL;
    options.flags = args[2] == Py_True ? (uint32_t)HUSK_BALANCE_TRIM : 0;
    if (args[3] != Py_None && !PyObject_TypeCheck(args[3], balance_type))
        return PyErr_Format(PyExc_TypeError, "husk.memory.balance(): an earlier sheet expected");
    options.before = args[3] == Py_None ? NULL : ((py_balance *)args[3])->balance;
    py_balance *made = PyObject_New(py_balance, balance_type);
    if (!made)
        return NULL;
    made->balance = NULL;
    husk_heap **heaps = open_heaps(args[0]); /* from here on no code runs */
    if (heaps) {
        husk_status status = husk_balance_new(heaps, (size_t)PyTuple_GET_SIZE(args[0]), &options, &balance);
        PyMem_Free(heaps);
        if (status == HUSK_OK)
            made->balance = balance;
        else
            husk_py_raise_plain(status);
    }
    if (!made->balance)
        Py_CLEAR(made);
    return (PyObject *)made;
}

/* A list of (group, name, bytes, counted, shared, swapped, note). */
static PyObject *balance_rows(PyObject *self, PyObject *none)
{
    husk_balance_row row;
    PyObject *list = PyList_New(0);
    (void)none;
    for (size_t i = 0; list && husk_balance_row_at(((py_balance *)self)->balance, i, &row); i++) {
        PyObject *note = husk_py_bytes_text(row.note), *made = NULL;
        if (note)
            made = Py_BuildValue("(ssLKKKN)", row.group, row.name, (long long)row.bytes,
                                 (unsigned long long)row.counted, (unsigned long long)row.shared,
                                 (unsigned long long)row.swapped, note);
        if (!made || PyList_Append(list, made) < 0)
            Py_CLEAR(list);
        Py_XDECREF(made);
    }
    return list;
}

/* A dict. */
static PyObject *balance_sums(PyObject *self, PyObject *none)
{
    husk_balance_sum sum;
    (void)none;
    husk_balance_sum_get(((py_balance *)self)->balance, &sum);
    const struct {
        const char *name;
        uint64_t value;
        bool known;
    } sums[] = {
        { "rss", sum.rss, true },
        { "rss_statm", sum.rss_statm, sum.rss_statm != 0 },
        { "live", sum.live, true },
        { "objects", sum.objects, true },
        { "live_before", sum.live_before, sum.milliseconds || sum.live_before },
        { "objects_before", sum.objects_before, sum.milliseconds || sum.live_before },
        { "milliseconds", sum.milliseconds, sum.milliseconds || sum.live_before },
        { "held_free", sum.held_free, true },
        { "pages", sum.pages, true },
        { "pages_sparse", sum.pages_sparse, true },
        { "sparse_free", sum.sparse_free, true },
        { "trimmed_heaps", sum.trimmed_heaps, sum.trimmed },
        { "trimmed_native", sum.trimmed_native, sum.trimmed },
        { "rss_trimmed", sum.rss_trimmed, sum.trimmed },
    };
    PyObject *dict = PyDict_New();
    bool good = dict && put(dict, "verdict", PyUnicode_FromString(husk_verdict_name(sum.verdict))) &&
                put(dict, "evidence", husk_py_bytes_text(sum.evidence));
    for (size_t i = 0; good && i < sizeof sums / sizeof *sums; i++)
        good = put(dict, sums[i].name, sums[i].known ? number(sums[i].value) : Py_NewRef(Py_None));
    if (!good)
        Py_CLEAR(dict);
    return dict;
}

/* What a function of the library writes, which says how long it is. */
typedef size_t text_fn(const void *thing, char *buffer, size_t room);

static PyObject *text_of(const void *thing, text_fn *write)
{
    size_t length = write(thing, NULL, 0);
    char *text = PyMem_Malloc(length + 1);
    if (!text)
        return PyErr_NoMemory();
    (void)write(thing, text, length + 1);
    PyObject *made = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "surrogateescape");
    PyMem_Free(text);
    return made;
}

static size_t write_balance(const void *balance, char *buffer, size_t room)
{
    return husk_balance_text(balance, buffer, room);
}

static PyObject *balance_text(PyObject *self, PyObject *none)
{
    (void)none;
    return text_of(((py_balance *)self)->balance, write_balance);
}

/* ---- a heap by size class and by type ---- */

/* _heap_classes(heap, /): a list of (block_bytes, tracked, pages, used, free, untouched, used_bytes, asked_bytes,
 * held_bytes), of the classes that have pages. */
static PyObject *heap_classes(PyObject *module, PyObject *x)
{
    husk_class one;
    (void)module;
    PyObject *list = PyList_New(0);
    husk_py_heap *home = list ? husk_py_heap_for(x) : NULL;
    for (size_t i = 0; list; i++) {
        /* What is made here may run code: the heap is asked for each time. */
        husk_heap *heap = home ? husk_py_open(home, "husk.memory.size_classes()") : NULL;
        if (heap && !husk_heap_class_get(heap, i, &one))
            break;
        PyObject *row = NULL;
        if (heap && !one.held_bytes)
            continue;
        if (heap)
            row = Py_BuildValue("(nOnnnnnnn)", (Py_ssize_t)one.block_bytes, one.tracked ? Py_True : Py_False,
                                (Py_ssize_t)one.pages, (Py_ssize_t)one.used, (Py_ssize_t)one.free,
                                (Py_ssize_t)one.untouched, (Py_ssize_t)one.used_bytes,
                                (Py_ssize_t)one.asked_bytes, (Py_ssize_t)one.held_bytes);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static size_t write_classes(const void *heap, char *buffer, size_t room)
{
    return husk_heap_classes_text(heap, buffer, room);
}

static PyObject *heap_classes_text(PyObject *module, PyObject *x)
{
    (void)module;
    husk_py_heap *home = husk_py_heap_for(x);
    husk_heap *heap = home ? husk_py_open(home, "husk.memory.size_classes()") : NULL;
    return heap ? text_of(heap, write_classes) : NULL;
}

typedef struct type_use {
    const char *name; /* lives as long as the process */
    size_t count, bytes;
} type_use;

typedef struct type_uses {
    type_use *at;
    size_t count, room;
    bool failed;
} type_uses;

static bool keep_type(const husk_type *type, size_t count, size_t bytes, void *data)
{
    type_uses *all = data;
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : 64;
        type_use *at = PyMem_RawRealloc(all->at, room * sizeof *at);
        all->failed = !at;
        if (!at)
            return false;
        all->at = at;
        all->room = room;
    }
    all->at[all->count++] = (type_use){ husk_type_name(type), count, bytes };
    return true;
}

/* _heap_types(heap, /): a list of (name, count, bytes). */
static PyObject *heap_types(PyObject *module, PyObject *x)
{
    type_uses all = { 0 };
    (void)module;
    husk_py_heap *home = husk_py_heap_for(x);
    husk_heap *heap = home ? husk_py_open(home, "husk.memory.types()") : NULL;
    if (!heap)
        return NULL;
    husk_status status = husk_heap_each_type(heap, keep_type, &all);
    PyObject *list = NULL;
    if (status != HUSK_OK)
        husk_py_raise(home, status);
    else if (all.failed)
        PyErr_NoMemory();
    else
        list = PyList_New(0);
    for (size_t i = 0; list && i < all.count; i++) {
        PyObject *name = husk_py_bytes_text(all.at[i].name), *row = NULL;
        if (name)
            row = Py_BuildValue("(Nnn)", name, (Py_ssize_t)all.at[i].count, (Py_ssize_t)all.at[i].bytes);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    PyMem_RawFree(all.at);
    return list;
}

bool husk_py_add_memory(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef methods[] = {
        { "rows", balance_rows, METH_NOARGS, NULL },
        { "sums", balance_sums, METH_NOARGS, NULL },
        { "text", balance_text, METH_NOARGS, NULL },
        { "__reduce_ex__", husk_py_refuse_pickle, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_dealloc, balance_dealloc },
        { Py_tp_methods, methods },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk._core._Balance",
        .basicsize = sizeof(py_balance),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    static PyMethodDef functions[] = {
        { "_process_memory", FAST(process_memory), METH_FASTCALL, NULL },
        { "_system_memory", system_memory, METH_NOARGS, NULL },
        { "_native_memory", native_memory, METH_NOARGS, NULL },
        { "_cgroup_memory", cgroup_memory, METH_O, NULL },
        { "_memory_percent", FAST(memory_percent), METH_FASTCALL, NULL },
        { "_memory_fields", memory_fields, METH_O, NULL },
        { "_reset_peak", reset_peak, METH_O, NULL },
        { "_native_trim", native_trim, METH_NOARGS, NULL },
        { "_memory_maps", FAST(memory_maps), METH_FASTCALL, NULL },
        { "_process_threads", process_threads, METH_O, NULL },
        { "_balance", FAST(balance_new), METH_FASTCALL, NULL },
        { "_heap_classes", heap_classes, METH_O, NULL },
        { "_heap_classes_text", heap_classes_text, METH_O, NULL },
        { "_heap_types", heap_types, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    balance_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return balance_type && PyModule_AddObjectRef(module, "_Balance", (PyObject *)balance_type) == 0 &&
           PyModule_AddFunctions(module, functions) == 0;
}
