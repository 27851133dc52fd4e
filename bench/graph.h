/* graph.h: a random graph that lives, of objects with two references and one integer, for the rows of `make bench`
 * and of `make bench-peers`. Compiled for each system against its header, as they are.
 *
 * The graph: a random binary tree over all objects, in random order of birth, which takes one reference less than there
 * are objects, so that the root holds everything; all other references go to random objects, one of them to the root, so
 * that the graph holds itself. "aged": the same after every object was replaced three times, in random order, by a new
 * one with the same references in and out: where an object lies has then nothing to do with its birth. */
#ifndef BENCH_GRAPH_H
#define BENCH_GRAPH_H

#include "bench.h"
#ifdef PEER_SYSTEM
#include PEER_SYSTEM
#else
#include "system.h"
#endif

typedef struct graph {
    size_t count;
    uint32_t root;
    uint32_t *out; /* out[2 * i + k]: where reference k of object i goes; the caller frees it */
    sys_obj **at;  /* the object for each number, whose sys_number it is; each entry holds one reference */
} graph;

/* A number below `below`. The programs of one table draw the same ones in every language. */
typedef uint32_t graph_random(void *state, size_t below);

/* `at` has room for `count` references and lies where the system looks for them. */
void graph_build(graph *g, size_t count, sys_obj **at, bool aged, graph_random *random, void *state);

/* From here on only the root holds the graph: the root, whose reference is the caller's. Empties `at`. */
sys_obj *graph_let_go(graph *g);

/* Calls seen for all that the root reaches, in breadth-first order; wants `count` objects. */
typedef void graph_seen(sys_obj *o, void *data);
void graph_walk(sys_obj *root, size_t count, graph_seen *seen, void *data);

#endif
