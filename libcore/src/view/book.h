/* view/book.h: several snapshots put side by side for a report: one tree of all their tracebacks, tables of their
 * groups, one set of names. What does not fit is cut, and what was cut is counted.
 *
 * Snapshots of different processes agree by names, so frames and groups are told by their bytes. At most BOOK_DETAIL
 * snapshots, evenly chosen, are shown in detail: of the others the report has figures only. Values are not kept
 * for all of them: tree and tables are filled for one at a time, once to choose what is shown, once to write it. */
#ifndef HUSK_VIEW_BOOK_H
#define HUSK_VIEW_BOOK_H

#include "base/json.h"
#include "view/index.h"
#include "view/pool.h"
#include "view/snapshot.h"
#include "view/alive.h"

enum { BOOK_DETAIL = 16 };

struct husk__book {
    const struct husk_snapshot *const *snapshots;
    size_t count;
    size_t detail[BOOK_DETAIL], details; /* of these */
    struct husk_snapshot *strings;       /* all names, each once */
    uint32_t *written;                   /* of these: number in the page + 1; 0: not in it */
    struct husk__grow order;             /* uint32_t: names in the page, by number */
};

/* The bytes of a page that are left, and what they cost at most. Once something did not fit nothing does. */
struct husk__budget {
    size_t left;
    bool spent;
};
bool husk__budget_take(struct husk__budget *budget, size_t bytes);
size_t husk__digits(uint64_t value);

/* The number of a name; *failed is set when memory is short. */
uint32_t husk__book_string(struct husk__book *book, const char *bytes, size_t length, bool *failed);
/* What it costs to show a name, and that it is shown. False: no memory. */
size_t husk__book_name_cost(const struct husk__book *book, uint32_t string);
bool husk__book_name_use(struct husk__book *book, uint32_t string);
uint32_t husk__book_name(const struct husk__book *book, uint32_t string);

/* ---- the tree ---- */

struct husk__tree {
    struct husk__book *book;
    struct husk__index frames; /* name, file, line | kind << 32, address + 1 or 0 */
    struct husk__index nodes;  /* parent, frame; number 0 is the root */
    struct husk__grow most;    /* of nodes: uint64_t bytes, count: the greatest there were */
    struct husk__grow now; /* of nodes: uint64_t bytes, count of the snapshot filled last, callees included */
    struct husk__grow shown;       /* uint32_t: nodes in the page, parents first */
    uint32_t *place;               /* of nodes: number in the page, or INDEX_NONE */
    uint32_t *cut;                 /* of nodes in the page: children that are not in it */
    struct husk__grow frame_order; /* uint32_t: frames in the page */
    uint32_t *frame_place;
};
enum { TREE_PLACE = 0, TREE_TYPE = 1 }; /* kind of a frame: a place, or the type of what was made there */

/* Puts the snapshots' tracebacks in. */
bool husk__tree_make(struct husk__tree *tree, struct husk__book *book);
/* Chooses what is shown, the largest first. */
bool husk__tree_choose(struct husk__tree *tree, struct husk__pool *pool, struct husk__budget *budget);
/* Writes "frames" and "tree". */
bool husk__tree_write(struct husk__tree *tree, struct husk__json *json);
void husk__tree_free(struct husk__tree *tree);

/* ---- tables ---- */

struct husk__table {
    int by;
    struct husk__index rows; /* name, function, line, offset + 1 or 0 */
    struct husk__grow most;  /* of rows: uint64_t bytes, count */
    struct husk__grow shown; /* uint32_t: rows in the page */
    uint32_t *place;         /* of rows: number in the page, or INDEX_NONE */
};

bool husk__table_make(struct husk__table *table, struct husk__book *book, int by);
bool husk__table_choose(struct husk__table *table, struct husk__pool *pool, struct husk__book *book,
                        struct husk__budget *budget);
bool husk__table_write(struct husk__table *table, struct husk__book *book, struct husk__json *json);
void husk__table_free(struct husk__table *table);

#endif
