/* tests/lines/place.c: see place.h. */
#include "place.h"

static int volatile seen;

/* Left out by the linker: its table is of addresses from 0 on. */
__attribute__((noinline, visibility("hidden"))) int PLACE_UNUSED(int n);
int PLACE_UNUSED(int n)
{
    for (int i = 0; i < n; i++) {
        seen += i;
        seen *= 3;
        seen -= n;
    }
    return seen;
}

int PLACE_NAME(int n)
{
    seen = n;
    if (n > 3)
        n = place_turn(n);

    seen += n;
#line 1000 "generated/by hand.y"
    seen *= 3;
    return seen;
}
