/* bindings/python/host_map.c: husk.Map, a mutable mapping in the order of insertion. What is not here (keys, items,
 * values, popitem, setdefault, update) comes from collections.abc.MutableMapping (husk/__init__.py).
 *
 * Comparison is identity, as for all objects of a heap. Keys differ from a dict's in one thing: True and 1 are two
 * keys. */
#include "host.h"

static husk_py_heap *home_of(PyObject *self)
{
    return ((husk_py_proxy *)self)->home;
}

static Py_ssize_t map_length(PyObject *self)
{
    husk_obj *map = husk_py_obj(self);
    return map ? (Py_ssize_t)husk_map_count(map) : -1;
}

/* 1: found, 0: no such key, -1: an exception is set. */
static int lookup(PyObject *self, PyObject *key, husk_value *out)
{
    husk_py_heap *home = home_of(self);
    husk_obj *map = husk_py_obj(self), *made = NULL;
    husk_status status;
    if (!map)
        return -1;
    if (PyUnicode_CheckExact(key)) { /* without making a text */
        Py_ssize_t length;
        PyObject *keep;
        const char *bytes = husk_py_text(key, &length, &keep);
        map = bytes ? husk_py_obj(self) : NULL;
        status = map ? husk_map_peek_text(map, bytes, (size_t)length, out) : HUSK_OK;
        Py_XDECREF(keep);
        if (!map)
            return -1;
    } else {
        husk_value k;
        if (!husk_py_to_key(home, key, &k, &made))
            return -1;
        status = husk_map_peek(((husk_py_proxy *)self)->obj, k, out);
        if (made)
            husk_obj_release(made);
    }
    if (status == HUSK_OK)
        return 1;
    if (status == HUSK_EMISSING)
        return 0;
    husk_py_raise(home, status);
    return -1;
}

static PyObject *missing(PyObject *key)
{
    return husk_py_fail(HUSK_EMISSING, "the map has no key %R", key);
}

static PyObject *map_subscript(PyObject *self, PyObject *key)
{
    husk_value v;
    int found = lookup(self, key, &v);
    if (found > 0)
        return husk_py_from_value(home_of(self), v);
    return found < 0 ? NULL : missing(key);
}

static int map_contains(PyObject *self, PyObject *key)
{
    husk_value v;
    return lookup(self, key, &v);
}

static PyObject *map_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_value v;
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "Map.get(): 1 or 2 arguments expected, got %zd", count);
    int found = lookup(self, args[0], &v);
    if (found > 0)
        return husk_py_from_value(home_of(self), v);
    return found < 0 ? NULL : Py_NewRef(count > 1 ? args[1] : Py_None);
}

static int set_entry(PyObject *self, PyObject *key, PyObject *x)
{
    husk_py_heap *home = home_of(self);
    husk_value k, v;
    husk_obj *made_key, *made;
    husk_status status = HUSK_OK;
    if (!husk_py_obj(self) || !husk_py_to_key(home, key, &k, &made_key))
        return -1;
    bool good = husk_py_to_value(home, x, &v, &made); /* may run code, if it is a str with surrogates */
    if (good)
        status = husk_map_set(((husk_py_proxy *)self)->obj, k, v);
    if (home->heap) {
        if (made_key)
            husk_obj_release(made_key);
        if (made)
            husk_obj_release(made);
    }
    if (good && status != HUSK_OK) {
        husk_py_raise(home, status);
        return -1;
    }
    husk_py_leave();
    return good ? 0 : -1;
}

static int remove_entry(PyObject *self, PyObject *key)
{
    husk_py_heap *home = home_of(self);
    husk_value k;
    husk_obj *made;
    if (!husk_py_obj(self) || !husk_py_to_key(home, key, &k, &made))
        return -1;
    husk_status status = husk_map_remove(((husk_py_proxy *)self)->obj, k);
    if (made)
        husk_obj_release(made);
    if (status == HUSK_OK)
        husk_py_leave();
    else if (status == HUSK_EMISSING)
        missing(key);
    else
        husk_py_raise(home, status);
    return status == HUSK_OK ? 0 : -1;
}

static int map_assign(PyObject *self, PyObject *key, PyObject *x)
{
    return x ? set_entry(self, key, x) : remove_entry(self, key);
}

static PyObject *map_pop(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_value v;
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "Map.pop(): 1 or 2 arguments expected, got %zd", count);
    int found = lookup(self, args[0], &v);
    if (found <= 0)
        return found < 0 ? NULL : count > 1 ? Py_NewRef(args[1]) : missing(args[0]);
    PyObject *result = husk_py_from_value(home_of(self), v);
    if (result && remove_entry(self, args[0]) < 0)
        Py_CLEAR(result);
    return result;
}

static PyObject *map_clear(PyObject *self, PyObject *none)
{
    (void)none;
    husk_obj *map = husk_py_obj(self);
    if (!map)
        return NULL;
    husk_py_heap *home = home_of(self);
    husk_status status = husk_map_clear(map);
    if (status != HUSK_OK)
        return husk_py_raise(home, status);
    husk_py_leave();
    Py_RETURN_NONE;
}

/* ---- making ---- */

static int set_named(PyObject *self, PyObject *names)
{
    PyObject *name, *x;
    Py_ssize_t at = 0;
    int failed = 0;
    while (!failed && names && PyDict_Next(names, &at, &name, &x)) {
        Py_INCREF(name);
        Py_INCREF(x);
        failed = set_entry(self, name, x);
        Py_DECREF(name);
        Py_DECREF(x);
    }
    return failed;
}

/* entries: a mapping, or pairs, as dict takes them. */
static int set_entries(PyObject *self, PyObject *entries)
{
    PyObject *update = PyObject_GetAttrString(self, "update");
    PyObject *done = update ? PyObject_CallOneArg(update, entries) : NULL;
    Py_XDECREF(update);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

PyObject *husk_py_map_build(husk_py_heap *home, PyObject *entries, PyObject *names)
{
    husk_py_proxy *proxy = husk_py_proxy_new(husk_py.map_type);
    husk_heap *heap = proxy ? husk_py_open(home, "Map") : NULL;
    husk_obj *map = heap ? husk_map_new(heap) : NULL;
    if (!map) {
        Py_XDECREF((PyObject *)proxy);
        return heap ? husk_py_raise_failure(home) : NULL;
    }
    PyObject *self = husk_py_adopt(home, proxy, map);
    if (self && ((entries && set_entries(self, entries) < 0) || set_named(self, names) < 0))
        Py_CLEAR(self);
    return self;
}

static PyObject *map_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "", "heap", NULL };
    PyObject *entries = NULL, *heap = NULL;
    (void)type;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O$O:Map", names, &entries, &heap))
        return NULL;
    husk_py_heap *home = husk_py_heap_for(heap);
    return home ? husk_py_map_build(home, entries, NULL) : NULL;
}

/* ---- iteration: over keys ---- */

typedef struct map_iterator {
    PyObject_HEAD PyObject *map; /* NULL: exhausted */
    size_t cursor;
} map_iterator;

static PyTypeObject *iterator_type;

static PyObject *map_iter(PyObject *self)
{
    if (!husk_py_obj(self))
        return NULL;
    map_iterator *it = PyObject_GC_New(map_iterator, iterator_type);
    if (!it)
        return NULL;
    it->map = Py_NewRef(self);
    it->cursor = 0;
    PyObject_GC_Track((PyObject *)it);
    return (PyObject *)it;
}

static PyObject *iterator_next(PyObject *self)
{
    map_iterator *it = (map_iterator *)self;
    husk_obj *map = it->map ? husk_py_obj(it->map) : NULL;
    husk_value key, v;
    if (!map)
        return NULL;
    if (husk_map_next(map, &it->cursor, &key, &v))
        return husk_py_from_value(home_of(it->map), key);
    Py_CLEAR(it->map);
    return NULL;
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((map_iterator *)self)->map);
    return 0;
}

static void iterator_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((map_iterator *)self)->map);
    PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
}

bool husk_py_add_maps(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef methods[] = {
        { "get", FAST(map_get), METH_FASTCALL,
          "get($self, key, default=None, /)\n--\n\nThe value of key, or default if there is none." },
        { "pop", FAST(map_pop), METH_FASTCALL,
          "pop(key[, default])\n\nRemoves key and returns its value, or default if there is none." },
        { "clear", map_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemoves all entries." },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "Map(entries=(), /, *, heap=None)\n--\n\nA map in a heap, husk.default if none is named. Keys are "
          "bool, int, float, str and objects of the heap. Comparison is identity." },
        { Py_tp_new, map_new },
        { Py_tp_dealloc, husk_py_proxy_dealloc },
        { Py_tp_traverse, husk_py_proxy_traverse },
        { Py_tp_clear, husk_py_proxy_clear },
        { Py_tp_iter, map_iter },
        { Py_tp_methods, methods },
        { Py_sq_contains, map_contains },
        { Py_mp_length, map_length },
        { Py_mp_subscript, map_subscript },
        { Py_mp_ass_subscript, map_assign },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.Map",
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    static PyType_Slot iterator_slots[] = {
        { Py_tp_dealloc, iterator_dealloc },
        { Py_tp_traverse, iterator_traverse },
        { Py_tp_iter, PyObject_SelfIter },
        { Py_tp_iternext, iterator_next },
        { 0, NULL },
    };
    static PyType_Spec iterator_spec = {
        .name = "husk._core.map_iterator",
        .basicsize = sizeof(map_iterator),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = iterator_slots,
    };
    iterator_type = (PyTypeObject *)PyType_FromSpec(&iterator_spec);
    husk_py.map_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    return iterator_type && husk_py.map_type &&
           PyModule_AddObjectRef(module, "Map", (PyObject *)husk_py.map_type) == 0;
}
