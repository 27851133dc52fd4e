/* tests/support/types.h: the types that stories are told about. */
#ifndef TESTS_TYPES_H
#define TESTS_TYPES_H

#include "fixture.h"

typedef struct node node;
typedef void node_hook(node *self);
struct node {
    husk_obj *a, *b;
    int64_t number;
    node_hook *hook; /* hooked nodes: runs in finalize */
    void *data;
};

typedef struct leaf {
    int64_t number;
} leaf;

typedef struct row_item {
    int64_t number;
    husk_obj *ref;
} row_item;
typedef struct row { /* a trailing array */
    size_t count;
    int64_t number;
} row;

typedef struct bag { /* a buffer of references */
    husk_obj **refs;
    size_t count, room;
    int64_t number;
} bag;

typedef struct odd { /* references that only a callback knows: refs[i] is one if bit i of mask is set */
    unsigned mask;
    int64_t number;
    husk_obj *refs[4];
} odd;

typedef struct pair {
    husk_value first, second;
    int64_t number;
} pair;

typedef struct vast { /* larger than any size class: references at both ends */
    husk_obj *first;
    unsigned char body[40000];
    husk_obj *last;
} vast;

typedef struct huge { /* a mapping of its own */
    husk_obj *first;
    unsigned char body[3u << 20];
    husk_obj *last;
} huge;

extern const husk_type *type_node;   /* two references, no hooks */
extern const husk_type *type_hooked; /* node with finalize and dispose */
extern const husk_type *type_closed; /* node with dispose only */
extern const husk_type *type_leaf;
extern const husk_type *type_goner; /* laid out as node, without references, finalize and dispose */
extern const husk_type *type_tree;  /* node, acyclic */
extern const husk_type *type_row, *type_bag, *type_odd, *type_pair, *type_vast, *type_huge;

/* Runs of hooked nodes' finalize, and of dispose of hooked and closed nodes, since tally_reset; the numbers of
 * the disposed, in order. */
enum { TALLY_ORDER = 64 };
typedef struct tally_counts {
    size_t finalized, disposed;
    int64_t order[TALLY_ORDER];
} tally_counts;
extern tally_counts tally;
void tally_reset(void);

/* Registers all; before any story. */
void types_setup(void);

static inline node *node_of(husk_obj *obj)
{
    return (node *)husk_obj_data(obj);
}

/* A node of a type laid out as node, with a number; NULL if out of memory. */
husk_obj *node_new(husk_heap *heap, const husk_type *type, int64_t number);
/* Stores value in slot a or b and checks the status. */
void link_a(husk_obj *self, husk_obj *value);
void link_b(husk_obj *self, husk_obj *value);
/* One object of garbage: it holds itself. False: out of memory. */
bool litter(husk_heap *heap, const husk_type *type);
/* Passes that the heap has run. */
uint64_t passes(const husk_heap *heap);
/* Adds a reference to a bag; HUSK_ENOMEM and the like from the buffer. */
husk_status bag_add(husk_obj *self, husk_obj *value);

#endif
