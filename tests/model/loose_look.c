/* tests/model/loose_look.c: what is reached, what is shown, and what must be true of both. See loose_parts.h. */
#include "loose_parts.h"

#include <stdio.h>
#include <string.h>

bool loose_shown[MOST_IDS], loose_reached[MOST_IDS];
static world *const w = &loose_world;
/* By container and place in its notes: the heap shows this entry; what it holds is counted. */
static bool in_heap[MOST_IDS][WORLD_ROWS], counted[MOST_IDS][WORLD_ROWS];
static long references[MOST_IDS];

static bool show(husk_obj *obj, void *data)
{
    int n = world_number(w, obj);
    (void)data;
    if (n == 0 || loose_shown[n])
        loose_fail("a walk shows an unknown object, or one twice", n, 0);
    /* Its own number, written at birth: nobody overwrote it. The library's own types have none. */
    if (w->kinds[n] < K_TYPES && *(uint64_t *)husk_obj_data(obj) != (uint64_t)n)
        loose_fail("an object has lost its number", n, 0);
    loose_shown[n] = true;
    return true;
}

static void reach(int n, int *todo, int *count)
{
    if (n == 0)
        return;
    references[n]++;
    if (!loose_reached[n]) {
        loose_reached[n] = true;
        todo[(*count)++] = n;
    }
}

/* Acyclic objects: passes do not look inside, so what they hold is held. With the value of an entry for a key, a
 * cycle may go through one that holds only what holds nothing; then the promise is broken, and that is a leak. */
static void reach_from_trees(int *todo, int *count)
{
    for (int n = 1; n <= w->born; n++) {
        if (!loose_shown[n] || (w->kinds[n] != K_TREE && w->kinds[n] != K_TREE_FIN))
            continue;
        for (int i = 0; i < facts[w->kinds[n]].slots; i++) {
            int to = w->slot[n][i];
            if (to && !loose_reached[to]) { /* counted if the tree is reached */
                loose_reached[to] = true;
                todo[(*count)++] = to;
            }
        }
    }
}

/* The entries that the heap shows. */
static void look_into(int container)
{
    husk_obj *obj = (husk_obj *)w->address[container], *target;
    husk_value other;
    size_t count = 0;
    if (!loose_shown[container])
        loose_fail("a reachable container is gone", container, w->kinds[container]);
    for (size_t cursor = 0; world_next(obj, &cursor, &target, &other); count++) {
        const world_row *row = world_noted(w, container, world_number(w, target), other);
        if (!row || !loose_shown[row->target])
            loose_fail("a container shows what was not put in, or is gone", container,
                       world_number(w, target));
        in_heap[container][row - w->row[container]] = true;
    }
    if (world_entries(obj) < count)
        loose_fail("a container counts fewer entries than it shows", container, (long)count);
}

/* What the entries of reached containers hold: the value of a weak-key map for a key that is reached; the key of a
 * weak-value map as long as the object is there, for it may be just that key which keeps it. */
static bool reach_rows(int *todo, int *count)
{
    bool news = false;
    for (int n = 1; n <= w->born; n++) {
        if (!loose_reached[n] || !is_container(w->kinds[n]))
            continue;
        for (int i = 0; i < w->rows[n]; i++) {
            const world_row *row = &w->row[n][i];
            if (counted[n][i] ||
                !(loose_reached[row->target] || (w->kinds[n] == K_VALUEMAP && in_heap[n][i])))
                continue;
            counted[n][i] = news = true;
            loose_sum[SUM_HELD] += row->other != 0;
            reach(row->other, todo, count);
        }
    }
    return news;
}

static void look_at_softs(void)
{
    for (int n = 1; n <= w->born; n++) {
        if (w->kinds[n] != K_SOFT || !loose_shown[n])
            continue;
        loose_sum[SUM_YIELDED] += world_soft_look(w, n, (husk_obj *)w->address[n]);
        loose_sum[SUM_SOFT] += w->holds[n];
    }
}

static void reach_all(void)
{
    static int todo[MOST_IDS];
    int count = 0;
    memset(loose_reached, 0, sizeof loose_reached);
    memset(references, 0, sizeof references);
    for (int n = 1; n <= w->born; n++) {
        memset(in_heap[n], 0, (size_t)w->rows[n]);
        memset(counted[n], 0, (size_t)w->rows[n]);
    }
    for (int i = 0; i < HANDLES; i++)
        reach(w->held[i], todo, &count);
    reach(w->queue_number, todo, &count);
    for (int n = 1; n <= w->born; n++)
        if (w->pending[n] || w->queued[n]) /* the registry; the queue */
            reach(n, todo, &count);
    reach_from_trees(todo, &count);
    do {
        while (count > 0) {
            int n = todo[--count];
            if (is_container(w->kinds[n]))
                look_into(n);
            for (int i = 0; i < MOST_SLOTS; i++)
                reach(w->slot[n][i], todo, &count);
            if (w->kinds[n] == K_SOFT && w->holds[n])
                reach(w->target[n], todo, &count);
        }
    } while (reach_rows(todo, &count));
}

/* Entries of what is reached are there; exact: and no others. */
static void check_container(int n, bool exact)
{
    size_t there = 0;
    for (int i = 0; i < w->rows[n]; i++) {
        there += in_heap[n][i];
        if (loose_reached[w->row[n][i].target] && !in_heap[n][i])
            loose_fail("a container has lost the entry of a reachable object", n, w->row[n][i].target);
        if (exact && in_heap[n][i] && !loose_reached[w->row[n][i].target])
            loose_fail("a container has the entry of garbage", n, w->row[n][i].target);
    }
    loose_sum[SUM_GONE] += w->rows[n] - (int)there;
    loose_sum[SUM_HIDDEN] += world_entries((husk_obj *)w->address[n]) != there;
    if (world_entries((husk_obj *)w->address[n]) == there)
        world_prune(w, n);
    else if (exact) /* else objects that wait for their finalizers are in it, which it does not show */
        loose_fail("a container counts more entries than it shows", n, (long)there);
}

static void check_cleanup(int n, husk_cleanup *cleanup, bool exact)
{
    if (husk_cleanup_is_pending(cleanup) != w->pending[n] || husk_cleanup_at_exit(cleanup) != w->at_exit[n])
        loose_fail("a cleanup answers wrongly", n, w->pending[n]);
    if (exact && w->pending[n] && !loose_shown[w->target[n]])
        loose_fail("a cleanup still waits for the dead", n, w->target[n]);
}

/* Its watches are those of objects that live, and those that wait to be polled. */
static void look_at_queue(bool exact)
{
    size_t queued = 0, watching = 0;
    if (!w->queue)
        return;
    for (int n = 1; n <= w->born; n++) {
        if (!w->queued[n] || !loose_shown[n])
            continue;
        const husk_watch *watch = husk_watch_of((husk_obj *)w->address[n]);
        bool lives = loose_shown[w->target[n]], pending = husk_watch_is_pending(watch);
        if (lives && !pending)
            loose_fail("a watch says that a living object has died", n, w->target[n]);
        if (exact && !lives && pending)
            loose_fail("a watch still waits for the dead", n, w->target[n]);
        queued++;
        watching += pending;
    }
    if (husk_deadqueue_watching(w->queue) != watching || husk_deadqueue_count(w->queue) != queued - watching)
        loose_fail("a queue counts wrongly: watching, not waiting", (long)watching,
                   (long)(queued - watching));
    loose_sum[SUM_WAITING] += (long)(queued - watching);
}

void loose_look(bool exact)
{
    husk_heap_figures now;
    husk_heap_figures_get(w->heap, &now);
    /* A verify gives a pass in steps up, and ends what a death budget has put off: both are to go on. */
    bool goes_on = !exact && (loose_stepping || now.dying_objects > 0);
    husk_status status = goes_on ? HUSK_OK : husk_heap_verify(w->heap);
    if (status != HUSK_OK) {
        fprintf(stderr, "verify: %s\n", husk_heap_message(w->heap));
        loose_fail("the heap does not verify", 0, 0);
    }
    loose_sum[SUM_EXACT] += exact;
    memset(loose_shown, 0, sizeof loose_shown);
    husk_heap_each(w->heap, show, NULL);
    look_at_softs();
    reach_all();
    look_at_queue(exact);
    for (int n = 1; n <= w->born; n++) {
        husk_obj *obj = (husk_obj *)w->address[n];
        if (loose_reached[n] && !loose_shown[n])
            loose_fail("a reachable object is gone", n, w->kinds[n]);
        if (loose_disposed[n] && loose_shown[n])
            loose_fail("a disposed object is shown", n, w->kinds[n]);
        if (exact && loose_shown[n] && !loose_reached[n])
            loose_fail("garbage is left", n, w->kinds[n]);
        if (exact && !loose_shown[n] && facts[w->kinds[n]].finalize && !loose_finalized[n])
            loose_fail("gone without its finalizer", n, w->kinds[n]);
        if (exact && !loose_shown[n] && facts[w->kinds[n]].dispose && !loose_disposed[n])
            loose_fail("gone without its dispose", n, w->kinds[n]);
        if (!loose_shown[n])
            continue;
        long count = (long)husk_obj_strong_count(obj);
        if (exact ? count != references[n] : count < references[n])
            loose_fail("wrong count of references", n, count);
        if (loose_reached[n] && is_container(w->kinds[n]))
            check_container(n, exact);
        if (w->kinds[n] == K_CLEANUP)
            check_cleanup(n, husk_cleanup_of(obj), exact);
        husk_weak *weak = husk_weak_of(obj);
        if (!weak)
            continue;
        husk_weak_state state = husk_weak_state_get(weak);
        if ((state == HUSK_ALIVE) != loose_shown[w->target[n]])
            loose_fail("a weak reference answers wrongly", n, state);
        if (loose_called[n] && state != HUSK_DEAD)
            loose_fail("a callback ran for a living object", n, state);
        /* Garbage that waits with its callback is not reached. */
        husk_obj *locked = husk_weak_lock(weak);
        if ((locked != NULL) != (state == HUSK_ALIVE) || (locked && world_number(w, locked) != w->target[n]))
            loose_fail("a lock answers wrongly", n, state);
        if (locked)
            husk_obj_release(locked);
    }
    husk_heap_figures figures;
    husk_heap_figures_get(w->heap, &figures);
    if (figures.max_bytes && figures.bytes_taken > figures.max_bytes)
        loose_fail("more bytes than allowed", (long)figures.bytes_taken, (long)figures.max_bytes);
}
