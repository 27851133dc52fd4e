/* object/cell.h: the side cell: what only few objects need, kept apart from all objects.
 *
 * Made when an object is first referenced weakly or known to a weak container, given back when it dies;
 * the weak references point at the object itself, so a lock does not go through the cell. An index names
 * it in the header (4 bytes instead of 8). Cells lie in blocks of 1024 whose numbers are process-wide; a
 * block belongs to one heap. */
#ifndef HUSK_OBJECT_CELL_H
#define HUSK_OBJECT_CELL_H

#include "object/header.h"

#include <husk/weak.h>

struct husk__store;

struct husk__cell {
    husk_obj *target;
    husk_weak *weaks;       /* newest first, linked by husk_weak.next and .back */
    husk_weak *shared;      /* the one without callback, in the list too; or NULL */
    struct husk__tie *ties; /* entries of weak containers that know the target weakly */
    uint32_t count;         /* weak references in the list */
    uint32_t next; /* free cell: index of the next one. Cell 0 of a block: number of the heap's next block. In
                      use: the latest search that has met it as a key (cycle/ephemeron.c) */
};

struct husk__cells {
    uint32_t free;   /* index of a free cell, 0: none */
    uint32_t blocks; /* number of the latest block, 0: none */
    size_t in_use;
};

enum { HUSK__CELLS_PER_BLOCK = 1024, HUSK__MOST_CELL_BLOCKS = 1 << 20 };

extern struct husk__cell *husk__cell_blocks[HUSK__MOST_CELL_BLOCKS];

ALWAYS_INLINE struct husk__cell *husk__cell_at(uint32_t index)
{
    return &husk__cell_blocks[index / HUSK__CELLS_PER_BLOCK][index % HUSK__CELLS_PER_BLOCK];
}

/* A cell for obj, entered in its header. NULL: store->failure. A request only when a new block is needed. */
struct husk__cell *husk__cell_new(struct husk__store *store, struct husk__cells *cells, husk_obj *obj);

/* Gives the cell of obj back; no weak reference is in it. */
void husk__cell_free(struct husk__cells *cells, husk_obj *obj);

/* Gives all blocks back: the end of the heap. */
void husk__cells_close(struct husk__store *store, struct husk__cells *cells);

#endif
