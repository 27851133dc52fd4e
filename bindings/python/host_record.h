/* bindings/python/host_record.h: what records (host_record.c) and the declaring of their classes (host_recordtype.c)
 * know of each other. */
#ifndef HUSK_PYTHON_HOST_RECORD_H
#define HUSK_PYTHON_HOST_RECORD_H

#include "host.h"

typedef struct husk_py_record_class {
    PyHeapTypeObject heap_type;
    const husk_type *type; /* NULL: the root, husk.Record */
    Py_ssize_t count;
    PyObject *names;      /* tuple */
    PyObject **defaults;  /* count of them; NULL: None */
    Py_ssize_t preset;    /* how many defaults there are */
    PyGetSetDef *getsets; /* of the fields that this class declares itself */
    bool finalizes;
} husk_py_record_class;

/* ---- host_recordtype.c ---- */

bool husk_py_is_record_class(PyObject *x);

/* The index of a field, or -1. */
Py_ssize_t husk_py_find_field(const husk_py_record_class *known, PyObject *name);

/* Makes the metaclass, husk.RecordType: all record classes derive from base, which gives them no state of their own. */
bool husk_py_make_record_meta(PyTypeObject *base);

/* ---- host_record.c ---- */

/* The getter and setter of a field, whose closure is its index. */
PyObject *husk_py_field_get(PyObject *self, void *index);
int husk_py_field_set(PyObject *self, PyObject *x, void *index);

/* A call of a record class. */
PyObject *husk_py_record_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names);

#endif
