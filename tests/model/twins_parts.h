/* tests/model/twins_parts.h: what the parts of the twins know of each other.
 *
 *   twins.c           the runs: steps of the program and of the collector in turn, and what must be true after them
 *   twins_world.c     what is reached and what is there, in both heaps
 *   twins_program.c   what the program does, the same in both */
#ifndef MODEL_TWINS_PARTS_H
#define MODEL_TWINS_PARTS_H

#include "random.h"

#include <husk.h>

enum { MOST = 30000, SLOTS = 3, ROOTS = 48, WEAKS = 24, ENTRIES = 3, STEPS_ENOUGH = 20000, STAR = 2600 };

typedef enum sort { PLAIN, FINAL, ROWS, WIDE, VAST, HUGE, LEAF, MAP, SORTS } sort;

typedef struct body {
    uint64_t number;
    husk_obj *ref[SLOTS];
} body;
typedef struct rows {
    uint64_t number;
    husk_obj *ref[SLOTS];
    size_t count;
} rows;

typedef struct entry {
    int map, value;
    bool counted;
} entry;

typedef struct known {
    husk_obj *obj[2]; /* NULL: gone from that heap when last looked at */
    sort sort;
    int slot[SLOTS]; /* 0: empty */
    entry entry[ENTRIES];
    int entries;
    bool reached, doomed; /* doomed: garbage when the pass in steps began, and untouched since */
    bool present[2], finalized[2];
} known;

extern known twins_all[MOST];
extern int twins_born, twins_roots[ROOTS], twins_maps[MOST / 8], twins_map_count;
typedef struct watcher {
    husk_weak *weak[2];
    int target;
} watcher;
extern watcher twins_weaks[WEAKS];
extern husk_heap *twins_heap[2]; /* 0: in steps */
extern const husk_type *twins_types[SORTS];
extern long *twins_current; /* operation */

enum {
    PASSES,
    STEPS,
    DOOMED,
    GIVEN_UP,
    BACK,
    REFUSED,
    CLOSED,
    YOUNG,
    EPHEMERONS,
    HURRIED,
    MISTAKEN,
    CLEARED,
    STARS,
    SUMS
};
extern long twins_met[SUMS];

_Noreturn void twins_fail(const char *what, long a, long b);

/* ---- twins_world.c ---- */

void twins_setup(void);
husk_obj **twins_place(int n, int slot, int twin);
/* Fills in what is reached: slow and obvious. */
void twins_search(void);
/* Nothing that is reached has died. exact: and nothing else is there. Returns how much garbage is. */
long twins_look(int twin, bool exact);
void twins_verify(int twin);
void twins_collect(int twin);

/* ---- twins_program.c ---- */

/* One operation. */
void twins_churn(random64 *r);
void twins_set_root(int at, int n, husk_obj *const obj[2]);

#endif
