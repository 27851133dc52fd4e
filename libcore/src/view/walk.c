/* view/walk.c: live objects page by page, what they refer to, and who refers to them. Reads only. */
#include "object/state.h"
#include "object/visit.h"
#include "object/weak.h"

#include <husk/walk.h>

static bool is_shown(const husk_obj *obj)
{
    return husk__is_object(obj) && !husk__is_dying(obj);
}

void husk_heap_each(husk_heap *heap, husk_walk_fn *fn, void *data)
{
    struct husk__page_walk walk = { &heap->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, obj))
            if (is_shown(obj) && !fn(obj, data))
                return;
}

struct edges {
    husk_obj *from;
    const husk_type *type;
    const husk_obj *only; /* NULL: all */
    husk_edge_fn *fn;
    void *data;
    bool stopped;
};

static void show_edge(husk_obj *child, size_t slot, size_t index, void *context)
{
    struct edges *edges = context;
    if (edges->stopped || (edges->only ? child != edges->only : husk__is_dying(child)))
        return;
    husk_edge edge = { edges->from, child, husk_type_slot_name(edges->type, slot), index };
    edges->stopped = !edges->fn(&edge, edges->data);
}

void husk_obj_each_referent(husk_obj *obj, husk_edge_fn *fn, void *data)
{
    struct edges edges = { obj, husk__type_of(obj), NULL, fn, data, false };
    husk__visit(edges.type, obj, show_edge, &edges);
}

void husk_obj_each_referrer(husk_obj *obj, husk_edge_fn *fn, void *data)
{
    struct edges edges = { NULL, NULL, obj, fn, data, false };
    struct husk__page_walk walk = { &husk__heap_of(obj)->store, 0, NULL, 0 };
    for (struct husk__page *page; (page = husk__next_page(&walk));)
        for (HUSK__EACH_BLOCK(page, holder)) {
            if (!is_shown(holder))
                continue;
            edges.from = holder;
            edges.type = husk__type_of(holder);
            husk__visit(edges.type, holder, show_edge, &edges);
            if (edges.stopped)
                return;
        }
}

void husk_obj_each_weak(husk_obj *obj, husk_walk_fn *fn, void *data)
{
    if (!obj->cell)
        return;
    if (obj->cell & CELL_LONE) {
        (void)fn(&husk__lone_of(obj)->head, data);
        return;
    }
    const struct husk__cell *cell = husk__cell_at(obj->cell);
    if (cell->shared && !fn(&cell->shared->head, data))
        return;
    for (husk_weak *weak = cell->weaks; weak; weak = weak->next)
        if (!fn(&weak->head, data))
            return;
}
