/* bindings/python/shared.h: what husk._core lets husk._ffi use, in one table: the two modules are built together
 * and share no other symbol. _core knows handles and heaps, _ffi layouts (host_ffi_types.c). */
#ifndef HUSK_PY_SHARED_H
#define HUSK_PY_SHARED_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <husk/obj.h>

#define HUSK_PY_SHARED "husk._core._shared" /* the name of the capsule */

/* Fills a new object from the arguments of its class. False: an exception is set. */
typedef bool husk_py_fill_fn(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);

typedef struct husk_py_shared {
    PyTypeObject *obj_type; /* husk.Obj */
    /* Makes the class, derived from obj_type and of its size, the one of all objects of the type, for good. */
    bool (*publish)(const husk_type *type, PyTypeObject *class, husk_py_fill_fn *fill);
    PyTypeObject *(*class_of)(const husk_type *type); /* borrowed; NULL: none published */
    husk_obj *(*object)(PyObject *self);              /* of a handle; NULL: ClosedError is set */
    /* A `ref` at this offset of the object of a handle, which is published. */
    PyObject *(*ref_get)(PyObject *self, size_t offset);
    bool (*ref_set)(PyObject *self, size_t offset, PyObject *x);
} husk_py_shared;

#endif
