/* bound.c: what a full collection cannot do without, whatever its method: every object's bytes pass the processor once, and
 * every reference changes one small number that belongs to the object it leads to. A plain loop over N blocks of 48 bytes
 * (Husk's, header included), one after the other, and for each of their two references one 16-bit update at the place
 * of its target, in a table of 2 bytes for each block. The references are those of the random graph. No marking, no
 * reachability, no second look: a lower bound for the rows held, live and aged by bandwidth and latency alone.
 *
 * It speaks as the other programs do; its sum is that of the table. */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
    uint64_t head[2];
    uint32_t to[2][2]; /* the target's number, where others have a pointer of 8 bytes */
    int64_t number;
    uint64_t rest;
} block;
_Static_assert(sizeof(block) == 48, "the size that Husk's block of two references and one integer has");

static uint32_t below(uint32_t *state, size_t limit)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return (uint32_t)((uint64_t)x * limit >> 32);
}

static uint64_t pass(const block *blocks, size_t count, uint16_t *table)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        const block *b = &blocks[i];
        seen += b->head[0] + (uint64_t)b->number;
        table[b->to[0][0]]++;
        table[b->to[1][0]]++;
    }
    return seen;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        puts("a loop in C\nbound");
        return 0;
    }
    size_t count = argc == 4 && strcmp(argv[1], "bound") == 0 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long samples = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
    if (count == 0 || count > 100000000 || samples == 0 || samples > 1000) {
        fprintf(stderr, "usage: %s bound SIZE SAMPLES, or --list\n", argv[0]);
        return 2;
    }
    block *blocks = bench_table(count, sizeof *blocks);
    uint16_t *table = bench_table(count, sizeof *table);
    uint32_t state = 42;
    for (size_t i = 0; i < count; i++) {
        blocks[i].head[0] = 1;
        blocks[i].to[0][0] = below(&state, count);
        blocks[i].to[1][0] = below(&state, count);
    }
    for (unsigned s = 0; s <= samples; s++) {
        memset(table, 0, count * sizeof *table);
        uint64_t start = bench_now();
        uint64_t seen = pass(blocks, count, table);
        uint64_t ns = bench_now() - start;
        bench_check(seen == count, "every block is read");
        if (s > 0)
            printf("bound %.4f\n", (double)ns / (double)count);
    }
    uint64_t edges = 0;
    for (size_t i = 0; i < count; i++)
        edges += table[i];
    bench_check(edges == 2 * count, "every reference is counted");
    printf("sum %" PRIu64 "\n", edges & UINT32_MAX);
    return 0;
}
