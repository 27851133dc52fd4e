/* husk/census.h: the rows that dry runs, censuses of hidden references and reports of leaks are made of.
 *
 * They hold no references: an object is an address, which may be that of another one as soon as the heap goes on.
 * Texts of types live as long as the process, those of places as long as their report. */
#ifndef HUSK_CENSUS_ROWS_H
#define HUSK_CENSUS_ROWS_H

#include <husk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Objects of one type, or of one type and place. */
typedef struct husk_census_row {
    const char *type;
    const char *place; /* where they were made, its newest frame; "": not traced, or rows are by type alone */
    size_t objects;
    size_t bytes;        /* of their blocks, headers included; buffers are not */
    uint64_t references; /* hidden ones; 0 in other reports */
} husk_census_row;

/* One object. */
typedef struct husk_census_object {
    uint64_t address;
    const char *type;
    const char *place;
    size_t bytes;
    int64_t references; /* hidden ones; 0 in other reports */
    bool follower;      /* not garbage itself, but only garbage holds it */
} husk_census_object;

#ifdef __cplusplus
}
#endif

#endif
