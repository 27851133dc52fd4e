/* view/pool.h: arrays that a computation needs until its end, freed together: whoever fails half way has one call to
 * make and cannot forget one. */
#ifndef HUSK_VIEW_POOL_H
#define HUSK_VIEW_POOL_H

#include "base/memory.h"

enum { POOL_MOST = 96 }; /* a computation asks for a fixed number of arrays, however much it has to do */

struct husk__pool {
    struct {
        void *at;
        size_t bytes;
    } blocks[POOL_MOST];
    size_t count;
};

/* `count` zeroed elements; at least one, so that NULL always means: no memory. */
void *husk__pool_new(struct husk__pool *pool, size_t count, size_t item);
#define POOL_NEW(pool, type, count) ((type *)husk__pool_new((pool), (count), sizeof(type)))

/* Makes one of them the caller's, who frees it: *bytes of it. */
void husk__pool_keep(struct husk__pool *pool, const void *at, size_t *bytes);

/* Frees what was made since the pool had `count` blocks. */
void husk__pool_back(struct husk__pool *pool, size_t count);
void husk__pool_free(struct husk__pool *pool);

#endif
