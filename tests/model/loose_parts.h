/* tests/model/loose_parts.h: what the parts of loose runs know of each other.
 *
 *   loose.c         runs: what is done, and when passes and steps come
 *   loose_look.c    what is reached, what is shown, and what must be true of both
 *   loose_full.c    all that is garbage is gone after the next full pass; the bound */
#ifndef MODEL_LOOSE_PARTS_H
#define MODEL_LOOSE_PARTS_H

#include "world.h"

/* What a long run must have come across. */
enum {
    SUM_HELD,
    SUM_GONE,
    SUM_HIDDEN,
    SUM_EXACT,
    SUM_CLEANED,
    SUM_AT_EXIT,
    SUM_REFUSED,
    SUM_STEPS,
    SUM_PASSES,
    SUM_YOUNG,
    SUM_SOFT,
    SUM_YIELDED,
    SUM_WAITING,
    SUM_DOOMED,
    SUM_LEFT,
    SUM_BOUND,
    SUM_PUT_OFF,
    SUMS
};
extern long loose_sum[SUMS];

extern world loose_world;
extern bool loose_stepping; /* a look at everything would give the pass up */
/* By number. Heard of in events: */
extern bool loose_finalized[MOST_IDS], loose_disposed[MOST_IDS], loose_called[MOST_IDS];
/* At the latest look: */
extern bool loose_shown[MOST_IDS], loose_reached[MOST_IDS];

_Noreturn void loose_fail(const char *what, long a, long b);
/* Takes note of the events since it was last called. */
void loose_hear(bool loud);

/* Compares. exact: no garbage is left. */
void loose_look(bool exact);

/* A full pass; all that was garbage before it is gone, but for what its hooks had in hand. */
void loose_full(bool loud);
/* The heap keeps to its bound, as the heap states it and as the model counts. */
void loose_bound(void);

#endif
