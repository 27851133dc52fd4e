/* husk/pacing.h: when passes start by themselves, what that promises, and how they are held off.
 *
 * A pass starts when the heap has grown, since the last one, by more than max(least, factor x survivors), in
 * objects or in bytes. Growth is net: what dies by counting takes it back. So between two passes the heap
 * stays below a bound that is known at any time (husk_heap_bound), and such passes look at no more than
 * 1 + 1/factor objects for each one born, and once more at what has to wait for a safe point. The bound is hard. The share of time is a goal: when passes take
 * more of it the factor is raised, but never past factor_max.
 *
 * Automatic passes are held off by husk_heap_disable, by a region without passes, and while a hook runs; those
 * for max_bytes (husk/heap.h) and those that are asked for run all the same.
 * Threads: the heap's owner. */
#ifndef HUSK_PACING_H
#define HUSK_PACING_H

#include <husk/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero as both `least` stops automatic passes; zero as one: growth in that measure starts none. Defaults: 16384
 * objects, 8 MiB, factor 1, at most 2. */
typedef struct husk_pacing {
    size_t least_objects;
    size_t least_bytes;
    double factor; /* 0.5 to factor_max; raised by 1.5 after two passes with a yield below 2 %, or when the
                          latest automatic passes, four to ten, took more than HUSK_TIME_GOAL of the time; back to
                          this value when the yield is above 25 % and they took less than half of that */
    double factor_max; /* up to 16 */
} husk_pacing;
/* HUSK_ERANGE: a factor out of range, NaN included; nothing changes. */
HUSK_API husk_status husk_heap_set_pacing(husk_heap *heap, const husk_pacing *pacing);
HUSK_API void husk_heap_get_pacing(const husk_heap *heap, husk_pacing *out);

/* Where the heap stands between two passes. */
typedef struct husk_counts {
    size_t grown_objects; /* net growth since the last pass; falls when objects die by counting */
    size_t grown_bytes;
    size_t limit_objects; /* a pass starts above one of these; SIZE_MAX: never */
    size_t limit_bytes;
} husk_counts;
HUSK_API void husk_heap_counts(const husk_heap *heap, husk_counts *out);

/* ---- the factor in force, and the goals ---- */

#define HUSK_TIME_GOAL 0.1 /* of the time, over the last HUSK_TIME_PASSES automatic passes; HUSK_TIME_LEAST do for the start */
enum { HUSK_TIME_PASSES = 10, HUSK_TIME_LEAST = 4 };

/* Why the factor is what it is. */
typedef enum husk_factor_why {
    HUSK_FACTOR_SET = 0, /* as set */
    HUSK_FACTOR_YIELD,   /* raised: passes found next to nothing */
    HUSK_FACTOR_TIME,    /* raised: passes took too much of the time */
} husk_factor_why;
/* "set", "yield", "time"; "unknown" for any other value. */
HUSK_API const char *husk_factor_why_name(husk_factor_why why);

typedef struct husk_pacing_state {
    double factor; /* in force */
    husk_factor_why why;
    bool at_most;   /* it is factor_max: nothing is left to be raised */
    bool time_kept; /* time_share is within the goal */
    double
        time_share; /* of the time from the first of the timed passes to the end of the last; 0: no pass yet */
    unsigned timed; /* automatic passes that it is made of, up to HUSK_TIME_PASSES */
    double yield;   /* of the last pass: collected / examined; 0: no pass yet */
    double
        object_ns; /* what a pass costs for each object it looks at, a mean that follows; 0: not known yet */
    uint64_t last_ns;            /* how long the last pass took, hooks included */
    uint64_t automatic;          /* passes that growth or the soft limit started */
    uint64_t automatic_examined; /* objects that they looked at */
} husk_pacing_state;
HUSK_API void husk_heap_pacing_state(const husk_heap *heap, husk_pacing_state *out);

/* ---- the bound ---- */

/* Why the bound does not hold at the moment. */
typedef enum husk_bound_why {
    HUSK_BOUND_KEPT = 0,
    HUSK_BOUND_DISABLED, /* husk_heap_disable; holder says by whom */
    HUSK_BOUND_REGION,   /* husk_heap_no_gc_begin; objects and bytes tell where it ends; holder says whose */
    HUSK_BOUND_UNPACED,  /* both `least` are 0 */
    HUSK_BOUND_HOOK,     /* a finalizer or callback is running: a pass has to wait until it is done */
    HUSK_BOUND_SAVE_ALL, /* a pass is due and waits for a safe point, since saving needs memory */
    HUSK_BOUND_CORRUPT,  /* the last pass found a wrong count and freed nothing */
} husk_bound_why;
/* "kept", "disabled", "region", "unpaced", "hook", "save all", "corrupt"; "unknown" for any other value. */
HUSK_API const char *husk_bound_why_name(husk_bound_why why);

typedef struct husk_bound {
    /* The heap does not grow past these without a pass over all of it; SIZE_MAX: not bounded in this measure. While
     * passes run in steps (husk/step.h) it is what finishes one at once, otherwise what starts one. In
     * them is what may be born before the next look: a page of each size that is in use, and a sixteenth of
     * `least`. One block or buffer larger than a page may go past them by itself, foreign bytes count from the
     * next birth that asks for memory. */
    size_t objects, bytes;
    /* Of the present heap so much may be garbage that no pass has ended: everything that is there, since
     * nothing is known of what happened since the last pass. Never more than the bound. */
    size_t garbage_objects, garbage_bytes;
    size_t new_objects; /* of these, the growth since the last pass: no pass has seen it yet */
    /* Garbage that was found and waits for a safe point, as user code is to run: counted among the survivors, and
     * apart from garbage_objects. Without safe points it stays. */
    size_t deferred_objects;
    bool kept; /* the bound holds now */
    husk_bound_why why;
    HUSK_BORROWED HUSK_NULLABLE const char *holder;
} husk_bound;
/* O(pages). */
HUSK_API void husk_heap_bound(const husk_heap *heap, husk_bound *out);

/* ---- holding passes off ---- */

/* Stops automatic passes until enabled as often as disabled; explicit ones and those for max_bytes still run.
 * holder says who asked, in reports; kept, not copied. HUSK_ERANGE: nested too deeply (64). */
HUSK_API husk_status husk_heap_disable(husk_heap *heap, const char *holder);
/* HUSK_ESTATE: not disabled. */
HUSK_API husk_status husk_heap_enable(husk_heap *heap);
HUSK_API bool husk_heap_is_enabled(const husk_heap *heap);
/* Who disabled it, the latest last; NULL beyond. */
HUSK_API HUSK_NULLABLE const char *husk_heap_disabled_by(const husk_heap *heap, size_t index);

/* ---- the soft limit ---- */

/* A limit that is kept if it can be kept, and never fails a birth: when the bytes taken (as husk_heap_figures has
 * them) come to it, spare pages go back, and then a pass runs, however little the heap has grown. So that a heap
 * whose live objects do not fit does not collect all the time, such a pass waits until the program has had as
 * much time as the passes before took: a bucket holds the time of the automatic passes, time outside them empties
 * it one to one, and a pass for the limit starts only when it is empty. In the long run passes for the limit
 * take at most half of the time, and the limit is passed instead. (Go's GOMEMLIMIT, with the limit of its
 * limiter.) */
typedef struct husk_soft_limit {
    size_t bytes;             /* the limit; 0: none */
    bool exceeded;            /* now */
    bool held_back;           /* a pass for the limit waits: passes have taken too much of the time */
    size_t most_over;         /* the most that it was seen passed by, since it was set */
    uint64_t passes;          /* for the limit, since it was set */
    uint64_t held_back_times; /* how often one had to wait */
} husk_soft_limit;
/* bytes: 1 MiB or more; 0: none. HUSK_ERANGE: less, or more than can be addressed; nothing changes. */
HUSK_API husk_status husk_heap_set_soft_limit(husk_heap *heap, size_t bytes);
HUSK_API void husk_heap_soft_limit(const husk_heap *heap, husk_soft_limit *out);

/* ---- a region without passes ---- */

/* How a region without passes stands, or ended. */
typedef enum husk_region_why {
    HUSK_REGION_KEPT = 0, /* no pass ran in it */
    HUSK_REGION_BUDGET,   /* the heap grew by more than the budget: it ended there */
    HUSK_REGION_LIMIT,    /* a pass ran because max_bytes was reached or the system refused memory */
    HUSK_REGION_ASKED,    /* a pass ran that was asked for */
} husk_region_why;
/* "kept", "budget", "limit", "asked"; "unknown" for any other value. */
HUSK_API const char *husk_region_why_name(husk_region_why why);

typedef struct husk_region {
    size_t objects, bytes;             /* the budget; 0: not limited in this measure */
    size_t grown_objects, grown_bytes; /* net growth since its begin, or up to where it ended */
    bool active;                       /* no automatic pass starts */
    bool kept;                         /* so far, or up to its end */
    husk_region_why why;               /* what came first, if it was not kept */
    HUSK_BORROWED HUSK_NULLABLE const char *holder;
} husk_region;

/* No automatic pass from here on until the heap has grown by more than this many objects or bytes (0: not limited
 * in this measure, but not in both), or until the end. Passes that are asked for and those for max_bytes
 * run. Growing past the budget ends the region: passes start as before. reserve: the pages for so many bytes of
 * objects up to 8 KiB, of at most HUSK_REGION_SIZES sizes, are taken and touched now; buffers and larger objects
 * are not in it. holder as for husk_heap_disable, which goes its own way: either holds passes off.
 * HUSK_ERANGE: both budgets 0, one above SIZE_MAX / 4, or bytes 0 with reserve. HUSK_ESTATE: another region has
 * not been ended. HUSK_ELIMIT, HUSK_ENOMEM: the pages were refused; nothing has changed. HUSK_EBUSY: reserve in
 * a hook. */
HUSK_API husk_status husk_heap_no_gc_begin(husk_heap *heap, size_t objects, size_t bytes, bool reserve,
                                           const char *holder);
enum { HUSK_REGION_SIZES = 16 };
/* Ends it, also one that its budget has ended, and says how it went; what was reserved and not used is spare.
 * HUSK_ESTATE: there is none. */
HUSK_API husk_status husk_heap_no_gc_end(husk_heap *heap, HUSK_NULLABLE husk_region *out);
/* False: there is none, and *out is empty. */
HUSK_API bool husk_heap_no_gc(const husk_heap *heap, husk_region *out);

/* ---- a quiet moment ---- */

typedef struct husk_idle {
    bool served;  /* what waited for a safe point was done: later releases, finalizers, callbacks */
    bool passed;  /* a pass over the whole heap ran, or one in steps ended */
    bool stepped; /* a step of a pass ran (husk/step.h); more: the next call, or husk_heap_step, goes on with it */
    bool trimmed; /* spare pages beyond those worth keeping went back */
    bool more;    /* worth calling again */
    uint64_t
        expected_ns;   /* what a pass over the present heap is expected to take, by what passes took so far;
                             100 ns an object before the first one */
    size_t collected;  /* by the pass; in steps so far */
    size_t bytes_back; /* to the system */
    uint64_t took_ns;
} husk_idle;
/* Useful work while the program waits: what waits for a safe point; a pass, if one is asked for or the heap has
 * grown by more than a quarter of what would start one; spare pages. A pass that is expected to take longer than what is
 * left of the budget (1 ms to an hour) runs in steps: one with the rest of the budget, the next ones in later calls. One
 * that is under way in steps, whoever began it, is gone on with; disabling holds it off, too. While one is, growth starts
 * no other (husk_heap_step). Hooks and the ends of chains take what they take.
 * HUSK_ERANGE: a budget out of range. HUSK_EBUSY: in a hook. */
HUSK_API husk_status husk_heap_idle(husk_heap *heap, uint64_t budget_ns, HUSK_NULLABLE husk_idle *out);

/* ---- stress ---- */

/* Passes at allocations (births and growing buffers), to find missing references early. Slow on purpose. */
typedef struct husk_stress {
    uint64_t every; /* a pass at each n-th one, up to 2^32; 0: off */
    uint64_t
        seed; /* not 0: at random ones instead, every n-th in the mean, the same ones for the same seed */
} husk_stress;
/* Sets aside what husk_heap_options.stress or HUSK_STRESS in the environment said (N or N:SEED, 0 is off; a
 * value that is not understood is an error of husk_heap_new). HUSK_ERANGE: every is above 2^32. */
HUSK_API husk_status husk_heap_set_stress(husk_heap *heap, const husk_stress *stress);
HUSK_API void husk_heap_get_stress(const husk_heap *heap, husk_stress *out);

#ifdef __cplusplus
}
#endif

#endif
