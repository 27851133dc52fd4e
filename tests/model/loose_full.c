/* tests/model/loose_full.c: all that is garbage is gone after the next full pass; the bound. See loose_parts.h. */
#include "loose_parts.h"

#include <string.h>

static world *const w = &loose_world;
static bool doomed[MOST_IDS];

/* ---- completeness ---- */

static bool touch(int n)
{
    bool news = n && !w->touched[n];
    w->touched[n] = true;
    return news;
}

/* Hooks may bring back, and cut off again, whatever can be reached from what they had in hand. */
static void touch_what_follows(void)
{
    w->touched[0] = true;
    for (bool news = true; news;) {
        news = false;
        for (int n = 1; n <= w->born; n++) {
            for (int i = 0; w->touched[n] && i < MOST_SLOTS; i++)
                news |= touch(w->slot[n][i]);
            if (w->touched[n] && w->kinds[n] == K_SOFT)
                news |= touch(w->target[n]);
            for (int i = 0; i < w->rows[n]; i++) {
                const world_row *row = &w->row[n][i];
                if (w->touched[n] || w->touched[row->target])
                    news |= touch(row->other);
                if (w->touched[n])
                    news |= touch(row->target);
            }
        }
    }
}

void loose_full(bool loud)
{
    husk_heap_unfreeze(w->heap);
    loose_hear(loud);
    loose_look(false);
    for (int n = 1; n <= w->born; n++)
        doomed[n] = loose_shown[n] && !loose_reached[n];
    int born = w->born;
    memset(w->touched, 0, sizeof w->touched);
    if (husk_heap_collect(w->heap, NULL) != HUSK_OK)
        loose_fail("collect", 0, 0);
    loose_hear(loud);
    loose_look(false);
    touch_what_follows();
    for (int n = 1; n <= born; n++) {
        bool left = doomed[n] && loose_shown[n];
        if (left && !loose_reached[n] && !w->touched[n])
            loose_fail("a full pass has left garbage", n, w->kinds[n]);
        loose_sum[SUM_DOOMED] += doomed[n];
        loose_sum[SUM_LEFT] += left;
    }
}

/* ---- the bound ---- */

void loose_bound(void)
{
    husk_bound bound;
    husk_heap_bound(w->heap, &bound);
    if (!bound.kept)
        return;
    size_t objects = 0, garbage = 0;
    for (int n = 1; n <= w->born; n++) {
        objects += loose_shown[n];
        garbage += loose_shown[n] && !loose_reached[n];
    }
    if (objects > bound.objects)
        loose_fail("the heap is above its bound", (long)objects, (long)bound.objects);
    if (garbage > bound.garbage_objects + bound.deferred_objects)
        loose_fail("more garbage than is told", (long)garbage, (long)bound.garbage_objects);
    if (bound.garbage_objects > bound.objects || bound.garbage_bytes > bound.bytes)
        loose_fail("more garbage than the bound", (long)bound.garbage_objects, (long)bound.objects);
    loose_sum[SUM_BOUND]++;
}
