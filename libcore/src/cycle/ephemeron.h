/* cycle/ephemeron.h: what a pass does for weak-key maps, besides marking (cycle/mark.c).
 *
 * The value of an entry is counted as a reference of its map like any other, and marked only for a living key. So
 * a pass must know of every key whether it is garbage, also of keys that passes do not look at otherwise: those
 * without references of their own (bare keys). Such a key may be held by nothing but the values of its entries. */
#ifndef HUSK_CYCLE_EPHEMERON_H
#define HUSK_CYCLE_EPHEMERON_H

#include "cycle/mark.h"

/* fn(key) for each bare key that is alive and not frozen, of the maps on this page, which takes part; one of several
 * maps more than once. */
ALWAYS_INLINE void husk__each_bare_key(struct husk__page *page, void (*fn)(husk_obj *key, void *context),
                                       void *context)
{
    for (HUSK__EACH_BLOCK(page, map)) {
        if (!(husk__type_of(map)->flags & TYPE_EPHEMERON) || (map->tf & TF_QUEUED))
            continue;
        for (HUSK__EACH_TIE(map, tie)) {
            if (!tie->hash || !tie->target)
                continue;
            const struct husk__page *at = husk__page_of(tie->target);
            if (at->tracked || at->frozen) /* asked first: it spares a look at the key itself */
                continue;
            if (!(tie->target->tf & TF_QUEUED))
                fn(tie->target, context);
        }
    }
}

/* They are in question, with a count of zero. */
void husk__bare_keys_open(struct husk__page *page);

/* Marks those that are held from outside. lenient: more references than the count are no damage. */
void husk__bare_keys_seed(husk_heap *heap, struct husk__page *page, bool lenient);

/* Their entries are zero again. */
void husk__bare_keys_close(struct husk__page *page);

/* When a set is confirmed, whose members are in question: references of maps outside it to the values of a member
 * count as inside. */
void husk__member_keys_count(husk_obj *member);

#endif
