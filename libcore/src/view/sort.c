/* view/sort.c: see sort.h. Numbers: radix sort from the lowest digit, which is stable, so that several columns are
 * sorted by several calls, the least important one first (Knuth, volume 3, 5.2.5). Digits that are the same
 * everywhere are left out: keys here are numbers of names and lines, mostly zeros. Texts: merging from below. */
#include "view/sort.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, DIGIT_VALUES = 1 << DIGIT_BITS, FEW = 48 };

static unsigned digit_of(uint64_t key, unsigned digit)
{
    return (unsigned)(key >> (digit * DIGIT_BITS)) & (DIGIT_VALUES - 1);
}

static void sort_few(struct husk__pair *pairs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct husk__pair pair = pairs[i];
        size_t j = i;
        for (; j > 0 && pairs[j - 1].key > pair.key; j--)
            pairs[j] = pairs[j - 1];
        pairs[j] = pair;
    }
}

static void pass(const struct husk__pair *from, struct husk__pair *to, size_t count, unsigned digit)
{
    uint32_t starts[DIGIT_VALUES] = { 0 };
    for (size_t i = 0; i < count; i++)
        starts[digit_of(from[i].key, digit)]++;
    uint32_t sum = 0;
    for (unsigned v = 0; v < DIGIT_VALUES; v++) {
        uint32_t here = starts[v];
        starts[v] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[digit_of(from[i].key, digit)]++] = from[i];
}

bool husk__sort_pairs(struct husk__pool *pool, struct husk__pair *pairs, size_t count)
{
    if (count <= FEW) {
        sort_few(pairs, count);
        return true;
    }
    uint64_t differ = 0;
    bool sorted = true;
    for (size_t i = 1; i < count; i++) {
        differ |= pairs[i].key ^ pairs[0].key;
        sorted = sorted && pairs[i - 1].key <= pairs[i].key;
    }
    if (sorted)
        return true;
    size_t before = pool->count;
    struct husk__pair *other = POOL_NEW(pool, struct husk__pair, count);
    if (!other)
        return false;
    struct husk__pair *from = pairs, *to = other;
    for (unsigned digit = 0; digit < DIGITS; digit++)
        if (digit_of(differ, digit)) {
            pass(from, to, count, digit);
            struct husk__pair *swap = from;
            from = to;
            to = swap;
        }
    if (from != pairs)
        memcpy(pairs, from, count * sizeof *pairs);
    husk__pool_back(pool, before);
    return true;
}

int husk__text_order(const struct husk__text *a, const struct husk__text *b)
{
    size_t length = a->length < b->length ? a->length : b->length;
    int order = length ? memcmp(a->at, b->at, length) : 0;
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

bool husk__sort_texts(struct husk__pool *pool, const struct husk__text *texts, uint32_t *items, size_t count)
{
    size_t before = pool->count;
    uint32_t *other = POOL_NEW(pool, uint32_t, count);
    if (!other)
        return false;
    uint32_t *from = items, *to = other;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = middle + width < count ? middle + width : count;
            size_t a = start, b = middle;
            for (size_t i = start; i < end; i++) {
                bool left =
                    b == end || (a < middle && husk__text_order(&texts[from[a]], &texts[from[b]]) <= 0);
                to[i] = left ? from[a++] : from[b++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
    husk__pool_back(pool, before);
    return true;
}
