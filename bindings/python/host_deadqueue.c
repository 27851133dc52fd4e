/* bindings/python/host_deadqueue.c: husk.DeadQueue, a queue of the dead, and husk.Watch, what it has of each object
 * (husk/deadqueue.h). What a watch carries is a holder with the tag (host.h). */
#include "host.h"

static PyTypeObject *queue_type, *watch_type;

PyTypeObject *husk_py_queue_class(void)
{
    return queue_type;
}

PyTypeObject *husk_py_watch_class(void)
{
    return watch_type;
}

static husk_deadqueue *queue_of(PyObject *self)
{
    return (husk_deadqueue *)(void *)husk_py_obj(self);
}

static husk_watch *watch_of(PyObject *self)
{
    return (husk_watch *)(void *)husk_py_obj(self);
}

static PyObject *queue_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "heap", NULL };
    PyObject *heap = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$O:DeadQueue", names, &heap))
        return NULL;
    husk_py_heap *home = husk_py_heap_for(heap);
    husk_py_proxy *proxy = home ? husk_py_proxy_new(type) : NULL;
    if (!proxy || !husk_py_open(home, "DeadQueue()")) {
        Py_XDECREF((PyObject *)proxy);
        return NULL;
    }
    husk_deadqueue *made = husk_deadqueue_new(home->heap);
    if (made)
        return husk_py_adopt(home, proxy, husk_deadqueue_obj(made));
    husk_py_raise_failure(home);
    Py_DECREF((PyObject *)proxy);
    return NULL;
}

static PyObject *queue_watch(PyObject *self, PyObject *args)
{
    PyObject *x, *tag;
    if (!PyArg_UnpackTuple(args, "watch", 2, 2, &x, &tag))
        return NULL;
    husk_py_proxy *proxy = husk_py_proxy_new(watch_type);
    PyObject *list = proxy ? husk_py_holder(tag) : NULL;
    husk_obj *obj = list ? husk_py_arg_obj(x, "watch") : NULL;
    husk_deadqueue *queue = obj && husk_py_box_room() ? queue_of(self) : NULL;
    husk_py_heap *home = ((husk_py_proxy *)self)->home;
    husk_watch *made = NULL;
    if (queue) {
        made = husk_watch_new(queue, obj, Py_NewRef(list), husk_py_box_free);
        if (!made)
            husk_py_raise_failure(home);
    }
    Py_XDECREF(list);
    if (made)
        return husk_py_adopt(home, proxy, husk_watch_obj(made));
    Py_XDECREF((PyObject *)proxy);
    return NULL;
}

static PyObject *tag_of(const husk_watch *watch)
{
    return Py_NewRef(PyList_GET_ITEM((PyObject *)husk_watch_data(watch), 0));
}

/* The next tag; NULL without an exception: none waits. */
static PyObject *queue_next(PyObject *self)
{
    husk_deadqueue *queue = queue_of(self);
    husk_watch *watch = queue ? husk_deadqueue_poll(queue) : NULL;
    if (!watch)
        return NULL;
    PyObject *tag = tag_of(watch);
    husk_watch_release(watch);
    husk_py_leave();
    return tag;
}

static PyObject *queue_poll(PyObject *self, PyObject *args)
{
    PyObject *other = Py_None;
    if (!PyArg_UnpackTuple(args, "poll", 0, 1, &other))
        return NULL;
    PyObject *tag = queue_next(self);
    return tag || PyErr_Occurred() ? tag : Py_NewRef(other);
}

static PyObject *queue_drain(PyObject *self, PyObject *none)
{
    (void)none;
    PyObject *all = PyList_New(0);
    while (all) {
        husk_deadqueue *queue = queue_of(self);
        if (queue && !husk_deadqueue_count(queue))
            return all;
        PyObject *tag = queue ? queue_next(self) : NULL;
        if (!tag || PyList_Append(all, tag) < 0)
            Py_CLEAR(all);
        Py_XDECREF(tag);
    }
    return NULL;
}

static Py_ssize_t queue_length(PyObject *self)
{
    husk_deadqueue *queue = queue_of(self);
    return queue ? (Py_ssize_t)husk_deadqueue_count(queue) : -1;
}

static PyObject *queue_watching(PyObject *self, PyObject *none)
{
    (void)none;
    husk_deadqueue *queue = queue_of(self);
    return queue ? PyLong_FromSize_t(husk_deadqueue_watching(queue)) : NULL;
}

static PyObject *queue_fileno(PyObject *self, PyObject *none)
{
    (void)none;
    husk_deadqueue *queue = queue_of(self);
    if (!queue)
        return NULL;
    int fd = husk_deadqueue_fd(queue);
    return fd < 0 ? husk_py_raise_failure(((husk_py_proxy *)self)->home) : PyLong_FromLong(fd);
}

static PyObject *watch_detach(PyObject *self, PyObject *none)
{
    (void)none;
    husk_watch *watch = watch_of(self);
    if (!watch)
        return NULL;
    bool was = husk_watch_detach(watch);
    husk_py_leave();
    return PyBool_FromLong(was);
}

static PyObject *get_alive(PyObject *self, void *none)
{
    (void)none;
    husk_watch *watch = watch_of(self);
    return watch ? PyBool_FromLong(husk_watch_is_pending(watch)) : NULL;
}

static PyObject *get_tag(PyObject *self, void *none)
{
    (void)none;
    husk_watch *watch = watch_of(self);
    return watch ? tag_of(watch) : NULL;
}

static PyObject *get_obj(PyObject *self, void *none)
{
    (void)none;
    husk_watch *watch = watch_of(self);
    husk_obj *obj = watch ? husk_weak_lock(husk_watch_weak(watch)) : NULL;
    if (!watch)
        return NULL;
    return obj ? husk_py_wrap(((husk_py_proxy *)self)->home, obj, true) : Py_NewRef(Py_None);
}

static PyTypeObject *make(PyObject *module, const char *name, PyType_Slot *slots, unsigned flags)
{
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(husk_py_proxy),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | flags,
        .slots = slots,
    };
    PyObject *made = PyType_FromSpecWithBases(&spec, (PyObject *)husk_py.obj_type);
    if (made && PyModule_AddObjectRef(module, strrchr(name, '.') + 1, made) < 0)
        Py_CLEAR(made);
    return (PyTypeObject *)made;
}

#define COMMON                                                                                               \
    { Py_tp_dealloc, husk_py_proxy_dealloc }, { Py_tp_traverse, husk_py_proxy_traverse },                    \
    {                                                                                                        \
        Py_tp_clear, husk_py_proxy_clear                                                                     \
    }

bool husk_py_add_queues(PyObject *module)
{
    static PyMethodDef queue_methods[] = {
        { "watch", queue_watch, METH_VARARGS,
          "watch($self, obj, tag, /)\n--\n\nWatches obj: when it has died, the queue gives the tag. Returns "
          "the Watch, "
          "which nobody needs to keep. A tag that leads to obj keeps it alive." },
        { "poll", queue_poll, METH_VARARGS,
          "poll($self, default=None, /)\n--\n\nThe tag of the one that died first of those that wait, or "
          "default. "
          "Never blocks." },
        { "drain", queue_drain, METH_NOARGS,
          "drain($self, /)\n--\n\nA list of all tags that wait, in the order of "
          "death." },
        { "watching", queue_watching, METH_NOARGS,
          "watching($self, /)\n--\n\nHow many watches there are whose objects live." },
        { "fileno", queue_fileno, METH_NOARGS,
          "fileno($self, /)\n--\n\nA descriptor that is readable while tags wait, for selectors and event "
          "loops; closed "
          "with the queue." },
        { NULL, NULL, 0, NULL },
    };
    static PyType_Slot queue_slots[] = {
        COMMON,
        { Py_tp_doc, "DeadQueue(*, heap=None)\n--\n\nA queue of the dead, in husk.default if no heap is "
                     "named: watch(obj, tag), "
                     "and when obj has died, poll() gives the tag. Iteration polls until none waits, len() "
                     "is how many do." },
        { Py_tp_new, queue_new },
        { Py_tp_methods, queue_methods },
        { Py_tp_iter, PyObject_SelfIter },
        { Py_tp_iternext, queue_next },
        { Py_sq_length, queue_length },
        { 0, NULL },
    };
    static PyMethodDef watch_methods[] = {
        { "detach", watch_detach, METH_NOARGS,
          "detach($self, /)\n--\n\nTakes it out of its queue, whether its object has died or not. True if it "
          "was in "
          "one." },
        { NULL, NULL, 0, NULL },
    };
    static PyGetSetDef watch_getsets[] = {
        { "alive", get_alive, NULL, "Whether it still waits for the death of its object.", NULL },
        { "tag", get_tag, NULL, "What it was made with.", NULL },
        { "obj", get_obj, NULL, "Its object, or None if that is gone.", NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };
    static PyType_Slot watch_slots[] = {
        COMMON,
        { Py_tp_doc, "What DeadQueue.watch() registered." },
        { Py_tp_methods, watch_methods },
        { Py_tp_getset, watch_getsets },
        { 0, NULL },
    };
    queue_type = make(module, "husk.DeadQueue", queue_slots, 0);
    watch_type =
        queue_type ? make(module, "husk.Watch", watch_slots, Py_TPFLAGS_DISALLOW_INSTANTIATION) : NULL;
    return watch_type;
}
