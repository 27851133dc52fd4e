/* view/pool.c: see pool.h. */
#include "view/pool.h"

#include "base/check.h"

void *husk__pool_new(struct husk__pool *pool, size_t count, size_t item)
{
    if (count > SIZE_MAX / 2 / item)
        return NULL;
    ALWAYS(pool->count < POOL_MOST, "pool: more than %d arrays", POOL_MOST);
    size_t bytes = count ? count * item : item;
    void *at = husk__raw_new(bytes);
    if (at) {
        pool->blocks[pool->count].at = at;
        pool->blocks[pool->count].bytes = bytes;
        pool->count++;
    }
    return at;
}

void husk__pool_keep(struct husk__pool *pool, const void *at, size_t *bytes)
{
    for (size_t i = 0; i < pool->count; i++)
        if (pool->blocks[i].at == at) {
            *bytes = pool->blocks[i].bytes;
            pool->blocks[i] = pool->blocks[--pool->count];
            return;
        }
    ALWAYS(false, "pool: %p is not one of its arrays", at);
}

void husk__pool_back(struct husk__pool *pool, size_t count)
{
    while (pool->count > count) {
        pool->count--;
        husk__raw_free(pool->blocks[pool->count].at, pool->blocks[pool->count].bytes);
    }
}

void husk__pool_free(struct husk__pool *pool)
{
    husk__pool_back(pool, 0);
}
