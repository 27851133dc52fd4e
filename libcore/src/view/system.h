/* view/system.h: what a snapshot keeps of the process and of the allocator (view/take.h puts it together).
 * Each answers false when memory is short or the snapshot's limit is met. */
#ifndef HUSK_VIEW_SYSTEM_H
#define HUSK_VIEW_SYSTEM_H

#include "view/snapshot.h"

/* NUMBERS of the groups process, system, cgroup and balance; MAPS if flags (HUSK_SNAPSHOT_...) want it. heap
 * may be NULL. pid: the process that this one is a copy of (husk_snapshot_fork), 0: this one. */
bool husk__take_process(struct husk_snapshot *snapshot, husk_heap *heap, uint32_t flags, int64_t pid);

/* CLASSES. */
bool husk__take_classes(struct husk_snapshot *snapshot, const husk_heap *heap);

#endif
