/* bindings/python/host_stats.c: statistics and the single things of snapshots, as handles of husk/tracemalloc.py.
 *
 * Grouping is the library's; what crosses into Python are rows and things that are asked for, as tuples. The work gives
 * the interpreter lock up: filters are built before, from plain tuples, and a snapshot does not change. */
#include "host.h"

typedef struct py_stats {
    PyObject_HEAD husk_stats *stats;
    husk_py_snapshot *snapshot, *old; /* old may be NULL */
    husk_py_texts texts;
} py_stats;

typedef struct py_things {
    PyObject_HEAD husk_things *things;
    husk_py_snapshot *snapshot;
} py_things;

static PyTypeObject *stats_type, *things_type;

/* ---- filters ---- */

typedef husk_status text_term(husk_filter *filter, const char *text);

static husk_status add_text(husk_filter *filter, PyObject *x, text_term *term)
{
    if (x == Py_None)
        return HUSK_OK;
    PyObject *keep;
    const char *text = husk_py_arg_text(x, "husk.tracemalloc: a filter", &keep);
    husk_status status = text ? term(filter, text) : HUSK_OK;
    Py_XDECREF(keep);
    return status;
}

static bool number_of(PyObject *x, uint64_t most, uint64_t *out)
{
    return x != Py_None && husk_py_arg_unsigned(x, "tracemalloc.Filter", most, out);
}

static husk_status add_kind(husk_filter *filter, PyObject *x)
{
    static const char *const names[] = { "object", "buffer", "block" };
    for (int kind = 0; x != Py_None && kind < 3; kind++)
        if (PyUnicode_CompareWithASCIIString(x, names[kind]) == 0)
            return husk_filter_kind(filter, kind);
    return HUSK_OK;
}

/* One filter: (inclusive, file, line, all_frames, domain, function, type, tag, thread, min_size, since, kind), None for
 * what is not said. False: an exception is set. */
static bool add_filter(husk_filter *filter, PyObject *tuple)
{
    enum {
        INCLUSIVE,
        FILE_NAME,
        LINE,
        ALL_FRAMES,
        DOMAIN,
        FUNCTION,
        TYPE,
        TAG,
        THREAD,
        MIN_SIZE,
        SINCE,
        KIND,
        TERMS
    };
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != TERMS) {
        PyErr_SetString(PyExc_TypeError, "husk.tracemalloc: a filter of 12 terms expected");
        return false;
    }
    PyObject *const *at = ((PyTupleObject *)tuple)->ob_item;
    uint64_t line, size;
    husk_status status = husk_filter_add(filter, at[INCLUSIVE] == Py_True);
    static const struct {
        int at;
        text_term *term;
    } texts[] = { { FILE_NAME, husk_filter_file },    { DOMAIN, husk_filter_domain },
                  { FUNCTION, husk_filter_function }, { TYPE, husk_filter_type },
                  { TAG, husk_filter_tag },           { THREAD, husk_filter_thread },
                  { SINCE, husk_filter_since } };
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !status && !PyErr_Occurred(); i++)
        status = add_text(filter, at[texts[i].at], texts[i].term);
    if (!status && !PyErr_Occurred() && number_of(at[LINE], UINT32_MAX, &line))
        status = husk_filter_line(filter, (uint32_t)line);
    if (!status && !PyErr_Occurred() && number_of(at[MIN_SIZE], UINT64_MAX, &size))
        status = husk_filter_min_size(filter, size);
    if (!status && !PyErr_Occurred())
        status = add_kind(filter, at[KIND]);
    if (!status && at[ALL_FRAMES] == Py_True)
        status = husk_filter_all_frames(filter);
    if (status && !PyErr_Occurred())
        husk_py_raise_plain(status);
    return !PyErr_Occurred();
}

/* Lists of filters: a tuple of tuples of them; a thing must pass every list. Without any everything passes. */
bool husk_py_make_filter(PyObject *lists, husk_filter **out)
{
    *out = NULL;
    if (!PyTuple_Check(lists)) {
        PyErr_SetString(PyExc_TypeError, "husk.tracemalloc: lists of filters expected");
        return false;
    }
    husk_status status = husk_filter_new(out);
    for (Py_ssize_t i = 0; !status && i < PyTuple_GET_SIZE(lists); i++) {
        PyObject *list = PyTuple_GET_ITEM(lists, i);
        status = i ? husk_filter_and(*out) : HUSK_OK;
        for (Py_ssize_t f = 0; !status && PyTuple_Check(list) && f < PyTuple_GET_SIZE(list); f++)
            if (!add_filter(*out, PyTuple_GET_ITEM(list, f))) {
                husk_filter_free(*out);
                return false;
            }
    }
    if (!status)
        return true;
    husk_py_raise_plain(status);
    husk_filter_free(*out);
    return false;
}

/* ---- statistics ---- */

static PyObject *wrap_stats(husk_stats *stats, husk_py_snapshot *snapshot, husk_py_snapshot *old)
{
    py_stats *made = PyObject_New(py_stats, stats_type);
    if (!made) {
        husk_stats_free(stats);
        return NULL;
    }
    made->stats = stats;
    made->snapshot = (husk_py_snapshot *)Py_NewRef((PyObject *)snapshot);
    made->old = (husk_py_snapshot *)Py_XNewRef((PyObject *)old);
    memset(&made->texts, 0, sizeof made->texts);
    return (PyObject *)made;
}

static void stats_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    py_stats *stats = (py_stats *)self;
    husk_py_free_texts(&stats->texts);
    husk_stats_free(stats->stats);
    Py_DECREF((PyObject *)stats->snapshot);
    Py_XDECREF((PyObject *)stats->old);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

static bool by_name(PyObject *x, husk_status (*find)(const char *name, int *out), int *out)
{
    PyObject *keep;
    const char *name = husk_py_arg_text(x, "husk.tracemalloc", &keep);
    husk_status status = name ? find(name, out) : HUSK_OK;
    Py_XDECREF(keep);
    if (status)
        husk_py_raise_plain(status);
    return name && !status;
}

/* _stats_new(snapshot, filters, old, old_filters, by, sort, flags, /): old may be None. */
static PyObject *stats_new(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_stats_options options = { HUSK_STATS_OPTIONS };
    husk_filter *filter = NULL, *old_filter = NULL;
    uint64_t flags;
    (void)module;
    if (count != 7)
        return PyErr_Format(PyExc_TypeError, "_stats_new(): 7 arguments expected, got %zd", count);
    husk_py_snapshot *snapshot = husk_py_arg_snapshot(args[0]);
    husk_py_snapshot *old = snapshot && args[2] != Py_None ? husk_py_arg_snapshot(args[2]) : NULL;
    if (!snapshot || (!old && args[2] != Py_None) || !by_name(args[4], husk_stats_by_find, &options.by) ||
        !by_name(args[5], husk_stats_sort_find, &options.sort) ||
        !husk_py_arg_unsigned(args[6], "tracemalloc", UINT32_MAX, &flags) ||
        !husk_py_make_filter(args[1], &filter))
        return NULL;
    if (!husk_py_make_filter(args[3], &old_filter)) {
        husk_filter_free(filter);
        return NULL;
    }
    options.flags = (uint32_t)flags;
    options.filter = filter;
    options.old_filter = old_filter;
    husk_stats *stats;
    husk_status status;
    snapshot->readers++;
    if (old)
        old->readers++;
    HUSK_PY_WORK_BEGIN;
    status = old ? husk_stats_compare(old->snapshot, snapshot->snapshot, &options, &stats)
                 : husk_stats_new(snapshot->snapshot, &options, &stats);
    husk_filter_free(filter);
    husk_filter_free(old_filter);
    HUSK_PY_WORK_END;
    snapshot->readers--;
    if (old)
        old->readers--;
    return status == HUSK_OK ? wrap_stats(stats, snapshot, old) : husk_py_raise_plain(status);
}

/* Of a row, or a sum: (name, size, count, size_diff, count_diff, frames, total, recorded). frames and total are None
 * where places are not grouped; recorded is None, or (born, born_bytes, died, died_bytes, temporary, peak, peak_bytes). */
static PyObject *stat_tuple(py_stats *self, const husk_stat *stat, PyObject *frames, PyObject *total)
{
    PyObject *name = frames && total ? husk_py_cached_text(&self->texts, stat->name) : NULL;
    PyObject *recorded = Py_NewRef(Py_None);
    if (name && stat->recorded)
        Py_SETREF(recorded,
                  Py_BuildValue("(KKKKKKK)", (unsigned long long)stat->born,
                                (unsigned long long)stat->born_bytes, (unsigned long long)stat->died,
                                (unsigned long long)stat->died_bytes, (unsigned long long)stat->temporary,
                                (unsigned long long)stat->peak, (unsigned long long)stat->peak_bytes));
    if (!name || !recorded) {
        Py_XDECREF(name);
        Py_XDECREF(frames);
        Py_XDECREF(total);
        Py_XDECREF(recorded);
        return NULL;
    }
    return Py_BuildValue("(NLLLLNNN)", name, (long long)stat->size, (long long)stat->count,
                         (long long)stat->size_diff, (long long)stat->count_diff, frames, total, recorded);
}

static PyObject *row_tuple(py_stats *self, size_t row)
{
    husk_stat stat;
    husk_frame frame;
    if (!husk_stats_row(self->stats, row, &stat))
        return PyErr_Format(PyExc_IndexError, "row %zu", row);
    if (!stat.frames)
        return stat_tuple(self, &stat, Py_NewRef(Py_None), Py_NewRef(Py_None));
    const husk_snapshot *snapshot;
    uint32_t stack = husk_stats_stack(self->stats, row, &snapshot);
    if (stack) {
        PyObject *both = husk_py_frames(&self->texts, snapshot, stack);
        if (!both)
            return NULL;
        PyObject *frames = Py_NewRef(PyTuple_GET_ITEM(both, 0)),
                 *total = Py_NewRef(PyTuple_GET_ITEM(both, 1));
        Py_DECREF(both);
        return stat_tuple(self, &stat, frames, total);
    }
    (void)husk_stats_frame(self->stats, row, 0, &frame);
    PyObject *one = husk_py_one_frame(&self->texts, &frame);
    PyObject *frames = one ? PyTuple_Pack(1, one) : NULL;
    Py_XDECREF(one);
    return stat_tuple(self, &stat, frames, Py_NewRef(Py_None));
}

static Py_ssize_t stats_length(PyObject *self)
{
    return (Py_ssize_t)husk_stats_count(((py_stats *)self)->stats);
}

static PyObject *stats_row(PyObject *self, PyObject *x)
{
    uint64_t row;
    return husk_py_arg_unsigned(x, "tracemalloc", SIZE_MAX, &row) ? row_tuple((py_stats *)self, row) : NULL;
}

static PyObject *stats_is_comparison(PyObject *self, PyObject *none)
{
    (void)none;
    return PyBool_FromLong(husk_stats_is_comparison(((py_stats *)self)->stats));
}

static PyObject *stats_total(PyObject *self, PyObject *none)
{
    husk_stat stat;
    (void)none;
    husk_stats_total(((py_stats *)self)->stats, &stat);
    return stat_tuple((py_stats *)self, &stat, Py_NewRef(Py_None), Py_NewRef(Py_None));
}

static PyObject *stats_rest(PyObject *self, PyObject *x)
{
    uint64_t first;
    husk_stat stat;
    if (!husk_py_arg_unsigned(x, "tracemalloc", SIZE_MAX, &first))
        return NULL;
    husk_stats_rest(((py_stats *)self)->stats, first, &stat);
    return stat_tuple((py_stats *)self, &stat, Py_NewRef(Py_None), Py_NewRef(Py_None));
}

/* What a row is about, as text. */
static PyObject *stats_key(PyObject *self, PyObject *x)
{
    char room[512];
    uint64_t row;
    if (!husk_py_arg_unsigned(x, "tracemalloc", SIZE_MAX, &row))
        return NULL;
    size_t length = husk_stats_key_text(((py_stats *)self)->stats, row, room, sizeof room);
    if (length < sizeof room)
        return PyUnicode_DecodeUTF8(room, (Py_ssize_t)length, "surrogateescape");
    char *text = PyMem_Malloc(length + 1);
    if (!text)
        return PyErr_NoMemory();
    husk_stats_key_text(((py_stats *)self)->stats, row, text, length + 1);
    PyObject *made = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length, "surrogateescape");
    PyMem_Free(text);
    return made;
}

/* ---- things ---- */

/* _things_new(snapshot, filters, flags, /) */
static PyObject *things_new(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_filter *filter;
    uint64_t flags;
    (void)module;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "_things_new(): 3 arguments expected, got %zd", count);
    husk_py_snapshot *snapshot = husk_py_arg_snapshot(args[0]);
    if (!snapshot || !husk_py_arg_unsigned(args[2], "tracemalloc", UINT32_MAX, &flags) ||
        !husk_py_make_filter(args[1], &filter))
        return NULL;
    husk_things *things;
    husk_status status;
    snapshot->readers++;
    HUSK_PY_WORK_BEGIN;
    status = husk_things_new(snapshot->snapshot, filter, (uint32_t)flags, &things);
    husk_filter_free(filter);
    HUSK_PY_WORK_END;
    snapshot->readers--;
    if (status != HUSK_OK)
        return husk_py_raise_plain(status);
    py_things *made = PyObject_New(py_things, things_type);
    if (!made) {
        husk_things_free(things);
        return NULL;
    }
    made->things = things;
    made->snapshot = (husk_py_snapshot *)Py_NewRef((PyObject *)snapshot);
    return (PyObject *)made;
}

static void things_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    husk_things_free(((py_things *)self)->things);
    Py_DECREF((PyObject *)((py_things *)self)->snapshot);
    PyObject_Free(self);
    Py_DECREF((PyObject *)type);
}

static Py_ssize_t things_length(PyObject *self)
{
    return (Py_ssize_t)husk_things_count(((py_things *)self)->things);
}

/* at(index, /): (domain, size, frames, total, kind, address, type, tag, mark, thread, weight, traced), or None beyond the
 * last. */
static PyObject *things_at(PyObject *self, PyObject *x)
{
    static const char *const kinds[] = { "object", "buffer", "block" };
    py_things *things = (py_things *)self;
    uint64_t index;
    husk_thing thing;
    if (!husk_py_arg_unsigned(x, "tracemalloc", SIZE_MAX, &index))
        return NULL;
    if (!husk_things_at(things->things, index, &thing))
        Py_RETURN_NONE;
    husk_py_texts *texts = &things->snapshot->texts;
    PyObject *both = husk_py_frames(texts, things->snapshot->snapshot, thing.stack);
    if (!both)
        return NULL;
    PyObject *domain = husk_py_cached_text(texts, thing.domain),
             *type = husk_py_cached_text(texts, thing.type), *tag = husk_py_cached_text(texts, thing.tag),
             *mark = husk_py_cached_text(texts, thing.mark);
    PyObject *made = NULL;
    if (domain && type && tag && mark)
        made = Py_BuildValue(
            "(OKOOsKOOOKdO)", domain, (unsigned long long)thing.size, PyTuple_GET_ITEM(both, 0),
            PyTuple_GET_ITEM(both, 1), kinds[thing.kind], (unsigned long long)thing.address, type, tag, mark,
            (unsigned long long)thing.thread, thing.weight, thing.traced ? Py_True : Py_False);
    Py_DECREF(both);
    Py_XDECREF(domain);
    Py_XDECREF(type);
    Py_XDECREF(tag);
    Py_XDECREF(mark);
    return made;
}

/* ---- the module ---- */

static PyObject *group_names(void)
{
    PyObject *names = PyList_New(0);
    const char *name;
    for (int by = 0; names && (name = husk_stats_by_name(by)); by++) {
        PyObject *one = PyUnicode_FromString(name);
        if (!one || PyList_Append(names, one) < 0)
            Py_CLEAR(names);
        Py_XDECREF(one);
    }
    PyObject *made = names ? PyList_AsTuple(names) : NULL;
    Py_XDECREF(names);
    return made;
}

static bool add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **out)
{
    *out = (PyTypeObject *)PyType_FromSpec(spec);
    return *out && PyModule_AddObjectRef(module, strrchr(spec->name, '.') + 1, (PyObject *)*out) == 0;
}

bool husk_py_add_stats(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef stats_methods[] = {
        { "row", stats_row, METH_O, NULL },
        { "is_comparison", stats_is_comparison, METH_NOARGS, NULL },
        { "total", stats_total, METH_NOARGS, NULL },
        { "rest", stats_rest, METH_O, NULL },
        { "key", stats_key, METH_O, NULL },
        { "__reduce_ex__", husk_py_refuse_pickle, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot stats_slots[] = {
        { Py_tp_dealloc, stats_dealloc },
        { Py_tp_methods, stats_methods },
        { Py_sq_length, stats_length },
        { 0, NULL },
    };
    static PyType_Spec stats_spec = {
        .name = "husk._core._Stats",
        .basicsize = sizeof(py_stats),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = stats_slots,
    };
    static PyMethodDef things_methods[] = {
        { "at", things_at, METH_O, NULL },
        { "__reduce_ex__", husk_py_refuse_pickle, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot things_slots[] = {
        { Py_tp_dealloc, things_dealloc },
        { Py_tp_methods, things_methods },
        { Py_sq_length, things_length },
        { 0, NULL },
    };
    static PyType_Spec things_spec = {
        .name = "husk._core._Things",
        .basicsize = sizeof(py_things),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = things_slots,
    };
    static PyMethodDef functions[] = {
        { "_stats_new", FAST(stats_new), METH_FASTCALL, NULL },
        { "_things_new", FAST(things_new), METH_FASTCALL, NULL },
        { NULL, NULL, 0, NULL },
    };
    if (!add_type(module, &stats_spec, &stats_type) || !add_type(module, &things_spec, &things_type) ||
        PyModule_AddFunctions(module, functions) < 0)
        return false;
    PyObject *names = group_names();
    bool good = names && PyModule_AddObjectRef(module, "_groups", names) == 0;
    Py_XDECREF(names);
    return good;
}
