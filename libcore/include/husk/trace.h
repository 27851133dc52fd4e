/* husk/trace.h: who asked for the bytes: recording where objects, their buffers and other blocks are made.
 *
 * While tracing is on, each birth notes its traceback; the object's header keeps a number for it, so a traced
 * object costs no byte more. Each heap is traced by itself. The process has one more tracer, for memory that is
 * no object (husk_trace_block): it is meant by heap NULL.
 *
 * Exact: every birth. Sampled: each byte has the same chance, one in sample_bytes (Poisson; the gaps are
 * exponential), so sums are unbiased: a block of n bytes stands for 1 / (1 - exp(-n / sample_bytes)) of its kind.
 *
 * A traceback is put together from these, newest first:
 *   1 the place given for this birth             husk_trace_at, husk_obj_new_here
 *   2 native frames, newer than a language's     found in the machine's stack, where they can be told for sure
 *   3 the frames of a language                   husk_trace_set_source; or those pushed by husk_trace_push
 *   4 the native frames that called it
 * From outside: every heap that is made while the environment has HUSK_TRACE=frames, or frames:bytes for samples
 * (HUSK_TRACE=8:512k; k, m and g are units), is traced from its first object on; 0 and nothing are off, anything
 * else makes husk_heap_new fail. And husk_trace_request, from a signal handler.
 * Threads: a heap's, its owner; for heap NULL any thread. Memory that the tracer cannot have makes places
 * unknown, never a birth fail. */
#ifndef HUSK_TRACE_H
#define HUSK_TRACE_H

#include <husk/inline.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HUSK_TRACE_MOST_FRAMES = 65535 };

/* Which frames to look for; 0 means all. */
enum {
    HUSK_TRACE_GIVEN = 1u << 0,    /* husk_trace_at, husk_trace_push */
    HUSK_TRACE_LANGUAGE = 1u << 1, /* the source of a language */
    HUSK_TRACE_NATIVE = 1u << 2,   /* the machine's stack */
};

typedef struct husk_trace_options {
    uint32_t struct_size; /* filled by HUSK_TRACE_OPTIONS */
    uint32_t abi;
    uint32_t frames;     /* most frames of a traceback, 1 to HUSK_TRACE_MOST_FRAMES; 0: 1 */
    uint32_t sources;    /* HUSK_TRACE_...; 0: all */
    size_t sample_bytes; /* mean gap of the samples; 0: exact. 512 KiB costs next to nothing */
    uint64_t seed;       /* of the samples, for runs that can be repeated; 0: by chance */
    uint32_t epoch_ms;   /* how finely ages are told; 0: 1000 */
} husk_trace_options;

#define HUSK_TRACE_OPTIONS .struct_size = (uint32_t)sizeof(husk_trace_options), .abi = 1u

/* Starts. options may be NULL. HUSK_ESTATE: on already, and nothing changes; HUSK_ERANGE: frames; HUSK_ENOMEM. */
HUSK_API husk_status husk_trace_start(HUSK_NULLABLE husk_heap *heap,
                                      HUSK_NULLABLE const husk_trace_options *options);
/* Stops and forgets everything. May be repeated. O(objects) if any is traced. */
HUSK_API void husk_trace_stop(HUSK_NULLABLE husk_heap *heap);
/* Forgets what was made so far: its places become unknown and its death moves no figure. O(objects). */
HUSK_API void husk_trace_clear(HUSK_NULLABLE husk_heap *heap);
HUSK_API bool husk_trace_is_on(HUSK_NULLABLE const husk_heap *heap);
/* Asks for tracing to be on (off): from the heap's next safe point on, as husk_heap_request; exact, with
 * husk_trace_limit frames. The later of two wishes counts. If it cannot be had, the heap's error hook hears of it.
 * Any thread, and fit for a signal handler. */
HUSK_API void husk_trace_request(husk_heap *heap, bool on);
/* Most frames of a traceback, in force or for the next start (1 at first). */
HUSK_API uint32_t husk_trace_limit(HUSK_NULLABLE const husk_heap *heap);

typedef struct husk_trace_figures {
    size_t bytes, count; /* traced and alive; when sampled: estimates */
    size_t peak_bytes,
        peak_count;            /* when bytes was at its highest since the start or husk_trace_reset_peak */
    uint64_t born_bytes, born; /* made since the start or clear */
    uint64_t temporary;        /* of these, died before the next birth */
    uint64_t unknown;          /* births whose traceback could not be had or kept */
    size_t places;             /* different tracebacks with their contexts */
    size_t own_bytes;          /* memory of this tracer, and of the tables all tracers share */
    size_t sample_bytes;       /* 0: exact */
} husk_trace_figures;
/* All 0 when off. */
HUSK_API void husk_trace_figures_get(HUSK_NULLABLE const husk_heap *heap, husk_trace_figures *out);
/* The peak becomes what is alive now. */
HUSK_API void husk_trace_reset_peak(HUSK_NULLABLE husk_heap *heap);

/* Begins a new stretch of time, by name: statistics can tell what was made since and is still alive. HUSK_ESTATE:
 * not tracing; HUSK_ENOMEM. */
HUSK_API husk_status husk_trace_mark(HUSK_NULLABLE husk_heap *heap, const char *name);

/* What is born from now on carries this tag (domain) too, until it is popped; the innermost one counts. Copied.
 * For heap NULL: of this thread. HUSK_ENOMEM; HUSK_ERANGE: nested more than 64 deep. */
HUSK_API husk_status husk_trace_push_tag(HUSK_NULLABLE husk_heap *heap, const char *tag);
HUSK_API husk_status husk_trace_push_domain(HUSK_NULLABLE husk_heap *heap, const char *domain);
/* HUSK_ESTATE: none is pushed. */
HUSK_API husk_status husk_trace_pop_tag(HUSK_NULLABLE husk_heap *heap);
HUSK_API husk_status husk_trace_pop_domain(HUSK_NULLABLE husk_heap *heap);

/* Births from now on are those of the calling thread: a heap that goes from one thread to another says so, before
 * or in its source. At first they are of the thread that started. HUSK_ESTATE: not tracing; HUSK_ENOMEM. */
HUSK_API husk_status husk_trace_thread(husk_heap *heap);

/* ---- places that are said ---- */

/* The next birth in the heap (object or buffer) is made here. file and function are kept, not copied: constants;
 * function may be NULL. Costs next to nothing while not tracing. */
HUSK_API void husk_trace_at(husk_heap *heap, const char *file, uint32_t line,
                            HUSK_NULLABLE const char *function);

/* husk_obj_new that says where. */
#define husk_obj_new_here(heap, type)                                                                        \
    (husk_trace_at((heap), __FILE__, (uint32_t)__LINE__, __func__), husk_obj_new((heap), (type)))

/* For interpreters that keep their own stack: enters and leaves a function; its line changes with
 * husk_trace_line. Copied (and stored once). HUSK_ENOMEM; HUSK_ERANGE: more than 65535 deep; HUSK_ESTATE: nothing
 * is pushed. They work while not tracing too, so that tracing can begin anywhere. */
HUSK_API husk_status husk_trace_push(husk_heap *heap, const char *file, uint32_t line,
                                     HUSK_NULLABLE const char *function);
HUSK_API husk_status husk_trace_line(husk_heap *heap, uint32_t line);
HUSK_API husk_status husk_trace_pop(husk_heap *heap);

/* For language bindings: tells the frames of the running script, newest first. */
typedef struct husk_trace_sink husk_trace_sink;
/* Adds a frame; strings are copied (and stored once). False: enough frames. */
HUSK_API bool husk_trace_add(husk_trace_sink *sink, const char *file, size_t file_length, uint32_t line,
                             HUSK_NULLABLE const char *function);
/* For sources that meet the same places again and again: the number of a frame, by which it is added without a look
 * at its texts. Valid until no heap of the process is traced any more. 0: no memory; may be added too, and is an
 * unknown frame. */
HUSK_API uint32_t husk_trace_frame(husk_trace_sink *sink, const char *file, size_t file_length, uint32_t line,
                                   HUSK_NULLABLE const char *function);
HUSK_API bool husk_trace_add_frame(husk_trace_sink *sink, uint32_t frame);
/* Another number whenever those of frames have become invalid since: for who keeps them. Never 0. */
HUSK_API uint64_t husk_trace_frame_round(const husk_trace_sink *sink);
/* Another number after each start, whoever started (HUSK_TRACE, a request): tags and domains are gone then. Never 0. */
HUSK_API uint64_t husk_trace_serial(const husk_trace_sink *sink);
/* Called at each birth that is traced. Must not make, release or store objects. How many more frames there are
 * beyond those that were wanted, or 0 if that is not known: its answer. */
typedef size_t husk_trace_source_fn(husk_trace_sink *sink, void *data);
/* One source a heap; fn NULL takes it off. code: functions of the binding and of the interpreter, whose modules'
 * native frames give way to the source's; may be NULL. HUSK_ENOMEM: data_free has been called. */
HUSK_API husk_status husk_trace_set_source(husk_heap *heap, HUSK_NULLABLE husk_trace_source_fn *fn,
                                           void *data, HUSK_NULLABLE husk_free_fn *data_free,
                                           HUSK_NULLABLE const void *const *code, size_t code_count);

/* ---- blocks that are no objects ---- */

/* Memory that somebody else manages was had at this address: replaces what was noted for it. domain: a number of
 * yours, the same address may live in several. Traced while husk_trace_start(NULL) is in force, else HUSK_ESTATE.
 * HUSK_ENOMEM. Any thread. */
HUSK_API husk_status husk_trace_block(uint32_t domain, uint64_t address, size_t bytes);
/* It is gone; unknown ones are fine. HUSK_ESTATE: not tracing. Any thread. */
HUSK_API husk_status husk_trace_unblock(uint32_t domain, uint64_t address);

/* ---- what is known of one thing ---- */

typedef struct husk_place_frame {
    const char *file, *function; /* "" if not known; valid while any heap of the process is traced */
    uint32_t line;
    uint64_t address; /* of a native frame; else 0 */
} husk_place_frame;
/* Frame number `index` of where obj was made, newest first; false beyond the oldest, and if obj is not traced. */
HUSK_API bool husk_trace_of(const husk_obj *obj, size_t index, husk_place_frame *out);
/* The same of a block. */
HUSK_API bool husk_trace_of_block(uint32_t domain, uint64_t address, size_t index, husk_place_frame *out);

#ifdef __cplusplus
}
#endif

#endif
