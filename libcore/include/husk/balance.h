/* husk/balance.h: where a process's memory went: rows that add up to its resident memory, and what they mean.
 *
 * Three kinds of memory meet here: that of heaps, which Husk knows to the byte; that of the C library's
 * allocator, which tells sums; and the rest, which the system tells by mapping. Each byte is in one row:
 *
 *   husk    live objects, slack, dying objects, free blocks, spare pages, metadata   of the heaps given
 *           buffers, weak cells, tables                        of theirs, in blocks of the C library's
 *           tracer, snapshots, other heaps                     the rest of the library's
 *   native  in use, free                                       malloc's, without the above
 *   system  mapped files, shared memory, stacks, other anonymous, kernel pages
 *   rest    unknown                                            what is left of RSS
 *
 * RSS is the sum over the process's mappings, which is exact; the figure in statm lags behind it by some pages.
 * Threads: the owner of all heaps. A thread that allocates meanwhile moves the numbers: then it is tried anew,
 * and what still disagrees is in `unknown`. */
#ifndef HUSK_BALANCE_H
#define HUSK_BALANCE_H

#include <husk/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct husk_balance husk_balance;

enum {
    HUSK_BALANCE_TRIM = 1u << 0, /* then give back what can be, and tell how much it was */
};

typedef struct husk_balance_options {
    uint32_t struct_size; /* filled by HUSK_BALANCE_OPTIONS */
    uint32_t abi;
    uint32_t flags;
    int64_t pid; /* another process, of which the system's rows are known; 0: this one */
    const husk_balance
        *before; /* an earlier sheet of the same heaps: growth since then tells a leak; or NULL */
} husk_balance_options;

#define HUSK_BALANCE_OPTIONS .struct_size = (uint32_t)sizeof(husk_balance_options), .abi = 1u

/* Makes one, of `count` heaps (none for another process). options may be NULL. The caller frees it. HUSK_EBUSY:
 * inside a hook or pass of one of them; HUSK_EINVAL: options, a heap twice, heaps and another pid; HUSK_ENOMEM;
 * and as husk/process.h says. */
HUSK_API husk_status husk_balance_new(husk_heap *const *heaps, size_t count,
                                      HUSK_NULLABLE const husk_balance_options *options, husk_balance **out);
HUSK_API void husk_balance_free(HUSK_NULLABLE husk_balance *balance);

typedef struct husk_balance_row {
    const char *group, *name;
    int64_t bytes;    /* resident: all rows together are RSS. Below 0 in `unknown` alone, if numbers moved */
    uint64_t counted; /* what its owner counts, resident or not: Husk's rows agree with husk_heap_figures */
    uint64_t shared;  /* of bytes: in pages that other processes have too (forked, not yet copied) */
    uint64_t swapped;
    const char *note; /* one line, or "" */
} husk_balance_row;
/* The rows in order; false beyond the last. What *out points to is valid as long as balance. */
HUSK_API bool husk_balance_row_at(const husk_balance *balance, size_t index, husk_balance_row *out);

typedef enum husk_verdict {
    HUSK_VERDICT_FINE = 0,
    HUSK_VERDICT_LEAK,          /* live objects have grown since `before`: somebody holds them */
    HUSK_VERDICT_RETENTION,     /* free memory is kept that could go back: husk_heap_trim, husk_native_trim */
    HUSK_VERDICT_FRAGMENTATION, /* pages are held by few objects each: trimming cannot help */
} husk_verdict;
/* "fine", "leak", "retention", "fragmentation"; NULL for a number that is none. */
HUSK_API HUSK_NULLABLE const char *husk_verdict_name(husk_verdict verdict);

typedef struct husk_balance_sum {
    husk_verdict verdict;
    const char *evidence; /* one line: the numbers behind it */
    uint64_t rss;         /* the sum of the rows */
    uint64_t rss_statm;   /* what statm said before; 0: not known */
    uint64_t live;        /* counted bytes of live objects, slack included, and buffers */
    uint64_t objects;     /* and how many */
    uint64_t live_before; /* the same, in `before` */
    uint64_t objects_before;
    uint64_t milliseconds;   /* since `before` */
    uint64_t held_free;      /* resident and free: free blocks, spare pages, native heap free */
    uint64_t pages;          /* 64 KiB pages of size classes */
    uint64_t pages_sparse;   /* of these, with less than a quarter alive */
    uint64_t sparse_free;    /* bytes free in those */
    bool trimmed;            /* HUSK_BALANCE_TRIM was asked for; then: */
    uint64_t trimmed_heaps;  /* bytes that the heaps gave back */
    uint64_t trimmed_native; /* by how much resident memory fell by husk_native_trim */
    uint64_t rss_trimmed;    /* resident memory afterwards */
} husk_balance_sum;
/* What *out points to is valid as long as balance. */
HUSK_API void husk_balance_sum_get(const husk_balance *balance, husk_balance_sum *out);

/* Writes the sheet as text: a table, then verdict and evidence. Returns its length, which may be more than fits
 * in room (NUL included): then it is cut. buffer may be NULL if room is 0. */
HUSK_API size_t husk_balance_text(const husk_balance *balance, HUSK_NULLABLE char *buffer, size_t room);

#ifdef __cplusplus
}
#endif

#endif
