/* bindings/python/host_weak.c: husk.ref, a weak reference to an object of a heap: weakref.ref for what it is.
 *
 * One without a callback is shared by all who ask for it. One with a callback, or of a derived class, is always
 * another; it has the only reference to its husk_weak, so that the callback, which Husk gets with a borrowed
 * pointer to the Python object, cannot outlive it. Storing a shared one in a slot stores the husk_weak; another
 * one is a Python object there, in a box. */
#include "host.h"

typedef struct husk_py_ref {
    husk_py_proxy proxy; /* of the husk_weak */
    PyObject *callback;  /* NULL: none */
    Py_hash_t hash;      /* -1: not known yet */
    Py_ssize_t loose;    /* how many of the references to it are those of boxes that have died */
} husk_py_ref;

static husk_weak *weak_of(PyObject *self)
{
    husk_obj *obj = husk_py_obj(self);
    return (husk_weak *)(void *)obj;
}

bool husk_py_is_plain_ref(PyObject *x)
{
    return Py_TYPE(x) == husk_py.ref_type && !((husk_py_ref *)x)->callback;
}

static husk_py_ref *ref_alloc(PyTypeObject *type, PyObject *callback)
{
    husk_py_ref *ref = (husk_py_ref *)type->tp_alloc(type, 0);
    if (ref) {
        ref->callback = Py_XNewRef(callback);
        ref->hash = -1;
    }
    return ref;
}

/* Gives the husk_weak, and the caller's reference to it, to ref. */
static PyObject *ref_adopt(husk_py_heap *home, husk_py_ref *ref, husk_obj *weak)
{
    ref->proxy.obj = weak;
    if (!husk_py_table_add(home, &ref->proxy)) {
        ref->proxy.obj = NULL;
        husk_obj_release(weak);
        Py_DECREF((PyObject *)ref);
        return NULL;
    }
    ref->proxy.home = (husk_py_heap *)Py_NewRef((PyObject *)home);
    return (PyObject *)ref;
}

PyObject *husk_py_wrap_weak(husk_py_heap *home, husk_obj *weak)
{
    husk_obj_retain(weak);
    husk_py_ref *ref = ref_alloc(husk_py.ref_type, NULL); /* anything may have run */
    if (!home->heap) {
        Py_XDECREF((PyObject *)ref);
        return husk_py_fail_closed(home, "ref");
    }
    PyObject *found = ref ? Py_XNewRef((PyObject *)husk_py_find(home, weak)) : NULL;
    if (ref && !found)
        return ref_adopt(home, ref, weak);
    husk_obj_release(weak);
    Py_XDECREF((PyObject *)ref);
    return found;
}

void husk_py_ref_loose(PyObject *x, int more)
{
    if (PyObject_TypeCheck(x, husk_py.ref_type))
        ((husk_py_ref *)x)->loose += more;
}

void husk_py_on_gone(husk_weak *weak, void *data)
{
    husk_py_ref *ref = data;
    if (!Py_REFCNT((PyObject *)ref))
        return; /* of a derived class, whose attributes go first: the object was one of them */
    if (ref->loose && ref->loose == Py_REFCNT((PyObject *)ref))
        return; /* it dies together with its object, which had it in a box: then it is not called */
    husk_py_call_gone(husk_obj_heap(husk_weak_obj(weak)), (PyObject *)ref, ref->callback);
}

/* With it a husk_weak without a callback is not the shared one. */
static void nothing(void *data)
{
    (void)data;
}

static PyObject *ref_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *x, *callback = NULL;
    (void)keywords; /* a derived class may take some */
    if (!PyArg_UnpackTuple(args, "ref", 1, 2, &x, &callback))
        return NULL;
    if (callback == Py_None)
        callback = NULL;
    if (callback && !PyCallable_Check(callback))
        return PyErr_Format(PyExc_TypeError, "ref(): the callback is a %.100s, not a callable",
                            husk_py_name(Py_TYPE(callback)));
    if (!husk_py_is_proxy(x))
        return PyErr_Format(PyExc_TypeError,
                            "cannot create weak reference to '%.100s' object: it is not in a heap",
                            husk_py_name(Py_TYPE(x)));
    bool shared = !callback && type == husk_py.ref_type;
    husk_py_ref *ref = shared ? NULL : ref_alloc(type, callback);
    husk_obj *obj = ref || shared ? husk_py_obj(x) : NULL;
    if (!obj) {
        Py_XDECREF((PyObject *)ref);
        return NULL;
    }
    husk_py_heap *home = ((husk_py_proxy *)x)->home;
    husk_weak *weak = callback ? husk_weak_new(obj, husk_py_on_gone, ref, NULL)
                      : shared ? husk_weak_new(obj, NULL, NULL, NULL)
                               : husk_weak_new(obj, NULL, ref, nothing);
    if (!weak) {
        Py_XDECREF((PyObject *)ref);
        return husk_py_raise_failure(home);
    }
    if (shared) {
        PyObject *found = Py_XNewRef((PyObject *)husk_py_find(home, husk_weak_obj(weak)));
        if (!found)
            found = husk_py_wrap_weak(home, husk_weak_obj(weak));
        if (home->heap)
            husk_weak_release(weak);
        return found;
    }
    return ref_adopt(home, ref, husk_weak_obj(weak));
}

/* A derived class has __init__ of its own; ours takes what ref_new took. */
static int ref_init(PyObject *self, PyObject *args, PyObject *keywords)
{
    PyObject *x, *callback = NULL;
    (void)self;
    if (keywords && PyDict_GET_SIZE(keywords)) {
        PyErr_SetString(PyExc_TypeError, "ref() takes no keyword arguments");
        return -1;
    }
    return PyArg_UnpackTuple(args, "ref", 1, 2, &x, &callback) ? 0 : -1;
}

static PyObject *ref_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    husk_weak *weak = weak_of(self);
    if (PyTuple_GET_SIZE(args) || (keywords && PyDict_GET_SIZE(keywords)))
        return PyErr_Format(PyExc_TypeError, "a ref is called without arguments");
    if (!weak)
        return NULL;
    husk_obj *obj = husk_weak_lock(weak);
    return obj ? husk_py_wrap(((husk_py_proxy *)self)->home, obj, true) : Py_NewRef(Py_None);
}

/* Whether both are references to the same object, alive; -1: an exception is set. */
static PyObject *ref_compare(PyObject *a, PyObject *b, int op)
{
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(b, husk_py.ref_type))
        Py_RETURN_NOTIMPLEMENTED;
    bool same = a == b;
    if (!same && ((husk_py_proxy *)a)->obj && ((husk_py_proxy *)b)->obj) {
        PyObject *empty = PyTuple_New(0), *x = empty ? ref_call(a, empty, NULL) : NULL;
        PyObject *y = x ? ref_call(b, empty, NULL) : NULL;
        Py_XDECREF(empty);
        if (!y) {
            Py_XDECREF(x);
            return NULL;
        }
        if (x != Py_None && y != Py_None) {
            PyObject *result = PyObject_RichCompare(x, y, op); /* as weakref.ref does: what the objects say */
            Py_DECREF(x);
            Py_DECREF(y);
            return result;
        }
        Py_DECREF(x);
        Py_DECREF(y);
    }
    return PyBool_FromLong(same == (op == Py_EQ));
}

static Py_hash_t ref_hash(PyObject *self)
{
    husk_py_ref *ref = (husk_py_ref *)self;
    if (ref->hash != -1)
        return ref->hash;
    husk_weak *weak = weak_of(self);
    husk_obj *obj = weak ? husk_weak_lock(weak) : NULL;
    if (!weak)
        return -1;
    PyObject *x = obj ? husk_py_wrap(ref->proxy.home, obj, true) : NULL;
    if (!x) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "weak object has gone away");
        return -1;
    }
    ref->hash = PyObject_Hash(x);
    Py_DECREF(x);
    return ref->hash;
}

static const char *state_of(PyObject *self)
{
    static const char *const states[] = { "dead", "dying", "alive" };
    husk_weak *weak = weak_of(self);
    return weak ? states[husk_weak_state_get(weak)] : NULL;
}

static PyObject *ref_repr(PyObject *self)
{
    const char *name = husk_py_name(Py_TYPE(self));
    if (!((husk_py_proxy *)self)->obj)
        return PyUnicode_FromFormat("<%s at %p, its heap is closed>", name, self);
    const char *state = state_of(self);
    return state ? PyUnicode_FromFormat("<%s at %p, %s>", name, self, state) : NULL;
}

static PyObject *get_callback(PyObject *self, void *none)
{
    (void)none;
    husk_py_ref *ref = (husk_py_ref *)self;
    const char *state = ref->callback ? state_of(self) : NULL;
    if (ref->callback && !state)
        return NULL;
    return Py_NewRef(ref->callback && strcmp(state, "dead") != 0 ? ref->callback : Py_None);
}

static PyObject *get_state(PyObject *self, void *none)
{
    (void)none;
    const char *state = state_of(self);
    return state ? PyUnicode_FromString(state) : NULL;
}

static int ref_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((husk_py_ref *)self)->callback);
    return husk_py_proxy_traverse(self, visit, arg);
}

/* The callback must not be taken from a reference that may still be called: it ends, as weakref.ref's does. */
static void end_weak(husk_py_ref *ref)
{
    husk_py_proxy *proxy = &ref->proxy;
    husk_obj *weak = proxy->obj;
    if (!weak)
        return;
    husk_py_table_remove(proxy->home, proxy);
    proxy->obj = NULL;
    if (proxy->home->heap) {
        husk_obj_release(weak);
        husk_py_leave();
    }
}

static int ref_clear(PyObject *self)
{
    husk_py_ref *ref = (husk_py_ref *)self;
    if (ref->callback) {
        end_weak(ref);
        Py_CLEAR(ref->callback);
    }
    return husk_py_proxy_clear(self);
}

void husk_py_ref_dealloc(PyObject *self)
{
    husk_py_ref *ref = (husk_py_ref *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    end_weak(ref);
    if (ref->proxy.weaklist)
        PyObject_ClearWeakRefs(self);
    Py_CLEAR(ref->callback);
    Py_CLEAR(ref->proxy.relay);
    Py_CLEAR(ref->proxy.home);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

/* The number of weak references to an object, and a list of those that Python knows. */
static PyObject *weak_count(PyObject *module, PyObject *x)
{
    (void)module;
    husk_obj *obj = husk_py_arg_obj(x, "Obj_getweakrefcount");
    return obj ? PyLong_FromSize_t(husk_obj_weak_count(obj)) : NULL;
}

bool husk_py_add_refs(PyObject *module)
{
    static PyMethodDef functions[] = {
        { "getweakrefcount", weak_count, METH_O,
          "getweakrefcount(obj, /)\n--\n\nHow many weak references to obj there are; a shared one counts "
          "once." },
        { NULL, NULL, 0, NULL },
    };
    static PyMethodDef methods[] = {
        { "__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL }, /* for annotations: ref[Node] */
        { NULL, NULL, 0, NULL },
    };
    static PyGetSetDef getsets[] = {
        { "__callback__", get_callback, NULL, "The callback; None once the object is gone.", NULL },
        { "state", get_state, NULL, "'alive', 'dying' (condemned, may come back) or 'dead'.", NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "ref(obj, callback=None, /)\n--\n\nA weak reference to an object of a heap. Called, it gives the "
          "object, or None if that is gone. The callback is called with the reference when it is." },
        { Py_tp_new, ref_new },
        { Py_tp_init, ref_init },
        { Py_tp_call, ref_call },
        { Py_tp_richcompare, ref_compare },
        { Py_tp_hash, ref_hash },
        { Py_tp_repr, ref_repr },
        { Py_tp_dealloc, husk_py_ref_dealloc },
        { Py_tp_traverse, ref_traverse },
        { Py_tp_clear, ref_clear },
        { Py_tp_methods, methods },
        { Py_tp_getset, getsets },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.ref",
        .basicsize = sizeof(husk_py_ref),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    husk_py.ref_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    return husk_py.ref_type && PyModule_AddObjectRef(module, "ref", (PyObject *)husk_py.ref_type) == 0 &&
           PyModule_AddFunctions(module, functions) == 0;
}
