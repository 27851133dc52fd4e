/* view/index.h: numbers for keys: each different key, a few words, gets the next number. Open addressing; keys are never
 * taken out. */
#ifndef HUSK_VIEW_INDEX_H
#define HUSK_VIEW_INDEX_H

#include "base/grow.h"

#include <stdint.h>

struct husk__index {
    size_t words; /* of a key */
    struct husk__grow keys;
    uint32_t *table; /* number + 1; a power of two, at most half full */
    size_t room;
};

enum { INDEX_NONE = UINT32_MAX };

/* All zero but `words` is an empty one. */
size_t husk__index_count(const struct husk__index *index);
const uint64_t *husk__index_key(const struct husk__index *index, uint32_t number);
/* Its number; a key that is new gets the next one. INDEX_NONE: no memory. */
uint32_t husk__index_add(struct husk__index *index, const uint64_t *key);
void husk__index_free(struct husk__index *index);

#endif
