/* object/tie.c: hanging entries of weak containers on their targets, and taking them off. See tie.h. */
#include "object/tie.h"

#include "object/weak.h"

#include <husk/ledger.h>

husk_status husk__tied_type(const husk_type_spec *spec, const husk_type **out)
{
    return husk__type_make(spec, TYPE_TIED, out);
}

husk_status husk__ephemeron_type(const husk_type_spec *spec, const husk_type **out)
{
    return husk__type_make(spec, TYPE_TIED | TYPE_EPHEMERON, out);
}

void husk__keymap_born(husk_obj *map)
{
    husk__page_of(map)->keymaps = true;
}

bool husk__tie_ready(husk_obj *target)
{
    husk_heap *heap = husk__heap_of(target);
    heap->store.failure = HUSK_OK;
    if (husk__cell_ready(heap, target))
        return true;
    husk_status status = heap->store.failure ? heap->store.failure : HUSK_ENOMEM;
    heap->store.failure = HUSK_OK;
    (void)husk_heap_fail(heap, status, "side cell of an object of type %s: %s", husk__type_of(target)->name,
                         husk_status_text(status));
    return false;
}

static void push(struct husk__tie **list, struct husk__tie *tie)
{
    tie->next = *list;
    tie->back = list;
    if (tie->next)
        tie->next->back = &tie->next;
    *list = tie;
}

void husk__tie_link(struct husk__tie *tie, husk_obj *target, husk_obj *owner)
{
    tie->target = target;
    tie->owner = owner;
    push(&husk__cell_at(target->cell)->ties, tie);
    if (husk__type_of(owner)->flags & TYPE_EPHEMERON)
        target->tf |= TF_KEY;
}

void husk__tie_unlink(struct husk__tie *tie)
{
    *tie->back = tie->next;
    if (tie->next)
        tie->next->back = tie->back;
    if (!tie->target)
        ((struct husk__tied *)husk_obj_data(tie->owner))->loose--;
}

/* A member of a set that ends has no count any more: the reference to it just vanishes. */
static void drop_member(const husk_heap *heap, husk_value *other)
{
    if (heap->reclaiming && other->tag == HUSK_OBJ && husk__is_pending(other->as.o))
        *other = husk_nil();
}

void husk__ties_end(husk_heap *heap, struct husk__cell *cell)
{
    struct husk__tie *next;
    for (struct husk__tie *tie = cell->ties; tie; tie = next) {
        next = tie->next;
        tie->target = NULL;
        ((struct husk__tied *)husk_obj_data(tie->owner))->loose++;
        drop_member(heap, &tie->other);
        push(&heap->loose, tie);
    }
    cell->ties = NULL;
}

void husk__ties_forget(husk_heap *heap)
{
    while (heap->loose) {
        struct husk__tie *tie = heap->loose;
        const struct husk__tie_kind *kind = husk_type_data(husk__type_of(tie->owner));
        const husk_obj *owner = tie->owner;
        husk_value other = kind->forget(heap, tie);
        if (other.tag == HUSK_OBJ)
            husk_ledger_release_in(other.as.o, owner, NULL);
    }
}
