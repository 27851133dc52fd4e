/* husk/gcstat.h: what passes do, read from another process, which stops nobody.
 *
 * A process that wants to be seen keeps a small page in memory, a file that only its user can open
 * ($XDG_RUNTIME_DIR/husk-gcstat.PID, else /dev/shm/husk-gcstat.PID). Each pass writes its heap's place there, without
 * locks that a reader could hold: a reader tries again until it has a consistent copy (a seqlock). HUSK_GCSTAT=1 in
 * the environment, when a heap is made, makes the page; 0 and nothing are off, any other value is HUSK_EINVAL from
 * husk_heap_new. A page that the system refuses is reported by the heap, which goes without.
 *
 * The page ends with the process. That of a process which was killed is known by the lock that it no longer holds,
 * and the next reader or writer of the same user removes it. A child of fork is not seen until it makes a heap or a
 * pass of it ends outside an allocation: then it has a page of its own.
 * Threads: any. */
#ifndef HUSK_GCSTAT_H
#define HUSK_GCSTAT_H

#include <husk/passes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Makes this process's page, if there is none. Heaps that are there already come into it with their next pass.
 * HUSK_EIO: the system refuses it. */
HUSK_API husk_status husk_gcstat_start(void);
/* Removes it. */
HUSK_API void husk_gcstat_stop(void);
HUSK_API bool husk_gcstat_is_on(void);

enum {
    HUSK_GCSTAT_HEAPS = 16, /* a page has room for so many heaps at a time */
    HUSK_GCSTAT_NAME = 48,  /* names are cut at so many bytes, the zero included */
};

/* One heap of the other process, as its latest pass left it. */
typedef struct husk_gcstat {
    uint64_t heap; /* its number among the heaps of the process that were seen; 1 is the first */
    char name[HUSK_GCSTAT_NAME];
    uint64_t written_ns;     /* the monotonic clock when this was written */
    husk_pass_record latest; /* number 0: there was no pass. Its types are NULL: names are in types */
    char types[HUSK_RECORD_TYPES][HUSK_GCSTAT_NAME];
    husk_pass_sums sums[HUSK_MODES];
    husk_pauses pauses[HUSK_MODES];
    husk_pauses all_pauses;
} husk_gcstat;

/* The heaps of a process: as many as there are, at most room, into out; *count is how many there are.
 * HUSK_EMISSING: no such process, or it has no page. HUSK_EIO: it belongs to another user, or the system refuses.
 * HUSK_EFORMAT: a page of another version. HUSK_EBUSY: the process was stopped in the middle of writing. */
HUSK_API husk_status husk_gcstat_read(int pid, husk_gcstat *out, size_t room, size_t *count);

/* Processes of this user that have a page: at most room numbers into pids; *count is how many there are. */
HUSK_API husk_status husk_gcstat_list(int *pids, size_t room, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
