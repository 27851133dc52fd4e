/* husk/heap.h: a heap, its limits and figures.
 *
 * Any number of heaps in one process; nothing is shared between them but the reserved address range and the
 * table of types. An object refers only to objects of its own heap.
 * Threads: one owner at a time (husk_heap_detach, husk_heap_attach). */
#ifndef HUSK_HEAP_H
#define HUSK_HEAP_H

#include <husk/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_heap_options {
    uint32_t struct_size; /* filled by HUSK_HEAP_OPTIONS */
    uint32_t abi;
    const char *name; /* appears in reports; copied; NULL: "heap" */
    size_t max_bytes; /* hard limit on the bytes taken (see husk_heap_figures.bytes_taken); 0: none */
    void *data;       /* yours: husk_heap_data */
    bool check_owner; /* stop the process when a thread that is not the owner makes or frees an object */
    bool stress; /* run a pass at every allocation: slow, finds missing references early (husk/pacing.h) */
} husk_heap_options;

#define HUSK_ABI 1u
#define HUSK_HEAP_OPTIONS .struct_size = (uint32_t)sizeof(husk_heap_options), .abi = HUSK_ABI

/* Makes a heap owned by the calling thread. options may be NULL. The caller closes it with husk_heap_close.
 * HUSK_EINVAL: options of another ABI, or a variable in the environment that is not understood: HUSK_TRACE
 * (husk/trace.h), HUSK_STRESS (husk/pacing.h), HUSK_GCTRACE (husk/passes.h), HUSK_GCSTAT (husk/gcstat.h); it is told on
 * stderr, too. HUSK_ENOMEM; HUSK_ELIMIT: max_bytes does not even hold the heap. husk_message has the text. */
HUSK_API husk_status husk_heap_new(HUSK_NULLABLE const husk_heap_options *options, husk_heap **out);

/* Ends the heap: runs the cleanups that want it (husk/cleanup.h), drops what waits, runs a full pass with
 * its finalizers, reports each type that is still held from outside to the error hook (HUSK_ESTATE),
 * disposes those objects without finalizing them, and returns every byte. All pointers into the heap are
 * dead afterwards. NULL is fine. Must not be called from a hook. */
HUSK_API void husk_heap_close(HUSK_NULLABLE husk_heap *heap);

/* The latest failure of a call of the kind "makes" or "does" on this heap; HUSK_OK if there was none since
 * husk_heap_clear_failure. A success leaves it alone: the fast calls do not pay for forgetting. */
HUSK_API husk_status husk_heap_failure(const husk_heap *heap);

/* Its text: one line that names the thing and the value at fault; "" if there is none. Valid until the
 * next call. */
HUSK_API HUSK_BORROWED const char *husk_heap_message(const husk_heap *heap);

/* Forgets the last failure. */
HUSK_API void husk_heap_clear_failure(husk_heap *heap);

/* Notes a failure with its text, for libraries built on Husk; cut at 255 bytes. Returns status. */
HUSK_API husk_status husk_heap_fail(husk_heap *heap, husk_status status, const char *format, ...)
    HUSK_FORMAT(3);

/* What husk_heap_options.data was; and the name, valid as long as the heap. */
HUSK_API void *husk_heap_data(const husk_heap *heap);
HUSK_API HUSK_BORROWED const char *husk_heap_name(const husk_heap *heap);

/* Changes the limit, in bytes; 0: none. HUSK_ELIMIT, and nothing changes, if more is in use already. */
HUSK_API husk_status husk_heap_set_max_bytes(husk_heap *heap, size_t max_bytes);

/* Receives errors of hooks and what the heap notices by itself (objects held at close, a saturated count, a
 * slot that is not counted). Must not call the heap. Default: one line on stderr. */
typedef void husk_error_fn(husk_heap *heap, husk_status status, const char *text, void *data);
HUSK_API void husk_heap_on_error(husk_heap *heap, HUSK_NULLABLE husk_error_fn *fn, void *data,
                                 HUSK_NULLABLE husk_free_fn *data_free);

/* Hands an error of a hook to the error hook: finalizers and callbacks have no other way to fail. */
HUSK_API void husk_heap_report(husk_heap *heap, husk_status status, const char *text);

typedef struct husk_heap_figures {
    size_t objects;        /* alive, dying ones not counted */
    size_t object_bytes;   /* their blocks, headers included */
    size_t buffer_bytes;   /* husk_buffer_new */
    size_t foreign_bytes;  /* declared by husk_heap_foreign */
    size_t bytes_taken;    /* all the heap took from the system: what max_bytes limits */
    size_t bytes_peak;     /* the highest bytes_taken so far */
    size_t max_bytes;      /* 0: none */
    size_t pages;          /* 64 KiB pages in use */
    size_t pages_spare;    /* empty, kept for reuse, counted in bytes_taken */
    size_t chunks;         /* 4 MiB chunks and large mappings */
    size_t weak_cells;     /* objects that have been referenced weakly and still carry the record */
    size_t frozen_objects; /* see husk_heap_freeze */
    size_t dying_objects;  /* dead, but for a death budget or a safe point that they wait for */
    size_t dying_bytes;    /* their blocks */
} husk_heap_figures;

/* Exact, computed when asked: O(pages), and as many steps as there are dying objects. */
HUSK_API void husk_heap_figures_get(const husk_heap *heap, husk_heap_figures *out);

/* Gives all empty pages back to the system. Returns the bytes given back. */
HUSK_API size_t husk_heap_trim(husk_heap *heap);

/* Death budget: at most so many objects end, and callbacks run, in one release, however much it lets go of; 0:
 * all (the default). What is left is dead already: weak references to it answer NULL, walks do not show it, its
 * blocks count in bytes_taken. What *it* holds is alive until its turn comes. Later slow paths go on, each with
 * the same budget: a release that ends an object, an allocation that takes up a new run of blocks (never user
 * code: finalizers and callbacks are put off), husk_heap_safepoint. All of it ends first, in one go, in
 * husk_heap_collect and automatic passes, husk_heap_verify, snapshots, at max_bytes and in husk_heap_close. What
 * a pass itself finds ends with it.
 * The budget bounds steps, not time: a step is a death, with its finalizer and dispose, or a callback. Entries of
 * weak containers whose target has died come out at once, whatever the budget. 0 again: the next slow path ends
 * all that is left. HUSK_EBUSY: inside a hook. */
HUSK_API husk_status husk_heap_set_death_budget(husk_heap *heap, size_t most);
HUSK_API size_t husk_heap_death_budget(const husk_heap *heap);

/* Declares bytes outside the heap that objects keep alive, so that passes are paced by them too; negative
 * when they are gone. May be called from dispose. */
HUSK_API void husk_heap_foreign(husk_heap *heap, int64_t bytes);

/* Memory for the growing part of an object (a list's items), counted against the heap. Zeroed; may trigger a
 * pass, never user code. NULL: see husk_heap_failure. The owner frees it, in dispose at the latest. */
HUSK_API HUSK_MUST_USE void *husk_buffer_new(husk_heap *heap, size_t bytes);

/* As realloc, with the old size given by the caller; new bytes are zero; on NULL the old buffer is as it was. */
HUSK_API HUSK_MUST_USE void *husk_buffer_resize(husk_heap *heap, HUSK_NULLABLE void *buffer, size_t old_bytes,
                                                size_t new_bytes);

/* Gives the buffer back. May be called from dispose. */
HUSK_API void husk_buffer_free(husk_heap *heap, HUSK_NULLABLE void *buffer, size_t bytes);

/* Hand a heap to another thread: detach on the old owner, attach on the new one, with the program's own
 * synchronisation between. O(1). Only checked in heaps with check_owner. HUSK_ESTATE: not detached. */
HUSK_API void husk_heap_detach(husk_heap *heap);
HUSK_API husk_status husk_heap_attach(husk_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
