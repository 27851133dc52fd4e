/* bindings/python/host_figures.c: the structs of figures as named tuples, from one list of fields for each (bindings/figures.h) and
 * a table that says what the fields mean. */
#include "host.h"

#include "figures.h"

#include <stddef.h>

typedef struct field {
    size_t offset;
    husk_figure_kind kind;
} field;

#define FIELD(type, name, kind) { offsetof(type, name), HUSK_FIGURE_##kind },

static PyObject *read_field(const void *from, const field *one)
{
    const char *place = (const char *)from + one->offset;
    switch (one->kind) {
    case HUSK_FIGURE_SIZE:
        return PyLong_FromSize_t(*(const size_t *)(const void *)place);
    case HUSK_FIGURE_COUNT:
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)(const void *)place);
    case HUSK_FIGURE_INT:
        return PyLong_FromLong(*(const int *)(const void *)place);
    case HUSK_FIGURE_BOOL:
        return PyBool_FromLong(*(const bool *)(const void *)place);
    case HUSK_FIGURE_REAL:
        return PyFloat_FromDouble(*(const double *)(const void *)place);
    case HUSK_FIGURE_REASON:
        return PyUnicode_FromString(husk_reason_name(*(const husk_reason *)(const void *)place));
    case HUSK_FIGURE_MODE:
        return PyUnicode_FromString(husk_mode_name(*(const husk_mode *)(const void *)place));
    }
    return NULL;
}

static PyObject *build(PyTypeObject *type, const void *from, const field *fields, Py_ssize_t count)
{
    PyObject *made = PyStructSequence_New(type);
    for (Py_ssize_t i = 0; made && i < count; i++) {
        PyObject *value = read_field(from, &fields[i]);
        if (!value)
            Py_CLEAR(made);
        else
            PyStructSequence_SetItem(made, i, value);
    }
    return made;
}

/* For each struct: the offsets, the names in the same order, the class. */
#define HUSK_PY_SEQUENCE(noun, title, about)                                                                 \
    static PyTypeObject *noun##_type;                                                                        \
    static PyStructSequence_Desc noun##_desc = { "husk." title, about, noun##_names,                         \
                                                 sizeof noun##_fields / sizeof *noun##_fields };             \
    PyObject *husk_py_##noun(const husk_##noun *from)                                                        \
    {                                                                                                        \
        return build(noun##_type, from, noun##_fields, noun##_desc.n_in_sequence);                           \
    }

static const field pass_fields[] = { HUSK_PASS_LIST(FIELD) };
static PyStructSequence_Field pass_names[] = {
    { "generation", "0: all objects; 1: those on young pages" },
    { "reason", "call, objects, bytes, limit, request, stress, close, soft limit or idle" },
    { "examined", "objects looked at" },
    { "collected", "objects reclaimed" },
    { "uncollectable", "put on the garbage list" },
    { "finalized", "finalizers run" },
    { "resurrected", "garbage that came back" },
    { "weak_cleared", "weak references that ended" },
    { "deferred", "garbage left for a safe point" },
    { "bytes", "bytes of the collected objects" },
    { "find_ns", "nanoseconds of the search" },
    { "finalize_ns", "nanoseconds of finalizers" },
    { "reclaim_ns", "nanoseconds of reclaiming" },
    { "mode", "full, young or step" },
    { "passes", "whose sums these are" },
    { "number", "of the latest of them: its record" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(pass, "Pass", "What a pass of the collector did.")

static const field counts_fields[] = { HUSK_COUNTS_LIST(FIELD) };
static PyStructSequence_Field counts_names[] = {
    { "grown_objects", "net growth since the last pass" },
    { "grown_bytes", "the same in bytes" },
    { "limit_objects", "a pass starts above this; the largest number: never" },
    { "limit_bytes", "the same in bytes" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(counts, "Counts", "Where a heap stands between two passes.")

static const field pacing_fields[] = { HUSK_PACING_LIST(FIELD) };
static PyStructSequence_Field pacing_names[] = {
    { "least_objects", "growth in objects that a pass waits for at least; 0 in both: no automatic passes" },
    { "least_bytes", "growth in bytes that a pass waits for at least" },
    { "factor", "growth in proportion to the survivors" },
    { "factor_max", "how far the factor may be raised when passes find little" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(pacing, "Pacing", "When passes start by themselves.")

static const field generation_fields[] = { HUSK_GENERATION_LIST(FIELD) };
static PyStructSequence_Field generation_names[] = {
    { "passes", NULL },    { "examined", NULL },    { "collected", NULL },    { "uncollectable", NULL },
    { "finalized", NULL }, { "resurrected", NULL }, { "weak_cleared", NULL }, { "bytes", NULL },
    { "find_ns", NULL },   { "finalize_ns", NULL }, { "reclaim_ns", NULL },   { "longest_ns", NULL },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(generation, "Generation", "Sums over all passes of a generation.")

static const field steps_fields[] = { HUSK_STEPS_LIST(FIELD) };
static PyStructSequence_Field steps_names[] = {
    { "begun", "passes in steps" },
    { "finished", "of these" },
    { "given_up", "of these: something else needed their tables" },
    { "hurried", "of these: finished at once because the bound on memory was reached" },
    { "steps", "taken" },
    { "late", "steps that took more than one and a half times their budget" },
    { "longest_ns", "nanoseconds of the longest step" },
    { "nominated", "objects" },
    { "mistaken", "of these, those that were alive after all" },
    { "under_way", "whether a pass in steps is" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(steps, "Steps", "What passes in steps did.")

typedef husk_heap_figures husk_figures; /* as the macro says it */
static const field figures_fields[] = { HUSK_HEAP_FIGURES_LIST(FIELD) };
static PyStructSequence_Field figures_names[] = {
    { "objects", "alive" },
    { "object_bytes", "their blocks" },
    { "buffer_bytes", "the growing parts of lists and maps" },
    { "foreign_bytes", "declared from outside" },
    { "bytes_taken", "all that the heap took from the system" },
    { "bytes_peak", "the highest bytes_taken so far" },
    { "max_bytes", "the limit; 0: none" },
    { "pages", "64 KiB pages in use" },
    { "pages_spare", "empty pages kept" },
    { "chunks", "4 MiB chunks and large mappings" },
    { "weak_cells", "objects that have been referenced weakly" },
    { "frozen_objects", "set aside by freeze" },
    { "dying_objects", "dead, but for a death budget or a safe point that they wait for" },
    { "dying_bytes", "their blocks" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(figures, "Figures", "What a heap has and takes.")

static const field trace_figures_fields[] = { HUSK_TRACE_FIGURES_LIST(FIELD) };
static PyStructSequence_Field trace_figures_names[] = {
    { "bytes", "traced and alive; when sampled: an estimate, as all that follows" },
    { "count", "things traced and alive" },
    { "peak_bytes", "the highest bytes since the start or reset_peak" },
    { "peak_count", "things alive at that moment" },
    { "born_bytes", "made since the start or clear_traces" },
    { "born", "things made" },
    { "temporary", "of these, died before the next one was made" },
    { "unknown", "things whose place could not be had" },
    { "places", "different tracebacks, with their tags, domains and threads" },
    { "own_bytes", "memory of the tracer" },
    { "sample_bytes", "the mean gap of the samples; 0: everything is traced" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(trace_figures, "TraceFigures", "What a tracer has seen.")

static const field snapshot_counts_fields[] = { HUSK_SNAPSHOT_COUNTS_LIST(FIELD) };
static PyStructSequence_Field snapshot_counts_names[] = {
    { "objects", "of the heap, traced or not" },
    { "object_bytes", "their blocks" },
    { "edges", "references between them" },
    { "weak_edges", "weak ones, and entries of weak-key maps" },
    { "buffers", "traced growing parts of lists and maps" },
    { "buffer_bytes", "their bytes" },
    { "blocks", "of track()" },
    { "block_bytes", "their bytes" },
    { "traced", "things whose place is known; when sampled: samples" },
    { "types", "different ones" },
    { "records", "places with their tags, domains and threads" },
    { "stacks", "tracebacks, those of callers included" },
    { "frames", "different ones" },
    { "bytes", "of the snapshot itself" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(snapshot_counts, "SnapshotCounts", "What a snapshot has.")

static const field soft_figures_fields[] = { HUSK_SOFT_FIGURES_LIST(FIELD) };
static PyStructSequence_Field soft_figures_names[] = {
    { "references", "alive" },
    { "holding", "of these" },
    { "by_call", "how often one let go because it was told to" },
    { "by_age", "because it was not used for too many passes" },
    { "by_pressure", "because of the soft limit" },
    { "by_limit", "because of max_bytes, or because the system refused memory" },
    { "regained", "how often one held its object again" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(soft_figures, "SoftFigures", "Soft references of a heap, and why they let go.")

static bool add(PyObject *module, PyStructSequence_Desc *desc, PyTypeObject **type)
{
    *type = PyStructSequence_NewType(desc);
    return *type && PyModule_AddObjectRef(module, strrchr(desc->name, '.') + 1, (PyObject *)*type) == 0;
}

bool husk_py_add_figures(PyObject *module)
{
    return add(module, &pass_desc, &pass_type) && add(module, &counts_desc, &counts_type) &&
           add(module, &pacing_desc, &pacing_type) && add(module, &generation_desc, &generation_type) &&
           add(module, &steps_desc, &steps_type) && add(module, &figures_desc, &figures_type) &&
           add(module, &trace_figures_desc, &trace_figures_type) &&
           add(module, &snapshot_counts_desc, &snapshot_counts_type) &&
           add(module, &soft_figures_desc, &soft_figures_type);
}
