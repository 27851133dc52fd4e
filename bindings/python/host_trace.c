/* bindings/python/host_trace.c: where Python makes things: the frames of a heap's births, and the
 * calls that husk/tracemalloc.py stands on. Tags and domains are in host_scopes.c, snapshots in host_snapshot.c.
 *
 * Frames. The interpreter is asked for its frames at each traced birth. What a frame is called is looked up once for
 * each code object and instruction and kept beside the code object (its "extra"), as a number of the library's; it goes
 * with the code. Asking makes frame objects, which Python's collector tracks: it is held off meanwhile, since it would
 * run code in the middle of a birth. The callers of a frame are all on the stack and have an owner there, so that
 * letting go of them ends none. */
#include "host.h"

#if PY_VERSION_HEX >= 0x030b0000
#define LASTI(frame) PyFrame_GetLasti(frame)
#define LASTI_BYTES 1
#define FUNCTION_OF(code) ((code)->co_qualname)
#else
#include <frameobject.h>
#define LASTI(frame) ((frame)->f_lasti)
#define LASTI_BYTES 2 /* of an instruction, which is the unit */
#define FUNCTION_OF(code) ((code)->co_name)
#endif
#if PY_VERSION_HEX >= 0x030c0000
#define NEW_EXTRA PyUnstable_Eval_RequestCodeExtraIndex
#define GET_EXTRA PyUnstable_Code_GetExtra
#define SET_EXTRA PyUnstable_Code_SetExtra
#else
#define NEW_EXTRA _PyEval_RequestCodeExtraIndex
#define GET_EXTRA _PyCode_GetExtra
#define SET_EXTRA _PyCode_SetExtra
#endif
#if PY_VERSION_HEX >= 0x030d0000
#define PRESENT_THREAD PyThreadState_GetUnchecked
#else
#define PRESENT_THREAD _PyThreadState_UncheckedGet
#endif

/* ---- names of frames ---- */

/* Which line an instruction is of, for code with many places: the interpreter looks from the beginning each time. */
typedef struct line_table {
    Py_ssize_t count;
    struct {
        int start, line;
    } rows[];
} line_table;

/* Of a code object: the numbers of its places, by instruction. */
typedef struct known_places {
    uint64_t generation; /* of the numbers; others mean nothing */
    uint32_t room, used; /* room: a power of 2, more than used */
    line_table *lines;   /* NULL: not made yet, or it could not be */
    struct {
        uint32_t at, frame; /* at: instruction plus 1; 0: free */
    } rows[];
} known_places;

enum { PLACES_FEW = 64 }; /* without a table of lines */

static Py_ssize_t extra_index = -1;
static uint64_t generation; /* of the numbers that are valid: husk_trace_frame_round */

static size_t places_bytes(uint32_t room)
{
    return sizeof(known_places) + room * sizeof(((known_places *)NULL)->rows[0]);
}

static uint32_t place_slot(const known_places *places, uint32_t at)
{
    uint32_t slot = (at * 0x9e3779b9u) >> 7 & (places->room - 1);
    while (places->rows[slot].at && places->rows[slot].at != at)
        slot = (slot + 1) & (places->room - 1);
    return slot;
}

/* The end of a code object. */
static void places_free(void *extra)
{
    known_places *places = extra;
    if (places)
        PyMem_RawFree(places->lines);
    PyMem_RawFree(places);
}

/* The same with room for one more, kept by the code object; NULL: no memory, and nothing has changed. */
static known_places *places_grow(PyCodeObject *code, known_places *old)
{
    uint32_t room = old ? old->room * 2 : 4;
    known_places *places = PyMem_RawCalloc(1, places_bytes(room));
    if (!places)
        return NULL;
    places->room = room;
    places->generation = generation;
    for (uint32_t i = 0; old && i < old->room; i++)
        if (old->rows[i].at)
            places->rows[place_slot(places, old->rows[i].at)] = old->rows[i];
    if (old) {
        places->used = old->used;
        places->lines = old->lines;
        old->lines = NULL; /* the old one is freed, if this works */
    }
    if (SET_EXTRA((PyObject *)code, extra_index, places) == 0)
        return places;
    PyErr_Clear();
    if (old)
        old->lines = places->lines;
    PyMem_RawFree(places);
    return NULL;
}

/* ---- lines ---- */

/* From one (start, end, line) of co_lines(). */
static bool line_add(line_table **table, Py_ssize_t *room, PyObject *row)
{
    int start, end;
    PyObject *line;
    if (!PyArg_ParseTuple(row, "iiO", &start, &end, &line))
        return false;
    if ((*table)->count == *room) {
        Py_ssize_t more = *room * 2;
        line_table *larger =
            PyMem_RawRealloc(*table, sizeof **table + (size_t)more * sizeof((*table)->rows[0]));
        if (!larger)
            return false;
        *table = larger;
        *room = more;
    }
    (*table)->rows[(*table)->count].start = start;
    (*table)->rows[(*table)->count++].line = line == Py_None ? 0 : (int)PyLong_AsLong(line);
    return !PyErr_Occurred();
}

static line_table *lines_make(PyCodeObject *code)
{
    Py_ssize_t room = 64;
    line_table *table = PyMem_RawMalloc(sizeof *table + (size_t)room * sizeof(table->rows[0]));
    PyObject *rows = PyObject_CallMethod((PyObject *)code, "co_lines", NULL), *row = NULL;
    bool good = table && rows;
    if (table)
        table->count = 0;
    while (good && (row = PyIter_Next(rows))) {
        good = line_add(&table, &room, row);
        Py_DECREF(row);
    }
    Py_XDECREF(rows);
    if (good && !PyErr_Occurred())
        return table;
    PyErr_Clear();
    PyMem_RawFree(table);
    return NULL;
}

/* The last row that starts at or before the instruction. */
static int line_in(const line_table *lines, int at)
{
    Py_ssize_t low = 0, high = lines->count;
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        if (lines->rows[middle].start <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? lines->rows[low - 1].line : 0;
}

static int line_of(PyFrameObject *frame, PyCodeObject *code, known_places *places)
{
    if (!places || places->used < PLACES_FEW)
        return PyFrame_GetLineNumber(frame);
    if (!places->lines)
        places->lines = lines_make(code);
    return places->lines ? line_in(places->lines, LASTI(frame) * LASTI_BYTES) : PyFrame_GetLineNumber(frame);
}

/* ---- numbers ---- */

/* A str as bytes; *keep as husk_py_text has it. What cannot be said is "<unknown>". */
static const char *text_of(PyObject *str, Py_ssize_t *length, PyObject **keep)
{
    const char *text = husk_py_text(str, length, keep);
    if (text)
        return text;
    PyErr_Clear();
    *length = 9;
    return "<unknown>";
}

static uint32_t number_slow(husk_trace_sink *sink, PyFrameObject *frame, PyCodeObject *code,
                            known_places *places)
{
    Py_ssize_t file_length, function_length;
    PyObject *keep_file, *keep_function;
    const char *file = text_of(code->co_filename, &file_length, &keep_file);
    const char *function = text_of(FUNCTION_OF(code), &function_length, &keep_function);
    int line = line_of(frame, code, places);
    uint32_t number =
        husk_trace_frame(sink, file, (size_t)file_length, line > 0 ? (uint32_t)line : 0, function);
    Py_XDECREF(keep_file);
    Py_XDECREF(keep_function);
    return number;
}

static uint32_t number_of(husk_trace_sink *sink, PyFrameObject *frame, PyCodeObject *code)
{
    void *extra = NULL;
    if (GET_EXTRA((PyObject *)code, extra_index, &extra) < 0)
        PyErr_Clear();
    known_places *places = extra;
    uint32_t at = (uint32_t)LASTI(frame) + 1;
    if (at == 0) /* has not begun: a place without an instruction */
        return number_slow(sink, frame, code, NULL);
    if (places && places->generation != generation) {
        memset(places->rows, 0, places_bytes(places->room) - sizeof *places);
        places->generation = generation;
        places->used = 0;
    }
    if (places) {
        uint32_t slot = place_slot(places, at);
        if (places->rows[slot].at == at)
            return places->rows[slot].frame;
    }
    uint32_t number = number_slow(sink, frame, code, places);
    if (number && (!places || places->used * 2 >= places->room))
        places = places_grow(code, places);
    if (number && places) {
        uint32_t slot = place_slot(places, at);
        places->rows[slot].at = at;
        places->rows[slot].frame = number;
        places->used++;
    }
    return number;
}

/* All frames from the running one to the first; how many of them the sink did not want. */
static size_t walk(husk_trace_sink *sink)
{
    size_t more = 0;
    bool room = true;
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef((PyObject *)PyEval_GetFrame());
    while (frame) {
        if (room) {
            PyCodeObject *code = PyFrame_GetCode(frame);
            room = husk_trace_add_frame(sink, number_of(sink, frame, code));
            Py_DECREF((PyObject *)code);
        } else {
            more++;
        }
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF((PyObject *)frame);
        frame = back;
    }
    return more;
}

/* ---- the source ---- */

/* A husk_trace_source_fn. The interpreter lock is held, as it is in every call of the library. */
static size_t tell_frames(husk_trace_sink *sink, void *data)
{
    husk_py_heap *home = data;
    PyThreadState *state = PRESENT_THREAD();
    if (!state)
        return 0;
    PyObject *type = NULL, *value = NULL, *trace = NULL;
    PyErr_Fetch(&type, &value, &trace);
    int collecting = PyGC_Disable();
    generation = husk_trace_frame_round(sink);
    husk_py_enter_scopes(home, PyThreadState_GetID(state), husk_trace_serial(sink));
    size_t more = walk(sink);
    if (collecting)
        PyGC_Enable();
    PyErr_Restore(type, value, trace); /* what failed here is not told */
    return more;
}

bool husk_py_trace_sources(husk_py_heap *home)
{
    /* Native frames of the interpreter and of this module give way to those of Python. */
    const void *code[] = { (const void *)(uintptr_t)PyEval_GetFrame, (const void *)(uintptr_t)tell_frames };
    husk_status status = husk_trace_set_source(home->heap, tell_frames, home, NULL, code, 2);
    if (status != HUSK_OK)
        husk_py_raise(home, status);
    return status == HUSK_OK;
}

/* ---- the calls ---- */

bool husk_py_arg_target(PyObject *x, const char *what, husk_py_target *out)
{
    *out = (husk_py_target){ 0 };
    if (x == Py_False)
        return true;
    out->home = husk_py_heap_for(x);
    out->heap = out->home ? husk_py_open(out->home, what) : NULL;
    return out->heap != NULL;
}

PyObject *husk_py_traced(const husk_py_target *on, husk_status status)
{
    if (status == HUSK_OK)
        Py_RETURN_NONE;
    return on->home ? husk_py_raise(on->home, status) : husk_py_raise_plain(status);
}

bool husk_py_want_args(Py_ssize_t count, Py_ssize_t wanted, const char *name)
{
    if (count == wanted)
        return true;
    PyErr_Format(PyExc_TypeError, "%s(): %zd arguments expected, got %zd", name, wanted, count);
    return false;
}

/* _trace_start(target, frames, sample_bytes, seed, epoch_ms, sources, /): False if it was on. */
static PyObject *trace_start(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    static const char name[] = "tracemalloc.start";
    husk_py_target on;
    uint64_t frames, sample_bytes, seed, epoch_ms, sources;
    (void)module;
    if (!husk_py_want_args(count, 6, "_trace_start") ||
        !husk_py_arg_unsigned(args[1], name, UINT32_MAX, &frames) ||
        !husk_py_arg_unsigned(args[2], name, SIZE_MAX, &sample_bytes) ||
        !husk_py_arg_unsigned(args[3], name, UINT64_MAX, &seed) ||
        !husk_py_arg_unsigned(args[4], name, UINT32_MAX, &epoch_ms) ||
        !husk_py_arg_unsigned(args[5], name, UINT32_MAX, &sources) ||
        !husk_py_arg_target(args[0], "husk.tracemalloc.start()", &on))
        return NULL;
    husk_trace_options options = {
        HUSK_TRACE_OPTIONS, .frames = (uint32_t)frames,     .sample_bytes = sample_bytes,
        .seed = seed,       .epoch_ms = (uint32_t)epoch_ms, .sources = (uint32_t)sources
    };
    if (husk_trace_is_on(on.heap))
        Py_RETURN_FALSE;
    husk_status status = husk_trace_start(on.heap, &options);
    if (status != HUSK_OK)
        return husk_py_traced(&on, status);
    Py_RETURN_TRUE;
}

static PyObject *trace_stop(PyObject *module, PyObject *x)
{
    husk_py_target on;
    (void)module;
    if (!husk_py_arg_target(x, "husk.tracemalloc.stop()", &on))
        return NULL;
    husk_trace_stop(on.heap);
    Py_RETURN_NONE;
}

static PyObject *trace_clear(PyObject *module, PyObject *x)
{
    husk_py_target on;
    (void)module;
    if (!husk_py_arg_target(x, "husk.tracemalloc.clear_traces()", &on))
        return NULL;
    husk_trace_clear(on.heap);
    Py_RETURN_NONE;
}

static PyObject *trace_is_on(PyObject *module, PyObject *x)
{
    husk_py_target on;
    (void)module;
    if (!husk_py_arg_target(x, "husk.tracemalloc.is_tracing()", &on))
        return NULL;
    return PyBool_FromLong(husk_trace_is_on(on.heap));
}

static PyObject *trace_limit(PyObject *module, PyObject *x)
{
    husk_py_target on;
    (void)module;
    if (!husk_py_arg_target(x, "husk.tracemalloc.get_traceback_limit()", &on))
        return NULL;
    return PyLong_FromUnsignedLong(husk_trace_limit(on.heap));
}

static PyObject *trace_figures(PyObject *module, PyObject *x)
{
    husk_py_target on;
    husk_trace_figures figures;
    (void)module;
    if (!husk_py_arg_target(x, "husk.tracemalloc.figures()", &on))
        return NULL;
    husk_trace_figures_get(on.heap, &figures);
    return husk_py_trace_figures(&figures);
}

static PyObject *trace_reset_peak(PyObject *module, PyObject *x)
{
    husk_py_target on;
    (void)module;
    if (!husk_py_arg_target(x, "husk.tracemalloc.reset_peak()", &on))
        return NULL;
    husk_trace_reset_peak(on.heap);
    Py_RETURN_NONE;
}

/* A str as a text of the library's: without NUL. Borrowed from *keep. */
const char *husk_py_arg_text(PyObject *x, const char *what, PyObject **keep)
{
    Py_ssize_t length;
    *keep = NULL;
    if (!PyUnicode_Check(x)) {
        PyErr_Format(PyExc_TypeError, "%s: a str expected, got %.100s", what, husk_py_name(Py_TYPE(x)));
        return NULL;
    }
    const char *text = husk_py_text(x, &length, keep);
    if (text && strlen(text) == (size_t)length)
        return text;
    if (text)
        husk_py_fail(HUSK_EINVAL, "%s: %R has a null character", what, x);
    Py_CLEAR(*keep);
    return NULL;
}

/* _trace_mark(target, name, /) */
static PyObject *trace_mark(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    husk_py_target on;
    PyObject *keep;
    (void)module;
    if (!husk_py_want_args(count, 2, "_trace_mark"))
        return NULL;
    const char *name = husk_py_arg_text(args[1], "husk.tracemalloc.mark()", &keep);
    PyObject *result = NULL;
    if (name && husk_py_arg_target(args[0], "husk.tracemalloc.mark()", &on))
        result = husk_py_traced(&on, husk_trace_mark(on.heap, name));
    Py_XDECREF(keep);
    return result;
}

/* ---- places ---- */

PyObject *husk_py_bytes_text(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "surrogateescape");
}

static PyObject *frame_tuple(const char *file, uint32_t line, const char *function)
{
    PyObject *f = husk_py_bytes_text(file), *g = f ? husk_py_bytes_text(function) : NULL;
    PyObject *l = g ? PyLong_FromUnsignedLong(line) : NULL, *made = l ? PyTuple_Pack(3, f, l, g) : NULL;
    Py_XDECREF(f);
    Py_XDECREF(g);
    Py_XDECREF(l);
    return made;
}

typedef bool place_fn(const void *thing, size_t index, husk_place_frame *out);

/* A tuple of (file, line, function), newest first, or None. */
static PyObject *frames_of(const void *thing, place_fn *place)
{
    husk_place_frame frame;
    if (!place(thing, 0, &frame))
        Py_RETURN_NONE;
    int collecting = PyGC_Disable(); /* no code may run that closes the heap */
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && place(thing, i, &frame); i++) {
        const char *file = *frame.file ? frame.file : frame.address ? "<native>" : "<unknown>";
        PyObject *one = frame_tuple(file, frame.line, frame.function);
        if (!one || PyList_Append(list, one) < 0)
            Py_CLEAR(list);
        Py_XDECREF(one);
    }
    if (collecting)
        PyGC_Enable();
    PyObject *made = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return made;
}

static bool place_of_object(const void *thing, size_t index, husk_place_frame *out)
{
    return husk_trace_of(thing, index, out);
}

/* _trace_of(obj, /): None too if obj is not in a heap. */
static PyObject *trace_of(PyObject *module, PyObject *x)
{
    (void)module;
    if (!husk_py_is_proxy(x))
        Py_RETURN_NONE;
    husk_obj *obj = husk_py_obj(x);
    return obj ? frames_of(obj, place_of_object) : NULL;
}

typedef struct block {
    uint32_t domain;
    uint64_t address;
} block;

static bool place_of_block(const void *thing, size_t index, husk_place_frame *out)
{
    const block *one = thing;
    return husk_trace_of_block(one->domain, one->address, index, out);
}

/* Of _track(domain, address, size, /) and its like. */
static bool arg_block(PyObject *const *args, const char *name, block *out)
{
    uint64_t domain;
    if (!husk_py_arg_unsigned(args[0], name, UINT32_MAX, &domain) ||
        !husk_py_arg_unsigned(args[1], name, UINT64_MAX, &out->address))
        return false;
    out->domain = (uint32_t)domain;
    return true;
}

static PyObject *track(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    block one;
    uint64_t size;
    husk_py_target on = { 0 };
    (void)module;
    if (!husk_py_want_args(count, 3, "husk.tracemalloc.track") ||
        !arg_block(args, "tracemalloc.track", &one) ||
        !husk_py_arg_unsigned(args[2], "tracemalloc.track", SIZE_MAX, &size))
        return NULL;
    return husk_py_traced(&on, husk_trace_block(one.domain, one.address, size));
}

static PyObject *untrack(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    block one;
    husk_py_target on = { 0 };
    (void)module;
    if (!husk_py_want_args(count, 2, "husk.tracemalloc.untrack") ||
        !arg_block(args, "tracemalloc.untrack", &one))
        return NULL;
    return husk_py_traced(&on, husk_trace_unblock(one.domain, one.address));
}

static PyObject *trace_of_block(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    block one;
    (void)module;
    if (!husk_py_want_args(count, 2, "_trace_of_block") ||
        !arg_block(args, "tracemalloc.get_block_traceback", &one))
        return NULL;
    return frames_of(&one, place_of_block);
}

/* ---- the module ---- */

bool husk_py_add_tracing(PyObject *module)
{
#define FAST(f) ((PyCFunction)(void (*)(void))(f))
    static PyMethodDef functions[] = {
        { "_trace_start", FAST(trace_start), METH_FASTCALL, NULL },
        { "_trace_stop", trace_stop, METH_O, NULL },
        { "_trace_clear", trace_clear, METH_O, NULL },
        { "_trace_is_on", trace_is_on, METH_O, NULL },
        { "_trace_limit", trace_limit, METH_O, NULL },
        { "_trace_figures", trace_figures, METH_O, NULL },
        { "_trace_reset_peak", trace_reset_peak, METH_O, NULL },
        { "_trace_mark", FAST(trace_mark), METH_FASTCALL, NULL },
        { "_trace_of", trace_of, METH_O, NULL },
        { "_trace_of_block", FAST(trace_of_block), METH_FASTCALL, NULL },
        { "_track", FAST(track), METH_FASTCALL, NULL },
        { "_untrack", FAST(untrack), METH_FASTCALL, NULL },
        { NULL, NULL, 0, NULL },
    };
    extra_index = NEW_EXTRA(places_free);
    if (extra_index < 0) {
        PyErr_SetString(PyExc_ImportError, "the interpreter has no room for data of code objects");
        return false;
    }
    return PyModule_AddFunctions(module, functions) == 0;
}
