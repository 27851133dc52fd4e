/* bindings/go/host_walk.c: walks. Their callbacks may not make or release objects, so what they meet is written
 * down and retained here, and handles are made of it afterwards. */
#include "host.h"

#include <stdlib.h>

static bool note(husk_go_walk *walk, husk_go_found found)
{
    if (walk->count == walk->room) {
        size_t room = walk->room ? walk->room * 2 : 64;
        husk_go_found *larger = realloc(walk->found, room * sizeof *larger);
        if (!larger) {
            walk->failed = true;
            return false;
        }
        walk->found = larger;
        walk->room = room;
    }
    walk->found[walk->count++] = found;
    husk_obj_retain(found.held);
    return true;
}

static bool note_object(husk_obj *obj, void *data)
{
    husk_go_walk *walk = data;
    if (walk->type && husk_obj_type(obj) != walk->type)
        return true;
    return note(walk, (husk_go_found){ .from = obj, .held = obj });
}

static bool note_referent(const husk_edge *edge, void *data)
{
    return note(data, (husk_go_found){ edge->from, edge->to, edge->to, edge->name, edge->index });
}

static bool note_referrer(const husk_edge *edge, void *data)
{
    return note(data, (husk_go_found){ edge->from, edge->to, edge->from, edge->name, edge->index });
}

husk_go_walk husk_go_objects(husk_heap *heap, const husk_type *type)
{
    husk_go_walk walk = { .type = type };
    husk_heap_each(heap, note_object, &walk);
    return walk;
}

husk_go_walk husk_go_referents(husk_obj *obj)
{
    husk_go_walk walk = { .found = NULL };
    husk_obj_each_referent(obj, note_referent, &walk);
    return walk;
}

husk_go_walk husk_go_referrers(husk_obj *obj)
{
    husk_go_walk walk = { .found = NULL };
    husk_obj_each_referrer(obj, note_referrer, &walk);
    return walk;
}

static bool tally(husk_obj *obj, void *data)
{
    husk_go_census *census = data;
    const husk_type *type = husk_obj_type(obj);
    size_t at = 0;
    while (at < census->count && census->rows[at].type != type)
        at++;
    if (at == census->count) {
        if (census->count == census->room) {
            size_t room = census->room ? census->room * 2 : 16;
            husk_go_tally *larger = realloc(census->rows, room * sizeof *larger);
            if (!larger) {
                census->failed = true;
                return false;
            }
            census->rows = larger;
            census->room = room;
        }
        census->rows[census->count++] = (husk_go_tally){ .type = type };
    }
    census->rows[at].count++;
    return true;
}

husk_go_census husk_go_count(husk_heap *heap)
{
    husk_go_census census = { .rows = NULL };
    husk_heap_each(heap, tally, &census);
    return census;
}
