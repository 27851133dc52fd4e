/* kinds/map.h: what a map is made of. For map.c and its unit test; programs see <husk/kinds.h>. */
#ifndef HUSK_KINDS_MAP_H
#define HUSK_KINDS_MAP_H

#include "kinds/table.h"

#include <husk/value.h>

typedef struct husk__entry {
    husk__row row;
    husk_value key; /* nil in a hole, and so is the value */
    husk_value value;
} husk__entry;

typedef struct husk__map {
    husk__table table; /* of husk__entry */
} husk__map;

#endif
