/* cycle/ephemeron.c: keys of weak-key maps in a pass. See ephemeron.h. */
#include "cycle/ephemeron.h"

#include "cycle/searching.h"

static void open_key(husk_obj *key, void *context)
{
    (void)context;
    *husk__side_of(key) = SIDE_FRESH;
}

void husk__bare_keys_open(struct husk__page *page)
{
    husk__each_bare_key(page, open_key, NULL);
}

static void close_key(husk_obj *key, void *context)
{
    (void)context;
    *husk__side_of(key) = 0;
}

void husk__bare_keys_close(struct husk__page *page)
{
    husk__each_bare_key(page, close_key, NULL);
}

struct seeding {
    struct husk__search *search;
    uint32_t number;
    bool lenient;
};

/* A key of several maps is met several times; its cell remembers the search. */
static void seed_key(husk_obj *key, void *context)
{
    struct seeding *seeding = context;
    struct husk__found *found = &seeding->search->found;
    struct husk__cell *cell = husk__cell_at(key->cell);
    if (cell->next == seeding->number || found->corrupt)
        return;
    cell->next = seeding->number;
    found->examined++;
    uint16_t entry = *husk__side_of(key);
    if (!(entry & SIDE_OPEN))
        return; /* reached meanwhile */
    uint64_t seen = husk__side_total(key, entry);
    enum husk__seed what = husk__seed_rare(key, seen, seeding->lenient, found);
    if (what == SEED_HELD)
        husk__mark_root(&seeding->search->marker, key);
}

void husk__bare_keys_seed(husk_heap *heap, struct husk__page *page, bool lenient)
{
    struct seeding seeding = { &heap->search, heap->key_search, lenient };
    husk__each_bare_key(page, seed_key, &seeding);
}

void husk__member_keys_count(husk_obj *member)
{
    for (const struct husk__tie *tie = member->cell ? husk__cell_at(member->cell)->ties : NULL; tie;
         tie = tie->next)
        if ((husk__type_of(tie->owner)->flags & TYPE_EPHEMERON) && !husk__is_open(tie->owner) &&
            tie->other.tag == HUSK_OBJ)
            husk__side_count(tie->other.as.o);
}
