/* bindings/python/host_walk.c: lists of objects: all of them, what one refers to, who refers to one, the garbage
 * list; and how many there are of each type.
 *
 * The callback of a walk may not touch Python: it gathers retained pointers in C. Making the handles may then run
 * any code, which may close the heap: what is left of the pointers is then dropped without a look. */
#include "host.h"

typedef struct found {
    husk_obj **at;      /* each retained */
    const char **names; /* of the slot, for edges; static or the type's */
    size_t *indexes;
    size_t count, room;
    const husk_type *only; /* of this type; NULL: any */
    husk_kind kind;        /* of this kind; HUSK_KIND_OTHER: any */
    const husk_obj *last;  /* of a referrer with several slots: shown once */
    bool edges, failed;
    PyObject **refs; /* of list_of: in the order of their places */
} found;

static bool more_room(found *all)
{
    size_t room = all->room ? 2 * all->room : 256;
    husk_obj **at = PyMem_RawRealloc(all->at, room * sizeof *at);
    if (at)
        all->at = at;
    const char **names = all->edges && at ? PyMem_RawRealloc(all->names, room * sizeof *names) : NULL;
    if (names)
        all->names = names;
    size_t *indexes = names ? PyMem_RawRealloc(all->indexes, room * sizeof *indexes) : NULL;
    if (indexes)
        all->indexes = indexes;
    all->failed = !at || (all->edges && !indexes);
    if (!all->failed)
        all->room = room;
    return !all->failed;
}

static bool found_one(found *all, husk_obj *obj)
{
    if (all->only && husk_obj_type(obj) != all->only)
        return true;
    if (all->kind != HUSK_KIND_OTHER && husk_obj_kind(obj) != all->kind)
        return true;
    if (all->count == all->room && !more_room(all))
        return false;
    husk_obj_retain(obj);
    all->at[all->count++] = obj;
    return true;
}

static bool walk_objects(husk_obj *obj, void *all)
{
    return found_one(all, obj);
}

static bool walk_referents(const husk_edge *edge, void *all)
{
    return found_one(all, edge->to);
}

static bool walk_referrers(const husk_edge *edge, void *data)
{
    found *all = data;
    if (!all->edges && edge->from == all->last)
        return true;
    all->last = edge->from;
    if (!found_one(all, edge->from))
        return false;
    if (all->edges) {
        all->names[all->count - 1] = edge->name;
        all->indexes[all->count - 1] = edge->index;
    }
    return true;
}

static PyObject *edge_pair(PyObject *from, const char *name, size_t index)
{
    return name ? Py_BuildValue("(NsK)", from, name, (unsigned long long)index)
                : Py_BuildValue("(NOK)", from, Py_None, (unsigned long long)index);
}

/* A husk.ref that is not shared has the only reference to its weak reference, which calls it (host_weak.c): another one
 * would outlive it. So what was found is the ref itself from now on, and its place in `at` is empty. Left out are one
 * that is ending already, one for which there is no memory, and a weak reference whose ref is gone, and which only waits
 * for its turn not to be called. Runs no code: no reference given back here is the last. */
static void take_refs(husk_py_heap *home, found *all)
{
    size_t kept = 0, refs = 0;
    for (size_t i = 0; i < all->count; i++) {
        husk_obj *obj = all->at[i];
        husk_weak *weak = husk_py_is_ref(obj) ? husk_weak_of(obj) : NULL;
        PyObject *ref = weak ? (PyObject *)husk_py_find(home, obj) : NULL;
        if (weak && !ref && husk_weak_data(weak)) {
            husk_obj_release(obj);
            continue;
        }
        if (ref) {
            if (!all->refs)
                all->refs = PyMem_RawMalloc((all->count - i) * sizeof *all->refs);
            all->failed |= !all->refs;
            husk_obj_release(obj);
            obj = NULL;
            if (!all->refs || !Py_REFCNT(ref))
                continue;
            all->refs[refs++] = Py_NewRef(ref);
        }
        all->at[kept] = obj;
        if (all->edges) {
            all->names[kept] = all->names[i];
            all->indexes[kept] = all->indexes[i];
        }
        kept++;
    }
    all->count = kept;
}

/* A list of what was found, whose references are used up. */
static PyObject *list_of(husk_py_heap *home, found *all)
{
    take_refs(home, all);
    PyObject *list = all->failed ? PyErr_NoMemory() : PyList_New(0);
    size_t refs = 0;
    for (size_t i = 0; i < all->count; i++) {
        PyObject *x = NULL;
        if (!all->at[i])
            x = all->refs[refs++];
        else if (home->heap && list)
            x = husk_py_wrap(home, all->at[i], true);
        else if (home->heap)
            husk_obj_release(all->at[i]);
        if (list && home->heap && x && all->edges)
            x = edge_pair(x, all->names[i], all->indexes[i]);
        if (list && home->heap && (!x || PyList_Append(list, x) < 0))
            Py_CLEAR(list);
        Py_XDECREF(x);
    }
    PyMem_RawFree(all->at);
    PyMem_RawFree((void *)all->names);
    PyMem_RawFree(all->indexes);
    PyMem_RawFree(all->refs);
    husk_py_leave();
    if (list && !home->heap) {
        Py_DECREF(list);
        return husk_py_fail_closed(home, "a list of objects");
    }
    return list;
}

/* Which objects are asked for: those of a record class, or of a kind. */
static bool choose(PyObject *only, found *all)
{
    const struct {
        PyTypeObject *type;
        husk_kind kind;
    } kinds[] = {
        { husk_py.list_type, HUSK_KIND_LIST },
        { husk_py.map_type, HUSK_KIND_MAP },
        { husk_py.ref_type, HUSK_KIND_WEAK },
        { husk_py_weak_class(HUSK_KIND_WEAKKEYMAP), HUSK_KIND_WEAKKEYMAP },
        { husk_py_weak_class(HUSK_KIND_WEAKVALUEMAP), HUSK_KIND_WEAKVALUEMAP },
        { husk_py_weak_class(HUSK_KIND_WEAKSET), HUSK_KIND_WEAKSET },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (only == (PyObject *)kinds[i].type)
            all->kind = kinds[i].kind;
    if (only && PyType_Check(only))
        all->only = husk_py_type_of(only);
    if (!only || all->kind != HUSK_KIND_OTHER || all->only)
        return true;
    PyErr_Format(PyExc_TypeError,
                 "Heap.objects(): a record class or a kind of husk, such as List, expected, got %R", only);
    return false;
}

PyObject *husk_py_objects(husk_py_heap *home, PyObject *only)
{
    found all = { 0 };
    if (!choose(only, &all) || !husk_py_open(home, "Heap.objects()"))
        return NULL;
    husk_heap_each(home->heap, walk_objects, &all);
    return list_of(home, &all);
}

PyObject *husk_py_garbage(husk_py_heap *home)
{
    found all = { 0 };
    if (!husk_py_open(home, "Heap.garbage()"))
        return NULL;
    size_t count = husk_heap_garbage_count(home->heap);
    for (size_t i = 0; i < count && !all.failed; i++) {
        husk_obj *obj = husk_heap_garbage(home->heap, i);
        if (obj) {
            (void)found_one(&all, obj);
            husk_obj_release(obj); /* the list has it */
        }
    }
    return list_of(home, &all);
}

static husk_py_heap *home_of(PyObject *x)
{
    return ((husk_py_proxy *)x)->home;
}

static PyObject *referents(PyObject *module, PyObject *x)
{
    found all = { 0 };
    husk_obj *obj = husk_py_arg_obj(x, "Obj_referents");
    (void)module;
    if (!obj)
        return NULL;
    husk_obj_each_referent(obj, walk_referents, &all);
    return list_of(home_of(x), &all);
}

static PyObject *referrers(PyObject *module, PyObject *x)
{
    found all = { 0 };
    husk_obj *obj = husk_py_arg_obj(x, "Obj_referrers");
    (void)module;
    if (!obj)
        return NULL;
    husk_obj_each_referrer(obj, walk_referrers, &all);
    return list_of(home_of(x), &all);
}

static PyObject *referring_slots(PyObject *module, PyObject *x)
{
    found all = { .edges = true };
    husk_obj *obj = husk_py_arg_obj(x, "Obj_referring_slots");
    (void)module;
    if (!obj)
        return NULL;
    husk_obj_each_referrer(obj, walk_referrers, &all);
    return list_of(home_of(x), &all);
}

static bool walk_weak(husk_obj *weak, void *all)
{
    return !husk_py_is_ref(weak) || found_one(all, weak);
}

static PyObject *weak_references(PyObject *module, PyObject *x)
{
    found all = { 0 };
    husk_obj *obj = husk_py_arg_obj(x, "Obj_getweakrefs");
    (void)module;
    if (!obj)
        return NULL;
    husk_obj_each_weak(obj, walk_weak, &all);
    return list_of(home_of(x), &all);
}

/* ---- census ---- */

typedef struct census {
    const husk_type **types; /* by type id */
    size_t *counts;
    size_t room;
    bool failed;
} census;

static bool count_type(husk_obj *obj, void *data)
{
    census *all = data;
    const husk_type *type = husk_obj_type(obj);
    size_t id = husk_type_id(type);
    if (id >= all->room) {
        size_t room = id + 64;
        const husk_type **types = PyMem_RawRealloc((void *)all->types, room * sizeof *types);
        if (types)
            all->types = types;
        size_t *counts = PyMem_RawRealloc(all->counts, room * sizeof *counts);
        if (counts)
            all->counts = counts;
        all->failed = !types || !counts;
        if (all->failed)
            return false;
        memset((void *)(all->types + all->room), 0, (room - all->room) * sizeof *types);
        memset(all->counts + all->room, 0, (room - all->room) * sizeof *counts);
        all->room = room;
    }
    all->types[id] = type;
    all->counts[id]++;
    return true;
}

/* Types of one name are counted together. */
static bool add_count(PyObject *dict, const char *name, size_t count)
{
    PyObject *key = PyUnicode_FromString(name), *sum = NULL;
    PyObject *before = key ? PyDict_GetItemWithError(dict, key) : NULL;
    PyObject *more = key && !PyErr_Occurred() ? PyLong_FromSize_t(count) : NULL;
    if (more)
        sum = before ? PyNumber_Add(before, more) : Py_NewRef(more);
    bool good = sum && PyDict_SetItem(dict, key, sum) == 0;
    Py_XDECREF(sum);
    Py_XDECREF(more);
    Py_XDECREF(key);
    return good;
}

PyObject *husk_py_census(husk_py_heap *home)
{
    census all = { 0 };
    if (!husk_py_open(home, "Heap.census()"))
        return NULL;
    husk_heap_each(home->heap, count_type, &all);
    PyObject *dict = all.failed ? PyErr_NoMemory() : PyDict_New();
    for (size_t id = 0; dict && id < all.room; id++)
        if (all.counts[id] && !add_count(dict, husk_type_name(all.types[id]), all.counts[id]))
            Py_CLEAR(dict);
    PyMem_RawFree((void *)all.types);
    PyMem_RawFree(all.counts);
    return dict;
}

bool husk_py_add_walks(PyObject *module)
{
    static PyMethodDef functions[] = {
        { "referents", referents, METH_O,
          "referents(obj, /)\n--\n\nA list of what obj refers to, once for each slot." },
        { "referrers", referrers, METH_O,
          "referrers(obj, /)\n--\n\nA list of the objects of the heap that refer to obj. Scans the whole "
          "heap." },
        { "referring_slots", referring_slots, METH_O,
          "referring_slots(obj, /)\n--\n\nA list of (referrer, slot name, index), one for each slot that "
          "holds obj." },
        { "getweakrefs", weak_references, METH_O,
          "getweakrefs(obj, /)\n--\n\nA list of the refs to obj: the shared one first, then the newest "
          "first." },
        { NULL, NULL, 0, NULL },
    };
    return PyModule_AddFunctions(module, functions) == 0;
}
