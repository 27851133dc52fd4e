/* proc/threads.h: the threads of a process, and which mappings are their stacks. */
#ifndef HUSK_PROC_THREADS_H
#define HUSK_PROC_THREADS_H

#include "proc/read.h"

#include <husk/process.h>

enum { HUSK__MOST_THREADS = 512 }; /* whose stacks are looked for */

/* On the stack. */
struct husk__stacks {
    int memory; /* the process's memory, to be read; -1: not allowed */
    size_t count;
    size_t threads;                  /* of the process, if more than count */
    int32_t ids[HUSK__MOST_THREADS]; /* of the threads whose stack has not been met; 0: it has */
};

void husk__stacks_open(struct husk__stacks *stacks, const struct husk__proc *proc);
void husk__stacks_close(struct husk__stacks *stacks);

/* If this private mapping is the stack of a thread, its number; else 0. guard_end as in husk__smaps. */
int64_t husk__stacks_thread(struct husk__stacks *stacks, const husk_map *map, uint64_t guard_end);

#endif
