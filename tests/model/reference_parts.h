/* tests/model/reference_parts.h: what the parts of the reference know of each other.
 *
 *   reference.c         operations, and the close
 *   reference_death.c   counts, the list of the dying, events, hooks
 *   reference_tie.c     weak containers
 *   reference_weak.c    weak references and cleanups
 *   reference_soft.c    soft references
 *   reference_queue.c   the queue of the dead
 *   reference_pass.c    passes */
#ifndef MODEL_REFERENCE_PARTS_H
#define MODEL_REFERENCE_PARTS_H

#include "reference.h"

/* ---- lists of numbers ---- */

void list_push(int *list, int *count, int at, int number);
void list_cut(int *list, int *count, int at);

/* ---- death ---- */

void ref_retain(ref_heap *h, int n);
void ref_release(ref_heap *h, int n);
/* *place := n, which the caller has retained. */
void ref_assign(ref_heap *h, int *place, int n);
/* One reference fewer; if none is left and nothing else ends n, it joins the list. */
void ref_one_fewer(ref_heap *h, int n, int *list, int *count);
void ref_hook(ref_heap *h, told told_what, int n, int self);
bool ref_finalizer_pending(const ref_heap *h, int n);
/* True: still dead afterwards. */
bool ref_finalize(ref_heap *h, int n);
/* Lets go of what it holds (but for members of the set), and is gone. */
void ref_reclaim(ref_heap *h, int n);
void ref_drain(ref_heap *h);
void ref_event_add(ref_heap *h, int weak);
/* A call from outside begins: so much may end in it. */
void ref_ration(ref_heap *h);
/* In what begins now all may end. */
void ref_ration_all(ref_heap *h);
enum { MOST_HELD = MOST_SLOTS + ROOM_ROWS + MOST_IDS };
/* What n refers to, in order; how many that is. */
int ref_held(const ref_heap *h, int n, int held[MOST_HELD]);

/* ---- weak references, cleanups ---- */

/* All that knows n weakly is told that n is dead: weak references, newest first, then entries. Returns how many
 * weak references that were. */
int ref_end_weaks(ref_heap *h, int n);
/* The weak reference n, which is dying, leaves its target, and whatever else knows it. */
void ref_weak_leaves(ref_heap *h, int n);
/* A new one for n, or 0. */
int ref_weak_make(ref_heap *h, int n, ref_obj weak);
void ref_weak_to(ref_heap *h, int n, int y, int z);
void ref_lock(ref_heap *h, int n, int y);
/* The callback of a cleanup, or the call of one that is pending. */
void ref_cleanup_called(ref_heap *h, int n);
void ref_cleanup_do(ref_heap *h, act a, int n);
void ref_cleanup_new(ref_heap *h, int n, int y, int z);
int ref_run_cleanups(ref_heap *h);
bool ref_forget_cleanups(ref_heap *h);

/* ---- soft references ---- */

void ref_soft_do(ref_heap *h, act a);
/* n, which is dying, is none of those that hold any more. */
void ref_soft_leaves(ref_heap *h, int n);
/* The end of one whose data has been freed first. */
void ref_soft_drop(ref_heap *h, int n);
/* A pass begins. */
void ref_softs_age(ref_heap *h);

/* ---- the queue of the dead ---- */

void ref_queue_do(ref_heap *h, act a);
/* The target of the watch n has died. */
void ref_watch_arrives(ref_heap *h, int n, bool in_pass);
void ref_watch_leaves(ref_heap *h, int n);
/* The queue n ends, its watches have been let go of. */
void ref_queue_ends(ref_heap *h, int n);

/* ---- weak containers ---- */

/* n is dead: its entries become loose. */
void ref_ties_end(ref_heap *h, int n);
/* Loose entries are taken out, the one that became so last first, and what they held is released. */
void ref_ties_forget(ref_heap *h);
/* The container n ends, what it held has been let go of. */
void ref_ties_leave(ref_heap *h, int n);
void ref_container_do(ref_heap *h, act a, int n);

/* ---- passes ---- */

void ref_collect(ref_heap *h);
void ref_dry(ref_heap *h);
void ref_full_pass(ref_heap *h, ref_pass *p);
/* What waits for the end of the outermost call. */
void ref_settle(ref_heap *h);
/* Those for which `out` is not set, by address. */
int ref_by_address(const ref_heap *h, const bool *out, int *members);
/* How often each object is referred to by the slots and entries of those that are `within`. */
void ref_count_seen(const ref_heap *h, const bool *within, long *seen);

#endif
