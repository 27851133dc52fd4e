/* view/sort.h: sorting without recursion, comparison functions of the C library, or quadratic cases. */
#ifndef HUSK_VIEW_SORT_H
#define HUSK_VIEW_SORT_H

#include "view/pool.h"

#include <stdbool.h>

struct husk__pair {
    uint64_t key;
    uint32_t item;
};

/* By key, ascending; equal keys keep their order. False: no memory. */
bool husk__sort_pairs(struct husk__pool *pool, struct husk__pair *pairs, size_t count);

/* A text of some length, any bytes. */
struct husk__text {
    const char *at;
    size_t length;
};

/* <0, 0, >0: by bytes; what is a beginning of the other one comes first. */
int husk__text_order(const struct husk__text *a, const struct husk__text *b);

/* Sorts item numbers by the texts they stand for. False: no memory. */
bool husk__sort_texts(struct husk__pool *pool, const struct husk__text *texts, uint32_t *items, size_t count);

#endif
