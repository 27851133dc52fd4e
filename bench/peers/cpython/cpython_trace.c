/* cpython_trace.c: the standard module tracemalloc. Objects are made in C by a function that lines of
 * Python call: their frames are what it records. */
#include "system.h"

#include <malloc.h>

static struct {
    PyObject *module; /* tracemalloc */
    PyObject *step;   /* the function that Python calls */
    PyObject *deep;   /* deep(n, step): calls step with n frames on the stack */
    PyObject *places; /* places(step): calls it once from each of place_count lines */
    size_t place_count;
    sys_step *now; /* what step does */
    void *data;
} python;

static PyObject *run_step(PyObject *self, PyObject *none)
{
    (void)self;
    (void)none;
    python.now(python.data);
    Py_RETURN_NONE;
}

static void check(const void *result, const char *what)
{
    if (!result)
        PyErr_Print();
    bench_check(result != NULL, what);
}

/* The function `name` that the source defines. */
static PyObject *define(const char *source, const char *name)
{
    PyObject *names = PyDict_New();
    PyObject *done = names ? PyRun_String(source, Py_file_input, names, names) : NULL;
    check(done, "the source runs");
    PyObject *function = PyDict_GetItemString(names, name);
    check(function, "the source defines a function");
    Py_INCREF(function);
    Py_DECREF(done);
    Py_DECREF(names); /* the function holds what it needs of them */
    return function;
}

static void prepare(void)
{
    static PyMethodDef method = { "step", run_step, METH_NOARGS, NULL };
    if (python.module)
        return;
    python.module = PyImport_ImportModule("tracemalloc");
    check(python.module, "there is the module tracemalloc");
    python.step = PyCFunction_New(&method, NULL);
    check(python.step, "there is a function");
    python.deep = define("def deep(n, step):\n"
                         "    if n > 1:\n"
                         "        deep(n - 1, step)\n"
                         "    else:\n"
                         "        step()\n",
                         "deep");
}

/* Calls one of the functions above; a step may do so itself. */
static void call(PyObject *function, PyObject *arguments, sys_step *step, void *data)
{
    sys_step *outer = python.now;
    void *outer_data = python.data;
    python.now = step;
    python.data = data;
    check(arguments, "there are arguments");
    PyObject *result = PyObject_Call(function, arguments, NULL);
    check(result, "the call returns");
    Py_DECREF(result);
    Py_DECREF(arguments);
    python.now = outer;
    python.data = outer_data;
}

void sys_deep(size_t depth, sys_step *step, void *data)
{
    prepare();
    call(python.deep, Py_BuildValue("nO", (Py_ssize_t)depth, python.step), step, data);
}

/* Functions of few lines: CPython finds the line of a place by a walk from the function's beginning. */
static void prepare_places(size_t count)
{
    enum { LINES = 10, ROOM = 40 /* of a line */ };
    if (python.place_count == count)
        return;
    char *source = bench_table(count + count / LINES + 10, ROOM), *at = source;
    at += sprintf(at, "parts = []\n");
    for (size_t i = 0; i < count; i++) {
        if (i % LINES == 0)
            at += sprintf(at, "@parts.append\ndef part(step):\n");
        at += sprintf(at, "    step()\n");
    }
    sprintf(at, "def places(step):\n    for part in parts:\n        part(step)\n");
    Py_XDECREF(python.places);
    python.places = define(source, "places");
    python.place_count = count;
    free(source);
    malloc_trim(0); /* what the compiler gave back would hide what is weighed next */
}

void sys_each_place(size_t places, sys_step *step, void *data)
{
    prepare();
    prepare_places(places);
    call(python.places, Py_BuildValue("(O)", python.step), step, data);
}

static PyObject *done(PyObject *result)
{
    check(result, "tracemalloc does it");
    return result;
}

void sys_trace_start(unsigned frames, size_t sample_bytes)
{
    bench_check(sample_bytes == 0, "tracemalloc takes no samples");
    prepare();
    Py_DECREF(done(PyObject_CallMethod(python.module, "start", "I", frames)));
}

void sys_trace_stop(void)
{
    Py_DECREF(done(PyObject_CallMethod(python.module, "stop", NULL)));
}

size_t sys_trace_own(void)
{
    PyObject *bytes = done(PyObject_CallMethod(python.module, "get_tracemalloc_memory", NULL));
    size_t own = PyLong_AsSize_t(bytes);
    Py_DECREF(bytes);
    return own;
}

sys_snapshot *sys_snapshot_new(void)
{
    return done(PyObject_CallMethod(python.module, "take_snapshot", NULL));
}

void sys_snapshot_end(sys_snapshot *snapshot)
{
    Py_DECREF(snapshot);
}

void sys_snapshot_save(sys_snapshot *snapshot, const char *path)
{
    Py_DECREF(done(PyObject_CallMethod(snapshot, "dump", "s", path)));
}

sys_snapshot *sys_snapshot_load(const char *path)
{
    PyObject *type = done(PyObject_GetAttrString(python.module, "Snapshot"));
    PyObject *snapshot = done(PyObject_CallMethod(type, "load", "s", path));
    Py_DECREF(type);
    return snapshot;
}

sys_stats *sys_stats_new(sys_snapshot *snapshot)
{
    return done(PyObject_CallMethod(snapshot, "statistics", "s", "lineno"));
}

sys_stats *sys_stats_compare(sys_snapshot *old, sys_snapshot *snapshot)
{
    return done(PyObject_CallMethod(snapshot, "compare_to", "Os", old, "lineno"));
}

size_t sys_stats_rows(sys_stats *stats)
{
    return (size_t)PyObject_Size(stats);
}

void sys_stats_end(sys_stats *stats)
{
    Py_DECREF(stats);
}
