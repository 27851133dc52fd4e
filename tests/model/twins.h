/* tests/model/twins.h: passes in steps on one heap against passes at once on another, which the same random program
 * fills.
 *
 * When a pass in steps begins, the twin is collected at once. What may be compared: nothing that the program reaches
 * ever dies in either; when the pass in steps has finished, all that was garbage when it began is gone, unless a weak
 * lock brought it back; the twin has just what is reached after each of its passes; a full pass then makes both
 * alike. Between two steps the program does what it likes: births and deaths, whole chunks coming and going, slots
 * exchanged without counts, locks on garbage, entries of weak-key maps, trims, refused requests, other passes. */
#ifndef MODEL_TWINS_H
#define MODEL_TWINS_H

#include <stdbool.h>
#include <stdint.h>

/* One sequence; returns the operations done. *operation is kept up to date for reports. */
long twins_run(uint64_t seed, long most, long *operation, bool loud);

/* Prints what all of them have met; too little of it is a failure. */
void twins_sums(long done);

#endif
