/* tests/preload/library.c: what a library does before main and after exit; loaded before the preload and behind it. */
#include <stdlib.h>

void library_leak(void);

static void *mine;

__attribute__((constructor)) static void construct(void)
{
    mine = malloc(4321);
}

__attribute__((destructor)) static void destruct(void)
{
    free(mine);
}

void library_leak(void)
{
    void *volatile block = malloc(765);
    (void)block;
}
