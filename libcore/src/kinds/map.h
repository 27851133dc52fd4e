/* kinds/map.h: what a map is made of. For map.c and its unit test; programs see <husk/kinds.h>. */
#ifndef HUSK_KINDS_MAP_H
#define HUSK_KINDS_MAP_H

#include <husk/value.h>

typedef struct husk__entry {
    husk_value key; /* nil: removed, and the value is nil too */
    husk_value value;
    uint32_t hash;
    uint32_t order; /* the how-manieth entry this map ever got, modulo 2^32 */
} husk__entry;

/* Entries in the order of insertion, and an open table of their indices:
 *
 *   entries --> [ removed | entry | removed | entry | entry | unused ]
 *                           '- first                          '- used      capacity
 *   index   --> [ 0 | 2 | 0 | 5 | 4 | 0 | 0 | 0 ]   slots: a power of two
 *
 *   - an index slot is 0, or 1 + the number of a live entry in its low bits (below slots) and the same high
 *     bits as that entry's hash above them: most entries that are not the one are passed by without a look
 *     at them;
 *   - an entry is found from slot hash % slots on, before the next 0; no slot is left from a removed entry;
 *   - capacity <= slots / 4 * 3, so that there is always a 0;
 *   - count entries below used are live; the first of them is first, the last is the one before used;
 *   - order rises from entry to entry, and born - order is in 1..2^32-1. */
typedef struct husk__map {
    husk__entry *entries;
    size_t used; /* passes look at that many entries */
    size_t capacity;
    uint32_t *index;
    size_t slots;
    size_t count;
    size_t first;  /* 0 if none is live; so taking entries from the front stays cheap */
    uint32_t born; /* order of the next entry; never set back, so that cursors stay good when entries move */
} husk__map;

#endif
