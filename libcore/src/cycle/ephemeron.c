/* cycle/ephemeron.c: keys of weak-key maps in a pass. See ephemeron.h. */
#include "cycle/ephemeron.h"

static void clear_key(husk_obj *key, void *context)
{
    (void)context;
    *husk__side_of(key) = 0;
}

void husk__bare_keys_clear(husk_heap *heap)
{
    husk__each_bare_key(heap, clear_key, NULL);
}

struct seeding {
    struct husk__marker *marker;
    uint32_t search;
    size_t keys;
    const husk_obj *corrupt;
    uint64_t seen;
};

/* A key of several maps is met several times; its cell remembers the search. */
static void seed_key(husk_obj *key, void *context)
{
    struct seeding *seeding = context;
    struct husk__cell *cell = husk__cell_at(key->cell);
    if (cell->next == seeding->search || seeding->corrupt)
        return;
    cell->next = seeding->search;
    seeding->keys++;
    uint16_t entry = *husk__side_of(key);
    if (entry & SIDE_MARK)
        return; /* reached meanwhile */
    uint64_t seen = husk__side_total(key, entry);
    uint32_t count = husk__count_of(key);
    if (seen == count)
        return;
    if (seen > count && !husk__is_immortal(key) && seen != SIDE_UNKNOWN) {
        seeding->corrupt = key;
        seeding->seen = seen;
        return;
    }
    husk__mark_root(seeding->marker, key);
}

bool husk__bare_keys_seed(husk_heap *heap, struct husk__marker *marker, size_t *examined,
                          const husk_obj **corrupt, uint64_t *seen)
{
    if (!heap->keymaps)
        return true;
    if (++heap->key_search == 0) /* 0 is what a new cell says */
        heap->key_search = 1;
    struct seeding seeding = { .marker = marker, .search = heap->key_search };
    husk__each_bare_key(heap, seed_key, &seeding);
    *examined += seeding.keys;
    *corrupt = seeding.corrupt;
    *seen = seeding.seen;
    return !seeding.corrupt;
}

void husk__member_keys_count(husk_obj *member)
{
    for (const struct husk__tie *tie = member->cell ? husk__cell_at(member->cell)->ties : NULL; tie;
         tie = tie->next)
        if ((husk__type_of(tie->owner)->flags & TYPE_EPHEMERON) && !(tie->owner->tf & TF_CONDEMNED) &&
            tie->other.tag == HUSK_OBJ && (tie->other.as.o->tf & TF_CONDEMNED))
            husk__side_count(tie->other.as.o);
}
