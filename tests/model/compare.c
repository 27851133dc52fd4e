/* tests/model/compare.c: everything that can be asked of the real heap, against the reference. See compare.h. */
#include "compare.h"

#include <husk/snapshot.h>
#include <stdio.h>
#include <string.h>

typedef struct compared {
    world *w;
    const ref_heap *h;
    int shown;
    int entries[MOST_IDS]; /* of weak containers, by target */
} compared;

static bool same_other(const world *w, const ref_obj *o, const ref_row *row, husk_value other)
{
    if (other.tag == HUSK_OBJ)
        return world_number(w, other.as.o) == row->other;
    return row->other == 0 && (o->kind != K_VALUEMAP || other.as.i == row->number);
}

/* What a look-up finds. */
static bool is_found(husk_obj *obj, kind k, husk_obj *target, husk_value other)
{
    husk_value v;
    husk_obj *found;
    if (k == K_KEYMAP)
        return husk_weakkeymap_peek(obj, target, &v) == HUSK_OK && husk_value_equal(v, other);
    if (k == K_VALUEMAP)
        return husk_weakvaluemap_peek(obj, other, &found) == HUSK_OK && found == target;
    return husk_weakset_has(obj, target);
}

/* From i on the next entry that is shown: not that of what waits for its end. */
static int next_shown(const ref_heap *h, const ref_obj *o, int i)
{
    while (i < o->rows && ref_is_dying(h, o->row[i].target))
        i++;
    return i;
}

/* All entries, in the order of insertion. */
static void compare_container(compared *c, husk_obj *obj, int n)
{
    const ref_obj *o = &c->h->obj[n];
    husk_obj *target;
    husk_value other;
    size_t cursor = 0;
    int i = 0, shown = 0;
    if ((int)world_entries(obj) != o->rows)
        fail("container %ld has %ld entries, not %ld", n, (long)world_entries(obj), o->rows);
    for (; (i = next_shown(c->h, o, i)), world_next(obj, &cursor, &target, &other); i++, shown++) {
        const ref_row *row = &o->row[i];
        if (i >= o->rows || world_number(c->w, target) != row->target)
            fail("entry %ld of container %ld: its target is %ld", i, n, world_number(c->w, target));
        if (o->kind != K_SET && !same_other(c->w, o, row, other))
            fail("entry %ld of container %ld: its key or value is not %ld", i, n, row->other);
        if (!is_found(obj, o->kind, target, other))
            fail("entry %ld of container %ld is not found", i, n, 0);
    }
    if (i != o->rows)
        fail("container %ld shows %ld entries, not %ld", n, i, o->rows);
    if (shown == o->rows) /* else a finalizer may still look up what is not shown */
        world_prune(c->w, n);
}

static husk_weak_state state_of(const ref_heap *h, const ref_obj *o)
{
    if (!o->target)
        return HUSK_DEAD;
    return ref_is_dying(h, o->target) ? HUSK_DYING : HUSK_ALIVE;
}

static void compare_weak(const compared *c, husk_obj *obj, int n)
{
    const ref_obj *o = &c->h->obj[n];
    husk_weak *weak = husk_weak_of(obj);
    if ((weak != NULL) != is_weak(o->kind))
        fail("object %ld: weak reference", n, 0, 0);
    if (!weak)
        return;
    if (husk_weak_state_get(weak) != state_of(c->h, o))
        fail("weak reference %ld: state %ld", n, (long)husk_weak_state_get(weak), 0);
    const husk_soft *soft = husk_soft_of(obj);
    if ((soft != NULL) != (o->kind == K_SOFT))
        fail("object %ld: soft reference", n, 0, 0);
    if (soft &&
        (husk_soft_is_holding(soft) != (o->strong != 0) || husk_soft_data(soft) != (void *)(intptr_t)n))
        fail("soft reference %ld: holding is not %ld", n, o->strong, 0);
    const husk_watch *watch = husk_watch_of(obj);
    if ((watch != NULL) != (o->kind == K_WATCH))
        fail("object %ld: watch", n, 0, 0);
    if (watch && (husk_watch_is_pending(watch) != (o->in_queue && o->target) ||
                  husk_watch_queue(watch) != (o->in_queue ? c->w->queue : NULL) ||
                  husk_watch_data(watch) != (void *)(intptr_t)n))
        fail("watch %ld: in its queue is not %ld, of the living not %ld", n, o->in_queue, o->target);
}

static bool compare_object(husk_obj *obj, void *data)
{
    compared *c = data;
    int n = world_number(c->w, obj);
    const ref_obj *o = &c->h->obj[n];
    c->shown++;
    if (n == 0 || n > c->h->born || !o->alive)
        fail("object %ld is alive", n, 0, 0);
    if (o->kind != c->w->kinds[n])
        fail("object %ld is of kind %ld, not %ld", n, (long)c->w->kinds[n], (long)o->kind);
    long count = o->immortal ? -1 : o->count;
    if ((long)husk_obj_strong_count(obj) != count)
        fail("object %ld has %ld references, not %ld", n, (long)husk_obj_strong_count(obj), count);
    if ((long)husk_obj_weak_count(obj) != o->weak_count)
        fail("object %ld has %ld weak references, not %ld", n, (long)husk_obj_weak_count(obj), o->weak_count);
    if (husk_obj_is_unique(obj) != (count == 1 && o->weak_count == 0 && c->entries[n] == 0))
        fail("object %ld: unique", n, 0, 0);
    if (husk_obj_is_immortal(obj) != o->immortal)
        fail("object %ld: immortal", n, 0, 0);
    if (husk_obj_is_finalized(obj) != (o->finalized && facts[o->kind].finalize))
        fail("object %ld: finalized", n, 0, 0);
    if (husk_obj_is_frozen(obj) != o->frozen)
        fail("object %ld: frozen is not %ld", n, o->frozen, 0);
    if (husk_obj_is_dying(obj))
        fail("object %ld is dying", n, 0, 0);
    if (husk_obj_is_tracked(obj) != facts[o->kind].tracked)
        fail("object %ld: tracked", n, 0, 0);
    compare_weak(c, obj, n);
    if (world_slots(c->w, obj) != (size_t)o->slots)
        fail("object %ld has %ld slots, not %ld", n, (long)world_slots(c->w, obj), o->slots);
    for (int i = 0; i < o->slots; i++) {
        int to = world_number(c->w, world_slot(c->w, obj, (size_t)i));
        if (to != o->slot[i])
            fail("slot of %ld refers to %ld, not to %ld", n, to, o->slot[i]);
    }
    if (is_container(o->kind))
        compare_container(c, obj, n);
    husk_cleanup *cleanup = husk_cleanup_of(obj);
    if ((cleanup != NULL) != (o->kind == K_CLEANUP))
        fail("object %ld: cleanup", n, 0, 0);
    if (cleanup &&
        (husk_cleanup_is_pending(cleanup) != o->pending || husk_cleanup_at_exit(cleanup) != o->at_exit ||
         husk_cleanup_data(cleanup) != (void *)(intptr_t)n))
        fail("cleanup %ld: pending is not %ld, or at_exit not %ld", n, o->pending, o->at_exit);
    return true;
}

/* A snapshot's objects are those of a walk; references and what is held from outside make up the counts. */
static void compare_snapshot(const ref_heap *h, husk_heap *heap)
{
    husk_snapshot *snapshot;
    static long seen[MOST_IDS * 2];
    husk_snapshot_options o = { HUSK_SNAPSHOT_OPTIONS, .flags = HUSK_SNAPSHOT_NO_PROCESS };
    husk_status status = husk_snapshot_new(heap, &o, &snapshot);
    if (status)
        fail("a snapshot: status %ld", (long)status, 0, 0);
    husk_snapshot_counts counts;
    husk_snapshot_counts_get(snapshot, &counts);
    if ((int)counts.objects != ref_live(h))
        fail("a snapshot has %ld objects, not %ld", (long)counts.objects, ref_live(h), 0);
    memset(seen, 0, sizeof seen);
    husk_snapshot_edge edge;
    for (size_t n = 0; n < counts.objects; n++)
        for (size_t e = 0; husk_snapshot_edge_at(snapshot, n, e, &edge); e++)
            seen[edge.to] += !edge.weak;
    husk_node node;
    for (size_t n = 0; husk_snapshot_node(snapshot, n, &node); n++) {
        const husk_obj *obj = (const husk_obj *)(uintptr_t)node.address;
        if (!node.immortal && (node.hidden < 0 || seen[n] + node.hidden != (long)husk_obj_strong_count(obj)))
            fail("object %ld of a snapshot: %ld references seen, %ld hidden", (long)n, seen[n],
                 (long)node.hidden);
    }
    husk_snapshot_free(snapshot);
}

static void compare_softs(const ref_heap *h, husk_heap *heap)
{
    husk_soft_figures figures;
    size_t references = 0;
    husk_heap_soft_figures(heap, &figures);
    for (int n = 1; n <= h->born; n++)
        references += h->obj[n].kind == K_SOFT && h->obj[n].alive && !h->obj[n].queued;
    if (figures.references != references || figures.holding != (size_t)h->soft_count)
        fail("%ld soft references, of which %ld hold, not %ld", (long)figures.references,
             (long)figures.holding, h->soft_count);
    if (figures.regained != (uint64_t)h->regained || figures.by_age != (uint64_t)h->aged)
        fail("%ld soft references hold again, %ld let go by age", (long)figures.regained,
             (long)figures.by_age, 0);
}

static void compare_queue(const ref_heap *h, const world *w)
{
    if ((w->queue ? world_number(w, husk_deadqueue_obj(w->queue)) : 0) != h->queue)
        fail("the queue is not %ld", h->queue, 0, 0);
    if (w->queue && (husk_deadqueue_count(w->queue) != (size_t)h->waiting_count ||
                     husk_deadqueue_watching(w->queue) != (size_t)h->watching_count))
        fail("of the watches %ld wait, not %ld", (long)husk_deadqueue_count(w->queue), h->waiting_count, 0);
}

void compare(world *w, const ref_heap *h)
{
    if (w->born != h->born)
        fail("%ld births, not %ld", w->born, h->born, 0);
    for (int i = 0; i < HANDLES; i++) {
        if (world_number(w, w->handle[i]) != h->handle[i])
            fail("handle %ld is %ld, not %ld", i, world_number(w, w->handle[i]), h->handle[i]);
    }
    static compared c;
    c.w = w;
    c.h = h;
    c.shown = 0;
    ref_count_entries(h, c.entries);
    husk_heap_each(w->heap, compare_object, &c);
    if (c.shown != ref_live(h))
        fail("%ld objects are alive, not %ld", c.shown, ref_live(h), 0);
    husk_heap_figures figures;
    husk_heap_figures_get(w->heap, &figures);
    if ((long)figures.objects != c.shown)
        fail("figures say %ld objects, a walk %ld", (long)figures.objects, c.shown, 0);
    long frozen = 0, cells = 0;
    for (int n = 1; n <= h->born; n++) {
        frozen += h->obj[n].alive && h->obj[n].frozen;
        cells += h->obj[n].alive && (h->obj[n].weak_count > 0 || c.entries[n] > 0);
    }
    if ((long)figures.frozen_objects != frozen)
        fail("figures say %ld frozen objects, not %ld", (long)figures.frozen_objects, frozen, 0);
    if ((long)figures.weak_cells < cells)
        fail("figures say %ld cells, not %ld", (long)figures.weak_cells, cells, 0);
    if ((long)figures.foreign_bytes != h->foreign)
        fail("figures say %ld foreign bytes, not %ld", (long)figures.foreign_bytes, h->foreign, 0);
    if ((long)husk_heap_garbage_count(w->heap) != h->saved_count)
        fail("%ld saved, not %ld", (long)husk_heap_garbage_count(w->heap), h->saved_count, 0);
    if ((int)husk_heap_cleanups(w->heap) != ref_cleanups(h))
        fail("%ld cleanups, not %ld", (long)husk_heap_cleanups(w->heap), ref_cleanups(h), 0);
    if (husk_heap_is_enabled(w->heap) != (h->disabled == 0))
        fail("enabled", 0, 0, 0);
    husk_generation g;
    husk_heap_generation(w->heap, 0, &g);
    const ref_pass *t = &h->total;
    if ((long)g.passes != t->passes || (long)g.examined != t->examined || (long)g.collected != t->collected ||
        (long)g.uncollectable != t->uncollectable || (long)g.finalized != t->finalized ||
        (long)g.resurrected != t->resurrected || (long)g.weak_cleared != t->cleared)
        fail("the sums of %ld passes (%ld in the model) differ", (long)g.passes, t->passes, 0);
    compare_softs(h, w->heap);
    compare_queue(h, w);
    if ((long)figures.dying_objects != ref_waiting(h))
        fail("figures say %ld dying, not %ld", (long)figures.dying_objects, ref_waiting(h), 0);
    if (h->dying_count + h->events_count > 0) /* both would end them */
        return;
    static unsigned turn;
    if (turn++ % 8 == 0)
        compare_snapshot(h, w->heap);
    husk_status status = husk_heap_verify(w->heap);
    if (status != HUSK_OK) {
        fprintf(stderr, "verify: %s: %s\n", husk_status_name(status), husk_heap_message(w->heap));
        fail("the heap does not verify", 0, 0, 0);
    }
}
