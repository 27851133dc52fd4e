/* boehm.c: the parts of the peer that are not in the hot path. */
#include "boehm.h"

#include "bench.h"

#include <stdio.h>

const char *sys_about(void)
{
    static char text[40];
    unsigned version = GC_get_version();
    snprintf(text, sizeof text, "Boehm's collector %u.%u.%u", version >> 16, version >> 8 & 255,
             version & 255);
    return text;
}

static int never_stop(void)
{
    return 0;
}

void sys_start(void)
{
    GC_set_markers_count(1);
    GC_INIT();
    GC_disable();
}

static size_t in_use(void)
{
    return GC_get_heap_size() - GC_get_free_bytes();
}

/* Nothing is collected while it is disabled, by call neither. */
static bool let_collect(void)
{
    bool disabled = GC_is_disabled() != 0;
    if (disabled)
        GC_enable();
    return disabled;
}

static void let_be(bool disabled)
{
    if (disabled)
        GC_disable();
}

size_t sys_collect(void)
{
    bool disabled = let_collect();
    size_t before = in_use();
    GC_gcollect();
    size_t after = in_use();
    let_be(disabled);
    return before > after ? (before - after) / 32 : 0; /* its granules make 32 bytes of our 24 */
}

/* GC_gcollect gives back blocks without a living object at once. Others are swept when the allocator comes
 * to them, or by the next collection before it marks: a second one, of a heap that is empty by then, makes
 * sure that the reclaim is in the time, as it is in every other system. */
void sys_reclaim(void)
{
    bool disabled = let_collect();
    bench_check(GC_try_to_collect(never_stop), "the second collection runs");
    let_be(disabled);
}
