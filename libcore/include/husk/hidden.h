/* husk/hidden.h: references that the heap cannot see.
 *
 * Hidden references of an object are its count less the slots that hold it: variables of the program, tables of its
 * own, handles of a language, and what the library holds itself (the garbage list, the registry of cleanups, a queued
 * callback). They are what keeps objects alive that no other object keeps. Dying objects still hold what they refer to.
 * The numbers are those of a snapshot's husk_node.hidden.
 *
 * Fewer references than slots is damage: a slot holds a reference that was not counted. A census lists such objects
 * apart; a collect would refuse to free anything (HUSK_ECORRUPT). Every call goes through the whole heap once, changes
 * nothing (a pass in steps is given up, as by any search), and is refused inside a hook (HUSK_EBUSY). Threads: the
 * heap's owner. */
#ifndef HUSK_HIDDEN_H
#define HUSK_HIDDEN_H

#include <husk/census.h>
#include <husk/obj.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of an immortal object, which nobody counts, and where so many slots hold one that their number is not known. */
#define HUSK_HIDDEN_UNKNOWN INT64_MAX

/* Hidden references of one object; below 0: damage. Asks for no memory. For several, husk_obj_hidden_counts: the time
 * is the heap's, however many are asked about. */
HUSK_API husk_status husk_obj_hidden_count(husk_obj *obj, int64_t *out);

/* The same of `count` objects of one heap: out[i] of objects[i]. HUSK_EINVAL: one is of another heap; nothing is
 * written. */
HUSK_API husk_status husk_obj_hidden_counts(husk_obj *const *objects, size_t count, int64_t *out);

/* A census: who is held from outside, by type. */
typedef struct husk_hidden husk_hidden;

typedef struct husk_hidden_options {
    uint32_t struct_size; /* filled by HUSK_HIDDEN_OPTIONS */
    uint32_t abi;
    size_t most_objects; /* so many are listed one by one, those with most first. 0: none */
    bool by_place;       /* rows are by type and place, where traced */
} husk_hidden_options;

#define HUSK_HIDDEN_OPTIONS .struct_size = (uint32_t)sizeof(husk_hidden_options), .abi = 1u

/* Makes one; free it with husk_hidden_free. options NULL: no objects, rows by type. HUSK_ENOMEM; HUSK_EBUSY;
 * HUSK_EINVAL: options of another ABI. */
HUSK_API husk_status husk_hidden_new(husk_heap *heap, HUSK_NULLABLE const husk_hidden_options *options,
                                     husk_hidden **out);
HUSK_API void husk_hidden_free(HUSK_NULLABLE husk_hidden *hidden);

typedef struct husk_hidden_sums {
    size_t examined;     /* live objects */
    size_t objects;      /* with hidden references */
    uint64_t references; /* how many */
    size_t damaged;      /* fewer references than slots that hold them */
    size_t unknown;      /* HUSK_HIDDEN_UNKNOWN: immortal ones and the like */
} husk_hidden_sums;
HUSK_API void husk_hidden_sums_get(const husk_hidden *hidden, husk_hidden_sums *out);

/* Objects with hidden references by type, most references first. False beyond the last one. */
HUSK_API bool husk_hidden_row(const husk_hidden *hidden, size_t index, husk_census_row *out);

/* The objects with most of them, as many as were asked for; equal ones by address. False beyond the last one. */
HUSK_API bool husk_hidden_object(const husk_hidden *hidden, size_t index, husk_census_object *out);

/* Damaged objects by address, as many as were asked for, at least one if there are any; references is below 0. False
 * beyond the last one. */
HUSK_API bool husk_hidden_damaged(const husk_hidden *hidden, size_t index, husk_census_object *out);

#ifdef __cplusplus
}
#endif

#endif
