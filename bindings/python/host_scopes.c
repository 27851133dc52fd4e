/* bindings/python/host_scopes.c: tags and domains of tracing.
 *
 * In the library they are a heap's, whose owner is one thread. Here any thread may use a heap, so each has its own, a
 * list in home->scopes, kept whether the heap is traced or not. At a birth of another thread, or under another list, or
 * in another tracing, the library is told anew (husk_py_enter_scopes): a birth costs three comparisons, and whatever
 * else happens to the heap in between is no matter. */
#include "host.h"

#include <pthread.h>

enum { MOST_SCOPES = 64 }; /* of a kind and thread: the library's limit */

static husk_status push(husk_heap *heap, bool domain, const char *text)
{
    return domain ? husk_trace_push_domain(heap, text) : husk_trace_push_tag(heap, text);
}

static husk_status pop(husk_heap *heap, bool domain)
{
    return domain ? husk_trace_pop_domain(heap) : husk_trace_pop_tag(heap);
}

static bool is_domain(PyObject *scope)
{
    return PyTuple_GET_ITEM(scope, 0) == Py_True;
}

/* The list of a thread's scopes, borrowed; NULL: it has none, or an exception is set. */
static PyObject *scopes_of(husk_py_heap *home, uint64_t thread)
{
    if (!home->scopes || !PyDict_GET_SIZE(home->scopes))
        return NULL;
    PyObject *key = PyLong_FromUnsignedLongLong(thread);
    PyObject *found = key ? PyDict_GetItemWithError(home->scopes, key) : NULL;
    Py_XDECREF(key);
    return found;
}

/* ---- telling the library ---- */

static void hide(husk_py_heap *home)
{
    for (; home->tags_shown; home->tags_shown--)
        (void)pop(home->heap, false);
    for (; home->domains_shown; home->domains_shown--)
        (void)pop(home->heap, true);
}

static bool show(husk_py_heap *home, PyObject *scope)
{
    bool domain = is_domain(scope);
    if (push(home->heap, domain, PyBytes_AS_STRING(PyTuple_GET_ITEM(scope, 1))) != HUSK_OK)
        return false;
    ++*(domain ? &home->domains_shown : &home->tags_shown);
    return true;
}

/* Without memory the birth has no tags, and the next one tries again. */
static void enter_slow(husk_py_heap *home, uint64_t thread, uint64_t tracing)
{
    if (home->scopes_in != tracing)
        home->tags_shown = home->domains_shown = 0; /* those of an earlier tracing went with it */
    hide(home);
    home->scopes_in = tracing;
    home->births_of = 0;
    PyObject *scopes = scopes_of(home, thread);
    bool ok = husk_trace_thread(home->heap) == HUSK_OK && !PyErr_Occurred();
    for (Py_ssize_t i = 0; ok && scopes && i < PyList_GET_SIZE(scopes); i++)
        ok = show(home, PyList_GET_ITEM(scopes, i));
    if (ok)
        home->births_of = thread;
    else
        hide(home);
}

void husk_py_enter_scopes(husk_py_heap *home, uint64_t thread, uint64_t tracing)
{
    if (HUSK_PY_RARE(home->births_of != thread || home->scopes_in != tracing))
        enter_slow(home, thread, tracing);
}

/* ---- beginning and ending ---- */

static uint64_t this_thread(void)
{
    return PyThreadState_GetID(PyThreadState_Get());
}

/* The thread's list, made if it has none; borrowed. May run any code. */
static PyObject *scopes_made(husk_py_heap *home)
{
    PyObject *scopes = scopes_of(home, this_thread());
    if (scopes || PyErr_Occurred() || (!home->scopes && !(home->scopes = PyDict_New())))
        return scopes;
    PyObject *key = PyLong_FromUnsignedLongLong(this_thread()), *fresh = key ? PyList_New(0) : NULL;
    if (fresh && PyDict_SetItem(home->scopes, key, fresh) == 0)
        scopes = fresh;
    Py_XDECREF(key);
    Py_XDECREF(fresh);
    return scopes;
}

static int count_kind(PyObject *scopes, bool domain)
{
    int found = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(scopes); i++)
        found += is_domain(PyList_GET_ITEM(scopes, i)) == domain;
    return found;
}

static PyObject *begin(husk_py_heap *home, PyObject *scope)
{
    PyObject *scopes = scopes_made(home);
    if (!scopes || !husk_py_open(home, "husk.tracemalloc"))
        return NULL;
    if (count_kind(scopes, is_domain(scope)) == MOST_SCOPES)
        return husk_py_fail(HUSK_ERANGE, "husk.tracemalloc: tags and domains are nested at most %d deep",
                            (int)MOST_SCOPES);
    if (PyList_Append(scopes, scope) < 0)
        return NULL;
    home->births_of = 0;
    Py_RETURN_NONE;
}

/* _trace_push(target, domain, text, /): domain: else it is a tag. */
static PyObject *trace_push(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    PyObject *keep, *result = NULL;
    husk_py_target process = { 0 };
    (void)module;
    if (!husk_py_want_args(count, 3, "_trace_push"))
        return NULL;
    const char *text = husk_py_arg_text(args[2], "husk.tracemalloc: a tag or domain", &keep);
    PyObject *domain = args[1] == Py_True ? Py_True : Py_False;
    if (text && args[0] == Py_False) {
        result = husk_py_traced(&process, push(NULL, domain == Py_True, text));
    } else if (text) {
        PyObject *scope = Py_BuildValue("(Oy)", domain, text);
        husk_py_heap *home = scope ? husk_py_heap_for(args[0]) : NULL;
        result = home ? begin(home, scope) : NULL;
        Py_XDECREF(scope);
    }
    Py_XDECREF(keep);
    return result;
}

/* The latest scope of this kind ends, whatever was begun after it. False: there is none, or an exception is set. */
static bool end(husk_py_heap *home, bool domain)
{
    PyObject *scopes = scopes_of(home, this_thread());
    Py_ssize_t at = scopes ? PyList_GET_SIZE(scopes) : 0;
    while (at > 0 && is_domain(PyList_GET_ITEM(scopes, at - 1)) != domain)
        at--;
    if (at == 0 || PyList_SetSlice(scopes, at - 1, at, NULL) < 0)
        return false;
    home->births_of = 0;
    if (PyList_GET_SIZE(scopes))
        return true;
    PyObject *key = PyLong_FromUnsignedLongLong(this_thread());
    if (!key || PyDict_DelItem(home->scopes, key) < 0)
        PyErr_Clear(); /* an empty list is kept */
    Py_XDECREF(key);
    return true;
}

/* _trace_pop(target, domain, /). That the heap has been closed meanwhile is no matter. */
static PyObject *trace_pop(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_py_target process = { 0 };
    (void)module;
    if (!husk_py_want_args(count, 2, "_trace_pop"))
        return NULL;
    bool domain = args[1] == Py_True;
    if (args[0] == Py_False)
        return husk_py_traced(&process, pop(NULL, domain));
    husk_py_heap *home = husk_py_heap_for(args[0]);
    if (!home)
        return NULL;
    if (end(home, domain))
        Py_RETURN_NONE;
    return PyErr_Occurred() ? NULL
                            : husk_py_fail(HUSK_ESTATE, "husk.tracemalloc: this thread has begun no %s",
                                           domain ? "domain" : "tag");
}

/* ---- the module ---- */

/* In a forked child the thread is another one for the system. */
static void forked(void)
{
    for (husk_py_heap *home = husk_py.heaps; home; home = home->next)
        home->births_of = 0;
}

bool husk_py_add_scopes(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef functions[] = {
        { "_trace_push", FAST(trace_push), METH_FASTCALL, NULL },
        { "_trace_pop", FAST(trace_pop), METH_FASTCALL, NULL },
        { NULL, NULL, 0, NULL },
    };
    if (pthread_atfork(NULL, NULL, forked) != 0) {
        PyErr_NoMemory();
        return false;
    }
    return PyModule_AddFunctions(module, functions) == 0;
}
