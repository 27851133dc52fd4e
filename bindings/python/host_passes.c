/* bindings/python/host_passes.c: records of passes and their pauses as dicts, of this process and of others. husk/_passes.py
 * makes named tuples of them. */
#include "host.h"

#include <husk/gcstat.h>
#include <stddef.h>

static bool put(PyObject *dict, const char *name, PyObject *value)
{
    bool done = value && PyDict_SetItemString(dict, name, value) == 0;
    Py_XDECREF(value);
    return done;
}

static bool put_count(PyObject *dict, const char *name, uint64_t value)
{
    return put(dict, name, PyLong_FromUnsignedLongLong(value));
}

static bool put_word(PyObject *dict, const char *name, const char *word)
{
    return put(dict, name, PyUnicode_DecodeUTF8(word, (Py_ssize_t)strlen(word), "replace"));
}

static PyObject *parts(const uint64_t ns[HUSK_PARTS])
{
    PyObject *made = PyDict_New();
    for (int part = 0; made && part < HUSK_PARTS; part++)
        if (!put_count(made, husk_part_name((husk_part)part), ns[part]))
            Py_CLEAR(made);
    return made;
}

static PyObject *freed_tuple(const husk_freed *freed, const char *type)
{
    return Py_BuildValue("(NKK)", PyUnicode_DecodeUTF8(type, (Py_ssize_t)strlen(type), "replace"),
                         (unsigned long long)freed->objects, (unsigned long long)freed->bytes);
}

/* names: of the types of another process; NULL: the record is of this one. */
static PyObject *by_type(const husk_pass_record *record, const husk_gcstat *names)
{
    PyObject *made = PyTuple_New((Py_ssize_t)record->types);
    for (uint32_t i = 0; made && i < record->types; i++) {
        const husk_freed *one = &record->by_type[i];
        PyObject *row = freed_tuple(one, names ? names->types[i] : husk_type_name(one->type));
        if (!row)
            Py_CLEAR(made);
        else
            PyTuple_SET_ITEM(made, (Py_ssize_t)i, row);
    }
    return made;
}

typedef struct place {
    const char *name;
    size_t offset;
} place;

static bool put_counts(PyObject *dict, const void *from, const place *counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!put_count(dict, counts[i].name,
                       *(const uint64_t *)(const void *)((const char *)from + counts[i].offset)))
            return false;
    return true;
}

/* clang-format off */
#define OF(type, name) { #name, offsetof(type, name) }
static const place record_counts[] = {
    OF(husk_pass_record, number), OF(husk_pass_record, start_ns), OF(husk_pass_record, pauses),
    OF(husk_pass_record, pause_ns), OF(husk_pass_record, longest_ns), OF(husk_pass_record, candidates),
    OF(husk_pass_record, freed), OF(husk_pass_record, freed_bytes), OF(husk_pass_record, finalized),
    OF(husk_pass_record, weak_cleared), OF(husk_pass_record, held), OF(husk_pass_record, reached),
    OF(husk_pass_record, resurrected), OF(husk_pass_record, deferred), OF(husk_pass_record, saved),
    OF(husk_pass_record, frozen), OF(husk_pass_record, objects_before), OF(husk_pass_record, bytes_before),
    OF(husk_pass_record, objects_after), OF(husk_pass_record, bytes_after), OF(husk_pass_record, threads),
};
static const place pause_counts[] = {
    { "pauses", offsetof(husk_pauses, count) }, OF(husk_pauses, total_ns), OF(husk_pauses, max_ns), OF(husk_pauses, p50_ns),
    OF(husk_pauses, p90_ns), OF(husk_pauses, p99_ns), OF(husk_pauses, p999_ns),
};
static const place sum_counts[] = {
    OF(husk_pass_sums, passes), OF(husk_pass_sums, candidates), OF(husk_pass_sums, freed),
    OF(husk_pass_sums, freed_bytes), OF(husk_pass_sums, finalized), OF(husk_pass_sums, resurrected),
    OF(husk_pass_sums, weak_cleared),
};
#define COUNTS(counts) counts, sizeof counts / sizeof *counts
/* clang-format on */

static PyObject *record_dict(const husk_pass_record *record, const husk_gcstat *names)
{
    PyObject *made = PyDict_New();
    if (made && put_counts(made, record, COUNTS(record_counts)) &&
        put_word(made, "reason", husk_reason_name(record->reason)) &&
        put_word(made, "mode", husk_mode_name(record->mode)) &&
        put_word(made, "status", husk_status_name(record->status)) &&
        put(made, "quiet", PyBool_FromLong(record->quiet)) && put(made, "ns", parts(record->ns)) &&
        put(made, "by_type", by_type(record, names)) && put(made, "rest", freed_tuple(&record->rest, "")))
        return made;
    Py_XDECREF(made);
    return NULL;
}

static PyObject *pauses_dict(const husk_pauses *pauses)
{
    PyObject *made = PyDict_New();
    if (made && !put_counts(made, pauses, COUNTS(pause_counts)))
        Py_CLEAR(made);
    return made;
}

static PyObject *sums_dict(const husk_pass_sums *sums)
{
    PyObject *made = PyDict_New();
    if (made && !(put_counts(made, sums, COUNTS(sum_counts)) && put(made, "ns", parts(sums->ns))))
        Py_CLEAR(made);
    return made;
}

/* ---- this process: the scripts' layer has looked at the arguments' types ---- */

/* (heap, number): a dict and the line. */
static PyObject *pass_record(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    uint64_t number;
    husk_pass_record record;
    char line[4096];
    (void)module;
    (void)n;
    if (!husk_py_arg_unsigned(args[1], "number", UINT64_MAX, &number))
        return NULL;
    husk_heap *heap = husk_py_arg_heap(args[0], "get_passes()");
    if (!heap)
        return NULL;
    husk_status status = husk_heap_pass_record(heap, number, &record);
    if (status != HUSK_OK)
        return husk_py_raise_plain(status);
    (void)husk_pass_line(heap, &record, line, sizeof line);
    PyObject *made = record_dict(&record, NULL);
    if (made && !put_word(made, "line", line))
        Py_CLEAR(made);
    return made;
}

/* (heap, mode, percent or None). */
static PyObject *pauses(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    (void)n;
    husk_mode mode = (husk_mode)PyLong_AsLong(args[1]);
    double percent = args[2] == Py_None ? 50 : PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred())
        return NULL;
    const husk_heap *heap = husk_py_arg_heap(args[0], "get_pauses()");
    husk_pauses all;
    uint64_t ns;
    if (!heap)
        return NULL;
    husk_status status = args[2] == Py_None ? husk_heap_pauses(heap, mode, &all)
                                            : husk_heap_pause_percentile(heap, mode, percent, &ns);
    if (status != HUSK_OK)
        return husk_py_raise_plain(status);
    return args[2] == Py_None ? pauses_dict(&all) : PyLong_FromUnsignedLongLong(ns);
}

/* (heap, mode): rows of (low, high, count). */
static PyObject *histogram(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    (void)module;
    (void)n;
    husk_mode mode = (husk_mode)PyLong_AsLong(args[1]);
    if (PyErr_Occurred())
        return NULL;
    const husk_heap *heap = husk_py_arg_heap(args[0], "get_pause_histogram()");
    uint64_t counts[HUSK_PAUSE_BUCKETS];
    if (!heap)
        return NULL;
    for (size_t bucket = 0; bucket < HUSK_PAUSE_BUCKETS; bucket++)
        counts[bucket] = husk_heap_pause_count(heap, mode, bucket);
    PyObject *made = PyList_New(0);
    for (size_t bucket = 0; made && bucket < HUSK_PAUSE_BUCKETS; bucket++) {
        uint64_t low, high;
        if (!counts[bucket] || husk_pause_bucket(bucket, &low, &high) != HUSK_OK)
            continue;
        PyObject *row = Py_BuildValue("(KKK)", (unsigned long long)low, (unsigned long long)high,
                                      (unsigned long long)counts[bucket]);
        if (!row || PyList_Append(made, row) < 0)
            Py_CLEAR(made);
        Py_XDECREF(row);
    }
    return made;
}

static PyObject *pass_sums(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    husk_pass_sums sums;
    (void)module;
    (void)n;
    husk_mode mode = (husk_mode)PyLong_AsLong(args[1]);
    if (PyErr_Occurred())
        return NULL;
    const husk_heap *heap = husk_py_arg_heap(args[0], "get_pass_sums()");
    if (!heap)
        return NULL;
    husk_status status = husk_heap_pass_sums(heap, mode, &sums);
    return status == HUSK_OK ? sums_dict(&sums) : husk_py_raise_plain(status);
}

/* ---- other processes ---- */

static PyObject *page_on(PyObject *module, PyObject *on)
{
    (void)module;
    husk_status status = on == Py_True ? husk_gcstat_start() : HUSK_OK;
    if (status != HUSK_OK)
        return husk_py_raise_plain(status);
    if (on == Py_False)
        husk_gcstat_stop();
    return PyBool_FromLong(husk_gcstat_is_on());
}

static PyObject *heap_dict(const husk_gcstat *one)
{
    PyObject *sums = PyDict_New(), *all = PyDict_New(), *made = PyDict_New();
    bool fine = sums && all && made;
    for (int mode = 0; fine && mode < HUSK_MODES; mode++)
        fine = put(sums, husk_mode_name((husk_mode)mode), sums_dict(&one->sums[mode])) &&
               put(all, husk_mode_name((husk_mode)mode), pauses_dict(&one->pauses[mode]));
    fine = fine && put(all, "any", pauses_dict(&one->all_pauses)) && put_count(made, "heap", one->heap) &&
           put_word(made, "name", one->name) && put_count(made, "written_ns", one->written_ns) &&
           put(made, "latest", one->latest.number ? record_dict(&one->latest, one) : Py_NewRef(Py_None)) &&
           PyDict_SetItemString(made, "sums", sums) == 0 && PyDict_SetItemString(made, "pauses", all) == 0;
    Py_XDECREF(sums);
    Py_XDECREF(all);
    if (!fine)
        Py_CLEAR(made);
    return made;
}

static PyObject *page_read(PyObject *module, PyObject *number)
{
    int64_t pid;
    size_t count = 0;
    (void)module;
    if (!husk_py_arg_signed(number, "pid", 1, INT32_MAX, &pid))
        return NULL;
    husk_gcstat *rows = PyMem_Calloc(HUSK_GCSTAT_HEAPS, sizeof *rows);
    if (!rows)
        return PyErr_NoMemory();
    husk_status status = husk_gcstat_read((int)pid, rows, HUSK_GCSTAT_HEAPS, &count);
    PyObject *made = status == HUSK_OK ? PyList_New(0) : husk_py_raise_plain(status);
    for (size_t i = 0; made && i < count; i++) {
        PyObject *row = heap_dict(&rows[i]);
        if (!row || PyList_Append(made, row) < 0)
            Py_CLEAR(made);
        Py_XDECREF(row);
    }
    PyMem_Free(rows);
    return made;
}

static PyObject *page_list(PyObject *module, PyObject *ignored)
{
    size_t count = 0, room = 64;
    (void)module;
    (void)ignored;
    for (;;) {
        int *pids = PyMem_Calloc(room, sizeof *pids);
        if (!pids)
            return PyErr_NoMemory();
        husk_status status = husk_gcstat_list(pids, room, &count);
        if (status == HUSK_OK && count > room) {
            PyMem_Free(pids);
            room = 2 * count;
            continue;
        }
        PyObject *made = status == HUSK_OK ? PyList_New((Py_ssize_t)count) : husk_py_raise_plain(status);
        for (size_t i = 0; made && i < count; i++) {
            PyObject *pid = PyLong_FromLong(pids[i]);
            if (!pid)
                Py_CLEAR(made);
            else
                PyList_SET_ITEM(made, (Py_ssize_t)i, pid);
        }
        PyMem_Free(pids);
        return made;
    }
}

bool husk_py_add_passes(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef functions[] = {
        { "_pass_record", FAST(pass_record), METH_FASTCALL, NULL },
        { "_pauses", FAST(pauses), METH_FASTCALL, NULL },
        { "_pause_histogram", FAST(histogram), METH_FASTCALL, NULL },
        { "_pass_sums", FAST(pass_sums), METH_FASTCALL, NULL },
        { "_gcstat", page_on, METH_O, NULL },
        { "_gcstat_read", page_read, METH_O, NULL },
        { "_gcstat_list", page_list, METH_NOARGS, NULL },
        { NULL, NULL, 0, NULL },
    };
    return PyModule_AddFunctions(module, functions) == 0;
}
