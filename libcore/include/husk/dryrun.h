/* husk/dryrun.h: what a collect would do, before it does it.
 *
 * A dry run searches as a pass does and thinks the rest through: what dies, garbage and what only garbage holds;
 * which finalizers, callbacks and cleanups run, in the order in which they would; how long it would take. It changes
 * nothing, not even a figure of the heap (but that a pass in steps, which needs the same tables, is given up:
 * husk_steps.given_up); no code of the program runs. The report stands for husk_heap_collect called at once, if that
 * code changes nothing either: a finalizer that brings its object back, and a callback that lets go of more, are not
 * foreseen, nor is garbage that such deaths leave for the next pass.
 *
 * What waits in the heap (husk_heap_figures.dying_objects, later releases of other threads), and soft references that
 * have grown too old, a collect would end first; here they hold what they hold. husk_heap_collect_dry gives the sums
 * alone, and asks for no memory. Threads: the heap's owner; a report belongs to nobody. */
#ifndef HUSK_DRYRUN_H
#define HUSK_DRYRUN_H

#include <husk/census.h>
#include <husk/collect.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_dryrun husk_dryrun;

typedef struct husk_dryrun_options {
    uint32_t struct_size; /* filled by HUSK_DRYRUN_OPTIONS */
    uint32_t abi;
    size_t most_objects; /* so many are listed one by one; the sums are of all. 0: none */
} husk_dryrun_options;

#define HUSK_DRYRUN_OPTIONS .struct_size = (uint32_t)sizeof(husk_dryrun_options), .abi = 1u

/* Makes a report; free it with husk_dryrun_free. options NULL: no objects are listed. HUSK_EBUSY inside a hook;
 * HUSK_ECORRUPT as husk_heap_collect; HUSK_ENOMEM; HUSK_EINVAL: options of another ABI. *out is set only if this
 * succeeds. */
HUSK_API husk_status husk_dryrun_new(husk_heap *heap, HUSK_NULLABLE const husk_dryrun_options *options,
                                     husk_dryrun **out);
HUSK_API void husk_dryrun_free(HUSK_NULLABLE husk_dryrun *dryrun);

/* Where a part of the expected pause comes from. */
typedef enum husk_basis {
    HUSK_BASIS_NONE = 0, /* nothing is known, and nothing is counted */
    HUSK_BASIS_PASSES,   /* this heap's earlier passes: their time an object, times the objects here */
    HUSK_BASIS_DRY,      /* the dry run: the time of the same search; of going through the same objects */
} husk_basis;

typedef struct husk_dryrun_sums {
    size_t examined;                           /* objects that the search looked at */
    size_t garbage;                            /* found: what husk_pass.collected would say */
    size_t objects, bytes;                     /* all that would die, and their blocks */
    size_t followers;                          /* of these, not garbage: only garbage holds them */
    size_t finalizers, callbacks, cleanups;    /* that would run */
    size_t disposes;                           /* objects whose dispose would run */
    size_t waiting;                            /* dead already; not among the others */
    uint64_t find_ns, finalize_ns, reclaim_ns; /* the expected pause is their sum; callbacks are not in it */
    husk_basis find_basis, finalize_basis, reclaim_basis;
} husk_dryrun_sums;
HUSK_API void husk_dryrun_sums_get(const husk_dryrun *dryrun, husk_dryrun_sums *out);

/* What would die by type, most bytes first. False beyond the last one. */
HUSK_API bool husk_dryrun_type(const husk_dryrun *dryrun, size_t index, husk_census_row *out);

/* Objects that would die, as many as were asked for: garbage by address, then followers in order of death. False
 * beyond the last one. */
HUSK_API bool husk_dryrun_object(const husk_dryrun *dryrun, size_t index, husk_census_object *out);

typedef enum husk_dryrun_kind { HUSK_DRY_FINALIZER, HUSK_DRY_CALLBACK, HUSK_DRY_CLEANUP } husk_dryrun_kind;

/* A piece of the program's code that would run. */
typedef struct husk_dryrun_step {
    husk_dryrun_kind kind;
    uint64_t hook;    /* address of the object that is finalized, of the weak reference, of the cleanup */
    uint64_t address; /* of the object that dies */
    const char *type; /* its type */
} husk_dryrun_step;
/* In the order in which they would run: finalizers of garbage by address; finalizers of followers as they die; then
 * callbacks and cleanups, for one object the newest first, objects in the order of their death. data_free and dispose
 * are not listed. False beyond the last one. */
HUSK_API bool husk_dryrun_step_at(const husk_dryrun *dryrun, size_t index, husk_dryrun_step *out);

#ifdef __cplusplus
}
#endif

#endif
