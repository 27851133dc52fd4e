/* object/tie.h: an entry of a weak container: it knows its target weakly and something else strongly.
 *
 *   container --> rows: [ tie | tie | tie ]      cell of a target --> tie --> tie (of any containers)
 *
 * A tie hangs in the list of its target's cell, so that a death finds all its entries without a search. It says
 * of the container and of the strong part:
 *
 *   weak-key map    target is the key, other the value: an ephemeron (Hayes 1997). other is held while container
 *                   and target both live. A pass marks it when the later of the two is looked at (cycle/mark.c):
 *                   each entry is met twice at most, and nothing is repeated until it settles.
 *   weak-value map  target is the value, other the key, held like any slot
 *   weak set        target alone
 *
 * When the target dies its ties become loose: dead to everybody at once, taken out of their containers in the
 * next step of the drain, before anything else dies or code of the program runs. What they held is released there:
 * no recursion, no memory, however long the chain of entries.
 *
 * The container's table is kinds/weakmap.c's. */
#ifndef HUSK_OBJECT_TIE_H
#define HUSK_OBJECT_TIE_H

#include "object/cell.h"
#include "object/type.h"

#include <husk/value.h>

struct husk__tie {
    uint32_t hash, order; /* the table's (kinds/table.h); hash 0: a hole, the rest is zero */
    husk_obj *target;     /* NULL: dead, the tie is loose */
    husk_value other;
    struct husk__tie *next, **back; /* in the target's list, or among the heap's loose ones */
    husk_obj *owner;                /* the container */
};

/* The start of a container's fixed part, which the container knows as a table, hence may_alias. */
struct __attribute__((may_alias)) husk__tied {
    size_t loose;           /* rows whose target is dead: counted by the table, but not for users */
    struct husk__tie *rows; /* the table begins here */
    size_t used;
};

/* What the data of a container's type points to. */
struct husk__tie_kind {
    /* Takes a loose tie out of its container, unlinked, and gives what it held. */
    husk_value (*forget)(husk_heap *heap, struct husk__tie *tie);
};

/* As husk_type_register, for containers. An ephemeron's type marks its values only for living keys. */
husk_status husk__tied_type(const husk_type_spec *spec, const husk_type **out);
husk_status husk__ephemeron_type(const husk_type_spec *spec, const husk_type **out);

/* A weak-key map has been made: passes look for keys on its page. */
void husk__keymap_born(husk_obj *map);

/* Makes sure that obj has a cell, a request for memory. False: the heap has the failure. */
bool husk__tie_ready(husk_obj *target);

/* Hangs the tie on its target, which has a cell. */
void husk__tie_link(struct husk__tie *tie, husk_obj *target, husk_obj *owner);
/* Takes it off. The tie may be loose. */
void husk__tie_unlink(struct husk__tie *tie);

/* The tie lies elsewhere now; its neighbours must know. */
ALWAYS_INLINE void husk__tie_moved(struct husk__tie *tie)
{
    *tie->back = tie;
    if (tie->next)
        tie->next->back = &tie->next;
}

/* The target dies: all its ties become loose. */
void husk__ties_end(husk_heap *heap, struct husk__cell *cell);

/* Takes all loose ties out of their containers. What they held is released, which only queues: the caller is the
 * drain. */
void husk__ties_forget(husk_heap *heap);

/* The target of a tie may be handed out: not dead, not condemned. */
ALWAYS_INLINE bool husk__tie_is_open(const struct husk__tie *tie)
{
    return tie->target && !husk__is_dying(tie->target);
}

/* The ties of a container. */
#define HUSK__EACH_TIE(obj, tie)                                                                             \
    struct husk__tie *tie = ((struct husk__tied *)husk_obj_data(obj))->rows,                                 \
                     *tie_end_ = tie + (tie ? ((struct husk__tied *)husk_obj_data(obj))->used : 0);          \
    tie < tie_end_;                                                                                          \
    tie++

#endif
