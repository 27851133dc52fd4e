/* bindings/python/host_step.c: collecting in steps (husk/step.h). Times are seconds, as of Heap.idle(). */
#include "host.h"

#define FIRST_BUDGET 0.001 /* of Heap.step() */

static PyTypeObject *step_type;

static PyStructSequence_Field step_names[] = {
    { "finished", "whether the pass is over" },
    { "took", "seconds of this step" },
    { "figures", "of the pass so far, a Pass" },
    { NULL, NULL },
};
static PyStructSequence_Desc step_desc = { "husk.Step", "What a step of a pass did.", step_names, 3 };

/* Seconds as whole nanoseconds; what the library would refuse is refused here, with the number as it was written. zero: it
 * may be 0. */
static bool take_seconds(PyObject *seconds, const char *function, const char *what, bool zero, uint64_t *ns)
{
    double wanted = PyFloat_AsDouble(seconds);
    if (wanted == -1.0 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError))
            return false;
        PyErr_Clear(); /* an int beyond all floats: out of range, as any other */
        wanted = -1.0;
    }
    wanted = wanted * 1e9 + 0.5;
    if (!(zero && wanted == 0.5) && !(wanted >= HUSK_STEP_LEAST_NS && wanted < HUSK_STEP_MOST_NS + 1.0)) {
        husk_py_fail(HUSK_ERANGE, "%s: %s of %S seconds is not %s0.00001 to 10", function, what, seconds,
                     zero ? "0 or " : "");
        return false;
    }
    *ns = (uint64_t)wanted;
    return true;
}

PyObject *husk_py_heap_step(PyObject *self, PyObject *args)
{
    static const char *const function = "Heap.step()";
    husk_py_heap *home = (husk_py_heap *)self;
    PyObject *seconds = NULL;
    uint64_t budget = (uint64_t)(FIRST_BUDGET * 1e9);
    if (!PyArg_ParseTuple(args, "|O:step", &seconds) ||
        (seconds && !take_seconds(seconds, function, "a budget", false, &budget)))
        return NULL;
    husk_heap *heap = husk_py_open(home, function);
    if (!heap)
        return NULL;
    husk_step done;
    husk_status status = husk_heap_step(heap, budget, &done);
    husk_py_leave();
    if (status != HUSK_OK)
        return husk_py_raise(home, status);
    PyObject *parts[] = { PyBool_FromLong(done.finished), PyFloat_FromDouble((double)done.ns / 1e9),
                          husk_py_pass(&done.so_far) };
    PyObject *made = PyStructSequence_New(step_type);
    bool whole = made && parts[0] && parts[1] && parts[2];
    for (Py_ssize_t i = 0; i < 3; i++) {
        if (made)
            PyStructSequence_SetItem(made, i, parts[i]);
        else
            Py_XDECREF(parts[i]);
    }
    if (!whole)
        Py_CLEAR(made);
    return made;
}

PyObject *husk_py_heap_set_pause(PyObject *self, PyObject *seconds)
{
    static const char *const function = "Heap.set_pause()";
    uint64_t ns;
    if (!take_seconds(seconds, function, "a goal", true, &ns))
        return NULL;
    husk_heap *heap = husk_py_open((husk_py_heap *)self, function);
    if (!heap)
        return NULL;
    husk_status status = husk_heap_set_pause(heap, ns);
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise((husk_py_heap *)self, status);
}

PyObject *husk_py_heap_pause(PyObject *self, PyObject *none)
{
    (void)none;
    husk_heap *heap = husk_py_open((husk_py_heap *)self, "Heap.pause()");
    return heap ? PyFloat_FromDouble((double)husk_heap_pause(heap) / 1e9) : NULL;
}

bool husk_py_add_steps(PyObject *module)
{
    step_type = PyStructSequence_NewType(&step_desc);
    return step_type && PyModule_AddObjectRef(module, "Step", (PyObject *)step_type) == 0;
}
