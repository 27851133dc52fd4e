/* bindings/python/host_ffi.h: husk._ffi, Python functions as C function pointers. host_ffi.c has the callbacks,
 * host_ffi_home.c what a thread has of them, host_ffi_values.c how values cross; host_ffi_types.c and
 * host_ffi_views.c objects of a heap as C structs.
 *
 *   Callback ---> function            a strong reference, seen by Python's collector
 *      '--> record <--- closure       the closure's data; refers to the Callback only while that is open
 *              '--> home              the space of the thread that made it
 *
 * A closure may be entered without the interpreter lock, so only its own thread may end it: an end on another
 * thread cuts the record off at once, and the closure itself ends when its thread comes by (home->late). */
#ifndef HUSK_PY_HOST_FFI_H
#define HUSK_PY_HOST_FFI_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <structmember.h>

#include <husk.h>
#include <husk/ffi.h>

#include "shared.h"

typedef struct husk_py_home husk_py_home;
typedef struct husk_py_record husk_py_record;
typedef struct husk_py_callback husk_py_callback;

struct husk_py_record {
    husk_py_callback *self; /* NULL: closed */
    husk_py_home *home;
    husk_ffi_closure *closure;
    husk_py_record *later; /* in home->late */
};

struct husk_py_callback {
    PyObject_HEAD PyObject *function;
    husk_py_record *record; /* NULL: closed */
    const husk_ffi_type *type;
    void *code;
    PyObject *signature;
    PyObject *weaklist;
};

/* ---- host_ffi_home.c ---- */

struct husk_py_home {
    husk_ffi_space *space;
    unsigned long thread;
    size_t users;   /* records, and the thread */
    uint64_t heard; /* of the space's reports */
    bool over;      /* the thread is */
    husk_py_record *late;
    husk_py_home *prev, *next;
};

/* The calling thread's, made at its first use; NULL: an exception is set. Ends what waits there, and tells of
 * what other threads were refused. */
husk_py_home *husk_py_home_get(void);
void husk_py_home_drop(husk_py_home *home);
/* Ends the closure of a record that has been cut off. */
void husk_py_record_end(husk_py_record *record);
/* Tells of the reports of all threads that nobody has heard of yet. May run any code; keeps the exception in flight. */
void husk_py_tell(void);
/* The exception in flight becomes the last error, and sys.unraisablehook's. */
void husk_py_note_error(PyObject *where);
PyObject *husk_py_last_error(void); /* borrowed; NULL: none */
void husk_py_forget_error(void);
PyObject *husk_py_ffi_error(husk_status status); /* the class of husk for it, borrowed */
PyObject *husk_py_ffi_raise(husk_status status); /* NULL, with husk_message() */
bool husk_py_ffi_ended(void);                    /* Py_Finalize is through */
bool husk_py_homes_begin(void);

/* ---- host_ffi_values.c ---- */

/* Whether callbacks can have this signature; false: an exception is set. */
bool husk_py_ffi_check(const husk_ffi_type *function);
PyObject *husk_py_ffi_from(const husk_ffi_type *type, const void *at);
/* False: an exception is set, and *at is zero. what is "a field" and the like. */
bool husk_py_ffi_to(const husk_ffi_type *type, PyObject *value, void *at, const char *what);

/* ---- host_ffi_types.c ---- */

const husk_py_shared *husk_py_ffi_shared(void); /* NULL: an exception is set, at the first call only */
PyObject *husk_py_ffi_heap_type(PyObject *module, PyObject *args);
PyObject *husk_py_ffi_address(PyObject *module, PyObject *x);
bool husk_py_ffi_add_types(PyObject *module);

/* ---- host_ffi_views.c ---- */

/* What is at the offset of the object of a handle. */
PyObject *husk_py_ffi_read(PyObject *self, const husk_ffi_type *type, size_t offset);
/* False: an exception is set; of a struct or array, what came before the fault is stored. */
bool husk_py_ffi_write(PyObject *self, const husk_ffi_type *type, size_t offset, PyObject *x);
/* The object that a View is a part of, borrowed, and where; NULL without an exception: x is none. */
PyObject *husk_py_ffi_viewed(PyObject *x, size_t *offset);
bool husk_py_ffi_add_views(PyObject *module);

#endif
