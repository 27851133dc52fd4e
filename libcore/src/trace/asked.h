/* trace/asked.h: tracing that the environment asks for: HUSK_TRACE (husk/trace.h). */
#ifndef HUSK_TRACE_ASKED_H
#define HUSK_TRACE_ASKED_H

#include <husk/trace.h>

/* True: heaps are to be traced, as *options says. False: nothing is asked for, or *status is not HUSK_OK and
 * husk_message says why. */
bool husk__trace_asked(husk_trace_options *options, husk_status *status);

#endif
