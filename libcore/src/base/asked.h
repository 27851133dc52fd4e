/* base/asked.h: switches in the environment. */
#ifndef HUSK_BASE_ASKED_H
#define HUSK_BASE_ASKED_H

#include <husk/status.h>
#include <stdbool.h>

/* 1 is on; 0, nothing and no such variable are off; anything else is HUSK_EINVAL, with a message: who asks for
 * something and gets nothing would look for the fault somewhere else. */
husk_status husk__asked_switch(const char *name, bool *on);

#endif
