/* husk/collect.h: the cycle collector and its controls.
 *
 * A pass finds the objects that are held only by each other, exactly (trial deletion: Lins 1992, Bacon and
 * Rajan 2001, into a table beside the objects instead of their headers). It asks for no memory and writes
 * into no object unless it finds garbage.
 *
 * Order of death, by counting and by a pass alike: finalizers, with all slots intact; a second look, since
 * they may bring objects back; reclaim, with no user code running (weak references end here); callbacks.
 *
 * Passes start by themselves when the heap has grown enough since the last one (husk/pacing.h). One that starts
 * inside an allocation leaves garbage with hooks, and what such garbage holds, for the next safe point:
 * husk_heap_safepoint, husk_heap_collect, or a release that ends an object outside any hook.
 * Threads: the heap's owner, except husk_heap_request. */
#ifndef HUSK_COLLECT_H
#define HUSK_COLLECT_H

#include <husk/obj.h>
#include <husk/pacing.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a pass ran. */
typedef enum husk_reason {
    HUSK_BY_CALL = 0, /* husk_heap_collect */
    HUSK_BY_OBJECTS,  /* growth in objects */
    HUSK_BY_BYTES,    /* growth in bytes, buffers and foreign bytes included */
    HUSK_BY_LIMIT,    /* max_bytes, or the system refused memory */
    HUSK_BY_REQUEST,  /* husk_heap_request */
    HUSK_BY_STRESS,   /* husk_heap_set_stress, husk_heap_options.stress */
    HUSK_BY_CLOSE,
    HUSK_BY_SOFT, /* husk_heap_set_soft_limit */
    HUSK_BY_IDLE, /* husk_heap_idle */
} husk_reason;

/* How a pass looked for garbage. */
typedef enum husk_mode {
    HUSK_FULL = 0, /* all objects, at once */
    HUSK_YOUNG,    /* pages that served recent births */
    HUSK_STEP,     /* all objects, in slices */
} husk_mode;
enum { HUSK_MODES = 3 };

/* What one pass did, or several together: see husk/passes.h for more of each. */
typedef struct husk_pass {
    int generation; /* 0: all objects. 1: those on pages that served recent births */
    husk_reason reason;
    size_t examined;  /* objects looked at */
    size_t collected; /* objects reclaimed, those that died in consequence not counted; saved ones count */
    size_t uncollectable;                      /* put on the garbage list */
    size_t finalized;                          /* finalizers run */
    size_t resurrected;                        /* garbage that came back */
    size_t weak_cleared;                       /* weak references that ended */
    size_t deferred;                           /* garbage left for a safe point */
    size_t bytes;                              /* bytes of the collected blocks */
    uint64_t find_ns, finalize_ns, reclaim_ns; /* how long each step took */
    husk_mode mode;
    size_t passes;   /* whose sums these are */
    uint64_t number; /* of the last of them: its record (husk_heap_pass_record) */
} husk_pass;

/* Finds and ends all garbage: one pass, and a second one if a hook asked for it meanwhile. The sums of
 * both are in *out. HUSK_EBUSY inside a hook: nothing is done, the wish is remembered. HUSK_ECORRUPT: some
 * object has fewer references than are seen in slots; reported, and nothing was freed. */
HUSK_API husk_status husk_heap_collect(husk_heap *heap, HUSK_NULLABLE husk_pass *out);

/* The same for the objects on pages that have served births since a pass last looked at them: short-lived cycles end
 * at a cost that does not depend on the rest of the heap. Exact for what is held by those objects alone; a cycle that
 * leads through older objects is left to husk_heap_collect. */
HUSK_API husk_status husk_heap_collect_young(husk_heap *heap, HUSK_NULLABLE husk_pass *out);

/* Finds what a collect would end and reports it in *out without changing anything. HUSK_EBUSY in a hook. */
HUSK_API husk_status husk_heap_collect_dry(husk_heap *heap, husk_pass *out);

/* Does what waits for a moment at which user code may run: later releases, callbacks, requested or deferred
 * passes. Cheap when nothing waits. Inside a hook it does nothing. */
HUSK_API void husk_heap_safepoint(husk_heap *heap);

/* Asks for a pass at the next safe point or allocation. Any thread, and signal handlers. */
HUSK_API void husk_heap_request(husk_heap *heap);

/* 0: all objects, 1: young ones (husk_pass.generation). */
enum { HUSK_GENERATIONS = 2 };

/* Cumulative, since the heap was made. */
typedef struct husk_generation {
    uint64_t passes, examined, collected, uncollectable, finalized, resurrected, weak_cleared, bytes;
    uint64_t find_ns, finalize_ns, reclaim_ns, longest_ns;
} husk_generation;
/* HUSK_ERANGE: no such generation. */
HUSK_API husk_status husk_heap_generation(const husk_heap *heap, int generation, husk_generation *out);

typedef enum husk_phase { HUSK_PASS_START, HUSK_PASS_STOP } husk_phase;
/* Called before and after each pass that may run user code; at the start the figures are 0: the notice that a
 * full pass is about to run. After a pass inside an allocation both calls follow at the next safe point. An error: husk_heap_report; the others
 * still run. */
typedef void husk_pass_fn(husk_heap *heap, husk_phase phase, const husk_pass *pass, void *data);
/* Adds a callback; they run in this order. *id names it for husk_heap_off_pass. HUSK_ENOMEM: data_free has
 * been called. */
HUSK_API husk_status husk_heap_on_pass(husk_heap *heap, husk_pass_fn *fn, void *data,
                                       HUSK_NULLABLE husk_free_fn *data_free, uint64_t *id);
/* HUSK_EMISSING: no such callback. */
HUSK_API husk_status husk_heap_off_pass(husk_heap *heap, uint64_t id);

/* Save-all: garbage is finalized but kept, on the garbage list, with its weak references. */
HUSK_API void husk_heap_set_save_all(husk_heap *heap, bool on);
HUSK_API bool husk_heap_save_all(const husk_heap *heap);
HUSK_API size_t husk_heap_garbage_count(const husk_heap *heap);
/* A reference of the caller's to an entry of the list; NULL beyond its end. */
HUSK_API HUSK_NEW HUSK_NULLABLE husk_obj *husk_heap_garbage(husk_heap *heap, size_t index);
/* Why an entry is there: "save-all". NULL beyond the end. */
HUSK_API HUSK_NULLABLE const char *husk_heap_garbage_reason(const husk_heap *heap, size_t index);
/* Empties the list: its references are released. */
HUSK_API void husk_heap_garbage_clear(husk_heap *heap);

/* Sets all present objects aside: passes skip their pages, nothing is born there, what they hold counts as
 * held. They still die by counting. For fork: freeze before it, and their pages stay shared; no other
 * thread may be inside the library at that moment. */
HUSK_API void husk_heap_freeze(husk_heap *heap);
HUSK_API void husk_heap_unfreeze(husk_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
