/* view/take.h: the parts of which view/take.c puts a snapshot together. Each answers false when memory is short or
 * the snapshot's limit is met (snapshot->over). */
#ifndef HUSK_VIEW_TAKE_H
#define HUSK_VIEW_TAKE_H

#include "object/state.h"
#include "view/snapshot.h"

#include <sys/types.h>

/* husk_snapshot_new in a child of the process that the snapshot is of: pid; 0: of this one. */
husk_status husk__take(husk_heap *heap, const husk_snapshot_options *options, pid_t pid, husk_snapshot **out);

/* META: version, time, process, heap. heap may be NULL. */
bool husk__take_about(struct husk_snapshot *snapshot, const husk_heap *heap, bool edges, pid_t pid);

/* NODES, NODE_SITE, TYPES, FIELDS, SPILL; and, if asked for, the edges (view/takegraph.c). */
bool husk__take_graph(struct husk_snapshot *snapshot, husk_heap *heap, bool edges);

/* Which types have a row so far (view/taketypes.c); all zero at first. */
struct husk__take_types {
    uint32_t *rows; /* by the type's id; 0: no row yet */
    size_t room;
};
/* The row of a type, made when the first object of it is met; 0: no memory. */
uint32_t husk__take_type(struct husk_snapshot *snapshot, struct husk__take_types *types,
                         const husk_type *type);
void husk__take_types_free(struct husk__take_types *types);

/* BLOCKS, RECORDS and all that they refer to, of the heap's tracer and of the process's (view/takesites.c). Sites
 * that stand in NODE_SITE already are rows of RECORDS afterwards. */
bool husk__take_sites(struct husk_snapshot *snapshot, husk_heap *heap, uint32_t flags);

/* MODULES, and in FRAMES the functions and modules of native ones (view/takesymbols.c). */
bool husk__take_symbols(struct husk_snapshot *snapshot);

/* NUMBERS, CLASSES, PASSES, MAPS. */
bool husk__take_figures(struct husk_snapshot *snapshot, husk_heap *heap, uint32_t flags, pid_t pid);

#endif
