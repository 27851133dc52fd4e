/* bindings/python/host_weakmap.c: husk.WeakKeyMap, husk.WeakValueMap and husk.WeakSet. Of the protocols of
 * collections.abc they have what is done in the library; the rest comes from there (husk/__init__.py).
 *
 * What is held weakly is an object of the heap, of which Python may have no handle at all: that is no reason for an
 * entry to go. keys(), values() and items() are iterators, as those of weakref's dictionaries; what they give is held
 * by the program, and anything may be removed or die meanwhile. */
#include "host.h"

static PyTypeObject *key_type, *value_type, *set_type, *iterator_type;

PyTypeObject *husk_py_weak_class(husk_kind kind)
{
    return kind == HUSK_KIND_WEAKKEYMAP ? key_type : kind == HUSK_KIND_WEAKVALUEMAP ? value_type : set_type;
}

static husk_py_heap *home_of(PyObject *self)
{
    return ((husk_py_proxy *)self)->home;
}

/* The object of x, which is to be held weakly in home. NULL: an exception is set. */
static husk_obj *weak_arg(husk_py_heap *home, PyObject *x)
{
    if (!husk_py_is_proxy(x)) {
        PyErr_Format(PyExc_TypeError, "cannot create weak reference to '%.100s' object: it is not in a heap",
                     husk_py_name(Py_TYPE(x)));
        return NULL;
    }
    husk_obj *obj = husk_py_obj(x);
    if (obj && home_of(x) != home) {
        husk_py_fail(HUSK_EHEAP, "a %.100s of heap '%U' cannot be stored in heap '%U'",
                     husk_py_name(Py_TYPE(x)), home_of(x)->name, home->name);
        return NULL;
    }
    return obj;
}

static Py_ssize_t weak_length(PyObject *self)
{
    husk_obj *obj = husk_py_obj(self);
    if (!obj)
        return -1;
    return (Py_ssize_t)(Py_TYPE(self) == key_type     ? husk_weakkeymap_count(obj)
                        : Py_TYPE(self) == value_type ? husk_weakvaluemap_count(obj)
                                                      : husk_weakset_count(obj));
}

/* The end of a call that may have failed or ended objects: 0, or -1 with an exception. */
static int finish(husk_py_heap *home, husk_status status)
{
    if (status != HUSK_OK) {
        husk_py_raise(home, status);
        return -1;
    }
    husk_py_leave();
    return 0;
}

static PyObject *missing(const char *what, PyObject *key)
{
    return husk_py_fail(HUSK_EMISSING, "the %s has no %s %R", what, *what == 's' ? "element" : "key", key);
}

static PyObject *weak_clear(PyObject *self, PyObject *none)
{
    husk_obj *obj = husk_py_obj(self);
    (void)none;
    if (!obj)
        return NULL;
    husk_status status = Py_TYPE(self) == key_type     ? husk_weakkeymap_clear(obj)
                         : Py_TYPE(self) == value_type ? husk_weakvaluemap_clear(obj)
                                                       : husk_weakset_clear(obj);
    return finish(home_of(self), status) < 0 ? NULL : Py_NewRef(Py_None);
}

/* ---- lookup: 1 found, 0 not there, -1 an exception is set ---- */

static int find_by_key(PyObject *self, PyObject *key, husk_value *out)
{
    husk_obj *map = husk_py_obj(self),
             *obj = map && husk_py_is_proxy(key) ? weak_arg(home_of(self), key) : NULL;
    if (!obj && PyErr_Occurred())
        return PyErr_ExceptionMatches(husk_py_error_of(HUSK_EHEAP)) ? (PyErr_Clear(), 0) : -1;
    return obj && husk_weakkeymap_peek(map, obj, out) == HUSK_OK; /* what is no object is no key */
}

static int find_by_value(PyObject *self, PyObject *key, husk_value *out)
{
    husk_py_heap *home = home_of(self);
    husk_obj *made, *found;
    husk_value k;
    if (!husk_py_obj(self) || !husk_py_to_key(home, key, &k, &made))
        return -1;
    husk_status status = husk_weakvaluemap_peek(((husk_py_proxy *)self)->obj, k, &found);
    if (made)
        husk_obj_release(made);
    if (status == HUSK_OK)
        *out = husk_ref(found);
    else if (status != HUSK_EMISSING)
        return finish(home, status);
    return status == HUSK_OK;
}

static int find(PyObject *self, PyObject *key, husk_value *out)
{
    return Py_TYPE(self) == key_type ? find_by_key(self, key, out) : find_by_value(self, key, out);
}

static PyObject *map_subscript(PyObject *self, PyObject *key)
{
    husk_value v;
    int found = find(self, key, &v);
    if (found > 0)
        return husk_py_from_value(home_of(self), v);
    return found < 0 ? NULL : missing("map", key);
}

static int map_contains(PyObject *self, PyObject *key)
{
    husk_value v;
    return find(self, key, &v);
}

static PyObject *map_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_value v;
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "get(): 1 or 2 arguments expected, got %zd", count);
    int found = find(self, args[0], &v);
    if (found > 0)
        return husk_py_from_value(home_of(self), v);
    return found < 0 ? NULL : Py_NewRef(count > 1 ? args[1] : Py_None);
}

/* ---- change ---- */

static int key_map_assign(PyObject *self, PyObject *key, PyObject *x)
{
    husk_py_heap *home = home_of(self);
    husk_obj *made = NULL;
    husk_value v;
    if (!husk_py_obj(self) || !weak_arg(home, key) || (x && !husk_py_to_value(home, x, &v, &made)))
        return -1;
    husk_obj *map = husk_py_obj(self), *obj = map ? weak_arg(home, key) : NULL; /* x may have run code */
    if (!obj)
        return -1;
    husk_status status = x ? husk_weakkeymap_set(map, obj, v) : husk_weakkeymap_remove(map, obj);
    if (made)
        husk_obj_release(made);
    if (!x && status == HUSK_EMISSING)
        return missing("map", key) ? 0 : -1;
    return finish(home, status);
}

static int value_map_assign(PyObject *self, PyObject *key, PyObject *x)
{
    husk_py_heap *home = home_of(self);
    husk_obj *made;
    husk_value k;
    if (!husk_py_obj(self) || !husk_py_to_key(home, key, &k, &made))
        return -1;
    husk_obj *map = ((husk_py_proxy *)self)->obj, *obj = x ? weak_arg(home, x) : NULL;
    husk_status status = HUSK_OK;
    if (obj || !x)
        status = x ? husk_weakvaluemap_set(map, k, obj) : husk_weakvaluemap_remove(map, k);
    if (made)
        husk_obj_release(made);
    if (x && !obj)
        return -1;
    if (!x && status == HUSK_EMISSING)
        return missing("map", key) ? 0 : -1;
    return finish(home, status);
}

static int map_assign(PyObject *self, PyObject *key, PyObject *x)
{
    return Py_TYPE(self) == key_type ? key_map_assign(self, key, x) : value_map_assign(self, key, x);
}

static PyObject *map_pop(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    husk_value v;
    if (count < 1 || count > 2)
        return PyErr_Format(PyExc_TypeError, "pop(): 1 or 2 arguments expected, got %zd", count);
    int found = find(self, args[0], &v);
    if (found <= 0)
        return found < 0 ? NULL : count > 1 ? Py_NewRef(args[1]) : missing("map", args[0]);
    PyObject *result = husk_py_from_value(home_of(self), v);
    if (result && map_assign(self, args[0], NULL) < 0)
        Py_CLEAR(result);
    return result;
}

/* ---- set ---- */

static int set_contains(PyObject *self, PyObject *x)
{
    husk_obj *set = husk_py_obj(self), *obj = set && husk_py_is_proxy(x) ? husk_py_obj(x) : NULL;
    if (!set || (!obj && PyErr_Occurred()))
        return -1;
    return obj && home_of(x) == home_of(self) && husk_weakset_has(set, obj);
}

static PyObject *set_add(PyObject *self, PyObject *x)
{
    husk_obj *set = husk_py_obj(self), *obj = set ? weak_arg(home_of(self), x) : NULL;
    if (!obj || finish(home_of(self), husk_weakset_add(set, obj)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* What cannot be in any set is an error; `in` just says no. */
static int set_contains_object(PyObject *self, PyObject *x)
{
    return husk_py_is_proxy(x) ? set_contains(self, x) : (weak_arg(home_of(self), x), -1);
}

static PyObject *set_discard(PyObject *self, PyObject *x)
{
    int has = set_contains_object(self, x);
    if (has < 0 || (has && finish(home_of(self), husk_weakset_remove(((husk_py_proxy *)self)->obj,
                                                                     ((husk_py_proxy *)x)->obj)) < 0))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_remove(PyObject *self, PyObject *x)
{
    int has = set_contains_object(self, x);
    return has < 0 ? NULL : has ? set_discard(self, x) : missing("set", x);
}

/* ---- iteration ---- */

typedef enum iterator_mode { KEYS, VALUES, ITEMS } iterator_mode;

typedef struct weak_iterator {
    PyObject_HEAD PyObject *of; /* NULL: exhausted */
    size_t cursor;
    iterator_mode mode;
} weak_iterator;

static PyObject *iterate(PyObject *self, iterator_mode mode)
{
    weak_iterator *it = husk_py_obj(self) ? PyObject_GC_New(weak_iterator, iterator_type) : NULL;
    if (!it)
        return NULL;
    it->of = Py_NewRef(self);
    it->cursor = 0;
    it->mode = mode;
    PyObject_GC_Track((PyObject *)it);
    return (PyObject *)it;
}

static PyObject *weak_iter(PyObject *self)
{
    return iterate(self, KEYS);
}

static PyObject *map_keys(PyObject *self, PyObject *none)
{
    (void)none;
    return iterate(self, KEYS);
}

static PyObject *map_values(PyObject *self, PyObject *none)
{
    (void)none;
    return iterate(self, VALUES);
}

static PyObject *map_items(PyObject *self, PyObject *none)
{
    (void)none;
    return iterate(self, ITEMS);
}

static bool next_entry(weak_iterator *it, husk_obj *of, husk_value *key, husk_value *v)
{
    husk_obj *obj = NULL;
    bool more;
    *v = husk_nil();
    if (Py_TYPE(it->of) == value_type) {
        more = husk_weakvaluemap_next(of, &it->cursor, key, &obj);
        *v = more ? husk_ref(obj) : husk_nil();
        return more;
    }
    more = Py_TYPE(it->of) == key_type ? husk_weakkeymap_next(of, &it->cursor, &obj, v)
                                       : husk_weakset_next(of, &it->cursor, &obj);
    *key = more ? husk_ref(obj) : husk_nil();
    return more;
}

/* Both halves of an entry, each retained first, since making the handle of one may end the other. */
static PyObject *both(husk_py_heap *home, husk_value key, husk_value v)
{
    husk_value_retain(key);
    husk_value_retain(v);
    PyObject *x = key.tag == HUSK_OBJ ? husk_py_wrap(home, key.as.o, true) : husk_py_from_value(home, key);
    PyObject *y = NULL;
    if (v.tag == HUSK_OBJ && home->heap && !x)
        husk_obj_release(v.as.o);
    else if (x && (home->heap || v.tag != HUSK_OBJ))
        y = v.tag == HUSK_OBJ ? husk_py_wrap(home, v.as.o, true) : husk_py_from_value(home, v);
    else if (x)
        husk_py_fail_closed(home, "the next entry");
    PyObject *pair = x && y ? PyTuple_Pack(2, x, y) : NULL;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return pair;
}

static PyObject *iterator_next(PyObject *self)
{
    weak_iterator *it = (weak_iterator *)self;
    husk_obj *of = it->of ? husk_py_obj(it->of) : NULL;
    husk_value key, v;
    if (!of)
        return NULL;
    if (!next_entry(it, of, &key, &v)) {
        Py_CLEAR(it->of);
        return NULL;
    }
    husk_py_heap *home = home_of(it->of);
    return it->mode == ITEMS ? both(home, key, v) : husk_py_from_value(home, it->mode == KEYS ? key : v);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((weak_iterator *)self)->of);
    return 0;
}

static void iterator_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((weak_iterator *)self)->of);
    PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
}

/* ---- making ---- */

static husk_obj *new_container(husk_heap *heap, const PyTypeObject *type)
{
    return type == key_type     ? husk_weakkeymap_new(heap)
           : type == value_type ? husk_weakvaluemap_new(heap)
                                : husk_weakset_new(heap);
}

/* What is given is taken by update, or by add for each element, which collections.abc has. */
static bool fill(PyObject *self, PyObject *content)
{
    PyObject *done = NULL, *iterator, *x;
    if (Py_TYPE(self) != set_type) {
        done = PyObject_CallMethod(self, "update", "O", content);
        Py_XDECREF(done);
        return done != NULL;
    }
    iterator = PyObject_GetIter(content);
    bool good = iterator != NULL;
    while (good && (x = PyIter_Next(iterator))) {
        done = set_add(self, x);
        good = done != NULL;
        Py_XDECREF(done);
        Py_DECREF(x);
    }
    Py_XDECREF(iterator);
    return good && !PyErr_Occurred();
}

static PyObject *weak_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "", "heap", NULL };
    PyObject *content = NULL, *in = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O$O", names, &content, &in))
        return NULL;
    husk_py_heap *home = husk_py_heap_for(in);
    husk_py_proxy *proxy = home ? husk_py_proxy_new(type) : NULL;
    husk_heap *heap = proxy ? husk_py_open(home, husk_py_name(type)) : NULL;
    husk_obj *obj = heap ? new_container(heap, type) : NULL;
    if (!obj) {
        Py_XDECREF((PyObject *)proxy);
        return heap ? husk_py_raise_failure(home) : NULL;
    }
    PyObject *self = husk_py_adopt(home, proxy, obj);
    if (self && content && content != Py_None && !fill(self, content))
        Py_CLEAR(self);
    return self;
}

/* ---- the classes ---- */

#define FAST(f) ((PyCFunction)(void (*)(void))(f))
static PyMethodDef map_methods[] = {
    { "get", FAST(map_get), METH_FASTCALL,
      "get($self, key, default=None, /)\n--\n\nThe value of key, or default if there is none." },
    { "pop", FAST(map_pop), METH_FASTCALL,
      "pop(key[, default])\n\nRemoves key and returns its value, or default if there is none." },
    { "keys", map_keys, METH_NOARGS, "keys($self, /)\n--\n\nAn iterator over the keys." },
    { "values", map_values, METH_NOARGS, "values($self, /)\n--\n\nAn iterator over the values." },
    { "items", map_items, METH_NOARGS, "items($self, /)\n--\n\nAn iterator over (key, value)." },
    { "clear", weak_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemoves all entries." },
    { NULL, NULL, 0, NULL },
};
static PyMethodDef set_methods[] = {
    { "add", set_add, METH_O, "add($self, obj, /)\n--\n\nAdds obj, if it is not there." },
    { "discard", set_discard, METH_O, "discard($self, obj, /)\n--\n\nRemoves obj, if it is there." },
    { "remove", set_remove, METH_O,
      "remove($self, obj, /)\n--\n\nRemoves obj; MissingError if it is not there." },
    { "clear", weak_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemoves all elements." },
    { NULL, NULL, 0, NULL },
};

#define COMMON                                                                                               \
    { Py_tp_new, weak_new }, { Py_tp_dealloc, husk_py_proxy_dealloc },                                       \
        { Py_tp_traverse, husk_py_proxy_traverse }, { Py_tp_clear, husk_py_proxy_clear },                    \
    {                                                                                                        \
        Py_tp_iter, weak_iter                                                                                \
    }
#define MAP                                                                                                  \
    COMMON, { Py_tp_methods, map_methods }, { Py_sq_contains, map_contains }, { Py_mp_length, weak_length }, \
        { Py_mp_subscript, map_subscript },                                                                  \
    {                                                                                                        \
        Py_mp_ass_subscript, map_assign                                                                      \
    }

static PyTypeObject *make(PyObject *module, const char *name, PyType_Slot *slots)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    PyObject *made = PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    if (made && PyModule_AddObjectRef(module, strrchr(name, '.') + 1, made) < 0)
        Py_CLEAR(made);
    return (PyTypeObject *)made;
}

bool husk_py_add_weak_containers(PyObject *module)
{
    static PyType_Slot key_slots[] = {
        MAP,
        { Py_tp_doc,
          "WeakKeyMap(entries=None, /, *, heap=None)\n--\n\nA map of objects of the heap, held weakly, to "
          "values, held while map and key live: a value may refer to its key." },
        { 0, NULL },
    };
    static PyType_Slot value_slots[] = {
        MAP,
        { Py_tp_doc,
          "WeakValueMap(entries=None, /, *, heap=None)\n--\n\nA map of keys, as those of Map, to objects of "
          "the heap, held weakly." },
        { 0, NULL },
    };
    static PyType_Slot set_slots[] = {
        COMMON,
        { Py_tp_doc,
          "WeakSet(elements=None, /, *, heap=None)\n--\n\nA set of objects of the heap, held weakly." },
        { Py_tp_methods, set_methods },
        { Py_sq_contains, set_contains },
        { Py_sq_length, weak_length },
        { 0, NULL },
    };
    static PyType_Slot iterator_slots[] = {
        { Py_tp_dealloc, iterator_dealloc },
        { Py_tp_traverse, iterator_traverse },
        { Py_tp_iter, PyObject_SelfIter },
        { Py_tp_iternext, iterator_next },
        { 0, NULL },
    };
    static PyType_Spec iterator_spec = {
        .name = "husk._core.weak_iterator",
        .basicsize = sizeof(weak_iterator),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = iterator_slots,
    };
    iterator_type = (PyTypeObject *)PyType_FromSpec(&iterator_spec);
    key_type = make(module, "husk.WeakKeyMap", key_slots);
    value_type = make(module, "husk.WeakValueMap", value_slots);
    set_type = make(module, "husk.WeakSet", set_slots);
    return iterator_type && key_type && value_type && set_type;
}
