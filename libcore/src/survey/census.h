/* survey/census.h: objects grouped by type and by where they were made, and some of them one by one: what dry runs, censuses
 * of hidden references and reports of leaks are made of.
 *
 *   husk__census_add (each object) --> rows by type and stack, places as numbers
 *   husk__census_end               --> places as texts, rows of one text together, the largest first
 *
 * It keeps texts and types, which live as long as the process, and addresses: no references. Asks base for memory;
 * what was refused is told once, at the end. */
#ifndef HUSK_CENSUS_H
#define HUSK_CENSUS_H

#include "base/grow.h"
#include "object/state.h"
#include "view/pool.h"

#include <husk/census.h>

struct husk__census_row {
    const husk_type *type;
    uint32_t place; /* number of the place; 0: not known, or not asked for */
    size_t objects, bytes;
    uint64_t references;
};

struct husk__census_object {
    const husk_obj *at; /* as an address: it may be gone */
    const husk_type *type;
    uint32_t place;
    size_t bytes;
    int64_t references;
    bool flag; /* the caller's */
};

struct husk__census {
    bool by_place, failed;
    struct husk__grow rows, objects;
    size_t row_count, object_count;
    struct husk__grow stacks; /* of places, by number */
    size_t place_count;
    uint32_t *index, *place_index; /* rows and places by hash: number + 1; 0: free */
    size_t index_room, place_room;
    struct husk__pool pool;
    /* after the end */
    struct husk__grow texts;
    size_t *text_at; /* of each place; "" for number 0 */
    uint32_t *order; /* of the rows that are left */
    size_t order_count;
};

/* by_place: rows are by type and place, not by type alone. */
void husk__census_begin(struct husk__census *census, bool by_place);

/* Counts an object. */
void husk__census_add(struct husk__census *census, const husk_obj *obj, const husk_type *type, size_t bytes,
                      uint64_t references);

/* Notes it by itself too; its number, or SIZE_MAX: no memory. */
size_t husk__census_list(struct husk__census *census, const husk_obj *obj, const husk_type *type,
                         size_t bytes, int64_t references, bool flag);

/* Puts an object over one that was listed. */
void husk__census_replace(struct husk__census *census, size_t number, const husk_obj *obj,
                          const husk_type *type, size_t bytes, int64_t references, bool flag);

/* Names places and sorts the rows: by references if there are any, then bytes, then type and place. False: memory was
 * refused, here or before. Traced stacks are still there: before the heap ends. */
bool husk__census_end(struct husk__census *census);

/* After the end. NULL and false beyond the last one. */
const struct husk__census_row *husk__census_row_at(const struct husk__census *census, size_t index);
bool husk__census_show_row(const struct husk__census *census, size_t index, husk_census_row *out);
bool husk__census_show_object(const struct husk__census *census, size_t index, husk_census_object *out);
/* At any time. */
struct husk__census_object *husk__census_object_at(const struct husk__census *census, size_t index);
const char *husk__census_place(const struct husk__census *census, uint32_t place);

void husk__census_free(struct husk__census *census);

#endif
