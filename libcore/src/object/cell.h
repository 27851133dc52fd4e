/* object/cell.h: the side cell: what only few objects need, kept apart from all objects.
 *
 * Most objects that are referenced weakly have one weak reference: then the header names that one, and there is no
 * cell (a lone weak reference; object/weak.h finds it). A cell is made for the second one, or when a weak container
 * knows the object, and given back when it dies; the weak references point at the object itself, so a lock goes
 * through neither. Cells lie in blocks of 1024 whose numbers are process-wide; a block belongs to one heap.
 *
 *   header.cell   0                 never referenced weakly, or the lone weak reference has ended
 *                 bit 31 set        a lone weak reference: bits 30..0 are bits 33..3 of its address; those above are
 *                                   the object's own. One in another 16 GiB gets a cell
 *                 any other         index of a cell (4 bytes instead of 8) */
#ifndef HUSK_OBJECT_CELL_H
#define HUSK_OBJECT_CELL_H

#include "object/header.h"

#include <husk/weak.h>

struct husk__store;

struct husk__cell {
    husk_obj *target;
    husk_weak *weaks;       /* those with callback, newest first, linked by husk_weak.next and .back */
    husk_weak *shared;      /* the one without callback, or NULL */
    struct husk__tie *ties; /* entries of weak containers that know the target weakly */
    uint32_t count;         /* weak references, the shared one too */
    uint32_t next; /* free cell: index of the next one. Cell 0 of a block: number of the heap's next block. In
                      use: the latest search that has met it as a key (cycle/ephemeron.c) */
};

struct husk__cells {
    uint32_t free;   /* index of a free cell, 0: none */
    uint32_t blocks; /* number of the latest block, 0: none */
    size_t in_use;   /* objects with a cell; those with a lone weak reference are husk__store.lones */
};

enum { HUSK__CELLS_PER_BLOCK = 1024, HUSK__MOST_CELL_BLOCKS = 1 << 20 };

extern struct husk__cell *husk__cell_blocks[HUSK__MOST_CELL_BLOCKS];

#define CELL_LONE HUSK__LONE

/* What stands for the cell of an object with a lone weak reference: one, and no entries. To be read only. */
extern const struct husk__cell husk__lone_cell;

ALWAYS_INLINE struct husk__cell *husk__cell_at(uint32_t index)
{
    if (UNLIKELY(index & CELL_LONE))
        return (struct husk__cell *)(uintptr_t)&husk__lone_cell;
    return &husk__cell_blocks[index / HUSK__CELLS_PER_BLOCK][index % HUSK__CELLS_PER_BLOCK];
}

/* A cell for obj that nobody enters in its header yet. 0: store->failure. A request only when a new block is needed. */
uint32_t husk__cell_new(struct husk__store *store, struct husk__cells *cells, husk_obj *obj);

/* Gives the cell of obj back, which is no lone weak reference; none is in it. */
void husk__cell_free(struct husk__cells *cells, husk_obj *obj);

/* Gives all blocks back: the end of the heap. */
void husk__cells_close(struct husk__store *store, struct husk__cells *cells);

#endif
