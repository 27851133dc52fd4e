/* survey/dryorder.h: the death of a garbage set, thought through: what would die with it, and which code of the program would
 * run in which order, if none of that code changed anything.
 *
 *   finalizers of the set, by address --> the set is reclaimed, by address; what it held outside loses references, and
 *   where those were the last, the drain ends it (its finalizer first), depth first --> callbacks and cleanups
 *
 * It follows object/death.c, cycle/set.c, object/weak.c and object/tie.c step by step, with its own counts of what is
 * lost, so they have to be read together. Nothing is written to the heap. Asks base for memory. */
#ifndef HUSK_DRYORDER_H
#define HUSK_DRYORDER_H

#include "base/grow.h"
#include "cycle/set.h"

struct husk__dry_step {
    int kind;             /* husk_dryrun_kind */
    const husk_obj *hook; /* the object that is finalized; the weak reference; the cleanup */
    const husk_obj *of;   /* the object whose death it is */
    const husk_type *of_type;
};

/* An object of the set, or a follower: one that dies because only what died before held it. */
typedef void husk__dry_fn(const husk_obj *obj, const husk_type *type, size_t bytes, bool follower,
                          void *data);

struct husk__dryorder {
    husk__dry_fn *dies; /* called once for each, in order of death */
    void *data;
    struct husk__grow entries; /* of what has lost references; number 0 is none */
    uint32_t entry_count;
    uint32_t *index; /* entries by address: number; 0: free */
    size_t index_room;
    struct husk__grow steps;
    size_t step_count, disposes;
    uint32_t dying, loose; /* entries, linked: as heap.dying, heap.loose */
    uint32_t events_first, events_last;
    struct husk__grow events;
    bool failed;
};

/* Of a set as cycle/set.h makes it, which stays as it is; it may be empty. False: no memory. */
bool husk__dryorder_run(struct husk__dryorder *order, husk_heap *heap, const struct husk__set *set,
                        husk__dry_fn *dies, void *data);

/* fn for each member, by address; for each follower. */
void husk__dryorder_each_member(husk_heap *heap, const struct husk__set *set,
                                void (*fn)(const husk_obj *obj, void *data), void *data);
void husk__dryorder_each_follower(const struct husk__dryorder *order,
                                  void (*fn)(const husk_obj *obj, void *data), void *data);

const struct husk__dry_step *husk__dryorder_step(const struct husk__dryorder *order, size_t index);

void husk__dryorder_free(struct husk__dryorder *order);

#endif
