/* bindings/python/host.h: how objects live in Python. host.c does the ownership, the other host_*.c stand on it.
 *
 *   proxy (Obj, Record, List, ...) ---> husk_obj      one counted reference
 *      '--> home (husk.Heap) ---------> husk_heap     a strong Python reference: a proxy keeps its heap
 *      '--> relay, in bridged mode only (host_bridge.c)
 *
 * Identity: each heap has a table of its proxies, keyed by the object's address; it owns nothing. A proxy is in
 * it from the moment it has an object until its deallocation begins or the heap closes, so what the table
 * gives always has a Python reference count above 0.
 * Ownership: a proxy owns one reference. It is dead (obj NULL) once its heap is closed; every use then raises
 * husk.ClosedError.
 * A heap closes when a program says so, when nobody has it or a proxy of it any more, or at exit.
 * Values of Python that a heap keeps are in boxes. A box that dies may not run Python code, so its value goes
 * to lib.loose, which has room for all boxes there are, and is dropped when the call that ended the box is done
 * (husk_py_leave).
 *
 * Rules that keep a wrapper whole, whatever a program does:
 *  1. Making an object that Python's collector tracks may run any code (Python 3.10 and 3.11 collect there), and
 *     so may every __index__, __eq__ or __iter__: it may close the heap, or change what the wrapper works on. So
 *     arguments are converted first, and no husk pointer is kept across such a call, unless the wrapper owns a
 *     reference and asks afterwards whether the heap is still open.
 *  2. A proxy that is an argument of a running call cannot die in it: its caller holds it, and a heap refuses to
 *     close inside its own hooks (home->hooks).
 *  3. Hooks save and restore the exception in flight; their own goes to sys.unraisablehook (host_hooks.c).
 *  4. Every call that looks at a heap leaves bridged mode first (husk_py_obj, husk_py_open), readers included.
 * Threads: the interpreter lock is never given up inside a call that has a heap, so that the lock is the heap's. Long
 * work on a snapshot, which has none, lets other threads run (host_snapshot.c). */
#ifndef HUSK_PY_HOST_H
#define HUSK_PY_HOST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <structmember.h>

#include <husk.h>

#if defined(__GNUC__)
#define HUSK_PY_RARE(x) __builtin_expect(!!(x), 0)
#else
#define HUSK_PY_RARE(x) (x)
#endif

typedef struct husk_py_heap husk_py_heap;
typedef struct husk_py_proxy husk_py_proxy;
typedef struct husk_py_report husk_py_report;

struct husk_py_proxy {
    PyObject_HEAD husk_obj *obj; /* NULL: dead */
    husk_py_heap *home;
    PyObject *relay;
    PyObject *weaklist;
};

struct husk_py_report { /* what a heap noticed by itself; waits until Python may run */
    husk_py_report *next;
    husk_py_heap *home;
    husk_status status;
    char text[];
};

struct husk_py_heap {
    PyObject_HEAD husk_heap *heap; /* NULL: closed */
    husk_py_proxy **table;         /* open addressing, mask + 1 places; NULL: empty */
    size_t mask, used;
    int hooks; /* hooks of this heap that are running; also closing, which is no time to close either */
    PyObject *name;
    PyObject *on_error;        /* callable or NULL */
    PyObject *passes;          /* dict: id of a callback on passes -> callable */
    PyObject *holders;         /* dict: names given to disable, which the library keeps */
    husk_py_heap *prev, *next; /* in lib.heaps while open */
    /* Of host_scopes.c: */
    PyObject *scopes;   /* dict: thread -> list of (domain?, bytes), or NULL */
    uint64_t births_of; /* the thread that the library has been told of; 0: none, or its list has changed */
    uint64_t scopes_in; /* in which tracing */
    int tags_shown, domains_shown; /* pushed there */

    PyObject *early; /* set of addresses: records that host_bridge.c has finalized, or NULL */

    /* Of host_bridge.c: */
    const husk_bridge *bridge; /* NULL: not bridged */
    husk_obj **proxied;        /* what enter was told: the objects of proxies, from ghosts_at on of ghosts */
    size_t proxied_count, ghosts_at, unfinished;
    size_t relays_at; /* the number of its first relay among those of all heaps */
    bool mixed, due;
    bool touched; /* a proxy of it has ended since husk_py_begin_rounds */
    PyObject *weaklist;
};

/* One per process: the module refuses interpreters but the main one. */
typedef struct husk_py_lib {
    bool ready, ended;
    bool finalizing; /* there are record classes with __finalize__ */
    bool bridged;    /* all open heaps, between enter and leave of host_bridge.c */
    husk_py_heap *heaps;
    husk_py_heap *fallback; /* husk.default: where things are made without a heap being named */
    PyTypeObject **classes; /* record class by type id */
    size_t class_room;
    PyObject **loose; /* values whose boxes have died: loose_count of them, room for all boxes */
    size_t loose_count, loose_room;
    size_t boxes;  /* boxes with a value of ours */
    int working;   /* calls of the library that run without the interpreter lock */
    bool dropping; /* husk_py_leave is at work further out */
    husk_py_report *first_report, *last_report;
    uint64_t deaths; /* proxies that have gone and values dropped: did a round do anything? */
    PyTypeObject *obj_type, *heap_type, *record_type, *list_type, *map_type, *ref_type, *meta_type;
} husk_py_lib;
extern husk_py_lib husk_py;

/* Around long work of the library that has no heap: other threads run meanwhile. None of them may fork then
 * (host_snapshot.c). */
#define HUSK_PY_WORK_BEGIN                                                                                   \
    husk_py.working++;                                                                                       \
    Py_BEGIN_ALLOW_THREADS
#define HUSK_PY_WORK_END Py_END_ALLOW_THREADS husk_py.working--

/* ---- host.c: proxies, boxes ---- */

/* The object of a proxy, or NULL with ClosedError set. */
husk_obj *husk_py_dead(husk_py_proxy *proxy);
static inline husk_obj *husk_py_obj(PyObject *self)
{
    husk_py_proxy *proxy = (husk_py_proxy *)self;
    if (HUSK_PY_RARE(husk_py.bridged || !proxy->obj))
        return husk_py_dead(proxy);
    return proxy->obj;
}

/* Whether x is a proxy of ours, of any class. */
void husk_py_proxy_dealloc(PyObject *self);
void husk_py_ref_dealloc(PyObject *self);
static inline bool husk_py_is_proxy(PyObject *x)
{
    destructor dealloc = Py_TYPE(x)->tp_dealloc;
    return dealloc == husk_py_proxy_dealloc || dealloc == husk_py_ref_dealloc ||
           PyObject_TypeCheck(
               x, husk_py.ref_type); /* of a class derived from ref, which has a dealloc of its own */
}

/* What stands for obj in Python: its proxy, a str, or the value of a box. owned: the caller's reference is used
 * up, also on failure. A reference of the caller's to home is needed. */
PyObject *husk_py_wrap(husk_py_heap *home, husk_obj *obj, bool owned);
PyObject *husk_py_wrap_weak(husk_py_heap *home, husk_obj *obj); /* host_weak.c; retains */
bool husk_py_is_plain_ref(PyObject *x);                         /* one without a callback: host_weak.c */
void husk_py_ref_loose(PyObject *x,
                       int more); /* x, which may be a ref, waits in lib.loose once more or less */
/* The proxy that obj has, borrowed, or NULL. */
husk_py_proxy *husk_py_find(const husk_py_heap *home, const husk_obj *obj);
bool husk_py_table_add(husk_py_heap *home, husk_py_proxy *proxy);
void husk_py_table_remove(husk_py_heap *home, husk_py_proxy *proxy);

/* A new box with value, which is retained. NULL: an exception is set. Runs no Python code. */
husk_obj *husk_py_box(husk_py_heap *home, PyObject *value);
/* Makes room for one more value that husk_py_box_free will be called with. False: an exception is set. */
bool husk_py_box_room(void);
void husk_py_box_free(void *value); /* a husk_free_fn */

/* What a weak reference of the library has of Python: a holder, a list with one value, released by husk_py_box_free.
 * Python's collector does not know of it: what the value is held by is told by a bridge, which lends it as the value
 * of a box (host_bridge.c); meanwhile None is in its place, and for good if it was found dead. */
PyObject *husk_py_holder(PyObject *value);
/* Takes the value out for good: the caller's reference, or NULL if there is none. */
PyObject *husk_py_holder_take(PyObject *holder);
/* The same for the time of a bridge, and its end. Neither asks for memory nor runs code. */
PyObject *husk_py_holder_lend(PyObject *holder);
void husk_py_holder_give_back(PyObject *holder, PyObject *value);

/* After a call that may have ended objects or failed: drops loose values, delivers reports. May run any code;
 * keeps the exception in flight. */
void husk_py_leave_slow(void);
static inline void husk_py_leave(void)
{
    if (HUSK_PY_RARE(husk_py.loose_count || husk_py.first_report))
        husk_py_leave_slow();
}

int husk_py_proxy_traverse(PyObject *self, visitproc visit, void *arg);
int husk_py_proxy_clear(PyObject *self);
PyObject *husk_py_refuse_pickle(PyObject *self, PyObject *args);

/* ---- host_errors.c ---- */

PyObject *husk_py_error(void);                  /* husk.Error, borrowed */
PyObject *husk_py_closed(void);                 /* husk.ClosedError, borrowed */
PyObject *husk_py_error_of(husk_status status); /* the class of a status, borrowed */
/* Set an exception; NULL for the convenience of returning it. */
PyObject *husk_py_fail(husk_status status, const char *format, ...);
PyObject *husk_py_fail_closed(husk_py_heap *home, const char *what);
/* The failure of a call on home, with the heap's text, which is forgotten. Leaves the heap. */
PyObject *husk_py_raise(husk_py_heap *home, husk_status status);
PyObject *husk_py_raise_failure(husk_py_heap *home); /* after "makes" gave NULL */
PyObject *husk_py_raise_plain(husk_status status);   /* of a call that has no heap: with husk_message() */
bool husk_py_add_errors(PyObject *module);

/* The name of a class as it is written in a program: without the module. */
const char *husk_py_name(const PyTypeObject *type);

/* Before a generated call: not every call that fails leaves a text, so an old one must be gone. */
static inline husk_py_heap *husk_py_enter(husk_heap *heap)
{
    husk_heap_clear_failure(heap);
    return husk_heap_data(heap);
}

/* Arguments of the generated calls. `function` is SWIG's name of it, as in "Heap_trim". */
husk_heap *husk_py_arg_heap(PyObject *arg, const char *function);
husk_obj *husk_py_arg_obj(PyObject *arg, const char *function);
bool husk_py_arg_unsigned(PyObject *arg, const char *function, uint64_t most, uint64_t *out);
bool husk_py_arg_signed(PyObject *arg, const char *function, int64_t least, int64_t most, int64_t *out);
int husk_py_arg_bool(PyObject *arg, const char *function); /* -1: an exception is set */
Py_ssize_t husk_py_unpack(PyObject *args, const char *name, Py_ssize_t least, Py_ssize_t most,
                          PyObject **out);

/* ---- host_values.c ---- */

/* x for a slot of home. *made is a new text or box that the caller releases after storing v, or NULL. Python code
 * may have run before it returns, so that receivers are looked at after it. */
bool husk_py_to_value_slow(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made);
static inline bool husk_py_to_value(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made)
{
    husk_py_proxy *proxy = (husk_py_proxy *)x;
    *made = NULL;
    if (Py_TYPE(x)->tp_dealloc == husk_py_proxy_dealloc && proxy->home == home && proxy->obj &&
        !husk_py.bridged) {
        v->tag = HUSK_OBJ;
        v->as.o = proxy->obj;
        return true;
    }
    return husk_py_to_value_slow(home, x, v, made);
}
/* The same for a key of a map: what is in no way a key is a TypeError. */
bool husk_py_to_key(husk_py_heap *home, PyObject *x, husk_value *v, husk_obj **made);
/* The bytes of a str, valid as long as *keep, which the caller drops (it may be NULL). */
const char *husk_py_text(PyObject *str, Py_ssize_t *length, PyObject **keep);
PyObject *husk_py_decode(husk_obj *text);

PyObject *husk_py_from_value_slow(husk_py_heap *home, husk_value v);
static inline PyObject *husk_py_from_value(husk_py_heap *home, husk_value v)
{
    if (v.tag == HUSK_INT)
        return PyLong_FromLongLong(v.as.i);
    if (v.tag == HUSK_NIL)
        Py_RETURN_NONE;
    return husk_py_from_value_slow(home, v);
}

/* ---- host_figures.c: results as named tuples ---- */

PyObject *husk_py_pass(const husk_pass *pass);
PyObject *husk_py_counts(const husk_counts *counts);
PyObject *husk_py_soft_figures(const husk_soft_figures *figures);
PyObject *husk_py_pacing(const husk_pacing *pacing);
PyObject *husk_py_generation(const husk_generation *generation);
PyObject *husk_py_steps(const husk_steps *steps);
PyObject *husk_py_figures(const husk_heap_figures *figures);
PyObject *husk_py_snapshot_counts(const husk_snapshot_counts *counts);
PyObject *husk_py_trace_figures(const husk_trace_figures *figures);
bool husk_py_add_figures(PyObject *module);

/* ---- host_collect.c ---- */

PyObject *husk_py_heap_collect(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *husk_py_heap_disable(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *husk_py_heap_set_pacing(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *husk_py_heap_on_pass(PyObject *self, PyObject *callback);
PyObject *husk_py_heap_off_pass(PyObject *self, PyObject *id);

/* ---- host_pacing.c ---- */

PyObject *husk_py_heap_pacing_state(PyObject *self, PyObject *none);
PyObject *husk_py_heap_bound(PyObject *self, PyObject *none);
PyObject *husk_py_heap_soft_limit(PyObject *self, PyObject *none);
PyObject *husk_py_heap_no_gc_begin(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *husk_py_heap_no_gc_end(PyObject *self, PyObject *none);
PyObject *husk_py_heap_no_gc(PyObject *self, PyObject *none);
bool husk_py_add_steps(PyObject *module);
PyObject *husk_py_heap_step(PyObject *self, PyObject *args);
PyObject *husk_py_heap_set_pause(PyObject *self, PyObject *seconds);
PyObject *husk_py_heap_pause(PyObject *self, PyObject *none);
PyObject *husk_py_heap_idle(PyObject *self, PyObject *seconds);
PyObject *husk_py_heap_stress(PyObject *self, PyObject *none);
PyObject *husk_py_heap_set_stress(PyObject *self, PyObject *args, PyObject *keywords);
bool husk_py_add_pacing(PyObject *module);

/* ---- host_heap.c ---- */

/* The heap, or NULL with ClosedError set. */
static inline husk_heap *husk_py_open(husk_py_heap *home, const char *what);
husk_heap *husk_py_open_slow(husk_py_heap *home, const char *what);
static inline husk_heap *husk_py_open(husk_py_heap *home, const char *what)
{
    if (HUSK_PY_RARE(husk_py.bridged || !home->heap))
        return husk_py_open_slow(home, what);
    return home->heap;
}
bool husk_py_close(husk_py_heap *home); /* false: an exception is set */
bool husk_py_want_callable(PyObject *x, const char *function);
/* The heap for something new: x, or husk.default if x is NULL or None. Borrowed. */
husk_py_heap *husk_py_heap_for(PyObject *x);
bool husk_py_add_heap(PyObject *module);

/* ---- the classes ---- */

bool husk_py_add_objects(PyObject *module);
bool husk_py_add_records(PyObject *module);
bool husk_py_add_lists(PyObject *module);
bool husk_py_add_maps(PyObject *module);
bool husk_py_add_refs(PyObject *module);
bool husk_py_add_weak_containers(PyObject *module);
bool husk_py_add_cleanups(PyObject *module);
bool husk_py_add_softs(PyObject *module);
bool husk_py_add_queues(PyObject *module);
PyTypeObject *husk_py_weak_class(husk_kind kind);
PyTypeObject *husk_py_cleanup_class(void);
PyTypeObject *husk_py_soft_class(void);
PyTypeObject *husk_py_watch_class(void);
PyTypeObject *husk_py_queue_class(void);
/* A weak reference that is no more than that: husk.ref. */
bool husk_py_is_ref(husk_obj *obj);
/* Methods of Heap: host_soft.c. */
PyObject *husk_py_heap_yield_softs(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *husk_py_heap_soft_policy(PyObject *self, PyObject *args, PyObject *keywords);
PyObject *husk_py_heap_soft_figures(PyObject *self, PyObject *none);
bool husk_py_add_walks(PyObject *module);
bool husk_py_add_helpers(PyObject *module); /* host_modules.c */
/* An empty proxy of type: rule 1 holds for it. */
husk_py_proxy *husk_py_proxy_new(PyTypeObject *type);
/* Gives obj and the caller's reference to it to an empty proxy; returns the proxy, or NULL, both dropped. */
PyObject *husk_py_adopt(husk_py_heap *home, husk_py_proxy *proxy, husk_obj *obj);
PyObject *husk_py_record_build(husk_py_heap *home, PyTypeObject *type, PyObject *const *args,
                               Py_ssize_t count, PyObject *names);
bool husk_py_finalizes(const husk_obj *obj); /* its class has __finalize__ */
/* Of a record class or one of host_struct.c; NULL: a root. */
const husk_type *husk_py_type_of(PyObject *declared);
/* A new object of the type, with a proxy of the class. */
PyObject *husk_py_birth(husk_py_heap *home, PyTypeObject *class, const husk_type *type);
/* Proxies of the type are of this class, from now on and for good. */
bool husk_py_publish(const husk_type *type, PyTypeObject *class);
/* host_struct.c: */
const husk_type *husk_py_struct_type(PyObject *class); /* NULL: none of its classes */
PyObject *husk_py_struct_build(husk_py_heap *home, PyTypeObject *class, PyObject *const *args,
                               Py_ssize_t count, PyObject *names);
bool husk_py_add_shared(PyObject *module);
PyObject *husk_py_list_build(husk_py_heap *home, PyObject *items);
PyObject *husk_py_map_build(husk_py_heap *home, PyObject *entries, PyObject *names);
PyObject *husk_py_objects(husk_py_heap *home, PyObject *only);
PyObject *husk_py_garbage(husk_py_heap *home);
PyObject *husk_py_census(husk_py_heap *home);

/* ---- host_trace.c ---- */

bool husk_py_trace_sources(husk_py_heap *home); /* gives a new heap its source of frames */
PyObject *husk_py_bytes_text(const char *text); /* bytes of anybody as a str */
/* A str as a text of the library's: without NUL. Valid as long as *keep. */
const char *husk_py_arg_text(PyObject *x, const char *what, PyObject **keep);
bool husk_py_want_args(Py_ssize_t count, Py_ssize_t wanted, const char *name);
typedef struct husk_py_target { /* what is traced */
    husk_py_heap *home;         /* NULL: the process */
    husk_heap *heap;
} husk_py_target;
/* x: a Heap, None for husk.default, False for the process. */
bool husk_py_arg_target(PyObject *x, const char *what, husk_py_target *out);
PyObject *husk_py_traced(const husk_py_target *on, husk_status status); /* None, or an exception is set */
bool husk_py_add_tracing(PyObject *module);

/* ---- host_scopes.c ---- */

/* A birth in this thread and tracing is next. No exception is set before; one may be afterwards. */
void husk_py_enter_scopes(husk_py_heap *home, uint64_t thread, uint64_t tracing);
bool husk_py_add_scopes(PyObject *module);

/* ---- host_snapshot.c ---- */

enum { HUSK_PY_TEXTS = 256 };
typedef struct husk_py_texts { /* str objects of texts met lately, by address */
    const char *texts[HUSK_PY_TEXTS];
    PyObject *strings[HUSK_PY_TEXTS];
} husk_py_texts;
PyObject *husk_py_cached_text(husk_py_texts *texts, const char *text);
void husk_py_free_texts(husk_py_texts *texts);

typedef struct husk_py_snapshot {
    PyObject_HEAD husk_snapshot *snapshot;
    int readers; /* calls that have given the interpreter lock up */
    husk_py_texts texts;
} husk_py_snapshot;
husk_py_snapshot *husk_py_arg_snapshot(PyObject *x);                        /* NULL: TypeError is set */
PyObject *husk_py_arg_path(PyObject *x);                                    /* bytes */
PyObject *husk_py_one_frame(husk_py_texts *texts, const husk_frame *frame); /* (file, line, function) */
/* A tuple of these, newest first, and how many there were. */
PyObject *husk_py_frames(husk_py_texts *texts, const husk_snapshot *snapshot, uint32_t stack);
bool husk_py_add_snapshots(PyObject *module);
bool husk_py_add_stats(PyObject *module);   /* host_stats.c */
/* Lists of filters; the caller frees it. False: an exception is set. */
bool husk_py_make_filter(PyObject *lists, husk_filter **out);
bool husk_py_add_exports(PyObject *module); /* host_export.c */
bool husk_py_add_memory(PyObject *module);  /* host_memory.c */
bool husk_py_add_passes(PyObject *module);  /* host_passes.c */

/* ---- host_hooks.c: what Husk calls back ---- */

husk_finalize_fn husk_py_on_finalize;
husk_weak_fn husk_py_on_gone; /* host_weak.c */
husk_pass_fn husk_py_on_pass;
husk_leaks_fn husk_py_on_leaks;
PyObject *husk_py_leaks(const husk_leaks *leaks);
bool husk_py_add_surveys(PyObject *module);
husk_error_fn husk_py_on_error;
void husk_py_finalize(husk_obj *obj); /* calls __finalize__ */
bool husk_py_is_early(const husk_py_heap *home, const husk_obj *obj);
bool husk_py_set_early(husk_py_heap *home, const husk_obj *obj); /* false: no memory */
void husk_py_call_cleanup(husk_heap *heap, PyObject *callback);
void husk_py_call_gone(husk_heap *heap, PyObject *ref, PyObject *callback);
void husk_py_deliver(void);

/* ---- host_bridge.c: cycles through Python objects ---- */

/* A collection of Python's with all heaps bridged, and passes of those that lead to Python values. *again: it did
 * something, or could not do all. False: an exception is set. */
bool husk_py_host_collect(bool *again);
void husk_py_begin_rounds(void);
bool husk_py_add_bridge(void);

void husk_py_unbridge(void);

/* ---- docs.c ---- */

const char *husk_py_doc_of(const char *name); /* of a generated call; NULL: none */

/* SWIG's functions, a module of its own. */
PyObject *PyInit__raw(void);

#endif
