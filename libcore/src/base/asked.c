/* base/asked.c: see asked.h. */
#include "base/asked.h"

#include <stdlib.h>
#include <string.h>

husk_status husk__asked_switch(const char *name, bool *on)
{
    const char *text = getenv(name);
    *on = text && strcmp(text, "1") == 0;
    if (*on || !text || !*text || strcmp(text, "0") == 0)
        return HUSK_OK;
    return husk_fail(HUSK_EINVAL, "%s=%.100s: it is 1, or 0 for off", name, text);
}
