/* bindings/python/host_bridge.c: cycles that run through Python objects and through objects of a heap
 * (husk/bridge.h).
 *
 * For one full collection of Python's all open heaps are bridged: relays are Python objects that stand for what
 * leads to boxes or to weak references with a callback or tag, own these values meanwhile, and are referred to by
 * the proxies that lead to them. So Python's collector sees each path that there is, and decides.
 *
 *   enter   C only -> build (may fail for want of memory: then nothing was changed) -> lend (allocates nothing)
 *   leave   each relay gives back what it owns; then heap after heap ends what was released meanwhile
 *
 * A hook in gc.callbacks enters before and leaves after collections of the oldest generation; husk.collect() does
 * the round itself. Younger collections are left alone: entering looks at the whole heap.
 *
 * Finalizers. A record's __finalize__ must see its values whole, but Python's collector clears them before the record
 * is released. So each record that has yet to be finalized is a ghost: a reference of ours, listed among the
 * proxies, so that we learn its relay. If Python's collector finds that relay dead, the relay keeps itself (its
 * tp_finalize, as any __del__ may), and with it all values below; once bridged mode is left the finalizers run, and
 * the next round finds the same garbage without them. What has been finalized so is noted in home->early, since
 * Husk will ask for it again when the record ends. */
#include "host.h"

typedef struct relay {
    PyObject_VAR_HEAD size_t index; /* in bridge.relays */
    size_t owns, kids;
    bool pending;       /* it has ghosts */
    bool rescued;       /* dead but for itself */
    struct relay *next; /* of those that wait for their end */
    void *slots[]; /* owns boxes, then owns values (NULL: given back or never had), then kids (NULL: gone) */
} relay;

static PyTypeObject *relay_type;
static PyObject *collect_function;

/* What is the same for all heaps between enter and leave. */
static struct {
    relay **relays; /* NULL: dead */
    size_t count;
    relay **rescued; /* dead but for themselves, or led to by ghosts alone; room for count */
    size_t rescued_count;
    bool given_back;
    bool early; /* not all could be found: left by a wrapper, or something has yet to be finalized */
} bridge;

static PyObject **values_of(relay *one)
{
    return (PyObject **)one->slots + one->owns;
}

static PyObject **kids_of(relay *one)
{
    return (PyObject **)one->slots + 2 * one->owns;
}

/* ---- relays as Python objects ---- */

static int relay_traverse(PyObject *self, visitproc visit, void *arg)
{
    relay *one = (relay *)self;
    Py_VISIT(Py_TYPE(self));
    for (size_t i = 0; i < one->owns + one->kids; i++)
        Py_VISIT(values_of(one)[i]);
    return 0;
}

static int relay_clear(PyObject *self)
{
    relay *one = (relay *)self;
    for (size_t i = 0; i < one->owns + one->kids; i++) {
        if (values_of(one)[i] && i < one->owns)
            husk_py.deaths++;
        Py_CLEAR(values_of(one)[i]);
    }
    return 0;
}

/* A dead relay with unfinished records above it stays until they are finalized. */
static void relay_finalize(PyObject *self)
{
    relay *one = (relay *)self;
    if (!one->pending || bridge.given_back)
        return;
    one->rescued = true;
    bridge.rescued[bridge.rescued_count++] = (relay *)Py_NewRef(self);
}

/* A chain of relays must not end by recursion: one list of those that wait. Their boxes are empty already. */
static void relay_dealloc(PyObject *self)
{
    static relay *waiting;
    static bool working;
    relay *one = (relay *)self;
    if (PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    PyObject_GC_UnTrack(self);
    if (bridge.relays && one->index < bridge.count && bridge.relays[one->index] == one)
        bridge.relays[one->index] = NULL;
    one->next = waiting;
    waiting = one;
    if (working)
        return;
    working = true;
    while ((one = waiting)) {
        waiting = one->next;
        (void)relay_clear((PyObject *)one);
        PyObject_GC_Del(one);
        Py_DECREF((PyObject *)relay_type);
    }
    working = false;
}

static relay *relay_new(size_t owns, size_t kids)
{
    relay *one = PyObject_GC_NewVar(relay, relay_type, (Py_ssize_t)(2 * owns + kids));
    if (one) {
        memset(one->slots, 0, (2 * owns + kids) * sizeof(void *));
        one->index = SIZE_MAX;
        one->owns = owns;
        one->kids = kids;
        one->pending = one->rescued = false;
        one->next = NULL;
    }
    return one;
}

/* ---- leave ---- */

/* The boxes of a relay own their values again. */
static void give_back(relay *one)
{
    one->pending = false; /* a program that keeps it (gc.get_objects) may let it go in another collection */
    for (size_t i = 0; i < one->owns; i++) {
        PyObject *value = values_of(one)[i];
        husk_weak *weak = value ? husk_weak_of(one->slots[i]) : NULL;
        if (weak)
            husk_py_holder_give_back(husk_weak_data(weak), value);
        else if (value)
            (void)husk_box_swap(one->slots[i], value);
        values_of(one)[i] = NULL;
    }
}

static void untie(const husk_py_heap *home)
{
    for (size_t at = 0; home->used && at <= home->mask; at++)
        if (home->table[at])
            Py_CLEAR(home->table[at]->relay); /* which holds no value any more, so no code runs */
}

static void release_ghosts(husk_py_heap *home)
{
    husk_obj **ghosts = home->proxied + home->ghosts_at;
    size_t count = home->proxied_count - home->ghosts_at;
    husk_obj **all = home->proxied;
    home->proxied = NULL;
    for (size_t i = 0; i < count; i++)
        husk_obj_release(ghosts[i]);
    PyMem_RawFree(all);
}

/* The ghosts whose relay is among the rescued are finalized now. They are kept in the front of the array. */
static void finalize_ghosts(husk_py_heap *home, size_t count)
{
    for (size_t i = 0; i < count && home->heap; i++) {
        husk_obj *obj = home->proxied[home->ghosts_at + i];
        if (!husk_obj_is_finalized(obj) && !husk_py_is_early(home, obj) && husk_py_set_early(home, obj))
            husk_py_finalize(obj);
    }
}

/* Moves the ghosts of rescued relays to the front; gives their number. */
static size_t sort_ghosts(husk_py_heap *home)
{
    size_t found = 0;
    for (size_t i = home->ghosts_at; i < home->proxied_count; i++) {
        size_t tip = home->bridge->tip[i];
        relay *one = tip == HUSK_NO_RELAY ? NULL : bridge.relays[home->relays_at + tip];
        if (one && one->rescued) {
            husk_obj *obj = home->proxied[i];
            home->proxied[i] = home->proxied[home->ghosts_at + found];
            home->proxied[home->ghosts_at + found++] = obj;
        }
    }
    return found;
}

static husk_py_heap *next_bridged(void)
{
    for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
        if (home->bridge)
            return home;
    return NULL;
}

/* Ends bridged mode. finalize: Python's collection is over, so that what it found dead is. What ends runs hooks,
 * which may come here again: each heap is left once. */
static void leave(bool finalize)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    if (!bridge.given_back) {
        bridge.given_back = true;
        for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
            if (home->bridge)
                home->unfinished = finalize && bridge.rescued_count ? sort_ghosts(home) : 0;
        for (size_t i = 0; i < bridge.count; i++)
            if (bridge.relays[i])
                give_back(bridge.relays[i]);
        for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
            if (home->bridge)
                untie(home);
        for (size_t i = 0; i < bridge.rescued_count; i++)
            Py_DECREF((PyObject *)bridge.rescued[i]);
        PyMem_RawFree(bridge.rescued);
        PyMem_RawFree(bridge.relays);
        bridge.rescued = bridge.relays = NULL;
        bridge.count = bridge.rescued_count = 0;
    }
    for (husk_py_heap *home; (home = next_bridged());) {
        Py_INCREF((PyObject *)home);
        home->bridge = NULL;
        home->hooks++; /* it must not close before its ghosts are gone */
        husk_bridge_leave(home->heap);
        if (home->unfinished) {
            bridge.early = true; /* the same garbage, without finalizers, is left to the next round */
            finalize_ghosts(home, home->unfinished);
        }
        release_ghosts(home);
        home->hooks--;
        Py_DECREF((PyObject *)home);
    }
    husk_py.bridged = false;
    husk_py_leave();
    PyErr_Restore(type, value, trace);
}

void husk_py_unbridge(void)
{
    if (husk_py.bridged) {
        bridge.early = true;
        leave(false);
    }
}

/* The library's own way in. */
static void leave_for_core(void *data)
{
    (void)data;
    husk_py_unbridge();
}

/* ---- enter ---- */

typedef struct ghost_walk {
    husk_py_heap *home;
    size_t room;
    bool failed;
} ghost_walk;

static bool add_proxied(ghost_walk *walk, husk_obj *obj)
{
    husk_py_heap *home = walk->home;
    if (home->proxied_count == walk->room) {
        size_t room = walk->room ? 2 * walk->room : 64;
        husk_obj **more = PyMem_RawRealloc(home->proxied, room * sizeof *more);
        if (!more) {
            walk->failed = true;
            return false;
        }
        home->proxied = more;
        walk->room = room;
    }
    home->proxied[home->proxied_count++] = obj;
    return true;
}

static bool add_ghost(husk_obj *obj, void *data)
{
    ghost_walk *walk = data;
    if (!husk_py_finalizes(obj) || husk_obj_is_finalized(obj) || husk_py_is_early(walk->home, obj))
        return true;
    if (!add_proxied(walk, obj))
        return false;
    husk_obj_retain(obj);
    return true;
}

/* The objects of all proxies, but for weak references, which lead nowhere; then the ghosts. */
static bool gather(husk_py_heap *home)
{
    ghost_walk walk = { .home = home };
    home->proxied_count = 0;
    for (size_t at = 0; home->used && at <= home->mask; at++) {
        const husk_py_proxy *proxy = home->table[at];
        if (proxy && Py_TYPE(proxy)->tp_dealloc == husk_py_proxy_dealloc && !add_proxied(&walk, proxy->obj))
            break;
    }
    home->ghosts_at = home->proxied_count;
    if (!walk.failed && husk_py.finalizing)
        husk_heap_each(home->heap, add_ghost, &walk);
    if (!walk.failed && home->proxied_count)
        return true;
    release_ghosts(home);
    return false;
}

static void enter_heap(husk_py_heap *home)
{
    const husk_bridge *shown = NULL;
    if (home->hooks || !gather(home))
        return;
    husk_bridge_spec spec = { HUSK_BRIDGE_SPEC, .proxied = home->proxied, .count = home->proxied_count,
                              .value_free = husk_py_box_free, .leave = leave_for_core };
    if (husk_bridge_enter(home->heap, &spec, &shown) != HUSK_OK || !shown) {
        release_ghosts(home); /* nobody's last reference: nothing ran since they were retained */
        return;
    }
    home->bridge = shown;
    home->mixed = true;
    home->relays_at = bridge.count;
    bridge.count += shown->relays;
}

static bool build_heap(const husk_py_heap *home)
{
    const husk_bridge *shown = home->bridge;
    for (size_t r = 0; r < shown->relays; r++) {
        size_t owns = shown->own_at[r + 1] - shown->own_at[r];
        size_t kids = shown->kid_at[r + 1] - shown->kid_at[r];
        relay *one = relay_new(owns, kids);
        if (!one)
            return false;
        one->index = home->relays_at + r;
        bridge.relays[one->index] = one;
        for (size_t i = 0; i < owns; i++)
            one->slots[i] = shown->own[shown->own_at[r] + i];
        for (size_t i = 0; i < kids; i++)
            kids_of(one)[i] =
                Py_NewRef((PyObject *)bridge.relays[home->relays_at + shown->kid[shown->kid_at[r] + i]]);
    }
    return true;
}

/* Values change their owner, and proxies lead to relays. */
static void lend_heap(const husk_py_heap *home)
{
    const husk_bridge *shown = home->bridge;
    for (size_t i = 0; i < home->proxied_count; i++) {
        if (shown->tip[i] == HUSK_NO_RELAY)
            continue;
        relay *one = bridge.relays[home->relays_at + shown->tip[i]];
        if (i < home->ghosts_at)
            husk_py_find(home, home->proxied[i])->relay = Py_NewRef((PyObject *)one);
        else
            one->pending = true;
    }
    for (size_t r = 0; r < shown->relays; r++) {
        relay *one = bridge.relays[home->relays_at + r];
        for (size_t i = 0; i < one->owns; i++) {
            husk_weak *weak = husk_weak_of(one->slots[i]);
            values_of(one)[i] =
                weak ? husk_py_holder_lend(husk_weak_data(weak)) : husk_box_swap(one->slots[i], NULL);
        }
    }
}

/* The relays are to live by their proxies alone. One to which only ghosts lead is garbage of the heap that its own
 * collector has yet to find: until then what it leads to must stay, since its finalizers will look at it. */
static void show_relays(void)
{
    for (size_t i = bridge.count; i-- > 0;) {
        relay *one = bridge.relays[i];
        if (Py_REFCNT(one) == 1) {
            give_back(one);
            bridge.rescued[bridge.rescued_count++] = one;
            bridge.early = true;
            continue;
        }
        PyObject_GC_Track((PyObject *)one);
        Py_DECREF((PyObject *)one);
    }
}

static bool build(void)
{
    bridge.relays = PyMem_RawCalloc(bridge.count ? bridge.count : 1, sizeof(relay *));
    bridge.rescued = PyMem_RawCalloc(bridge.count ? bridge.count : 1, sizeof(relay *));
    bool good = bridge.relays && bridge.rescued;
    for (husk_py_heap *home = husk_py.heaps; home && good; home = home->next)
        good = !home->bridge || build_heap(home);
    if (good)
        return true;
    PyErr_Clear();
    for (size_t i = bridge.count; bridge.relays && i-- > 0;)
        Py_XDECREF((PyObject *)bridge.relays[i]);
    bridge.count = 0; /* no box has lent anything */
    return false;
}

/* Bridges all heaps. Runs no code: Python's collector stands still while relays are made. */
static void enter(void)
{
    if (husk_py.bridged)
        return;
    for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
        home->mixed = false;
    if (!husk_py.boxes)
        return;
    bridge.given_back = bridge.early = false;
    bridge.count = bridge.rescued_count = 0;
    int enabled = PyGC_Disable();
    for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
        enter_heap(home);
    if (next_bridged()) {
        husk_py.bridged = true;
        if (build()) {
            for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
                if (home->bridge)
                    lend_heap(home);
            show_relays();
        } else {
            leave(false); /* no memory for the paths: an ordinary collection */
        }
    }
    if (enabled)
        PyGC_Enable();
}

/* ---- collections of Python's ---- */

static bool in_round; /* husk_py_host_collect is at work */

/* Passes over the heaps that lead to values or have lost proxies: what Python's collector ended has left garbage
 * there. */
static void pass_mixed(void)
{
    for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
        home->due = home->mixed || home->touched;
    for (husk_py_heap *home = husk_py.heaps; home;) {
        if (home->due && home->heap && !home->hooks) {
            home->due = false;
            Py_INCREF((PyObject *)home);
            (void)husk_heap_collect(home->heap, NULL); /* damage has been reported */
            husk_py_leave();
            Py_DECREF((PyObject *)home);
            home = husk_py.heaps; /* hooks may have changed the list */
        } else {
            home = home->next;
        }
    }
}

void husk_py_begin_rounds(void)
{
    for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
        home->touched = false;
}

bool husk_py_host_collect(bool *again)
{
    uint64_t deaths = husk_py.deaths;
    husk_py_leave();
    enter();
    bool outer = in_round;
    in_round = true;
    PyObject *done = PyObject_CallNoArgs(collect_function);
    in_round = outer;
    if (husk_py.bridged)
        leave(done != NULL);
    bool early = bridge.early;
    bridge.early = false;
    if (!done)
        return false;
    Py_DECREF(done);
    pass_mixed();
    *again = early || husk_py.deaths != deaths;
    return true;
}

/* In gc.callbacks: called with "start" or "stop" and a dict. */
static PyObject *on_collection(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    static uint64_t deaths;
    (void)module;
    if (count != 2 || !PyUnicode_Check(args[0]) || !PyDict_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "a phase and a dict expected");
    PyObject *generation = PyDict_GetItemString(args[1], "generation");
    if (husk_py.ended || !generation || PyLong_AsLong(generation) != 2)
        Py_RETURN_NONE;
    if (PyUnicode_CompareWithASCIIString(args[0], "start") == 0) {
        deaths = husk_py.deaths;
        if (!in_round)
            husk_py_begin_rounds();
        enter();
    } else {
        if (husk_py.bridged)
            leave(true);
        if (!in_round && (bridge.early || husk_py.deaths != deaths))
            pass_mixed();
        if (!in_round)
            bridge.early = false;
    }
    Py_RETURN_NONE;
}

bool husk_py_add_bridge(void)
{
    static PyMethodDef def = { "husk_bridge", (PyCFunction)(void (*)(void))on_collection, METH_FASTCALL,
                               NULL };
    static PyType_Slot slots[] = {
        { Py_tp_dealloc, relay_dealloc },
        { Py_tp_traverse, relay_traverse },
        { Py_tp_clear, relay_clear },
        { Py_tp_finalize, relay_finalize },
        { 0, NULL },
    };
    static PyType_Spec spec = {
        .name = "husk._core.relay",
        .basicsize = offsetof(relay, slots),
        .itemsize = sizeof(void *),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    relay_type = (PyTypeObject *)PyType_FromSpec(&spec);
    PyObject *gc = relay_type ? PyImport_ImportModule("gc") : NULL;
    PyObject *callbacks = gc ? PyObject_GetAttrString(gc, "callbacks") : NULL;
    PyObject *function = callbacks ? PyCFunction_New(&def, NULL) : NULL;
    collect_function = gc ? PyObject_GetAttrString(gc, "collect") : NULL;
    bool good =
        function && collect_function && PyList_Check(callbacks) && PyList_Append(callbacks, function) == 0;
    Py_XDECREF(function);
    Py_XDECREF(callbacks);
    Py_XDECREF(gc);
    return good;
}
