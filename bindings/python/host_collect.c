/* bindings/python/host_collect.c: what husk.Heap has of passes: whole rounds of collecting, in turns with Python's
 * collector, what starts passes or stops them, and who is told. Steps, limits and regions: host_step.c, host_pacing.c. */
#include "host.h"

static void add_pass(husk_pass *sum, const husk_pass *one)
{
    sum->examined += one->examined;
    sum->collected += one->collected;
    sum->uncollectable += one->uncollectable;
    sum->finalized += one->finalized;
    sum->resurrected += one->resurrected;
    sum->weak_cleared += one->weak_cleared;
    sum->deferred += one->deferred;
    sum->bytes += one->bytes;
    sum->find_ns += one->find_ns;
    sum->finalize_ns += one->finalize_ns;
    sum->reclaim_ns += one->reclaim_ns;
    sum->mode = one->mode;
    sum->passes += one->passes;
    sum->number = one->number;
}

/* One pass of the heap alone. */
static bool collect_once(husk_py_heap *home, husk_pass *sum)
{
    husk_pass one = { 0 };
    husk_heap *heap = husk_py_open(home, "Heap.collect()");
    if (!heap)
        return false;
    husk_status status = husk_heap_collect(heap, &one);
    if (status != HUSK_OK) {
        husk_py_raise(home, status);
        return false;
    }
    add_pass(sum, &one);
    husk_py_leave();
    return true;
}

PyObject *husk_py_heap_collect(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "python", NULL };
    enum { MOST_ROUNDS = 8 };
    husk_py_heap *home = (husk_py_heap *)self;
    husk_pass sum = { 0 };
    int python = 1;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$p:collect", names, &python))
        return NULL;
    husk_py_begin_rounds();
    if (!collect_once(home, &sum))
        return NULL;
    bool again = python != 0;
    for (int round = 0; again && round < MOST_ROUNDS; round++) {
        size_t collected = sum.collected;
        if (!husk_py_host_collect(&again) || !collect_once(home, &sum))
            return NULL;
        again |= sum.collected != collected;
    }
    return husk_py_pass(&sum);
}

/* The library keeps the pointer: the str, and its UTF-8, stay as long as the heap object. */
PyObject *husk_py_heap_disable(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_py_heap *home = (husk_py_heap *)self;
    const char *holder = "Python";
    if (count > 1)
        return PyErr_Format(PyExc_TypeError, "Heap.disable(): at most 1 argument expected, got %zd", count);
    if (count) {
        if (!PyUnicode_CheckExact(args[0]))
            return PyErr_Format(PyExc_TypeError, "Heap.disable(): a str expected, got %.100s",
                                Py_TYPE(args[0])->tp_name);
        PyObject *kept = PyDict_SetDefault(home->holders, args[0], args[0]);
        holder = kept ? PyUnicode_AsUTF8(kept) : NULL;
        if (!holder)
            return NULL;
    }
    husk_heap *heap = husk_py_open(home, "Heap.disable()");
    husk_status status = heap ? husk_heap_disable(heap, holder) : HUSK_OK;
    if (!heap || status != HUSK_OK)
        return heap ? husk_py_raise(home, status) : NULL;
    Py_RETURN_NONE;
}

static bool take_number(PyObject *value, const char *name, size_t *out)
{
    if (!value || value == Py_None)
        return true;
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "Heap.set_pacing(): %s: an int expected, got %.100s", name,
                     husk_py_name(Py_TYPE(value)));
        return false;
    }
    *out = PyLong_AsSize_t(value);
    if (*out != (size_t)-1 || !PyErr_Occurred())
        return true;
    PyErr_Clear();
    husk_py_fail(HUSK_ERANGE, "Heap.set_pacing(): %s %S is out of range: 0 to %zu", name, value, SIZE_MAX);
    return false;
}

static bool take_real(PyObject *value, double *out)
{
    if (!value || value == Py_None)
        return true;
    *out = PyFloat_AsDouble(value);
    return *out != -1.0 || !PyErr_Occurred();
}

PyObject *husk_py_heap_set_pacing(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "least_objects", "least_bytes", "factor", "factor_max", NULL };
    husk_py_heap *home = (husk_py_heap *)self;
    PyObject *objects = NULL, *bytes = NULL, *factor = NULL, *most = NULL;
    husk_pacing pacing;
    double a = 0, b = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OOOO:set_pacing", names, &objects, &bytes, &factor,
                                     &most) ||
        !take_real(factor, &a) || !take_real(most, &b) || !husk_py_open(home, "Heap.set_pacing()"))
        return NULL;
    husk_heap_get_pacing(home->heap, &pacing);
    if (!take_number(objects, "least_objects", &pacing.least_objects) ||
        !take_number(bytes, "least_bytes", &pacing.least_bytes))
        return NULL;
    if (factor && factor != Py_None)
        pacing.factor = a;
    if (most && most != Py_None)
        pacing.factor_max = b;
    husk_status status = husk_heap_set_pacing(home->heap, &pacing);
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise(home, status);
}

/* The dict keeps the callable under its id; the library is lent a pointer for as long as it is registered. */
PyObject *husk_py_heap_on_pass(PyObject *self, PyObject *callback)
{
    husk_py_heap *home = (husk_py_heap *)self;
    uint64_t number;
    if (!husk_py_want_callable(callback, "Heap.on_pass()") || !husk_py_open(home, "Heap.on_pass()"))
        return NULL;
    husk_status status = husk_heap_on_pass(home->heap, husk_py_on_pass, callback, NULL, &number);
    if (status != HUSK_OK)
        return husk_py_raise(home, status);
    PyObject *id = PyLong_FromUnsignedLongLong(number);
    if (!id || PyDict_SetItem(home->passes, id, callback) < 0) {
        (void)husk_heap_off_pass(home->heap, number);
        Py_CLEAR(id);
    }
    return id;
}

PyObject *husk_py_heap_off_pass(PyObject *self, PyObject *id)
{
    husk_py_heap *home = (husk_py_heap *)self;
    uint64_t number;
    if (!husk_py_arg_unsigned(id, "Heap_off_pass", UINT64_MAX, &number) ||
        !husk_py_open(home, "Heap.off_pass()"))
        return NULL;
    husk_status status = husk_heap_off_pass(home->heap, number);
    if (status != HUSK_OK)
        return husk_py_raise(home, status);
    PyObject *key = PyLong_FromUnsignedLongLong(number);
    int failed = key ? PyDict_DelItem(home->passes, key) : -1;
    Py_XDECREF(key);
    return failed ? NULL : Py_NewRef(Py_None);
}
