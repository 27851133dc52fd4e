/* bindings/python/host_survey.c: dry runs, hidden references, leaks: flat calls that give tuples, of which husk/_survey.py
 * makes what programs see. A report holds no references, so any code may run while it is turned into tuples. */
#include "host.h"

#include <husk/dryrun.h>
#include <husk/hidden.h>
#include <husk/leaks.h>

#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyObject *text_of(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

/* (type, place or None, objects, bytes, references) */
static PyObject *row_tuple(const husk_census_row *row)
{
    return Py_BuildValue("(NNnnK)", text_of(row->type), *row->place ? text_of(row->place) : Py_NewRef(Py_None),
                         (Py_ssize_t)row->objects, (Py_ssize_t)row->bytes, (unsigned long long)row->references);
}

/* (address, type, place or None, bytes, references, follower) */
static PyObject *object_tuple(const husk_census_object *object)
{
    return Py_BuildValue("(KNNnLO)", (unsigned long long)object->address, text_of(object->type),
                         *object->place ? text_of(object->place) : Py_NewRef(Py_None),
                         (Py_ssize_t)object->bytes, (long long)object->references,
                         object->follower ? Py_True : Py_False);
}

static bool append(PyObject *list, PyObject *item)
{
    bool good = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return good;
}

typedef bool row_fn(const void *report, size_t index, husk_census_row *out);
typedef bool object_fn(const void *report, size_t index, husk_census_object *out);

#define AT(name, type, out_type)                                                                             \
    static bool name##_at(const void *report, size_t index, out_type *out)                                   \
    {                                                                                                        \
        return name((const type *)report, index, out);                                                       \
    }
AT(husk_dryrun_type, husk_dryrun, husk_census_row)
AT(husk_hidden_row, husk_hidden, husk_census_row)
AT(husk_leaks_row, husk_leaks, husk_census_row)
AT(husk_dryrun_object, husk_dryrun, husk_census_object)
AT(husk_hidden_object, husk_hidden, husk_census_object)
AT(husk_hidden_damaged, husk_hidden, husk_census_object)
AT(husk_leaks_object, husk_leaks, husk_census_object)

static PyObject *rows_of(const void *report, row_fn *at)
{
    husk_census_row row;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && at(report, i, &row); i++)
        if (!append(list, row_tuple(&row)))
            Py_CLEAR(list);
    return list;
}

static PyObject *objects_of(const void *report, object_fn *at)
{
    husk_census_object object;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && at(report, i, &object); i++)
        if (!append(list, object_tuple(&object)))
            Py_CLEAR(list);
    return list;
}

/* [(kind, type, address, hook)] */
static PyObject *steps_of(const husk_dryrun *dryrun)
{
    static const char *const kinds[] = { "finalizer", "callback", "cleanup" };
    husk_dryrun_step step;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && husk_dryrun_step_at(dryrun, i, &step); i++)
        if (!append(list, Py_BuildValue("(sNKK)", kinds[step.kind], text_of(step.type),
                                        (unsigned long long)step.address, (unsigned long long)step.hook)))
            Py_CLEAR(list);
    return list;
}

static bool most_of(PyObject *arg, const char *function, size_t *out)
{
    uint64_t most;
    bool good = husk_py_arg_unsigned(arg, function, SIZE_MAX, &most);
    *out = (size_t)most;
    return good;
}

/* _dry_run(heap, objects, /) -> (sums, types, steps, objects) */
static PyObject *dry_run(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    static const char *const bases[] = { "none", "passes", "dry run" };
    husk_dryrun_options options = { HUSK_DRYRUN_OPTIONS };
    husk_dryrun *dryrun;
    husk_dryrun_sums s;
    (void)module;
    if (!husk_py_want_args(count, 2, "dry_run") || !most_of(args[1], "dry_run", &options.most_objects))
        return NULL;
    husk_heap *heap = husk_py_arg_heap(args[0], "dry_run");
    if (!heap)
        return NULL;
    husk_status status = husk_dryrun_new(heap, &options, &dryrun);
    if (status != HUSK_OK)
        return husk_py_raise((husk_py_heap *)args[0], status);
    husk_dryrun_sums_get(dryrun, &s);
    PyObject *sums =
        Py_BuildValue("(nnnnnnnnnnKKK(sss))", (Py_ssize_t)s.examined, (Py_ssize_t)s.garbage, (Py_ssize_t)s.objects,
                      (Py_ssize_t)s.bytes, (Py_ssize_t)s.followers, (Py_ssize_t)s.finalizers,
                      (Py_ssize_t)s.callbacks, (Py_ssize_t)s.cleanups, (Py_ssize_t)s.disposes,
                      (Py_ssize_t)s.waiting, (unsigned long long)s.find_ns, (unsigned long long)s.finalize_ns,
                      (unsigned long long)s.reclaim_ns, bases[s.find_basis], bases[s.finalize_basis],
                      bases[s.reclaim_basis]);
    PyObject *all = Py_BuildValue("(NNNN)", sums, rows_of(dryrun, husk_dryrun_type_at), steps_of(dryrun),
                                  objects_of(dryrun, husk_dryrun_object_at));
    husk_dryrun_free(dryrun);
    return all;
}

/* _hidden(heap, objects, by_place, /) -> (sums, types, objects, damaged) */
static PyObject *hidden(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_hidden_options options = { HUSK_HIDDEN_OPTIONS };
    husk_hidden *made;
    husk_hidden_sums s;
    (void)module;
    if (!husk_py_want_args(count, 3, "hidden") || !most_of(args[1], "hidden", &options.most_objects))
        return NULL;
    options.by_place = args[2] == Py_True;
    husk_heap *heap = husk_py_arg_heap(args[0], "hidden");
    if (!heap)
        return NULL;
    husk_status status = husk_hidden_new(heap, &options, &made);
    if (status != HUSK_OK)
        return husk_py_raise((husk_py_heap *)args[0], status);
    husk_hidden_sums_get(made, &s);
    PyObject *all = Py_BuildValue("((nnKn)NNN)", (Py_ssize_t)s.examined, (Py_ssize_t)s.objects,
                                  (unsigned long long)s.references, (Py_ssize_t)s.unknown,
                                  rows_of(made, husk_hidden_row_at), objects_of(made, husk_hidden_object_at),
                                  objects_of(made, husk_hidden_damaged_at));
    husk_hidden_free(made);
    return all;
}

static PyObject *shown_count(int64_t references)
{
    return references == HUSK_HIDDEN_UNKNOWN ? Py_NewRef(Py_None) : PyLong_FromLongLong(references);
}

/* _hidden_count(obj, /): how many, the handle's own included; None: not known */
static PyObject *hidden_count(PyObject *module, PyObject *arg)
{
    int64_t references;
    (void)module;
    husk_obj *obj = husk_py_arg_obj(arg, "hidden_count");
    if (!obj)
        return NULL;
    husk_status status = husk_obj_hidden_count(obj, &references);
    if (status != HUSK_OK)
        return husk_py_raise(((husk_py_proxy *)arg)->home, status);
    return shown_count(references);
}

/* _hidden_counts(objects, /): a list of the same, in their order, by one walk. They are all of one heap. */
static PyObject *hidden_counts(PyObject *module, PyObject *arg)
{
    (void)module;
    PyObject *objects = PySequence_Tuple(arg); /* may run any code: the objects are looked at afterwards */
    if (!objects)
        return NULL;
    size_t count = (size_t)PyTuple_GET_SIZE(objects);
    husk_obj **asked = PyMem_New(husk_obj *, count);
    int64_t *found = PyMem_New(int64_t, count);
    PyObject *list = asked && found ? PyList_New((Py_ssize_t)count) : PyErr_NoMemory(); /* may run code, too */
    bool good = list;
    for (size_t i = 0; good && i < count; i++)
        good = (asked[i] = husk_py_arg_obj(PyTuple_GET_ITEM(objects, (Py_ssize_t)i), "hidden_counts"));
    if (good && count) {
        husk_status status = husk_obj_hidden_counts(asked, count, found);
        good = status == HUSK_OK;
        if (!good)
            husk_py_raise(((husk_py_proxy *)PyTuple_GET_ITEM(objects, 0))->home, status);
    }
    for (size_t i = 0; good && i < count; i++) {
        PyObject *number = shown_count(found[i]);
        good = number;
        if (good)
            PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    if (!good)
        Py_CLEAR(list);
    PyMem_Free(asked);
    PyMem_Free(found);
    Py_DECREF(objects);
    return list;
}

/* ((objects, bytes, followers, unreachable, summary), types, objects) */
PyObject *husk_py_leaks(const husk_leaks *leaks)
{
    husk_leaks_sums s;
    husk_leaks_sums_get(leaks, &s);
    return Py_BuildValue("((nnnnO)NN)", (Py_ssize_t)s.objects, (Py_ssize_t)s.bytes, (Py_ssize_t)s.followers,
                         (Py_ssize_t)s.unreachable, s.summary ? Py_True : Py_False,
                         rows_of(leaks, husk_leaks_row_at), objects_of(leaks, husk_leaks_object_at));
}

/* _leaks(heap, objects, /) */
static PyObject *leaks(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    size_t most;
    husk_leaks *made;
    (void)module;
    if (!husk_py_want_args(count, 2, "leaks") || !most_of(args[1], "leaks", &most))
        return NULL;
    husk_heap *heap = husk_py_arg_heap(args[0], "leaks");
    if (!heap)
        return NULL;
    husk_status status = husk_leaks_new(heap, most, &made);
    if (status != HUSK_OK)
        return husk_py_raise((husk_py_heap *)args[0], status);
    PyObject *all = husk_py_leaks(made);
    husk_leaks_free(made);
    return all;
}

/* _find_leaks(heap, callback or None, objects, /): who is told. The heap's dict of callbacks keeps it. */
static PyObject *find_leaks(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    size_t most;
    (void)module;
    if (!husk_py_want_args(count, 3, "find_leaks") || !most_of(args[2], "find_leaks", &most))
        return NULL;
    husk_heap *heap = husk_py_arg_heap(args[0], "find_leaks");
    if (!heap)
        return NULL;
    husk_py_heap *home = (husk_py_heap *)args[0];
    bool told = args[1] != Py_None;
    PyObject *before = Py_XNewRef(PyDict_GetItemString(home->passes, "leaks"));
    if (PyDict_SetItemString(home->passes, "leaks", args[1]) < 0) {
        Py_XDECREF(before);
        return NULL;
    }
    husk_heap_on_leaks(heap, told ? husk_py_on_leaks : NULL, told ? args[1] : NULL, NULL, most);
    Py_XDECREF(before); /* may run any code: last */
    return Py_NewRef(Py_None);
}

bool husk_py_add_surveys(PyObject *module)
{
    static PyMethodDef functions[] = {
        { "_dry_run", FAST(dry_run), METH_FASTCALL, NULL },
        { "_hidden", FAST(hidden), METH_FASTCALL, NULL },
        { "_hidden_count", hidden_count, METH_O, NULL },
        { "_hidden_counts", hidden_counts, METH_O, NULL },
        { "_leaks", FAST(leaks), METH_FASTCALL, NULL },
        { "_find_leaks", FAST(find_leaks), METH_FASTCALL, NULL },
        { NULL, NULL, 0, NULL },
    };
    return PyModule_AddFunctions(module, functions) == 0;
}
