/* bindings/python/host_pacing.c: how passes are paced and held off, as named tuples (husk/pacing.h). What is not bounded
 * is None. */
#include "host.h"

static PyTypeObject *state_type, *bound_type, *soft_type, *region_type, *idle_type, *stress_type;

static PyStructSequence_Field state_names[] = {
    { "factor", "the one in force" },
    { "why", "set, yield or time: why it is what it is" },
    { "at_most", "whether it is factor_max" },
    { "time_kept", "whether time_share is within its goal of a tenth" },
    { "time_share", "of the time, over the last automatic passes" },
    { "timed", "how many passes these are" },
    { "yield_", "of the last pass: collected / examined" },
    { "object_ns", "what a pass costs for each object it looks at" },
    { "last_ns", "nanoseconds of the last pass, hooks included" },
    { "automatic", "passes that growth or the soft limit started" },
    { "automatic_examined", "objects that they looked at" },
    { NULL, NULL },
};
static PyStructSequence_Desc state_desc = { "husk.PacingState", "How passes are paced now, and why.",
                                            state_names, 11 };

static PyStructSequence_Field bound_names[] = {
    { "objects", "not passed without a pass over all; None: not bounded" },
    { "bytes", "the same in bytes" },
    { "garbage_objects", "what may be uncollected garbage now, at most" },
    { "garbage_bytes", "the same in bytes" },
    { "new_objects", "of these, the growth since the last pass" },
    { "deferred_objects", "garbage that waits for a safe point" },
    { "kept", "whether the bound holds now" },
    { "why", "kept, disabled, region, unpaced, hook, save all or corrupt" },
    { "holder", "who holds passes off, or None" },
    { NULL, NULL },
};
static PyStructSequence_Desc bound_desc = { "husk.Bound", "What a heap does not grow past without a pass.",
                                            bound_names, 9 };

static PyStructSequence_Field soft_names[] = {
    { "bytes", "the limit; 0: none" },
    { "exceeded", "now" },
    { "held_back", "whether a pass for it waits, since passes have taken too much of the time" },
    { "most_over", "the most that it was seen passed by" },
    { "passes", "for the limit" },
    { "held_back_times", "how often one had to wait" },
    { NULL, NULL },
};
static PyStructSequence_Desc soft_desc = { "husk.SoftLimit", "A limit on memory that fails no allocation.",
                                           soft_names, 6 };

static PyStructSequence_Field region_names[] = {
    { "objects", "the budget; 0: not limited" },
    { "bytes", "the same in bytes" },
    { "grown_objects", "net growth since its begin" },
    { "grown_bytes", "the same in bytes" },
    { "active", "no automatic pass starts" },
    { "kept", "no pass ran in it, and its budget was enough" },
    { "why", "kept, budget, limit or asked" },
    { "holder", "who began it" },
    { NULL, NULL },
};
static PyStructSequence_Desc region_desc = { "husk.Region", "A region without passes.", region_names, 8 };

static PyStructSequence_Field idle_names[] = {
    { "served", "what waited for a safe point was done" },
    { "passed", "a pass ran, or one in steps ended" },
    { "stepped", "a step of a pass ran" },
    { "trimmed", "spare pages went back" },
    { "more", "worth calling again" },
    { "expected", "seconds that a pass at once is expected to take" },
    { "collected", "objects" },
    { "bytes_back", "to the system" },
    { "took", "seconds" },
    { NULL, NULL },
};
static PyStructSequence_Desc idle_desc = { "husk.Idle", "What was done in a quiet moment.", idle_names, 9 };

static PyStructSequence_Field stress_names[] = {
    { "every", "a pass at each n-th allocation; 0: off" },
    { "seed", "not 0: at random ones" },
    { NULL, NULL },
};
static PyStructSequence_Desc stress_desc = { "husk.Stress", "Passes at allocations.", stress_names, 2 };

static PyObject *sized(size_t value)
{
    return value == SIZE_MAX ? Py_NewRef(Py_None) : PyLong_FromSize_t(value);
}

static PyObject *text_of(const char *value)
{
    return value ? PyUnicode_FromString(value) : Py_NewRef(Py_None);
}

#define COUNT(value) PyLong_FromUnsignedLongLong(value)

/* A named tuple of these values, which are new references or NULL. */
static PyObject *make(PyTypeObject *type, Py_ssize_t count, PyObject *const *values)
{
    PyObject *made = PyStructSequence_New(type);
    bool whole = made != NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        whole = whole && values[i];
        if (made)
            PyStructSequence_SetItem(made, i, values[i]);
        else
            Py_XDECREF(values[i]);
    }
    if (!whole)
        Py_CLEAR(made);
    return made;
}

#define MAKE(type, ...)                                                                                      \
    make(type, (Py_ssize_t)(sizeof((PyObject *[]){ __VA_ARGS__ }) / sizeof(PyObject *)),                     \
         (PyObject *[]){ __VA_ARGS__ })

static husk_py_heap *home_of(PyObject *self)
{
    return (husk_py_heap *)self;
}

PyObject *husk_py_heap_pacing_state(PyObject *self, PyObject *none)
{
    (void)none;
    husk_pacing_state s;
    husk_heap *heap = husk_py_open(home_of(self), "Heap.pacing_state()");
    if (!heap)
        return NULL;
    husk_heap_pacing_state(heap, &s);
    return MAKE(state_type, PyFloat_FromDouble(s.factor), text_of(husk_factor_why_name(s.why)),
                PyBool_FromLong(s.at_most), PyBool_FromLong(s.time_kept), PyFloat_FromDouble(s.time_share),
                COUNT(s.timed), PyFloat_FromDouble(s.yield), PyFloat_FromDouble(s.object_ns),
                COUNT(s.last_ns), COUNT(s.automatic), COUNT(s.automatic_examined));
}

PyObject *husk_py_heap_bound(PyObject *self, PyObject *none)
{
    (void)none;
    husk_bound b;
    husk_heap *heap = husk_py_open(home_of(self), "Heap.bound()");
    if (!heap)
        return NULL;
    husk_heap_bound(heap, &b);
    PyObject *holder = text_of(b.holder); /* before anything can run: it is the heap's */
    return MAKE(bound_type, sized(b.objects), sized(b.bytes), sized(b.garbage_objects),
                sized(b.garbage_bytes), sized(b.new_objects), sized(b.deferred_objects),
                PyBool_FromLong(b.kept), text_of(husk_bound_why_name(b.why)), holder);
}

PyObject *husk_py_heap_soft_limit(PyObject *self, PyObject *none)
{
    (void)none;
    husk_soft_limit s;
    husk_heap *heap = husk_py_open(home_of(self), "Heap.soft_limit()");
    if (!heap)
        return NULL;
    husk_heap_soft_limit(heap, &s);
    return MAKE(soft_type, sized(s.bytes), PyBool_FromLong(s.exceeded), PyBool_FromLong(s.held_back),
                sized(s.most_over), COUNT(s.passes), COUNT(s.held_back_times));
}

static PyObject *region_of(const husk_region *r)
{
    PyObject *holder = text_of(r->holder);
    return MAKE(region_type, sized(r->objects), sized(r->bytes), sized(r->grown_objects),
                sized(r->grown_bytes), PyBool_FromLong(r->active), PyBool_FromLong(r->kept),
                text_of(husk_region_why_name(r->why)), holder);
}

static bool take_count(PyObject *value, const char *function, const char *name, uint64_t most, uint64_t *out)
{
    if (!value)
        return true;
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: %s: an int expected, got %.100s", function, name,
                     husk_py_name(Py_TYPE(value)));
        return false;
    }
    *out = PyLong_AsUnsignedLongLong(value);
    bool failed = *out == UINT64_MAX && PyErr_Occurred();
    if (!failed && *out <= most)
        return true;
    PyErr_Clear();
    husk_py_fail(HUSK_ERANGE, "%s: %s %S is out of range: 0 to %llu", function, name, value,
                 (unsigned long long)most);
    return false;
}

PyObject *husk_py_heap_no_gc_begin(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "objects", "bytes", "reserve", "holder", NULL };
    static const char *const function = "Heap.no_gc_begin()";
    husk_py_heap *home = home_of(self);
    PyObject *objects = NULL, *bytes = NULL, *name = NULL;
    int reserve = 0;
    uint64_t n = 0, b = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|$OOpU:no_gc_begin", names, &objects, &bytes, &reserve,
                                     &name) ||
        !take_count(objects, function, "objects", SIZE_MAX, &n) ||
        !take_count(bytes, function, "bytes", SIZE_MAX, &b))
        return NULL;
    const char *holder = "Python";
    if (name) { /* the library keeps the pointer: the str, and its UTF-8, stay as long as the heap object */
        PyObject *kept = PyDict_SetDefault(home->holders, name, name);
        holder = kept ? PyUnicode_AsUTF8(kept) : NULL;
        if (!holder)
            return NULL;
    }
    husk_heap *heap = husk_py_open(home, function);
    if (!heap)
        return NULL;
    husk_status status = husk_heap_no_gc_begin(heap, (size_t)n, (size_t)b, reserve != 0, holder);
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise(home, status);
}

PyObject *husk_py_heap_no_gc_end(PyObject *self, PyObject *none)
{
    (void)none;
    husk_region region;
    husk_heap *heap = husk_py_open(home_of(self), "Heap.no_gc_end()");
    if (!heap)
        return NULL;
    husk_status status = husk_heap_no_gc_end(heap, &region);
    return status == HUSK_OK ? region_of(&region) : husk_py_raise(home_of(self), status);
}

PyObject *husk_py_heap_no_gc(PyObject *self, PyObject *none)
{
    (void)none;
    husk_region region;
    husk_heap *heap = husk_py_open(home_of(self), "Heap.no_gc()");
    if (!heap)
        return NULL;
    return husk_heap_no_gc(heap, &region) ? region_of(&region) : Py_NewRef(Py_None);
}

PyObject *husk_py_heap_idle(PyObject *self, PyObject *seconds)
{
    husk_py_heap *home = home_of(self);
    double ns = PyFloat_AsDouble(seconds);
    if (ns == -1.0 && PyErr_Occurred())
        return NULL;
    ns *= 1e9;
    husk_heap *heap = husk_py_open(home, "Heap.idle()");
    if (!heap)
        return NULL;
    if (!(ns >= 0 && ns < 1e18)) /* what no integer can say */
        return husk_py_fail(HUSK_ERANGE, "Heap.idle(): a budget of %S seconds is not 0.001 to 3600", seconds);
    husk_idle idle;
    husk_status status = husk_heap_idle(heap, (uint64_t)ns, &idle);
    husk_py_leave();
    if (status != HUSK_OK)
        return husk_py_raise(home, status);
    return MAKE(idle_type, PyBool_FromLong(idle.served), PyBool_FromLong(idle.passed),
                PyBool_FromLong(idle.stepped), PyBool_FromLong(idle.trimmed), PyBool_FromLong(idle.more),
                PyFloat_FromDouble((double)idle.expected_ns / 1e9), sized(idle.collected),
                sized(idle.bytes_back), PyFloat_FromDouble((double)idle.took_ns / 1e9));
}

PyObject *husk_py_heap_stress(PyObject *self, PyObject *none)
{
    (void)none;
    husk_stress stress;
    husk_heap *heap = husk_py_open(home_of(self), "Heap.stress()");
    if (!heap)
        return NULL;
    husk_heap_get_stress(heap, &stress);
    return MAKE(stress_type, COUNT(stress.every), COUNT(stress.seed));
}

PyObject *husk_py_heap_set_stress(PyObject *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = { "every", "seed", NULL };
    static const char *const function = "Heap.set_stress()";
    PyObject *every = NULL, *seed = NULL;
    husk_stress wanted = { .every = 1 };
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O$O:set_stress", names, &every, &seed) ||
        !take_count(every, function, "every", UINT64_MAX, &wanted.every) ||
        !take_count(seed, function, "seed", UINT64_MAX, &wanted.seed))
        return NULL;
    husk_heap *heap = husk_py_open(home_of(self), function);
    if (!heap)
        return NULL;
    husk_status status = husk_heap_set_stress(heap, &wanted);
    return status == HUSK_OK ? Py_NewRef(Py_None) : husk_py_raise(home_of(self), status);
}

bool husk_py_add_pacing(PyObject *module)
{
    static const struct {
        PyStructSequence_Desc *desc;
        PyTypeObject **type;
    } all[] = {
        { &state_desc, &state_type },   { &bound_desc, &bound_type }, { &soft_desc, &soft_type },
        { &region_desc, &region_type }, { &idle_desc, &idle_type },   { &stress_desc, &stress_type }
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i].type = PyStructSequence_NewType(all[i].desc);
        if (!*all[i].type ||
            PyModule_AddObjectRef(module, strrchr(all[i].desc->name, '.') + 1, (PyObject *)*all[i].type) < 0)
            return false;
    }
    return true;
}
