/* bench_weakmap.c: weak-key maps. An entry made and gone with its key; and, where values may refer to keys, a full
 * pass over entries that form one chain, each value the key of the next, in the order that is worst for a search
 * which goes through the map again and again: the last link first. */
#include "bench.h"
#include "system.h"

#include <stdlib.h>

void bench_weakmap(const bench *b)
{
    size_t count = b->objects / 10;
    sys_obj **keys = bench_table(count, sizeof *keys);
    sys_weakmap *map = sys_weakmap_new();
    sys_obj *value = sys_new();
    for (unsigned s = 0; s <= b->samples; s++) {
        for (size_t i = 0; i < count; i++)
            keys[i] = sys_new();
        uint64_t start = bench_now();
        for (size_t i = 0; i < count; i++)
            sys_weakmap_set(map, keys[i], value);
        bench_check(sys_weakmap_count(map) == count, "every key has an entry");
        for (size_t i = 0; i < count; i++)
            sys_end(keys[i]);
        uint64_t ns = bench_now() - start;
        bench_check(sys_weakmap_count(map) == 0, "entries go with their keys");
        if (s > 0)
            bench_sample(b, ns, count);
    }
    sys_end(value);
    sys_weakmap_end(map);
    free(keys);
}

#if SYS_EPHEMERONS
static void measure_chain(const bench *b, size_t count)
{
    sys_obj **links = bench_table(count + 1, sizeof *links);
    sys_weakmap *map = sys_weakmap_new();
    for (size_t i = 0; i <= count; i++)
        links[i] = sys_new();
    for (size_t i = count; i-- > 0;)
        sys_weakmap_set(map, links[i], links[i + 1]);
    for (size_t i = 1; i <= count; i++)
        sys_release(links[i]);
    for (unsigned s = 0; s <= b->samples; s++) {
        uint64_t start = bench_now();
        size_t collected = sys_collect();
        uint64_t ns = bench_now() - start;
        bench_check(collected == 0 && sys_weakmap_count(map) == count, "the first key keeps the chain");
        if (s > 0)
            bench_sample(b, ns, count);
    }
    sys_end(links[0]);
    bench_check(sys_weakmap_count(map) == 0, "the chain ends with its first key");
    sys_weakmap_end(map);
    free(links);
}

void bench_chain(const bench *b)
{
    measure_chain(b, b->objects);
}

void bench_chain_short(const bench *b)
{
    measure_chain(b, b->objects / 10);
}
#endif
