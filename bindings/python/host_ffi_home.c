/* bindings/python/host_ffi_home.c: what a thread has of husk._ffi, a space in which its callbacks are made, and
 * where errors go that no caller can be told. All of it under the interpreter lock. */
#include "host_ffi.h"

#include <stdatomic.h>
#include <stdlib.h>

static const char home_key[] = "husk._ffi.home";
static husk_py_home *homes;
static PyObject *last_error;
static atomic_bool ended;

bool husk_py_ffi_ended(void)
{
    return atomic_load_explicit(&ended, memory_order_acquire);
}

static void at_end(void)
{
    atomic_store_explicit(&ended, true, memory_order_release);
}

bool husk_py_homes_begin(void)
{
    if (Py_AtExit(at_end) == 0)
        return true;
    PyErr_SetString(PyExc_ImportError, "husk.ffi: too many functions wait for the interpreter's end");
    return false;
}

/* ---- errors ---- */

PyObject *husk_py_ffi_error(husk_status status)
{
    static PyObject *husk; /* stays: this module is of its package */
    if (!husk)
        husk = PyImport_ImportModule("husk");
    const char *name = status == HUSK_ENOMEM   ? "OutOfMemoryError"
                       : status == HUSK_EBUSY  ? "BusyError"
                       : status == HUSK_EINVAL ? "InvalidError"
                       : status == HUSK_ERANGE ? "RangeError"
                       : status == HUSK_ESTATE ? "StateError"
                                               : "Error";
    PyObject *found = husk ? PyObject_GetAttrString(husk, name) : NULL;
    if (!found) {
        PyErr_Clear();
        return PyExc_RuntimeError;
    }
    Py_DECREF(found); /* the package has it */
    return found;
}

PyObject *husk_py_ffi_raise(husk_status status)
{
    const char *text = husk_message();
    PyErr_SetString(husk_py_ffi_error(status), *text ? text : husk_status_text(status));
    return NULL;
}

PyObject *husk_py_last_error(void)
{
    return last_error;
}

void husk_py_forget_error(void)
{
    Py_CLEAR(last_error);
}

void husk_py_note_error(PyObject *where)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace)
        PyException_SetTraceback(value, trace);
    Py_XINCREF(value);
    PyObject *before = last_error;
    last_error = value;
    PyErr_Restore(type, value, trace);
    PyErr_WriteUnraisable(where);
    Py_XDECREF(before);
}

static void tell(husk_py_home *home, const husk_ffi_report *report)
{
    PyObject *type, *value, *trace;
    home->heard = report->number;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_SetString(husk_py_ffi_error(report->status), report->text);
    husk_py_note_error(NULL);
    PyErr_Restore(type, value, trace);
}

void husk_py_tell(void)
{
    husk_ffi_report report;
    for (husk_py_home *home = homes; home;) {
        if (husk_ffi_last_report(home->space, &report) && report.number > home->heard) {
            tell(home, &report); /* may run code that ends homes: from the start again */
            home = homes;
        } else {
            home = home->next;
        }
    }
}

/* On the thread of the home, with or without the interpreter lock. */
static void heard(const husk_ffi_report *report, void *data)
{
    if (husk_py_ffi_ended()) {
        fprintf(stderr, "husk: %s\n", report->text);
        return;
    }
    PyGILState_STATE state = PyGILState_Ensure();
    tell(data, report);
    PyGILState_Release(state);
}

/* ---- homes ---- */

void husk_py_home_drop(husk_py_home *home)
{
    if (--home->users)
        return;
    if (home->prev)
        home->prev->next = home->next;
    else
        homes = home->next;
    if (home->next)
        home->next->prev = home->prev;
    husk_ffi_space_free(home->space); /* what is reported from now on goes to stderr */
    free(home);
}

static void end_late(husk_py_home *home)
{
    for (husk_py_record *record; (record = home->late);) {
        home->late = record->later;
        husk_ffi_closure_end(record->closure);
        husk_py_home_drop(home); /* not the last: the thread has it too */
    }
}

void husk_py_record_end(husk_py_record *record)
{
    husk_py_home *home = record->home;
    if (home->over || home->thread == PyThread_get_thread_ident()) {
        husk_ffi_closure_end(record->closure);
        husk_py_home_drop(home);
    } else {
        record->later = home->late;
        home->late = record;
    }
}

/* The thread's dictionary ends. */
static void thread_over(PyObject *capsule)
{
    husk_py_home *home = PyCapsule_GetPointer(capsule, home_key);
    if (home->thread == PyThread_get_thread_ident())
        end_late(home); /* else the interpreter ends, and this thread may be anywhere */
    home->over = true;
    husk_py_home_drop(home);
}

static husk_py_home *make(PyObject *dict)
{
    husk_py_home *home = calloc(1, sizeof *home);
    husk_status status = home ? husk_ffi_space_new(&home->space) : HUSK_ENOMEM;
    if (status != HUSK_OK) {
        free(home);
        PyErr_NoMemory();
        return NULL;
    }
    home->thread = PyThread_get_thread_ident();
    home->users = 1;
    home->next = homes;
    if (homes)
        homes->prev = home;
    homes = home;
    husk_ffi_space_on_report(home->space, heard, home, NULL);
    PyObject *capsule = PyCapsule_New(home, home_key, thread_over);
    if (!capsule) {
        husk_py_home_drop(home);
        return NULL;
    }
    int failed = PyDict_SetItemString(dict, home_key, capsule);
    Py_DECREF(capsule); /* with it home, if the dictionary did not take it */
    return failed ? NULL : home;
}

husk_py_home *husk_py_home_get(void)
{
    PyObject *dict = PyThreadState_GetDict();
    if (!dict) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *capsule = PyDict_GetItemString(dict, home_key);
    husk_py_home *home = capsule ? PyCapsule_GetPointer(capsule, home_key) : make(dict);
    if (!home)
        return NULL;
    end_late(home);
    husk_py_tell();
    return home;
}
