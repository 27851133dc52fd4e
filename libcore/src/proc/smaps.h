/* proc/smaps.h: the mappings of a process one after the other, with their numbers or without. */
#ifndef HUSK_PROC_SMAPS_H
#define HUSK_PROC_SMAPS_H

#include "proc/read.h"

#include <husk/process.h>

/* On the stack; asks for no memory. */
struct husk__smaps {
    const struct husk__proc *proc;
    const char *file;
    struct husk__lines lines;
    uint64_t guard_end; /* where the inaccessible mapping before this one ends; 0: there is none */
    uint64_t last_end;
    bool last_guard;
    char path[HUSK__LINES_ROOM];
};

husk_status husk__smaps_open(struct husk__smaps *smaps, const struct husk__proc *proc, bool sizes);
/* The next mapping; its path lasts until the next call. false: that was the last, or reading failed, which
 * husk__smaps_close tells. */
bool husk__smaps_next(struct husk__smaps *smaps, husk_map *out);
husk_status husk__smaps_close(struct husk__smaps *smaps);

#endif
