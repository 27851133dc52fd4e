/* bindings/python/host_heap.c: husk.Heap. Making and closing heaps, making things in them, and what SWIG's flat calls
 * cannot do; what it has of passes is in host_collect.c. */
#include "host.h"

static husk_py_heap *as_heap(PyObject *self)
{
    return (husk_py_heap *)self;
}

husk_heap *husk_py_open_slow(husk_py_heap *home, const char *what)
{
    if (husk_py.bridged)
        husk_py_unbridge();
    if (!home->heap)
        husk_py_fail_closed(home, what);
    return home->heap;
}

husk_py_heap *husk_py_heap_for(PyObject *x)
{
    if (!x || x == Py_None) {
        if (husk_py.fallback)
            return husk_py.fallback;
        PyErr_SetString(husk_py_closed(), "there is no default heap any more");
        return NULL;
    }
    if (PyObject_TypeCheck(x, husk_py.heap_type))
        return as_heap(x);
    PyErr_Format(PyExc_TypeError, "a Heap expected, got %.100s", husk_py_name(Py_TYPE(x)));
    return NULL;
}

/* ---- life ---- */

static bool arg_bytes(PyObject *x, size_t *out)
{
    if (!x || x == Py_None)
        return true;
    PyObject *number = PyNumber_Index(x);
    if (!number)
        return false;
    *out = PyLong_AsSize_t(number);
    if (*out == (size_t)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        husk_py_fail(HUSK_ERANGE, "Heap(): max_bytes %S is out of range", number);
        Py_DECREF(number);
        return false;
    }
    Py_DECREF(number);
    return true;
}

static void link_heap(husk_py_heap *home)
{
    home->next = husk_py.heaps;
    home->prev = NULL;
    if (home->next)
        home->next->prev = home;
    husk_py.heaps = home;
}

static void unlink_heap(husk_py_heap *home)
{
    if (home->prev)
        home->prev->next = home->next;
    else if (husk_py.heaps == home)
        husk_py.heaps = home->next;
    if (home->next)
        home->next->prev = home->prev;
    home->prev = home->next = NULL;
}

static PyObject *heap_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "name", "max_bytes", "stress", NULL };
    PyObject *name = NULL, *max_bytes = NULL, *owned = NULL;
    int stress = 0;
    husk_heap_options options = { HUSK_HEAP_OPTIONS };
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|U$Op:Heap", names, &name, &max_bytes, &stress) ||
        !arg_bytes(max_bytes, &options.max_bytes))
        return NULL;
    if (husk_py.ended)
        return PyErr_Format(husk_py_closed(), "Heap(): the interpreter is ending");
    owned = name ? Py_NewRef(name) : PyUnicode_FromString("heap");
    options.name = owned ? PyUnicode_AsUTF8(owned) : NULL;
    husk_py_heap *home = options.name ? (husk_py_heap *)type->tp_alloc(type, 0) : NULL;
    if (!home) {
        Py_XDECREF(owned);
        return NULL;
    }
    home->name = owned;
    home->passes = PyDict_New();
    home->holders = PyDict_New();
    options.data = home;
    options.stress = stress != 0;
    husk_status status = HUSK_ENOMEM;
    if (home->passes && home->holders)
        status = husk_heap_new(&options, &home->heap);
    if (status != HUSK_OK) {
        home->heap = NULL;
        if (!PyErr_Occurred())
            husk_py_fail(status, "Heap(): %s", husk_message());
        Py_DECREF((PyObject *)home);
        return NULL;
    }
    link_heap(home);
    husk_heap_on_error(home->heap, husk_py_on_error, home, NULL);
    if (!husk_py_trace_sources(home)) {
        Py_DECREF((PyObject *)home);
        return NULL;
    }
    return (PyObject *)home;
}

/* One round through the table: proxies that were there end. Hooks run and may make new ones. */
static size_t end_some(husk_py_heap *home, bool weak)
{
    size_t ended = 0, left = home->used;
    for (size_t at = 0; left && home->used && at <= home->mask;) {
        husk_py_proxy *proxy = home->table[at];
        if (!proxy || (!weak && husk_weak_of(proxy->obj))) {
            at++;
            continue;
        }
        husk_obj *obj = proxy->obj;
        husk_py_table_remove(home, proxy); /* another may have moved here */
        proxy->obj = NULL;
        husk_obj_release(obj);
        ended++;
        left--;
    }
    return ended;
}

/* Lets go of all proxies: they are dead, their references are given back while the heap is whole, so that nothing
 * seems to be held from outside. Weak references come last: they are told of what ends. A program whose hooks
 * never stop making new ones is not waited for. */
static void end_proxies(husk_py_heap *home)
{
    enum { MOST_SWEEPS = 64 };
    for (int sweep = 0; sweep < MOST_SWEEPS && end_some(home, false); sweep++) {
    }
    (void)husk_heap_collect(home->heap, NULL); /* damage is reported, and closing says what is left */
    for (int sweep = 0; sweep < MOST_SWEEPS && end_some(home, true); sweep++) {
    }
}

/* Those that do not want to run at exit must not do so because closing ends their objects. */
typedef struct detached {
    husk_obj **at;
    size_t count, room;
} detached;

static bool find_cleanup(husk_obj *obj, void *data)
{
    detached *all = data;
    husk_cleanup *cleanup = husk_cleanup_of(obj);
    if (!cleanup || !husk_cleanup_is_pending(cleanup) || husk_cleanup_at_exit(cleanup))
        return true;
    if (all->count == all->room) {
        size_t room = all->room ? 2 * all->room : 64;
        husk_obj **at = PyMem_RawRealloc(all->at, room * sizeof *at);
        if (!at)
            return false; /* the rest runs: better than not to close */
        all->at = at;
        all->room = room;
    }
    husk_obj_retain(obj);
    all->at[all->count++] = obj;
    return true;
}

static void detach_cleanups(husk_py_heap *home)
{
    detached all = { 0 };
    if (husk_heap_cleanups(home->heap))
        husk_heap_each(home->heap, find_cleanup, &all);
    for (size_t i = 0; i < all.count; i++) {
        (void)husk_cleanup_detach(husk_cleanup_of(all.at[i]));
        husk_obj_release(all.at[i]);
    }
    PyMem_RawFree(all.at);
    husk_py_leave();
}

bool husk_py_close(husk_py_heap *home)
{
    if (husk_py.bridged)
        husk_py_unbridge();
    if (!home->heap)
        return true;
    if (home->hooks) {
        husk_py_fail(HUSK_EBUSY, "heap '%U' cannot be closed inside one of its hooks", home->name);
        return false;
    }
    Py_INCREF((PyObject *)home);
    home->hooks++;
    (void)husk_heap_run_cleanups(home->heap); /* while all handles are alive */
    detach_cleanups(home);
    end_proxies(home);
    husk_heap_close(home->heap);
    home->heap = NULL;
    home->hooks--;
    unlink_heap(home);
    for (size_t at = 0; home->table && at <= home->mask; at++)
        if (home->table[at])
            home->table[at]->obj = NULL; /* made while closing: their objects are gone */
    PyMem_Free(home->table);
    home->table = NULL;
    home->used = home->mask = 0;
    Py_CLEAR(home->early);
    husk_py_leave();
    PyObject *on_error = home->on_error;
    home->on_error = NULL;
    Py_XDECREF(on_error);
    PyDict_Clear(home->passes);
    Py_DECREF((PyObject *)home);
    return true;
}

static void heap_finalize(PyObject *self)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (!husk_py_close(as_heap(self)))
        PyErr_WriteUnraisable(self);
    PyErr_Restore(type, value, trace);
}

static int heap_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(as_heap(self)->on_error);
    Py_VISIT(as_heap(self)->passes);
    return 0;
}

static int heap_clear(PyObject *self)
{
    Py_CLEAR(as_heap(self)->on_error);
    PyObject *passes = as_heap(self)->passes;
    if (passes)
        PyDict_Clear(passes);
    return 0;
}

static void heap_dealloc(PyObject *self)
{
    husk_py_heap *home = as_heap(self);
    PyTypeObject *type = Py_TYPE(self);
    if (PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    if (home->weaklist)
        PyObject_ClearWeakRefs(self);
    Py_CLEAR(home->on_error);
    Py_CLEAR(home->passes);
    Py_CLEAR(home->holders);
    Py_CLEAR(home->name);
    Py_CLEAR(home->early);
    Py_CLEAR(home->scopes);
    type->tp_free(self);
    Py_DECREF((PyObject *)type);
}

static PyObject *heap_close(PyObject *self, PyObject *none)
{
    (void)none;
    return husk_py_close(as_heap(self)) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *heap_enter(PyObject *self, PyObject *none)
{
    (void)none;
    return husk_py_open(as_heap(self), "with") ? Py_NewRef(self) : NULL;
}

static PyObject *heap_exit(PyObject *self, PyObject *args)
{
    (void)args;
    return husk_py_close(as_heap(self)) ? Py_NewRef(Py_False) : NULL;
}

static PyObject *heap_repr(PyObject *self)
{
    husk_py_heap *home = as_heap(self);
    if (!home->heap)
        return PyUnicode_FromFormat("<Heap '%U', closed>", home->name);
    husk_heap_figures figures;
    if (!husk_py_open(home, "repr"))
        return NULL;
    husk_heap_figures_get(home->heap, &figures);
    return PyUnicode_FromFormat("<Heap '%U', %zu objects>", home->name, figures.objects);
}

/* ---- making things ---- */

static PyObject *heap_make(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    if (count < 1)
        return PyErr_Format(PyExc_TypeError, "Heap.new(): a record class expected");
    if (!PyType_Check(args[0]))
        return PyErr_Format(PyExc_TypeError, "Heap.new(): a record class expected, got %.100s",
                            Py_TYPE(args[0])->tp_name);
    PyTypeObject *class = (PyTypeObject *)args[0];
    bool layout = !PyObject_TypeCheck(args[0], husk_py.meta_type) && husk_py_struct_type(args[0]);
    return (layout ? husk_py_struct_build : husk_py_record_build)(as_heap(self), class, args + 1, count - 1,
                                                                  names);
}

static PyObject *heap_list(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count > 1)
        return PyErr_Format(PyExc_TypeError, "Heap.list(): at most 1 argument expected, got %zd", count);
    return husk_py_list_build(as_heap(self), count ? args[0] : NULL);
}

static PyObject *heap_map(PyObject *self, PyObject *args, PyObject *names)
{
    PyObject *entries = NULL;
    if (!PyArg_ParseTuple(args, "|O:map", &entries))
        return NULL;
    return husk_py_map_build(as_heap(self), entries, names);
}

/* ---- attributes ---- */

bool husk_py_want_callable(PyObject *x, const char *function)
{
    if (PyCallable_Check(x))
        return true;
    PyErr_Format(PyExc_TypeError, "%s: a callable expected, got %.100s", function, husk_py_name(Py_TYPE(x)));
    return false;
}

static PyObject *get_on_error(PyObject *self, void *none)
{
    (void)none;
    PyObject *hook = as_heap(self)->on_error;
    return Py_NewRef(hook ? hook : Py_None);
}

static int set_on_error(PyObject *self, PyObject *hook, void *none)
{
    (void)none;
    if (hook == Py_None)
        hook = NULL;
    if ((hook && !husk_py_want_callable(hook, "Heap.on_error")) ||
        !husk_py_open(as_heap(self), "Heap.on_error"))
        return -1;
    PyObject *old = as_heap(self)->on_error;
    as_heap(self)->on_error = Py_XNewRef(hook);
    Py_XDECREF(old);
    return 0;
}

static PyObject *get_name(PyObject *self, void *none)
{
    (void)none;
    return Py_NewRef(as_heap(self)->name);
}

static PyObject *get_closed(PyObject *self, void *none)
{
    (void)none;
    return PyBool_FromLong(!as_heap(self)->heap);
}

/* ---- lists of objects ---- */

static PyObject *heap_objects(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count > 1)
        return PyErr_Format(PyExc_TypeError, "Heap.objects(): at most 1 argument expected, got %zd", count);
    return husk_py_objects(as_heap(self), count && args[0] != Py_None ? args[0] : NULL);
}

static PyObject *heap_garbage(PyObject *self, PyObject *none)
{
    (void)none;
    return husk_py_garbage(as_heap(self));
}

static PyObject *heap_run_cleanups(PyObject *self, PyObject *none)
{
    (void)none;
    if (!husk_py_open(as_heap(self), "Heap.run_cleanups()"))
        return NULL;
    size_t count = husk_heap_run_cleanups(as_heap(self)->heap);
    husk_py_leave();
    return PyLong_FromSize_t(count);
}

static PyObject *heap_cleanups(PyObject *self, PyObject *none)
{
    (void)none;
    if (!husk_py_open(as_heap(self), "Heap.cleanups()"))
        return NULL;
    return PyLong_FromSize_t(husk_heap_cleanups(as_heap(self)->heap));
}

static PyObject *heap_census(PyObject *self, PyObject *none)
{
    (void)none;
    return husk_py_census(as_heap(self));
}

bool husk_py_add_heap(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef methods[] = {
        { "close", heap_close, METH_NOARGS,
          "close($self, /)\n--\n\nEnds the heap; every object of it is dead. May be called again. BusyError "
          "inside a "
          "hook of the heap." },
        { "__enter__", heap_enter, METH_NOARGS, NULL },
        { "__exit__", heap_exit, METH_VARARGS, NULL },
        { "new", FAST(heap_make), METH_FASTCALL | METH_KEYWORDS,
          "new($self, cls, /, *args, **fields)\n--\n\nA record of class cls in this heap, made as cls(*args, "
          "**fields) "
          "makes one in husk.default." },
        { "list", FAST(heap_list), METH_FASTCALL,
          "list($self, items=(), /)\n--\n\nA new List with the items." },
        { "map", FAST(heap_map), METH_VARARGS | METH_KEYWORDS,
          "map($self, entries=(), /, **named)\n--\n\nA new Map with the entries, as dict takes them." },
        { "collect", FAST(husk_py_heap_collect), METH_VARARGS | METH_KEYWORDS,
          "collect($self, *, python=True)\n--\n\nFinds and ends all garbage of this heap, cycles through "
          "Python objects "
          "too, and returns a Pass. It collects in turns with Python's collector until nothing is found; "
          "python=False leaves that one out. BusyError inside a hook of the heap; the wish is remembered." },
        { "disable", FAST(husk_py_heap_disable), METH_FASTCALL,
          "disable($self, holder='Python', /)\n--\n\nStops automatic passes until enable() is called as "
          "often." },
        { "set_pacing", FAST(husk_py_heap_set_pacing), METH_VARARGS | METH_KEYWORDS,
          "set_pacing($self, *, least_objects=None, least_bytes=None, factor=None, "
          "factor_max=None)\n--\n\nWhen passes "
          "start by themselves; what is left out stays." },
        { "pacing_state", husk_py_heap_pacing_state, METH_NOARGS,
          "pacing_state($self, /)\n--\n\nHow passes are paced now, and why, as PacingState." },
        { "bound", husk_py_heap_bound, METH_NOARGS,
          "bound($self, /)\n--\n\nWhat the heap does not grow past without a pass over all of it, as "
          "Bound." },
        { "soft_limit", husk_py_heap_soft_limit, METH_NOARGS,
          "soft_limit($self, /)\n--\n\nThe limit of set_soft_limit() and how it is kept, as SoftLimit." },
        { "no_gc_begin", FAST(husk_py_heap_no_gc_begin), METH_VARARGS | METH_KEYWORDS,
          "no_gc_begin($self, *, objects=0, bytes=0, reserve=False, holder='Python')\n--\n\nNo automatic "
          "pass "
          "until the heap has grown by so many objects or bytes, or until no_gc_end(). reserve: the pages "
          "for "
          "the bytes are taken now. StateError: in a region already." },
        { "no_gc_end", husk_py_heap_no_gc_end, METH_NOARGS,
          "no_gc_end($self, /)\n--\n\nEnds the region without passes and says how it went, as Region. "
          "StateError: there is none." },
        { "no_gc", husk_py_heap_no_gc, METH_NOARGS,
          "no_gc($self, /)\n--\n\nThe region without passes that was begun, as Region, or None." },
        { "step", husk_py_heap_step, METH_VARARGS,
          "step($self, seconds=0.001, /)\n--\n\nGoes on with a pass in steps, or begins one, for about so "
          "long "
          "(0.00001 to 10), and returns Step. The pass ends what collect(python=False) would; what needs its "
          "tables "
          "meanwhile, such as collect(), verify() and snapshots, gives it up, and the next step begins anew. "
          "BusyError in a hook." },
        { "set_pause", husk_py_heap_set_pause, METH_O,
          "set_pause($self, seconds, /)\n--\n\nAutomatic passes run in steps of about so long: 0.00001 to "
          "10; 0, the "
          "default: at once." },
        { "pause", husk_py_heap_pause, METH_NOARGS,
          "pause($self, /)\n--\n\nWhat set_pause() has set, in seconds." },
        { "idle", husk_py_heap_idle, METH_O,
          "idle($self, seconds, /)\n--\n\nUseful work in a quiet moment, for about so long (0.001 to 3600): "
          "what waits for a safe point, a pass if it is worth one, in steps if it does not fit, spare pages. Returns "
          "Idle." },
        { "stress", husk_py_heap_stress, METH_NOARGS,
          "stress($self, /)\n--\n\nWhat set_stress() has set, as Stress." },
        { "set_stress", FAST(husk_py_heap_set_stress), METH_VARARGS | METH_KEYWORDS,
          "set_stress($self, every=1, *, seed=0)\n--\n\nA pass at each n-th allocation, to find missing "
          "references early; 0: off. With a seed at random ones, every n-th in the mean." },
        { "on_pass", husk_py_heap_on_pass, METH_O,
          "on_pass($self, callback, /)\n--\n\nCalls callback(phase, pass) before and after each pass, with "
          "'start' and "
          "'stop'. Returns the number for off_pass." },
        { "off_pass", husk_py_heap_off_pass, METH_O, "off_pass($self, id, /)\n--\n\nTakes back an on_pass." },
        { "objects", FAST(heap_objects), METH_FASTCALL,
          "objects($self, cls=None, /)\n--\n\nA list of all objects, or of those of one class." },
        { "garbage", heap_garbage, METH_NOARGS,
          "garbage($self, /)\n--\n\nWhat passes have kept because of set_save_all(True)." },
        { "yield_softs", FAST(husk_py_heap_yield_softs), METH_VARARGS | METH_KEYWORDS,
          "yield_softs($self, keep=0)\n--\n\nSoft references let go, all but the `keep` most recently used. "
          "Returns "
          "how many." },
        { "soft_policy", FAST(husk_py_heap_soft_policy), METH_VARARGS | METH_KEYWORDS,
          "soft_policy($self, *, max_age=None, keep=None)\n--\n\nWhen else soft references let go, a dict: "
          "max_age, in "
          "passes without a use (0: never by age), and keep, how many of the most recently used stay "
          "whatever their "
          "age. At max_bytes all let go before anything is refused. What is given is changed before." },
        { "soft_figures", husk_py_heap_soft_figures, METH_NOARGS,
          "soft_figures($self, /)\n--\n\nHow many soft references there are, and why they let go." },
        { "cleanups", heap_cleanups, METH_NOARGS,
          "cleanups($self, /)\n--\n\nHow many Cleanups are still to run." },
        { "run_cleanups", heap_run_cleanups, METH_NOARGS,
          "run_cleanups($self, /)\n--\n\nRuns all pending Cleanups with at_exit, the newest first, as "
          "closing does. "
          "Returns how many ran." },
        { "census", heap_census, METH_NOARGS,
          "census($self, /)\n--\n\nA dict: how many objects of each type there are, by its name." },
        { "__reduce_ex__", husk_py_refuse_pickle, METH_O, NULL },
        { NULL, NULL, 0, NULL },
    };
    static PyGetSetDef getsets[] = {
        { "name", get_name, NULL, "The name given to it.", NULL },
        { "closed", get_closed, NULL, "Whether it has been closed.", NULL },
        { "on_error", get_on_error, set_on_error,
          "Called with an exception (husk.Error) for each error of a hook and for what the heap notices by "
          "itself; "
          "None: sys.unraisablehook alone.",
          NULL },
        { NULL, NULL, NULL, NULL, NULL },
    };
    static PyMemberDef members[] = {
        { "__weaklistoffset__", T_PYSSIZET, offsetof(husk_py_heap, weaklist), READONLY, NULL },
        { NULL, 0, 0, 0, NULL },
    };
    static PyType_Slot slots[] = {
        { Py_tp_doc,
          "Heap(name='heap', *, max_bytes=None, stress=False)\n--\n\nA heap of objects. It ends when it is "
          "closed, or when nobody has it or an object of it any more." },
        { Py_tp_new, heap_new },
        { Py_tp_dealloc, heap_dealloc },
        { Py_tp_finalize, heap_finalize },
        { Py_tp_traverse, heap_traverse },
        { Py_tp_clear, heap_clear },
        { Py_tp_repr, heap_repr },
        { Py_tp_methods, methods },
        { Py_tp_getset, getsets },
        { Py_tp_members, members },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk.Heap",
        .basicsize = sizeof(husk_py_heap),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    husk_py.heap_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return husk_py.heap_type && PyModule_AddObjectRef(module, "Heap", (PyObject *)husk_py.heap_type) == 0;
}
