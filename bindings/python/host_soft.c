/* bindings/python/host_soft.c: husk.soft: a soft reference (husk/soft.h), and how a heap's soft references let go.
 *
 * What the soft reference has of Python is a holder with the callback (host.h), taken out when it runs. The callback is told with the handle of the soft reference, a new one if there is none. */
#include "host.h"

static PyTypeObject *soft_type;

PyTypeObject *husk_py_soft_class(void)
{
    return soft_type;
}

static husk_soft *soft_of(PyObject *self)
{
    return (husk_soft *)(void *)husk_py_obj(self);
}

static void on_gone(husk_weak *weak, void *data)
{
    husk_obj *obj = husk_weak_obj(weak);
    husk_py_heap *home = husk_heap_data(husk_obj_heap(obj));
    PyObject *callback = husk_py_holder_take(data);
    PyObject *soft = callback ? husk_py_wrap(home, obj, false) : NULL;
    if (soft)
        husk_py_call_gone(home->heap, soft, callback);
    else if (callback)
        PyErr_WriteUnraisable(callback);
    Py_XDECREF(soft);
    Py_XDECREF(callback);
}

static PyObject *soft_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "", "", NULL };
    PyObject *x, *callback = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:soft", names, &x, &callback))
        return NULL;
    bool calls = callback != Py_None;
    if (calls && !PyCallable_Check(callback))
        return PyErr_Format(PyExc_TypeError, "soft(): the callback is a %.100s, not a callable",
                            husk_py_name(Py_TYPE(callback)));
    husk_py_proxy *proxy = husk_py_proxy_new(type);
    PyObject *list = proxy && calls ? husk_py_holder(callback) : NULL;
    bool ready = proxy && (list || !calls);
    husk_obj *obj = ready ? husk_py_arg_obj(x, "soft") : NULL;
    husk_soft *made = NULL;
    if (obj && (!calls || husk_py_box_room())) {
        made = calls ? husk_soft_new(obj, on_gone, Py_NewRef(list), husk_py_box_free)
                     : husk_soft_new(obj, NULL, NULL, NULL);
        if (!made)
            husk_py_raise_failure(((husk_py_proxy *)x)->home);
    }
    Py_XDECREF(list);
    if (made)
        return husk_py_adopt(((husk_py_proxy *)x)->home, proxy, husk_soft_obj(made));
    Py_XDECREF((PyObject *)proxy);
    return NULL;
}

static PyObject *soft_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(args) || (keywords && PyDict_GET_SIZE(keywords)))
        return PyErr_Format(PyExc_TypeError, "a soft is called without arguments");
    husk_soft *soft = soft_of(self);
    if (!soft)
        return NULL;
    husk_obj *obj = husk_soft_lock(soft);
    return obj ? husk_py_wrap(((husk_py_proxy *)self)->home, obj, true) : Py_NewRef(Py_None);
}

static PyObject *soft_let_go(PyObject *self, PyObject *none)
{
    (void)none;
    husk_soft *soft = soft_of(self);
    if (!soft)
        return NULL;
    Py_INCREF(self);
    bool was = husk_soft_let_go(soft);
    husk_py_leave();
    Py_DECREF(self);
    return PyBool_FromLong(was);
}

static PyObject *get_holding(PyObject *self, void *none)
{
    (void)none;
    husk_soft *soft = soft_of(self);
    return soft ? PyBool_FromLong(husk_soft_is_holding(soft)) : NULL;
}

static PyObject *get_state(PyObject *self, void *none)
{
    static const char *const states[] = { "dead", "dying", "alive" };
    (void)none;
    husk_soft *soft = soft_of(self);
    return soft ? PyUnicode_FromString(states[husk_weak_state_get(husk_soft_weak(soft))]) : NULL;
}

/* ---- of a heap ---- */

static bool take_number(PyObject *value, const char *name, uint64_t most, uint64_t *out)
{
    if (!value || value == Py_None)
        return true;
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: an int expected, got %.100s", name, husk_py_name(Py_TYPE(value)));
        return false;
    }
    uint64_t number = PyLong_AsUnsignedLongLong(value);
    if (!PyErr_Occurred() && number <= most) {
        *out = number;
        return true;
    }
    PyErr_Clear();
    husk_py_fail(HUSK_ERANGE, "%s: %S is out of range: 0 to %llu", name, value, (unsigned long long)most);
    return false;
}

PyObject *husk_py_heap_yield_softs(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "keep", NULL };
    husk_py_heap *home = (husk_py_heap *)self;
    PyObject *keep = NULL;
    uint64_t kept = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:yield_softs", names, &keep) ||
        !take_number(keep, "Heap.yield_softs(): keep", SIZE_MAX, &kept) ||
        !husk_py_open(home, "Heap.yield_softs()"))
        return NULL;
    size_t count = husk_heap_yield_softs(home->heap, (size_t)kept);
    husk_py_leave();
    return PyLong_FromSize_t(count);
}

PyObject *husk_py_heap_soft_policy(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "max_age", "keep", NULL };
    husk_py_heap *home = (husk_py_heap *)self;
    PyObject *age = NULL, *keep = NULL;
    husk_soft_policy policy;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OO:soft_policy", names, &age, &keep) ||
        !husk_py_open(home, "Heap.soft_policy()"))
        return NULL;
    husk_heap_soft_policy(home->heap, &policy);
    uint64_t max_age = policy.max_age, kept = policy.keep;
    if (!take_number(age, "Heap.soft_policy(): max_age", UINT32_MAX, &max_age) ||
        !take_number(keep, "Heap.soft_policy(): keep", SIZE_MAX, &kept))
        return NULL;
    policy = (husk_soft_policy){ .max_age = (uint32_t)max_age, .keep = (size_t)kept };
    husk_heap_set_soft_policy(home->heap, &policy);
    return Py_BuildValue("{s:K,s:K}", "max_age", (unsigned long long)max_age, "keep",
                         (unsigned long long)kept);
}

PyObject *husk_py_heap_soft_figures(PyObject *self, PyObject *none)
{
    husk_py_heap *home = (husk_py_heap *)self;
    (void)none;
    if (!husk_py_open(home, "Heap.soft_figures()"))
        return NULL;
    husk_soft_figures figures;
    husk_heap_soft_figures(home->heap, &figures);
    return husk_py_soft_figures(&figures);
}

bool husk_py_add_softs(PyObject *module)
{
    static PyMethodDef methods[] = {
        { "let_go", soft_let_go, METH_NOARGS,
          "let_go($self, /)\n--\n\nLets go now. True if it was holding." },
        { "__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL }, /* for annotations: soft[Node] */
        { NULL, NULL, 0, NULL },
    };
    static PyGetSetDef getsets[] = {
        { "holding", get_holding, NULL, "Whether it holds its object: it has not let go, or holds it again.",
          NULL },
        { "state", get_state, NULL, "'alive', 'dying' (condemned, may come back) or 'dead'.", NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "soft(obj, callback=None, /)\n--\n\nA soft reference: it keeps obj until memory is short; then the "
          "soft references that were used longest ago let go first, and are weak from there on. Called, it "
          "gives "
          "the object, or None if that is gone: a use, and it holds the object again. The callback is called "
          "with "
          "the soft reference when the object has died, if somebody still has that then." },
        { Py_tp_new, soft_new },
        { Py_tp_call, soft_call },
        { Py_tp_dealloc, husk_py_proxy_dealloc },
        { Py_tp_traverse, husk_py_proxy_traverse },
        { Py_tp_clear, husk_py_proxy_clear },
        { Py_tp_methods, methods },
        { Py_tp_getset, getsets },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.soft",
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    soft_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    return soft_type && PyModule_AddObjectRef(module, "soft", (PyObject *)soft_type) == 0;
}
