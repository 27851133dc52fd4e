/* object/cell.c: blocks of side cells and their free list. See cell.h. */
#include "object/cell.h"

#include "store/store.h"

#include <pthread.h>

#define BLOCK_BYTES (HUSK__CELLS_PER_BLOCK * sizeof(struct husk__cell))

struct husk__cell *husk__cell_blocks[HUSK__MOST_CELL_BLOCKS]; /* number 0 stays empty: index 0 is "none" */
const struct husk__cell husk__lone_cell = { .count = 1 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t next_number = 1; /* no free number below it */

static bool enter_block(struct husk__cell *block, uint32_t *number)
{
    pthread_mutex_lock(&lock);
    uint32_t n = next_number;
    while (n < HUSK__MOST_CELL_BLOCKS && husk__cell_blocks[n])
        n++;
    if (n < HUSK__MOST_CELL_BLOCKS) {
        husk__cell_blocks[n] = block;
        next_number = n + 1;
        *number = n;
    }
    pthread_mutex_unlock(&lock);
    return n < HUSK__MOST_CELL_BLOCKS;
}

static bool grow(struct husk__store *store, struct husk__cells *cells)
{
    struct husk__cell *block = husk__charged_resize(store, NULL, 0, BLOCK_BYTES);
    if (!block)
        return false;
    uint32_t number;
    if (!enter_block(block, &number)) {
        husk__charged_free(store, block, BLOCK_BYTES);
        store->failure = HUSK_ENOMEM;
        return false;
    }
    block[0].next = cells->blocks;
    cells->blocks = number;
    for (uint32_t i = HUSK__CELLS_PER_BLOCK - 1; i > 0; i--) {
        block[i].next = cells->free;
        cells->free = number * HUSK__CELLS_PER_BLOCK + i;
    }
    return true;
}

/* At the limit, what came free may have left a cell. */
static NEVER_INLINE bool make_room(struct husk__store *store, struct husk__cells *cells)
{
    bool have = grow(store, cells);
    for (bool again = false; !have && store->on_limit(store, again); again = true)
        have = cells->free || grow(store, cells);
    return have;
}

uint32_t husk__cell_new(struct husk__store *store, struct husk__cells *cells, husk_obj *obj)
{
    if (UNLIKELY(!cells->free) && !make_room(store, cells))
        return 0;
    uint32_t index = cells->free;
    struct husk__cell *cell = husk__cell_at(index);
    cells->free = cell->next;
    *cell = (struct husk__cell){ .target = obj };
    return index;
}

void husk__cell_free(struct husk__cells *cells, husk_obj *obj)
{
    struct husk__cell *cell = husk__cell_at(obj->cell);
    *cell = (struct husk__cell){ .next = cells->free };
    cells->free = obj->cell;
    cells->in_use--;
    obj->cell = 0;
}

size_t husk_obj_weak_count(const husk_obj *obj)
{
    return obj->cell ? husk__cell_at(obj->cell)->count : 0;
}

void husk__cells_close(struct husk__store *store, struct husk__cells *cells)
{
    while (cells->blocks) {
        uint32_t number = cells->blocks;
        struct husk__cell *block = husk__cell_blocks[number];
        cells->blocks = block[0].next;
        pthread_mutex_lock(&lock);
        husk__cell_blocks[number] = NULL;
        if (number < next_number)
            next_number = number;
        pthread_mutex_unlock(&lock);
        husk__charged_free(store, block, BLOCK_BYTES);
    }
    cells->free = 0;
}
