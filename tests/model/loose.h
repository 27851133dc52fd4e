/* tests/model/loose.h: runs with passes and refusals at moments that are the library's own business.
 *
 * What an automatic pass leaves for a safe point is not promised, so only this is compared: nothing reachable from
 * the handles died; nothing unreachable is left after collects that find nothing more, and then all counts are
 * exact; finalizers, disposes and callbacks come at most once, callbacks only for the dead; no hook runs inside an
 * allocation; max_bytes is kept; the heap verifies. */
#ifndef MODEL_LOOSE_H
#define MODEL_LOOSE_H

#include <stdbool.h>
#include <stdint.h>

bool loose_mode(const char *mode);

/* One sequence; returns the operations done. *operation is kept up to date for reports. */
long loose_run(const char *mode, uint64_t seed, long most, long *operation, bool loud);

/* Prints what all of them have met; too little of it is a failure. */
void loose_sums(const char *mode, long done);

#endif
