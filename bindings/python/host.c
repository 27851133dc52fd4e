/* bindings/python/host.c: ownership. Proxies and the table that finds them, boxes and their loose values, and
 * the end of a call. The picture and the rules are in host.h. */
#include "host.h"

husk_py_lib husk_py;

/* ---- the table of a heap's proxies ---- */

static size_t place_of(const husk_py_heap *home, const husk_obj *obj)
{
    uint64_t key = (uint64_t)(uintptr_t)obj;
    return (size_t)((key >> 4) * 0x9e3779b97f4a7c15u >> 20) & home->mask;
}

husk_py_proxy *husk_py_find(const husk_py_heap *home, const husk_obj *obj)
{
    if (!home->used)
        return NULL;
    for (size_t at = place_of(home, obj); home->table[at]; at = (at + 1) & home->mask)
        if (home->table[at]->obj == obj)
            return home->table[at];
    return NULL;
}

static void table_put(husk_py_heap *home, husk_py_proxy *proxy)
{
    size_t at = place_of(home, proxy->obj);
    while (home->table[at])
        at = (at + 1) & home->mask;
    home->table[at] = proxy;
}

static bool table_resize(husk_py_heap *home, size_t places)
{
    husk_py_proxy **old = home->table;
    size_t count = old ? home->mask + 1 : 0;
    husk_py_proxy **table = PyMem_Calloc(places, sizeof(husk_py_proxy *));
    if (!table)
        return false;
    home->table = table;
    home->mask = places - 1;
    for (size_t i = 0; i < count; i++)
        if (old[i])
            table_put(home, old[i]);
    PyMem_Free(old);
    return true;
}

bool husk_py_table_add(husk_py_heap *home, husk_py_proxy *proxy)
{
    size_t places = home->table ? home->mask + 1 : 0;
    if (home->used + home->used / 2 + 1 > places && !table_resize(home, places ? 2 * places : 64)) {
        PyErr_NoMemory();
        return false;
    }
    home->used++;
    table_put(home, proxy);
    return true;
}

/* Those behind the gap move up, so that a search never stops too early. */
void husk_py_table_remove(husk_py_heap *home, husk_py_proxy *proxy)
{
    husk_py_proxy **table = home->table;
    size_t gap = place_of(home, proxy->obj);
    while (table[gap] != proxy)
        gap = (gap + 1) & home->mask;
    for (size_t at = (gap + 1) & home->mask; table[at]; at = (at + 1) & home->mask) {
        size_t wanted = place_of(home, table[at]->obj);
        if (((at - wanted) & home->mask) >= ((at - gap) & home->mask)) {
            table[gap] = table[at];
            gap = at;
        }
    }
    table[gap] = NULL;
    home->used--;
    if (home->mask > 1023 && home->used < home->mask / 8)
        (void)table_resize(home, (home->mask + 1) / 2); /* smaller if it can be had */
}

/* ---- proxies ---- */

/* Blocks of dead proxies, collector's head included, for the next ones: all proxies but weak references have
 * one size. */
enum { MOST_FREE = 256 };
static husk_py_proxy *free_proxies[MOST_FREE];
static int free_count;

husk_obj *husk_py_dead(husk_py_proxy *proxy)
{
    if (husk_py.bridged)
        husk_py_unbridge();
    if (proxy->obj)
        return proxy->obj;
    if (proxy->home)
        husk_py_fail_closed(proxy->home, husk_py_name(Py_TYPE(proxy)));
    else
        PyErr_Format(husk_py_closed(), "this %.100s has no object", husk_py_name(Py_TYPE(proxy)));
    return NULL;
}

static husk_py_proxy *take_block(PyTypeObject *type)
{
    husk_py_proxy *proxy = free_proxies[--free_count];
    (void)PyObject_Init((PyObject *)proxy, type);
    return proxy;
}

husk_py_proxy *husk_py_proxy_new(PyTypeObject *type)
{
    husk_py_proxy *proxy = free_count ? take_block(type) : PyObject_GC_New(husk_py_proxy, type);
    if (proxy) {
        proxy->obj = NULL;
        proxy->home = NULL;
        proxy->relay = NULL;
        proxy->weaklist = NULL;
    }
    return proxy;
}

PyObject *husk_py_adopt(husk_py_heap *home, husk_py_proxy *proxy, husk_obj *obj)
{
    proxy->obj = obj;
    if (!husk_py_table_add(home, proxy)) {
        proxy->obj = NULL;
        Py_DECREF(proxy);
        husk_obj_release(obj);
        husk_py_leave();
        return NULL;
    }
    proxy->home = (husk_py_heap *)Py_NewRef((PyObject *)home);
    PyObject_GC_Track((PyObject *)proxy);
    return (PyObject *)proxy;
}

bool husk_py_is_ref(husk_obj *obj)
{
    return husk_obj_kind(obj) == HUSK_KIND_WEAK && !husk_cleanup_of(obj) && !husk_soft_of(obj) &&
           !husk_watch_of(obj);
}

static PyTypeObject *class_of(husk_obj *obj)
{
    size_t id = husk_type_id(husk_obj_type(obj));
    switch (husk_obj_kind(obj)) {
    case HUSK_KIND_LIST:
        return husk_py.list_type;
    case HUSK_KIND_MAP:
        return husk_py.map_type;
    case HUSK_KIND_WEAKKEYMAP:
    case HUSK_KIND_WEAKVALUEMAP:
    case HUSK_KIND_WEAKSET:
        return husk_py_weak_class(husk_obj_kind(obj));
    case HUSK_KIND_WEAK: /* weak references have a class of another size: husk_py_wrap_weak */
        return husk_cleanup_of(obj) ? husk_py_cleanup_class()
               : husk_soft_of(obj)  ? husk_py_soft_class()
                                    : husk_py_watch_class();
    case HUSK_KIND_OTHER:
        if (husk_deadqueue_of(obj))
            return husk_py_queue_class();
        /* fall through */
    default: /* records, and structs of husk.ffi */
        return id < husk_py.class_room && husk_py.classes[id] ? husk_py.classes[id] : husk_py.obj_type;
    }
}

/* The same for types seen lately: what is here becomes a proxy of this class, whatever its kind. */
enum { RECENT = 64 };
static struct {
    const husk_type *type;
    PyTypeObject *class;
} recent[RECENT];

static size_t recent_place(const husk_type *type)
{
    return ((uintptr_t)type >> 6 ^ (uintptr_t)type >> 12) % RECENT;
}

/* A new proxy for obj, whose reference it gets. */
static PyObject *wrap_new(husk_py_heap *home, husk_obj *obj, PyTypeObject *class)
{
    if (free_count)
        return husk_py_adopt(home, husk_py_proxy_new(class), obj);
    husk_py_proxy *proxy = husk_py_proxy_new(class); /* anything may have run */
    if (!home->heap) {
        Py_XDECREF((PyObject *)proxy);
        husk_py_fail_closed(home, "the object");
        return NULL;
    }
    husk_py_proxy *found = proxy ? husk_py_find(home, obj) : NULL;
    if (proxy && !found)
        return husk_py_adopt(home, proxy, obj);
    Py_XINCREF((PyObject *)found);
    Py_XDECREF((PyObject *)proxy);
    husk_obj_release(obj);
    husk_py_leave();
    return (PyObject *)found;
}

/* Of an object without a proxy whose type was not seen lately. Retains. */
static PyObject *wrap_other(husk_py_heap *home, husk_obj *obj)
{
    husk_kind kind = husk_obj_kind(obj);
    if (kind == HUSK_KIND_TEXT)
        return husk_py_decode(obj);
    if (kind == HUSK_KIND_BOX) {
        PyObject *value = husk_box_value(obj); /* all boxes of our heaps are ours */
        return Py_NewRef(value ? value : Py_None);
    }
    if (husk_py_is_ref(obj))
        return husk_py_wrap_weak(home, obj);
    PyTypeObject *class = class_of(obj);
    const husk_type *type = husk_obj_type(obj);
    recent[recent_place(type)].type = type;
    recent[recent_place(type)].class = class;
    husk_obj_retain(obj);
    return wrap_new(home, obj, class);
}

PyObject *husk_py_wrap(husk_py_heap *home, husk_obj *obj, bool owned)
{
    PyObject *result = (PyObject *)husk_py_find(home, obj);
    if (result) {
        Py_INCREF(result);
    } else {
        const husk_type *type = husk_obj_type(obj);
        if (recent[recent_place(type)].type == type) {
            if (!owned)
                husk_obj_retain(obj);
            return wrap_new(home, obj, recent[recent_place(type)].class);
        }
        result = wrap_other(home, obj);
    }
    if (owned && home->heap) {
        husk_obj_release(obj);
        husk_py_leave();
    }
    return result;
}

/* A class made by a class statement has this one too (host_recordtype.c), so that nothing of Python's own stands
 * between: proxies have no __dict__, __slots__ or __del__. */
void husk_py_proxy_dealloc(PyObject *self)
{
    husk_py_proxy *proxy = (husk_py_proxy *)self;
    PyTypeObject *type = Py_TYPE(self);
    husk_py_heap *home = proxy->home;
    husk_obj *obj = proxy->obj;
    PyObject_GC_UnTrack(self);
    if (obj) {
        husk_py_table_remove(home, proxy); /* first: what follows may ask for the object again */
        proxy->obj = NULL;
    }
    if (proxy->weaklist)
        PyObject_ClearWeakRefs(self);
    Py_CLEAR(proxy->relay);
    if (free_count < MOST_FREE)
        free_proxies[free_count++] = proxy;
    else
        PyObject_GC_Del(self);
    Py_DECREF((PyObject *)type);
    if (obj) {
        husk_py.deaths++;
        home->touched = true;
        if (home->heap) { /* else it closed while weak references were told */
            husk_obj_release(obj);
            husk_py_leave();
        }
    }
    Py_XDECREF((PyObject *)home);
}

int husk_py_proxy_traverse(PyObject *self, visitproc visit, void *arg)
{
    husk_py_proxy *proxy = (husk_py_proxy *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)proxy->home);
    Py_VISIT(proxy->relay);
    return 0;
}

/* Never the reference: a proxy that is found again in the middle of a collection must be whole. */
int husk_py_proxy_clear(PyObject *self)
{
    Py_CLEAR(((husk_py_proxy *)self)->relay);
    return 0;
}

PyObject *husk_py_refuse_pickle(PyObject *self, PyObject *args)
{
    (void)args;
    return PyErr_Format(PyExc_TypeError, "cannot copy or pickle '%.100s': it lives in a heap",
                        husk_py_name(Py_TYPE(self)));
}

/* ---- boxes ---- */

bool husk_py_box_room(void)
{
    if (husk_py.boxes + husk_py.loose_count >= husk_py.loose_room) {
        size_t room = husk_py.loose_room ? 2 * husk_py.loose_room : 64;
        PyObject **loose = PyMem_Realloc(husk_py.loose, room * sizeof(PyObject *));
        if (!loose) {
            PyErr_NoMemory();
            return false;
        }
        husk_py.loose = loose;
        husk_py.loose_room = room;
    }
    husk_py.boxes++;
    return true;
}

husk_obj *husk_py_box(husk_py_heap *home, PyObject *value)
{
    if (!husk_py_box_room())
        return NULL;
    husk_obj *box = husk_box_new(home->heap, Py_NewRef(value), husk_py_box_free);
    if (!box)
        husk_py_raise_failure(home);
    return box;
}

void husk_py_box_free(void *value)
{
    husk_py.boxes--;
    if (!value) /* a relay had it */
        return;
    husk_py_ref_loose(value, 1);
    husk_py.loose[husk_py.loose_count++] = value;
}

PyObject *husk_py_holder(PyObject *value)
{
    PyObject *holder = PyList_New(1);
    if (holder) {
        PyList_SET_ITEM(holder, 0, Py_NewRef(value));
        PyObject_GC_UnTrack(holder); /* nor can a program find it, and change it */
    }
    return holder;
}

PyObject *husk_py_holder_take(PyObject *holder)
{
    PyObject *value = husk_py_holder_lend(holder);
    (void)PyList_SetSlice(holder, 0, PyList_GET_SIZE(holder), NULL); /* cannot fail: nothing is added */
    return value;
}

PyObject *husk_py_holder_lend(PyObject *holder)
{
    if (!PyList_GET_SIZE(holder) || PyList_GET_ITEM(holder, 0) == Py_None)
        return NULL;
    PyObject *value = PyList_GET_ITEM(holder, 0);
    PyList_SET_ITEM(holder, 0, Py_NewRef(Py_None));
    return value;
}

void husk_py_holder_give_back(PyObject *holder, PyObject *value)
{
    Py_DECREF(PyList_GET_ITEM(holder, 0)); /* None: what was lent has left it there */
    PyList_SET_ITEM(holder, 0, value);
}

/* The end of a value may make other values loose: one loop drops them all. */
void husk_py_leave_slow(void)
{
    if (husk_py.dropping)
        return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    husk_py.dropping = true;
    while (husk_py.loose_count || husk_py.first_report) {
        while (husk_py.loose_count) {
            PyObject *one = husk_py.loose[--husk_py.loose_count];
            husk_py.deaths++;
            husk_py_ref_loose(one, -1);
            Py_DECREF(one);
        }
        husk_py_deliver();
    }
    husk_py.dropping = false;
    PyErr_Restore(type, value, trace);
}
