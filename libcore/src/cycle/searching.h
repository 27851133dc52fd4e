/* cycle/searching.h: what a search does with one page, compiled once for passes in steps (find.c) and once for several
 * threads (parallel.c): `how` is a constant at each use. One thread in one go has a shorter way (glance.h). */
#ifndef HUSK_CYCLE_SEARCHING_H
#define HUSK_CYCLE_SEARCHING_H

#include "cycle/find.h"
#include "cycle/marking.h"

struct husk__searching {
    bool shared;                                               /* between threads */
    bool (*leave)(struct husk__marker *marker, husk_obj *obj); /* as husk__marking.leave */
    husk__child_fn *count;                                     /* one more reference to it has been seen */
    void (*root)(struct husk__marker *marker, husk_obj *obj);  /* it is held from outside: husk__mark_root */
    void (*known)(struct husk__marker *marker, husk_obj *obj); /* in steps: husk__mark_known */
};

/* Bare keys belong to a search of all the heap only: one of some pages sees them as held, and the values with them. */
ALWAYS_INLINE bool husk__has_keys(const struct husk__search *search, const struct husk__page *page)
{
    return UNLIKELY(page->keymaps) && search->pages.all;
}

/* Dying objects hold what they refer to until they are gone, and as keys the values of their entries: they are
 * known to be held before anything is marked, since marking asks whether a key is. A reference that another thread
 * counts meanwhile may leave a count without OPEN behind, which nobody looks at. */
ALWAYS_INLINE void husk__subtract_page(const struct husk__searching *how, struct husk__page *page,
                                       struct husk__marker *marker)
{
    for (HUSK__EACH_BLOCK(page, obj)) {
        if (UNLIKELY(obj->tf & TF_QUEUED)) {
            if (how->shared)
                __atomic_store_n(husk__side_of(obj), 0, __ATOMIC_RELAXED);
            else
                *husk__side_of(obj) = 0;
        } else if (LIKELY(husk__is_object(obj)) && !(how->shared && how->leave(marker, obj))) {
            husk__visit(husk__type_of(obj), obj, how->count, marker);
        }
    }
}

/* The rare cases of seeding. A block without a live object; false: found->corrupt, a slot holds what has died. */
bool husk__seed_none(const husk_obj *obj, bool steps, struct husk__found *found);

/* An object whose count is perhaps not what was seen. SEED_CORRUPT: found->corrupt. */
enum husk__seed { SEED_CORRUPT, SEED_OPEN, SEED_HELD };
enum husk__seed husk__seed_rare(husk_obj *obj, uint64_t seen, bool steps, struct husk__found *found);

/* Marks what is held from outside. False: found->corrupt. */
ALWAYS_INLINE bool husk__seed_page(const struct husk__searching *how, struct husk__page *page, bool steps,
                                   struct husk__marker *marker, struct husk__found *found)
{
    size_t examined = 0;
    for (HUSK__EACH_BLOCK(page, obj)) {
        uint16_t *entry = husk__side_of(obj);
        if (UNLIKELY(!husk__is_object(obj)) || UNLIKELY(obj->tf & TF_QUEUED)) {
            if (!husk__seed_none(obj, steps, found))
                return false;
            continue;
        }
        examined++;
        uint16_t at_first = husk__entry(entry, how->shared);
        if (UNLIKELY(!(at_first & SIDE_OPEN)) && steps) { /* born since, or marked */
            how->known(marker, obj);
            continue;
        }
        uint64_t seen = husk__side_total(obj, at_first);
        uint32_t rc = obj->rc;
        if (LIKELY(seen == rc / RC_ONE))
            continue;
        if (LIKELY(seen < rc / RC_ONE) && LIKELY(!(rc & RC_SLOW))) {
            how->root(marker, obj);
            continue;
        }
        enum husk__seed what = husk__seed_rare(obj, seen, steps, found);
        if (what == SEED_CORRUPT)
            return false;
        if (what == SEED_HELD)
            how->root(marker, obj);
    }
    found->examined += examined;
    return true;
}

#endif
