/* bindings/python/host_hooks.c: what Husk calls back. A hook may run any code; the exception in flight is kept, and
 * that of the hook goes to sys.unraisablehook and, as a husk.HookError with its cause, to the heap's on_error.
 *
 * The error hook is called by Husk inside whatever it is doing, so what it is told waits, in C, until the call that
 * caused it is done (husk_py_leave). */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct hook {
    husk_py_heap *home;
    PyObject *type, *value, *trace; /* the exception in flight */
} hook;

static void begin(hook *one, husk_heap *heap)
{
    one->home = (husk_py_heap *)Py_NewRef((PyObject *)husk_heap_data(heap));
    one->home->hooks++;
    PyErr_Fetch(&one->type, &one->value, &one->trace);
}

static void end(hook *one)
{
    PyErr_Restore(one->type, one->value, one->trace);
    one->home->hooks--;
    Py_DECREF((PyObject *)one->home);
}

/* Hands error to on_error, if there is one. False: there is none. */
static bool tell(husk_py_heap *home, PyObject *error)
{
    PyObject *listener = Py_XNewRef(home->on_error);
    if (!listener)
        return false;
    PyObject *done = PyObject_CallOneArg(listener, error);
    if (!done)
        PyErr_WriteUnraisable(listener);
    Py_XDECREF(done);
    Py_DECREF(listener);
    return true;
}

/* The exception that is set, of a hook called `what`. Of a method the class is given, for the traceback's head. */
static void report(husk_py_heap *home, const char *what, PyObject *where, const char *method)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace)
        PyException_SetTraceback(value, trace);
    PyObject *shown = where && method ? PyObject_GetAttrString(where, method) : Py_XNewRef(where);
    if (home->on_error) {
        PyObject *text = PyUnicode_FromFormat("%s: %S", what, value);
        if (!text) { /* its __str__ fails */
            PyErr_Clear();
            text = PyUnicode_FromFormat("%s: %s", what, husk_py_name(Py_TYPE(value)));
        }
        PyObject *error = text ? PyObject_CallOneArg(husk_py_error_of(HUSK_EHOOK), text) : NULL;
        if (error) {
            PyException_SetCause(error, Py_NewRef(value));
            tell(home, error);
        }
        Py_XDECREF(error);
        Py_XDECREF(text);
    }
    PyErr_Restore(type, value, trace); /* what failed in between is forgotten */
    PyErr_WriteUnraisable(shown);
    Py_XDECREF(shown);
}

/* ---- records finalized before their end (host_bridge.c) ---- */

/* 1: it is in the set, and with `take` not any more. */
static bool early(const husk_py_heap *home, const husk_obj *obj, bool take)
{
    if (!home->early || !PySet_GET_SIZE(home->early))
        return false;
    PyObject *key = PyLong_FromVoidPtr((void *)(uintptr_t)obj);
    int found = key ? take ? PySet_Discard(home->early, key) : PySet_Contains(home->early, key) : -1;
    Py_XDECREF(key);
    if (found < 0)
        PyErr_Clear();
    return found > 0;
}

bool husk_py_is_early(const husk_py_heap *home, const husk_obj *obj)
{
    return early(home, obj, false);
}

bool husk_py_set_early(husk_py_heap *home, const husk_obj *obj)
{
    PyObject *key = PyLong_FromVoidPtr((void *)(uintptr_t)obj);
    if (!home->early)
        home->early = PySet_New(NULL);
    bool good = key && home->early && PySet_Add(home->early, key) == 0;
    Py_XDECREF(key);
    if (!good)
        PyErr_Clear();
    return good;
}

void husk_py_on_finalize(husk_obj *self)
{
    if (!early(husk_heap_data(husk_obj_heap(self)), self, true))
        husk_py_finalize(self);
}

void husk_py_finalize(husk_obj *self)
{
    hook one;
    begin(&one, husk_obj_heap(self));
    PyObject *proxy = husk_py_wrap(one.home, self, false);
    PyObject *done = proxy ? PyObject_CallMethod(proxy, "__finalize__", NULL) : NULL;
    if (!done) {
        char what[160];
        snprintf(what, sizeof what, "finalizer of %.100s", husk_type_name(husk_obj_type(self)));
        report(one.home, what, proxy ? (PyObject *)Py_TYPE(proxy) : NULL, "__finalize__");
    }
    Py_XDECREF(done);
    Py_XDECREF(proxy);
    end(&one);
}

void husk_py_on_pass(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data)
{
    hook one;
    begin(&one, heap);
    PyObject *callback = Py_NewRef((PyObject *)data);
    PyObject *figures = husk_py_pass(pass);
    PyObject *done =
        figures ? PyObject_CallFunction(callback, "sO", phase == HUSK_PASS_START ? "start" : "stop", figures)
                : NULL;
    if (!done)
        report(one.home, "callback of a pass", callback, NULL);
    Py_XDECREF(done);
    Py_XDECREF(figures);
    Py_DECREF(callback);
    end(&one);
}

void husk_py_on_leaks(husk_heap *heap, const husk_leaks *leaks, void *data)
{
    hook one;
    begin(&one, heap);
    PyObject *callback = Py_NewRef((PyObject *)data);
    PyObject *parts = husk_py_leaks(leaks);
    PyObject *done = parts ? PyObject_CallOneArg(callback, parts) : NULL;
    if (!done)
        report(one.home, "callback of finding leaks", callback, NULL);
    Py_XDECREF(done);
    Py_XDECREF(parts);
    Py_DECREF(callback);
    end(&one);
}

/* A callback of a weak reference, called with the reference. */
void husk_py_call_gone(husk_heap *heap, PyObject *ref, PyObject *callback)
{
    hook one;
    begin(&one, heap);
    Py_INCREF(ref);
    Py_INCREF(callback);
    PyObject *done = PyObject_CallOneArg(callback, ref);
    if (!done)
        report(one.home, "callback of a weak reference", callback, NULL);
    Py_XDECREF(done);
    Py_DECREF(callback);
    Py_DECREF(ref);
    end(&one);
}

void husk_py_call_cleanup(husk_heap *heap, PyObject *callback)
{
    hook one;
    begin(&one, heap);
    Py_INCREF(callback);
    PyObject *done = PyObject_CallNoArgs(callback);
    if (!done)
        report(one.home, "cleanup", callback, NULL);
    Py_XDECREF(done);
    Py_DECREF(callback);
    end(&one);
}

/* ---- what a heap notices by itself ---- */

void husk_py_on_error(husk_heap *heap, husk_status status, const char *text, void *data)
{
    size_t length = strlen(text);
    husk_py_report *one = malloc(sizeof *one + length + 1);
    (void)heap;
    if (!one) {
        fprintf(stderr, "husk: %s (%s)\n", text, husk_status_name(status));
        return;
    }
    one->next = NULL;
    one->home = (husk_py_heap *)Py_NewRef((PyObject *)data);
    one->status = status;
    memcpy(one->text, text, length + 1);
    if (husk_py.last_report)
        husk_py.last_report->next = one;
    else
        husk_py.first_report = one;
    husk_py.last_report = one;
}

void husk_py_deliver(void)
{
    for (husk_py_report *one; (one = husk_py.first_report);) {
        husk_py.first_report = one->next;
        if (!one->next)
            husk_py.last_report = NULL;
        PyObject *class = husk_py_error_of(one->status);
        PyObject *error = PyObject_CallFunction(class, "s", one->text);
        if (!error || !tell(one->home, error)) {
            if (error)
                PyErr_SetObject(class, error);
            PyErr_WriteUnraisable((PyObject *)one->home);
        }
        Py_XDECREF(error);
        Py_DECREF((PyObject *)one->home);
        free(one);
    }
}
