/* bindings/python/host_figures.c: the structs of figures as named tuples, from one table for each. */
#include "host.h"

#include <stddef.h>

typedef enum field_kind { SIZE, COUNT, NUMBER, REAL, REASON } field_kind;

typedef struct field {
    size_t offset;
    field_kind kind;
} field;

#define SIZE_OF(type, name)                                                                                  \
    {                                                                                                        \
        offsetof(type, name), SIZE                                                                           \
    }
#define COUNT_OF(type, name)                                                                                 \
    {                                                                                                        \
        offsetof(type, name), COUNT                                                                          \
    }

static PyObject *read_field(const void *from, const field *one)
{
    static const char *const reasons[] = {
        "call", "objects", "bytes", "limit", "request", "stress", "close"
    };
    const char *place = (const char *)from + one->offset;
    switch (one->kind) {
    case SIZE:
        return PyLong_FromSize_t(*(const size_t *)(const void *)place);
    case COUNT:
        return PyLong_FromUnsignedLongLong(*(const uint64_t *)(const void *)place);
    case NUMBER:
        return PyLong_FromLong(*(const int *)(const void *)place);
    case REAL:
        return PyFloat_FromDouble(*(const double *)(const void *)place);
    case REASON: {
        unsigned reason = (unsigned)*(const husk_reason *)(const void *)place;
        return PyUnicode_FromString(reason < sizeof reasons / sizeof *reasons ? reasons[reason] : "unknown");
    }
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

static const field pass_fields[] = {
    { offsetof(husk_pass, generation), NUMBER },
    { offsetof(husk_pass, reason), REASON },
    SIZE_OF(husk_pass, examined),
    SIZE_OF(husk_pass, collected),
    SIZE_OF(husk_pass, uncollectable),
    SIZE_OF(husk_pass, finalized),
    SIZE_OF(husk_pass, resurrected),
    SIZE_OF(husk_pass, weak_cleared),
    SIZE_OF(husk_pass, deferred),
    SIZE_OF(husk_pass, bytes),
    COUNT_OF(husk_pass, find_ns),
    COUNT_OF(husk_pass, finalize_ns),
    COUNT_OF(husk_pass, reclaim_ns),
};
static PyStructSequence_Field pass_names[] = {
    { "generation", "0, the only one" },
    { "reason", "call, objects, bytes, limit, request, stress or close" },
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
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(pass, "Pass", "What a pass of the collector did.")

static const field counts_fields[] = {
    SIZE_OF(husk_counts, grown_objects),
    SIZE_OF(husk_counts, grown_bytes),
    SIZE_OF(husk_counts, limit_objects),
    SIZE_OF(husk_counts, limit_bytes),
};
static PyStructSequence_Field counts_names[] = {
    { "grown_objects", "net growth since the last pass" },
    { "grown_bytes", "the same in bytes" },
    { "limit_objects", "a pass starts above this; the largest number: never" },
    { "limit_bytes", "the same in bytes" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(counts, "Counts", "Where a heap stands between two passes.")

static const field pacing_fields[] = {
    SIZE_OF(husk_pacing, least_objects),
    SIZE_OF(husk_pacing, least_bytes),
    { offsetof(husk_pacing, factor), REAL },
    { offsetof(husk_pacing, factor_max), REAL },
};
static PyStructSequence_Field pacing_names[] = {
    { "least_objects", "growth in objects that a pass waits for at least; 0 in both: no automatic passes" },
    { "least_bytes", "growth in bytes that a pass waits for at least" },
    { "factor", "growth in proportion to the survivors" },
    { "factor_max", "how far the factor may be raised when passes find little" },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(pacing, "Pacing", "When passes start by themselves.")

static const field generation_fields[] = {
    COUNT_OF(husk_generation, passes),       COUNT_OF(husk_generation, examined),
    COUNT_OF(husk_generation, collected),    COUNT_OF(husk_generation, uncollectable),
    COUNT_OF(husk_generation, finalized),    COUNT_OF(husk_generation, resurrected),
    COUNT_OF(husk_generation, weak_cleared), COUNT_OF(husk_generation, bytes),
    COUNT_OF(husk_generation, find_ns),      COUNT_OF(husk_generation, finalize_ns),
    COUNT_OF(husk_generation, reclaim_ns),   COUNT_OF(husk_generation, longest_ns),
};
static PyStructSequence_Field generation_names[] = {
    { "passes", NULL },    { "examined", NULL },    { "collected", NULL },    { "uncollectable", NULL },
    { "finalized", NULL }, { "resurrected", NULL }, { "weak_cleared", NULL }, { "bytes", NULL },
    { "find_ns", NULL },   { "finalize_ns", NULL }, { "reclaim_ns", NULL },   { "longest_ns", NULL },
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(generation, "Generation", "Sums over all passes of a generation.")

typedef husk_heap_figures husk_figures; /* as the macro says it */
static const field figures_fields[] = {
    SIZE_OF(husk_heap_figures, objects),      SIZE_OF(husk_heap_figures, object_bytes),
    SIZE_OF(husk_heap_figures, buffer_bytes), SIZE_OF(husk_heap_figures, foreign_bytes),
    SIZE_OF(husk_heap_figures, bytes_taken),  SIZE_OF(husk_heap_figures, bytes_peak),
    SIZE_OF(husk_heap_figures, max_bytes),    SIZE_OF(husk_heap_figures, pages),
    SIZE_OF(husk_heap_figures, pages_spare),  SIZE_OF(husk_heap_figures, chunks),
    SIZE_OF(husk_heap_figures, weak_cells),   SIZE_OF(husk_heap_figures, frozen_objects),
};
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
    { NULL, NULL },
};
HUSK_PY_SEQUENCE(figures, "Figures", "What a heap has and takes.")

static const field trace_figures_fields[] = {
    SIZE_OF(husk_trace_figures, bytes),        SIZE_OF(husk_trace_figures, count),
    SIZE_OF(husk_trace_figures, peak_bytes),   SIZE_OF(husk_trace_figures, peak_count),
    COUNT_OF(husk_trace_figures, born_bytes),  COUNT_OF(husk_trace_figures, born),
    COUNT_OF(husk_trace_figures, temporary),   COUNT_OF(husk_trace_figures, unknown),
    SIZE_OF(husk_trace_figures, places),       SIZE_OF(husk_trace_figures, own_bytes),
    SIZE_OF(husk_trace_figures, sample_bytes),
};
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

static const field snapshot_counts_fields[] = {
    SIZE_OF(husk_snapshot_counts, objects), SIZE_OF(husk_snapshot_counts, object_bytes),
    SIZE_OF(husk_snapshot_counts, edges),   SIZE_OF(husk_snapshot_counts, weak_edges),
    SIZE_OF(husk_snapshot_counts, buffers), SIZE_OF(husk_snapshot_counts, buffer_bytes),
    SIZE_OF(husk_snapshot_counts, blocks),  SIZE_OF(husk_snapshot_counts, block_bytes),
    SIZE_OF(husk_snapshot_counts, traced),  SIZE_OF(husk_snapshot_counts, types),
    SIZE_OF(husk_snapshot_counts, records), SIZE_OF(husk_snapshot_counts, stacks),
    SIZE_OF(husk_snapshot_counts, frames),  SIZE_OF(husk_snapshot_counts, bytes),
};
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

static bool add(PyObject *module, PyStructSequence_Desc *desc, PyTypeObject **type)
{
    *type = PyStructSequence_NewType(desc);
    return *type && PyModule_AddObjectRef(module, strrchr(desc->name, '.') + 1, (PyObject *)*type) == 0;
}

bool husk_py_add_figures(PyObject *module)
{
    return add(module, &pass_desc, &pass_type) && add(module, &counts_desc, &counts_type) &&
           add(module, &pacing_desc, &pacing_type) && add(module, &generation_desc, &generation_type) &&
           add(module, &figures_desc, &figures_type) &&
           add(module, &trace_figures_desc, &trace_figures_type) &&
           add(module, &snapshot_counts_desc, &snapshot_counts_type);
}
